#include "sim/scenario_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/onion_request.h"
#include "common/text.h"
#include "sim/assets.h"
#include "sim/loop.h"
#include "sim/stopwatch.h"

#define PROGRESS_MS 100

struct scenario *scenario_of(lua_State *lua)
{
    return *(struct scenario **)lua_getextraspace(lua);
}

/* ---- tasks: a binary heap by (wake_us, order) ---- */

static bool task_before(const struct task *a, const struct task *b)
{
    return a->wake_us != b->wake_us ? a->wake_us < b->wake_us : a->order < b->order;
}

static void task_push(struct scenario *scenario, struct task task)
{
    size_t at = scenario->task_count++;

    if (scenario->task_count > scenario->task_cap) {
        scenario->task_cap = scenario->task_cap == 0 ? 64 : 2 * scenario->task_cap;
        scenario->tasks = xrealloc(scenario->tasks, scenario->task_cap * sizeof(task));
    }
    while (at > 0 && task_before(&task, &scenario->tasks[(at - 1) / 2])) {
        scenario->tasks[at] = scenario->tasks[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    scenario->tasks[at] = task;
}

static struct task task_pop(struct scenario *scenario)
{
    struct task first = scenario->tasks[0], last = scenario->tasks[--scenario->task_count];
    size_t at = 0;

    for (size_t child; (child = 2 * at + 1) < scenario->task_count; at = child) {
        if (child + 1 < scenario->task_count && task_before(&scenario->tasks[child + 1], &scenario->tasks[child]))
            child++;
        if (!task_before(&scenario->tasks[child], &last))
            break;
        scenario->tasks[at] = scenario->tasks[child];
    }
    if (scenario->task_count > 0)
        scenario->tasks[at] = last;
    return first;
}

int scenario_wait(lua_State *lua, int64_t wake_us, lua_KFunction k, lua_KContext context)
{
    struct scenario *scenario = scenario_of(lua);

    if (scenario->running == NULL || !lua_isyieldable(lua))
        return luaL_error(lua, "can't wait here: only the script itself and functions given to net:at can");
    scenario->running->wake_us = wake_us;
    return lua_yieldk(lua, 0, context, k);
}

static struct task new_task(struct scenario *scenario, lua_State *from, int64_t wake_us, bool is_main)
{
    struct task task = {.wake_us = wake_us, .order = scenario->task_order++, .is_main = is_main};

    task.thread = lua_newthread(from);
    task.thread_ref = luaL_ref(from, LUA_REGISTRYINDEX);
    lua_xmove(from, task.thread, 1);
    return task;
}

void scenario_start_task(lua_State *lua, int64_t wake_us)
{
    struct scenario *scenario = scenario_of(lua);

    if (scenario->task_count >= SCENARIO_TASKS_MAX)
        luaL_error(lua, "more than %d steps are waiting", SCENARIO_TASKS_MAX);
    task_push(scenario, new_task(scenario, lua, wake_us, false));
}

/* ---- bounds of a step ---- */

static int instructions_max(const struct scenario *scenario)
{
    return scenario->config->instructions_max > 0 ? scenario->config->instructions_max : SCENARIO_STEP_INSTRUCTIONS;
}

static uint64_t memory_bytes_max(const struct scenario *scenario)
{
    return scenario->config->memory_bytes_max > 0 ? scenario->config->memory_bytes_max : SCENARIO_MEMORY_BYTES;
}

/* Once over a limit, every further instruction of a step fails, so no pcall in the script can hold it up. */
static void on_instructions(lua_State *lua, lua_Debug *debug)
{
    struct scenario *scenario = scenario_of(lua);

    (void)debug;
    if (!scenario->step_exhausted)
        lua_sethook(lua, on_instructions, LUA_MASKCOUNT, 1);
    scenario->step_exhausted = true;
    luaL_error(lua, "a step ran more than %d instructions or copied too much, and did not wait", instructions_max(scenario));
}

static void *bounded_alloc(void *owner, void *old, size_t old_size, size_t new_size)
{
    struct scenario *scenario = owner;
    void *memory;

    if (old == NULL)
        old_size = 0;
    if (new_size > old_size && scenario->memory_bytes + (new_size - old_size) > memory_bytes_max(scenario))
        return NULL; /* Lua raises "not enough memory" */
    if (new_size == 0) {
        free(old);
        scenario->memory_bytes -= old_size;
        return NULL;
    }
    scenario->step_bytes += new_size;
    if (scenario->step_bytes / SCENARIO_STEP_TURNOVER > memory_bytes_max(scenario) && scenario->running != NULL)
        lua_sethook(scenario->running->thread, on_instructions, LUA_MASKCOUNT, 1);
    memory = realloc(old, new_size);
    if (memory != NULL)
        scenario->memory_bytes += new_size - old_size;
    return memory;
}

/* ---- one run ---- */

/* The script's line that was running: an error raised by a function of Lua's library does not always name it. */
static bool running_line(lua_State *thread, lua_Debug *debug)
{
    for (int level = 0; lua_getstack(thread, level, debug) != 0; level++)
        if (lua_getinfo(thread, "Sl", debug) != 0 && debug->currentline > 0)
            return true;
    return false;
}

static int report_error(struct scenario *scenario, lua_State *thread)
{
    const char *message = lua_tostring(thread, -1);
    lua_Debug debug;

    fprintf(stderr, "%s\n", message != NULL ? message : "the script raised an error that is no text");
    if (running_line(thread, &debug))
        fprintf(stderr, "  in %s:%d\n", debug.short_src, debug.currentline);
    if (scenario->world != NULL)
        fprintf(stderr, "  at virtual time %.3f s, seed %" PRIu64 "\n", (double)world_now_us(scenario->world) / 1e6,
                scenario->seed);
    return 2;
}

/* Resumes one task: 0 goes on, 2 an error, -1 the main task has ended. */
static int run_task(struct scenario *scenario, struct task task)
{
    int results, status;

    if (scenario->steps_at_once++ == SCENARIO_STEPS_AT_ONCE) {
        fprintf(stderr, "%s: %d steps ran and no time passed: is there a wait of 0 in a loop?\n",
                scenario->config->name, SCENARIO_STEPS_AT_ONCE);
        return 2;
    }
    scenario->running = &task;
    scenario->step_exhausted = false;
    scenario->step_bytes = 0;
    lua_sethook(task.thread, on_instructions, LUA_MASKCOUNT, instructions_max(scenario));
    status = lua_resume(task.thread, scenario->lua, 0, &results);
    scenario->running = NULL;
    if (status == LUA_YIELD) {
        lua_pop(task.thread, results);
        if (task.is_main)
            scenario->main_wake_us = task.wake_us;
        task.order = scenario->task_order++;
        task_push(scenario, task);
        return 0;
    }
    if (scenario->described)
        return -1;
    if (status != LUA_OK)
        return report_error(scenario, task.thread);
    luaL_unref(scenario->lua, LUA_REGISTRYINDEX, task.thread_ref);
    return task.is_main ? -1 : 0;
}

static int64_t wall_ms(void)
{
    return (int64_t)(stopwatch_ns() / 1000000);
}

/* What the progress line needs: the current wait of the script itself, whatever other steps wake up meanwhile. */
struct progress {
    int64_t started_ms, from_us, until_us, shown_ms;
};

static void show_progress(void *owner, const struct world *world)
{
    struct progress *progress = owner;
    int64_t elapsed_ms = wall_ms() - progress->started_ms, now_us = world_now_us(world);
    int64_t done_us = now_us - progress->from_us, left_us = progress->until_us - now_us;
    char speed[48];

    if (wall_ms() - progress->shown_ms < PROGRESS_MS)
        return;
    progress->shown_ms = wall_ms();
    report_speed(speed, sizeof(speed), done_us / 1000, elapsed_ms);
    fprintf(stderr, "\r  %.1f h of %.1f h, %s, %" PRId64 " s left   ", (double)now_us / 3.6e9,
            (double)progress->until_us / 3.6e9, speed,
            done_us > 0 ? (int64_t)((double)left_us / (double)done_us * (double)elapsed_ms / 1000) : 0);
}

/* Lets time pass until the next task is due. False: interrupted by a signal. */
static bool pass_time(struct scenario *scenario, struct progress *progress)
{
    struct world *world = scenario->world;
    loop_progress_fn show = scenario->config->progress ? show_progress : NULL;

    if (world == NULL || scenario->tasks[0].wake_us <= world_now_us(world))
        return true;
    scenario->steps_at_once = 0;
    if (loop_run(world, scenario->tasks[0].wake_us, show, progress) == LOOP_INTERRUPTED)
        return false;
    if (show != NULL)
        show(progress, world); /* the runs between two tasks may all be too short for the loop to ask */
    return true;
}

/* Runs tasks and time alternately until the main task ends. */
static int run_all(struct scenario *scenario, bool *interrupted)
{
    struct progress progress = {0};
    int status = 0;

    while (scenario->task_count > 0 && status == 0) {
        struct task task;

        if (!pass_time(scenario, &progress)) {
            *interrupted = true;
            return 0;
        }
        task = task_pop(scenario);
        status = run_task(scenario, task);
        if (task.is_main && scenario->world != NULL)
            progress = (struct progress){.started_ms = wall_ms(),
                                         .from_us = world_now_us(scenario->world),
                                         .until_us = scenario->main_wake_us,
                                         .shown_ms = progress.shown_ms};
    }
    return status == -1 ? 0 : status;
}

/* ---- what was kept of the trace ---- */

static void keep_record(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct scenario *scenario = owner;
    struct kept_record *kept;

    (void)index;
    if (scenario->kept_count == SCENARIO_KEPT_MAX) {
        scenario->kept_lost++;
        return;
    }
    if (scenario->kept_count == scenario->kept_cap) {
        scenario->kept_cap = scenario->kept_cap == 0 ? 256 : 2 * scenario->kept_cap;
        scenario->kept = xrealloc(scenario->kept, scenario->kept_cap * sizeof(*scenario->kept));
    }
    kept = &scenario->kept[scenario->kept_count++];
    *kept = (struct kept_record){at_us, seat, *record};
    for (size_t i = 0; i < ARRAY_LEN(record->b); i++) {
        uint8_t *copy = record->b[i].len > 0 ? xmalloc(record->b[i].len) : NULL;

        if (copy != NULL)
            memcpy(copy, record->b[i].data, record->b[i].len);
        kept->record.b[i].data = copy;
    }
}

struct trace_sink scenario_keep_sink(struct scenario *scenario, uint64_t kinds)
{
    return (struct trace_sink){.owner = scenario, .kinds = kinds, .record = keep_record};
}

static void free_kept(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->kept_count; i++)
        for (size_t j = 0; j < ARRAY_LEN(scenario->kept[i].record.b); j++)
            free((uint8_t *)(uintptr_t)scenario->kept[i].record.b[j].data);
    free(scenario->kept);
}

/* ---- the report ---- */

enum loss scenario_why_lost(void *owner, const struct checked *message)
{
    struct scenario *scenario = owner;
    struct testbed *testbed = scenario->testbed;
    uint32_t sender = testbed_client_by_account(testbed, &message->source), holder;
    const struct client *client = sender == UINT32_MAX ? NULL : testbed_client(testbed, sender);
    const struct sent *sent = client == NULL ? NULL : client_sent(client, message->number);

    if (message->failed)
        return LOSS_NOT_SENT;
    if (message->twin > 0)
        return LOSS_SAME_TIME;
    if (sent == NULL || sent->stored_count == 0)
        return LOSS_UNFINISHED;
    if (checker_unreadable(&scenario->checker, sent->hash))
        return LOSS_UNREADABLE;
    if (testbed_holders(testbed, sent->hash, &holder, 1) > 0)
        return LOSS_NOT_FETCHED;
    if (world_now_ms(scenario->world) >= (int64_t)(sent->timestamp_ms + sent->ttl_ms))
        return LOSS_EXPIRED;
    return LOSS_NO_HOLDER;
}

static void fill_report(struct scenario *scenario, struct report *report)
{
    struct world *world = scenario->world;
    const struct membership *membership = chain_membership(testbed_chain(scenario->testbed));

    *report = (struct report){
        .scenario = scenario->config->name,
        .crypto = scenario->config->suite->name,
        .threads = scenario->config->threads,
        .seed = scenario->seed,
        .expectations = scenario->expectations,
        .expectations_failed = scenario->expectations_failed,
        .wall_ms = wall_ms() - scenario->started_ms,
        .observer = scenario->config->observer,
    };
    checker_totals(&scenario->checker, scenario_why_lost, scenario, &report->totals);
    report->digest = world_digest(world);
    report->virtual_ms = world_now_us(world) / 1000;
    report->nodes = membership != NULL ? membership->node_count : 0;
    report->swarms = membership != NULL ? membership->swarm_count : 0;
    report->clients = testbed_client_count(scenario->testbed);
    world_stats(world, &report->stats);
    metrics_init(&report->metrics);
    world_metrics(world, &report->metrics);
}

static int say(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    int count = lua_gettop(lua);

    if (!scenario->config->story || scenario->describing)
        return 0;
    for (int i = 1; i <= count; i++) {
        lua_getglobal(lua, "tostring");
        lua_pushvalue(lua, i);
        lua_call(lua, 1, 1);
        if (i > 1)
            fputc(' ', stdout);
        fputs(lua_tostring(lua, -1) != NULL ? lua_tostring(lua, -1) : "?", stdout);
        lua_pop(lua, 1);
    }
    fputc('\n', stdout);
    return 0;
}

static int expect(lua_State *lua)
{
    struct scenario *scenario = scenario_of(lua);
    const char *text = luaL_optstring(lua, 2, "it holds");
    bool holds = lua_toboolean(lua, 1);

    if (scenario->world == NULL)
        return luaL_error(lua, "expect() before world{}");
    scenario->expectations++;
    if (!holds) {
        scenario->expectations_failed++;
        luaL_where(lua, 1);
        fprintf(stderr, "%sexpectation failed: %s\n", lua_tostring(lua, -1), text);
        fprintf(stderr,
                "  seed %" PRIu64 ", virtual time %.3f s; to see it again: swarmbed run %s --seed %" PRIu64 "%s\n",
                scenario->seed, (double)world_now_us(scenario->world) / 1e6, scenario->config->name, scenario->seed,
                scenario->config->replay_options);
    }
    lua_pushboolean(lua, holds);
    return 1;
}

/* use "users": runs the built-in library scenarios/lib/users.lua and returns what it returns. */
static int use(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    const char *path = lua_pushfstring(lua, "scenarios/lib/%s.lua", name);
    struct bytes source = assets_find(path);

    if (source.data == NULL)
        return luaL_error(lua, "no library \"%s\"", name);
    if (luaL_loadbufferx(lua, (const char *)source.data, source.len, lua_pushfstring(lua, "@%s", path), "t") != LUA_OK)
        return lua_error(lua);
    lua_call(lua, 0, 1);
    return 1;
}

/* Only memory can fail where nothing protects a call into Lua. */
static int on_panic(lua_State *lua)
{
    (void)lua;
    out_of_memory();
}

static void open_lua(struct scenario *scenario)
{
    scenario->lua = lua_newstate(bounded_alloc, scenario);
    if (scenario->lua == NULL)
        out_of_memory();
    lua_atpanic(scenario->lua, on_panic);
    *(struct scenario **)lua_getextraspace(scenario->lua) = scenario;
}

/* Runs protected: opening the libraries allocates, and may fail by the memory bound. */
static int open_libraries(lua_State *lua)
{
    sandbox_open(lua);
    params_open(lua);
    objects_open(lua);
    lua_register(lua, "world", world_function);
    lua_register(lua, "expect", expect);
    lua_register(lua, "say", say);
    lua_register(lua, "print", say);
    lua_register(lua, "use", use);
    return 0;
}

/* The script is ready to run, as a task. 0 or 2. */
static int load(struct scenario *scenario)
{
    lua_State *lua = scenario->lua;
    const struct scenario_config *config = scenario->config;
    char chunk[256];

    lua_pushcfunction(lua, open_libraries);
    if (lua_pcall(lua, 0, 0, 0) != LUA_OK)
        return report_error(scenario, lua);
    snprintf(chunk, sizeof(chunk), "@%s", config->name);
    if (luaL_loadbufferx(lua, (const char *)config->source.data, config->source.len, chunk, "t") != LUA_OK)
        return report_error(scenario, lua);
    task_push(scenario, new_task(scenario, lua, 0, true));
    return 0;
}

static int load_and_run(struct scenario *scenario, bool *interrupted)
{
    int status = load(scenario);

    return status == 0 ? run_all(scenario, interrupted) : status;
}

static void scenario_init(struct scenario *scenario, const struct scenario_config *config)
{
    *scenario =
        (struct scenario){.config = config, .seed = config->seed_given ? config->seed : 1, .started_ms = wall_ms()};
    scenario->set_used = xcalloc(config->set_count + 1, sizeof(bool));
    open_lua(scenario);
}

static void scenario_fini(struct scenario *scenario)
{
    lua_close(scenario->lua);
    if (scenario->testbed != NULL) {
        testbed_free(scenario->testbed);
        checker_fini(&scenario->checker);
    }
    observer_free(scenario->own_observer);
    if (scenario->snapshots != NULL)
        snapshots_free(scenario->snapshots);
    free_kept(scenario);
    free(scenario->tasks);
    free(scenario->seats);
    free(scenario->set_used);
}

/* The trace file must be whole before the run counts as done. */
static int close_trace(struct scenario *scenario, int status)
{
    if (!scenario->trace_open || trace_file_close(&scenario->trace) == OK)
        return status;
    fprintf(stderr, "swarmbed: %s: could not be written to its end; is the disk full?\n", scenario->config->trace_path);
    return status == 2 ? 2 : 3; /* of a script with an error there is no report */
}

/* 0 or 2. */
static int check_built(const struct scenario *scenario)
{
    if (scenario->world != NULL)
        return 0;
    fprintf(stderr, "%s: the script builds no world: it needs `local net = world { nodes = 50 }`\n",
            scenario->config->name);
    return 2;
}

int scenario_run(const struct scenario_config *config, struct report *report)
{
    struct scenario scenario;
    bool interrupted = false;
    int status;

    scenario_init(&scenario, config);
    status = load_and_run(&scenario, &interrupted);
    if (status == 0)
        status = check_built(&scenario);
    if (config->progress)
        fprintf(stderr, "\r\x1b[K");
    if (status == 0) {
        fill_report(&scenario, report);
        report->interrupted = interrupted;
        /* An interrupted run has not shown that all holds. */
        status = scenario.expectations_failed > 0 || interrupted ? 1 : 0;
    }
    status = close_trace(&scenario, status);
    scenario_fini(&scenario);
    return status;
}

/* ---- a run whose time others let pass ---- */

struct scenario *scenario_open(const struct scenario_config *config)
{
    struct scenario *scenario = xmalloc(sizeof(*scenario));

    scenario_init(scenario, config);
    if (load(scenario) == 0 && scenario_advance(scenario, 0, 0) && check_built(scenario) == 0)
        return scenario;
    scenario_fini(scenario);
    free(scenario);
    return NULL;
}

struct testbed *scenario_testbed(struct scenario *scenario)
{
    return scenario->testbed;
}

static int64_t now_us(const struct scenario *scenario)
{
    return scenario->world == NULL ? 0 : world_now_us(scenario->world);
}

bool scenario_advance(struct scenario *scenario, int64_t until_us, uint64_t budget_ns)
{
    for (;;) {
        int64_t stop_us = until_us;

        while (scenario->task_count > 0 && scenario->tasks[0].wake_us <= now_us(scenario))
            if (run_task(scenario, task_pop(scenario)) == 2)
                return false;
        if (scenario->world == NULL || now_us(scenario) >= until_us)
            return true;
        if (scenario->task_count > 0 && scenario->tasks[0].wake_us < stop_us)
            stop_us = scenario->tasks[0].wake_us;
        scenario->steps_at_once = 0;
        world_run_until(scenario->world, stop_us, 0, NULL, NULL, budget_ns);
        if (now_us(scenario) < stop_us)
            return true; /* the budget is spent */
    }
}

int64_t scenario_next_us(const struct scenario *scenario)
{
    int64_t world_us = world_next_us(scenario->world);

    if (scenario->task_count > 0 && scenario->tasks[0].wake_us < world_us)
        return scenario->tasks[0].wake_us;
    return world_us;
}

int scenario_close(struct scenario *scenario, struct report *report)
{
    int status = scenario->expectations_failed > 0 ? 1 : 0;

    fill_report(scenario, report);
    status = close_trace(scenario, status);
    scenario_fini(scenario);
    free(scenario);
    return status;
}

int scenario_describe(const struct scenario_config *config, FILE *out)
{
    struct scenario scenario;
    bool interrupted = false;
    int status;

    scenario_init(&scenario, config);
    scenario.describing = true;
    scenario.describe_out = out;
    status = load_and_run(&scenario, &interrupted);
    scenario_fini(&scenario);
    return status;
}
