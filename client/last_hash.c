#include "client/last_hash.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

struct last_hash {
    struct ed25519_public node;
    uint8_t hash[LAST_HASH_HEX_LEN / 2];
    int64_t expiration_ms;
};

static void remove_at(struct last_hashes *hashes, uint32_t i)
{
    hashes->count--;
    memmove(&hashes->items[i], &hashes->items[i + 1], (hashes->count - i) * sizeof hashes->items[0]);
}

static void drop_expired(struct last_hashes *hashes, int64_t now_ms)
{
    for (uint32_t i = hashes->count; i-- > 0;)
        if (hashes->items[i].expiration_ms < now_ms)
            remove_at(hashes, i);
}

static uint32_t find(const struct last_hashes *hashes, const struct ed25519_public *node)
{
    for (uint32_t i = 0; i < hashes->count; i++)
        if (memcmp(&hashes->items[i].node, node, sizeof *node) == 0)
            return i;
    return UINT32_MAX;
}

size_t last_hash_get(struct last_hashes *hashes, const struct ed25519_public *node, int64_t now_ms,
                     char out[LAST_HASH_HEX_LEN])
{
    drop_expired(hashes, now_ms);
    uint32_t i = find(hashes, node);
    if (i == UINT32_MAX)
        return 0;
    hex_encode(out, BYTES_OF(hashes->items[i].hash));
    return LAST_HASH_HEX_LEN;
}

void last_hash_put(struct last_hashes *hashes, const struct ed25519_public *node, int64_t now_ms, struct bytes hash,
                   int64_t expiration_ms)
{
    struct last_hash item = {.node = *node, .expiration_ms = expiration_ms};

    if (hex_decode(item.hash, sizeof item.hash, hash) != OK)
        return;
    drop_expired(hashes, now_ms);
    uint32_t i = find(hashes, node);
    if (i != UINT32_MAX)
        remove_at(hashes, i);
    if (hashes->count == LIMIT_LAST_HASHES)
        remove_at(hashes, 0);
    hashes->items = xrealloc(hashes->items, (hashes->count + 1) * sizeof hashes->items[0]);
    hashes->items[hashes->count++] = item;
}

#define ITEM_BYTES (sizeof(((struct last_hash *)0)->node.bytes) + LAST_HASH_HEX_LEN / 2 + 8)

void last_hashes_encode(const struct last_hashes *hashes, struct buf *out)
{
    for (uint32_t i = 0; i < hashes->count; i++) {
        const struct last_hash *item = &hashes->items[i];
        buf_append(out, BYTES_OF(item->node.bytes));
        buf_append(out, BYTES_OF(item->hash));
        store_le64(buf_space(out, 8), (uint64_t)item->expiration_ms);
    }
}

enum err last_hashes_decode(struct last_hashes *hashes, struct bytes wire)
{
    uint32_t count = (uint32_t)(wire.len / ITEM_BYTES);

    if (wire.len % ITEM_BYTES != 0 || wire.len / ITEM_BYTES > LIMIT_LAST_HASHES)
        return ERR_FORMAT;
    hashes->items = xrealloc(hashes->items, count * sizeof hashes->items[0]);
    hashes->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct last_hash *item = &hashes->items[i];
        const uint8_t *at = wire.data + i * ITEM_BYTES;
        memcpy(item->node.bytes, at, sizeof item->node.bytes);
        memcpy(item->hash, at + sizeof item->node.bytes, sizeof item->hash);
        item->expiration_ms = (int64_t)load_le64(at + ITEM_BYTES - 8);
    }
    return OK;
}

void last_hashes_fini(struct last_hashes *hashes)
{
    free(hashes->items);
    *hashes = (struct last_hashes){0};
}
