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
    struct contact *contact = contact_get(alice, client_account(bob));
    struct outgoing *outgoing;
    struct blob *data = blob_copy(BYTES_LIT("SGkgQm9i"));

    ck_assert_int_eq(
        outbox_add(contact, OUTGOING_REQUEST, ENVELOPE_FRIEND_REQUEST, contact_timestamp(contact), data, &outgoing),
        OK);
    blob_drop(data);
    return &outgoing->sent;
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

/* A contact gets no more than its share at once; once one message has ended there is room for another. */
START_TEST(full_box_refuses)
{
    struct outgoing *outgoing;
    struct blob *data = blob_copy(BYTES_LIT("SGkgQm9i"));
    start();
    struct contact *contact = contact_get(alice, client_account(bob));
    for (uint32_t i = 0; i < LIMIT_OUTBOX_CONTACT; i++)
        (void)add();
    ck_assert(!outbox_has_room(contact));
    ck_assert_int_eq(outbox_add(contact, OUTGOING_TEXT, 1, 1, data, &outgoing), ERR_FULL);
    fake_env_run(&net.fake);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SEND), LIMIT_OUTBOX_CONTACT);
    while (outbox_in_flight(alice) == LIMIT_OUTBOX_CONTACT)
        ck_assert(fake_swarm_run_one(&net));
    ck_assert_int_eq(outbox_add(contact, OUTGOING_TEXT, 1, 1, data, &outgoing), OK);
    blob_drop(data);
    stop();
}
END_TEST

/* All contacts together have a bound, too. */
START_TEST(full_client_refuses)
{
    start();
    (void)add();
    struct contact *other = contact_get(alice, &(struct account_id){{5, 1}});
    ck_assert(outbox_has_room(other));
    for (uint32_t i = 1; i < LIMIT_OUTBOX; i++) {
        struct contact *contact = contact_get(alice, &(struct account_id){{5, 2, (uint8_t)(i / 1000)}});
        struct outgoing *outgoing;
        struct blob *data = blob_copy(BYTES_LIT("SGkgQm9i"));
        ck_assert_int_eq(outbox_add(contact, OUTGOING_TEXT, 1, i, data, &outgoing), OK);
        blob_drop(data);
    }
    ck_assert(!outbox_has_room(other));
    stop();
}
END_TEST

/* The trace of a message tells number, time, size, type and recipient: once it is on the disk, and accepted. */
START_TEST(sending_is_traced)
{
    start();
    const struct sent *sent = add();
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SEND), 0);
    fake_env_run(&net.fake);
    const struct fake_trace *trace = fake_env_last_trace(&net.fake, TRACE_SEND);
    ck_assert_uint_eq(trace->n[0], 1);
    ck_assert_uint_eq(trace->n[1], sent->timestamp_ms);
    ck_assert_uint_eq(sent->timestamp_ms, FAKE_EPOCH_MS);
    ck_assert_uint_eq(trace->n[2], 8);
    ck_assert_uint_eq(trace->n[3], 101);
    ck_assert(bytes_equal(blob_bytes(trace->b[0]), BYTES_OF(client_account(bob)->bytes)));
    stop();
}
END_TEST

/* What the disk does not take is not sent. */
START_TEST(failing_disk_refuses)
{
    start();
    net.fake.disk_err = ERR_FULL;
    const struct sent *sent = add();
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(sent->err, ERR_FULL);
    ck_assert_uint_eq(net.fake.call_count, 0);
    ck_assert_uint_eq(outbox_in_flight(alice), 0);
    stop();
}
END_TEST

TEST_MAIN("outbox", numbers_are_for_good, in_flight_stays, full_box_refuses, full_client_refuses, sending_is_traced,
          failing_disk_refuses)
