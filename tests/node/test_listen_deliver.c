/* What is delivered to those who listen. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/onion.h"
#include "node/listen.h"
#include "tests/support/check_main.h"
#include "tests/support/listen_fixture.h"

#define TOO_LATE "{\"listening\":true}"

/* ---- deliver ---- */

START_TEST(deliver_refuses_what_it_cannot_read)
{
    static const char *const cases[][2] = {
        {"", "invalid json: no `pubKey` field"},
        {"\"pubKey\":\"" KEY_OF_1 "\"", "invalid json: no `data` field"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"data\":1", "invalid json: `data` is not a string"},
        {"\"pubKey\":\"05\",\"data\":\"\"", "Pubkey must be 66 characters long"},
    };

    fixture_start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(rpc_to_node(text_request(&fixture.fake, "{\"method\":\"deliver\",\"params\":{%s}}", cases[i][0])),
                      400, cases[i][1]);
    (void)listens(1, 1, 0);
    expect_answer(delivers_bytes(1, LIMIT_DATA_CHARS + 1), 400,
                  "Message body exceeds maximum allowed length of 102400");
    ck_assert(!delivers_bytes(1, LIMIT_DATA_CHARS)->answered);
    fixture_end();
}
END_TEST

/* No lease: 404, now. */
START_TEST(deliver_finds_nobody)
{
    fixture_start();
    (void)listens(2, 1, LIMIT_LISTEN_HOLD_MS);
    expect_answer(delivers(1, HELLO), 404, NOBODY);
    expect_trace(TRACE_DELIVER, 404, 0, sizeof(HELLO) - 1, 0);
    expect_counts(1, 1, 0, 0);
    fixture_end();
}
END_TEST

/* Every open listener gets it, and nobody else; then it is gone. */
START_TEST(deliver_reaches_all_who_listen)
{
    struct fake_request *first, *second, *other;

    fixture_start();
    (void)listens(1, 1, 0); /* a lease, but between two listens */
    first = listens(1, 2, LIMIT_LISTEN_HOLD_MS);
    second = listens(1, 3, LIMIT_LISTEN_HOLD_MS_MAX);
    other = listens(2, 2, LIMIT_LISTEN_HOLD_MS);
    fixture_advance_ms(500);
    expect_answer(delivers(1, HELLO), 200, "{\"delivered\":2}");
    expect_answer(first, 200, ONE_HELLO);
    expect_answer(second, 200, ONE_HELLO);
    expect_trace(TRACE_LISTEN, 200, 1, sizeof(HELLO) - 1, 500);
    expect_trace(TRACE_DELIVER, 200, 2, sizeof(HELLO) - 1, 0);
    ck_assert(!other->answered);
    expect_counts(4, 1, 0, 0);
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    expect_answer(listens(1, 2, 0), 200, EMPTY);
    fixture_advance_ms(LIMIT_LEASE_MS);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* What belongs to a store is not looked at: neither its presence nor its form. */
START_TEST(deliver_ignores_what_a_store_needs)
{
    struct fake_request *listener;

    fixture_start();
    listener = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    expect_answer(rpc_to_node(text_request(&fixture.fake,
                                           "{\"method\":\"deliver\",\"params\":{\"pubKey\":\"" KEY_OF_1
                                           "\",\"data\":\"" HELLO "\",\"ttl\":-1,\"timestamp\":\"x\",\"nonce\":[1]}}")),
                  200, "{\"delivered\":1}");
    expect_answer(listener, 200, ONE_HELLO);
    ck_assert_uint_eq(fixture.fake.charged[COST_POW_TRIAL], 0);
    fixture_end();
}
END_TEST

/* Deliveries that come between two listens wait for the next, which takes them all at once, in order. */
START_TEST(deliveries_wait_for_the_next_listen)
{
    struct fake_request *deliveries[3];
    static const char *const data[] = {"Zmlyc3Q=", "", "dGhpcmQ="};

    fixture_start();
    (void)listens(1, 1, 0);
    for (size_t i = 0; i < ARRAY_LEN(deliveries); i++) {
        deliveries[i] = delivers(1, data[i]);
        fixture_advance_ms(100);
    }
    expect_counts(1, 0, 3, 16);
    fixture_advance_ms(LIMIT_DELIVER_MS - 301);
    ck_assert(!deliveries[0]->answered);
    expect_answer(listens(1, 1, LIMIT_LISTEN_HOLD_MS), 200,
                  "{\"messages\":[{\"data\":\"Zmlyc3Q=\"},{\"data\":\"\"},{\"data\":\"dGhpcmQ=\"}],\"lease\":30000}");
    for (size_t i = 0; i < ARRAY_LEN(deliveries); i++)
        expect_answer(deliveries[i], 200, "{\"delivered\":1}");
    expect_trace(TRACE_LISTEN, 200, 3, 16, 0);
    expect_trace(TRACE_DELIVER, 200, 1, 8, LIMIT_DELIVER_MS - 201);
    expect_counts(1, 0, 0, 0);
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    fixture_advance_ms(LIMIT_LEASE_MS);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* The next listen does not come: 504 after 5 s, and the message is gone. */
START_TEST(delivery_gives_up_after_5_s)
{
    struct fake_request *delivery;

    fixture_start();
    (void)listens(1, 1, 0);
    delivery = delivers(1, HELLO);
    fixture_advance_ms(LIMIT_DELIVER_MS - 1);
    ck_assert(!delivery->answered);
    fixture_advance_ms(1);
    expect_answer(delivery, 504, TOO_LATE);
    expect_trace(TRACE_DELIVER, 504, 0, sizeof(HELLO) - 1, LIMIT_DELIVER_MS);
    expect_counts(1, 0, 0, 0);
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    fixture_end();
}
END_TEST

/* Who hangs up is forgotten: a listener keeps its lease, a delivery leaves nothing. */
START_TEST(listen_forgets_who_has_gone)
{
    struct fake_request *listener, *gone, *waiting;

    fixture_start();
    listener = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    fake_env_hang_up(&fixture.fake, listener);
    expect_counts(1, 0, 0, 0);
    gone = delivers(1, "Zmlyc3Q=");
    waiting = delivers(1, HELLO);
    expect_counts(1, 0, 2, 16);
    fake_env_hang_up(&fixture.fake, gone);
    expect_counts(1, 0, 1, 8);
    expect_answer(listens(1, 1, LIMIT_LISTEN_HOLD_MS), 200, ONE_HELLO);
    expect_answer(waiting, 200, "{\"delivered\":1}");
    ck_assert(!gone->answered && !listener->answered);
    fixture_advance_ms(LIMIT_LEASE_MS);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 0);
    fixture_end();
}
END_TEST

/* 64 of an account may wait, and the next is told so; there is room once they are taken. */
START_TEST(deliveries_of_an_account_are_bounded)
{
    struct fake_request *refused;

    fixture_start();
    (void)listens(1, 1, 0);
    (void)listens(2, 1, 0);
    for (size_t i = 0; i < LIMIT_DELIVERIES_PER_KEY; i++)
        ck_assert(!delivers(1, HELLO)->answered);
    refused = delivers(1, HELLO);
    expect_answer(refused, 429, "too many deliveries\n");
    expect_trace(TRACE_DELIVER, 429, 0, sizeof(HELLO) - 1, 0);
    ck_assert(!delivers(2, HELLO)->answered);
    ck_assert_uint_eq(listens(1, 1, LIMIT_LISTEN_HOLD_MS)->status, 200);
    expect_trace(TRACE_LISTEN, 200, LIMIT_DELIVERIES_PER_KEY, LIMIT_DELIVERIES_PER_KEY * (sizeof(HELLO) - 1), 0);
    ck_assert(!delivers(1, HELLO)->answered);
    fixture_end();
}
END_TEST

/* 1 MiB of an account may wait, to the byte. */
START_TEST(delivery_bytes_of_an_account_are_bounded)
{
    const size_t full = LIMIT_DELIVERY_BYTES_PER_KEY / LIMIT_DATA_CHARS;
    const size_t rest = LIMIT_DELIVERY_BYTES_PER_KEY % LIMIT_DATA_CHARS;

    fixture_start();
    (void)listens(1, 1, 0);
    for (size_t i = 0; i < full; i++)
        ck_assert(!delivers_bytes(1, LIMIT_DATA_CHARS)->answered);
    ck_assert_uint_eq(delivers_bytes(1, rest + 1)->status, 429);
    ck_assert(!delivers_bytes(1, rest)->answered);
    expect_counts(1, 0, full + 1, LIMIT_DELIVERY_BYTES_PER_KEY);
    ck_assert_uint_eq(delivers_bytes(1, 1)->status, 429);
    ck_assert(!delivers_bytes(1, 0)->answered);
    fixture_advance_ms(LIMIT_DELIVER_MS);
    expect_counts(1, 0, 0, 0);
    ck_assert(!delivers_bytes(1, LIMIT_DATA_CHARS)->answered);
    fixture_end();
}
END_TEST

/* And so many at one node, whatever the accounts. */
START_TEST(deliveries_of_a_node_are_bounded)
{
    const uint32_t accounts = LIMIT_DELIVERIES / LIMIT_DELIVERIES_PER_KEY + 1;
    uint32_t sent = 0;

    fixture_start();
    for (uint32_t account = 0; account < accounts; account++) {
        (void)listens(account, 1, 0);
        for (uint32_t i = 0; i < LIMIT_DELIVERIES_PER_KEY && sent < LIMIT_DELIVERIES; i++, sent++)
            ck_assert(!delivers(account, "")->answered);
    }
    ck_assert_uint_eq(delivers(accounts - 1, "")->status, 429);
    expect_counts(accounts, 0, LIMIT_DELIVERIES, 0);
    ck_assert_uint_eq(listens(0, 1, 0)->status, 200);
    ck_assert(!delivers(accounts - 1, "")->answered);
    fake_env_crash(&fixture.fake);
    fixture_end();
}
END_TEST

/* The longest answer: 1 MiB of what JSON writes in six characters each. It arrives as it was sent. */
START_TEST(listen_answers_with_a_mebibyte)
{
    struct account_id account = account_here(1);
    struct fake_request *listener;
    struct bytes got[LIMIT_DELIVERIES_PER_KEY];
    const size_t len = LIMIT_DELIVERY_BYTES_PER_KEY / LIMIT_DELIVERIES_PER_KEY;
    uint8_t *data = malloc(len);
    struct json *document;
    uint32_t lease_ms;
    size_t count;

    fixture_start();
    (void)listens(1, 1, 0);
    memset(data, 1, len);
    for (size_t i = 0; i < LIMIT_DELIVERIES_PER_KEY; i++)
        ck_assert(!rpc_to_node(deliver_body(&account, (struct bytes){data, len}))->answered);
    listener = listens(1, 1, 0);
    ck_assert_int_eq(rpc_heard_decode(fake_request_answer(listener), got, ARRAY_LEN(got), &count, &lease_ms, &document),
                     OK);
    ck_assert_uint_eq(count, LIMIT_DELIVERIES_PER_KEY);
    ck_assert_uint_eq(lease_ms, LIMIT_LEASE_MS);
    for (size_t i = 0; i < count; i++)
        ck_assert(bytes_equal(got[i], (struct bytes){data, len}));
    json_free(document);
    free(data);
    fixture_end();
}
END_TEST

/* ---- out of an onion ---- */

static struct fake_request *onion(struct bytes rpc_body, struct reply_key *reply_key)
{
    struct onion_hop hop = {.ed25519 = fixture.config.keys->ed25519, .x25519 = fixture.config.keys->x25519.public};
    struct onion_seed seed = {.secret = {{1, 2, 3}}};
    struct bytes body;

    ck_assert_int_eq(onion_wrap(&crypto_modelled, ONION_V2, &fixture.fake.arena, &hop, 1, rpc_body, BYTES_LIT("{}"),
                                &seed, &body, reply_key),
                     OK);
    return post_to_node(PATH_ONION_V2, body);
}

/* The relays wait 10 s: a longer hold is cut to 8. */
START_TEST(listen_out_of_an_onion_is_held_8_s)
{
    struct account_id account = account_here(1);
    struct fake_request *listener;
    struct reply_key key;

    fixture_start();
    listener = onion(listen_body(&account, 1, LIMIT_LISTEN_HOLD_MS_MAX), &key);
    fixture_advance_ms(LIMIT_LISTEN_HOLD_MS - 1);
    ck_assert(!listener->answered);
    fixture_advance_ms(1);
    expect_onion_answer(&fixture.fake.arena, listener, &key, 200, EMPTY);
    listener = onion(listen_body(&account, 1, 10), &key); /* a shorter one is not */
    fixture_advance_ms(10);
    expect_onion_answer(&fixture.fake.arena, listener, &key, 200, EMPTY);
    fixture_end();
}
END_TEST

/* Onion to onion; the statuses stand inside. */
START_TEST(delivery_goes_from_onion_to_onion)
{
    struct account_id account = account_here(1);
    struct bytes deliver;
    struct fake_request *listener, *delivery;
    struct reply_key listener_key, delivery_key;

    fixture_start();
    deliver = deliver_body(&account, BYTES_LIT(HELLO));
    delivery = onion(deliver, &delivery_key);
    expect_onion_answer(&fixture.fake.arena, delivery, &delivery_key, 404, NOBODY);
    listener = onion(listen_body(&account, 1, LIMIT_LISTEN_HOLD_MS), &listener_key);
    delivery = onion(deliver_body(&account, BYTES_LIT(HELLO)), &delivery_key);
    expect_onion_answer(&fixture.fake.arena, listener, &listener_key, 200, ONE_HELLO);
    expect_onion_answer(&fixture.fake.arena, delivery, &delivery_key, 200, "{\"delivered\":1}");
    delivery = onion(deliver_body(&account, BYTES_LIT(HELLO)), &delivery_key);
    fixture_advance_ms(LIMIT_DELIVER_MS);
    expect_onion_answer(&fixture.fake.arena, delivery, &delivery_key, 504, TOO_LATE);
    fixture_advance_ms(LIMIT_LEASE_MS);
    expect_no_trace_left();
    fixture_end();
}
END_TEST

/* Either end of an onion may go. */
START_TEST(listen_lets_an_onion_asker_go)
{
    struct account_id account = account_here(1);
    struct fake_request *listener, *delivery;
    struct reply_key key;

    fixture_start();
    listener = onion(listen_body(&account, 1, LIMIT_LISTEN_HOLD_MS), &key);
    fake_env_hang_up(&fixture.fake, listener);
    delivery = onion(deliver_body(&account, BYTES_LIT(HELLO)), &key);
    ck_assert_uint_eq(node_counts().onions_open, 1);
    expect_counts(1, 0, 1, 8);
    fake_env_hang_up(&fixture.fake, delivery);
    ck_assert_uint_eq(node_counts().onions_open, 0);
    expect_counts(1, 0, 0, 0);
    fixture_advance_ms(LIMIT_LEASE_MS);
    expect_counts(0, 0, 0, 0);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 0);
    fixture_end();
}
END_TEST

TEST_MAIN("listen_deliver", deliver_refuses_what_it_cannot_read, deliver_finds_nobody, deliver_reaches_all_who_listen,
          deliver_ignores_what_a_store_needs, deliveries_wait_for_the_next_listen, delivery_gives_up_after_5_s,
          listen_forgets_who_has_gone, deliveries_of_an_account_are_bounded, delivery_bytes_of_an_account_are_bounded,
          deliveries_of_a_node_are_bounded, listen_answers_with_a_mebibyte, listen_out_of_an_onion_is_held_8_s,
          delivery_goes_from_onion_to_onion, listen_lets_an_onion_asker_go)
