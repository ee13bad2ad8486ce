#include "client/path.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/seed_fetch.h"
#include "common/fsm.h"

enum build_state { BUILD_START, BUILD_FETCHING, BUILD_GUARDS, BUILD_TESTING, BUILD_PAUSING, BUILD_DONE };

static const struct fsm_state build_states[] = {
    [BUILD_START] = {"start", FSM_TO(BUILD_FETCHING) | FSM_TO(BUILD_GUARDS)},
    [BUILD_FETCHING] = {"fetching", FSM_TO(BUILD_GUARDS) | FSM_TO(BUILD_DONE)},
    [BUILD_GUARDS] = {"guards", FSM_TO(BUILD_TESTING) | FSM_TO(BUILD_PAUSING) | FSM_TO(BUILD_DONE)},
    [BUILD_TESTING] = {"testing", FSM_TO(BUILD_GUARDS)},
    [BUILD_PAUSING] = {"pausing", FSM_TO(BUILD_GUARDS)},
    [BUILD_DONE] = {"done", 0},
};

struct guard_test {
    struct path_build *build;
    struct call call;
    int64_t started_ms;
    uint32_t node;
    bool good;
};

/* Exists only while paths are being built. */
struct path_build {
    struct client *client;
    uint8_t state;
    uint8_t tries, rounds;
    uint8_t test_count, tests_open;
    enum err err;
    struct seed_fetch seed;
    struct timer pause;
    struct guard_test tests[LIMIT_GUARDS];
    uint32_t tried[LIMIT_GUARD_ROUNDS * LIMIT_GUARDS];
    uint32_t tried_count;
};

struct path_set {
    struct list waiters;
    struct path_build *build;
    uint32_t last_id;
    uint32_t
        dropped_at_fetch; /* nodes dropped when the list was last fetched in vain: no new try before there are more */
    int64_t fetched_ms; /* when that was */
    uint8_t path_count, guard_count;
    uint8_t wanted; /* good paths below which they are built again */
    uint32_t guards[LIMIT_GUARDS];
    struct path paths[LIMIT_GUARDS];
};

static void build_step(struct path_build *build);

/* --- reading --- */

static struct path *find_path(const struct client *client, uint32_t id)
{
    struct path_set *set = client->paths;
    for (size_t i = 0; set != NULL && i < set->path_count; i++)
        if (set->paths[i].id == id)
            return &set->paths[i];
    return NULL;
}

static bool in_path(const struct path *path, uint32_t node)
{
    for (size_t i = 0; i < LIMIT_PATH_NODES; i++)
        if (path->nodes[i] == node)
            return true;
    return false;
}

/* All nodes that stand in a path or are guards; how many. */
static size_t nodes_in_use(const struct path_set *set, uint32_t out[LIMIT_GUARDS * (LIMIT_PATH_NODES + 1)])
{
    size_t count = 0;
    for (size_t i = 0; i < set->guard_count; i++)
        out[count++] = set->guards[i];
    for (size_t i = 0; i < set->path_count; i++)
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++)
            out[count++] = set->paths[i].nodes[j];
    return count;
}

static void trace_path(struct client *client, const struct path *path)
{
    struct ed25519_public keys[LIMIT_PATH_NODES];
    for (size_t i = 0; i < LIMIT_PATH_NODES; i++)
        keys[i] = snode_pool_node(&client->pool, path->nodes[i])->ed25519;
    env_trace(client->env, &(struct trace_record){.kind = TRACE_PATH,
                                                  .n = {path->id, LIMIT_PATH_NODES},
                                                  .b = {{(const uint8_t *)keys, sizeof keys}}});
}

const struct path *path_pick(struct client *client, const struct ed25519_public *target, uint32_t id)
{
    const struct path_set *set = client->paths;
    const struct path *fit[LIMIT_GUARDS], *avoided = NULL;
    uint32_t node = snode_pool_find(&client->pool, target);
    size_t count = 0;

    for (size_t i = 0; set != NULL && i < set->path_count; i++) {
        const struct path *path = &set->paths[i];
        if (node != NODE_NONE && in_path(path, node))
            continue;
        if (path->id == id)
            avoided = path;
        else
            fit[count++] = path;
    }
    return count == 0 ? avoided : fit[env_random_below(client->env, count)];
}

uint32_t path_draw_target(struct client *client, const uint32_t skip[], size_t skip_count)
{
    const struct path_set *set = client->paths;
    uint32_t barred[LIMIT_LOOKUP_TRIES + LIMIT_PATH_NODES];

    ASSERT(skip_count <= LIMIT_LOOKUP_TRIES);
    for (size_t i = 0; i < skip_count; i++)
        barred[i] = skip[i];
    if (set != NULL && set->path_count == 1) { /* with two, one of them does without any given node */
        memcpy(barred + skip_count, set->paths[0].nodes, sizeof set->paths[0].nodes);
        skip_count += LIMIT_PATH_NODES;
    }
    return snode_pool_draw(&client->pool, client->env, barred, skip_count);
}

bool path_has_relay(const struct client *client, uint32_t id, const struct ed25519_public *key)
{
    const struct path *path = find_path(client, id);
    uint32_t node = snode_pool_find(&client->pool, key);
    return path != NULL && node != NODE_NONE && path->nodes[0] != node && in_path(path, node);
}

bool path_building(const struct client *client)
{
    return client->paths != NULL && client->paths->build != NULL;
}

void path_list(const struct client *client, struct client_paths *out)
{
    const struct path_set *set = client->paths;
    out->count = set == NULL ? 0 : set->path_count;
    for (size_t i = 0; i < out->count; i++)
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++)
            out->nodes[i][j] = snode_pool_node(&client->pool, set->paths[i].nodes[j])->ed25519;
}

void path_free(struct client *client)
{
    if (client->paths == NULL)
        return;
    free(client->paths->build);
    free(client->paths);
    client->paths = NULL;
}

/* --- waiting --- */

/* Too few nodes are left beside those of the paths, and dropping more has changed something since the last try. With
 * nobody at all beside them nothing more may ever be dropped: only another list helps, however often it came in vain. */
static bool list_wanted(const struct client *client)
{
    const struct path_set *set = client->paths;
    uint32_t usable = snode_pool_usable(&client->pool), in_paths = set->path_count * LIMIT_PATH_NODES;

    if (client->pool.list == NULL)
        return true;
    if (client->pool.dropped_count > 0 && (usable < LIMIT_PATH_NODES || usable <= in_paths))
        return env_now_ms(client->env) - set->fetched_ms >= LIMIT_PATH_PAUSE_MS;
    return usable < LIMIT_POOL_MIN + in_paths && client->pool.dropped_count > set->dropped_at_fetch;
}

enum err path_wait(struct client *client, struct path_waiter *waiter,
                   void (*ready)(struct path_waiter *waiter, enum err err))
{
    struct path_set *set = client->paths;
    if (set == NULL) {
        set = client->paths = xcalloc(1, sizeof *set);
        list_init(&set->waiters);
        set->wanted = 1;
    }
    if (set->build == NULL && set->path_count >= set->wanted && !list_wanted(client))
        return OK;

    waiter->ready = ready;
    list_append(&set->waiters, &waiter->link);
    if (set->build == NULL) {
        set->build = xcalloc(1, sizeof *set->build);
        set->build->client = client;
        build_step(set->build);
    }
    return ERR_NOT_READY;
}

bool path_wait_stop(struct path_waiter *waiter)
{
    if (waiter->link.next == NULL || list_empty(&waiter->link))
        return false;
    list_remove(&waiter->link);
    return true;
}

/* --- building --- */

static bool guard_known(const struct path_set *set, uint32_t node)
{
    for (size_t i = 0; i < set->guard_count; i++)
        if (set->guards[i] == node)
            return true;
    return false;
}

/* As many as there can be paths: three nodes each, and no node in two. */
static uint32_t guards_wanted(const struct client *client)
{
    uint32_t most = snode_pool_usable(&client->pool) / LIMIT_PATH_NODES;
    return most < LIMIT_GUARDS ? most : LIMIT_GUARDS;
}

/* All paths anew, one per guard. */
static void draw_paths(struct client *client)
{
    struct path_set *set = client->paths;

    set->path_count = 0;
    if (set->guard_count >
        guards_wanted(client)) /* the pool has shrunk: a guard too many would be missing behind another */
        set->guard_count = (uint8_t)guards_wanted(client);
    for (uint32_t i = 0; i < set->guard_count; i++) {
        struct path path = {.id = set->last_id + 1, .nodes = {set->guards[i]}};
        uint32_t used[LIMIT_GUARDS * (LIMIT_PATH_NODES + 1) + LIMIT_PATH_NODES];
        size_t used_count = nodes_in_use(set, used);
        for (size_t j = 1; j < LIMIT_PATH_NODES; j++) {
            path.nodes[j] = snode_pool_draw(&client->pool, client->env, used, used_count);
            if (path.nodes[j] == NODE_NONE)
                return;
            used[used_count++] = path.nodes[j];
        }
        set->last_id = path.id;
        set->paths[set->path_count++] = path;
        trace_path(client, &path);
    }
}

static void end_build(struct path_build *build)
{
    struct client *client = build->client;
    struct path_set *set = client->paths;
    struct list waiters;
    enum err err = set->path_count > 0 ? OK : build->err;

    /* What could not be built now is not tried again for every request. */
    set->wanted = set->path_count < LIMIT_PATHS_MIN ? set->path_count : LIMIT_PATHS_MIN;
    if (set->wanted == 0)
        set->wanted = 1;
    set->build = NULL;
    free(build);
    /* Those who wait again, because of what the first ones do, wait for another build. */
    list_init(&waiters);
    LIST_EACH_SAFE (at, &set->waiters) {
        list_remove(at);
        list_append(&waiters, at);
    }
    while (!list_empty(&waiters)) {
        struct path_waiter *waiter = CONTAINER_OF(waiters.next, struct path_waiter, link);
        list_remove(&waiter->link);
        waiter->ready(waiter, err);
    }
}

static void on_pause_over(struct timer *timer)
{
    struct path_build *build = CONTAINER_OF(timer, struct path_build, pause);
    build->rounds = 0;
    build->tried_count = 0;
    fsm_move(&build->state, BUILD_GUARDS, build_states);
    build_step(build);
}

static void on_seed(struct seed_fetch *fetch)
{
    struct path_build *build = CONTAINER_OF(fetch, struct path_build, seed);
    struct client *client = build->client;
    struct path_set *set = client->paths;

    build->err = fetch->err;
    set->dropped_at_fetch = client->pool.dropped_count;
    set->fetched_ms = env_now_ms(client->env);
    if (fetch->err == OK) {
        /* Guards last longer than a list: they are found again in the new one by their keys. */
        uint32_t kept = 0;
        for (size_t i = 0; i < set->guard_count; i++) {
            uint32_t node = snode_list_find(fetch->list, &snode_pool_node(&client->pool, set->guards[i])->ed25519);
            if (node != UINT32_MAX)
                set->guards[kept++] = node;
        }
        set->guard_count = (uint8_t)kept;
        set->path_count = 0;
        set->dropped_at_fetch = 0;
        snode_pool_replace(&client->pool, fetch->list);
    }
    build_step(build);
}

static void on_guard_answer(struct call *call)
{
    struct guard_test *test = CONTAINER_OF(call, struct guard_test, call);
    struct path_build *build = test->build;
    struct client *client = build->client;
    struct path_set *set = client->paths;
    uint64_t tested_ms = (uint64_t)(env_now_ms(client->env) - test->started_ms);

    test->good = call->net == NET_OK && call->in.status / 100 == 2;
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_GUARD,
                                     .n = {tested_ms, test->good},
                                     .b = {BYTES_OF(snode_pool_node(&client->pool, test->node)->ed25519.bytes)}});
    if (!test->good)
        client_node_failed(client, test->node);
    if (--build->tests_open > 0)
        return;
    /* In the order of the draw, not of the answers, so that quick nodes are no likelier guards. */
    for (size_t i = 0; i < build->test_count; i++)
        if (build->tests[i].good && set->guard_count < LIMIT_GUARDS &&
            !snode_pool_is_dropped(&client->pool, build->tests[i].node))
            set->guards[set->guard_count++] = build->tests[i].node;
    fsm_move(&build->state, BUILD_GUARDS, build_states);
    build_step(build);
}

/* Asks up to three nodes directly for the own swarm. False: there is nobody left to ask. */
static bool test_guards(struct path_build *build)
{
    struct client *client = build->client;
    struct path_set *set = client->paths;
    uint32_t skip[LIMIT_GUARDS + ARRAY_LEN(build->tried)];
    char account[ACCOUNT_HEX_LEN];
    struct buf body;

    build->test_count = 0;
    while (build->test_count < LIMIT_GUARDS) {
        size_t skip_count = 0;
        for (size_t i = 0; i < set->guard_count; i++)
            skip[skip_count++] = set->guards[i];
        for (size_t i = 0; i < build->tried_count; i++)
            skip[skip_count++] = build->tried[i];
        uint32_t node = snode_pool_draw(&client->pool, client->env, skip, skip_count);
        if (node == NODE_NONE)
            break;
        build->tried[build->tried_count++] = node;
        build->tests[build->test_count++] =
            (struct guard_test){.build = build, .node = node, .started_ms = env_now_ms(client->env)};
    }
    if (build->test_count == 0)
        return false;

    account_to_hex(&client->account, account);
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_get_snodes_encode(&body, (struct bytes){(const uint8_t *)account, sizeof account});
    struct blob *blob = blob_from_buf(&body);
    buf_fini(&body);
    build->tests_open = build->test_count;
    for (size_t i = 0; i < build->test_count; i++)
        client_post(client, &build->tests[i].call, snode_pool_node(&client->pool, build->tests[i].node)->address,
                    PATH_STORAGE_RPC, CONTENT_JSON, blob, LIMIT_GUARD_TEST_MS, on_guard_answer);
    blob_drop(blob);
    return true;
}

/*  START --no list--> FETCHING --> GUARDS --enough--> DONE
 *      ------list known--------->    | ^--answers-- TESTING
 *                                    none at all: PAUSING (1 s), at most 4 tries */
static void build_step(struct path_build *build)
{
    struct client *client = build->client;
    struct path_set *set = client->paths;

    for (;;) {
        switch ((enum build_state)build->state) {
        case BUILD_START:
            if (list_wanted(client)) {
                fsm_move(&build->state, BUILD_FETCHING, build_states);
                seed_fetch_start(&build->seed, client, on_seed);
                return; /* suspended: on_seed() calls build_step() */
            }
            fsm_move(&build->state, BUILD_GUARDS, build_states);
            continue;
        case BUILD_FETCHING:
            /* A failed refresh is no harm as long as the old list will do. */
            fsm_move(&build->state, client->pool.list == NULL ? BUILD_DONE : BUILD_GUARDS, build_states);
            continue;
        case BUILD_GUARDS:
            if (set->guard_count < guards_wanted(client) && build->rounds < LIMIT_GUARD_ROUNDS && test_guards(build)) {
                build->rounds++;
                fsm_move(&build->state, BUILD_TESTING, build_states);
                return; /* suspended: the last on_guard_answer() calls build_step() */
            }
            build->err = set->guard_count == 0 && guards_wanted(client) > 0 ? ERR_UNREACHABLE : ERR_NOT_FOUND;
            if (set->guard_count > 0)
                draw_paths(client);
            if (set->path_count > 0 || ++build->tries == LIMIT_PATH_TRIES) {
                fsm_move(&build->state, BUILD_DONE, build_states);
                continue;
            }
            fsm_move(&build->state, BUILD_PAUSING, build_states);
            env_timer_start(client->env, &build->pause, LIMIT_PATH_PAUSE_MS, on_pause_over);
            return; /* suspended: on_pause_over() calls build_step() */
        case BUILD_TESTING:
        case BUILD_PAUSING:
            ASSERT(!"a step while waiting");
            return;
        case BUILD_DONE:
            end_build(build);
            return;
        }
    }
}

/* --- failures --- */

static void remove_guard(struct path_set *set, uint32_t node)
{
    for (size_t i = 0; i < set->guard_count; i++) {
        if (set->guards[i] != node)
            continue;
        set->guard_count--;
        memmove(&set->guards[i], &set->guards[i + 1], (set->guard_count - i) * sizeof set->guards[0]);
        return;
    }
}

static void remove_path(struct path_set *set, struct path *path)
{
    size_t behind = (size_t)(&set->paths[set->path_count] - path) - 1;
    memmove(path, path + 1, behind * sizeof *path);
    set->path_count--;
}

void path_failed(struct client *client, uint32_t id, uint16_t status, enum path_culprit culprit)
{
    struct path *path = find_path(client, id);
    uint32_t nodes[LIMIT_PATH_NODES];

    if (path == NULL)
        return;
    memcpy(nodes, path->nodes, sizeof nodes);
    bool dropped = ++path->failures >= client->preset->path_failures;
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_PATH_FAILED, .n = {id, path->failures, status, dropped}});
    if (dropped) {
        remove_guard(client->paths, nodes[0]);
        remove_path(client->paths, path);
    }
    switch (culprit) {
    case CULPRIT_GUARD:
        client_node_failed(client, nodes[0]);
        break;
    case CULPRIT_REST:
        for (size_t i = 1; i < LIMIT_PATH_NODES; i++)
            client_node_failed(client, nodes[i]);
        break;
    }
}

void path_forget_node(struct client *client, uint32_t node)
{
    struct path_set *set = client->paths;
    uint32_t used[LIMIT_GUARDS * (LIMIT_PATH_NODES + 1)];

    if (set == NULL)
        return;
    if (guard_known(set, node))
        remove_guard(set, node);
    for (size_t i = 0; i < set->path_count; i++) {
        struct path *path = &set->paths[i];
        if (!in_path(path, node))
            continue;
        /* The replacement is not tested: that would show it the client's address. */
        uint32_t other = path->nodes[0] == node
                             ? NODE_NONE
                             : snode_pool_draw(&client->pool, client->env, used, nodes_in_use(set, used));
        if (other == NODE_NONE) {
            remove_path(set, path);
            return;
        }
        for (size_t j = 1; j < LIMIT_PATH_NODES; j++)
            if (path->nodes[j] == node)
                path->nodes[j] = other;
        path->id = ++set->last_id; /* what still fails under the old number says nothing about the new node */
        trace_path(client, path);
        return;
    }
}
