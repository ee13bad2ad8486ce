#include "common/onion.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/loki_key.h"
#include "common/onion_keys.h"
#include "common/text.h"

#define FRAME_HEAD_BYTES 4 /* length of the bytes in front, little-endian */

static const struct {
    const char *text;
    enum enc_type type;
} enc_types[] = {
    {"aes-gcm", ENC_AES_GCM}, {"gcm", ENC_AES_GCM},         {"aes-cbc", ENC_AES_CBC},
    {"cbc", ENC_AES_CBC},     {"xchacha20", ENC_XCHACHA20}, {"xchacha20-poly1305", ENC_XCHACHA20},
};

enum err enc_type_from_text(struct bytes text, enum enc_type *out)
{
    for (size_t i = 0; i < ARRAY_LEN(enc_types); i++) {
        if (bytes_equal_text(text, enc_types[i].text)) {
            *out = enc_types[i].type;
            return OK;
        }
    }
    return ERR_FORMAT;
}

const char *enc_type_text(enum enc_type type)
{
    switch (type) {
    case ENC_AES_GCM:
        return "aes-gcm";
    case ENC_AES_CBC:
        return "aes-cbc";
    case ENC_XCHACHA20:
        return "xchacha20";
    case ENC_TYPE_COUNT:
        break;
    }
    ASSERT(!"a type of encryption");
    return "";
}

/* PROTOCOL 4.2 */
enum err onion_layer_key(const struct crypto_suite *suite, enum enc_type type, const struct x25519_pair *own,
                         const struct x25519_public *theirs, bool own_is_client, struct shared_key *out)
{
    const struct x25519_public *client = own_is_client ? &own->public : theirs;
    const struct x25519_public *node = own_is_client ? theirs : &own->public;
    struct shared_key shared;
    enum err err = suite->agree(own, theirs, &shared);

    if (err != OK)
        return err;
    switch (type) {
    case ENC_AES_GCM:
        loki_key(shared.bytes, out->bytes);
        break;
    case ENC_AES_CBC:
        *out = shared;
        break;
    case ENC_XCHACHA20:
        hash_blake2b_256((const struct bytes[]){BYTES_OF(shared.bytes), BYTES_OF(client->bytes), BYTES_OF(node->bytes)},
                         3, out->bytes);
        break;
    case ENC_TYPE_COUNT:
        ASSERT(!"a type of encryption");
        break;
    }
    crypto_wipe(&shared, sizeof(shared));
    return OK;
}

enum err onion_unframe(struct bytes text, struct bytes *blob, struct bytes *json)
{
    size_t blob_len;

    if (text.len < FRAME_HEAD_BYTES)
        return ERR_FORMAT;
    text = bytes_slice(text, FRAME_HEAD_BYTES, text.len - FRAME_HEAD_BYTES);
    blob_len = load_le32(text.data - FRAME_HEAD_BYTES);
    if (blob_len > text.len)
        return ERR_FORMAT;
    *blob = bytes_slice(text, 0, blob_len);
    *json = bytes_slice(text, blob_len, text.len - blob_len);
    return OK;
}

enum err onion_frame(struct arena *arena, size_t blob_len, struct bytes json, uint8_t **blob, struct bytes *framed)
{
    uint8_t *out;

    if (blob_len > LIMIT_BODY_BYTES || json.len > LIMIT_BODY_BYTES ||
        FRAME_HEAD_BYTES + blob_len + json.len > LIMIT_BODY_BYTES)
        return ERR_TOO_BIG;
    out = arena_alloc(arena, FRAME_HEAD_BYTES + blob_len + json.len);
    store_le32(out, (uint32_t)blob_len);
    *blob = out + FRAME_HEAD_BYTES;
    memcpy(*blob + blob_len, json.data, json.len);
    *framed = (struct bytes){out, FRAME_HEAD_BYTES + blob_len + json.len};
    return OK;
}

enum err onion_read_key(const struct json *object, const char *name, uint8_t out[32])
{
    struct bytes hex;
    enum err err = json_get_string(object, name, &hex);

    return err == OK ? hex_decode(out, 32, hex) : err;
}

enum err onion_read_base64(struct arena *arena, struct bytes base64, struct bytes *out)
{
    size_t len = BASE64_MAX_DECODED(base64.len);
    uint8_t *decoded = arena_alloc(arena, len + 1); /* never none at all */
    enum err err = base64_decode(decoded, &len, base64);

    *out = (struct bytes){decoded, err == OK ? len : 0};
    return err;
}

enum err onion_read_keys(enum onion_version version, struct arena *arena, const struct json *object, struct bytes blob,
                         struct onion_layer *layer)
{
    const struct json *enc_type = json_get(object, "enc_type");
    enum err err;

    layer->enc_type = ENC_AES_GCM;
    if (version == ONION_V2) {
        layer->ciphertext = blob;
        if (enc_type != NULL) {
            err = json_is_string(enc_type) ? enc_type_from_text(json_string(enc_type), &layer->enc_type) : ERR_FORMAT;
            if (err != OK)
                return err;
        }
    } else {
        struct bytes base64;

        err = json_get_string(object, "ciphertext", &base64);
        if (err == OK)
            err = onion_read_base64(arena, base64, &layer->ciphertext);
        if (err != OK)
            return err;
    }
    return onion_read_key(object, "ephemeral_key", layer->ephemeral.bytes);
}

/* `headers` is `""`, or an object of what would be HTTP headers in a direct request, whose names ignore case. */
static void read_final(const struct json *object, struct onion_peeled *out)
{
    const struct json *headers = json_get(object, "headers");
    const struct json *base64 = json_get(object, "base64");

    out->kind = ONION_FINAL;
    if (headers != NULL && json_is_object(headers))
        for (const struct json *header = json_first(headers); header != NULL; header = json_next(header))
            if (strcasecmp(json_name(header), "X-Loki-Long-Poll") == 0)
                out->long_poll = true;
    out->reply_as_json = json_true(json_get(object, "json"));
    out->reply_raw = base64 != NULL && json_is_bool(base64) && !json_true(base64);
}

static void read_relay_server(struct arena *arena, const struct json *object, struct onion_peeled *out)
{
    struct bytes host, target;

    if (json_get_string(object, "host", &host) != OK || json_get_string(object, "target", &target) != OK)
        return;
    out->kind = ONION_RELAY_SERVER;
    out->host = arena_copy(arena, host);
    out->target = arena_copy(arena, target);
}

static void read_relay_node(enum onion_version version, struct arena *arena, const struct json *object,
                            struct bytes blob, struct onion_peeled *out)
{
    if (onion_read_key(object, "destination", out->destination.bytes) == OK &&
        onion_read_keys(version, arena, object, blob, &out->next) == OK)
        out->kind = ONION_RELAY_NODE;
}

/* What a hop does with a decrypted payload: PROTOCOL 4.3 and 4.4, in this order of roles. `out` comes as ONION_INVALID
 * and stays so if the payload is of no use. */
static void read_payload(enum onion_version version, struct arena *arena, struct bytes payload,
                         struct onion_peeled *out)
{
    struct bytes blob = BYTES_NONE;
    struct bytes text = payload;
    struct json *document;
    enum err err;

    if (version == ONION_V2 && onion_unframe(payload, &blob, &text) != OK)
        return;
    document = json_parse(text, &err);
    if (document == NULL)
        return;
    if (version == ONION_V2 && json_get(document, "headers") != NULL) {
        read_final(document, out);
        out->body = blob;
    } else if (version == ONION_V1 && json_get(document, "body") != NULL) {
        struct bytes body;

        if (json_get_string(document, "body", &body) == OK) {
            read_final(document, out);
            out->body = arena_copy(arena, body);
        }
    } else if (json_get(document, "host") != NULL) {
        read_relay_server(arena, document, out);
    } else {
        read_relay_node(version, arena, document, blob, out);
    }
    json_free(document);
}

enum err onion_peel(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                    const struct x25519_pair *own, const struct onion_layer *layer, struct onion_peeled *out)
{
    uint8_t *plain;
    size_t len;
    enum err err;

    memset(out, 0, sizeof(*out));
    out->kind = ONION_INVALID;
    out->reply_key.enc_type = layer->enc_type;
    err = onion_layer_key(suite, layer->enc_type, own, &layer->ephemeral, false, &out->reply_key.key);
    if (err != OK)
        return err;
    plain = arena_alloc(arena, layer->ciphertext.len);
    err = suite->open(layer->enc_type, &out->reply_key.key, layer->ciphertext, plain, &len);
    if (err != OK)
        return err;
    read_payload(version, arena, (struct bytes){plain, len}, out);
    out->next.hop_no = layer->hop_no + 1;
    return OK;
}

/* The members are in the order in which servers write them. */
static void write_reply(struct buf *out, uint16_t status, struct bytes body, bool embed)
{
    json_open(out, '{');
    json_write_name(out, "body");
    if (embed)
        json_write_raw(out, body);
    else
        json_write_text(out, body);
    json_write_name(out, "status");
    json_write_u64(out, status);
    json_close(out, '}');
}

struct blob *onion_seal_reply(const struct crypto_suite *suite, const struct reply_key *key, const uint8_t *nonce,
                              uint16_t status, struct bytes body, bool body_is_json, bool as_json, bool raw)
{
    struct buf plain;
    struct blob *reply;
    size_t sealed_len;

    buf_init(&plain, 6 * body.len + 64); /* every character escaped as \u00xx, and the frame */
    write_reply(&plain, status, body, body_is_json && as_json);
    ASSERT(plain.err == OK);
    sealed_len = seal_bytes(key->enc_type, plain.len);
    if (raw) {
        reply = blob_new(sealed_len);
        suite->seal(key->enc_type, &key->key, nonce, buf_bytes(&plain), reply->data);
    } else {
        uint8_t *sealed = xmalloc(sealed_len);

        suite->seal(key->enc_type, &key->key, nonce, buf_bytes(&plain), sealed);
        reply = blob_new(BASE64_LEN(sealed_len));
        base64_encode((char *)reply->data, (struct bytes){sealed, sealed_len});
        free(sealed);
    }
    buf_fini(&plain);
    return reply;
}

static enum err read_reply(struct arena *arena, struct bytes plain, uint16_t *status, struct bytes *body)
{
    struct json *document;
    struct bytes text;
    int64_t number;
    enum err err;

    document = json_parse(plain, &err);
    if (document == NULL)
        return ERR_FORMAT;
    if (json_get_integer(document, "status", &number) != OK || number < 100 || number > 999 ||
        json_get_string(document, "body", &text) != OK) {
        err = ERR_FORMAT;
    } else {
        err = OK;
        *status = (uint16_t)number;
        *body = arena_copy(arena, text);
    }
    json_free(document);
    return err;
}

enum err onion_open_reply(const struct crypto_suite *suite, const struct reply_key *key, struct arena *arena,
                          struct bytes reply, uint16_t *status, struct bytes *body)
{
    size_t sealed_len = BASE64_MAX_DECODED(reply.len);
    uint8_t *sealed = arena_alloc(arena, sealed_len + 1); /* never none at all */
    uint8_t *plain;
    size_t plain_len;
    enum err err;

    if (base64_decode(sealed, &sealed_len, reply) != OK)
        return ERR_CRYPTO;
    plain = arena_alloc(arena, sealed_len + 1);
    err = suite->open(key->enc_type, &key->key, (struct bytes){sealed, sealed_len}, plain, &plain_len);
    if (err != OK)
        return err;
    return read_reply(arena, (struct bytes){plain, plain_len}, status, body);
}
