/* snode_pool.h: the nodes one client knows, and how they failed it.
 *
 * The list itself is shared by all clients of a shard (snode_list.h); here stand only the exceptions: nodes that
 * failed, and nodes dropped for it. A node is named by its index in the list, which holds until the list is replaced;
 * then all counters start anew. Source: PROTOCOL 7.1, 4.9. */
#ifndef SWARMBED_SNODE_POOL_H
#define SWARMBED_SNODE_POOL_H

#include "client/snode_list.h"
#include "common/env.h"

#define NODE_NONE UINT32_MAX

struct node_note {
    uint32_t node;
    uint16_t failures;
    bool dropped;
};

struct snode_pool {
    struct snode_list *list; /* kept; NULL: none yet */
    struct node_note *notes; /* ascending node */
    uint32_t note_count, note_cap;
    uint32_t dropped_count;
    uint32_t generation; /* one more with every replacement */
};

/* A zeroed pool is empty. */
void snode_pool_fini(struct snode_pool *pool);
/* Takes over the caller's keeping of the list. */
void snode_pool_replace(struct snode_pool *pool, struct snode_list *list);
const struct rpc_snode *snode_pool_node(const struct snode_pool *pool, uint32_t node);
/* NODE_NONE: not listed, or dropped. */
uint32_t snode_pool_find(const struct snode_pool *pool, const struct ed25519_public *key);
bool snode_pool_is_dropped(const struct snode_pool *pool, uint32_t node);
uint32_t snode_pool_usable(const struct snode_pool *pool);
/* One more failure. True: that was the `threshold`-th, and the node is dropped now. *failures is the new count. */
bool snode_pool_fail(struct snode_pool *pool, uint32_t node, uint32_t threshold, uint32_t *failures);
/* False: it was dropped before. */
bool snode_pool_drop(struct snode_pool *pool, uint32_t node);
/* A random usable node that is not in `skip`, each with the same chance; NODE_NONE: there is none. Entries of `skip`
 * may repeat, or be dropped nodes. */
uint32_t snode_pool_draw(const struct snode_pool *pool, struct env *env, const uint32_t skip[], size_t skip_count);

#endif
