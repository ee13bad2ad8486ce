#include "node/listen.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/onion.h"
#include "node/snode.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

#define HELLO      "aGVsbG8="
#define EMPTY      "{\"messages\":[],\"lease\":30000}"
#define ONE_HELLO  "{\"messages\":[{\"data\":\"" HELLO "\"}],\"lease\":30000}"
#define NOBODY     "{\"listening\":false}"
#define TOO_LATE   "{\"listening\":true}"
#define ID         "0123456789abcdef"
#define KEY_OF_1   "050000000000000001000000000000000000000000000000000000000000000000"
#define NEW_SWARM  (UINT64_C(1) << 20)
#define KEY_MOVING (1u << 20) /* served by NEW_SWARM once there is one */

static struct node_fixture fixture;
static struct snode *snode;

static void start(void)
{
    node_fixture_init(&fixture);
    snode = snode_new(&fixture.config);
    ck_assert_uint_eq(snode_start(snode), 0);
    snode_on_membership(snode, &fixture.membership);
}

static void end(void)
{
    snode_free(snode);
    node_fixture_fini(&fixture);
}

static struct fake_request *post(const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_request(&fixture.fake, VERB_POST, path, body);

    snode_on_request(snode, &request->incoming);
    fake_env_run(&fixture.fake);
    return request;
}

static struct fake_request *rpc(struct bytes body)
{
    return post(PATH_STORAGE_RPC, body);
}

static struct bytes finish(struct buf *out)
{
    struct bytes body;

    ck_assert_int_eq(out->err, OK);
    body = arena_copy(&fixture.fake.arena, buf_bytes(out));
    buf_fini(out);
    return body;
}

static struct bytes listen_body(const struct account_id *account, uint8_t who, uint32_t hold_ms)
{
    char hex[ACCOUNT_HEX_LEN];
    struct rpc_listen listen = {.pubkey = BYTES_OF(hex), .listen_id = {who}, .hold_ms = hold_ms};
    struct buf out;

    account_to_hex(account, hex);
    buf_init(&out, SIZE_MAX);
    rpc_listen_encode(&out, &listen);
    return finish(&out);
}

/* That listener, of one account of this swarm. */
static struct fake_request *listens(uint32_t account, uint8_t who, uint32_t hold_ms)
{
    struct account_id id = account_here(account);

    return rpc(listen_body(&id, who, hold_ms));
}

static struct bytes deliver_body(const struct account_id *account, struct bytes data)
{
    char hex[ACCOUNT_HEX_LEN];
    struct rpc_deliver deliver = {BYTES_OF(hex), data};
    struct buf out;

    account_to_hex(account, hex);
    buf_init(&out, SIZE_MAX);
    rpc_deliver_encode(&out, &deliver);
    return finish(&out);
}

static struct fake_request *delivers(uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    return rpc(deliver_body(&id, bytes_text(data)));
}

/* That many characters. */
static struct fake_request *delivers_bytes(uint32_t account, size_t len)
{
    struct account_id id = account_here(account);
    char *data = malloc(len);
    struct fake_request *request;

    memset(data, 'A', len);
    request = rpc(deliver_body(&id, (struct bytes){(const uint8_t *)data, len}));
    free(data);
    return request;
}

static void advance(int64_t ms)
{
    fake_env_advance_ms(&fixture.fake, ms);
}

static struct snode_counts counts(void)
{
    struct snode_counts out;

    snode_counts(snode, &out);
    return out;
}

static void expect_counts(uint64_t leases, uint64_t open, uint64_t waiting, uint64_t waiting_bytes)
{
    struct snode_counts now = counts();

    ck_assert_uint_eq(now.leases, leases);
    ck_assert_uint_eq(now.listens_open, open);
    ck_assert_uint_eq(now.deliveries_waiting, waiting);
    ck_assert_uint_eq(now.deliveries_waiting_bytes, waiting_bytes);
}

/* Whatever was delivered: nobody was called, nothing was written or stored, no timer is left. */
static void expect_no_trace_left(void)
{
    struct snode_counts now = counts();

    expect_counts(0, 0, 0, 0);
    ck_assert_uint_eq(now.records + now.stored + now.pushes_waiting_bytes + now.listeners + now.onions_open, 0);
    ck_assert_uint_eq(fixture.fake.call_count, 0);
    ck_assert_uint_eq(fixture.fake.disk_puts, 0);
    fake_env_check(&fixture.fake);
}

static void expect_trace(enum trace_kind kind, uint64_t n0, uint64_t n1, uint64_t n2, uint64_t n3)
{
    const struct fake_trace *trace = fake_env_last_trace(&fixture.fake, kind);
    const uint64_t expected[4] = {n0, n1, n2, n3};

    ck_assert_ptr_nonnull(trace);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        ck_assert_uint_eq(trace->n[i], expected[i]);
}

/* The body of a 421 for that account. */
static void expect_snodes(const struct fake_request *request, const struct membership *membership,
                          const struct account_id *account)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    rpc_snodes_encode(&out, membership, swarm_of(membership, account));
    buf_byte(&out, 0);
    expect_answer(request, 421, (const char *)out.data);
    buf_fini(&out);
}

/* ---- listen ---- */

/* Nothing comes: an empty list when the hold is over, to the millisecond. */
START_TEST(listen_ends_empty)
{
    static const uint32_t holds_ms[] = {1, LIMIT_LISTEN_HOLD_MS, LIMIT_LISTEN_HOLD_MS_MAX};

    start();
    for (size_t i = 0; i < ARRAY_LEN(holds_ms); i++) {
        struct fake_request *request = listens(1, 1, holds_ms[i]);

        advance(holds_ms[i] - 1);
        ck_assert(!request->answered);
        expect_counts(1, 1, 0, 0);
        advance(1);
        expect_answer(request, 200, EMPTY);
        ck_assert_int_eq(request->content, CONTENT_JSON);
        expect_counts(1, 0, 0, 0);
        expect_trace(TRACE_LISTEN, 200, 0, 0, holds_ms[i]);
    }
    expect_answer(listens(1, 1, 0), 200, EMPTY); /* no hold: asked, answered */
    end();
}
END_TEST

/* Without a hold it is 8 s; the id may be in either case and names the same lease. */
START_TEST(listen_has_a_default_hold)
{
    struct fake_request *request;

    start();
    request = rpc(text_request(&fixture.fake, "{\"method\":\"listen\",\"params\":{\"pubKey\":\"" KEY_OF_1
                                              "\",\"listenId\":\"0123456789ABCDEF\"}}"));
    advance(LIMIT_LISTEN_HOLD_MS - 1);
    ck_assert(!request->answered);
    advance(1);
    expect_answer(request, 200, EMPTY);
    expect_trace(TRACE_LEASE, LEASE_NEW, 1, 0, 0);
    (void)rpc(text_request(&fixture.fake, "{\"method\":\"listen\",\"params\":{\"pubKey\":\"" KEY_OF_1
                                          "\",\"listenId\":\"" ID "\",\"ack\":\"7\"}}"));
    expect_trace(TRACE_LEASE, LEASE_RENEWED, 1, 7, 0);
    expect_counts(1, 1, 0, 0);
    end();
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

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(rpc(text_request(&fixture.fake, "{\"method\":\"listen\",\"params\":{%s}}", cases[i][0])), 400,
                      cases[i][1]);
    expect_no_trace_left();
    end();
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
    expect_snodes(rpc(listen_body(&account, 1, 0)), &fixture.membership, &account);
    expect_snodes(rpc(deliver_body(&account, BYTES_LIT(HELLO))), &fixture.membership, &account);
    expect_no_trace_left();
    end();
}
END_TEST

/* The same client listens again while its first request is still open, having given that one up: it is answered empty,
 * and a delivery goes to the second alone. */
START_TEST(listen_replaces_its_own)
{
    struct fake_request *first, *second;

    start();
    first = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    advance(1000);
    second = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    expect_answer(first, 200, EMPTY);
    expect_counts(1, 1, 0, 0);
    expect_answer(delivers(1, HELLO), 200, "{\"delivered\":1}");
    expect_answer(second, 200, ONE_HELLO);
    end();
}
END_TEST

/* ---- leases ---- */

/* 30 s from the last listen, and not a millisecond longer. */
START_TEST(lease_ends_30_s_after_the_last_listen)
{
    struct fake_request *last;

    start();
    (void)listens(1, 1, LIMIT_LISTEN_HOLD_MS_MAX);
    advance(LIMIT_LEASE_MS - 1);
    (void)listens(1, 1, 0);
    expect_trace(TRACE_LEASE, LEASE_RENEWED, 1, 0, 0);
    advance(LIMIT_LEASE_MS - 1);
    expect_counts(1, 0, 0, 0);
    last = delivers(1, HELLO);
    ck_assert(!last->answered);
    advance(1);
    expect_answer(last, 404, NOBODY); /* the lease it waited for is over */
    expect_trace(TRACE_LEASE, LEASE_OVER, 0, 0, 0);
    expect_trace(TRACE_DELIVER, 404, 0, sizeof(HELLO) - 1, 1);
    expect_answer(delivers(1, HELLO), 404, NOBODY);
    expect_no_trace_left();
    end();
}
END_TEST

/* One of two ends: what waits goes on waiting for the other. */
START_TEST(lease_ends_alone)
{
    struct fake_request *delivery;

    start();
    (void)listens(1, 1, 0);
    advance(1000);
    (void)listens(1, 2, 0);
    advance(LIMIT_LEASE_MS - 2000);
    delivery = delivers(1, HELLO);
    advance(1000);
    expect_counts(1, 0, 1, sizeof(HELLO) - 1);
    ck_assert(!delivery->answered);
    expect_answer(listens(1, 2, LIMIT_LISTEN_HOLD_MS), 200, ONE_HELLO);
    expect_answer(delivery, 200, "{\"delivered\":1}");
    end();
}
END_TEST

/* Eight leases of an account, and the one above is refused: until one ends, and nobody else. */
START_TEST(leases_of_an_account_are_bounded)
{
    start();
    for (uint8_t who = 0; who < LIMIT_LEASES_PER_KEY; who++)
        expect_answer(listens(1, who, 0), 200, EMPTY);
    expect_answer(listens(1, LIMIT_LEASES_PER_KEY, 0), 429, "too many listeners\n");
    expect_counts(LIMIT_LEASES_PER_KEY, 0, 0, 0);
    expect_answer(listens(1, 3, 0), 200, EMPTY); /* renewed */
    expect_answer(listens(2, LIMIT_LEASES_PER_KEY, 0), 200, EMPTY);
    advance(LIMIT_LEASE_MS - 1);
    expect_answer(listens(1, LIMIT_LEASES_PER_KEY, 0), 429, "too many listeners\n");
    advance(1);
    expect_answer(listens(1, LIMIT_LEASES_PER_KEY, 0), 200, EMPTY);
    advance(LIMIT_LEASE_MS);
    expect_no_trace_left();
    end();
}
END_TEST

/* So does the node, whatever the accounts. A crash with all of them open frees everything. */
START_TEST(leases_of_a_node_are_bounded)
{
    start();
    for (uint32_t i = 0; i < LIMIT_LEASES; i++)
        ck_assert(!listens(i, 1, LIMIT_LISTEN_HOLD_MS)->answered);
    expect_answer(listens(LIMIT_LEASES, 1, 0), 429, "too many listeners\n");
    expect_answer(listens(1, 2, 0), 429, "too many listeners\n");
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    expect_counts(LIMIT_LEASES, LIMIT_LEASES - 1, 0, 0);
    fake_env_crash(&fixture.fake);
    end();
}
END_TEST

/* ---- deliver ---- */

START_TEST(deliver_refuses_what_it_cannot_read)
{
    static const char *const cases[][2] = {
        {"", "invalid json: no `pubKey` field"},
        {"\"pubKey\":\"" KEY_OF_1 "\"", "invalid json: no `data` field"},
        {"\"pubKey\":\"" KEY_OF_1 "\",\"data\":1", "invalid json: `data` is not a string"},
        {"\"pubKey\":\"05\",\"data\":\"\"", "Pubkey must be 66 characters long"},
    };

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(rpc(text_request(&fixture.fake, "{\"method\":\"deliver\",\"params\":{%s}}", cases[i][0])), 400,
                      cases[i][1]);
    (void)listens(1, 1, 0);
    expect_answer(delivers_bytes(1, LIMIT_DATA_CHARS + 1), 400,
                  "Message body exceeds maximum allowed length of 102400");
    ck_assert(!delivers_bytes(1, LIMIT_DATA_CHARS)->answered);
    end();
}
END_TEST

/* No lease: 404, now. */
START_TEST(deliver_finds_nobody)
{
    start();
    (void)listens(2, 1, LIMIT_LISTEN_HOLD_MS);
    expect_answer(delivers(1, HELLO), 404, NOBODY);
    expect_trace(TRACE_DELIVER, 404, 0, sizeof(HELLO) - 1, 0);
    expect_counts(1, 1, 0, 0);
    end();
}
END_TEST

/* Every open listener gets it, and nobody else; then it is gone. */
START_TEST(deliver_reaches_all_who_listen)
{
    struct fake_request *first, *second, *other;

    start();
    (void)listens(1, 1, 0); /* a lease, but between two listens */
    first = listens(1, 2, LIMIT_LISTEN_HOLD_MS);
    second = listens(1, 3, LIMIT_LISTEN_HOLD_MS_MAX);
    other = listens(2, 2, LIMIT_LISTEN_HOLD_MS);
    advance(500);
    expect_answer(delivers(1, HELLO), 200, "{\"delivered\":2}");
    expect_answer(first, 200, ONE_HELLO);
    expect_answer(second, 200, ONE_HELLO);
    expect_trace(TRACE_LISTEN, 200, 1, sizeof(HELLO) - 1, 500);
    expect_trace(TRACE_DELIVER, 200, 2, sizeof(HELLO) - 1, 0);
    ck_assert(!other->answered);
    expect_counts(4, 1, 0, 0);
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    expect_answer(listens(1, 2, 0), 200, EMPTY);
    advance(LIMIT_LEASE_MS);
    expect_no_trace_left();
    end();
}
END_TEST

/* What belongs to a store is not looked at: neither its presence nor its form. */
START_TEST(deliver_ignores_what_a_store_needs)
{
    struct fake_request *listener;

    start();
    listener = listens(1, 1, LIMIT_LISTEN_HOLD_MS);
    expect_answer(
        rpc(text_request(&fixture.fake, "{\"method\":\"deliver\",\"params\":{\"pubKey\":\"" KEY_OF_1
                                        "\",\"data\":\"" HELLO "\",\"ttl\":-1,\"timestamp\":\"x\",\"nonce\":[1]}}")),
        200, "{\"delivered\":1}");
    expect_answer(listener, 200, ONE_HELLO);
    ck_assert_uint_eq(fixture.fake.charged[COST_POW_TRIAL], 0);
    end();
}
END_TEST

/* Deliveries that come between two listens wait for the next, which takes them all at once, in order. */
START_TEST(deliveries_wait_for_the_next_listen)
{
    struct fake_request *deliveries[3];
    static const char *const data[] = {"Zmlyc3Q=", "", "dGhpcmQ="};

    start();
    (void)listens(1, 1, 0);
    for (size_t i = 0; i < ARRAY_LEN(deliveries); i++) {
        deliveries[i] = delivers(1, data[i]);
        advance(100);
    }
    expect_counts(1, 0, 3, 16);
    advance(LIMIT_DELIVER_MS - 301);
    ck_assert(!deliveries[0]->answered);
    expect_answer(listens(1, 1, LIMIT_LISTEN_HOLD_MS), 200,
                  "{\"messages\":[{\"data\":\"Zmlyc3Q=\"},{\"data\":\"\"},{\"data\":\"dGhpcmQ=\"}],\"lease\":30000}");
    for (size_t i = 0; i < ARRAY_LEN(deliveries); i++)
        expect_answer(deliveries[i], 200, "{\"delivered\":1}");
    expect_trace(TRACE_LISTEN, 200, 3, 16, 0);
    expect_trace(TRACE_DELIVER, 200, 1, 8, LIMIT_DELIVER_MS - 201);
    expect_counts(1, 0, 0, 0);
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    advance(LIMIT_LEASE_MS);
    expect_no_trace_left();
    end();
}
END_TEST

/* The next listen does not come: 504 after 5 s, and the message is gone. */
START_TEST(delivery_gives_up_after_5_s)
{
    struct fake_request *delivery;

    start();
    (void)listens(1, 1, 0);
    delivery = delivers(1, HELLO);
    advance(LIMIT_DELIVER_MS - 1);
    ck_assert(!delivery->answered);
    advance(1);
    expect_answer(delivery, 504, TOO_LATE);
    expect_trace(TRACE_DELIVER, 504, 0, sizeof(HELLO) - 1, LIMIT_DELIVER_MS);
    expect_counts(1, 0, 0, 0);
    expect_answer(listens(1, 1, 0), 200, EMPTY);
    end();
}
END_TEST

/* Who hangs up is forgotten: a listener keeps its lease, a delivery leaves nothing. */
START_TEST(listen_forgets_who_has_gone)
{
    struct fake_request *listener, *gone, *waiting;

    start();
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
    advance(LIMIT_LEASE_MS);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 0);
    end();
}
END_TEST

/* 64 of an account may wait, and the next is told so; there is room once they are taken. */
START_TEST(deliveries_of_an_account_are_bounded)
{
    struct fake_request *refused;

    start();
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
    end();
}
END_TEST

/* 1 MiB of an account may wait, to the byte. */
START_TEST(delivery_bytes_of_an_account_are_bounded)
{
    const size_t full = LIMIT_DELIVERY_BYTES_PER_KEY / LIMIT_DATA_CHARS;
    const size_t rest = LIMIT_DELIVERY_BYTES_PER_KEY % LIMIT_DATA_CHARS;

    start();
    (void)listens(1, 1, 0);
    for (size_t i = 0; i < full; i++)
        ck_assert(!delivers_bytes(1, LIMIT_DATA_CHARS)->answered);
    ck_assert_uint_eq(delivers_bytes(1, rest + 1)->status, 429);
    ck_assert(!delivers_bytes(1, rest)->answered);
    expect_counts(1, 0, full + 1, LIMIT_DELIVERY_BYTES_PER_KEY);
    ck_assert_uint_eq(delivers_bytes(1, 1)->status, 429);
    ck_assert(!delivers_bytes(1, 0)->answered);
    advance(LIMIT_DELIVER_MS);
    expect_counts(1, 0, 0, 0);
    ck_assert(!delivers_bytes(1, LIMIT_DATA_CHARS)->answered);
    end();
}
END_TEST

/* And so many at one node, whatever the accounts. */
START_TEST(deliveries_of_a_node_are_bounded)
{
    const uint32_t accounts = LIMIT_DELIVERIES / LIMIT_DELIVERIES_PER_KEY + 1;
    uint32_t sent = 0;

    start();
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
    end();
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

    start();
    (void)listens(1, 1, 0);
    memset(data, 1, len);
    for (size_t i = 0; i < LIMIT_DELIVERIES_PER_KEY; i++)
        ck_assert(!rpc(deliver_body(&account, (struct bytes){data, len}))->answered);
    listener = listens(1, 1, 0);
    ck_assert_int_eq(rpc_heard_decode(fake_request_answer(listener), got, ARRAY_LEN(got), &count, &lease_ms, &document),
                     OK);
    ck_assert_uint_eq(count, LIMIT_DELIVERIES_PER_KEY);
    ck_assert_uint_eq(lease_ms, LIMIT_LEASE_MS);
    for (size_t i = 0; i < count; i++)
        ck_assert(bytes_equal(got[i], (struct bytes){data, len}));
    json_free(document);
    free(data);
    end();
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

    start();
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
    expect_snodes(rpc(listen_body(&moving, 1, 0)), &next, &moving);
    expect_snodes(rpc(deliver_body(&moving, BYTES_LIT(HELLO))), &next, &moving);
    expect_answer(delivers(1, HELLO), 200, "{\"delivered\":1}");
    expect_answer(staying, 200, ONE_HELLO);
    advance(LIMIT_LEASE_MS);
    expect_no_trace_left();
    end();
}
END_TEST

/* A node that leaves its swarm sends all of them away. */
START_TEST(listen_ends_where_the_node_leaves)
{
    struct account_id account = account_here(1);
    struct membership next;
    struct fake_request *first, *second, *delivery;

    start();
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
    end();
}
END_TEST

/* A restart forgets all: who listened must listen again, and nothing was on the disk. */
START_TEST(listen_does_not_survive_a_restart)
{
    start();
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
    end();
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
    return post(PATH_ONION_V2, body);
}

static void expect_onion_answer(const struct fake_request *request, const struct reply_key *key, uint16_t status,
                                const char *text)
{
    uint16_t inner;
    struct bytes body;

    ck_assert(request->answered);
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(
        onion_open_reply(&crypto_modelled, key, &fixture.fake.arena, fake_request_answer(request), &inner, &body), OK);
    ck_assert_uint_eq(inner, status);
    ck_assert(bytes_equal_text(body, text));
}

/* The relays wait 10 s: a longer hold is cut to 8. */
START_TEST(listen_out_of_an_onion_is_held_8_s)
{
    struct account_id account = account_here(1);
    struct fake_request *listener;
    struct reply_key key;

    start();
    listener = onion(listen_body(&account, 1, LIMIT_LISTEN_HOLD_MS_MAX), &key);
    advance(LIMIT_LISTEN_HOLD_MS - 1);
    ck_assert(!listener->answered);
    advance(1);
    expect_onion_answer(listener, &key, 200, EMPTY);
    listener = onion(listen_body(&account, 1, 10), &key); /* a shorter one is not */
    advance(10);
    expect_onion_answer(listener, &key, 200, EMPTY);
    end();
}
END_TEST

/* Onion to onion; the statuses stand inside. */
START_TEST(delivery_goes_from_onion_to_onion)
{
    struct account_id account = account_here(1);
    struct bytes deliver;
    struct fake_request *listener, *delivery;
    struct reply_key listener_key, delivery_key;

    start();
    deliver = deliver_body(&account, BYTES_LIT(HELLO));
    delivery = onion(deliver, &delivery_key);
    expect_onion_answer(delivery, &delivery_key, 404, NOBODY);
    listener = onion(listen_body(&account, 1, LIMIT_LISTEN_HOLD_MS), &listener_key);
    delivery = onion(deliver_body(&account, BYTES_LIT(HELLO)), &delivery_key);
    expect_onion_answer(listener, &listener_key, 200, ONE_HELLO);
    expect_onion_answer(delivery, &delivery_key, 200, "{\"delivered\":1}");
    delivery = onion(deliver_body(&account, BYTES_LIT(HELLO)), &delivery_key);
    advance(LIMIT_DELIVER_MS);
    expect_onion_answer(delivery, &delivery_key, 504, TOO_LATE);
    advance(LIMIT_LEASE_MS);
    expect_no_trace_left();
    end();
}
END_TEST

/* Either end of an onion may go. */
START_TEST(listen_lets_an_onion_asker_go)
{
    struct account_id account = account_here(1);
    struct fake_request *listener, *delivery;
    struct reply_key key;

    start();
    listener = onion(listen_body(&account, 1, LIMIT_LISTEN_HOLD_MS), &key);
    fake_env_hang_up(&fixture.fake, listener);
    delivery = onion(deliver_body(&account, BYTES_LIT(HELLO)), &key);
    ck_assert_uint_eq(counts().onions_open, 1);
    expect_counts(1, 0, 1, 8);
    fake_env_hang_up(&fixture.fake, delivery);
    ck_assert_uint_eq(counts().onions_open, 0);
    expect_counts(1, 0, 0, 0);
    advance(LIMIT_LEASE_MS);
    expect_counts(0, 0, 0, 0);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 0);
    end();
}
END_TEST

TEST_MAIN("listen", listen_ends_empty, listen_has_a_default_hold, listen_refuses_what_it_cannot_read,
          listen_and_deliver_are_for_the_own_swarm, listen_replaces_its_own, lease_ends_30_s_after_the_last_listen,
          lease_ends_alone, leases_of_an_account_are_bounded, leases_of_a_node_are_bounded,
          deliver_refuses_what_it_cannot_read, deliver_finds_nobody, deliver_reaches_all_who_listen,
          deliver_ignores_what_a_store_needs, deliveries_wait_for_the_next_listen, delivery_gives_up_after_5_s,
          listen_forgets_who_has_gone, deliveries_of_an_account_are_bounded, delivery_bytes_of_an_account_are_bounded,
          deliveries_of_a_node_are_bounded, listen_answers_with_a_mebibyte, listen_ends_where_another_swarm_serves,
          listen_ends_where_the_node_leaves, listen_does_not_survive_a_restart, listen_out_of_an_onion_is_held_8_s,
          delivery_goes_from_onion_to_onion, listen_lets_an_onion_asker_go)
