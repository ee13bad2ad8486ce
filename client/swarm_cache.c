#include "client/swarm_cache.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "common/list.h"

struct known_swarm {
    struct list used; /* least recently used first */
    struct account_id account;
    uint32_t count;
    struct rpc_snode nodes[];
};

struct swarm_cache {
    struct table swarms;
    struct list used;
};

static struct bytes account_bytes(const struct account_id *account)
{
    return BYTES_OF(account->bytes);
}

static struct bytes known_key(const void *value)
{
    return account_bytes(&((const struct known_swarm *)value)->account);
}

static bool key_equal(const struct ed25519_public *a, const struct ed25519_public *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static uint32_t find_key(const struct rpc_snode nodes[], uint32_t count, const struct ed25519_public *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (key_equal(&nodes[i].ed25519, key))
            return i;
    return UINT32_MAX;
}

static struct known_swarm *find(const struct client *client, const struct account_id *account)
{
    return client->swarms == NULL ? NULL : table_get(&client->swarms->swarms, account_bytes(account));
}

static void forget(struct client *client, struct known_swarm *known)
{
    table_remove(&client->swarms->swarms, account_bytes(&known->account));
    list_remove(&known->used);
    free(known);
    if (client->swarms->swarms.count == 0)
        swarm_cache_free(client);
}

void swarm_cache_free(struct client *client)
{
    struct swarm_cache *cache = client->swarms;
    if (cache == NULL)
        return;
    LIST_EACH_SAFE (at, &cache->used)
        free(CONTAINER_OF(at, struct known_swarm, used));
    table_fini(&cache->swarms);
    free(cache);
    client->swarms = NULL;
}

const struct rpc_snode *swarm_cache_peek(const struct client *client, const struct account_id *account, uint32_t *count)
{
    const struct known_swarm *known = find(client, account);
    *count = known == NULL ? 0 : known->count;
    return known == NULL ? NULL : known->nodes;
}

const struct rpc_snode *swarm_cache_get(struct client *client, const struct account_id *account, uint32_t *count)
{
    struct known_swarm *known = find(client, account);
    if (known != NULL) {
        list_remove(&known->used);
        list_append(&client->swarms->used, &known->used);
    }
    return swarm_cache_peek(client, account, count);
}

uint32_t swarm_cache_put(struct client *client, const struct account_id *account, const struct rpc_snode nodes[],
                         size_t count, enum trace_cause cause)
{
    struct known_swarm *known = xmalloc(sizeof *known + count * sizeof *nodes);
    known->count = 0;
    known->account = *account;
    for (size_t i = 0; i < count; i++)
        if (find_key(known->nodes, known->count, &nodes[i].ed25519) == UINT32_MAX)
            known->nodes[known->count++] = nodes[i];
    uint32_t unique = known->count;
    if (unique == 0) {
        free(known);
        return 0;
    }

    struct known_swarm *old = find(client, account);
    if (old != NULL)
        forget(client, old);
    if (client->swarms == NULL) {
        client->swarms = xcalloc(1, sizeof *client->swarms);
        table_init(&client->swarms->swarms, known_key, 0);
        list_init(&client->swarms->used);
    }
    if (client->swarms->swarms.count == LIMIT_CONTACT_SWARMS)
        forget(client, CONTAINER_OF(client->swarms->used.next, struct known_swarm, used));
    table_put(&client->swarms->swarms, known);
    list_append(&client->swarms->used, &known->used);
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_SWARM_LEARNED, .n = {unique, cause}, .b = {account_bytes(account)}});
    return unique;
}

static void remove_at(struct client *client, struct known_swarm *known, uint32_t i, enum trace_cause cause)
{
    struct ed25519_public key = known->nodes[i].ed25519;
    known->count--;
    memmove(&known->nodes[i], &known->nodes[i + 1], (known->count - i) * sizeof known->nodes[0]);
    env_trace(client->env, &(struct trace_record){.kind = TRACE_SWARM_DROPPED,
                                                  .n = {known->count, cause},
                                                  .b = {account_bytes(&known->account), BYTES_OF(key.bytes)}});
    if (known->count == 0)
        forget(client, known);
}

void swarm_cache_remove(struct client *client, const struct account_id *account, const struct ed25519_public *key,
                        enum trace_cause cause)
{
    struct known_swarm *known = find(client, account);
    uint32_t i = known == NULL ? UINT32_MAX : find_key(known->nodes, known->count, key);
    if (i != UINT32_MAX)
        remove_at(client, known, i, cause);
}

void swarm_cache_forget(struct client *client, const struct ed25519_public *key, enum trace_cause cause)
{
    uint32_t cursor = 0;
    struct known_swarm *known;
    /* The cache itself goes with its last swarm. */
    while (client->swarms != NULL && (known = table_next(&client->swarms->swarms, &cursor)) != NULL) {
        uint32_t i = find_key(known->nodes, known->count, key);
        if (i != UINT32_MAX)
            remove_at(client, known, i, cause);
    }
}

static bool same_nodes(const struct known_swarm *known, const struct rpc_snode nodes[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (find_key(known->nodes, known->count, &nodes[i].ed25519) == UINT32_MAX)
            return false;
    for (uint32_t i = 0; i < known->count; i++)
        if (find_key(nodes, (uint32_t)count, &known->nodes[i].ed25519) == UINT32_MAX)
            return false;
    return true;
}

enum wrong_swarm swarm_cache_wrong(struct client *client, const struct account_id *account,
                                   const struct ed25519_public *answering, struct bytes body)
{
    struct rpc_snode nodes[LIMIT_SWARM_NODES];
    size_t count;
    struct known_swarm *known = find(client, account);

    /* The pollers and stores of one client hear of a new swarm one after another, each from an old node: only the first
     * changes anything, or the second would look like a node that repeats what is known. */
    if (known != NULL && find_key(known->nodes, known->count, answering) == UINT32_MAX)
        return SWARM_KNOWN;
    client_charge_bytes(client, COST_PARSE, body.len);
    if (rpc_snodes_decode(body, nodes, LIMIT_SWARM_NODES, &count) != OK)
        count = 0;
    if (count == 0 || (known != NULL && same_nodes(known, nodes, count))) {
        swarm_cache_remove(client, account, answering, CAUSE_WRONG_SWARM);
        return SWARM_DOUBTED;
    }
    swarm_cache_put(client, account, nodes, count, CAUSE_WRONG_SWARM);
    return SWARM_REPLACED;
}

static bool is_skipped(const struct ed25519_public *key, const struct ed25519_public skip[], size_t skip_count)
{
    for (size_t i = 0; i < skip_count; i++)
        if (key_equal(key, &skip[i]))
            return true;
    return false;
}

void node_queue_fill(struct node_queue *queue, struct client *client, const struct account_id *account,
                     const struct ed25519_public skip[], size_t skip_count)
{
    uint32_t count, order[LIMIT_SWARM_NODES];
    const struct rpc_snode *nodes = swarm_cache_get(client, account, &count);

    node_queue_fini(queue);
    for (uint32_t i = 0; i < count; i++)
        if (!is_skipped(&nodes[i].ed25519, skip, skip_count))
            order[queue->count++] = i;
    if (queue->count == 0)
        return;
    env_shuffle(client->env, order, queue->count);
    queue->nodes = xmalloc(queue->count * sizeof *queue->nodes);
    for (uint32_t i = 0; i < queue->count; i++)
        queue->nodes[i] = nodes[order[i]];
}

bool node_queue_take(struct node_queue *queue, struct rpc_snode *node)
{
    if (queue->next == queue->count)
        return false;
    *node = queue->nodes[queue->next++];
    return true;
}

void node_queue_fini(struct node_queue *queue)
{
    free(queue->nodes);
    *queue = (struct node_queue){0};
}
