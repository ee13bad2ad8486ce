#include "sim/testbed_state.h"

#include <string.h>

#include "sim/seed.h"

/* Numbers of RNG_CHAIN per seat: the height for delays of blocks, and this with a count for those of difficulties. */
#define DIFFICULTY_SEQUENCE (UINT64_C(1) << 63)

/* 0 .. max, evenly: by seat and sequence alone, so that nobody's delay depends on who else is there. */
static int64_t delay_us(const struct testbed *testbed, uint32_t seat, uint64_t sequence, uint32_t max_ms)
{
    uint64_t number = rng_number(testbed->key, RNG_CHAIN, seat, sequence) >> 32;

    return (int64_t)(number * ((uint64_t)max_ms + 1) >> 32) * 1000;
}

/* Blocks. */

static void learn_block(void *machine, void *owner)
{
    struct snode *snode = machine;
    const struct block *block = owner;
    const struct membership *known = snode_membership(snode);

    if (known == NULL || known->height < block->height)
        snode_on_membership(snode, block->membership);
}

/* The seed is told first and without delay; its seat is also where the trace says that there was a block. */
void testbed_inform_seed(void *machine, void *owner)
{
    struct seed *seed = machine;
    struct testbed *testbed = owner;
    const struct membership *membership = testbed->newest->membership;
    struct trace_record record = {
        .kind = TRACE_BLOCK,
        .n = {chain_height(testbed->chain), membership->node_count, membership->swarm_count},
        .b = {BYTES_OF(membership->block_hash), BYTES_NONE},
    };

    seed_on_membership(seed, membership);
    env_trace(world_env(testbed->world, testbed->seed_seat), &record);
}

/* Memberships older than what any running node knows. */
static void release_memberships(struct testbed *testbed)
{
    uint64_t oldest = testbed->newest->height;

    for (uint32_t i = 0; i < testbed->node_count; i++) {
        const struct snode *snode = testbed_node(testbed, i);
        if (snode != NULL && snode_membership(snode)->height < oldest)
            oldest = snode_membership(snode)->height;
    }
    chain_release(testbed->chain, oldest);
}

bool testbed_make_block(struct testbed *testbed)
{
    const struct membership *membership = chain_block(testbed->chain);
    struct block *block;

    testbed->chain_changed = false;
    if (membership == NULL)
        return false;
    block = xmalloc(sizeof(*block));
    *block = (struct block){testbed->newest, membership->height, membership};
    testbed->newest = block;
    return true;
}

static void tell_nodes(struct testbed *testbed)
{
    struct block *block = testbed->newest;
    int64_t now_us = world_now_us(testbed->world);

    world_enter(testbed->world, testbed->seed_seat, testbed_inform_seed, testbed);
    for (uint32_t i = 0; i < testbed->node_count; i++) {
        uint32_t seat = testbed->nodes[i]->seat;
        int64_t delay = delay_us(testbed, seat, block->height, testbed->config.block_delay_ms_max);
        if (world_occupied(testbed->world, seat))
            world_input_at(testbed->world, seat, now_us + delay, learn_block, block);
    }
    release_memberships(testbed);
}

void testbed_block(struct testbed *testbed)
{
    if (testbed_make_block(testbed))
        tell_nodes(testbed);
}

static void on_block_time(struct world *world, void *owner);

/* Blocks come at multiples of the block time. */
void testbed_plan_block(struct testbed *testbed)
{
    int64_t block_us = (int64_t)testbed->config.block_ms * 1000;

    if (testbed->block_planned)
        return;
    testbed->block_planned = true;
    world_control_at(testbed->world, (world_now_us(testbed->world) / block_us + 1) * block_us, on_block_time, testbed);
}

static void on_block_time(struct world *world, void *owner)
{
    struct testbed *testbed = owner;

    (void)world;
    testbed->block_planned = false;
    if (testbed->config.chain_runs)
        testbed_plan_block(testbed);
    else if (!testbed->chain_changed)
        return; /* testbed_block() was earlier */
    testbed_block(testbed);
}

void testbed_chain_changed(struct testbed *testbed)
{
    testbed->chain_changed = true;
    testbed_plan_block(testbed);
}

/* Difficulty. */

/* Reads what is published at that moment, so that an earlier publication, read late, does not undo a later one. */
static void read_difficulty(void *machine, void *owner)
{
    const struct testbed *testbed = owner;

    snode_on_difficulty(machine, testbed->difficulty, testbed->difficulty_count);
}

void testbed_publish_difficulty(struct testbed *testbed, int64_t from_ms, uint64_t difficulty)
{
    struct pow_record *records = testbed->difficulty;
    uint32_t *count = &testbed->difficulty_count;

    if (*count > 0 && records[*count - 1].from_ms == from_ms)
        --*count; /* published again within the millisecond: that one stands */
    if (*count == LIMIT_DIFFICULTY_RECORDS)
        memmove(&records[0], &records[1], --*count * sizeof(*records));
    records[(*count)++] = (struct pow_record){.from_ms = from_ms, .difficulty = difficulty};
    testbed->difficulties_published++;
}

void testbed_set_difficulty(struct testbed *testbed, uint64_t difficulty)
{
    int64_t now_us = world_now_us(testbed->world);

    testbed_publish_difficulty(testbed, world_now_ms(testbed->world), difficulty);
    for (uint32_t i = 0; i < testbed->node_count; i++) {
        uint32_t seat = testbed->nodes[i]->seat;
        int64_t delay = delay_us(testbed, seat, DIFFICULTY_SEQUENCE | testbed->difficulties_published,
                                 testbed->config.difficulty_delay_ms_max);
        if (world_occupied(testbed->world, seat))
            world_input_at(testbed->world, seat, now_us + delay, read_difficulty, testbed);
    }
}
