#include "node/long_poll.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

static struct node_fixture fixture;
static struct long_poll poll;

static void start(void)
{
    node_fixture_init(&fixture);
    long_poll_init(&poll, &fixture.fake.env);
}

static void end(void)
{
    long_poll_fini(&poll);
    node_fixture_fini(&fixture);
}

static enum err hold(struct fake_request *request, uint32_t account, uint32_t hold_ms)
{
    struct account_id id = account_here(account);
    struct rpc_reply reply = rpc_reply_direct(&fixture.fake.env, &request->incoming);

    return long_poll_hold(&poll, &id, &reply, hold_ms);
}

static struct fake_request *new_request(void)
{
    return fake_env_request(&fixture.fake, VERB_POST, "/storage_rpc/v1", BYTES_NONE);
}

static struct fake_request *held(uint32_t account, uint32_t hold_ms)
{
    struct fake_request *request = new_request();

    ck_assert_int_eq(hold(request, account, hold_ms), OK);
    return request;
}

/* A message of that account arrives. */
static void notify(const struct test_message *message)
{
    struct stored_body *body = body_of(&fixture.bodies, message);

    long_poll_notify(&poll, body);
    body_drop(body);
}

static void make(struct test_message *message, uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    make_message(message, &id, FAKE_EPOCH_MS, 60000, data);
}

/* The first message of the account answers all who wait for it, in the order they came, and nobody else. */
START_TEST(long_poll_answers_with_the_message)
{
    const struct test_message *expected[1];
    struct fake_request *first, *second, *other;
    struct test_message message;

    start();
    first = held(1, LIMIT_LONG_POLL_MS);
    second = held(1, LIMIT_LONG_POLL_ONION_MS);
    other = held(2, LIMIT_LONG_POLL_MS);
    fake_env_advance_ms(&fixture.fake, 5000);
    ck_assert(!first->answered);
    make(&message, 1, "aGVsbG8=");
    notify(&message);
    expected[0] = &message;
    expect_messages(first, expected, 1);
    expect_messages(second, expected, 1);
    ck_assert(!other->answered);
    ck_assert_uint_eq(poll.count, 1);
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_RETRIEVED), 2);
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_RETRIEVED)->n[0], 1);
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_RETRIEVED)->n[2], 5000);
    fake_env_hang_up(&fixture.fake, other);
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* Exactly one message: the next one is for who asks again. */
START_TEST(long_poll_is_over_after_one_message)
{
    const struct test_message *expected[1];
    struct fake_request *request;
    struct test_message first, second;

    start();
    request = held(1, LIMIT_LONG_POLL_MS);
    make(&first, 1, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    notify(&first);
    notify(&second);
    expected[0] = &first;
    expect_messages(request, expected, 1);
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* Nothing comes: an empty list when the time is over, and not before. */
START_TEST(long_poll_ends_empty)
{
    struct fake_request *request;

    start();
    request = held(1, LIMIT_LONG_POLL_MS);
    fake_env_advance_ms(&fixture.fake, LIMIT_LONG_POLL_MS - 1);
    ck_assert(!request->answered);
    fake_env_advance_ms(&fixture.fake, 1);
    expect_answer(request, 200, "{\"messages\":[]}");
    ck_assert_uint_eq(poll.count, 0);
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_RETRIEVED)->n[2], LIMIT_LONG_POLL_MS);
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* Who hangs up is forgotten; the others of that account are not. */
START_TEST(long_poll_forgets_who_has_gone)
{
    const struct test_message *expected[1];
    struct fake_request *gone, *there;
    struct test_message message;

    start();
    gone = held(1, LIMIT_LONG_POLL_MS);
    there = held(1, LIMIT_LONG_POLL_MS);
    fake_env_hang_up(&fixture.fake, gone);
    ck_assert_uint_eq(poll.count, 1);
    ck_assert_uint_eq(fake_env_timers(&fixture.fake), 1);
    make(&message, 1, "aGVsbG8=");
    notify(&message);
    expected[0] = &message;
    expect_messages(there, expected, 1);
    ck_assert(!gone->answered);
    end();
}
END_TEST

/* One account holds so many, and the one above is told so; another account still may. */
START_TEST(long_poll_bounds_an_account)
{
    struct fake_request *request;
    struct test_message message;

    start();
    for (size_t i = 0; i < LIMIT_LISTENERS_PER_KEY; i++)
        (void)held(1, LIMIT_LONG_POLL_MS);
    request = new_request();
    ck_assert_int_eq(hold(request, 1, LIMIT_LONG_POLL_MS), ERR_FULL);
    ck_assert_int_eq(hold(request, 2, LIMIT_LONG_POLL_MS), OK);
    make(&message, 1, "aGVsbG8=");
    notify(&message);
    ck_assert_int_eq(hold(new_request(), 1, LIMIT_LONG_POLL_MS), OK);
    fake_env_advance_ms(&fixture.fake, LIMIT_LONG_POLL_MS);
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* So does the node. A crash with all of them waiting frees everything. */
START_TEST(long_poll_bounds_the_node)
{
    start();
    for (uint32_t i = 0; i < LIMIT_LISTENERS; i++)
        (void)held(i, LIMIT_LONG_POLL_MS);
    ck_assert_int_eq(hold(new_request(), LIMIT_LISTENERS, LIMIT_LONG_POLL_MS), ERR_FULL);
    ck_assert_uint_eq(poll.count, LIMIT_LISTENERS);
    fake_env_crash(&fixture.fake);
    end();
}
END_TEST

TEST_MAIN("long_poll", long_poll_answers_with_the_message, long_poll_is_over_after_one_message, long_poll_ends_empty,
          long_poll_forgets_who_has_gone, long_poll_bounds_an_account, long_poll_bounds_the_node)
