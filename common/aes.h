/* aes.h: AES-256-CBC and AES-256-GCM of the era; the door to OpenSSL's ciphers.
 *
 * Pure functions: keys and IVs are arguments. Sizes are those of the standards; texts stay below 2 GiB. */
#ifndef SWARMBED_AES_H
#define SWARMBED_AES_H

#include "common/bytes.h"

#define AES_GCM_NONCE_BYTES 12
#define AES_GCM_TAG_BYTES   16
#define AES_CBC_IV_BYTES    16
#define AES_CBC_BYTES(n)    (((n) / 16 + 1) * 16) /* PKCS#7 always adds */

/* Looks the ciphers up, once and for all: crypto_start() calls it. ERR_CRYPTO: the library does not have them. */
MUST_CHECK enum err aes_start(void);
/* `out` gets plain.len bytes and then the tag. */
void aes_gcm_seal(const uint8_t key[32], const uint8_t nonce[12], struct bytes plain, uint8_t *out);
/* `text`: ciphertext and tag; `out`: text.len - 16 bytes. ERR_CRYPTO: changed, too short, or another key. */
MUST_CHECK enum err aes_gcm_open(const uint8_t key[32], const uint8_t nonce[12], struct bytes text, uint8_t *out);
/* `out` gets AES_CBC_BYTES(plain.len) bytes. */
void aes_cbc_encrypt(const uint8_t key[32], const uint8_t iv[16], struct bytes plain, uint8_t *out);
/* `out`: room for text.len; *len: without the padding. ERR_CRYPTO: bad length or padding. */
MUST_CHECK enum err aes_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16], struct bytes text, uint8_t *out,
                                    size_t *len);

#endif
