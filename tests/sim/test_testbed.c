#include "sim/testbed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/seed.h"
#include "sim/snapshot.h"
#include "tests/support/check_main.h"
#include "tests/support/small_testbed.h"

/* Running nodes whose view is the chain's newest membership. */
static uint32_t count_informed(struct testbed *testbed)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < testbed_node_count(testbed); i++) {
        const struct snode *snode = testbed_node(testbed, i);
        count += snode != NULL && snode_membership(snode) == chain_membership(testbed_chain(testbed));
    }
    return count;
}

/* Every node runs, knows the first block and is in a swarm, at time 0. */
START_TEST(testbed_starts_ready)
{
    struct testbed_config config = small_testbed_config(30);
    struct testbed *testbed = testbed_new(&config);
    struct world *world = testbed_world(testbed);

    ck_assert_int_eq(world_now_us(world), 0);
    ck_assert_uint_eq(testbed_node_count(testbed), 30);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 1);
    ck_assert_uint_eq(chain_membership(testbed_chain(testbed))->swarm_count, 4);
    ck_assert_uint_eq(count_informed(testbed), 30);
    for (uint32_t i = 0; i < 30; i++) {
        ck_assert_uint_ne(snode_swarm_id(testbed_node(testbed, i)), SWARM_NONE);
        ck_assert_uint_eq(testbed_node_by_key(testbed, &testbed_node_keys(testbed, i)->ed25519), i);
    }
    ck_assert_uint_ne(world_seat_at(world, (struct address){SEED_IP, SEED_PORT}), SEAT_NONE);
    testbed_free(testbed);
    testbed_free(NULL);
}
END_TEST

/* Host h is 127.(1 + h / 250).(1 + h mod 250).7; its nodes' ports count from 22021; keys belong together. */
START_TEST(testbed_gives_nodes_their_addresses_and_keys)
{
    struct testbed_config config = small_testbed_config(505);
    struct testbed *testbed;
    char text[ADDRESS_TEXT_MAX];

    config.nodes_per_host = 2;
    testbed = testbed_new(&config);
    address_text(world_address(testbed_world(testbed), testbed_node_seat(testbed, 0)), text);
    ck_assert_str_eq(text, "127.1.1.7:22021");
    address_text(world_address(testbed_world(testbed), testbed_node_seat(testbed, 1)), text);
    ck_assert_str_eq(text, "127.1.1.7:22022");
    address_text(world_address(testbed_world(testbed), testbed_node_seat(testbed, 503)), text);
    ck_assert_str_eq(text, "127.2.2.7:22022");
    for (uint32_t i = 0; i < 505; i++) {
        const struct snode_keys *keys = testbed_node_keys(testbed, i);
        const struct snode_entry *entry = snode_by_key(chain_membership(testbed_chain(testbed)), &keys->ed25519);
        struct x25519_public converted;
        ck_assert_int_eq(x25519_from_ed25519_public(&keys->ed25519, &converted), OK);
        ck_assert_mem_eq(&converted, &keys->x25519.public, 32);
        ck_assert_mem_eq(&converted, &entry->x25519, 32);
        ck_assert_mem_ne(entry->legacy, &keys->ed25519, 32);
        ck_assert(address_equal(entry->address, world_address(testbed_world(testbed), testbed_node_seat(testbed, i))));
        ck_assert_uint_eq(entry->host, i / 2);
    }
    testbed_free(testbed);
}
END_TEST

/* Adding nodes leaves the keys of the others alone; another seed changes them. */
START_TEST(testbed_keys_depend_on_seed_and_number)
{
    struct testbed_config config = small_testbed_config(10);
    struct testbed *few = testbed_new(&config), *many, *other;

    config.nodes = 20;
    many = testbed_new(&config);
    config.world.seed = 2;
    other = testbed_new(&config);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_mem_eq(testbed_node_keys(few, i), testbed_node_keys(many, i), sizeof(struct snode_keys));
        ck_assert_mem_ne(testbed_node_keys(few, i), testbed_node_keys(other, i), sizeof(struct snode_keys));
    }
    testbed_free(few);
    testbed_free(many);
    testbed_free(other);
}
END_TEST

/* A new node is on the chain from the next block time on, and every node hears of it after its own delay. */
START_TEST(testbed_tells_nodes_of_a_block_each_after_its_delay)
{
    struct testbed_config config = small_testbed_config(40);
    struct testbed *testbed = testbed_new(&config);
    uint32_t node, informed;

    testbed_run_until(testbed, 50 * SECOND_US);
    node = testbed_register(testbed);
    ck_assert_uint_eq(node, 40);
    ck_assert_ptr_nonnull(testbed_node(testbed, node));
    ck_assert_uint_eq(snode_swarm_id(testbed_node(testbed, node)), SWARM_NONE);
    testbed_run_until(testbed, 120 * SECOND_US - 1);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 1);
    ck_assert_uint_eq(count_informed(testbed), 41);
    testbed_run_until(testbed, 120 * SECOND_US);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 2);
    ck_assert_uint_lt(count_informed(testbed), 5);
    testbed_run_until(testbed, 120 * SECOND_US + 1500000);
    informed = count_informed(testbed);
    ck_assert_uint_gt(informed, 5);
    ck_assert_uint_lt(informed, 36);
    testbed_run_until(testbed, 123 * SECOND_US + 1);
    ck_assert_uint_eq(count_informed(testbed), 41);
    ck_assert_uint_ne(snode_swarm_id(testbed_node(testbed, node)), SWARM_NONE);
    testbed_free(testbed);
}
END_TEST

/* Blocks that change nothing wake nobody. */
START_TEST(testbed_blocks_without_a_change_wake_nobody)
{
    struct testbed_config config = small_testbed_config(14);
    struct testbed *testbed = testbed_new(&config);
    struct world_stats before, after;

    testbed_run_for(testbed, SECOND_US);
    world_stats(testbed_world(testbed), &before);
    testbed_run_until(testbed, 1200 * SECOND_US);
    world_stats(testbed_world(testbed), &after);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 11);
    ck_assert_uint_eq(after.events, before.events);
    testbed_free(testbed);
}
END_TEST

/* With a chain that stands still there is a block only for a change: at the next block time, or when asked for. */
START_TEST(testbed_makes_blocks_on_demand)
{
    struct testbed_config config = small_testbed_config(14);
    struct testbed *testbed;

    config.chain_runs = false;
    testbed = testbed_new(&config);
    testbed_run_until(testbed, 1000 * SECOND_US);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 1);
    testbed_exit(testbed, 0);
    testbed_exit(testbed, 1);
    testbed_exit(testbed, 1); /* has left already */
    testbed_run_until(testbed, 1080 * SECOND_US - 1);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 1);
    testbed_run_until(testbed, 1080 * SECOND_US);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 2);
    ck_assert_uint_eq(chain_membership(testbed_chain(testbed))->node_count, 12);

    /* One asked for takes what waited, and the planned one has nothing left to do. */
    testbed_exit(testbed, 2);
    testbed_block(testbed);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 3);
    ck_assert_uint_eq(chain_membership(testbed_chain(testbed))->node_count, 11);
    testbed_run_until(testbed, 2000 * SECOND_US);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), 3);
    testbed_free(testbed);
}
END_TEST

/* Who leaves the chain goes on running, in no swarm; a decommissioned node can come back. */
START_TEST(testbed_takes_nodes_off_the_chain)
{
    struct testbed_config config = small_testbed_config(14);
    struct testbed *testbed = testbed_new(&config);

    testbed_exit(testbed, 3);
    testbed_decommission(testbed, 4);
    testbed_decommission(testbed, 4);
    testbed_recommission(testbed, 5); /* it is active */
    testbed_run_until(testbed, 130 * SECOND_US);
    ck_assert_uint_eq(snode_swarm_id(testbed_node(testbed, 3)), SWARM_NONE);
    ck_assert_uint_eq(snode_swarm_id(testbed_node(testbed, 4)), SWARM_NONE);
    ck_assert_uint_eq(chain_membership(testbed_chain(testbed))->node_count, 13);
    testbed_recommission(testbed, 4);
    testbed_run_until(testbed, 250 * SECOND_US);
    ck_assert_uint_ne(snode_swarm_id(testbed_node(testbed, 4)), SWARM_NONE);
    ck_assert_uint_eq(snode_swarm_id(testbed_node(testbed, 3)), SWARM_NONE);
    testbed_free(testbed);
}
END_TEST

/* A killed node is gone at once and hears nothing; restarted it knows what stands then. */
START_TEST(testbed_kills_and_restarts)
{
    struct testbed_config config = small_testbed_config(14);
    struct testbed *testbed = testbed_new(&config);

    testbed_kill(testbed, 7);
    testbed_kill(testbed, 7);
    ck_assert_ptr_null(testbed_node(testbed, 7));
    testbed_exit(testbed, 0);
    testbed_run_until(testbed, 130 * SECOND_US);
    ck_assert_ptr_null(testbed_node(testbed, 7));
    testbed_restart(testbed, 7);
    ck_assert_ptr_nonnull(testbed_node(testbed, 7));
    ck_assert_ptr_eq(snode_membership(testbed_node(testbed, 7)), chain_membership(testbed_chain(testbed)));
    ck_assert_uint_ne(snode_swarm_id(testbed_node(testbed, 7)), SWARM_NONE);
    testbed_restart(testbed, 7); /* runs already */
    testbed_free(testbed);
}
END_TEST

/* News from before a crash comes to the restarted machine after newer ones, whose memberships are released by then:
 * they are left alone. */
START_TEST(testbed_never_goes_back_to_an_older_block)
{
    struct testbed_config config = small_testbed_config(28);
    struct testbed *testbed;

    config.block_delay_ms_max = 60000;
    testbed = testbed_new(&config);
    for (uint32_t block = 0; block < 20; block++) {
        testbed_register(testbed);
        testbed_block(testbed);
        for (uint32_t i = 0; i < 28; i++) {
            testbed_kill(testbed, i);
            testbed_restart(testbed, i);
        }
        testbed_run_for(testbed, SECOND_US);
        for (uint32_t i = 0; i < 28; i++)
            ck_assert_ptr_eq(snode_membership(testbed_node(testbed, i)), chain_membership(testbed_chain(testbed)));
    }
    testbed_run_for(testbed, 60 * SECOND_US);
    ck_assert_uint_eq(count_informed(testbed), 48);
    testbed_free(testbed);
}
END_TEST

struct seen {
    uint32_t difficulties, restarts, blocks;
    uint64_t difficulty;
    uint64_t heights[4];
};

static void see(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct seen *seen = owner;

    (void)at_us, (void)seat, (void)index;
    if (record->kind == TRACE_DIFFICULTY) {
        seen->difficulties++;
        seen->difficulty = record->n[0];
    } else if (record->kind == TRACE_RESTART) {
        seen->restarts++;
    } else if (seen->blocks < 4) {
        seen->heights[seen->blocks++] = record->n[0];
    }
}

/* A published difficulty is read by each node after its own delay; two in a row leave everybody with the later one. */
START_TEST(testbed_publishes_difficulties)
{
    struct testbed_config config = small_testbed_config(20);
    struct seen seen = {0};
    struct trace_sink sink = {&seen, TRACE_BIT(TRACE_DIFFICULTY), see};
    struct testbed *testbed = testbed_new(&config);

    world_add_sink(testbed_world(testbed), &sink);
    testbed_run_until(testbed, SECOND_US);
    testbed_set_difficulty(testbed, 10);
    testbed_run_until(testbed, 300 * SECOND_US);
    ck_assert_uint_gt(seen.difficulties, 0);
    ck_assert_uint_lt(seen.difficulties, 20);
    testbed_set_difficulty(testbed, 3);
    testbed_run_until(testbed, 901 * SECOND_US);
    ck_assert_uint_eq(seen.difficulty, 3);
    ck_assert_uint_ge(seen.difficulties, 20);
    seen = (struct seen){0};
    for (uint32_t i = 0; i < 300; i++) { /* more than a node keeps */
        testbed_set_difficulty(testbed, 5 + i);
        testbed_run_for(testbed, 2000);
    }
    testbed_run_for(testbed, 601 * SECOND_US);
    ck_assert_uint_eq(seen.difficulty, 304);
    testbed_free(testbed);
}
END_TEST

/* The trace tells of restarts, and of blocks that change something. */
START_TEST(testbed_traces_blocks_and_restarts)
{
    struct testbed_config config = small_testbed_config(20);
    struct seen seen = {0};
    struct trace_sink sink = {&seen, TRACE_BIT(TRACE_BLOCK) | TRACE_BIT(TRACE_RESTART), see};
    struct testbed *testbed = testbed_new(&config);

    world_add_sink(testbed_world(testbed), &sink);
    testbed_run_until(testbed, 200 * SECOND_US);
    seen = (struct seen){0};
    testbed_kill(testbed, 1);
    testbed_restart(testbed, 1);
    testbed_register(testbed);
    testbed_run_until(testbed, 400 * SECOND_US);
    ck_assert_uint_eq(seen.restarts, 1);
    ck_assert_uint_eq(seen.blocks, 1);
    ck_assert_uint_eq(seen.heights[0], 3);
    testbed_free(testbed);
}
END_TEST

static int compare_log_records(const void *a, const void *b)
{
    const struct disk_log_record *left = a, *right = b;

    if (left->disk != right->disk)
        return left->disk < right->disk ? -1 : 1;
    return bytes_compare(left->key, right->key);
}

/* What has become durable since, as what disks begin with: nothing was written twice. */
static void keep_log(struct world *world, struct buf *log, struct kept_records *kept)
{
    struct disk_log_record records[64];
    struct bytes rest;
    size_t count = 0;

    world_take_disk_log(world, log);
    rest = buf_bytes(log);
    while (count < ARRAY_LEN(records) && disk_log_next(&rest, &records[count]))
        count++;
    qsort(records, count, sizeof(records[0]), compare_log_records);
    for (size_t i = 0; i < count; i++)
        ck_assert(kept_records_add(kept, &records[i]));
}

/* The disks of all nodes outlive the testbed, and of one that registers later, too. */
START_TEST(testbed_goes_on_with_kept_disks)
{
    struct testbed_config config = small_testbed_config(30);
    struct kept_records kept;
    struct disk_source source;
    struct disk_log_record record;
    struct bytes rest;
    struct testbed *testbed;
    struct account_id account;
    uint32_t alice, bob, swarm[64], holders[64], last;
    uint8_t hash[64];
    struct buf log;
    size_t count;

    kept_records_init(&kept);
    buf_init(&log, SIZE_MAX);
    source = kept_records_source(&kept);
    source.logged = true;
    config.disks = &source;
    testbed = testbed_new(&config);
    alice = testbed_add_client(testbed, "Alice");
    bob = testbed_add_client(testbed, "Bob");
    account = *client_account(testbed_client(testbed, bob));
    world_enter(testbed_world(testbed), testbed_client_seat(testbed, alice), testbed_befriend, &account);
    testbed_run_for(testbed, 60 * SECOND_US);
    memcpy(hash, client_sent(testbed_client(testbed, alice), 1)->hash, sizeof(hash));
    count = testbed_swarm_nodes(testbed, &account, swarm, 64);
    keep_log(testbed_world(testbed), &log, &kept);
    ck_assert_uint_eq(kept.range_count, count);
    testbed_free(testbed);

    source.logged = false;
    testbed = testbed_new(&config);
    ck_assert_uint_eq(testbed_holders(testbed, hash, holders, 64), count);
    buf_clear(&log);
    testbed_run_for(testbed, SECOND_US);
    world_take_disk_log(testbed_world(testbed), &log);
    ck_assert_uint_eq(log.len, 0);

    /* A record is undone: its node dies, and starts again without. */
    rest = bytes_slice(buf_bytes(&kept.log), kept.ranges[0].from, kept.ranges[0].len);
    ck_assert(disk_log_next(&rest, &record));
    record.value = BYTES_NONE;
    ck_assert_int_eq(testbed_undo(testbed, &record, &last), OK);
    ck_assert_ptr_null(testbed_node(testbed, last));
    testbed_restart(testbed, last);
    ck_assert_uint_eq(testbed_holders(testbed, hash, holders, 64), count - 1);
    record.disk = 0;
    ck_assert_int_eq(testbed_undo(testbed, &record, &last), ERR_NOT_FOUND);
    testbed_free(testbed);

    testbed = testbed_new(&config);
    ck_assert_uint_eq(testbed_holders(testbed, hash, holders, 64), count);
    testbed_free(testbed);
    last = holders[count - 1]; /* comes later this time */
    config.nodes = last;
    testbed = testbed_new(&config);
    ck_assert_uint_eq(testbed_holders(testbed, hash, holders, 64), count - 1);
    ck_assert_uint_eq(testbed_register(testbed), last);
    ck_assert_uint_eq(testbed_holders(testbed, hash, holders, 64), count);
    testbed_free(testbed);
    kept_records_fini(&kept);
    buf_fini(&log);
}
END_TEST

static uint64_t digest_of_a_run(uint64_t seed, unsigned threads)
{
    struct testbed_config config = small_testbed_config(40);
    struct testbed *testbed;
    struct account_id accounts[10];
    uint64_t digest;

    config.world.seed = seed;
    config.world.threads = threads;
    testbed = testbed_new(&config);
    for (uint32_t i = 0; i < 10; i++) {
        testbed_add_client(testbed, "user");
        accounts[i] = *client_account(testbed_client(testbed, i));
    }
    for (uint32_t i = 0; i < 10; i++)
        world_enter(testbed_world(testbed), testbed_client_seat(testbed, i), testbed_befriend, &accounts[(i + 1) % 10]);
    testbed_run_for(testbed, 5 * SECOND_US);
    testbed_kill(testbed, 3);
    testbed_register(testbed);
    testbed_run_for(testbed, 200 * SECOND_US);
    testbed_restart(testbed, 3);
    testbed_run_for(testbed, 10 * SECOND_US);
    digest = world_digest(testbed_world(testbed));
    testbed_free(testbed);
    return digest;
}

/* The same seed gives the same run, on one thread and on three. */
START_TEST(testbed_runs_repeat)
{
    uint64_t digest = digest_of_a_run(5, 1);

    ck_assert_uint_eq(digest_of_a_run(5, 1), digest);
    ck_assert_uint_eq(digest_of_a_run(5, 3), digest);
    ck_assert_uint_ne(digest_of_a_run(6, 1), digest);
}
END_TEST

/* Real membership: swarms as published, nodes of a host at one address, the same node under the same keys in every
 * snapshot; from there the chain goes on by its own rules. */
START_TEST(testbed_copies_a_snapshot)
{
    struct testbed_config config = small_testbed_config(0);
    struct snapshots *snapshots;
    const struct chain_snapshot *first, *last;
    struct testbed *testbed, *later;
    struct buf why;
    uint32_t late, common = 0, swarms;

    buf_init(&why, 4096);
    ck_assert_int_eq(snapshots_load(NULL, &snapshots, &why), OK);
    first = snapshots_get(snapshots, 0);
    last = snapshots_get(snapshots, snapshots_count(snapshots) - 1);
    config.snapshot = first;
    testbed = testbed_new(&config);
    config.snapshot = last;
    later = testbed_new(&config);
    ck_assert_uint_eq(chain_height(testbed_chain(testbed)), first->height);
    ck_assert_uint_eq(chain_membership(testbed_chain(testbed))->swarm_count, 265);
    ck_assert_uint_eq(count_informed(testbed), first->node_count);
    for (uint32_t i = 0, j = 0; i < first->node_count; i++) {
        uint32_t seat = testbed_node_seat(testbed, i);
        ck_assert_uint_eq(snode_swarm_id(testbed_node(testbed, i)), first->swarm_id[i]);
        ck_assert_uint_eq(world_address(testbed_world(testbed), seat).ip,
                          0x7f010107 + first->host[i] / 250 * 0x10000 + first->host[i] % 250 * 0x100);
        while (j < last->node_count && last->node[j] < first->node[i])
            j++;
        if (j == last->node_count || last->node[j] != first->node[i])
            continue;
        ck_assert_mem_eq(testbed_node_keys(testbed, i), testbed_node_keys(later, j), sizeof(struct snode_keys));
        common++;
    }
    ck_assert_uint_gt(common, 1000);

    swarms = chain_membership(testbed_chain(later))->swarm_count;
    late = testbed_register(later);
    ck_assert_uint_eq(late, last->node_count);
    testbed_block(later);
    testbed_run_for(later, 4 * SECOND_US);
    ck_assert_uint_eq(chain_height(testbed_chain(later)), last->height + 1);
    ck_assert_uint_ne(snode_swarm_id(testbed_node(later, late)), SWARM_NONE);
    ck_assert_uint_eq(chain_membership(testbed_chain(later))->swarm_count, swarms);
    testbed_free(testbed);
    testbed_free(later);
    snapshots_free(snapshots);
    buf_fini(&why);
}
END_TEST

TEST_MAIN("testbed", testbed_starts_ready, testbed_gives_nodes_their_addresses_and_keys,
          testbed_keys_depend_on_seed_and_number, testbed_tells_nodes_of_a_block_each_after_its_delay,
          testbed_blocks_without_a_change_wake_nobody, testbed_makes_blocks_on_demand,
          testbed_takes_nodes_off_the_chain, testbed_kills_and_restarts, testbed_never_goes_back_to_an_older_block,
          testbed_publishes_difficulties, testbed_traces_blocks_and_restarts, testbed_goes_on_with_kept_disks,
          testbed_runs_repeat, testbed_copies_a_snapshot)
