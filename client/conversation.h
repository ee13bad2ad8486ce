/* conversation.h: contents and envelopes of the session with one contact.
 *
 * The session door (session.h) knows keys and records; here stand what goes through it, in what envelope, whose status
 * is added, when a session is reset and how both sides get to the new one. Source: PROTOCOL 6.7, 9.3. */
#ifndef SWARMBED_CONVERSATION_H
#define SWARMBED_CONVERSATION_H

#include "client/contact.h"

/* For calls of session.h: all of it but what the call itself takes. `identity` is the caller's, who wipes it. */
void conversation_self(struct client *client, const struct x25519_pair *identity, struct session_self *self);
void conversation_charge(struct client *client, const struct session_work *work);

/* Begins a session from the contact's bundle, which is used up, whatever comes of it. ERR_MISSING: it gave none;
 * ERR_CRYPTO, ERR_REFUSED: as session.h says; ERR_TOO_BIG: the record would be. */
MUST_CHECK enum err conversation_start(struct contact *contact);

/* `data` of a store or deliver request, the caller's: sealed in the session, wrapped, with the own status beside it.
 * The contact's record is written; it must be durable before `data` leaves. ERR_MISSING: no session; ERR_TOO_BIG. */
MUST_CHECK enum err conversation_seal(struct contact *contact, uint64_t timestamp_ms, struct content_parts *content,
                                      struct blob **data, uint32_t *type);

/* Opens an envelope of the contact, and follows what it does to the session. The record is written. ERR_DUPLICATE: to
 * be dropped silently; all others: it cannot be read, and the session is being reset if that may help. */
MUST_CHECK enum err conversation_open(struct contact *contact, const struct envelope *envelope, struct bytes *content);
/* The contact ends the session: a new one is begun from its bundle. */
void conversation_on_end_session(struct contact *contact);

#endif
