#include "common/rng.h"

#include <sodium.h>
#include <string.h>

#include "common/bytes.h"

#define BLOCK_BYTES 64 /* of ChaCha20 */

void rng_key_from_seed(struct rng_key *key, uint64_t seed)
{
    uint8_t seed_bytes[8];
    static const char domain[] = "swarmbed world seed 1";
    store_le64(seed_bytes, seed);
    crypto_generichash(key->bytes, sizeof(key->bytes), seed_bytes, sizeof(seed_bytes), (const uint8_t *)domain,
                       sizeof(domain) - 1);
}

void rng_init(struct rng *rng, const struct rng_key *key, enum rng_label label, uint32_t source)
{
    *rng = (struct rng){.key = key, .label = label, .source = source};
}

/* Exclusive or of `len` bytes with the key stream from the start of `block` on. */
static void mix_stream(const struct rng *rng, uint8_t *bytes, size_t len, uint64_t block)
{
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    store_le32(nonce, rng->label);
    store_le32(nonce + 4, rng->source);
    crypto_stream_chacha20_xor_ic(bytes, bytes, len, nonce, block, rng->key->bytes);
}

/* The stream does not depend on how draws are cut: one that starts inside a block continues that block. */
void rng_bytes(struct rng *rng, void *out, size_t len)
{
    uint8_t *at = out;
    size_t skip = rng->position_bytes % BLOCK_BYTES;
    if (skip > 0 && len > 0) {
        uint8_t block[BLOCK_BYTES] = {0};
        size_t part = len < BLOCK_BYTES - skip ? len : BLOCK_BYTES - skip;
        mix_stream(rng, block, skip + part, rng->position_bytes / BLOCK_BYTES);
        memcpy(at, block + skip, part);
        rng->position_bytes += part;
        at += part;
        len -= part;
    }
    if (len > 0) {
        memset(at, 0, len);
        mix_stream(rng, at, len, rng->position_bytes / BLOCK_BYTES);
        rng->position_bytes += len;
    }
}

static void draw_rng(void *source, void *out, size_t len)
{
    rng_bytes(source, out, len);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    return rng_below_from(draw_rng, rng, n);
}

/* 2^64 mod n of the 2^64 draws are one too many for an even share: the highest are drawn again. */
uint64_t rng_below_from(rng_bytes_fn draw, void *source, uint64_t n)
{
    uint64_t last_even, value;
    ASSERT(n > 0);
    last_even = UINT64_MAX - (UINT64_MAX % n + 1) % n;
    do {
        uint8_t bytes[8];
        draw(source, bytes, sizeof(bytes));
        value = load_le64(bytes);
    } while (value > last_even);
    return value % n;
}

uint64_t rng_number(const struct rng_key *key, enum rng_label label, uint32_t source, uint64_t sequence)
{
    uint8_t hash_key[crypto_shorthash_KEYBYTES], name[12], hash[crypto_shorthash_BYTES];
    memcpy(hash_key, key->bytes, sizeof(hash_key));
    store_le32(hash_key, load_le32(hash_key) ^ label);
    store_le32(name, source);
    store_le64(name + 4, sequence);
    crypto_shorthash(hash, name, sizeof(name), hash_key);
    return load_le64(hash);
}
