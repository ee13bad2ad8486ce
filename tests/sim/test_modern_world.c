/* Today's dialect in a whole virtual network: all members hold what was answered, whoever becomes one later too, and
 * both suites and any number of threads agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "proto/modern_request.h"
#include "proto/storage_rpc.h"
#include "sim/gateway/gateway.h"
#include "sim/learned.h"
#include "sim/testbed.h"
#include "tests/support/check_main.h"

#define SECOND_US INT64_C(1000000)

struct run {
    struct testbed *testbed;
    struct world *world;
    struct gateway *gateway;
    const struct crypto_suite *suite;
    struct account_id account;
    struct ed25519_secret secret;
    uint32_t members[10];
    uint32_t member_count;
    /* of the last call: */
    unsigned answers;
    uint16_t status;
    int64_t took_us;
    char body[8192];
};

static void start_observed(struct run *run, const struct crypto_suite *suite, unsigned threads,
                           struct observer *observer)
{
    static const uint8_t seed[32] = {9};
    struct testbed_config config;
    struct ed25519_public public;

    memset(run, 0, sizeof(*run));
    ck_assert_int_eq(crypto_start(), OK);
    testbed_config_default(&config);
    config.nodes = 20;
    config.suite = suite;
    config.world.threads = threads;
    if (observer != NULL) {
        config.world.tap = observer_tap;
        config.world.tap_owner = observer;
    }
    run->testbed = testbed_new(&config);
    run->world = testbed_world(run->testbed);
    run->gateway = gateway_new(run->world);
    run->suite = suite;
    ed25519_from_seed(seed, &public, &run->secret);
    run->account.bytes[0] = ACCOUNT_PREFIX;
    memcpy(run->account.bytes + 1, public.bytes, 32);
    run->member_count = testbed_swarm_nodes(run->testbed, &run->account, run->members, ARRAY_LEN(run->members));
    ck_assert_uint_ge(run->member_count, 5);
}

static void start(struct run *run, const struct crypto_suite *suite, unsigned threads)
{
    start_observed(run, suite, threads, NULL);
}

static uint64_t end(struct run *run)
{
    uint64_t digest = world_digest(run->world);

    gateway_free(run->gateway);
    testbed_free(run->testbed);
    return digest;
}

static void on_done(void *owner, enum net net, const struct message *in)
{
    struct run *run = owner;
    struct bytes body = blob_bytes(in->body);

    ck_assert_int_eq(net, NET_OK);
    ck_assert_uint_lt(body.len, sizeof(run->body));
    run->answers++;
    run->status = in->status;
    run->took_us = world_now_us(run->world) - run->took_us;
    memcpy(run->body, body.data, body.len);
    run->body[body.len] = '\0';
}

/* A call to a member, and up to ten seconds for its answer. */
static void call(struct run *run, uint32_t member, const char *body)
{
    struct message message = {.verb = VERB_POST, .path = BYTES_LIT(PATH_STORAGE_RPC)};
    unsigned before = run->answers;

    message.body = blob_copy(bytes_text(body));
    run->took_us = world_now_us(run->world);
    gateway_call(run->gateway, world_address(run->world, testbed_node_seat(run->testbed, run->members[member])),
                 &message, NULL, on_done, run);
    blob_drop(message.body);
    for (int i = 0; i < 10000 && run->answers == before; i++) {
        world_run_until(run->world, world_now_us(run->world) + SECOND_US / 1000, 0, NULL, NULL, 0);
        gateway_flush(run->gateway);
    }
    ck_assert_uint_eq(run->answers, before + 1);
}

static void store(struct run *run, uint32_t member, const char *data)
{
    char hex[ACCOUNT_HEX_LEN + 1] = "", body[400];

    account_to_hex(&run->account, hex);
    (void)snprintf(
        body, sizeof(body),
        "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\",\"timestamp\":%lld,\"ttl\":60000,\"data\":\"%s\"}}", hex,
        (long long)world_now_ms(run->world), data);
    call(run, member, body);
    ck_assert_uint_eq(run->status, 200);
}

/* A signed call for one namespace; `members` are what it has beside account, namespace and signature, and name the time
 * that is signed. */
static void signed_call(struct run *run, uint32_t member, enum modern_method method, int16_t namespace,
                        int64_t signed_ms, const char *members)
{
    char hex[ACCOUNT_HEX_LEN + 1] = "", base64[BASE64_LEN(64) + 1] = "", body[700];
    struct modern_request request = {
        .method = method, .account = run->account, .namespace = namespace, .signed_ms = signed_ms};
    uint8_t signature[64];
    struct buf text;

    buf_init(&text, SIZE_MAX);
    modern_request_signed_text(&text, &request);
    run->suite->sign(&run->secret, buf_bytes(&text), signature);
    buf_fini(&text);
    base64_encode(base64, BYTES_OF(signature));
    account_to_hex(&run->account, hex);
    (void)snprintf(body, sizeof(body),
                   "{\"method\":\"%s\",\"params\":{\"pubkey\":\"%s\",\"namespace\":%d,\"signature\":\"%s\",%s}}",
                   modern_method_name(method), hex, namespace, base64, members);
    call(run, member, body);
    ck_assert_msg(run->status == 200, "%u %s", run->status, run->body);
    ck_assert_ptr_null(strstr(run->body, "failed"));
}

static void store_in(struct run *run, int16_t namespace, const char *data, int64_t ttl_ms)
{
    int64_t now_ms = world_now_ms(run->world);
    char members[200];

    (void)snprintf(members, sizeof(members), "\"timestamp\":%lld,\"ttl\":%lld,\"data\":\"%s\"", (long long)now_ms,
                   (long long)ttl_ms, data);
    signed_call(run, 0, MODERN_STORE, namespace, now_ms, members);
}

/* The answer is in the run's body; the number of its messages. */
static size_t retrieve_from(struct run *run, uint32_t member, int16_t namespace)
{
    int64_t now_ms = world_now_ms(run->world);
    struct json *document;
    char members[100];
    size_t count;
    enum err err;

    (void)snprintf(members, sizeof(members), "\"timestamp\":%lld", (long long)now_ms);
    signed_call(run, member, MODERN_RETRIEVE, namespace, now_ms, members);
    document = json_parse(bytes_text(run->body), &err);
    count = json_count(json_get(document, "messages"));
    json_free(document);
    return count;
}

static size_t retrieve(struct run *run, uint32_t member)
{
    return retrieve_from(run, member, 0);
}

/* A store that is answered is at every member. */
START_TEST(all_members_hold_what_was_answered)
{
    struct run run;

    start(&run, &crypto_real, 1);
    store(&run, 0, "b25l");
    ck_assert_ptr_null(strstr(run.body, "failed"));
    store(&run, 1, "dHdv");
    for (uint32_t i = 0; i < run.member_count; i++)
        ck_assert_uint_eq(retrieve(&run, i), 2);
    (void)end(&run);
}
END_TEST

/* ---- when swarms change ---- */

static const struct {
    int16_t namespace;
    size_t messages;
} kept[] = {{0, 2}, {5, 3}, {-21, 1}, {-10, 1}, {6, 0}};

static void store_all_kinds(struct run *run)
{
    int64_t ends_ms = world_now_ms(run->world) + 86400000;
    char members[100];

    store_in(run, 0, "b25l", 2 * 86400000);
    store_in(run, 0, "dHdv", 86400000);
    store_in(run, 5, "b25l", 2 * 86400000);
    store_in(run, 5, "dHdv", 3 * 86400000);
    (void)snprintf(members, sizeof(members), "\"expiry\":%lld", (long long)ends_ms);
    signed_call(run, 0, MODERN_EXPIRE_ALL, 5, ends_ms, members);
    store_in(run, 5, "dGhyZWU=", 4 * 86400000);
    store_in(run, -21, "b25l", 86400000);
    store_in(run, -21, "dHdv", 86400000);
    store_in(run, -10, "b25l", 86400000);
    store_in(run, 6, "b25l", 86400000);
    (void)snprintf(members, sizeof(members), "\"timestamp\":%lld", (long long)world_now_ms(run->world));
    signed_call(run, 0, MODERN_DELETE_ALL, 6, world_now_ms(run->world), members);
}

/* From the first message to the last: hashes, times and data. */
static char *listed_by(struct run *run, uint32_t member, size_t kind)
{
    char *end;

    ck_assert_uint_eq(retrieve_from(run, member, kept[kind].namespace), kept[kind].messages);
    end = strstr(run->body, "\"more\"");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return strdup(run->body);
}

/* Blocks, until the swarm has a member that it did not have: with a node more, or one member less each time. The
 * member's place in the new swarm. */
static uint32_t wait_for_newcomer(struct run *run, bool exits)
{
    uint32_t old[ARRAY_LEN(run->members)], old_count = run->member_count;

    memcpy(old, run->members, sizeof(old));
    for (unsigned block = 0; block < 30; block++) {
        if (exits)
            testbed_exit(run->testbed, run->members[0]);
        else
            testbed_register(run->testbed);
        testbed_block(run->testbed);
        world_run_until(run->world, world_now_us(run->world) + 60 * SECOND_US, 0, NULL, NULL, 0);
        run->member_count = testbed_swarm_nodes(run->testbed, &run->account, run->members, ARRAY_LEN(run->members));
        for (uint32_t i = 0; i < run->member_count; i++) {
            bool known = false;

            for (uint32_t j = 0; j < old_count; j++)
                known |= old[j] == run->members[i];
            if (!known)
                return i;
        }
    }
    ck_abort_msg("nobody came");
    return 0;
}

/* A node that joins, and one that another swarm gives when members leave, has all: each message in its namespace, with
 * the end that it has now; what was deleted does not come back. */
START_TEST(a_new_member_gets_all)
{
    for (unsigned exits = 0; exits < 2; exits++) {
        char *listed[ARRAY_LEN(kept)];
        uint32_t newcomer;
        struct run run;

        start(&run, &crypto_real, 1);
        store_all_kinds(&run);
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            listed[i] = listed_by(&run, 1, i);
        newcomer = wait_for_newcomer(&run, exits);
        for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
            char *there = listed_by(&run, newcomer, i);

            ck_assert_str_eq(there, listed[i]);
            free(there);
            free(listed[i]);
        }
        (void)end(&run);
    }
}
END_TEST

/* ---- what nodes read ---- */

/* How often that node was asked so for the account's messages, or told of them. */
static uint64_t seen(const struct run *run, const struct observer *observer, uint32_t node, const char *method,
                     int32_t namespace)
{
    struct learned learned;
    uint64_t count = 0;

    learned_init(&learned, observer, &node, 1);
    for (size_t i = 0; i < learned.mailbox_count; i++) {
        const struct mailbox_learned *mailbox = &learned.mailboxes[i];

        ck_assert(account_equal(&mailbox->account, &run->account));
        if (strcmp(mailbox->method, method) == 0 && mailbox->namespace == namespace)
            count += mailbox->tally.count;
    }
    learned_fini(&learned);
    return count;
}

/* Asked, told by another member, in a batch, or handed over: a node reads the account and the namespace. */
START_TEST(observers_read_todays_calls)
{
    struct observer *observer = observer_new();
    char hex[ACCOUNT_HEX_LEN + 1] = "", body[600];
    struct learned learned;
    uint32_t node;
    struct run run;

    start_observed(&run, &crypto_real, 1, observer);
    ck_assert_int_eq(observer_start(observer, run.testbed, &node), OK);
    store_in(&run, 5, "b25l", 86400000);
    ck_assert_uint_eq(retrieve_from(&run, 1, 5), 1);
    account_to_hex(&run.account, hex);
    (void)snprintf(body, sizeof(body),
                   "{\"method\":\"batch\",\"params\":{\"requests\":[{\"method\":\"info\",\"params\":{}},"
                   "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\",\"timestamp\":%lld,\"ttl\":86400000,"
                   "\"namespace\":-10,\"data\":\"b25l\"}}]}}",
                   hex, (long long)world_now_ms(run.world));
    call(&run, 0, body);
    ck_assert_uint_eq(seen(&run, observer, run.members[0], "store", 5), 1);
    ck_assert_uint_eq(seen(&run, observer, run.members[1], "store", 5), 1);
    ck_assert_uint_eq(seen(&run, observer, run.members[1], "retrieve", 5), 1);
    ck_assert_uint_eq(seen(&run, observer, run.members[2], "retrieve", 5), 0);
    ck_assert_uint_eq(seen(&run, observer, run.members[0], "batch", FACTS_NO_NAMESPACE), 1);
    ck_assert_uint_eq(seen(&run, observer, run.members[0], "store", -10), 1);
    ck_assert_uint_eq(seen(&run, observer, run.members[2], "store", -10), 1);
    learned_init(&learned, observer, run.members, 1);
    ck_assert_uint_eq(learned.callers[0].tally.count, 2); /* the batch is one request */
    ck_assert_uint_eq(learned.link_count, 2);
    ck_assert_str_eq(learned.links[0].method, "store");
    ck_assert_str_eq(learned.links[1].method, "batch");
    ck_assert_uint_eq(learned.mailboxes[0].proofs, 1);
    learned_fini(&learned);
    node = run.members[wait_for_newcomer(&run, true)];
    ck_assert_uint_ge(seen(&run, observer, node, "replica", 5), 1); /* by several */
    ck_assert_uint_ge(seen(&run, observer, node, "replica", -10), 1);
    (void)end(&run);
    observer_free(observer);
}
END_TEST

/* What a run shows: signatures differ in bytes between the suites, and so do the digests. */
struct shown {
    uint64_t digest;
    int64_t took_us[3];
    size_t body_bytes[3];
};

static struct shown shown_by(const struct crypto_suite *suite, unsigned threads)
{
    struct shown shown;
    struct run run;

    start(&run, suite, threads);
    for (size_t i = 0; i < 3; i++) {
        if (i < 2)
            store(&run, (uint32_t)i, "b25l");
        else
            ck_assert_uint_eq(retrieve(&run, 2), 1);
        shown.took_us[i] = run.took_us;
        shown.body_bytes[i] = strlen(run.body);
    }
    shown.digest = end(&run);
    return shown;
}

START_TEST(suites_and_threads_agree)
{
    struct shown real = shown_by(&crypto_real, 1), threads = shown_by(&crypto_real, 4);
    struct shown modelled = shown_by(&crypto_modelled, 1), both = shown_by(&crypto_modelled, 4);

    ck_assert_uint_eq(real.digest, threads.digest);
    ck_assert_uint_eq(modelled.digest, both.digest);
    ck_assert_mem_eq(real.took_us, modelled.took_us, sizeof(real.took_us));
    ck_assert_mem_eq(real.body_bytes, modelled.body_bytes, sizeof(real.body_bytes));
}
END_TEST

TEST_MAIN("modern_world", all_members_hold_what_was_answered, a_new_member_gets_all, observers_read_todays_calls,
          suites_and_threads_agree)
