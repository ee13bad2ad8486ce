#include "sim/digest.h"

#include <string.h>

#include "tests/support/check_main.h"

static struct trace_record record;
static struct message message;
static struct header header;
static uint8_t bytes[1000];

static void fresh(void)
{
    memset(bytes, 7, sizeof(bytes));
    header = (struct header){BYTES_LIT("name"), BYTES_LIT("value")};
    record = (struct trace_record){TRACE_CALL, {1, 2, 3, 4}, {{bytes, 500}, {bytes, 300}}};
    message = (struct message){.status = 200, .path = {bytes, 700}, .headers = &header, .header_count = 1};
}

static uint64_t fold(void)
{
    return digest_fold(1, 2, 3, &record, &message);
}

/* Whatever is changed, be it one bit, changes the digest; also in records too long for one piece. */
START_TEST(every_part_counts)
{
    uint64_t digest;

    fresh();
    digest = fold();
    ck_assert_uint_eq(fold(), digest);
    ck_assert_uint_ne(digest_fold(0, 2, 3, &record, &message), digest);
    ck_assert_uint_ne(digest_fold(1, 3, 3, &record, &message), digest);
    ck_assert_uint_ne(digest_fold(1, 2, 4, &record, &message), digest);
    ck_assert_uint_ne(digest_fold(1, 2, 3, &record, NULL), digest);
    record.kind = TRACE_CALL_END;
    ck_assert_uint_ne(fold(), digest);
    fresh();
    record.n[3]++;
    ck_assert_uint_ne(fold(), digest);
    fresh();
    record.b[1].len++;
    record.b[0].len--;
    ck_assert_uint_ne(fold(), digest);
    fresh();
    message.status++;
    ck_assert_uint_ne(fold(), digest);
    fresh();
    header = (struct header){BYTES_LIT("namev"), BYTES_LIT("alue")};
    ck_assert_uint_ne(fold(), digest);
    for (size_t i = 0; i < 700; i += 13) {
        fresh();
        bytes[i] ^= 1;
        ck_assert_uint_ne(fold(), digest);
    }
}
END_TEST

START_TEST(bodies_and_order_count)
{
    struct blob *one = blob_copy(BYTES_LIT("one")), *two = blob_copy(BYTES_LIT("two"));
    uint64_t digest;

    fresh();
    message.body = one;
    digest = fold();
    message.body = two;
    ck_assert_uint_ne(fold(), digest);
    ck_assert_uint_ne(digest_join(digest_join(0, 1), 2), digest_join(digest_join(0, 2), 1));
    blob_drop(one);
    blob_drop(two);
}
END_TEST

TEST_MAIN("digest", every_part_counts, bodies_and_order_count)
