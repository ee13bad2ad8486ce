#include "sim/loop.h"

#include <signal.h>
#include <stdlib.h>
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

/* ---- a loop that lives on ---- */

#define NS_PER_MS 1000000

struct live_loop {
    struct live_loop_config config;
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t wake;
    uv_idle_t soon; /* keeps the loop from waiting */
    uv_async_t news; /* another thread has some */
    uv_signal_t interrupt, terminate;
};

static void on_nothing(uv_idle_t *handle)
{
    (void)handle;
}

static void on_wake(uv_timer_t *handle)
{
    (void)handle;
}

static void on_news(uv_async_t *handle)
{
    (void)handle;
}

/* The loop waits in whole milliseconds: what is due sooner is waited for by turning. */
static void on_turn(uv_prepare_t *handle)
{
    struct live_loop *live = handle->data;
    uint64_t wait_ns = live->config.on_turn(live->config.owner);

    uv_timer_stop(&live->wake);
    uv_idle_stop(&live->soon);
    if (wait_ns < NS_PER_MS)
        must(uv_idle_start(&live->soon, on_nothing));
    else if (wait_ns != UINT64_MAX) {
        uv_update_time(&live->loop);
        must(uv_timer_start(&live->wake, on_wake, wait_ns / NS_PER_MS, 0));
    }
}

static void on_live_signal(uv_signal_t *handle, int signal_number)
{
    struct live_loop *live = handle->data;

    (void)signal_number;
    live->config.on_signal(live->config.owner);
}

struct live_loop *live_loop_new(const struct live_loop_config *config)
{
    struct live_loop *live = xcalloc(1, sizeof(*live));

    live->config = *config;
    must(uv_loop_init(&live->loop));
    must(uv_prepare_init(&live->loop, &live->turn));
    must(uv_timer_init(&live->loop, &live->wake));
    must(uv_idle_init(&live->loop, &live->soon));
    must(uv_async_init(&live->loop, &live->news, on_news));
    must(uv_signal_init(&live->loop, &live->interrupt));
    must(uv_signal_init(&live->loop, &live->terminate));
    live->turn.data = live->interrupt.data = live->terminate.data = live;
    must(uv_prepare_start(&live->turn, on_turn));
    must(uv_signal_start(&live->interrupt, on_live_signal, SIGINT));
    must(uv_signal_start(&live->terminate, on_live_signal, SIGTERM));
    return live;
}

struct uv_loop_s *live_loop_uv(struct live_loop *live)
{
    return &live->loop;
}

void live_loop_wake(struct live_loop *live)
{
    must(uv_async_send(&live->news));
}

void live_loop_run(struct live_loop *live)
{
    uv_run(&live->loop, UV_RUN_DEFAULT);
}

void live_loop_end(struct live_loop *live)
{
    uv_stop(&live->loop);
}

void live_loop_free(struct live_loop *live)
{
    uv_close((uv_handle_t *)&live->turn, NULL);
    uv_close((uv_handle_t *)&live->wake, NULL);
    uv_close((uv_handle_t *)&live->soon, NULL);
    uv_close((uv_handle_t *)&live->news, NULL);
    uv_close((uv_handle_t *)&live->interrupt, NULL);
    uv_close((uv_handle_t *)&live->terminate, NULL);
    uv_run(&live->loop, UV_RUN_DEFAULT); /* with every handle closed the loop runs out */
    must(uv_loop_close(&live->loop));
    free(live);
}
