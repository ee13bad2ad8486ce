#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/listening.h"
#include "client/swarm_cache.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;

static void start(uint32_t nodes, uint32_t swarms)
{
    fake_swarm_init(&net, nodes, swarms);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}

static size_t listens(void)
{
    return fake_swarm_logged(&net, "listen");
}

static const struct fake_log *last_listen(void)
{
    return fake_swarm_log(&net, "listen", listens() - 1);
}

/* All nodes answer `listen` like that, so many times each. */
static void force_all(uint16_t status, const char *body, uint32_t times)
{
    for (uint32_t i = 0; i < net.membership.node_count; i++) {
        net.nodes[i].forced_method = "listen";
        net.nodes[i].forced_status = status;
        net.nodes[i].forced_body = body;
        net.nodes[i].forced_times = times;
    }
}

/* One node of the own swarm, in none of the paths as long as there is another. It listens from the first 200 on, which
 * is asked for without a hold; then again and again without a pause, each held for 8 s. */
START_TEST(listens_at_one_node)
{
    struct client_paths paths;
    struct listen_status status;
    start(40, 2);
    listening_start(alice);
    listening_status(alice, &status);
    ck_assert(!status.reachable);
    ck_assert(!client_listening(alice));
    fake_swarm_run(&net);
    ck_assert(client_listening(alice));
    listening_status(alice, &status);
    ck_assert(status.reachable);
    ck_assert_uint_eq(status.valid_s, 120);
    uint32_t node = fake_swarm_by_key(&net, &status.node);
    ck_assert(fake_swarm_serves(&net, node, client_account(alice)));
    client_paths(alice, &paths);
    for (size_t i = 0; i < paths.count; i++)
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++)
            ck_assert(memcmp(&paths.nodes[i][j], &status.node, sizeof status.node) != 0);
    size_t first = listens();
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS * 3);
    ck_assert_uint_ge(listens(), first + 3);
    for (size_t i = 0; i < listens(); i++)
        ck_assert_uint_eq(fake_swarm_log(&net, "listen", i)->target, node);
    ck_assert(client_busy(alice));
    stop();
}
END_TEST

/* Another swarm's: another node, of the right swarm. */
START_TEST(wrong_swarm_is_left)
{
    start(40, 2);
    listening_start(alice);
    fake_swarm_run(&net);
    uint32_t before = last_listen()->target;
    fake_swarm_assign(&net, 2, 1);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS + 10);
    ck_assert(client_listening(alice));
    ck_assert_uint_ne(last_listen()->target, before);
    ck_assert(fake_swarm_serves(&net, last_listen()->target, client_account(alice)));
    stop();
}
END_TEST

/* Nodes that all send the client elsewhere: after the fourth from the start, 5 s later. */
START_TEST(contradicting_nodes_are_paused)
{
    start(40, 2);
    force_all(421, "{\"snodes\":[]}", UINT32_MAX);
    listening_start(alice);
    fake_swarm_run_ms(&net, 60000);
    ck_assert_uint_gt(listens(), 4);
    ck_assert_uint_le(listens(), 4 * (60000 / LIMIT_POLL_EXHAUSTED_MS + 1));
    force_all(0, NULL, 0);
    fake_swarm_run_ms(&net, LIMIT_POLL_EXHAUSTED_MS + 1000);
    ck_assert(client_listening(alice));
    stop();
}
END_TEST

/* The path says that the node is not found: another one at once. */
START_TEST(lost_node_is_left)
{
    start(30, 1);
    listening_start(alice);
    fake_swarm_run(&net);
    uint32_t before = last_listen()->target;
    net.nodes[before].mode = FAKE_GONE;
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS + 10);
    ck_assert(client_listening(alice));
    ck_assert_uint_ne(last_listen()->target, before);
    stop();
}
END_TEST

/* Failures: again after 1, then 2 s at the same node, under the status as it was; after the third and 4 s more another
 * node, and until that answers, the client is not listening. */
START_TEST(three_failures_and_away)
{
    start(30, 1);
    listening_start(alice);
    fake_swarm_run(&net);
    uint32_t before = last_listen()->target;
    net.nodes[before].forced_method = "listen";
    net.nodes[before].forced_status = 500;
    net.nodes[before].forced_times = 100;
    net.preset.node_failures = 100;
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS); /* the held one ends, as forced, with the first failure */
    size_t count = listens();
    ck_assert_uint_eq(last_listen()->status, 500);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_PAUSE_MS - 10);
    ck_assert_uint_eq(listens(), count);
    fake_swarm_run_ms(&net, 20);
    ck_assert_uint_eq(listens(), count + 1);
    ck_assert(client_listening(alice));
    fake_swarm_run_ms(&net, 2 * LIMIT_LISTEN_PAUSE_MS);
    ck_assert_uint_eq(listens(), count + 2);
    ck_assert(!client_listening(alice));
    fake_swarm_run_ms(&net, 4 * LIMIT_LISTEN_PAUSE_MS - 50);
    ck_assert_uint_eq(listens(), count + 2);
    fake_swarm_run_ms(&net, 100);
    ck_assert_uint_gt(listens(), count + 2);
    ck_assert_uint_ne(last_listen()->target, before);
    ck_assert(client_listening(alice));
    stop();
}
END_TEST

/* Two failures and then an answer: the count begins anew. */
START_TEST(success_forgives)
{
    start(30, 1);
    listening_start(alice);
    fake_swarm_run(&net);
    uint32_t node = last_listen()->target;
    net.preset.node_failures = 100;
    for (int i = 0; i < 3; i++) {
        net.nodes[node].forced_method = "listen";
        net.nodes[node].forced_status = 503;
        net.nodes[node].forced_times = 2;
        fake_swarm_run_ms(&net, 20000);
        ck_assert(client_listening(alice));
        ck_assert_uint_eq(last_listen()->target, node);
    }
    stop();
}
END_TEST

/* A node that does not hold is not asked in a mad rush. */
START_TEST(quick_empty_answers_are_paused)
{
    start(30, 1);
    force_all(200, "{\"messages\":[],\"lease\":30000}", 1000);
    listening_start(alice);
    fake_swarm_run(&net);
    size_t count = listens();
    fake_swarm_run_ms(&net, 10 * LIMIT_LISTEN_PAUSE_MS + 500);
    ck_assert_uint_eq(listens(), count + 10);
    stop();
}
END_TEST

/* 200 with something that is no answer is a failure. */
START_TEST(nonsense_is_a_failure)
{
    const char *bodies[] = {"", "[]", "{\"messages\":7}", "{\"messages\":[{}],\"lease\":1}", "{\"messages\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        start(30, 1);
        force_all(200, bodies[i], 1);
        listening_start(alice);
        fake_swarm_run(&net);
        ck_assert(!client_listening(alice));
        fake_swarm_run_ms(&net, LIMIT_LISTEN_PAUSE_MS + 10);
        ck_assert(client_listening(alice));
        stop();
    }
}
END_TEST

/* Friends who are online are told of the new node, once it answers: they find it. */
START_TEST(friends_are_told_of_the_move)
{
    start(30, 1);
    friends_make(&net, alice, bob);
    net.fake.now_ms += 1000000;
    friends_meet(&net, alice, bob);
    const struct contact *contact = contact_find(bob, client_account(alice));
    uint32_t before = fake_swarm_by_key(&net, &contact->node);
    net.nodes[before].mode = FAKE_GONE;
    ck_assert_uint_ne(fake_swarm_by_key(&net, &contact_find(alice, client_account(bob))->node), before);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS + 2000);
    ck_assert_uint_ne(fake_swarm_by_key(&net, &contact->node), before);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    ck_assert_int_eq(client_contact_state(alice, client_account(bob)), CONTACT_ONLINE);
    stop();
}
END_TEST

/* Stopped: the open request is let go of, nothing follows, and one may start again, at once or later. */
START_TEST(stopped_and_started)
{
    start(30, 1);
    listening_start(alice);
    listening_start(alice);
    listening_stop(alice);
    fake_swarm_run(&net);
    ck_assert_ptr_null(alice->listening);
    listening_stop(alice);

    listening_start(alice);
    fake_swarm_run(&net);
    ck_assert(client_listening(alice));
    listening_stop(alice);
    ck_assert(!client_listening(alice));
    listening_start(alice);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS + 10);
    ck_assert(client_listening(alice));

    listening_stop(alice);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS + 10);
    ck_assert_ptr_null(alice->listening);
    size_t count = listens();
    fake_swarm_run_ms(&net, 60000);
    ck_assert_uint_eq(listens(), count);
    ck_assert_uint_eq(fake_env_timers(&net.fake), 0);
    fake_env_check(&net.fake);
    stop();
}
END_TEST

/* No swarm, no node: from the start after 5 s, for as long as it takes. */
START_TEST(nowhere_to_listen)
{
    start(30, 1);
    net.seed_down = true;
    listening_start(alice);
    fake_swarm_run_ms(&net, 40000);
    ck_assert(!client_listening(alice));
    net.seed_down = false;
    fake_swarm_run_ms(&net, 60000);
    ck_assert(client_listening(alice));
    stop();
}
END_TEST

TEST_MAIN("listening", listens_at_one_node, wrong_swarm_is_left, contradicting_nodes_are_paused, lost_node_is_left,
          three_failures_and_away, success_forgives, quick_empty_answers_are_paused, nonsense_is_a_failure,
          friends_are_told_of_the_move, stopped_and_started, nowhere_to_listen)
