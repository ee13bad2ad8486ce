#include "sim/workers.h"

#include <stdlib.h>

#include "common/err.h"
#include "tests/support/check_main.h"

#define JOBS 16

struct work {
    unsigned round;
    unsigned runs[JOBS]; /* how often each job ran */
    unsigned seen[JOBS]; /* the round that it saw */
    unsigned workers[JOBS];
};

static void run_job(void *owner, unsigned worker, unsigned job)
{
    struct work *work = owner;

    work->runs[job]++;
    work->seen[job] = work->round;
    work->workers[job] = worker;
}

static void check_rounds(unsigned threads)
{
    struct work work = {0};
    struct workers *workers = workers_new(threads, JOBS, run_job, &work);

    for (unsigned round = 1; round <= 1000; round++) {
        work.round = round;
        workers_run(workers);
        for (size_t i = 0; i < JOBS; i++) {
            ck_assert_uint_eq(work.runs[i], round);
            ck_assert_uint_eq(work.seen[i], round);
            ck_assert_uint_lt(work.workers[i], threads);
        }
    }
    workers_free(workers);
}

/* Every job runs once a round, sees what was written before the round, and is seen after it, however many threads there
 * are and whether they sleep or not. */
START_TEST(every_job_runs_once_a_round)
{
    for (unsigned threads = 2; threads <= 5; threads++)
        check_rounds(threads);
}
END_TEST

/* Helpers that have gone to sleep can be ended, and so can those that never had a round. */
START_TEST(sleeping_helpers_end)
{
    struct work work = {0};
    struct workers *workers = workers_new(4, JOBS, run_job, &work);

    while (!workers_asleep(workers))
        ;
    workers_run(workers);
    ck_assert_uint_eq(work.runs[JOBS - 1], 1);
    workers_free(workers);
    workers_free(workers_new(2, JOBS, run_job, &work));
}
END_TEST

TEST_MAIN("workers", every_job_runs_once_a_round, sleeping_helpers_end)
