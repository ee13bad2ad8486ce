#include "tests/support/check_main.h"

#include <string.h>

#include "client/acknowledge.h"
#include "client/client_state.h"
#include "client/contact.h"
#include "client/conversation.h"
#include "client/deliver.h"
#include "client/listening.h"
#include "client/outbox.h"
#include "client/presence.h"
#include "client/receive.h"
#include "client/seen.h"
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
    friends_make(&net, alice, bob);
    net.fake.now_ms += 1000000;
    friends_meet(&net, alice, bob);
    fake_swarm_run_ms(&net, 500);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}

static const struct sent *say(const char *text)
{
    ck_assert_int_eq(client_send(alice, client_account(bob), bytes_text(text), &sent), OK);
    return sent;
}

static size_t delivers_to(const struct client *client)
{
    char account[67] = {0};
    size_t count = 0;
    account_to_hex(client_account(client), account);
    for (size_t i = 0; i < fake_swarm_logged(&net, "deliver"); i++)
        count += strcmp(fake_swarm_log(&net, "deliver", i)->pubkey, account) == 0;
    return count;
}

static size_t shown(void)
{
    size_t count = 0;
    for (const struct received *received = client_inbox(bob); received != NULL; received = received->next)
        count++;
    return count;
}

/* The bytes of a message that is not acknowledged yet; the caller's. */
static struct blob *data_of(const struct sent *message)
{
    struct contact *contact = contact_find(alice, client_account(bob));
    LIST_EACH (link, &contact->unfinished) {
        struct outgoing *outgoing = CONTAINER_OF(link, struct outgoing, link);
        if (&outgoing->sent == message)
            return blob_keep(outgoing->data);
    }
    return NULL;
}

/* Within 200 ms of the first message, one receipt for all that came meanwhile; itself it is not acknowledged. */
START_TEST(several_in_one)
{
    start();
    size_t to_alice = delivers_to(alice), to_bob = delivers_to(bob), stores = fake_swarm_logged(&net, "store");
    const struct sent *all[5];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = say("quick");
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    fake_swarm_run_ms(&net, 199);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        ck_assert_int_eq(all[i]->state, SEND_ACKNOWLEDGED);
    fake_swarm_run_ms(&net, 2000);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    ck_assert_uint_eq(delivers_to(bob), to_bob + 5);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), stores);
    stop();
}
END_TEST

/* Not before the text is on the disk, and not at all if it does not get there. */
START_TEST(durable_before_acknowledged)
{
    start();
    size_t to_alice = delivers_to(alice), before = shown();
    say("keep this");
    fake_env_run(&net.fake); /* accepted and sent */
    net.fake.disk_manual = true;
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(shown(), before);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    net.fake.disk_manual = false;
    fake_env_complete_sync(&net.fake);
    ck_assert_uint_eq(shown(), before + 1);
    fake_swarm_run_ms(&net, 300);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);

    say("lost by the disk");
    fake_env_run(&net.fake);
    net.fake.disk_err = ERR_IO;
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    stop();
}
END_TEST

/* Nor is it acknowledged if the disk works again by the time at which that would go. */
START_TEST(lost_text_is_not_acknowledged)
{
    start();
    size_t to_alice = delivers_to(alice), before = shown();
    say("lost by the disk");
    fake_env_run(&net.fake);
    net.fake.disk_err = ERR_IO;
    fake_swarm_run(&net);
    ck_assert_uint_eq(shown(), before + 1); /* which keeps nobody from reading it */
    net.fake.disk_err = OK;
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    stop();
}
END_TEST

/* The next so many that go to her listening node, as Bob knows it. The node. */
static struct fake_node *deliveries_to_alice_fail(uint16_t status, uint32_t times)
{
    struct fake_node *node = &net.nodes[fake_swarm_by_key(&net, &contact_find(bob, client_account(alice))->node)];

    node->forced_method = "deliver";
    node->forced_status = status;
    node->forced_times = times;
    return node;
}

/* The acknowledgement is lost: it falls back, the copy from the swarm is dropped, and shown once. What comes again
 * synchronously is acknowledged again. */
START_TEST(lost_acknowledgement)
{
    start();
    size_t before = shown();
    (void)deliveries_to_alice_fail(429, 1);
    say("twice?");
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(shown(), before + 1);
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    struct blob *data = data_of(sent);
    size_t to_alice = delivers_to(alice);
    ck_assert(!receive_heard(bob, blob_bytes(data)));
    fake_swarm_run_ms(&net, 500);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert_uint_eq(shown(), before + 1);
    blob_drop(data);
    stop();
}
END_TEST

/* So is what only the session still knows, as its key is used up. */
START_TEST(forgotten_duplicate)
{
    start();
    size_t before = shown();
    (void)deliveries_to_alice_fail(429, 1);
    say("twice?");
    fake_swarm_run_ms(&net, 1000);
    struct blob *data = data_of(sent);
    seen_free(bob);
    ck_assert(!receive_heard(bob, blob_bytes(data)));
    fake_swarm_run_ms(&net, 500);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert_uint_eq(shown(), before + 1);
    blob_drop(data);
    stop();
}
END_TEST

START_TEST(both_ways_is_once)
{
    start();
    size_t before = shown();
    struct fake_node *node = deliveries_to_alice_fail(429, 10);
    say("both ways");
    fake_swarm_run_ms(&net, LIMIT_ACK_MS + 1000);
    ck_assert_int_eq(sent->state, SEND_STORED);
    node->forced_times = 0;
    size_t to_alice = delivers_to(alice), duplicates = fake_env_traces(&net.fake, TRACE_DUPLICATE);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(), before + 1);
    ck_assert_uint_gt(fake_env_traces(&net.fake, TRACE_DUPLICATE), duplicates);
    ck_assert_uint_le(delivers_to(alice), to_alice + 1); /* the ping of one who was just heard of */
    fake_swarm_run_ms(&net, 1000);
    ck_assert_int_eq(sent->state, SEND_STORED); /* and no receipt for what came from the swarm */
    stop();
}
END_TEST

/* A friend who was blocked: neither heard nor acknowledged nor read from the swarm, and not known to be there. */
START_TEST(blocked_is_not_heard)
{
    start();
    size_t before = shown(), to_alice = delivers_to(alice);
    ck_assert_int_eq(client_block(bob, client_account(alice), true), OK);
    ck_assert_int_eq(client_contact_state(bob, client_account(alice)), CONTACT_OFFLINE);
    say("do you hear me?");
    fake_swarm_run_ms(&net, LIMIT_ACK_MS + 1000);
    ck_assert_int_eq(sent->state, SEND_STORED);
    friends_poll(&net, bob);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(shown(), before);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    ck_assert_int_eq(client_friend_state(bob, client_account(alice)), FRIEND_FRIENDS);
    ck_assert_int_eq(client_block(bob, client_account(alice), false), OK);
    say("and now?");
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(), before + 1);
    stop();
}
END_TEST

/* What came from the swarm is not acknowledged; neither is anything if the sender's node is not known. */
START_TEST(stored_is_not_acknowledged)
{
    start();
    listening_stop(alice);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS + 10);
    size_t to_alice = delivers_to(alice);
    say("by the swarm");
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    struct contact *contact = contact_find(bob, client_account(alice));
    ck_assert(!contact->has_node);
    acknowledge(contact, 5);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    ck_assert_ptr_null(contact->acknowledgement);
    stop();
}
END_TEST

/* Not even if she is there, and he knows where: all that he sends her is the ping of one whom she takes for absent. */
START_TEST(stored_is_pinged_instead)
{
    start();
    size_t to_alice = delivers_to(alice);
    presence_failed(contact_find(alice, client_account(bob)));
    say("by the swarm");
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    friends_poll(&net, bob);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    ck_assert_int_eq(client_contact_state(alice, client_account(bob)), CONTACT_ONLINE);
    stop();
}
END_TEST

/* A full receipt does not wait. */
START_TEST(full_receipt_goes_at_once)
{
    start();
    struct contact *contact = contact_find(bob, client_account(alice));
    size_t to_alice = delivers_to(alice);
    for (uint64_t i = 0; i < LIMIT_RECEIPT_TIMESTAMPS - 1; i++)
        acknowledge(contact, i);
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    acknowledge(contact, 99);
    ck_assert_ptr_null(contact->acknowledgement);
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    stop();
}
END_TEST

/* Sent once: if it fails, it is neither tried again nor stored. */
START_TEST(sent_once)
{
    start();
    struct contact *contact = contact_find(bob, client_account(alice));
    (void)deliveries_to_alice_fail(504, 1);
    size_t to_alice = delivers_to(alice), stores = fake_swarm_logged(&net, "store");
    acknowledge(contact, 7);
    fake_swarm_run_ms(&net, 15000);
    ck_assert_uint_eq(delivers_to(alice), to_alice + 1);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), stores);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE); /* and nothing follows from it */
    stop();
}
END_TEST

/* That somebody types is neither acknowledged nor shown, nor stored by whoever said it; but it is a sign of life. */
START_TEST(typing_is_not_acknowledged)
{
    start();
    struct contact *contact = contact_find(alice, client_account(bob));
    uint64_t timestamp_ms = contact_timestamp(contact);
    struct content_parts content = {.has_typing = true, .typing = {.started = true, .timestamp_ms = timestamp_ms}};
    size_t to_alice = delivers_to(alice), to_bob = delivers_to(bob), stores = fake_swarm_logged(&net, "store");
    size_t before = shown();
    struct blob *data;
    uint32_t type;

    ck_assert_int_eq(conversation_seal(contact, timestamp_ms, &content, &data, &type), OK);
    deliver_once(contact, data);
    blob_drop(data);
    fake_swarm_run_ms(&net, 15000);
    ck_assert_uint_eq(delivers_to(bob), to_bob + 1);
    ck_assert_uint_eq(delivers_to(alice), to_alice);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), stores);
    ck_assert_uint_eq(shown(), before);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    stop();
}
END_TEST

TEST_MAIN("acknowledge", several_in_one, durable_before_acknowledged, lost_text_is_not_acknowledged,
          lost_acknowledgement, forgotten_duplicate, both_ways_is_once, blocked_is_not_heard,
          stored_is_not_acknowledged, stored_is_pinged_instead, full_receipt_goes_at_once, sent_once,
          typing_is_not_acknowledged)
