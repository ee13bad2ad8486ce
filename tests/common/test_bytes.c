#include "common/bytes.h"

#include <signal.h>
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/dies.h"

START_TEST(equal_means_same_length_and_content)
{
    ck_assert(bytes_equal(BYTES_LIT("swarm"), BYTES_LIT("swarm")));
    ck_assert(!bytes_equal(BYTES_LIT("swarm"), BYTES_LIT("swarn")));
    ck_assert(!bytes_equal(BYTES_LIT("swarm"), BYTES_LIT("swar")));
    ck_assert(bytes_equal(BYTES_NONE, BYTES_LIT("")));
    ck_assert(bytes_equal_text(BYTES_LIT("swarm"), "swarm"));
    ck_assert(!bytes_equal_text(BYTES_LIT("swarm\0"), "swarm"));
}
END_TEST

/* Bytes are unsigned, and a prefix comes before what it starts. */
START_TEST(compare_orders_like_memcmp_then_by_length)
{
    ck_assert_int_lt(bytes_compare(BYTES_LIT("a"), BYTES_LIT("b")), 0);
    ck_assert_int_gt(bytes_compare(BYTES_LIT("\x80"), BYTES_LIT("\x7f")), 0);
    ck_assert_int_lt(bytes_compare(BYTES_LIT("a"), BYTES_LIT("aa")), 0);
    ck_assert_int_gt(bytes_compare(BYTES_LIT("b"), BYTES_LIT("aa")), 0);
    ck_assert_int_lt(bytes_compare(BYTES_NONE, BYTES_LIT("a")), 0);
    ck_assert_int_eq(bytes_compare(BYTES_LIT("a"), BYTES_LIT("a")), 0);
    ck_assert_int_eq(bytes_compare(BYTES_NONE, BYTES_NONE), 0);
}
END_TEST

START_TEST(prefix_and_find)
{
    struct bytes hay = BYTES_LIT("onion request");
    ck_assert(bytes_start_with(hay, BYTES_LIT("onion")));
    ck_assert(bytes_start_with(hay, BYTES_NONE));
    ck_assert(!bytes_start_with(BYTES_LIT("on"), BYTES_LIT("onion")));
    ck_assert(!bytes_start_with(BYTES_NONE, BYTES_LIT("o")));
    ck_assert_uint_eq(bytes_find(hay, BYTES_LIT("on")), 0);
    ck_assert_uint_eq(bytes_find(hay, BYTES_LIT("request")), 6);
    ck_assert_uint_eq(bytes_find(hay, BYTES_LIT("requests")), SIZE_MAX);
    ck_assert_uint_eq(bytes_find(hay, BYTES_NONE), 0);
    ck_assert_uint_eq(bytes_find(BYTES_NONE, BYTES_LIT("o")), SIZE_MAX);
}
END_TEST

static void slice_of_ten(void *arg)
{
    const size_t *from_len = arg;
    bytes_slice(BYTES_LIT("0123456789"), from_len[0], from_len[1]);
}

/* Also where from + len would wrap round. */
START_TEST(a_slice_lies_inside)
{
    struct bytes ten = BYTES_LIT("0123456789");
    ck_assert(bytes_equal_text(bytes_slice(ten, 3, 4), "3456"));
    ck_assert_uint_eq(bytes_slice(ten, 10, 0).len, 0);
    ck_assert_uint_eq(bytes_slice(BYTES_NONE, 0, 0).len, 0);
    ck_assert_int_eq(exit_of(slice_of_ten, (size_t[]){3, 7}), 0);
    ck_assert_int_eq(exit_of(slice_of_ten, (size_t[]){3, 8}), -SIGABRT);
    ck_assert_int_eq(exit_of(slice_of_ten, (size_t[]){11, 0}), -SIGABRT);
    ck_assert_int_eq(exit_of(slice_of_ten, (size_t[]){3, SIZE_MAX}), -SIGABRT);
}
END_TEST

START_TEST(numbers_have_their_byte_order)
{
    static const uint8_t up[8] = {1, 2, 3, 4, 5, 6, 7, 0x88};
    uint8_t out[8];
    ck_assert_uint_eq(load_le32(up), 0x04030201);
    ck_assert_uint_eq(load_le64(up), 0x8807060504030201);
    ck_assert_uint_eq(load_be64(up), 0x0102030405060788);
    store_le64(out, 0x8807060504030201);
    ck_assert_mem_eq(out, up, 8);
    store_be64(out, 0x0102030405060788);
    ck_assert_mem_eq(out, up, 8);
    store_le32(out + 4, 0x04030201);
    ck_assert_mem_eq(out + 4, up, 4);
    store_be32(out + 4, 0x01020304);
    ck_assert_mem_eq(out + 4, up, 4);
}
END_TEST

/* Past its bound a buffer keeps what it has; and a later piece that would fit is not taken either, since what stands
 * in it would then have a gap. */
START_TEST(a_buffer_stops_at_its_bound)
{
    struct buf buf;
    buf_init(&buf, 10);
    buf_text(&buf, "0123456");
    buf_text(&buf, "789");
    ck_assert_int_eq(buf.err, OK);
    buf_append(&buf, BYTES_NONE);
    ck_assert_int_eq(buf.err, OK);
    buf_clear(&buf);
    buf_text(&buf, "0123456");
    buf_text(&buf, "789a");
    ck_assert_int_eq(buf.err, ERR_TOO_BIG);
    buf_byte(&buf, '7');
    buf_u64(&buf, 8);
    buf_printf(&buf, "9");
    ck_assert_ptr_null(buf_space(&buf, 0));
    ck_assert(bytes_equal_text(buf_bytes(&buf), "0123456"));
    buf_clear(&buf);
    ck_assert_int_eq(buf.err, OK);
    ck_assert_uint_eq(buf_bytes(&buf).len, 0);
    buf_text(&buf, "0123456789");
    ck_assert(bytes_equal_text(buf_bytes(&buf), "0123456789"));
    buf_fini(&buf);
}
END_TEST

/* A length near SIZE_MAX must not wrap round the check of the bound. */
START_TEST(a_huge_space_is_refused)
{
    struct buf buf;
    buf_init(&buf, SIZE_MAX / 2);
    buf_byte(&buf, 'a');
    ck_assert_ptr_null(buf_space(&buf, SIZE_MAX));
    ck_assert_int_eq(buf.err, ERR_TOO_BIG);
    buf_fini(&buf);
}
END_TEST

START_TEST(a_buffer_grows_and_keeps_its_content)
{
    struct buf buf;
    buf_init(&buf, 100000);
    for (unsigned i = 0; i < 100000; i++)
        buf_byte(&buf, (uint8_t)(i * 7));
    ck_assert_int_eq(buf.err, OK);
    ck_assert_uint_eq(buf.len, 100000);
    ck_assert_uint_le(buf.cap, 100000);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert_uint_eq(buf.data[i], (uint8_t)(i * 7));
    buf_fini(&buf);
}
END_TEST

START_TEST(writers_of_text)
{
    struct buf buf;
    char long_text[301];
    memset(long_text, 'x', 300);
    long_text[300] = 0;
    buf_init(&buf, 1000);
    buf_u64(&buf, 0);
    buf_byte(&buf, ' ');
    buf_u64(&buf, UINT64_MAX);
    buf_printf(&buf, " %s%d", "a", -5);
    ck_assert(bytes_equal_text(buf_bytes(&buf), "0 18446744073709551615 a-5"));
    buf_clear(&buf);
    buf_printf(&buf, "%s", long_text);
    ck_assert(bytes_equal_text(buf_bytes(&buf), long_text));
    buf_fini(&buf);
}
END_TEST

/* A buffer that holds nothing yet still has a place for nothing. */
START_TEST(no_bytes_at_all_fit_everywhere)
{
    struct buf buf;
    buf_init(&buf, 0);
    ck_assert_ptr_nonnull(buf_space(&buf, 0));
    buf_append(&buf, BYTES_NONE);
    ck_assert_int_eq(buf.err, OK);
    buf_byte(&buf, 1);
    ck_assert_int_eq(buf.err, ERR_TOO_BIG);
    buf_fini(&buf);
}
END_TEST

/* The caller's memory is the bound, and stays where it is. */
START_TEST(a_buffer_over_memory_ends_with_it)
{
    uint8_t memory[5] = "....";
    struct buf buf;

    buf_init_over(&buf, memory, 4);
    buf_text(&buf, "ab");
    buf_text(&buf, "cd");
    ck_assert_ptr_eq(buf_bytes(&buf).data, memory);
    ck_assert_mem_eq(memory, "abcd", 5);
    ck_assert_int_eq(buf.err, OK);
    buf_byte(&buf, 'e');
    ck_assert_int_eq(buf.err, ERR_TOO_BIG);
    ck_assert_uint_eq(buf.len, 4);
    ck_assert_mem_eq(memory, "abcd", 5);
}
END_TEST

TEST_MAIN("bytes", equal_means_same_length_and_content, compare_orders_like_memcmp_then_by_length, prefix_and_find,
          a_slice_lies_inside, numbers_have_their_byte_order, a_buffer_stops_at_its_bound, a_huge_space_is_refused,
          a_buffer_grows_and_keeps_its_content, writers_of_text, no_bytes_at_all_fit_everywhere,
          a_buffer_over_memory_ends_with_it)
