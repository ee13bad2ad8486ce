/* store.h: the messages that one node holds: by account and namespace in order of arrival, by hash, and by expiry.
 *
 * A message is held once the disk has it: until then it is not shown to anybody, though a second store of it is known
 * as a duplicate. Syncs are shared: one is in flight at a time, and what comes meanwhile waits for the next. A message
 * is over when its expiry lies before now (PROTOCOL 3.5 accepts one that ends this very millisecond). Every entry that
 * reads or puts first drops what is over, so nothing expired is ever returned; one timer, which runs only while
 * something is held, does it for a node that nobody asks. Bodies are shared through the pool; a replica adds 48 bytes
 * and its places in the indices. An empty store owns no memory.
 *
 * Two dialects, one store: a record keeps the dialect it came in, and is unique by that dialect's hash. The era's view
 * is namespace 0. The modern views name a message by its modern hash and list it once, where the first record with that
 * hash stands; what they change, they change in all of those. Source: PROTOCOL 3.14. */
#ifndef SWARMBED_STORE_H
#define SWARMBED_STORE_H

#include "common/env.h"
#include "node/body_pool.h"
#include "proto/subaccount.h"

struct store_wait;
typedef void (*store_wait_fn)(struct store_wait *wait);
/* Somebody who waits until something is durable. Embed it in your own struct: it must live until `done`. */
struct store_wait {
    /* from store_put() on, unless it says ERR_FULL: */
    bool already;      /* the message was known before: to the modern views, if it is modern */
    int64_t expiry_ms; /* when it is over */
    enum err err; /* valid in `done`: OK; ERR_FULL or ERR_IO from the disk: a message is not held, nothing changed */
    /* private to store.c: */
    store_wait_fn done;
    struct store_wait *next;
};

/* A message has become durable, hence visible; not for one that expired meanwhile. Before the `done` of those who wait
 * for it. */
typedef void (*store_stored_fn)(void *owner, struct stored_body *body);
typedef void (*store_each_fn)(void *owner, struct stored_body *body);
typedef void (*store_revoked_fn)(void *owner, const struct account_id *account, const struct subaccount_token tokens[],
                                 size_t count);

struct store_counts {
    uint64_t records, bytes;                            /* held or on the way to the disk; bytes of revocations, too */
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
    struct store_content *content;   /* NULL while nothing is held */
    struct revocations *revocations; /* NULL while there are none */
};

/*   bytes_max    of store_record_bytes() and of revocations, every message counted in full
 *   records_max  messages and revoked tokens
 *   stored       not for what the disk had at start */
void store_init(struct store *store, struct env *env, uint64_t bytes_max, uint32_t records_max, void *owner,
                store_stored_fn stored);
void store_fini(struct store *store); /* never touches the env */
/* Reads the disk. Expired records are deleted from it; what is no record is left there and ignored, and so is what
 * exceeds the bounds. The number of messages held. */
size_t store_start(struct store *store, struct body_pool *bodies);

/* Takes a message; the store keeps the body by itself. OK: it will be held once durable, and then `wait` (NULL: nobody
 * waits) ends. OK too for a duplicate of a message that is not durable yet, or while any change is not, and for a
 * modern one whose expiry is later than the held one's, which it extends: `wait` ends once that is durable.
 * ERR_DUPLICATE: held already, nothing has changed; ERR_FULL: a bound is reached. In both cases `wait` never ends. A
 * new message of a public outbox replaces what its namespace holds, once it is durable itself. */
MUST_CHECK enum err store_put(struct store *store, struct stored_body *body, enum trace_cause cause,
                              struct store_wait *wait, store_wait_fn done);
/* `wait` ends once everything put, deleted, changed and revoked up to now is durable. */
void store_sync(struct store *store, struct store_wait *wait, store_wait_fn done);

/* ---- the era's view ---- */

/* Up to `max` messages of the account's namespace 0 in order of arrival, after the one with `last_hash` (NULL, not
 * held, or another account's: from the beginning). Borrowed: valid until the next call. */
size_t store_get(struct store *store, const struct account_id *account, const uint8_t *last_hash,
                 struct stored_body *bodies[], size_t max);

/* ---- the modern views; what they change is seen at once, and durable once store_sync() says so: after each call that
 * changed something it must be asked for. If the disk fails, the change is undone ---- */

/* How much one answer may hold. */
struct store_budget {
    size_t count_max;   /* 0: any number */
    uint64_t bytes_max; /* of STORE_PAGE_OVERHEAD + 4/3 of the data for each; one message is returned however long */
};
#define STORE_PAGE_OVERHEAD (100 + MESSAGE_HASH_CHARS)
struct store_listed {
    struct stored_body *body; /* of the record that came first */
    int64_t expiry_ms;        /* when the last of the records is over */
};
/* The messages after `last_hash` (NULL, not held there, or standing where an earlier one stood: from the beginning).
 * *listed: in the env's arena, bodies borrowed until the next call; `more`: there are further ones. The number. */
size_t store_page(struct store *store, const struct account_id *account, int16_t namespace, const char *last_hash,
                  const struct store_budget *budget, struct store_listed **listed, bool *more);
/* When the account's message is over: the last of its records. False: it has none of that hash. */
bool store_expiry(struct store *store, const struct account_id *account, const char hash[MESSAGE_HASH_CHARS],
                  int64_t *expiry_ms);

/* One message that a call below deleted or changed. */
typedef void (*store_changed_fn)(void *owner, int16_t namespace, const char hash[MESSAGE_HASH_CHARS]);
/* False: the account has none of that hash. */
bool store_delete(struct store *store, const struct account_id *account, const char hash[MESSAGE_HASH_CHARS]);
/* Those with a timestamp of at most `before_ms` (INT64_MAX: all), in one namespace (NULL: in all). */
void store_delete_all(struct store *store, const struct account_id *account, const int16_t *namespace,
                      int64_t before_ms, store_changed_fn changed, void *owner);
enum store_change { CHANGE_NOT_HELD, CHANGE_UNCHANGED, CHANGE_UPDATED };
enum store_direction { EXPIRE_EITHER, EXPIRE_SHORTEN, EXPIRE_EXTEND };
/* Sets the expiry: with a direction, only if it lies that way from the present one. An expiry in the past ends the
 * message. *now_expiry_ms: what holds afterwards, of a message that is held. */
enum store_change store_expire(struct store *store, const struct account_id *account,
                               const char hash[MESSAGE_HASH_CHARS], int64_t expiry_ms, enum store_direction direction,
                               int64_t *now_expiry_ms);
/* Shortens every message that is over later than that. */
void store_expire_all(struct store *store, const struct account_id *account, const int16_t *namespace,
                      int64_t expiry_ms, store_changed_fn changed, void *owner);

/* ---- revoked subaccounts: kept for an account whether or not it has messages, the newest LIMIT_REVOCATIONS ---- */

/* Each becomes the newest, known or not. ERR_FULL: a bound of the store is reached; nothing was done. */
MUST_CHECK enum err store_revoke(struct store *store, const struct account_id *account,
                                 const struct subaccount_token tokens[], size_t count);
/* The number that had been revoked. */
size_t store_unrevoke(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                      size_t count);
/* What another member knew: what is new here becomes the oldest, as far as there is room. */
void store_revoke_older(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                        size_t count);
bool store_is_revoked(const struct store *store, const struct account_id *account,
                      const struct subaccount_token *token);

/* ---- for handing over, and reading without a side effect ---- */

/* Every message, also those on their way to the disk, in order of arrival. The store must not be used meanwhile. */
void store_each(struct store *store, store_each_fn each, void *each_owner);
/* Every account with revoked tokens, the oldest token first; accounts in the order they came. */
void store_each_revoked(const struct store *store, store_revoked_fn each, void *each_owner);
/* Expired messages do not count. */
bool store_holds(const struct store *store, const uint8_t hash[64]);                /* an era hash, in namespace 0 */
size_t store_held_for(const struct store *store, const struct account_id *account); /* in namespace 0 */

#endif
