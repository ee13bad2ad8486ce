/* bench_events.c: the hold model: every event schedules one successor, so that as many are pending as there are seats.
 *
 * In the engine that is a timer of each seat, through env and all that an event passes there; against it stands a heap
 * and nothing else, with the same events, times and compiler's flags. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/costs.h"
#include "sim/event_queue.h"
#include "sim/world.h"
#include "tests/bench/bench.h"

#define DELAY_MS_MAX 100 /* 1 ms to this, evenly */
#define EVENTS       2000000

struct ticker {
    struct env *env;
    struct timer timer;
    uint64_t state;
};

struct ticking {
    struct world *world;
    struct ticker *tickers;
};

static void on_tick(struct timer *timer)
{
    struct ticker *ticker = CONTAINER_OF(timer, struct ticker, timer);

    env_timer_start(ticker->env, timer, 1 + (uint32_t)(bench_next(&ticker->state) % DELAY_MS_MAX), on_tick);
}

static void start_ticking(void *machine, void *owner)
{
    struct ticker *ticker = machine;

    (void)owner;
    on_tick(&ticker->timer);
}

static void no_request(void *machine, struct incoming *incoming)
{
    (void)machine;
    (void)incoming;
}

static void no_free(void *machine)
{
    (void)machine;
}

static void ticking_init(struct ticking *ticking, uint32_t count)
{
    static const struct seat_handler handler = {no_request, no_free};
    struct network_config network;
    struct world_config config = {.seed = 1, .threads = 1, .costs = costs_default(), .network = &network};

    network_config_default(&network);
    ticking->world = world_new(&config);
    ticking->tickers = xcalloc(count, sizeof(struct ticker));
    for (uint32_t i = 0; i < count; i++) {
        struct seat_config seat = {.address = {i + 1, 1}, .shard = i % WORLD_SHARDS, .cpu_percent = 100};

        world_add_seat(ticking->world, &seat);
        ticking->tickers[i] = (struct ticker){.env = world_env(ticking->world, i), .state = i + 1};
        world_occupy(ticking->world, i, &handler, &ticking->tickers[i]);
        world_enter(ticking->world, i, start_ticking, NULL);
    }
}

static uint64_t events_of(const struct world *world)
{
    struct world_stats stats;

    world_stats(world, &stats);
    return stats.events;
}

struct until {
    const struct world *world;
    uint64_t events;
};

static bool enough_events(void *owner)
{
    const struct until *until = owner;

    return events_of(until->world) >= until->events;
}

static double tick(void *owner)
{
    struct ticking *ticking = owner;
    uint64_t from = events_of(ticking->world), began_ns = bench_cpu_ns(), used_ns;
    struct until until = {ticking->world, from + EVENTS};

    (void)world_run_until(ticking->world, EVENT_NEVER - 1, 5000, enough_events, &until, 0);
    used_ns = bench_cpu_ns() - began_ns;
    return (double)used_ns / (double)(events_of(ticking->world) - from);
}

struct holding {
    struct event_queue queue;
    uint64_t state;
};

static void hold(struct holding *holding, const struct event *event)
{
    struct event next = *event;

    next.time_us += 1000 + (int64_t)(bench_next(&holding->state) % DELAY_MS_MAX) * 1000;
    next.seq++;
    event_queue_push(&holding->queue, &next);
}

static void holding_init(struct holding *holding, uint32_t count)
{
    event_queue_init(&holding->queue);
    holding->state = 1;
    for (uint32_t i = 0; i < count; i++)
        hold(holding, &(struct event){.key = event_key(i, CLASS_OWN, i)});
}

static double hold_all(void *owner)
{
    struct holding *holding = owner;
    uint64_t began_ns = bench_cpu_ns();
    struct event event;

    for (uint32_t i = 0; i < EVENTS; i++)
        if (event_queue_pop_before(&holding->queue, EVENT_NEVER, &event))
            hold(holding, &event);
    return (double)(bench_cpu_ns() - began_ns) / EVENTS;
}

static void bench_hold(struct bench *bench, uint32_t endpoints, double events_per_s)
{
    struct ticking ticking;
    struct holding holding;
    struct bench_pair pair;
    struct bench_row row = {.against = "a 4-ary heap alone, same events"};

    ticking_init(&ticking, endpoints);
    holding_init(&holding, endpoints);
    pair = bench_compare(9, tick, &ticking, hold_all, &holding);
    snprintf(row.what, sizeof(row.what), "events, each schedules one; %u endpoints", endpoints);
    snprintf(row.detail, sizeof(row.detail), "%.0f ns an event; the heap %.0f ns", pair.ours_ns, pair.theirs_ns);
    row.ratio = bench_ratio(1 / pair.ratio, AIM_AT_LEAST, 0.6);
    row.absolute = (struct bench_figure){1e3 / pair.ours_ns, AIM_AT_LEAST, events_per_s / 1e6, "M/s", 1};
    bench_add(bench, &row);
    event_queue_fini(&holding.queue);
    world_free(ticking.world);
    free(ticking.tickers);
}

void bench_events(struct bench *bench)
{
    bench_hold(bench, 10000, 6e6);
    bench_hold(bench, 1000000, 1.2e6);
}
