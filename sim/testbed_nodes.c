#include "sim/testbed_state.h"

#include <stdlib.h>
#include <string.h>

struct bytes testbed_node_key(const void *owner, uint32_t number)
{
    const struct testbed *testbed = owner;

    return BYTES_OF(testbed->nodes[number]->keys.ed25519.bytes);
}

static void on_node_request(void *machine, struct incoming *incoming)
{
    snode_on_request(machine, incoming);
}

static void free_node(void *machine)
{
    snode_free(machine);
}

static const struct seat_handler node_handler = {.on_request = on_node_request, .free = free_node};

/* In the first callback of a machine: it knows at once what stands now. */
static size_t begin_node(const struct node *node, struct snode *snode)
{
    const struct testbed *testbed = node->testbed;
    size_t records = snode_start(snode);

    snode_on_difficulty(snode, testbed->difficulty, testbed->difficulty_count);
    snode_on_membership(snode, testbed->newest->membership);
    return records;
}

static void on_node_start(void *machine, void *owner)
{
    begin_node(owner, machine);
}

static void on_node_restart(void *machine, void *owner)
{
    const struct node *node = owner;
    struct trace_record record = {.kind = TRACE_RESTART, .n = {begin_node(node, machine)}};

    env_trace(world_env(node->testbed->world, node->seat), &record);
}

static void occupy_node(struct node *node, seat_fn on_start)
{
    struct world *world = node->testbed->world;
    struct snode_config config = {
        .env = world_env(world, node->seat),
        .preset = &node->testbed->config.snode,
        .keys = &node->keys,
        .bodies = world_bodies(world, node->seat),
        .address = node->address,
    };

    world_occupy(world, node->seat, &node_handler, snode_new(&config));
    world_enter(world, node->seat, on_start, node);
}

/* 127.(1 + h / 250).(1 + h mod 250).7; the last number counts on after 63,500 hosts. */
static uint32_t host_ip(uint32_t host)
{
    uint32_t second = 1 + host / 250 % 254, third = 1 + host % 250, fourth = 7 + host / 63500;

    return UINT32_C(127) << 24 | second << 16 | third << 8 | fourth;
}

static uint16_t next_port(struct testbed *testbed, uint32_t host)
{
    if (host >= testbed->host_count) {
        testbed->host_nodes = xrealloc(testbed->host_nodes, (host + 1) * sizeof(*testbed->host_nodes));
        while (testbed->host_count <= host)
            testbed->host_nodes[testbed->host_count++] = 0;
    }
    return (uint16_t)(testbed->config.node_port + testbed->host_nodes[host]++);
}

/* `legacy`: the key that the oldest clients knew the node by; only the chain keeps it. */
static void make_keys(struct node *node, uint32_t source, uint8_t legacy[32])
{
    struct snode_keys *keys = &node->keys;
    struct rng rng;
    uint8_t seed[32];

    rng_init(&rng, node->testbed->key, RNG_KEYS, source);
    rng_bytes(&rng, seed, sizeof(seed));
    rng_bytes(&rng, legacy, 32);
    ed25519_from_seed(seed, &keys->ed25519, &keys->ed25519_secret);
    x25519_from_ed25519_secret(&keys->ed25519_secret, &keys->x25519.secret);
    x25519_public_of(&keys->x25519.secret, &keys->x25519.public);
}

/* A node without a seat yet, and what the chain is told of it. */
static struct node *make_node(struct testbed *testbed, uint32_t key_source, uint32_t host, struct chain_node *told)
{
    struct node *node = xcalloc(1, sizeof(*node));

    if (testbed->node_count == testbed->node_cap) {
        testbed->node_cap = testbed->node_cap == 0 ? 64 : 2 * testbed->node_cap;
        testbed->nodes = xrealloc(testbed->nodes, testbed->node_cap * sizeof(struct node *));
    }
    node->testbed = testbed;
    node->number = testbed->node_count;
    node->host = host;
    node->address = (struct address){host_ip(host), next_port(testbed, host)};
    node->seat = SEAT_NONE;
    node->key_source = key_source;
    make_keys(node, key_source, told->legacy);
    testbed->nodes[testbed->node_count++] = node;
    number_index_add(&testbed->nodes_by_key);
    told->ed25519 = node->keys.ed25519;
    told->x25519 = node->keys.x25519.public;
    told->address = node->address;
    told->host = host;
    return node;
}

bool testbed_host_has_port(const struct testbed *testbed, uint32_t host)
{
    return host >= testbed->host_count || testbed->host_nodes[host] <= (uint32_t)UINT16_MAX - testbed->config.node_port;
}

static void load_record(void *owner, struct bytes key, struct bytes value)
{
    const struct node *node = owner;

    world_restore_disk(node->testbed->world, node->seat, key, value);
}

static void load_disk(struct node *node)
{
    const struct disk_source *disks = node->testbed->config.disks;

    if (disks == NULL)
        return;
    if (disks->logged)
        world_log_disk(node->testbed->world, node->seat, disk_name(&node->keys.ed25519));
    disks->each(disks->owner, &node->keys.ed25519, load_record, node);
}

static void seat_node(struct node *node, uint32_t shard)
{
    struct testbed *testbed = node->testbed;
    struct seat_config config = {
        .address = node->address,
        .peer_key = &node->keys.ed25519,
        .shard = shard,
        .host = node->host,
        .has_disk = true,
        .access = network_place_node(testbed->key, node->host),
        .cpu_percent = NODE_CPU_PERCENT,
    };

    node->shard = shard;
    node->seat = world_add_seat(testbed->world, &config);
    load_disk(node);
    occupy_node(node, on_node_start);
}

void testbed_register_first(struct testbed *testbed)
{
    const struct chain_snapshot *snapshot = testbed->config.snapshot;
    uint32_t count = snapshot != NULL ? snapshot->node_count : testbed->config.nodes;

    for (uint32_t i = 0; i < count; i++) {
        struct chain_node told;
        if (snapshot != NULL) {
            make_node(testbed, snapshot->node[i], snapshot->host[i], &told);
            ASSERT(chain_register_placed(testbed->chain, &told, snapshot->swarm_id[i]) == OK);
        } else {
            make_node(testbed, i, i / testbed->config.nodes_per_host, &told);
            ASSERT(chain_register(testbed->chain, &told) == OK);
        }
    }
}

/* Nodes of one swarm share a shard. Seats are numbered like the nodes. */
void testbed_seat_first(struct testbed *testbed)
{
    const struct membership *membership = testbed->newest->membership;

    for (uint32_t i = 0; i < testbed->node_count; i++) {
        struct node *node = testbed->nodes[i];
        const struct snode_entry *entry = snode_by_key(membership, &node->keys.ed25519);
        const struct swarm_entry *swarm = swarm_by_id(membership, entry->swarm_id);
        uint32_t index = swarm == NULL ? i : (uint32_t)(swarm - membership->swarms);
        seat_node(node, index % WORLD_SHARDS);
    }
}

static uint32_t register_late(struct testbed *testbed, uint32_t key_source, uint32_t host)
{
    struct chain_node told;
    struct node *node = make_node(testbed, key_source, host, &told);

    ASSERT(chain_register(testbed->chain, &told) == OK); /* its key is new */
    seat_node(node, node->number % WORLD_SHARDS);
    testbed_chain_changed(testbed);
    return node->number;
}

uint32_t testbed_next_host(const struct testbed *testbed)
{
    return testbed->config.snapshot != NULL ? testbed->host_count
                                            : testbed->node_count / testbed->config.nodes_per_host;
}

uint32_t testbed_register(struct testbed *testbed)
{
    uint32_t late = testbed->config.snapshot != NULL ? LATE_NODE : 0;

    return register_late(testbed, late | testbed->node_count, testbed_next_host(testbed));
}

bool testbed_has_arrivals(const struct testbed *testbed, uint32_t identity)
{
    return testbed->config.snapshot != NULL && identity < LATE_NODE;
}

bool testbed_knows(const struct testbed *testbed, uint32_t identity)
{
    for (uint32_t i = 0; i < testbed->node_count; i++)
        if (testbed->nodes[i]->key_source == identity)
            return true;
    return false;
}

uint32_t testbed_register_known(struct testbed *testbed, uint32_t identity, uint32_t host)
{
    return register_late(testbed, identity, host);
}

/* A node that is not on the chain, or in that state already, stays as it is. */

void testbed_exit(struct testbed *testbed, uint32_t node)
{
    if (chain_exit(testbed->chain, &testbed_node_keys(testbed, node)->ed25519) == OK)
        testbed_chain_changed(testbed);
}

void testbed_decommission(struct testbed *testbed, uint32_t node)
{
    if (chain_decommission(testbed->chain, &testbed_node_keys(testbed, node)->ed25519) == OK)
        testbed_chain_changed(testbed);
}

void testbed_recommission(struct testbed *testbed, uint32_t node)
{
    if (chain_recommission(testbed->chain, &testbed_node_keys(testbed, node)->ed25519) == OK)
        testbed_chain_changed(testbed);
}

void testbed_kill(struct testbed *testbed, uint32_t node)
{
    uint32_t seat = testbed_node_seat(testbed, node);

    if (world_occupied(testbed->world, seat))
        world_crash(testbed->world, seat);
}

void testbed_restart(struct testbed *testbed, uint32_t node)
{
    if (!world_occupied(testbed->world, testbed_node_seat(testbed, node)))
        occupy_node(testbed->nodes[node], on_node_restart);
}

enum err testbed_undo(struct testbed *testbed, const struct disk_log_record *record, uint32_t *node)
{
    for (uint32_t i = 0; i < testbed->node_count; i++)
        if (disk_name(&testbed->nodes[i]->keys.ed25519) == record->disk) {
            testbed_kill(testbed, i);
            world_restore_disk(testbed->world, testbed_node_seat(testbed, i), record->key, record->value);
            *node = i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

uint32_t testbed_node_count(const struct testbed *testbed)
{
    return testbed->node_count;
}

struct snode *testbed_node(struct testbed *testbed, uint32_t node)
{
    return world_machine(testbed->world, testbed_node_seat(testbed, node));
}

uint32_t testbed_node_seat(const struct testbed *testbed, uint32_t node)
{
    ASSERT(node < testbed->node_count);
    return testbed->nodes[node]->seat;
}

const struct snode_keys *testbed_node_keys(const struct testbed *testbed, uint32_t node)
{
    ASSERT(node < testbed->node_count);
    return &testbed->nodes[node]->keys;
}

uint32_t testbed_node_by_key(const struct testbed *testbed, const struct ed25519_public *key)
{
    return number_index_find(&testbed->nodes_by_key, BYTES_OF(key->bytes));
}
