/* windows.h: runs the shards' parts of one window after another, on one thread or many.
 *
 * A window is as long as the shortest delivery (network_least_us), so inside it no shard waits for another; and the
 * longer it is, the better the work of its shards evens out between threads. A window that one thread
 * runs pushes straight into the heaps. Many threads write to outboxes, one for every (worker, destination shard), in
 * two sets: one is written while the other, the last window's, is taken into the heaps; so a window needs one barrier.
 * Threads are used only where the work of recent windows says that they pay; that is measured, and can't be observed.
 */
#ifndef SWARMBED_WINDOWS_H
#define SWARMBED_WINDOWS_H

#include "sim/shard.h"
#include "sim/workers.h"

struct windows {
    struct shard *shards;    /* WORLD_SHARDS */
    struct workers *workers; /* NULL: one thread */
    unsigned threads;
    struct outbox *outboxes[2];      /* [set][worker * WORLD_SHARDS + destination] */
    unsigned filling;                /* the set that is written; the other may hold events */
    int64_t outbox_next_us;          /* the earliest event in the other; EVENT_NEVER: it is empty */
    int64_t end_us;                  /* of the running window */
    uint64_t shard_ns[WORLD_SHARDS]; /* work in the running window */
    uint64_t predicted_ns;           /* work in the next window */
    uint64_t count, parallel_count;
};

void windows_init(struct windows *windows, struct shard *shards, unsigned threads);
void windows_fini(struct windows *windows); /* before the shards */
/* The earliest event of all shards; EVENT_NEVER. */
int64_t windows_next_us(const struct windows *windows);
/* Runs all events before `end_us`, at most the shortest delivery after the earliest. */
void windows_run(struct windows *windows, int64_t end_us);

#endif
