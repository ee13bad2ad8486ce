/* membership.h: this node's view of all swarms, and what a new block changes for it.
 *
 * The world publishes one immutable `struct membership` per block that changes something; a view points to the one this
 * node has learned of. A new one is compared with the old from the point of view of this node, by the six rows of
 * PROTOCOL 2.6, and what has to be pushed goes out through replicate.h. Looking at the member lists of the own swarm
 * and at the swarm ids is enough; the store is walked only if something has to be pushed. */
#ifndef SWARMBED_MEMBERSHIP_H
#define SWARMBED_MEMBERSHIP_H

#include "common/env.h"
#include "node/replicate.h"
#include "node/snode.h"

/* Runs `each` once for every message held and not expired, in an order that depends on the store's content alone. The
 * store does not change meanwhile; who needs a body longer keeps it (body_keep). */
typedef void (*bodies_each_fn)(void *owner, body_fn each, void *each_owner);

/* The same for every account with revoked subaccounts (PROTOCOL 3.15). */
typedef void (*revoked_fn)(void *owner, const struct account_id *account, const struct subaccount_token tokens[],
                           size_t count);
typedef void (*revoked_each_fn)(void *owner, revoked_fn each, void *each_owner);

/* The rows of PROTOCOL 2.6; their numbers stand in TRACE_SNODE_SWARM. */
enum membership_row {
    ROW_NOTHING,    /* nothing that concerns this node */
    ROW_NO_SWARM,   /* 1: in no swarm now */
    ROW_JOINED,     /* 2: was in none, is in one */
    ROW_DISSOLVED,  /* 3: another swarm, the old one is gone: all messages go to whoever is responsible now */
    ROW_MOVED,      /* 4: another swarm, the old one lives: data kept, no longer served */
    ROW_NEW_MEMBER, /* 5: a new node in the own swarm: it gets all messages */
    ROW_NEW_SWARM   /* 6: a new swarm: it gets the messages that are its own now. 5 and 6 may come together */
};

struct membership_view {
    const struct membership *now;    /* NULL before the first */
    const struct swarm_entry *swarm; /* the own one in `now`; NULL: in none */
    uint64_t swarm_id;               /* SWARM_NONE: in none */
    revoked_each_fn revoked_each;    /* NULL: nothing is ever revoked; set after membership_init() */
    /* private to membership.c: */
    struct env *env;
    const struct snode_preset *preset;
    const struct ed25519_public *own;
    struct replicate *replicate;
    bodies_each_fn bodies_each;
    void *owner; /* of bodies_each and revoked_each */
};

/* `config` is read now; preset and keys live longer than the view. */
void membership_init(struct membership_view *view, const struct snode_config *config, struct replicate *replicate,
                     bodies_each_fn bodies_each, void *owner);
/* The block's membership has reached this node. The previous one must stay valid until this returns, `next` until the
 * next such call. */
void membership_update(struct membership_view *view, const struct membership *next);
/* NULL: ready for clients. Else the text of the 503, with its final newline (PROTOCOL 3.2). */
const char *membership_not_ready(const struct membership_view *view);
/* Whether the own swarm serves that account; false if in none. */
bool membership_serves(const struct membership_view *view, const struct account_id *account);
/* A node that is known now, decommissioned ones too; NULL: none of that key. */
const struct snode_entry *membership_find(const struct membership_view *view, const struct ed25519_public *key);

#endif
