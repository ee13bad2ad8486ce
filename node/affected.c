#include "node/affected.h"

#include <string.h>

void affected_init(struct affected *affected)
{
    buf_init(&affected->list, SIZE_MAX);
}

void affected_fini(struct affected *affected)
{
    buf_fini(&affected->list);
}

void affected_add(struct affected *affected, int16_t namespace, const char hash[MESSAGE_HASH_CHARS], int64_t expiry_ms)
{
    struct modern_affected item;

    memset(&item, 0, sizeof(item));
    item.namespace = namespace;
    item.expiry_ms = expiry_ms;
    item.turn = (uint32_t)(affected->list.len / sizeof(item));
    memcpy(item.hash, hash, sizeof(item.hash));
    buf_append(&affected->list, (struct bytes){(const uint8_t *)&item, sizeof(item)});
}

void affected_on_changed(void *owner, int16_t namespace, const char hash[MESSAGE_HASH_CHARS])
{
    affected_add(owner, namespace, hash, 0);
}

const struct modern_affected *affected_sorted(struct affected *affected, size_t *count)
{
    struct modern_affected *list = (struct modern_affected *)(void *)affected->list.data;
    size_t len = affected->list.len / sizeof(list[0]), kept = 0;

    modern_affected_sort(list, len);
    for (size_t i = 0; i < len; i++)
        if (kept == 0 || memcmp(list[kept - 1].hash, list[i].hash, sizeof(list[i].hash)) != 0)
            list[kept++] = list[i];
    affected->list.len = kept * sizeof(list[0]);
    *count = kept;
    return list;
}
