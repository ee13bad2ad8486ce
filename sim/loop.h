/* loop.h: the libuv loop: runs the world in bounded batches, so that signals and sockets are served in between.
 *
 * How a run is cut into batches can't be observed (world.h). The first interrupt (SIGINT) or SIGTERM ends the run
 * between two windows; what the second does is the system's default. */
#ifndef SWARMBED_LOOP_H
#define SWARMBED_LOOP_H

#include "sim/world.h"

enum loop_end {
    LOOP_UNTIL,  /* the world reached `until_us` */
    LOOP_DONE,   /* `done` said true */
    LOOP_STOPPED /* a signal, or world_stop() */
};
/* Called about ten times a second of real time, between windows. */
typedef void (*loop_progress_fn)(struct world *world, void *owner);

/* As world_run_until(), with the same `every_us`, `done` and `owner`. `progress` may be NULL; it gets `owner`, too. */
enum loop_end loop_run(struct world *world, int64_t until_us, int64_t every_us, world_done_fn done, void *owner,
                       loop_progress_fn progress);

#endif
