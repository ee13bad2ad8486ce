/* message.h: from Content to the `data` of a request, and back.
 *
 * Layers that every message has: Envelope, wrappers, base64. And the cipher of friend requests: the agreement of the
 * two long-term keys, as it is, and AES-256-CBC under a random IV (PROTOCOL 6.5); sessions have their own
 * (conversation.h). Everything read comes from strangers: bounded, and refused with a reason. */
#ifndef SWARMBED_CLIENT_MESSAGE_H
#define SWARMBED_CLIENT_MESSAGE_H

#include "client/client.h"
#include "proto/envelope.h"

#define DATA_END_SESSION 1 /* of DataMessage.flags */

/* `data` of a store or deliver request: base64 text; the caller's. ERR_TOO_BIG: more than a node takes. */
MUST_CHECK enum err message_wrap(struct client *client, const struct envelope *envelope, struct blob **data);
/* The same for a friend request of that content; the display name is added. ERR_CRYPTO: the recipient's key is no key.
 */
MUST_CHECK enum err message_seal_request(struct client *client, const struct account_id *recipient,
                                         uint64_t timestamp_ms, struct content_parts *content, struct blob **data);

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
    MESSAGE_WITHOUT_BUNDLE,
    MESSAGE_FOREIGN_BUNDLE, /* its identity key is not the sender's */
    MESSAGE_FROM_STRANGER,  /* of a session, from somebody who is no contact */
    MESSAGE_WITHOUT_SESSION,
    MESSAGE_UNKNOWN_PREKEY, /* begins a session with prekeys that were not made for this contact, or are gone */
    MESSAGE_TOO_MANY_CONTACTS,
    MESSAGE_DUPLICATE, /* its key is used up */
    MESSAGE_FROM_BLOCKED,
    MESSAGE_FAULT_COUNT
};

/* The envelope of `data`, in the env's arena: of a type that is known, and not from oneself. */
MUST_CHECK enum message_fault message_unwrap(struct client *client, struct bytes data, struct envelope *envelope);

/* What a friend request says, in the env's arena. */
struct message_opened {
    struct bytes text;
    struct bytes display_name; /* empty if absent or unusable */
    struct prekey_bundle bundle;
};
MUST_CHECK enum message_fault message_open_request(struct client *client, const struct envelope *envelope,
                                                   struct message_opened *out);

#endif
