/* What a store takes for each replica, in an env that takes nothing. */
#include "node/store.h"

#include <malloc.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

#define TTL_MS 60000

/* An env that keeps nothing but the sync in flight: what is measured is the store. */
struct null_env {
    struct env env;
    struct disk_op *sync;
};

static int64_t null_now_ms(const struct env *env)
{
    (void)env;
    return FAKE_EPOCH_MS;
}

static void null_timer_start(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire)
{
    (void)env, (void)delay_ms, (void)fire;
    timer->slot = 1;
}

static void null_timer_stop(struct env *env, struct timer *timer)
{
    (void)env, (void)timer;
}

static void null_charge(struct env *env, enum cost cost, uint32_t units)
{
    (void)env, (void)cost, (void)units;
}

static void null_disk_put(struct env *env, struct bytes key, struct bytes value)
{
    (void)key, (void)value;
    arena_reset(env->arena);
}

static void null_disk_sync(struct env *env, struct disk_op *op, disk_fn done)
{
    op->done = done;
    CONTAINER_OF(env, struct null_env, env)->sync = op;
}

static void null_trace(struct env *env, const struct trace_record *record)
{
    (void)env, (void)record;
}

static const struct env_ops null_ops = {.now_ms = null_now_ms,
                                        .timer_start = null_timer_start,
                                        .timer_stop = null_timer_stop,
                                        .charge = null_charge,
                                        .disk_put = null_disk_put,
                                        .disk_sync = null_disk_sync,
                                        .trace = null_trace};

static void complete_sync(struct null_env *null)
{
    null->sync->err = OK;
    null->sync->done(null->sync);
}

static void on_stored(void *owner, struct stored_body *body)
{
    (void)owner, (void)body;
}

static struct stored_body *message(struct body_pool *bodies, uint32_t number)
{
    struct account_id account = {.bytes = {ACCOUNT_PREFIX}};
    uint8_t hash[64] = {0}, nonce[8] = {0};

    store_le32(account.bytes + 1, number / 10);
    store_le32(hash, number);
    return body_pool_get(bodies, hash, &account, nonce, TTL_MS + number % 1000, FAKE_EPOCH_MS, BYTES_LIT("SGkgQm9i"));
}

/* What a replica costs beside the shared body: at most 96 bytes at ten messages per account. (Not with the sanitizer,
 * whose malloc counts nothing.) */
START_TEST(store_is_compact)
{
    enum { COUNT = 10000 };
    static struct stored_body *bodies[COUNT];
    struct body_pool pool;
    struct store store;
    struct arena arena;
    struct null_env null = {.env = {&null_ops, &arena}};
    size_t before, after;

    body_pool_init(&pool);
    arena_init(&arena);
    (void)arena_alloc(&arena, 1);
    ck_assert_uint_le(sizeof(struct store), 128);
    store_init(&store, &null.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, NULL, on_stored);
    for (uint32_t i = 0; i < COUNT; i++)
        bodies[i] = message(&pool, i);
    before = mallinfo2().uordblks;
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(store_put(&store, bodies[i], CAUSE_RELAY, NULL, NULL), OK);
    complete_sync(&null); /* the first one */
    complete_sync(&null); /* all the others */
    after = mallinfo2().uordblks;
    ck_assert_uint_eq(store.counts.stored, COUNT);
    ck_assert_msg(after - before <= COUNT * 96, "%zu bytes per replica", (after - before) / COUNT);
    store_fini(&store);
    for (uint32_t i = 0; i < COUNT; i++)
        body_drop(bodies[i]);
    arena_fini(&arena);
    body_pool_fini(&pool);
}
END_TEST

TEST_MAIN("store_memory", store_is_compact)
