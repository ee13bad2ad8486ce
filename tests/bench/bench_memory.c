/* bench_memory.c: bytes per node, client and replica, as the allocator counts them, in worlds of many. */
#include <stdio.h>

#include "sim/testbed.h"
#include "tests/bench/bench.h"
#include "tests/bench/stores.h"

#define FEW_NODES  200 /* so that every shard has what it has once */
#define MORE_NODES 2000
#define CLIENTS    10000
#define ONLINE     2000
#define STORES     10000
#define SWARM      7

static struct testbed *network(uint32_t nodes)
{
    struct testbed_config config;

    testbed_config_default(&config);
    config.nodes = nodes;
    config.chain_runs = false;
    config.suite = &crypto_modelled;
    return testbed_new(&config);
}

static void add_row(struct bench *bench, const char *what, double bytes, double aim, const char *detail)
{
    struct bench_row row = {.against = "-", .absolute = {bytes, aim > 0 ? AIM_AT_MOST : AIM_NONE, aim, "B", 0}};

    snprintf(row.what, sizeof(row.what), "%s", what);
    snprintf(row.detail, sizeof(row.detail), "%s", detail);
    bench_add(bench, &row);
}

static void measure_nodes(struct bench *bench)
{
    uint64_t begin = bench_allocated(), few, more;
    struct testbed *testbed = network(FEW_NODES);

    few = bench_allocated() - begin;
    testbed_free(testbed);
    begin = bench_allocated();
    testbed = network(FEW_NODES + MORE_NODES);
    more = bench_allocated() - begin;
    testbed_free(testbed);
    add_row(bench, "memory of an idle node", ((double)more - (double)few) / MORE_NODES, 1024,
            "seat, node, keys, and its part of the membership; of 2,000");
}

static void poll_once(void *machine, void *owner)
{
    (void)owner;
    client_poll_once(machine);
}

static void listen_held(void *machine, void *owner)
{
    (void)owner;
    client_listen_start(machine, true);
}

static void enter_clients(struct testbed *testbed, uint32_t count, seat_fn fn, int64_t run_us)
{
    struct world *world = testbed_world(testbed);
    int64_t now_us = world_now_us(world);

    for (uint32_t i = 0; i < count; i++)
        world_input_at(world, testbed_client_seat(testbed, i), now_us + (int64_t)i * 5000, fn, NULL);
    (void)world_run_until(world, now_us + run_us, 1, NULL, NULL, 0);
}

static void measure_clients(struct bench *bench)
{
    struct testbed *testbed = network(FEW_NODES);
    uint64_t begin = bench_allocated(), polled;

    for (uint32_t i = 0; i < CLIENTS; i++)
        testbed_add_client(testbed, "user");
    add_row(bench, "memory of an idle client", (double)(bench_allocated() - begin) / CLIENTS, 512,
            "seat and client, never online; of 10,000");
    begin = bench_allocated();
    enter_clients(testbed, ONLINE, poll_once, INT64_C(60000000));
    polled = bench_allocated() - begin;
    add_row(bench, "more once it has polled", (double)polled / ONLINE, 0,
            "paths, its swarm; and the shards' scratch, free lists, 16 node lists; of 2,000");
    begin = bench_allocated();
    enter_clients(testbed, ONLINE, listen_held, INT64_C(60000000));
    add_row(bench, "more while it listens: three held polls", (double)(bench_allocated() - begin) / ONLINE, 0,
            "with what four nodes each keep for a held poll; of 2,000");
    testbed_free(testbed);
}

static uint64_t body_bytes(struct testbed *testbed)
{
    struct body_pool *counted[WORLD_SHARDS];
    uint64_t bytes = 0;
    size_t count = 0;

    for (uint32_t i = 0; i < testbed_node_count(testbed); i++) {
        struct body_pool *pool = world_bodies(testbed_world(testbed), testbed_node_seat(testbed, i));
        bool known = false;

        for (size_t j = 0; j < count; j++)
            known |= counted[j] == pool;
        if (known)
            continue;
        counted[count++] = pool;
        bytes += pool->bytes;
    }
    return bytes;
}

static void measure_replicas(struct bench *bench)
{
    struct stores stores;
    uint64_t begin, replicas = (uint64_t)STORES * SWARM, used, bodies;
    struct bench_row row = {.what = "memory of a replica beside the shared body", .against = "-"};

    stores_init(&stores, SWARM, STORES);
    begin = bench_allocated();
    stores_send(&stores, STORES);
    used = bench_allocated() - begin;
    bodies = body_bytes(stores.testbed);
    snprintf(row.detail, sizeof(row.detail),
             "indices and virtual disk; 1 KiB of data, 10 messages an account; bodies %.0f B a message",
             (double)bodies / STORES);
    row.absolute = (struct bench_figure){(double)(used - bodies) / (double)replicas, AIM_AT_MOST, 96, "B", 0};
    bench_add(bench, &row);
    stores_fini(&stores);
}

void bench_memory(struct bench *bench)
{
    measure_nodes(bench);
    measure_clients(bench);
    measure_replicas(bench);
}
