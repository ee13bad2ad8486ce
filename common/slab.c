#include "common/slab.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/poison.h"

#define CHUNK_OBJECTS_FIRST 8
#define CHUNK_BYTES         ((size_t)64 * 1024)
#define ALIGNMENT           16

struct slab_chunk {
    struct slab_chunk *next;
    _Alignas(ALIGNMENT) uint8_t objects[];
};

/* A free object starts with the pointer to the next free one. */
static void put_free(struct slab *slab, void *object)
{
    memcpy(object, &slab->free_list, sizeof(slab->free_list));
    slab->free_list = object;
    POISON(object, slab->object_size);
}

/* All there are have been taken: as many again, so a small slab stays small and a large one grows in few steps. */
static void grow(struct slab *slab)
{
    size_t count = slab->taken < CHUNK_OBJECTS_FIRST ? CHUNK_OBJECTS_FIRST : slab->taken;
    struct slab_chunk *chunk;
    if (count > CHUNK_BYTES / slab->object_size)
        count = CHUNK_BYTES / slab->object_size + 1;
    if (count > slab->max - slab->taken)
        count = slab->max - slab->taken;
    chunk = xmalloc(sizeof(*chunk) + count * slab->object_size);
    chunk->next = slab->chunks;
    slab->chunks = chunk;
    for (size_t i = count; i-- > 0;)
        put_free(slab, chunk->objects + i * slab->object_size);
}

void slab_init(struct slab *slab, size_t object_size, size_t max)
{
    ASSERT(object_size > 0 && object_size <= SIZE_MAX / 2);
    *slab = (struct slab){.object_size = (object_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, .max = max};
}

void slab_fini(struct slab *slab)
{
    while (slab->chunks != NULL) {
        struct slab_chunk *next = slab->chunks->next;
        free(slab->chunks);
        slab->chunks = next;
    }
    slab->free_list = NULL;
    slab->taken = 0;
}

void *slab_take(struct slab *slab)
{
    void *object;
    if (slab->taken == slab->max)
        return NULL;
    if (slab->free_list == NULL)
        grow(slab);
    object = slab->free_list;
    UNPOISON(object, slab->object_size);
    memcpy(&slab->free_list, object, sizeof(slab->free_list));
    slab->taken++;
    return memset(object, 0, slab->object_size);
}

void slab_give(struct slab *slab, void *object)
{
    ASSERT(object != NULL && slab->taken > 0);
    slab->taken--;
    put_free(slab, object);
}
