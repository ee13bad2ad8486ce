#include "client/snode_pool.h"

#include <stdlib.h>
#include <string.h>

void snode_pool_fini(struct snode_pool *pool)
{
    snode_list_drop(pool->list);
    free(pool->notes);
    *pool = (struct snode_pool){.generation = pool->generation};
}

void snode_pool_replace(struct snode_pool *pool, struct snode_list *list)
{
    snode_pool_fini(pool);
    pool->list = list;
    pool->generation++;
}

const struct rpc_snode *snode_pool_node(const struct snode_pool *pool, uint32_t node)
{
    ASSERT(pool->list != NULL && node < pool->list->count);
    return &pool->list->nodes[node];
}

/* Position of the node's note, or where it would stand. */
static uint32_t note_position(const struct snode_pool *pool, uint32_t node)
{
    uint32_t low = 0, high = pool->note_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pool->notes[middle].node < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool snode_pool_is_dropped(const struct snode_pool *pool, uint32_t node)
{
    uint32_t at = note_position(pool, node);
    return at < pool->note_count && pool->notes[at].node == node && pool->notes[at].dropped;
}

static struct node_note *note_of(struct snode_pool *pool, uint32_t node)
{
    ASSERT(pool->list != NULL && node < pool->list->count);
    uint32_t at = note_position(pool, node);
    if (at < pool->note_count && pool->notes[at].node == node)
        return &pool->notes[at];
    if (pool->note_count == pool->note_cap) {
        pool->note_cap = pool->note_cap == 0 ? 4 : pool->note_cap * 2;
        pool->notes = xrealloc(pool->notes, pool->note_cap * sizeof *pool->notes);
    }
    memmove(&pool->notes[at + 1], &pool->notes[at], (pool->note_count - at) * sizeof *pool->notes);
    pool->notes[at] = (struct node_note){.node = node};
    pool->note_count++;
    return &pool->notes[at];
}

uint32_t snode_pool_find(const struct snode_pool *pool, const struct ed25519_public *key)
{
    if (pool->list == NULL)
        return NODE_NONE;
    uint32_t node = snode_list_find(pool->list, key);
    return node == UINT32_MAX || snode_pool_is_dropped(pool, node) ? NODE_NONE : node;
}

uint32_t snode_pool_usable(const struct snode_pool *pool)
{
    return pool->list == NULL ? 0 : pool->list->count - pool->dropped_count;
}

bool snode_pool_fail(struct snode_pool *pool, uint32_t node, uint32_t threshold, uint32_t *failures)
{
    struct node_note *note = note_of(pool, node);
    if (note->failures < UINT16_MAX)
        note->failures++;
    *failures = note->failures;
    return note->failures >= threshold && snode_pool_drop(pool, node);
}

bool snode_pool_drop(struct snode_pool *pool, uint32_t node)
{
    struct node_note *note = note_of(pool, node);
    if (note->dropped)
        return false;
    note->dropped = true;
    pool->dropped_count++;
    return true;
}

static int compare_indices(const void *va, const void *vb)
{
    const uint32_t *a = va, *b = vb;
    return (*a > *b) - (*a < *b);
}

uint32_t snode_pool_draw(const struct snode_pool *pool, struct env *env, const uint32_t skip[], size_t skip_count)
{
    if (pool->list == NULL)
        return NODE_NONE;
    uint32_t *barred = arena_alloc(env->arena, (pool->dropped_count + skip_count) * sizeof *barred);
    size_t found = 0, unique = 0;
    for (uint32_t i = 0; i < pool->note_count; i++)
        if (pool->notes[i].dropped)
            barred[found++] = pool->notes[i].node;
    for (size_t i = 0; i < skip_count; i++)
        barred[found++] = skip[i];
    qsort(barred, found, sizeof *barred, compare_indices);
    for (size_t i = 0; i < found; i++)
        if (unique == 0 || barred[unique - 1] != barred[i])
            barred[unique++] = barred[i];

    if (unique >= pool->list->count)
        return NODE_NONE;
    /* The k-th of those not barred: walk past the barred ones in front of it. */
    uint32_t node = (uint32_t)env_random_below(env, pool->list->count - unique);
    for (size_t i = 0; i < unique && barred[i] <= node; i++)
        node++;
    return node;
}
