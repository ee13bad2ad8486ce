#include "sim/digest.h"

#include <string.h>

#include "common/suite.h"

/* Any fixed key will do: two runs are compared, nobody is fooled. */
static const uint8_t digest_key[16] = "swarmbed digest";

/* Longer records are folded a piece at a time: what was hashed so far stands in front of the next piece. */
#define PIECE_BYTES 256
struct writer {
    size_t len;
    uint8_t piece[PIECE_BYTES];
};

static void piece_close(struct writer *writer)
{
    uint64_t hash = hash_sip(digest_key, (struct bytes){writer->piece, writer->len});

    store_le64(writer->piece, hash);
    writer->len = sizeof(hash);
}

static inline void put_u64(struct writer *writer, uint64_t number)
{
    if (writer->len + sizeof(number) > PIECE_BYTES)
        piece_close(writer);
    store_le64(writer->piece + writer->len, number);
    writer->len += sizeof(number);
}

/* With the length in front, so that no two records are the same bytes. */
static void put_bytes(struct writer *writer, struct bytes bytes)
{
    put_u64(writer, bytes.len);
    while (bytes.len > 0) {
        size_t room = PIECE_BYTES - writer->len;
        size_t len = bytes.len < room ? bytes.len : room;

        if (room == 0) {
            piece_close(writer);
            continue;
        }
        memcpy(writer->piece + writer->len, bytes.data, len);
        writer->len += len;
        bytes.data += len;
        bytes.len -= len;
    }
}

static void put_message(struct writer *writer, const struct message *message)
{
    put_u64(writer, (uint64_t)message->verb << 32 | (uint64_t)message->content << 16 | message->status);
    put_bytes(writer, message->path);
    put_u64(writer, message->header_count);
    for (size_t i = 0; i < message->header_count; i++) {
        put_bytes(writer, message->headers[i].name);
        put_bytes(writer, message->headers[i].value);
    }
    put_u64(writer, message->body == NULL ? 0 : blob_digest(message->body));
}

uint64_t digest_fold(uint64_t digest, int64_t at_us, uint64_t index, const struct trace_record *record,
                     const struct message *message)
{
    struct writer writer;

    writer.len = 0;
    put_u64(&writer, digest);
    put_u64(&writer, (uint64_t)at_us);
    put_u64(&writer, index);
    put_u64(&writer, record->kind);
    for (size_t i = 0; i < ARRAY_LEN(record->n); i++)
        put_u64(&writer, record->n[i]);
    for (size_t i = 0; i < ARRAY_LEN(record->b); i++)
        put_bytes(&writer, record->b[i]);
    if (message != NULL)
        put_message(&writer, message);
    return hash_sip(digest_key, (struct bytes){writer.piece, writer.len});
}

uint64_t digest_join(uint64_t digest, uint64_t next)
{
    uint8_t pair[16];

    store_le64(pair, digest);
    store_le64(pair + 8, next);
    return hash_sip(digest_key, BYTES_OF(pair));
}
