/* The call itself; retrieve and get_snodes_for_pubkey. */
#include "node/methods.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/methods_fixture.h"

/* ---- the call ---- */

START_TEST(methods_refuse_what_is_no_call)
{
    static const struct {
        const char *body, *answer;
    } cases[] = {
        {"", "invalid json"},
        {"{\"method\":", "invalid json"},
        {"{} x", "invalid json"},
        {"[]", "invalid json: no `method` field"},
        {"{}", "invalid json: no `method` field"},
        {"{\"method\":1,\"params\":{}}", "invalid json: no `method` field"},
        {"{\"method\":\"store\"}", "invalid json: no `params` field"},
        {"{\"method\":\"store\",\"params\":[]}", "invalid json: no `params` field"},
        {"{\"method\":\"Store\",\"params\":{}}", "no method Store"},
        {"{\"method\":\"\",\"params\":{}}", "no method "},
    };

    methods_world_init();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(execute(bytes_text(cases[i].body)), 400, cases[i].answer);
    methods_world_fini();
}
END_TEST

/* A request and its answer cost by their size. */
START_TEST(methods_charge_for_reading_and_writing)
{
    methods_world_init();
    (void)execute(bytes_text("{}"));
    ck_assert_uint_eq(methods_world.net.fake.charged[COST_PARSE], 2);
    methods_world_fini();
}
END_TEST

/* ---- retrieve ---- */

/* Ten at a time, in order of arrival, each time after the last hash. */
START_TEST(retrieve_gives_ten_at_a_time)
{
    enum { COUNT = LIMIT_RETRIEVE_MESSAGES + 2 };
    static struct test_message messages[COUNT];
    const struct test_message *expected[COUNT];
    char data[8];

    methods_world_init();
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(data, sizeof(data), "m%02zu=", i);
        make(&messages[i], 1, data);
        expected[i] = &messages[i];
        ck_assert_uint_eq(execute_store(&messages[i])->status, 200);
    }
    expect_messages(execute_retrieve(1, ""), expected, LIMIT_RETRIEVE_MESSAGES);
    expect_messages(execute_retrieve(1, messages[9].hash_hex), expected + 10, 2);
    expect_messages(execute_retrieve(1, messages[COUNT - 1].hash_hex), NULL, 0);
    expect_answer(execute_retrieve(2, ""), 200, "{\"messages\":[]}");
    ck_assert_uint_eq(fake_env_traces(&methods_world.net.fake, TRACE_RETRIEVED), 4);
    methods_world_fini();
}
END_TEST

/* A last hash that is unknown, of another form, or of a message that is over means: from the beginning. */
START_TEST(retrieve_starts_over_after_an_unknown_hash)
{
    static struct test_message first, second;
    const struct test_message *expected[] = {&first, &second};
    struct account_id account = account_here(1);
    char upper[129];

    methods_world_init();
    make_message(&first, &account, (uint64_t)methods_world.net.fake.now_ms, 20000, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    (void)execute_store(&first);
    (void)execute_store(&second);
    expect_messages(execute_retrieve(1, first.hash_hex), expected + 1, 1);
    expect_messages(execute_retrieve(1, "x"), expected, 2);
    for (size_t i = 0; i < sizeof(upper); i++)
        upper[i] = (char)toupper(first.hash_hex[i]);
    expect_messages(execute_retrieve(1, upper), expected, 2);
    methods_world.net.fake.now_ms += 20001;
    expect_messages(execute_retrieve(1, second.hash_hex), NULL, 0);
    expect_messages(execute_retrieve(1, first.hash_hex), expected + 1, 1);
    methods_world_fini();
}
END_TEST

START_TEST(retrieve_checks_in_the_documented_order)
{
    struct account_id elsewhere = account_elsewhere(1);

    methods_world_init();
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{}}")), 400,
                  "invalid json: no `pubKey` field");
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"05\"}}")), 400,
                  "invalid json: no `lastHash` field");
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"05\",\"lastHash\":1}}")), 400,
                  "invalid json: `lastHash` is not a string");
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"05\",\"lastHash\":\"\"}}")),
                  400, "Pubkey must be 66 characters long");
    ck_assert_uint_eq(execute(retrieve_request(&methods_world.net.fake, &elsewhere, ""))->status, 421);
    methods_world_fini();
}
END_TEST

/* With the header, a retrieve that finds nothing waits for the next message of the account. */
START_TEST(retrieve_waits_for_a_message)
{
    static struct test_message message;
    const struct test_message *expected[] = {&message};
    struct account_id account = account_here(1);
    struct fake_request *request;

    methods_world_init();
    request = execute_held(retrieve_request(&methods_world.net.fake, &account, ""), LIMIT_LONG_POLL_MS);
    ck_assert(!request->answered);
    make(&message, 1, "aGVsbG8=");
    (void)execute_store(&message);
    expect_messages(request, expected, 1);
    request = execute_held(retrieve_request(&methods_world.net.fake, &account, ""), LIMIT_LONG_POLL_MS);
    expect_messages(request, expected, 1); /* there is one: no waiting */
    methods_world_fini();
}
END_TEST

/* Above the bound nobody is refused: the answer is the empty list, at once. */
START_TEST(retrieve_does_not_wait_above_the_bound)
{
    struct account_id account = account_here(1);

    methods_world_init();
    for (size_t i = 0; i < LIMIT_LISTENERS_PER_KEY; i++)
        ck_assert(!execute_held(retrieve_request(&methods_world.net.fake, &account, ""), LIMIT_LONG_POLL_MS)->answered);
    expect_answer(execute_held(retrieve_request(&methods_world.net.fake, &account, ""), LIMIT_LONG_POLL_MS), 200,
                  "{\"messages\":[]}");
    fake_env_crash(&methods_world.net.fake);
    methods_world_fini();
}
END_TEST

/* ---- get_snodes_for_pubkey ---- */

/* Any account is answered, ours or not. */
START_TEST(get_snodes_names_the_swarm_of_any_account)
{
    struct rpc_snode nodes[8];
    size_t count;

    methods_world_init();
    for (uint32_t swarm = 0; swarm < 2; swarm++) {
        struct account_id account = swarm == 0 ? account_here(1) : account_elsewhere(1);
        char hex[ACCOUNT_HEX_LEN];
        struct fake_request *request;

        account_to_hex(&account, hex);
        request = execute(text_request(
            &methods_world.net.fake, "{\"method\":\"get_snodes_for_pubkey\",\"params\":{\"pubKey\":\"%.66s\"}}", hex));
        ck_assert_uint_eq(request->status, 200);
        ck_assert_int_eq(rpc_snodes_decode(fake_request_answer(request), nodes, ARRAY_LEN(nodes), &count), OK);
        ck_assert_uint_eq(count, FIXTURE_SWARM_NODES);
        ck_assert(
            address_equal(nodes[0].address,
                          methods_world.net.entries[methods_world.net.members[swarm * FIXTURE_SWARM_NODES]].address));
    }
    expect_answer(execute(bytes_text("{\"method\":\"get_snodes_for_pubkey\",\"params\":{\"pubKey\":\"05\"}}")), 400,
                  "Pubkey must be 66 characters long");
    expect_answer(execute(bytes_text("{\"method\":\"get_snodes_for_pubkey\",\"params\":{}}")), 400,
                  "invalid json: no `pubKey` field");
    methods_world_fini();
}
END_TEST

TEST_MAIN("methods", methods_refuse_what_is_no_call, methods_charge_for_reading_and_writing,
          retrieve_gives_ten_at_a_time, retrieve_starts_over_after_an_unknown_hash,
          retrieve_checks_in_the_documented_order, retrieve_waits_for_a_message, retrieve_does_not_wait_above_the_bound,
          get_snodes_names_the_swarm_of_any_account)
