#include "common/keys.h"

#include <sodium.h>
#include <string.h>

#include "common/suite.h"
#include "common/text.h"

void ed25519_from_seed(const uint8_t seed[32], struct ed25519_public *public, struct ed25519_secret *secret)
{
    /* Hashing and multiplying by the base point cannot fail. */
    (void)crypto_sign_seed_keypair(public->bytes, secret->bytes, seed);
}

enum err x25519_from_ed25519_public(const struct ed25519_public *ed, struct x25519_public *out)
{
    return crypto_sign_ed25519_pk_to_curve25519(out->bytes, ed->bytes) == 0 ? OK : ERR_CRYPTO;
}

void x25519_from_ed25519_secret(const struct ed25519_secret *ed, struct x25519_secret *out)
{
    (void)crypto_sign_ed25519_sk_to_curve25519(out->bytes, ed->bytes); /* a hash: cannot fail */
}

/* The conversion takes nothing of a secret ed25519 key but its seed, which stands in front (RFC 8032, 5.1.5). */
void x25519_from_seed(const uint8_t seed[32], struct x25519_pair *out)
{
    struct ed25519_secret ed = {{0}};

    memcpy(ed.bytes, seed, 32);
    x25519_from_ed25519_secret(&ed, &out->secret);
    x25519_public_of(&out->secret, &out->public);
    crypto_wipe(&ed, sizeof(ed));
}

void x25519_public_of(const struct x25519_secret *secret, struct x25519_public *out)
{
    (void)crypto_scalarmult_base(out->bytes, secret->bytes); /* a clamped multiple of the base point is never zero */
}

void ed25519_sign(const struct ed25519_secret *secret, struct bytes text, uint8_t signature[64])
{
    (void)crypto_sign_detached(signature, NULL, text.data, text.len, secret->bytes); /* has no failure */
}

bool ed25519_verify(const struct ed25519_public *public, struct bytes text, const uint8_t signature[64])
{
    return crypto_sign_verify_detached(signature, text.data, text.len, public->bytes) == 0;
}

void account_from_x25519(const struct x25519_public *key, struct account_id *out)
{
    out->bytes[0] = ACCOUNT_PREFIX;
    memcpy(out->bytes + 1, key->bytes, sizeof(key->bytes));
}

struct x25519_public account_x25519(const struct account_id *account)
{
    struct x25519_public key;

    memcpy(key.bytes, account->bytes + 1, sizeof(key.bytes));
    return key;
}

enum err account_from_hex(struct account_id *out, struct bytes hex)
{
    if (hex.len != ACCOUNT_HEX_LEN)
        return ERR_RANGE;
    return hex_decode(out->bytes, sizeof(out->bytes), hex);
}

void account_to_hex(const struct account_id *account, char out[ACCOUNT_HEX_LEN])
{
    hex_encode(out, BYTES_OF(account->bytes));
}

bool account_equal(const struct account_id *a, const struct account_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
