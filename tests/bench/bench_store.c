/* bench_store.c: a store and its replication: what all nodes of a swarm of seven do together, without onions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suite.h"
#include "common/table.h"
#include "tests/bench/bench.h"
#include "tests/bench/stores.h"

#define NODES  7
#define ROUNDS 7
#define EACH   2000 /* stores a round */

static double store(void *owner)
{
    uint64_t began_ns = bench_cpu_ns();

    stores_send(owner, EACH);
    return (double)(bench_cpu_ns() - began_ns) / EACH;
}

struct item {
    uint8_t hash[64];
};

static struct bytes item_key(const void *value)
{
    return BYTES_OF(((const struct item *)value)->hash);
}

struct raw {
    const struct stores *stores;
    struct table tables[NODES];
    struct item items[EACH];
};

/* The least that must be done for a message: read it, hash it twice, and put it where each node finds it. */
static double raw_work(void *owner)
{
    struct raw *raw = owner;
    uint64_t began_ns = bench_cpu_ns();

    for (size_t i = 0; i < EACH; i++) {
        struct bytes body = blob_bytes(raw->stores->bodies[i]);
        uint8_t trial[72] = {0}, hash[64];
        struct rpc_call call;
        struct rpc_store texts;
        const char *why;
        enum err err = rpc_call_decode(body, &call, &why);

        if (err == OK)
            err = rpc_store_decode(call.params, &texts, &why);
        ASSERT(err == OK);
        hash_sha512(texts.data, hash);
        memcpy(trial + 8, hash, sizeof(hash));
        hash_sha512(BYTES_OF(trial), raw->items[i].hash);
        rpc_call_free(&call);
        for (size_t node = 0; node < NODES; node++)
            table_put(&raw->tables[node], &raw->items[i]);
    }
    for (size_t node = 0; node < NODES; node++) {
        table_fini(&raw->tables[node]);
        table_init(&raw->tables[node], item_key, node);
    }
    return (double)(bench_cpu_ns() - began_ns) / EACH;
}

void bench_store(struct bench *bench)
{
    struct stores stores;
    static struct raw raw;
    struct bench_pair pair;
    struct bench_row row = {.what = "a store and its replication, all seven nodes",
                            .against = "one parse, two SHA-512, seven insertions"};

    stores_init(&stores, NODES, (ROUNDS + 1) * EACH);
    raw.stores = &stores;
    for (size_t node = 0; node < NODES; node++)
        table_init(&raw.tables[node], item_key, node);
    pair = bench_compare(ROUNDS, store, &stores, raw_work, &raw);
    snprintf(row.detail, sizeof(row.detail), "1 KiB of data, 64 stores at a time; raw %.1f us", pair.theirs_ns / 1e3);
    row.ratio = bench_ratio(pair.ratio, AIM_NONE, 0);
    row.absolute = (struct bench_figure){pair.ours_ns / 1e3, AIM_AT_MOST, 40, "us", 1};
    bench_add(bench, &row);
    stores_fini(&stores);
}
