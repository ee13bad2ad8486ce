/* last_hash.h: per node, the hash of the last message it gave us.
 *
 * Nodes keep messages in different orders, so each has a last hash of its own. It goes when its message expires: then
 * the node does not know it any more and gives everything again. At most LIMIT_LAST_HASHES; the oldest goes. Source:
 * PROTOCOL 3.6. */
#ifndef SWARMBED_LAST_HASH_H
#define SWARMBED_LAST_HASH_H

#include "common/keys.h"
#include "common/limits.h"

#define LAST_HASH_HEX_LEN 128

struct last_hash;
/* Zeroed: empty. */
struct last_hashes {
    struct last_hash *items; /* the oldest first */
    uint32_t count;
};

/* Writes it; the number of characters: 0 if there is none. */
size_t last_hash_get(struct last_hashes *hashes, const struct ed25519_public *node, int64_t now_ms,
                     char out[LAST_HASH_HEX_LEN]);
/* `hash`: LAST_HASH_HEX_LEN lower-case hex digits. */
void last_hash_put(struct last_hashes *hashes, const struct ed25519_public *node, int64_t now_ms, struct bytes hash,
                   int64_t expiration_ms);
/* For the disk. */
void last_hashes_encode(const struct last_hashes *hashes, struct buf *out);
/* Into an empty one. ERR_FORMAT: not what was written; then it stays empty. */
MUST_CHECK enum err last_hashes_decode(struct last_hashes *hashes, struct bytes wire);
void last_hashes_fini(struct last_hashes *hashes);

#endif
