#include "client/proof.h"

#include "client/client_state.h"
#include "common/pow.h"
#include "common/text.h"

/* How many times the expected trials the real search may take: it needs more once in e^64 messages. */
#define SEARCH_FACTOR 64

static struct bytes decimal(struct arena *arena, uint64_t value)
{
    return bytes_text(arena_printf(arena, "%llu", (unsigned long long)value));
}

static uint64_t search_trials_max(uint64_t target)
{
    uint64_t expected = UINT64_MAX / (target == 0 ? 1 : target);
    return expected > UINT64_MAX / SEARCH_FACTOR - 1 ? UINT64_MAX : (expected + 1) * SEARCH_FACTOR;
}

static void charge_trials(struct env *env, uint64_t trials)
{
    for (; trials > UINT32_MAX; trials -= UINT32_MAX)
        env_charge(env, COST_POW_TRIAL, UINT32_MAX);
    env_charge(env, COST_POW_TRIAL, (uint32_t)trials);
}

enum err proof_make(struct client *client, const struct account_id *recipient, uint64_t ttl_ms, struct bytes data,
                    struct proof *proof)
{
    const struct client_preset *preset = client->preset;
    struct env *env = client->env;
    char pubkey[ACCOUNT_HEX_LEN], nonce_text[BASE64_LEN(POW_NONCE_BYTES)];
    uint8_t payload_hash[64], nonce[POW_NONCE_BYTES], uniform[8];
    uint64_t target;

    account_to_hex(recipient, pubkey);
    struct rpc_store store = {
        .pubkey = BYTES_OF(pubkey),
        .ttl = decimal(env->arena, ttl_ms),
        .timestamp = decimal(env->arena, (uint64_t)env_now_ms(env)),
        .data = data,
    };
    const struct bytes payload[] = {store.timestamp, store.ttl, store.pubkey, store.data};
    size_t payload_bytes = store.timestamp.len + store.ttl.len + store.pubkey.len + store.data.len;

    if (pow_target(&target, payload_bytes, ttl_ms, client->difficulty) != OK || target == 0)
        return ERR_TIMEOUT;
    env_random(env, uniform, sizeof uniform);
    proof->difficulty = client->difficulty;
    proof->trials = pow_draw_trials(load_le64(uniform), target);
    if (proof->trials > (uint64_t)preset->trials_per_s * (LIMIT_POW_MS / 1000))
        return ERR_TIMEOUT;
    pow_payload_hash(payload, ARRAY_LEN(payload), payload_hash);
    if (preset->suite->pow_prove(payload_hash, target, search_trials_max(target), nonce, proof->hash) != OK)
        return ERR_TIMEOUT;
    charge_trials(env, proof->trials);
    env_trace(
        env, &(struct trace_record){.kind = TRACE_POW, .n = {proof->trials, proof->difficulty, payload_bytes, ttl_ms}});

    struct buf body;
    base64_encode(nonce_text, BYTES_OF(nonce));
    store.nonce = BYTES_OF(nonce_text);
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_store_encode(&body, &store);
    client_charge_bytes(client, COST_PARSE, body.len);
    proof->body = blob_from_buf(&body);
    buf_fini(&body);
    return OK;
}
