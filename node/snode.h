/* snode.h: one service node: owns its parts, routes what arrives.
 *
 * A pure state machine: all it knows comes through its env and the four entries below. Storage RPC, onion relaying,
 * replication, membership and expiry are files of their own beside this one. A crash is snode_free() without a word; a
 * restart is snode_new() and snode_start(), which reads the disk. Source: PROTOCOL 3, 4, 5. */
#ifndef SWARMBED_SNODE_H
#define SWARMBED_SNODE_H

#include "common/env.h"
#include "common/pow.h"
#include "common/suite.h"
#include "node/body_pool.h"

struct snode_keys {
    struct ed25519_public ed25519;
    struct ed25519_secret ed25519_secret;
    struct x25519_pair x25519; /* converted from the ed25519 pair */
};

/* Which storage RPC a node speaks (PROTOCOL 10.1). */
enum spoken { SPEAKS_BOTH, SPEAKS_ERA, SPEAKS_MODERN };
/* "both", "era", "modern". ERR_FORMAT: another text. */
MUST_CHECK enum err spoken_from_text(const char *text, enum spoken *out);

/* What all nodes of a world share; it outlives them. */
struct snode_preset {
    const struct crypto_suite *suite;
    uint64_t store_bytes_max;    /* per node */
    uint64_t difficulty_initial; /* before the first published record: 1 */
    uint32_t flush_ms;           /* relay buffer: LIMIT_FLUSH_MS */
    bool push_retries;           /* 2019: 8 retries; false: one attempt (2020) */
    bool bootstrap_only_owned;   /* a new member gets only what the swarm still owns; false: everything */
    bool rate_limit;             /* direct clients */
    bool loopback_unlimited;     /* but for those at 127.0.0.0/8: programs on the machine that serves the network */
    enum spoken spoken;
    bool server_relay_ok;        /* a relay to an outside server is answered 200 with an empty body; false: 502 */
};

struct snode_config {
    struct env *env;
    const struct snode_preset *preset;
    const struct snode_keys *keys; /* the world's; outlives the node */
    struct body_pool *bodies;      /* of the shard */
    struct address address;
};

struct snode;
struct snode *snode_new(const struct snode_config *config);
/* Reads the records back (disk_each); expired ones are dropped. The number of records kept. */
size_t snode_start(struct snode *snode);
void snode_free(struct snode *snode); /* never touches the env: after a crash it is gone already */

/* A request has arrived. */
void snode_on_request(struct snode *snode, struct incoming *incoming);
/* This node has learned of a block that changes the membership. `membership` stays valid until the next such call. The
 * first one makes the node ready, if it is in a swarm. */
void snode_on_membership(struct snode *snode, const struct membership *membership);
/* This node has read the published difficulty record: the whole history, ascending. */
void snode_on_difficulty(struct snode *snode, const struct pow_record records[], size_t count);

/* Reading, for scenarios and tests. */
struct snode_counts {
    uint64_t records, bytes;                            /* stored now, expired ones not counted once freed */
    uint64_t stored, duplicates, refused_full, expired; /* since the start */
    uint64_t onions_open, listeners, pushes_waiting_bytes;
    uint64_t pushes_given_up; /* since the start: batches that did not reach one node */
    uint64_t leases, listens_open, deliveries_waiting, deliveries_waiting_bytes; /* synchronous routing */
};
void snode_counts(const struct snode *snode, struct snode_counts *out);
/* Whether a message with that era hash (64 bytes) is held and not expired. */
bool snode_holds(const struct snode *snode, const uint8_t hash[64]);
/* Messages of an account that are held and not expired. */
size_t snode_held_for(const struct snode *snode, const struct account_id *account);
const struct membership *snode_membership(const struct snode *snode); /* NULL before the first */
uint64_t snode_swarm_id(const struct snode *snode);                   /* SWARM_NONE: in none */

#endif
