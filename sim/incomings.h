/* incomings.h: the open incoming requests of a shard's seats, found by the names of their calls.
 *
 * A notice that the caller has gone names the call (caller, sequence); a node may hold thousands of requests open, so
 * they are hashed. Each also hangs on its seat's list, for a crash. */
#ifndef SWARMBED_INCOMINGS_H
#define SWARMBED_INCOMINGS_H

#include "sim/parcel.h"

struct incomings {
    struct parcel **buckets;
    size_t cap, count; /* cap: a power of two, or 0 */
};

void incomings_init(struct incomings *incomings);
void incomings_fini(struct incomings *incomings);
void incomings_add(struct incomings *incomings, struct parcel **seat_list, struct parcel *parcel);
void incomings_remove(struct incomings *incomings, struct parcel *parcel);
/* NULL: answered already, or it never came. */
struct parcel *incomings_find(const struct incomings *incomings, uint32_t callee, uint32_t caller, uint64_t sequence);

#endif
