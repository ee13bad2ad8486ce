#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/listening.h"
#include "client/outbox.h"
#include "client/poll.h"
#include "client/storage.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static const struct sent *sent;

static void start(void)
{
    fake_swarm_init(&net, 21, 1);
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

/* Both devices die (they share the fake's disk) and come back with what was durable. */
static void restart(void)
{
    fake_env_crash(&net.fake);
    client_free(alice);
    client_free(bob);
    net.listener_count = 0;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    client_start(alice);
    client_start(bob);
}

static size_t shown(const struct client *client, const char *text)
{
    size_t count = 0;
    for (const struct received *received = client_inbox(client); received != NULL; received = received->next)
        count += bytes_equal_text(received->text, text);
    return count;
}

static size_t traces_shown(void)
{
    return fake_env_traces(&net.fake, TRACE_SHOWN);
}

/* Numbers and bytes come back as they were put; what is cut off reads as nothing, and says so. */
START_TEST(values_come_back)
{
    struct buf value;
    uint8_t exact[3];
    storage_value_init(&value);
    storage_u8(&value, 200);
    storage_u32(&value, 0xdeadbeef);
    storage_u64(&value, UINT64_MAX - 1);
    storage_bytes(&value, BYTES_LIT("abc"));
    storage_bytes(&value, BYTES_NONE);
    buf_append(&value, BYTES_LIT("xyz"));
    struct storage_reader reader = {buf_bytes(&value), false};
    ck_assert_uint_eq(storage_read_u8(&reader), 200);
    ck_assert_uint_eq(storage_read_u32(&reader), 0xdeadbeef);
    ck_assert_uint_eq(storage_read_u64(&reader), UINT64_MAX - 1);
    ck_assert(bytes_equal_text(storage_read_bytes(&reader), "abc"));
    ck_assert_uint_eq(storage_read_bytes(&reader).len, 0);
    ck_assert(!storage_read_end(&reader));
    storage_read_exactly(&reader, exact, 3);
    ck_assert_mem_eq(exact, "xyz", 3);
    ck_assert(storage_read_end(&reader));
    ck_assert_uint_eq(storage_read_u8(&reader), 0);
    ck_assert(!storage_read_end(&reader));
    reader = (struct storage_reader){BYTES_LIT("\xff\xff\xff\xff"
                                               "abc"),
                                     false};
    ck_assert_uint_eq(storage_read_bytes(&reader).len, 0);
    ck_assert(reader.bad);
    buf_fini(&value);
}
END_TEST

/* Two accounts on one disk do not read each other's records, and a fresh client reads none. */
START_TEST(accounts_share_a_disk)
{
    start();
    ck_assert_uint_eq(client_start(alice), 0);
    friends_make(&net, alice, bob);
    fake_env_run(&net.fake);
    struct client *carol = fake_swarm_client(&net, 3);
    ck_assert_uint_eq(client_start(carol), 0);
    ck_assert_ptr_null(carol->contacts);
    client_free(carol);
    stop();
}
END_TEST

/* Friends stay friends, with session, name and inbox; what was shown is there, and is not shown again. */
START_TEST(friends_survive)
{
    start();
    friends_make(&net, alice, bob);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("before"), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(bob, "before"), 1);
    size_t traces = traces_shown();
    restart();
    ck_assert_int_eq(client_friend_state(alice, client_account(bob)), FRIEND_FRIENDS);
    ck_assert_int_eq(client_friend_state(bob, client_account(alice)), FRIEND_FRIENDS);
    ck_assert_str_eq(contact_find(bob, client_account(alice))->display_name, "Alice");
    ck_assert_uint_eq(shown(bob, "before"), 1);
    friends_poll(&net, bob); /* all the swarm still has comes again, if the last hashes allow it */
    ck_assert_uint_eq(traces_shown(), traces);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_UNREADABLE), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("after"), &sent), OK);
        ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("after"), &sent), OK);
        fake_swarm_run(&net);
        friends_poll(&net, bob);
        friends_poll(&net, alice);
        ck_assert_uint_eq(shown(bob, "after"), (size_t)i + 1);
        ck_assert_uint_eq(shown(alice, "after"), (size_t)i + 1);
        restart();
    }
    stop();
}
END_TEST

/* A request is pending in every state it was in; one that was not stored yet is stored after the restart. */
START_TEST(requests_survive)
{
    start();
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_LIT("Hi"), &sent), OK);
    fake_env_run(&net.fake); /* durable, and not sent yet */
    restart();
    ck_assert_int_eq(client_friend_state(alice, client_account(bob)), FRIEND_SENDING);
    fake_swarm_run(&net);
    ck_assert_int_eq(client_friend_state(alice, client_account(bob)), FRIEND_ASKED);
    ck_assert_int_eq(client_sent(alice, 1)->state, SEND_STORED);
    restart();
    ck_assert_int_eq(client_friend_state(alice, client_account(bob)), FRIEND_ASKED);
    ck_assert_uint_eq(client_sent(alice, 1)->stored_count, 3);
    friends_poll(&net, bob);
    restart();
    ck_assert_int_eq(client_friend_state(bob, client_account(alice)), FRIEND_ASKING);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), OK);
    fake_env_run(&net.fake);
    restart(); /* the acceptance is on the disk, and goes out now */
    fake_swarm_run(&net);
    friends_poll(&net, alice);
    ck_assert_int_eq(client_friend_state(alice, client_account(bob)), FRIEND_FRIENDS);
    stop();
}
END_TEST

/* What was not accepted, because the disk had not got it, is gone: it was never said to be sent. */
START_TEST(not_durable_is_not_accepted)
{
    start();
    friends_make(&net, alice, bob);
    net.fake.disk_manual = true;
    size_t before = fake_env_traces(&net.fake, TRACE_SEND);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("gone"), &sent), OK);
    size_t calls = net.fake.call_count;
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SEND), before);
    ck_assert_uint_eq(net.fake.call_count, calls);
    uint32_t number = sent->number;
    restart();
    net.fake.disk_manual = false;
    ck_assert_ptr_null(client_sent(alice, number));
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("not gone"), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(bob, "gone"), 0);
    ck_assert_uint_eq(shown(bob, "not gone"), 1);
    stop();
}
END_TEST

/* Accepted, then the crash, at every step of the way: stored in the end, and shown once. */
START_TEST(accepted_is_never_lost)
{
    bool stored = false;
    for (uint32_t steps = 0; !stored; steps++) {
        start();
        friends_make(&net, alice, bob);
        ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("once"), &sent), OK);
        uint32_t number = sent->number;
        fake_env_run(&net.fake);
        for (uint32_t i = 0; i < steps; i++)
            (void)fake_swarm_run_one(&net);
        stored = sent->stored_count == 3;
        restart();
        fake_swarm_run(&net);
        ck_assert_int_eq(client_sent(alice, number)->state, SEND_STORED);
        friends_poll(&net, bob);
        ck_assert_uint_eq(shown(bob, "once"), 1);
        ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("answer"), &sent), OK);
        fake_swarm_run(&net);
        friends_poll(&net, alice);
        ck_assert_uint_eq(shown(alice, "answer"), 1);
        stop();
    }
}
END_TEST

/* The recipient crashes at every step of fetching: in the end it was shown exactly once. */
START_TEST(shown_exactly_once)
{
    for (uint32_t steps = 0; steps < 25; steps++) {
        start();
        friends_make(&net, alice, bob);
        ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("exactly"), &sent), OK);
        fake_swarm_run(&net);
        size_t traces = traces_shown();
        net.fake.disk_manual = true; /* durable only where this test says so */
        client_poll_once(bob);
        for (uint32_t i = 0; i < steps; i++) {
            (void)fake_swarm_run_one(&net);
            if (i % 3 == 2 && net.fake.syncs_waiting > 0)
                fake_env_complete_sync(&net.fake);
        }
        restart();
        net.fake.disk_manual = false;
        friends_poll(&net, bob);
        ck_assert_uint_eq(shown(bob, "exactly"), 1);
        ck_assert_uint_eq(traces_shown(), traces + 1);
        stop();
    }
}
END_TEST

/* Delivered, but the sender dies before the acknowledgement: stored after the restart, and shown once. */
START_TEST(unacknowledged_is_stored_after_a_restart)
{
    start();
    friends_make(&net, alice, bob);
    net.fake.now_ms += 1000000;
    friends_meet(&net, alice, bob);
    fake_swarm_run_ms(&net, 500);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("dying"), &sent), OK);
    uint32_t number = sent->number;
    fake_swarm_run_ms(&net, 20);
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    ck_assert_uint_eq(shown(bob, "dying"), 1);
    restart();
    fake_swarm_run(&net);
    ck_assert_int_eq(client_sent(alice, number)->state, SEND_STORED);
    size_t traces = traces_shown();
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(bob, "dying"), 1);
    ck_assert_uint_eq(traces_shown(), traces);
    stop();
}
END_TEST

/* Acknowledged is done, after a restart too; and numbers go on. */
START_TEST(acknowledged_stays_done)
{
    start();
    friends_make(&net, alice, bob);
    net.fake.now_ms += 1000000;
    friends_meet(&net, alice, bob);
    fake_swarm_run_ms(&net, 500);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("done"), &sent), OK);
    uint32_t number = sent->number;
    fake_swarm_run_ms(&net, 500);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    restart();
    size_t stores = fake_swarm_logged(&net, "store");
    fake_swarm_run_ms(&net, 100);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), stores);
    ck_assert_int_eq(client_sent(alice, number)->state, SEND_ACKNOWLEDGED);
    ck_assert(client_sent(alice, number)->synchronous);
    ck_assert_int_eq(client_contact_state(alice, client_account(bob)), CONTACT_OFFLINE);
    client_forget_sent(alice, number);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("next"), &sent), OK);
    ck_assert_uint_eq(sent->number, number + 1);
    fake_swarm_run(&net);
    restart();
    ck_assert_ptr_null(client_sent(alice, number));
    stop();
}
END_TEST

/* Damaged records are dropped, one by one; nothing of them is believed, and nothing breaks. */
START_TEST(damaged_records_are_dropped)
{
    start();
    friends_make(&net, alice, bob);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("text"), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    fake_env_crash(&net.fake);
    size_t total = 0, good = 0;
    for (size_t i = 0; i < net.fake.disk.count; i++) {
        struct blob *value = net.fake.disk.records[i].value;
        for (size_t cut = 0; cut < value->len; cut += 1 + value->len / 8) {
            struct client *reader = fake_swarm_client(&net, 1), *other = fake_swarm_client(&net, 2);
            net.fake.disk.records[i].value = blob_copy(bytes_slice(blob_bytes(value), 0, cut));
            good += client_start(reader) + client_start(other);
            total++;
            client_free(reader);
            client_free(other);
            fake_env_crash(&net.fake);
            blob_drop(net.fake.disk.records[i].value);
            net.fake.disk.records[i].value = value;
        }
    }
    ck_assert_uint_lt(good, total * net.fake.disk.count);
    ck_assert_uint_gt(good, 0);
    stop();
}
END_TEST

TEST_MAIN("storage", values_come_back, accounts_share_a_disk, friends_survive, requests_survive,
          not_durable_is_not_accepted, accepted_is_never_lost, shown_exactly_once,
          unacknowledged_is_stored_after_a_restart, acknowledged_stays_done, damaged_records_are_dropped)
