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

static uint64_t trials_max(const struct client_preset *preset)
{
    return (uint64_t)preset->trials_per_s * (LIMIT_POW_MS / 1000);
}

struct texts {
    char pubkey[ACCOUNT_HEX_LEN];
    struct rpc_store store; /* without a nonce */
};

static void write_texts(struct client *client, const struct account_id *recipient, uint64_t ttl_ms, struct bytes data,
                        const struct proof *proof, struct texts *texts)
{
    account_to_hex(recipient, texts->pubkey);
    texts->store = (struct rpc_store){
        .pubkey = BYTES_OF(texts->pubkey),
        .ttl = decimal(client->env->arena, ttl_ms),
        .timestamp = decimal(client->env->arena, (uint64_t)proof->timestamp_ms),
        .data = data,
    };
}

static size_t payload_bytes(const struct rpc_store *store)
{
    return store->timestamp.len + store->ttl.len + store->pubkey.len + store->data.len;
}

static void found(struct client *client, uint64_t ttl_ms, struct rpc_store *store, const uint8_t nonce[POW_NONCE_BYTES],
                  struct proof *proof)
{
    char nonce_text[BASE64_LEN(POW_NONCE_BYTES)];
    struct buf body;

    charge_trials(client->env, proof->trials);
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_POW,
                                     .n = {proof->trials, proof->difficulty, payload_bytes(store), ttl_ms}});
    base64_encode(nonce_text, (struct bytes){nonce, POW_NONCE_BYTES});
    store->nonce = BYTES_OF(nonce_text);
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_store_encode(&body, store);
    client_charge_bytes(client, COST_PARSE, body.len);
    proof->body = blob_from_buf(&body);
    buf_fini(&body);
}

/* The whole search at once; its length in virtual time is drawn. */
static enum err search_at_once(struct client *client, uint64_t ttl_ms, struct rpc_store *store, struct proof *proof)
{
    uint8_t nonce[POW_NONCE_BYTES], uniform[8];

    env_random(client->env, uniform, sizeof uniform);
    proof->trials = pow_draw_trials(load_le64(uniform), proof->target);
    if (proof->trials > trials_max(client->preset))
        return ERR_TIMEOUT;
    if (client->preset->suite->pow_prove(proof->payload_hash, proof->target, search_trials_max(proof->target), nonce,
                                         proof->hash) != OK)
        return ERR_TIMEOUT;
    found(client, ttl_ms, store, nonce, proof);
    return OK;
}

enum err proof_start(struct client *client, const struct account_id *recipient, uint64_t ttl_ms, struct bytes data,
                     struct proof *proof)
{
    struct texts texts;

    *proof = (struct proof){.difficulty = client->difficulty, .timestamp_ms = env_now_ms(client->env)};
    write_texts(client, recipient, ttl_ms, data, proof, &texts);
    const struct bytes payload[] = {texts.store.timestamp, texts.store.ttl, texts.store.pubkey, texts.store.data};

    if (pow_target(&proof->target, payload_bytes(&texts.store), ttl_ms, client->difficulty) != OK || proof->target == 0)
        return ERR_TIMEOUT;
    pow_payload_hash(payload, ARRAY_LEN(payload), proof->payload_hash);
    if (client->preset->trials_per_slice > 0)
        return proof_go_on(client, recipient, ttl_ms, data, proof);
    return search_at_once(client, ttl_ms, &texts.store, proof);
}

enum err proof_go_on(struct client *client, const struct account_id *recipient, uint64_t ttl_ms, struct bytes data,
                     struct proof *proof)
{
    uint64_t max = trials_max(client->preset), slice = client->preset->trials_per_slice, counter = proof->trials;
    uint8_t nonce[POW_NONCE_BYTES];
    struct texts texts;

    if (slice > max - proof->trials)
        slice = max - proof->trials;
    if (!pow_search(proof->payload_hash, proof->target, &counter, slice, proof->hash)) {
        proof->trials = counter; /* nonces are tried from 0 on */
        return proof->trials < max ? OK : ERR_TIMEOUT;
    }
    proof->trials = counter + 1;
    store_be64(nonce, counter);
    write_texts(client, recipient, ttl_ms, data, proof, &texts);
    found(client, ttl_ms, &texts.store, nonce, proof);
    return OK;
}
