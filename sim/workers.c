#include "sim/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/err.h"

/* How often a helper looks for a new round before it sleeps: some 50 us. */
#define SPINS_BEFORE_SLEEP 4000
/* How often the caller looks for the end of a round before it lets others have its core. */
#define SPINS_BEFORE_YIELD 4000

struct helper {
    struct workers *workers;
    unsigned worker;
    pthread_t thread;
};

struct workers {
    workers_fn fn;
    void *owner;
    unsigned job_count, helper_count;
    struct helper *helpers;
    pthread_mutex_t mutex; /* of sleeping and waking only */
    pthread_cond_t wake;
    atomic_uint asleep;
    atomic_bool quit;
    _Alignas(64) atomic_uint next; /* the job to claim; job_count or more: none */
    _Alignas(64) atomic_uint done;
};

static inline void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static bool jobs_left(struct workers *workers)
{
    return atomic_load_explicit(&workers->next, memory_order_relaxed) < workers->job_count;
}

/* A claim takes part in the release of `next` that opened the round, so a helper that comes late, even from the round
 * before, sees all that the round's jobs need. */
static void run_jobs(struct workers *workers, unsigned worker)
{
    while (jobs_left(workers)) {
        unsigned job = atomic_fetch_add_explicit(&workers->next, 1, memory_order_acq_rel);

        if (job >= workers->job_count)
            return;
        workers->fn(workers->owner, worker, job);
        atomic_fetch_add_explicit(&workers->done, 1, memory_order_release);
    }
}

/* `asleep` is raised before the last look at `next`, and workers_run() opens the round before its look at `asleep`: one
 * of the two sees the other. */
static void sleep_until_round(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    atomic_fetch_add(&workers->asleep, 1);
    while (atomic_load(&workers->next) >= workers->job_count && !atomic_load(&workers->quit))
        pthread_cond_wait(&workers->wake, &workers->mutex);
    atomic_fetch_sub(&workers->asleep, 1);
    pthread_mutex_unlock(&workers->mutex);
}

static void *helper_main(void *arg)
{
    struct helper *helper = arg;
    struct workers *workers = helper->workers;

    while (!atomic_load_explicit(&workers->quit, memory_order_acquire)) {
        for (unsigned spins = 0; spins < SPINS_BEFORE_SLEEP && !jobs_left(workers); spins++)
            spin_pause();
        if (jobs_left(workers))
            run_jobs(workers, helper->worker);
        else
            sleep_until_round(workers);
    }
    return NULL;
}

struct workers *workers_new(unsigned threads, unsigned job_count, workers_fn fn, void *owner)
{
    struct workers *workers = aligned_alloc(64, (sizeof(*workers) + 63) / 64 * 64);

    ASSERT(threads >= 2 && job_count > 0);
    if (workers == NULL)
        out_of_memory();
    *workers = (struct workers){.fn = fn, .owner = owner, .job_count = job_count, .helper_count = threads - 1};
    atomic_init(&workers->next, job_count);
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->wake, NULL);
    workers->helpers = xcalloc(workers->helper_count, sizeof(*workers->helpers));
    for (unsigned i = 0; i < workers->helper_count; i++) {
        struct helper *helper = &workers->helpers[i];

        helper->workers = workers;
        helper->worker = i + 1;
        if (pthread_create(&helper->thread, NULL, helper_main, helper) != 0)
            out_of_memory();
    }
    return workers;
}

static void wake_all(struct workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->mutex);
}

void workers_free(struct workers *workers)
{
    atomic_store(&workers->quit, true);
    wake_all(workers);
    for (unsigned i = 0; i < workers->helper_count; i++)
        pthread_join(workers->helpers[i].thread, NULL);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->helpers);
    free(workers);
}

void workers_run(struct workers *workers)
{
    unsigned spins = 0;

    atomic_store_explicit(&workers->done, 0, memory_order_relaxed);
    atomic_store(&workers->next, 0);
    if (atomic_load(&workers->asleep) > 0)
        wake_all(workers);
    run_jobs(workers, 0);
    while (atomic_load_explicit(&workers->done, memory_order_acquire) < workers->job_count) {
        if (++spins < SPINS_BEFORE_YIELD)
            spin_pause();
        else
            sched_yield();
    }
}

bool workers_asleep(const struct workers *workers)
{
    return atomic_load_explicit(&workers->asleep, memory_order_relaxed) > 0;
}
