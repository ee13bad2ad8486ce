/* body_pool.h: message bodies, stored once per shard however many nodes hold a replica.
 *
 * A body is what all replicas of a message have in common: account, hash, data, ttl, timestamp, nonce. Nodes of a swarm
 * start on one shard, so replication mostly finds the body there already. Found by hash, then compared byte by byte, so
 * a hash never vouches for content. What a shard shares can't be observed: every bound counts a body in full at each
 * node. */
#ifndef SWARMBED_BODY_POOL_H
#define SWARMBED_BODY_POOL_H

#include "common/keys.h"
#include "common/table.h"

struct stored_body {
    uint8_t hash[64]; /* the era's message hash */
    struct account_id account;
    uint8_t nonce[8];
    uint64_t ttl_ms, timestamp_ms;
    uint32_t keepers;
    uint32_t data_len;
    struct body_pool *pool;
    uint8_t data[]; /* base64 text */
};

struct body_pool {
    struct table by_hash;
    uint64_t bytes; /* of all bodies held */
};

void body_pool_init(struct body_pool *pool);
void body_pool_fini(struct body_pool *pool); /* ASSERTs that it is empty */
/* The pool's body with exactly this content, kept once more; made if there is none. If the pool has another content
 * under the same hash, the new one is not shared (a body of its own). */
struct stored_body *body_pool_get(struct body_pool *pool, const uint8_t hash[64], const struct account_id *account,
                                  const uint8_t nonce[8], uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data);
struct stored_body *body_keep(struct stored_body *body);
void body_drop(struct stored_body *body);
static inline int64_t body_expiry_ms(const struct stored_body *body)
{
    return (int64_t)(body->timestamp_ms + body->ttl_ms);
}

#endif
