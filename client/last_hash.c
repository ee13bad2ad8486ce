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

void last_hashes_fini(struct last_hashes *hashes)
{
    free(hashes->items);
    *hashes = (struct last_hashes){0};
}
