#include "sim/shard.h"

#include <stdlib.h>
#include <string.h>

#include "sim/endpoint.h"

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){.next_us = EVENT_NEVER};
}

void outbox_fini(struct outbox *outbox)
{
    free(outbox->events);
}

static void outbox_add(struct outbox *outbox, const struct event *event)
{
    if (outbox->count == outbox->cap) {
        outbox->cap = outbox->cap == 0 ? 64 : 2 * outbox->cap;
        outbox->events = xrealloc(outbox->events, outbox->cap * sizeof(*outbox->events));
    }
    outbox->events[outbox->count++] = *event;
    if (event->time_us < outbox->next_us)
        outbox->next_us = event->time_us;
}

void shard_init(struct shard *shard, const struct settings *settings, struct shard *shards)
{
    memset(shard, 0, sizeof(*shard));
    shard->settings = settings;
    shard->shards = shards;
    event_queue_init(&shard->queue);
    arena_init(&shard->arena);
    slots_init(&shard->timers, sizeof(struct timer_slot));
    calls_init(&shard->calls);
    incomings_init(&shard->incomings);
    parcel_cache_init(&shard->parcels);
    slab_init(&shard->waiting, sizeof(struct waiting), SIZE_MAX);
    trace_buffer_init(&shard->trace);
    metrics_init(&shard->metrics);
    body_pool_init(&shard->bodies);
    disk_values_init(&shard->disk_values);
    buf_init(&shard->disk_log, SIZE_MAX);
    snode_list_cache_init(&shard->lists);
    shard->sessions = session_library_new();
}

void shard_fini(struct shard *shard)
{
    struct event event;

    while (event_queue_pop_before(&shard->queue, EVENT_NEVER, &event))
        endpoint_drop_event(shard, &event);
    session_library_free(shard->sessions);
    snode_list_cache_fini(&shard->lists);
    buf_fini(&shard->disk_log);
    disk_values_fini(&shard->disk_values);
    body_pool_fini(&shard->bodies);
    trace_buffer_fini(&shard->trace);
    slab_fini(&shard->waiting);
    parcel_cache_fini(&shard->parcels);
    incomings_fini(&shard->incomings);
    calls_fini(&shard->calls);
    slots_fini(&shard->timers);
    arena_fini(&shard->arena);
    event_queue_fini(&shard->queue);
    free(shard->sends);
}

/* With a million seats nearly every event finds its seat out of the processor's caches. */
static void prefetch(const struct shard *shard)
{
    const struct event *soon = event_queue_soon(&shard->queue), *next = event_queue_next(&shard->queue);

    if (soon != NULL)
        endpoint_prefetch_soon(shard, soon);
    if (next != NULL)
        endpoint_prefetch_next(shard, next);
}

void shard_run(struct shard *shard, int64_t end_us)
{
    struct event event;

    shard->end_us = end_us;
    while (event_queue_pop_before(&shard->queue, end_us, &event)) {
        prefetch(shard);
        shard->now_us = event.time_us;
        shard->stats.events++;
        endpoint_on_event(seat_at(shard->settings, event_destination(&event)), &event);
    }
}

void shard_post(struct shard *shard, struct shard *to, const struct event *event)
{
    ASSERT(to == shard || event->time_us >= shard->end_us); /* else it could be late there, with many threads */
    if (to == shard || shard->outboxes == NULL)
        event_queue_push(&to->queue, event);
    else
        outbox_add(&shard->outboxes[to - shard->shards], event);
}

void shard_take_outbox(struct shard *shard, struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        event_queue_push(&shard->queue, &outbox->events[i]);
    outbox->count = 0;
    outbox->next_us = EVENT_NEVER;
}

void shard_collect(struct shard *shard, const struct send *send)
{
    if (shard->send_count == shard->send_cap) {
        shard->send_cap = shard->send_cap == 0 ? 16 : 2 * shard->send_cap;
        shard->sends = xrealloc(shard->sends, shard->send_cap * sizeof(*shard->sends));
    }
    shard->sends[shard->send_count++] = *send;
}
