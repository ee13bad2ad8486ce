/* monitor.h: subscriptions to new messages: the request, its answer and the notices, bencoded.
 *
 * Source: PROTOCOL 10.14. */
#ifndef SWARMBED_MONITOR_RPC_H
#define SWARMBED_MONITOR_RPC_H

#include "common/arena.h"
#include "common/bencode.h"
#include "proto/subaccount.h"

/* `errcode` of an answer; MONITOR_OK has none. */
enum monitor_error {
    MONITOR_OK,
    MONITOR_BAD_ARGUMENTS,
    MONITOR_BAD_KEY,
    MONITOR_BAD_NAMESPACES,
    MONITOR_BAD_TIME,
    MONITOR_BAD_SIGNATURE
};

struct monitor_request {
    struct account_id account;
    struct ed25519_public key;   /* the account's own: verifies */
    const int16_t *namespaces;   /* strictly ascending; in the arena */
    size_t namespace_count;
    bool data;                   /* notices bring the message's bytes */
    int64_t signed_s;
    uint8_t signature[64];
    bool has_subaccount;
    uint8_t subaccount_signature[64];
    struct subaccount_token subaccount;
};

/* One dictionary of the request. On refusal *why is a sentence. */
MUST_CHECK enum monitor_error monitor_request_decode(struct arena *arena, struct bytes dict,
                                                     struct monitor_request *out, const char **why);
void monitor_request_signed_text(struct buf *out, const struct monitor_request *request);
void monitor_result_encode(struct buf *out, enum monitor_error error, const char *why);

struct monitor_notice {
    const struct account_id *account;
    struct bytes hash; /* text */
    int16_t namespace;
    int64_t timestamp_ms, expiry_ms;
    struct bytes data;
};
void monitor_notice_encode(struct buf *out, const struct monitor_notice *notice, bool with_data);

/* 4 bytes, big-endian, in front of what travels over HTTP; the frame is closed with what was appended meanwhile. */
size_t monitor_frame_open(struct buf *out);
void monitor_frame_close(struct buf *out, size_t at);

#endif
