#include "tests/support/check_main.h"

#include <stdio.h>

#include "client/client_state.h"
#include "client/poll.h"
#include "client/swarm_cache.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static uint32_t numbers;

static void start(uint32_t nodes, uint32_t swarms)
{
    fake_swarm_init(&net, nodes, swarms);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    numbers = 0;
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

/* `count` messages for bob at every node of his swarm. */
static void put_messages(uint32_t count)
{
    for (; count > 0; count--) {
        struct blob *data;
        uint64_t timestamp_ms = (uint64_t)FAKE_EPOCH_MS + ++numbers;
        data = friends_request(alice, client_account(bob), timestamp_ms, "Hi");
        for (uint32_t i = 0; i < net.membership.node_count; i++)
            if (fake_swarm_serves(&net, i, client_account(bob)))
                fake_swarm_put(&net, i, client_account(bob), numbers, blob_bytes(data),
                               (int64_t)timestamp_ms + TTL_FRIEND_REQUEST_MS);
        blob_drop(data);
    }
}

static size_t inbox_count(void)
{
    size_t count = 0;
    for (const struct received *r = client_inbox(bob); r != NULL; r = r->next)
        count++;
    return count;
}

static size_t retrieves(void)
{
    return fake_swarm_logged(&net, "retrieve");
}

static const struct fake_log *retrieve(size_t n)
{
    return fake_swarm_log(&net, "retrieve", n);
}

static void force_all(uint16_t status, const char *body, uint32_t times)
{
    for (uint32_t i = 0; i < net.membership.node_count; i++) {
        net.nodes[i].forced_method = "retrieve";
        net.nodes[i].forced_status = status;
        net.nodes[i].forced_body = body;
        net.nodes[i].forced_times = times;
    }
}

static void poll_now(void)
{
    client_poll_once(bob);
    fake_swarm_run(&net);
}

/* A single poll asks three different nodes of the own swarm once each, without holding, and is over. */
START_TEST(single_poll_asks_three_nodes)
{
    start(21, 3);
    put_messages(2);
    client_poll_once(bob);
    client_poll_once(bob); /* under way already */
    ck_assert(client_polling(bob));
    fake_swarm_run(&net);
    ck_assert(!client_polling(bob));
    ck_assert_uint_eq(retrieves(), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(fake_swarm_serves(&net, retrieve(i)->target, client_account(bob)));
        ck_assert_uint_ne(retrieve(i)->target, retrieve((i + 1) % 3)->target);
        ck_assert(!retrieve(i)->long_poll);
        ck_assert_str_eq(retrieve(i)->last_hash, "");
    }
    ck_assert_uint_eq(inbox_count(), 2);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POLL), 3);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_DUPLICATE), 4);
    ck_assert_uint_eq(fake_env_timers(&net.fake), 0);
    stop();
}
END_TEST

/* The next poll of a node asks for what came after the last hash of that node. */
START_TEST(last_hash_per_node)
{
    start(21, 3);
    put_messages(1);
    for (int i = 0; i < 12; i++)
        poll_now();
    for (size_t i = 0; i < retrieves(); i++) {
        bool before = false;
        for (size_t j = 0; j < i; j++)
            before = before || retrieve(j)->target == retrieve(i)->target;
        ck_assert_str_eq(retrieve(i)->last_hash, before ? net.nodes[retrieve(i)->target].stored[0].hash : "");
    }
    ck_assert_uint_eq(inbox_count(), 1);
    stop();
}
END_TEST

/* Ten messages in an answer mean that there may be more: the same node is asked on at once. */
START_TEST(full_answers_are_followed)
{
    const struct {
        uint32_t messages;
        size_t answers;
    } cases[] = {{9, 1}, {10, 2}, {11, 2}, {20, 3}, {25, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(21, 3);
        put_messages(cases[i].messages);
        poll_now();
        ck_assert_uint_eq(inbox_count(), cases[i].messages);
        ck_assert_uint_eq(retrieves(), 3 * cases[i].answers);
        stop();
    }
}
END_TEST

/* A node without end of messages is left alone after so many pages. */
START_TEST(endless_pages_end)
{
    static char page[8192];
    size_t len = (size_t)snprintf(page, sizeof page, "{\"messages\":[");
    for (int i = 0; i < 10; i++)
        len +=
            (size_t)snprintf(page + len, sizeof page - len, "%s{\"hash\":\"%0128d\",\"expiration\":%lld,\"data\":\"\"}",
                             i == 0 ? "" : ",", i, (long long)FAKE_EPOCH_MS + 100000);
    (void)snprintf(page + len, sizeof page - len, "]}");
    start(20, 10); /* a swarm of two */
    force_all(200, page, UINT32_MAX);
    poll_now();
    ck_assert(!client_polling(bob));
    ck_assert_uint_eq(retrieves(), 2 * LIMIT_POLL_PAGES);
    ck_assert_uint_eq(inbox_count(), 0);
    stop();
}
END_TEST

/* Long polling: the header is there, an empty answer after a hold is followed by the next request at once, and what is
 * stored meanwhile comes. */
START_TEST(long_polls_are_held)
{
    start(21, 3);
    net.holds = true;
    client_listen_start(bob, true);
    fake_swarm_run(&net);
    ck_assert_uint_eq(retrieves(), 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert(retrieve(i)->long_poll);
    ck_assert_uint_eq(fake_env_call(&net.fake, retrieve(0)->call)->timeout_ms, 40000);
    fake_swarm_run_ms(&net, 8000);
    ck_assert_uint_eq(retrieves(), 3);
    fake_swarm_release(&net);
    size_t after = retrieves(); /* the fake asks its store again when it lets go */
    fake_swarm_run(&net);
    ck_assert_uint_eq(retrieves(), after + 3);
    put_messages(1);
    fake_swarm_release(&net);
    fake_swarm_run(&net);
    ck_assert_uint_eq(inbox_count(), 1);
    ck_assert(client_polling(bob));
    client_listen_stop(bob);
    fake_swarm_run(&net);
    ck_assert(!client_polling(bob));
    ck_assert_uint_eq(fake_env_timers(&net.fake), 0);
    stop();
}
END_TEST

/* A node that does not hold is asked again after 2 s, not at once; so is every node without long polling. */
START_TEST(unheld_polls_pause)
{
    for (int hold = 0; hold < 2; hold++) {
        start(21, 3);
        client_listen_start(bob, hold == 1);
        fake_swarm_run(&net);
        ck_assert_uint_eq(retrieves(), 3);
        fake_swarm_run_ms(&net, 1999);
        ck_assert_uint_eq(retrieves(), 3);
        fake_swarm_run_ms(&net, 1);
        ck_assert_uint_eq(retrieves(), 6);
        ck_assert_int_eq(retrieve(3)->long_poll, hold == 1);
        client_listen_stop(bob);
        ck_assert(!client_polling(bob)); /* only timers were running */
        stop();
    }
}
END_TEST

/* A node gets three attempts, 1 and 2 s apart; then it leaves the own swarm and the poller takes the next. */
START_TEST(failing_node_is_left)
{
    start(21, 3);
    net.preset.node_failures = UINT32_MAX;
    poll_now();
    uint32_t swarm = (uint32_t)client_cached_swarm(bob, client_account(bob), NULL, 0);
    force_all(500, "", 3);
    for (uint32_t i = 0, left = 0; i < 21; i++) /* one node of the swarm is bad */
        if (!fake_swarm_serves(&net, i, client_account(bob)) || left++ > 0)
            net.nodes[i].forced_times = 0;
    uint32_t failing = 0;
    while (net.nodes[failing].forced_times == 0)
        failing++;
    while (net.nodes[failing].forced_times == 3)
        poll_now();
    size_t before = retrieves();
    ck_assert(client_polling(bob));
    fake_swarm_run_ms(&net, 999);
    ck_assert_uint_eq(retrieves(), before);
    fake_swarm_run_ms(&net, 1);
    ck_assert_uint_eq(retrieves(), before + 1);
    fake_swarm_run_ms(&net, 1999);
    ck_assert_uint_eq(retrieves(), before + 1);
    ck_assert_uint_eq(client_cached_swarm(bob, client_account(bob), NULL, 0), swarm);
    fake_swarm_run_ms(&net, 1);
    ck_assert_uint_eq(retrieves(), before + 3);
    ck_assert_uint_ne(retrieve(before + 2)->target, failing);
    ck_assert_uint_eq(retrieve(before + 2)->status, 200);
    ck_assert_uint_eq(client_cached_swarm(bob, client_account(bob), NULL, 0), swarm - 1);
    ck_assert(!client_polling(bob));
    stop();
}
END_TEST

/* A refusal or an answer that is none is no reason to try that node again. */
START_TEST(useless_answers)
{
    const struct {
        uint16_t status;
        const char *body;
    } cases[] = {{400, "no"}, {403, "no"}, {200, "no JSON"}, {200, "{\"messages\":7}"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(21, 3);
        poll_now();
        size_t before = retrieves();
        force_all(cases[i].status, cases[i].body, 1);
        poll_now();
        ck_assert(!client_polling(bob));
        ck_assert_uint_ge(retrieves() - before, 7);
        ck_assert_uint_le(retrieves() - before, 14);
        stop();
    }
}
END_TEST

/* All nodes used up: a single poll is over; a listener starts from scratch 5 s later. */
START_TEST(exhausted_lists)
{
    start(21, 3);
    force_all(400, "", UINT32_MAX);
    poll_now();
    ck_assert(!client_polling(bob));

    client_listen_start(bob, false);
    fake_swarm_run(&net);
    size_t before = retrieves();
    ck_assert(client_polling(bob));
    fake_swarm_run_ms(&net, 4999);
    ck_assert_uint_eq(retrieves(), before);
    force_all(0, NULL, 0);
    put_messages(1);
    fake_swarm_run_ms(&net, 1);
    ck_assert_uint_eq(retrieves(), before + 3);
    ck_assert_uint_eq(inbox_count(), 1);
    client_listen_stop(bob);
    stop();
}
END_TEST

/* Nobody to ask at all: the same, round after round, and one node list brings it back. */
START_TEST(no_network)
{
    start(21, 3);
    net.seed_down = true;
    client_poll_once(bob);
    fake_swarm_run_ms(&net, 25000);
    ck_assert(!client_polling(bob));
    client_listen_start(bob, true);
    fake_swarm_run_ms(&net, 100000);
    ck_assert(client_polling(bob));
    ck_assert_uint_eq(retrieves(), 0);
    net.seed_down = false;
    put_messages(1);
    fake_swarm_run_ms(&net, 30000);
    ck_assert_uint_eq(inbox_count(), 1);
    client_listen_stop(bob);
    fake_swarm_run(&net);
    stop();
}
END_TEST

/* The own swarm has moved: the pollers follow what the old nodes say. */
START_TEST(moved_swarm_is_followed)
{
    start(21, 3);
    poll_now();
    fake_swarm_assign(&net, 3, 1);
    put_messages(1);
    size_t before = retrieves(), lookups = fake_swarm_logged(&net, "get_snodes_for_pubkey");
    poll_now();
    ck_assert_uint_eq(inbox_count(), 1);
    ck_assert_uint_eq(retrieves() - before, 6);
    ck_assert_uint_eq(fake_swarm_logged(&net, "get_snodes_for_pubkey"), lookups);
    stop();
}
END_TEST

/* 421 that says nothing new: the swarm is asked for once. */
START_TEST(useless_421_refreshes_once)
{
    start(21, 3);
    poll_now();
    size_t lookups = fake_swarm_logged(&net, "get_snodes_for_pubkey");
    force_all(421, "{\"snodes\":[]}", 1);
    poll_now();
    ck_assert_uint_eq(fake_swarm_logged(&net, "get_snodes_for_pubkey") - lookups, 1);
    ck_assert_uint_eq(retrieve(retrieves() - 1)->status, 200);
    stop();
}
END_TEST

/* Listening may stop and start at any moment, and a listener that was a single poll polls at three nodes. */
START_TEST(start_and_stop)
{
    start(21, 3);
    client_listen_stop(bob); /* nothing to stop */
    net.holds = true;
    client_listen_start(bob, true);
    client_listen_stop(bob);
    client_listen_start(bob, true);
    fake_swarm_run(&net);
    ck_assert(client_polling(bob));
    ck_assert_uint_eq(retrieves(), 3);
    client_listen_stop(bob);
    client_listen_start(bob, true);
    fake_swarm_run(&net);
    ck_assert_uint_eq(retrieves(), 6);
    client_listen_stop(bob);
    fake_swarm_run(&net);
    ck_assert(!client_polling(bob));

    net.holds = false;
    client_poll_once(bob);
    ck_assert(fake_swarm_run_one(&net)); /* one of three has answered */
    net.holds = true;
    client_listen_start(bob, true);
    fake_swarm_run(&net);
    ck_assert_uint_eq(retrieves(), 12);
    for (size_t i = 9; i < 12; i++)
        ck_assert(retrieve(i)->long_poll);
    ck_assert(client_polling(bob));
    client_listen_stop(bob);
    fake_swarm_run(&net);
    stop();
}
END_TEST

/* Who stops listening and polls before the held requests have ended still polls: three nodes, once. */
START_TEST(a_poll_follows_a_stop)
{
    start(21, 3);
    net.holds = true;
    client_listen_start(bob, true);
    fake_swarm_run(&net);
    put_messages(1);
    client_listen_stop(bob);
    client_poll_once(bob);
    fake_swarm_run(&net);
    ck_assert_uint_eq(retrieves(), 6);
    ck_assert(!retrieve(5)->long_poll);
    ck_assert_uint_eq(inbox_count(), 1);
    ck_assert(!client_polling(bob));
    stop();
}
END_TEST

/* A client may end at any moment. */
START_TEST(crash_at_any_moment)
{
    for (size_t answers = 0; answers < 10; answers++) {
        start(21, 3);
        put_messages(2);
        client_listen_start(bob, false);
        for (size_t i = 0; i < answers; i++)
            fake_swarm_run_one(&net);
        fake_env_crash(&net.fake);
        stop();
    }
}
END_TEST

TEST_MAIN("poll", single_poll_asks_three_nodes, last_hash_per_node, full_answers_are_followed, endless_pages_end,
          long_polls_are_held, unheld_polls_pause, failing_node_is_left, useless_answers, exhausted_lists, no_network,
          moved_swarm_is_followed, useless_421_refreshes_once, start_and_stop, a_poll_follows_a_stop, crash_at_any_moment)
