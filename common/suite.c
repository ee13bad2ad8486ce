#include "common/suite.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/aes.h"
#include "common/pow.h"

enum err crypto_start(void)
{
    return sodium_init() >= 0 ? aes_start() : ERR_CRYPTO;
}

void crypto_wipe(void *memory, size_t len)
{
    sodium_memzero(memory, len);
}

void hash_sha512(struct bytes text, uint8_t out[64])
{
    (void)crypto_hash_sha512(out, text.data, text.len);
}

void hash_sha256(struct bytes text, uint8_t out[32])
{
    (void)crypto_hash_sha256(out, text.data, text.len);
}

void hash_hmac_sha256(struct bytes key, struct bytes text, uint8_t out[32])
{
    struct hash_hmac hmac;

    hash_hmac_init(&hmac, key);
    hash_hmac_update(&hmac, text);
    hash_hmac_final(&hmac, out);
}

static_assert(sizeof(struct hash_hmac) >= sizeof(crypto_auth_hmacsha256_state), "room for libsodium's state");

static crypto_auth_hmacsha256_state *hmac_state(struct hash_hmac *hmac)
{
    return (crypto_auth_hmacsha256_state *)hmac;
}

void hash_hmac_init(struct hash_hmac *hmac, struct bytes key)
{
    (void)crypto_auth_hmacsha256_init(hmac_state(hmac), key.data, key.len);
}

void hash_hmac_update(struct hash_hmac *hmac, struct bytes text)
{
    (void)crypto_auth_hmacsha256_update(hmac_state(hmac), text.data, text.len);
}

void hash_hmac_final(struct hash_hmac *hmac, uint8_t out[32])
{
    (void)crypto_auth_hmacsha256_final(hmac_state(hmac), out);
}

void hash_blake2b_256(const struct bytes parts[], size_t part_count, uint8_t out[32])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, 32);
    for (size_t i = 0; i < part_count; i++)
        (void)crypto_generichash_update(&state, parts[i].data, parts[i].len);
    (void)crypto_generichash_final(&state, out, 32);
}

uint64_t hash_sip(const uint8_t key[16], struct bytes text)
{
    uint8_t out[crypto_shorthash_siphash24_BYTES];

    (void)crypto_shorthash_siphash24(out, text.data, text.len, key);
    return load_le64(out);
}

size_t seal_nonce_bytes(enum enc_type type)
{
    switch (type) {
    case ENC_AES_GCM:
        return AES_GCM_NONCE_BYTES;
    case ENC_AES_CBC:
        return AES_CBC_IV_BYTES;
    case ENC_XCHACHA20:
        return crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
    case ENC_TYPE_COUNT:
        break;
    }
    ASSERT(!"a type of encryption");
    return 0;
}

size_t seal_bytes(enum enc_type type, size_t plain_bytes)
{
    size_t nonce_bytes = seal_nonce_bytes(type);

    if (type == ENC_AES_CBC)
        return nonce_bytes + AES_CBC_BYTES(plain_bytes);
    return nonce_bytes + plain_bytes + SEAL_TAG_BYTES;
}

static enum err real_agree(const struct x25519_pair *own, const struct x25519_public *theirs, struct shared_key *out)
{
    return crypto_scalarmult(out->bytes, own->secret.bytes, theirs->bytes) == 0 ? OK : ERR_CRYPTO;
}

static void real_seal(enum enc_type type, const struct shared_key *key, const uint8_t *nonce, struct bytes plain,
                      uint8_t *out)
{
    size_t nonce_bytes = seal_nonce_bytes(type);

    memcpy(out, nonce, nonce_bytes);
    out += nonce_bytes;
    switch (type) {
    case ENC_AES_GCM:
        aes_gcm_seal(key->bytes, nonce, plain, out);
        return;
    case ENC_AES_CBC:
        aes_cbc_encrypt(key->bytes, nonce, plain, out);
        return;
    case ENC_XCHACHA20:
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.data, plain.len, NULL, 0, NULL, nonce,
                                                         key->bytes);
        return;
    case ENC_TYPE_COUNT:
        break;
    }
}

static enum err real_open(enum enc_type type, const struct shared_key *key, struct bytes layer, uint8_t *out,
                          size_t *len)
{
    size_t nonce_bytes = seal_nonce_bytes(type);
    struct bytes text;

    if (layer.len < seal_bytes(type, 0))
        return ERR_CRYPTO;
    text = bytes_slice(layer, nonce_bytes, layer.len - nonce_bytes);
    switch (type) {
    case ENC_AES_GCM:
        *len = text.len - AES_GCM_TAG_BYTES;
        return aes_gcm_open(key->bytes, layer.data, text, out);
    case ENC_AES_CBC:
        return aes_cbc_decrypt(key->bytes, layer.data, text, out, len);
    case ENC_XCHACHA20:
        *len = text.len - crypto_aead_xchacha20poly1305_ietf_ABYTES;
        return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, text.data, text.len, NULL, 0, layer.data,
                                                          key->bytes) == 0
                   ? OK
                   : ERR_CRYPTO;
    case ENC_TYPE_COUNT:
        break;
    }
    return ERR_CRYPTO;
}

static enum err real_pow_prove(const uint8_t payload_hash[64], uint64_t target, uint64_t trials_max, uint8_t nonce[8],
                               uint8_t hash[64])
{
    uint64_t counter = 0;

    if (!pow_search(payload_hash, target, &counter, trials_max, hash))
        return ERR_RANGE;
    store_be64(nonce, counter);
    return OK;
}

static bool real_pow_check(const uint8_t payload_hash[64], uint64_t target, const uint8_t nonce[8], uint8_t hash[64])
{
    return pow_trial(payload_hash, nonce, hash) < target;
}

const struct crypto_suite crypto_real = {
    .name = "real",
    .ephemeral_public = x25519_public_of,
    .agree = real_agree,
    .seal = real_seal,
    .open = real_open,
    .pow_prove = real_pow_prove,
    .pow_check = real_pow_check,
    .sign = ed25519_sign,
    .verify = ed25519_verify,
};
