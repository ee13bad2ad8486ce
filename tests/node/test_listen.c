/* Who listens, and for how long. */
#include "node/listen.h"

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/listen_fixture.h"

#define ID         "0123456789abcdef"
#define NEW_SWARM  (UINT64_C(1) << 20)
#define KEY_MOVING (1u << 20) /* served by NEW_SWARM once there is one */

/* ---- listen ---- */

/* Nothing comes: an empty list when the hold is over, to the millisecond. */
START_TEST(listen_ends_empty)
{
    static const uint32_t holds_ms[] = {1, LIMIT_LISTEN_HOLD_MS, LIMIT_LISTEN_HOLD_MS_MAX};

    fixture_start();
    for (size_t i = 0; i < ARRAY_LEN(holds_ms); i++) {
        struct fake_request *request = listens(1, 1, holds_ms[i]);

        fixture_advance_ms(holds_ms[i] - 1);
        ck_assert(!request->answered);
        expect_counts(1, 1, 0, 0);
        fixture_advance_ms(1);
        expect_answer(request, 200, EMPTY);
        ck_assert_int_eq(request->content, CONTENT_JSON);
        expect_counts(1, 0, 0, 0);
        expect_trace(TRACE_LISTEN, 200, 0, 0, holds_ms[i]);
    }
    expect_answer(listens(1, 1, 0), 200, EMPTY); /* no hold: asked, answered */
    fixture_end();
}
END_TEST

/* Without a hold it is 8 s; the id may be in either case and names the same lease. */
START_TEST(listen_has_a_default_hold)
{
    struct fake_request *request;

    fixture_start();
    request = rpc_to_node(text_request(&fixture.fake, "{\"method\":\"listen\",\"params\":{\"pubKey\":\"" KEY_OF_1
                                                      "\",\"listenId\":\"0123456789ABCDEF\"}}"));
    fixture_advance_ms(LIMIT_LISTEN_HOLD_MS - 1);
    ck_assert(!request->answered);
    fixture_advance_ms(1);
    expect_answer(request, 200, EMPTY);
    expect_trace(TRACE_LEASE, LEASE_NEW, 1, 0, 0);
    (void)rpc_to_node(text_request(&fixture.fake, "{\"method\":\"listen\",\"params\":{\"pubKey\":\"" KEY_OF_1
                                                  "\",\"listenId\":\"" ID "\",\"ack\":\"7\"}}"));
    expect_trace(TRACE_LEASE, LEASE_RENEWED, 1, 7, 0);
    expect_counts(1, 1, 0, 0);
    fixture_end();
}
END_TEST

START_TEST(listen_refuses_what_it_cannot_read)
{
    static const char *const cases[][2] = {
        {"", "invalid json: no `pubKey` field"},
        {"\"pubKey\":\"" KEY_OF_1 "\"", "invalid json: no `listenId` field"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":1", "invalid json: `listenId` is not a string"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"\"", "invalid `listenId`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"0123456789abcde\"", "invalid `listenId`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "0\"", "invalid `listenId`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"0123456789abcdeg\"", "invalid `listenId`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "\",\"hold\":5", "invalid json: `hold` is not a string"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "\",\"hold\":\"20001\"", "invalid `hold`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "\",\"hold\":\"-1\"", "invalid `hold`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "\",\"hold\":\"08\"", "invalid `hold`"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "\",\"ack\":[]", "invalid json: `ack` is not a string"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"listenId\":\"" ID "\",\"ack\":\"\"", "invalid `ack`"},
        {"\"pubKey\":\"05\",\"listenId\":\"" ID "\"", "Pubkey must be 66 characters long"},
    };

    fixture_start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(rpc_to_node(text_request(&fixture.fake, "{\"method\":\"listen\",\"params\":{%s}}", cases[i][0])),
                      400, cases[i][1]);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* Not ready: 503. An account of another swarm: 421, with its nodes. */
START_TEST(listen_and_deliver_are_for_the_own_swarm)
{
    struct account_id account = account_elsewhere(1);
    const char *not_ready = "Service node is not ready: not in any swarm; not done syncing; \n";

    node_fixture_init(&fixture);
    snode = snode_new(&fixture.config);
    expect_answer(listens(1, 1, 0), 503, not_ready);
    expect_answer(delivers(1, HELLO), 503, not_ready);
    snode_on_membership(snode, &fixture.membership);
    expect_snodes(rpc_to_node(listen_body(&account, 1, 0)), &fixture.membership, &account);
    expect_snodes(rpc_to_node(deliver_body(&account, BYTES_LIT(HELLO))), &fixture.membership, &account);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* The same client listens again while its first request is still open, having given that one up: it is answered empty,
 * and a delivery goes to the second alone. */
START_TEST(listen_replaces_its_own)
{
    struct fake_request *first, *second;

    fixture_start();
    first = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    fixture_advance_ms(1000);
    second = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    expect_answer(first, 200, EMPTY);
    expect_counts(1, 1, 0, 0);
    expect_answer(delivers(1, HELLO), 200, "{\"delivered\":1}");
    expect_answer(second, 200, ONE_HELLO);
    fixture_end();
}
END_TEST

/* ---- leases ---- */

/* 30 s from the last listen, and not a millisecond longer. */
START_TEST(lease_ends_30_s_after_the_last_listen)
{
    struct fake_request *last;

    fixture_start();
    (void)listens(1, 1, LIMIT_LISTEN_HOLD_MS_MAX);
    fixture_advance_ms(LIMIT_LEASE_MS - 1);
    (void)listens(1, 1, 0);
    expect_trace(TRACE_LEASE, LEASE_RENEWED, 1, 0, 0);
    fixture_advance_ms(LIMIT_LEASE_MS - 1);
    expect_counts(1, 0, 0, 0);
    last = delivers(1, HELLO);
    ck_assert(!last->answered);
    fixture_advance_ms(1);
    expect_answer(last, 404, NOBODY); /* the lease it waited for is over */
    expect_trace(TRACE_LEASE, LEASE_OVER, 0, 0, 0);
    expect_trace(TRACE_DELIVER, 404, 0, sizeof(HELLO) - 1, 1);
    expect_answer(delivers(1, HELLO), 404, NOBODY);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* One of two ends: what waits goes on waiting for the other. */
START_TEST(lease_ends_alone)
{
    struct fake_request *delivery;

    fixture_start();
    (void)listens(1, 1, 0);
    fixture_advance_ms(1000);
    (void)listens(1, 2, 0);
    fixture_advance_ms(LIMIT_LEASE_MS - 2000);
    delivery = delivers(1, HELLO);
    fixture_advance_ms(1000);
    expect_counts(1, 0, 1, sizeof(HELLO) - 1);
    ck_assert(!delivery->answered);
    expect_answer(listens(1, 2, LIMIT_LISTEN_HOLD_MS), 200, ONE_HELLO);
    expect_answer(delivery, 200, "{\"delivered\":1}");
    fixture_end();
}
END_TEST

/* Eight leases of an account, and the one above is refused: until one ends, and nobody else. */
START_TEST(leases_of_an_account_are_bounded)
{
    fixture_start();
    for (uint8_t who = 0; who < LIMIT_LEASES_PER_KEY; who++)
        expect_answer(listens(1, who, 0), 200, EMPTY);
    expect_answer(listens(1, LIMIT_LEASES_PER_KEY, 0), 429, "too many listeners\n");
    expect_counts(LIMIT_LEASES_PER_KEY, 0, 0, 0);
    expect_answer(listens(1, 3, 0), 200, EMPTY); /* renewed */
    expect_answer(listens(2, LIMIT_LEASES_PER_KEY, 0), 200, EMPTY);
    fixture_advance_ms(LIMIT_LEASE_MS - 1);
    expect_answer(listens(1, LIMIT_LEASES_PER_KEY, 0), 429, "too many listeners\n");
    fixture_advance_ms(1);
    expect_answer(listens(1, LIMIT_LEASES_PER_KEY, 0), 200, EMPTY);
    fixture_advance_ms(LIMIT_LEASE_MS);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* So does the node, whatever the accounts. A crash with all of them open frees everything. */
START_TEST(leases_of_a_node_are_bounded)
{
    fixture_start();
    for (uint32_t i = 0; i < LIMIT_LEASES; i++)
        ck_assert(!listens(i, 1, LIMIT_LISTEN_HOLD_MS)->answered);
    expect_answer(listens(LIMIT_LEASES, 1, 0), 429, "too many listeners\n");
    expect_answer(listens(1, 2, 0), 429, "too many listeners\n");
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    expect_counts(LIMIT_LEASES, LIMIT_LEASES - 1, 0, 0);
    fake_env_crash(&fixture.fake);
    fixture_end();
}
END_TEST

/* ---- what ends it all ---- */

/* A new swarm takes one account over: its listener and its delivery learn where it is now; the other's do not notice.
 */
START_TEST(listen_ends_where_another_swarm_serves)
{
    struct account_id moving = account_here(KEY_MOVING);
    struct swarm_entry swarms[3] = {{0, 0, FIXTURE_SWARM_NODES},
                                    {NEW_SWARM, FIXTURE_SWARM_NODES, 1},
                                    {FIXTURE_OTHER_SWARM, FIXTURE_SWARM_NODES + 1, FIXTURE_SWARM_NODES - 1}};
    struct membership next = fixture.membership;
    struct fake_request *staying, *open, *waiting;

    fixture_start();
    next = fixture.membership;
    next.height++;
    next.swarms = swarms;
    next.swarm_count = ARRAY_LEN(swarms);
    staying = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    (void)listens(KEY_MOVING, 1, 0);
    waiting = delivers(KEY_MOVING, HELLO);
    snode_on_membership(snode, &fixture.membership); /* a block that changes nothing here */
    ck_assert(!waiting->answered);
    expect_counts(2, 1, 1, 8);
    snode_on_membership(snode, &next);
    expect_snodes(waiting, &next, &moving);
    expect_trace(TRACE_DELIVER, 421, 0, 8, 0);
    expect_trace(TRACE_LEASE, LEASE_MOVED, 0, 0, 0);
    expect_counts(1, 1, 0, 0);
    ck_assert(!staying->answered);

    snode_on_membership(snode, &fixture.membership); /* and back, for the one who listens */
    open = listens(KEY_MOVING, 1, LIMIT_LISTEN_HOLD_MS);
    snode_on_membership(snode, &next);
    expect_snodes(open, &next, &moving);
    expect_trace(TRACE_LISTEN, 421, 0, 0, 0);
    expect_snodes(rpc_to_node(listen_body(&moving, 1, 0)), &next, &moving);
    expect_snodes(rpc_to_node(deliver_body(&moving, BYTES_LIT(HELLO))), &next, &moving);
    expect_answer(delivers(1, HELLO), 200, "{\"delivered\":1}");
    expect_answer(staying, 200, ONE_HELLO);
    fixture_advance_ms(LIMIT_LEASE_MS);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* A node that leaves its swarm sends all of them away. */
START_TEST(listen_ends_where_the_node_leaves)
{
    struct account_id account = account_here(1);
    struct membership next;
    struct fake_request *first, *second, *delivery;

    fixture_start();
    first = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    second = listens(1, 2, LIMIT_LISTEN_HOLD_MS);
    (void)listens(2, 1, 0);
    delivery = delivers(2, HELLO);
    next = fixture.membership;
    fixture.entries[fixture.own].swarm_id = SWARM_NONE;
    snode_on_membership(snode, &next);
    expect_snodes(first, &next, &account);
    expect_snodes(second, &next, &account);
    expect_snodes(delivery, &next, &account);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* A restart forgets all: who listened must listen again, and nothing was on the disk. */
START_TEST(listen_does_not_survive_a_restart)
{
    fixture_start();
    (void)listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    (void)listens(2, 1, 0);
    (void)delivers(2, HELLO);
    expect_counts(2, 1, 1, 8);
    fake_env_crash(&fixture.fake);
    snode_free(snode);
    ck_assert_uint_eq(fixture.fake.disk_puts, 0);
    snode = snode_new(&fixture.config);
    ck_assert_uint_eq(snode_start(snode), 0);
    snode_on_membership(snode, &fixture.membership);
    expect_counts(0, 0, 0, 0);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 0);
    expect_answer(delivers(1, HELLO), 404, NOBODY);
    expect_answer(delivers(2, HELLO), 404, NOBODY);
    expect_answer(listens(2, 1, 0), 200, EMPTY);
    fixture_end();
}
END_TEST

TEST_MAIN("listen", listen_ends_empty, listen_has_a_default_hold, listen_refuses_what_it_cannot_read,
          listen_and_deliver_are_for_the_own_swarm, listen_replaces_its_own, lease_ends_30_s_after_the_last_listen,
          lease_ends_alone, leases_of_an_account_are_bounded, leases_of_a_node_are_bounded,
          listen_ends_where_another_swarm_serves, listen_ends_where_the_node_leaves, listen_does_not_survive_a_restart)
