/* bench_memory.c: bytes per node, client and replica, as the allocator counts them, in worlds of many. */
#include <stdio.h>

#include "common/text.h"
#include "node/store.h"
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
    uint64_t begin = bench_allocated(), few, more, running;
    struct testbed *testbed = network(FEW_NODES);
    char detail[128];

    few = bench_allocated() - begin;
    testbed_free(testbed);
    begin = bench_allocated();
    testbed = network(FEW_NODES + MORE_NODES);
    more = bench_allocated() - begin;
    running = bench_allocated();
    for (uint32_t i = 0; i < FEW_NODES + MORE_NODES; i++)
        testbed_kill(testbed, i);
    snprintf(detail, sizeof(detail),
             "%.0f B are the node's own; the rest its seat, keys and place in the chain; of 2,000",
             (double)(running - bench_allocated()) / (FEW_NODES + MORE_NODES));
    testbed_free(testbed);
    add_row(bench, "memory of an idle node", ((double)more - (double)few) / MORE_NODES, 1024, detail);
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

/* An env of which a store needs little: its disk keeps nothing, and is done at once. */
struct quiet {
    struct env env;
    struct arena arena;
    struct disk_op *syncing;
};

static int64_t quiet_now_ms(const struct env *env)
{
    (void)env;
    return 0;
}

static void quiet_timer_start(struct env *env, struct timer *timer, uint32_t delay_ms, timer_fn fire)
{
    (void)env;
    (void)delay_ms;
    (void)fire;
    timer->slot = 1;
}

static void quiet_charge(struct env *env, enum cost cost, uint32_t units)
{
    (void)env;
    (void)cost;
    (void)units;
}

static void quiet_disk_put(struct env *env, struct bytes key, struct bytes value)
{
    (void)env;
    (void)key;
    (void)value;
}

static void quiet_disk_sync(struct env *env, struct disk_op *op, disk_fn done)
{
    op->done = done;
    CONTAINER_OF(env, struct quiet, env)->syncing = op;
}

static void quiet_trace(struct env *env, const struct trace_record *record)
{
    (void)env;
    (void)record;
}

static const struct env_ops quiet_ops = {
    .now_ms = quiet_now_ms,
    .timer_start = quiet_timer_start,
    .charge = quiet_charge,
    .disk_put = quiet_disk_put,
    .disk_sync = quiet_disk_sync,
    .trace = quiet_trace,
};

static void ignore_stored(void *owner, struct stored_body *body)
{
    (void)owner;
    (void)body;
}

static void put_everywhere(struct quiet *quiet, struct store replicas[], struct body_pool *pool, uint32_t number)
{
    struct account_id account = {{ACCOUNT_PREFIX}};
    uint8_t hash[64] = {0}, nonce[8] = {0};
    char data[STORES_DATA_BYTES] = {0};
    struct stored_body *body;

    store_le32(account.bytes + 1, number / STORES_PER_ACCOUNT);
    store_le32(hash, number);
    hex_encode(data, BYTES_OF(hash)); /* so that no two are the same to today's dialect */
    body = body_pool_get(pool, hash, &account, nonce, LIMIT_TTL_MS_MAX, 0, BYTES_OF(data));
    for (size_t i = 0; i < SWARM; i++) {
        enum err err = store_put(&replicas[i], body, CAUSE_RELAY, NULL, NULL);

        ASSERT(err == OK);
        quiet->syncing->err = OK;
        quiet->syncing->done(quiet->syncing);
    }
    body_drop(body);
    arena_reset(&quiet->arena);
}

static void measure_indices(struct bench *bench)
{
    struct quiet quiet = {.env = {&quiet_ops, &quiet.arena}};
    struct store replicas[SWARM];
    struct body_pool pool;
    uint64_t begin, used;

    arena_init(&quiet.arena);
    (void)arena_alloc(&quiet.arena, 1);
    body_pool_init(&pool);
    begin = bench_allocated();
    for (size_t i = 0; i < SWARM; i++)
        store_init(&replicas[i], &quiet.env, UINT64_MAX, UINT32_MAX, NULL, ignore_stored);
    for (uint32_t i = 0; i < STORES; i++)
        put_everywhere(&quiet, replicas, &pool, i);
    used = bench_allocated() - begin - pool.bytes;
    add_row(bench, "memory of a replica beside the shared body", (double)used / STORES / SWARM, 96,
            "records and indices of seven nodes; 1 KiB of data, 10 messages an account; of 10,000");
    for (size_t i = 0; i < SWARM; i++)
        store_fini(&replicas[i]);
    body_pool_fini(&pool);
    arena_fini(&quiet.arena);
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

static void measure_world(struct bench *bench)
{
    struct stores stores;
    uint64_t begin, replicas = (uint64_t)STORES * SWARM, used, bodies;
    char detail[128];

    stores_init(&stores, SWARM, STORES);
    begin = bench_allocated();
    stores_send(&stores, STORES);
    used = bench_allocated() - begin;
    bodies = body_bytes(stores.testbed);
    snprintf(detail, sizeof(detail),
             "the same in a world: with virtual disks, scratch and free lists; bodies %.0f B each",
             (double)bodies / STORES);
    add_row(bench, "memory of a replica with its disk", (double)(used - bodies) / (double)replicas, 0, detail);
    stores_fini(&stores);
}

void bench_memory(struct bench *bench)
{
    measure_nodes(bench);
    measure_clients(bench);
    measure_indices(bench);
    measure_world(bench);
}
