#include "node/body_pool.h"

#include <string.h>

#include "common/pow.h"
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

/* ---- both dialects ---- */

static struct stored_body *get_modern(struct body_pool *pool, int16_t namespace, const char *data)
{
    return body_pool_get_modern(pool, &account, namespace, 86400000, 1567296000000, bytes_text(data));
}

/* A message of the era is hashed for today by what its base64 stands for, else by its text; and shown likewise. */
START_TEST(body_pool_hashes_for_both_dialects)
{
    struct body_pool pool;
    struct arena arena;
    struct stored_body *modern, *era, *text;
    char expected[MESSAGE_HASH_CHARS];

    arena_init(&arena);
    body_pool_init(&pool);
    modern = get_modern(&pool, 0, "hello");
    era = get(&pool, hash_a, "aGVsbG8=");
    text = get(&pool, hash_b, "hello");
    ck_assert(bytes_equal_text(body_data(modern), "aGVsbG8="));
    ck_assert_int_eq(memcmp(modern->modern_hash, era->modern_hash, MESSAGE_HASH_CHARS), 0);
    ck_assert_int_eq(memcmp(modern->modern_hash, text->modern_hash, MESSAGE_HASH_CHARS), 0);
    message_hash(&account, 0, BYTES_LIT("hello"), expected);
    ck_assert_int_eq(memcmp(modern->modern_hash, expected, MESSAGE_HASH_CHARS), 0);
    ck_assert(bytes_equal_text(body_base64(modern, &arena), "aGVsbG8="));
    ck_assert(bytes_equal_text(body_base64(text, &arena), "aGVsbG8="));
    ck_assert_uint_eq(body_data_bytes(modern), 5);
    ck_assert_uint_eq(body_data_bytes(text), 5);
    body_drop(modern);
    body_drop(era);
    body_drop(text);
    body_pool_fini(&pool);
    arena_fini(&arena);
}
END_TEST

/* The era's name for a message of today is what a client of the era would have found with a nonce of zeros. */
START_TEST(body_pool_names_a_modern_message_for_the_era)
{
    static const uint8_t zeros[8];
    struct body_pool pool;
    struct stored_body *modern, *other;
    char pubkey[ACCOUNT_HEX_LEN];
    uint8_t payload[64], hash[64];

    body_pool_init(&pool);
    modern = get_modern(&pool, 0, "hello");
    account_to_hex(&account, pubkey);
    pow_payload_hash((const struct bytes[]){BYTES_LIT("1567296000000"), BYTES_LIT("86400000"), BYTES_OF(pubkey),
                                            BYTES_LIT("aGVsbG8=")},
                     4, payload);
    (void)pow_trial(payload, zeros, hash);
    ck_assert_int_eq(memcmp(modern->hash, hash, sizeof(hash)), 0);
    other = get_modern(&pool, 5, "hello"); /* of another namespace: today's hash says so */
    ck_assert_int_ne(memcmp(modern->modern_hash, other->modern_hash, MESSAGE_HASH_CHARS), 0);
    body_drop(modern);
    body_drop(other);
    body_pool_fini(&pool);
}
END_TEST

/* Every expiry is a body of its own, shared as well, whichever is dropped first. */
START_TEST(body_pool_shares_changed_expiries)
{
    struct body_pool pool;
    struct stored_body *first, *second, *third;

    body_pool_init(&pool);
    first = get_modern(&pool, -1, "hello");
    ck_assert_ptr_eq(body_with_expiry(first, body_expiry_ms(first)), first);
    second = body_with_expiry(first, 1567296000005);
    third = body_with_expiry(second, 1567296000006);
    ck_assert_ptr_eq(body_with_expiry(first, 1567296000005), second);
    ck_assert_ptr_eq(get_modern(&pool, -1, "hello"), first);
    ck_assert_uint_eq(second->ttl_ms, first->ttl_ms);
    for (int i = 0; i < 3; i++)
        body_drop(first);
    ck_assert_ptr_eq(body_with_expiry(third, 1567296000005), second);
    body_drop(third);
    for (int i = 0; i < 3; i++)
        body_drop(second);
    ck_assert_uint_eq(pool.bytes, 0);
    body_pool_fini(&pool);
}
END_TEST

TEST_MAIN("body_pool", body_pool_hashes_for_both_dialects, body_pool_names_a_modern_message_for_the_era,
          body_pool_shares_changed_expiries, body_pool_shares_equal_bodies, body_pool_keeps_different_messages_apart,
          body_pool_compares_content, body_pool_frees_a_double_after_the_shared_one, body_pool_takes_empty_data)
