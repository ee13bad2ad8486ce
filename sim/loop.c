#include "sim/loop.h"

#include <signal.h>
#include <uv.h>

#include "common/err.h"

#define BATCH_NS    10000000
#define PROGRESS_MS 100

struct run {
    struct world *world;
    int64_t until_us;
    loop_progress_fn progress;
    void *owner;
    enum loop_end end;
    uv_loop_t loop;
    uv_idle_t batch;
    uv_timer_t tick;
    uv_signal_t interrupt, terminate;
};

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    uv_close(handle, NULL);
}

/* Ends the loop after its current turn. The turn's poll comes after its batch, so a signal that came during the last
 * batch is still seen, however short the run: an interruption outweighs an arrival. */
static void finish(struct run *run, enum loop_end end)
{
    run->end = end;
    uv_stop(&run->loop);
}

static void on_batch(uv_idle_t *handle)
{
    struct run *run = handle->data;

    world_run_until(run->world, run->until_us, 0, NULL, NULL, BATCH_NS);
    if (world_now_us(run->world) >= run->until_us)
        finish(run, LOOP_REACHED);
}

static void on_tick(uv_timer_t *handle)
{
    struct run *run = handle->data;

    run->progress(run->owner, run->world);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    (void)signal_number;
    finish(handle->data, LOOP_INTERRUPTED);
}

/* What libuv refuses here, it refuses for want of memory or descriptors. */
static void must(int status)
{
    if (status != 0)
        out_of_memory();
}

enum loop_end loop_run(struct world *world, int64_t until_us, loop_progress_fn progress, void *owner)
{
    struct run run = {.world = world, .until_us = until_us, .progress = progress, .owner = owner};

    must(uv_loop_init(&run.loop));
    must(uv_idle_init(&run.loop, &run.batch));
    must(uv_timer_init(&run.loop, &run.tick));
    must(uv_signal_init(&run.loop, &run.interrupt));
    must(uv_signal_init(&run.loop, &run.terminate));
    run.batch.data = run.tick.data = run.interrupt.data = run.terminate.data = &run;
    must(uv_idle_start(&run.batch, on_batch));
    must(uv_signal_start_oneshot(&run.interrupt, on_signal, SIGINT));
    must(uv_signal_start_oneshot(&run.terminate, on_signal, SIGTERM));
    if (progress != NULL)
        must(uv_timer_start(&run.tick, on_tick, PROGRESS_MS, PROGRESS_MS));
    uv_run(&run.loop, UV_RUN_DEFAULT);
    uv_walk(&run.loop, close_handle, NULL);
    uv_run(&run.loop, UV_RUN_DEFAULT); /* with every handle closed the loop runs out */
    must(uv_loop_close(&run.loop));
    return run.end;
}
