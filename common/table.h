/* table.h: hash table of pointers that iterates in insertion order.
 *
 * The key lives inside the value: `key_of` cuts it out, so nothing is stored twice. Lookup is by SipHash with a key
 * per table; order never depends on it. Where that key stands in the source, who reads it can make names that collide:
 * a search costs at most one look at each value, so tables that strangers fill are bounded. An empty table owns no
 * memory, and one that shrank gives memory back with its next puts. Values are not owned. */
#ifndef SWARMBED_TABLE_H
#define SWARMBED_TABLE_H

#include "common/bytes.h"

typedef struct bytes (*table_key_fn)(const void *value);

struct table {
    table_key_fn key_of;
    void **values;      /* insertion order; NULL where one was removed */
    uint32_t *hashes;   /* of the keys of values: most searches end without a look at a value */
    uint32_t *index;    /* open addressing: position in values + 1 */
    uint32_t used;      /* of values, holes included */
    uint32_t count;     /* without holes */
    uint32_t index_cap; /* power of two, or 0 */
    uint64_t key;       /* of the SipHash */
    uint32_t *born;     /* number of the put of each of values, ascending: what a cursor names */
    uint32_t born_next;
    uint32_t first;     /* no value before this position */
};

void table_init(struct table *table, table_key_fn key_of, uint64_t hash_key);
void table_fini(struct table *table);
void *table_get(const struct table *table, struct bytes key);       /* NULL: none */
void table_put(struct table *table, void *value);                   /* ASSERTs that its key is new */
void *table_remove(struct table *table, struct bytes key);          /* the value, or NULL */
/* Iterates: start with *cursor = 0; NULL at the end. Any value may be removed meanwhile; one put meanwhile comes at the
 * end. To take always the oldest, start anew: holes at the front are not searched again. */
void *table_next(const struct table *table, uint32_t *cursor);

#endif
