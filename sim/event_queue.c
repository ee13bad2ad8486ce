#include "sim/event_queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

/* Slots left free in front, so that the children of node i (4i + 1 .. 4i + 4) start at a multiple of four events. */
#define QUEUE_FRONT 3
#define QUEUE_ALIGN 128

static inline bool event_before(const struct event *a, const struct event *b)
{
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us;
    if (a->key != b->key)
        return a->key < b->key;
    return a->seq < b->seq;
}

void event_queue_init(struct event_queue *queue)
{
    memset(queue, 0, sizeof(*queue));
}

void event_queue_fini(struct event_queue *queue)
{
    free(queue->memory);
}

static void queue_grow(struct event_queue *queue)
{
    size_t cap = queue->cap == 0 ? 64 : 2 * queue->cap;
    size_t bytes = (QUEUE_FRONT + cap + 1) * sizeof(struct event);
    struct event *memory = aligned_alloc(QUEUE_ALIGN, (bytes + QUEUE_ALIGN - 1) / QUEUE_ALIGN * QUEUE_ALIGN);

    if (memory == NULL)
        out_of_memory();
    if (queue->count > 0)
        memcpy(memory + QUEUE_FRONT, queue->heap, queue->count * sizeof(struct event));
    free(queue->memory);
    queue->memory = memory;
    queue->heap = memory + QUEUE_FRONT;
    queue->cap = cap;
}

/* Puts `event` into the hole at `at`, moving later ancestors down. */
static void sift_up(struct event *heap, size_t at, const struct event *event)
{
    while (at > 0) {
        size_t parent = (at - 1) / 4;

        if (!event_before(event, &heap[parent]))
            break;
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = *event;
}

void event_queue_push(struct event_queue *queue, const struct event *event)
{
    if (queue->count == queue->cap)
        queue_grow(queue);
    sift_up(queue->heap, queue->count++, event);
}

static size_t first_of_four(const struct event *child)
{
    size_t left = event_before(&child[1], &child[0]) ? 1 : 0;
    size_t right = event_before(&child[3], &child[2]) ? 3 : 2;

    return event_before(&child[right], &child[left]) ? right : left;
}

/* The hole moves from the root to a leaf along the first children, without a look at the last event; that one then
 * mostly stays where the hole ended, since it was a leaf itself. */
static void remove_root(struct event_queue *queue)
{
    struct event *heap = queue->heap;
    size_t last = --queue->count;
    size_t hole = 0;

    for (size_t child = 1; child < last; child = 4 * hole + 1) {
        size_t first = 0;
        size_t grandchildren = 4 * child + 1;

        if (grandchildren < last)
            for (size_t line = 0; line < 16; line += 2)
                __builtin_prefetch(&heap[grandchildren + line]);
        if (child + 4 <= last)
            first = first_of_four(&heap[child]);
        else
            for (size_t i = 1; child + i < last; i++)
                if (event_before(&heap[child + i], &heap[child + first]))
                    first = i;
        heap[hole] = heap[child + first];
        if (hole == 0)
            queue->risen = child + first;
        hole = child + first;
    }
    if (last > 0)
        sift_up(heap, hole, &heap[last]);
}

bool event_queue_pop_before(struct event_queue *queue, int64_t time_us, struct event *out)
{
    if (queue->count == 0 || queue->heap[0].time_us >= time_us)
        return false;
    *out = queue->heap[0];
    remove_root(queue);
    return true;
}
