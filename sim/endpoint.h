/* endpoint.h: one seat in the network: implements env for the node or client in it.
 *
 * What happens at a seat arrives as an event; while its CPU is busy, it waits. A handler sees the time at which it
 * started, and what it sends leaves when all it was charged is done. */
#ifndef SWARMBED_ENDPOINT_H
#define SWARMBED_ENDPOINT_H

#include "sim/disk_virtual.h"
#include "sim/machine.h"
#include "sim/shard.h"

/* What an event is about: the low bits of its payload; the rest is a pointer, or a slot's index and generation, or a
 * number. */
enum event_kind {
    EVENT_REQUEST,  /* pointer: parcel */
    EVENT_ANSWER,   /* pointer: parcel */
    EVENT_PART,     /* pointer: parcel; of an answer */
    EVENT_GONE,     /* number: sequence of the call whose caller has gone */
    EVENT_INPUT,    /* pointer: struct seat_input */
    EVENT_TIMER,    /* slot */
    EVENT_CALL_END, /* slot: time-out, cancelled, refused on this side */
    EVENT_LANE,     /* number: lane */
    EVENT_DISK,     /* number: the seat's life */
    EVENT_CPU       /* number: the seat's life */
};
#define EVENT_KIND_BITS 4

static inline uint64_t payload_number(enum event_kind kind, uint64_t number)
{
    return number << EVENT_KIND_BITS | kind;
}

static inline uint64_t payload_pointer(enum event_kind kind, void *pointer)
{
    return (uintptr_t)pointer | kind; /* malloc aligns to 16 */
}

static inline uint64_t payload_slot(enum event_kind kind, uint32_t index, uint32_t generation)
{
    return (uint64_t)generation << 32 | payload_number(kind, index);
}

/* What world_input_at() was given: malloc, freed once run. */
struct seat_input {
    seat_fn fn;
    void *owner;
};

struct timer_slot {
    struct slot slot;
    struct timer *timer;
};

struct seat {
    /* never changes, so that other shards may read it */
    _Alignas(64) struct env env;
    struct shard *shard;
    const struct ed25519_public *peer_key;
    struct address address;
    struct network_access access;
    uint32_t number;
    bool has_disk;
    bool direct;

    /* its shard's, and the world's between windows */
    _Alignas(64) const struct seat_handler *handler;
    void *machine;         /* NULL: empty */
    uint64_t sequence;     /* names all that this seat sends or plans; survives a restart */
    uint64_t random_bytes; /* position of its stream; survives a restart */
    uint64_t digest, trace_index;
    int64_t clock_skew_ms;
    struct machine cpu;
    struct disk_virtual *disk; /* NULL: nothing was ever put */
    struct parcel *incomings;  /* open ones */
    uint32_t timers, calls;    /* lists of slots */
    uint32_t call_count;
    uint32_t drop_calls; /* so many of the next are lost */
    uint32_t life;       /* how many machines have died here */
    bool cut_off;
};
static_assert(sizeof(struct seat) <= 192, "an idle client with its seat takes at most 512 bytes");

static inline struct seat *seat_at(const struct settings *settings, uint32_t number)
{
    return &settings->pages[number / SEATS_PER_PAGE][number % SEATS_PER_PAGE];
}

void seat_init(struct seat *seat, struct shard *shard, uint32_t number, const struct seat_config *config);
void seat_fini(struct seat *seat); /* frees its machine */
/* Tells digest, metrics and sinks. `message`: what the digest covers beside the record, or NULL. */
void endpoint_trace(struct seat *seat, const struct trace_record *record, const struct message *message);
/* Shows it to the world's tap, if there is one; the time is filled in. */
void endpoint_tap(struct seat *seat, struct tapped tapped);
/* An event of the seat for itself. */
void endpoint_plan(struct seat *seat, int64_t at_us, uint64_t sequence, uint64_t payload);
/* The virtual disk, made when first needed. */
struct disk_virtual *endpoint_disk(struct seat *seat);

/* Ask for the memory of an event that is due soon, and of one that is due next: what the first has asked for is there
 * by then. */
void endpoint_prefetch_soon(const struct shard *shard, const struct event *event);
void endpoint_prefetch_next(const struct shard *shard, const struct event *event);
/* In arrivals.c: what is due at the seat. */
void endpoint_on_event(struct seat *seat, const struct event *event);
/* Runs `fn` as a handler, now; skipped if the seat is empty. */
void endpoint_enter(struct seat *seat, seat_fn fn, void *owner);
/* The machine dies; the seat is empty after it. */
void endpoint_crash(struct seat *seat);
/* Frees what an event that nobody will run carries. */
void endpoint_drop_event(struct shard *shard, const struct event *event);

#endif
