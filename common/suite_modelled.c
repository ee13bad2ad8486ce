/* The modelled suite: sizes, draws and failures of the real one, for a hundredth of its time.
 *
 * It hides nothing and resists nobody: it is for worlds in which all run the same program. What a real curve gives by
 * arithmetic is given by mixing public values:
 *
 *   ephemeral public key   the secret, mixed
 *   agreement              both public keys, the smaller first, mixed
 *   GCM, XChaCha20         nonce || plaintext || tag (16), the tag a mix of the plaintext under key and nonce
 *   CBC                    IV[0..8] || check (8) || plaintext || PKCS#7 padding: there is no room for a tag behind, so
 *                          the second half of the IV makes place for it
 *   signature              public key and text, mixed
 *   proof of work          target, rounded down (4), and check (4) that binds it to the payload */
#include "common/suite_modelled.h"

#include <string.h>

#include "common/aes.h"
#include "common/pow.h"

#define CBC_IV_KEPT_BYTES 8

/* 128 bits that change with every bit of seed and text: two words of the text at a time go through one product. A
 * tenth of the time of SipHash, which at the length of an onion was a third of a request's. */
struct mix {
    uint64_t words[2];
};

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Odd numbers with as many ones as zeros; any such would do. */
#define MIX_A UINT64_C(0xa0761d6478bd642f)
#define MIX_B UINT64_C(0xe7037ed1a0b428db)
#define MIX_C UINT64_C(0x8ebc6af09c88c6e3)

static struct mix mix_text(struct mix seed, struct bytes text)
{
    uint64_t state = fold(seed.words[0] ^ MIX_A, seed.words[1] ^ MIX_B) ^ text.len;
    struct mix mix;

    for (; text.len >= 16; text = bytes_slice(text, 16, text.len - 16))
        state = fold(load_le64(text.data) ^ state, load_le64(text.data + 8) ^ MIX_C);
    if (text.len > 0) {
        uint8_t last[16] = {0};

        memcpy(last, text.data, text.len);
        state = fold(load_le64(last) ^ state, load_le64(last + 8) ^ MIX_C);
    }
    mix.words[0] = fold(state ^ seed.words[0], MIX_A);
    mix.words[1] = fold(state ^ MIX_B, mix.words[0] ^ seed.words[1]);
    return mix;
}

static void mix_store(struct mix mix, uint8_t out[16])
{
    store_le64(out, mix.words[0]);
    store_le64(out + 8, mix.words[1]);
}

enum purpose { PURPOSE_PUBLIC_KEY = 1, PURPOSE_AGREEMENT, PURPOSE_TAG, PURPOSE_SIGNATURE };

static void mix_key(enum purpose purpose, struct bytes text, uint8_t out[32])
{
    mix_store(mix_text((struct mix){{purpose, 1}}, text), out);
    mix_store(mix_text((struct mix){{purpose, 2}}, text), out + 16);
}

static void modelled_ephemeral_public(const struct x25519_secret *secret, struct x25519_public *out)
{
    mix_key(PURPOSE_PUBLIC_KEY, BYTES_OF(secret->bytes), out->bytes);
}

/* The points with which every agreement is zero, as the real suite finds by doing it; their top bit does not count. */
static bool small_order(const struct x25519_public *key)
{
    static const uint8_t points[][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
         0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
         0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };

    for (size_t i = 0; i < ARRAY_LEN(points); i++)
        if (memcmp(key->bytes, points[i], 31) == 0 && (key->bytes[31] & 0x7f) == points[i][31])
            return true;
    return false;
}

static enum err modelled_agree(const struct x25519_pair *own, const struct x25519_public *theirs,
                               struct shared_key *out)
{
    bool own_first = memcmp(own->public.bytes, theirs->bytes, sizeof(theirs->bytes)) < 0;
    const struct x25519_public pair[] = {own_first ? own->public : *theirs, own_first ? *theirs : own->public};

    if (small_order(theirs))
        return ERR_CRYPTO;
    mix_key(PURPOSE_AGREEMENT, BYTES_OF(pair), out->bytes);
    return OK;
}

void modelled_tag(enum enc_type type, const struct shared_key *key, struct bytes nonce, struct bytes text,
                  uint8_t tag[SEAL_TAG_BYTES])
{
    struct mix seed = mix_text((struct mix){{PURPOSE_TAG, type}}, BYTES_OF(key->bytes));

    mix_store(mix_text(mix_text(seed, nonce), text), tag);
}

static void modelled_seal(enum enc_type type, const struct shared_key *key, const uint8_t *nonce, struct bytes plain,
                          uint8_t *out)
{
    size_t nonce_bytes = seal_nonce_bytes(type);
    uint8_t *text = out + nonce_bytes;
    uint8_t tag[SEAL_TAG_BYTES];

    memcpy(out, nonce, nonce_bytes);
    if (plain.len > 0)
        memcpy(text, plain.data, plain.len);
    if (type == ENC_AES_CBC) {
        size_t padded_len = AES_CBC_BYTES(plain.len);

        memset(text + plain.len, (int)(padded_len - plain.len), padded_len - plain.len);
        modelled_tag(type, key, (struct bytes){nonce, CBC_IV_KEPT_BYTES}, (struct bytes){text, padded_len}, tag);
        memcpy(out + CBC_IV_KEPT_BYTES, tag, AES_CBC_IV_BYTES - CBC_IV_KEPT_BYTES);
    } else {
        modelled_tag(type, key, (struct bytes){nonce, nonce_bytes}, (struct bytes){text, plain.len}, text + plain.len);
    }
}

static enum err open_cbc(const struct shared_key *key, struct bytes layer, uint8_t *out, size_t *len)
{
    struct bytes text = bytes_slice(layer, AES_CBC_IV_BYTES, layer.len - AES_CBC_IV_BYTES);
    uint8_t tag[SEAL_TAG_BYTES];
    size_t padding;

    if (text.len % 16 != 0)
        return ERR_CRYPTO;
    modelled_tag(ENC_AES_CBC, key, bytes_slice(layer, 0, CBC_IV_KEPT_BYTES), text, tag);
    if (memcmp(tag, layer.data + CBC_IV_KEPT_BYTES, AES_CBC_IV_BYTES - CBC_IV_KEPT_BYTES) != 0)
        return ERR_CRYPTO;
    /* Who made the tag made the padding too, but may be a peer of bad will. */
    padding = text.data[text.len - 1];
    if (padding == 0 || padding > 16)
        return ERR_CRYPTO;
    *len = text.len - padding;
    memcpy(out, text.data, *len);
    return OK;
}

static enum err modelled_open(enum enc_type type, const struct shared_key *key, struct bytes layer, uint8_t *out,
                              size_t *len)
{
    size_t nonce_bytes = seal_nonce_bytes(type);
    uint8_t tag[SEAL_TAG_BYTES];
    struct bytes text;

    if (layer.len < seal_bytes(type, 0))
        return ERR_CRYPTO;
    if (type == ENC_AES_CBC)
        return open_cbc(key, layer, out, len);
    text = bytes_slice(layer, nonce_bytes, layer.len - nonce_bytes - SEAL_TAG_BYTES);
    modelled_tag(type, key, bytes_slice(layer, 0, nonce_bytes), text, tag);
    if (memcmp(tag, text.data + text.len, SEAL_TAG_BYTES) != 0)
        return ERR_CRYPTO;
    memcpy(out, text.data, text.len);
    *len = text.len;
    return OK;
}

/* The target in 32 bits, rounded down: 6 bits of exponent, 26 of mantissa. So two targets are told apart if they differ
 * by more than 1 in 2^25. */
static uint32_t target_pack(uint64_t target)
{
    int zeros = __builtin_clzll(target);

    return (uint32_t)zeros << 26 | (uint32_t)(target << zeros >> 38);
}

static uint64_t target_unpack(uint32_t packed)
{
    return (uint64_t)(packed & 0x3ffffff) << 38 >> (packed >> 26);
}

static uint32_t proof_check(const uint8_t payload_hash[64], uint32_t packed_target)
{
    uint8_t text[64 + 4];

    memcpy(text, payload_hash, 64);
    store_le32(text + 64, packed_target);
    return (uint32_t)hash_sip((const uint8_t *)"modelled proof..", BYTES_OF(text));
}

static enum err modelled_pow_prove(const uint8_t payload_hash[64], uint64_t target, uint64_t trials_max,
                                   uint8_t nonce[8], uint8_t hash[64])
{
    uint32_t packed_target;

    if (target == 0 || trials_max == 0)
        return ERR_RANGE;
    packed_target = target_pack(target);
    store_le32(nonce, packed_target);
    store_le32(nonce + 4, proof_check(payload_hash, packed_target));
    (void)pow_trial(payload_hash, nonce, hash);
    return OK;
}

static bool modelled_pow_check(const uint8_t payload_hash[64], uint64_t target, const uint8_t nonce[8],
                               uint8_t hash[64])
{
    uint32_t packed_target = load_le32(nonce);

    (void)pow_trial(payload_hash, nonce, hash);
    return load_le32(nonce + 4) == proof_check(payload_hash, packed_target) && target_unpack(packed_target) <= target;
}

static void signature_of(struct bytes public, struct bytes text, uint8_t signature[64])
{
    for (unsigned i = 0; i < 4; i++) {
        struct mix seed = mix_text((struct mix){{PURPOSE_SIGNATURE, i}}, public);

        mix_store(mix_text(seed, text), signature + (size_t)16 * i);
    }
}

/* The public key stands behind the seed. */
static void modelled_sign(const struct ed25519_secret *secret, struct bytes text, uint8_t signature[64])
{
    signature_of(bytes_slice(BYTES_OF(secret->bytes), 32, 32), text, signature);
}

static bool modelled_verify(const struct ed25519_public *public, struct bytes text, const uint8_t signature[64])
{
    uint8_t expected[64];

    signature_of(BYTES_OF(public->bytes), text, expected);
    return memcmp(expected, signature, sizeof(expected)) == 0;
}

const struct crypto_suite crypto_modelled = {
    .name = "modelled",
    .ephemeral_public = modelled_ephemeral_public,
    .agree = modelled_agree,
    .seal = modelled_seal,
    .open = modelled_open,
    .pow_prove = modelled_pow_prove,
    .pow_check = modelled_pow_check,
    .sign = modelled_sign,
    .verify = modelled_verify,
};
