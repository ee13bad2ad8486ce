/* envelope.h: the protobuf messages of the deployed clients: Content, Envelope, and the WebSocket wrappers; padding.
 *
 * The structs here are ours; generated protobuf types stay in the codecs. Decoding views the input and the arena. Unknown
 * fields are skipped; what a client of this project does not use (groups, attachments, calls) is decoded by the schema but
 * has no member here. Source: PROTOCOL 6. Vectors: protobuf.json, friend_request.json (padding). */
#ifndef SWARMBED_ENVELOPE_H
#define SWARMBED_ENVELOPE_H

#include "common/arena.h"
#include "common/keys.h"

enum envelope_type {
    ENVELOPE_CIPHERTEXT = 1,
    ENVELOPE_PREKEY_BUNDLE = 3,
    ENVELOPE_FRIEND_REQUEST = 101
};

struct envelope {
    uint32_t type;             /* enum envelope_type, or a value nobody knows: refuse it */
    struct account_id source;
    uint64_t timestamp_ms;     /* identifies the message within the conversation */
    struct bytes content;      /* ciphertext */
};

/* PreKeyBundleMessage: what somebody needs to start a session with `identity`. The device is always 1. */
struct prekey_bundle {
    struct account_id identity;     /* whoever offers it; must be the envelope's source, else refuse the message */
    uint32_t prekey_id;             /* from 1 */
    uint32_t signed_key_id;         /* from 1 */
    struct x25519_public prekey;    /* one-time, made for the contact that gets the bundle */
    struct x25519_public signed_key;
    uint8_t signature[64];          /* by the identity over the 33 bytes of signed_key */
};

/* LokiAddressMessage: whether its sender listens, and where. Addresses of clients, which 2019's field 1 and 2 had, are
 * neither written nor read: one who is reachable only there is not reachable here. */
struct listen_status {
    bool reachable;
    struct ed25519_public node; /* if reachable: the listening node */
    uint32_t valid_s;           /* if reachable */
};

/* ReceiptMessage: a contact got or read the messages with these envelope timestamps. */
enum receipt_type { RECEIPT_DELIVERY, RECEIPT_READ };
struct receipt {
    enum receipt_type type;
    const uint64_t *timestamps_ms; /* at most LIMIT_RECEIPT_TIMESTAMPS; more: ERR_TOO_BIG either way */
    size_t count;
};

/* TypingMessage, of a conversation of two. */
struct typing {
    bool started;          /* else stopped */
    uint64_t timestamp_ms; /* 0: absent */
};

/* What one Content carries: the parts that are present. (`content` alone is an enum of common/env.h.) */
struct content_parts {
    bool has_data;
    struct bytes body;         /* dataMessage.body, UTF-8 */
    bool has_display_name;
    struct bytes display_name; /* dataMessage.profile.displayName */
    uint32_t flags;            /* dataMessage.flags */
    uint64_t timestamp_ms;     /* dataMessage.timestamp, 0: absent */
    bool has_bundle;
    struct prekey_bundle bundle; /* preKeyBundleMessage; decoding: ERR_FORMAT if a part is absent or of another size */
    /* Decoding takes each of these for absent if its type is absent or unknown. */
    bool has_status;
    struct listen_status status; /* decoding: ERR_FORMAT if the node is there, but is no key by its size */
    bool has_receipt;
    struct receipt receipt;
    bool has_typing;
    struct typing typing;
};

/* Content bytes, unpadded, fields ascending. */
MUST_CHECK enum err content_encode(const struct content_parts *content, struct arena *arena, struct bytes *out);
MUST_CHECK enum err content_decode(struct bytes wire, struct arena *arena, struct content_parts *out);

/* Padding: 0x80 and zeros to one less than a multiple of 160 (PROTOCOL 6.4). */
size_t padded_bytes(size_t content_bytes);
struct bytes content_pad(struct bytes content, struct arena *arena);
MUST_CHECK enum err content_unpad(struct bytes padded, struct bytes *content);

/* Envelope -> WebSocketRequestMessage PUT /api/v1/message -> WebSocketMessage, the bytes that base64 turns into `data`.
 *   request_id  one random byte */
MUST_CHECK enum err envelope_wrap(const struct envelope *envelope, uint8_t request_id, struct arena *arena, struct bytes *out);
/* ERR_FORMAT: not that; ERR_REFUSED: well-formed, but to be ignored (no REQUEST, or another path). */
MUST_CHECK enum err envelope_unwrap(struct bytes wire, struct arena *arena, struct envelope *out);

/* For conformance tests: decodes `wire` as the schema's message of that name and encodes it again, fields ascending.
 * ERR_NOT_FOUND: no such message; ERR_FORMAT: does not decode. `to_json` gets a JSON object of the fields as the vectors
 * write them (bytes as hex, 64-bit numbers as text, enums by name). Either output may be NULL. */
MUST_CHECK enum err protobuf_round_trip(const char *message_name, struct bytes wire, struct buf *out, struct buf *to_json);

#endif
