#include "sim/scenario_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/assets.h"
#include "sim/loop.h"
#include "sim/stopwatch.h"

#define PROGRESS_MS 100

struct scenario *scenario_of(lua_State *lua)
{
    return *(struct scenario **)lua_getextraspace(lua);
}

/* ---- time ---- */

/* What the progress line needs: the current wait of the script itself, whatever other steps wake up meanwhile. */
struct progress {
    int64_t started_ms, from_us, until_us, shown_ms;
};

static void show_progress(void *owner, const struct world *world)
{
    struct progress *progress = owner;
    int64_t elapsed_ms = stopwatch_ms() - progress->started_ms, now_us = world_now_us(world);
    int64_t done_us = now_us - progress->from_us, left_us = progress->until_us - now_us;
    char speed[48];

    if (stopwatch_ms() - progress->shown_ms < PROGRESS_MS)
        return;
    progress->shown_ms = stopwatch_ms();
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
        task = scenario_pop_task(scenario);
        status = scenario_run_task(scenario, task);
        if (task.is_main && scenario->world != NULL)
            progress = (struct progress){.started_ms = stopwatch_ms(),
                                         .from_us = world_now_us(scenario->world),
                                         .until_us = scenario->main_wake_us,
                                         .shown_ms = progress.shown_ms};
    }
    return status == -1 ? 0 : status;
}

/* ---- what a script can call without a world ---- */

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
    scenario->lua = lua_newstate(scenario_alloc, scenario);
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
        return scenario_report_error(scenario, lua);
    snprintf(chunk, sizeof(chunk), "@%s", config->name);
    if (luaL_loadbufferx(lua, (const char *)config->source.data, config->source.len, chunk, "t") != LUA_OK)
        return scenario_report_error(scenario, lua);
    scenario_start_main(scenario);
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
        (struct scenario){.config = config, .seed = config->seed_given ? config->seed : 1, .started_ms = stopwatch_ms()};
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
    scenario_free_kept(scenario);
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
        scenario_fill_report(&scenario, report);
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
            if (scenario_run_task(scenario, scenario_pop_task(scenario)) == 2)
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

    scenario_fill_report(scenario, report);
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
