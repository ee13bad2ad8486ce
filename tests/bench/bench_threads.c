/* bench_threads.c: a busy network on two threads against one: the only row that takes the wall clock. */
#include <stdio.h>

#include "sim/stopwatch.h"
#include "sim/testbed.h"
#include "tests/bench/bench.h"

#define NODES    500
#define CLIENTS  20000
#define EVERY_US INT64_C(1000)    /* another one comes online */
#define START_US INT64_C(2000000) /* until as many begin as end */
#define SLICE_US INT64_C(200000)

static void open_app(void *machine, void *owner)
{
    (void)owner;
    client_poll_once(machine);
}

/* A thousand clients a second come online: node list, guards, paths, own swarm, and a poll of three nodes. */
static struct testbed *busy_network(unsigned threads, const struct crypto_suite *suite)
{
    struct testbed_config config;
    struct testbed *testbed;

    testbed_config_default(&config);
    config.world.threads = threads;
    config.suite = suite;
    config.nodes = NODES;
    testbed = testbed_new(&config);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        testbed_add_client(testbed, "user");
        world_input_at(testbed_world(testbed), testbed_client_seat(testbed, i), (int64_t)i * EVERY_US, open_app, NULL);
    }
    return testbed;
}

static double run_slice(void *owner)
{
    struct world *world = testbed_world(owner);
    uint64_t began_ns = stopwatch_ns();

    (void)world_run_until(world, world_now_us(world) + SLICE_US, 1, NULL, NULL, 0);
    return (double)(stopwatch_ns() - began_ns);
}

void bench_threads(struct bench *bench)
{
    struct testbed *one = busy_network(1, &crypto_real), *two = busy_network(2, &crypto_real);
    struct bench_row row = {.against = "the same on one thread"};
    struct world_stats before, after;
    struct bench_pair pair;

    (void)world_run_until(testbed_world(one), START_US, 1, NULL, NULL, 0);
    (void)world_run_until(testbed_world(two), START_US, 1, NULL, NULL, 0);
    world_stats(testbed_world(two), &before);
    pair = bench_compare(9, run_slice, two, run_slice, one);
    world_stats(testbed_world(two), &after);
    ASSERT(world_digest(testbed_world(one)) == world_digest(testbed_world(two)));
    snprintf(row.what, sizeof(row.what), "a busy network on two threads: %u nodes, %u clients", NODES, CLIENTS);
    snprintf(
        row.detail, sizeof(row.detail), "%.1f s and %.1f s of wall clock a virtual second; %.0f %% of windows on two",
        pair.ours_ns / (double)SLICE_US / 1e3, pair.theirs_ns / (double)SLICE_US / 1e3,
        100.0 * (double)(after.parallel_windows - before.parallel_windows) / (double)(after.windows - before.windows));
    row.ratio = bench_ratio(1 / pair.ratio, AIM_AT_LEAST, 1.8);
    row.absolute = (struct bench_figure){(double)(after.events - before.events) / 10 / pair.ours_ns * 1e6, AIM_NONE, 0,
                                         "k events/s", 0};
    bench_add(bench, &row);
    testbed_free(one);
    testbed_free(two);
}
