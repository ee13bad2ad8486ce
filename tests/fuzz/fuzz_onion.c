/* Onion payloads: the first byte chooses the reader; with both suites a node that owns a fixed key peels what comes. */
#include <string.h>

#include "common/onion.h"
#include "tests/fuzz/fuzz.h"

static void own_pair(struct x25519_pair *pair)
{
    memset(pair->secret.bytes, 0x41, sizeof(pair->secret.bytes));
    x25519_public_of(&pair->secret, &pair->public);
}

static void peel(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                 const struct onion_layer *layer)
{
    struct x25519_pair pair;
    struct onion_peeled peeled;

    own_pair(&pair);
    if (onion_peel(suite, version, arena, &pair, layer, &peeled) == OK && peeled.kind == ONION_RELAY_NODE)
        blob_drop(onion_write_peer(version, &peeled.next));
}

/* The plaintext of a layer is the input itself: sealed for the node first, so that the reader inside is reached. */
static void peel_plain(enum onion_version version, enum enc_type type, struct arena *arena, struct bytes plain)
{
    struct x25519_pair node, client;
    struct shared_key key;
    struct onion_layer layer = {.enc_type = type};
    uint8_t nonce[SEAL_NONCE_MAX] = {0}, *sealed;

    own_pair(&node);
    memset(client.secret.bytes, 0x42, sizeof(client.secret.bytes));
    crypto_modelled.ephemeral_public(&client.secret, &client.public);
    if (onion_layer_key(&crypto_modelled, type, &client, &node.public, true, &key) != OK)
        return;
    sealed = arena_alloc(arena, seal_bytes(type, plain.len));
    crypto_modelled.seal(type, &key, nonce, plain, sealed);
    layer.ciphertext = (struct bytes){sealed, seal_bytes(type, plain.len)};
    layer.ephemeral = client.public;
    peel(&crypto_modelled, version, arena, &layer);
}

static void open_reply(struct arena *arena, struct bytes input, bool sealed_here)
{
    struct reply_key key = {.enc_type = ENC_XCHACHA20};
    uint8_t nonce[SEAL_NONCE_MAX] = {0};
    struct bytes body;
    uint16_t status;
    struct blob *reply;

    if (!sealed_here) {
        (void)!onion_open_reply(&crypto_real, &key, arena, input, &status, &body);
        return;
    }
    reply = onion_seal_reply(&crypto_modelled, &key, nonce, 200, input, false, false, false);
    (void)!onion_open_reply(&crypto_modelled, &key, arena, blob_bytes(reply), &status, &body);
    blob_drop(reply);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct onion_layer layer;
    struct bytes blob, json;
    enum onion_version version;
    const char *why;
    uint8_t choice;

    if (input.len == 0)
        return;
    choice = input.data[0];
    input = bytes_slice(input, 1, input.len - 1);
    version = (choice & 1) != 0 ? ONION_V1 : ONION_V2;
    switch (choice >> 1 & 7) {
    case 0:
        if (onion_read_outer(version, arena, input, &layer, &why) == OK)
            peel(&crypto_real, version, arena, &layer);
        else
            ASSERT(why != NULL);
        break;
    case 1:
        if (onion_read_peer(version, arena, input, &layer) == OK)
            peel(&crypto_modelled, version, arena, &layer);
        break;
    case 2:
        peel_plain(version, ENC_AES_GCM, arena, input);
        break;
    case 3:
        peel_plain(version, ENC_XCHACHA20, arena, input);
        break;
    case 4:
        open_reply(arena, input, false);
        break;
    case 5:
        open_reply(arena, input, true);
        break;
    default:
        (void)!onion_unframe(input, &blob, &json);
    }
}
