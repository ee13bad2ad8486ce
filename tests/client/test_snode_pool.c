#include "tests/support/check_main.h"

#include "client/snode_pool.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct snode_pool pool;

static void start(uint32_t node_count)
{
    struct snode_list *list;
    struct buf buf;
    fake_swarm_init(&net, node_count, 1);
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_node_list_encode(&buf, &net.membership);
    struct blob *text = blob_from_buf(&buf);
    buf_fini(&buf);
    ck_assert_int_eq(snode_list_get(&net.lists, text, &list), OK);
    blob_drop(text);
    pool = (struct snode_pool){0};
    snode_pool_replace(&pool, list);
}

static void stop(void)
{
    snode_pool_fini(&pool);
    fake_swarm_fini(&net);
}

/* Before the first list there is nothing to find or draw. */
START_TEST(empty_pool_has_nothing)
{
    fake_swarm_init(&net, 3, 1);
    pool = (struct snode_pool){0};
    ck_assert_uint_eq(snode_pool_usable(&pool), 0);
    ck_assert_uint_eq(snode_pool_find(&pool, &net.entries[0].ed25519), NODE_NONE);
    ck_assert_uint_eq(snode_pool_draw(&pool, &net.fake.env, NULL, 0), NODE_NONE);
    stop();
}
END_TEST

/* The threshold-th failure drops a node, and not the one before; the next does not drop it again. */
START_TEST(failures_drop_at_the_threshold)
{
    uint32_t failures;
    start(10);
    ck_assert(!snode_pool_fail(&pool, 4, 3, &failures));
    ck_assert(!snode_pool_fail(&pool, 4, 3, &failures));
    ck_assert_uint_eq(failures, 2);
    ck_assert_uint_eq(snode_pool_usable(&pool), 10);
    ck_assert_uint_eq(snode_pool_find(&pool, &net.entries[4].ed25519), 4);
    ck_assert(snode_pool_fail(&pool, 4, 3, &failures));
    ck_assert_uint_eq(failures, 3);
    ck_assert_uint_eq(snode_pool_usable(&pool), 9);
    ck_assert_uint_eq(snode_pool_find(&pool, &net.entries[4].ed25519), NODE_NONE);
    ck_assert(snode_pool_is_dropped(&pool, 4));
    ck_assert(!snode_pool_is_dropped(&pool, 5));
    ck_assert(!snode_pool_fail(&pool, 4, 3, &failures));
    ck_assert(!snode_pool_drop(&pool, 4));
    ck_assert(snode_pool_drop(&pool, 2));
    ck_assert(snode_pool_fail(&pool, 9, 1, &failures));
    ck_assert_uint_eq(snode_pool_usable(&pool), 7);
    stop();
}
END_TEST

/* A draw meets every node that is left, and none that is dropped or skipped. */
START_TEST(draws_are_from_what_is_left)
{
    uint32_t seen[10] = {0}, skip[] = {7, 0, 7, 3};
    start(10);
    (void)snode_pool_drop(&pool, 3);
    (void)snode_pool_drop(&pool, 9);
    for (int i = 0; i < 600; i++)
        seen[snode_pool_draw(&pool, &net.fake.env, skip, 4)]++;
    for (uint32_t i = 0; i < 10; i++) {
        bool left = i != 3 && i != 9 && i != 7 && i != 0;
        ck_assert_uint_ge(seen[i], left ? 50 : 0); /* 100 expected of each of six */
        ck_assert_uint_le(seen[i], left ? 150 : 0);
    }
    stop();
}
END_TEST

/* The last one is drawn; after it there is none. */
START_TEST(draws_run_dry)
{
    uint32_t skip[] = {0, 1, 2};
    start(4);
    ck_assert_uint_eq(snode_pool_draw(&pool, &net.fake.env, skip, 3), 3);
    (void)snode_pool_drop(&pool, 3);
    ck_assert_uint_eq(snode_pool_draw(&pool, &net.fake.env, skip, 3), NODE_NONE);
    stop();
}
END_TEST

/* A new list starts all counters anew, and is another generation. */
START_TEST(new_list_forgives)
{
    uint32_t failures;
    start(10);
    uint32_t generation = pool.generation;
    (void)snode_pool_drop(&pool, 3);
    (void)snode_pool_fail(&pool, 4, 3, &failures);
    snode_pool_replace(&pool, snode_list_keep(pool.list));
    ck_assert_uint_eq(snode_pool_usable(&pool), 10);
    ck_assert_uint_ne(pool.generation, generation);
    (void)snode_pool_fail(&pool, 4, 3, &failures);
    ck_assert_uint_eq(failures, 1);
    stop();
}
END_TEST

TEST_MAIN("snode_pool", empty_pool_has_nothing, failures_drop_at_the_threshold, draws_are_from_what_is_left,
          draws_run_dry, new_list_forgives)
