/* keys.h: ed25519 and x25519 keys as distinct types, and account ids.
 *
 * A service node has an ed25519 pair, which names it, and the x25519 pair converted from it, which encrypts to it. An
 * account is an ed25519 seed; its id is 05 and the x25519 public key derived from it (DESIGN 7). Key generation is real in
 * both crypto suites, since keys decide swarms. Source: PROTOCOL 1. Vectors: ed25519_x25519.json. */
#ifndef SWARMBED_KEYS_H
#define SWARMBED_KEYS_H

#include "common/bytes.h"

struct ed25519_public { uint8_t bytes[32]; };
struct ed25519_secret { uint8_t bytes[64]; }; /* seed, then public key, as libsodium keeps it */
struct x25519_public { uint8_t bytes[32]; };
struct x25519_secret { uint8_t bytes[32]; };

struct x25519_pair {
    struct x25519_public public;
    struct x25519_secret secret;
};

struct account_id {
    uint8_t bytes[33]; /* network prefix (05), then the x25519 public key */
};
#define ACCOUNT_HEX_LEN 66
#define ACCOUNT_PREFIX 0x05

void ed25519_from_seed(const uint8_t seed[32], struct ed25519_public *public, struct ed25519_secret *secret);
/* ERR_CRYPTO: not a point on the curve, or of small order. */
MUST_CHECK enum err x25519_from_ed25519_public(const struct ed25519_public *ed, struct x25519_public *out);
void x25519_from_ed25519_secret(const struct ed25519_secret *ed, struct x25519_secret *out);
/* What ed25519_from_seed(), x25519_from_ed25519_secret() and x25519_public_of() give in turn, in half the time: for who
 * does not need the ed25519 key. */
void x25519_from_seed(const uint8_t seed[32], struct x25519_pair *out);
void x25519_public_of(const struct x25519_secret *secret, struct x25519_public *out);
void ed25519_sign(const struct ed25519_secret *secret, struct bytes text, uint8_t signature[64]);
bool ed25519_verify(const struct ed25519_public *public, struct bytes text, const uint8_t signature[64]);

void account_from_x25519(const struct x25519_public *key, struct account_id *out);
struct x25519_public account_x25519(const struct account_id *account);
/* 66 hex digits in either case; any first byte. ERR_RANGE: another length. ERR_FORMAT: not hex. */
MUST_CHECK enum err account_from_hex(struct account_id *out, struct bytes hex);
void account_to_hex(const struct account_id *account, char out[ACCOUNT_HEX_LEN]); /* no zero at the end */
bool account_equal(const struct account_id *a, const struct account_id *b);

#endif
