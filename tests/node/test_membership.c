#include "tests/support/check_main.h"

#include <string.h>

#include "common/limits.h"
#include "node/membership.h"
#include "tests/support/fake_env.h"
#include "tests/support/membership_builder.h"

/* Node 1 is under test. Swarms stand at 0, a quarter, half and three quarters of the ring. */
#define OWN     1
#define QUARTER (UINT64_C(1) << 62)
#define Q1      "4000000000000000"
#define Q2      "8000000000000000"
#define Q3      "c000000000000000"

#define NOT_IN_SWARM "Service node is not ready: not in any swarm; \n"

struct world {
    struct fake_env fake;
    struct snode_preset preset;
    struct snode_keys keys;
    struct body_pool pool;
    struct snode_config config;
    struct replicate replicate;
    struct membership_view view;
    struct membership *now;
    uint64_t height;
    /* what this node stores */
    struct stored_body *bodies[16];
    size_t body_count;
    unsigned walks; /* how often it was asked for all of it */
};

static void each_body(void *owner, body_fn each, void *each_owner)
{
    struct world *world = owner;

    world->walks++;
    for (size_t i = 0; i < world->body_count; i++)
        each(each_owner, world->bodies[i]);
}

static void world_init(struct world *world)
{
    *world = (struct world){.preset = {.suite = &crypto_modelled, .flush_ms = LIMIT_FLUSH_MS, .push_retries = true},
                            .height = 100};
    ck_assert_int_eq(crypto_start(), OK);
    fake_env_init(&world->fake, 1);
    node_keys(OWN, &world->keys);
    body_pool_init(&world->pool);
    world->config = (struct snode_config){
        .env = &world->fake.env, .preset = &world->preset, .keys = &world->keys, .bodies = &world->pool};
    replicate_init(&world->replicate, &world->config, &world->view);
    membership_init(&world->view, &world->config, &world->replicate, each_body, world);
}

static void world_fini(struct world *world)
{
    replicate_fini(&world->replicate);
    for (size_t i = 0; i < world->body_count; i++)
        body_drop(world->bodies[i]);
    body_pool_fini(&world->pool);
    membership_build_free(world->now);
    fake_env_fini(&world->fake);
}

/* The next block. The previous membership is freed at once, so that a view that still looks at it is found out. */
static void block(struct world *world, const char *text)
{
    struct membership *next = membership_build(++world->height, text);

    membership_update(&world->view, next);
    membership_build_free(world->now);
    world->now = next;
}

/* A message whose account is at `position` of the ring; its data tells it from others. */
static struct stored_body *hold(struct world *world, uint64_t position, const char *data)
{
    struct account_id account = account_at(position);
    uint8_t hash[64] = {(uint8_t)world->body_count, 0x68};
    uint8_t nonce[8] = {0};

    return world->bodies[world->body_count++] =
               body_pool_get(&world->pool, hash, &account, nonce, 60000, (uint64_t)FAKE_EPOCH_MS, bytes_text(data));
}

/* One message in the middle of each of the four quarters around 0, Q1, Q2, Q3. */
static void hold_four(struct world *world)
{
    hold(world, 1, "a");
    hold(world, QUARTER, "b");
    hold(world, 2 * QUARTER, "c");
    hold(world, 3 * QUARTER, "d");
}

/* The data of all messages that went to a node since `first_call`, one after another; in the fake env's arena. */
static const char *sent_to(struct world *world, size_t first_call, uint32_t node)
{
    const char *text = "";

    for (size_t i = first_call; i < world->fake.call_count; i++) {
        const struct fake_call *call = fake_env_call(&world->fake, i);
        struct bytes rest = fake_call_body(call);
        struct peer_message message;

        if (node_at(call->to) != node)
            continue;
        while (rest.len > 0) {
            ck_assert_int_eq(peer_message_decode(&rest, &message), OK);
            text = arena_printf(&world->fake.arena, "%s%.*s", text, (int)message.data.len,
                                (const char *)message.data.data);
        }
    }
    return text;
}

/* The last trace of a row tells height, new and old swarm. */
static void expect_row(const struct world *world, enum membership_row row, uint64_t swarm, uint64_t previous)
{
    const struct fake_trace *trace = fake_env_last_trace(&world->fake, TRACE_SNODE_SWARM);

    ck_assert_ptr_nonnull(trace);
    ck_assert_uint_eq(trace->n[0], world->height);
    ck_assert_uint_eq(trace->n[1], swarm);
    ck_assert_uint_eq(trace->n[2], previous);
    ck_assert_uint_eq(trace->n[3], row);
}

static size_t rows(const struct world *world)
{
    return fake_env_traces(&world->fake, TRACE_SNODE_SWARM);
}

/* Before the first block a node knows nobody and serves nobody. */
START_TEST(nothing_is_known_at_first)
{
    struct world world;
    struct account_id account = account_at(0);
    struct ed25519_public own = node_key(OWN);

    world_init(&world);
    ck_assert_str_eq(membership_not_ready(&world.view),
                     "Service node is not ready: not in any swarm; not done syncing; \n");
    ck_assert(!membership_serves(&world.view, &account));
    ck_assert_ptr_null(membership_find(&world.view, &own));
    ck_assert_uint_eq(world.view.swarm_id, SWARM_NONE);
    world_fini(&world);
}
END_TEST

/* Row 1: a decommissioned node, or one that is listed no more, is not ready and does nothing; its data stays. */
START_TEST(row_1_in_no_swarm)
{
    struct world world;
    struct account_id account = account_at(0);
    struct ed25519_public own = node_key(OWN);

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 1 2 3");
    ck_assert_ptr_null(membership_not_ready(&world.view));
    block(&world, "0: 2 3; none: 1");
    expect_row(&world, ROW_NO_SWARM, SWARM_NONE, 0);
    ck_assert_str_eq(membership_not_ready(&world.view), NOT_IN_SWARM);
    ck_assert(!membership_serves(&world.view, &account));
    ck_assert_ptr_nonnull(membership_find(&world.view, &own)); /* known, but of no use */
    block(&world, "0: 1 2 3");
    expect_row(&world, ROW_JOINED, 0, SWARM_NONE);
    block(&world, "0: 2 3 4; " Q2 ": 5 6");
    expect_row(&world, ROW_NO_SWARM, SWARM_NONE, 0);
    ck_assert_ptr_null(membership_find(&world.view, &own));
    ck_assert_uint_eq(rows(&world), 4);
    block(&world, "0: 2 3 4 7; " Q1 ": 8; none: 1"); /* still in none: no change */
    ck_assert_uint_eq(rows(&world), 4);
    ck_assert_uint_eq(world.walks, 0);
    ck_assert_uint_eq(world.fake.call_count, 0);
    world_fini(&world);
}
END_TEST

/* Row 2: a node that joins takes its swarm and asks for nothing, whether it is new or was in none for a while. */
START_TEST(row_2_joined)
{
    struct world world;
    struct account_id mine = account_at(2 * QUARTER), other = account_at(1);

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 2 3; " Q2 ": 1 4 5");
    expect_row(&world, ROW_JOINED, 2 * QUARTER, SWARM_NONE);
    ck_assert_uint_eq(world.view.swarm_id, 2 * QUARTER);
    ck_assert_ptr_null(membership_not_ready(&world.view));
    ck_assert(membership_serves(&world.view, &mine));
    ck_assert(!membership_serves(&world.view, &other));
    block(&world, "0: 2 3; " Q2 ": 4 5; none: 1");
    block(&world, "0: 1 2 3 6; " Q1 ": 7; " Q2 ": 4 5");
    expect_row(&world, ROW_JOINED, 0, SWARM_NONE);
    ck_assert_uint_eq(world.walks, 0);
    ck_assert_uint_eq(world.fake.call_count, 0);
    world_fini(&world);
}
END_TEST

/* Row 3: the old swarm is gone. Everything goes to whoever is responsible now, the other members of the own new swarm
 * included. Neither new members nor new swarms play a part. */
START_TEST(row_3_dissolved)
{
    struct world world;

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 2 3; " Q1 ": 1 4; " Q2 ": 5 6");
    block(&world, "0: 1 2 3 4; " Q2 ": 5 6 7; " Q3 ": 8");
    expect_row(&world, ROW_DISSOLVED, 0, QUARTER);
    ck_assert_uint_eq(rows(&world), 2);
    ck_assert_uint_eq(world.walks, 1);
    ck_assert_str_eq(sent_to(&world, 0, 2), "ab"); /* a quarter lies between both: the left one serves it */
    ck_assert_str_eq(sent_to(&world, 0, 3), "ab");
    ck_assert_str_eq(sent_to(&world, 0, 4), "ab");
    ck_assert_str_eq(sent_to(&world, 0, 5), "c");
    ck_assert_str_eq(sent_to(&world, 0, 6), "c");
    ck_assert_str_eq(sent_to(&world, 0, 7), "c");
    ck_assert_str_eq(sent_to(&world, 0, 8), "d");
    ck_assert_str_eq(sent_to(&world, 0, OWN), "");
    ck_assert_uint_eq(world.fake.call_count, 7); /* one batch for each */
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH)->n[3], CAUSE_DISSOLVED);
    world_fini(&world);
}
END_TEST

/* Row 4: the node was moved and its old swarm lives on: nothing is pushed and nothing deleted; it is served no more. */
START_TEST(row_4_moved)
{
    struct world world;
    struct account_id old = account_at(1);

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 1 2 3; " Q2 ": 4 5");
    ck_assert(membership_serves(&world.view, &old));
    block(&world, "0: 2 3; " Q1 ": 6; " Q2 ": 1 4 5 7");
    expect_row(&world, ROW_MOVED, 2 * QUARTER, 0);
    ck_assert_uint_eq(rows(&world), 2);
    ck_assert(!membership_serves(&world.view, &old));
    ck_assert_uint_eq(world.walks, 0);
    ck_assert_uint_eq(world.fake.call_count, 0);
    world_fini(&world);
}
END_TEST

/* Row 5: each new member gets everything, also what was left over from another swarm. Who was there gets nothing. */
START_TEST(row_5_new_members)
{
    struct world world;

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 1 2 3; " Q2 ": 4 5 6");
    block(&world, "0: 1 2 6 7; " Q2 ": 4 5"); /* 3 left, 7 is new, 6 comes from the other swarm */
    expect_row(&world, ROW_NEW_MEMBER, 0, 0);
    ck_assert_uint_eq(rows(&world), 2);
    ck_assert_uint_eq(world.walks, 1);
    ck_assert_uint_eq(world.fake.call_count, 2);
    ck_assert_str_eq(sent_to(&world, 0, 6), "abcd");
    ck_assert_str_eq(sent_to(&world, 0, 7), "abcd");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH)->n[3], CAUSE_NEW_MEMBER);
    world_fini(&world);
}
END_TEST

/* Row 5 with the filter: a new member gets what the swarm owns now. */
START_TEST(row_5_filtered)
{
    struct world world;

    world_init(&world);
    world.preset.bootstrap_only_owned = true;
    hold_four(&world);
    block(&world, "0: 1 2; " Q1 ": 3; " Q2 ": 4; " Q3 ": 5");
    block(&world, "0: 1 2 6; " Q1 ": 3; " Q2 ": 4; " Q3 ": 5");
    ck_assert_uint_eq(world.fake.call_count, 1);
    ck_assert_str_eq(sent_to(&world, 0, 6), "a");
    world_fini(&world);
}
END_TEST

/* Row 6: each new swarm gets what is its own now, at every member; existing ones get nothing, and a new swarm for which
 * there is nothing hears nothing. */
START_TEST(row_6_new_swarms)
{
    struct world world;

    world_init(&world);
    hold_four(&world);
    hold(&world, QUARTER + 1, "e");
    block(&world, "0: 1 2 3; " Q2 ": 4 5");
    block(&world, "0: 1 2 3; " Q1 ": 6 7; " Q2 ": 4 5; " Q3 ": 8; e000000000000000: 9");
    expect_row(&world, ROW_NEW_SWARM, 0, 0);
    ck_assert_uint_eq(rows(&world), 2);
    ck_assert_uint_eq(world.walks, 1);
    ck_assert_uint_eq(world.fake.call_count, 3);
    ck_assert_str_eq(sent_to(&world, 0, 6), "be");
    ck_assert_str_eq(sent_to(&world, 0, 7), "be");
    ck_assert_str_eq(sent_to(&world, 0, 8), "d");
    ck_assert_uint_eq(fake_env_last_trace(&world.fake, TRACE_PUSH)->n[3], CAUSE_NEW_SWARM);
    world_fini(&world);
}
END_TEST

/* Rows 5 and 6 may come in one block: both are done, in this order. */
START_TEST(rows_5_and_6_together)
{
    struct world world;

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 1 2; " Q2 ": 4 5");
    block(&world, "0: 1 2 3; " Q2 ": 4; " Q3 ": 5");
    ck_assert_uint_eq(rows(&world), 3);
    ck_assert_uint_eq(world.fake.traces[world.fake.trace_count - 1].kind, TRACE_PUSH);
    ck_assert_uint_eq(world.fake.call_count, 2);
    ck_assert_uint_eq(node_at(fake_env_call(&world.fake, 0)->to), 3);
    ck_assert_str_eq(sent_to(&world, 0, 3), "abcd");
    ck_assert_uint_eq(node_at(fake_env_call(&world.fake, 1)->to), 5);
    ck_assert_str_eq(sent_to(&world, 0, 5), "d");
    world_fini(&world);
}
END_TEST

/* A member that vanished, another swarm's change, a swarm that is gone, or nothing at all: no trace, no push, no walk.
 */
START_TEST(other_changes_cause_nothing)
{
    struct world world;

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 1 2 3; " Q1 ": 4 5; " Q2 ": 6 7");
    block(&world, "0: 1 2 3; " Q1 ": 4 5; " Q2 ": 6 7");
    block(&world, "0: 1 3; " Q1 ": 4 5; " Q2 ": 6 7");
    block(&world, "0: 1 3; " Q1 ": 4 5 8; " Q2 ": 6 7; none: 2");
    block(&world, "0: 1 3; " Q1 ": 4 5 8 6 7");
    block(&world, "0: 1");
    ck_assert_uint_eq(rows(&world), 1);
    ck_assert_uint_eq(world.walks, 0);
    ck_assert_uint_eq(world.fake.call_count, 0);
    world_fini(&world);
}
END_TEST

/* What waits in the relay buffer when the node leaves its swarm still reaches the members of that swarm. */
START_TEST(buffer_goes_to_the_swarm_that_is_left)
{
    struct world world;

    world_init(&world);
    block(&world, "0: 1 2 3; " Q2 ": 4 5");
    replicate_message(&world.replicate, hold(&world, 1, "a"));
    block(&world, "0: 2 3; " Q2 ": 1 4 5");
    ck_assert_uint_eq(world.fake.call_count, 2);
    ck_assert_uint_eq(fake_env_timers(&world.fake), 0);
    ck_assert_str_eq(sent_to(&world, 0, 2), "a");
    ck_assert_str_eq(sent_to(&world, 0, 3), "a");
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world.fake.call_count, 2);
    replicate_message(&world.replicate, hold(&world, 2 * QUARTER, "b"));
    block(&world, "0: 2 3; " Q2 ": 4 5; none: 1");
    ck_assert_str_eq(sent_to(&world, 2, 4), "b");
    ck_assert_str_eq(sent_to(&world, 2, 5), "b");
    world_fini(&world);
}
END_TEST

/* In the swarm that stays, the buffer waits for its time, and goes to those who are members then. */
START_TEST(buffer_waits_if_the_swarm_stays)
{
    struct world world;

    world_init(&world);
    block(&world, "0: 1 2 3");
    replicate_message(&world.replicate, hold(&world, 1, "a"));
    block(&world, "0: 1 2");
    ck_assert_uint_eq(world.fake.call_count, 0);
    fake_env_advance_ms(&world.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(world.fake.call_count, 1);
    ck_assert_str_eq(sent_to(&world, 0, 2), "a");
    world_fini(&world);
}
END_TEST

/* A bootstrap that fails is repeated like any other push. */
START_TEST(failed_bootstrap_is_repeated)
{
    struct world world;

    world_init(&world);
    hold_four(&world);
    block(&world, "0: 1 2");
    block(&world, "0: 1 2 3");
    fake_env_fail(&world.fake, 0, NET_REFUSED);
    fake_env_advance_ms(&world.fake, 1000);
    ck_assert_uint_eq(world.fake.call_count, 2);
    ck_assert_str_eq(sent_to(&world, 1, 3), "abcd");
    fake_env_answer(&world.fake, 1, 200, BYTES_NONE);
    fake_env_check(&world.fake);
    world_fini(&world);
}
END_TEST

TEST_MAIN("membership", nothing_is_known_at_first, row_1_in_no_swarm, row_2_joined, row_3_dissolved, row_4_moved,
          row_5_new_members, row_5_filtered, row_6_new_swarms, rows_5_and_6_together, other_changes_cause_nothing,
          buffer_goes_to_the_swarm_that_is_left, buffer_waits_if_the_swarm_stays, failed_bootstrap_is_repeated)
