/* loop.h: the libuv loop: runs the world in bounded batches, so that signals and sockets are served in between.
 *
 * How a run is cut into batches can't be observed (world.h). The first SIGINT or SIGTERM ends the run between two
 * windows; what a second one does is the system's default. */
#ifndef SWARMBED_LOOP_H
#define SWARMBED_LOOP_H

#include "sim/world.h"

enum loop_end {
    LOOP_REACHED,    /* the world is at `until_us` */
    LOOP_INTERRUPTED /* by a signal: the world is somewhere before */
};
/* Called about ten times a second of real time, between windows. */
typedef void (*loop_progress_fn)(void *owner, const struct world *world);

/* Runs the world up to `until_us`. `progress` may be NULL. */
enum loop_end loop_run(struct world *world, int64_t until_us, loop_progress_fn progress, void *owner);

#endif
