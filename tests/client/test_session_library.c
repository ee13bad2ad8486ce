/* What others computed, and how the library is linked. */
#include <dlfcn.h>
#include <protobuf-c/protobuf-c.h>
#include <string.h>

#include "common/text.h"
#include "proto/session_message.h"
#include "tests/support/check_main.h"
#include "tests/support/session_fixture.h"

/* Chance that was said before. */
static void draw_said(void *owner, void *out, size_t len)
{
    struct bytes *rest = owner;

    ck_assert_uint_ge(rest->len, len);
    memcpy(out, rest->data, len);
    *rest = bytes_slice(*rest, len, rest->len - len);
}

static struct x25519_pair numbered_pair(uint8_t number)
{
    struct x25519_pair pair;

    for (size_t i = 0; i < 32; i++)
        pair.secret.bytes[i] = (uint8_t)(1 + 0x20 * number + i);
    x25519_public_of(&pair.secret, &pair.public);
    return pair;
}

/* The example of PROTOCOL 6.7: keys 0 to 5 are IKa, IKb, EKa, SPKb, OPKb and the first ratchet key. */
START_TEST(the_worked_example)
{
    struct x25519_pair a = numbered_pair(0), b = numbered_pair(1), signed_pair = numbered_pair(3);
    struct x25519_pair one_time_pair = numbered_pair(4);
    uint8_t said[64], text[159] = {0x0a, 0x04, 0x0a, 0x02, 'h', 'i', 0x80}, hash[32], expected[32];
    struct bytes draws = BYTES_OF(said);
    struct pair pair;
    struct session_sealed sealed;
    struct session_wire read;
    struct blob *record = NULL;

    pair_init(&pair, &session_real);
    memcpy(said, numbered_pair(2).secret.bytes, 32);
    memcpy(said + 32, numbered_pair(5).secret.bytes, 32);
    struct prekey_bundle bundle = {
        .prekey_id = 7, .signed_key_id = 1, .prekey = one_time_pair.public, .signed_key = signed_pair.public};
    struct account_id signed_key;
    struct session_self self = pair_self(&pair, 1);
    account_from_x25519(&b.public, &bundle.identity);
    account_from_x25519(&signed_pair.public, &signed_key);
    self.identity = &b;
    pair.suite->sign(&self, BYTES_OF(signed_key.bytes), bundle.signature);

    struct prekeys own = {.registration_id = 1234};
    self = (struct session_self){.library = pair.library,
                                 .identity = &a,
                                 .prekeys = &own,
                                 .draw = draw_said,
                                 .owner = &draws,
                                 .arena = &pair.arena};
    ck_assert_int_eq(pair.suite->start(&self, &bundle.identity, &bundle, &record), OK);
    ck_assert_int_eq(pair.suite->encrypt(&self, &bundle.identity, BYTES_OF(text), &record, &sealed), OK);
    ck_assert_uint_eq(sealed.wire.len, 292);
    hash_sha256(sealed.wire, hash);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("d8c1892b0a8418cfca657fe190175b2d3a303fac19d9732995dea4346f320d28")), OK);
    ck_assert_mem_eq(hash, expected, 32);
    ck_assert_int_eq(session_wire_decode(sealed.type, sealed.wire, &pair.arena, &read), OK);
    ck_assert_uint_eq(read.prekey.message.len, 211);
    hash_sha256(read.prekey.message, hash);
    ck_assert_int_eq(
        hex_decode(expected, 32, BYTES_LIT("5b10df469f68ae42611bc632878a8d20ffdb697e2edd2bb63c1e133a243b190a")), OK);
    ck_assert_mem_eq(hash, expected, 32);
    blob_drop(record);
    pair_fini(&pair);
}
END_TEST

/* Ours have sign bit 0. The form before XEdDSA, which is an Ed25519 signature and the sign of its key, is taken too; so
 * is no other. */
START_TEST(signatures_old_and_new)
{
    uint8_t seed[32] = {0}, signature[64];
    unsigned signs[2] = {0, 0};
    struct pair pair;

    pair_init(&pair, &session_real);
    for (uint8_t n = 0; n < 16; n++) {
        struct ed25519_public ed;
        struct ed25519_secret secret;
        struct x25519_pair identity;
        struct session_self self = pair_self(&pair, 0);
        uint8_t sign;

        seed[0] = n;
        ed25519_from_seed(seed, &ed, &secret);
        x25519_from_ed25519_secret(&secret, &identity.secret);
        x25519_public_of(&identity.secret, &identity.public);
        self.identity = &identity;
        pair.suite->sign(&self, BYTES_LIT("text"), signature);
        ck_assert_uint_eq(signature[63] & 0x80, 0);
        ck_assert(pair.suite->verify(&self, &identity.public, BYTES_LIT("text"), signature));
        ck_assert(!pair.suite->verify(&self, &identity.public, BYTES_LIT("test"), signature));

        sign = ed.bytes[31] & 0x80;
        signs[sign != 0]++;
        ed25519_sign(&secret, BYTES_LIT("text"), signature);
        signature[63] |= sign;
        ck_assert(pair.suite->verify(&self, &identity.public, BYTES_LIT("text"), signature));
        signature[63] ^= 0x80;
        ck_assert(!pair.suite->verify(&self, &identity.public, BYTES_LIT("text"), signature));
        ck_assert_uint_eq(self.work.signs, 5);
    }
    ck_assert(signs[0] > 0 && signs[1] > 0);
    pair_fini(&pair);
}
END_TEST

/* A modelled signature is bound to signer, text and itself as well. */
START_TEST(modelled_signatures)
{
    struct pair pair;
    uint8_t signature[64];

    pair_init(&pair, &session_modelled);
    struct session_self self = pair_self(&pair, 0);
    const struct x25519_public *own = &pair.people[0].identity.public;
    uint64_t before = pair.people[0].rng.position_bytes;
    pair.suite->sign(&self, BYTES_LIT("text"), signature);
    ck_assert_uint_eq(pair.people[0].rng.position_bytes, before + 64);
    ck_assert(pair.suite->verify(&self, own, BYTES_LIT("text"), signature));
    ck_assert(!pair.suite->verify(&self, own, BYTES_LIT("test"), signature));
    ck_assert(!pair.suite->verify(&self, &pair.people[1].identity.public, BYTES_LIT("text"), signature));
    for (size_t i = 0; i < sizeof(signature); i++) {
        signature[i] ^= 1;
        ck_assert(!pair.suite->verify(&self, own, BYTES_LIT("text"), signature));
        signature[i] ^= 1;
    }
    pair_fini(&pair);
}
END_TEST

START_TEST(each_crypto_suite_has_its_sessions)
{
    ck_assert_ptr_eq(session_suite_for(&crypto_real), &session_real);
    ck_assert_ptr_eq(session_suite_for(&crypto_modelled), &session_modelled);
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        ck_assert_str_eq(suites[i]->name, suites[i]->crypto->name);
    session_library_free(NULL);
}
END_TEST

/* libomemo-c brings an old protobuf-c of its own, under the same names: ours must be the one that is linked. */
START_TEST(protobuf_is_the_one_of_our_header)
{
    ck_assert_uint_eq(protobuf_c_version_number(), PROTOBUF_C_VERSION_NUMBER);
}
END_TEST

/* Both we and libomemo-c have a function of that name, with other arguments: it must call its own. */
START_TEST(the_library_calls_its_own_functions)
{
    void *seen = dlsym(RTLD_DEFAULT, "ed25519_verify");

    ck_assert_ptr_nonnull(seen);
    ck_assert_ptr_ne(seen, (void *)(uintptr_t)ed25519_verify);
}
END_TEST

TEST_MAIN("session_library", the_worked_example, signatures_old_and_new, modelled_signatures,
          each_crypto_suite_has_its_sessions, protobuf_is_the_one_of_our_header, the_library_calls_its_own_functions)
