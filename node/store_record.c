#include "node/store_record.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/pow.h"
#include "common/text.h"

#define FORMAT 2

enum { /* offsets */
       AT_DIALECT = 1,
       AT_ACCOUNT = AT_DIALECT + 1,
       AT_NAMESPACE = AT_ACCOUNT + 33,
       AT_HASH = AT_NAMESPACE + 2,
       AT_NONCE = AT_HASH + POW_HASH_BYTES,
       AT_TTL = AT_NONCE + POW_NONCE_BYTES,
       AT_TIMESTAMP = AT_TTL + 8,
       AT_EXPIRY = AT_TIMESTAMP + 8,
       AT_DATA = AT_EXPIRY + 8
};
static_assert(AT_DATA == STORE_RECORD_OVERHEAD, "the header's number and the layout are the same");

void store_record_encode(const struct stored_body *body, struct buf *buf)
{
    uint8_t *out = buf_space(buf, AT_DATA + (size_t)body->data_len);

    ASSERT(out != NULL);
    out[0] = FORMAT;
    out[AT_DIALECT] = body->dialect;
    memcpy(out + AT_ACCOUNT, body->account.bytes, sizeof(body->account.bytes));
    out[AT_NAMESPACE] = (uint8_t)((uint16_t)body->namespace >> 8);
    out[AT_NAMESPACE + 1] = (uint8_t)body->namespace;
    memcpy(out + AT_HASH, body->hash, sizeof(body->hash));
    memcpy(out + AT_NONCE, body->nonce, sizeof(body->nonce));
    store_be64(out + AT_TTL, body->ttl_ms);
    store_be64(out + AT_TIMESTAMP, body->timestamp_ms);
    store_be64(out + AT_EXPIRY, (uint64_t)body->expiry_ms);
    memcpy(out + AT_DATA, body->data, body->data_len);
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

/* NULL: its data is no base64, or of a length that no message has. */
static struct stored_body *modern_body(struct body_pool *pool, const struct account_id *account, int16_t namespace,
                                       uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes text)
{
    size_t len = BASE64_MAX_DECODED(text.len);
    uint8_t *data = xmalloc(len + 1); /* so that nothing is something, too */
    struct stored_body *body = NULL;

    if (base64_decode(data, &len, text) == OK)
        body = body_pool_get_modern(pool, account, namespace, ttl_ms, timestamp_ms, (struct bytes){data, len});
    free(data);
    return body;
}

struct stored_body *store_record_decode(struct bytes value, struct body_pool *pool)
{
    struct account_id account;
    struct stored_body *body, *as_stored;
    struct bytes data;
    uint64_t ttl_ms, timestamp_ms, expiry_ms;
    int16_t namespace;

    if (value.len < AT_DATA || value.len - AT_DATA > LIMIT_DATA_CHARS || value.data[0] != FORMAT)
        return NULL;
    memcpy(account.bytes, value.data + AT_ACCOUNT, sizeof(account.bytes));
    namespace = (int16_t)(value.data[AT_NAMESPACE] << 8 | value.data[AT_NAMESPACE + 1]);
    ttl_ms = load_be64(value.data + AT_TTL);
    timestamp_ms = load_be64(value.data + AT_TIMESTAMP);
    expiry_ms = load_be64(value.data + AT_EXPIRY);
    data = bytes_slice(value, AT_DATA, value.len - AT_DATA);
    /* With these, an expiry never leaves 64 bits. */
    if (timestamp_ms > INT64_MAX - LIMIT_TTL_PRIVATE_MS_MAX || expiry_ms > INT64_MAX)
        return NULL;
    if (value.data[AT_DIALECT] == DIALECT_MODERN && ttl_ms <= LIMIT_TTL_PRIVATE_MS_MAX)
        body = modern_body(pool, &account, namespace, ttl_ms, timestamp_ms, data);
    else if (value.data[AT_DIALECT] == DIALECT_ERA && namespace == 0 && pow_ttl_valid(ttl_ms))
        body = body_pool_get(pool, value.data + AT_HASH, &account, value.data + AT_NONCE, ttl_ms, timestamp_ms, data);
    else
        body = NULL;
    if (body == NULL || body->expiry_ms == (int64_t)expiry_ms)
        return body;
    as_stored = body;
    body = body_with_expiry(as_stored, (int64_t)expiry_ms);
    body_drop(as_stored);
    return body;
}
