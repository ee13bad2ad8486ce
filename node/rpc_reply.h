/* rpc_reply.h: where the answer to a storage RPC goes: back over HTTP, into the onion it came out of, or to a call that
 * holds this one.
 *
 * A method that answers at once needs only rpc_reply_answer(). One that answers later keeps the reply in its own struct
 * and watches it: if the asker goes first, `gone` is set and the callback runs, if there is one. */
#ifndef SWARMBED_RPC_REPLY_H
#define SWARMBED_RPC_REPLY_H

#include "common/env.h"

struct relay_request;

/* A call that holds others takes their answers: embed it. `answer` comes exactly once, perhaps before the call that was
 * begun returns; the body is gone after it. */
struct rpc_sink {
    void (*answer)(struct rpc_sink *sink, uint16_t status, struct bytes body, bool body_is_json);
};

struct rpc_reply;
typedef void (*rpc_gone_fn)(struct rpc_reply *reply);
struct rpc_reply {
    struct env *env;
    struct incoming *incoming;   /* of a direct request; else NULL */
    struct relay_request *onion; /* of a request out of an onion; else NULL */
    struct rpc_sink *sink;       /* of a call inside another; it is never gone; else NULL */
    bool gone;                   /* the asker is no longer there */
    rpc_gone_fn on_gone;         /* set by rpc_reply_watch() */
};

struct rpc_reply rpc_reply_direct(struct env *env, struct incoming *incoming);
struct rpc_reply rpc_reply_onion(struct env *env, struct relay_request *request);
struct rpc_reply rpc_reply_inner(struct env *env, struct rpc_sink *sink);
/* From here on `reply` must stay where it is until it is answered or gone. `on_gone` may be NULL. */
void rpc_reply_watch(struct rpc_reply *reply, rpc_gone_fn on_gone);
/* Exactly once. Nothing happens if the asker has gone. Charges the writing of the answer. */
void rpc_reply_answer(struct rpc_reply *reply, uint16_t status, struct bytes body, bool body_is_json);
void rpc_reply_bencoded(struct rpc_reply *reply, struct bytes body); /* 200, to another member: only if direct */
void rpc_reply_text(struct rpc_reply *reply, uint16_t status, const char *text);
/* The nodes that are responsible for the account: a 421, or the answer of get_snodes_for_pubkey (PROTOCOL 3.7).
 *   membership  NULL before the first: an empty list */
void rpc_reply_snodes(struct rpc_reply *reply, uint16_t status, const struct membership *membership,
                      const struct account_id *account);

#endif
