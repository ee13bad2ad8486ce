/* onion_wrap.c: the client's side of common/onion.h: layer upon layer, from the destination outwards. */
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/onion.h"
#include "common/text.h"

/* One onion in the making. */
struct wrapping {
    const struct crypto_suite *suite;
    enum onion_version version;
    struct arena *arena;
    struct buf json;    /* scratch, reused for every layer */
    struct bytes plain; /* what the next layer will seal; in the arena */
};

/* A layer that is known but not yet sealed. */
struct layer {
    const struct onion_hop *hop;
    const struct onion_seed *seed;
    struct x25519_public ephemeral;
    struct shared_key key;
};

static enum err layer_init(struct layer *layer, const struct crypto_suite *suite, const struct onion_hop *hop,
                           const struct onion_seed *seed)
{
    struct x25519_pair pair = {.secret = seed->secret};
    enum err err;

    suite->ephemeral_public(&pair.secret, &pair.public);
    layer->hop = hop;
    layer->seed = seed;
    layer->ephemeral = pair.public;
    err = onion_layer_key(suite, hop->enc_type, &pair, &hop->x25519, true, &layer->key);
    crypto_wipe(&pair, sizeof(pair));
    return err;
}

static void write_hex(struct buf *out, const char *name, const uint8_t key[32])
{
    char hex[64];

    hex_encode(hex, (struct bytes){key, 32});
    json_write_name(out, name);
    json_write_text(out, BYTES_OF(hex));
}

static void write_string(struct buf *out, const char *name, const char *text)
{
    json_write_name(out, name);
    json_write_text(out, bytes_text(text));
}

static void write_server(struct buf *out, const struct onion_server *server)
{
    write_string(out, "host", server->host);
    write_string(out, "target", server->target);
    write_string(out, "method", server->method);
    if (server->protocol != NULL)
        write_string(out, "protocol", server->protocol);
    if (server->port != 0) {
        json_write_name(out, "port");
        json_write_u64(out, server->port);
    }
}

static void write_base64(struct buf *out, const char *name, struct bytes bytes)
{
    uint8_t *space;

    json_write_name(out, name);
    buf_byte(out, '"');
    space = buf_space(out, BASE64_LEN(bytes.len));
    if (space != NULL)
        base64_encode((char *)space, bytes);
    buf_byte(out, '"');
}

/* What goes with a layer's ciphertext, or in v1 (`ciphertext`) around it.
 *   destination, server  whom the node in front is told: one of them, or none for the guard's request */
static void write_route(struct buf *out, const struct layer *layer, const struct ed25519_public *destination,
                        const struct onion_server *server, const struct bytes *ciphertext)
{
    enum enc_type type = layer->hop->enc_type;

    buf_clear(out);
    json_open(out, '{');
    if (destination != NULL)
        write_hex(out, "destination", destination->bytes);
    if (server != NULL)
        write_server(out, server);
    if (ciphertext != NULL)
        write_base64(out, "ciphertext", *ciphertext);
    write_hex(out, "ephemeral_key", layer->ephemeral.bytes);
    if (type != ENC_AES_GCM)
        write_string(out, "enc_type", enc_type_text(type));
    json_close(out, '}');
}

static enum err seal_layer_v1(struct wrapping *w, const struct layer *layer, const struct ed25519_public *destination,
                              const struct onion_server *server)
{
    size_t sealed_len = seal_bytes(ENC_AES_GCM, w->plain.len);
    uint8_t *sealed = arena_alloc(w->arena, sealed_len);

    w->suite->seal(ENC_AES_GCM, &layer->key, layer->seed->nonce, w->plain, sealed);
    write_route(&w->json, layer, destination, server, &(struct bytes){sealed, sealed_len});
    if (w->json.err == OK)
        w->plain = arena_copy(w->arena, buf_bytes(&w->json));
    return w->json.err;
}

/* The ciphertext is written straight to its place, so that a body of any size is copied once in the whole onion. */
static enum err seal_layer_v2(struct wrapping *w, const struct layer *layer, const struct ed25519_public *destination,
                              const struct onion_server *server)
{
    enum enc_type type = layer->hop->enc_type;
    struct bytes framed;
    uint8_t *sealed;
    enum err err;

    write_route(&w->json, layer, destination, server, NULL);
    if (w->json.err != OK)
        return w->json.err;
    err = onion_frame(w->arena, seal_bytes(type, w->plain.len), buf_bytes(&w->json), &sealed, &framed);
    if (err != OK)
        return err;
    w->suite->seal(type, &layer->key, layer->seed->nonce, w->plain, sealed);
    w->plain = framed;
    return OK;
}

/* Seals `plain` as this layer and makes it the plaintext of the layer around it, or the request. */
static enum err seal_layer(struct wrapping *w, const struct layer *layer, const struct ed25519_public *destination,
                           const struct onion_server *server)
{
    switch (w->version) {
    case ONION_V1:
        ASSERT(layer->hop->enc_type == ENC_AES_GCM); /* this form has no other */
        return seal_layer_v1(w, layer, destination, server);
    case ONION_V2:
        return seal_layer_v2(w, layer, destination, server);
    }
    return ERR_RANGE;
}

/* What the destination sees. Servers and v1 get the body as a string. */
static enum err write_innermost(struct wrapping *w, struct bytes body, struct bytes headers, bool as_string)
{
    uint8_t *copy;
    enum err err;

    buf_clear(&w->json);
    json_open(&w->json, '{');
    if (as_string) {
        json_write_name(&w->json, "body");
        json_write_text(&w->json, body);
    }
    json_write_name(&w->json, "headers");
    json_write_raw(&w->json, headers);
    json_close(&w->json, '}');
    if (w->json.err != OK)
        return w->json.err;
    if (as_string) {
        w->plain = arena_copy(w->arena, buf_bytes(&w->json));
        return OK;
    }
    err = onion_frame(w->arena, body.len, buf_bytes(&w->json), &copy, &w->plain);
    if (err == OK && body.len > 0)
        memcpy(copy, body.data, body.len);
    return err;
}

static enum err wrap(struct wrapping *w, const struct onion_hop hops[], size_t hop_count,
                     const struct onion_server *server, struct bytes body, struct bytes headers,
                     const struct onion_seed seeds[], struct reply_key *reply_key)
{
    enum err err = write_innermost(w, body, headers, w->version == ONION_V1 || server != NULL);

    for (size_t i = hop_count; err == OK && i-- > 0;) {
        bool last = i == hop_count - 1;
        struct layer layer;

        err = layer_init(&layer, w->suite, &hops[i], &seeds[i]);
        if (err == OK)
            err = seal_layer(w, &layer, i > 0 && !(last && server != NULL) ? &hops[i].ed25519 : NULL,
                             last ? server : NULL);
        if (last && err == OK)
            *reply_key = (struct reply_key){layer.key, hops[i].enc_type};
        crypto_wipe(&layer.key, sizeof(layer.key));
    }
    return err;
}

static enum err wrap_all(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                         const struct onion_hop hops[], size_t hop_count, const struct onion_server *server,
                         struct bytes body, struct bytes headers, const struct onion_seed seeds[], struct bytes *onion,
                         struct reply_key *reply_key)
{
    struct wrapping w = {.suite = suite, .version = version, .arena = arena};
    struct reply_key key;
    enum err err;

    ASSERT(hop_count > (server != NULL ? 1 : 0) && hop_count <= ONION_HOPS_MAX);
    buf_init(&w.json, LIMIT_BODY_BYTES);
    err = wrap(&w, hops, hop_count, server, body, headers, seeds, &key);
    buf_fini(&w.json);
    if (err == OK) {
        *onion = w.plain;
        *reply_key = key;
    }
    crypto_wipe(&key, sizeof(key));
    return err;
}

enum err onion_wrap(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                    const struct onion_hop hops[], size_t hop_count, struct bytes body, struct bytes headers,
                    const struct onion_seed seeds[], struct bytes *onion, struct reply_key *reply_key)
{
    return wrap_all(suite, version, arena, hops, hop_count, NULL, body, headers, seeds, onion, reply_key);
}

enum err onion_wrap_server(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                           const struct onion_hop hops[], size_t hop_count, const struct onion_server *server,
                           struct bytes body, struct bytes headers, const struct onion_seed seeds[],
                           struct bytes *onion, struct reply_key *reply_key)
{
    ASSERT(server != NULL);
    return wrap_all(suite, version, arena, hops, hop_count, server, body, headers, seeds, onion, reply_key);
}
