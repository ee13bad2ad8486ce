#include "common/aes.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

/* Written once by aes_start(), before there are threads, and only read from then on. To name a cipher at every call
 * would cost a locked search in the library each time: 250 ns, half of sealing a short text. A context made for each
 * call costs 20 ns against a kept one. */
static struct {
    EVP_CIPHER *gcm, *cbc;
} ciphers;

enum err aes_start(void)
{
    if (ciphers.gcm == NULL)
        ciphers.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (ciphers.cbc == NULL)
        ciphers.cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    return ciphers.gcm != NULL && ciphers.cbc != NULL ? OK : ERR_CRYPTO;
}

/* A context for one text. The library fails here for want of memory alone. */
static EVP_CIPHER_CTX *start(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv, int encrypt)
{
    EVP_CIPHER_CTX *ctx;

    ASSERT(cipher != NULL);
    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypt, NULL) != 1)
        out_of_memory();
    return ctx;
}

/* The library counts in int. Bodies are bounded far below (LIMIT_BODY_BYTES). */
static int checked_len(size_t len)
{
    ASSERT(len <= INT_MAX - 16);
    return (int)len;
}

/* Some text of no bytes has no address, which the library would take for something else. */
static const uint8_t *checked_data(struct bytes text)
{
    return text.len > 0 ? text.data : (const uint8_t *)"";
}

void aes_gcm_seal(const uint8_t key[32], const uint8_t nonce[12], struct bytes plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = start(ciphers.gcm, key, nonce, 1);
    int len = 0;
    int done;

    done = EVP_EncryptUpdate(ctx, out, &len, checked_data(plain), checked_len(plain.len)) == 1 &&
           EVP_EncryptFinal_ex(ctx, out + plain.len, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AES_GCM_TAG_BYTES, out + plain.len) == 1;
    ASSERT(done);
    EVP_CIPHER_CTX_free(ctx);
}

enum err aes_gcm_open(const uint8_t key[32], const uint8_t nonce[12], struct bytes text, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx;
    uint8_t tag[AES_GCM_TAG_BYTES];
    struct bytes body;
    int len = 0;
    bool good;

    if (text.len < AES_GCM_TAG_BYTES)
        return ERR_CRYPTO;
    body = bytes_slice(text, 0, text.len - AES_GCM_TAG_BYTES);
    memcpy(tag, text.data + body.len, sizeof(tag));
    ctx = start(ciphers.gcm, key, nonce, 0);
    good = EVP_DecryptUpdate(ctx, out, &len, checked_data(body), checked_len(body.len)) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AES_GCM_TAG_BYTES, tag) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + body.len, &len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good ? OK : ERR_CRYPTO;
}

void aes_cbc_encrypt(const uint8_t key[32], const uint8_t iv[16], struct bytes plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = start(ciphers.cbc, key, iv, 1);
    int body = 0;
    int last = 0;
    int done;

    done = EVP_EncryptUpdate(ctx, out, &body, checked_data(plain), checked_len(plain.len)) == 1 &&
           EVP_EncryptFinal_ex(ctx, out + body, &last) == 1;
    ASSERT(done && (size_t)(body + last) == AES_CBC_BYTES(plain.len));
    EVP_CIPHER_CTX_free(ctx);
}

enum err aes_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16], struct bytes text, uint8_t *out, size_t *len)
{
    EVP_CIPHER_CTX *ctx;
    int body = 0;
    int last = 0;
    bool good;

    if (text.len == 0 || text.len % 16 != 0)
        return ERR_CRYPTO;
    ctx = start(ciphers.cbc, key, iv, 0);
    good = EVP_DecryptUpdate(ctx, out, &body, text.data, checked_len(text.len)) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + body, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!good)
        return ERR_CRYPTO;
    *len = (size_t)(body + last);
    return OK;
}
