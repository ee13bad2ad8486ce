#include "node/body_pool.h"

#include <string.h>

#include "tests/support/check_main.h"

static const uint8_t hash_a[64] = {1}, hash_b[64] = {2};
static const uint8_t nonce[8] = {3};
static const struct account_id account = {{5, 6, 7}};

static struct stored_body *get(struct body_pool *pool, const uint8_t hash[64], const char *data)
{
    return body_pool_get(pool, hash, &account, nonce, 86400000, 1567296000000, bytes_text(data));
}

/* The same message is one body, however many keep it; the last one to drop it frees it. */
START_TEST(body_pool_shares_equal_bodies)
{
    struct body_pool pool;
    struct stored_body *first, *second;
    uint64_t bytes;

    body_pool_init(&pool);
    first = get(&pool, hash_a, "hello");
    bytes = pool.bytes;
    second = get(&pool, hash_a, "hello");
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(first->keepers, 2);
    ck_assert_uint_eq(pool.bytes, bytes);
    body_drop(first);
    ck_assert_uint_eq(pool.bytes, bytes);
    ck_assert(bytes_equal_text((struct bytes){second->data, second->data_len}, "hello"));
    body_drop(second);
    ck_assert_uint_eq(pool.bytes, 0);
    body_pool_fini(&pool);
}
END_TEST

START_TEST(body_pool_keeps_different_messages_apart)
{
    struct body_pool pool;
    struct stored_body *a, *b;

    body_pool_init(&pool);
    a = get(&pool, hash_a, "hello");
    b = get(&pool, hash_b, "hello");
    ck_assert_ptr_ne(a, b);
    body_drop(a);
    ck_assert_uint_eq(b->keepers, 1);
    body_drop(b);
    body_pool_fini(&pool);
}
END_TEST

/* A hash never vouches for content: whatever differs makes a body of its own, and dropping that one leaves the shared
 * one alone. */
START_TEST(body_pool_compares_content)
{
    static const uint8_t other_nonce[8] = {4};
    static const struct account_id other_account = {{5, 6, 8}};
    const struct bytes data = BYTES_LIT("hello");
    struct body_pool pool;
    struct stored_body *shared, *others[5];

    body_pool_init(&pool);
    shared = get(&pool, hash_a, "hello");
    others[0] = get(&pool, hash_a, "hellO");
    others[1] = body_pool_get(&pool, hash_a, &other_account, nonce, 86400000, 1567296000000, data);
    others[2] = body_pool_get(&pool, hash_a, &account, other_nonce, 86400000, 1567296000000, data);
    others[3] = body_pool_get(&pool, hash_a, &account, nonce, 86400001, 1567296000000, data);
    others[4] = body_pool_get(&pool, hash_a, &account, nonce, 86400000, 1567296000001, data);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ck_assert_ptr_ne(others[i], shared);
        body_drop(others[i]);
    }
    ck_assert_ptr_eq(get(&pool, hash_a, "hello"), shared);
    body_drop(shared);
    body_drop(shared);
    body_pool_fini(&pool);
}
END_TEST

/* The one that was not shared may also live longer than the shared one. */
START_TEST(body_pool_frees_a_double_after_the_shared_one)
{
    struct body_pool pool;
    struct stored_body *shared, *own;

    body_pool_init(&pool);
    shared = get(&pool, hash_a, "hello");
    own = get(&pool, hash_a, "other");
    body_drop(shared);
    ck_assert_uint_eq(own->keepers, 1);
    shared = get(&pool, hash_a, "third");
    body_drop(own);
    ck_assert_ptr_eq(get(&pool, hash_a, "third"), shared);
    body_drop(shared);
    body_drop(shared);
    ck_assert_uint_eq(pool.bytes, 0);
    body_pool_fini(&pool);
}
END_TEST

START_TEST(body_pool_takes_empty_data)
{
    struct body_pool pool;
    struct stored_body *body;

    body_pool_init(&pool);
    body = get(&pool, hash_a, "");
    ck_assert_uint_eq(body->data_len, 0);
    ck_assert_int_eq(body_expiry_ms(body), 1567296000000 + 86400000);
    body_drop(body);
    body_pool_fini(&pool);
}
END_TEST

TEST_MAIN("body_pool", body_pool_shares_equal_bodies, body_pool_keeps_different_messages_apart,
          body_pool_compares_content, body_pool_frees_a_double_after_the_shared_one, body_pool_takes_empty_data)
