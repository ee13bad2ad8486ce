/* event_queue.h: events in total order: (time, destination, class, source, source's sequence).
 *
 * A 4-ary heap of 32-byte events. Four children fill two cache lines, and pop prefetches the grandchildren, which pays
 * once a heap no longer fits the cache. Every event has another (destination, class, source, sequence), so ties do not
 * exist and the order never depends on the heap's shape. Not for sharing between threads. */
#ifndef SWARMBED_EVENT_QUEUE_H
#define SWARMBED_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At one time and destination: outside input first, own events last. */
enum event_class { CLASS_INPUT, CLASS_ANSWER, CLASS_REQUEST, CLASS_OWN };

#define EVENT_SEATS_MAX (UINT32_C(1) << 28)
#define EVENT_NEVER     INT64_MAX

struct event {
    int64_t time_us;
    uint64_t key;     /* event_key() */
    uint64_t seq;     /* the source's */
    uint64_t payload; /* the owner's: says what happens; takes no part in the order */
};

static inline uint64_t event_key(uint32_t destination, enum event_class class, uint32_t source)
{
    return (uint64_t)destination << 36 | (uint64_t) class << 32 | source;
}

static inline uint32_t event_destination(const struct event *event)
{
    return (uint32_t)(event->key >> 36);
}

static inline uint32_t event_source(const struct event *event)
{
    return (uint32_t)event->key;
}

struct event_queue {
    struct event *memory; /* NULL: nothing was ever pushed */
    struct event *heap;   /* in `memory`, so that every group of four children starts a cache line */
    size_t count, cap;
    size_t risen; /* see event_queue_soon() */
};

void event_queue_init(struct event_queue *queue);
void event_queue_fini(struct event_queue *queue);
void event_queue_push(struct event_queue *queue, const struct event *event);
/* The first event, if it is before `time_us`. */
bool event_queue_pop_before(struct event_queue *queue, int64_t time_us, struct event *out);

/* A hint for prefetching. The event that rose to the second level with the last pop: due soon, and named once; NULL:
 * none did. And the first one; NULL: none. */
static inline const struct event *event_queue_soon(const struct event_queue *queue)
{
    return queue->risen < queue->count ? &queue->heap[queue->risen] : NULL;
}

static inline const struct event *event_queue_next(const struct event_queue *queue)
{
    return queue->count == 0 ? NULL : &queue->heap[0];
}

/* Time of the first event; EVENT_NEVER: none. */
static inline int64_t event_queue_next_us(const struct event_queue *queue)
{
    return queue->count == 0 ? EVENT_NEVER : queue->heap[0].time_us;
}

#endif
