/* store: every check, in its order. */
#include "node/methods.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/methods_fixture.h"

/* One field after another is missing, in the documented order; then each is of another type. */
START_TEST(store_wants_all_fields)
{
    static const char *const fields[] = {"pubKey", "ttl", "nonce", "timestamp", "data"};
    char expected[80];

    methods_world_init();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct buf body;

        buf_init(&body, 4096);
        buf_text(&body, "{\"method\":\"store\",\"params\":{\"x\":1");
        for (size_t j = 0; j < i; j++)
            buf_printf(&body, ",\"%s\":\"\"", fields[j]);
        buf_text(&body, "}}");
        snprintf(expected, sizeof(expected), "invalid json: no `%s` field", fields[i]);
        expect_answer(execute(buf_bytes(&body)), 400, expected);

        buf_clear(&body);
        buf_text(&body, "{\"method\":\"store\",\"params\":{");
        for (size_t j = 0; j < ARRAY_LEN(fields); j++)
            buf_printf(&body, j == i ? "%s\"%s\":86400000" : "%s\"%s\":\"\"", j == 0 ? "" : ",", fields[j]);
        buf_text(&body, "}}");
        snprintf(expected, sizeof(expected), "invalid json: `%s` is not a string", fields[i]);
        expect_answer(execute(buf_bytes(&body)), 400, expected);
        buf_fini(&body);
    }
    ck_assert_uint_eq(fake_env_traces(&methods_world.net.fake, TRACE_STORE_REFUSED), 2 * ARRAY_LEN(fields));
    methods_world_fini();
}
END_TEST

static struct fake_request *store_texts(const struct rpc_store *texts)
{
    struct fake_request *request;
    struct buf body;

    buf_init(&body, SIZE_MAX);
    rpc_store_encode(&body, texts);
    request = execute(buf_bytes(&body));
    buf_fini(&body);
    return request;
}

static void expect_step(const struct fake_request *request, enum store_step step)
{
    const struct fake_trace *trace = fake_env_last_trace(&methods_world.net.fake, TRACE_STORE_REFUSED);

    ck_assert_uint_eq(trace->n[0], request->status);
    ck_assert_uint_eq(trace->n[1], step);
}

/* A request with everything wrong is repaired check by check: that is their order. */
START_TEST(store_checks_in_the_documented_order)
{
    static char long_data[LIMIT_DATA_CHARS + 1];
    char elsewhere[ACCOUNT_HEX_LEN], here[ACCOUNT_HEX_LEN];
    struct account_id account = account_elsewhere(1);
    struct rpc_store texts = {BYTES_LIT("05"), BYTES_LIT("x"), BYTES_LIT("x"), BYTES_LIT("x"), BYTES_OF(long_data)};
    struct test_message good;
    struct fake_request *request;

    methods_world_init();
    make(&good, 1, "aGVsbG8=");
    account_to_hex(&account, elsewhere);
    memcpy(here, good.pubkey, sizeof(here));
    memset(long_data, 'A', sizeof(long_data));

    request = store_texts(&texts);
    expect_answer(request, 400, "Pubkey must be 66 characters long");
    expect_step(request, STEP_PUBKEY);
    texts.pubkey = BYTES_LIT("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    expect_answer(store_texts(&texts), 400, "Pubkey must be hexadecimal");

    texts.pubkey = BYTES_OF(elsewhere);
    request = store_texts(&texts);
    expect_answer(request, 400, "Message body exceeds maximum allowed length of 102400");
    expect_step(request, STEP_DATA);

    texts.data.len = LIMIT_DATA_CHARS;
    request = store_texts(&texts);
    ck_assert_uint_eq(request->status, 421);
    expect_step(request, STEP_SWARM);

    texts.pubkey = BYTES_OF(here);
    request = store_texts(&texts);
    expect_answer(request, 403, "Provided TTL is not valid.");
    expect_step(request, STEP_TTL);

    texts.ttl = bytes_text(good.ttl);
    request = store_texts(&texts);
    expect_answer(request, 406, "Timestamp error: check your clock");
    expect_step(request, STEP_TIMESTAMP);

    texts.timestamp = bytes_text(good.timestamp);
    request = store_texts(&texts);
    expect_answer(request, 432, "{\"difficulty\":1}");
    ck_assert_int_eq(request->content, CONTENT_JSON);
    expect_step(request, STEP_PROOF);
    ck_assert_uint_eq(methods_world.net.fake.charged[COST_POW_CHECK], 0); /* the nonce was none */

    texts.nonce = bytes_text(good.nonce);
    expect_answer(store_texts(&texts), 432, "{\"difficulty\":1}"); /* a proof for other data */
    texts.data = bytes_text(good.data);
    expect_answer(store_texts(&texts), 200, "{\"difficulty\":1}");
    methods_world_fini();
}
END_TEST

/* What a ttl may be: to the millisecond, and canonical, since peers print it anew to check the proof. */
START_TEST(store_checks_the_ttl)
{
    static const struct {
        const char *ttl;
        uint16_t status;
    } cases[] = {{"9999", 403},   {"10000", 200}, {"345600000", 200}, {"345600001", 403}, {"", 403},
                 {"-60000", 403}, {"6e4", 403},   {"60000.0", 403},   {" 60000", 403},    {"99999999999999999999", 403},
                 {"060000", 400}, {"00", 400},    {"0", 403}};

    methods_world_init();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct test_message message;
        struct fake_request *request;

        make(&message, 1, "aGVsbG8=");
        snprintf(message.ttl, sizeof(message.ttl), "%s", cases[i].ttl);
        message.ttl_ms = strtoull(cases[i].ttl, NULL, 10);
        sign_message(&message, 1);
        request = execute_store(&message);
        ck_assert_msg(request->status == cases[i].status, "ttl %s is answered %u", cases[i].ttl, request->status);
        if (request->status == 400)
            expect_answer(request, 400, "ttl must not have leading zeros");
    }
    methods_world_fini();
}
END_TEST

/* A clock 10 s ahead is forgiven; a message may come at its very last millisecond. */
START_TEST(store_checks_the_timestamp)
{
    static const struct {
        int64_t offset_ms;
        uint16_t status;
    } cases[] = {{LIMIT_FUTURE_MS, 200}, {LIMIT_FUTURE_MS + 1, 406}, {-60000, 200}, {-60001, 406}};
    struct account_id account = account_here(1);
    struct test_message message;

    methods_world_init();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        make_message(&message, &account, (uint64_t)(methods_world.net.fake.now_ms + cases[i].offset_ms), 60000,
                     "aGVsbG8=");
        ck_assert_uint_eq(execute_store(&message)->status, cases[i].status);
    }
    make(&message, 1, "aGVsbG8=");
    snprintf(message.timestamp, sizeof(message.timestamp), "0%lld", (long long)methods_world.net.fake.now_ms);
    sign_message(&message, 1);
    expect_answer(execute_store(&message), 400, "timestamp must not have leading zeros");
    snprintf(message.timestamp, sizeof(message.timestamp), "18446744073709551615");
    sign_message(&message, 1);
    expect_answer(execute_store(&message), 406, "Timestamp error: check your clock");
    methods_world_fini();
}
END_TEST

/* The longest message that is allowed. */
START_TEST(store_takes_102400_characters)
{
    static char data[LIMIT_DATA_CHARS];
    uint8_t payload_hash[64], nonce[8], hash[64];
    char nonce_text[12];
    struct test_message message;
    struct rpc_store texts;
    uint64_t target;

    methods_world_init();
    make(&message, 1, "");
    memset(data, 'A', sizeof(data));
    texts = (struct rpc_store){bytes_text(message.pubkey), bytes_text(message.ttl), BYTES_OF(nonce_text),
                               bytes_text(message.timestamp), BYTES_OF(data)};
    pow_payload_hash((struct bytes[]){texts.timestamp, texts.ttl, texts.pubkey, texts.data}, 4, payload_hash);
    ck_assert_int_eq(pow_target(&target, texts.timestamp.len + texts.ttl.len + 66 + sizeof(data), 60000, 1), OK);
    ck_assert_int_eq(crypto_modelled.pow_prove(payload_hash, target, UINT64_MAX, nonce, hash), OK);
    base64_encode(nonce_text, BYTES_OF(nonce));
    expect_answer(store_texts(&texts), 200, "{\"difficulty\":1}");
    methods_world_fini();
}
END_TEST

/* The proof must meet the current difficulty, which every answer tells. */
START_TEST(store_asks_for_the_current_difficulty)
{
    struct test_message message;

    methods_world_init();
    make(&message, 1, "aGVsbG8=");
    publish(100);
    expect_answer(execute_store(&message), 432, "{\"difficulty\":100}");
    sign_message(&message, 100);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":100}");
    methods_world_fini();
}
END_TEST

/* A nonce of another size, or in another text than the canonical one, is an invalid proof. */
START_TEST(store_wants_a_nonce_of_8_bytes)
{
    static const char *const nonces[] = {
        "", "AAAAAAAADVU", "AAAAAAAADV==", "AAAAAAAADVV=", "AAAAAAAAAADVVQ==", "AAAA!AAADVU="};

    methods_world_init();
    for (size_t i = 0; i < ARRAY_LEN(nonces); i++) {
        struct test_message message;

        make(&message, 1, "aGVsbG8=");
        snprintf(message.nonce, sizeof(message.nonce), "%s", nonces[i]);
        ck_assert_uint_eq(execute_store(&message)->status, 432);
    }
    methods_world_fini();
}
END_TEST

/* An upper-case key names the same account, but a proof made over it is for another text. */
START_TEST(store_lowers_the_key)
{
    struct account_id account = account_here(0xabcdef);
    struct test_message message;

    methods_world_init();
    make_message(&message, &account, (uint64_t)methods_world.net.fake.now_ms, 60000, "aGVsbG8=");
    for (char *at = message.pubkey; *at != 0; at++)
        *at = (char)toupper(*at);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}"); /* signed in lower case */
    ck_assert_uint_eq(store_held_for(&methods_world.store, &account), 1);
    sign_message(&message, 1);
    expect_answer(execute_store(&message), 432, "{\"difficulty\":1}");
    methods_world_fini();
}
END_TEST

/* 421 names the nodes that do serve the account. */
START_TEST(store_says_which_swarm_it_is)
{
    struct account_id account = account_elsewhere(1);
    struct rpc_snode nodes[8];
    struct test_message message;
    struct fake_request *request;
    size_t count;

    methods_world_init();
    make_message(&message, &account, (uint64_t)methods_world.net.fake.now_ms, 60000, "aGVsbG8=");
    request = execute_store(&message);
    ck_assert_uint_eq(request->status, 421);
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert_int_eq(rpc_snodes_decode(fake_request_answer(request), nodes, ARRAY_LEN(nodes), &count), OK);
    ck_assert_uint_eq(count, FIXTURE_SWARM_NODES);
    for (size_t i = 0; i < count; i++)
        ck_assert(address_equal(nodes[i].address,
                                methods_world.net.entries[methods_world.net.members[FIXTURE_SWARM_NODES + i]].address));
    methods_world_fini();
}
END_TEST

/* A node that knows no swarm of its own has nothing to compare with: told at the end of all checks. */
START_TEST(store_waits_for_a_swarm)
{
    struct test_message message;
    struct fake_request *request;

    methods_world_init();
    methods_world.net.entries[methods_world.net.own].swarm_id = SWARM_NONE;
    membership_update(&methods_world.view, &methods_world.net.membership);
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    expect_answer(request, 503, "Service node is initializing\n");
    expect_step(request, STEP_READY);
    methods_world_fini();
}
END_TEST

/* Full: 503, and nothing is lost that was there. What is known already is still answered 200. */
START_TEST(store_says_when_it_is_full)
{
    struct test_message first, second;
    struct fake_request *request;

    methods_world_init_with(&crypto_modelled, 200);
    make(&first, 1, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    expect_answer(execute_store(&first), 200, "{\"difficulty\":1}");
    request = execute_store(&second);
    expect_answer(request, 503, "Service node is full");
    expect_step(request, STEP_FULL);
    ck_assert_uint_eq(methods_world.store.counts.refused_full, 1);
    expect_answer(execute_store(&first), 200, "{\"difficulty\":1}");
    methods_world_fini();
}
END_TEST

/* A disk that does not answer: so many may wait, and the one above is refused. */
START_TEST(store_bounds_who_waits_for_the_disk)
{
    struct test_message message;

    methods_world_init();
    methods_world.net.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    for (size_t i = 0; i < LIMIT_STORES_OPEN; i++)
        ck_assert(!execute_store(&message)->answered);
    expect_answer(execute_store(&message), 503, "Service node is full");
    fake_env_complete_sync(&methods_world.net.fake);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}");
    ck_assert_uint_eq(methods_world.methods.store_count, 0);
    methods_world_fini();
}
END_TEST

TEST_MAIN("method_store_refusals", store_wants_all_fields, store_checks_in_the_documented_order, store_checks_the_ttl,
          store_checks_the_timestamp, store_takes_102400_characters, store_asks_for_the_current_difficulty,
          store_wants_a_nonce_of_8_bytes, store_lowers_the_key, store_says_which_swarm_it_is, store_waits_for_a_swarm,
          store_says_when_it_is_full, store_bounds_who_waits_for_the_disk)
