#include "common/bencode.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"

static bool skips(const char *text)
{
    struct bencode in;

    bencode_init(&in, bytes_text(text));
    bencode_skip(&in);
    return bencode_end(&in);
}

static bool reads_integer(const char *text, int64_t expected)
{
    struct bencode in;

    bencode_init(&in, bytes_text(text));
    return bencode_integer(&in) == expected && bencode_end(&in);
}

START_TEST(a_dictionary_is_read_key_by_key)
{
    struct bencode in;
    unsigned count = 0;
    struct bytes data = BYTES_NONE;
    int64_t number = 0;

    bencode_init(&in, BYTES_LIT("d0:1:x4:data5:a:b:c1:ni-7e5:otherli1e2:aad1:bleeee"));
    bencode_open(&in, 'd');
    for (struct bytes key = BYTES_NONE; bencode_key(&in, &key); count++) {
        if (bytes_equal_text(key, "data"))
            data = bencode_string(&in);
        else if (bytes_equal_text(key, "n"))
            number = bencode_integer(&in);
        else
            bencode_skip(&in);
    }
    ck_assert(bencode_end(&in));
    ck_assert_uint_eq(count, 4);
    ck_assert(bytes_equal_text(data, "a:b:c"));
    ck_assert_int_eq(number, -7);
}
END_TEST

START_TEST(a_list_is_read_element_by_element)
{
    struct bencode in;

    bencode_init(&in, BYTES_LIT("l1:ai2ee"));
    bencode_open(&in, 'l');
    ck_assert(bencode_element(&in));
    ck_assert(bytes_equal_text(bencode_string(&in), "a"));
    ck_assert(bencode_element(&in));
    ck_assert_int_eq(bencode_integer(&in), 2);
    ck_assert(!bencode_element(&in));
    ck_assert(bencode_end(&in));
}
END_TEST

START_TEST(numbers_have_one_form)
{
    ck_assert(reads_integer("i0e", 0));
    ck_assert(reads_integer("i9223372036854775807e", INT64_MAX));
    ck_assert(reads_integer("i-9223372036854775808e", INT64_MIN));
    ck_assert(!skips("i9223372036854775808e"));
    ck_assert(!skips("i-9223372036854775809e"));
    ck_assert(!skips("i99999999999999999999999999e"));
    ck_assert(!skips("i-0e"));
    ck_assert(!skips("i00e"));
    ck_assert(!skips("i+1e"));
    ck_assert(!skips("i1"));
    ck_assert(!skips("ie"));
    ck_assert(!skips("i1.5e"));
}
END_TEST

/* Lengths that lie are caught before they are believed. */
START_TEST(strings_end_where_the_text_does)
{
    ck_assert(skips("0:"));
    ck_assert(skips("3:abc"));
    ck_assert(!skips("4:abc"));
    ck_assert(!skips("2:abc"));
    ck_assert(!skips("03:abc"));
    ck_assert(!skips("-1:abc"));
    ck_assert(!skips("18446744073709551615:abc"));
    ck_assert(!skips("18446744073709551616:abc"));
    ck_assert(!skips("99999999999999999999999:abc"));
    ck_assert(!skips("3abc"));
    ck_assert(!skips(":"));
    ck_assert(!skips(""));
}
END_TEST

START_TEST(keys_ascend)
{
    ck_assert(skips("d1:ai1e1:bi2ee"));
    ck_assert(!skips("d1:bi1e1:ai2ee"));
    ck_assert(!skips("d1:ai1e1:ai2ee"));
    ck_assert(!skips("di1ei2ee"));
    ck_assert(!skips("d1:ae"));
    ck_assert(!skips("d1:ai1e"));
    ck_assert(!skips("d"));
    ck_assert(!skips("l"));
    ck_assert(!skips("e"));
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[2 * LIMIT_BENCODE_DEPTH + 4];

    for (size_t depth = 1; depth <= LIMIT_BENCODE_DEPTH + 1; depth++) {
        memset(text, 'l', depth);
        memset(text + depth, 'e', depth);
        text[2 * depth] = '\0';
        ck_assert_int_eq(skips(text), depth <= LIMIT_BENCODE_DEPTH);
    }
}
END_TEST

/* After a failure nothing more is read, and every loop ends. */
START_TEST(a_failure_is_remembered)
{
    struct bencode in;
    struct bytes key = BYTES_NONE;

    bencode_init(&in, BYTES_LIT("l1:ae"));
    bencode_open(&in, 'd');
    ck_assert(!bencode_key(&in, &key));
    ck_assert(!bencode_element(&in));
    ck_assert_uint_eq(bencode_string(&in).len, 0);
    ck_assert_int_eq(bencode_integer(&in), 0);
    bencode_skip(&in);
    ck_assert(!bencode_end(&in));
}
END_TEST

/* What is written reads as it was, and can be told apart before it is read. */
START_TEST(what_is_written_is_read)
{
    struct bencode in;
    struct bytes key = BYTES_NONE;
    struct buf out;

    buf_init(&out, SIZE_MAX);
    buf_byte(&out, 'd');
    bencode_write_text(&out, "a");
    bencode_write_integer(&out, INT64_MIN);
    bencode_write_text(&out, "b");
    bencode_write_string(&out, (struct bytes){(const uint8_t *)"\0x", 2});
    buf_byte(&out, 'e');
    bencode_init(&in, buf_bytes(&out));
    ck_assert_int_eq(bencode_kind(&in), 'd');
    bencode_open(&in, 'd');
    ck_assert(bencode_key(&in, &key));
    ck_assert_int_eq(bencode_kind(&in), 'i');
    ck_assert(bencode_integer(&in) == INT64_MIN);
    ck_assert(bencode_key(&in, &key));
    ck_assert_int_eq(bencode_kind(&in), 's');
    ck_assert_uint_eq(bencode_string(&in).len, 2);
    ck_assert_int_eq(bencode_kind(&in), 0);
    ck_assert(!bencode_key(&in, &key));
    ck_assert(bencode_end(&in));
    ck_assert_int_eq(bencode_kind(&in), 0);
    bencode_init(&in, BYTES_LIT("le"));
    ck_assert_int_eq(bencode_kind(&in), 'l');
    buf_fini(&out);
}
END_TEST

TEST_MAIN("bencode", a_dictionary_is_read_key_by_key, a_list_is_read_element_by_element, numbers_have_one_form,
          strings_end_where_the_text_does, keys_ascend, depth_is_bounded, a_failure_is_remembered, what_is_written_is_read)
