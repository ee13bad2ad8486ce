/* session.h: X3DH and the double ratchet, message version 3: the door to libomemo-c.
 *
 * One table of functions, chosen with the world's crypto suite: `session_real` is libomemo-c; `session_modelled`
 * (session_modelled.c) has the same states, refusals, draws of chance and sizes, of messages and of records, but does
 * no curve arithmetic and hides nothing. Neither reads what the other wrote.
 *
 * All that is remembered between two calls is a record per contact: a blob that the caller owns, replaced by every call
 * that succeeds and left alone by every other; NULL is "no session". It holds the active session and up to 40 archived
 * ones: sending uses the active one, and a session in which a message is read becomes it. A record that would grow over
 * LIMIT_SESSION_BYTES is refused with ERR_TOO_BIG: drop it and start anew (DESIGN 7).
 *
 * Who may write to whom, and when a session is reset, is decided elsewhere. Source: PROTOCOL 6.7. Vectors:
 * x3dh_ratchet.json. */
#ifndef SWARMBED_CLIENT_SESSION_H
#define SWARMBED_CLIENT_SESSION_H

#include "common/arena.h"
#include "common/blob.h"
#include "common/rng.h"
#include "common/suite.h"
#include "proto/envelope.h"

struct prekeys;
struct one_time_prekey;

/* The library's context and stores: one per shard, like its list cache; used by one thread at a time. */
struct session_library;
struct session_library *session_library_new(void);
void session_library_free(struct session_library *library);

/* Work done so far: what to charge as COST_X25519 (agreements and public keys), COST_SIGN and, by bytes, COST_SEAL. The
 * same in both suites. */
struct session_work {
    uint32_t x25519, signs;
    size_t sealed_bytes;
};

/* Whoever acts, for the length of one call: fill it on the stack. */
struct session_self {
    struct session_library *library;
    const struct x25519_pair *identity;
    const struct prekeys *prekeys; /* own registration id and signed prekeys */
    rng_bytes_fn draw;             /* own stream; called with `owner` */
    void *owner;
    struct arena *arena;      /* messages and plaintexts are made here */
    struct session_work work; /* added to by every call, by refused ones too */
};

/* A message on its way. */
struct session_sealed {
    enum envelope_type type; /* ENVELOPE_PREKEY_BUNDLE until an answer was read, then ENVELOPE_CIPHERTEXT */
    struct bytes wire;       /* in the arena */
};

/* A message that was read. */
struct session_opened {
    struct bytes plain; /* in the arena */
    bool began;         /* it set up a new session, which is the active one now */
    bool switched; /* it was in another session than the one active before (always so if `began` and there was one) */
    bool prekey_used; /* our one-time prekey of this contact is used up: one_time_prekey_forget() */
};

struct session_suite {
    const char *name;                  /* "real", "modelled" */
    const struct crypto_suite *crypto; /* the suite that belongs to it */

    /* Signature by the identity's x25519 key over `text`: XEdDSA, which takes 64 random bytes (PROTOCOL 6.8). */
    void (*sign)(struct session_self *self, struct bytes text, uint8_t signature[64]);
    /* Also accepts the form before XEdDSA. */
    bool (*verify)(struct session_self *self, const struct x25519_public *signer, struct bytes text,
                   const uint8_t signature[64]);

    /* Starts a session with `peer` from the bundle it gave; a session that is active is archived. A bundle with the
     * prekey id 0, which no message carries, is one without a one-time prekey.
     * ERR_REFUSED: the bundle is another account's; ERR_CRYPTO: its signature is wrong, or a key of it is none. */
    enum err (*start)(struct session_self *self, const struct account_id *peer, const struct prekey_bundle *bundle,
                      struct blob **record);
    /* Seals in the active session. ERR_MISSING: there is none. */
    enum err (*encrypt)(struct session_self *self, const struct account_id *peer, struct bytes plain,
                        struct blob **record, struct session_sealed *out);
    /* Opens `wire`, the content of an envelope of that type.
     *   one_time  the prekey made for this contact; its id is 0 if there is none, and then no session can begin. NULL:
     *             no bundle for it has one, so only messages without one begin a session
     * ERR_FORMAT     no such message, whatever the session
     * ERR_MISSING    type 1 and no session with this peer
     * ERR_REFUSED    type 3 that names another identity key than the peer's
     * ERR_NOT_FOUND  type 3 for a new session, with a signed prekey that is gone or a one-time prekey that is not the
     * one made for this contact ERR_DUPLICATE  its key is used up: drop it silently ERR_CRYPTO     it belongs to no
     * session here, was changed, or skips more than LIMIT_SESSION_SKIP messages: a reset may follow ERR_TOO_BIG    the
     * record would be */
    enum err (*decrypt)(struct session_self *self, const struct account_id *peer,
                        const struct one_time_prekey *one_time, uint32_t type, struct bytes wire, struct blob **record,
                        struct session_opened *out);
    /* Forgets the archived sessions (the end of a session reset). ERR_MISSING: no session. */
    enum err (*keep_active)(struct session_self *self, struct blob **record);
};
extern const struct session_suite session_real;
extern const struct session_suite session_modelled;

/* The one that belongs to a world's crypto suite. */
const struct session_suite *session_suite_for(const struct crypto_suite *crypto);

#endif
