#include "tests/support/check_main.h"

#include "client/client_state.h"
#include "client/swarm_cache.h"
#include "client/swarm_lookup.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;
static struct swarm_lookup lookup;
static int done_count;

static void on_done(struct swarm_lookup *l)
{
    (void)l;
    done_count++;
}

static void start(uint32_t node_count)
{
    fake_swarm_init(&net, node_count, 1);
    client = fake_swarm_client(&net, 1);
    lookup = (struct swarm_lookup){.account = {.bytes = {ACCOUNT_PREFIX, 1, 2, 3}}, .done = on_done};
    done_count = 0;
}

static void stop(void)
{
    client_free(client);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

static void force_all(uint16_t status, const char *body)
{
    for (uint32_t i = 0; i < net.membership.node_count; i++) {
        net.nodes[i].forced_method = "get_snodes_for_pubkey";
        net.nodes[i].forced_times = UINT32_MAX;
        net.nodes[i].forced_status = status;
        net.nodes[i].forced_body = body;
    }
}

/* Requests that went through a path, of all that were logged. */
static size_t onions(void)
{
    size_t count = 0;
    for (size_t i = 0; i < net.log_count; i++)
        count += net.log[i].path[0] != UINT32_MAX;
    return count;
}

/* One random node is asked, by an onion, and believed. */
START_TEST(one_node_is_asked)
{
    uint32_t count;
    start(20);
    swarm_lookup_start(&lookup, client);
    ck_assert_int_eq(done_count, 0);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(lookup.err, OK);
    ck_assert_uint_eq(onions(), 1);
    (void)swarm_cache_peek(client, &lookup.account, &count);
    ck_assert_uint_eq(count, 20);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_SWARM_LEARNED)->n[1], CAUSE_LOOKUP);
    stop();
}
END_TEST

/* Whatever goes wrong at a node, another one is asked; five at most, each another. */
START_TEST(others_are_asked)
{
    const struct {
        uint16_t status;
        const char *body;
        enum err err;
    } cases[] = {{200, "{\"snodes\":[]}", ERR_NOT_FOUND},
                 {200, "no JSON", ERR_NOT_FOUND},
                 {400, "no method", ERR_NOT_FOUND},
                 {503, "not ready", ERR_NOT_FOUND}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(20);
        swarm_lookup_start(&lookup, client);
        fake_env_run(&net.fake);
        fake_swarm_run(&net); /* paths, and a good answer */
        ck_assert_int_eq(lookup.err, OK);
        swarm_cache_free(client);
        force_all(cases[i].status, cases[i].body);
        size_t before = net.log_count;
        swarm_lookup_start(&lookup, client);
        fake_swarm_run(&net);
        ck_assert_int_eq(done_count, 2);
        ck_assert_int_eq(lookup.err, cases[i].err);
        ck_assert_uint_eq(net.log_count - before, LIMIT_LOOKUP_TRIES);
        for (size_t a = before; a < net.log_count; a++)
            for (size_t b = before; b < a; b++)
                ck_assert_uint_ne(net.log[a].target, net.log[b].target);
        stop();
    }
}
END_TEST

/* The fifth may still answer. */
START_TEST(last_node_may_answer)
{
    start(20);
    swarm_lookup_start(&lookup, client);
    fake_swarm_run(&net);
    force_all(500, "");
    swarm_lookup_start(&lookup, client);
    for (int i = 0; i < 4; i++) {
        size_t open = fake_env_open_call(&net.fake, 0);
        ck_assert_uint_ne(open, SIZE_MAX);
        fake_env_answer(&net.fake, open, 504, BYTES_LIT("Request time out"));
    }
    force_all(200, NULL);
    for (uint32_t i = 0; i < 20; i++)
        net.nodes[i].forced_times = 0;
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 2);
    ck_assert_int_eq(lookup.err, OK);
    stop();
}
END_TEST

/* No node answers: unreachable. No paths: their reason. */
START_TEST(nobody_answers)
{
    start(20);
    swarm_lookup_start(&lookup, client);
    fake_swarm_run(&net);
    swarm_lookup_start(&lookup, client);
    for (int i = 0; i < LIMIT_LOOKUP_TRIES; i++)
        fake_env_answer(&net.fake, fake_env_open_call(&net.fake, 0), 504, BYTES_LIT("Request time out"));
    ck_assert_int_eq(done_count, 2);
    ck_assert_int_eq(lookup.err, ERR_UNREACHABLE);
    stop();

    start(20);
    net.seed_down = true;
    swarm_lookup_start(&lookup, client);
    fake_swarm_run_ms(&net, 25000);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(lookup.err, ERR_UNREACHABLE);
    stop();

    start(3); /* all nodes are on the only path */
    swarm_lookup_start(&lookup, client);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(lookup.err, ERR_NOT_FOUND);
    stop();
}
END_TEST

TEST_MAIN("swarm_lookup", one_node_is_asked, others_are_asked, last_node_may_answer, nobody_answers)
