/* methods.h: the storage RPC of clients: the era's store, retrieve and get_snodes_for_pubkey, listen and deliver; and
 * which calls are today's, whose methods are node/modern.h.
 *
 * One table: method name -> handler. The checks come in the documented order and the first failure answers
 * (PROTOCOL 3.5, 3.6, 3.7, 9.1, 10.1). The same for a direct request and for one out of an onion: where the answer goes is
 * rpc_reply.h. Readiness and rate limits are asked before, by node/snode.c or node/relay.c. */
#ifndef SWARMBED_METHODS_H
#define SWARMBED_METHODS_H

#include "common/list.h"
#include "node/difficulty.h"
#include "node/listen.h"
#include "node/long_poll.h"
#include "node/membership.h"
#include "node/replicate.h"
#include "node/rpc_reply.h"
#include "node/store.h"

/* The parts of the node that methods work on; they live as long as this. */
struct methods {
    struct env *env;
    const struct crypto_suite *suite;
    struct body_pool *bodies;
    const struct membership_view *view;
    const struct difficulty *difficulty;
    struct store *store;
    struct long_poll *long_poll;
    struct replicate *replicate;
    struct listen *listen;
    const struct snode_keys *keys;
    enum spoken spoken;
    struct list holders; /* calls that hold others: for holder.c */
    uint32_t holder_count;
    struct list recursives; /* calls that wait for other members: for recursive.c */
    uint32_t recursive_count;
    size_t held_bytes; /* of answers that wait in both of them */
    struct list stores; /* struct waiting_store: those that wait for the disk */
    uint32_t store_count;
};

/* Where a store was refused: the number in TRACE_STORE_REFUSED. The first eight are the steps of PROTOCOL 3.5; a store
 * of today is refused at some of them, and for its signature. */
enum store_step {
    STEP_FIELDS = 1,
    STEP_PUBKEY,
    STEP_DATA,
    STEP_SWARM,
    STEP_TTL,
    STEP_TIMESTAMP,
    STEP_PROOF,
    STEP_READY,
    STEP_FULL, /* a bound of the node is reached: 503 */
    STEP_DISK, /* the disk failed: 500 */
    STEP_SIGNATURE
};

/*   account  33 bytes, or none if it is not known */
void methods_trace_refused(struct env *env, uint16_t status, enum store_step step, struct bytes account);

/* Fill in the parts before; this prepares the rest. */
void methods_init(struct methods *methods);
void methods_fini(struct methods *methods); /* never touches the env */
/* Executes what came as the body of POST /storage_rpc/v1; `reply` is answered now or later.
 *   hold_ms  how long a retrieve that finds nothing may be held; 0: not at all */
void methods_execute(struct methods *methods, struct bytes body, uint32_t hold_ms, const struct rpc_reply *reply);

#endif
