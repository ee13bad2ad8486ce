/* arena.h: scratch memory for one event, released at once.
 *
 * Every shard owns one and resets it after each event; a test or a tool may own another. Allocation never fails
 * (memory that ends, ends the process: exit 3); what is allocated is bounded by the limits on inputs. */
#ifndef SWARMBED_ARENA_H
#define SWARMBED_ARENA_H

#include <stddef.h>

#include "common/bytes.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *first; /* kept over a reset, so that the common event allocates nothing */
    struct arena_chunk *now;
    size_t used;               /* of `now` */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
void arena_reset(struct arena *arena);              /* all that was allocated is gone */
void *arena_alloc(struct arena *arena, size_t size); /* aligned to 16, not zeroed */
void *arena_zalloc(struct arena *arena, size_t size);
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
