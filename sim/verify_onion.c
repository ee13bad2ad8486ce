/* verify_onion.c: vectors of onion requests (onion.json): single layers and their contents. */
#include "sim/verify_onion.h"

#include <string.h>

static const struct crypto_suite *const suite = &crypto_real;

enum enc_type verify_enc_type(struct verify *v, struct bytes text)
{
    enum enc_type type = ENC_AES_GCM;

    if (enc_type_from_text(text, &type) != OK)
        verify_unreadable(v, "'%.*s' is no type of encryption", (int)text.len, (const char *)text.data);
    return type;
}

struct onion_seed verify_seed(struct verify *v, const struct json *layer, enum enc_type type, struct x25519_pair *pair)
{
    struct onion_seed seed;
    struct x25519_public expected;

    verify_hex_into(v, layer, "ephemeral_secret", seed.secret.bytes, sizeof(seed.secret.bytes));
    verify_hex_into(v, layer, "ephemeral_public", expected.bytes, sizeof(expected.bytes));
    memset(seed.nonce, 0, sizeof(seed.nonce));
    verify_hex_into(v, layer, "nonce", seed.nonce, seal_nonce_bytes(type));
    pair->secret = seed.secret;
    suite->ephemeral_public(&pair->secret, &pair->public);
    verify_bytes(v, "ephemeral_public", BYTES_OF(expected.bytes), BYTES_OF(pair->public.bytes));
    return seed;
}

void verify_layer_key(struct verify *v, const struct json *layer, enum enc_type type, const struct x25519_pair *own,
                      const struct x25519_public *theirs, bool own_is_client, struct shared_key *key)
{
    struct shared_key shared = {{0}};
    struct bytes expected = verify_hex(v, layer, "key");

    memset(key, 0, sizeof(*key));
    verify_that(v, suite->agree(own, theirs, &shared) == OK, "the keys agree");
    verify_bytes(v, "dh_shared", verify_hex(v, layer, "dh_shared"), BYTES_OF(shared.bytes));
    verify_that(v, onion_layer_key(suite, type, own, theirs, own_is_client, key) == OK, "the keys agree");
    verify_bytes(v, own_is_client ? "key, of the client" : "key, of the node", expected, BYTES_OF(key->bytes));
}

static void verify_seal(struct verify *v, const struct json *object, enum enc_type type, const struct shared_key *key,
                        const uint8_t *nonce)
{
    struct bytes plain = verify_hex(v, object, "plaintext_hex");
    struct bytes sealed = verify_hex(v, object, "ciphertext_hex");
    size_t own_len = seal_bytes(type, plain.len);
    uint8_t *own = arena_alloc(&v->arena, own_len);

    suite->seal(type, key, nonce, plain, own);
    verify_bytes(v, "ciphertext_hex", sealed, (struct bytes){own, own_len});
}

void verify_open(struct verify *v, struct bytes expected, enum enc_type type, const struct shared_key *key,
                 struct bytes sealed)
{
    uint8_t *opened = arena_alloc(&v->arena, sealed.len + 1);
    size_t len = 0;

    verify_that(v, suite->open(type, key, sealed, opened, &len) == OK, "the ciphertext opens");
    verify_bytes(v, "plaintext_hex", expected, (struct bytes){opened, len});
}

static void verify_reply(struct verify *v, const struct json *reply, enum enc_type type, const struct shared_key *key)
{
    uint8_t nonce[SEAL_NONCE_MAX];

    verify_hex_into(v, reply, "nonce", nonce, seal_nonce_bytes(type));
    verify_seal(v, reply, type, key, nonce);
    verify_open(v, verify_hex(v, reply, "plaintext_hex"), type, key, verify_hex(v, reply, "ciphertext_hex"));
}

static void verify_single_layer(struct verify *v, const struct json *vector)
{
    enum enc_type type = verify_enc_type(v, verify_text(v, vector, "enc_type"));
    struct x25519_pair client, node;
    struct onion_seed seed = verify_seed(v, vector, type, &client);
    struct x25519_public node_public;
    struct shared_key client_key, node_key;

    verify_hex_into(v, vector, "node_x25519_secret", node.secret.bytes, sizeof(node.secret.bytes));
    verify_hex_into(v, vector, "node_x25519_public", node_public.bytes, sizeof(node_public.bytes));
    x25519_public_of(&node.secret, &node.public);
    verify_bytes(v, "node_x25519_public", BYTES_OF(node_public.bytes), BYTES_OF(node.public.bytes));
    verify_layer_key(v, vector, type, &client, &node_public, true, &client_key);
    verify_layer_key(v, vector, type, &node, &client.public, false, &node_key);
    verify_seal(v, vector, type, &client_key, seed.nonce);
    verify_open(v, verify_hex(v, vector, "plaintext_hex"), type, &node_key, verify_hex(v, vector, "ciphertext_hex"));
    verify_reply(v, verify_object(v, vector, "reply"), type, &node_key);
    if (type != ENC_AES_CBC) { /* which authenticates nothing */
        struct bytes tampered = verify_hex(v, vector, "tampered_ciphertext_hex");
        size_t len;

        verify_that(v, suite->open(type, &node_key, tampered, arena_alloc(&v->arena, tampered.len + 1), &len) != OK,
                    "tampered_ciphertext_hex is refused");
    }
}

/* The blob of a frame: as hex, or by the one rule there is. */
static struct bytes get_blob(struct verify *v, const struct json *vector)
{
    int64_t len = verify_integer(v, vector, "blob_length");
    uint8_t *blob;

    if (json_get(vector, "blob_rule") == NULL)
        return verify_hex(v, vector, "blob_hex");
    if (!bytes_equal_text(verify_text(v, vector, "blob_rule"), "byte i is (i * 7) mod 256") || len < 0 ||
        len > 1000000) {
        verify_unreadable(v, "the members 'blob_rule' and 'blob_length' have a rule or a length that is not known");
        return BYTES_NONE;
    }
    blob = arena_alloc(&v->arena, (size_t)len + 1);
    for (size_t i = 0; i < (size_t)len; i++)
        blob[i] = (uint8_t)(i * 7);
    return (struct bytes){blob, (size_t)len};
}

/* The JSON of a frame: an object of strings, in the order of the vector. */
static void write_frame_json(struct verify *v, const struct json *object, struct buf *out)
{
    json_open(out, '{');
    for (const struct json *member = json_first(object); member != NULL; member = json_next(member)) {
        if (!json_is_string(member))
            verify_unreadable(v, "the members of 'json' must be text");
        json_write_name(out, json_name(member));
        json_write_text(out, json_string(member));
    }
    json_close(out, '}');
}

static void verify_framing(struct verify *v, const struct json *vector)
{
    struct bytes blob = get_blob(v, vector);
    struct bytes framed = BYTES_NONE, blob_again = BYTES_NONE, json_again = BYTES_NONE;
    uint8_t *place, sha256[32];
    struct buf json;

    buf_init(&json, 10000);
    write_frame_json(v, verify_object(v, vector, "json"), &json);
    verify_number(v, "blob_length", (uint64_t)verify_integer(v, vector, "blob_length"), blob.len);
    verify_that(v, onion_frame(&v->arena, blob.len, buf_bytes(&json), &place, &framed) == OK, "the parts are framed");
    if (framed.len > 0 && blob.len > 0)
        memcpy(place, blob.data, blob.len);
    verify_number(v, "payload_length", (uint64_t)verify_integer(v, vector, "payload_length"), framed.len);
    hash_sha256(framed, sha256);
    verify_bytes(v, "payload_sha256", verify_hex(v, vector, "payload_sha256"), BYTES_OF(sha256));
    if (json_get(vector, "blob_rule") == NULL)
        verify_bytes(v, "payload_hex", verify_hex(v, vector, "payload_hex"), framed);
    verify_that(v, onion_unframe(framed, &blob_again, &json_again) == OK, "the frame is taken apart");
    verify_bytes(v, "blob", blob, blob_again);
    verify_bytes(v, "json", buf_bytes(&json), json_again);
    buf_fini(&json);
}

/* What a node makes of a payload: sealed for it under any keys, and peeled. */
static struct onion_peeled peel_payload(struct verify *v, struct bytes payload)
{
    struct x25519_pair client = {.secret = {{1}}}, node = {.secret = {{2}}};
    const uint8_t nonce[SEAL_NONCE_MAX] = {3};
    struct onion_layer layer = {.enc_type = ENC_AES_GCM};
    struct shared_key key = {{0}};
    struct onion_peeled peeled = {.kind = ONION_INVALID};
    uint8_t *sealed = arena_alloc(&v->arena, seal_bytes(ENC_AES_GCM, payload.len));

    suite->ephemeral_public(&client.secret, &client.public);
    x25519_public_of(&node.secret, &node.public);
    layer.ephemeral = client.public;
    layer.ciphertext = (struct bytes){sealed, seal_bytes(ENC_AES_GCM, payload.len)};
    verify_that(v, onion_layer_key(suite, ENC_AES_GCM, &client, &node.public, true, &key) == OK, "the keys agree");
    suite->seal(ENC_AES_GCM, &key, nonce, payload, sealed);
    verify_that(v, onion_peel(suite, ONION_V2, &v->arena, &node, &layer, &peeled) == OK, "the layer opens");
    return peeled;
}

static void verify_bad_framing(struct verify *v, const struct json *vector)
{
    struct onion_peeled peeled = peel_payload(v, verify_hex(v, vector, "payload_hex"));

    verify_that(v, peeled.kind == ONION_INVALID, "payload_hex is refused");
}

static const char *kind_text(enum onion_kind kind)
{
    switch (kind) {
    case ONION_FINAL:
        return "final";
    case ONION_RELAY_NODE:
        return "relay_node";
    case ONION_RELAY_SERVER:
        return "relay_server";
    case ONION_INVALID:
        return "invalid_json";
    }
    return "";
}

static void verify_payload_kind(struct verify *v, const struct json *vector)
{
    struct bytes payload = verify_hex(v, vector, "payload_hex");
    struct onion_peeled peeled = peel_payload(v, payload);
    struct bytes blob = BYTES_NONE, json;

    verify_string(v, "kind", verify_text(v, vector, "kind"), bytes_text(kind_text(peeled.kind)));
    verify_that(v, onion_unframe(payload, &blob, &json) == OK, "the payload is framed");
    if (peeled.kind == ONION_FINAL)
        verify_bytes(v, "body", blob, peeled.body);
    else if (peeled.kind == ONION_RELAY_NODE)
        verify_bytes(v, "ciphertext of the next layer", blob, peeled.next.ciphertext);
}

const struct verify_section verify_onion_sections[] = {
    {"single_layer", verify_single_layer},
    {"framing", verify_framing},
    {"bad_framing", verify_bad_framing},
    {"payload_kinds", verify_payload_kind},
    {"paths_v2", verify_path_v2},
    {"paths_v1", verify_path_v1},
    {NULL, NULL},
};
