/* body_pool.h: message bodies, stored once per shard however many nodes hold a replica.
 *
 * A body is what all replicas of a message have in common: dialect, account, namespace, both hashes, data, ttl,
 * timestamp, expiry, nonce. It is immutable: a node that changes an expiry holds another body from then on. Nodes of a
 * swarm start on one shard, so replication mostly finds the body there already. Found by the hash of its dialect, then
 * compared byte by byte, so a hash never vouches for content; whatever differs is a body of its own. What a shard
 * shares can't be observed: every bound counts a body in full at each node. Source: PROTOCOL 3.14. */
#ifndef SWARMBED_BODY_POOL_H
#define SWARMBED_BODY_POOL_H

#include "common/arena.h"
#include "common/keys.h"
#include "common/message_hash.h"
#include "common/table.h"

/* Of the request that stored a message: its own hash makes it unique. */
enum dialect { DIALECT_ERA, DIALECT_MODERN };

struct stored_body {
    uint8_t hash[64];                      /* the era's; of a modern message with a nonce of zeros */
    char modern_hash[MESSAGE_HASH_CHARS];  /* base64, no zero at the end */
    struct account_id account;
    int16_t namespace;                     /* 0 for the era */
    uint8_t dialect;                       /* enum dialect */
    uint8_t nonce[8];                      /* zeros: modern */
    uint64_t ttl_ms, timestamp_ms;         /* as stored: they never change */
    int64_t expiry_ms;                     /* timestamp + ttl, until somebody changes it */
    uint32_t keepers;
    uint32_t data_len;
    struct body_pool *pool;
    struct stored_body *variant;           /* another content under the same hash: for body_pool.c */
    uint8_t data[];                        /* base64 text; of the era's, whatever text the client sent */
};

struct body_pool {
    struct table by_hash; /* the first of the bodies with one hash */
    uint64_t bytes;       /* of all bodies held */
};

void body_pool_init(struct body_pool *pool);
void body_pool_fini(struct body_pool *pool); /* ASSERTs that it is empty */
/* The pool's body with exactly this content, kept once more; made if there is none. This one is of the era. */
struct stored_body *body_pool_get(struct body_pool *pool, const uint8_t hash[64], const struct account_id *account,
                                  const uint8_t nonce[8], uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data);
/* A modern one; `data` are the bytes themselves, at most BASE64_MAX_DECODED(LIMIT_DATA_CHARS). */
struct stored_body *body_pool_get_modern(struct body_pool *pool, const struct account_id *account, int16_t namespace,
                                         uint64_t ttl_ms, uint64_t timestamp_ms, struct bytes data);
/* The same message with that expiry, kept once for the caller. */
struct stored_body *body_with_expiry(struct stored_body *body, int64_t expiry_ms);
struct stored_body *body_keep(struct stored_body *body);
void body_drop(struct stored_body *body);
static inline int64_t body_expiry_ms(const struct stored_body *body)
{
    return body->expiry_ms;
}
static inline struct bytes body_data(const struct stored_body *body)
{
    return (struct bytes){body->data, body->data_len};
}
/* What a modern answer shows: padded base64. The data itself, or, of an era message that is no base64, its text encoded
 * (in the arena). */
struct bytes body_base64(const struct stored_body *body, struct arena *arena);
size_t body_data_bytes(const struct stored_body *body); /* of what that text stands for */

#endif
