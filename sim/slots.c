#include "sim/slots.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

void slots_init(struct slots *slots, size_t item_bytes)
{
    memset(slots, 0, sizeof(*slots));
    slots->item_bytes = item_bytes;
    slots->used = 1;
}

void slots_fini(struct slots *slots)
{
    free(slots->items);
}

static uint32_t slots_new(struct slots *slots)
{
    struct slot *slot;

    ASSERT(slots->used < SLOTS_MAX);
    if (slots->used >= slots->cap) {
        slots->cap = slots->cap == 0 ? 16 : 2 * slots->cap;
        slots->items = xrealloc(slots->items, slots->cap * slots->item_bytes);
    }
    slot = slots_at(slots, slots->used);
    slot->generation = 0;
    return slots->used++;
}

uint32_t slots_take(struct slots *slots, uint32_t *head)
{
    uint32_t index = slots->free;
    struct slot *slot;

    if (index == 0)
        index = slots_new(slots);
    else
        slots->free = ((struct slot *)slots_at(slots, index))->next;
    slot = slots_at(slots, index);
    memset(slot + 1, 0, slots->item_bytes - sizeof(*slot));
    slot->prev = 0;
    slot->next = *head;
    if (*head != 0)
        ((struct slot *)slots_at(slots, *head))->prev = index;
    *head = index;
    return index;
}

void slots_give(struct slots *slots, uint32_t *head, uint32_t index)
{
    struct slot *slot = slots_at(slots, index);

    if (slot->prev != 0)
        ((struct slot *)slots_at(slots, slot->prev))->next = slot->next;
    else
        *head = slot->next;
    if (slot->next != 0)
        ((struct slot *)slots_at(slots, slot->next))->prev = slot->prev;
    slot->generation++;
    slot->next = slots->free;
    slots->free = index;
}
