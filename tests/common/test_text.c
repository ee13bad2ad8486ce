#include "common/text.h"

#include <string.h>

#include "common/rng.h"
#include "tests/support/check_main.h"

static struct arena arena;

/* Encodes into the arena, with a zero behind it. */
static const char *base64_of(struct bytes bytes)
{
    char *text = arena_zalloc(&arena, BASE64_LEN(bytes.len) + 1);
    base64_encode(text, bytes);
    return text;
}

static const char *base32z_of(struct bytes bytes)
{
    char *text = arena_zalloc(&arena, BASE32Z_LEN(bytes.len) + 1);
    base32z_encode(text, bytes);
    return text;
}

static struct bytes random_bytes(size_t len)
{
    struct rng_key key;
    struct rng rng;
    uint8_t *bytes = arena_alloc(&arena, len);
    rng_key_from_seed(&key, len);
    rng_init(&rng, &key, RNG_SCENARIO, 0);
    rng_bytes(&rng, bytes, len);
    return (struct bytes){bytes, len};
}

START_TEST(hex_goes_there_and_back)
{
    struct bytes bytes = random_bytes(300), text = hex_text(&arena, bytes);
    uint8_t out[300];
    ck_assert_uint_eq(text.len, 600);
    ck_assert_uint_eq(text.data[600], 0);
    ck_assert(hex_is_lower(text));
    ck_assert_int_eq(hex_decode(out, 300, text), OK);
    ck_assert_mem_eq(out, bytes.data, 300);
    ck_assert(bytes_equal_text(hex_text(&arena, BYTES_LIT("\x00\x7f\x80\xff\x9a")), "007f80ff9a"));
    ck_assert_int_eq(hex_decode(out, 3, BYTES_LIT("aBcDeF")), OK);
    ck_assert_mem_eq(out, "\xab\xcd\xef", 3);
    ck_assert_int_eq(hex_decode(out, 0, BYTES_NONE), OK);
    arena_fini(&arena);
}
END_TEST

/* Of all 256 characters exactly the 22 digits are taken, in both places. */
START_TEST(hex_refuses_everything_else)
{
    uint8_t out[2];
    unsigned good = 0, lower = 0;
    for (int c = 0; c < 256; c++) {
        uint8_t high[2] = {(uint8_t)c, '0'}, low[2] = {'0', (uint8_t)c};
        enum err err = hex_decode(out, 1, BYTES_OF(high));
        ck_assert_int_eq(hex_decode(out, 1, BYTES_OF(low)), err);
        good += err == OK;
        lower += hex_is_lower(BYTES_OF(low));
    }
    ck_assert_uint_eq(good, 22);
    ck_assert_uint_eq(lower, 16);
    ck_assert_int_eq(hex_decode(out, 1, BYTES_LIT("abc")), ERR_FORMAT);
    ck_assert_int_eq(hex_decode(out, 2, BYTES_LIT("ab")), ERR_FORMAT);
    ck_assert_int_eq(hex_decode(out, 1, BYTES_LIT("abab")), ERR_FORMAT);
}
END_TEST

/* RFC 4648, section 10. */
START_TEST(base64_encodes_as_the_rfc)
{
    ck_assert_str_eq(base64_of(BYTES_NONE), "");
    ck_assert_str_eq(base64_of(BYTES_LIT("f")), "Zg==");
    ck_assert_str_eq(base64_of(BYTES_LIT("fo")), "Zm8=");
    ck_assert_str_eq(base64_of(BYTES_LIT("foo")), "Zm9v");
    ck_assert_str_eq(base64_of(BYTES_LIT("foob")), "Zm9vYg==");
    ck_assert_str_eq(base64_of(BYTES_LIT("fooba")), "Zm9vYmE=");
    ck_assert_str_eq(base64_of(BYTES_LIT("foobar")), "Zm9vYmFy");
    ck_assert_str_eq(base64_of(BYTES_LIT("\xff\xef\xbe\xfb")), "/++++w==");
    arena_fini(&arena);
}
END_TEST

START_TEST(base64_goes_there_and_back)
{
    for (size_t len = 0; len < 300; len++) {
        struct bytes bytes = random_bytes(len), text = bytes_text(base64_of(bytes));
        uint8_t out[BASE64_MAX_DECODED(BASE64_LEN(300))];
        size_t out_len = len;
        ck_assert_uint_eq(text.len, BASE64_LEN(len));
        ck_assert(base64_valid(text));
        ck_assert_int_eq(base64_decode(out, &out_len, text), OK);
        ck_assert(bytes_equal((struct bytes){out, out_len}, bytes));
        arena_reset(&arena);
    }
    arena_fini(&arena);
}
END_TEST

/* Both functions agree on what is malformed: a wrong length, padding anywhere but at the end or too much of it, set
 * bits that no byte uses, the other alphabet, white space. */
START_TEST(base64_takes_the_canonical_form_only)
{
    static const char *const bad[] = {"Z",        "Zg",       "Zg=",      "Zg===",    "====",       "Z===",
                                      "Zh==",     "Zm9=",     "Zg==Zg==", "Zm8=Zm9v", "Z=g=",       "Zm-_",
                                      "Zm9 ",     "Zm9v\n",   "Zm9v    ", "=Zm9",     "Zm9vZm9",    "Zm9vZ*9v",
                                      "Z*9vZm9v", "Zm9vZm9=", "Zm9\x80",  "\xffm9v",  "\xffm9vZm9v"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t out[16];
        size_t len = sizeof(out);
        ck_assert_msg(base64_decode(out, &len, bytes_text(bad[i])) == ERR_FORMAT, "%s", bad[i]);
        ck_assert_msg(!base64_valid(bytes_text(bad[i])), "%s", bad[i]);
    }
}
END_TEST

/* Of all 256 characters exactly 64 are digits, in the last group and before it. */
START_TEST(base64_has_64_digits)
{
    unsigned digits = 0;
    for (int c = 0; c < 256; c++) {
        uint8_t text[8] = {'A', (uint8_t)c, 'A', 'A', 'A', 'A', 'A', 'A'}, last[4] = {'A', (uint8_t)c, 'A', 'A'},
                out[6];
        size_t len = 6;
        bool good = base64_valid(BYTES_OF(text));
        ck_assert_int_eq(good, base64_valid(BYTES_OF(last)));
        ck_assert_int_eq(good, base64_decode(out, &len, BYTES_OF(text)) == OK);
        digits += good;
    }
    ck_assert_uint_eq(digits, 64);
}
END_TEST

START_TEST(base64_respects_the_room)
{
    uint8_t out[6] = {0};
    size_t len = 5;
    ck_assert_int_eq(base64_decode(out, &len, BYTES_LIT("Zm9vYmFy")), ERR_TOO_BIG);
    ck_assert_uint_eq(out[0], 0);
    len = 5;
    ck_assert_int_eq(base64_decode(out, &len, BYTES_LIT("Zm9vYmE=")), OK);
    ck_assert_uint_eq(len, 5);
    ck_assert_uint_eq(out[5], 0);
    len = 0;
    ck_assert_int_eq(base64_decode(out, &len, BYTES_NONE), OK);
    ck_assert_uint_eq(len, 0);
}
END_TEST

/* Padding may be missing, never wrong; the rest is as strict. */
START_TEST(base64_without_padding)
{
    static const struct {
        const char *text, *bytes; /* NULL: refused */
    } cases[] = {
        {"", ""},       {"Zg==", "f"},   {"Zg", "f"},      {"Zm8=", "fo"}, {"Zm8", "fo"},   {"Zm9v", "foo"}, {"Zm9vYg", "foob"},
        {"Z", NULL},    {"Zg=", NULL},   {"Zm9vY", NULL},  {"Zh", NULL},   {"Zm9", NULL},   {"Zg==Zg", NULL}, {"Zm9v*g", NULL},
        {"Zm8=Zg", NULL}, {"=", NULL},   {"==", NULL},     {"Zm9v=", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t out[8];
        size_t len = sizeof(out);
        enum err err = base64_decode_unpadded(out, &len, bytes_text(cases[i].text));

        ck_assert_msg(err == (cases[i].bytes == NULL ? ERR_FORMAT : OK), "%s: %s", cases[i].text, err_text(err));
        if (cases[i].bytes != NULL)
            ck_assert(bytes_equal_text((struct bytes){out, len}, cases[i].bytes));
    }
    for (size_t room = 2; room <= 4; room++) {
        uint8_t out[4];
        size_t len = room;

        ck_assert_int_eq(base64_decode_unpadded(out, &len, BYTES_LIT("Zm9vYg")), room < 4 ? ERR_TOO_BIG : OK);
    }
}
END_TEST

/* The digits of the alphabet in order; and the examples of the z-base-32 specification. */
START_TEST(base32z_as_specified)
{
    uint8_t every[20];
    ck_assert_int_eq(hex_decode(every, 20, BYTES_LIT("00443214c74254b635cf84653a56d7c675be77df")), OK);
    ck_assert_str_eq(base32z_of(BYTES_OF(every)), "ybndrfg8ejkmcpqxot1uwisza345h769");
    ck_assert_str_eq(base32z_of(BYTES_NONE), "");
    ck_assert_str_eq(base32z_of(BYTES_LIT("\xf0\xbf\xc7")), "6n9hq");
    ck_assert_str_eq(base32z_of(BYTES_LIT("\xd4\x7a\x04")), "4t7ye");
    ck_assert_uint_eq(BASE32Z_LEN(32), 52);
    ck_assert_str_eq(
        base32z_of(BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
        "999999999999999999999999999999999999999999999999999o");
    arena_fini(&arena);
}
END_TEST

START_TEST(decimal_is_canonical)
{
    static const struct {
        const char *text;
        enum err err;
        uint64_t value;
    } cases[] = {
        {"0", OK, 0},
        {"7", OK, 7},
        {"1567296000000", OK, 1567296000000},
        {"18446744073709551615", OK, UINT64_MAX},
        {"18446744073709551616", ERR_RANGE, 0},
        {"18446744073709551620", ERR_RANGE, 0},
        {"184467440737095516150", ERR_RANGE, 0},
        {"99999999999999999999999999999999999999", ERR_RANGE, 0},
        {"99999999999999999999999999999999999999x", ERR_FORMAT, 0},
        {"", ERR_FORMAT, 0},
        {"00", ERR_FORMAT, 0},
        {"07", ERR_FORMAT, 0},
        {"+7", ERR_FORMAT, 0},
        {"-7", ERR_FORMAT, 0},
        {" 7", ERR_FORMAT, 0},
        {"7 ", ERR_FORMAT, 0},
        {"7.0", ERR_FORMAT, 0},
        {"0x7", ERR_FORMAT, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value = 0;
        ck_assert_msg(decimal_decode(&value, bytes_text(cases[i].text)) == cases[i].err, "%s", cases[i].text);
        ck_assert_uint_eq(value, cases[i].value);
    }
}
END_TEST

START_TEST(durations_have_one_unit)
{
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {{"30s", 30000000}, {"5m", 300000000}, {"1h", 3600000000}, {"2d", 172800000000},
                {"350ms", 350000}, {"100us", 100},    {"0s", 0},          {"9223372036854775807us", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "s",
                                      "30",
                                      "30 s",
                                      "-1s",
                                      "+1s",
                                      "1.5s",
                                      "1S",
                                      "1min",
                                      "1h30m",
                                      "01s",
                                      "1sx",
                                      "1s\n",
                                      "9223372036854775808us",
                                      "106751992d",
                                      "99999999999999999999us",
                                      "18446744073709551615d"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t us = -1;
        ck_assert_msg(duration_decode(&us, bytes_text(good[i].text)) == OK, "%s", good[i].text);
        ck_assert_int_eq(us, good[i].us);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t us;
        ck_assert_msg(duration_decode(&us, bytes_text(bad[i])) == ERR_FORMAT, "%s", bad[i]);
    }
}
END_TEST

START_TEST(durations_read_well_and_are_exact)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {1, "1 us"},
        {999, "999 us"},
        {1000, "1 ms"},
        {1500, "1.5 ms"},
        {350000, "350 ms"},
        {999999, "999.999 ms"},
        {1000000, "1 s"},
        {1234000, "1.234 s"},
        {1000001, "1.000001 s"},
        {60000000, "1 m"},
        {60000001, "1 m 0.000001 s"},
        {90061000000, "1 d 1 h 1 m 1 s"},
        {93603000000, "1 d 2 h 3 s"},
        {3600000000, "1 h"},
        {-1500, "-1.5 ms"},
        {-60000000, "-1 m"},
        {INT64_MAX, "106751991 d 4 h 54.775807 s"},
        {INT64_MIN, "-106751991 d 4 h 54.775808 s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(duration_text(&arena, cases[i].us), cases[i].text);
    arena_fini(&arena);
}
END_TEST

/* RFC 3629: the edges of each range, from both sides. */
START_TEST(utf8_is_strict)
{
    static const char *const good[] = {"",
                                       "a",
                                       "0123456789abcdef",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "1234567\xc3\xa4"
                                       "8 ascii and then \xe2\x82\xac"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x7f",
                                      "\xc2\xc0",
                                      "\xe0\x9f\xbf",
                                      "\xe0\xa0",
                                      "\xe1\x80\xc0",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80",
                                      "\xf1\x80\x80\x7f",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "12345678\x80",
                                      "1234567890123\xc2"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(utf8_valid(bytes_text(good[i])), "%zu", i);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!utf8_valid(bytes_text(bad[i])), "%zu", i);
}
END_TEST

/* In each place of a word of eight, where they are looked at together, and behind it. */
START_TEST(utf8_has_no_zero_byte_anywhere)
{
    for (size_t at = 0; at < 20; at++) {
        uint8_t text[20];
        memset(text, 1, sizeof(text));
        ck_assert(utf8_valid(BYTES_OF(text)));
        text[at] = 0;
        ck_assert(!utf8_valid(BYTES_OF(text)));
        text[at] = 0x80;
        ck_assert(!utf8_valid(BYTES_OF(text)));
    }
}
END_TEST

TEST_MAIN("text", hex_goes_there_and_back, hex_refuses_everything_else, base64_encodes_as_the_rfc,
          base64_goes_there_and_back, base64_takes_the_canonical_form_only, base64_has_64_digits,
          base64_respects_the_room, base64_without_padding, base32z_as_specified, decimal_is_canonical, durations_have_one_unit,
          durations_read_well_and_are_exact, utf8_is_strict, utf8_has_no_zero_byte_anywhere)
