/* session_modelled_record.h: what the modelled sessions remember, and how it stands in a record; private to
 * client/session_modelled*.c.
 *
 * A record is its sessions one after another, the active one first, each with its length in front and filled up with
 * zeros to what libomemo-c would write for it, so that records have the real ones' sizes. */
#ifndef SWARMBED_SESSION_MODELLED_RECORD_H
#define SWARMBED_SESSION_MODELLED_RECORD_H

#include "client/session.h"
#include "common/limits.h"

#define KEY_BYTES  32
#define CHAINS_MAX 5 /* receiving ratchet keys that a session remembers */
#define STATES_MAX (1 + LIMIT_SESSION_ARCHIVED)
#define HEAD_BYTES 4 /* of a session in a record: its length */

struct skipped {
    uint32_t counter;
    uint8_t key[KEY_BYTES];
};

struct chain {
    uint8_t key[KEY_BYTES];
    uint32_t index;
};

struct receiving {
    struct x25519_public ratchet_key; /* theirs */
    struct chain chain;
    uint32_t skipped_count;
    struct skipped *skipped; /* in the arena */
};

/* One session. */
struct state {
    struct x25519_public base_key; /* of whoever began it: tells sessions apart */
    uint8_t root[KEY_BYTES];
    uint32_t previous_counter, local_registration, remote_registration;
    bool pending, pending_has_prekey; /* not answered yet: messages are of type 3 */
    uint32_t pending_prekey, pending_signed;
    struct x25519_pair ratchet; /* own */
    struct chain sending;
    uint32_t receiving_count;
    struct receiving receiving[CHAINS_MAX]; /* oldest first */
};

struct record {
    size_t count;
    struct bytes states[STATES_MAX + 1]; /* the active one first; one more for a moment */
};

/* In the arena. */
struct bytes modelled_state_encode(const struct state *state, struct arena *arena);
/* False: nothing that modelled_state_encode() wrote. */
bool modelled_state_decode(struct bytes wire, struct arena *arena, struct state *state);
/* Whether an encoded session is the one of that base key. */
bool modelled_state_has_base_key(struct bytes state, const struct x25519_public *key);

/* Views the blob. False: it is no record. */
bool modelled_record_decode(const struct blob *blob, struct record *record);
/* Replaces the caller's record. ERR_TOO_BIG: it stays. */
enum err modelled_record_store(const struct record *record, struct blob **blob);
/* Makes `state` the active one; the active one is archived, and the oldest may go. */
void modelled_record_promote(struct record *record, struct bytes state);
void modelled_record_take_out(struct record *record, size_t index);

#endif
