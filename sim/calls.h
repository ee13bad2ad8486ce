/* calls.h: the open calls of a shard's seats, from the caller's side.
 *
 * A call is named (source, sequence) and held in a slot; the answer brings the name back, and whatever comes for a slot
 * that was given back since is late and dropped. Time-outs of one length run out in the order they began, so they stand
 * in a lane: only a lane's first needs an event in the heap, and none while an earlier one will look at the lane
 * anyway. So calls that are answered leave nothing there.
 */
#ifndef SWARMBED_CALLS_H
#define SWARMBED_CALLS_H

#include "common/env.h"
#include "sim/event_queue.h"
#include "sim/slots.h"

struct seat;
struct shard;

#define CALL_LANES 8
#define LANE_NONE  UINT8_MAX

struct open_call {
    struct slot slot;
    uint32_t seat;
    struct call *call;
    uint64_t sequence;
    int64_t deadline_us;
    int64_t arrives_us; /* when the request reaches the callee */
    uint32_t callee;    /* SEAT_NONE: nobody has that address */
    uint32_t lane_prev, lane_next;
    uint8_t lane;
    bool armed;  /* its time-out is in the heap */
    bool flowing; /* parts of its answer have come: no time limit any more */
    bool known;  /* the callee knows of it or will, and must be told if the caller goes */
    uint8_t net; /* what EVENT_CALL_END ends it with */
};

struct lane {
    uint32_t timeout_ms;
    uint32_t first, last; /* slots */
    int64_t event_us;     /* of an event in the heap that will look at the lane; EVENT_NEVER: of none */
};

struct calls {
    struct slots open; /* of struct open_call */
    struct lane lanes[CALL_LANES];
};

void calls_init(struct calls *calls);
void calls_fini(struct calls *calls);

void calls_start(struct seat *seat, struct call *call, call_fn done);
void calls_cancel(struct seat *seat, struct call *call);
/* The request has left for its callee, or was lost. */
void calls_left(struct seat *seat, uint32_t slot, bool lost, int64_t arrives_us);
/* Ends the call in that slot: gives the slot back and runs `done`. `answer`: if NET_OK. */
void calls_end(struct seat *seat, uint32_t slot, enum net net, const struct message *answer);
/* A part of the answer has come: runs `done`, if the caller wants parts. The first one ends the time limit. */
void calls_part(struct seat *seat, uint32_t slot, const struct message *part);
/* Whether what was planned for that slot is still to end it. */
bool calls_end_due(const struct calls *calls, uint32_t slot, uint32_t generation);
/* The caller died: no `done`, but the callees are told. */
void calls_crash(struct seat *seat);
/* A lane's event is due: the slot whose time has run out, and makes sure of the next; 0: the event was stale. */
uint32_t calls_lane_due(struct shard *shard, const struct event *event);

#endif
