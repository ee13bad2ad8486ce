#include "common/suite_modelled.h"

#include <stdlib.h>
#include <string.h>

#include "common/pow.h"
#include "common/text.h"
#include "sim/verify.h"
#include "tests/support/check_main.h"

/* What both suites promise is tested on both. */
static const struct crypto_suite *const suites[] = {&crypto_real, &crypto_modelled};

static struct x25519_pair one_use_pair(const struct crypto_suite *suite, uint8_t number)
{
    struct x25519_pair pair = {.secret = {{0, number}}}; /* the lowest three bits do not count */

    suite->ephemeral_public(&pair.secret, &pair.public);
    return pair;
}

static struct x25519_pair real_pair(uint8_t number)
{
    struct x25519_pair pair = {.secret = {{0, number}}}; /* the lowest three bits do not count */

    x25519_public_of(&pair.secret, &pair.public);
    return pair;
}

START_TEST(hashes_are_the_standards)
{
    uint8_t out[64], expected[64];
    const uint8_t sip_key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(crypto_start(), OK); /* more calls are harmless */
    hash_sha256(BYTES_LIT("abc"), out);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")), OK);
    ck_assert_mem_eq(out, expected, 32);
    hash_sha512(BYTES_LIT("abc"), out);
    ck_assert_int_eq(hex_decode(expected, 64,
                                BYTES_LIT("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")),
                     OK);
    ck_assert_mem_eq(out, expected, 64);
    /* RFC 4231, case 2 */
    hash_hmac_sha256(BYTES_LIT("Jefe"), BYTES_LIT("what do ya want for nothing?"), out);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")), OK);
    ck_assert_mem_eq(out, expected, 32);
    hash_blake2b_256((const struct bytes[]){BYTES_LIT("a"), BYTES_NONE, BYTES_LIT("bc")}, 3, out);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")), OK);
    ck_assert_mem_eq(out, expected, 32);
    /* the authors' vector of 8 bytes */
    ck_assert_uint_eq(hash_sip(sip_key, (struct bytes){sip_key, 8}), UINT64_C(0x93f5f5799a932462));
}
END_TEST

/* Both sides of an agreement come to the same; a third does not. */
START_TEST(two_sides_agree)
{
    ck_assert_int_eq(crypto_start(), OK);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        struct x25519_pair client = one_use_pair(suites[s], 1), node = real_pair(2), other = real_pair(3);
        struct shared_key of_client, of_node, of_other;

        ck_assert_int_eq(suites[s]->agree(&client, &node.public, &of_client), OK);
        ck_assert_int_eq(suites[s]->agree(&node, &client.public, &of_node), OK);
        ck_assert_int_eq(suites[s]->agree(&other, &client.public, &of_other), OK);
        ck_assert_mem_eq(of_client.bytes, of_node.bytes, 32);
        ck_assert_mem_ne(of_client.bytes, of_other.bytes, 32);
    }
}
END_TEST

/* With a point of small order there is nothing to agree on, in either suite. */
START_TEST(points_of_small_order_are_refused)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
    };
    struct x25519_pair own = real_pair(2);

    ck_assert_int_eq(crypto_start(), OK);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        struct shared_key key;
        struct x25519_public good = {{9}};

        for (size_t i = 0; i < ARRAY_LEN(points); i++) {
            struct x25519_public point;

            ck_assert_int_eq(hex_decode(point.bytes, 32, bytes_text(points[i])), OK);
            ck_assert_int_eq(suites[s]->agree(&own, &point, &key), ERR_CRYPTO);
        }
        ck_assert_int_eq(suites[s]->agree(&own, &good, &key), OK);
    }
}
END_TEST

/* A layer has the promised size in both suites, opens with its key, and not when a byte or the key is another. */
static void check_layer(const struct crypto_suite *suite, enum enc_type type, size_t len)
{
    const struct shared_key key = {{1, 2, 3}};
    struct shared_key other = key;
    uint8_t nonce[SEAL_NONCE_MAX] = {7, 7, 7}, plain[80] = {'x'};
    size_t sealed_len = seal_bytes(type, len);
    uint8_t *sealed = xmalloc(sealed_len); /* exactly as large as promised: the sanitizer watches */
    uint8_t *opened = xmalloc(sealed_len);
    struct bytes layer = {sealed, sealed_len};
    size_t opened_len = 1000;

    suite->seal(type, &key, nonce, (struct bytes){len > 0 ? plain : NULL, len}, sealed);
    ck_assert_int_eq(suite->open(type, &key, layer, opened, &opened_len), OK);
    ck_assert_uint_eq(opened_len, len);
    ck_assert_mem_eq(opened, plain, len);
    /* In the real CBC these may pass unnoticed. */
    if (type != ENC_AES_CBC || suite == &crypto_modelled) {
        other.bytes[31] ^= 1;
        ck_assert_int_eq(suite->open(type, &other, layer, opened, &opened_len), ERR_CRYPTO);
        for (size_t i = 0; i < sealed_len; i++) {
            sealed[i] ^= 1;
            ck_assert_int_eq(suite->open(type, &key, layer, opened, &opened_len), ERR_CRYPTO);
            sealed[i] ^= 1;
        }
        for (size_t cut = 0; cut < sealed_len; cut++)
            ck_assert_int_eq(suite->open(type, &key, bytes_slice(layer, 0, cut), opened, &opened_len), ERR_CRYPTO);
    }
    free(opened);
    free(sealed);
}

START_TEST(layers_open_with_their_key_alone)
{
    ck_assert_int_eq(crypto_start(), OK);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++)
        for (int type = 0; type < ENC_TYPE_COUNT; type++)
            for (size_t len = 0; len < 50; len++)
                check_layer(suites[s], (enum enc_type)type, len);
}
END_TEST

/* Two nonces make two layers of one text: what is sealed twice must not look like a duplicate. */
START_TEST(the_nonce_shows)
{
    const struct shared_key key = {{1}};
    const uint8_t nonce[SEAL_NONCE_MAX] = {1}, other[SEAL_NONCE_MAX] = {2};
    uint8_t first[100], second[100];

    ck_assert_int_eq(crypto_start(), OK);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        for (int type = 0; type < ENC_TYPE_COUNT; type++) {
            suites[s]->seal((enum enc_type)type, &key, nonce, BYTES_LIT("text"), first);
            suites[s]->seal((enum enc_type)type, &key, other, BYTES_LIT("text"), second);
            ck_assert_mem_ne(first, second, seal_bytes((enum enc_type)type, 4));
        }
    }
}
END_TEST

/* A layer with a good check and padding that lies, as a peer of bad will can make it, is refused. */
START_TEST(modelled_cbc_checks_its_padding)
{
    struct shared_key key = {{1}};
    uint8_t layer[32] = {7}, tag[SEAL_TAG_BYTES], opened[32];
    size_t len;

    ck_assert_int_eq(crypto_start(), OK);
    for (unsigned padding = 0; padding < 256; padding++) {
        memset(layer + 16, (int)padding, 16);
        modelled_tag(ENC_AES_CBC, &key, (struct bytes){layer, 8}, (struct bytes){layer + 16, 16}, tag);
        memcpy(layer + 8, tag, 8);
        ck_assert_int_eq(crypto_modelled.open(ENC_AES_CBC, &key, BYTES_OF(layer), opened, &len),
                         padding >= 1 && padding <= 16 ? OK : ERR_CRYPTO);
        if (padding >= 1 && padding <= 16)
            ck_assert_uint_eq(len, 16 - padding);
    }
}
END_TEST

/* A proof holds for its payload, for its target and for every easier one, and is the hash of its nonce. */
START_TEST(proofs_hold_for_payload_and_target)
{
    uint8_t payload_hash[64] = {1}, other_hash[64] = {2}, nonce[8], hash[64], again[64];
    uint64_t target;

    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(pow_target(&target, 400, 86400000, 1), OK);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        ck_assert_int_eq(suites[s]->pow_prove(payload_hash, target, 1000000, nonce, hash), OK);
        ck_assert(suites[s]->pow_check(payload_hash, target, nonce, again));
        ck_assert_mem_eq(hash, again, sizeof(hash));
        (void)pow_trial(payload_hash, nonce, again);
        ck_assert_mem_eq(hash, again, sizeof(hash));
        ck_assert(suites[s]->pow_check(payload_hash, target + target / 10, nonce, again));
        ck_assert(!suites[s]->pow_check(payload_hash, target / 100000, nonce, again));
        ck_assert(!suites[s]->pow_check(other_hash, target, nonce, again));
        nonce[3] ^= 0x10;
        ck_assert(!suites[s]->pow_check(payload_hash, target, nonce, again));
        ck_assert_int_eq(suites[s]->pow_prove(payload_hash, 0, 10, nonce, hash), ERR_RANGE);
        ck_assert_int_eq(suites[s]->pow_prove(payload_hash, target, 0, nonce, hash), ERR_RANGE);
    }
}
END_TEST

/* A signature holds for its key and its text. */
START_TEST(signatures_hold_for_key_and_text)
{
    static const uint8_t seed[32] = {1}, other_seed[32] = {2};
    struct ed25519_public public, other_public;
    struct ed25519_secret secret, other_secret;
    uint8_t signature[64];

    ck_assert_int_eq(crypto_start(), OK);
    ed25519_from_seed(seed, &public, &secret);
    ed25519_from_seed(other_seed, &other_public, &other_secret);
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        suites[s]->sign(&secret, BYTES_LIT("text"), signature);
        ck_assert(suites[s]->verify(&public, BYTES_LIT("text"), signature));
        ck_assert(!suites[s]->verify(&public, BYTES_LIT("texT"), signature));
        ck_assert(!suites[s]->verify(&other_public, BYTES_LIT("text"), signature));
        for (size_t i = 0; i < sizeof(signature); i++) {
            signature[i] ^= 1;
            ck_assert(!suites[s]->verify(&public, BYTES_LIT("text"), signature));
            signature[i] ^= 1;
        }
    }
}
END_TEST

/* Modelled proofs know one difficulty from the next, for every target there is. */
START_TEST(modelled_proofs_know_their_target)
{
    uint8_t payload_hash[64] = {1}, nonce[8], hash[64];

    ck_assert_int_eq(crypto_start(), OK);
    for (uint64_t difficulty = 1; difficulty < 100000; difficulty += 1 + difficulty / 7) {
        uint64_t target, harder;

        ck_assert_int_eq(pow_target(&target, 400, 86400000, difficulty), OK);
        ck_assert_int_eq(pow_target(&harder, 400, 86400000, difficulty + 1), OK);
        ck_assert_int_eq(crypto_modelled.pow_prove(payload_hash, target, 1, nonce, hash), OK);
        ck_assert(crypto_modelled.pow_check(payload_hash, target, nonce, hash));
        ck_assert(!crypto_modelled.pow_check(payload_hash, harder, nonce, hash));
    }
    ck_assert_int_eq(crypto_modelled.pow_prove(payload_hash, UINT64_MAX, 1, nonce, hash), OK);
    ck_assert(crypto_modelled.pow_check(payload_hash, UINT64_MAX, nonce, hash));
    ck_assert_int_eq(crypto_modelled.pow_prove(payload_hash, 1, 1, nonce, hash), OK);
    ck_assert(crypto_modelled.pow_check(payload_hash, 1, nonce, hash));
    ck_assert(!crypto_modelled.pow_check(payload_hash, 0, nonce, hash));
}
END_TEST

START_TEST(wiped_memory_is_zero)
{
    uint8_t memory[5] = "abcd";

    crypto_wipe(memory, sizeof(memory));
    ck_assert_mem_eq(memory, "\0\0\0\0", 5);
}
END_TEST

/* The real suite agrees with independent programs. */
START_TEST(the_real_suite_agrees_with_the_vectors)
{
    const char *const files[] = {VECTORS "/ed25519_x25519.json", VECTORS "/friend_request.json"};

    ck_assert_int_eq(verify_files(files, ARRAY_LEN(files), stdout, stderr), 0);
}
END_TEST

TEST_MAIN("suite", hashes_are_the_standards, two_sides_agree, points_of_small_order_are_refused,
          layers_open_with_their_key_alone, the_nonce_shows, modelled_cbc_checks_its_padding,
          proofs_hold_for_payload_and_target, signatures_hold_for_key_and_text, modelled_proofs_know_their_target, wiped_memory_is_zero,
          the_real_suite_agrees_with_the_vectors)
