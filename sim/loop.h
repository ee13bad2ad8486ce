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

/* A loop that lives on, for a world that follows the wall clock and the sockets beside it. */
struct live_loop;
struct uv_loop_s; /* uv_loop_t */
struct live_loop_config {
    void *owner;
    /* Before each wait for the sockets: nanoseconds of real time after which the next turn is wanted at the latest; 0:
     * at once; UINT64_MAX: only when a socket has news. */
    uint64_t (*on_turn)(void *owner);
    void (*on_signal)(void *owner); /* each SIGINT and SIGTERM */
};
struct live_loop *live_loop_new(const struct live_loop_config *config);
struct uv_loop_s *live_loop_uv(struct live_loop *loop);
void live_loop_run(struct live_loop *loop);  /* until live_loop_end() */
void live_loop_wake(struct live_loop *loop); /* from any thread: a turn, soon */
void live_loop_end(struct live_loop *loop);  /* from a callback */
void live_loop_free(struct live_loop *loop); /* what others opened on it must be closed, or closing */

#endif
