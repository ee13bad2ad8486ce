/* store.h: the messages that one node holds: by account in order of arrival, by hash, and by expiry.
 *
 * A message is held once the disk has it: until then it is not shown to anybody, though a second store of it is known
 * as a duplicate. Syncs are shared: one is in flight at a time, and what comes meanwhile waits for the next. A message
 * is over when its timestamp + ttl lies before now (PROTOCOL 3.5 accepts one that ends this very millisecond). Every
 * entry that reads or puts first drops what is over, so nothing expired is ever returned; one timer, which runs only
 * while something is held, does it for a node that nobody asks. Bodies are shared through the pool; a replica adds 32
 * bytes and its places in the indices. An empty store owns no memory. */
#ifndef SWARMBED_STORE_H
#define SWARMBED_STORE_H

#include "common/env.h"
#include "node/body_pool.h"

struct store_wait;
typedef void (*store_wait_fn)(struct store_wait *wait);
/* Somebody who waits until a message is durable. Embed it in your own struct: it must live until `done`. */
struct store_wait {
    enum err err; /* valid in `done`: OK; ERR_FULL or ERR_IO from the disk: the message is not held */
    /* private to store.c: */
    store_wait_fn done;
    struct store_wait *next;
};

/* A message has become durable, hence visible; not for one that expired meanwhile. Before the `done` of those who wait
 * for it. */
typedef void (*store_stored_fn)(void *owner, struct stored_body *body);
typedef void (*store_each_fn)(void *owner, struct stored_body *body);

struct store_counts {
    uint64_t records, bytes;                            /* held or on the way to the disk */
    uint64_t stored, duplicates, refused_full, expired; /* since the start */
};

struct store {
    struct env *env;
    uint64_t bytes_max;
    uint32_t records_max;
    store_stored_fn stored;
    void *owner;
    uint64_t arrivals; /* the next message's number */
    struct store_counts counts;
    struct store_content *content; /* NULL while nothing is held */
};

/*   bytes_max  of store_record_bytes(), every message counted in full
 *   stored     not for what the disk had at start */
void store_init(struct store *store, struct env *env, uint64_t bytes_max, uint32_t records_max, void *owner,
                store_stored_fn stored);
void store_fini(struct store *store); /* never touches the env */
/* Reads the disk. Expired records are deleted from it; what is no record is left there and ignored, and so is what
 * exceeds the bounds. The number of messages held. */
size_t store_start(struct store *store, struct body_pool *bodies);

/* Takes a message; the store keeps the body by itself. OK: it will be held once durable, and then `wait` (NULL: nobody
 * waits) ends. OK too for a duplicate of a message that is not durable yet: `wait` ends with it. ERR_DUPLICATE: held
 * already; ERR_FULL: a bound is reached. In both cases `wait` is not used. */
MUST_CHECK enum err store_put(struct store *store, struct stored_body *body, enum trace_cause cause,
                              struct store_wait *wait, store_wait_fn done);
/* Up to `max` messages of the account in order of arrival, after the one with `last_hash` (NULL, not held, or another
 * account's: from the beginning). Borrowed: valid until the next call. */
size_t store_get(struct store *store, const struct account_id *account, const uint8_t *last_hash,
                 struct stored_body *bodies[], size_t max);
/* Every message, also those on their way to the disk, in order of arrival. The store must not be used meanwhile. */
void store_each(struct store *store, store_each_fn each, void *each_owner);

/* Reading without a side effect: expired messages do not count. */
bool store_holds(const struct store *store, const uint8_t hash[64]);
size_t store_held_for(const struct store *store, const struct account_id *account);

#endif
