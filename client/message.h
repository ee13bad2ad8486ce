/* message.h: an introduction -> Content, padded, encrypted, Envelope, wrappers, base64; and back.
 *
 * The cipher is the friend request's: the agreement of the two long-term keys, as it is, and AES-256-CBC under a random
 * IV (PROTOCOL 6.5). Everything read comes from strangers: bounded, and refused with a reason. */
#ifndef SWARMBED_CLIENT_MESSAGE_H
#define SWARMBED_CLIENT_MESSAGE_H

#include "client/client.h"

/* `data` of the store request: base64 text; the caller's. ERR_CRYPTO: the recipient's key is no key. */
MUST_CHECK enum err message_seal(struct client *client, const struct account_id *recipient, uint64_t timestamp_ms,
                                 struct bytes text, struct blob **data);

enum message_fault {
    MESSAGE_READABLE,
    MESSAGE_NOT_BASE64,
    MESSAGE_NOT_WRAPPED, /* no WebSocket request, or no envelope in it */
    MESSAGE_IGNORED,     /* a WebSocket message of another kind */
    MESSAGE_UNKNOWN_TYPE,
    MESSAGE_FROM_ONESELF,
    MESSAGE_NOT_DECRYPTED, /* another key, or changed */
    MESSAGE_BAD_PADDING,
    MESSAGE_BAD_CONTENT, /* no Content, or a text in it that is not UTF-8 */
    MESSAGE_WITHOUT_TEXT,
    MESSAGE_TEXT_TOO_LONG, /* over LIMIT_INTRODUCTION_BYTES */
    MESSAGE_FAULT_COUNT
};
const char *message_fault_text(enum message_fault fault);

struct message_opened {
    uint32_t type; /* enum envelope_type */
    struct account_id source;
    uint64_t timestamp_ms;     /* of the envelope */
    struct bytes text;         /* in the env's arena */
    struct bytes display_name; /* likewise; empty if absent or unusable */
};
MUST_CHECK enum message_fault message_open(struct client *client, struct bytes data, struct message_opened *out);

#endif
