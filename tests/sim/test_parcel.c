#include "sim/parcel.h"

#include <string.h>

#include "tests/support/check_main.h"

static struct parcel_cache cache;

/* Paths up to the parcel's own room and beyond, with and without headers, are the parcel's own copies. */
START_TEST(texts_are_copied)
{
    char path[2 * PARCEL_TEXT_BYTES], value[] = "value";
    struct header header = {BYTES_LIT("name"), bytes_text(value)};

    parcel_cache_init(&cache);
    for (size_t len = 0; len <= sizeof(path); len++)
        for (size_t headers = 0; headers < 2; headers++) {
            struct parcel *parcel = parcel_take(&cache);
            struct message message = {.path = {(uint8_t *)path, len}, .headers = &header, .header_count = headers};

            memset(path, 'p', sizeof(path));
            memcpy(value, "value", 5);
            parcel_fill(parcel, &message);
            memset(path, 'q', sizeof(path));
            memcpy(value, "other", 5);
            ck_assert_uint_eq(parcel->incoming.in.path.len, len);
            for (size_t i = 0; i < len; i++)
                ck_assert_int_eq(parcel->incoming.in.path.data[i], 'p');
            ck_assert_uint_eq(parcel->incoming.in.header_count, headers);
            if (headers > 0)
                ck_assert(bytes_equal_text(parcel->incoming.in.headers[0].value, "value"));
            parcel_give(&cache, parcel);
        }
    parcel_cache_fini(&cache);
}
END_TEST

/* An answer may be made of the request that it replaces. */
START_TEST(an_answer_may_borrow_from_its_request)
{
    struct header header = {BYTES_LIT("name"), BYTES_LIT("value")};
    struct blob *body = blob_copy(BYTES_LIT("body"));
    struct message message = {.path = BYTES_LIT("/path"), .headers = &header, .header_count = 1, .body = body};
    struct parcel *parcel;

    parcel_cache_init(&cache);
    parcel = parcel_take(&cache);
    parcel_fill(parcel, &message);
    blob_drop(body);
    message = parcel->incoming.in;
    parcel_fill(parcel, &message);
    ck_assert(bytes_equal_text(parcel->incoming.in.path, "/path"));
    ck_assert(bytes_equal_text(parcel->incoming.in.headers[0].name, "name"));
    ck_assert(bytes_equal_text(blob_bytes(parcel->incoming.in.body), "body"));
    ck_assert_uint_eq(parcel->incoming.in.body->keepers, 1);
    parcel_fill_plain(parcel, NET_OK, 503);
    ck_assert_ptr_eq(parcel->incoming.in.body, NULL);
    ck_assert_uint_eq(parcel->incoming.in.status, 503);
    parcel_give(&cache, parcel);
    parcel_cache_fini(&cache);
}
END_TEST

/* Over a shard's edge goes the body itself if nobody else keeps it, else a copy with the same digest. */
START_TEST(bodies_are_handed_over_or_copied)
{
    struct blob *body = blob_copy(BYTES_LIT("body"));
    uint64_t digest = blob_digest(body);
    struct parcel *parcel;

    parcel_cache_init(&cache);
    parcel = parcel_take(&cache);
    parcel_fill(parcel, &(struct message){.body = body});
    parcel_own_body(parcel);
    ck_assert_ptr_ne(parcel->incoming.in.body, body);
    ck_assert_uint_eq(body->keepers, 1);
    ck_assert_uint_eq(parcel->incoming.in.body->digest, digest);
    parcel_fill(parcel, &(struct message){.body = body});
    blob_drop(body);
    parcel_own_body(parcel);
    ck_assert_ptr_eq(parcel->incoming.in.body, body);
    parcel_fill(parcel, &(struct message){.status = 200});
    parcel_own_body(parcel);
    ck_assert_ptr_eq(parcel->incoming.in.body, NULL);
    parcel_give(&cache, parcel);
    parcel_cache_fini(&cache);
}
END_TEST

/* A cache keeps a bounded number of parcels. */
START_TEST(the_cache_is_bounded)
{
    static struct parcel *parcels[10000];
    struct parcel *again;

    parcel_cache_init(&cache);
    for (size_t i = 0; i < ARRAY_LEN(parcels); i++)
        parcels[i] = parcel_take(&cache);
    for (size_t i = 0; i < ARRAY_LEN(parcels); i++)
        parcel_give(&cache, parcels[i]);
    ck_assert_uint_lt(cache.count, ARRAY_LEN(parcels));
    ck_assert_uint_gt(cache.count, 0);
    again = parcel_take(&cache);
    ck_assert_uint_eq(again->incoming.in.header_count, 0);
    parcel_give(&cache, again);
    parcel_cache_fini(&cache);
}
END_TEST

TEST_MAIN("parcel", texts_are_copied, an_answer_may_borrow_from_its_request, bodies_are_handed_over_or_copied,
          the_cache_is_bounded)
