#include "proto/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"

static struct json *vectors(const char *name)
{
    static char text[1 << 20];
    char path[512];
    size_t len;
    FILE *file;
    enum err err;
    struct json *document;
    snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    len = fread(text, 1, sizeof(text), file);
    ck_assert_uint_lt(len, sizeof(text));
    fclose(file);
    document = json_parse((struct bytes){(const uint8_t *)text, len}, &err);
    ck_assert_ptr_nonnull(document);
    return document;
}

static struct bytes from_hex(struct arena *arena, struct bytes text)
{
    uint8_t *out = arena_alloc(arena, text.len / 2 + 1);
    ck_assert_int_eq(hex_decode(out, text.len / 2, text), OK);
    return (struct bytes){out, text.len / 2};
}

static struct bytes member_hex(struct arena *arena, const struct json *object, const char *name)
{
    struct bytes text;
    ck_assert_int_eq(json_get_string(object, name, &text), OK);
    return from_hex(arena, text);
}

static void ck_bytes_eq(struct bytes a, struct bytes b)
{
    ck_assert_uint_eq(a.len, b.len);
    ck_assert(bytes_equal(a, b));
}

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
    struct json *document = vectors("protobuf.json");
    const struct json *cases = json_get(document, "cases");
    size_t count = 0;
    struct arena arena;
    struct buf wire, text;
    arena_init(&arena);
    buf_init(&wire, 1 << 20);
    buf_init(&text, 1 << 20);
    for (const struct json *c = json_first(cases); c != NULL; c = json_next(c)) {
        struct bytes name, expected = member_hex(&arena, c, "wire_hex");
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
    struct json *document = vectors("protobuf.json");
    struct arena arena;
    struct buf once, twice;
    arena_init(&arena);
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    for (const struct json *c = json_first(json_get(document, "cases")); c != NULL; c = json_next(c)) {
        struct bytes wire = member_hex(&arena, c, "wire_hex"), name_text;
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
    ck_bytes_eq(buf_bytes(&out), (struct bytes){wire, len});
    ck_assert_int_eq(round_trip("DataMessage", (struct bytes){wire, len + 2}, &out), ERR_FORMAT);
    buf_fini(&out);
    free(wire);
}
END_TEST

/* The plaintext of a friend request: body and display name, and the documented bytes. */
START_TEST(content_is_text_and_profile)
{
    static const uint8_t hi[] = {0x0a, 0x04, 0x0a, 0x02, 'h', 'i'};
    struct content_parts content = {.has_data = true, .body = BYTES_LIT("hi")}, read;
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_bytes_eq(wire, BYTES_OF(hi));

    content.has_display_name = true;
    content.display_name = BYTES_LIT("Zo\xc3\xab");
    content.flags = 4;
    content.timestamp_ms = UINT64_C(1567296000000);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(read.has_data && read.has_display_name);
    ck_bytes_eq(read.body, content.body);
    ck_bytes_eq(read.display_name, content.display_name);
    ck_assert_uint_eq(read.flags, 4);
    ck_assert_uint_eq(read.timestamp_ms, content.timestamp_ms);
    arena_fini(&arena);
}
END_TEST

/* No field has to be there, and what is absent reads as nothing. */
START_TEST(content_may_be_empty)
{
    struct content_parts content = {0}, read;
    static const uint8_t unknown_field[] = {0xf2, 0x3f, 0x02, 0xff,
                                            0xff, 0x0a, 0x00}; /* field 1022, then dataMessage */
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_uint_eq(wire.len, 0);
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(!read.has_data && !read.has_display_name);

    ck_assert_int_eq(content_decode(BYTES_OF(unknown_field), &arena, &read), OK);
    ck_assert(read.has_data && !read.has_display_name);
    ck_assert_uint_eq(read.body.len, 0);
    ck_assert_uint_eq(read.flags, 0);
    arena_fini(&arena);
}
END_TEST

/* Whether its sender listens, and where: the documented bytes, and never an address of the client. */
START_TEST(content_tells_who_listens)
{
    static const uint8_t start[] = {0xb2, 0x06, 0x26, 0x18, 0x00, 0x22, 0x20}, end[] = {0x28, 0x78};
    static const uint8_t offline[] = {0xb2, 0x06, 0x02, 0x18, 0x01};
    struct content_parts content = {.has_status = true, .status = {.reachable = true, .valid_s = 120}}, read;
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    for (uint8_t i = 0; i < sizeof(content.status.node.bytes); i++)
        content.status.node.bytes[i] = i;
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_uint_eq(wire.len, sizeof(start) + 32 + sizeof(end));
    ck_bytes_eq(bytes_slice(wire, 0, sizeof(start)), BYTES_OF(start));
    ck_bytes_eq(bytes_slice(wire, sizeof(start), 32), BYTES_OF(content.status.node.bytes));
    ck_bytes_eq(bytes_slice(wire, sizeof(start) + 32, sizeof(end)), BYTES_OF(end));
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(read.has_status && read.status.reachable && !read.has_data && !read.has_receipt && !read.has_typing);
    ck_bytes_eq(BYTES_OF(read.status.node.bytes), BYTES_OF(content.status.node.bytes));
    ck_assert_uint_eq(read.status.valid_s, 120);

    content.status.reachable = false;
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_bytes_eq(wire, BYTES_OF(offline));
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(read.has_status && !read.status.reachable);
    arena_fini(&arena);
}
END_TEST

/* The Content whose field of that number is a message of these bytes, fewer than 128. */
static struct bytes content_with(struct arena *arena, uint32_t number, struct bytes message)
{
    uint8_t *out = arena_alloc(arena, 4 + message.len);
    size_t len = 0;
    for (uint32_t key = number << 3 | 2; key > 0; key >>= 7)
        out[len++] = (uint8_t)(key > 0x7f ? key | 0x80 : key);
    out[len++] = (uint8_t)message.len;
    if (message.len > 0)
        memcpy(out + len, message.data, message.len);
    return (struct bytes){out, len + message.len};
}

/* Statuses of others: of 2019 (an address, no node), of an unknown type, without one, with a piece of a key, without a
 * time. */
START_TEST(statuses_of_others_are_read)
{
    static const uint8_t of_2019[] = {0x0a, 0x01, 'a', 0x10, 0x50, 0x18, 0x00};
    static const uint8_t unknown[] = {0x18, 0x02, 0x22, 0x01, 0x00};
    static const uint8_t piece[] = {0x18, 0x00, 0x22, 0x02, 0x01, 0x02};
    uint8_t timeless[36] = {0x18, 0x00, 0x22, 0x20};
    struct content_parts read;
    struct arena arena;
    arena_init(&arena);
    ck_assert_int_eq(content_decode(content_with(&arena, 102, BYTES_OF(of_2019)), &arena, &read), OK);
    ck_assert(read.has_status && !read.status.reachable);
    ck_assert_int_eq(content_decode(content_with(&arena, 102, BYTES_OF(unknown)), &arena, &read), OK);
    ck_assert(!read.has_status);
    ck_assert_int_eq(content_decode(content_with(&arena, 102, BYTES_NONE), &arena, &read), OK);
    ck_assert(!read.has_status);
    ck_assert_int_eq(content_decode(content_with(&arena, 102, BYTES_OF(piece)), &arena, &read), ERR_FORMAT);
    ck_assert_int_eq(content_decode(content_with(&arena, 102, BYTES_OF(timeless)), &arena, &read), OK);
    ck_assert(read.has_status && read.status.reachable);
    ck_assert_uint_eq(read.status.valid_s, LIMIT_STATUS_VALID_S);
    arena_fini(&arena);
}
END_TEST

/* A receipt names so many messages, none too, and not one more in either direction. */
START_TEST(content_acknowledges)
{
    static const uint8_t two[] = {0x2a, 0x06, 0x08, 0x00, 0x10, 0x01, 0x10, 0x05};
    static const uint8_t unknown[] = {0x08, 0x02, 0x10, 0x01}, typeless[] = {0x10, 0x01};
    uint64_t timestamps[LIMIT_RECEIPT_TIMESTAMPS + 1] = {1, 5};
    struct content_parts content = {.has_receipt = true, .receipt = {RECEIPT_DELIVERY, timestamps, 2}}, read;
    uint8_t many[3 + 2 + 2 * (LIMIT_RECEIPT_TIMESTAMPS + 1)];
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_bytes_eq(wire, BYTES_OF(two));

    content.receipt.type = RECEIPT_READ;
    content.receipt.count = LIMIT_RECEIPT_TIMESTAMPS;
    timestamps[LIMIT_RECEIPT_TIMESTAMPS - 1] = UINT64_MAX;
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(read.has_receipt && read.receipt.type == RECEIPT_READ);
    ck_assert_uint_eq(read.receipt.count, LIMIT_RECEIPT_TIMESTAMPS);
    ck_assert_mem_eq(read.receipt.timestamps_ms, timestamps, LIMIT_RECEIPT_TIMESTAMPS * sizeof(timestamps[0]));
    content.receipt.count++;
    ck_assert_int_eq(content_encode(&content, &arena, &wire), ERR_TOO_BIG);
    content.receipt.count = 0;
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(read.has_receipt && read.receipt.count == 0);

    /* As somebody else may write it: one timestamp too many, each of them 16. */
    memset(many, 0x10, sizeof(many));
    many[0] = 0x2a;
    many[1] = (uint8_t)(0x80 | (sizeof(many) - 3));
    many[2] = (sizeof(many) - 3) >> 7;
    many[3] = 0x08;
    many[4] = RECEIPT_DELIVERY;
    ck_assert_int_eq(content_decode(BYTES_OF(many), &arena, &read), ERR_TOO_BIG);
    ck_assert_int_eq(content_decode(content_with(&arena, 5, BYTES_OF(unknown)), &arena, &read), OK);
    ck_assert(!read.has_receipt);
    ck_assert_int_eq(content_decode(content_with(&arena, 5, BYTES_OF(typeless)), &arena, &read), OK);
    ck_assert(!read.has_receipt);
    arena_fini(&arena);
}
END_TEST

/* Somebody types, or stops; beside a text, as parts of one Content. */
START_TEST(content_tells_who_types)
{
    static const uint8_t stopped[] = {0x32, 0x04, 0x08, 0x07, 0x10, 0x01}, unknown[] = {0x10, 0x02};
    struct content_parts content = {.has_typing = true, .typing = {.started = false, .timestamp_ms = 7}}, read;
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_bytes_eq(wire, BYTES_OF(stopped));
    content.typing = (struct typing){.started = true};
    content.has_data = true;
    content.body = BYTES_LIT("hi");
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
    ck_assert(read.has_typing && read.typing.started && read.has_data);
    ck_assert_uint_eq(read.typing.timestamp_ms, 0);
    ck_assert_int_eq(content_decode(content_with(&arena, 6, BYTES_OF(unknown)), &arena, &read), OK);
    ck_assert(!read.has_typing);
    arena_fini(&arena);
}
END_TEST

/* Text that no receiver would take is not written. */
static struct content_parts with_bundle(void)
{
    struct content_parts content = {.has_bundle = true, .bundle = {.prekey_id = 7, .signed_key_id = 300}};
    content.bundle.identity.bytes[0] = ACCOUNT_PREFIX;
    memset(content.bundle.identity.bytes + 1, 0x11, 32);
    memset(content.bundle.prekey.bytes, 0x22, 32);
    memset(content.bundle.signed_key.bytes, 0x33, 32);
    memset(content.bundle.signature, 0x44, 64);
    return content;
}

/* A bundle goes along with the text, or alone; every part of it is there. */
START_TEST(content_may_have_a_bundle)
{
    struct content_parts content = with_bundle(), read;
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    for (int with_text = 0; with_text < 2; with_text++) {
        content.has_data = with_text;
        content.body = BYTES_LIT("hi");
        ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
        ck_assert_int_eq(content_decode(wire, &arena, &read), OK);
        ck_assert_int_eq(read.has_data, with_text);
        ck_assert(read.has_bundle);
        ck_assert(account_equal(&read.bundle.identity, &content.bundle.identity));
        ck_assert_uint_eq(read.bundle.prekey_id, 7);
        ck_assert_uint_eq(read.bundle.signed_key_id, 300);
        ck_assert_mem_eq(read.bundle.prekey.bytes, content.bundle.prekey.bytes, 32);
        ck_assert_mem_eq(read.bundle.signed_key.bytes, content.bundle.signed_key.bytes, 32);
        ck_assert_mem_eq(read.bundle.signature, content.bundle.signature, 64);
    }
    arena_fini(&arena);
}
END_TEST

/* A bundle is read in whole or not at all: field by field, cut out, or with another size, prefix or number. */
START_TEST(bundles_must_be_complete)
{
    static const struct {
        size_t at, len; /* the field with its key, from the bundle's first byte */
    } fields[] = {{0, 35}, {37, 2}, {39, 3}, {42, 35}, {77, 35}, {112, 66}};
    struct content_parts content = with_bundle(), read;
    struct arena arena;
    struct bytes wire;
    uint8_t changed[200];
    arena_init(&arena);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), OK);
    ck_assert_uint_eq(wire.len, 4 + 178); /* key and length take two bytes each */
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        size_t from = 4 + fields[i].at, to = from + fields[i].len;
        memcpy(changed, wire.data, from);
        memcpy(changed + from, wire.data + to, wire.len - to);
        changed[2] = (uint8_t)(0x80 | ((178 - fields[i].len) & 0x7f));
        changed[3] = (uint8_t)((178 - fields[i].len) >> 7);
        ck_assert_int_eq(content_decode((struct bytes){changed, wire.len - fields[i].len}, &arena, &read), ERR_FORMAT);

        memcpy(changed, wire.data, wire.len);
        changed[from] += 8 * 20; /* another field's number: this one is absent, with nothing cut */
        ck_assert_int_eq(content_decode((struct bytes){changed, wire.len}, &arena, &read), ERR_FORMAT);
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        memcpy(changed, wire.data, wire.len);
        if (i == 1 || i == 2)
            changed[4 + fields[i].at + 1] = 0, changed[4 + fields[i].at + fields[i].len - 1] = 0; /* the id 0 */
        else if (i < 5)
            changed[4 + fields[i].at + 2] = 0x04; /* the prefix */
        else
            continue; /* a signature has none */
        if (i == 2)
            changed[4 + fields[i].at + 1] = 0x80; /* 300 takes two bytes */
        ck_assert_int_eq(content_decode((struct bytes){changed, wire.len}, &arena, &read), ERR_FORMAT);
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(content_must_be_utf8)
{
    struct content_parts content = {.has_data = true, .body = BYTES_LIT("a\0b")};
    struct arena arena;
    struct bytes wire;
    arena_init(&arena);
    ck_assert_int_eq(content_encode(&content, &arena, &wire), ERR_FORMAT);
    content.body = BYTES_LIT("fine");
    content.has_display_name = true;
    content.display_name = BYTES_LIT("\xff");
    ck_assert_int_eq(content_encode(&content, &arena, &wire), ERR_FORMAT);
    arena_fini(&arena);
}
END_TEST

START_TEST(padding_hides_the_length)
{
    struct json *document = vectors("friend_request.json");
    struct arena arena;
    size_t count = 0;
    arena_init(&arena);
    for (const struct json *c = json_first(json_get(document, "padding")); c != NULL; c = json_next(c)) {
        struct bytes plain = member_hex(&arena, c, "unpadded_hex"), padded = member_hex(&arena, c, "padded_hex");
        struct bytes back;
        ck_assert_uint_eq(padded_bytes(plain.len), padded.len);
        ck_bytes_eq(content_pad(plain, &arena), padded);
        ck_assert_int_eq(content_unpad(padded, &back), OK);
        ck_bytes_eq(back, plain);
        count++;
    }
    ck_assert_uint_gt(count, 5);
    ck_assert_uint_eq(padded_bytes(0), 159);
    ck_assert_uint_eq(padded_bytes(158), 159);
    ck_assert_uint_eq(padded_bytes(159), 319);
    ck_assert_uint_eq(padded_bytes(318), 319);
    ck_assert_uint_eq(padded_bytes(319), 479);
    arena_fini(&arena);
    json_free(document);
}
END_TEST

/* A wrong key shows here: what ends in anything but the mark and zeros is refused. */
START_TEST(bad_padding_is_refused)
{
    struct bytes out;
    ck_assert_int_eq(content_unpad(BYTES_NONE, &out), ERR_FORMAT);
    ck_assert_int_eq(content_unpad(BYTES_LIT("\0\0\0"), &out), ERR_FORMAT);
    ck_assert_int_eq(content_unpad(BYTES_LIT("abc\0\0"), &out), ERR_FORMAT);
    ck_assert_int_eq(content_unpad(BYTES_LIT("abc\x80\x01\0"), &out), ERR_FORMAT);
    ck_assert_int_eq(content_unpad(BYTES_LIT("abc\x80\x80\0"), &out), OK);
    ck_bytes_eq(out, BYTES_LIT("abc\x80"));
    ck_assert_int_eq(content_unpad(BYTES_LIT("\x80"), &out), OK);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* The fallback content of the documented example: number 0 writes "hi" to number 1, IV 00..0f. */
static struct envelope example(struct arena *arena)
{
    struct x25519_pair alice, bob;
    struct shared_key key;
    uint8_t iv[16], *sealed;
    struct bytes padded = content_pad(BYTES_LIT("\x0a\x04\x0a\x02hi"), arena);
    struct envelope envelope = {.type = ENVELOPE_FRIEND_REQUEST, .timestamp_ms = UINT64_C(1567296000000)};
    ck_assert_int_eq(crypto_start(), OK);
    for (int i = 0; i < 32; i++) {
        alice.secret.bytes[i] = (uint8_t)(1 + i);
        bob.secret.bytes[i] = (uint8_t)(0x21 + i);
        iv[i % 16] = (uint8_t)(i % 16);
    }
    x25519_public_of(&alice.secret, &alice.public);
    x25519_public_of(&bob.secret, &bob.public);
    account_from_x25519(&alice.public, &envelope.source);
    ck_assert_int_eq(crypto_real.agree(&alice, &bob.public, &key), OK);
    sealed = arena_alloc(arena, seal_bytes(ENC_AES_CBC, padded.len));
    crypto_real.seal(ENC_AES_CBC, &key, iv, padded, sealed);
    envelope.content = (struct bytes){sealed, seal_bytes(ENC_AES_CBC, padded.len)};
    return envelope;
}

/* The documented example of a whole wrapped friend request, by its digest, and back. */
START_TEST(wrapped_envelope_is_byte_exact)
{
    static const uint8_t expected[32] = {0xb8, 0xe6, 0x8a, 0x85, 0x97, 0xd9, 0xe6, 0x0b, 0x4d, 0xe7, 0xc7,
                                         0x68, 0x70, 0xe2, 0x6f, 0x5c, 0x00, 0x45, 0x1b, 0xf1, 0xb9, 0x48,
                                         0x52, 0x4a, 0x70, 0xe3, 0xa9, 0x76, 0x55, 0x8c, 0xe1, 0x54};
    uint8_t digest[32];
    struct arena arena;
    struct envelope envelope, read;
    struct bytes wire;
    arena_init(&arena);
    envelope = example(&arena);
    ck_assert_uint_eq(envelope.content.len, 176);
    ck_assert_int_eq(envelope_wrap(&envelope, 17, &arena, &wire), OK);
    ck_assert_uint_eq(wire.len, 290);
    hash_sha256(wire, digest);
    ck_assert_mem_eq(digest, expected, sizeof(expected));

    ck_assert_int_eq(envelope_unwrap(wire, &arena, &read), OK);
    ck_assert_uint_eq(read.type, ENVELOPE_FRIEND_REQUEST);
    ck_assert(account_equal(&read.source, &envelope.source));
    ck_assert_uint_eq(read.timestamp_ms, envelope.timestamp_ms);
    ck_bytes_eq(read.content, envelope.content);
    for (size_t i = 0; i < wire.len; i++)
        ck_assert_int_ne(envelope_unwrap(bytes_slice(wire, 0, i), &arena, &read), OK);
    arena_fini(&arena);
}
END_TEST

/* A type nobody knows is passed on as it is: whoever unwraps decides. */
START_TEST(unknown_types_come_through)
{
    struct arena arena;
    struct envelope envelope, read;
    struct bytes wire;
    arena_init(&arena);
    envelope = example(&arena);
    envelope.type = 77;
    ck_assert_int_eq(envelope_wrap(&envelope, 255, &arena, &wire), OK);
    ck_assert_int_eq(envelope_unwrap(wire, &arena, &read), OK);
    ck_assert_uint_eq(read.type, 77);
    arena_fini(&arena);
}
END_TEST

/* Well-formed wrappers of another purpose are to be ignored; a request that should hold an envelope and does not is
 * bad. */
START_TEST(other_wrappers_are_told_apart)
{
    static const uint8_t response[] = {0x08, 0x02, 0x1a, 0x02, 0x08, 0x05};
    static const uint8_t other_path[] = {0x08, 0x01, 0x12, 0x04, 0x12, 0x02, '/', 'x'};
    static const uint8_t no_request[] = {0x08, 0x01};
    static const uint8_t no_path[] = {0x08, 0x01, 0x12, 0x00};
    struct arena arena;
    struct envelope out;
    arena_init(&arena);
    ck_assert_int_eq(envelope_unwrap(BYTES_OF(response), &arena, &out), ERR_REFUSED);
    ck_assert_int_eq(envelope_unwrap(BYTES_NONE, &arena, &out), ERR_REFUSED);
    ck_assert_int_eq(envelope_unwrap(BYTES_OF(other_path), &arena, &out), ERR_REFUSED);
    ck_assert_int_eq(envelope_unwrap(BYTES_OF(no_request), &arena, &out), ERR_FORMAT);
    ck_assert_int_eq(envelope_unwrap(BYTES_OF(no_path), &arena, &out), ERR_FORMAT);
    ck_assert_int_eq(envelope_unwrap(BYTES_LIT("no protobuf"), &arena, &out), ERR_FORMAT);
    arena_fini(&arena);
}
END_TEST

/* Wraps the bytes of an envelope as a client would. */
static struct bytes wrap_raw(struct arena *arena, struct bytes inner)
{
    struct buf out;
    struct bytes wire;
    ck_assert_uint_lt(inner.len, 100);
    buf_init(&out, 300);
    buf_append(&out, BYTES_LIT("\x08\x01\x12"));
    buf_byte(&out, (uint8_t)(inner.len + 19));
    buf_append(&out, BYTES_LIT("\x12\x0f/api/v1/message\x1a"));
    buf_byte(&out, (uint8_t)inner.len);
    buf_append(&out, inner);
    ck_assert_int_eq(out.err, OK);
    wire = arena_copy(arena, buf_bytes(&out));
    buf_fini(&out);
    return wire;
}

/* Type, source, timestamp and content must all be there, and the source must be an account. */
START_TEST(envelopes_must_be_complete)
{
    static const char source[] = "0507a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c";
    struct arena arena;
    struct envelope out;
    arena_init(&arena);
    for (int absent = 0; absent < 6; absent++) {
        struct buf inner;
        buf_init(&inner, 100);
        if (absent != 0)
            buf_append(&inner, BYTES_LIT("\x08\x65"));
        if (absent != 1) {
            buf_append(&inner, BYTES_LIT("\x12\x42"));
            buf_text(&inner, source);
        }
        if (absent == 4)
            inner.data[inner.len - 1] = 'x'; /* there, but no hex */
        if (absent != 2)
            buf_append(&inner, BYTES_LIT("\x28\x05"));
        if (absent != 3)
            buf_append(&inner, BYTES_LIT("\x42\x01z"));
        ck_assert_int_eq(envelope_unwrap(wrap_raw(&arena, buf_bytes(&inner)), &arena, &out),
                         absent == 5 ? OK : ERR_FORMAT);
        buf_fini(&inner);
    }
    arena_fini(&arena);
}
END_TEST

/* What no node would store is not wrapped: at the limit it is, above it is not. */
START_TEST(wrapping_is_bounded)
{
    size_t max = BASE64_MAX_DECODED(LIMIT_DATA_CHARS);
    uint8_t *big = xcalloc(max + 1, 1);
    struct arena arena;
    struct envelope envelope;
    struct bytes wire;
    arena_init(&arena);
    envelope = example(&arena);
    envelope.content = (struct bytes){big, max + 1};
    ck_assert_int_eq(envelope_wrap(&envelope, 0, &arena, &wire), ERR_TOO_BIG);
    envelope.content.len = max;
    ck_assert_int_eq(envelope_wrap(&envelope, 0, &arena, &wire), ERR_TOO_BIG); /* the wrappers take some */
    envelope.content.len = max - 200;
    ck_assert_int_eq(envelope_wrap(&envelope, 0, &arena, &wire), OK);
    ck_assert_int_eq(envelope_unwrap(wire, &arena, &envelope), OK);
    ck_assert_uint_eq(envelope.content.len, max - 200);
    arena_fini(&arena);
    free(big);
}
END_TEST

TEST_MAIN("envelope", vectors_make_the_round_trip, spoilt_messages_do_no_harm, packed_receipts_are_accepted,
          unknown_values_are_numbers, names_and_wires_that_are_none, the_greediest_message_is_bounded,
          content_is_text_and_profile, content_may_be_empty, content_may_have_a_bundle, bundles_must_be_complete,
          content_tells_who_listens, statuses_of_others_are_read, content_acknowledges, content_tells_who_types,
          content_must_be_utf8, padding_hides_the_length, bad_padding_is_refused, wrapped_envelope_is_byte_exact,
          unknown_types_come_through, other_wrappers_are_told_apart, envelopes_must_be_complete, wrapping_is_bounded)
