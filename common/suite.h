/* suite.h: the table of cryptographic functions: real, or modelled.
 *
 * Everything that costs curve arithmetic or encrypts goes through one of these tables, chosen for the whole world.
 * `crypto_real` is libsodium and OpenSSL. `crypto_modelled` (suite_modelled.c) has the same sizes, takes the same
 * randomness, and fails the same way for a wrong key or a changed byte, but does no curve arithmetic and hides nothing:
 * an agreement is a hash of the two public keys, and a sealed text is the plaintext with a keyed hash as its tag. CBC
 * has no tag: there the real suite accepts one wrong key in about 256, as the original does, the modelled one none.
 * Real is the default; virtual results are equal with both (DESIGN 2). Randomness (secrets, nonces) is always an
 * argument. */
#ifndef SWARMBED_SUITE_H
#define SWARMBED_SUITE_H

#include "common/keys.h"

enum enc_type { ENC_AES_GCM, ENC_AES_CBC, ENC_XCHACHA20, ENC_TYPE_COUNT };

/* Nonce (or IV) in front plus tag behind, per type. Instead of a tag CBC adds 1 to 16 bytes of PKCS#7 padding. */
#define SEAL_NONCE_MAX 24
#define SEAL_TAG_BYTES 16
size_t seal_nonce_bytes(enum enc_type type);               /* 12, 16, 24 */
size_t seal_bytes(enum enc_type type, size_t plain_bytes); /* whole layer: nonce, ciphertext, tag or padding */

struct shared_key {
    uint8_t bytes[32];
};

struct crypto_suite {
    const char *name; /* "real", "modelled" */

    /* The public key of a one-use secret (the suite's own notion: modelled ones agree only with modelled ones). */
    void (*ephemeral_public)(const struct x25519_secret *secret, struct x25519_public *out);
    /* Raw agreement. ERR_CRYPTO: the result is all zeros (a point of small order). */
    enum err (*agree)(const struct x25519_pair *own, const struct x25519_public *theirs, struct shared_key *out);
    /* layer = nonce || ciphertext || tag, seal_bytes() long, at `out` (may not overlap plain). */
    void (*seal)(enum enc_type type, const struct shared_key *key, const uint8_t *nonce, struct bytes plain,
                 uint8_t *out);
    /* Opens a layer into `out` (room for layer.len bytes); *len is the plaintext's. ERR_CRYPTO: not for this key, or
     * changed. */
    enum err (*open)(enum enc_type type, const struct shared_key *key, struct bytes layer, uint8_t *out, size_t *len);
    /* Proof of work (common/pow.h). Real: the smallest valid counter from 0, at most `trials_max` of them (ERR_RANGE
     * beyond). Modelled: a marker nonce bound to payload and target. `hash` is SHA-512(nonce || payload_hash) in
     * both. */
    enum err (*pow_prove)(const uint8_t payload_hash[64], uint64_t target, uint64_t trials_max, uint8_t nonce[8],
                          uint8_t hash[64]);
    /* `hash` is written in any case; false: the proof does not meet the target. */
    bool (*pow_check)(const uint8_t payload_hash[64], uint64_t target, const uint8_t nonce[8], uint8_t hash[64]);
    /* Signatures of requests and answers. Modelled ones say who signed what, and anybody could make them. */
    void (*sign)(const struct ed25519_secret *secret, struct bytes text, uint8_t signature[64]);
    bool (*verify)(const struct ed25519_public *public, struct bytes text, const uint8_t signature[64]);
};

extern const struct crypto_suite crypto_real;
extern const struct crypto_suite crypto_modelled;

/* Must be called once before any of it, from one thread; more calls are harmless. ERR_CRYPTO: the machine has no
 * entropy. */
MUST_CHECK enum err crypto_start(void);
void crypto_wipe(void *memory, size_t len);

/* Hashes, the same in both suites. */
void hash_sha512(struct bytes text, uint8_t out[64]);
void hash_sha256(struct bytes text, uint8_t out[32]);
void hash_hmac_sha256(struct bytes key, struct bytes text, uint8_t out[32]);
/* The same in pieces. The state is secret: wipe it. */
struct hash_hmac {
    uint64_t state[26];
};
void hash_hmac_init(struct hash_hmac *hmac, struct bytes key);
void hash_hmac_update(struct hash_hmac *hmac, struct bytes text);
void hash_hmac_final(struct hash_hmac *hmac, uint8_t out[32]);
void hash_blake2b_256(const struct bytes parts[], size_t part_count, uint8_t out[32]);
uint64_t hash_sip(const uint8_t key[16], struct bytes text); /* SipHash-2-4 */

#endif
