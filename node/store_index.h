/* store_index.h: where the messages of one store are found: by either hash, by account and namespace in order of
 * arrival, by end.
 *
 * Memory alone: no env, no disk. A record is added under its hashes; once it is shown it stands in its space (the
 * messages of one namespace of one account) and in the heap of ends, too. Records name each other by numbers of four
 * bytes, so a replica costs 48 bytes and its places in the indices. Records with one modern hash, of whatever dialect,
 * are twins: a ring in order of arrival, of which the first stands for all. For store.c. */
#ifndef SWARMBED_STORE_INDEX_H
#define SWARMBED_STORE_INDEX_H

#include <assert.h>

#include "common/slab.h"
#include "common/trace.h"
#include "node/body_pool.h"

#define ARRIVAL_BITS 55

enum index_key { BY_ERA, BY_MODERN, INDEX_KEYS };

/* One replica. */
struct record {
    struct stored_body *body;
    uint32_t id;
    uint32_t next, prev;        /* of its space by arrival; next before it is shown: free for the owner's use */
    uint32_t chain[INDEX_KEYS]; /* in its bucket */
    uint32_t twin_next, twin_prev;
    uint32_t heap_at;
    uint64_t arrival : ARRIVAL_BITS; /* its key on the disk */
    uint64_t cause : 7;              /* enum trace_cause, for the trace when it is shown */
    uint64_t shown : 1;
    uint64_t moved : 1; /* it stands for its twins since one that came earlier is gone */
};
static_assert(CAUSE_COUNT <= 1 << 7, "a cause fits its bits");
static_assert(sizeof(struct record) <= 48, "what a replica costs is measured");

/* The shown messages of one namespace of one account; at least one. */
struct space {
    struct space *next; /* another namespace of the account */
    struct record *first, *last;
    int16_t namespace;
};

struct store_index {
    struct record **chunks;
    uint32_t chunk_count, chunk_cap, free_id; /* of a free record: `next` is another */
    uint32_t *buckets[INDEX_KEYS];            /* the first record's number, or 0 */
    uint32_t bucket_count, count;             /* a power of two; records */
    struct table by_account;                  /* struct space, the first of an account */
    struct slab spaces;
    uint32_t *heap; /* the shown ones by (end, arrival), the earliest first */
    uint32_t heap_count, heap_cap;
};

void store_index_init(struct store_index *index, size_t records_max);
void store_index_fini(struct store_index *index); /* drops all bodies */
/* A record of its own reference to the body. Its dialect's hash must be new. */
struct record *store_index_add(struct store_index *index, struct stored_body *body, uint64_t arrival,
                               enum trace_cause cause);
/* In its place by arrival in its space, and in the heap. */
void store_index_show(struct store_index *index, struct record *record);
/* The same message with another expiry; the record keeps its own reference. */
void store_index_replace(struct store_index *index, struct record *record, struct stored_body *body);
/* The record and its reference to the body are gone. */
void store_index_remove(struct store_index *index, struct record *record);

struct record *store_index_at(const struct store_index *index, uint32_t id); /* 0: NULL */
/* The record that keeps this message from being a new one: of its dialect, with its hash. Or NULL. */
struct record *store_index_same(const struct store_index *index, const struct stored_body *body);
/* The latest with that era hash in namespace 0, of either dialect. Or NULL. */
struct record *store_index_era(const struct store_index *index, const uint8_t hash[64]);
/* The first of the twins with that modern hash. Or NULL. */
struct record *store_index_modern(const struct store_index *index, const char hash[MESSAGE_HASH_CHARS]);
bool store_index_is_first(const struct store_index *index, const struct record *record); /* of its twins */
/* Another twin: of the last one, the first. */
static inline struct record *store_index_twin(const struct store_index *index, const struct record *record)
{
    return store_index_at(index, record->twin_next);
}
struct record *store_index_earliest(const struct store_index *index); /* or NULL */
/* The first space of an account, in no order; NULL: none. */
struct space *store_index_spaces(const struct store_index *index, const struct account_id *account);
struct space *store_index_space(const struct store_index *index, const struct account_id *account, int16_t namespace);
/* All records in order of arrival; the caller frees. */
struct record **store_index_sorted(const struct store_index *index);

#endif
