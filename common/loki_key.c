/* Below the documented interface: OpenSSL's block function, which version 3 calls deprecated and still has. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/loki_key.h"

#include <openssl/sha.h>
#include <string.h>

#include "common/bytes.h"
#include "common/suite.h"

#define BLOCK_BYTES 64
#define HASH_BYTES  32

/* What SHA-256 holds after the first block of both passes, "LOKI" with zeros behind, mixed with 0x36 and with 0x5c: of
 * four blocks two are the same for every key. Measured: 120 ns, against 1.4 us with libsodium's HMAC. */
static const uint32_t inner_state[8] = {0x165cec12, 0x32dffa40, 0xfc436aeb, 0x48de9bf4,
                                        0xddf5990d, 0x19388725, 0x9eec50bb, 0xa1b760c2};
static const uint32_t outer_state[8] = {0x3445201b, 0xbb898658, 0x1ed50a88, 0x2d52784b,
                                        0xdb6d73a2, 0x01181791, 0x3cd5a1fa, 0x5d9d28eb};

/* The hash of one block's worth of key and then `text`; the text is replaced by it. */
static void finish(const uint32_t state[8], uint8_t block[BLOCK_BYTES])
{
    SHA256_CTX ctx = {0};

    memcpy(ctx.h, state, sizeof(ctx.h));
    SHA256_Transform(&ctx, block);
    for (size_t i = 0; i < 8; i++)
        store_be32(block + 4 * i, ctx.h[i]);
    crypto_wipe(&ctx, sizeof(ctx));
}

void loki_key(const uint8_t agreement[32], uint8_t key[32])
{
    uint8_t block[BLOCK_BYTES] = {0};

    memcpy(block, agreement, HASH_BYTES);
    block[HASH_BYTES] = 0x80;
    store_be64(block + BLOCK_BYTES - 8, (BLOCK_BYTES + HASH_BYTES) * 8);
    finish(inner_state, block); /* leaves the padding as it is: both passes have the same */
    finish(outer_state, block);
    memcpy(key, block, HASH_BYTES);
    crypto_wipe(block, sizeof(block));
}
