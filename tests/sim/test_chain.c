#include "sim/chain.h"

#include <string.h>

#include "tests/support/check_main.h"

static struct rng_key rng_key(uint64_t seed)
{
    struct rng_key key;

    rng_key_from_seed(&key, seed);
    return key;
}

static struct chain_node node_of(uint32_t number)
{
    struct chain_node node = {.address = {0x7f010107, (uint16_t)(22021 + number)}, .host = number / 2};

    store_be32(node.ed25519.bytes + 28, number);
    store_be32(node.x25519.bytes + 28, number + 1000);
    store_be32(node.legacy + 28, number + 2000);
    return node;
}

static void enlist(struct chain *chain, uint32_t number)
{
    struct chain_node node = node_of(number);

    ck_assert_int_eq(chain_register(chain, &node), OK);
}

static const struct snode_entry *entry_of(const struct membership *membership, uint32_t number)
{
    struct chain_node node = node_of(number);

    return snode_by_key(membership, &node.ed25519);
}

/* What every membership promises: nodes by key, swarms by id, members by swarm and key, each assigned node once. */
static void check_membership(const struct membership *membership)
{
    uint32_t members = 0, assigned = 0;

    for (uint32_t i = 0; i < membership->node_count; i++) {
        assigned += membership->nodes[i].swarm_id != SWARM_NONE;
        if (i > 0)
            ck_assert_int_lt(memcmp(&membership->nodes[i - 1].ed25519, &membership->nodes[i].ed25519, 32), 0);
    }
    for (uint32_t i = 0; i < membership->swarm_count; i++) {
        const struct swarm_entry *swarm = &membership->swarms[i];
        ck_assert_uint_eq(swarm->first, members);
        ck_assert_uint_gt(swarm->count, 0);
        ck_assert_uint_ne(swarm->id, SWARM_NONE);
        if (i > 0)
            ck_assert_uint_lt(swarm[-1].id, swarm->id);
        for (uint32_t j = 0; j < swarm->count; j++) {
            uint32_t at = membership->members[swarm->first + j];
            ck_assert_uint_eq(membership->nodes[at].swarm_id, swarm->id);
            if (j > 0)
                ck_assert_uint_lt(membership->members[swarm->first + j - 1], at);
        }
        members += swarm->count;
    }
    ck_assert_uint_eq(members, assigned);
}

/* Nothing is published before the first block, and the first one publishes even an empty network. */
START_TEST(chain_begins_empty)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 100, false);
    const struct membership *first;

    ck_assert_ptr_null(chain_membership(chain));
    ck_assert_uint_eq(chain_height(chain), 100);
    first = chain_block(chain);
    ck_assert_ptr_nonnull(first);
    ck_assert_uint_eq(first->height, 101);
    ck_assert_uint_eq(first->node_count, 0);
    ck_assert_uint_eq(first->swarm_count, 0);
    ck_assert_ptr_null(chain_block(chain));
    ck_assert_uint_eq(chain_height(chain), 102);
    ck_assert_ptr_eq(chain_membership(chain), first);
    chain_free(chain);
}
END_TEST

/* A registration counts from the next block on; all that was said of the node is in the membership. */
START_TEST(chain_publishes_with_the_next_block)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 0, false);
    const struct membership *membership;
    const struct snode_entry *entry;
    struct chain_node node = node_of(3);

    for (uint32_t i = 5; i > 0; i--)
        enlist(chain, i);
    ck_assert_ptr_null(chain_membership(chain));
    membership = chain_block(chain);
    check_membership(membership);
    ck_assert_uint_eq(membership->node_count, 5);
    ck_assert_uint_eq(membership->swarm_count, 1);
    entry = entry_of(membership, 3);
    ck_assert_mem_eq(&entry->x25519, &node.x25519, 32);
    ck_assert_mem_eq(entry->legacy, node.legacy, 32);
    ck_assert(address_equal(entry->address, node.address));
    ck_assert_uint_eq(entry->host, node.host);
    ck_assert_uint_eq(entry->swarm_id, 0);
    ck_assert_uint_eq(entry->unlock_height, 0);
    chain_free(chain);
}
END_TEST

START_TEST(chain_refuses_what_cannot_be)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 0, false);
    struct chain_node one = node_of(1), two = node_of(2);

    enlist(chain, 1);
    ck_assert_int_eq(chain_register(chain, &one), ERR_DUPLICATE); /* also before a block has seen the first */
    ck_assert_int_eq(chain_register_placed(chain, &one, 7), ERR_DUPLICATE);
    ck_assert_int_eq(chain_exit(chain, &two.ed25519), ERR_NOT_FOUND);
    ck_assert_int_eq(chain_decommission(chain, &two.ed25519), ERR_NOT_FOUND);
    ck_assert_int_eq(chain_recommission(chain, &two.ed25519), ERR_NOT_FOUND);
    ck_assert_int_eq(chain_recommission(chain, &one.ed25519), ERR_DUPLICATE);
    ck_assert_int_eq(chain_decommission(chain, &one.ed25519), OK);
    ck_assert_int_eq(chain_decommission(chain, &one.ed25519), ERR_DUPLICATE);
    ck_assert_int_eq(chain_exit(chain, &one.ed25519), OK);
    ck_assert_int_eq(chain_exit(chain, &one.ed25519), ERR_NOT_FOUND);
    chain_free(chain);
}
END_TEST

/* A decommissioned node stays known, in no swarm; back again it is assigned anew. Older memberships do not change. */
START_TEST(chain_keeps_decommissioned_nodes_known)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 0, false);
    struct chain_node three = node_of(3);
    const struct membership *before, *without, *after;

    for (uint32_t i = 1; i <= 8; i++)
        enlist(chain, i);
    before = chain_block(chain);
    ck_assert_int_eq(chain_decommission(chain, &three.ed25519), OK);
    ck_assert_uint_eq(entry_of(chain_membership(chain), 3)->swarm_id, 0);
    without = chain_block(chain);
    check_membership(without);
    ck_assert_uint_eq(without->node_count, 8);
    ck_assert_uint_eq(entry_of(without, 3)->swarm_id, SWARM_NONE);
    ck_assert_uint_eq(without->swarms[0].count, 7);
    ck_assert_int_eq(chain_recommission(chain, &three.ed25519), OK);
    after = chain_block(chain);
    check_membership(after);
    ck_assert_uint_eq(entry_of(after, 3)->swarm_id, 0);
    ck_assert_uint_eq(entry_of(before, 3)->swarm_id, 0);
    ck_assert_uint_eq(before->swarms[0].count, 8);
    chain_free(chain);
}
END_TEST

/* A node that leaves is not listed any more; the swarm it leaves starving is dissolved in the same block. */
START_TEST(chain_runs_the_assignment_for_exits)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 0, false);
    const struct membership *membership = NULL;
    uint32_t gone = 0;

    for (uint32_t i = 1; i <= 14; i++) {
        enlist(chain, i);
        membership = chain_block(chain);
    }
    ck_assert_uint_eq(membership->swarm_count, 2);
    for (uint32_t i = 1; i <= 14 && gone < 5; i++) {
        struct chain_node node = node_of(i);
        if (entry_of(membership, i)->swarm_id != 0)
            continue;
        ck_assert_int_eq(chain_exit(chain, &node.ed25519), OK);
        gone++;
    }
    membership = chain_block(chain);
    check_membership(membership);
    ck_assert_uint_eq(membership->node_count, 9);
    ck_assert_uint_eq(membership->swarm_count, 1);
    ck_assert_uint_eq(membership->swarms[0].count, 9);
    chain_free(chain);
}
END_TEST

/* Placed nodes stay where they were put, even in a swarm that starves: until something happens that the chain answers
 * to. */
START_TEST(chain_places_nodes_as_told)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 2055136, false);
    const struct membership *membership;

    for (uint32_t i = 1; i <= 8; i++) {
        struct chain_node node = node_of(i);
        ck_assert_int_eq(chain_register_placed(chain, &node, i <= 2 ? 1000 : 5000), OK);
    }
    membership = chain_block(chain);
    check_membership(membership);
    ck_assert_uint_eq(membership->swarm_count, 2);
    ck_assert_uint_eq(swarm_by_id(membership, 1000)->count, 2);
    ck_assert_uint_eq(swarm_by_id(membership, 5000)->count, 6);
    enlist(chain, 9);
    membership = chain_block(chain);
    check_membership(membership);
    ck_assert_uint_eq(membership->swarm_count, 1);
    ck_assert_uint_eq(membership->swarms[0].count, 9);
    chain_free(chain);
}
END_TEST

/* Blocks are a function of the key alone: the same again, others with another key. */
START_TEST(chain_repeats_itself)
{
    struct rng_key key = rng_key(1), other_key = rng_key(2);
    struct chain *a = chain_new(&key, 0, false), *b = chain_new(&key, 0, false), *c = chain_new(&other_key, 0, false);
    uint32_t moved = 0;

    for (uint32_t i = 1; i <= 50; i++) {
        const struct membership *in_a, *in_b, *in_c;
        enlist(a, i);
        enlist(b, i);
        enlist(c, i);
        in_a = chain_block(a);
        in_b = chain_block(b);
        in_c = chain_block(c);
        ck_assert_mem_eq(in_a->block_hash, in_b->block_hash, 32);
        ck_assert_mem_ne(in_a->block_hash, in_c->block_hash, 32);
        check_membership(in_a);
        for (uint32_t j = 0; j < i; j++) {
            ck_assert_uint_eq(in_a->nodes[j].swarm_id, in_b->nodes[j].swarm_id);
            moved += in_a->nodes[j].swarm_id != in_c->nodes[j].swarm_id;
        }
    }
    ck_assert_uint_gt(moved, 0);
    ck_assert_uint_eq(chain_membership(a)->swarm_count, 50 / 7);
    chain_free(a);
    chain_free(b);
    chain_free(c);
}
END_TEST

/* Released memberships go, those at or above the height stay, and the newest always does. */
START_TEST(chain_releases_old_memberships)
{
    struct rng_key key = rng_key(1);
    struct chain *chain = chain_new(&key, 0, false);
    const struct membership *at_7 = NULL;

    chain_release(chain, 5);
    for (uint32_t i = 1; i <= 10; i++) {
        enlist(chain, i);
        if (i == 7)
            at_7 = chain_block(chain);
        else
            chain_block(chain);
    }
    chain_release(chain, 7);
    check_membership(at_7);
    ck_assert_uint_eq(at_7->node_count, 7);
    chain_release(chain, 1000);
    check_membership(chain_membership(chain));
    ck_assert_uint_eq(chain_membership(chain)->node_count, 10);
    enlist(chain, 11);
    ck_assert_uint_eq(chain_block(chain)->node_count, 11);
    chain_free(chain);
}
END_TEST

/* The rule of before 2021-04 is the chain's parameter: a single swarm at half of the largest id gets no second one. */
START_TEST(chain_passes_the_old_rule_on)
{
    struct rng_key key = rng_key(1);

    for (int old_rule = 0; old_rule <= 1; old_rule++) {
        struct chain *chain = chain_new(&key, 0, old_rule);
        for (uint32_t i = 1; i <= 14; i++) {
            struct chain_node node = node_of(i);
            ck_assert_int_eq(chain_register_placed(chain, &node, SWARM_ID_MAX / 2), OK);
        }
        enlist(chain, 15);
        ck_assert_uint_eq(chain_block(chain)->swarm_count, old_rule ? 1 : 2);
        chain_free(chain);
    }
}
END_TEST

TEST_MAIN("chain", chain_begins_empty, chain_publishes_with_the_next_block, chain_refuses_what_cannot_be,
          chain_keeps_decommissioned_nodes_known, chain_runs_the_assignment_for_exits, chain_places_nodes_as_told,
          chain_repeats_itself, chain_releases_old_memberships, chain_passes_the_old_rule_on)
