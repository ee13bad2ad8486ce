/* store_index.h: where the messages of one store are found: by hash, by account in order of arrival, by end.
 *
 * Memory alone: no env, no disk. A record is added under its hash; once it is shown it stands with its account and in
 * the heap of ends, too. For store.c. */
#ifndef SWARMBED_STORE_INDEX_H
#define SWARMBED_STORE_INDEX_H

#include <assert.h>

#include "common/slab.h"
#include "common/trace.h"
#include "node/body_pool.h"

#define ARRIVAL_BITS 56

/* One replica. */
struct record {
    struct stored_body *body;
    struct record *next;             /* of its account by arrival; before it is shown: free for the owner's use */
    struct record *prev;             /* of its account */
    uint64_t arrival : ARRIVAL_BITS; /* its key on the disk */
    uint64_t cause : 7;              /* enum trace_cause, for the trace when it is shown */
    uint64_t shown : 1;
};
static_assert(CAUSE_COUNT <= 1 << 7, "a cause fits its bits");

struct store_index {
    struct table by_hash;    /* records; in the order of arrival, as long as they are added so */
    struct table by_account; /* struct account_records */
    struct slab records, accounts;
    struct record **heap; /* the shown ones by (end, arrival), the earliest first */
    uint32_t heap_count, heap_cap;
};

void store_index_init(struct store_index *index, size_t records_max);
void store_index_fini(struct store_index *index); /* drops all bodies */
/* A record of its own reference to the body. Its hash must be new; ASSERTs that there is room. */
struct record *store_index_add(struct store_index *index, struct stored_body *body, uint64_t arrival,
                               enum trace_cause cause);
/* Last of its account, and in its place in the heap. */
void store_index_show(struct store_index *index, struct record *record);
/* One that is not shown, or the earliest of the heap: the record and its reference to the body are gone. */
void store_index_remove(struct store_index *index, struct record *record);

struct record *store_index_find(const struct store_index *index, const uint8_t hash[64]);                  /* or NULL */
struct record *store_index_earliest(const struct store_index *index);                                      /* or NULL */
const struct record *store_index_first(const struct store_index *index, const struct account_id *account); /* or NULL */

#endif
