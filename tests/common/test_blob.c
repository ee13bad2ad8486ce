#include "common/blob.h"

#include <signal.h>

#include "tests/support/check_main.h"
#include "tests/support/dies.h"

/* The address sanitizer sees a blob freed too early, and one never freed. */
START_TEST(the_last_keeper_frees)
{
    struct blob *blob = blob_copy(BYTES_LIT("body"));
    ck_assert_uint_eq(blob->keepers, 1);
    ck_assert_ptr_eq(blob_keep(blob), blob);
    ck_assert_uint_eq(blob->keepers, 2);
    blob_drop(blob);
    ck_assert(bytes_equal_text(blob_bytes(blob), "body"));
    blob_drop(blob);
}
END_TEST

START_TEST(no_blob_is_an_empty_body)
{
    ck_assert_ptr_null(blob_keep(NULL));
    ck_assert_uint_eq(blob_bytes(NULL).len, 0);
    blob_drop(NULL);
}
END_TEST

START_TEST(copies_are_independent)
{
    struct buf buf;
    struct blob *blob, *empty = blob_copy(BYTES_NONE);
    buf_init(&buf, 10);
    buf_text(&buf, "first");
    blob = blob_from_buf(&buf);
    buf_clear(&buf);
    buf_text(&buf, "other");
    ck_assert(bytes_equal_text(blob_bytes(blob), "first"));
    ck_assert_uint_eq(blob_bytes(empty).len, 0);
    blob_drop(blob);
    blob_drop(empty);
    buf_fini(&buf);
}
END_TEST

/* The value comes from a SipHash written elsewhere: digests of runs must not change with the library. */
START_TEST(the_digest_is_siphash_and_kept)
{
    struct blob *blob = blob_copy(BYTES_LIT("swarm")), *other = blob_copy(BYTES_LIT("swarn"));
    struct blob *empty = blob_copy(BYTES_NONE);
    ck_assert_uint_eq(blob->digest, 0);
    ck_assert_uint_eq(blob_digest(blob), UINT64_C(0x879b03ff9730dfec));
    ck_assert_uint_eq(blob->digest, UINT64_C(0x879b03ff9730dfec));
    blob->digest = 42; /* what is kept is not computed again */
    ck_assert_uint_eq(blob_digest(blob), 42);
    ck_assert_uint_ne(blob_digest(other), UINT64_C(0x879b03ff9730dfec));
    ck_assert_uint_ne(blob_digest(empty), 0);
    blob_drop(blob);
    blob_drop(other);
    blob_drop(empty);
}
END_TEST

static void drop_unkept(void *arg)
{
    struct blob *blob = arg;
    blob->keepers = 0;
    blob_drop(blob);
}

START_TEST(dropping_what_nobody_keeps_is_our_mistake)
{
    struct blob *blob = blob_copy(BYTES_NONE);
    ck_assert_int_eq(exit_of(drop_unkept, blob), -SIGABRT);
    blob_drop(blob);
}
END_TEST

TEST_MAIN("blob", the_last_keeper_frees, no_blob_is_an_empty_body, copies_are_independent,
          the_digest_is_siphash_and_kept, dropping_what_nobody_keeps_is_our_mistake)
