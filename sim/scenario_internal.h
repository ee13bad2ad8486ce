/* scenario_internal.h: what the scenario files share. */
#ifndef SWARMBED_SCENARIO_INTERNAL_H
#define SWARMBED_SCENARIO_INTERNAL_H

#include <lauxlib.h>
#include <lua.h>

#include "sim/scenario.h"
#include "sim/snapshot.h"
#include "sim/testbed.h"
#include "sim/trace_file.h"

#define SCENARIO_STEP_INSTRUCTIONS 100000000 /* between two waits; far more than any honest step */
#define SCENARIO_MEMORY_BYTES      (UINT64_C(2) << 30)
#define SCENARIO_STEP_TURNOVER     2 /* times that bound: what a step may allocate, used or not: an instruction can copy much */
#define SCENARIO_TASKS_MAX         1000000
#define SCENARIO_KEPT_MAX          1000000 /* trace records kept for net:records() */
#define SCENARIO_PARAMS_MAX        64
#define SCENARIO_STEPS_AT_ONCE     2000000 /* resumptions without time passing; each task counts one */
#define SCENARIO_NODES_MAX         20000
#define SCENARIO_NAME_BYTES_MAX    63 /* of a client */
#define SCENARIO_DIFFICULTY_MAX    1000000
#define SCENARIO_SKEW_MS_MAX       INT64_C(315576000000)           /* ten years, either way */
#define SCENARIO_DURATION_US_MAX   (INT64_C(365250) * 86400000000) /* 1,000 years: sums of two fit 64 bits */
#define SCENARIO_POLL_MS           100                             /* how often wait_for asks, in virtual time */

/* A coroutine of the script and when it goes on. */
struct task {
    int64_t wake_us;
    uint64_t order; /* of two due at once, the one that began to wait first */
    lua_State *thread;
    int thread_ref; /* keeps it from the garbage collector */
    bool is_main;
};

/* What a script holds of the world: a userdata of this form, the same one for the same thing. */
enum object_kind { OBJECT_NONE, OBJECT_NET, OBJECT_NODE, OBJECT_CLIENT, OBJECT_MESSAGE };
struct object {
    enum object_kind kind;
    uint32_t number; /* of the node or client; of a message: its sender's */
    uint32_t part;   /* of a message: its number there */
};

/* A trace record that the script asked to keep. */
struct kept_record {
    int64_t at_us;
    uint32_t seat;
    struct trace_record record; /* its byte strings are owned */
};

struct scenario {
    const struct scenario_config *config;
    lua_State *lua;
    uint64_t memory_bytes, step_bytes; /* in use; allocated by the running step */
    bool describing; /* --help: stops at world{} */
    FILE *describe_out;
    bool described; /* world{} was reached */
    int64_t started_ms; /* real time */
    uint64_t seed;
    struct rng rng;                        /* of math.random */
    struct snapshots *snapshots;           /* real membership, if the script asked for it */
    const struct chain_snapshot *snapshot; /* the one that the world began with, or NULL */
    struct testbed *testbed;               /* NULL before world{} */
    struct world *world;
    struct checker checker;
    struct trace_file trace;
    bool trace_open;
    struct observer *observer;     /* the config's, or own_observer; NULL: nobody reads along */
    struct observer *own_observer; /* the script asked for it */
    struct task *tasks; /* binary heap by (wake_us, order) */
    size_t task_count, task_cap;
    uint64_t task_order;
    struct task *running;   /* the one that is resumed now */
    uint32_t steps_at_once; /* resumed since time last passed */
    int64_t main_wake_us;   /* when the script itself goes on */
    struct kept_record *kept;
    size_t kept_count, kept_cap;
    uint64_t kept_lost;   /* records beyond SCENARIO_KEPT_MAX */
    struct object *seats; /* who sits in which seat, as far as it was asked */
    uint32_t seat_count, seats_nodes, seats_clients;
    bool *set_used;                               /* per config->sets */
    const char *param_names[SCENARIO_PARAMS_MAX]; /* declared so far: anchored in the registry */
    size_t param_count;
    uint32_t expectations, expectations_failed;
    bool step_exhausted; /* the running step hit its instruction limit */
};

struct scenario *scenario_of(lua_State *lua);

/* scenario_sandbox.c: the deterministic, closed standard library. */
void sandbox_open(lua_State *lua);
/* scenario_params.c: param(), describe(). */
void params_open(lua_State *lua);
/* Raises an error if a --set was not declared: called by world{}. */
void params_check_all_used(lua_State *lua, struct scenario *scenario);
/* scenario_world.c: world{}: options -> testbed. */
int world_function(lua_State *lua);
/* The snapshot that the argument means, a height or a date; raises an error that lists them. */
const struct chain_snapshot *check_snapshot(lua_State *lua, struct scenario *scenario, int index);
/* Who sits in a seat: OBJECT_NONE for the seed. */
struct object scenario_seat_object(struct scenario *scenario, uint32_t seat);
/* "node 17", "Alice", "seed". */
void scenario_seat_name(void *scenario, uint32_t seat, char *out, size_t size);

/* scenario_objects.c: what a script holds of the world. */
void objects_open(lua_State *lua);
void push_object(lua_State *lua, struct object object);
struct object check_object(lua_State *lua, int index, enum object_kind kind);
void push_node(lua_State *lua, uint32_t node);
void push_node_by_key(lua_State *lua, struct scenario *scenario, const struct ed25519_public *key);
void push_hex(lua_State *lua, struct bytes bytes);
/* The kind of that name; raises an error with the nearest one. */
enum trace_kind check_trace_kind(lua_State *lua, const char *name);
/* A clock's error in milliseconds. */
int64_t check_skew_ms(lua_State *lua, int index);
/* The account that an argument means: a client, or an id as 66 hex digits. */
struct account_id check_account(lua_State *lua, int index);
/* scenario_nodes.c, scenario_clients.c, scenario_net.c: methods and fields by kind. `object` is at index 1 of the
 * stack. */
typedef int (*field_fn)(lua_State *lua, struct scenario *scenario, struct object object);
struct object_field {
    const char *name;
    field_fn get;
};
struct object_class {
    const char *name;
    const luaL_Reg *methods; /* ends with {NULL, NULL} */
    const struct object_field *fields;
    size_t field_count;
};
extern const struct object_class net_class, node_class, client_class, message_class;

/* scenario_observe.c */
int node_saw(lua_State *lua);
int net_learned(lua_State *lua);

/* scenario_tasks.c */
/* Ends the running step until `wake_us`: to be returned from a C function. `k` runs then. */
int scenario_wait(lua_State *lua, int64_t wake_us, lua_KFunction k, lua_KContext context);
/* A new task that calls the function on top of the stack (popped) at that time. */
void scenario_start_task(lua_State *lua, int64_t wake_us);
/* The same for the script itself, due at once, where nothing waits yet. */
void scenario_start_main(struct scenario *scenario);
struct task scenario_pop_task(struct scenario *scenario); /* the next; task_count is not 0 */
/* Resumes it: 0 goes on, 2 an error, -1 the main task has ended. */
int scenario_run_task(struct scenario *scenario, struct task task);
/* Tells standard error what is on top of the stack, and where it happened. 2: the exit status. */
int scenario_report_error(struct scenario *scenario, lua_State *thread);
/* Lua's allocator, bounded; the owner is the scenario. */
void *scenario_alloc(void *owner, void *old, size_t old_size, size_t new_size);

/* scenario_report.c */
/* Why a message was not shown: asked of the world as it stands now. A checker_why_fn; the owner is the scenario. */
enum loss scenario_why_lost(void *scenario, const struct checked *message);
bool scenario_serves(void *scenario, uint32_t seat, const struct account_id *account); /* a checker_serves_fn */
struct trace_sink scenario_keep_sink(struct scenario *scenario, uint64_t kinds);
void scenario_free_kept(struct scenario *scenario);
void scenario_fill_report(struct scenario *scenario, struct report *report);

/* "30s" or a number of milliseconds, not negative, at most 1,000 years -> microseconds; false: it is neither. */
bool duration_at(lua_State *lua, int index, int64_t *us);
/* The same; raises an error that names the argument. */
int64_t check_duration_us(lua_State *lua, int index);
/* Raises `no NAME "wrong"; did you mean "nearest"?` */
_Noreturn void raise_unknown(lua_State *lua, const char *what, const char *wrong, const void *names, size_t count,
                             size_t stride);

#endif
