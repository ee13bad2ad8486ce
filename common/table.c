#include "common/table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_CAP_MIN 4
#define INDEX_CAP_MAX (UINT32_C(1) << 31)

/* Three quarters of the index: so a search always meets an empty slot. */
static uint32_t room(uint32_t index_cap)
{
    return index_cap / 4 * 3;
}

/* A removed value leaves a hole in `values`; the slot of the index goes on pointing at the hole, so that searches pass
 * over it. Both go when the arrays are built anew. */
void table_init(struct table *table, table_key_fn key_of, uint64_t hash_key)
{
    *table = (struct table){.key_of = key_of, .key = hash_key};
}

void table_fini(struct table *table)
{
    free(table->values); /* one block with the other arrays */
    table_init(table, table->key_of, table->key);
}

static uint32_t hash_of(const struct table *table, struct bytes key)
{
    static const uint8_t nothing[1];
    uint8_t hash_key[crypto_shorthash_KEYBYTES] = "........table 1", hash[crypto_shorthash_BYTES];
    store_le64(hash_key, table->key);
    crypto_shorthash(hash, key.len == 0 ? nothing : key.data, key.len, hash_key);
    return load_le32(hash);
}

/* Position in `values` of the value with that key, or UINT32_MAX. */
static uint32_t find(const struct table *table, struct bytes key, uint32_t hash)
{
    uint32_t mask = table->index_cap - 1;
    if (table->count == 0)
        return UINT32_MAX;
    for (uint32_t slot = hash & mask; table->index[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t at = table->index[slot] - 1;
        if (table->hashes[at] == hash && table->values[at] != NULL &&
            bytes_equal(table->key_of(table->values[at]), key))
            return at;
    }
    return UINT32_MAX;
}

void *table_get(const struct table *table, struct bytes key)
{
    uint32_t at = table->count == 0 ? UINT32_MAX : find(table, key, hash_of(table, key));
    return at == UINT32_MAX ? NULL : table->values[at];
}

static void append(struct table *table, void *value, uint32_t hash, uint32_t born)
{
    uint32_t mask = table->index_cap - 1, slot = hash & mask;
    while (table->index[slot] != 0)
        slot = (slot + 1) & mask;
    table->values[table->used] = value;
    table->hashes[table->used] = hash;
    table->born[table->used] = born;
    table->index[slot] = ++table->used;
}

static void allocate(struct table *table, uint32_t index_cap)
{
    size_t values = room(index_cap);
    uint8_t *block = xmalloc(values * (sizeof(*table->values) + sizeof(*table->born) + sizeof(*table->hashes)) +
                             index_cap * sizeof(*table->index));
    table->values = (void **)block;
    table->born = (uint32_t *)(block + values * sizeof(*table->values));
    table->hashes = table->born + values;
    table->index = table->hashes + values;
    table->index_cap = index_cap;
    table->used = table->first = 0;
    memset(table->index, 0, index_cap * sizeof(*table->index));
}

/* Without the holes, with room for half as many again: if half were holes, the size stays. */
static void rebuild(struct table *table)
{
    struct table old = *table;
    uint32_t index_cap = INDEX_CAP_MIN;
    while (room(index_cap) <= old.count + old.count / 2) {
        ASSERT(index_cap < INDEX_CAP_MAX);
        index_cap *= 2;
    }
    allocate(table, index_cap);
    /* The numbers of the puts stay, so an iteration goes on. After 2^32 of them they start anew, and one that happens
     * to be under way ends early. */
    if (old.born_next == UINT32_MAX)
        table->born_next = 0;
    for (uint32_t i = 0; i < old.used; i++)
        if (old.values[i] != NULL)
            append(table, old.values[i], old.hashes[i], old.born_next == UINT32_MAX ? table->born_next++ : old.born[i]);
    free(old.values);
}

void table_put(struct table *table, void *value)
{
    struct bytes key;
    uint32_t hash;
    ASSERT(value != NULL);
    key = table->key_of(value);
    hash = hash_of(table, key);
    ASSERT(find(table, key, hash) == UINT32_MAX);
    if (table->used == room(table->index_cap) || table->born_next == UINT32_MAX)
        rebuild(table);
    append(table, value, hash, table->born_next++);
    table->count++;
}

void *table_remove(struct table *table, struct bytes key)
{
    uint32_t at = find(table, key, hash_of(table, key));
    void *value;
    if (at == UINT32_MAX)
        return NULL;
    value = table->values[at];
    table->values[at] = NULL;
    if (--table->count == 0) { /* only the count of puts survives, for an iteration under way */
        uint32_t born_next = table->born_next;
        table_fini(table);
        table->born_next = born_next;
        return value;
    }
    while (table->values[table->first] == NULL)
        table->first++;
    return value;
}

/* Position of the oldest value that was put as number `born` or later. Numbers ascend without repetition, so the value
 * stands at most `born` minus the first number further on: exactly there, unless an earlier one has left. */
static uint32_t position_of(const struct table *table, uint32_t born)
{
    uint32_t from = table->first, to = table->used;
    if (from == to || born <= table->born[from])
        return from;
    if (born - table->born[from] < to - from) {
        to = from + (born - table->born[from]);
        if (table->born[to] == born)
            return to;
    }
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (table->born[middle] < born)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void *table_next(const struct table *table, uint32_t *cursor)
{
    for (uint32_t at = position_of(table, *cursor); at < table->used; at++)
        if (table->values[at] != NULL) {
            *cursor = table->born[at] + 1;
            return table->values[at];
        }
    return NULL;
}
