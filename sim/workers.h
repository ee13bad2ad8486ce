/* workers.h: threads that run a window's shards.
 *
 * A round is a fixed number of jobs, claimed in turn by the caller and its helpers; it ends when all jobs are done, and
 * a helper that is asleep or late is not waited for. Helpers spin for a while after a round, since the next one mostly
 * follows at once, then sleep. Which thread ran which job must not matter to the jobs. */
#ifndef SWARMBED_WORKERS_H
#define SWARMBED_WORKERS_H

#include <stdbool.h>

/* Runs job number `job`; `worker` is 0 for the caller's thread, and at most one job at a time has that number. */
typedef void (*workers_fn)(void *owner, unsigned worker, unsigned job);

struct workers;
/* `threads` counts the caller's: 2 or more. Exit 3 if the machine gives no thread. */
struct workers *workers_new(unsigned threads, unsigned job_count, workers_fn fn, void *owner);
void workers_free(struct workers *workers);
/* One round; what was written before it is seen by its jobs, and what they wrote is seen after it. */
void workers_run(struct workers *workers);
/* Whether some helper sleeps, so that a round would have to wake it. */
bool workers_asleep(const struct workers *workers);

#endif
