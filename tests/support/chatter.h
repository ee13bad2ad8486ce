/* chatter.h: a world full of machines that do at random all that an env allows, and watch its promises.
 *
 * They call each other (and nobody), hold and answer requests, cancel, start, restart and stop timers, write to disk,
 * charge their CPU; a control event now and then kills one, restarts one or cuts one off. Every promise of env.h that a
 * machine can see is an ASSERT in here. What a dead machine was, is kept until the end, so that a late callback is
 * noticed. */
#ifndef SWARMBED_CHATTER_H
#define SWARMBED_CHATTER_H

#include "sim/world.h"

struct chatter_config {
    uint64_t seed;
    uint32_t seats;
    unsigned threads;
    bool faults;
    uint32_t charge_us_max; /* per handler */
    int64_t quiet_us;       /* from then on nothing new is started */
};

struct chatter_counts {
    uint64_t calls, ended[5]; /* by enum net */
    uint64_t requests, answered, gone;
    uint64_t crashes, calls_died, requests_died; /* open at a machine's death */
    uint64_t calls_open, requests_open;          /* now */
    uint64_t timers, syncs;
};

struct chatter;
struct chatter *chatter_new(const struct chatter_config *config);
void chatter_free(struct chatter *chatter);
struct world *chatter_world(struct chatter *chatter);
void chatter_counts(struct chatter *chatter, struct chatter_counts *out);

#endif
