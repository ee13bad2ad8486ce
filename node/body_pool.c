#include "node/body_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pow.h"
#include "common/text.h"

static struct bytes hash_of(const struct stored_body *body)
{
    return body->dialect == DIALECT_MODERN ? BYTES_OF(body->modern_hash) : BYTES_OF(body->hash);
}

static struct bytes key_of(const void *value)
{
    return hash_of(value);
}

void body_pool_init(struct body_pool *pool)
{
    table_init(&pool->by_hash, key_of, UINT64_C(0x626f64795f706f6f));
    pool->bytes = 0;
}

void body_pool_fini(struct body_pool *pool)
{
    ASSERT(pool->bytes == 0);
    table_fini(&pool->by_hash);
}

static size_t size_of(const struct stored_body *body)
{
    return sizeof(*body) + body->data_len;
}

/* ---- both hashes ---- */

/* Of the message of an era client: what its text stands for, or the text itself where it is no base64. */
static void hash_as_modern(struct stored_body *body)
{
    size_t len = BASE64_MAX_DECODED((size_t)body->data_len);
    uint8_t *decoded = xmalloc(len + 1); /* so that nothing is something, too */
    struct bytes data = body_data(body);

    if (base64_decode(decoded, &len, data) == OK)
        data = (struct bytes){decoded, len};
    message_hash(&body->account, body->namespace, data, body->modern_hash);
    free(decoded);
}

/* PROTOCOL 5.1, 5.3. Nobody has searched for this nonce: it only gives the era a name for the message. */
static void hash_as_era(struct stored_body *body)
{
    static const uint8_t nonce[POW_NONCE_BYTES];
    char timestamp[24], ttl[24], pubkey[ACCOUNT_HEX_LEN];
    uint8_t payload_hash[64];

    (void)snprintf(timestamp, sizeof(timestamp), "%llu", (unsigned long long)body->timestamp_ms);
    (void)snprintf(ttl, sizeof(ttl), "%llu", (unsigned long long)body->ttl_ms);
    account_to_hex(&body->account, pubkey);
    pow_payload_hash((const struct bytes[]){bytes_text(timestamp), bytes_text(ttl), BYTES_OF(pubkey), body_data(body)},
                     4, payload_hash);
    (void)pow_trial(payload_hash, nonce, body->hash);
}

/* ---- finding and making ---- */

/* Hashes beside the one of the dialect follow from the rest. */
static bool is_same(const struct stored_body *a, const struct stored_body *b, struct bytes data)
{
    return a->dialect == b->dialect && a->namespace == b->namespace && account_equal(&a->account, &b->account) &&
           memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0 && a->ttl_ms == b->ttl_ms &&
           a->timestamp_ms == b->timestamp_ms && a->expiry_ms == b->expiry_ms && bytes_equal(body_data(a), data);
}

static struct stored_body *find(const struct body_pool *pool, const struct stored_body *wanted, struct bytes data)
{
    struct stored_body *body = table_get(&pool->by_hash, hash_of(wanted));

    while (body != NULL && !is_same(body, wanted, data))
        body = body->variant;
    return body;
}

/* `like` has all but the data, and the hash of its dialect. */
static struct stored_body *add(struct body_pool *pool, const struct stored_body *like, struct bytes data)
{
    struct stored_body *first = table_get(&pool->by_hash, hash_of(like));
    struct stored_body *body = xmalloc(sizeof(*body) + data.len);

    ASSERT(data.len <= UINT32_MAX);
    *body = *like;
    body->keepers = 1;
    body->pool = pool;
    body->data_len = (uint32_t)data.len;
    if (data.len > 0)
        memcpy(body->data, data.data, data.len);
    pool->bytes += size_of(body);
    if (first == NULL) {
        body->variant = NULL;
        table_put(&pool->by_hash, body);
    } else {
        body->variant = first->variant;
        first->variant = body;
    }
    return body;
}

struct stored_body *body_pool_get(struct body_pool *pool, const uint8_t hash[64], const struct account_id *account,
                                  const uint8_t nonce[8], uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data)
{
    struct stored_body wanted = {.account = *account,
                                 .dialect = DIALECT_ERA,
                                 .ttl_ms = ttl_ms,
                                 .timestamp_ms = timestamp_ms,
                                 .expiry_ms = (int64_t)(timestamp_ms + ttl_ms)};
    struct stored_body *body;

    memcpy(wanted.hash, hash, sizeof(wanted.hash));
    memcpy(wanted.nonce, nonce, sizeof(wanted.nonce));
    body = find(pool, &wanted, data);
    if (body != NULL)
        return body_keep(body);
    body = add(pool, &wanted, data);
    hash_as_modern(body);
    return body;
}

struct stored_body *body_pool_get_modern(struct body_pool *pool, const struct account_id *account, int16_t namespace,
                                         uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data)
{
    struct stored_body wanted = {.account = *account,
                                 .namespace = namespace,
                                 .dialect = DIALECT_MODERN,
                                 .ttl_ms = ttl_ms,
                                 .timestamp_ms = timestamp_ms,
                                 .expiry_ms = (int64_t)(timestamp_ms + ttl_ms)};
    size_t text_len = BASE64_LEN(data.len);
    char *text = xmalloc(text_len + 1); /* so that nothing is something, too */
    const struct bytes base64 = {(const uint8_t *)text, text_len};
    struct stored_body *body;

    message_hash(account, namespace, data, wanted.modern_hash);
    base64_encode(text, data);
    body = find(pool, &wanted, base64);
    if (body != NULL) {
        (void)body_keep(body);
    } else {
        body = add(pool, &wanted, base64);
        hash_as_era(body);
    }
    free(text);
    return body;
}

struct stored_body *body_with_expiry(struct stored_body *body, int64_t expiry_ms)
{
    struct stored_body wanted = *body;
    struct stored_body *found;

    wanted.expiry_ms = expiry_ms;
    found = find(body->pool, &wanted, body_data(body));
    return found != NULL ? body_keep(found) : add(body->pool, &wanted, body_data(body));
}

struct stored_body *body_keep(struct stored_body *body)
{
    ASSERT(body->keepers < UINT32_MAX);
    body->keepers++;
    return body;
}

void body_drop(struct stored_body *body)
{
    struct table *by_hash = &body->pool->by_hash;
    struct stored_body *first;

    ASSERT(body->keepers > 0);
    if (--body->keepers > 0)
        return;
    body->pool->bytes -= size_of(body);
    first = table_get(by_hash, hash_of(body));
    if (first != body) {
        while (first->variant != body)
            first = first->variant;
        first->variant = body->variant;
    } else {
        (void)table_remove(by_hash, hash_of(body));
        if (body->variant != NULL)
            table_put(by_hash, body->variant);
    }
    free(body);
}

/* ---- as the modern dialect shows it ---- */

struct bytes body_base64(const struct stored_body *body, struct arena *arena)
{
    struct bytes data = body_data(body);
    char *text;

    if (base64_valid(data))
        return data;
    text = arena_alloc(arena, BASE64_LEN(data.len));
    base64_encode(text, data);
    return (struct bytes){(const uint8_t *)text, BASE64_LEN(data.len)};
}

size_t body_data_bytes(const struct stored_body *body)
{
    size_t len = body->data_len;

    if (len == 0 || !base64_valid(body_data(body)))
        return len;
    return len / 4 * 3 - (body->data[len - 1] == '=') - (body->data[len - 2] == '=');
}
