/* snode_list.h: a parsed node list, shared by all clients of a shard that were given the same bytes.
 *
 * The seed answers every client with the same text until the membership changes, so the list is parsed once per shard and
 * kept by count. What one client learns about nodes (failures, removals) is its own (snode_pool.h). */
#ifndef SWARMBED_SNODE_LIST_H
#define SWARMBED_SNODE_LIST_H

#include "common/blob.h"
#include "common/table.h"
#include "proto/storage_rpc.h"

struct snode_list {
    uint32_t keepers;
    uint32_t count;
    uint64_t height;
    uint64_t digest;              /* of the text */
    struct blob *text;            /* to compare on a lookup */
    struct snode_list_cache *cache;
    struct rpc_snode *nodes;      /* ascending ed25519 key */
};

struct snode_list_cache {
    struct table lists;
};

void snode_list_cache_init(struct snode_list_cache *cache);
void snode_list_cache_fini(struct snode_list_cache *cache); /* ASSERTs that it is empty */
/* Parses or finds; kept once more for the caller. ERR_FORMAT; ERR_MISSING: no usable node in it. */
MUST_CHECK enum err snode_list_get(struct snode_list_cache *cache, struct blob *text, struct snode_list **list);
struct snode_list *snode_list_keep(struct snode_list *list);
void snode_list_drop(struct snode_list *list);
/* Index of the node with that key, or UINT32_MAX. */
uint32_t snode_list_find(const struct snode_list *list, const struct ed25519_public *key);

#endif
