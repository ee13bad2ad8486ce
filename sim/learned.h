/* learned.h: what a set of observed nodes knows when its notebooks are laid side by side.
 *
 * Everything here is made from sightings (observer.h), nothing from the world. A caller is an address that is no
 * node's; a mailbox is an account that messages are put into or fetched from; a link says that a caller did something
 * to a mailbox, and it takes a node that saw the address and one that saw the mailbox: for who sends through onions
 * these are two. That a key writes to a key, each node that holds the envelope can read by itself (PROTOCOL 6.2): it
 * does not say where either of them is. */
#ifndef SWARMBED_LEARNED_H
#define SWARMBED_LEARNED_H

#include <stdio.h>

#include "sim/observer.h"

/* How often, when, and how much. */
struct tally {
    uint64_t count, bytes; /* bytes of the requests' bodies */
    int64_t first_us, last_us;
};

struct caller_learned {
    struct address address;
    struct tally tally;
};
struct mailbox_learned {
    struct account_id account;
    char method[OBSERVER_METHOD_BYTES]; /* one row per method and namespace */
    int32_t namespace;                  /* as in a sighting */
    uint64_t proofs;                    /* requests that brought what only a store needs */
    struct tally tally;
};
struct pair_learned {
    struct account_id source, recipient; /* the one wrote to the other */
    struct tally tally;
};
struct link_learned {
    struct address address;
    struct account_id account;
    char method[OBSERVER_METHOD_BYTES];
    uint32_t seen_by, ended_at; /* of the first time: the node that saw the address, and the one that saw the mailbox */
    struct tally tally;
};

/* All in the order of their first times. */
struct learned {
    uint32_t *nodes;
    size_t node_count;
    uint64_t sightings, lost;
    struct caller_learned *callers;
    size_t caller_count;
    struct mailbox_learned *mailboxes;
    size_t mailbox_count;
    struct pair_learned *pairs;
    size_t pair_count;
    struct link_learned *links;
    size_t link_count;
};
/* Of nodes that are observed; what others saw counts as nothing. Freed by learned_fini(). */
void learned_init(struct learned *learned, const struct observer *observer, const uint32_t nodes[], size_t node_count);
void learned_fini(struct learned *learned);

void learned_table(const struct learned *learned, FILE *out); /* a part of it is left out, and counted, if it is long */
/* {"nodes": [...], "callers": [...], "mailboxes": [...], "pairs": [...], "links": [...]}, complete. */
void learned_json(const struct learned *learned, struct buf *out);

#endif
