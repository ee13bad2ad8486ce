/* stores.h: finished store requests, proofs included, and somebody who sends them to the nodes of one swarm.
 *
 * The network is the engine's and the testbed's; the requests go straight to the storage RPC, without onions. */
#ifndef SWARMBED_BENCH_STORES_H
#define SWARMBED_BENCH_STORES_H

#include "proto/storage_rpc.h"
#include "sim/testbed.h"

#define STORES_DATA_BYTES  1024 /* of base64 text */
#define STORES_PER_ACCOUNT 10

struct stores;
struct sending {
    struct stores *stores;
    struct call call;
};

struct stores {
    struct testbed *testbed;
    uint32_t seat; /* of the sender */
    struct blob **bodies;
    uint32_t count, next, until, done, ok;
    struct sending sendings[64]; /* so many at a time */
};

/* The body of store request `number`, at that Unix time. */
struct blob *stores_request(uint32_t number, uint64_t timestamp_ms);
/* The same message in today's dialect: no proof, and all members sign that they have it. */
struct blob *stores_request_modern(uint32_t number, uint64_t timestamp_ms);
/* A testbed with one swarm of `nodes` nodes, and `count` requests to be sent at its beginning. */
void stores_init(struct stores *stores, uint32_t nodes, uint32_t count);
void stores_fini(struct stores *stores);
/* Sends the next `count`, and runs until they are stored and replicated. */
void stores_send(struct stores *stores, uint32_t count);

#endif
