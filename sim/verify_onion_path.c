/* verify_onion_path.c: vectors of onion requests (onion.json): whole requests over a path, and their answers. */
#include "sim/verify_onion.h"

#include <string.h>

static const struct crypto_suite *const suite = &crypto_real;

/* A path of a vector: its hops in the order of the path, the target last. */
struct path {
    enum onion_version version;
    size_t hop_count;
    bool to_server;
    struct onion_hop hops[ONION_HOPS_MAX];
    struct x25519_pair pairs[ONION_HOPS_MAX]; /* of the nodes */
    const struct json *layers[ONION_HOPS_MAX];
    struct onion_seed seeds[ONION_HOPS_MAX];
    struct x25519_public ephemerals[ONION_HOPS_MAX];
    struct bytes body;
};

/* A node's keys; with a seed they are derived from it too. */
static void get_node(struct verify *v, const struct json *node, struct path *path)
{
    struct onion_hop *hop = &path->hops[path->hop_count];
    struct x25519_pair *pair = &path->pairs[path->hop_count++];

    verify_hex_into(v, node, "ed25519_public", hop->ed25519.bytes, sizeof(hop->ed25519.bytes));
    verify_hex_into(v, node, "x25519_public", hop->x25519.bytes, sizeof(hop->x25519.bytes));
    verify_hex_into(v, node, "x25519_secret", pair->secret.bytes, sizeof(pair->secret.bytes));
    x25519_public_of(&pair->secret, &pair->public);
    verify_bytes(v, "x25519_public", BYTES_OF(hop->x25519.bytes), BYTES_OF(pair->public.bytes));
    if (json_get(node, "ed25519_seed") != NULL) {
        struct ed25519_public public;
        struct ed25519_secret secret;
        struct x25519_secret derived;
        uint8_t seed[32];

        verify_hex_into(v, node, "ed25519_seed", seed, sizeof(seed));
        ed25519_from_seed(seed, &public, &secret);
        x25519_from_ed25519_secret(&secret, &derived);
        verify_bytes(v, "ed25519_public", BYTES_OF(hop->ed25519.bytes), BYTES_OF(public.bytes));
        verify_bytes(v, "x25519_secret", BYTES_OF(pair->secret.bytes), BYTES_OF(derived.bytes));
    }
}

static void get_nodes(struct verify *v, const struct json *vector, const char *name, struct path *path)
{
    const struct json *nodes = verify_array(v, vector, name);

    if (json_count(nodes) == 0 || json_count(nodes) >= ONION_HOPS_MAX)
        verify_unreadable(v, "the member '%s' must have 1 to %d nodes", name, ONION_HOPS_MAX - 1);
    else
        for (const struct json *node = json_first(nodes); node != NULL; node = json_next(node))
            get_node(v, node, path);
}

/* The layers stand innermost first. */
static void get_layers(struct verify *v, const struct json *vector, struct path *path)
{
    const struct json *layers = verify_array(v, vector, "layers_innermost_first");
    size_t i = path->hop_count;

    if (json_count(layers) != path->hop_count) {
        verify_unreadable(v, "there must be a layer for every node");
        return;
    }
    for (const struct json *layer = json_first(layers); layer != NULL; layer = json_next(layer)) {
        struct x25519_pair pair;

        i--;
        path->layers[i] = layer;
        path->hops[i].enc_type = verify_enc_type(v, verify_text(v, layer, "enc_type"));
        if (path->version == ONION_V1 && path->hops[i].enc_type != ENC_AES_GCM)
            verify_unreadable(v, "this form has only aes-gcm");
        path->seeds[i] = verify_seed(v, layer, path->hops[i].enc_type, &pair);
        path->ephemerals[i] = pair.public;
    }
}

/* Node `i` of the path opens a layer: what it gets, the key, and what it sees are the vector's. */
static void verify_layer(struct verify *v, const struct path *path, size_t i, const struct onion_layer *layer)
{
    struct shared_key key;

    verify_layer_key(v, path->layers[i], path->hops[i].enc_type, &path->pairs[i], &layer->ephemeral, false, &key);
    verify_bytes(v, "ephemeral_public", BYTES_OF(path->ephemerals[i].bytes), BYTES_OF(layer->ephemeral.bytes));
    verify_number(v, "enc_type", path->hops[i].enc_type, layer->enc_type);
    verify_bytes(v, "ciphertext_hex", verify_hex(v, path->layers[i], "ciphertext_hex"), layer->ciphertext);
    verify_open(v, verify_hex(v, path->layers[i], "plaintext_hex"), layer->enc_type, &key, layer->ciphertext);
}

/* The last node on the way to a server hands it the whole payload, which has the form of a guard's request; what the
 * server finds inside has the form of v1. */
static void verify_server(struct verify *v, const struct path *path, struct bytes payload)
{
    size_t last = path->hop_count - 1;
    struct onion_layer layer = {.enc_type = ENC_AES_GCM};
    struct onion_peeled peeled = {.kind = ONION_INVALID};
    const char *why;

    verify_that(v, onion_read_outer(ONION_V2, &v->arena, payload, &layer, &why) == OK, "the server reads its payload");
    verify_layer(v, path, last, &layer);
    verify_that(v,
                onion_peel(suite, ONION_V1, &v->arena, &path->pairs[last], &layer, &peeled) == OK &&
                    peeled.kind == ONION_FINAL,
                "the server is the target");
    verify_bytes(v, "body", path->body, peeled.body);
}

/* A layer from one node to the next, as the nodes write and read it. */
static void pass_on(struct verify *v, const struct path *path, struct onion_layer *layer)
{
    struct blob *written = onion_write_peer(path->version, layer);
    struct onion_layer read = {.enc_type = ENC_AES_GCM};

    verify_that(v, onion_read_peer(path->version, &v->arena, arena_copy(&v->arena, blob_bytes(written)), &read) == OK,
                "nodes read what nodes write");
    blob_drop(written);
    *layer = read;
}

/* Peels the request hop by hop, as the nodes of the path do. */
static void verify_peeling(struct verify *v, const struct path *path, struct bytes request)
{
    struct onion_layer layer = {.enc_type = ENC_AES_GCM};
    struct onion_peeled peeled;
    const char *why;
    size_t last = path->hop_count - 1;

    verify_that(v, onion_read_outer(path->version, &v->arena, request, &layer, &why) == OK, "the guard reads it");
    for (size_t i = 0; i < last; i++) {
        bool to_server = path->to_server && i + 1 == last;

        verify_layer(v, path, i, &layer);
        if (onion_peel(suite, path->version, &v->arena, &path->pairs[i], &layer, &peeled) != OK ||
            peeled.kind != (to_server ? ONION_RELAY_SERVER : ONION_RELAY_NODE)) {
            verify_that(v, false, "every relay finds whom to pass it to");
            return;
        }
        if (to_server) {
            verify_server(v, path, verify_hex(v, path->layers[i], "plaintext_hex"));
            return;
        }
        verify_bytes(v, "destination", BYTES_OF(path->hops[i + 1].ed25519.bytes), BYTES_OF(peeled.destination.bytes));
        verify_number(v, "hop_no", i + 1, (uint64_t)peeled.next.hop_no);
        layer = peeled.next;
        pass_on(v, path, &layer);
        if (path->version == ONION_V1)
            layer.hop_no = (int)i + 1; /* which this form does not carry */
    }
    verify_layer(v, path, last, &layer);
    verify_that(v,
                onion_peel(suite, path->version, &v->arena, &path->pairs[last], &layer, &peeled) == OK &&
                    peeled.kind == ONION_FINAL,
                "the last node is the target");
    if (peeled.kind == ONION_FINAL)
        verify_bytes(v, "body", path->body, peeled.body);
}

static void verify_response(struct verify *v, const struct json *response, const struct reply_key *key)
{
    struct bytes sealed = verify_text(v, response, "ciphertext_base64");
    struct bytes expected = verify_text(v, response, "body");
    int64_t expected_status = verify_integer(v, response, "status");
    struct bytes body = BYTES_NONE;
    struct blob *own;
    uint16_t status = 0;
    uint8_t nonce[SEAL_NONCE_MAX];

    verify_hex_into(v, response, "nonce", nonce, seal_nonce_bytes(key->enc_type));
    verify_that(v, onion_open_reply(suite, key, &v->arena, sealed, &status, &body) == OK, "the response opens");
    verify_number(v, "status", (uint64_t)expected_status, status);
    verify_string(v, "body", expected, body);
    own = onion_seal_reply(suite, key, nonce, (uint16_t)expected_status, expected, true, false, false);
    verify_string(v, "ciphertext_base64", sealed, blob_bytes(own));
    blob_drop(own);
}

/* The members that the last path node gets for a server. */
static struct onion_server get_server(struct verify *v, const struct path *path)
{
    const struct json *json = verify_object(v, path->layers[path->hop_count - 2], "json");

    /* Parsed strings end with a zero. */
    return (struct onion_server){
        .host = (const char *)verify_text(v, json, "host").data,
        .target = (const char *)verify_text(v, json, "target").data,
        .method = (const char *)verify_text(v, json, "method").data,
    };
}

static void get_path_v2(struct verify *v, const struct json *vector, struct path *path)
{
    const struct json *types = verify_array(v, vector, "path_enc_types");
    const struct json *type = json_first(types);
    struct bytes target = verify_text(v, vector, "target");

    path->to_server = bytes_equal_text(target, "server");
    if (!path->to_server && !bytes_equal_text(target, "snode"))
        verify_unreadable(v, "the member 'target' must be 'snode' or 'server'");
    get_nodes(v, vector, "hops", path);
    if (json_count(types) != path->hop_count)
        verify_unreadable(v, "the member 'path_enc_types' must have as many as there are hops");
    if (!verify_readable(v))
        return;
    get_node(v, verify_object(v, vector, "destination"), path);
    get_layers(v, vector, path);
    for (size_t i = 0; i + 1 < path->hop_count && type != NULL; i++, type = json_next(type))
        verify_number(v, "path_enc_types", verify_enc_type(v, json_string(type)), path->hops[i].enc_type);
    verify_number(v, "destination_enc_type", verify_enc_type(v, verify_text(v, vector, "destination_enc_type")),
                  path->hops[path->hop_count - 1].enc_type);
}

static void verify_guard_json(struct verify *v, const struct json *guard_json, const struct path *path)
{
    struct x25519_public key;
    enum enc_type type = ENC_AES_GCM;

    verify_hex_into(v, guard_json, "ephemeral_key", key.bytes, sizeof(key.bytes));
    if (json_get(guard_json, "enc_type") != NULL)
        type = verify_enc_type(v, verify_text(v, guard_json, "enc_type"));
    verify_bytes(v, "guard_json.ephemeral_key", BYTES_OF(key.bytes), BYTES_OF(path->ephemerals[0].bytes));
    verify_number(v, "guard_json.enc_type", type, path->hops[0].enc_type);
}

void verify_path_v2(struct verify *v, const struct json *vector)
{
    struct path path = {.version = ONION_V2, .body = verify_text(v, vector, "body")};
    struct bytes request = verify_hex(v, vector, "request_wire_hex");
    struct bytes headers = BYTES_LIT("\"\"");
    struct bytes own = BYTES_NONE;
    struct reply_key key;
    struct onion_server server;
    enum err err;

    get_path_v2(v, vector, &path);
    verify_guard_json(v, verify_object(v, vector, "guard_json"), &path);
    if (verify_readable(v) && path.to_server)
        server = get_server(v, &path);
    if (!verify_readable(v))
        return;
    if (path.to_server)
        err = onion_wrap_server(suite, path.version, &v->arena, path.hops, path.hop_count, &server, path.body, headers,
                                path.seeds, &own, &key);
    else
        err = onion_wrap(suite, path.version, &v->arena, path.hops, path.hop_count, path.body, headers, path.seeds,
                         &own, &key);
    verify_that(v, err == OK, "the request is made");
    verify_bytes(v, "request_wire_hex", request, own);
    verify_peeling(v, &path, request);
    if (err == OK)
        verify_response(v, verify_object(v, vector, "response"), &key);
}

void verify_path_v1(struct verify *v, const struct json *vector)
{
    struct path path = {.version = ONION_V1, .body = verify_text(v, vector, "body")};
    struct bytes request = verify_text(v, vector, "request");
    struct bytes own = BYTES_NONE;
    struct reply_key key;

    get_nodes(v, vector, "nodes", &path);
    if (!verify_readable(v))
        return;
    get_layers(v, vector, &path);
    if (!verify_readable(v))
        return;
    verify_that(v,
                onion_wrap(suite, path.version, &v->arena, path.hops, path.hop_count, path.body, BYTES_LIT("\"\""),
                           path.seeds, &own, &key) == OK,
                "the request is made");
    verify_string(v, "request", request, own);
    verify_peeling(v, &path, request);
}
