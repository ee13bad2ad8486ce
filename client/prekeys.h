/* prekeys.h: what a client offers to those who will start a session with it.
 *
 * One signed prekey is current; a new one is made by the clock when a bundle is wanted and 48 h have passed (no timer:
 * an idle client does nothing). Old ones are kept for 7 days after they were replaced, and at least 3 of them. One-time
 * prekeys are not in stock: each contact has its own, made at the first bundle for it and given again until it is used;
 * it lives in the contact. Ids count from 1. Source: PROTOCOL 6.8. */
#ifndef SWARMBED_CLIENT_PREKEYS_H
#define SWARMBED_CLIENT_PREKEYS_H

#include "client/session.h"

struct signed_prekey {
    uint32_t id;
    int64_t made_ms;
    struct x25519_pair pair;
    uint8_t signature[64];
};

/* Embed it in the contact; zeros: none. */
struct one_time_prekey {
    uint32_t id;
    struct x25519_secret secret;
};

struct prekeys {
    uint32_t registration_id;  /* 1 .. 16383 */
    uint32_t one_time_last_id; /* ids given */
    uint32_t signed_count;
    struct signed_prekey *signed_keys; /* oldest first, ids ascending; the last is current */
};

/* A new client's: draws the registration id. */
void prekeys_init(struct prekeys *prekeys, rng_bytes_fn draw, void *owner);
void prekeys_fini(struct prekeys *prekeys);

/* The bundle for one contact. Rotates the signed prekey if it is due, and makes the contact's one-time prekey if it has
 * none. self     ->prekeys may be the same `prekeys`; work is added changed  out: `prekeys` is other than it was, and
 * so perhaps is `one_time`: save them before the bundle leaves */
void prekeys_bundle(struct prekeys *prekeys, struct session_self *self, const struct session_suite *suite,
                    int64_t now_ms, struct one_time_prekey *one_time, struct prekey_bundle *bundle, bool *changed);
/* Once it is used. */
void one_time_prekey_forget(struct one_time_prekey *one_time);

const struct signed_prekey *prekeys_signed(const struct prekeys *prekeys, uint32_t id); /* NULL: gone, or never was */

/* For the disk. `prekeys` is all but the one-time prekeys, which are saved with their contacts. */
void prekeys_encode(const struct prekeys *prekeys, struct buf *out);
/* Into fresh memory: prekeys_fini() it. ERR_FORMAT: not what was written; then there is nothing to free. */
MUST_CHECK enum err prekeys_decode(struct prekeys *prekeys, struct bytes wire);
#define ONE_TIME_PREKEY_BYTES 36
void one_time_prekey_encode(const struct one_time_prekey *one_time, uint8_t out[ONE_TIME_PREKEY_BYTES]);
void one_time_prekey_decode(struct one_time_prekey *one_time, const uint8_t wire[ONE_TIME_PREKEY_BYTES]);

#endif
