/* session_library.h: libomemo-c's context and stores, and what it is lent for one call; private to client/session*.c.
 *
 * The library asks for sessions, keys and chance through stores. Ours have what one call was given: between two calls
 * they are empty, so that a context serves all clients of a shard. Its locks are not set: one thread uses it. */
#ifndef SWARMBED_SESSION_LIBRARY_H
#define SWARMBED_SESSION_LIBRARY_H

#include <omemo/signal_protocol.h>

#include "client/session.h"
#include "proto/session_message.h"

struct session_library {
    signal_context *context;
    signal_protocol_store_context *stores;
    struct session_self *self; /* NULL: no call is under way. Below this line: valid during one */
    const struct one_time_prekey *one_time;
    const struct session_wire *wire; /* what is read; NULL: nothing is */
    const struct blob *before;
    struct blob *after;  /* what the call made of the record; NULL: nothing yet */
    uint32_t keys_drawn; /* secrets that the library made */
    bool set_up;         /* it looked for a signed prekey: it begins a session as the one who offered */
    bool too_big;        /* it wanted to store a record over the bound */
};

/* Begins a call on that record and ends it: OK, and the record is replaced by what the call stored, or the error that
 * `result`, the library's, means, and it is left alone. */
struct session_library *library_begin(struct session_self *self, const struct blob *record);
enum err library_end(struct session_library *library, int result, struct blob **record);

/* `result`, if memory has not ended. */
int library_checked(int result);

/* Keys as the library has them; the caller's (SIGNAL_UNREF). */
ec_public_key *library_public_key(struct session_library *library, const struct x25519_public *key);
ec_private_key *library_private_key(struct session_library *library, const struct x25519_secret *key);

static inline struct bytes buffer_bytes(const signal_buffer *buffer)
{
    return (struct bytes){signal_buffer_const_data(buffer), signal_buffer_len(buffer)};
}

#endif
