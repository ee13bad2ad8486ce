#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/path.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;
static struct path_waiter waiter;
static struct client_paths paths;
static int ready_count;
static enum err ready_err;

static void on_ready(struct path_waiter *w, enum err err)
{
    (void)w;
    ready_count++;
    ready_err = err;
}

static void start(uint32_t node_count)
{
    fake_swarm_init(&net, node_count, 1);
    client = fake_swarm_client(&net, 1);
    waiter = (struct path_waiter){0};
    ready_count = 0;
}

static void stop(void)
{
    client_free(client);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

/* Asks for paths and lets the network answer; what came of it. */
static enum err build(void)
{
    int before = ready_count;
    enum err err = path_wait(client, &waiter, on_ready);
    if (err != ERR_NOT_READY)
        return err;
    ck_assert_int_eq(ready_count, before);
    fake_swarm_run(&net);
    ck_assert_int_eq(ready_count, before + 1);
    client_paths(client, &paths);
    return ready_err;
}

static uint32_t node_of(size_t path, size_t hop)
{
    return fake_swarm_by_key(&net, &paths.nodes[path][hop]);
}

static void check_disjoint(void)
{
    uint64_t met = 0;
    client_paths(client, &paths);
    for (size_t i = 0; i < paths.count; i++)
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++) {
            ck_assert((met & (UINT64_C(1) << node_of(i, j))) == 0);
            met |= UINT64_C(1) << node_of(i, j);
        }
}

static uint32_t id_of(size_t path)
{
    for (int i = 0; i < 100; i++) {
        const struct path *picked = path_pick(client, &paths.nodes[(path + 1) % paths.count][0], 0);
        if (picked != NULL && picked->nodes[0] == node_of(path, 0))
            return picked->id;
    }
    ck_abort_msg("no such path");
    return 0;
}

/* The list, three tested guards, three paths of three nodes, none of them in two. */
START_TEST(three_paths_of_three_nodes)
{
    start(20);
    ck_assert_int_eq(build(), OK);
    ck_assert_uint_eq(paths.count, 3);
    check_disjoint();
    ck_assert_uint_eq(net.fake.call_count, 4); /* the seed and three guards */
    ck_assert_uint_eq(fake_swarm_logged(&net, "get_snodes_for_pubkey"), 3);
    ck_assert_uint_eq(fake_env_call(&net.fake, 1)->timeout_ms, 10000);
    char own[ACCOUNT_HEX_LEN];
    account_to_hex(client_account(client), own);
    for (size_t i = 0; i < 3; i++) {
        const struct fake_log *log = fake_swarm_log(&net, "get_snodes_for_pubkey", i);
        ck_assert_uint_eq(log->path[0], UINT32_MAX);
        ck_assert(memcmp(log->pubkey, own, sizeof own) == 0);
        ck_assert(log->target == node_of(0, 0) || log->target == node_of(1, 0) || log->target == node_of(2, 0));
    }
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_GUARD), 3);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH), 3);
    /* Once there, there is no more to wait for. */
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK);
    ck_assert(!path_building(client));
    stop();
}
END_TEST

/* Several who wait are told in their order; one who has stopped waiting is not. */
START_TEST(all_waiters_are_told)
{
    struct path_waiter second = {{0}}, third = {{0}};
    start(20);
    ck_assert(!path_wait_stop(&second));
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    ck_assert_int_eq(path_wait(client, &second, on_ready), ERR_NOT_READY);
    ck_assert_int_eq(path_wait(client, &third, on_ready), ERR_NOT_READY);
    ck_assert(path_wait_stop(&second));
    ck_assert(!path_wait_stop(&second));
    fake_swarm_run(&net);
    ck_assert_int_eq(ready_count, 2);
    ck_assert_uint_eq(net.fake.call_count, 4);
    stop();
}
END_TEST

/* A guard that refuses, or is silent for 10 s, or answers an error, is no guard; others are tested, three at a time. */
START_TEST(bad_guards_are_replaced)
{
    start(20);
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_env_run(&net.fake);
    struct buf buf;
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_node_list_encode(&buf, &net.membership);
    fake_env_answer(&net.fake, 0, 200, buf_bytes(&buf));
    buf_fini(&buf);
    ck_assert_uint_eq(net.fake.call_count, 4);
    fake_env_fail(&net.fake, 1, NET_REFUSED);
    fake_env_answer(&net.fake, 2, 503, BYTES_LIT("not ready"));
    fake_env_advance_ms(&net.fake, 9999);
    ck_assert_uint_eq(net.fake.call_count, 4); /* the whole round first */
    fake_env_advance_ms(&net.fake, 1);
    ck_assert_uint_eq(net.fake.call_count, 7);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_NODE_FAILED), 3);
    fake_swarm_run(&net);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 3);
    for (size_t i = 1; i < 4; i++)
        for (size_t j = 4; j < 7; j++)
            ck_assert(!address_equal(fake_env_call(&net.fake, i)->to, fake_env_call(&net.fake, j)->to));
    stop();
}
END_TEST

/* Six rounds without a guard, four times, a second apart; then whoever waits learns that nobody can be reached. */
START_TEST(no_guard_at_all)
{
    start(30);
    for (uint32_t i = 0; i < 30; i++)
        net.nodes[i].mode = FAKE_REFUSES;
    net.preset.node_failures = 100;
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_swarm_run(&net);
    ck_assert_uint_eq(net.fake.call_count, 1 + 18);
    fake_swarm_run_ms(&net, 999);
    ck_assert_uint_eq(net.fake.call_count, 1 + 18);
    fake_swarm_run_ms(&net, 1);
    ck_assert_uint_eq(net.fake.call_count, 1 + 36);
    fake_swarm_run_ms(&net, 2000);
    ck_assert_uint_eq(net.fake.call_count, 1 + 72);
    ck_assert_int_eq(ready_count, 1);
    ck_assert_int_eq(ready_err, ERR_UNREACHABLE);
    ck_assert_uint_eq(fake_env_timers(&net.fake), 0);
    /* The next who asks starts over. */
    for (uint32_t i = 0; i < 30; i++)
        net.nodes[i].mode = FAKE_GOOD;
    ck_assert_int_eq(build(), OK);
    ck_assert_uint_eq(paths.count, 3);
    stop();
}
END_TEST

/* Without a seed there is no path; that it answers later is soon enough. */
START_TEST(no_seed)
{
    start(20);
    net.seed_down = true;
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_swarm_run_ms(&net, 25000);
    ck_assert_int_eq(ready_count, 1);
    ck_assert_int_eq(ready_err, ERR_UNREACHABLE);
    net.seed_down = false;
    ck_assert_int_eq(build(), OK);
    stop();
}
END_TEST

/* A small network has as many paths as it can: two nodes are too few, three are one path, eight are two. */
START_TEST(small_networks)
{
    const struct {
        uint32_t nodes;
        size_t paths;
    } cases[] = {{3, 1}, {5, 1}, {6, 2}, {8, 2}, {9, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(cases[i].nodes);
        ck_assert_int_eq(build(), OK);
        ck_assert_uint_eq(paths.count, cases[i].paths);
        check_disjoint();
        ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK); /* as good as it gets: no building for ever */
        stop();
    }
    start(2);
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_swarm_run_ms(&net, 3000);
    ck_assert_int_eq(ready_err, ERR_NOT_FOUND);
    stop();
}
END_TEST

/* The path of a request is a random one of those without its target. */
START_TEST(target_is_never_on_the_path)
{
    uint32_t met[3] = {0};
    start(20);
    ck_assert_int_eq(build(), OK);
    for (int i = 0; i < 300; i++) {
        const struct path *path = path_pick(client, &paths.nodes[1][2], 0);
        for (size_t j = 0; j < 3; j++)
            met[j] += path->nodes[0] == node_of(j, 0);
    }
    ck_assert_uint_ge(met[0], 100); /* 150 expected */
    ck_assert_uint_ge(met[2], 100);
    ck_assert_uint_eq(met[1], 0);
    struct ed25519_public unlisted = {{1}};
    ck_assert_ptr_nonnull(path_pick(client, &unlisted, 0));
    stop();

    start(4); /* one path: its nodes cannot be reached, and are not drawn as targets */
    ck_assert_int_eq(build(), OK);
    ck_assert_ptr_null(path_pick(client, &paths.nodes[0][0], 0));
    uint32_t target = path_draw_target(client, NULL, 0);
    ck_assert_ptr_nonnull(path_pick(client, &net.entries[target].ed25519, 0));
    ck_assert_uint_eq(path_draw_target(client, &target, 1), NODE_NONE);
    stop();
}
END_TEST

/* Three failures drop a path and its guard; two do not. Two good paths are enough; with one, all are built again, with
 * the guards that are left and a tested new one. */
START_TEST(failed_paths_are_rebuilt)
{
    start(30);
    ck_assert_int_eq(build(), OK);
    net.preset.node_failures = 100;
    uint32_t first = id_of(0), second = id_of(1);
    struct ed25519_public good = paths.nodes[2][0];

    path_failed(client, first, 504, CULPRIT_REST);
    path_failed(client, first, 504, CULPRIT_REST);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 3);
    path_failed(client, first, 504, CULPRIT_REST);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 2);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_PATH_FAILED)->n[3], 1);
    path_failed(client, first, 504, CULPRIT_REST); /* it is no more: no matter */
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH_FAILED), 3);
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK);

    size_t tests = fake_env_traces(&net.fake, TRACE_GUARD);
    for (int i = 0; i < 3; i++)
        path_failed(client, second, 0, CULPRIT_GUARD);
    ck_assert_int_eq(build(), OK);
    ck_assert_uint_eq(paths.count, 3);
    check_disjoint();
    ck_assert(memcmp(&paths.nodes[0][0], &good, sizeof good) == 0);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_GUARD), tests + 3);
    ck_assert_uint_eq(net.fake.call_count, 7); /* no second node list */
    stop();
}
END_TEST

/* The era's preset: one failure is enough. */
START_TEST(era_drops_at_once)
{
    start(20);
    net.preset.path_failures = 1;
    ck_assert_int_eq(build(), OK);
    path_failed(client, id_of(0), 503, CULPRIT_REST);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 2);
    stop();
}
END_TEST

/* Who pays: the guard alone, or all but the guard. */
START_TEST(culprits_are_counted)
{
    start(20);
    ck_assert_int_eq(build(), OK);
    path_failed(client, id_of(0), 0, CULPRIT_GUARD);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_NODE_FAILED), 1);
    ck_assert(bytes_equal(blob_bytes(fake_env_last_trace(&net.fake, TRACE_NODE_FAILED)->b[0]),
                          BYTES_OF(paths.nodes[0][0].bytes)));
    path_failed(client, id_of(1), 504, CULPRIT_REST);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_NODE_FAILED), 3);
    ck_assert(bytes_equal(blob_bytes(fake_env_last_trace(&net.fake, TRACE_NODE_FAILED)->b[0]),
                          BYTES_OF(paths.nodes[1][2].bytes)));
    stop();
}
END_TEST

/* A dropped relay is replaced by a node of no path, under a new number; a dropped guard takes its path along. */
START_TEST(dropped_nodes_leave_their_paths)
{
    start(20);
    ck_assert_int_eq(build(), OK);
    uint32_t id = id_of(1);
    struct ed25519_public relay = paths.nodes[1][1], guard = paths.nodes[2][0];
    ck_assert(path_has_relay(client, id, &relay));
    ck_assert(!path_has_relay(client, id, &paths.nodes[1][0]));
    ck_assert(!path_has_relay(client, id, &paths.nodes[0][1]));

    client_node_gone(client, &relay, CAUSE_NOT_FOUND);
    check_disjoint();
    ck_assert_uint_eq(paths.count, 3);
    ck_assert(memcmp(&paths.nodes[1][1], &relay, sizeof relay) != 0);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH), 4);
    path_failed(client, id, 504, CULPRIT_REST); /* of the old number */
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH_FAILED), 0);

    client_node_gone(client, &guard, CAUSE_NOT_FOUND);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 2);
    stop();

    start(9); /* nobody is left to replace it */
    ck_assert_int_eq(build(), OK);
    client_node_gone(client, &paths.nodes[0][2], CAUSE_NOT_FOUND);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 2);
    stop();
}
END_TEST

/* With fewer than four nodes beside those in paths, the list is fetched again, which forgives all nodes; guards stay.
 * If that fails, the old list goes on, and the seed is left alone until more nodes are dropped. */
START_TEST(list_is_refreshed)
{
    start(14);
    ck_assert_int_eq(build(), OK);
    struct client_paths before = paths;
    uint32_t spare = 0, dropped = 0;
    for (; dropped < 2; spare++) {
        bool used = false;
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 3; j++)
                used = used || node_of(i, j) == spare;
        if (used)
            continue;
        client_node_gone(client, &net.entries[spare].ed25519, CAUSE_NOT_FOUND);
        dropped++;
        if (dropped == 1) /* 13 are left: four and the nine in paths */
            ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK);
    }
    net.seed_down = true;
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_swarm_run_ms(&net, 25000);
    ck_assert_int_eq(ready_err, OK);
    ck_assert_uint_eq(snode_pool_usable(&client->pool), 12);
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK);
    net.seed_down = false;
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK);
    while (snode_pool_usable(&client->pool) == 12) {
        client_paths(client, &paths);
        bool used = false;
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 3; j++)
                used = used || node_of(i, j) == spare;
        if (!used)
            client_node_gone(client, &net.entries[spare].ed25519, CAUSE_NOT_FOUND);
        spare++;
    }
    ck_assert_int_eq(build(), OK);
    ck_assert_uint_eq(snode_pool_usable(&client->pool), 14);
    for (size_t i = 0; i < 3; i++)
        ck_assert(memcmp(&before.nodes[i][0], &paths.nodes[i][0], 32) == 0);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_GUARD), 3);
    stop();
}
END_TEST

/* A phone without a network drops one node after the other. When all are gone and the seed was silent as well, it is asked
 * again by whoever wants a path next: else a client that was cut off for a while would never come back. */
START_TEST(all_nodes_dropped)
{
    start(14);
    ck_assert_int_eq(build(), OK);
    for (uint32_t i = 0; i < 14; i++)
        client_node_gone(client, &net.entries[i].ed25519, CAUSE_NOT_FOUND);
    ck_assert_uint_eq(snode_pool_usable(&client->pool), 0);
    net.seed_down = true;
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_swarm_run_ms(&net, 60000);
    ck_assert_int_eq(ready_err, ERR_NOT_FOUND);
    ck_assert(!path_building(client));
    net.seed_down = false;
    ck_assert_int_eq(build(), OK);
    ck_assert_uint_eq(snode_pool_usable(&client->pool), 14);
    ck_assert_uint_eq(paths.count, 3);
    stop();
}
END_TEST

/* The same with a path left, but nobody beside it whom it could reach: not again at once, though, since the path may do. */
START_TEST(nobody_beside_the_path)
{
    struct client_paths one;
    start(14);
    ck_assert_int_eq(build(), OK);
    client_paths(client, &one);
    for (uint32_t i = 0; i < 14; i++)
        if (i != node_of(0, 0) && i != node_of(0, 1) && i != node_of(0, 2))
            client_node_gone(client, &net.entries[i].ed25519, CAUSE_NOT_FOUND);
    net.seed_down = true;
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    while (path_building(client))
        fake_swarm_run_ms(&net, LIMIT_PATH_PAUSE_MS / 10);
    ck_assert_int_eq(ready_err, OK);
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), OK);
    net.seed_down = false;
    fake_swarm_run_ms(&net, LIMIT_PATH_PAUSE_MS);
    ck_assert_int_eq(build(), OK);
    ck_assert_uint_eq(snode_pool_usable(&client->pool), 14);
    stop();
}
END_TEST

/* A client may end in the middle of building. */
START_TEST(crash_while_building)
{
    start(20);
    ck_assert_int_eq(path_wait(client, &waiter, on_ready), ERR_NOT_READY);
    fake_env_crash(&net.fake);
    stop();
}
END_TEST

/* A second try goes another way, as long as there is one. */
START_TEST(failed_path_is_avoided)
{
    struct ed25519_public unlisted = {{1}};
    start(20);
    ck_assert_int_eq(build(), OK);
    uint32_t avoided = path_pick(client, &unlisted, 0)->id;
    for (int i = 0; i < 100; i++)
        ck_assert_uint_ne(path_pick(client, &unlisted, avoided)->id, avoided);
    stop();

    start(4);
    ck_assert_int_eq(build(), OK);
    avoided = path_pick(client, &unlisted, 0)->id;
    ck_assert_uint_eq(path_pick(client, &unlisted, avoided)->id, avoided);
    stop();
}
END_TEST

TEST_MAIN("path", three_paths_of_three_nodes, all_waiters_are_told, bad_guards_are_replaced, no_guard_at_all, no_seed,
          small_networks, target_is_never_on_the_path, failed_path_is_avoided, failed_paths_are_rebuilt, era_drops_at_once,
          culprits_are_counted, dropped_nodes_leave_their_paths, list_is_refreshed, all_nodes_dropped, nobody_beside_the_path,
          crash_while_building)
