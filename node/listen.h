/* listen.h: the listening node of synchronous routing: clients wait here, and messages are passed on to them.
 *
 * A client that listens holds a lease, which each of its listens renews. A delivery is handed to every listen that is
 * open for its account; if a lease lives but none is open right now, the delivery's own request waits a little for the
 * next. Its data lives in that open request and nowhere else: nothing is queued, written, relayed, hashed, or kept
 * after the answer, and a restart forgets all. An idle node owns neither memory nor timer for this.
 * Source: PROTOCOL 9.1. */
#ifndef SWARMBED_LISTEN_H
#define SWARMBED_LISTEN_H

#include "common/table.h"
#include "node/membership.h"
#include "node/rpc_reply.h"
#include "proto/storage_rpc.h"

struct listen {
    struct env *env;
    const struct membership_view *view;
    struct table by_account; /* struct listened: accounts with at least one lease */
    uint32_t leases, open;   /* open: leases with a listen that waits right now */
    uint32_t deliveries;     /* that wait for a listen */
    uint64_t delivery_bytes; /* of their data */
};

/* What became of a lease: the number in TRACE_LEASE. */
enum lease_change {
    LEASE_NEW,
    LEASE_RENEWED,
    LEASE_OVER, /* no listen for LIMIT_LEASE_MS */
    LEASE_MOVED /* the account is served by another swarm now */
};

void listen_init(struct listen *listen, struct env *env, const struct membership_view *view);
void listen_fini(struct listen *listen); /* never touches the env */
/* A client listens; the account is one that this node serves. The reply is answered now or later. */
void listen_wait(struct listen *listen, const struct account_id *account, const struct rpc_listen *request,
                 const struct rpc_reply *reply);
/* A message for whoever listens; likewise. `data` is at most LIMIT_DATA_CHARS, and copied if it has to wait. */
void listen_deliver(struct listen *listen, const struct account_id *account, struct bytes data,
                    const struct rpc_reply *reply);
/* The view has changed: whatever is here for accounts that this node no longer serves ends with 421. */
void listen_on_membership(struct listen *listen);

#endif
