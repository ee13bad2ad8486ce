#include "proto/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/vectors.h"

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

TEST_MAIN("envelope", wrapped_envelope_is_byte_exact, unknown_types_come_through, other_wrappers_are_told_apart,
          envelopes_must_be_complete, wrapping_is_bounded)
