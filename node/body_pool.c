#include "node/body_pool.h"

#include <stdlib.h>
#include <string.h>

static struct bytes key_of(const void *value)
{
    return BYTES_OF(((const struct stored_body *)value)->hash);
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

struct stored_body *body_pool_get(struct body_pool *pool, const uint8_t hash[64], const struct account_id *account,
                                  const uint8_t nonce[8], uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data)
{
    struct stored_body *shared = table_get(&pool->by_hash, (struct bytes){hash, sizeof(shared->hash)});
    struct stored_body *body;

    if (shared != NULL && account_equal(&shared->account, account) &&
        memcmp(shared->nonce, nonce, sizeof(shared->nonce)) == 0 && shared->ttl_ms == ttl_ms &&
        shared->timestamp_ms == timestamp_ms && bytes_equal((struct bytes){shared->data, shared->data_len}, data))
        return body_keep(shared);

    ASSERT(data.len <= UINT32_MAX);
    body = xmalloc(sizeof(*body) + data.len);
    memcpy(body->hash, hash, sizeof(body->hash));
    body->account = *account;
    memcpy(body->nonce, nonce, sizeof(body->nonce));
    body->ttl_ms = ttl_ms;
    body->timestamp_ms = timestamp_ms;
    body->keepers = 1;
    body->data_len = (uint32_t)data.len;
    body->pool = pool;
    if (data.len > 0)
        memcpy(body->data, data.data, data.len);
    pool->bytes += size_of(body);
    if (shared == NULL)
        table_put(&pool->by_hash, body);
    return body;
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

    ASSERT(body->keepers > 0);
    if (--body->keepers > 0)
        return;
    body->pool->bytes -= size_of(body);
    /* One that is not shared has another content's hash: that entry is not its own. */
    if (table_get(by_hash, BYTES_OF(body->hash)) == body)
        (void)table_remove(by_hash, BYTES_OF(body->hash));
    free(body);
}
