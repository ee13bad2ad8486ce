#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/swarm_cache.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;
static struct account_id account;

static struct rpc_snode snode(uint32_t n)
{
    return (struct rpc_snode){net.entries[n].address, net.entries[n].x25519, net.entries[n].ed25519};
}

static size_t put(const struct account_id *of, uint32_t first, uint32_t count)
{
    struct rpc_snode nodes[FAKE_NODES_MAX];
    for (uint32_t i = 0; i < count; i++)
        nodes[i] = snode(first + i);
    return swarm_cache_put(client, of, nodes, count, CAUSE_LOOKUP);
}

static struct account_id account_of(uint32_t number)
{
    struct account_id id = {.bytes = {ACCOUNT_PREFIX}};
    store_le32(id.bytes + 1, number);
    return id;
}

static void start(void)
{
    fake_swarm_init(&net, 20, 2); /* even nodes in one swarm, odd ones in the other */
    client = fake_swarm_client(&net, 1);
    account = account_of(1);
}

static void stop(void)
{
    client_free(client);
    fake_swarm_fini(&net);
}

static uint32_t cached(void)
{
    uint32_t count;
    (void)swarm_cache_peek(client, &account, &count);
    return count;
}

static bool has(uint32_t n)
{
    uint32_t count;
    const struct rpc_snode *nodes = swarm_cache_peek(client, &account, &count);
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&nodes[i].ed25519, &net.entries[n].ed25519, 32) == 0)
            return true;
    return false;
}

static struct bytes answer_with(struct buf *buf, bool even)
{
    buf_init(buf, LIMIT_BODY_BYTES);
    rpc_snodes_encode(buf, &net.membership, &net.swarms[even ? 0 : 1]);
    return buf_bytes(buf);
}

/* A list is kept until it is replaced; one without nodes changes nothing. Repeated nodes count once. */
START_TEST(lists_are_kept_and_replaced)
{
    start();
    ck_assert_uint_eq(cached(), 0);
    ck_assert_uint_eq(put(&account, 0, 5), 5);
    ck_assert_uint_eq(cached(), 5);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_LEARNED)->n[0], 5);
    ck_assert_uint_eq(put(&account, 0, 0), 0);
    ck_assert_uint_eq(cached(), 5);
    struct rpc_snode twice[3] = {snode(7), snode(8), snode(7)};
    ck_assert_uint_eq(swarm_cache_put(client, &account, twice, 3, CAUSE_LOOKUP), 2);
    ck_assert_uint_eq(cached(), 2);
    ck_assert(has(7) && has(8) && !has(0));
    stop();
}
END_TEST

/* A node that does not answer leaves one list; a node that is gone leaves all. The last node takes its list along. */
START_TEST(nodes_are_removed)
{
    struct account_id other = account_of(2);
    uint32_t count;
    start();
    put(&account, 0, 2);
    put(&other, 0, 2);
    swarm_cache_remove(client, &account, &net.entries[0].ed25519, CAUSE_UNREACHABLE);
    ck_assert(!has(0) && has(1));
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_DROPPED)->n[0], 1);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_DROPPED)->n[1], CAUSE_UNREACHABLE);
    (void)swarm_cache_peek(client, &other, &count);
    ck_assert_uint_eq(count, 2);
    swarm_cache_remove(client, &account, &net.entries[5].ed25519, CAUSE_UNREACHABLE); /* not there: nothing */
    swarm_cache_forget(client, &net.entries[1].ed25519, CAUSE_NOT_FOUND);
    ck_assert_uint_eq(cached(), 0);
    (void)swarm_cache_peek(client, &other, &count);
    ck_assert_uint_eq(count, 1);
    swarm_cache_forget(client, &net.entries[0].ed25519, CAUSE_NOT_FOUND);
    ck_assert_ptr_null(client->swarms);
    swarm_cache_forget(client, &net.entries[0].ed25519, CAUSE_NOT_FOUND);
    stop();
}
END_TEST

/* 421 with another list replaces ours. */
START_TEST(wrong_swarm_replaces)
{
    struct buf buf;
    start();
    put(&account, 0, 3);
    ck_assert_int_eq(swarm_cache_wrong(client, &account, &net.entries[0].ed25519, answer_with(&buf, false)),
                     SWARM_REPLACED);
    buf_fini(&buf);
    ck_assert_uint_eq(cached(), 10);
    ck_assert(has(1) && has(19) && !has(0));
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_LEARNED)->n[1], CAUSE_WRONG_SWARM);
    stop();
}
END_TEST

/* The second old node that says so changes nothing: the list is the new one already. */
START_TEST(second_wrong_swarm_is_known)
{
    struct buf buf;
    start();
    put(&account, 0, 3);
    (void)swarm_cache_wrong(client, &account, &net.entries[0].ed25519, answer_with(&buf, false));
    ck_assert_int_eq(swarm_cache_wrong(client, &account, &net.entries[2].ed25519, buf_bytes(&buf)), SWARM_KNOWN);
    buf_fini(&buf);
    ck_assert_uint_eq(cached(), 10);
    stop();
}
END_TEST

/* 421 that is empty, broken, or what we had: the answering node goes, the others stay. */
START_TEST(useless_wrong_swarm_is_doubted)
{
    struct buf buf;
    start();
    put(&account, 0, 4);
    ck_assert_int_eq(swarm_cache_wrong(client, &account, &net.entries[0].ed25519, BYTES_LIT("{\"snodes\":[]}")),
                     SWARM_DOUBTED);
    ck_assert_int_eq(swarm_cache_wrong(client, &account, &net.entries[1].ed25519, BYTES_LIT("no list")), SWARM_DOUBTED);
    ck_assert(!has(0) && !has(1) && has(2) && has(3));

    struct rpc_snode even[10];
    for (uint32_t i = 0; i < 10; i++)
        even[i] = snode(2 * (9 - i)); /* the same nodes in another order */
    swarm_cache_put(client, &account, even, 10, CAUSE_LOOKUP);
    ck_assert_int_eq(swarm_cache_wrong(client, &account, &net.entries[4].ed25519, answer_with(&buf, true)),
                     SWARM_DOUBTED);
    buf_fini(&buf);
    ck_assert_uint_eq(cached(), 9);
    ck_assert(!has(4));
    stop();
}
END_TEST

/* The least recently used account goes when there are too many; asking for one is a use, looking is not. */
START_TEST(cache_is_bounded)
{
    uint32_t count;
    start();
    for (uint32_t i = 1; i <= LIMIT_CONTACT_SWARMS; i++) {
        struct account_id id = account_of(i);
        put(&id, 0, 1);
    }
    struct account_id first = account_of(1), second = account_of(2), third = account_of(3), more = account_of(0);
    (void)swarm_cache_get(client, &first, &count);
    (void)swarm_cache_peek(client, &second, &count);
    ck_assert_uint_eq(count, 1);
    put(&more, 0, 1);
    (void)swarm_cache_peek(client, &first, &count);
    ck_assert_uint_eq(count, 1);
    (void)swarm_cache_peek(client, &second, &count);
    ck_assert_uint_eq(count, 0);
    (void)swarm_cache_peek(client, &third, &count);
    ck_assert_uint_eq(count, 1);
    stop();
}
END_TEST

/* A queue gives every node once, in a random order, without the skipped ones. */
START_TEST(queue_shuffles)
{
    struct node_queue queue = {0};
    struct rpc_snode node;
    uint32_t firsts[8] = {0};
    start();
    put(&account, 0, 8);
    struct ed25519_public skip[] = {net.entries[2].ed25519, net.entries[5].ed25519};
    for (int round = 0; round < 300; round++) {
        uint32_t met = 0;
        node_queue_fill(&queue, client, &account, skip, 2);
        while (node_queue_take(&queue, &node)) {
            uint32_t n = fake_swarm_by_key(&net, &node.ed25519);
            ck_assert((met & (1u << n)) == 0);
            if (met == 0)
                firsts[n]++;
            met |= 1u << n;
        }
        ck_assert_uint_eq(met, 0xffu & ~(1u << 2) & ~(1u << 5));
    }
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_ge(firsts[i], i == 2 || i == 5 ? 0 : 25); /* 50 expected */
    node_queue_fini(&queue);
    struct account_id unknown = account_of(77);
    node_queue_fill(&queue, client, &unknown, NULL, 0);
    ck_assert(!node_queue_take(&queue, &node));
    stop();
}
END_TEST

TEST_MAIN("swarm_cache", lists_are_kept_and_replaced, nodes_are_removed, wrong_swarm_replaces,
          second_wrong_swarm_is_known, useless_wrong_swarm_is_doubted, cache_is_bounded, queue_shuffles)
