/* swarm_lookup.h: who stores for an account: asks one random node through an onion; on failure another.
 *
 * What it learns goes into the swarm cache. At most LIMIT_LOOKUP_TRIES nodes are asked. Source: PROTOCOL 7.2. */
#ifndef SWARMBED_SWARM_LOOKUP_H
#define SWARMBED_SWARM_LOOKUP_H

#include "client/onion_request.h"

struct swarm_lookup {                          /* embed in your own struct: it must live until `done` */
    struct account_id account;                 /* the owner's */
    void (*done)(struct swarm_lookup *lookup); /* last: it may free the lookup, or start it again */
    /* in `done`: OK: the cache has the swarm. ERR_NOT_FOUND: the last node asked knew none, or there is no node to ask;
     * ERR_UNREACHABLE: the last one did not answer; or why there is no path (path.h) */
    enum err err;
    /* private */
    struct client *client;
    struct path_waiter waiter;
    struct onion_request request;
    uint32_t tries;
    uint32_t asked[LIMIT_LOOKUP_TRIES], asked_count;
    uint32_t generation; /* of the pool, that `asked` counts in */
    struct timer timer;
};

/* Never calls `done` itself. */
void swarm_lookup_start(struct swarm_lookup *lookup, struct client *client);

#endif
