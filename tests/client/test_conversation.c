#include "tests/support/check_main.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/conversation.h"
#include "client/message.h"
#include "client/receive.h"
#include "common/text.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;
static struct contact *at_alice, *at_bob; /* bob, as alice knows him, and the other way */
static const struct sent *sent;

static void start(const struct crypto_suite *suite)
{
    fake_swarm_init(&net, 21, 1);
    net.preset.suite = suite;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    friends_make(&net, alice, bob);
    at_alice = contact_find(alice, client_account(bob));
    at_bob = contact_find(bob, client_account(alice));
}

static void stop(void)
{
    fake_env_run(&net.fake);
    client_free(alice);
    client_free(bob);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

static struct blob *seal(struct contact *to, const char *text, struct envelope *envelope)
{
    struct content_parts content = {.has_data = true, .body = bytes_text(text)};
    struct blob *data;
    uint64_t timestamp_ms = contact_timestamp(to);
    uint32_t type;

    ck_assert_int_eq(conversation_seal(to, timestamp_ms, &content, &data, &type), OK);
    ck_assert_int_eq(message_unwrap(to->client == alice ? bob : alice, blob_bytes(data), envelope), MESSAGE_READABLE);
    return data;
}

/* A message that was changed on the way: no session can read it. */
static void give_changed(struct contact *from)
{
    struct client *to = from->client == alice ? bob : alice;
    struct envelope envelope;
    struct blob *data = seal(from, "changed", &envelope), *changed;

    uint8_t *content = arena_alloc(net.fake.env.arena, envelope.content.len);
    memcpy(content, envelope.content.data, envelope.content.len);
    content[envelope.content.len - 1] ^= 1;
    envelope.content.data = content;
    ck_assert_int_eq(message_wrap(from->client, &envelope, &changed), OK);
    ck_assert(!receive_heard(to, blob_bytes(changed)));
    blob_drop(changed);
    blob_drop(data);
    fake_env_run(&net.fake);
}

static size_t shown(const struct client *client, const char *text)
{
    size_t count = 0;
    for (const struct received *received = client_inbox(client); received != NULL; received = received->next)
        count += bytes_equal_text(received->text, text);
    return count;
}

static void talk(const char *text)
{
    ck_assert_int_eq(client_send(alice, client_account(bob), bytes_text(text), &sent), OK);
    ck_assert_int_eq(client_send(bob, client_account(alice), bytes_text(text), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, alice);
    friends_poll(&net, bob);
    ck_assert_uint_eq(shown(alice, text), 1);
    ck_assert_uint_eq(shown(bob, text), 1);
}

/* Every content carries the own status, and leaves the record written. */
START_TEST(status_is_added)
{
    struct envelope envelope;
    struct content_parts content;
    struct bytes plain;
    start(&crypto_modelled);
    struct blob *data = seal(at_alice, "with it", &envelope);
    ck_assert_int_eq(conversation_open(at_bob, &envelope, &plain), OK);
    ck_assert_int_eq(content_decode(plain, net.fake.env.arena, &content), OK);
    ck_assert(content.has_status);
    ck_assert(!content.status.reachable);
    ck_assert(bytes_equal_text(content.body, "with it"));
    ck_assert_int_eq(conversation_open(at_bob, &envelope, &plain), ERR_DUPLICATE);
    ck_assert_uint_eq(at_bob->reset, RESET_NONE); /* a duplicate resets nothing */
    blob_drop(data);
    stop();
}
END_TEST

/* What cannot be read ends the session: told through the old one, begun anew from the bundle, confirmed; then both are
 * done, nothing of it is shown, and they talk on. In both suites. */
START_TEST(unreadable_resets)
{
    const struct crypto_suite *suites[] = {&crypto_real, &crypto_modelled};
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        start(suites[i]);
        size_t alices = fake_env_traces(&net.fake, TRACE_SHOWN);
        give_changed(at_alice);
        ck_assert_uint_eq(at_bob->reset, RESET_INITIATED);
        fake_swarm_run(&net);
        friends_poll(&net, alice);
        ck_assert_uint_eq(at_alice->reset, RESET_REQUESTED);
        friends_poll(&net, bob);
        ck_assert_uint_eq(at_bob->reset, RESET_NONE);
        friends_poll(&net, alice);
        ck_assert_uint_eq(at_alice->reset, RESET_NONE);
        ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_RESET), 4);
        ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_SHOWN), alices);
        talk("after it");
        ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_RESET), 4);
        stop();
    }
}
END_TEST

/* What was sent in the old session before the other side knew is read all the same, whenever it comes. */
START_TEST(old_messages_are_read)
{
    struct envelope envelope;
    struct bytes plain;
    start(&crypto_modelled);
    struct blob *early = seal(at_alice, "on the way", &envelope);
    give_changed(at_alice);
    fake_swarm_run(&net);
    friends_poll(&net, alice);
    friends_poll(&net, bob);
    friends_poll(&net, alice);
    ck_assert_uint_eq(at_bob->reset, RESET_NONE);
    ck_assert_int_eq(message_unwrap(bob, blob_bytes(early), &envelope), MESSAGE_READABLE);
    ck_assert_int_eq(conversation_open(at_bob, &envelope, &plain), OK);
    blob_drop(early);
    talk("and on");
    stop();
}
END_TEST

/* Both at once: one follows the other, and they end in one session. */
START_TEST(both_reset_at_once)
{
    start(&crypto_modelled);
    give_changed(at_alice);
    give_changed(at_bob);
    ck_assert_uint_eq(at_alice->reset, RESET_INITIATED);
    ck_assert_uint_eq(at_bob->reset, RESET_INITIATED);
    fake_swarm_run(&net);
    for (int i = 0; i < 3; i++) {
        friends_poll(&net, alice);
        friends_poll(&net, bob);
    }
    talk("settled");
    talk("for good");
    ck_assert_uint_eq(at_alice->reset, RESET_NONE);
    ck_assert_uint_eq(at_bob->reset, RESET_NONE);
    stop();
}
END_TEST

/* One reset at a time; one that nobody answers is over after four days. */
START_TEST(one_reset_at_a_time)
{
    start(&crypto_modelled);
    give_changed(at_alice);
    give_changed(at_alice);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_RESET), 1);
    net.fake.now_ms += LIMIT_RESET_MS - 1;
    give_changed(at_alice);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_RESET), 1);
    net.fake.now_ms++;
    give_changed(at_alice);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_RESET), 2);
    fake_swarm_run(&net);
    stop();
}
END_TEST

/* Without a session nothing is sealed; a friend whose session is lost may be asked again, which brings another. */
START_TEST(lost_session)
{
    start(&crypto_modelled);
    blob_drop(at_alice->session);
    at_alice->session = NULL;
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("x"), &sent), ERR_NOT_READY);
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_LIT("Once more"), &sent), OK);
    fake_swarm_run(&net);
    friends_poll(&net, bob);
    friends_poll(&net, alice);
    friends_poll(&net, bob);
    talk("again");
    stop();
}
END_TEST

/* A bundle that is another's makes the whole message unreadable. */
START_TEST(foreign_bundle_is_refused)
{
    struct content_parts content = {.has_data = true, .body = BYTES_LIT("x"), .has_bundle = true};
    struct blob *data;
    uint32_t type;
    start(&crypto_modelled);
    contact_own_bundle(at_alice, &content.bundle);
    content.bundle.identity = *client_account(bob);
    ck_assert_int_eq(conversation_seal(at_alice, contact_timestamp(at_alice), &content, &data, &type), OK);
    ck_assert(!receive_heard(bob, blob_bytes(data)));
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_UNREADABLE)->n[0], MESSAGE_FOREIGN_BUNDLE);
    ck_assert_ptr_null(at_bob->bundle);
    blob_drop(data);
    stop();
}
END_TEST

/* The longest text fits; one byte more is refused before anything is done. */
START_TEST(longest_text)
{
    uint8_t *text = xmalloc(LIMIT_TEXT_BYTES + 1);
    memset(text, 'x', LIMIT_TEXT_BYTES + 1);
    start(&crypto_modelled);
    ck_assert_int_eq(client_send(alice, client_account(bob), (struct bytes){text, LIMIT_TEXT_BYTES + 1}, &sent),
                     ERR_TOO_BIG);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_NONE, &sent), ERR_FORMAT);
    ck_assert_int_eq(client_send(alice, client_account(bob), BYTES_LIT("\xff"), &sent), ERR_FORMAT);
    ck_assert_int_eq(client_send(alice, client_account(bob), (struct bytes){text, LIMIT_TEXT_BYTES}, &sent), OK);
    fake_swarm_run(&net);
    ck_assert_int_eq(sent->state, SEND_STORED);
    friends_poll(&net, bob);
    const struct received *received = client_inbox(bob);
    while (received->next != NULL)
        received = received->next;
    ck_assert_uint_eq(received->text.len, LIMIT_TEXT_BYTES);
    free(text);
    stop();
}
END_TEST

TEST_MAIN("conversation", status_is_added, unreadable_resets, old_messages_are_read, both_reset_at_once,
          one_reset_at_a_time, lost_session, foreign_bundle_is_refused, longest_text)
