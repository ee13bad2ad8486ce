#include "tests/support/check_main.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "node/membership.h"
#include "node/replicate.h"
#include "proto/storage_rpc.h"
#include "tests/support/fake_env.h"
#include "tests/support/membership_builder.h"

/* Node 1 is under test; 2 and 3 are its swarm. */
#define OWN     1
#define NETWORK "0: 1 2 3; 8000000000000000: 4 5"
#define TTL_MS  60000

struct world {
    struct fake_env fake;
    struct snode_preset preset;
    struct snode_keys keys;
    struct body_pool pool;
    struct snode_config config;
    struct replicate replicate;
    struct membership_view view;
    struct membership *now;
};

static void no_bodies(void *owner, body_fn each, void *each_owner)
{
    (void)owner, (void)each, (void)each_owner;
}

static void set_network(struct world *world, const char *text)
{
    struct membership *next = membership_build(100, text);

    membership_update(&world->view, next);
    membership_build_free(world->now);
    world->now = next;
}

static void world_init(struct world *world)
{
    *world = (struct world){.preset = {.suite = &crypto_modelled, .flush_ms = LIMIT_FLUSH_MS, .push_retries = true}};
    ck_assert_int_eq(crypto_start(), OK);
    fake_env_init(&world->fake, 1);
    node_keys(OWN, &world->keys);
    body_pool_init(&world->pool);
    world->config = (struct snode_config){
        .env = &world->fake.env, .preset = &world->preset, .keys = &world->keys, .bodies = &world->pool};
    replicate_init(&world->replicate, &world->config, &world->view);
    membership_init(&world->view, &world->config, &world->replicate, no_bodies, NULL);
    set_network(world, NETWORK);
}

static void world_fini(struct world *world)
{
    replicate_fini(&world->replicate);
    body_pool_fini(&world->pool);
    membership_build_free(world->now);
    fake_env_fini(&world->fake);
}

/* A body of `data_len` characters, told from others by its number; the caller drops it. */
static struct stored_body *body_new(struct world *world, uint8_t number, size_t data_len)
{
    struct account_id account = account_at(number);
    uint8_t hash[64] = {number};
    uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, number};
    struct buf data;
    struct stored_body *body;

    buf_init(&data, data_len + 1);
    memset(buf_space(&data, data_len), 'A' + number % 26, data_len);
    body = body_pool_get(&world->pool, hash, &account, nonce, TTL_MS, (uint64_t)FAKE_EPOCH_MS, buf_bytes(&data));
    buf_fini(&data);
    return body;
}

/* A client's message, which nobody but the relay buffer keeps. */
static void store(struct world *world, uint8_t number, size_t data_len)
{
    struct stored_body *body = body_new(world, number, data_len);

    replicate_message(&world->replicate, body);
    body_drop(body);
}

/* Stores one message and lets it go out: calls 0 and 1, to nodes 2 and 3 in the order of their keys. */
static void push_one(struct world *world)
{
    store(world, 7, 40);
    fake_env_advance_ms(&world->fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world->fake.call_count, 2);
}

static size_t messages_in(const struct fake_call *call)
{
    size_t count;

    ck_assert_int_eq(peer_batch_check(fake_call_body(call), &count), OK);
    return count;
}

static uint64_t address_number(struct address address)
{
    return (uint64_t)address.ip << 16 | address.port;
}

/* A new message reaches every other member of the swarm in one batch, after flush_ms and not before; nothing is left
 * then. */
START_TEST(messages_go_to_every_other_member)
{
    struct world world;
    const struct fake_call *call;
    struct bytes rest;
    struct peer_message message;
    uint32_t to[2];

    world_init(&world);
    store(&world, 7, 40);
    fake_env_advance_ms(&world.fake, 100);
    store(&world, 8, 0);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS - 101);
    ck_assert_uint_eq(world.fake.call_count, 0);
    fake_env_advance_ms(&world.fake, 1);
    ck_assert_uint_eq(world.fake.call_count, 2);
    for (size_t i = 0; i < 2; i++) {
        call = fake_env_call(&world.fake, i);
        to[i] = node_at(call->to);
        ck_assert_int_eq(call->verb, VERB_POST);
        ck_assert(bytes_equal_text(fake_call_path(call), "/swarms/push_batch/v1"));
        ck_assert_uint_eq(call->timeout_ms, LIMIT_PUSH_TIMEOUT_MS);
        ck_assert_uint_eq(call->at_ms, FAKE_EPOCH_MS + LIMIT_FLUSH_MS);
        ck_assert_uint_eq(messages_in(call), 2);
    }
    ck_assert((to[0] == 2 && to[1] == 3) || (to[0] == 3 && to[1] == 2));
    ck_assert_ptr_eq(fake_env_call(&world.fake, 0)->body, fake_env_call(&world.fake, 1)->body);
    ck_assert_uint_eq(world.fake.charged[COST_PARSE], 1); /* encoded once */

    rest = fake_call_body(fake_env_call(&world.fake, 0));
    ck_assert_uint_eq(rest.len, 2 * PEER_MESSAGE_OVERHEAD + 40);
    ck_assert_int_eq(peer_message_decode(&rest, &message), OK);
    ck_assert(bytes_start_with(message.pubkey, BYTES_LIT("050000000000000007")));
    ck_assert(bytes_start_with(message.hash, BYTES_LIT("0700")));
    ck_assert(bytes_equal_text(message.nonce, "AQIDBAUGBwc="));
    ck_assert(bytes_equal_text(message.data, "HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH"));
    ck_assert_uint_eq(message.ttl_ms, TTL_MS);
    ck_assert_uint_eq(message.timestamp_ms, FAKE_EPOCH_MS);
    ck_assert_int_eq(peer_message_decode(&rest, &message), OK);
    ck_assert(bytes_start_with(message.hash, BYTES_LIT("0800")));

    fake_env_answer(&world.fake, 0, 200, BYTES_NONE);
    ck_assert_uint_gt(world.replicate.waiting_bytes, 0);
    fake_env_answer(&world.fake, 1, 200, BYTES_NONE);
    ck_assert_uint_eq(world.replicate.waiting_bytes, 0);
    ck_assert_uint_eq(world.pool.bytes, 0);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH), 2);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH)->n[1], 2);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH)->n[3], CAUSE_RELAY);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* The timer belongs to what is in the buffer: it starts again with the next message, and only then. */
START_TEST(timer_runs_only_for_a_filled_buffer)
{
    struct world world;

    world_init(&world);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 0);
    push_one(&world);
    fake_env_answer(&world.fake, 0, 200, BYTES_NONE);
    fake_env_answer(&world.fake, 1, 200, BYTES_NONE);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 0);
    fake_env_advance_ms(&world.fake, 10000);
    ck_assert_uint_eq(world.fake.call_count, 2);
    store(&world, 8, 1);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 1);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world.fake.call_count, 4);
    world_fini(&world);
}
END_TEST

/* A batch is closed once it has exceeded the limit, so it may be one message longer; one of exactly the limit stays
 * open. */
START_TEST(batches_are_cut_behind_the_limit)
{
    struct world world;
    const size_t fifth = LIMIT_BATCH_BYTES / 5 - PEER_MESSAGE_OVERHEAD;

    world_init(&world);
    for (uint8_t i = 0; i < 5; i++)
        store(&world, i, fifth); /* exactly the limit */
    store(&world, 5, LIMIT_DATA_CHARS);
    store(&world, 6, 1);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world.fake.call_count, 4);
    ck_assert_uint_eq(messages_in(fake_env_call(&world.fake, 0)), 6);
    ck_assert_uint_eq(messages_in(fake_env_call(&world.fake, 1)), 6);
    ck_assert_uint_eq(fake_call_body(fake_env_call(&world.fake, 0)).len,
                      LIMIT_BATCH_BYTES + PEER_MESSAGE_OVERHEAD + LIMIT_DATA_CHARS);
    ck_assert_uint_eq(messages_in(fake_env_call(&world.fake, 2)), 1);
    ck_assert_uint_eq(messages_in(fake_env_call(&world.fake, 3)), 1);
    world_fini(&world);
}
END_TEST

/* A push that fails is repeated after every documented pause, not a millisecond earlier, and then given up once. The
 * other member, which took it, hears no more of it. */
START_TEST(failed_push_is_repeated_by_the_table)
{
    static const uint32_t pauses_s[] = {1, 5, 10, 20, 40, 80, 160, 320};
    struct world world;
    struct address to;

    world_init(&world);
    push_one(&world);
    fake_env_answer(&world.fake, 0, 200, BYTES_NONE);
    to = fake_env_call(&world.fake, 1)->to;
    for (size_t i = 0; i < ARRAY_LEN(pauses_s); i++) {
        size_t calls = world.fake.call_count;

        fake_env_fail(&world.fake, calls - 1, NET_REFUSED);
        ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH_FAILED)->n[1], i + 1);
        fake_env_advance_ms(&world.fake, pauses_s[i] * 1000 - 1);
        ck_assert_uint_eq(world.fake.call_count, calls);
        fake_env_advance_ms(&world.fake, 1);
        ck_assert_uint_eq(world.fake.call_count, calls + 1);
        ck_assert(address_equal(fake_env_call(&world.fake, calls)->to, to));
        ck_assert(bytes_equal(fake_call_body(fake_env_call(&world.fake, calls)),
                              fake_call_body(fake_env_call(&world.fake, 0))));
    }
    ck_assert_uint_eq(world.replicate.given_up_count, 0);
    fake_env_fail(&world.fake, world.fake.call_count - 1, NET_REFUSED);
    ck_assert_uint_eq(world.fake.call_count, 1 + LIMIT_PUSH_ATTEMPTS);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_FAILED), LIMIT_PUSH_ATTEMPTS);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_GIVEN_UP), 1);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH_GIVEN_UP)->n[0], address_number(to));
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH_GIVEN_UP)->n[1], 1);
    ck_assert_uint_eq(world.replicate.given_up_count, 1);
    ck_assert_uint_eq(world.replicate.waiting_bytes, 0);
    ck_assert_uint_eq(world.pool.bytes, 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* Whatever way a call ends, if it is not 200 it failed; and a success ends the repeating. */
START_TEST(every_failure_counts_and_success_ends_it)
{
    struct world world;
    const struct fake_trace *trace;

    world_init(&world);
    push_one(&world);
    fake_env_fail(&world.fake, 0, NET_RESET);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH_FAILED)->n[2], NET_RESET);
    fake_env_answer(&world.fake, 1, 503, BYTES_LIT("Service node is not ready: not in any swarm; \n"));
    trace = fake_env_last_trace(&world.fake, TRACE_PUSH_FAILED);
    ck_assert_uint_eq(trace->n[0], address_number(fake_env_call(&world.fake, 1)->to));
    ck_assert_uint_eq(trace->n[2], NET_OK);
    ck_assert_uint_eq(trace->n[3], 503);
    fake_env_advance_ms(&world.fake, 1000);
    ck_assert_uint_eq(world.fake.call_count, 4);
    ck_assert_ptr_eq(fake_env_call(&world.fake, 2)->body, fake_env_call(&world.fake, 3)->body);
    fake_env_answer(&world.fake, 3, 200, BYTES_NONE);
    fake_env_advance_ms(&world.fake, LIMIT_PUSH_TIMEOUT_MS - 1);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_FAILED), 2);
    fake_env_advance_ms(&world.fake, 1); /* call 2 reaches its time limit */
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH_FAILED)->n[2], NET_TIMEOUT);
    fake_env_advance_ms(&world.fake, 5000);
    ck_assert_uint_eq(world.fake.call_count, 5);
    fake_env_answer(&world.fake, 4, 200, BYTES_NONE);
    fake_env_advance_ms(&world.fake, 1000000);
    ck_assert_uint_eq(world.fake.call_count, 5);
    ck_assert_uint_eq(world.replicate.given_up_count, 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* A batch that waits for its next attempt keeps the bodies, but not their encoded bytes. */
START_TEST(waiting_batch_holds_no_bytes)
{
    struct world world;
    struct blob *encoded;

    world_init(&world);
    push_one(&world);
    encoded = fake_env_call(&world.fake, 0)->body;
    ck_assert_uint_eq(encoded->keepers, 3); /* both records of the fake env, and the batch */
    fake_env_fail(&world.fake, 0, NET_REFUSED);
    ck_assert_uint_eq(encoded->keepers, 3);
    fake_env_fail(&world.fake, 1, NET_REFUSED);
    ck_assert_uint_eq(encoded->keepers, 2);
    ck_assert_uint_gt(world.pool.bytes, 0);
    world_fini(&world);
}
END_TEST

/* The 2020 preset: one attempt. */
START_TEST(without_retries_one_attempt)
{
    struct world world;

    world_init(&world);
    world.preset.push_retries = false;
    push_one(&world);
    fake_env_fail(&world.fake, 0, NET_REFUSED);
    fake_env_fail(&world.fake, 1, NET_REFUSED);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_FAILED), 2);
    ck_assert_uint_eq(world.replicate.given_up_count, 2);
    ck_assert_uint_eq(world.pool.bytes, 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* A target that has left the network is given up at the next attempt; one that has only left the swarm, or is
 * decommissioned, is not. */
START_TEST(target_that_left_is_given_up)
{
    struct world world;
    struct address gone, moved;

    world_init(&world);
    push_one(&world);
    gone = fake_env_call(&world.fake, 0)->to;
    moved = fake_env_call(&world.fake, 1)->to;
    fake_env_fail(&world.fake, 0, NET_REFUSED);
    fake_env_fail(&world.fake, 1, NET_REFUSED);
    set_network(&world, node_at(gone) == 2 ? "0: 1; none: 3" : "0: 1; none: 2");
    fake_env_advance_ms(&world.fake, 1000);
    ck_assert_uint_eq(world.fake.call_count, 3);
    ck_assert(address_equal(fake_env_call(&world.fake, 2)->to, moved));
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_GIVEN_UP), 1);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH_GIVEN_UP)->n[0], address_number(gone));
    fake_env_answer(&world.fake, 2, 200, BYTES_NONE);
    ck_assert_uint_eq(world.pool.bytes, 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* A node that is alone in its swarm, or in none, has nobody to push to: what waits is let go. */
START_TEST(without_peers_nothing_is_sent)
{
    struct world world;

    world_init(&world);
    set_network(&world, "0: 1; 8000000000000000: 2 3");
    store(&world, 1, 10);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    set_network(&world, "0: 2 3; none: 1");
    store(&world, 2, 10);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world.fake.call_count, 0);
    ck_assert_uint_eq(world.replicate.waiting_bytes, 0);
    ck_assert_uint_eq(world.pool.bytes, 0);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

/* Streams carry their cause and go to their targets alone; an empty one, and one without targets, to nobody. */
START_TEST(streams_go_to_their_targets)
{
    struct world world;
    struct ed25519_public targets[] = {node_key(4), node_key(5)};
    struct stored_body *body;
    struct push_stream stream;

    world_init(&world);
    body = body_new(&world, 9, 100);
    push_stream_start(&stream, &world.replicate, CAUSE_NEW_SWARM, targets, 2);
    push_stream_end(&stream);
    push_stream_start(&stream, &world.replicate, CAUSE_NEW_SWARM, targets, 0);
    push_stream_add(&stream, body);
    push_stream_end(&stream);
    ck_assert_uint_eq(world.fake.call_count, 0);
    push_stream_start(&stream, &world.replicate, CAUSE_NEW_SWARM, targets, 2);
    push_stream_add(&stream, body);
    push_stream_end(&stream);
    body_drop(body);
    ck_assert_uint_eq(world.fake.call_count, 2);
    ck_assert_uint_eq(node_at(fake_env_call(&world.fake, 0)->to), 4);
    ck_assert_uint_eq(node_at(fake_env_call(&world.fake, 1)->to), 5);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH)->n[3], CAUSE_NEW_SWARM);
    world_fini(&world);
}
END_TEST

/* What waits is bounded: the oldest batch goes first, its calls are cancelled and its retries stopped, and all is
 * counted. */
START_TEST(full_queue_gives_up_the_oldest)
{
    struct world world;
    struct stored_body *large;
    struct ed25519_public other = node_key(4);
    struct push_stream stream;
    uint64_t before = 0;

    world_init(&world);
    push_one(&world); /* the oldest: one call open, one push waiting */
    fake_env_fail(&world.fake, 0, NET_REFUSED);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 1);
    ck_assert_uint_eq(world.pool.by_hash.count, 1); /* kept by that batch alone */
    large = body_new(&world, 9, LIMIT_DATA_CHARS);
    push_stream_start(&stream, &world.replicate, CAUSE_NEW_MEMBER, &other, 1);
    while (world.replicate.given_up_count == 0) {
        ck_assert_uint_ge(world.replicate.waiting_bytes, before);
        before = world.replicate.waiting_bytes;
        push_stream_add(&stream, large);
        ck_assert_uint_le(world.replicate.waiting_bytes, LIMIT_PUSH_QUEUE_BYTES);
    }
    push_stream_end(&stream);
    body_drop(large);
    ck_assert_uint_gt(before, LIMIT_PUSH_QUEUE_BYTES - 2 * LIMIT_BATCH_BYTES);
    ck_assert_uint_eq(world.replicate.given_up_count, 3); /* its two, and, since that was too little, the next oldest */
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_GIVEN_UP), 3);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 0);
    ck_assert(!list_empty(&world.replicate.given_up)); /* until the cancelled call has ended, but without its message */
    ck_assert_uint_eq(world.pool.by_hash.count, 1);
    before = world.replicate.waiting_bytes;
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.replicate.waiting_bytes, before);
    ck_assert_int_eq(fake_env_call(&world.fake, 1)->net, NET_CANCELLED);
    ck_assert_int_eq(fake_env_call(&world.fake, 2)->net, NET_CANCELLED);
    ck_assert(!fake_env_call(&world.fake, 3)->ended);
    ck_assert(list_empty(&world.replicate.given_up));
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_PUSH_FAILED), 1); /* a cancelled call has not failed */
    world_fini(&world);
}
END_TEST

/* The relay buffer counts as well. If it alone fills the queue it goes out early; the bound holds all the time. */
START_TEST(buffer_that_fills_the_queue_goes_out_early)
{
    struct world world;
    struct stored_body *large;

    world_init(&world);
    large = body_new(&world, 9, LIMIT_DATA_CHARS);
    while (world.fake.call_count == 0) {
        replicate_message(&world.replicate, large);
        ck_assert_uint_le(world.replicate.waiting_bytes, LIMIT_PUSH_QUEUE_BYTES);
    }
    body_drop(large);
    ck_assert_int_eq(world.fake.now_ms, FAKE_EPOCH_MS);
    ck_assert_uint_eq(world.replicate.buffer.count, 1);
    ck_assert_uint_gt(world.replicate.given_up_count, 0); /* the oldest, for the message that came last */
    ck_assert_uint_lt(world.replicate.given_up_count, 10);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world.replicate.buffer.count, 0);
    world_fini(&world);
}
END_TEST

/* After a crash everything is dropped without a word to the env: a filled buffer, a call on its way, a waiting retry.
 */
START_TEST(crash_drops_everything)
{
    struct world world;

    world_init(&world);
    push_one(&world);
    fake_env_fail(&world.fake, 0, NET_REFUSED);
    store(&world, 8, 10);
    fake_env_crash(&world.fake);
    replicate_fini(&world.replicate);
    ck_assert_uint_eq(world.pool.bytes, 0);
    replicate_init(&world.replicate, &world.config, &world.view);
    world_fini(&world);
}
END_TEST

struct received {
    size_t count;
    uint64_t timestamps_ms[8];
};

static void on_message(void *owner, const struct peer_message *message)
{
    struct received *received = owner;

    received->timestamps_ms[received->count++] = message->timestamp_ms;
}

static void append(struct buf *batch, uint64_t timestamp_ms, struct bytes data)
{
    char pubkey[ACCOUNT_HEX_LEN], hash[128];
    struct account_id account = account_at(timestamp_ms);

    account_to_hex(&account, pubkey);
    memset(hash, 'a', sizeof(hash));
    peer_message_encode(batch, &(struct peer_message){.pubkey = BYTES_OF(pubkey),
                                                      .hash = BYTES_OF(hash),
                                                      .data = data,
                                                      .ttl_ms = TTL_MS,
                                                      .timestamp_ms = timestamp_ms,
                                                      .nonce = BYTES_LIT("AAAAAAAAAAA=")});
}

/* Messages of a batch are handed on in order; an empty batch has none. */
START_TEST(received_batch_is_handed_on_in_order)
{
    struct world world;
    struct received received = {0};
    struct buf batch;

    world_init(&world);
    ck_assert_uint_eq(replicate_receive(&world.replicate, BYTES_NONE, on_message, &received), 0);
    ck_assert_uint_eq(received.count, 0);
    buf_init(&batch, SIZE_MAX);
    append(&batch, 1, BYTES_LIT("aGVsbG8="));
    append(&batch, 2, BYTES_NONE);
    append(&batch, 3, BYTES_LIT("d29ybGQ="));
    ck_assert_uint_eq(replicate_receive(&world.replicate, buf_bytes(&batch), on_message, &received), 3);
    ck_assert_uint_eq(received.count, 3);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_uint_eq(received.timestamps_ms[i], i + 1);
    ck_assert_uint_eq(world.fake.charged[COST_PARSE], 1);
    buf_fini(&batch);
    world_fini(&world);
}
END_TEST

/* Wherever a batch is cut short, none of its messages counts, unless the cut lies between two. */
START_TEST(broken_batch_counts_as_nothing)
{
    struct world world;
    struct received received = {0};
    struct buf batch;
    size_t first;

    world_init(&world);
    buf_init(&batch, SIZE_MAX);
    append(&batch, 1, BYTES_LIT("aGVsbG8="));
    first = batch.len;
    append(&batch, 2, BYTES_LIT("d29ybGQ="));
    for (size_t len = 1; len < batch.len; len++) {
        struct bytes cut = bytes_slice(buf_bytes(&batch), 0, len);

        received.count = 0;
        ck_assert_uint_eq(replicate_receive(&world.replicate, cut, on_message, &received), len == first ? 1 : 0);
        ck_assert_uint_eq(received.count, len == first ? 1 : 0);
    }
    buf_byte(&batch, 0);
    ck_assert_uint_eq(replicate_receive(&world.replicate, buf_bytes(&batch), on_message, &received), 0);
    ck_assert_uint_eq(received.count, 0);
    buf_fini(&batch);
    world_fini(&world);
}
END_TEST

TEST_MAIN("replicate", messages_go_to_every_other_member, timer_runs_only_for_a_filled_buffer,
          batches_are_cut_behind_the_limit, failed_push_is_repeated_by_the_table,
          every_failure_counts_and_success_ends_it, waiting_batch_holds_no_bytes, without_retries_one_attempt,
          target_that_left_is_given_up, without_peers_nothing_is_sent, streams_go_to_their_targets,
          full_queue_gives_up_the_oldest, buffer_that_fills_the_queue_goes_out_early, crash_drops_everything,
          received_batch_is_handed_on_in_order, broken_batch_counts_as_nothing)
