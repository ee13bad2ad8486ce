/* slots.h: a growing table of records that are named by index and generation.
 *
 * An event in the heap can't be taken out again, and what it is about may be gone by the time it is due, memory and
 * all. So it names a slot: a slot given back gets another generation, and the event is recognised as stale. Index 0 is
 * never used: it means "none". Slots of one owner hang on a list, so that a crash finds them all. Pointers into the
 * table are valid until the next slots_take(). */
#ifndef SWARMBED_SLOTS_H
#define SWARMBED_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define SLOTS_MAX (UINT32_C(1) << 28) /* an index fits an event's payload beside a generation and a kind */

/* The first member of every record. */
struct slot {
    uint32_t generation;
    uint32_t prev, next; /* in the owner's list; next also links free slots */
};

struct slots {
    uint8_t *items;
    size_t item_bytes;
    uint32_t used, cap;
    uint32_t free;
};

void slots_init(struct slots *slots, size_t item_bytes);
void slots_fini(struct slots *slots);
/* A zeroed record (but for its struct slot), first in the list of `head`. */
uint32_t slots_take(struct slots *slots, uint32_t *head);
void slots_give(struct slots *slots, uint32_t *head, uint32_t index);

static inline void *slots_at(const struct slots *slots, uint32_t index)
{
    return slots->items + index * slots->item_bytes;
}

/* NULL: it was given back since. */
static inline void *slots_check(const struct slots *slots, uint32_t index, uint32_t generation)
{
    struct slot *slot = slots_at(slots, index);

    return slot->generation == generation ? slot : NULL;
}

#endif
