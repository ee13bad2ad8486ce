#include "common/aes.h"

#include <stdlib.h>
#include <string.h>

#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"

static void read_hex(uint8_t *out, size_t len, const char *hex)
{
    ck_assert_int_eq(hex_decode(out, len, bytes_text(hex)), OK);
}

/* Test case 14 of the GCM specification: 16 zeros under a key of zeros. */
START_TEST(gcm_is_the_standards)
{
    const uint8_t key[32] = {0}, nonce[12] = {0}, plain[16] = {0};
    uint8_t sealed[32], expected[32], opened[16];

    ck_assert_int_eq(crypto_start(), OK);
    read_hex(expected, 32, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    aes_gcm_seal(key, nonce, BYTES_OF(plain), sealed);
    ck_assert_mem_eq(sealed, expected, sizeof(expected));
    ck_assert_int_eq(aes_gcm_open(key, nonce, BYTES_OF(sealed), opened), OK);
    ck_assert_mem_eq(opened, plain, sizeof(plain));
}
END_TEST

/* SP 800-38A, F.2.5: the first block. What follows it is padding. */
START_TEST(cbc_is_the_standards)
{
    uint8_t key[32], iv[16], plain[16], expected[16], sealed[AES_CBC_BYTES(16)], opened[sizeof(sealed)];
    size_t len;

    ck_assert_int_eq(crypto_start(), OK);
    read_hex(key, 32, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    read_hex(iv, 16, "000102030405060708090a0b0c0d0e0f");
    read_hex(plain, 16, "6bc1bee22e409f96e93d7e117393172a");
    read_hex(expected, 16, "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
    aes_cbc_encrypt(key, iv, BYTES_OF(plain), sealed);
    ck_assert_mem_eq(sealed, expected, sizeof(expected));
    ck_assert_int_eq(aes_cbc_decrypt(key, iv, BYTES_OF(sealed), opened, &len), OK);
    ck_assert_uint_eq(len, sizeof(plain));
    ck_assert_mem_eq(opened, plain, sizeof(plain));
}
END_TEST

/* Every length round about the block's, none included, comes back; each has the size that its macro says. */
START_TEST(any_length_comes_back)
{
    const uint8_t key[32] = {1}, iv[16] = {2};
    uint8_t plain[67], opened[sizeof(plain) + 16];

    ck_assert_int_eq(crypto_start(), OK);
    memset(plain, 0x5a, sizeof(plain));
    for (size_t len = 0; len <= sizeof(plain); len++) {
        struct bytes text = {len > 0 ? plain : NULL, len};
        size_t gcm_len = len + AES_GCM_TAG_BYTES;
        size_t opened_len;
        uint8_t *gcm = xmalloc(gcm_len); /* exactly as large as promised: the sanitizer watches */
        uint8_t *cbc = xmalloc(AES_CBC_BYTES(len));

        aes_gcm_seal(key, iv, text, gcm);
        ck_assert_int_eq(aes_gcm_open(key, iv, (struct bytes){gcm, gcm_len}, opened), OK);
        ck_assert(bytes_equal((struct bytes){opened, len}, text));
        aes_cbc_encrypt(key, iv, text, cbc);
        ck_assert_int_eq(aes_cbc_decrypt(key, iv, (struct bytes){cbc, AES_CBC_BYTES(len)}, opened, &opened_len), OK);
        ck_assert(bytes_equal((struct bytes){opened, opened_len}, text));
        free(cbc);
        free(gcm);
    }
}
END_TEST

START_TEST(gcm_refuses_every_change)
{
    const uint8_t key[32] = {1}, other_key[32] = {2}, nonce[12] = {3}, other_nonce[12] = {4};
    uint8_t sealed[5 + AES_GCM_TAG_BYTES], opened[sizeof(sealed)];
    struct bytes text = BYTES_OF(sealed);

    ck_assert_int_eq(crypto_start(), OK);
    aes_gcm_seal(key, nonce, BYTES_LIT("hello"), sealed);
    ck_assert_int_eq(aes_gcm_open(key, nonce, text, opened), OK);
    ck_assert_int_eq(aes_gcm_open(other_key, nonce, text, opened), ERR_CRYPTO);
    ck_assert_int_eq(aes_gcm_open(key, other_nonce, text, opened), ERR_CRYPTO);
    for (size_t len = 0; len < sizeof(sealed); len++)
        ck_assert_int_eq(aes_gcm_open(key, nonce, bytes_slice(text, 0, len), opened), ERR_CRYPTO);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 0x80;
        ck_assert_int_eq(aes_gcm_open(key, nonce, text, opened), ERR_CRYPTO);
        sealed[i] ^= 0x80;
    }
}
END_TEST

/* CBC notices only what spoils the padding. */
START_TEST(cbc_refuses_bad_lengths_and_padding)
{
    const uint8_t key[32] = {1}, iv[16] = {3};
    uint8_t sealed[AES_CBC_BYTES(16)], opened[sizeof(sealed)], plain[16] = {0};
    struct bytes text = BYTES_OF(sealed);
    size_t len;

    ck_assert_int_eq(crypto_start(), OK);
    aes_cbc_encrypt(key, iv, BYTES_OF(plain), sealed);
    for (len = 0; len < sizeof(sealed); len++)
        if (len != 16)
            ck_assert_int_eq(aes_cbc_decrypt(key, iv, bytes_slice(text, 0, len), opened, &len), ERR_CRYPTO);
    sealed[15] ^= 0x40; /* changes the last byte of the padding, 0x10, into 0x50 */
    ck_assert_int_eq(aes_cbc_decrypt(key, iv, text, opened, &len), ERR_CRYPTO);
    sealed[15] ^= 0x40 ^ 0x10; /* padding of no bytes */
    ck_assert_int_eq(aes_cbc_decrypt(key, iv, text, opened, &len), ERR_CRYPTO);
}
END_TEST

TEST_MAIN("aes", gcm_is_the_standards, cbc_is_the_standards, any_length_comes_back, gcm_refuses_every_change,
          cbc_refuses_bad_lengths_and_padding)
