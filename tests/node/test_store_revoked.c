#include "node/store.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

static struct fake_env fake;
static struct body_pool bodies;
static struct store store;
static const struct account_id account = {{ACCOUNT_PREFIX, 7}}, other = {{ACCOUNT_PREFIX, 8}};

static void on_stored(void *owner, struct stored_body *body)
{
    (void)owner, (void)body;
}

static void on_done(struct store_wait *wait)
{
    ck_assert_int_eq(wait->err, OK);
}

static void start_bounded(uint64_t bytes_max, uint32_t records_max)
{
    fake_env_init(&fake, 1);
    body_pool_init(&bodies);
    store_init(&store, &fake.env, bytes_max, records_max, NULL, on_stored);
}

static void start(void)
{
    start_bounded(LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS);
}

static void end(void)
{
    store_fini(&store);
    body_pool_fini(&bodies);
    fake_env_fini(&fake);
}

static void restart(void)
{
    struct store_wait wait;

    store_sync(&store, &wait, on_done);
    fake_env_run(&fake);
    fake_env_crash(&fake);
    store_fini(&store);
    store_init(&store, &fake.env, LIMIT_STORE_BYTES, LIMIT_STORE_RECORDS, NULL, on_stored);
    ck_assert_uint_eq(store_start(&store, &bodies), 0);
}

static struct subaccount_token token(uint8_t number)
{
    return (struct subaccount_token){{ACCOUNT_PREFIX, SUBACCOUNT_READ, [35] = number}};
}

static bool is_revoked(uint8_t number)
{
    const struct subaccount_token one = token(number);

    return store_is_revoked(&store, &account, &one);
}

static enum err revoke(uint8_t first, uint8_t count)
{
    struct subaccount_token tokens[LIMIT_REVOCATIONS];

    for (uint8_t i = 0; i < count; i++)
        tokens[i] = token((uint8_t)(first + i));
    return store_revoke(&store, &account, tokens, count);
}

/* Kept without any message, for that account alone, through a restart; what is taken back is gone. */
START_TEST(revocations_last)
{
    const struct subaccount_token tokens[] = {token(1), token(9), token(1)}, two = token(2);

    start();
    ck_assert(!is_revoked(1));
    ck_assert_int_eq(revoke(1, 2), OK);
    ck_assert_uint_eq(store.counts.bytes, 2 * SUBACCOUNT_TOKEN_BYTES);
    restart();
    ck_assert(is_revoked(1) && is_revoked(2) && !is_revoked(3));
    ck_assert(!store_is_revoked(&store, &other, &two));
    ck_assert_uint_eq(store_unrevoke(&store, &account, tokens, 3), 1);
    ck_assert_uint_eq(fake_env_last_trace(&fake, TRACE_REVOKED)->n[0], 1);
    restart();
    ck_assert(!is_revoked(1) && is_revoked(2));
    ck_assert_uint_eq(store_unrevoke(&store, &account, &two, 1), 1);
    ck_assert_uint_eq(store_unrevoke(&store, &account, &two, 1), 0);
    ck_assert_ptr_null(store.revocations);
    ck_assert_uint_eq(store.counts.bytes, 0);
    restart();
    ck_assert_uint_eq(fake.disk.count, 0);
    end();
}
END_TEST

/* The newest 50: one that is revoked again is the newest. */
START_TEST(the_newest_revocations_stay)
{
    start();
    ck_assert_int_eq(revoke(0, 40), OK);
    ck_assert_int_eq(revoke(0, 1), OK);
    ck_assert_int_eq(revoke(40, 20), OK);
    for (uint8_t i = 0; i < 60; i++)
        ck_assert_int_eq(is_revoked(i), i == 0 || i > 10);
    restart();
    ck_assert(is_revoked(0) && !is_revoked(10) && is_revoked(11) && is_revoked(59));
    end();
}
END_TEST

/* Tokens count as records and as bytes. */
START_TEST(revocations_count_against_the_bounds)
{
    start_bounded(LIMIT_STORE_BYTES, 2);
    ck_assert_int_eq(revoke(1, 3), ERR_FULL);
    ck_assert(!is_revoked(1));
    ck_assert_int_eq(revoke(1, 2), OK);
    ck_assert_int_eq(revoke(3, 1), ERR_FULL);
    end();
    start_bounded(2 * SUBACCOUNT_TOKEN_BYTES, 100);
    ck_assert_int_eq(revoke(1, 2), OK);
    ck_assert_int_eq(revoke(3, 1), ERR_FULL);
    end();
}
END_TEST

/* What another node knew comes in front, newest first, as far as there is room. */
START_TEST(older_revocations_yield)
{
    struct subaccount_token tokens[5];

    start();
    ck_assert_int_eq(revoke(0, 48), OK);
    for (uint8_t i = 0; i < 5; i++)
        tokens[i] = token((uint8_t)(i == 4 ? 0 : 100 + i));
    store_revoke_older(&store, &account, tokens, 5);
    ck_assert(!is_revoked(100) && !is_revoked(101) && is_revoked(102) && is_revoked(103) && is_revoked(0));
    ck_assert_int_eq(revoke(48, 1), OK);
    ck_assert(!is_revoked(102) && is_revoked(103));
    end();
}
END_TEST

static void note(void *owner, const struct account_id *of, const struct subaccount_token tokens[], size_t count)
{
    struct buf *seen = owner;

    buf_printf(seen, "%u:", of->bytes[1]);
    for (size_t i = 0; i < count; i++)
        buf_printf(seen, "%u ", tokens[i].bytes[35]);
}

START_TEST(revocations_are_walked)
{
    const struct subaccount_token nine = token(9);
    struct buf seen;

    start();
    buf_init(&seen, 100);
    store_each_revoked(&store, note, &seen);
    ck_assert_uint_eq(seen.len, 0);
    ck_assert_int_eq(store_revoke(&store, &other, &nine, 1), OK);
    ck_assert_int_eq(revoke(1, 3), OK);
    store_each_revoked(&store, note, &seen);
    ck_assert(bytes_equal_text(buf_bytes(&seen), "8:9 7:1 2 3 "));
    buf_fini(&seen);
    end();
}
END_TEST

/* A disk is outside. */
START_TEST(what_is_no_revocation_is_ignored)
{
    static const uint8_t tokens[(LIMIT_REVOCATIONS + 1) * SUBACCOUNT_TOKEN_BYTES];
    uint8_t key[34] = {'r', ACCOUNT_PREFIX, 7};

    start();
    env_disk_put(&fake.env, BYTES_OF(key), (struct bytes){tokens, SUBACCOUNT_TOKEN_BYTES + 1});
    key[2] = 9;
    env_disk_put(&fake.env, BYTES_OF(key), BYTES_OF(tokens));
    key[0] = 's';
    env_disk_put(&fake.env, BYTES_OF(key), (struct bytes){tokens, SUBACCOUNT_TOKEN_BYTES});
    key[0] = 'r';
    env_disk_put(&fake.env, bytes_slice(BYTES_OF(key), 0, 33), (struct bytes){tokens, SUBACCOUNT_TOKEN_BYTES});
    restart();
    ck_assert_ptr_null(store.revocations);
    end();
}
END_TEST

TEST_MAIN("store_revoked", revocations_last, the_newest_revocations_stay, revocations_count_against_the_bounds,
          older_revocations_yield, revocations_are_walked, what_is_no_revocation_is_ignored)
