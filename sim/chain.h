/* chain.h: virtual blocks: joins, exits, decommissions, and the assignment of nodes to swarms.
 *
 * Pure: nodes and block hashes in, memberships out; when blocks come is sim/testbed.c. The algorithm itself
 * (assign, steal, create, dissolve) is sim/assignment.c. Source: PROTOCOL 2. */
#ifndef SWARMBED_CHAIN_H
#define SWARMBED_CHAIN_H

#include "common/rng.h"
#include "common/swarm.h"

/* Real membership at one height: swarm ids and hosts as published; keys of our own. See sim/data/README.md. */
struct chain_snapshot {
    uint64_t height;
    const char *date; /* "2026-04-08" */
    uint32_t node_count;
    const uint32_t *node; /* index into the data's node table: the same node keeps it over snapshots */
    const uint64_t *swarm_id;
    const uint32_t *host;
};

struct chain_node {
    struct ed25519_public ed25519;
    struct x25519_public x25519;
    uint8_t legacy[32];
    struct address address;
    uint32_t host;
};

struct chain;
/* An empty chain at `height`. `old_new_swarm_id`: the rule of before 2021-04. Block hashes come from the key. */
struct chain *chain_new(const struct rng_key *key, uint64_t height, bool old_new_swarm_id);
void chain_free(struct chain *chain);
/* These take effect with the next block. ERR_DUPLICATE: registered already, or already in that state; ERR_NOT_FOUND. A
 * node may be placed into a given swarm only before the first block (snapshots); placed nodes alone start no
 * assignment. */
MUST_CHECK enum err chain_register(struct chain *chain, const struct chain_node *node);
MUST_CHECK enum err chain_register_placed(struct chain *chain, const struct chain_node *node, uint64_t swarm_id);
MUST_CHECK enum err chain_exit(struct chain *chain, const struct ed25519_public *key);
MUST_CHECK enum err chain_decommission(struct chain *chain, const struct ed25519_public *key);
MUST_CHECK enum err chain_recommission(struct chain *chain, const struct ed25519_public *key);
/* Makes the next block. The new membership if anything changed, else NULL (the last one stands). The chain owns
 * memberships and keeps them until chain_release. */
const struct membership *chain_block(struct chain *chain);
uint64_t chain_height(const struct chain *chain);
const struct membership *chain_membership(const struct chain *chain); /* the newest; NULL before the first block */
/* Nobody looks at memberships below that height any more: their memory may go. The newest always stays. */
void chain_release(struct chain *chain, uint64_t below_height);

#endif
