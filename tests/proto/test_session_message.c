#include "proto/session_message.h"

#include <string.h>

#include "common/text.h"
#include "proto/envelope.h"
#include "tests/support/check_main.h"

static struct arena arena;

static struct x25519_public key_of(uint8_t byte)
{
    struct x25519_public key;

    memset(key.bytes, byte, sizeof(key.bytes));
    return key;
}

/* With a MAC of a's. */
static struct bytes message(uint32_t counter)
{
    struct session_message message = {.ratchet_key = key_of(0x21),
                                      .counter = counter,
                                      .previous_counter = 5,
                                      .ciphertext = BYTES_LIT("0123456789abcdef")};
    struct bytes wire = session_message_encode(&message, &arena);

    memset((uint8_t *)(uintptr_t)wire.data + wire.len, 'a', SESSION_MAC_BYTES);
    wire.len += SESSION_MAC_BYTES;
    return wire;
}

static struct bytes prekey_message(bool has_prekey_id, struct bytes inner)
{
    struct session_prekey_message message = {.has_prekey_id = has_prekey_id,
                                             .prekey_id = 7,
                                             .signed_prekey_id = 1,
                                             .registration_id = 1234,
                                             .base_key = key_of(0x42),
                                             .message = inner};
    struct x25519_public identity = key_of(0x63);

    account_from_x25519(&identity, &message.identity);
    return session_prekey_message_encode(&message, &arena);
}

/* Version, fields ascending, zero counters written, MAC. */
START_TEST(messages_are_byte_exact)
{
    struct session_message read;
    struct bytes wire;

    arena_init(&arena);
    wire = message(0);
    ck_assert_uint_eq(wire.len, 1 + 35 + 2 + 2 + 18 + 8);
    ck_assert_mem_eq(wire.data, "\x33\x0a\x21\x05\x21", 5);
    ck_assert_mem_eq(wire.data + 36,
                     "\x10\x00\x18\x05\x22\x10"
                     "0123456789abcdef"
                     "aaaaaaaa",
                     30);
    ck_assert_int_eq(session_message_decode(wire, &arena, &read), OK);
    ck_assert_mem_eq(read.ratchet_key.bytes, key_of(0x21).bytes, 32);
    ck_assert_uint_eq(read.counter, 0);
    ck_assert_uint_eq(read.previous_counter, 5);
    ck_assert(bytes_equal_text(read.ciphertext, "0123456789abcdef"));
    ck_assert_uint_eq(read.signed_part.len, wire.len - 8);
    ck_assert_mem_eq(read.mac, "aaaaaaaa", 8);
    ck_assert_int_eq(session_message_decode(message(UINT32_MAX), &arena, &read), OK);
    ck_assert_uint_eq(read.counter, UINT32_MAX);
    arena_fini(&arena);
}
END_TEST

START_TEST(prekey_messages_go_round)
{
    struct session_wire read;
    struct bytes inner, wire;

    arena_init(&arena);
    inner = message(3);
    wire = prekey_message(true, inner);
    ck_assert_mem_eq(wire.data, "\x33\x08\x07\x12\x21\x05\x42", 7);
    ck_assert_int_eq(session_wire_decode(ENVELOPE_PREKEY_BUNDLE, wire, &arena, &read), OK);
    ck_assert(read.begins && read.prekey.has_prekey_id);
    ck_assert_uint_eq(read.prekey.prekey_id, 7);
    ck_assert_uint_eq(read.prekey.signed_prekey_id, 1);
    ck_assert_uint_eq(read.prekey.registration_id, 1234);
    ck_assert_mem_eq(read.prekey.base_key.bytes, key_of(0x42).bytes, 32);
    ck_assert_uint_eq(read.prekey.identity.bytes[0], ACCOUNT_PREFIX);
    ck_assert_uint_eq(read.prekey.identity.bytes[1], 0x63);
    ck_assert(bytes_equal(read.prekey.message, inner));
    ck_assert_uint_eq(read.message.counter, 3);

    ck_assert_int_eq(session_wire_decode(ENVELOPE_PREKEY_BUNDLE, prekey_message(false, inner), &arena, &read), OK);
    ck_assert(!read.prekey.has_prekey_id);
    ck_assert_int_eq(session_wire_decode(ENVELOPE_CIPHERTEXT, inner, &arena, &read), OK);
    ck_assert(!read.begins);
    arena_fini(&arena);
}
END_TEST

/* The type of the envelope says which it is; another type is none. */
START_TEST(types_are_told_apart)
{
    struct session_wire read;
    struct bytes inner, wire;

    arena_init(&arena);
    inner = message(3);
    wire = prekey_message(true, inner);
    ck_assert_int_eq(session_wire_decode(ENVELOPE_CIPHERTEXT, wire, &arena, &read), ERR_FORMAT);
    ck_assert_int_eq(session_wire_decode(ENVELOPE_PREKEY_BUNDLE, inner, &arena, &read), ERR_FORMAT);
    ck_assert_int_eq(session_wire_decode(ENVELOPE_FRIEND_REQUEST, inner, &arena, &read), ERR_FORMAT);
    ck_assert_int_eq(session_wire_decode(2, inner, &arena, &read), ERR_FORMAT);
    ck_assert_int_eq(
        session_wire_decode(ENVELOPE_PREKEY_BUNDLE, prekey_message(true, BYTES_LIT("\x33")), &arena, &read),
        ERR_FORMAT);
    arena_fini(&arena);
}
END_TEST

/* Other versions, keys of another size or kind, a field that is missing, an end that is cut off. */
START_TEST(what_is_no_message_is_refused)
{
    static const char *const spoilt[] = {
        "",
        "33",
        "3361616161616161",
        "336161616161616161", /* a MAC alone */
        "330a2105"            /* no counter */
        "2121212121212121212121212121212121212121212121212121212121212121"
        "220030303030303030"
        "30",
        "330a2105" /* no ciphertext */
        "2121212121212121212121212121212121212121212121212121212121212121"
        "10003030303030303030",
        "3310002200"
        "3030303030303030", /* no key */
        "330a20"            /* a key of 32 bytes, which another version has */
        "2121212121212121212121212121212121212121212121212121212121212121"
        "10002200"
        "3030303030303030",
        "330a2106" /* of another kind */
        "2121212121212121212121212121212121212121212121212121212121212121"
        "10002200"
        "3030303030303030",
    };
    struct session_message read;
    struct bytes wire;

    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
        uint8_t bytes[100];
        size_t len = strlen(spoilt[i]) / 2;

        ck_assert_int_eq(hex_decode(bytes, len, bytes_text(spoilt[i])), OK);
        ck_assert_msg(session_message_decode((struct bytes){bytes, len}, &arena, &read) == ERR_FORMAT, "%zu", i);
    }
    wire = message(0);
    for (unsigned version = 0; version < 256; version++) {
        ((uint8_t *)(uintptr_t)wire.data)[0] = (uint8_t)version;
        ck_assert_int_eq(session_message_decode(wire, &arena, &read), version == 0x33 ? OK : ERR_FORMAT);
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(prekey_messages_must_be_complete)
{
    /* Where each field is in the message, and how long with its key. */
    static const struct {
        size_t at, len;
        bool needed;
    } fields[] = {{1, 2, false}, {3, 35, true}, {38, 35, true}, {73, 68, true}, {141, 3, false}, {144, 2, true}};
    struct session_prekey_message read;
    struct bytes wire;

    arena_init(&arena);
    wire = prekey_message(true, message(0));
    ck_assert_uint_eq(wire.len, 146);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        uint8_t cut[146];
        size_t end = fields[i].at + fields[i].len;

        memcpy(cut, wire.data, fields[i].at);
        memcpy(cut + fields[i].at, wire.data + end, wire.len - end);
        ck_assert_int_eq(session_prekey_message_decode((struct bytes){cut, wire.len - fields[i].len}, &arena, &read),
                         fields[i].needed ? ERR_FORMAT : OK);
    }
    arena_fini(&arena);
}
END_TEST

TEST_MAIN("session_message", messages_are_byte_exact, prekey_messages_go_round, types_are_told_apart,
          what_is_no_message_is_refused, prekey_messages_must_be_complete)
