/* The steps of a script: which is next, what one may use, and running one. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/scenario_internal.h"

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

struct task scenario_pop_task(struct scenario *scenario)
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

void scenario_start_main(struct scenario *scenario)
{
    task_push(scenario, new_task(scenario, scenario->lua, 0, true));
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

void *scenario_alloc(void *owner, void *old, size_t old_size, size_t new_size)
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

/* ---- running one ---- */

/* The script's line that was running: an error raised by a function of Lua's library does not always name it. */
static bool running_line(lua_State *thread, lua_Debug *debug)
{
    for (int level = 0; lua_getstack(thread, level, debug) != 0; level++)
        if (lua_getinfo(thread, "Sl", debug) != 0 && debug->currentline > 0)
            return true;
    return false;
}

int scenario_report_error(struct scenario *scenario, lua_State *thread)
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

int scenario_run_task(struct scenario *scenario, struct task task)
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
        return scenario_report_error(scenario, task.thread);
    luaL_unref(scenario->lua, LUA_REGISTRYINDEX, task.thread_ref);
    return task.is_main ? -1 : 0;
}
