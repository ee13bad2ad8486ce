/* relay.h: onion requests at a node: peel, pass on, carry the answer back; or execute, if the node is the target.
 *
 * Both versions, in three roles: guard (a client asks over HTTP), relay (another node asks) and target. The caller
 * routes by path; everything is answered from here. Errors of the path travel in clear with the status of PROTOCOL 4.7,
 * errors of the target inside the encrypted answer. At most LIMIT_ONIONS_OPEN requests are open; more are answered 503.
 * An idle relay owns no memory. */
#ifndef SWARMBED_RELAY_H
#define SWARMBED_RELAY_H

#include "common/env.h"
#include "common/onion.h"
#include "common/slab.h"
#include "node/membership.h"
#include "node/snode.h"

struct relay;

/* An open request. Its first two members matter to who executes a final layer, from `execute` until relay_answer() or
 * `gone`. */
struct relay_request {
    void *owner; /* yours */
    /* Yours: the asker has gone. The request ends with this call and must not be answered any more. May stay NULL if
     * `execute` answers before it returns. */
    void (*gone)(struct relay_request *request);
    /* private to relay.c: */
    struct relay *relay;
    struct incoming *incoming; /* gone once the state is ABANDONED */
    struct call call;          /* onward */
    struct reply_key reply_key;
    int hop_no;
    uint8_t state; /* enum relay_state */
    bool reply_as_json, reply_raw;
};

/* The node is the target: `rpc_body` is what would have come as the body of POST /storage_rpc/v1 (gone after this
 * call). The request must be answered exactly once by relay_answer(), now or later, unless `gone` comes first. */
typedef void (*relay_execute_fn)(void *owner, struct bytes rpc_body, bool long_poll, struct relay_request *request);

struct relay {
    struct env *env;
    const struct snode_preset *preset;
    const struct snode_keys *keys;
    const struct membership_view *view;
    struct slab requests;
    void *owner;
    relay_execute_fn execute;
};

/* `config` is read now; preset and keys live longer. `view` may still be uninitialised. */
void relay_init(struct relay *relay, const struct snode_config *config, const struct membership_view *view, void *owner,
                relay_execute_fn execute);
void relay_fini(struct relay *relay); /* never touches the env */

/* POST /onion_req or /onion_req/v2 of a client. */
void relay_on_client(struct relay *relay, struct incoming *incoming, enum onion_version version);
/* The bus calls sn.onion_req and sn.onion_request; 401 without a `peer_key`. */
void relay_on_peer(struct relay *relay, struct incoming *incoming, enum onion_version version);
/* Seals {"status", "body"} for the client and ends the request. `body_is_json`: it may be embedded as a value, if the
 * client asked for that. */
void relay_answer(struct relay_request *request, uint16_t status, struct bytes body, bool body_is_json);
size_t relay_open_count(const struct relay *relay);

#endif
