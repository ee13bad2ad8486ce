/* dispatch.h: what a handler has sent leaves the machine: delay and loss, then the event at the other end. */
#ifndef SWARMBED_DISPATCH_H
#define SWARMBED_DISPATCH_H

#include "sim/endpoint.h"

/* All that the handler that just ended has sent. */
void dispatch_sends(struct seat *seat, int64_t departs_us);
/* A parcel's way back to the caller. */
void dispatch_answer(struct seat *seat, struct parcel *parcel, int64_t departs_us);
/* Tells a callee that the caller of call `sequence` has gone; never lost, and never before the request itself. */
void dispatch_gone(struct seat *seat, uint32_t callee, uint64_t sequence, int64_t not_before_us, int64_t departs_us);

#endif
