#include "sim/number_index.h"

#include <stdlib.h>

#include "common/err.h"

#define CAP_MIN 16

void number_index_init(struct number_index *index, number_key_fn key_of, const void *owner)
{
    *index = (struct number_index){.key_of = key_of, .owner = owner};
}

void number_index_fini(struct number_index *index)
{
    free(index->slots);
}

/* FNV-1a; its high bits are the well mixed ones. */
static uint32_t hash_of(struct bytes key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ key.data[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash >> 32);
}

/* The slot of that key, or the empty one where it would come. */
static uint32_t slot_of(const struct number_index *index, struct bytes key)
{
    uint32_t mask = index->cap - 1, slot = hash_of(key) & mask;

    while (index->slots[slot] != 0 && !bytes_equal(index->key_of(index->owner, index->slots[slot] - 1), key))
        slot = (slot + 1) & mask;
    return slot;
}

static void grow(struct number_index *index)
{
    ASSERT(index->cap <= UINT32_MAX / 4);
    free(index->slots);
    index->cap = index->cap == 0 ? CAP_MIN : 2 * index->cap;
    index->slots = xcalloc(index->cap, sizeof(*index->slots));
    for (uint32_t number = 0; number < index->count; number++)
        index->slots[slot_of(index, index->key_of(index->owner, number))] = number + 1;
}

void number_index_add(struct number_index *index)
{
    uint32_t slot;

    if (index->count == index->cap / 4 * 3)
        grow(index);
    slot = slot_of(index, index->key_of(index->owner, index->count));
    ASSERT(index->slots[slot] == 0);
    index->slots[slot] = ++index->count;
}

uint32_t number_index_find(const struct number_index *index, struct bytes key)
{
    uint32_t found = index->count == 0 ? 0 : index->slots[slot_of(index, key)];

    return found == 0 ? NUMBER_NONE : found - 1;
}
