/* fake_swarm.h: a network of nodes for one client under test: a seed, and nodes that peel onions and store messages.
 *
 * The nodes have no machines of their own: fake_swarm_run() looks at the client's open calls, walks each onion along
 * its path through the nodes, lets the target answer, and ends the call. How a node misbehaves is a switch of the test.
 * A node to which nobody's listen is open keeps what is delivered for its next one. Every request that reached its
 * target is in a log, a held one again when it is answered. Nodes are numbered in ascending order of their ed25519 keys. */
#ifndef SWARMBED_FAKE_SWARM_H
#define SWARMBED_FAKE_SWARM_H

#include "client/client.h"
#include "client/session.h"
#include "tests/support/fake_env.h"

#define FAKE_NODES_MAX 40
#define FAKE_LOG_MAX   4096

/* What becomes of a request that reaches a node. */
enum fake_mode {
    FAKE_GOOD,
    FAKE_REFUSES,   /* direct: refused; as the next hop: 504 */
    FAKE_SILENT,    /* direct: no answer; as the next hop: 504 */
    FAKE_GONE,      /* direct: refused; as the next hop: 502 `Next node not found` */
    FAKE_NOT_READY, /* 503 in clear */
    FAKE_GARBLES,   /* peels nothing: 400 `Invalid ciphertext` */
    FAKE_BABBLES,   /* as the target: 200 with an answer that nobody can open */
    FAKE_SLANDERS   /* as a relay: 502 that names the guard, which nobody had to find */
};

struct fake_stored {
    struct account_id account;
    char hash[129];
    char *data;
    int64_t expiration_ms;
};

struct fake_node {
    struct x25519_pair x25519;
    enum fake_mode mode;
    /* as the target, for the method of that name (NULL: all): this instead of the real answer, so many times */
    const char *forced_method;
    uint16_t forced_status;
    const char *forced_body;
    uint32_t forced_times;
    struct fake_stored *stored;
    size_t stored_count;
};

/* Somebody who listens, or did within 30 s. */
struct fake_listener {
    struct account_id account;
    uint32_t node;
    size_t call; /* the open one; SIZE_MAX: none */
    int64_t asked_ms, hold_ms;
    char **waiting; /* data to be handed over */
    size_t waiting_count;
};
#define FAKE_LISTENERS_MAX 32

/* One request at its target. */
struct fake_log {
    size_t call; /* index of the client's call */
    uint32_t target;
    uint32_t path[LIMIT_PATH_NODES]; /* UINT32_MAX: a direct request */
    char method[32];
    uint16_t status; /* answered */
    char pubkey[67];
    char last_hash[129];           /* of a retrieve */
    char nonce[16], timestamp[24]; /* of a store */
    uint64_t data_digest; /* of a store or a deliver */
    bool long_poll;
};

struct fake_swarm {
    struct fake_env fake;
    struct arena arena;
    struct client_preset preset;
    struct snode_list_cache lists;
    struct session_library *sessions;
    struct fake_listener listeners[FAKE_LISTENERS_MAX];
    size_t listener_count;
    struct fake_node nodes[FAKE_NODES_MAX];
    struct snode_entry entries[FAKE_NODES_MAX];
    struct swarm_entry swarms[FAKE_NODES_MAX];
    uint32_t members[FAKE_NODES_MAX];
    struct membership membership;
    bool seed_down;
    const char *seed_answer; /* instead of the list; NULL: the list */
    uint64_t difficulty;     /* that stores must meet */
    bool holds;              /* long polls without a message are held */
    bool strangers;          /* the client may know nodes that do not exist; else that is a mistake of ours */
    bool *held;              /* by index of the call */
    size_t held_cap;
    struct fake_log log[FAKE_LOG_MAX];
    size_t log_count;
    uint8_t nonces;
};

/* Node i is in swarm i % swarm_count. */
void fake_swarm_init(struct fake_swarm *net, uint32_t node_count, uint32_t swarm_count);
void fake_swarm_fini(struct fake_swarm *net);
/* Another distribution of the same nodes: node i is in swarm (i + shift) % swarm_count. */
void fake_swarm_assign(struct fake_swarm *net, uint32_t swarm_count, uint32_t shift);
struct client *fake_swarm_client(struct fake_swarm *net, uint8_t identity); /* the caller frees it */

/* Answers every call that is open, and those that follow, until all are answered or meant to wait. */
void fake_swarm_run(struct fake_swarm *net);
/* Answers the oldest call that is open and not held; false: there is none. */
bool fake_swarm_run_one(struct fake_swarm *net);
/* All of them, then time passes up to the next millisecond, so many times. */
void fake_swarm_run_ms(struct fake_swarm *net, int64_t ms);
/* Held long polls are answered now. */
void fake_swarm_release(struct fake_swarm *net);

bool fake_swarm_serves(const struct fake_swarm *net, uint32_t node, const struct account_id *account);
uint32_t fake_swarm_by_key(const struct fake_swarm *net, const struct ed25519_public *key);
/* How many requests of that method reached their target (NULL: all), and the n-th of them. */
size_t fake_swarm_logged(const struct fake_swarm *net, const char *method);
const struct fake_log *fake_swarm_log(const struct fake_swarm *net, const char *method, size_t n);
/* Puts a message into a node's store. The hash is made of `number`. */
void fake_swarm_put(struct fake_swarm *net, uint32_t node, const struct account_id *account, uint32_t number,
                    struct bytes data, int64_t expiration_ms);

#endif
