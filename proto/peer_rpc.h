/* peer_rpc.h: snode to snode: batches of stored messages in the era's binary form.
 *
 * Messages one after another, no count, no separator; integers little-endian, 64 bits. Source: PROTOCOL 3.8. */
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

#endif
