#include "common/json.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"

static struct json *parse(const char *text)
{
    enum err err;
    struct json *document = json_parse(bytes_text(text), &err);
    ck_assert_msg(document != NULL && err == OK, "%s", text);
    return document;
}

static enum err parse_err(struct bytes text)
{
    enum err err = OK;
    struct json *document = json_parse(text, &err);
    ck_assert((document == NULL) == (err != OK));
    json_free(document);
    return err;
}

START_TEST(a_document_is_read)
{
    struct json *document =
        parse(" { \"method\" : \"store\" , \"params\" : { \"ttl\" : 86400000, \"Ttl\": 1, \"on\":true,"
              "\"off\":false, \"none\":null, \"list\":[1,\"two\",[] ,{}] } } \r\n\t");
    const struct json *params = json_get(document, "params"), *list = json_get(params, "list");
    int64_t number = 0;
    struct bytes text;
    ck_assert(json_is_object(document) && json_is_object(params) && json_is_array(list));
    ck_assert(bytes_equal_text(json_string(json_get(document, "method")), "store"));
    ck_assert_int_eq(json_get_integer(params, "ttl", &number), OK);
    ck_assert_int_eq(number, 86400000);
    ck_assert(json_is_number(json_get(params, "Ttl")));
    ck_assert_ptr_null(json_get(params, "TTL"));
    ck_assert(json_is_bool(json_get(params, "on")) && json_true(json_get(params, "on")));
    ck_assert(json_is_bool(json_get(params, "off")) && !json_true(json_get(params, "off")));
    ck_assert(json_is_null(json_get(params, "none")));
    ck_assert_uint_eq(json_count(params), 6);
    ck_assert_uint_eq(json_count(list), 4);
    ck_assert_str_eq(json_name(json_first(params)), "ttl");
    ck_assert(json_is_string(json_next(json_first(list))));
    ck_assert_ptr_null(json_next(json_next(json_next(json_next(json_first(list))))));
    ck_assert_int_eq(json_get_string(document, "method", &text), OK);
    ck_assert(bytes_equal_text(text, "store"));
    json_free(document);
}
END_TEST

/* Hostile texts put the wrong type anywhere: every reader has an answer for it. */
START_TEST(the_wrong_type_is_an_answer)
{
    struct json *document = parse("{\"n\":1,\"t\":\"x\",\"z\":null,\"a\":[]}");
    const struct json *number = json_get(document, "n");
    struct bytes text;
    int64_t value;
    ck_assert_int_eq(json_get_string(document, "n", &text), ERR_FORMAT);
    ck_assert_int_eq(json_get_string(document, "z", &text), ERR_MISSING);
    ck_assert_int_eq(json_get_string(document, "absent", &text), ERR_MISSING);
    ck_assert_int_eq(json_get_string(number, "n", &text), ERR_MISSING);
    ck_assert_int_eq(json_get_string(NULL, "n", &text), ERR_MISSING);
    ck_assert_int_eq(json_get_integer(document, "t", &value), ERR_FORMAT);
    ck_assert_int_eq(json_get_integer(document, "z", &value), ERR_MISSING);
    ck_assert_int_eq(json_get_integer(document, "absent", &value), ERR_MISSING);
    ck_assert_int_eq(json_integer(NULL, &value), ERR_FORMAT);
    ck_assert_ptr_null(json_get(json_get(document, "a"), "n"));
    ck_assert_ptr_null(json_first(number));
    ck_assert_uint_eq(json_count(number), 0);
    ck_assert_uint_eq(json_count(NULL), 0);
    ck_assert_uint_eq(json_string(number).len, 0);
    ck_assert(!json_true(number) && !json_true(NULL) && !json_is_null(NULL) && !json_is_object(NULL));
    json_free(document);
    json_free(NULL);
}
END_TEST

/* The first of two members with one name counts, and the case of a name matters. */
START_TEST(names_are_exact)
{
    struct json *document = parse("{\"PUBKEY\":0,\"pubKey\":1,\"pubKey\":2}");
    int64_t number;
    ck_assert_int_eq(json_get_integer(document, "pubKey", &number), OK);
    ck_assert_int_eq(number, 1);
    json_free(document);
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1}",
                                      "{]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{'a':1}",
                                      "{\"a\" 1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{,}",
                                      "[[]",
                                      "[]]",
                                      "{}{}",
                                      "1 2",
                                      "{} x",
                                      "nul",
                                      "nulll",
                                      "True",
                                      "truefalse",
                                      "\"",
                                      "\"a",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800x\"",
                                      "\"\\ud800\\n\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ud800\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"a\nb\"",
                                      "\"a\tb\"",
                                      "\"\x1f\"",
                                      "\"\x80\"",
                                      "\xef\xbb\xbf{}",
                                      "01",
                                      "-",
                                      "-a",
                                      "-true",
                                      "1true",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "1.e5",
                                      "1e",
                                      "1e+",
                                      "1e-",
                                      "0x10",
                                      "1_0",
                                      "Infinity",
                                      "NaN",
                                      "-Infinity",
                                      "1,",
                                      ",",
                                      ":",
                                      "// c\n1",
                                      "/**/1",
                                      "\v1",
                                      "1\f",
                                      "\\u0031"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(parse_err(bytes_text(bad[i])) == ERR_FORMAT, "%s", bad[i]);
    ck_assert_int_eq(parse_err(BYTES_NONE), ERR_FORMAT);
}
END_TEST

/* cJSON would end the string, or the name, at the zero: two different keys would look the same. */
START_TEST(zero_characters_are_refused)
{
    ck_assert_int_eq(parse_err(BYTES_LIT("\"05ab\\u0000cd\"")), ERR_FORMAT);
    ck_assert_int_eq(parse_err(BYTES_LIT("{\"a\\u0000b\":1}")), ERR_FORMAT);
    ck_assert_int_eq(parse_err(BYTES_LIT("\"a\0b\"")), ERR_FORMAT);
    ck_assert_int_eq(parse_err(BYTES_LIT("{}\0")), ERR_FORMAT);
    ck_assert_int_eq(parse_err(BYTES_LIT("\"a\\\\u0000\"")), OK); /* a backslash, and then a word */
}
END_TEST

/* Text ends where its length says, not at a zero behind it: the sanitizer sees one byte too many. */
START_TEST(no_byte_behind_the_text_is_read)
{
    static const char *const texts[] = {"12", "true", "\"ab\"", "{\"a\":[1,2]}", "[1 ", "\"a\\", "\"\\u00", "tru",
                                        "-",  "1e",   " "};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t len = strlen(texts[i]);
        uint8_t *exact = xmalloc(len);
        memcpy(exact, texts[i], len);
        ck_assert_int_eq(parse_err((struct bytes){exact, len}), i < 4 ? OK : ERR_FORMAT);
        free(exact);
    }
}
END_TEST

START_TEST(escapes_are_decoded)
{
    struct json *document = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20AC\\ud83d\\uDE00 \xe2\x82\xac\x7f\"");
    ck_assert(bytes_equal_text(json_string(document),
                               "\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \xe2\x82\xac\x7f"));
    json_free(document);
}
END_TEST

START_TEST(integers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        enum err err;
        int64_t value;
    } cases[] = {
        {"0", OK, 0},
        {"-0", OK, 0},
        {"1567296000000", OK, 1567296000000},
        {"-7", OK, -7},
        {"1e3", OK, 1000},
        {"1.0", OK, 1},
        {"9007199254740991", OK, 9007199254740991},
        {"-9007199254740991", OK, -9007199254740991},
        {"9007199254740992", ERR_RANGE, 0},
        {"9007199254740993", ERR_RANGE, 0}, /* the same double as the one before */
        {"-9007199254740993", ERR_RANGE, 0},
        {"18446744073709551615", ERR_RANGE, 0},
        {"1e999", ERR_RANGE, 0},
        {"-1e999", ERR_RANGE, 0},
        {"0.5", ERR_RANGE, 0},
        {"1e-3", ERR_RANGE, 0},
        {"\"7\"", ERR_FORMAT, 0},
        {"true", ERR_FORMAT, 0},
        {"[7]", ERR_FORMAT, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *document = parse(cases[i].text);
        int64_t value = 0;
        ck_assert_msg(json_integer(document, &value) == cases[i].err, "%s", cases[i].text);
        ck_assert_int_eq(value, cases[i].value);
        json_free(document);
    }
}
END_TEST

/* cJSON reads 63 characters of a number and would take the rest for something else. */
START_TEST(a_number_has_63_characters_at_most)
{
    uint8_t number[64];
    memset(number, '1', sizeof(number));
    ck_assert_int_eq(parse_err((struct bytes){number, 63}), OK);
    ck_assert_int_eq(parse_err((struct bytes){number, 64}), ERR_FORMAT);
}
END_TEST

/* `depth` arrays around one number. */
static enum err parse_nested(size_t depth)
{
    struct buf text;
    enum err err;
    buf_init(&text, 2 * depth + 1);
    for (size_t i = 0; i < depth; i++)
        buf_byte(&text, '[');
    buf_byte(&text, '1');
    for (size_t i = 0; i < depth; i++)
        buf_byte(&text, ']');
    err = parse_err(buf_bytes(&text));
    buf_fini(&text);
    return err;
}

START_TEST(depth_has_its_limit)
{
    ck_assert_int_eq(parse_nested(LIMIT_JSON_DEPTH), OK);
    ck_assert_int_eq(parse_nested(LIMIT_JSON_DEPTH + 1), ERR_TOO_BIG);
    ck_assert_int_eq(parse_nested(1000000), ERR_TOO_BIG);
}
END_TEST

/* Width is not depth: brackets that are closed again do not count. */
START_TEST(siblings_do_not_add_to_the_depth)
{
    struct buf text;
    buf_init(&text, 10000);
    json_open(&text, '[');
    for (int i = 0; i < 1000; i++) {
        json_open(&text, i % 2 == 0 ? '[' : '{');
        json_close(&text, i % 2 == 0 ? ']' : '}');
    }
    json_close(&text, ']');
    ck_assert_int_eq(parse_err(buf_bytes(&text)), OK);
    buf_fini(&text);
}
END_TEST

/* An array of `count` - 1 numbers is that many values and itself. */
static enum err parse_values(size_t count)
{
    struct buf text;
    enum err err;
    buf_init(&text, 2 * count + 2);
    json_open(&text, '[');
    for (size_t i = 1; i < count; i++)
        json_write_u64(&text, 7);
    json_close(&text, ']');
    ck_assert_int_eq(text.err, OK);
    err = parse_err(buf_bytes(&text));
    buf_fini(&text);
    return err;
}

START_TEST(values_have_their_limit)
{
    ck_assert_int_eq(parse_values(LIMIT_JSON_VALUES), OK);
    ck_assert_int_eq(parse_values(LIMIT_JSON_VALUES + 1), ERR_TOO_BIG);
}
END_TEST

START_TEST(writing_places_the_commas)
{
    struct buf out;
    buf_init(&out, 1000);
    json_open(&out, '{');
    json_write_name(&out, "status");
    json_write_u64(&out, UINT64_MAX);
    json_write_name(&out, "list");
    json_open(&out, '[');
    json_write_i64(&out, INT64_MIN);
    json_write_i64(&out, 5);
    json_write_bool(&out, true);
    json_write_bool(&out, false);
    json_open(&out, '{');
    json_close(&out, '}');
    json_open(&out, '[');
    json_open(&out, '[');
    json_close(&out, ']');
    json_close(&out, ']');
    json_write_raw(&out, BYTES_LIT("null"));
    json_write_text(&out, BYTES_LIT("x"));
    json_write_text(&out, BYTES_NONE);
    json_close(&out, ']');
    json_write_name(&out, "raw");
    json_write_raw(&out, BYTES_LIT("{\"a\":1}"));
    json_close(&out, '}');
    ck_assert(bytes_equal_text(buf_bytes(&out),
                               "{\"status\":18446744073709551615,\"list\":[-9223372036854775808,5,true,"
                               "false,{},[[]],null,\"x\",\"\"],\"raw\":{\"a\":1}}"));
    buf_fini(&out);
}
END_TEST

/* Text that ends like an opening bracket must not swallow the comma behind it: its last byte is the quote. */
START_TEST(writing_is_not_fooled_by_text)
{
    struct buf out;
    buf_init(&out, 100);
    json_open(&out, '[');
    json_write_text(&out, BYTES_LIT("["));
    json_write_text(&out, BYTES_LIT(":"));
    json_write_text(&out, BYTES_LIT(","));
    json_close(&out, ']');
    ck_assert(bytes_equal_text(buf_bytes(&out), "[\"[\",\":\",\",\"]"));
    buf_fini(&out);
}
END_TEST

/* Every character but zero, written and read again; and the escapes in their usual form. */
START_TEST(text_goes_there_and_back)
{
    struct buf out;
    struct json *document;
    enum err err;
    uint8_t all[129];
    for (size_t i = 0; i < 127; i++)
        all[i] = (uint8_t)(i + 1);
    all[127] = 0xc3;
    all[128] = 0xa4;
    buf_init(&out, 1000);
    json_write_text(&out, BYTES_OF(all));
    document = json_parse(buf_bytes(&out), &err);
    ck_assert_ptr_nonnull(document);
    ck_assert(bytes_equal(json_string(document), BYTES_OF(all)));
    json_free(document);
    buf_clear(&out);
    json_write_text(&out, BYTES_LIT("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f"));
    ck_assert(bytes_equal_text(buf_bytes(&out), "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""));
    buf_fini(&out);
}
END_TEST

/* A writer that runs over its bound at any place says so once, at the end. */
START_TEST(writing_past_the_bound_is_told_at_the_end)
{
    static const size_t whole = sizeof("{\"a\":[1,\"b\\n\"]}") - 1;
    for (size_t max = 0; max <= whole; max++) {
        struct buf out;
        buf_init(&out, max);
        json_open(&out, '{');
        json_write_name(&out, "a");
        json_open(&out, '[');
        json_write_u64(&out, 1);
        json_write_text(&out, BYTES_LIT("b\n"));
        json_close(&out, ']');
        json_close(&out, '}');
        ck_assert_int_eq(out.err, max < whole ? ERR_TOO_BIG : OK);
        buf_fini(&out);
    }
}
END_TEST

TEST_MAIN("json", a_document_is_read, the_wrong_type_is_an_answer, names_are_exact, what_is_no_json_is_refused,
          zero_characters_are_refused, no_byte_behind_the_text_is_read, escapes_are_decoded,
          integers_are_exact_or_refused, a_number_has_63_characters_at_most, depth_has_its_limit,
          siblings_do_not_add_to_the_depth, values_have_their_limit, writing_places_the_commas,
          writing_is_not_fooled_by_text, text_goes_there_and_back, writing_past_the_bound_is_told_at_the_end)
