/* store_record.h: a stored message as the disk keeps it.
 *
 * The key is the message's arrival number at this node, 8 bytes big-endian, so that ascending keys are the order of
 * arrival. The value is: format (1 byte, 2), dialect (1), account (33), namespace (2), era hash (64), nonce (8), ttl,
 * timestamp and expiry in ms (8 each), data to the end; numbers are big-endian. What comes back from a disk is outside
 * bytes: checked, though not against its proof of work. */
#ifndef SWARMBED_STORE_RECORD_H
#define SWARMBED_STORE_RECORD_H

#include "common/arena.h"
#include "node/body_pool.h"

#define STORE_KEY_BYTES       8
#define STORE_RECORD_OVERHEAD 133 /* bytes beside the data */

/* What a message counts against a node's bound: its value on disk. */
static inline uint64_t store_record_bytes(const struct stored_body *body)
{
    return STORE_RECORD_OVERHEAD + (uint64_t)body->data_len;
}

void store_record_encode(const struct stored_body *body, struct buf *out);
void store_key_encode(uint64_t arrival, uint8_t key[STORE_KEY_BYTES]);
/* ERR_FORMAT: not a key of ours. */
MUST_CHECK enum err store_key_decode(struct bytes key, uint64_t *arrival);
/* The body, from the pool, kept once for the caller; NULL: not a record, or one that no node would have accepted. */
struct stored_body *store_record_decode(struct bytes value, struct body_pool *pool);

#endif
