#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/message.h"
#include "common/text.h"
#include "proto/envelope.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob, *carol;

static void start(const struct crypto_suite *suite)
{
    fake_swarm_init(&net, 3, 1);
    net.preset.suite = suite;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
    carol = fake_swarm_client(&net, 3);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    client_free(carol);
    fake_swarm_fini(&net);
}

static struct blob *seal(const char *text)
{
    return friends_request(alice, client_account(bob), 1234, text);
}

static enum message_fault open_by(struct client *client, struct bytes data, struct message_opened *opened)
{
    struct envelope envelope;
    enum message_fault fault = message_unwrap(client, data, &envelope);
    if (fault != MESSAGE_READABLE)
        return fault;
    ck_assert(account_equal(&envelope.source, client_account(alice)));
    return message_open_request(client, &envelope, opened);
}

/* What one seals the other opens, and nobody else; also with the modelled suite. */
START_TEST(only_the_recipient_opens)
{
    const struct crypto_suite *suites[] = {&crypto_real, &crypto_modelled};
    for (size_t i = 0; i < 2; i++) {
        struct message_opened opened;
        start(suites[i]);
        struct blob *data = seal("Grüße");
        ck_assert_int_eq(open_by(bob, blob_bytes(data), &opened), MESSAGE_READABLE);
        ck_assert(bytes_equal_text(opened.text, "Grüße"));
        ck_assert(bytes_equal_text(opened.display_name, "Alice"));
        ck_assert(account_equal(&opened.bundle.identity, client_account(alice)));
        enum message_fault fault = open_by(carol, blob_bytes(data), &opened);
        ck_assert(fault == MESSAGE_NOT_DECRYPTED || fault == MESSAGE_BAD_PADDING);
        ck_assert_int_eq(open_by(alice, blob_bytes(data), &opened), MESSAGE_FROM_ONESELF);
        ck_assert_uint_gt(net.fake.charged[COST_X25519], 0);
        blob_drop(data);
        stop();
    }
}
END_TEST

/* The sizes show no more than the padding lets through; the IV differs each time. */
START_TEST(padded_and_random)
{
    start(&crypto_real);
    struct blob *one = seal("a"), *two = seal("bbbbbbbbbbbbbbbb"), *again = seal("a");
    ck_assert_uint_eq(one->len, two->len);
    ck_assert(!bytes_equal(blob_bytes(one), blob_bytes(again)));
    blob_drop(one);
    blob_drop(two);
    blob_drop(again);
    stop();
}
END_TEST

/* An id that is no key cannot be written to. */
START_TEST(no_key_no_message)
{
    struct account_id zero = {.bytes = {ACCOUNT_PREFIX}};
    struct content_parts content = {.has_data = true, .body = BYTES_LIT("x")};
    struct blob *data;
    start(&crypto_real);
    ck_assert_int_eq(message_seal_request(alice, &zero, 1, &content, &data), ERR_CRYPTO);
    stop();
}
END_TEST

/* `content` wrapped as alice would, as base64 in the arena. */
static struct bytes wrap(uint32_t type, struct bytes content)
{
    struct arena *arena = net.fake.env.arena;
    struct envelope envelope = {.type = type, .source = *client_account(alice), .timestamp_ms = 5, .content = content};
    struct bytes wire;
    ck_assert_int_eq(envelope_wrap(&envelope, 1, arena, &wire), OK);
    uint8_t *text = arena_alloc(arena, BASE64_LEN(wire.len));
    base64_encode((char *)text, wire);
    return (struct bytes){text, BASE64_LEN(wire.len)};
}

/* The same with that plaintext, encrypted for bob. */
static struct bytes encrypted(struct bytes plain)
{
    static const uint8_t iv[SEAL_NONCE_MAX] = {1};
    struct x25519_pair own = client_pair(alice);
    struct x25519_public theirs = account_x25519(client_account(bob));
    struct shared_key key;
    size_t len = seal_bytes(ENC_AES_CBC, plain.len);
    uint8_t *out = arena_alloc(net.fake.env.arena, len);
    ck_assert_int_eq(net.preset.suite->agree(&own, &theirs, &key), OK);
    net.preset.suite->seal(ENC_AES_CBC, &key, iv, plain, out);
    return wrap(ENVELOPE_FRIEND_REQUEST, (struct bytes){out, len});
}

static struct bytes with_content(const struct content_parts *content)
{
    struct bytes plain;
    ck_assert_int_eq(content_encode(content, net.fake.env.arena, &plain), OK);
    return encrypted(content_pad(plain, net.fake.env.arena));
}

static enum message_fault open_by_bob(struct bytes data)
{
    struct message_opened opened;
    struct envelope envelope;
    enum message_fault fault = message_unwrap(bob, data, &envelope);
    return fault == MESSAGE_READABLE ? message_open_request(bob, &envelope, &opened) : fault;
}

/* Every layer may be broken, and each has its reason. */
START_TEST(broken_layers_have_reasons)
{
    char longest[LIMIT_INTRODUCTION_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    start(&crypto_real);
    ck_assert_int_eq(open_by_bob(BYTES_NONE), MESSAGE_IGNORED); /* no type */
    ck_assert_int_eq(open_by_bob(BYTES_LIT("###")), MESSAGE_NOT_BASE64);
    ck_assert_int_eq(open_by_bob(BYTES_LIT("AAAA")), MESSAGE_NOT_WRAPPED);
    ck_assert_int_eq(open_by_bob(BYTES_LIT("CAI=")), MESSAGE_IGNORED); /* a WebSocket RESPONSE */
    ck_assert_int_eq(open_by_bob(wrap(77, BYTES_LIT("x"))), MESSAGE_UNKNOWN_TYPE);
    ck_assert_int_eq(open_by_bob(wrap(ENVELOPE_FRIEND_REQUEST, BYTES_NONE)), MESSAGE_NOT_DECRYPTED);
    ck_assert_int_eq(open_by_bob(wrap(ENVELOPE_FRIEND_REQUEST, BYTES_LIT("too short"))), MESSAGE_NOT_DECRYPTED);
    ck_assert_int_eq(open_by_bob(encrypted(BYTES_LIT("no padding"))), MESSAGE_BAD_PADDING);
    ck_assert_int_eq(open_by_bob(encrypted(content_pad(BYTES_LIT("\xff\xff\xff"), net.fake.env.arena))),
                     MESSAGE_BAD_CONTENT);
    ck_assert_int_eq(open_by_bob(with_content(&(struct content_parts){0})), MESSAGE_WITHOUT_TEXT);
    ck_assert_int_eq(open_by_bob(with_content(&(struct content_parts){.has_data = true})), MESSAGE_WITHOUT_TEXT);
    ck_assert_int_eq(open_by_bob(with_content(&(struct content_parts){.has_data = true, .body = BYTES_OF(longest)})),
                     MESSAGE_TEXT_TOO_LONG);
    struct content_parts content = {.has_data = true, .body = {(const uint8_t *)longest, sizeof longest - 1}};
    ck_assert_int_eq(open_by_bob(with_content(&content)), MESSAGE_WITHOUT_BUNDLE);
    content.has_bundle = true;
    contact_own_bundle(contact_get(alice, client_account(bob)), &content.bundle);
    ck_assert_int_eq(open_by_bob(with_content(&content)), MESSAGE_READABLE);
    content.bundle.identity = *client_account(carol);
    ck_assert_int_eq(open_by_bob(with_content(&content)), MESSAGE_FOREIGN_BUNDLE);
    ck_assert_int_eq(open_by_bob(encrypted(content_pad(BYTES_LIT("\x0a\x03\x0a\x01\xc3"), net.fake.env.arena))),
                     MESSAGE_BAD_CONTENT); /* a dataMessage whose body is the byte c3 */
    stop();
}
END_TEST

/* A name that cannot be shown is left out; the text is shown all the same. */
START_TEST(bad_names_are_left_out)
{
    char longest[LIMIT_DISPLAY_NAME_BYTES + 1];
    struct message_opened opened;
    memset(longest, 'x', sizeof longest);
    start(&crypto_real);
    struct content_parts content = {
        .has_data = true, .body = BYTES_LIT("hi"), .has_display_name = true, .display_name = BYTES_OF(longest)};
    content.has_bundle = true;
    contact_own_bundle(contact_get(alice, client_account(bob)), &content.bundle);
    ck_assert_int_eq(open_by(bob, with_content(&content), &opened), MESSAGE_READABLE);
    ck_assert_uint_eq(opened.display_name.len, 0);
    content.display_name.len--;
    ck_assert_int_eq(open_by(bob, with_content(&content), &opened), MESSAGE_READABLE);
    ck_assert_uint_eq(opened.display_name.len, LIMIT_DISPLAY_NAME_BYTES);
    stop();
}
END_TEST

/* Any byte may be changed: it is refused or read, and nothing worse. */
START_TEST(changed_bytes_do_no_harm)
{
    start(&crypto_real);
    struct blob *data = seal("Hello");
    uint8_t wire[1024];
    size_t len = sizeof wire;
    ck_assert_int_eq(base64_decode(wire, &len, blob_bytes(data)), OK);
    for (size_t i = 0; i < len; i++) {
        char text[BASE64_LEN(sizeof wire)];
        wire[i] ^= 0x41;
        base64_encode(text, (struct bytes){wire, len});
        enum message_fault fault = open_by_bob((struct bytes){(const uint8_t *)text, BASE64_LEN(len)});
        ck_assert(fault < MESSAGE_FAULT_COUNT);
        wire[i] ^= 0x41;
    }
    blob_drop(data);
    stop();
}
END_TEST

TEST_MAIN("message", only_the_recipient_opens, padded_and_random, no_key_no_message, broken_layers_have_reasons,
          bad_names_are_left_out, changed_bytes_do_no_harm)
