#include "node/store_record.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"

static struct buf out; /* of encode() */
static struct body_pool pool;

static void start(void)
{
    buf_init(&out, SIZE_MAX);
    body_pool_init(&pool);
}

static void end(void)
{
    body_pool_fini(&pool);
    buf_fini(&out);
}

static struct stored_body *make(uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data)
{
    static const uint8_t hash[64] = {0xaa, [63] = 0xbb}, nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const struct account_id account = {{ACCOUNT_PREFIX, 0x11, [32] = 0x22}};

    return body_pool_get(&pool, hash, &account, nonce, ttl_ms, timestamp_ms, data);
}

static struct bytes encode(const struct stored_body *body)
{
    buf_clear(&out);
    store_record_encode(body, &out);
    return buf_bytes(&out);
}

/* What goes to the disk comes back as the same message: the pool finds it equal. */
START_TEST(store_record_comes_back)
{
    struct stored_body *body, *back;
    struct bytes value;

    start();
    body = make(86400000, 1567296000000, BYTES_LIT("aGVsbG8="));
    value = encode(body);
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
    value = encode(body);
    ck_assert_uint_eq(value.data[0], 2);
    ck_assert_uint_eq(value.data[1], DIALECT_ERA);
    ck_assert_uint_eq(value.data[2], ACCOUNT_PREFIX);
    ck_assert_uint_eq(value.data[34], 0x22);
    ck_assert_uint_eq(value.data[35] | value.data[36], 0);
    ck_assert_uint_eq(value.data[37], 0xaa);
    ck_assert_uint_eq(value.data[100], 0xbb);
    ck_assert_uint_eq(value.data[101], 1);
    ck_assert_uint_eq(load_be64(value.data + 109), 86400000);
    ck_assert_uint_eq(load_be64(value.data + 117), 1567296000000);
    ck_assert_uint_eq(load_be64(value.data + 125), 1567296000000 + 86400000);
    ck_assert_uint_eq(value.data[133], 'x');
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
    memcpy(bytes, encode(body).data, STORE_RECORD_OVERHEAD);
    body_drop(body);
    for (size_t len = 0; len < STORE_RECORD_OVERHEAD; len++)
        ck_assert_ptr_null(store_record_decode((struct bytes){bytes, len}, &pool));
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool)); /* one character too many */
    body = store_record_decode((struct bytes){bytes, sizeof(bytes) - 1}, &pool);
    ck_assert_ptr_nonnull(body);
    body_drop(body);

    bytes[0] = 0;
    ck_assert_ptr_null(store_record_decode((struct bytes){bytes, STORE_RECORD_OVERHEAD}, &pool));
    bytes[0] = 2;
    store_be64(bytes + 109, LIMIT_TTL_MS_MAX + 1);
    ck_assert_ptr_null(store_record_decode((struct bytes){bytes, STORE_RECORD_OVERHEAD}, &pool));
    store_be64(bytes + 109, LIMIT_TTL_MS_MIN);
    store_be64(bytes + 117, UINT64_MAX); /* an expiry past 64 bits */
    ck_assert_ptr_null(store_record_decode((struct bytes){bytes, STORE_RECORD_OVERHEAD}, &pool));
    end();
}
END_TEST

static struct stored_body *make_modern(int16_t namespace, struct bytes data)
{
    static const struct account_id account = {{ACCOUNT_PREFIX, 0x11, [32] = 0x22}};

    return body_pool_get_modern(&pool, &account, namespace, LIMIT_TTL_PRIVATE_MS_MAX, 1567296000000, data);
}

/* So does a modern one: dialect, namespace, and the expiry that somebody gave it. */
START_TEST(store_record_of_today_comes_back)
{
    struct stored_body *stored, *body, *back;

    start();
    stored = make_modern(-32768, BYTES_LIT("hello"));
    body = body_with_expiry(stored, 1567296000001);
    back = store_record_decode(encode(body), &pool);
    ck_assert_ptr_eq(back, body);
    ck_assert_int_eq(back->namespace, -32768);
    body_drop(back);
    body_drop(body);
    body_drop(stored);
    end();
}
END_TEST

START_TEST(store_record_refuses_what_is_none_of_today)
{
    struct stored_body *body;
    uint8_t bytes[STORE_RECORD_OVERHEAD + 8];

    start();
    body = make_modern(1, BYTES_LIT("hello"));
    memcpy(bytes, encode(body).data, sizeof(bytes));
    body_drop(body);
    bytes[1] = DIALECT_ERA; /* which has no namespaces, and no such life */
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool));
    bytes[1] = 2;
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool));
    bytes[1] = DIALECT_MODERN;
    store_be64(bytes + 125, UINT64_MAX);
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool));
    store_be64(bytes + 125, 1567296000001);
    store_be64(bytes + 109, LIMIT_TTL_PRIVATE_MS_MAX + 1);
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool));
    store_be64(bytes + 109, LIMIT_TTL_PRIVATE_MS_MAX);
    bytes[sizeof(bytes) - 2] = '?';
    ck_assert_ptr_null(store_record_decode(BYTES_OF(bytes), &pool));
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
          store_record_of_today_comes_back, store_record_refuses_what_is_none_of_today, store_record_keys_ascend)
