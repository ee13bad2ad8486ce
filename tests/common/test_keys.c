#include "common/keys.h"

#include <string.h>

#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/vectors.h"

static void read_hex(uint8_t *out, size_t len, struct bytes hex)
{
    ck_assert_int_eq(hex_decode(out, len, hex), OK);
}

/* A seed gives the same two pairs and the same account everywhere. */
START_TEST(a_seed_gives_all_keys)
{
    struct json *document = vectors_load("ed25519_x25519.json");
    size_t count = 0;

    for (const struct json *entry = json_first(json_get(document, "keys")); entry != NULL; entry = json_next(entry)) {
        struct ed25519_public public;
        struct ed25519_secret secret;
        struct x25519_secret x25519_secret;
        struct x25519_public x25519, converted;
        struct x25519_pair pair;
        struct account_id account;
        uint8_t seed[32];
        char hex[ACCOUNT_HEX_LEN];

        read_hex(seed, sizeof(seed), vector_text(entry, "seed"));
        ed25519_from_seed(seed, &public, &secret);
        x25519_from_ed25519_secret(&secret, &x25519_secret);
        x25519_public_of(&x25519_secret, &x25519);
        ck_assert_int_eq(x25519_from_ed25519_public(&public, &converted), OK);
        ck_assert_mem_eq(converted.bytes, x25519.bytes, 32);
        x25519_from_seed(seed, &pair);
        ck_assert_mem_eq(pair.secret.bytes, x25519_secret.bytes, 32);
        ck_assert_mem_eq(pair.public.bytes, x25519.bytes, 32);
        account_from_x25519(&x25519, &account);
        account_to_hex(&account, hex);
        ck_assert(bytes_equal(BYTES_OF(hex), vector_text(entry, "session_id")));
        count++;
    }
    ck_assert_uint_gt(count, 10);
    json_free(document);
}
END_TEST

/* A signature holds for its text and its key alone. */
START_TEST(signatures_hold_for_one_text_and_one_key)
{
    const uint8_t seed[32] = {7}, other_seed[32] = {8};
    struct ed25519_public public, other;
    struct ed25519_secret secret, other_secret;
    uint8_t signature[64];

    ed25519_from_seed(seed, &public, &secret);
    ed25519_from_seed(other_seed, &other, &other_secret);
    ed25519_sign(&secret, BYTES_LIT("text"), signature);
    ck_assert(ed25519_verify(&public, BYTES_LIT("text"), signature));
    ck_assert(!ed25519_verify(&public, BYTES_LIT("Text"), signature));
    ck_assert(!ed25519_verify(&other, BYTES_LIT("text"), signature));
    signature[0] ^= 1;
    ck_assert(!ed25519_verify(&public, BYTES_LIT("text"), signature));
}
END_TEST

/* Text of no bytes can be signed, even where it has no address. */
START_TEST(nothing_can_be_signed)
{
    const uint8_t seed[32] = {7};
    struct ed25519_public public;
    struct ed25519_secret secret;
    uint8_t signature[64];

    ed25519_from_seed(seed, &public, &secret);
    ed25519_sign(&secret, BYTES_NONE, signature);
    ck_assert(ed25519_verify(&public, BYTES_NONE, signature));
}
END_TEST

/* What is no point, or one of small order, is no node's key. */
START_TEST(only_good_points_are_converted)
{
    struct ed25519_public key = {{1}}; /* the neutral element */
    struct x25519_public out;

    ck_assert_int_eq(x25519_from_ed25519_public(&key, &out), ERR_CRYPTO);
    memset(&key, 0xff, sizeof(key));
    ck_assert_int_eq(x25519_from_ed25519_public(&key, &out), ERR_CRYPTO);
    memset(&key, 0, sizeof(key));
    ck_assert_int_eq(x25519_from_ed25519_public(&key, &out), ERR_CRYPTO);
}
END_TEST

#define HEX_64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeFF"

START_TEST(accounts_are_66_hex_digits)
{
    struct account_id account, other;
    char hex[ACCOUNT_HEX_LEN];
    struct x25519_public key;

    ck_assert_int_eq(account_from_hex(&account, BYTES_LIT("05" HEX_64)), OK);
    ck_assert_uint_eq(account.bytes[0], ACCOUNT_PREFIX);
    ck_assert_uint_eq(account.bytes[32], 0xff);
    account_to_hex(&account, hex);
    ck_assert_mem_eq(hex + ACCOUNT_HEX_LEN - 2, "ff", 2);

    key = account_x25519(&account);
    ck_assert_mem_eq(key.bytes, account.bytes + 1, 32);
    account_from_x25519(&key, &other);
    ck_assert(account_equal(&account, &other));
    other.bytes[32] ^= 1;
    ck_assert(!account_equal(&account, &other));

    ck_assert_int_eq(account_from_hex(&account, BYTES_LIT("fd" HEX_64)), OK); /* any first byte */
    ck_assert_int_eq(account_from_hex(&account, BYTES_LIT(HEX_64)), ERR_RANGE);
    ck_assert_int_eq(account_from_hex(&account, BYTES_LIT("05" HEX_64 "0")), ERR_RANGE);
    ck_assert_int_eq(account_from_hex(&account, BYTES_NONE), ERR_RANGE);
    ck_assert_int_eq(account_from_hex(&account, BYTES_LIT("0x" HEX_64)), ERR_FORMAT);
}
END_TEST

TEST_MAIN("keys", a_seed_gives_all_keys, signatures_hold_for_one_text_and_one_key, nothing_can_be_signed,
          only_good_points_are_converted, accounts_are_66_hex_digits)
