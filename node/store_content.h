/* store_content.h: what the parts of a store share: its content while it has any. For store.c, store_modern.c and
 * store_revoked.c. */
#ifndef SWARMBED_STORE_CONTENT_H
#define SWARMBED_STORE_CONTENT_H

#include "node/store.h"
#include "node/store_index.h"

/* What one sync makes durable, and who waits for it; both in order of arrival. */
struct group {
    struct record *records, *last_record;
    struct store_wait *waits, *last_wait;
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

void store_drop_expired(struct store *store);
/* After a change of expiries, or after messages were forgotten: may free the content. */
void store_settle(struct store *store);
void store_forget(struct store *store, struct record *record); /* memory and disk */
void store_delete_record(struct store *store, struct record *record); /* the same, told and counted */
/* Another body for the record, here and on the disk. */
void store_change_expiry(struct store *store, struct record *record, int64_t expiry_ms);
/* When the last of the twins is over. */
int64_t store_twins_expiry(const struct store_index *index, const struct record *first);
bool store_has_room(const struct store *store, uint64_t records, uint64_t bytes);

/* store_revoked.c */
void store_revoked_fini(struct store *store);
uint64_t store_revoked_count(const struct store *store); /* tokens */
/* A key that is no arrival: revocations, or not ours. */
void store_revoked_read(struct store *store, struct bytes key, struct bytes value);

#endif
