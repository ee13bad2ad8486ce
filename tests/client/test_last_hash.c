#include "tests/support/check_main.h"

#include <string.h>

#include "client/last_hash.h"

static struct last_hashes hashes;

static struct ed25519_public node(uint8_t n)
{
    return (struct ed25519_public){{n}};
}

static void put(uint8_t n, char digit, int64_t now_ms, int64_t expiration_ms)
{
    char hex[LAST_HASH_HEX_LEN];
    struct ed25519_public key = node(n);
    memset(hex, digit, sizeof hex);
    last_hash_put(&hashes, &key, now_ms, BYTES_OF(hex), expiration_ms);
}

/* The digit of the node's hash; 0: none. */
static char get(uint8_t n, int64_t now_ms)
{
    char hex[LAST_HASH_HEX_LEN];
    struct ed25519_public key = node(n);
    size_t len = last_hash_get(&hashes, &key, now_ms, hex);
    ck_assert(len == 0 || len == LAST_HASH_HEX_LEN);
    return len == 0 ? 0 : hex[127];
}

/* One per node; the newer replaces. */
START_TEST(one_per_node)
{
    hashes = (struct last_hashes){0};
    ck_assert_int_eq(get(1, 0), 0);
    put(1, 'a', 0, 100);
    put(2, 'b', 0, 100);
    put(1, 'c', 0, 100);
    ck_assert_int_eq(get(1, 0), 'c');
    ck_assert_int_eq(get(2, 0), 'b');
    ck_assert_uint_eq(hashes.count, 2);
    last_hashes_fini(&hashes);
}
END_TEST

/* Gone with its message, for the node has forgotten it too. */
START_TEST(gone_when_expired)
{
    hashes = (struct last_hashes){0};
    put(1, 'a', 0, 100);
    ck_assert_int_eq(get(1, 100), 'a');
    ck_assert_int_eq(get(1, 101), 0);
    ck_assert_uint_eq(hashes.count, 0);
    last_hashes_fini(&hashes);
}
END_TEST

/* Full: the one written longest ago goes. */
START_TEST(oldest_goes)
{
    hashes = (struct last_hashes){0};
    for (uint8_t i = 0; i < LIMIT_LAST_HASHES; i++)
        put(i, 'a', 0, 100);
    put(0, 'b', 0, 100);
    put(200, 'c', 0, 100);
    ck_assert_uint_eq(hashes.count, LIMIT_LAST_HASHES);
    ck_assert_int_eq(get(0, 0), 'b');
    ck_assert_int_eq(get(1, 0), 0);
    ck_assert_int_eq(get(2, 0), 'a');
    last_hashes_fini(&hashes);
}
END_TEST

TEST_MAIN("last_hash", one_per_node, gone_when_expired, oldest_goes)
