/* shard.h: one event heap, its seats' arena, slabs and outbox; runs its part of a window.
 *
 * Inside a window a shard touches nothing of another shard but the settings and what never changes in its seats. What
 * it sends to another shard goes to the outboxes it was given for the window; without them (one thread runs all)
 * straight into the other's heap. */
#ifndef SWARMBED_SHARD_H
#define SWARMBED_SHARD_H

#include "client/session.h"
#include "client/snode_list.h"
#include "common/arena.h"
#include "node/body_pool.h"
#include "sim/calls.h"
#include "sim/disk_values.h"
#include "sim/event_queue.h"
#include "sim/incomings.h"
#include "sim/machine.h"
#include "sim/metrics.h"
#include "sim/network.h"
#include "sim/number_index.h"
#include "sim/parcel.h"
#include "sim/slots.h"
#include "sim/trace_buffer.h"
#include "sim/world.h"

struct seat;
struct shard;

/* What all shards read, and only the world writes, between windows. */
struct settings {
    struct rng_key key;
    struct network_config network;
    uint32_t access_us_min; /* of all seats */
    int64_t window_us;      /* no delivery between these seats takes less */
    const struct cost_table *costs;
    int64_t epoch_ms;
    uint64_t sink_kinds; /* trace kinds that some sink wants */
    tap_fn tap;          /* NULL: none */
    void *tap_owner;
    struct seat **pages; /* seats never move: pages of SEATS_PER_PAGE */
    uint32_t seat_count;
    struct number_index by_address; /* of seats */
};
#define SEATS_PER_PAGE 256

/* The key of by_address: ip and port, without the padding behind them. */
static inline struct bytes address_key(const struct address *address)
{
    static_assert(offsetof(struct address, port) == sizeof(uint32_t), "ip and port are one piece");
    return (struct bytes){(const uint8_t *)address, sizeof(uint32_t) + sizeof(uint16_t)};
}

/* Events for one shard, in no order. */
struct outbox {
    struct event *events;
    size_t count, cap;
    int64_t next_us; /* of the earliest; EVENT_NEVER */
};
void outbox_init(struct outbox *outbox);
void outbox_fini(struct outbox *outbox);

/* What the running handler sends: it leaves once the handler's charges are known. */
enum send_kind { SEND_REQUEST, SEND_ANSWER, SEND_PART, SEND_GONE, SEND_SYNC };
struct send {
    enum send_kind kind;
    uint32_t to;           /* seat */
    uint64_t sequence;     /* SEND_GONE: names the call */
    int64_t not_before_us; /* SEND_GONE: when the request arrives */
    struct parcel *parcel; /* SEND_REQUEST, SEND_ANSWER, SEND_PART */
    struct parcel *open;   /* SEND_PART: the request, or already the end of its answer, which leaves later */
};

struct shard {
    const struct settings *settings;
    struct shard *shards; /* all of them */
    struct event_queue queue;
    struct arena arena;
    int64_t now_us;
    int64_t end_us;          /* of the window that it runs, or ran last */
    struct outbox *outboxes; /* one per shard; NULL: push straight */

    struct seat *running; /* whose handler runs; NULL: none */
    int64_t charged_ns;
    struct send *sends;
    size_t send_count, send_cap;

    struct slots timers; /* of struct timer_slot */
    struct calls calls;
    struct incomings incomings;
    struct parcel_cache parcels;
    struct slab waiting;
    struct trace_buffer trace;
    struct metrics metrics;
    struct body_pool bodies;
    struct disk_values disk_values;
    struct buf disk_log; /* of those disks that outlive the process */
    struct snode_list_cache lists;
    struct session_library *sessions;
    struct {
        uint64_t machines; /* in its seats now */
        uint64_t events, calls, calls_lost, overloads;
    } stats;
};

void shard_init(struct shard *shard, const struct settings *settings, struct shard *shards);
void shard_fini(struct shard *shard); /* its seats must be empty */
/* Runs all events before `end_us`. */
void shard_run(struct shard *shard, int64_t end_us);
/* An event for a seat of any shard, from a seat of this one; `time_us` not before the window's end, unless it is this
 * one's. */
void shard_post(struct shard *shard, struct shard *to, const struct event *event);
void shard_take_outbox(struct shard *shard, struct outbox *outbox);
void shard_collect(struct shard *shard, const struct send *send);

#endif
