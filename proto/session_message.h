/* session_message.h: the bytes of session messages, version 3: what an envelope of type 1 or 3 has as content.
 *
 *   type 1   33 || WhisperMessage || MAC (8)
 *   type 3   33 || PreKeyWhisperMessage, in which is a whole message of type 1
 *
 * Decoding views the input and the arena; it is stricter than the libraries that also read these bytes (keys of 33
 * bytes with 05 in front, version 3 on both sides), so that all readers here refuse the same. Nothing here encrypts or
 * checks a MAC. Source: PROTOCOL 6.7. Vectors: x3dh_ratchet.json. */
#ifndef SWARMBED_SESSION_MESSAGE_H
#define SWARMBED_SESSION_MESSAGE_H

#include "common/arena.h"
#include "common/keys.h"

#define SESSION_MAC_BYTES 8

struct session_message {
    struct x25519_public ratchet_key;
    uint32_t counter, previous_counter;
    struct bytes ciphertext;
    struct bytes signed_part; /* what the MAC is over, beside both identities; out only */
    uint8_t mac[SESSION_MAC_BYTES];
};

/* Without the MAC, whose bytes the caller writes behind it: there is room. */
struct bytes session_message_encode(const struct session_message *message, struct arena *arena);
/* ERR_FORMAT. An absent previous counter is 0. */
MUST_CHECK enum err session_message_decode(struct bytes wire, struct arena *arena, struct session_message *out);

struct session_prekey_message {
    bool has_prekey_id;
    uint32_t prekey_id, signed_prekey_id, registration_id;
    struct x25519_public base_key;
    struct account_id identity;
    struct bytes message; /* of type 1 */
};

struct bytes session_prekey_message_encode(const struct session_prekey_message *message, struct arena *arena);
/* ERR_FORMAT. The inner message is not looked into. An absent registration id is 0. */
MUST_CHECK enum err session_prekey_message_decode(struct bytes wire, struct arena *arena,
                                                  struct session_prekey_message *out);

/* The content of an envelope of type 1 or 3. */
struct session_wire {
    bool begins;                          /* type 3 */
    struct session_prekey_message prekey; /* if `begins` */
    struct session_message message;
};
/* ERR_FORMAT: another type of envelope, or not that inside or out. */
MUST_CHECK enum err session_wire_decode(uint32_t envelope_type, struct bytes wire, struct arena *arena,
                                        struct session_wire *out);

#endif
