/* node_list.h: lists of nodes <-> JSON: one swarm's, as nodes answer it, and the whole network's, as the seed does.
 *
 * Entries that a client can't use (no ip or 0.0.0.0, no port, a key missing) are skipped by both decoders, never an error.
 * Source: PROTOCOL 3.7, 3.11. */
#ifndef SWARMBED_NODE_LIST_H
#define SWARMBED_NODE_LIST_H

#include "common/swarm.h"

struct json;

struct rpc_snode {
    struct address address;
    struct x25519_public x25519;
    struct ed25519_public ed25519;
};

/* get_snodes_for_pubkey's answer and the body of 421: {"snodes": [...]}. */
void rpc_snodes_encode(struct buf *out, const struct membership *membership, const struct swarm_entry *swarm /* NULL: [] */);
/* get_swarm's answer and the body of 421 in today's dialect, up to the members `t` and `hf` and the closing brace, which
 * the caller writes (PROTOCOL 10.8). */
void rpc_swarm_open(struct buf *out, const struct membership *membership, const struct swarm_entry *swarm);
/* At most `max` usable entries, in the list's order; what comes after is left out. ERR_FORMAT: no such list. */
MUST_CHECK enum err rpc_snodes_decode(struct bytes body, struct rpc_snode out[], size_t max, size_t *count);

/* The seed's methods get_n_service_nodes and get_service_nodes. What is asked for: */
struct rpc_list_query {
    bool active_only; /* else decommissioned nodes, too */
    uint32_t limit;   /* so many nodes at most, from the list's start; 0: all */
    uint32_t fields;  /* bit per field in the order of the answer */
};
#define RPC_FIELDS_ALL UINT32_MAX
void rpc_node_list_request(struct buf *out); /* as clients ask */
/* `params` may be NULL: everything. Fields are an object of name -> true, or a list of names; unknown ones, and whatever
 * has another form, are ignored. */
struct rpc_list_query rpc_list_query_decode(const struct json *params);
/* What the answer's `result` is. */
void rpc_list_result_encode(struct buf *out, const struct membership *membership, const struct rpc_list_query *query);
/* The whole answer; `id` is the request's, as JSON. */
void rpc_list_answer_encode(struct buf *out, const struct membership *membership, const struct rpc_list_query *query,
                            struct bytes id);
/* The same for all fields of the active nodes, with id 0. */
void rpc_node_list_encode(struct buf *out, const struct membership *membership);
/* Usable nodes in the list's order, in memory the caller frees with free(); at most LIMIT_NODE_LIST, others are left out.
 * ERR_FORMAT: no such list (then *nodes is NULL). */
MUST_CHECK enum err rpc_node_list_decode(struct bytes body, struct rpc_snode **nodes, size_t *count, uint64_t *height);

#endif
