/* verify_message.c: vectors of what messages are made of: protobuf.json, friend_request.json, message_hash.json. */
#include <string.h>

#include "common/message_hash.h"
#include "common/suite.h"
#include "common/text.h"
#include "proto/envelope.h"
#include "sim/verify_vector.h"

#define ROUND_TRIP_BYTES_MAX (1u << 20)

/* ---- protobuf.json ---- */

static bool same_value(const struct json *a, const struct json *b);

static bool same_members(const struct json *a, const struct json *b)
{
    for (const struct json *member = json_first(a); member != NULL; member = json_next(member)) {
        const struct json *other = json_get(b, json_name(member));

        if (other == NULL || !same_value(member, other))
            return false;
    }
    return true;
}

static bool same_elements(const struct json *a, const struct json *b)
{
    const struct json *other = json_first(b);

    for (const struct json *item = json_first(a); item != NULL; item = json_next(item), other = json_next(other))
        if (!same_value(item, other))
            return false;
    return true;
}

/* Whether two values say the same, whatever the order of members. */
static bool same_value(const struct json *a, const struct json *b)
{
    int64_t number_a, number_b;

    if (json_is_object(a))
        return json_is_object(b) && json_count(a) == json_count(b) && same_members(a, b);
    if (json_is_array(a))
        return json_is_array(b) && json_count(a) == json_count(b) && same_elements(a, b);
    if (json_is_string(a))
        return json_is_string(b) && bytes_equal(json_string(a), json_string(b));
    if (json_is_bool(a))
        return json_is_bool(b) && json_true(a) == json_true(b);
    return json_integer(a, &number_a) == OK && json_integer(b, &number_b) == OK && number_a == number_b;
}

static void verify_fields(struct verify *v, const struct json *expected, struct bytes got)
{
    enum err err;
    struct json *document = json_parse(got, &err);

    verify_that(v, document != NULL && expected != NULL && same_value(expected, document), "fields");
    json_free(document);
}

static void verify_protobuf(struct verify *v, const struct json *vector)
{
    struct bytes name = verify_text(v, vector, "message");
    struct bytes wire = verify_hex(v, vector, "wire_hex");
    const struct json *fields = verify_object(v, vector, "fields");
    struct buf again, json;
    enum err err;

    buf_init(&again, ROUND_TRIP_BYTES_MAX);
    buf_init(&json, ROUND_TRIP_BYTES_MAX);
    err = protobuf_round_trip(arena_printf(&v->arena, "%.*s", (int)name.len, (const char *)name.data), wire, &again,
                              &json);
    if (err == ERR_NOT_FOUND) {
        verify_unreadable(v, "the schema has no message '%.*s'", (int)name.len, (const char *)name.data);
    } else if (err != OK) {
        verify_that(v, false, "wire_hex decodes");
    } else {
        verify_fields(v, fields, buf_bytes(&json));
        verify_bytes(v, "wire_hex", wire, buf_bytes(&again));
    }
    buf_fini(&json);
    buf_fini(&again);
}

const struct verify_section verify_protobuf_sections[] = {{"cases", verify_protobuf}, {NULL, NULL}};

/* ---- friend_request.json ---- */

static struct x25519_pair get_party(struct verify *v, const struct json *vector, const char *name)
{
    const struct json *object = verify_object(v, vector, name);
    struct account_id account = verify_account(v, object, "public");
    struct x25519_public expected = account_x25519(&account);
    struct x25519_pair pair;

    verify_hex_into(v, object, "private", pair.secret.bytes, sizeof(pair.secret.bytes));
    x25519_public_of(&pair.secret, &pair.public);
    verify_bytes(v, name, BYTES_OF(expected.bytes), BYTES_OF(pair.public.bytes));
    return pair;
}

static void verify_message(struct verify *v, const struct json *vector, const struct shared_key *key)
{
    struct bytes plain = verify_hex(v, vector, "plaintext_hex");
    struct bytes body = verify_hex(v, vector, "body_hex");
    size_t sealed_len = seal_bytes(ENC_AES_CBC, plain.len);
    uint8_t *sealed = arena_alloc(&v->arena, sealed_len);
    uint8_t *opened = arena_alloc(&v->arena, body.len);
    size_t opened_len = 0;
    uint8_t iv[16];

    verify_hex_into(v, vector, "iv", iv, sizeof(iv));
    crypto_real.seal(ENC_AES_CBC, key, iv, plain, sealed);
    verify_bytes(v, "body_hex", body, (struct bytes){sealed, sealed_len});
    verify_that(v, crypto_real.open(ENC_AES_CBC, key, body, opened, &opened_len) == OK, "body_hex opens");
    verify_bytes(v, "plaintext_hex", plain, (struct bytes){opened, opened_len});
}

/* The agreement of the long-term keys, from the side of `from`. */
static struct shared_key agree(struct verify *v, const struct x25519_pair *from, const struct x25519_pair *to)
{
    struct shared_key key = {{0}};

    verify_that(v, crypto_real.agree(from, &to->public, &key) == OK, "the keys agree");
    return key;
}

static void verify_session(struct verify *v, const struct json *vector)
{
    struct x25519_pair alice = get_party(v, vector, "alice");
    struct x25519_pair bob = get_party(v, vector, "bob");
    struct bytes shared = verify_hex(v, vector, "shared_secret");
    struct shared_key of_alice = agree(v, &alice, &bob);
    struct shared_key of_bob = agree(v, &bob, &alice);
    const struct json *messages = verify_array(v, vector, "messages");
    size_t index = 0;

    verify_bytes(v, "shared_secret", shared, BYTES_OF(of_alice.bytes));
    verify_bytes(v, "shared_secret", shared, BYTES_OF(of_bob.bytes));
    for (const struct json *message = json_first(messages); message != NULL; message = json_next(message)) {
        verify_enter(v, "messages", index++);
        verify_message(v, message, bytes_equal_text(verify_text(v, message, "from"), "alice") ? &of_alice : &of_bob);
        verify_leave(v);
    }
}

static void verify_must_fail(struct verify *v, const struct json *vector)
{
    struct x25519_pair alice = get_party(v, vector, "alice");
    struct x25519_pair bob = get_party(v, vector, "bob");
    struct bytes body = verify_hex(v, vector, "body_hex");
    struct shared_key key = agree(v, &bob, &alice);
    uint8_t *opened = arena_alloc(&v->arena, body.len + 1);
    size_t len;

    verify_that(v, crypto_real.open(ENC_AES_CBC, &key, body, opened, &len) != OK, "body_hex is refused");
}

static void verify_padding(struct verify *v, const struct json *vector)
{
    struct bytes plain = verify_hex(v, vector, "unpadded_hex");
    struct bytes padded = verify_hex(v, vector, "padded_hex");
    int64_t len = verify_integer(v, vector, "padded_length");
    struct bytes unpadded = BYTES_NONE;

    verify_number(v, "padded_length", (uint64_t)len, padded_bytes(plain.len));
    verify_bytes(v, "padded_hex", padded, content_pad(plain, &v->arena));
    verify_that(v, content_unpad(padded, &unpadded) == OK, "padded_hex has padding");
    verify_bytes(v, "unpadded_hex", plain, unpadded);
}

const struct verify_section verify_friend_request_sections[] = {
    {"sessions", verify_session},
    {"must_fail", verify_must_fail},
    {"padding", verify_padding},
    {NULL, NULL},
};

/* ---- message_hash.json ---- */

static void verify_message_hash(struct verify *v, const struct json *vector)
{
    struct account_id account = verify_account(v, vector, "pubkey");
    int64_t namespace = verify_integer(v, vector, "namespace");
    struct bytes data = verify_hex(v, vector, "data_hex");
    char hash[MESSAGE_HASH_CHARS];

    if (namespace < INT16_MIN || namespace > INT16_MAX) {
        verify_unreadable(v, "the member 'namespace' must be from -32768 to 32767");
        return;
    }
    message_hash(&account, (int16_t) namespace, data, hash);
    verify_string(v, "hash", verify_text(v, vector, "hash"), BYTES_OF(hash));
    verify_bytes(v, "data_base64", data, verify_base64(v, vector, "data_base64"));
}

const struct verify_section verify_message_hash_sections[] = {{"cases", verify_message_hash}, {NULL, NULL}};
