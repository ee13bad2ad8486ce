#include "node/auth.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

static const struct crypto_suite *const suites[] = {&crypto_real, &crypto_modelled};
static struct fake_env fake;

/* An account by its ed25519 key, another one by the key converted, and a subaccount's key. */
struct actors {
    struct ed25519_public owner, other;
    struct ed25519_secret owner_secret, other_secret;
    struct account_id by_ed25519, by_x25519;
};

static void start(struct actors *actors)
{
    static const uint8_t seed[32] = {1}, other_seed[32] = {2};
    struct x25519_public converted;

    fake_env_init(&fake, 3);
    ck_assert_int_eq(crypto_start(), OK);
    ed25519_from_seed(seed, &actors->owner, &actors->owner_secret);
    ed25519_from_seed(other_seed, &actors->other, &actors->other_secret);
    ck_assert_int_eq(x25519_from_ed25519_public(&actors->owner, &converted), OK);
    account_from_x25519(&converted, &actors->by_x25519);
    actors->by_ed25519.bytes[0] = 3;
    memcpy(actors->by_ed25519.bytes + 1, actors->owner.bytes, 32);
}

static void end(void)
{
    fake_env_fini(&fake);
}

static void sign(const struct crypto_suite *suite, const struct ed25519_secret *secret, struct modern_request *request)
{
    struct buf text;

    buf_init(&text, SIZE_MAX);
    modern_request_signed_text(&text, request);
    suite->sign(secret, buf_bytes(&text), request->signature);
    request->has_signature = true;
    buf_fini(&text);
}

START_TEST(the_owner_signs)
{
    struct actors actors;

    start(&actors);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        struct modern_request request = {.method = MODERN_RETRIEVE, .account = actors.by_ed25519, .signed_ms = 5};

        sign(suites[s], &actors.owner_secret, &request);
        ck_assert(auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_READ));
        request.signed_ms = 6;
        ck_assert(!auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_READ));
        sign(suites[s], &actors.other_secret, &request);
        ck_assert(!auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_READ));
    }
    ck_assert_uint_eq(fake.charged[COST_SIGN], 6);
    end();
}
END_TEST

/* The key that is sent along must make the account. */
START_TEST(a_key_sent_along_must_convert)
{
    struct actors actors;

    start(&actors);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        struct modern_request request = {
            .method = MODERN_RETRIEVE, .account = actors.by_x25519, .has_ed25519 = true, .ed25519 = actors.owner};

        sign(suites[s], &actors.owner_secret, &request);
        ck_assert(auth_signed(&fake.env, suites[s], &request, 0));
        request.has_ed25519 = false;
        ck_assert(!auth_signed(&fake.env, suites[s], &request, 0));
        request.has_ed25519 = true;
        request.ed25519 = actors.other;
        sign(suites[s], &actors.other_secret, &request);
        ck_assert(!auth_signed(&fake.env, suites[s], &request, 0));
        memset(request.ed25519.bytes, 0, 32); /* no point at all */
        ck_assert(!auth_signed(&fake.env, suites[s], &request, 0));
    }
    end();
}
END_TEST

/* A token that the account has signed, with the right that is needed, and a request that the token's key has signed. */
START_TEST(subaccounts_sign)
{
    struct actors actors;

    start(&actors);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        struct modern_request request = {.method = MODERN_DELETE_ALL, .account = actors.by_ed25519};

        request.has_subaccount = true;
        request.subaccount.bytes[0] = 3;
        request.subaccount.bytes[1] = SUBACCOUNT_DELETE | SUBACCOUNT_READ;
        memcpy(request.subaccount.bytes + 4, actors.other.bytes, 32);
        suites[s]->sign(&actors.owner_secret, BYTES_OF(request.subaccount.bytes), request.subaccount_signature);
        sign(suites[s], &actors.other_secret, &request);
        ck_assert(auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_DELETE));
        ck_assert(!auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_WRITE));
        ck_assert(!auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_WRITE | SUBACCOUNT_DELETE));
        request.subaccount_signature[5] ^= 1;
        ck_assert(!auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_DELETE));
        request.subaccount_signature[5] ^= 1;
        sign(suites[s], &actors.owner_secret, &request); /* the account itself does not count any more */
        ck_assert(!auth_signed(&fake.env, suites[s], &request, SUBACCOUNT_DELETE));
    }
    end();
}
END_TEST

START_TEST(times_are_near)
{
    static const struct {
        int64_t signed_ms;
        bool direct, forwarded;
    } cases[] = {
        {0, true, true},
        {LIMIT_SIGNATURE_MS, true, true},
        {LIMIT_SIGNATURE_MS + 1, false, true},
        {-LIMIT_SIGNATURE_MS, true, true},
        {-LIMIT_SIGNATURE_MS - 1, false, true},
        {LIMIT_SIGNATURE_FORWARDED_MS + 1, false, false},
        {-LIMIT_SIGNATURE_FORWARDED_MS - 1, false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(auth_time_ok(FAKE_EPOCH_MS + cases[i].signed_ms, FAKE_EPOCH_MS, false), cases[i].direct);
        ck_assert_int_eq(auth_time_ok(FAKE_EPOCH_MS + cases[i].signed_ms, FAKE_EPOCH_MS, true), cases[i].forwarded);
    }
}
END_TEST

TEST_MAIN("auth", the_owner_signs, a_key_sent_along_must_convert, subaccounts_sign, times_are_near)
