#include "node/store_record.h"

#include <string.h>

#include "common/limits.h"
#include "common/pow.h"

#define FORMAT 1

enum { /* offsets */
       AT_ACCOUNT = 1,
       AT_HASH = AT_ACCOUNT + 33,
       AT_NONCE = AT_HASH + POW_HASH_BYTES,
       AT_TTL = AT_NONCE + POW_NONCE_BYTES,
       AT_TIMESTAMP = AT_TTL + 8,
       AT_DATA = AT_TIMESTAMP + 8
};
static_assert(AT_DATA == STORE_RECORD_OVERHEAD, "the header's number and the layout are the same");

struct bytes store_record_encode(const struct stored_body *body, struct arena *arena)
{
    size_t len = AT_DATA + body->data_len;
    uint8_t *out = arena_alloc(arena, len);

    out[0] = FORMAT;
    memcpy(out + AT_ACCOUNT, body->account.bytes, sizeof(body->account.bytes));
    memcpy(out + AT_HASH, body->hash, sizeof(body->hash));
    memcpy(out + AT_NONCE, body->nonce, sizeof(body->nonce));
    store_be64(out + AT_TTL, body->ttl_ms);
    store_be64(out + AT_TIMESTAMP, body->timestamp_ms);
    memcpy(out + AT_DATA, body->data, body->data_len);
    return (struct bytes){out, len};
}

void store_key_encode(uint64_t arrival, uint8_t key[STORE_KEY_BYTES])
{
    store_be64(key, arrival);
}

enum err store_key_decode(struct bytes key, uint64_t *arrival)
{
    if (key.len != STORE_KEY_BYTES)
        return ERR_FORMAT;
    *arrival = load_be64(key.data);
    return OK;
}

struct stored_body *store_record_decode(struct bytes value, struct body_pool *pool)
{
    struct account_id account;
    uint64_t ttl_ms, timestamp_ms;

    if (value.len < AT_DATA || value.len - AT_DATA > LIMIT_DATA_CHARS || value.data[0] != FORMAT)
        return NULL;
    memcpy(account.bytes, value.data + AT_ACCOUNT, sizeof(account.bytes));
    ttl_ms = load_be64(value.data + AT_TTL);
    timestamp_ms = load_be64(value.data + AT_TIMESTAMP);
    /* With these two, an expiry never leaves 64 bits. */
    if (!pow_ttl_valid(ttl_ms) || timestamp_ms > INT64_MAX - LIMIT_TTL_MS_MAX)
        return NULL;
    return body_pool_get(pool, value.data + AT_HASH, &account, value.data + AT_NONCE, ttl_ms, timestamp_ms,
                         bytes_slice(value, AT_DATA, value.len - AT_DATA));
}
