/* What a node does with what its peers push. */
#include <string.h>

#include "common/limits.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/snode_fixture.h"

/* A pushed message is kept, whoever's it is, and not relayed further; once more is a duplicate. */
START_TEST(snode_keeps_a_replica)
{
    struct account_id elsewhere = account_elsewhere(1);
    static struct test_message here, there;
    const struct test_message *both[] = {&here, &there};
    struct snode_counts counts;

    snode_world_init();
    snode_make(&here, 1, "aGVsbG8=");
    make_message(&there, &elsewhere, (uint64_t)snode_world.net.fake.now_ms, 60000, "aGVsbG8=");
    snode_push(both, 2);
    snode_push(both, 2);
    ck_assert(snode_holds(snode_world.snode, here.hash));
    ck_assert(snode_holds(snode_world.snode, there.hash));
    ck_assert_uint_eq(fake_env_last_trace(&snode_world.net.fake, TRACE_STORED)->n[2], CAUSE_RELAY);
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.stored, 2);
    ck_assert_uint_eq(counts.duplicates, 2);
    ck_assert_uint_eq(fake_env_traces(&snode_world.net.fake, TRACE_REPLICA_REFUSED), 0);
    fake_env_advance_ms(&snode_world.net.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(snode_world.net.fake.call_count, 0);
    snode_world_fini();
}
END_TEST

static void expect_refused_replica(const struct test_message *message, enum err reason)
{
    const struct fake_trace *trace;

    snode_push_one(message);
    ck_assert(!snode_holds(snode_world.snode, message->hash));
    trace = fake_env_last_trace(&snode_world.net.fake, TRACE_REPLICA_REFUSED);
    ck_assert_ptr_nonnull(trace);
    ck_assert_uint_eq(trace->n[0], reason);
    ck_assert(bytes_equal(blob_bytes(trace->b[0]), BYTES_OF(message->account.bytes)));
    ck_assert(bytes_equal(blob_bytes(trace->b[1]), BYTES_OF(message->hash)));
}

/* Each rule alone: time to live, clock, proof, hash. The pusher is answered 200 all the same. */
START_TEST(snode_refuses_a_bad_replica)
{
    struct account_id account = account_here(1);
    uint64_t now_ms;
    struct test_message message;

    snode_world_init();
    now_ms = (uint64_t)snode_world.net.fake.now_ms;
    make_message(&message, &account, now_ms, LIMIT_TTL_MS_MIN - 1, "aGVsbG8=");
    expect_refused_replica(&message, ERR_RANGE);
    make_message(&message, &account, now_ms, LIMIT_TTL_MS_MAX + 1, "aGVsbG8=");
    expect_refused_replica(&message, ERR_RANGE);
    make_message(&message, &account, now_ms + LIMIT_FUTURE_MS + 1, 60000, "aGVsbG8=");
    expect_refused_replica(&message, ERR_CLOCK);
    make_message(&message, &account, now_ms - 60001, 60000, "aGVsbG8=");
    expect_refused_replica(&message, ERR_CLOCK);
    snode_make(&message, 1, "aGVsbG8=");
    message.data[0] = 'b';
    expect_refused_replica(&message, ERR_CRYPTO);
    snode_make(&message, 1, "aGVsbG8=");
    message.hash_hex[0] = message.hash_hex[0] == '0' ? '1' : '0';
    snode_push_one(&message);
    ck_assert_uint_eq(fake_env_last_trace(&snode_world.net.fake, TRACE_REPLICA_REFUSED)->n[0], ERR_FORMAT);
    ck_assert(!snode_holds(snode_world.snode, message.hash));
    snode_make(&message, 1, "aGVsbG8=");
    snode_push_one(&message);
    ck_assert(snode_holds(snode_world.snode, message.hash));
    snode_world_fini();
}
END_TEST

/* The bad ones of a batch are dropped, the others kept; a broken batch counts as nothing. */
START_TEST(snode_keeps_the_good_part_of_a_batch)
{
    static struct test_message good, bad, late;
    const struct test_message *messages[] = {&good, &bad, &late};
    struct buf batch;

    snode_world_init();
    snode_make(&good, 1, "Zmlyc3Q=");
    snode_make(&bad, 1, "c2Vjb25k");
    bad.data[0] = 'd';
    snode_make(&late, 1, "dGhpcmQ=");
    buf_init(&batch, SIZE_MAX);
    append_to_batch(&batch, &good);
    buf_byte(&batch, 0);
    expect_answer(snode_post_as_peer(PATH_PUSH_BATCH, buf_bytes(&batch)), 200, "");
    buf_fini(&batch);
    ck_assert(!snode_holds(snode_world.snode, good.hash));
    snode_push(messages, 3);
    ck_assert(snode_holds(snode_world.snode, good.hash));
    ck_assert(!snode_holds(snode_world.snode, bad.hash));
    ck_assert(snode_holds(snode_world.snode, late.hash));
    snode_world_fini();
}
END_TEST

/* A replica is measured by the difficulty of its own time: what was enough a moment ago still is, though not from a
 * client. */
START_TEST(snode_is_lenient_with_replicas)
{
    const struct pow_record records[] = {{0, 1}, {FAKE_EPOCH_MS, 100}};
    struct test_message message;

    snode_world_init();
    snode_on_difficulty(snode_world.snode, records, ARRAY_LEN(records));
    snode_make(&message, 1, "aGVsbG8=");
    expect_answer(snode_post(PATH_STORAGE_RPC, store_request(&snode_world.net.fake, &message)), 432,
                  "{\"difficulty\":100}");
    snode_push_one(&message);
    ck_assert(snode_holds(snode_world.snode, message.hash));

    fake_env_advance_ms(&snode_world.net.fake, 1);
    snode_make(&message, 1, "aGVsbG8=");
    expect_refused_replica(&message, ERR_CRYPTO);
    snode_world_fini();
}
END_TEST

/* A full node drops replicas, too, and says so in the trace. */
START_TEST(snode_refuses_replicas_when_full)
{
    struct test_message first, second;
    struct snode_counts counts;

    snode_world_init_alone();
    snode_free(snode_world.snode);
    snode_world.net.preset.store_bytes_max = 200;
    snode_world.snode = snode_new(&snode_world.net.config);
    snode_on_membership(snode_world.snode, &snode_world.net.membership);
    snode_make(&first, 1, "Zmlyc3Q=");
    snode_make(&second, 1, "c2Vjb25k");
    snode_push_one(&first);
    expect_refused_replica(&second, ERR_FULL);
    snode_counts(snode_world.snode, &counts);
    ck_assert_uint_eq(counts.refused_full, 1);
    snode_world_fini();
}
END_TEST

/* A batch wakes those whose account got a message, and nobody else. */
START_TEST(snode_wakes_listeners_for_replicas)
{
    static struct test_message message;
    const struct test_message *expected[] = {&message};
    struct fake_request *first, *second;

    snode_world_init();
    first = snode_poll(1, HEADER_LONG_POLL);
    second = snode_poll(2, HEADER_LONG_POLL);
    snode_make(&message, 1, "aGVsbG8=");
    snode_push_one(&message);
    expect_messages(first, expected, 1);
    ck_assert(!second->answered);
    fake_env_crash(&snode_world.net.fake);
    snode_world_fini();
}
END_TEST

TEST_MAIN("snode_replicas", snode_keeps_a_replica, snode_refuses_a_bad_replica, snode_keeps_the_good_part_of_a_batch,
          snode_is_lenient_with_replicas, snode_refuses_replicas_when_full, snode_wakes_listeners_for_replicas)
