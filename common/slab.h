/* slab.h: a pool of objects of one size, for what outlives the event.
 *
 * Grows by chunks up to `max` objects, then says "full" (NULL): an ordinary answer. Objects come zeroed. Freed ones are
 * reused last in, first out; under the address sanitizer they are poisoned. Not for sharing between threads. */
#ifndef SWARMBED_SLAB_H
#define SWARMBED_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab_chunk;
struct slab {
    size_t object_size;
    size_t max;        /* SIZE_MAX: only memory bounds it */
    size_t taken;
    void *free_list;
    struct slab_chunk *chunks;
};

void slab_init(struct slab *slab, size_t object_size, size_t max);
void slab_fini(struct slab *slab);      /* frees every object, taken or not */
void *slab_take(struct slab *slab);     /* NULL: full */
void slab_give(struct slab *slab, void *object);

#endif
