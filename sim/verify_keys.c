/* verify_keys.c: vectors of keys, signatures and agreements (ed25519_x25519.json). */
#include <string.h>

#include "common/suite.h"
#include "sim/verify_vector.h"

static void verify_signature(struct verify *v, const struct json *vector, const struct ed25519_public *public,
                             const struct ed25519_secret *secret)
{
    struct bytes message = verify_hex(v, vector, "message_hex");
    bool valid = verify_bool(v, vector, "valid");
    uint8_t signature[64], own[64];

    verify_hex_into(v, vector, "signature", signature, sizeof(signature));
    verify_number(v, "valid", valid, ed25519_verify(public, message, signature));
    if (valid) {
        ed25519_sign(secret, message, own);
        verify_bytes(v, "signature", BYTES_OF(signature), BYTES_OF(own));
    }
}

static void verify_derived(struct verify *v, const struct json *vector, const struct ed25519_public *public,
                           const struct ed25519_secret *secret)
{
    struct x25519_public x25519, converted;
    struct x25519_secret x25519_secret;
    struct account_id account;
    struct account_id expected_account = verify_account(v, vector, "session_id");
    bool on_curve = x25519_from_ed25519_public(public, &converted) == OK;

    x25519_from_ed25519_secret(secret, &x25519_secret);
    x25519_public_of(&x25519_secret, &x25519);
    account_from_x25519(&x25519, &account);
    verify_bytes(v, "x25519_secret", verify_hex(v, vector, "x25519_secret"), BYTES_OF(x25519_secret.bytes));
    verify_bytes(v, "x25519_public", verify_hex(v, vector, "x25519_public"), BYTES_OF(x25519.bytes));
    verify_that(v, on_curve && memcmp(converted.bytes, x25519.bytes, sizeof(x25519.bytes)) == 0,
                "the public key converts to the same as the secret one");
    verify_bytes(v, "session_id", BYTES_OF(expected_account.bytes), BYTES_OF(account.bytes));
}

static void verify_key(struct verify *v, const struct json *vector)
{
    struct ed25519_public public;
    struct ed25519_secret secret;
    uint8_t seed[32];
    const struct json *signatures = verify_array(v, vector, "signatures");
    size_t index = 0;

    verify_hex_into(v, vector, "seed", seed, sizeof(seed));
    if (json_get(vector, "short_seed") != NULL) { /* 16 bytes, filled up with zeros */
        uint8_t filled[32] = {0};

        verify_hex_into(v, vector, "short_seed", filled, 16);
        verify_bytes(v, "short_seed", BYTES_OF(seed), BYTES_OF(filled));
    }
    ed25519_from_seed(seed, &public, &secret);
    verify_bytes(v, "ed25519_public", verify_hex(v, vector, "ed25519_public"), BYTES_OF(public.bytes));
    verify_bytes(v, "ed25519_secret", verify_hex(v, vector, "ed25519_secret"), BYTES_OF(secret.bytes));
    verify_derived(v, vector, &public, &secret);
    for (const struct json *item = json_first(signatures); item != NULL; item = json_next(item)) {
        verify_enter(v, "signatures", index++);
        verify_signature(v, item, &public, &secret);
        verify_leave(v);
    }
}

static void verify_agreement(struct verify *v, const struct json *vector)
{
    struct x25519_pair a, b;
    struct x25519_public public_a, public_b;
    struct shared_key shared;
    struct bytes expected = verify_hex(v, vector, "shared");

    verify_hex_into(v, vector, "secret_a", a.secret.bytes, 32);
    verify_hex_into(v, vector, "secret_b", b.secret.bytes, 32);
    verify_hex_into(v, vector, "public_a", public_a.bytes, 32);
    verify_hex_into(v, vector, "public_b", public_b.bytes, 32);
    x25519_public_of(&a.secret, &a.public);
    x25519_public_of(&b.secret, &b.public);
    verify_bytes(v, "public_a", BYTES_OF(public_a.bytes), BYTES_OF(a.public.bytes));
    verify_bytes(v, "public_b", BYTES_OF(public_b.bytes), BYTES_OF(b.public.bytes));
    verify_that(v, crypto_real.agree(&a, &public_b, &shared) == OK, "a agrees with b");
    verify_bytes(v, "shared", expected, BYTES_OF(shared.bytes));
    verify_that(v, crypto_real.agree(&b, &public_a, &shared) == OK, "b agrees with a");
    verify_bytes(v, "shared", expected, BYTES_OF(shared.bytes));
}

const struct verify_section verify_keys_sections[] = {
    {"keys", verify_key},
    {"x25519_agreement", verify_agreement},
    {NULL, NULL},
};
