#include "node/auth.h"

#include <string.h>

#include "common/limits.h"

static bool verify(struct env *env, const struct crypto_suite *suite, const struct ed25519_public *key,
                   struct bytes text, const uint8_t signature[64])
{
    env_charge(env, COST_SIGN, 1);
    return suite->verify(key, text, signature);
}

/* The account's own key: the one that was sent, if the account is made of it, else the account's own bytes. */
static bool find_key(struct env *env, const struct modern_request *request, struct ed25519_public *key)
{
    struct x25519_public converted;

    if (!request->has_ed25519) {
        memcpy(key->bytes, request->account.bytes + 1, sizeof(key->bytes));
        return true;
    }
    env_charge(env, COST_X25519, 1);
    *key = request->ed25519;
    return x25519_from_ed25519_public(key, &converted) == OK &&
           memcmp(converted.bytes, request->account.bytes + 1, sizeof(converted.bytes)) == 0;
}

bool auth_signed(struct env *env, const struct crypto_suite *suite, const struct modern_request *request,
                 unsigned needed)
{
    struct ed25519_public key;
    struct buf text;
    bool good;

    if (!find_key(env, request, &key))
        return false;
    if (request->has_subaccount) {
        if (!subaccount_permits(&request->subaccount, &request->account, needed) ||
            !verify(env, suite, &key, BYTES_OF(request->subaccount.bytes), request->subaccount_signature))
            return false;
        key = subaccount_key(&request->subaccount);
    }
    buf_init(&text, SIZE_MAX);
    modern_request_signed_text(&text, request);
    good = verify(env, suite, &key, buf_bytes(&text), request->signature);
    buf_fini(&text);
    return good;
}

bool auth_time_ok(int64_t signed_ms, int64_t now_ms, bool forwarded)
{
    int64_t tolerance_ms = forwarded ? LIMIT_SIGNATURE_FORWARDED_MS : LIMIT_SIGNATURE_MS;

    return signed_ms >= now_ms - tolerance_ms && signed_ms <= now_ms + tolerance_ms;
}
