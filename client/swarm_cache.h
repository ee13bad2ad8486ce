/* swarm_cache.h: learned swarms: account -> nodes, kept until they prove wrong.
 *
 * No time limit. A list is replaced by a 421 answer, loses nodes that do not answer or are gone, and is too short to
 * use below LIMIT_SWARM_MIN: then it is asked for again (swarm_lookup.h). Nodes need not be in the pool: what a swarm's
 * answer lists can be asked. At most LIMIT_CONTACT_SWARMS accounts; the least recently used goes. Source:
 * PROTOCOL 7.2, 2.7. */
#ifndef SWARMBED_SWARM_CACHE_H
#define SWARMBED_SWARM_CACHE_H

#include "proto/storage_rpc.h"
#include "common/limits.h"
#include "common/trace.h"

struct client;

void swarm_cache_free(struct client *client);
/* The cached nodes, valid until the next change; none: NULL and *count 0. Counts as a use. */
const struct rpc_snode *swarm_cache_get(struct client *client, const struct account_id *account, uint32_t *count);
/* The same without being a use. */
const struct rpc_snode *swarm_cache_peek(const struct client *client, const struct account_id *account,
                                         uint32_t *count);
/* Replaces what is known. Entries with one key twice count once; the count of different ones is returned; none: nothing
 * is changed. */
uint32_t swarm_cache_put(struct client *client, const struct account_id *account, const struct rpc_snode nodes[],
                         size_t count, enum trace_cause cause);
void swarm_cache_remove(struct client *client, const struct account_id *account, const struct ed25519_public *key,
                        enum trace_cause cause);
/* Out of every swarm. */
void swarm_cache_forget(struct client *client, const struct ed25519_public *key, enum trace_cause cause);

enum wrong_swarm {
    SWARM_REPLACED, /* the list is the answer's now */
    SWARM_KNOWN,    /* the node is in the cached list no more: an earlier answer has replaced it already */
    SWARM_DOUBTED   /* the answer is empty, or what we had: the node was removed; ask another random node, once */
};
/* `answering` said 421 with that body. */
enum wrong_swarm swarm_cache_wrong(struct client *client, const struct account_id *account,
                                   const struct ed25519_public *answering, struct bytes body);

/* Nodes of one swarm in a random order, to be tried one after another: three random ones are the first three. */
struct node_queue {
    struct rpc_snode *nodes; /* owned */
    uint32_t count, next;
};
/* Anew from the cache, without the nodes in `skip`. */
void node_queue_fill(struct node_queue *queue, struct client *client, const struct account_id *account,
                     const struct ed25519_public skip[], size_t skip_count);
bool node_queue_take(struct node_queue *queue, struct rpc_snode *node); /* false: used up */
void node_queue_fini(struct node_queue *queue);

#endif
