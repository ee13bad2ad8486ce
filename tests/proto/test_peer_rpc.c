#include "proto/peer_rpc.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/check_main.h"

#define PUBKEY "0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HASH16 "0012a4c457ec44b2"
#define HASH   HASH16 HASH16 HASH16 HASH16 HASH16 HASH16 HASH16 HASH16

static const struct peer_message example = {
    .pubkey = {(const uint8_t *)PUBKEY, 66},
    .hash = {(const uint8_t *)HASH, 128},
    .data = {(const uint8_t *)"aGVsbG8=", 8},
    .ttl_ms = 86400000,
    .timestamp_ms = UINT64_C(1567296000000),
    .nonce = {(const uint8_t *)"AAAAAAAADVU=", 12},
};

static void ck_message_eq(const struct peer_message *a, const struct peer_message *b)
{
    ck_assert(bytes_equal(a->pubkey, b->pubkey));
    ck_assert(bytes_equal(a->hash, b->hash));
    ck_assert(bytes_equal(a->data, b->data));
    ck_assert(bytes_equal(a->nonce, b->nonce));
    ck_assert_uint_eq(a->ttl_ms, b->ttl_ms);
    ck_assert_uint_eq(a->timestamp_ms, b->timestamp_ms);
}

/* The documented layout, byte for byte, with the documented overhead. */
START_TEST(layout_is_as_deployed)
{
    static const char expected[] = PUBKEY "\x80\0\0\0\0\0\0\0" HASH "\x08\0\0\0\0\0\0\0"
                                          "aGVsbG8="
                                          "\x00\x5c\x26\x05\0\0\0\0"
                                          "\x00\x10\x1f\xea\x6c\x01\0\0"
                                          "\x0c\0\0\0\0\0\0\0"
                                          "AAAAAAAADVU=";
    struct buf out;
    buf_init(&out, 1000);
    peer_message_encode(&out, &example);
    ck_assert_uint_eq(out.len, PEER_MESSAGE_OVERHEAD + 8);
    ck_assert(bytes_equal(buf_bytes(&out), BYTES_LIT(expected)));
    buf_fini(&out);
}
END_TEST

START_TEST(batches_make_the_round_trip)
{
    struct peer_message second = example, read;
    struct bytes rest;
    struct buf out;
    size_t count;
    second.data = BYTES_NONE;
    second.ttl_ms = UINT64_MAX;
    buf_init(&out, 1000);
    peer_message_encode(&out, &example);
    peer_message_encode(&out, &second);
    rest = buf_bytes(&out);
    ck_assert_int_eq(peer_batch_check(rest, &count), OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(peer_message_decode(&rest, &read), OK);
    ck_message_eq(&read, &example);
    ck_assert_int_eq(peer_message_decode(&rest, &read), OK);
    ck_message_eq(&read, &second);
    ck_assert_uint_eq(rest.len, 0);
    buf_fini(&out);
}
END_TEST

/* An empty body is a batch of none. */
START_TEST(nothing_is_a_batch)
{
    size_t count = 7;
    ck_assert_int_eq(peer_batch_check(BYTES_NONE, &count), OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

/* Cut at any place but between messages, the whole batch is broken. */
START_TEST(cut_batches_are_refused)
{
    struct buf out;
    size_t count, one;
    buf_init(&out, 1000);
    peer_message_encode(&out, &example);
    one = out.len;
    peer_message_encode(&out, &example);
    for (size_t len = 1; len < out.len; len++) {
        /* a copy of exactly that size, so that the address sanitizer sees a byte too far */
        uint8_t *copy = xmalloc(len);
        memcpy(copy, out.data, len);
        ck_assert_int_eq(peer_batch_check((struct bytes){copy, len}, &count), len == one ? OK : ERR_FORMAT);
        free(copy);
    }
    buf_fini(&out);
}
END_TEST

/* Lengths that lie: of the hash (at 66), of the data (at 202), of the nonce (at 234). */
START_TEST(lying_lengths_are_refused)
{
    static const size_t places[] = {66, 202, 234};
    static const uint64_t lies[] = {0, 1, 127, 129, 1000, UINT64_C(1) << 32, UINT64_MAX, UINT64_MAX - 7};
    struct buf out;
    size_t count;
    buf_init(&out, 1000);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        for (size_t j = 0; j < ARRAY_LEN(lies); j++) {
            buf_clear(&out);
            peer_message_encode(&out, &example);
            store_le64(out.data + places[i], lies[j]);
            ck_assert_int_eq(peer_batch_check(buf_bytes(&out), &count), ERR_FORMAT);
        }
    }
    buf_fini(&out);
}
END_TEST

static enum err check_one(const struct peer_message *message)
{
    struct buf out;
    size_t count;
    enum err err;
    buf_init(&out, 1000);
    peer_message_encode(&out, message);
    err = peer_batch_check(buf_bytes(&out), &count);
    buf_fini(&out);
    return err;
}

/* Key and hash in lower-case hex of their size, the nonce's 12 characters, data that JSON can carry: else no batch. */
START_TEST(fields_must_be_text_of_their_kind)
{
    char text[130];
    struct peer_message message = example;
    ck_assert_int_eq(check_one(&message), OK);

    memcpy(text, PUBKEY, 66);
    text[65] = 'F';
    message.pubkey = (struct bytes){(const uint8_t *)text, 66};
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);
    text[65] = 'g';
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);

    message = example;
    memcpy(text, HASH "00", 130);
    message.hash = (struct bytes){(const uint8_t *)text, 127};
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);
    message.hash.len = 130;
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);
    message.hash.len = 128;
    ck_assert_int_eq(check_one(&message), OK);
    text[0] = 'A';
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);

    message = example;
    message.nonce.len = 11;
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);

    message = example;
    message.data = BYTES_LIT("\xff\xfe");
    ck_assert_int_eq(check_one(&message), ERR_FORMAT);
    message.data = BYTES_LIT("Gr\xc3\xbc\xc3\x9f\x65");
    ck_assert_int_eq(check_one(&message), OK);
}
END_TEST

/* A full buffer says so and holds no half of a number. */
START_TEST(a_full_buffer_says_so)
{
    struct buf out;
    buf_init(&out, PEER_MESSAGE_OVERHEAD + 7);
    peer_message_encode(&out, &example);
    ck_assert_int_eq(out.err, ERR_TOO_BIG);
    buf_fini(&out);
}
END_TEST

/* Parts: kind, length, content; whatever is cut short is broken. */
START_TEST(parts_make_the_round_trip)
{
    static const char expected[] = "\x01\0\0\0\x05"
                                   "hello\x07\0\0\0\0";
    struct peer_part part;
    struct bytes rest;
    struct buf out;

    buf_init(&out, 1000);
    peer_part_encode(&out, PEER_PART_REVOKED, BYTES_LIT("hello"));
    peer_part_encode(&out, 7, BYTES_NONE);
    rest = buf_bytes(&out);
    ck_assert(bytes_equal(rest, BYTES_LIT(expected)));
    ck_assert_int_eq(peer_parts_check(rest), OK);
    ck_assert_int_eq(peer_part_decode(&rest, &part), OK);
    ck_assert_uint_eq(part.kind, PEER_PART_REVOKED);
    ck_assert(bytes_equal_text(part.content, "hello"));
    ck_assert_int_eq(peer_part_decode(&rest, &part), OK);
    ck_assert_uint_eq(part.kind, 7);
    ck_assert_uint_eq(rest.len, 0);
    for (size_t len = 1; len < out.len; len++)
        if (len != PEER_PART_OVERHEAD + 5)
            ck_assert_int_eq(peer_parts_check(bytes_slice(buf_bytes(&out), 0, len)), ERR_FORMAT);
    out.data[1] = 0xff; /* a length past everything */
    ck_assert_int_eq(peer_parts_check(buf_bytes(&out)), ERR_FORMAT);
    buf_fini(&out);
}
END_TEST

TEST_MAIN("peer_rpc", parts_make_the_round_trip,
          layout_is_as_deployed, batches_make_the_round_trip, nothing_is_a_batch, cut_batches_are_refused,
          lying_lengths_are_refused, fields_must_be_text_of_their_kind, a_full_buffer_says_so)
