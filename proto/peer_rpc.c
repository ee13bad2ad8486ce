#include "proto/peer_rpc.h"

#include <assert.h>

#include "common/keys.h"
#include "common/pow.h"
#include "common/text.h"

#define HASH_HEX_LEN (2 * POW_HASH_BYTES)
#define NONCE_CHARS  BASE64_LEN(POW_NONCE_BYTES)

static_assert(PEER_MESSAGE_OVERHEAD == ACCOUNT_HEX_LEN + 5 * 8 + HASH_HEX_LEN + NONCE_CHARS, "PROTOCOL 3.8");

static void put_u64(struct buf *out, uint64_t value)
{
    uint8_t *space = buf_space(out, 8);
    if (space != NULL)
        store_le64(space, value);
}

static void put_counted(struct buf *out, struct bytes text)
{
    put_u64(out, text.len);
    buf_append(out, text);
}

void peer_message_encode(struct buf *out, const struct peer_message *message)
{
    buf_append(out, message->pubkey);
    put_counted(out, message->hash);
    put_counted(out, message->data);
    put_u64(out, message->ttl_ms);
    put_u64(out, message->timestamp_ms);
    put_counted(out, message->nonce);
}

static bool take(struct bytes *rest, size_t len, struct bytes *out)
{
    if (rest->len < len)
        return false;
    *out = bytes_slice(*rest, 0, len);
    *rest = bytes_slice(*rest, len, rest->len - len);
    return true;
}

static bool take_u64(struct bytes *rest, uint64_t *out)
{
    struct bytes raw;
    if (!take(rest, 8, &raw))
        return false;
    *out = load_le64(raw.data);
    return true;
}

static bool take_counted(struct bytes *rest, struct bytes *out)
{
    uint64_t len;
    return take_u64(rest, &len) && len <= rest->len && take(rest, (size_t)len, out);
}

enum err peer_message_decode(struct bytes *rest, struct peer_message *message)
{
    if (!take(rest, ACCOUNT_HEX_LEN, &message->pubkey) || !take_counted(rest, &message->hash) ||
        !take_counted(rest, &message->data) || !take_u64(rest, &message->ttl_ms) ||
        !take_u64(rest, &message->timestamp_ms) || !take_counted(rest, &message->nonce))
        return ERR_FORMAT;
    if (message->hash.len != HASH_HEX_LEN || message->nonce.len != NONCE_CHARS)
        return ERR_FORMAT;
    if (!hex_is_lower(message->pubkey) || !hex_is_lower(message->hash))
        return ERR_FORMAT;
    /* Data came out of a JSON string and goes back into one: other bytes would spoil a whole answer to retrieve. */
    return utf8_valid(message->data) ? OK : ERR_FORMAT;
}

enum err peer_batch_check(struct bytes batch, size_t *count)
{
    struct peer_message message;
    *count = 0;
    while (batch.len > 0) {
        enum err err = peer_message_decode(&batch, &message);
        if (err != OK)
            return err;
        ++*count;
    }
    return OK;
}

void peer_part_encode(struct buf *out, enum peer_part_kind kind, struct bytes content)
{
    uint8_t length[4];

    ASSERT(content.len <= UINT32_MAX);
    store_be32(length, (uint32_t)content.len);
    buf_byte(out, (uint8_t)kind);
    buf_append(out, BYTES_OF(length));
    buf_append(out, content);
}

enum err peer_part_decode(struct bytes *rest, struct peer_part *part)
{
    struct bytes head;
    size_t len;

    if (!take(rest, PEER_PART_OVERHEAD, &head))
        return ERR_FORMAT;
    part->kind = head.data[0];
    len = (size_t)head.data[1] << 24 | (size_t)head.data[2] << 16 | (size_t)head.data[3] << 8 | head.data[4];
    return take(rest, len, &part->content) ? OK : ERR_FORMAT;
}

enum err peer_parts_check(struct bytes batch)
{
    struct peer_part part;

    while (batch.len > 0) {
        enum err err = peer_part_decode(&batch, &part);

        if (err != OK)
            return err;
    }
    return OK;
}
