#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/friend.h"
#include "client/receive.h"
#include "common/text.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static const struct sent *sent;
static uint32_t numbers;

static void start(void)
{
    fake_swarm_init(&net, 21, 1);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    numbers = 0;
}

static void stop(void)
{
    fake_env_run(&net.fake);
    client_free(alice);
    client_free(bob);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

static enum friend_state state(struct client *client, struct client *other)
{
    return client_friend_state(client, client_account(other));
}

static void ask(struct client *client, struct client *other)
{
    ck_assert_int_eq(client_befriend(client, client_account(other), BYTES_LIT("Hi"), &sent), OK);
}

static size_t shown(const struct client *client)
{
    size_t count = 0;
    for (const struct received *received = client_inbox(client); received != NULL; received = received->next)
        count++;
    return count;
}

/* Stored by hand, as if it had come. */
static bool give(struct client *client, struct blob *data)
{
    char hex[128];
    uint8_t hash[64] = {0};

    store_le32(hash, ++numbers);
    hex_encode(hex, BYTES_OF(hash));
    bool taken =
        receive_stored(client, &(struct rpc_message){BYTES_OF(hex), net.fake.now_ms + 100000, blob_bytes(data)});
    blob_drop(data);
    fake_env_run(&net.fake);
    return taken;
}

/* 0 -> 1 while it is sent -> 2 once a node has it; the other 0 -> 3; accepted: 4, and the asker 4 with the first
 * message of the session, which is stored for four days; the asker's answer completes the ratchet. */
START_TEST(asked_and_accepted)
{
    start();
    ck_assert_int_eq(state(alice, bob), FRIEND_NONE);
    ask(alice, bob);
    ck_assert_int_eq(state(alice, bob), FRIEND_SENDING);
    ck_assert_uint_eq(sent->ttl_ms, TTL_FRIEND_REQUEST_MS);
    fake_swarm_run(&net);
    ck_assert_int_eq(state(alice, bob), FRIEND_ASKED);
    friends_poll(&net, bob);
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    ck_assert_uint_eq(shown(bob), 1);
    ck_assert_str_eq(contact_find(bob, client_account(alice))->display_name, "Alice");

    size_t before = fake_swarm_logged(&net, "store");
    ck_assert_int_eq(client_accept(bob, client_account(alice)), OK);
    ck_assert_int_eq(state(bob, alice), FRIEND_FRIENDS);
    fake_swarm_run(&net);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), before + 3);
    const struct fake_node *node = &net.nodes[fake_swarm_log(&net, "store", before)->target];
    ck_assert_int_eq(node->stored[node->stored_count - 1].expiration_ms, net.fake.now_ms + TTL_FRIEND_REQUEST_MS);
    ck_assert_ptr_null(contact_find(bob, client_account(alice))->bundle);

    friends_poll(&net, alice);
    ck_assert_int_eq(state(alice, bob), FRIEND_FRIENDS);
    ck_assert_uint_eq(shown(alice), 0); /* it is no message of a person */
    ck_assert_uint_eq(contact_find(alice, client_account(bob))->one_time.id, 0);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), before + 6);
    friends_poll(&net, bob);
    ck_assert_uint_eq(fake_swarm_logged(&net, "store"), before + 6); /* nothing is answered for ever */
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_UNREADABLE), 0);

    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("Now we can talk"), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(bob), 2);
    stop();
}
END_TEST

/* No row of the table lets one ask twice, or oneself; nor send before one is a friend. */
START_TEST(locked_while_pending)
{
    start();
    ck_assert_int_eq(client_befriend(alice, client_account(alice), BYTES_LIT("me"), &sent), ERR_REFUSED);
    ask(alice, bob);
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_LIT("1"), &sent), ERR_DUPLICATE);
    fake_swarm_run(&net);
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_LIT("2"), &sent), ERR_DUPLICATE);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("2"), &sent), ERR_REFUSED);
    friends_poll(&net, bob);
    ck_assert_int_eq(client_befriend(bob, client_account(alice), BYTES_LIT("3"), &sent), ERR_DUPLICATE);
    ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("3"), &sent), ERR_REFUSED);
    ck_assert_int_eq(client_accept(alice, client_account(bob)), ERR_NOT_FOUND);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), OK);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), ERR_NOT_FOUND);
    ck_assert_int_eq(client_befriend(bob, client_account(alice), BYTES_LIT("4"), &sent), ERR_DUPLICATE);
    fake_swarm_run(&net);
    stop();
}
END_TEST

/* A request that no node takes: back to 0, and it may be made again. */
START_TEST(failed_request_is_none)
{
    start();
    net.fake.disk_err = ERR_IO;
    ask(alice, bob);
    fake_env_run(&net.fake);
    ck_assert_int_eq(sent->state, SEND_FAILED);
    ck_assert_int_eq(state(alice, bob), FRIEND_NONE);
    net.fake.disk_err = OK;
    ask(alice, bob);
    fake_swarm_run(&net);
    ck_assert_int_eq(state(alice, bob), FRIEND_ASKED);
    stop();
}
END_TEST

/* Declining: 0, the bundle is gone, and nothing is sent. One may be asked again. */
START_TEST(declined_in_silence)
{
    start();
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi")));
    size_t calls = net.fake.call_count;
    ck_assert_int_eq(client_decline(bob, client_account(alice)), OK);
    ck_assert_int_eq(client_decline(bob, client_account(alice)), ERR_NOT_FOUND);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), ERR_NOT_FOUND);
    ck_assert_int_eq(state(bob, alice), FRIEND_NONE);
    ck_assert_ptr_null(contact_find(bob, client_account(alice))->bundle);
    fake_swarm_run_ms(&net, 1000);
    ck_assert_uint_eq(net.fake.call_count, calls);
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Please")));
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    stop();
}
END_TEST

/* 2 -> 5 after 72 hours and not before; then one may ask again; an acceptance that comes late still counts. */
START_TEST(own_request_expires)
{
    start();
    ask(alice, bob);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), OK);
    fake_swarm_run(&net);
    net.fake.now_ms += LIMIT_REQUEST_LOCK_MS - 1;
    ck_assert_int_eq(state(alice, bob), FRIEND_ASKED);
    net.fake.now_ms++;
    ck_assert_int_eq(state(alice, bob), FRIEND_EXPIRED);
    friends_poll(&net, alice);
    ck_assert_int_eq(state(alice, bob), FRIEND_FRIENDS);
    stop();
}
END_TEST

START_TEST(expired_may_ask_again)
{
    start();
    ask(alice, bob);
    fake_swarm_run(&net);
    net.fake.now_ms += LIMIT_REQUEST_LOCK_MS;
    ask(alice, bob);
    ck_assert_int_eq(state(alice, bob), FRIEND_SENDING);
    fake_swarm_run(&net);
    ck_assert_int_eq(state(alice, bob), FRIEND_ASKED);
    friends_poll(&net, bob); /* both requests: the later one replaces the earlier */
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    ck_assert_uint_eq(shown(bob), 2);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), OK);
    fake_swarm_run(&net);
    friends_poll(&net, alice);
    ck_assert_int_eq(state(alice, bob), FRIEND_FRIENDS);
    stop();
}
END_TEST

/* What was asked is not held open for ever: after its four days it is as if nobody had asked. */
START_TEST(their_request_expires)
{
    start();
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi")));
    net.fake.now_ms += TTL_FRIEND_REQUEST_MS - 1;
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    net.fake.now_ms++;
    ck_assert_int_eq(state(bob, alice), FRIEND_NONE);
    ck_assert_int_eq(client_accept(bob, client_account(alice)), ERR_NOT_FOUND);
    ask(bob, alice);
    fake_swarm_run(&net);
    stop();
}
END_TEST

/* A newer one replaces it: its four days, its prekeys and its name count. */
START_TEST(newer_request_replaces)
{
    start();
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi")));
    struct prekey_bundle first = *contact_find(bob, client_account(alice))->bundle;
    contact_find(bob, client_account(alice))->display_name[0] = 'X';
    one_time_prekey_forget(&contact_find(alice, client_account(bob))->one_time);
    net.fake.now_ms += 1000;
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi again")));
    ck_assert_uint_ne(contact_find(bob, client_account(alice))->bundle->prekey_id, first.prekey_id);
    ck_assert_str_eq(contact_find(bob, client_account(alice))->display_name, "Alice");
    net.fake.now_ms += TTL_FRIEND_REQUEST_MS - 1;
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    net.fake.now_ms++;
    ck_assert_int_eq(state(bob, alice), FRIEND_NONE);
    stop();
}
END_TEST

/* A request to one who has asked: accepted at once, in states 1, 2 and 5. */
START_TEST(both_ask)
{
    for (int i = 0; i < 3; i++) {
        start();
        ask(bob, alice);
        if (i > 0)
            fake_swarm_run(&net);
        if (i > 1)
            net.fake.now_ms += LIMIT_REQUEST_LOCK_MS;
        enum friend_state before = i == 0 ? FRIEND_SENDING : i == 1 ? FRIEND_ASKED : FRIEND_EXPIRED;
        ck_assert_int_eq(state(bob, alice), before);
        ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi")));
        ck_assert_int_eq(state(bob, alice), FRIEND_FRIENDS);
        fake_swarm_run(&net);
        friends_poll(&net, alice); /* the acceptance, and a request perhaps */
        ck_assert_int_eq(state(alice, bob), FRIEND_FRIENDS);
        fake_swarm_run(&net);
        friends_poll(&net, bob);
        ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("one"), &sent), OK);
        ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("two"), &sent), OK);
        fake_swarm_run(&net);
        size_t bobs = shown(bob), alices = shown(alice);
        friends_poll(&net, alice);
        friends_poll(&net, bob);
        ck_assert_uint_eq(shown(bob), bobs + 1);
        ck_assert_uint_eq(shown(alice), alices + 1);
        stop();
    }
}
END_TEST

/* Both at the same time: each has two sessions, and they settle on one. */
START_TEST(both_at_once)
{
    start();
    ask(alice, bob);
    ask(bob, alice);
    fake_swarm_run(&net);
    friends_poll(&net, alice);
    friends_poll(&net, bob);
    ck_assert_int_eq(state(alice, bob), FRIEND_FRIENDS);
    ck_assert_int_eq(state(bob, alice), FRIEND_FRIENDS);
    for (int i = 0; i < 5; i++) {
        size_t bobs = shown(bob), alices = shown(alice);
        ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("one"), &sent), OK);
        ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("two"), &sent), OK);
        fake_swarm_run(&net);
        friends_poll(&net, alice);
        friends_poll(&net, bob);
        ck_assert_uint_eq(shown(bob), bobs + 1);
        ck_assert_uint_eq(shown(alice), alices + 1);
    }
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_UNREADABLE), 0);
    stop();
}
END_TEST

/* A friend who lost all asks again: accepted at once, state 4 as before, with a new session. */
START_TEST(friend_lost_all)
{
    uint8_t seed[32];
    start();
    friends_make(&net, alice, bob);
    client_free(alice);
    memset(seed, 0xc1, sizeof seed);
    seed[0] = 1;
    alice = client_new(&(struct client_config){&net.fake.env, &net.preset, &net.lists, seed, "Alice", net.sessions});
    net.fake.now_ms += 1000;
    ask(alice, bob);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    ck_assert_int_eq(state(bob, alice), FRIEND_FRIENDS);
    friends_poll(&net, alice);
    ck_assert_int_eq(state(alice, bob), FRIEND_FRIENDS);
    ck_assert_int_eq(client_send(bob, client_account(alice), BYTES_LIT("again"), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, alice);
    ck_assert_uint_eq(shown(alice), 1);
    stop();
}
END_TEST

/* A request of somebody blocked is dropped unopened: nobody is asked, and nothing of it is kept. One may block whom one
 * does not know yet, and think better of it. */
START_TEST(blocked_may_not_ask)
{
    start();
    ck_assert_int_eq(client_block(bob, client_account(bob), true), ERR_REFUSED);
    ck_assert_int_eq(client_block(bob, client_account(alice), false), OK);
    ck_assert_ptr_null(bob->contacts);
    ck_assert_int_eq(client_block(bob, client_account(alice), true), OK);
    struct blob *request = friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi");
    uint64_t opened = net.fake.charged[COST_X25519];
    ck_assert(!give(bob, request));
    ck_assert_uint_eq(net.fake.charged[COST_X25519], opened);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_UNREADABLE)->n[0], MESSAGE_FROM_BLOCKED);
    ck_assert_int_eq(state(bob, alice), FRIEND_NONE);
    ck_assert_ptr_null(contact_find(bob, client_account(alice))->bundle);
    ck_assert_uint_eq(shown(bob), 0);
    ck_assert_int_eq(client_block(bob, client_account(alice), false), OK);
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Please")));
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    stop();
}
END_TEST

/* Prekeys whose signature is wrong: refused when they would be used, and the request is dropped with them. */
START_TEST(bad_prekeys_are_refused)
{
    start();
    ck_assert(give(bob, friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi")));
    contact_find(bob, client_account(alice))->bundle->signature[5] ^= 1;
    ck_assert_int_eq(client_accept(bob, client_account(alice)), ERR_CRYPTO);
    ck_assert_int_eq(state(bob, alice), FRIEND_NONE);
    ck_assert_ptr_null(contact_find(bob, client_account(alice))->session);
    stop();
}
END_TEST

/* Delivered at a listening node a request is none, and the same bytes from the swarm still are one. */
START_TEST(delivered_request_is_none)
{
    start();
    struct blob *request = friends_request(alice, client_account(bob), (uint64_t)net.fake.now_ms, "Hi");
    ck_assert(!receive_heard(bob, blob_bytes(request)));
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_UNREADABLE)->n[0], MESSAGE_UNKNOWN_TYPE);
    ck_assert_int_eq(state(bob, alice), FRIEND_NONE);
    ck_assert(give(bob, request));
    ck_assert_int_eq(state(bob, alice), FRIEND_ASKING);
    stop();
}
END_TEST

/* A text too long is refused before any work is done. */
START_TEST(long_introduction_costs_nothing)
{
    uint8_t longest[LIMIT_INTRODUCTION_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    start();
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_OF(longest), &sent), ERR_TOO_BIG);
    ck_assert_ptr_null(alice->contacts);
    for (int i = 0; i < COST_COUNT; i++)
        ck_assert_uint_eq(net.fake.charged[i], 0);
    stop();
}
END_TEST

/* A session message of somebody who never asked, and of one who did with prekeys that were not made for him. */
START_TEST(strangers_begin_no_session)
{
    start();
    struct client *carol = fake_swarm_client(&net, 3);
    friends_make(&net, alice, bob);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("for bob"), &sent), OK);
    fake_swarm_run(&net);
    uint32_t node = fake_swarm_by_key(&net, &sent->stored_at[0]);
    const struct fake_stored *stored = &net.nodes[node].stored[net.nodes[node].stored_count - 1];
    ck_assert(!give(carol, blob_copy(bytes_text(stored->data))));
    ck_assert_ptr_null(carol->contacts);
    client_free(carol);
    stop();
}
END_TEST

TEST_MAIN("friend", asked_and_accepted, locked_while_pending, failed_request_is_none, declined_in_silence,
          own_request_expires, expired_may_ask_again, their_request_expires, newer_request_replaces, both_ask,
          both_at_once, friend_lost_all, blocked_may_not_ask, bad_prekeys_are_refused, delivered_request_is_none,
          long_introduction_costs_nothing, strangers_begin_no_session)
