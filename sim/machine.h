/* machine.h: the one CPU of a seat: work charged, events that wait for it.
 *
 * A handler starts when the CPU is free and keeps it busy for what it charges. What arrives meanwhile waits in arrival
 * order, whatever it is. Requests that wait are bounded (LIMIT_RUN_QUEUE); answers, timers and notices are bounded by
 * what the endpoint has started itself. */
#ifndef SWARMBED_MACHINE_H
#define SWARMBED_MACHINE_H

#include "common/slab.h"
#include "sim/event_queue.h"

/* An event that waits for the CPU: from a slab of the shard, so that an idle machine owns no queue. */
struct waiting {
    struct event event;
    struct waiting *next;
    bool is_request;
};

struct machine {
    int64_t free_us;              /* the CPU is busy until then */
    struct waiting *first, *last; /* NULL: nothing waits */
    uint32_t requests_waiting;
    uint32_t cpu_percent;
};

void machine_init(struct machine *machine, uint32_t cpu_percent);

/* Whether an event that arrives now has to wait: behind the running work, or behind those that wait already. */
static inline bool machine_busy(const struct machine *machine, int64_t now_us)
{
    return machine->first != NULL || machine->free_us > now_us;
}

/* The end of `charged_ns` of work that starts now or when the CPU is free: busy until then. */
int64_t machine_work(struct machine *machine, int64_t now_us, int64_t charged_ns);
void machine_wait(struct machine *machine, struct slab *slab, const struct event *event, bool is_request);
/* Takes the first of those that wait. False: nothing waits. */
bool machine_next(struct machine *machine, struct slab *slab, struct event *out);

#endif
