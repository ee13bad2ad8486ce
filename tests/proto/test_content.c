/* What an envelope holds: texts, profiles, statuses, receipts, bundles; and its padding. */
#include "proto/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/vectors.h"

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
    struct json *document = vectors_load("friend_request.json");
    struct arena arena;
    size_t count = 0;
    arena_init(&arena);
    for (const struct json *c = json_first(json_get(document, "padding")); c != NULL; c = json_next(c)) {
        struct bytes plain = vector_hex(&arena, c, "unpadded_hex"), padded = vector_hex(&arena, c, "padded_hex");
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

TEST_MAIN("content", content_is_text_and_profile, content_may_be_empty, content_tells_who_listens,
          statuses_of_others_are_read, content_acknowledges, content_tells_who_types, content_may_have_a_bundle,
          bundles_must_be_complete, content_must_be_utf8, padding_hides_the_length, bad_padding_is_refused)
