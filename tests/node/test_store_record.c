#include "node/store_record.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"

static struct arena arena;
static struct body_pool pool;

static void start(void)
{
    arena_init(&arena);
    body_pool_init(&pool);
}

static void end(void)
{
    body_pool_fini(&pool);
    arena_fini(&arena);
}

static struct stored_body *make(uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data)
{
    static const uint8_t hash[64] = {0xaa, [63] = 0xbb}, nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const struct account_id account = {{ACCOUNT_PREFIX, 0x11, [32] = 0x22}};

    return body_pool_get(&pool, hash, &account, nonce, ttl_ms, timestamp_ms, data);
}

/* What goes to the disk comes back as the same message: the pool finds it equal. */
START_TEST(store_record_comes_back)
{
    struct stored_body *body, *back;
    struct bytes value;

    start();
    body = make(86400000, 1567296000000, BYTES_LIT("aGVsbG8="));
    value = store_record_encode(body, &arena);
    ck_assert_uint_eq(value.len, STORE_RECORD_OVERHEAD + 8);
    ck_assert_uint_eq(store_record_bytes(body), value.len);
    back = store_record_decode(value, &pool);
    ck_assert_ptr_eq(back, body);
    body_drop(back);
    body_drop(body);
    end();
}
END_TEST

/* The layout is what later versions will find on disks. */
START_TEST(store_record_keeps_its_layout)
{
    struct stored_body *body;
    struct bytes value;

    start();
    body = make(86400000, 1567296000000, BYTES_LIT("x"));
    value = store_record_encode(body, &arena);
    ck_assert_uint_eq(value.data[0], 1);
    ck_assert_uint_eq(value.data[1], ACCOUNT_PREFIX);
    ck_assert_uint_eq(value.data[33], 0x22);
    ck_assert_uint_eq(value.data[34], 0xaa);
    ck_assert_uint_eq(value.data[97], 0xbb);
    ck_assert_uint_eq(value.data[98], 1);
    ck_assert_uint_eq(load_be64(value.data + 106), 86400000);
    ck_assert_uint_eq(load_be64(value.data + 114), 1567296000000);
    ck_assert_uint_eq(value.data[122], 'x');
    body_drop(body);
    end();
}
END_TEST

/* A disk is outside: what no node would have accepted is no record. */
START_TEST(store_record_refuses_what_is_none)
{
    static uint8_t bytes[STORE_RECORD_OVERHEAD + LIMIT_DATA_CHARS + 1];
    struct stored_body *body;

    start();
    body = make(LIMIT_TTL_MS_MAX, 1567296000000, BYTES_NONE);
    memcpy(bytes, store_record_encode(body, &arena).data, STORE_RECORD_OVERHEAD);
    body_drop(body);
    for (size_t len = 0; len < STORE_RECORD_OVERHEAD; len++)
        ck_assert_ptr_null(store_record_decode((struct bytes){bytes, len}, &pool));
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool)); /* one character too many */
    body = store_record_decode((struct bytes){bytes, sizeof(bytes) - 1}, &pool);
    ck_assert_ptr_nonnull(body);
    body_drop(body);

    bytes[0] = 0;
    ck_assert_ptr_null(store_record_decode((struct bytes){bytes, STORE_RECORD_OVERHEAD}, &pool));
    bytes[0] = 1;
    store_be64(bytes + 106, LIMIT_TTL_MS_MAX + 1);
    ck_assert_ptr_null(store_record_decode((struct bytes){bytes, STORE_RECORD_OVERHEAD}, &pool));
    store_be64(bytes + 106, LIMIT_TTL_MS_MIN);
    store_be64(bytes + 114, UINT64_MAX); /* an expiry past 64 bits */
    ck_assert_ptr_null(store_record_decode((struct bytes){bytes, STORE_RECORD_OVERHEAD}, &pool));
    end();
}
END_TEST

/* Keys ascend as arrivals do. */
START_TEST(store_record_keys_ascend)
{
    uint8_t low[STORE_KEY_BYTES], high[STORE_KEY_BYTES];
    uint64_t arrival;

    store_key_encode(255, low);
    store_key_encode(256, high);
    ck_assert_int_lt(bytes_compare(BYTES_OF(low), BYTES_OF(high)), 0);
    ck_assert_int_eq(store_key_decode(BYTES_OF(high), &arrival), OK);
    ck_assert_uint_eq(arrival, 256);
    ck_assert_int_eq(store_key_decode(bytes_slice(BYTES_OF(high), 0, 7), &arrival), ERR_FORMAT);
    ck_assert_int_eq(store_key_decode(BYTES_NONE, &arrival), ERR_FORMAT);
}
END_TEST

TEST_MAIN("store_record", store_record_comes_back, store_record_keeps_its_layout, store_record_refuses_what_is_none,
          store_record_keys_ascend)
