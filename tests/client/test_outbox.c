#include "tests/support/check_main.h"

#include "client/client_state.h"
#include "client/outbox.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *alice, *bob;

static void start(void)
{
    fake_swarm_init(&net, 20, 1);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}

static const struct sent *add(void)
{
    const struct sent *sent;
    ck_assert_int_eq(outbox_add(alice, client_account(bob), BYTES_LIT("hi"), &sent), OK);
    return sent;
}

/* Numbers count from 1 and are never given twice, whatever was forgotten. */
START_TEST(numbers_are_for_good)
{
    start();
    ck_assert_uint_eq(add()->number, 1);
    ck_assert_uint_eq(add()->number, 2);
    ck_assert_uint_eq(outbox_in_flight(alice), 2);
    ck_assert_ptr_null(outbox_find(alice, 0));
    ck_assert_ptr_null(outbox_find(alice, 3));
    fake_swarm_run(&net);
    ck_assert_uint_eq(outbox_in_flight(alice), 0);
    outbox_forget(alice, 1);
    outbox_forget(alice, 1);
    ck_assert_ptr_null(outbox_find(alice, 1));
    ck_assert_uint_eq(outbox_find(alice, 2)->number, 2);
    outbox_forget(alice, 2);
    ck_assert_ptr_null(alice->outbox); /* an idle client keeps no empty box */
    ck_assert_uint_eq(add()->number, 3);
    stop();
}
END_TEST

/* What is in flight is not forgotten: its record is in use. */
START_TEST(in_flight_stays)
{
    start();
    const struct sent *sent = add();
    outbox_forget(alice, 1);
    ck_assert_ptr_eq(outbox_find(alice, 1), sent);
    stop();
}
END_TEST

/* A full box refuses; once one message has ended there is room for another. */
START_TEST(full_box_refuses)
{
    const struct sent *sent;
    start();
    for (uint32_t i = 0; i < LIMIT_OUTBOX; i++)
        (void)add();
    ck_assert_int_eq(outbox_add(alice, client_account(bob), BYTES_LIT("hi"), &sent), ERR_FULL);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SEND), LIMIT_OUTBOX);
    outbox_job_ended(alice, &(struct outgoing){0});
    ck_assert_int_eq(outbox_add(alice, client_account(bob), BYTES_LIT("hi"), &sent), OK);
    stop();
}
END_TEST

/* The trace of a message tells number, time, size, type and recipient. */
START_TEST(sending_is_traced)
{
    start();
    const struct sent *sent = add();
    const struct fake_trace *trace = fake_env_last_trace(&net.fake, TRACE_SEND);
    ck_assert_uint_eq(trace->n[0], 1);
    ck_assert_uint_eq(trace->n[1], sent->timestamp_ms);
    ck_assert_uint_eq(sent->timestamp_ms, FAKE_EPOCH_MS);
    ck_assert_uint_gt(trace->n[2], 300);
    ck_assert_uint_eq(trace->n[3], 101);
    ck_assert(bytes_equal(blob_bytes(trace->b[0]), BYTES_OF(client_account(bob)->bytes)));
    stop();
}
END_TEST

TEST_MAIN("outbox", numbers_are_for_good, in_flight_stays, full_box_refuses, sending_is_traced)
