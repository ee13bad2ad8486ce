/* store_content.h: what the parts of a store share: its content while it has any. For store.c, store_modern.c,
 * store_revoked.c and store_undo.c. */
#ifndef SWARMBED_STORE_CONTENT_H
#define SWARMBED_STORE_CONTENT_H

#include "node/store.h"
#include "node/store_index.h"

struct undo;

/* What one sync makes durable, and who waits for it; both in order of arrival. And what was before the changes among
 * it, the latest first: store_undo.c. */
struct group {
    struct record *records, *last_record;
    struct store_wait *waits, *last_wait;
    struct undo *undo;
};

/* All that a store which is not empty needs. */
struct store_content {
    struct store *store;
    struct store_index index;
    struct timer sweep;
    int64_t sweep_ms; /* when it will fire */
    struct disk_op sync;
    bool syncing;
    uint64_t sync_end; /* the sync in flight covers arrivals before this one */
    struct group in_flight, waiting;
};

struct store_content *store_ensure_content(struct store *store);
void store_drop_expired(struct store *store);
/* After a change of expiries, or after messages were forgotten: may free the content. */
void store_settle(struct store *store);
void store_forget(struct store *store, struct record *record);        /* memory and disk */
void store_delete_record(struct store *store, struct record *record); /* the same, told and counted */
void store_change_expiry(struct store *store, struct record *record, int64_t expiry_ms);
/* The same message with another expiry, here and on the disk. */
void store_replace_body(struct store *store, struct record *record, struct stored_body *body);
void store_write(struct store *store, const struct record *record); /* to the disk */
void store_hold(struct store *store, struct record *record);        /* shown from now on */
bool store_is_outbox(const struct stored_body *body);               /* a newer message takes its place */
/* When the last of the twins is over. */
int64_t store_twins_expiry(const struct store_index *index, const struct record *first);
void store_sync_changes(struct store *store); /* nobody waits for them */
bool store_has_room(const struct store *store, uint64_t records, uint64_t bytes);

/* store_revoked.c */
void store_revoked_fini(struct store *store);
uint64_t store_revoked_count(const struct store *store); /* tokens */
/* A key that is no arrival: revocations, or not ours. */
void store_revoked_read(struct store *store, struct bytes key, struct bytes value);
/* The account's tokens become these, here and on the disk. */
void store_revoked_set(struct store *store, const struct account_id *account, const struct subaccount_token tokens[],
                       size_t count);

/* store_undo.c */
/* Before a record is deleted or changed, or the account's tokens are. */
void store_undo_note(struct store *store, const struct record *record);
void store_undo_note_revoked(struct store *store, const struct account_id *account,
                             const struct subaccount_token tokens[], size_t count);
void store_undo_drop(struct group *group); /* the changes are durable */
/* They are lost: what was before them is back, here and, with the next sync, on the disk. No record is on its way. */
void store_undo_run(struct store *store, struct group *group);

#endif
