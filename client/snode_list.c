#include "client/snode_list.h"

#include <stdlib.h>
#include <string.h>

static struct bytes digest_bytes(const uint64_t *digest)
{
    return (struct bytes){(const uint8_t *)digest, sizeof *digest};
}

static struct bytes list_key(const void *value)
{
    const struct snode_list *list = value;
    return digest_bytes(&list->digest);
}

void snode_list_cache_init(struct snode_list_cache *cache)
{
    table_init(&cache->lists, list_key, 0);
}

void snode_list_cache_fini(struct snode_list_cache *cache)
{
    ASSERT(cache->lists.count == 0);
    table_fini(&cache->lists);
}

/* A total order, so that the result does not depend on how qsort treats equals: of two entries with one key the same is
 * kept on every machine. */
static int compare_nodes(const void *va, const void *vb)
{
    const struct rpc_snode *a = va, *b = vb;
    int order = memcmp(&a->ed25519, &b->ed25519, sizeof a->ed25519);
    if (order == 0)
        order = memcmp(&a->x25519, &b->x25519, sizeof a->x25519);
    if (order == 0)
        order = (a->address.ip > b->address.ip) - (a->address.ip < b->address.ip);
    if (order == 0)
        order = (a->address.port > b->address.port) - (a->address.port < b->address.port);
    return order;
}

static uint32_t sort_unique(struct rpc_snode *nodes, size_t count)
{
    uint32_t kept = 0;
    qsort(nodes, count, sizeof *nodes, compare_nodes);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || memcmp(&nodes[kept - 1].ed25519, &nodes[i].ed25519, sizeof nodes[i].ed25519) != 0)
            nodes[kept++] = nodes[i];
    return kept;
}

enum err snode_list_get(struct snode_list_cache *cache, struct blob *text, struct snode_list **out)
{
    uint64_t digest = blob_digest(text);
    struct snode_list *known = table_get(&cache->lists, digest_bytes(&digest));
    if (known != NULL && bytes_equal(blob_bytes(known->text), blob_bytes(text))) {
        *out = snode_list_keep(known);
        return OK;
    }

    struct rpc_snode *nodes;
    size_t count;
    uint64_t height;
    enum err err = rpc_node_list_decode(blob_bytes(text), &nodes, &count, &height);
    if (err != OK)
        return ERR_FORMAT;
    if (count == 0) {
        free(nodes);
        return ERR_MISSING;
    }
    struct snode_list *list = xcalloc(1, sizeof *list);
    list->keepers = 1;
    list->count = sort_unique(nodes, count);
    list->height = height;
    list->digest = digest;
    list->text = blob_keep(text);
    list->nodes = nodes;
    if (known ==
        NULL) { /* otherwise another text has that digest, whose key is no secret: then this one is not shared */
        list->cache = cache;
        table_put(&cache->lists, list);
    }
    *out = list;
    return OK;
}

struct snode_list *snode_list_keep(struct snode_list *list)
{
    list->keepers++;
    return list;
}

void snode_list_drop(struct snode_list *list)
{
    if (list == NULL || --list->keepers > 0)
        return;
    if (list->cache != NULL)
        table_remove(&list->cache->lists, digest_bytes(&list->digest));
    blob_drop(list->text);
    free(list->nodes);
    free(list);
}

uint32_t snode_list_find(const struct snode_list *list, const struct ed25519_public *key)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(&list->nodes[middle].ed25519, key, sizeof *key);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return UINT32_MAX;
}
