/* swarm.h: pubkey -> swarm space -> the swarm that holds it; and one block's membership, as all see it.
 *
 * A `struct membership` is immutable once published: the nodes of one block in ascending order of their ed25519 keys, and
 * the swarms by id. The world makes one per block that changes something; nodes and clients point into it. The rule that
 * makes swarms out of nodes is sim/chain. Source: PROTOCOL 2. Vectors: swarm_space.json. */
#ifndef SWARMBED_SWARM_H
#define SWARMBED_SWARM_H

#include "common/keys.h"

#define SWARM_NONE UINT64_MAX       /* not yet assigned, or decommissioned */
#define SWARM_ID_MAX (UINT64_MAX - 1)

struct address {
    uint32_t ip;   /* 127.0.0.1 is 0x7f000001 */
    uint16_t port;
};

/* "127.1.1.7:22021" and a zero. */
#define ADDRESS_TEXT_MAX 24
void address_text(struct address address, char out[ADDRESS_TEXT_MAX]);
void ip_text(uint32_t ip, char out[ADDRESS_TEXT_MAX]);
MUST_CHECK enum err ip_from_text(struct bytes text, uint32_t *out); /* dotted decimal, four parts */
bool address_equal(struct address a, struct address b);

struct snode_entry {
    struct ed25519_public ed25519;
    struct x25519_public x25519;
    uint8_t legacy[32];        /* the service node key; its base32z is the `.snode` name */
    struct address address;
    uint64_t swarm_id;         /* SWARM_NONE: decommissioned: known, in no swarm */
    uint32_t host;             /* nodes with one number share a machine */
    uint64_t unlock_height;    /* requested_unlock_height; 0: none */
};

struct swarm_entry {
    uint64_t id;
    uint32_t first, count;     /* into membership.members */
};

struct membership {
    uint64_t height;
    uint8_t block_hash[32];
    const struct snode_entry *nodes;    /* ascending ed25519 */
    uint32_t node_count;
    const struct swarm_entry *swarms;   /* ascending id, without SWARM_NONE */
    uint32_t swarm_count;
    const uint32_t *members;            /* indices into nodes, by swarm, then ascending key */
};

/* PROTOCOL 2.1: exclusive or of the four big-endian words of the key; the prefix does not take part. */
uint64_t swarm_space(const struct account_id *account);
/* PROTOCOL 2.2: the nearest id on the ring; a tie goes left. `ids` ascending; SWARM_NONE if count is 0. */
uint64_t swarm_choose(const uint64_t ids[], size_t count, uint64_t position);
/* The same on a membership; NULL: there is no swarm. */
const struct swarm_entry *swarm_of(const struct membership *membership, const struct account_id *account);
const struct swarm_entry *swarm_by_id(const struct membership *membership, uint64_t id); /* NULL: none */
/* By binary search; NULL: not listed. */
const struct snode_entry *snode_by_key(const struct membership *membership, const struct ed25519_public *key);
const struct snode_entry *swarm_member(const struct membership *membership, const struct swarm_entry *swarm, uint32_t i);

#endif
