#include "tests/support/check_main.h"

#include "client/client_state.h"
#include "client/seed_fetch.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;
static struct seed_fetch fetch;
static int done_count;

static void on_done(struct seed_fetch *f)
{
    (void)f;
    done_count++;
}

static void start(void)
{
    fake_swarm_init(&net, 10, 1);
    client = fake_swarm_client(&net, 1);
    done_count = 0;
    seed_fetch_start(&fetch, client, on_done);
    ck_assert_int_eq(done_count, 0);
}

static void stop(void)
{
    client_free(client);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

/* The good way: one call, the list in hand, a trace of it. */
START_TEST(list_comes_at_once)
{
    start();
    const struct fake_call *call = fake_env_call(&net.fake, 0);
    ck_assert(address_equal(call->to, net.preset.seed));
    ck_assert(bytes_equal_text(fake_call_path(call), "/json_rpc"));
    ck_assert_uint_eq(call->timeout_ms, 10000);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(fetch.err, OK);
    ck_assert_uint_eq(fetch.list->count, 10);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_NODE_LIST)->n[0], 10);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_NODE_LIST)->n[1], 100);
    ck_assert_uint_eq(net.fake.charged[COST_CALL], 1);
    ck_assert_uint_gt(net.fake.charged[COST_PARSE], 0);
    snode_list_drop(fetch.list);
    stop();
}
END_TEST

/* Three tries, after 0, 5 and 20 s, each failing in another way; then the last failure is the answer. */
START_TEST(tries_are_spaced_and_counted)
{
    start();
    fake_env_fail(&net.fake, 0, NET_REFUSED);
    fake_env_advance_ms(&net.fake, 4999);
    ck_assert_uint_eq(net.fake.call_count, 1);
    fake_env_advance_ms(&net.fake, 1);
    ck_assert_uint_eq(net.fake.call_count, 2);
    fake_env_answer(&net.fake, 1, 500, BYTES_NONE);
    fake_env_advance_ms(&net.fake, 19999);
    ck_assert_uint_eq(net.fake.call_count, 2);
    fake_env_advance_ms(&net.fake, 1);
    ck_assert_uint_eq(net.fake.call_count, 3);
    ck_assert_int_eq(done_count, 0);
    fake_env_advance_ms(&net.fake, 9999);
    ck_assert_int_eq(done_count, 0);
    fake_env_advance_ms(&net.fake, 1);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(fetch.err, ERR_TIMEOUT);
    fake_env_advance_ms(&net.fake, 100000);
    ck_assert_uint_eq(net.fake.call_count, 3);
    stop();
}
END_TEST

/* The last try is as good as the first. */
START_TEST(last_try_may_succeed)
{
    start();
    fake_env_fail(&net.fake, 0, NET_RESET);
    fake_env_advance_ms(&net.fake, 5000);
    fake_env_fail(&net.fake, 1, NET_RESET);
    fake_env_advance_ms(&net.fake, 20000);
    fake_swarm_run(&net);
    ck_assert_int_eq(fetch.err, OK);
    snode_list_drop(fetch.list);
    stop();
}
END_TEST

static enum err last_of(uint16_t status, const char *body)
{
    start();
    for (size_t i = 0; i < 3; i++) {
        fake_env_answer(&net.fake, i, status, bytes_text(body));
        if (i < 2)
            fake_env_advance_ms(&net.fake, i == 0 ? 5000 : 20000);
    }
    ck_assert_int_eq(done_count, 1);
    enum err err = fetch.err;
    stop();
    return err;
}

/* Whatever the seed says, it is a failure of that kind and nothing worse. */
START_TEST(bad_answers_are_failures)
{
    ck_assert_int_eq(last_of(200, ""), ERR_FORMAT);
    ck_assert_int_eq(last_of(200, "no JSON"), ERR_FORMAT);
    ck_assert_int_eq(last_of(200, "{\"result\":{\"service_node_states\":[],\"height\":1}}"), ERR_MISSING);
    ck_assert_int_eq(last_of(404, "{}"), ERR_REFUSED);
}
END_TEST

TEST_MAIN("seed_fetch", list_comes_at_once, tries_are_spaced_and_counted, last_try_may_succeed,
          bad_answers_are_failures)
