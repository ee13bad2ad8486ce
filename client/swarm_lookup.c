#include "client/swarm_lookup.h"

#include "client/client_state.h"
#include "client/swarm_cache.h"

static void step(struct swarm_lookup *lookup);

static void on_paths(struct path_waiter *waiter, enum err err)
{
    struct swarm_lookup *lookup = CONTAINER_OF(waiter, struct swarm_lookup, waiter);
    lookup->err = err;
    if (err == OK)
        step(lookup);
    else
        lookup->done(lookup);
}

static void on_timer(struct timer *timer)
{
    struct swarm_lookup *lookup = CONTAINER_OF(timer, struct swarm_lookup, timer);
    lookup->done(lookup);
}

/* OK: the answer was a swarm, and the cache has it. */
static enum err learn(struct swarm_lookup *lookup)
{
    const struct onion_request *request = &lookup->request;
    struct rpc_snode nodes[LIMIT_SWARM_NODES];
    size_t count;

    if (request->failure == ONION_NO_PATH)
        return request->err;
    if (request->failure != ONION_ANSWERED)
        return ERR_UNREACHABLE;
    if (request->status != 200)
        return ERR_NOT_FOUND;
    client_charge_bytes(lookup->client, COST_PARSE, request->answer.len);
    if (rpc_snodes_decode(request->answer, nodes, LIMIT_SWARM_NODES, &count) != OK)
        return ERR_NOT_FOUND;
    return swarm_cache_put(lookup->client, &lookup->account, nodes, count, CAUSE_LOOKUP) > 0 ? OK : ERR_NOT_FOUND;
}

static void on_answer(struct onion_request *request)
{
    struct swarm_lookup *lookup = CONTAINER_OF(request, struct swarm_lookup, request);

    blob_drop(request->body);
    request->body = NULL;
    lookup->err = learn(lookup);
    if (lookup->err == OK || lookup->tries == LIMIT_LOOKUP_TRIES)
        lookup->done(lookup);
    else
        step(lookup);
}

static struct blob *request_body(const struct account_id *account)
{
    char hex[ACCOUNT_HEX_LEN];
    struct buf body;

    account_to_hex(account, hex);
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_get_snodes_encode(&body, (struct bytes){(const uint8_t *)hex, sizeof hex});
    struct blob *blob = blob_from_buf(&body);
    buf_fini(&body);
    return blob;
}

/* Paths first, since they bring the node list; then a random node is asked, and on failure another. */
static void step(struct swarm_lookup *lookup)
{
    struct client *client = lookup->client;

    if (path_wait(client, &lookup->waiter, on_paths) == ERR_NOT_READY)
        return;                                          /* suspended: on_paths() calls step() */
    if (lookup->generation != client->pool.generation) { /* numbers of another list say nothing in this one */
        lookup->generation = client->pool.generation;
        lookup->asked_count = 0;
    }
    uint32_t node = path_draw_target(client, lookup->asked, lookup->asked_count);
    if (node == NODE_NONE) {
        if (lookup->err == OK)
            lookup->err = ERR_NOT_FOUND;
        env_timer_start(client->env, &lookup->timer, 0, on_timer);
        return; /* suspended: on_timer() ends it */
    }
    lookup->tries++;
    lookup->asked[lookup->asked_count++] = node;
    lookup->request = (struct onion_request){
        .target = *snode_pool_node(&client->pool, node),
        .method = "get_snodes_for_pubkey",
        .body = request_body(&lookup->account),
        .timeout_ms = LIMIT_ONION_TIMEOUT_MS,
        .attempts = 1,
        .done = on_answer,
    };
    onion_request_start(&lookup->request, client);
}

void swarm_lookup_start(struct swarm_lookup *lookup, struct client *client)
{
    lookup->client = client;
    lookup->err = OK;
    lookup->tries = 0;
    lookup->asked_count = 0;
    lookup->waiter = (struct path_waiter){0};
    lookup->timer = (struct timer){0};
    step(lookup);
}
