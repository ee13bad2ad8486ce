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
#define ROUNDS   9

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

struct side {
    struct testbed *testbed;
    double cpu_ns[ROUNDS + 1]; /* processor time of each slice, the warm-up's first */
    size_t count;
};

static double run_slice(void *owner)
{
    struct side *side = owner;
    struct world *world = testbed_world(side->testbed);
    uint64_t began_ns = stopwatch_ns(), began_cpu_ns = bench_cpu_ns();

    (void)world_run_until(world, world_now_us(world) + SLICE_US, 1, NULL, NULL, 0);
    side->cpu_ns[side->count++] = (double)(bench_cpu_ns() - began_cpu_ns);
    return (double)(stopwatch_ns() - began_ns);
}

static void side_init(struct side *side, unsigned threads)
{
    *side = (struct side){.testbed = busy_network(threads, &crypto_real)};
    (void)world_run_until(testbed_world(side->testbed), START_US, 1, NULL, NULL, 0);
}

void bench_threads(struct bench *bench)
{
    struct bench_row row = {.against = "the same on one thread"};
    struct world_stats before, after;
    struct side one, two;
    struct bench_pair pair;
    double one_cpu_ns, two_cpu_ns;

    side_init(&one, 1);
    side_init(&two, 2);
    world_stats(testbed_world(two.testbed), &before);
    pair = bench_compare(ROUNDS, run_slice, &two, run_slice, &one);
    world_stats(testbed_world(two.testbed), &after);
    ASSERT(world_digest(testbed_world(one.testbed)) == world_digest(testbed_world(two.testbed)));
    one_cpu_ns = bench_median(one.cpu_ns, one.count);
    two_cpu_ns = bench_median(two.cpu_ns, two.count);
    snprintf(row.what, sizeof(row.what), "a busy network on two threads: %u nodes, %u clients", NODES, CLIENTS);
    snprintf(row.detail, sizeof(row.detail),
             "two threads were given %.2f processors, one %.2f; they used %.2f times its processor time",
             two_cpu_ns / pair.ours_ns, one_cpu_ns / pair.theirs_ns, two_cpu_ns / one_cpu_ns);
    row.ratio = bench_ratio(1 / pair.ratio, AIM_AT_LEAST, 1.8);
    row.absolute = (struct bench_figure){(double)(after.events - before.events) / (ROUNDS + 1) / pair.ours_ns * 1e6,
                                         AIM_NONE, 0, "k events/s", 0};
    bench_add(bench, &row);
    testbed_free(one.testbed);
    testbed_free(two.testbed);
}
