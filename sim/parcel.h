/* parcel.h: one call under way: the request, then the open incoming at the callee, then the answer.
 *
 * Handed from shard to shard and never shared: at any time one shard owns a parcel, and frees it or passes it on. The
 * same parcel goes there and back, so a shard's cache stays level without a lock. A body is shared by count inside a
 * shard; over a shard's edge it is handed over if nobody else keeps it, and copied otherwise. */
#ifndef SWARMBED_PARCEL_H
#define SWARMBED_PARCEL_H

#include "common/env.h"

#define PARCEL_TEXT_BYTES 64

struct parcel {
    struct incoming incoming;    /* .in is the request, later the answer; its path and headers stand below */
    struct parcel *next, **link; /* the callee's list of open incomings; next also links free parcels */
    struct parcel *hash_next, **hash_link;
    uint64_t sequence;       /* with `caller` the name of the call */
    uint32_t caller, callee; /* seats */
    uint32_t caller_slot, caller_generation;
    uint64_t wire_bytes; /* of what is under way now */
    enum net net;        /* of the answer */
    bool caller_gone;
    bool broken;            /* a part of the answer was lost: nothing that follows arrives */
    int64_t not_before_us;  /* when the last part of the answer arrives */
    void *extension; /* path and headers that did not fit `text`; malloc */
    uint8_t text[PARCEL_TEXT_BYTES];
};

/* A name for the connection that the call stands for: unlike those of all others that are open at the callee. */
static inline uint64_t parcel_connection(const struct parcel *parcel)
{
    return (uint64_t)parcel->caller << 40 | (parcel->sequence & (((uint64_t)1 << 40) - 1));
}

struct parcel_cache {
    struct parcel *free;
    uint32_t count;
};

void parcel_cache_init(struct parcel_cache *cache);
void parcel_cache_fini(struct parcel_cache *cache);
/* A parcel without content. */
struct parcel *parcel_take(struct parcel_cache *cache);
void parcel_give(struct parcel_cache *cache, struct parcel *parcel); /* drops its body, too */
/* Makes a copy of `message` (its body kept by count) the parcel's content. It may borrow from the present content. */
void parcel_fill(struct parcel *parcel, const struct message *message);
/* Makes an answer without headers or body the content: what the network or a full machine says by itself. */
void parcel_fill_plain(struct parcel *parcel, enum net net, uint16_t status);
/* Before the parcel leaves its shard: nobody else keeps its body after it. */
void parcel_own_body(struct parcel *parcel);

#endif
