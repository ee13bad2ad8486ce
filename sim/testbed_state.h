/* testbed_state.h: what the parts of the testbed share; private to sim/testbed*.c.
 *
 * testbed.c builds and frees the whole, testbed_news.c makes blocks and difficulties known, testbed_nodes.c and
 * testbed_users.c put nodes and users into their seats. */
#ifndef SWARMBED_TESTBED_STATE_H
#define SWARMBED_TESTBED_STATE_H

#include "sim/number_index.h"
#include "sim/testbed.h"

#define NODE_CPU_PERCENT   100
#define CLIENT_CPU_PERCENT 40

/* Streams of RNG_KEYS: a node's source is its number (with a snapshot: its index in the node table, so that the same
 * node has the same keys in all snapshots), or its number with LATE_NODE if it registers in a network from a snapshot.
 */
#define LATE_NODE UINT32_C(0x40000000)
#define CLIENT    UINT32_C(0x80000000)

struct node {
    struct testbed *testbed;
    struct snode_keys keys; /* the machine's, whenever there is one */
    struct address address;
    uint32_t number, host, shard, seat;
    uint32_t key_source; /* of its RNG_KEYS stream */
};

struct user {
    uint32_t seat;
    uint32_t name_at; /* in `names` */
    struct account_id account;
};
#define USERS_PER_PAGE 256

/* What a node is told of a block. It outlives its membership: of a node that restarts, an input from before the crash
 * may come after the newer membership it started with, and after the older one is released. */
struct block {
    struct block *next; /* the one before it */
    uint64_t height;
    const struct membership *membership;
};

struct testbed {
    struct testbed_config config; /* the presets are those that nodes and clients point to */
    struct world *world;
    const struct rng_key *key;
    struct chain *chain;
    struct block *newest;
    bool chain_changed;                                     /* something waits for the next block */
    bool block_planned;                                     /* a control event will make it */
    struct pow_record difficulty[LIMIT_DIFFICULTY_RECORDS]; /* as published now */
    uint32_t difficulty_count;
    uint64_t difficulties_published;
    struct node **nodes;
    uint32_t node_count, node_cap;
    struct number_index nodes_by_key;
    uint32_t *host_nodes; /* by host: how many nodes it has */
    uint32_t host_count;
    struct user **user_pages; /* users never move: pages of USERS_PER_PAGE */
    uint32_t user_count;
    struct buf names; /* of users, each with its end */
    struct number_index users_by_account;
    uint32_t seed_seat;
};

/* testbed_news.c */
void testbed_publish_difficulty(struct testbed *testbed, int64_t from_ms, uint64_t difficulty);
/* Makes the next block, and tells nobody yet. False: nothing has changed. */
bool testbed_make_block(struct testbed *testbed);
/* A callback of the seed's machine, with the testbed as owner: the newest block. */
void testbed_inform_seed(void *machine, void *owner);
/* There is going to be a block at the next block time. */
void testbed_plan_block(struct testbed *testbed);
/* What a block is needed for has been given to the chain. */
void testbed_chain_changed(struct testbed *testbed);

/* testbed_nodes.c */
/* All nodes that the configuration asks for: on the chain, without seats. */
void testbed_register_first(struct testbed *testbed);
/* Seats and machines for them, by the swarms of the newest block. */
void testbed_seat_first(struct testbed *testbed);

/* The keys of the indices; the owner is the testbed. */
struct bytes testbed_node_key(const void *owner, uint32_t number);
struct bytes testbed_user_key(const void *owner, uint32_t number);

#endif
