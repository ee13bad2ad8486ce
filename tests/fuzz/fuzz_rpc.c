/* Storage RPC: requests as a node reads them, answers as a client does, batches as a peer does. */
#include <stdlib.h>

#include "common/limits.h"
#include "proto/node_list.h"
#include "proto/peer_rpc.h"
#include "proto/storage_rpc.h"
#include "tests/fuzz/fuzz.h"

static void read_request(struct bytes input)
{
    struct rpc_call call;
    struct rpc_store store;
    struct rpc_retrieve retrieve;
    struct rpc_listen listen;
    struct rpc_deliver deliver;
    struct bytes pubkey;
    const char *why, *field;

    if (rpc_call_decode(input, &call, &why) != OK) {
        ASSERT(why != NULL);
        return;
    }
    (void)!rpc_store_decode(call.params, &store, &field);
    (void)!rpc_retrieve_decode(call.params, &retrieve, &field);
    (void)!rpc_get_snodes_decode(call.params, &pubkey, &field);
    if (rpc_listen_decode(call.params, &listen, &field) == OK)
        ASSERT(listen.hold_ms <= LIMIT_LISTEN_HOLD_MS_MAX);
    (void)!rpc_deliver_decode(call.params, &deliver, &field);
    rpc_call_free(&call);
}

static void read_answer(struct bytes input)
{
    struct rpc_message messages[LIMIT_RETRIEVE_MESSAGES];
    struct bytes heard[LIMIT_DELIVERIES_PER_KEY];
    struct rpc_snode snodes[LIMIT_SWARM_NODES], *nodes;
    struct json *document;
    uint64_t difficulty, height;
    uint32_t lease_ms;
    size_t count;

    (void)!rpc_difficulty_decode(input, &difficulty);
    if (rpc_messages_decode(input, messages, ARRAY_LEN(messages), &count, &document) == OK)
        ASSERT(count <= ARRAY_LEN(messages));
    json_free(document);
    if (rpc_heard_decode(input, heard, ARRAY_LEN(heard), &count, &lease_ms, &document) == OK)
        ASSERT(count <= ARRAY_LEN(heard));
    json_free(document);
    (void)!rpc_snodes_decode(input, snodes, ARRAY_LEN(snodes), &count);
    if (rpc_node_list_decode(input, &nodes, &count, &height) == OK)
        free(nodes);
}

static void read_batch(struct bytes input)
{
    struct peer_message message;
    struct buf again;
    size_t count;

    if (peer_batch_check(input, &count) != OK)
        return;
    buf_init(&again, input.len);
    for (struct bytes rest = input; rest.len > 0; count--) {
        ASSERT(peer_message_decode(&rest, &message) == OK);
        peer_message_encode(&again, &message);
    }
    ASSERT(count == 0 && bytes_equal(buf_bytes(&again), input));
    buf_fini(&again);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct rpc_call call;

    (void)arena;
    read_request(input);
    read_answer(input);
    read_batch(input);
    if (rpc_seed_call_decode(input, &call) == OK)
        rpc_call_free(&call);
}
