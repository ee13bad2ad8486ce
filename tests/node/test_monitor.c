#include "node/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "proto/monitor.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

static struct node_fixture fixture;
static struct store store;
static struct monitor *monitor;
static struct ed25519_public owner_key;
static struct ed25519_secret owner_secret;
static struct account_id owner;

static void start(void)
{
    static const uint8_t seed[32] = {7};

    node_fixture_init(&fixture);
    store_init(&store, &fixture.fake.env, LIMIT_STORE_BYTES, 100, NULL, NULL);
    monitor = monitor_new(&fixture.fake.env, &crypto_real, &store);
    ed25519_from_seed(seed, &owner_key, &owner_secret);
    owner.bytes[0] = 3;
    memcpy(owner.bytes + 1, owner_key.bytes, 32);
}

static void end(void)
{
    monitor_free(monitor);
    store_fini(&store);
    node_fixture_fini(&fixture);
}

struct wish {
    const char *namespaces; /* joined by commas; NULL: 0 */
    int64_t late_s;
    bool data, wrong, by_key;
};

static void write_namespaces(struct buf *out, const char *list)
{
    buf_byte(out, 'l');
    for (const char *at = list; at != NULL && *at != '\0'; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1)
        bencode_write_integer(out, atoi(at));
    buf_byte(out, 'e');
}

static void write_wish(struct buf *out, const struct wish *wish)
{
    int64_t t = FAKE_EPOCH_MS / 1000 - wish->late_s;
    const char *namespaces = wish->namespaces == NULL ? "0" : wish->namespaces;
    struct account_id account = owner;
    char hex[ACCOUNT_HEX_LEN];
    uint8_t signature[64];
    struct x25519_public x25519;
    struct buf text;

    if (wish->by_key) {
        ck_assert_int_eq(x25519_from_ed25519_public(&owner_key, &x25519), OK);
        account_from_x25519(&x25519, &account);
    }
    account_to_hex(&account, hex);
    buf_init(&text, 4096);
    buf_printf(&text, "MONITOR%.66s%" PRId64 "%d%s", hex, t, wish->data, namespaces);
    ed25519_sign(&owner_secret, buf_bytes(&text), signature);
    buf_fini(&text);
    signature[0] ^= wish->wrong;
    buf_byte(out, 'd');
    if (wish->by_key) {
        bencode_write_text(out, "P");
        bencode_write_string(out, BYTES_OF(owner_key.bytes));
    }
    bencode_write_text(out, "d");
    bencode_write_integer(out, wish->data);
    bencode_write_text(out, "n");
    write_namespaces(out, namespaces);
    if (!wish->by_key) {
        bencode_write_text(out, "p");
        bencode_write_string(out, BYTES_OF(owner.bytes));
    }
    bencode_write_text(out, "s");
    bencode_write_string(out, BYTES_OF(signature));
    bencode_write_text(out, "t");
    bencode_write_integer(out, t);
    buf_byte(out, 'e');
}

static struct fake_request *ask(struct bytes body)
{
    struct fake_request *request = fake_env_request(&fixture.fake, VERB_POST, "/monitor/v1", body);

    monitor_on_request(monitor, &request->incoming);
    return request;
}

static struct fake_request *subscribe(const struct wish wishes[], size_t count)
{
    struct fake_request *request;
    struct buf body;

    buf_init(&body, 65536);
    if (count > 1)
        buf_byte(&body, 'l');
    for (size_t i = 0; i < count; i++)
        write_wish(&body, &wishes[i]);
    if (count > 1)
        buf_byte(&body, 'e');
    request = ask(buf_bytes(&body));
    buf_fini(&body);
    return request;
}

static struct bytes frame(const struct fake_request *request, size_t number)
{
    struct bytes all;

    ck_assert_uint_lt(number, request->part_count);
    all = blob_bytes(request->parts[number]);
    ck_assert_uint_eq((unsigned)all.data[0] << 24 | all.data[1] << 16 | all.data[2] << 8 | all.data[3], all.len - 4);
    return bytes_slice(all, 4, all.len - 4);
}

static void arrives(int16_t namespace, const char *data)
{
    struct stored_body *body = body_pool_get_modern(&fixture.bodies, &owner, namespace, 60000, FAKE_EPOCH_MS,
                                                    bytes_text(data));

    monitor_notify(monitor, body);
    body_drop(body);
}

static void expect_error(const struct fake_request *request, int errcode)
{
    char start_text[32];

    snprintf(start_text, sizeof(start_text), "d7:errcodei%de5:error", errcode);
    ck_assert(bytes_start_with(frame(request, 0), bytes_text(start_text)));
    ck_assert(request->answered); /* nothing to wait for */
}

/* First the answer, then a frame per message of the namespaces that were asked for; with data only if wanted. */
START_TEST(messages_are_told)
{
    struct fake_request *plain, *data;

    start();
    plain = subscribe(&(struct wish){.namespaces = "-1,0,5"}, 1);
    data = subscribe(&(struct wish){.data = true}, 1);
    ck_assert(bytes_equal_text(frame(plain, 0), "d7:successi1ee"));
    arrives(0, "hello");
    arrives(5, "five");
    arrives(6, "six");
    ck_assert_uint_eq(plain->part_count, 3);
    ck_assert_uint_eq(data->part_count, 2);
    ck_assert_uint_eq(bytes_find(frame(plain, 1), BYTES_LIT("1:~")), SIZE_MAX);
    ck_assert_uint_ne(bytes_find(frame(plain, 2), BYTES_LIT("1:ni5e1:ti1567296000000e1:zi1567296060000ee")), SIZE_MAX);
    ck_assert_uint_ne(bytes_find(frame(data, 1), BYTES_LIT("1:~5:helloe")), SIZE_MAX);
    ck_assert(bytes_start_with(frame(data, 1), BYTES_LIT("d1:@33:\3")));
    fake_env_hang_up(&fixture.fake, plain);
    arrives(0, "again");
    ck_assert_uint_eq(plain->part_count, 3);
    ck_assert_uint_eq(data->part_count, 3);
    fake_env_hang_up(&fixture.fake, data);
    ck_assert_uint_eq(monitor->subscription_count + monitor->connection_count, 0);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 0);
    end();
}
END_TEST

/* A list gets a list; two dictionaries for one account are one subscription, and its messages come once. */
START_TEST(a_list_merges)
{
    const struct wish wishes[] = {{.namespaces = "0,3"}, {.namespaces = "1,3", .data = true}, {.wrong = true}};
    struct fake_request *request;

    start();
    request = subscribe(wishes, 3);
    ck_assert(bytes_start_with(frame(request, 0), BYTES_LIT("ld7:successi1eed7:successi1eed7:errcodei5e")));
    ck_assert_uint_eq(monitor->subscription_count, 1);
    arrives(0, "a");
    arrives(1, "b");
    arrives(3, "c");
    ck_assert_uint_eq(request->part_count, 4);
    ck_assert_uint_ne(bytes_find(frame(request, 1), BYTES_LIT("1:~1:a")), SIZE_MAX);
    fake_env_hang_up(&fixture.fake, request);
    end();
}
END_TEST

/* A key stands for the account that is made of it. */
START_TEST(a_key_names_its_account)
{
    struct fake_request *request;

    start();
    request = subscribe(&(struct wish){.by_key = true}, 1);
    ck_assert(bytes_equal_text(frame(request, 0), "d7:successi1ee"));
    arrives(0, "to another account");
    ck_assert_uint_eq(request->part_count, 1);
    fake_env_hang_up(&fixture.fake, request);
    end();
}
END_TEST

START_TEST(refusals_have_their_codes)
{
    start();
    expect_error(ask(BYTES_LIT("de")), MONITOR_BAD_ARGUMENTS);
    expect_error(ask(BYTES_LIT("d1:P1:x1:nle1:p1:x1:s1:x1:ti1ee")), MONITOR_BAD_ARGUMENTS);
    expect_error(ask(BYTES_LIT("d1:dle1:nle1:p1:x1:s1:x1:ti1ee")), MONITOR_BAD_ARGUMENTS);
    expect_error(ask(BYTES_LIT("d1:nli0ee1:p1:x1:s1:x1:ti1ee")), MONITOR_BAD_KEY);
    expect_error(subscribe(&(struct wish){.namespaces = ""}, 1), MONITOR_BAD_NAMESPACES);
    expect_error(subscribe(&(struct wish){.namespaces = "1,1"}, 1), MONITOR_BAD_NAMESPACES);
    expect_error(subscribe(&(struct wish){.namespaces = "2,1"}, 1), MONITOR_BAD_NAMESPACES);
    expect_error(subscribe(&(struct wish){.namespaces = "32768"}, 1), MONITOR_BAD_NAMESPACES);
    expect_error(subscribe(&(struct wish){.late_s = LIMIT_MONITOR_PAST_S + 1}, 1), MONITOR_BAD_TIME);
    expect_error(subscribe(&(struct wish){.late_s = -LIMIT_MONITOR_FUTURE_S - 1}, 1), MONITOR_BAD_TIME);
    expect_error(subscribe(&(struct wish){.wrong = true}, 1), MONITOR_BAD_SIGNATURE);
    fake_env_hang_up(&fixture.fake, subscribe(&(struct wish){.late_s = LIMIT_MONITOR_PAST_S}, 1));
    ck_assert_uint_eq(ask(BYTES_NONE)->status, 400);
    ck_assert_uint_eq(ask(BYTES_LIT("i1e"))->status, 400);
    ck_assert_uint_eq(ask(BYTES_LIT("d1:n"))->status, 400);
    ck_assert_uint_eq(monitor->connection_count, 0);
    end();
}
END_TEST

START_TEST(a_connection_ends_in_time)
{
    struct fake_request *request;

    start();
    request = subscribe(&(struct wish){0}, 1);
    fake_env_advance_ms(&fixture.fake, LIMIT_MONITOR_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&fixture.fake, 1);
    ck_assert(request->answered);
    ck_assert_uint_eq(monitor->connection_count, 0);
    end();
}
END_TEST

START_TEST(connections_are_bounded)
{
    struct fake_request *first = NULL;

    start();
    for (unsigned i = 0; i < LIMIT_MONITOR_CONNECTIONS; i++) {
        struct fake_request *request = subscribe(&(struct wish){0}, 1);

        ck_assert(!request->answered);
        first = first == NULL ? request : first;
    }
    ck_assert_uint_eq(subscribe(&(struct wish){0}, 1)->status, 503);
    fake_env_hang_up(&fixture.fake, first);
    ck_assert(!subscribe(&(struct wish){0}, 1)->answered);
    end();
}
END_TEST

/* The answer is many times as long as the shortest dictionary: a list of too many is not answered one by one. */
START_TEST(a_list_is_bounded)
{
    struct fake_request *request;
    struct buf body;

    start();
    for (size_t count = LIMIT_MONITOR_ACCOUNTS; count <= LIMIT_MONITOR_ACCOUNTS + 1; count++) {
        buf_init(&body, LIMIT_MONITOR_BYTES);
        buf_byte(&body, 'l');
        for (size_t i = 0; i < count; i++)
            buf_text(&body, "de");
        buf_byte(&body, 'e');
        request = ask(buf_bytes(&body));
        ck_assert(request->answered);
        ck_assert_uint_eq(request->status, count <= LIMIT_MONITOR_ACCOUNTS ? 200 : 400);
        buf_fini(&body);
    }
    ck_assert(bytes_equal_text(fake_request_answer(request), "invalid body: too many subscriptions"));
    ck_assert_uint_eq(monitor->connection_count, 0);
    end();
}
END_TEST

TEST_MAIN("monitor", messages_are_told, a_list_merges, a_key_names_its_account, refusals_have_their_codes,
          a_connection_ends_in_time, connections_are_bounded, a_list_is_bounded)
