#include "sim/gateway/gateway.h"

#include <string.h>

#include "common/bencode.h"
#include "common/limits.h"
#include "proto/storage_rpc.h"
#include "sim/seed.h"
#include "sim/testbed.h"
#include "tests/support/check_main.h"

static struct testbed *testbed;
static struct world *world;
static struct gateway *gateway;

static void setup(unsigned threads)
{
    struct testbed_config config;

    testbed_config_default(&config);
    config.nodes = 20;
    config.world.threads = threads;
    testbed = testbed_new(&config);
    world = testbed_world(testbed);
    gateway = gateway_new(world);
}

static void teardown(void)
{
    gateway_free(gateway);
    testbed_free(testbed);
}

/* What came back. */
struct outcome {
    unsigned ended;
    enum net net;
    uint16_t status;
    int64_t at_us;
};

static void on_done(void *owner, enum net net, const struct message *in)
{
    struct outcome *outcome = owner;

    outcome->ended++;
    outcome->net = net;
    outcome->status = in->status;
    outcome->at_us = world_now_us(world);
}

static struct address node_address(uint32_t node)
{
    return world_address(world, testbed_node_seat(testbed, node));
}

static struct gateway_call *get_stats(uint32_t node, struct outcome *outcome)
{
    return gateway_call(gateway, node_address(node), &(struct message){.verb = VERB_GET, .path = BYTES_LIT(PATH_STATS)},
                        NULL, on_done, outcome);
}

/* A poll that node 0 holds open until something comes or its time is over. */
static struct gateway_call *long_poll(struct outcome *outcome)
{
    static const struct header header = {BYTES_LIT("x-loki-long-poll"), BYTES_LIT("true")};
    struct account_id account = {{5}};
    struct message message = {
        .verb = VERB_POST, .path = BYTES_LIT(PATH_STORAGE_RPC), .headers = &header, .header_count = 1};
    struct gateway_call *call;
    uint32_t node;
    char hex[ACCOUNT_HEX_LEN];
    struct buf body;

    account_to_hex(&account, hex);
    ck_assert_uint_eq(testbed_swarm_nodes(testbed, &account, &node, 1), 1);
    buf_init(&body, 1000);
    rpc_retrieve_encode(&body, &(struct rpc_retrieve){.pubkey = {(const uint8_t *)hex, sizeof(hex)}});
    message.body = blob_from_buf(&body);
    call = gateway_call(gateway, node_address(node), &message, NULL, on_done, outcome);
    blob_drop(message.body);
    buf_fini(&body);
    return call;
}

static void run_for(int64_t us)
{
    world_run_until(world, world_now_us(world) + us, 0, NULL, NULL, 0);
    gateway_flush(gateway);
}

/* A call takes what the node's machine takes, and no time on the way; the seed is reached like a node. */
START_TEST(a_call_gets_the_nodes_answer)
{
    struct outcome stats = {0}, seed = {0};
    struct gateway_call *call;

    setup(1);
    run_for(1000);
    call = get_stats(3, &stats);
    ck_assert_uint_eq(gateway_call_number(call), 1);
    ck_assert_ptr_eq(gateway_find(gateway, 1), call);
    ck_assert_ptr_null(gateway_find(gateway, 2));
    gateway_flush(gateway);
    ck_assert_uint_eq(stats.ended, 0);
    run_for(500); /* less than one way through the network */
    ck_assert_uint_eq(stats.ended, 1);
    ck_assert_int_eq(stats.net, NET_OK);
    ck_assert_uint_eq(stats.status, 200);
    ck_assert_ptr_null(gateway_find(gateway, 1));

    gateway_call(gateway, (struct address){SEED_IP, SEED_PORT}, &(struct message){.path = BYTES_LIT("/none")}, NULL,
                 on_done, &seed);
    ck_assert_uint_eq(gateway_open_count(gateway), 1);
    run_for(500);
    ck_assert_uint_eq(seed.status, 404);
    ck_assert_uint_eq(gateway_open_count(gateway), 0);
    teardown();
}
END_TEST

static uint64_t events_so_far(void)
{
    struct world_stats stats;

    world_stats(world, &stats);
    return stats.events;
}

/* Calls that end before the next begins leave nothing waiting for the end of their time: neither memory nor work. */
START_TEST(answered_calls_leave_no_events)
{
    struct outcome stats = {0};
    uint64_t busy, idle;

    setup(1);
    for (int i = 0; i < 2000; i++) {
        get_stats(3, &stats);
        run_for(500);
    }
    ck_assert_uint_eq(stats.ended, 2000);
    busy = events_so_far();
    run_for((int64_t)GATEWAY_TIMEOUT_MS * 1000);
    busy = events_so_far() - busy;
    idle = events_so_far();
    run_for((int64_t)GATEWAY_TIMEOUT_MS * 1000);
    idle = events_so_far() - idle;
    ck_assert_uint_le(busy, idle + 100); /* of a few calls a second each may have one */
    teardown();
}
END_TEST

START_TEST(a_node_that_is_down_or_unknown_is_told)
{
    struct outcome down = {0}, dies = {0};

    setup(1);
    ck_assert_ptr_null(gateway_call(gateway, (struct address){0x7f090909, 22021}, &(struct message){.path = BYTES_NONE},
                                    NULL, on_done, &down));
    testbed_kill(testbed, 4);
    get_stats(4, &down);
    run_for(1000);
    ck_assert_int_eq(down.net, NET_REFUSED);
    long_poll(&dies);
    run_for(1000);
    ck_assert_uint_eq(dies.ended, 0);
    for (uint32_t i = 0; i < testbed_node_count(testbed); i++)
        testbed_kill(testbed, i);
    run_for(1000);
    ck_assert_int_eq(dies.net, NET_RESET);
    teardown();
}
END_TEST

static uint64_t listeners(void)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < testbed_node_count(testbed); i++) {
        struct snode_counts counts;

        snode_counts(testbed_node(testbed, i), &counts);
        count += counts.listeners;
    }
    return count;
}

/* A caller that hangs up is gone for the node, too, at once, and hears nothing more. */
START_TEST(a_hang_up_reaches_the_node)
{
    struct outcome outcome = {0};
    struct gateway_call *call;

    setup(1);
    call = long_poll(&outcome);
    run_for(1000);
    ck_assert_uint_eq(listeners(), 1);
    ck_assert(gateway_hang_up(gateway, call));
    run_for(1);
    ck_assert_uint_eq(listeners(), 0);
    run_for(1000000);
    ck_assert_uint_eq(gateway_open_count(gateway), 0);
    ck_assert_uint_eq(outcome.ended, 0);
    /* at once after the call, and twice: the first counts */
    call = long_poll(&outcome);
    ck_assert(gateway_hang_up(gateway, call));
    ck_assert(gateway_hang_up(gateway, call));
    run_for(1000);
    ck_assert_uint_eq(gateway_open_count(gateway), 0);
    ck_assert_uint_eq(listeners(), 0);
    teardown();
}
END_TEST

/* Once the answer is there, a hang-up changes nothing in the world. */
START_TEST(a_hang_up_after_the_answer_is_not_input)
{
    struct outcome outcome = {0};
    struct gateway_call *call;

    setup(1);
    call = get_stats(1, &outcome);
    world_run_until(world, 1000, 0, NULL, NULL, 0);
    ck_assert(!gateway_hang_up(gateway, call));
    gateway_flush(gateway);
    ck_assert_uint_eq(outcome.ended, 0);
    ck_assert_uint_eq(gateway_open_count(gateway), 0);
    teardown();
}
END_TEST

/* Nothing is left behind by calls that are open when all ends. */
START_TEST(open_calls_end_with_the_gateway)
{
    struct outcome outcome = {0};

    setup(2);
    long_poll(&outcome);
    run_for(1000);
    get_stats(2, &outcome);
    teardown();
    ck_assert_uint_eq(outcome.ended, 0);
}
END_TEST

/* An answer waits for the commit that it was held for, and goes with the first that reaches it. */
START_TEST(an_answer_waits_for_its_commit)
{
    struct outcome first = {0}, second = {0};

    setup(2);
    get_stats(1, &first);
    world_run_until(world, 1000, 0, NULL, NULL, 0);
    gateway_hold(gateway, 5);
    get_stats(2, &second);
    world_run_until(world, 2000, 0, NULL, NULL, 0);
    gateway_hold(gateway, 6);
    gateway_release(gateway, 4);
    ck_assert_uint_eq(first.ended + second.ended, 0);
    ck_assert_uint_eq(gateway_open_count(gateway), 2);
    gateway_release(gateway, 5);
    ck_assert_uint_eq(first.ended, 1);
    ck_assert_uint_eq(first.status, 200);
    ck_assert_uint_eq(second.ended, 0);
    gateway_release(gateway, 7);
    ck_assert_uint_eq(second.ended, 1);
    ck_assert_uint_eq(gateway_open_count(gateway), 0);
    teardown();
}
END_TEST

/* What never reached the disk is never told: neither what is held nor what is under way; the next call is not
 * concerned, and who hung up hears nothing. */
START_TEST(open_calls_fail_with_the_disk)
{
    struct outcome held = {0}, gone = {0}, under_way = {0}, next = {0};
    struct gateway_call *call;

    setup(1);
    get_stats(1, &held);
    call = get_stats(2, &gone);
    world_run_until(world, 1000, 0, NULL, NULL, 0);
    gateway_hold(gateway, 5);
    ck_assert(!gateway_hang_up(gateway, call));
    get_stats(3, &under_way);
    gateway_fail_open(gateway, BYTES_LIT("no"));
    ck_assert_uint_eq(held.ended, 1);
    ck_assert_uint_eq(held.status, 503);
    ck_assert_uint_eq(gone.ended + under_way.ended, 0);
    get_stats(1, &next);
    run_for(1000);
    ck_assert_uint_eq(under_way.ended, 1);
    ck_assert_uint_eq(under_way.status, 503);
    ck_assert_uint_eq(next.status, 200);
    ck_assert_uint_eq(gateway_open_count(gateway), 0);
    teardown();
}
END_TEST

static uint64_t many_calls(unsigned threads, int64_t slice_us)
{
    struct outcome outcome = {0};
    uint64_t digest;

    setup(threads);
    for (uint32_t i = 0; i < 400; i++) {
        get_stats(i % 20, &outcome);
        if (i % 7 == 0) {
            struct gateway_call *call = long_poll(&outcome);
            if (i % 2 == 0)
                gateway_hang_up(gateway, call);
        }
        for (int64_t us = 0; us < 10000; us += slice_us)
            run_for(slice_us);
    }
    digest = world_digest(world);
    ck_assert_uint_ge(outcome.ended, 400);
    teardown();
    return digest;
}

/* What enters, and when, is all that matters: neither threads nor how often one looks. */
START_TEST(the_digest_depends_on_input_alone)
{
    uint64_t digest = many_calls(1, 10000);

    ck_assert_uint_eq(many_calls(4, 10000), digest);
    ck_assert_uint_eq(many_calls(1, 250), digest);
}
END_TEST

/* What came of an answer in parts. */
struct told {
    struct outcome end;
    struct gateway_call *call;
    unsigned parts, hang_up_at; /* 0: never */
};

static void on_told_part(void *owner, const struct message *part)
{
    struct told *told = owner;

    ck_assert_uint_eq(part->status, 200);
    ck_assert_int_eq(part->content, CONTENT_BINARY);
    if (++told->parts == told->hang_up_at)
        gateway_hang_up(gateway, told->call);
}

static void on_told_end(void *owner, enum net net, const struct message *in)
{
    struct told *told = owner;

    on_done(&told->end, net, in);
}

/* Subscribes, at node 0, to what is stored for the account of that key. */
static void watch(const struct ed25519_public *key, const struct ed25519_secret *secret, struct told *told)
{
    struct message message = {.verb = VERB_POST, .path = BYTES_LIT(PATH_MONITOR)};
    int64_t now_s = world_now_ms(world) / 1000;
    struct account_id account = {{3}};
    char hex[ACCOUNT_HEX_LEN];
    uint8_t signature[64];
    struct buf text, body;

    memcpy(account.bytes + 1, key->bytes, 32);
    account_to_hex(&account, hex);
    buf_init(&text, 1000);
    buf_printf(&text, "MONITOR%.66s%lld00", hex, (long long)now_s);
    ed25519_sign(secret, buf_bytes(&text), signature);
    buf_init(&body, 1000);
    buf_text(&body, "d1:nli0ee1:p");
    bencode_write_string(&body, BYTES_OF(account.bytes));
    buf_text(&body, "1:s");
    bencode_write_string(&body, BYTES_OF(signature));
    buf_text(&body, "1:t");
    bencode_write_integer(&body, now_s);
    buf_byte(&body, 'e');
    message.body = blob_from_buf(&body);
    told->call = gateway_call(gateway, node_address(0), &message, on_told_part, on_told_end, told);
    blob_drop(message.body);
    buf_fini(&text);
    buf_fini(&body);
}

/* Parts are handed over as they come; who hangs up inside one gets no other, and no end; a node's death ends the rest. */
START_TEST(parts_are_handed_over)
{
    static const uint8_t seed[32] = {7};
    struct told stays = {0}, goes = {.hang_up_at = 1};
    struct ed25519_public key;
    struct ed25519_secret secret;

    setup(1);
    run_for(1000);
    ed25519_from_seed(seed, &key, &secret);
    watch(&key, &secret, &stays);
    watch(&key, &secret, &goes);
    run_for(2000);
    ck_assert_uint_eq(stays.parts, 1);
    ck_assert_uint_eq(goes.parts, 1);
    run_for(200 * 1000000); /* no time limit holds */
    ck_assert_uint_eq(stays.end.ended + goes.end.ended, 0);
    ck_assert_uint_eq(gateway_open_count(gateway), 1);
    testbed_kill(testbed, 0);
    run_for(1000);
    ck_assert_uint_eq(stays.end.ended, 1);
    ck_assert_int_eq(stays.end.net, NET_RESET);
    ck_assert_uint_eq(goes.end.ended, 0);
    teardown();
}
END_TEST

TEST_MAIN("gateway", a_call_gets_the_nodes_answer, answered_calls_leave_no_events,
          a_node_that_is_down_or_unknown_is_told, a_hang_up_reaches_the_node, a_hang_up_after_the_answer_is_not_input,
          open_calls_end_with_the_gateway, an_answer_waits_for_its_commit, open_calls_fail_with_the_disk,
          the_digest_depends_on_input_alone, parts_are_handed_over)
