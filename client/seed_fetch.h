/* seed_fetch.h: the node list from the seed.
 *
 * POST /json_rpc get_n_service_nodes, at most LIMIT_SEED_TRIES times, after 0, 5 and 20 s (PROTOCOL 7.1). */
#ifndef SWARMBED_SEED_FETCH_H
#define SWARMBED_SEED_FETCH_H

#include "client/snode_list.h"
#include "common/env.h"

struct client;
struct seed_fetch { /* embed in your own struct: it must live until `done` */
    void (*done)(struct seed_fetch *fetch);
    enum err
        err; /* in `done`: OK; ERR_UNREACHABLE, ERR_TIMEOUT, ERR_FORMAT, ERR_MISSING, ERR_REFUSED (of the last try) */
    struct snode_list *list; /* in `done`, if OK: kept for the owner */
    /* private */
    struct client *client;
    struct call call;
    struct timer timer;
    uint32_t tries;
};

void seed_fetch_start(struct seed_fetch *fetch, struct client *client, void (*done)(struct seed_fetch *fetch));

#endif
