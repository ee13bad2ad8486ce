#include "sim/testbed_state.h"

#include <stdlib.h>

#include "sim/seed.h"

#define DEFAULT_EPOCH_MS INT64_C(1577836800000) /* 2020-01-01 */
#define SEED_HOST        UINT32_MAX             /* beside those of nodes, and of users (CLIENT) */

void testbed_config_default(struct testbed_config *config)
{
    *config = (struct testbed_config){
        .world = {.seed = 1, .threads = 1, .epoch_ms = DEFAULT_EPOCH_MS, .costs = costs_default()},
        .suite = &crypto_real,
        .nodes = 50,
        .nodes_per_host = 1,
        .node_port = 22021,
        .chain_runs = true,
        .block_ms = 120000,
        .block_delay_ms_max = 3000,
        .difficulty = 1,
        .difficulty_delay_ms_max = 600000,
        .snode =
            {
                .store_bytes_max = LIMIT_STORE_BYTES,
                .difficulty_initial = 1,
                .flush_ms = LIMIT_FLUSH_MS,
                .push_retries = true,
                .rate_limit = true,
            },
        .client =
            {
                .onion_version = ONION_V2,
                .enc_type = ENC_AES_GCM,
                .path_failures = LIMIT_PATH_FAILURES,
                .node_failures = LIMIT_NODE_FAILURES,
            },
    };
}

static void on_seed_request(void *machine, struct incoming *incoming)
{
    seed_on_request(machine, incoming);
}

static void free_seed(void *machine)
{
    seed_free(machine);
}

static const struct seat_handler seed_handler = {.on_request = on_seed_request, .free = free_seed};

static void add_seed(struct testbed *testbed)
{
    struct seat_config config = {
        .address = testbed->config.client.seed,
        .host = SEED_HOST,
        .access = network_place_node(testbed->key, SEED_HOST),
        .cpu_percent = NODE_CPU_PERCENT,
    };

    testbed->seed_seat = world_add_seat(testbed->world, &config);
    world_occupy(testbed->world, testbed->seed_seat, &seed_handler,
                 seed_new(world_env(testbed->world, testbed->seed_seat)));
}

/* Trials per second on a client's device, by the table of costs. */
static uint32_t trials_per_s(const struct cost_table *costs)
{
    const uint32_t trials = 1000000;
    int64_t ns = costs_ns(costs, COST_POW_TRIAL, trials, CLIENT_CPU_PERCENT);
    int64_t per_s = ns <= 0 ? UINT32_MAX : INT64_C(1000000000) * trials / ns;

    if (per_s > UINT32_MAX)
        return UINT32_MAX;
    return per_s == 0 ? 1 : (uint32_t)per_s;
}

struct testbed *testbed_new(const struct testbed_config *config)
{
    struct testbed *testbed = xcalloc(1, sizeof(*testbed));
    struct world_config world = config->world;
    struct network_config network;

    ASSERT(config->nodes_per_host > 0 && config->block_ms > 0);
    network_config_default(&network);
    if (world.network == NULL)
        world.network = &network;
    testbed->config = *config;
    testbed->config.snode.suite = config->suite;
    testbed->config.client.suite = config->suite;
    testbed->config.client.seed = (struct address){SEED_IP, SEED_PORT};
    if (config->client.trials_per_s == 0)
        testbed->config.client.trials_per_s = trials_per_s(world.costs);
    testbed->world = world_new(&world);
    testbed->key = world_rng_key(testbed->world);
    number_index_init(&testbed->nodes_by_key, testbed_node_key, testbed);
    number_index_init(&testbed->users_by_account, testbed_user_key, testbed);
    buf_init(&testbed->names, UINT32_MAX);
    /* The first block is the snapshot's. */
    testbed->chain =
        chain_new(testbed->key, config->snapshot == NULL ? 0 : config->snapshot->height - 1, config->old_new_swarm_id);
    testbed_publish_difficulty(testbed, 0, config->difficulty);

    testbed_register_first(testbed);
    testbed_make_block(testbed);
    add_seed(testbed);
    testbed_seat_first(testbed);
    world_enter(testbed->world, testbed->seed_seat, testbed_inform_seed, testbed);
    if (config->chain_runs)
        testbed_plan_block(testbed);
    return testbed;
}

void testbed_free(struct testbed *testbed)
{
    if (testbed == NULL)
        return;
    world_free(testbed->world);
    chain_free(testbed->chain);
    while (testbed->newest != NULL) {
        struct block *block = testbed->newest;
        testbed->newest = block->next;
        free(block);
    }
    number_index_fini(&testbed->nodes_by_key);
    number_index_fini(&testbed->users_by_account);
    for (uint32_t i = 0; i < testbed->node_count; i++) {
        crypto_wipe(&testbed->nodes[i]->keys, sizeof(testbed->nodes[i]->keys));
        free(testbed->nodes[i]);
    }
    for (uint32_t i = 0; i < testbed->user_count; i += USERS_PER_PAGE)
        free(testbed->user_pages[i / USERS_PER_PAGE]);
    free(testbed->nodes);
    free(testbed->user_pages);
    buf_fini(&testbed->names);
    free(testbed->host_nodes);
    free(testbed);
}

struct world *testbed_world(struct testbed *testbed)
{
    return testbed->world;
}

const struct crypto_suite *testbed_suite(const struct testbed *testbed)
{
    return testbed->config.suite;
}

struct chain *testbed_chain(struct testbed *testbed)
{
    return testbed->chain;
}

size_t testbed_holders(struct testbed *testbed, const uint8_t hash[64], uint32_t out[], size_t max)
{
    size_t count = 0;

    for (uint32_t i = 0; i < testbed->node_count && count < max; i++) {
        const struct snode *snode = testbed_node(testbed, i);
        if (snode != NULL && snode_holds(snode, hash))
            out[count++] = i;
    }
    return count;
}

size_t testbed_swarm_nodes(struct testbed *testbed, const struct account_id *account, uint32_t out[], size_t max)
{
    const struct membership *membership = chain_membership(testbed->chain);
    const struct swarm_entry *swarm = swarm_of(membership, account);
    size_t count = 0;

    if (swarm == NULL)
        return 0;
    while (count < swarm->count && count < max) {
        out[count] = testbed_node_by_key(testbed, &swarm_member(membership, swarm, (uint32_t)count)->ed25519);
        count++;
    }
    return count;
}
