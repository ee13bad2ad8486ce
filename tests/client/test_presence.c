#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/deliver.h"
#include "client/listening.h"
#include "client/presence.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static struct contact *contact; /* bob, as alice knows him */
static const struct sent *sent;

/* Friends; alice listens. */
static void start(void)
{
    fake_swarm_init(&net, 21, 1);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    friends_make(&net, alice, bob);
    contact = contact_find(alice, client_account(bob));
    net.fake.now_ms += 1000000; /* what their friendship began with is long ago */
    listening_start(alice);
    fake_swarm_run_ms(&net, 10);
    ck_assert(client_listening(alice));
}

/* And bob too, and both know it. */
static void start_online(void)
{
    start();
    friends_meet(&net, alice, bob);
    fake_swarm_run_ms(&net, 500);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}

static struct listen_status at(uint32_t node)
{
    return (struct listen_status){.reachable = true, .node = net.entries[node].ed25519, .valid_s = 120};
}

static uint64_t ago_ms(int64_t ms)
{
    return (uint64_t)(net.fake.now_ms - ms);
}

static size_t delivers(void)
{
    return fake_swarm_logged(&net, "deliver");
}

static size_t delivers_to(const struct client *client)
{
    char account[67] = {0};
    size_t count = 0;
    account_to_hex(client_account(client), account);
    for (size_t i = 0; i < delivers(); i++)
        count += strcmp(fake_swarm_log(&net, "deliver", i)->pubkey, account) == 0;
    return count;
}

/* Onions with a `deliver` in them that have left, wherever they got to. */
static size_t delivers_sent(void)
{
    size_t count = 0;
    for (size_t i = 0; i < net.fake.trace_count; i++)
        count += net.fake.traces[i].kind == TRACE_ONION_SENT &&
                 bytes_equal_text(blob_bytes(net.fake.traces[i].b[1]), "deliver");
    return count;
}

/* That node takes whatever is delivered, and nobody is behind it. */
static void swallow(uint32_t node)
{
    net.nodes[node].forced_method = "deliver";
    net.nodes[node].forced_status = 200;
    net.nodes[node].forced_body = "{\"delivered\":1}";
    net.nodes[node].forced_times = 100;
}

/* Stored, at most 120 s old, while alice listens: OFFLINE -> PROBING, and a ping to that node. */
START_TEST(fresh_status_is_probed)
{
    start();
    struct listen_status status = at(3);
    presence_on_stored(contact, &status, ago_ms(LIMIT_STATUS_FRESH_MS));
    ck_assert_int_eq(contact->presence, CONTACT_PROBING);
    ck_assert_ptr_nonnull(contact->ping);
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers(), 1);
    ck_assert_uint_eq(fake_swarm_log(&net, "deliver", 0)->target, 3);
    ck_assert_uint_eq(fake_swarm_log(&net, "deliver", 0)->status, 404); /* nobody is there */
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    stop();
}
END_TEST

/* Older: noted, and no more. The same for one from the future, and for one that a newer one overtook. */
START_TEST(stale_status_is_noted)
{
    struct listen_status status;
    start();
    status = at(3);
    presence_on_stored(contact, &status, ago_ms(LIMIT_STATUS_FRESH_MS + 1));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    ck_assert(contact->has_node);
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers(), 0);
    status = at(4);
    presence_on_stored(contact, &status, ago_ms(LIMIT_STATUS_FRESH_MS + 2));
    ck_assert_mem_eq(&contact->node, &net.entries[3].ed25519, 32);
    presence_on_stored(contact, &status, ago_ms(-LIMIT_FUTURE_MS - 1));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    stop();
}
END_TEST

/* Not while alice does not listen herself; but once she does. */
START_TEST(listener_alone_probes)
{
    start();
    listening_stop(alice);
    fake_swarm_run_ms(&net, LIMIT_LISTEN_HOLD_MS);
    struct listen_status status = at(3);
    presence_on_stored(contact, &status, ago_ms(0));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers(), 0);
    listening_start(alice);
    fake_swarm_run_ms(&net, 10);
    ck_assert_uint_eq(delivers(), 1);
    stop();
}
END_TEST

/* HOST_UNREACHABLE: OFFLINE from everywhere; the node is forgotten. */
START_TEST(unreachable_is_offline)
{
    const struct listen_status gone = {0};
    start_online();
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    presence_on_stored(contact, &gone, ago_ms(-1000));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    ck_assert(!contact->has_node);
    struct listen_status status = at(3);
    presence_on_stored(contact, &status, ago_ms(-1001));
    ck_assert_int_eq(contact->presence, CONTACT_PROBING);
    presence_on_stored(contact, &gone, ago_ms(-1002));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    ck_assert_ptr_null(contact->ping);
    stop();
}
END_TEST

/* ONLINE, and a stored message names another node: PROBING that one. The same node: a ping, and it stays. */
START_TEST(moved_contact_is_probed)
{
    struct listen_status status;
    start_online();
    size_t before = delivers();
    status = (struct listen_status){true, contact->node, 120};
    presence_on_stored(contact, &status, ago_ms(-1000));
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    ck_assert_ptr_nonnull(contact->ping);
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers(), before + 1);
    fake_swarm_run_ms(&net, 500);
    ck_assert_ptr_null(contact->ping); /* acknowledged */
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);

    uint32_t other = (fake_swarm_by_key(&net, &contact->node) + 1) % 21;
    status = at(other);
    presence_on_stored(contact, &status, ago_ms(-2000));
    ck_assert_int_eq(contact->presence, CONTACT_PROBING);
    ck_assert_mem_eq(&contact->node, &net.entries[other].ed25519, 32);
    stop();
}
END_TEST

/* While a ping is under way: another node is pinged instead, the same one not again; in ONLINE neither. */
START_TEST(one_ping_at_a_time)
{
    struct listen_status status;
    start();
    swallow(3);
    swallow(4);
    status = at(3);
    presence_on_stored(contact, &status, ago_ms(5));
    fake_swarm_run(&net);
    status = at(4);
    presence_on_stored(contact, &status, ago_ms(4));
    ck_assert_int_eq(contact->presence, CONTACT_PROBING);
    fake_swarm_run(&net);
    presence_on_stored(contact, &status, ago_ms(3));
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers(), 2);
    ck_assert_uint_eq(fake_swarm_log(&net, "deliver", 1)->target, 4);
    presence_on_heard(contact, &status, ago_ms(2));
    fake_swarm_run_ms(&net, LIMIT_ACK_MS - 1);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    presence_on_stored(contact, &status, ago_ms(1));
    fake_swarm_run(&net);
    ck_assert_uint_eq(delivers(), 2);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE); /* ten seconds after the ping, whatever came since */
    stop();
}
END_TEST

/* What is old says nothing against what is known of one who is ONLINE. */
START_TEST(stale_status_moves_nobody)
{
    start_online();
    struct ed25519_public before = contact->node;
    struct listen_status status = at((fake_swarm_by_key(&net, &before) + 1) % 21);
    contact->status_ms = 0; /* as if the last one had come long ago */
    presence_on_stored(contact, &status, ago_ms(LIMIT_STATUS_FRESH_MS + 1));
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    ck_assert_mem_eq(&contact->node, &before, sizeof before);
    stop();
}
END_TEST

/* A node that nobody lists is nowhere. */
START_TEST(unknown_node_is_offline)
{
    start();
    struct listen_status status = {true, {{7}}, 120};
    presence_on_stored(contact, &status, ago_ms(0));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    ck_assert_ptr_null(contact->ping);
    stop();
}
END_TEST

/* Something synchronous with a node: ONLINE from OFFLINE and PROBING. Without a status: only one who is ONLINE already
 * counts as heard. */
START_TEST(heard_is_online)
{
    start();
    struct listen_status status = at(3);
    presence_on_heard(contact, NULL, ago_ms(10));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    presence_on_heard(contact, &status, ago_ms(9));
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    ck_assert_mem_eq(&contact->node, &status.node, 32);
    presence_failed(contact);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    presence_on_heard(contact, &status, ago_ms(9)); /* an old envelope, but it came just now */
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    const struct listen_status gone = {0};
    presence_on_heard(contact, &gone, ago_ms(8));
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    stop();
}
END_TEST

/* An acknowledgement: PROBING -> ONLINE, ONLINE stays, OFFLINE stays too. */
START_TEST(acknowledgement_is_online)
{
    const struct receipt receipt = {RECEIPT_DELIVERY, NULL, 0};
    start();
    presence_acknowledged(contact, &receipt);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    struct listen_status status = at(3);
    presence_on_stored(contact, &status, ago_ms(0));
    ck_assert_int_eq(contact->presence, CONTACT_PROBING);
    presence_acknowledged(contact, &receipt);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    presence_acknowledged(contact, &receipt);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    stop();
}
END_TEST

/* The acknowledgement of a ping says where its sender listens: the one who pinged need not know it from before. */
START_TEST(acknowledgement_tells_the_node)
{
    start();
    struct contact *back = contact_find(bob, client_account(alice));
    struct listen_status status;
    listening_start(bob);
    fake_swarm_run_ms(&net, 10);
    listening_status(alice, &status);
    presence_on_stored(back, &status, ago_ms(0));
    fake_swarm_run(&net);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE); /* bob's ping is here */
    ck_assert_int_eq(back->presence, CONTACT_PROBING);
    back->has_node = false;
    fake_swarm_run_ms(&net, 300);
    ck_assert_int_eq(back->presence, CONTACT_ONLINE);
    ck_assert(back->has_node);
    ck_assert_mem_eq(&back->node, &status.node, sizeof status.node);
    stop();
}
END_TEST

/* Ten seconds without an acknowledgement, and not before: OFFLINE. */
START_TEST(silence_after_a_ping_is_offline)
{
    start();
    swallow(3);
    struct listen_status status = at(3);
    presence_on_stored(contact, &status, ago_ms(0));
    fake_swarm_run_ms(&net, LIMIT_ACK_MS - 1);
    ck_assert_int_eq(contact->presence, CONTACT_PROBING); /* that a node took it proves nothing */
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    stop();
}
END_TEST

/* Answers of the node: 404 and 421 end it at once, all others after one more try. */
START_TEST(answers_of_the_node)
{
    static const struct {
        uint16_t status;
        uint32_t tries;
    } cases[] = {{404, 1}, {421, 1}, {504, 2}, {429, 2}, {500, 2}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        start();
        uint32_t node = 3;
        net.nodes[node].forced_method = "deliver";
        net.nodes[node].forced_status = cases[i].status;
        net.nodes[node].forced_times = 5;
        struct listen_status status = at(node);
        presence_on_stored(contact, &status, ago_ms(0));
        fake_swarm_run_ms(&net, LIMIT_DELIVER_RETRY_MS - 1);
        ck_assert_int_eq(contact->presence, cases[i].tries == 1 ? CONTACT_OFFLINE : CONTACT_PROBING);
        fake_swarm_run_ms(&net, 10);
        ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
        ck_assert_uint_eq(delivers(), cases[i].tries);
        if (cases[i].tries == 2 && cases[i].status != 429 && cases[i].status != 500)
            ck_assert_uint_ne(snode_pool_find(&alice->pool, &net.entries[node].ed25519), NODE_NONE);
        stop();
    }
}
END_TEST

/* An onion that fails: once more after 1 s, and then it is over, long before the ten seconds are. */
START_TEST(failures_of_the_onion)
{
    static const enum fake_mode modes[] = {FAKE_SILENT, FAKE_BABBLES, FAKE_NOT_READY};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        start();
        net.nodes[3].mode = modes[i];
        struct listen_status status = at(3);
        presence_on_stored(contact, &status, ago_ms(0));
        fake_swarm_run_ms(&net, LIMIT_DELIVER_RETRY_MS - 1);
        ck_assert_int_eq(contact->presence, CONTACT_PROBING);
        ck_assert_uint_eq(delivers_sent(), 1);
        fake_swarm_run_ms(&net, 10);
        ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
        ck_assert_uint_eq(delivers_sent(), 2);
        stop();
    }
}
END_TEST

/* Silence of 60 s if the contact's key is the smaller one, of 120 s if not: a ping, to the millisecond. Whatever was
 * heard counts from then. The contact stays ONLINE until the ping has failed. */
START_TEST(silence_is_pinged)
{
    for (int side = 0; side < 2; side++) {
        start();
        listening_start(bob);
        fake_swarm_run_ms(&net, 10);
        struct contact *silent = side == 0 ? contact : contact_find(bob, client_account(alice));
        bool smaller =
            bytes_compare(BYTES_OF(silent->account.bytes), BYTES_OF(client_account(silent->client)->bytes)) < 0;
        int64_t interval_ms = smaller ? 60000 : 120000;
        struct listen_status status = at(3);
        swallow(3);
        presence_on_heard(silent, &status, ago_ms(0));
        fake_swarm_run_ms(&net, interval_ms - 1);
        presence_acknowledged(silent, &(struct receipt){RECEIPT_DELIVERY, NULL, 0});
        fake_swarm_run_ms(&net, interval_ms - 1);
        presence_on_heard(silent, NULL, ago_ms(0));
        fake_swarm_run_ms(&net, interval_ms - 1);
        ck_assert_uint_eq(delivers_sent(), 0);
        fake_swarm_run_ms(&net, 1);
        fake_swarm_run(&net);
        ck_assert_uint_eq(delivers_sent(), 1);
        fake_swarm_run_ms(&net, LIMIT_ACK_MS - 1);
        ck_assert_int_eq(silent->presence, CONTACT_ONLINE);
        fake_swarm_run_ms(&net, 1);
        ck_assert_int_eq(silent->presence, CONTACT_OFFLINE);
        stop();
    }
}
END_TEST

/* While both are there, one side pings: the one whose contact has the smaller key, every 60 s. */
START_TEST(one_side_pings)
{
    start_online();
    size_t before = delivers();
    fake_swarm_run_ms(&net, LIMIT_PING_MS - 2000);
    ck_assert_uint_eq(delivers(), before);
    fake_swarm_run_ms(&net, 3000);
    ck_assert_uint_eq(delivers(), before + 2); /* a ping, and its acknowledgement */
    const struct fake_log *ping = fake_swarm_log(&net, "deliver", before);
    bool bob_is_smaller =
        bytes_compare(BYTES_OF(client_account(bob)->bytes), BYTES_OF(client_account(alice)->bytes)) < 0;
    char smaller[67] = {0};
    account_to_hex(client_account(bob_is_smaller ? bob : alice), smaller);
    ck_assert_str_eq(ping->pubkey, smaller);
    fake_swarm_run_ms(&net, LIMIT_PING_MS);
    ck_assert_uint_eq(delivers(), before + 4);
    ck_assert_int_eq(contact->presence, CONTACT_ONLINE);
    stop();
}
END_TEST

/* One who is gone is looked for every 120 s, until the last sign is 10 minutes old; then no timer is left. */
START_TEST(lost_contact_is_given_up)
{
    start_online();
    for (uint32_t i = 0; i < 21; i++) {
        net.nodes[i].forced_method = "deliver";
        net.nodes[i].forced_status = 404;
        net.nodes[i].forced_times = 100;
    }
    presence_failed(contact);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    size_t before = delivers_to(bob);
    fake_swarm_run_ms(&net, LIMIT_PING_OFFLINE_MS - 1);
    ck_assert_uint_eq(delivers_to(bob), before);
    fake_swarm_run_ms(&net, 10);
    ck_assert_uint_eq(delivers_to(bob), before + 1);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    fake_swarm_run_ms(&net, LIMIT_PING_GIVE_UP_MS);
    ck_assert_uint_eq(delivers_to(bob), before + 5);
    ck_assert(!timer_running(&contact->timer));
    stop();
}
END_TEST

/* Alice stops: all are OFFLINE for her, those who were online are told, and no timer is left. */
START_TEST(stopping_tells_friends)
{
    start_online();
    listening_stop(alice);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    ck_assert(!timer_running(&contact->timer));
    fake_swarm_run_ms(&net, 500);
    ck_assert_int_eq(client_contact_state(bob, client_account(alice)), CONTACT_OFFLINE);
    ck_assert(!contact_find(bob, client_account(alice))->has_node);
    stop();
}
END_TEST

/* So is one who is being probed, who is not told, since nobody knows that there is anybody. */
START_TEST(stopping_ends_probing)
{
    start();
    swallow(3);
    struct listen_status status = at(3);
    presence_on_stored(contact, &status, ago_ms(0));
    fake_swarm_run(&net);
    ck_assert_int_eq(contact->presence, CONTACT_PROBING);
    listening_stop(alice);
    ck_assert_int_eq(contact->presence, CONTACT_OFFLINE);
    ck_assert_ptr_null(contact->ping);
    ck_assert(!timer_running(&contact->timer));
    fake_swarm_run_ms(&net, LIMIT_ACK_MS);
    ck_assert_uint_eq(delivers(), 1);
    stop();
}
END_TEST

/* The whole of it: a stored text finds the other one, and from then on they are ONLINE for one another. */
START_TEST(typical_run)
{
    start();
    friends_meet(&net, alice, bob);
    ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("hello"), &sent), OK);
    size_t stores = fake_swarm_logged(&net, "store");
    fake_swarm_run_ms(&net, 500);
    ck_assert_int_eq(sent->state, SEND_ACKNOWLEDGED);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), stores);
    stop();
}
END_TEST

TEST_MAIN("presence", fresh_status_is_probed, stale_status_is_noted, listener_alone_probes, unreachable_is_offline,
          moved_contact_is_probed, one_ping_at_a_time, stale_status_moves_nobody, unknown_node_is_offline,
          heard_is_online, acknowledgement_is_online, acknowledgement_tells_the_node, silence_after_a_ping_is_offline,
          answers_of_the_node, failures_of_the_onion, silence_is_pinged, one_side_pings, lost_contact_is_given_up,
          stopping_tells_friends, stopping_ends_probing, typical_run)
