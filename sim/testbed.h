/* testbed.h: the network under test: chain, seed, service nodes and users, in the world's seats.
 *
 * Builds what a scenario asks for, and does to it what a scenario wants: kill, restart, register, exit. What it reads
 * out (who holds what) is for stories and expectations; nothing of it reaches a node or a client. */
#ifndef SWARMBED_TESTBED_H
#define SWARMBED_TESTBED_H

#include "client/client.h"
#include "node/snode.h"
#include "sim/chain.h"
#include "sim/disk_log.h"
#include "sim/world.h"

struct testbed_config {
    struct world_config world;
    const struct crypto_suite *suite;
    uint32_t nodes;                        /* registered from the start by the algorithm; 0 with a snapshot */
    uint32_t nodes_per_host;               /* 1 */
    uint16_t node_port;                    /* of a host's first node, the others count on from there: 22021 */
    const struct chain_snapshot *snapshot; /* real membership; NULL: by the algorithm */
    bool chain_runs;                       /* blocks every block_ms; else only when something registers or leaves */
    uint32_t block_ms;                     /* 120,000 */
    uint32_t block_delay_ms_max;           /* a node learns of a block after 0 .. this: 3,000 */
    uint64_t difficulty;                   /* published from the start: 1 */
    uint32_t difficulty_delay_ms_max;      /* a node reads the record within this: 600,000 */
    struct snode_preset snode;             /* suite is filled in */
    struct client_preset client; /* suite and seed are filled in; trials_per_s too if it is 0: by the cost table */
    const struct disk_source *disks; /* what nodes' disks begin with; NULL: nothing */
    bool old_new_swarm_id;       /* the rule for new swarm ids of before 2021-04: false */
};
void testbed_config_default(struct testbed_config *config);

struct testbed;
/* Nodes run, have read the first block and are ready. `config` is read now; the snapshot must live as long. With
 * world.network NULL: the default network. */
struct testbed *testbed_new(const struct testbed_config *config);
void testbed_free(struct testbed *testbed);
struct world *testbed_world(struct testbed *testbed);
struct chain *testbed_chain(struct testbed *testbed);
const struct crypto_suite *testbed_suite(const struct testbed *testbed);

/* Nodes are numbered 0, 1, ... in the order of registration (or of the snapshot). */
uint32_t testbed_node_count(const struct testbed *testbed);         /* ever registered */
struct snode *testbed_node(struct testbed *testbed, uint32_t node); /* NULL: killed */
uint32_t testbed_node_seat(const struct testbed *testbed, uint32_t node);
const struct snode_keys *testbed_node_keys(const struct testbed *testbed, uint32_t node);
uint32_t testbed_node_by_key(const struct testbed *testbed, const struct ed25519_public *key); /* UINT32_MAX */
void testbed_kill(struct testbed *testbed, uint32_t node);
void testbed_restart(struct testbed *testbed, uint32_t node); /* with its disk */
/* The node with that disk dies, if it runs, and its disk has that record instead of a later one; an empty value: none. `node`
 * becomes its number. ERR_NOT_FOUND: there is no such disk. */
MUST_CHECK enum err testbed_undo(struct testbed *testbed, const struct disk_log_record *record, uint32_t *node);
/* A new node, at testbed_next_host(); in a swarm from the next block on. Its host must have a port left. */
uint32_t testbed_register(struct testbed *testbed);
uint32_t testbed_next_host(const struct testbed *testbed);
bool testbed_host_has_port(const struct testbed *testbed, uint32_t host); /* for one more node */
/* The same for a node that a later snapshot has and the first one has not: its index in the node table, and its host.
 * ASSERTs that it is new. */
uint32_t testbed_register_known(struct testbed *testbed, uint32_t identity, uint32_t host);
#define TESTBED_HOST_MAX 1000000
/* Whether the world began with a snapshot, and a node table can have that index. */
bool testbed_has_arrivals(const struct testbed *testbed, uint32_t identity);
/* Whether the node of that index in the node table was ever registered. */
bool testbed_knows(const struct testbed *testbed, uint32_t identity);
void testbed_exit(struct testbed *testbed, uint32_t node); /* leaves the chain at the next block; the machine goes on */
void testbed_decommission(struct testbed *testbed, uint32_t node);
void testbed_recommission(struct testbed *testbed, uint32_t node);
void testbed_block(struct testbed *testbed); /* a block now */
void testbed_set_difficulty(struct testbed *testbed,
                            uint64_t difficulty); /* published now; nodes read it each after its delay */

/* Users are numbered 0, 1, ... */
uint32_t testbed_add_client(struct testbed *testbed, const char *name);
uint32_t testbed_client_count(const struct testbed *testbed);
struct client *testbed_client(struct testbed *testbed, uint32_t client); /* NULL: killed */
const struct account_id *testbed_client_account(const struct testbed *testbed, uint32_t client);
void testbed_client_kill(struct testbed *testbed, uint32_t client);
void testbed_client_restart(struct testbed *testbed, uint32_t client); /* with its disk */
uint32_t testbed_client_seat(const struct testbed *testbed, uint32_t client);
const char *testbed_client_name(const struct testbed *testbed, uint32_t client); /* valid until another one is added */
uint32_t testbed_client_by_account(const struct testbed *testbed, const struct account_id *account); /* UINT32_MAX */

/* Nodes (numbers) that hold a message now, and the swarm that serves an account now by the chain's newest block. */
size_t testbed_holders(struct testbed *testbed, const uint8_t hash[64], uint32_t out[], size_t max);
size_t testbed_swarm_nodes(struct testbed *testbed, const struct account_id *account, uint32_t out[], size_t max);

#endif
