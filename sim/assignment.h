/* assignment.h: which nodes form which swarm: the chain's algorithm, exact.
 *
 * Pure: the active nodes of a block and its seed in, swarm ids out. Membership with heights and states is sim/chain.h.
 * Equal sizes are ordered by id (the live network leaves that to an unstable sort above 16 swarms). Source:
 * PROTOCOL 2.4. Vectors: swarm_assignment.json. */
#ifndef SWARMBED_ASSIGNMENT_H
#define SWARMBED_ASSIGNMENT_H

#include "common/swarm.h"

/* PROTOCOL 2.3 */
#define SWARM_SIZE_MIN          5 /* a swarm strictly smaller starves */
#define SWARM_MARGIN            2 /* spare nodes wanted per swarm before another one is made */
#define SWARM_SIZE_NEW          7
#define EXCESS_BASE             5
#define FILL_PERCENTILE         25
#define STEAL_PERCENTILE        75
#define REDISTRIBUTE_PERCENTILE 0

struct assignment_node {
    struct ed25519_public key;
    uint64_t swarm_id; /* SWARM_NONE: not yet assigned */
};

/* The active nodes: ascending keys, no key twice. */
struct assignment {
    struct assignment_node *nodes; /* owned */
    uint32_t count, cap;
};

void assignment_init(struct assignment *assignment);
void assignment_fini(struct assignment *assignment);
/* Adds a node; `swarm_id` is SWARM_NONE but for a network that is copied from elsewhere. ERR_DUPLICATE. */
MUST_CHECK enum err assignment_join(struct assignment *assignment, const struct ed25519_public *key, uint64_t swarm_id);
/* ERR_NOT_FOUND. */
MUST_CHECK enum err assignment_leave(struct assignment *assignment, const struct ed25519_public *key);
const struct assignment_node *assignment_find(const struct assignment *assignment, const struct ed25519_public *key);

/* One run, as for a block with a change: assign, steal, create, dissolve.
 *   seed      the first 8 bytes of the block's hash, little-endian
 *   old_rule  new ids as until 2021-04 (see assignment_new_id) */
void assignment_run(struct assignment *assignment, uint64_t seed, bool old_rule);

/* Groups nodes by swarm: their indices by (swarm id, index) in `order`. How many are in a swarm; the others stand
 * behind. */
uint32_t assignment_order(const uint64_t swarm_ids[], uint32_t count, uint32_t order[]);

/* The id of a new swarm among the existing ones (ascending): the middle of the largest gap. `old_rule`: with exactly
 * one swarm always SWARM_ID_MAX / 2, even if that is its id. */
uint64_t assignment_new_id(const uint64_t ids[], size_t count, bool old_rule);

#endif
