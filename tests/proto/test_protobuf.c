/* The codec of all messages: every one of the vectors, and what is none. */
#include "proto/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/vectors.h"

/* Same JSON, whatever the order of members. */
static bool json_equal(const struct json *a, const struct json *b)
{
    int64_t x, y;
    if (json_is_string(a))
        return json_is_string(b) && bytes_equal(json_string(a), json_string(b));
    if (json_is_number(a))
        return json_is_number(b) && json_integer(a, &x) == OK && json_integer(b, &y) == OK && x == y;
    if (json_is_array(a) != json_is_array(b) || json_is_object(a) != json_is_object(b) ||
        json_count(a) != json_count(b))
        return false;
    if (json_is_object(a)) {
        for (const struct json *m = json_first(a); m != NULL; m = json_next(m)) {
            const struct json *other = json_get(b, json_name(m));
            if (other == NULL || !json_equal(m, other))
                return false;
        }
        return true;
    }
    for (const struct json *m = json_first(a), *n = json_first(b); m != NULL; m = json_next(m), n = json_next(n)) {
        if (!json_equal(m, n))
            return false;
    }
    return json_is_array(a);
}

static enum err round_trip(const char *name, struct bytes wire, struct buf *out)
{
    buf_clear(out);
    return protobuf_round_trip(name, wire, out, NULL);
}

/* Every message of the vectors decodes to the fields they list, and encodes to the same bytes again. */
START_TEST(vectors_make_the_round_trip)
{
    struct json *document = vectors_load("protobuf.json");
    const struct json *cases = json_get(document, "cases");
    size_t count = 0;
    struct arena arena;
    struct buf wire, text;
    arena_init(&arena);
    buf_init(&wire, 1 << 20);
    buf_init(&text, 1 << 20);
    for (const struct json *c = json_first(cases); c != NULL; c = json_next(c)) {
        struct bytes name, expected = vector_hex(&arena, c, "wire_hex");
        struct json *fields;
        enum err err;
        ck_assert_int_eq(json_get_string(c, "message", &name), OK);
        buf_clear(&wire);
        buf_clear(&text);
        err = protobuf_round_trip(arena_printf(&arena, "%.*s", (int)name.len, name.data), expected, &wire, &text);
        ck_assert_int_eq(err, OK);
        ck_bytes_eq(buf_bytes(&wire), expected);
        fields = json_parse(buf_bytes(&text), &err);
        ck_assert_ptr_nonnull(fields);
        ck_assert(json_equal(json_get(c, "fields"), fields));
        json_free(fields);
        count++;
        arena_reset(&arena);
    }
    ck_assert_uint_eq(count, 60);
    buf_fini(&text);
    buf_fini(&wire);
    arena_fini(&arena);
    json_free(document);
}
END_TEST

/* Each vector cut at any place, or with any one byte changed, decodes or does not, and leaves nothing behind either way
 * (the sanitizers watch). What decodes makes the round trip once more to the same bytes. */
START_TEST(spoilt_messages_do_no_harm)
{
    struct json *document = vectors_load("protobuf.json");
    struct arena arena;
    struct buf once, twice;
    arena_init(&arena);
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    for (const struct json *c = json_first(json_get(document, "cases")); c != NULL; c = json_next(c)) {
        struct bytes wire = vector_hex(&arena, c, "wire_hex"), name_text;
        uint8_t *changed = arena_alloc(&arena, wire.len + 1);
        const char *name;
        ck_assert_int_eq(json_get_string(c, "message", &name_text), OK);
        name = arena_printf(&arena, "%.*s", (int)name_text.len, name_text.data);
        for (size_t i = 0; i < wire.len; i++) {
            (void)round_trip(name, bytes_slice(wire, 0, i), &once);
            memcpy(changed, wire.data, wire.len);
            changed[i] ^= (uint8_t)(1 + i % 255);
            if (round_trip(name, (struct bytes){changed, wire.len}, &once) == OK) {
                ck_assert_int_eq(round_trip(name, buf_bytes(&once), &twice), OK);
                ck_bytes_eq(buf_bytes(&once), buf_bytes(&twice));
            }
        }
        arena_reset(&arena);
    }
    buf_fini(&twice);
    buf_fini(&once);
    arena_fini(&arena);
    json_free(document);
}
END_TEST

/* Receipts are written unpacked; a packed list of timestamps reads the same. */
START_TEST(packed_receipts_are_accepted)
{
    static const uint8_t unpacked[] = {0x08, 0x01, 0x10, 0x05, 0x10, 0x96, 0x01};
    static const uint8_t packed[] = {0x08, 0x01, 0x12, 0x03, 0x05, 0x96, 0x01};
    struct buf wire, text;
    buf_init(&wire, 100);
    buf_init(&text, 100);
    ck_assert_int_eq(protobuf_round_trip("ReceiptMessage", BYTES_OF(packed), &wire, &text), OK);
    ck_bytes_eq(buf_bytes(&wire), BYTES_OF(unpacked));
    ck_assert(bytes_equal_text(buf_bytes(&text), "{\"type\":\"READ\",\"timestamp\":[\"5\",\"150\"]}"));
    buf_fini(&text);
    buf_fini(&wire);
}
END_TEST

/* The extension's fields are part of the schema, and an enum's unknown value is written as its number. */
START_TEST(unknown_values_are_numbers)
{
    static const uint8_t wire[] = {0x18, 0x07, 0x22, 0x01, 0xab, 0x28, 0x1e};
    struct buf text;
    buf_init(&text, 100);
    ck_assert_int_eq(protobuf_round_trip("LokiAddressMessage", BYTES_OF(wire), NULL, &text), OK);
    ck_assert(bytes_equal_text(buf_bytes(&text), "{\"type\":\"7\",\"listeningNode\":\"ab\",\"validSeconds\":30}"));
    buf_fini(&text);
}
END_TEST

START_TEST(names_and_wires_that_are_none)
{
    static const uint8_t cut[] = {0x0a, 0x05, 'a'};   /* longer than what follows */
    static const uint8_t group[] = {0x0b, 0x0c};      /* a group */
    static const uint8_t wrong_type[] = {0x08, 0x01}; /* body as a number */
    static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t no_number[] = {0x80, 0x00, 0x00};                     /* field 0 */
    static const uint8_t high_number[] = {0x80, 0x80, 0x80, 0x80, 0x10, 0x00}; /* field 2^29 */
    static const uint8_t zero_inside[] = {0x0a, 0x03, 'a', 0, 'b'};
    static const uint8_t no_utf8[] = {0x0a, 0x02, 0xc3, 0x28};
    static const uint8_t deep_zero[] = {0x0a, 0x08, 0xaa, 0x06, 0x05, 0x0a, 0x03, 'a', 0, 'b'}; /* the display name */
    struct buf out;
    buf_init(&out, 100);
    ck_assert_int_eq(round_trip("Dialogue", BYTES_NONE, &out), ERR_NOT_FOUND);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_NONE, &out), OK);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(cut), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(group), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(wrong_type), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(endless), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(no_number), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(high_number), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(zero_inside), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("DataMessage", BYTES_OF(no_utf8), &out), ERR_FORMAT);
    ck_assert_int_eq(round_trip("Content", BYTES_OF(deep_zero), &out), ERR_FORMAT);
    buf_fini(&out);
}
END_TEST

/* The longest message a node takes, made of nothing but empty submessages, decodes; one byte more is refused unread. */
START_TEST(the_greediest_message_is_bounded)
{
    size_t len = BASE64_MAX_DECODED(LIMIT_DATA_CHARS);
    uint8_t *wire = xcalloc(len + 2, 1);
    struct buf out;
    buf_init(&out, len);
    /* attachments: field 2 of DataMessage, length 0 */
    for (size_t i = 0; i < len + 2; i += 2)
        wire[i] = 0x12;
    ck_assert_int_eq(round_trip("DataMessage", (struct bytes){wire, len}, &out), OK);
    ck_bytes_eq(buf_bytes(&out), ((struct bytes){wire, len}));
    ck_assert_int_eq(round_trip("DataMessage", (struct bytes){wire, len + 2}, &out), ERR_FORMAT);
    buf_fini(&out);
    free(wire);
}
END_TEST

TEST_MAIN("protobuf", vectors_make_the_round_trip, spoilt_messages_do_no_harm, packed_receipts_are_accepted,
          unknown_values_are_numbers, names_and_wires_that_are_none, the_greediest_message_is_bounded)
