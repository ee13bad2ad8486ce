#include "node/admission.h"

#include <string.h>

#include "common/limits.h"
#include "common/pow.h"
#include "common/text.h"
#include "node/body_pool.h"

bool admission_time_ok(uint64_t timestamp_ms, uint64_t ttl_ms, int64_t now_ms)
{
    uint64_t now = now_ms < 0 ? 0 : (uint64_t)now_ms;

    return timestamp_ms <= now + LIMIT_FUTURE_MS && timestamp_ms + ttl_ms >= now;
}

bool admission_proof_ok(struct env *env, const struct crypto_suite *suite, const struct proof *proof,
                        uint64_t difficulty, uint8_t nonce[8], uint8_t hash[64])
{
    const struct bytes payload[] = {proof->timestamp, proof->ttl, proof->pubkey, proof->data};
    size_t nonce_len = POW_NONCE_BYTES, payload_bytes = 0;
    uint8_t payload_hash[64];
    uint64_t target;

    if (proof->nonce.len != BASE64_LEN(POW_NONCE_BYTES) || base64_decode(nonce, &nonce_len, proof->nonce) != OK ||
        nonce_len != POW_NONCE_BYTES)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(payload); i++)
        payload_bytes += payload[i].len;
    if (pow_target(&target, payload_bytes, proof->ttl_ms, difficulty) != OK)
        return false;
    env_charge(env, COST_POW_CHECK, 1);
    pow_payload_hash(payload, ARRAY_LEN(payload), payload_hash);
    return suite->pow_check(payload_hash, target, nonce, hash);
}

/* The number as decimal text: what a client that wrote it canonically has hashed. */
static struct bytes decimal(struct arena *arena, uint64_t number)
{
    return bytes_text(arena_printf(arena, "%llu", (unsigned long long)number));
}

enum err admission_of_replica(struct env *env, const struct crypto_suite *suite, const struct difficulty *difficulty,
                              const struct peer_message *message, struct body_pool *bodies, struct stored_body **body)
{
    const struct proof proof = {.timestamp = decimal(env->arena, message->timestamp_ms),
                                .ttl = decimal(env->arena, message->ttl_ms),
                                .pubkey = message->pubkey,
                                .data = message->data,
                                .ttl_ms = message->ttl_ms,
                                .nonce = message->nonce};
    struct account_id account;
    uint8_t nonce[POW_NONCE_BYTES], hash[POW_HASH_BYTES], given_hash[POW_HASH_BYTES];
    uint64_t needed;
    enum err err = account_from_hex(&account, message->pubkey);

    if (err != OK)
        return err;
    if (message->data.len > LIMIT_DATA_CHARS)
        return ERR_TOO_BIG;
    if (!pow_ttl_valid(message->ttl_ms))
        return ERR_RANGE;
    if (!admission_time_ok(message->timestamp_ms, message->ttl_ms, env_now_ms(env)))
        return ERR_CLOCK;
    needed = difficulty_relayed(difficulty, (int64_t)message->timestamp_ms);
    if (!admission_proof_ok(env, suite, &proof, needed, nonce, hash))
        return ERR_CRYPTO;
    err = hex_decode(given_hash, sizeof(given_hash), message->hash);
    if (err != OK || memcmp(hash, given_hash, sizeof(hash)) != 0)
        return ERR_FORMAT;
    *body = body_pool_get(bodies, hash, &account, nonce, message->ttl_ms, message->timestamp_ms, message->data);
    return OK;
}

enum err admission_of_record(struct env *env, const struct crypto_suite *suite, const struct difficulty *difficulty,
                             const struct stored_body *body)
{
    int64_t now_ms = env_now_ms(env);
    char pubkey[ACCOUNT_HEX_LEN], nonce_text[BASE64_LEN(POW_NONCE_BYTES)];
    const struct proof proof = {.timestamp = decimal(env->arena, body->timestamp_ms),
                                .ttl = decimal(env->arena, body->ttl_ms),
                                .pubkey = BYTES_OF(pubkey),
                                .data = body_data(body),
                                .ttl_ms = body->ttl_ms,
                                .nonce = BYTES_OF(nonce_text)};
    uint8_t nonce[POW_NONCE_BYTES], hash[POW_HASH_BYTES];
    uint64_t needed;

    if (body->timestamp_ms > (uint64_t)(now_ms + LIMIT_FUTURE_MS) || body_expiry_ms(body) < now_ms ||
        body_expiry_ms(body) > now_ms + LIMIT_TTL_PRIVATE_MS_MAX + LIMIT_FUTURE_MS)
        return ERR_CLOCK;
    if (body->dialect == DIALECT_MODERN)
        return OK;
    if (!utf8_valid(body_data(body)))
        return ERR_FORMAT;
    account_to_hex(&body->account, pubkey);
    base64_encode(nonce_text, BYTES_OF(body->nonce));
    needed = difficulty_relayed(difficulty, (int64_t)body->timestamp_ms);
    if (!admission_proof_ok(env, suite, &proof, needed, nonce, hash))
        return ERR_CRYPTO;
    return memcmp(hash, body->hash, sizeof(hash)) == 0 ? OK : ERR_FORMAT;
}
