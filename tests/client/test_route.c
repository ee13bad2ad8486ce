#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/friend.h"
#include "client/listening.h"
#include "client/outbox.h"
#include "client/presence.h"
#include "client/route.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static struct contact *contact; /* bob, as alice knows him */
static const struct sent *sent;

/* Both online for one another. */
static void start(void)
{
    fake_swarm_init(&net, 21, 1);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    friends_make(&net, alice, bob);
    contact = contact_find(alice, client_account(bob));
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

/* Bob's node answers `deliver` like that, so many times. */
static uint32_t force(uint16_t status, const char *body, uint32_t times)
{
    uint32_t node = fake_swarm_by_key(&net, &contact->node);
    net.nodes[node].forced_method = "deliver";
    net.nodes[node].forced_status = status;
    net.nodes[node].forced_body = body;
    net.nodes[node].forced_times = times;
    return node;
}

static size_t logged(const char *method)
{
    return fake_swarm_logged(&net, method);
}

static size_t shown(const char *text)
{
    size_t count = 0;
    for (const struct received *received = client_inbox(bob); received != NULL; received = received->next)
        count += bytes_equal_text(received->text, text);
    return count;
}

/* Delivered at the contact's node by a path without it, acknowledged, and never stored; no proof of work. */
START_TEST(online_friend_is_sent_to_synchronously)
{
    start();
    size_t stores = logged("store"), delivers = logged("deliver"), proofs = fake_env_traces(&net.fake, TRACE_POW);
    say("now");
    ck_assert_int_eq(sent->state, SEND_QUEUED);
    fake_env_run(&net.fake);
    ck_assert_int_eq(sent->state, SEND_DELIVERING);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    const struct fake_log *log = fake_swarm_log(&net, "deliver", delivers);
    ck_assert_uint_eq(log->target, fake_swarm_by_key(&net, &contact->node));
    for (size_t i = 0; i < LIMIT_PATH_NODES; i++)
        ck_assert_uint_ne(log->path[i], log->target);
    ck_assert_uint_eq(shown("now"), 1);
    fake_swarm_run_ms(&net, LIMIT_ACK_COMBINE_MS + 10);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert(sent->synchronous && !sent->fell_back);
    ck_assert_uint_eq(sent->stored_count, 0);
    ck_assert_uint_eq(logged("store"), stores);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_POW), proofs);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_ACKNOWLEDGED)->n[2], 0);
    ck_assert_uint_eq(contact->delivering_count, 0);
    ck_assert(list_empty(&contact->unfinished));
    stop();
}
END_TEST

/* Never by a path that contains the contact's node, even if there are such. */
START_TEST(way_is_without_the_node)
{
    struct client_paths paths;
    start();
    client_paths(alice, &paths);
    contact->node = paths.nodes[0][1];
    uint32_t node = force(200, "{\"delivered\":1}", 100);
    size_t delivers = logged("deliver");
    for (size_t i = 0; i < 20; i++)
        say("around it");
    fake_swarm_run(&net);
    ck_assert_uint_eq(logged("deliver"), delivers + 20);
    for (size_t i = delivers; i < delivers + 20; i++) {
        const struct fake_log *log = fake_swarm_log(&net, "deliver", i);
        ck_assert_uint_eq(log->target, node);
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++)
            ck_assert_uint_ne(log->path[j], node);
    }
    stop();
}
END_TEST

/* 404 and 421: stored at once, the identical bytes, under the envelope's old time; the contact is OFFLINE, and what
 * comes later is asynchronous. */
START_TEST(absent_friend_falls_back_at_once)
{
    const uint16_t statuses[] = {404, 421};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        start();
        force(statuses[i], "{\"listening\":false}", 1);
        size_t stores = logged("store"), delivers = logged("deliver");
        uint64_t timestamp_ms = say("lost?")->timestamp_ms;
        fake_swarm_run(&net);
        ck_assert_uint_eq(logged("deliver"), delivers + 1);
        ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
        ck_assert_int_eq(sent->state, SEND_STORED);
        ck_assert(sent->fell_back);
        ck_assert_uint_eq(sent->timestamp_ms, timestamp_ms);
        ck_assert_uint_eq(sent->ttl_ms, TTL_TEXT_MS);
        ck_assert_uint_eq(logged("store"), stores + 3);
        ck_assert_uint_eq(fake_swarm_log(&net, "store", stores)->data_digest,
                          fake_swarm_log(&net, "deliver", delivers)->data_digest);
        say("later");
        fake_swarm_run(&net);
        ck_assert_int_eq(sent->state, SEND_STORED);
        ck_assert(!sent->synchronous);
        friends_poll(&net, bob);
        ck_assert_uint_eq(shown("lost?"), 1);
        ck_assert_uint_eq(shown("later"), 1);
        stop();
    }
}
END_TEST

/* 504, 429 and others: once more after 1 s over another path, then it falls back. */
START_TEST(troubled_node_gets_a_second_try)
{
    const uint16_t statuses[] = {504, 429, 500};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        start();
        force(statuses[i], "{}", 1);
        size_t delivers = logged("deliver");
        say("again");
        fake_swarm_run_ms(&net, LIMIT_DELIVER_RETRY_MS - 1);
        ck_assert_uint_eq(logged("deliver"), delivers + 1);
        fake_swarm_run_ms(&net, 10);
        const struct fake_log *first = fake_swarm_log(&net, "deliver", delivers);
        const struct fake_log *second = fake_swarm_log(&net, "deliver", delivers + 1);
        ck_assert_uint_ne(first->path[0], second->path[0]);
        ck_assert_uint_eq(first->data_digest, second->data_digest);
        fake_swarm_run_ms(&net, 500);
        ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);

        force(statuses[i], "{}", 2);
        say("and again");
        fake_swarm_run_ms(&net, LIMIT_DELIVER_RETRY_MS + 10);
        ck_assert_int_eq(sent->state, SEND_STORED);
        ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
        stop();
    }
}
END_TEST

/* The second try never goes the way of the first. */
START_TEST(second_try_goes_another_way)
{
    start();
    for (int i = 0; i < 20; i++) {
        force(504, "{}", 1);
        size_t delivers = logged("deliver");
        say("by another way");
        fake_swarm_run_ms(&net, LIMIT_DELIVER_RETRY_MS + 500);
        ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
        ck_assert_uint_ne(fake_swarm_log(&net, "deliver", delivers)->path[0],
                          fake_swarm_log(&net, "deliver", delivers + 1)->path[0]);
    }
    stop();
}
END_TEST

/* The second try has what is left of the ten seconds. */
START_TEST(second_try_gets_no_more_time)
{
    start();
    force(504, "{}", 1);
    say("late already");
    fake_env_advance_ms(&net.fake, 4000); /* the node takes its time */
    fake_swarm_run(&net);
    force(200, "{\"delivered\":1}", 1);
    fake_swarm_run_ms(&net, LIMIT_ACK_MS - 4000 - 1);
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    fake_swarm_run_ms(&net, 1);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert(sent->fell_back);
    stop();
}
END_TEST

/* Taken by the node, acknowledged by nobody: 10 s from the sending, and not before. */
START_TEST(silence_falls_back)
{
    start();
    force(200, "{\"delivered\":1}", 1);
    say("hello?");
    fake_swarm_run_ms(&net, LIMIT_ACK_MS - 1);
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    fake_swarm_run_ms(&net, 1);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert(sent->fell_back);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    stop();
}
END_TEST

/* All that is not acknowledged falls back together, in the order of sending. */
START_TEST(all_fall_back_in_order)
{
    start();
    uint64_t times[5];
    force(200, "{\"delivered\":1}", 5);
    for (size_t i = 0; i < 5; i++) {
        times[i] = say("one of five")->timestamp_ms;
        fake_swarm_run_ms(&net, 5);
    }
    ck_assert_uint_eq(contact->delivering_count, 5);
    size_t before = net.fake.trace_count;
    fake_swarm_run_ms(&net, LIMIT_ACK_MS);
    size_t next = 0;
    for (size_t i = before; i < net.fake.trace_count; i++) {
        const struct fake_trace *trace = &net.fake.traces[i];
        if (trace->kind == TRACE_SEND_STATE && trace->n[2] == SEND_FELL_BACK)
            ck_assert_uint_eq(trace->n[1], times[next++]);
    }
    ck_assert_uint_eq(next, 5);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown("one of five"), 5);
    ck_assert_uint_eq(contact->delivering_count, 0);
    stop();
}
END_TEST

/* At most 32 are on their way unacknowledged; the others wait, and go as room is made, or fall back with the rest,
 * without having been tried. */
START_TEST(too_many_wait)
{
    start();
    const struct sent *all[LIMIT_UNACKNOWLEDGED + 3];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = say("many");
    fake_env_run(&net.fake);
    ck_assert_uint_eq(contact->delivering_count, LIMIT_UNACKNOWLEDGED);
    ck_assert_int_eq(all[LIMIT_UNACKNOWLEDGED - 1]->state, SEND_DELIVERING);
    ck_assert_int_eq(all[LIMIT_UNACKNOWLEDGED]->state, SEND_QUEUED);
    fake_swarm_run_ms(&net, 1000);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        ck_assert_int_eq(all[i]->state, SEND_ACKNOWLEDGED);
    ck_assert_uint_eq(shown("many"), ARRAY_LEN(all));

    force(200, "{\"delivered\":1}", 100);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = say("more");
    fake_swarm_run_ms(&net, LIMIT_ACK_MS + 100);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        ck_assert_int_eq(all[i]->state, SEND_STORED);
        ck_assert(all[i]->fell_back == (i < LIMIT_UNACKNOWLEDGED));
    }
    stop();
}
END_TEST

/* The contact's node is listed no more when it would be the turn of those who wait: the first of them lets the others
 * fall back, and one of these fails on the spot, since nobody could prove what a node has asked for. */
START_TEST(waiting_ones_fail_at_once)
{
    start();
    const struct sent *all[LIMIT_UNACKNOWLEDGED + 3];
    uint64_t times[LIMIT_UNACKNOWLEDGED];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = say("many");
    fake_env_run(&net.fake);
    ck_assert_int_eq(all[LIMIT_UNACKNOWLEDGED]->state, SEND_QUEUED);
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        times[i] = all[i]->timestamp_ms;
    contact->node.bytes[0] ^= 1;
    alice->difficulty = UINT64_MAX;
    route_on_receipt(contact, &(struct receipt){RECEIPT_DELIVERY, times, ARRAY_LEN(times)});
    ck_assert_int_eq(all[LIMIT_UNACKNOWLEDGED + 1]->state, SEND_FAILED);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_int_eq(all[LIMIT_UNACKNOWLEDGED]->state, SEND_STORED);
    ck_assert_int_eq(all[LIMIT_UNACKNOWLEDGED + 2]->state, SEND_STORED);
    stop();
}
END_TEST

/* An acknowledgement after the fallback: noted as late, the end all the same. Twice is once. */
START_TEST(late_acknowledgement)
{
    start();
    force(200, "{\"delivered\":1}", 1);
    uint64_t times[1] = {say("slow")->timestamp_ms};
    fake_swarm_run_ms(&net, LIMIT_ACK_MS + 10);
    ck_assert_int_eq(sent->state, SEND_STORED);
    const struct receipt receipt = {RECEIPT_DELIVERY, times, 1};
    size_t before = fake_env_traces(&net.fake, TRACE_ACKNOWLEDGED);
    route_on_receipt(contact, &receipt);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert(sent->fell_back);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_ACKNOWLEDGED)->n[2], 1);
    route_on_receipt(contact, &receipt);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_ACKNOWLEDGED), before + 1);
    fake_env_run(&net.fake);
    client_forget_sent(alice, sent->number);
    fake_env_run(&net.fake);
    stop();
}
END_TEST

/* While it is being stored: what is under way ends, and the state stays. */
START_TEST(acknowledged_while_storing)
{
    start();
    force(404, "{}", 1);
    uint64_t times[1] = {say("crossed")->timestamp_ms};
    while (sent->state != SEND_STORING)
        ck_assert(fake_swarm_run_one(&net));
    route_on_receipt(contact, &(struct receipt){RECEIPT_DELIVERY, times, 1});
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert_uint_gt(outbox_in_flight(alice), 0);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert_uint_eq(outbox_in_flight(alice), 0);
    stop();
}
END_TEST

/* Receipts of what was never delivered, of another kind, or of nothing, change nothing. */
START_TEST(strange_receipts_do_nothing)
{
    start();
    force(200, "{\"delivered\":1}", 1);
    uint64_t times[2] = {say("mine")->timestamp_ms, 77};
    fake_swarm_run(&net);
    route_on_receipt(contact, &(struct receipt){RECEIPT_READ, times, 1});
    route_on_receipt(contact, &(struct receipt){RECEIPT_DELIVERY, times + 1, 1});
    route_on_receipt(contact, &(struct receipt){RECEIPT_DELIVERY, NULL, 0});
    ck_assert_int_eq(sent->state, SEND_DELIVERED);
    route_on_receipt(contact, &(struct receipt){RECEIPT_DELIVERY, times, 2});
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    stop();
}
END_TEST

/* To one who is PROBING, and while alice does not listen: asynchronous. */
START_TEST(only_online_is_synchronous)
{
    start();
    contact->presence = CONTACT_PROBING;
    size_t delivers = logged("deliver");
    say("probing");
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert_uint_eq(logged("deliver"), delivers);
    contact->presence = CONTACT_ONLINE;
    force(200, "{\"delivered\":1}", 1);
    say("on the way");
    fake_swarm_run(&net);
    listening_stop(alice);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED); /* its acknowledgement could not come any more */
    ck_assert(sent->fell_back);
    say("offline");
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert(!sent->synchronous);
    stop();
}
END_TEST

/* Requests, and what nobody has written, are stored even for one who is ONLINE. */
START_TEST(only_texts_are_synchronous)
{
    start();
    size_t stores = logged("store"), delivers = logged("deliver");
    friend_send_background(contact);
    fake_swarm_run(&net);
    ck_assert_uint_eq(logged("store"), stores + 3);
    blob_drop(contact->session); /* only then a friend may be asked again */
    contact->session = NULL;
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_LIT("Once more"), &sent), OK);
    fake_swarm_run(&net);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    ck_assert_int_eq(sent->state, SEND_STORED);
    ck_assert(!sent->synchronous);
    ck_assert_uint_eq(logged("store"), stores + 6);
    ck_assert_uint_eq(logged("deliver"), delivers);
    stop();
}
END_TEST

/* The client goes while everything is under way: nothing is left behind. */
START_TEST(freed_in_flight)
{
    start();
    for (int i = 0; i < 40; i++)
        say("cut off");
    fake_env_run(&net.fake);
    presence_failed(contact);
    say("and this");
    fake_env_crash(&net.fake);
    stop();
}
END_TEST

TEST_MAIN("route", online_friend_is_sent_to_synchronously, way_is_without_the_node, absent_friend_falls_back_at_once,
          troubled_node_gets_a_second_try, second_try_goes_another_way, second_try_gets_no_more_time,
          silence_falls_back, all_fall_back_in_order, too_many_wait, waiting_ones_fail_at_once, late_acknowledgement,
          acknowledged_while_storing, strange_receipts_do_nothing, only_online_is_synchronous,
          only_texts_are_synchronous, freed_in_flight)
