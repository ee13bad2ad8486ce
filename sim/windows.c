#include "sim/windows.h"

#include <stdlib.h>

#include "sim/stopwatch.h"

/* Work in a window from which threads pay, measured with two: while the helpers spin, and when one has to be woken. */
#define PAYS_SPINNING_NS 20000
#define PAYS_ASLEEP_NS   40000

static void run_shard(void *owner, unsigned worker, unsigned number)
{
    struct windows *windows = owner;
    struct shard *shard = &windows->shards[number];
    uint64_t began_ns = stopwatch_ns();

    for (unsigned i = 0; i < windows->threads; i++)
        shard_take_outbox(shard, &windows->outboxes[1 - windows->filling][i * WORLD_SHARDS + number]);
    shard->outboxes = &windows->outboxes[windows->filling][worker * WORLD_SHARDS];
    shard_run(shard, windows->end_us);
    shard->outboxes = NULL;
    windows->shard_ns[number] = stopwatch_ns() - began_ns;
}

void windows_init(struct windows *windows, struct shard *shards, unsigned threads)
{
    *windows = (struct windows){.shards = shards, .threads = threads, .outbox_next_us = EVENT_NEVER};
    if (threads == 1)
        return;
    for (size_t set = 0; set < 2; set++) {
        windows->outboxes[set] = xcalloc(threads * WORLD_SHARDS, sizeof(struct outbox));
        for (size_t i = 0; i < threads * WORLD_SHARDS; i++)
            outbox_init(&windows->outboxes[set][i]);
    }
    windows->workers = workers_new(threads, WORLD_SHARDS, run_shard, windows);
}

static void take_all(struct windows *windows)
{
    struct outbox *outboxes = windows->outboxes[1 - windows->filling];

    if (windows->outbox_next_us == EVENT_NEVER)
        return;
    for (size_t i = 0; i < windows->threads * WORLD_SHARDS; i++)
        shard_take_outbox(&windows->shards[i % WORLD_SHARDS], &outboxes[i]);
    windows->outbox_next_us = EVENT_NEVER;
}

/* What is still under way goes into the heaps, whose owner knows how to free it. */
void windows_fini(struct windows *windows)
{
    if (windows->workers == NULL)
        return;
    take_all(windows);
    workers_free(windows->workers);
    for (size_t set = 0; set < 2; set++) {
        for (size_t i = 0; i < windows->threads * WORLD_SHARDS; i++)
            outbox_fini(&windows->outboxes[set][i]);
        free(windows->outboxes[set]);
    }
}

int64_t windows_next_us(const struct windows *windows)
{
    int64_t next_us = windows->outbox_next_us;

    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        int64_t shard_us = event_queue_next_us(&windows->shards[i].queue);

        if (shard_us < next_us)
            next_us = shard_us;
    }
    return next_us;
}

static void run_parallel(struct windows *windows, int64_t end_us)
{
    const struct outbox *filled = windows->outboxes[windows->filling];

    windows->end_us = end_us;
    workers_run(windows->workers);
    windows->outbox_next_us = EVENT_NEVER;
    for (size_t i = 0; i < windows->threads * WORLD_SHARDS; i++)
        if (filled[i].next_us < windows->outbox_next_us)
            windows->outbox_next_us = filled[i].next_us;
    windows->filling = 1 - windows->filling;
    windows->parallel_count++;
}

static void run_serial(struct windows *windows, int64_t end_us)
{
    for (size_t i = 0; i < WORLD_SHARDS; i++)
        shard_run(&windows->shards[i], end_us);
}

/* An average that forgets by a quarter a window. */
static void predict(struct windows *windows, uint64_t worked_ns)
{
    windows->predicted_ns = (3 * windows->predicted_ns + worked_ns) / 4;
}

void windows_run(struct windows *windows, int64_t end_us)
{
    uint64_t pays_ns, began_ns;

    windows->count++;
    if (windows->workers == NULL) {
        run_serial(windows, end_us);
        return;
    }
    pays_ns = workers_asleep(windows->workers) ? PAYS_ASLEEP_NS : PAYS_SPINNING_NS;
    if (windows->predicted_ns >= pays_ns) {
        uint64_t worked_ns = 0;

        run_parallel(windows, end_us);
        for (size_t i = 0; i < WORLD_SHARDS; i++)
            worked_ns += windows->shard_ns[i];
        predict(windows, worked_ns);
        return;
    }
    began_ns = stopwatch_ns();
    take_all(windows);
    run_serial(windows, end_us);
    predict(windows, stopwatch_ns() - began_ns);
}
