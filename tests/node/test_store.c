#include "node/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "node/store_record.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

#define TTL_MS 60000

/* A store with its env, and what it told. */
struct world {
    struct fake_env fake;
    struct body_pool bodies;
    struct store store;
    unsigned told;
    uint8_t told_last; /* first byte of the hash */
};

/* Somebody who waits for a message. */
struct waiter {
    struct store_wait wait;
    unsigned done;
    enum err err;
};

static void on_told(void *owner, struct stored_body *body)
{
    struct world *world = owner;

    world->told++;
    world->told_last = body->hash[0];
}

static void on_done(struct store_wait *wait)
{
    struct waiter *waiter = CONTAINER_OF(wait, struct waiter, wait);

    waiter->done++;
    waiter->err = wait->err;
}

static void start_bounded(struct world *world, uint64_t bytes_max, uint32_t records_max)
{
    memset(world, 0, sizeof(*world));
    fake_env_init(&world->fake, 1);
    body_pool_init(&world->bodies);
    store_init(&world->store, &world->fake.env, bytes_max, records_max, world, on_told);
}

static void start(struct world *world)
{
    start_bounded(world, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS);
}

static void end(struct world *world)
{
    store_fini(&world->store);
    body_pool_fini(&world->bodies);
    fake_env_fini(&world->fake);
}

/* The machine dies and starts again, with its disk. */
static size_t restart(struct world *world)
{
    fake_env_crash(&world->fake);
    store_fini(&world->store);
    store_init(&world->store, &world->fake.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, world, on_told);
    return store_start(&world->store, &world->bodies);
}

static struct account_id account_number(uint32_t number)
{
    struct account_id account = {{ACCOUNT_PREFIX}};

    store_be32(account.bytes + 1, number);
    return account;
}

static struct stored_body *message_at(struct world *world, uint32_t number, uint32_t account, int64_t timestamp_ms,
                                      uint64_t ttl_ms)
{
    uint8_t hash[64] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16)}, nonce[8] = {0};
    struct account_id id = account_number(account);

    return body_pool_get(&world->bodies, hash, &id, nonce, ttl_ms, (uint64_t)timestamp_ms, BYTES_LIT("aGVsbG8="));
}

static enum err put_for(struct world *world, uint32_t number, uint32_t account, uint64_t ttl_ms, struct waiter *waiter)
{
    struct stored_body *body = message_at(world, number, account, world->fake.now_ms, ttl_ms);
    enum err err = store_put(&world->store, body, CAUSE_CLIENT, waiter == NULL ? NULL : &waiter->wait, on_done);

    body_drop(body);
    return err;
}

/* Message `number` of account 1. */
static enum err put(struct world *world, uint32_t number, struct waiter *waiter)
{
    return put_for(world, number, 1, TTL_MS, waiter);
}

static bool holds(const struct world *world, uint32_t number)
{
    uint8_t hash[64] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16)};

    return store_holds(&world->store, hash);
}

/* Fails unless a retrieve of account 1 after message `last` (0: from the start) gives exactly these. */
static void expect_after(struct world *world, uint32_t last, const uint32_t numbers[], size_t count)
{
    uint8_t last_hash[64] = {(uint8_t)last, (uint8_t)(last >> 8), (uint8_t)(last >> 16)};
    struct stored_body *bodies[16];
    struct account_id account = account_number(1);

    ck_assert_uint_eq(store_get(&world->store, &account, last == 0 ? NULL : last_hash, bodies, ARRAY_LEN(bodies)),
                      count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(bodies[i]->hash[0], numbers[i]);
}
#define EXPECT_AFTER(world, last, ...)                                                                                 \
    expect_after(world, last, (const uint32_t[]){__VA_ARGS__}, ARRAY_LEN(((const uint32_t[]){__VA_ARGS__})))
#define EXPECT_NOTHING(world, last) expect_after(world, last, NULL, 0)

/* ---- the good path ---- */

/* A message counts as held when the disk has it, and not before. */
START_TEST(store_holds_what_the_disk_has)
{
    struct world world;
    struct waiter waiter = {0};

    start(&world);
    world.fake.disk_manual = true;
    ck_assert_int_eq(put(&world, 1, &waiter), OK);
    fake_env_run(&world.fake);
    ck_assert(!holds(&world, 1));
    EXPECT_NOTHING(&world, 0);
    ck_assert_uint_eq(waiter.done, 0);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_STORED), 0);

    fake_env_complete_sync(&world.fake);
    ck_assert(holds(&world, 1));
    EXPECT_AFTER(&world, 0, 1);
    ck_assert_uint_eq(waiter.done, 1);
    ck_assert_int_eq(waiter.err, OK);
    ck_assert_uint_eq(world.told, 1);
    ck_assert_uint_eq(world.store.counts.stored, 1);
    ck_assert_uint_eq(world.fake.charged[COST_STORE], 1);
    ck_assert_uint_eq(fake_env_traces(&world.fake, TRACE_STORED), 1);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_STORED)->n[0], 8);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_STORED)->n[1], FAKE_EPOCH_MS + TTL_MS);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_STORED)->n[2], CAUSE_CLIENT);
    end(&world);
}
END_TEST

/* Messages come in order of arrival, after the last hash; an unknown last hash means from the beginning. */
START_TEST(store_gives_messages_in_order_of_arrival)
{
    struct world world;
    struct stored_body *bodies[2];
    struct account_id account = account_number(1);

    start(&world);
    for (uint32_t i = 5; i > 0; i--)
        ck_assert_int_eq(put(&world, i, NULL), OK);
    fake_env_run(&world.fake);
    EXPECT_AFTER(&world, 0, 5, 4, 3, 2, 1);
    EXPECT_AFTER(&world, 3, 2, 1);
    EXPECT_NOTHING(&world, 1);
    EXPECT_AFTER(&world, 99, 5, 4, 3, 2, 1);
    ck_assert_uint_eq(store_get(&world.store, &account, NULL, bodies, 2), 2);
    ck_assert_uint_eq(bodies[1]->hash[0], 4);
    end(&world);
}
END_TEST

/* Accounts do not see each other; a last hash of another account is no last hash. */
START_TEST(store_keeps_accounts_apart)
{
    struct world world;
    struct account_id nobody = account_number(3), other = account_number(2);

    start(&world);
    ck_assert_int_eq(put(&world, 1, NULL), OK);
    ck_assert_int_eq(put_for(&world, 2, 2, TTL_MS, NULL), OK);
    ck_assert_int_eq(put(&world, 3, NULL), OK);
    fake_env_run(&world.fake);
    EXPECT_AFTER(&world, 2, 1, 3);
    ck_assert_uint_eq(store_held_for(&world.store, &other), 1);
    ck_assert_uint_eq(store_held_for(&world.store, &nobody), 0);
    end(&world);
}
END_TEST

/* Everything is walked in order of arrival, also what is still on its way to the disk. */
static void note(void *owner, struct stored_body *body)
{
    buf_byte(owner, body->hash[0]);
}

START_TEST(store_walks_all_messages)
{
    struct world world;
    struct buf seen;

    start(&world);
    buf_init(&seen, 16);
    store_each(&world.store, note, &seen);
    ck_assert_uint_eq(seen.len, 0);
    ck_assert_int_eq(put_for(&world, 7, 2, TTL_MS, NULL), OK);
    ck_assert_int_eq(put(&world, 3, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_int_eq(put(&world, 5, NULL), OK);
    store_each(&world.store, note, &seen);
    ck_assert(bytes_equal(buf_bytes(&seen), BYTES_LIT("\7\3\5")));
    buf_fini(&seen);
    end(&world);
}
END_TEST

/* ---- duplicates ---- */

/* A second time is a duplicate: told once, counted, not put again. */
START_TEST(store_knows_duplicates)
{
    struct world world;
    struct waiter waiter = {0};

    start(&world);
    ck_assert_int_eq(put(&world, 1, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_int_eq(put(&world, 1, &waiter), ERR_DUPLICATE);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(waiter.done, 0);
    ck_assert_uint_eq(world.told, 1);
    ck_assert_uint_eq(world.store.counts.duplicates, 1);
    ck_assert_uint_eq(world.fake.charged[COST_STORE], 1);
    EXPECT_AFTER(&world, 0, 1);
    end(&world);
}
END_TEST

/* While the first is on its way to the disk, whoever stores it again waits for the same sync, in flight or still to
 * come. */
START_TEST(store_lets_a_duplicate_wait_for_the_first)
{
    struct world world;
    struct waiter first = {0}, again = {0}, second = {0}, second_again = {0};

    start(&world);
    world.fake.disk_manual = true;
    ck_assert_int_eq(put(&world, 1, &first), OK);
    ck_assert_int_eq(put(&world, 2, &second), OK); /* waits for the next sync */
    ck_assert_int_eq(put(&world, 1, &again), OK);
    ck_assert_int_eq(put(&world, 2, &second_again), OK);
    fake_env_complete_sync(&world.fake);
    ck_assert_uint_eq(first.done + again.done, 2);
    ck_assert_uint_eq(second.done + second_again.done, 0);
    world.fake.disk_err = ERR_IO;
    fake_env_complete_sync(&world.fake);
    ck_assert_int_eq(second.err, ERR_IO);
    ck_assert_int_eq(second_again.err, ERR_IO);
    EXPECT_AFTER(&world, 0, 1);
    end(&world);
}
END_TEST

/* ---- the disk ---- */

/* One sync is in flight at a time: what comes meanwhile shares the next. */
START_TEST(store_shares_syncs)
{
    struct world world;

    start(&world);
    world.fake.disk_manual = true;
    for (uint32_t i = 1; i <= 10; i++)
        ck_assert_int_eq(put(&world, i, NULL), OK);
    ck_assert_uint_eq(world.fake.syncs_waiting, 1);
    fake_env_complete_sync(&world.fake);
    EXPECT_AFTER(&world, 0, 1);
    ck_assert_uint_eq(world.fake.syncs_waiting, 1);
    fake_env_complete_sync(&world.fake);
    EXPECT_AFTER(&world, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    ck_assert_uint_eq(world.fake.syncs_waiting, 0);
    end(&world);
}
END_TEST

/* A failed sync: nobody is told that the message is held, it can be stored again, and it does not come back from the
 * disk. */
START_TEST(store_pretends_nothing_when_the_disk_fails)
{
    struct world world;
    struct waiter waiter = {0};

    start(&world);
    world.fake.disk_err = ERR_IO;
    ck_assert_int_eq(put(&world, 1, &waiter), OK);
    fake_env_run(&world.fake);
    ck_assert_int_eq(waiter.err, ERR_IO);
    ck_assert(!holds(&world, 1));
    ck_assert_uint_eq(world.told, 0);
    ck_assert_uint_eq(world.store.counts.records, 0);
    ck_assert_uint_eq(world.store.counts.bytes, 0);
    ck_assert_ptr_null(world.store.content);

    world.fake.disk_err = OK;
    ck_assert_int_eq(put(&world, 2, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(restart(&world), 1);
    EXPECT_AFTER(&world, 0, 2);
    ck_assert_int_eq(put(&world, 1, NULL), OK);
    fake_env_run(&world.fake);
    EXPECT_AFTER(&world, 0, 2, 1);
    end(&world);
}
END_TEST

/* After a restart all that was synced is back in its order, nothing else is, and new messages come behind. */
START_TEST(store_survives_a_restart)
{
    struct world world;

    start(&world);
    for (uint32_t i = 3; i > 0; i--)
        ck_assert_int_eq(put(&world, i, NULL), OK);
    fake_env_run(&world.fake);
    world.fake.disk_manual = true;
    ck_assert_int_eq(put(&world, 4, NULL), OK);
    ck_assert_uint_eq(restart(&world), 3);
    EXPECT_AFTER(&world, 0, 3, 2, 1);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_STORED)->n[2], CAUSE_DISK);
    ck_assert_uint_eq(world.store.counts.stored, 0);
    ck_assert_uint_eq(world.told, 3); /* all before the restart */
    world.fake.disk_manual = false;
    ck_assert_int_eq(put(&world, 5, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(restart(&world), 4);
    EXPECT_AFTER(&world, 0, 3, 2, 1, 5);
    end(&world);
}
END_TEST

/* What expired while the machine was down is not read back, and leaves the disk. */
START_TEST(store_drops_what_expired_while_it_was_down)
{
    struct world world;

    start(&world);
    ck_assert_int_eq(put_for(&world, 1, 1, TTL_MS, NULL), OK);
    ck_assert_int_eq(put_for(&world, 2, 1, 2 * TTL_MS, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.fake.disk.count, 2);
    fake_env_crash(&world.fake);
    world.fake.now_ms += TTL_MS + 1;
    ck_assert_uint_eq(restart(&world), 1);
    EXPECT_AFTER(&world, 0, 2);
    ck_assert_int_eq(put(&world, 3, NULL), OK); /* its sync takes the deletion along */
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.fake.disk.count, 2);
    end(&world);
}
END_TEST

static void on_synced(struct disk_op *op)
{
    ck_assert_int_eq(op->err, OK);
}

/* A disk is outside: whatever stands there that is no record of ours is ignored. */
START_TEST(store_ignores_what_is_no_record)
{
    struct world world;
    struct disk_op sync;
    struct waiter waiter = {0};
    struct stored_body *body;
    struct buf value;
    struct bytes good;
    uint8_t bad[STORE_RECORD_OVERHEAD];

    start(&world);
    body = message_at(&world, 1, 1, FAKE_EPOCH_MS, TTL_MS);
    buf_init(&value, SIZE_MAX);
    store_record_encode(body, &value);
    good = buf_bytes(&value);
    body_drop(body);
    env_disk_put(&world.fake.env, BYTES_LIT("short"), good);
    env_disk_put(&world.fake.env, BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff"), good); /* no arrival can follow it */
    env_disk_put(&world.fake.env, BYTES_LIT("\0\0\0\0\0\0\0\1"), BYTES_LIT("?"));
    env_disk_put(&world.fake.env, BYTES_LIT("\0\0\0\0\0\0\0\2"), bytes_slice(good, 0, STORE_RECORD_OVERHEAD - 1));
    memcpy(bad, good.data, sizeof(bad));
    bad[0] = 1; /* another format */
    env_disk_put(&world.fake.env, BYTES_LIT("\0\0\0\0\0\0\0\3"), BYTES_OF(bad));
    bad[0] = 2;
    memset(bad + sizeof(bad) - 24, 0xff, 24); /* ttl, timestamp and expiry */
    env_disk_put(&world.fake.env, BYTES_LIT("\0\0\0\0\0\0\0\4"), BYTES_OF(bad));
    env_disk_put(&world.fake.env, BYTES_LIT("\0\0\0\0\0\0\0\5"), good);
    env_disk_put(&world.fake.env, BYTES_LIT("\0\0\0\0\0\0\0\6"), good); /* the same again */
    env_disk_sync(&world.fake.env, &sync, on_synced);
    fake_env_run(&world.fake);
    buf_fini(&value);
    ck_assert_uint_eq(store_start(&world.store, &world.bodies), 1);
    EXPECT_AFTER(&world, 0, 1);
    ck_assert_int_eq(put(&world, 2, &waiter), OK); /* under the first free number */
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.store.arrivals, 8);
    end(&world);
}
END_TEST

/* ---- expiry ---- */

/* A message is there until its timestamp + ttl, that millisecond included, and gone after it: for reads, not only for
 * timers. */
START_TEST(store_expires_to_the_millisecond)
{
    struct world world;

    start(&world);
    ck_assert_int_eq(put_for(&world, 1, 1, TTL_MS, NULL), OK);
    ck_assert_int_eq(put_for(&world, 2, 1, 2 * TTL_MS, NULL), OK);
    fake_env_run(&world.fake);
    fake_env_advance_ms(&world.fake, TTL_MS);
    ck_assert(holds(&world, 1));
    EXPECT_AFTER(&world, 0, 1, 2);
    EXPECT_AFTER(&world, 1, 2);
    world.fake.now_ms++; /* before any timer */
    ck_assert(!holds(&world, 1));
    EXPECT_AFTER(&world, 0, 2);
    EXPECT_AFTER(&world, 1, 2); /* unknown by now: from the beginning */
    ck_assert_uint_eq(world.store.counts.expired, 1);
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_EXPIRED)->n[0], FAKE_EPOCH_MS + TTL_MS);
    end(&world);
}
END_TEST

/* A node that nobody asks frees what is over by itself, in any order of ends, and then has neither timer nor memory. */
START_TEST(store_sweeps_by_itself)
{
    static const uint32_t seconds[] = {60, 30, 90, 20, 75, 30};
    struct world world;

    start(&world);
    for (uint32_t i = 0; i < ARRAY_LEN(seconds); i++)
        ck_assert_int_eq(put_for(&world, i + 1, i % 2 + 1, seconds[i] * 1000, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 1);
    fake_env_advance_ms(&world.fake, 20000 + LIMIT_SWEEP_MS);
    ck_assert_uint_eq(world.store.counts.expired, 1);
    fake_env_advance_ms(&world.fake, 30000);
    ck_assert_uint_eq(world.store.counts.expired, 3);
    EXPECT_AFTER(&world, 0, 1, 3, 5);
    fake_env_advance_ms(&world.fake, 60000);
    ck_assert_uint_eq(world.store.counts.expired, ARRAY_LEN(seconds));
    ck_assert_uint_eq(world.store.counts.records, 0);
    ck_assert_ptr_null(world.store.content);
    ck_assert_uint_eq(world.bodies.bytes, 0);
    fake_env_check(&world.fake);
    end(&world);
}
END_TEST

/* A later message with an earlier end brings the sweep forward. */
START_TEST(store_sweeps_for_the_earliest_end)
{
    struct world world;

    start(&world);
    ck_assert_int_eq(put_for(&world, 1, 1, 10 * TTL_MS, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_int_eq(put_for(&world, 2, 1, TTL_MS, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 1);
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_uint_eq(world.store.counts.expired, 1);
    end(&world);
}
END_TEST

/* Gone from the disk, too. */
START_TEST(store_deletes_the_expired_from_the_disk)
{
    struct world world;

    start(&world);
    ck_assert_int_eq(put(&world, 1, NULL), OK);
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_uint_eq(world.store.counts.expired, 1);
    ck_assert_int_eq(put(&world, 2, NULL), OK);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.fake.disk.count, 1);
    end(&world);
}
END_TEST

/* A message may end before its sync does: it was stored, and it is over. Nobody who waits for it is told. */
START_TEST(store_takes_a_message_that_ends_before_its_sync)
{
    struct world world;
    struct waiter waiter = {0};

    start(&world);
    world.fake.disk_manual = true;
    ck_assert_int_eq(put(&world, 1, &waiter), OK);
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    fake_env_complete_sync(&world.fake);
    ck_assert_uint_eq(waiter.done, 1);
    ck_assert_int_eq(waiter.err, OK);
    ck_assert_uint_eq(world.told, 0);
    ck_assert_uint_eq(world.store.counts.stored, 1);
    ck_assert_uint_eq(world.store.counts.expired, 1);
    EXPECT_NOTHING(&world, 0);
    fake_env_check(&world.fake);
    end(&world);
}
END_TEST

/* ---- bounds ---- */

/* Full of records: refused and counted, until something ends. Known messages stay duplicates. */
START_TEST(store_says_full_of_records)
{
    struct world world;

    start_bounded(&world, LIMIT_STORE_BYTES, 2);
    ck_assert_int_eq(put_for(&world, 1, 1, TTL_MS, NULL), OK);
    ck_assert_int_eq(put_for(&world, 2, 2, 2 * TTL_MS, NULL), OK);
    ck_assert_int_eq(put(&world, 3, NULL), ERR_FULL);
    fake_env_run(&world.fake);
    ck_assert_int_eq(put(&world, 3, NULL), ERR_FULL);
    ck_assert_int_eq(put(&world, 1, NULL), ERR_DUPLICATE);
    ck_assert_uint_eq(world.store.counts.refused_full, 2);
    fake_env_advance_ms(&world.fake, TTL_MS + 1);
    ck_assert_int_eq(put(&world, 3, NULL), OK);
    fake_env_run(&world.fake);
    EXPECT_AFTER(&world, 0, 3);
    end(&world);
}
END_TEST

/* Full of bytes: exactly the bound fits. */
START_TEST(store_says_full_of_bytes)
{
    struct world world;

    start_bounded(&world, 2 * (STORE_RECORD_OVERHEAD + 8), LIMIT_STORE_RECORDS);
    ck_assert_int_eq(put(&world, 1, NULL), OK);
    ck_assert_int_eq(put(&world, 2, NULL), OK);
    ck_assert_int_eq(put(&world, 3, NULL), ERR_FULL);
    fake_env_run(&world.fake);
    ck_assert_uint_eq(world.store.counts.bytes, world.store.bytes_max);
    end(&world);
}
END_TEST

/* ---- many ---- */

/* Against a plain model: random puts and passing time, the same messages in the same order. */
START_TEST(store_agrees_with_a_model)
{
    enum { COUNT = 2000, ACCOUNTS = 5 };
    static int64_t ends_ms[COUNT + 1];
    static uint32_t account_of[COUNT + 1];
    struct stored_body *bodies[COUNT];
    struct world world;

    start(&world);
    for (uint32_t i = 1; i <= COUNT; i++) {
        uint64_t ttl_ms = LIMIT_TTL_MS_MIN + env_random_below(&world.fake.env, 20000);

        account_of[i] = (uint32_t)env_random_below(&world.fake.env, ACCOUNTS);
        ends_ms[i] = world.fake.now_ms + (int64_t)ttl_ms;
        ck_assert_int_eq(put_for(&world, i, account_of[i], ttl_ms, NULL), OK);
        fake_env_advance_ms(&world.fake, (int64_t)env_random_below(&world.fake.env, 100));
        if (i % 50 != 0)
            continue;
        for (uint32_t account = 0; account < ACCOUNTS; account++) {
            struct account_id id = account_number(account);
            size_t got = store_get(&world.store, &id, NULL, bodies, COUNT), at = 0;

            for (uint32_t j = 1; j <= i; j++) {
                if (account_of[j] != account || ends_ms[j] < world.fake.now_ms)
                    continue;
                ck_assert_uint_lt(at, got);
                ck_assert_uint_eq(bodies[at]->hash[0] | (uint32_t)bodies[at]->hash[1] << 8, j);
                at++;
            }
            ck_assert_uint_eq(at, got);
        }
    }
    end(&world);
}
END_TEST

TEST_MAIN("store", store_holds_what_the_disk_has, store_gives_messages_in_order_of_arrival, store_keeps_accounts_apart,
          store_walks_all_messages, store_knows_duplicates, store_lets_a_duplicate_wait_for_the_first,
          store_shares_syncs, store_pretends_nothing_when_the_disk_fails,
          store_survives_a_restart, store_drops_what_expired_while_it_was_down, store_ignores_what_is_no_record,
          store_expires_to_the_millisecond, store_sweeps_by_itself, store_sweeps_for_the_earliest_end,
          store_deletes_the_expired_from_the_disk, store_takes_a_message_that_ends_before_its_sync,
          store_says_full_of_records, store_says_full_of_bytes, store_agrees_with_a_model)
