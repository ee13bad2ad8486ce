/* peer_rpc.h: snode to snode: batches of stored messages in the era's binary form, and batches of what that form has no
 * place for.
 *
 * Messages one after another, no count, no separator; integers little-endian, 64 bits. Likewise the parts of the other
 * form: kind (1 byte), length (4, big-endian), content. Source: PROTOCOL 3.8, 3.15. */
#ifndef SWARMBED_PEER_RPC_H
#define SWARMBED_PEER_RPC_H

#include "common/bytes.h"

struct peer_message {
    struct bytes pubkey; /* 66 lower-case hex digits */
    struct bytes hash;   /* 128 lower-case hex digits */
    struct bytes data;   /* base64 text by custom; any UTF-8 without zero bytes */
    uint64_t ttl_ms;
    uint64_t timestamp_ms;
    struct bytes nonce;  /* base64 text, 12 characters */
};

#define PEER_MESSAGE_OVERHEAD 246 /* bytes beside the data */

void peer_message_encode(struct buf *out, const struct peer_message *message);
/* Takes the next message off *rest, as views. ERR_FORMAT: the framing is broken (then the whole batch counts as nothing).
 * Lengths are checked, that pubkey and hash are lower-case hex of their size, and that data is text, since it leaves again
 * in a JSON string; whether the proof holds is not. */
MUST_CHECK enum err peer_message_decode(struct bytes *rest, struct peer_message *message);
/* Walks a whole batch first: OK and the number of messages, or ERR_FORMAT. */
MUST_CHECK enum err peer_batch_check(struct bytes batch, size_t *count);

enum peer_part_kind {
    PEER_PART_MESSAGE, /* as PROTOCOL 3.14 keeps it on a disk */
    PEER_PART_REVOKED  /* account (33), then tokens (36 each), the oldest first */
};
struct peer_part {
    uint8_t kind; /* enum peer_part_kind, or one that is not known here */
    struct bytes content;
};
#define PEER_PART_OVERHEAD 5

void peer_part_encode(struct buf *out, enum peer_part_kind kind, struct bytes content);
/* Takes the next part off *rest, as views. ERR_FORMAT: the framing is broken. What the content is worth is not asked. */
MUST_CHECK enum err peer_part_decode(struct bytes *rest, struct peer_part *part);
/* Walks a whole batch first. */
MUST_CHECK enum err peer_parts_check(struct bytes batch);

#endif
