/* bench_building.c: building the live network with many clients; and what a world costs in which nothing happens. */
#include <stdio.h>

#include "sim/snapshot.h"
#include "sim/testbed.h"
#include "tests/bench/bench.h"

#define CLIENTS 10000

/* The membership that the scenario `mainnet` begins with. */
static double build(void *owner)
{
    uint32_t *node_count = owner;
    uint64_t began_ns = bench_cpu_ns(), used_ns;
    struct testbed_config config;
    struct snapshots *snapshots;
    struct testbed *testbed;
    struct buf why;
    enum err err;

    buf_init(&why, 1000);
    err = snapshots_load(NULL, &snapshots, &why);
    ASSERT(err == OK);
    testbed_config_default(&config);
    config.snapshot = snapshots_by_date(snapshots, BYTES_LIT("2026-04-08"));
    testbed = testbed_new(&config);
    for (uint32_t i = 0; i < CLIENTS; i++)
        testbed_add_client(testbed, "user");
    *node_count = testbed_node_count(testbed);
    used_ns = bench_cpu_ns() - began_ns;
    testbed_free(testbed);
    snapshots_free(snapshots);
    buf_fini(&why);
    return (double)used_ns;
}

static double make_keys(void *owner)
{
    const uint32_t *node_count = owner;
    uint64_t began_ns = bench_cpu_ns();
    struct ed25519_public public;
    struct ed25519_secret secret;
    struct x25519_pair pair;
    uint8_t seed[32] = {0};

    for (uint32_t i = 0; i < *node_count + CLIENTS; i++) {
        store_le32(seed, i);
        ed25519_from_seed(seed, &public, &secret);
        x25519_from_ed25519_secret(&secret, &pair.secret);
        x25519_public_of(&pair.secret, &pair.public);
    }
    return (double)(bench_cpu_ns() - began_ns);
}

void bench_building(struct bench *bench)
{
    uint32_t node_count = 0;
    struct bench_pair pair = bench_compare(5, build, &node_count, make_keys, &node_count);
    struct bench_row row = {.against = "making their keys alone"};

    snprintf(row.what, sizeof(row.what), "building mainnet: %u nodes, %u clients", node_count, CLIENTS);
    snprintf(row.detail, sizeof(row.detail), "keys %.2f s", pair.theirs_ns / 1e9);
    row.ratio = bench_ratio(pair.ratio, AIM_AT_MOST, 2);
    row.absolute = (struct bench_figure){pair.ours_ns / 1e9, AIM_NONE, 0, "s", 2};
    bench_add(bench, &row);
}

#define DAY_US INT64_C(86400000000)

void bench_idle(struct bench *bench)
{
    struct testbed_config config;
    struct testbed *testbed;
    double days_ns[5];
    struct world_stats stats;
    struct bench_row row = {.what = "1,000 idle nodes for a day, a block every two minutes", .against = "-"};

    testbed_config_default(&config);
    config.nodes = 1000;
    testbed = testbed_new(&config);
    for (size_t day = 0; day < 5; day++) {
        uint64_t began_ns = bench_cpu_ns();

        (void)world_run_until(testbed_world(testbed), (int64_t)(day + 1) * DAY_US, 1, NULL, NULL, 0);
        days_ns[day] = (double)(bench_cpu_ns() - began_ns);
    }
    world_stats(testbed_world(testbed), &stats);
    snprintf(row.detail, sizeof(row.detail), "%llu events in five days", (unsigned long long)stats.events);
    row.absolute = (struct bench_figure){bench_median(days_ns, 5) / 1e6, AIM_AT_MOST, 10, "ms", 2};
    bench_add(bench, &row);
    testbed_free(testbed);
}
