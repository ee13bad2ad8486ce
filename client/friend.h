/* friend.h: friend requests: asked, accepted, declined, expired.
 *
 * Six states per contact; a request carries introduction, name and prekeys, under the request's own cipher; its
 * acceptance is the first message of the session. Declining says nothing to anybody. Source: PROTOCOL 6.6. */
#ifndef SWARMBED_FRIEND_H
#define SWARMBED_FRIEND_H

#include "client/contact.h"
#include "client/message.h"

/* Minds the clock: what was asked too long ago has expired, on either side. */
enum friend_state friend_state_now(const struct contact *contact);

MUST_CHECK enum err friend_ask(struct client *client, const struct account_id *recipient, struct bytes text,
                               const struct sent **sent);
MUST_CHECK enum err friend_accept(struct client *client, const struct account_id *account);
MUST_CHECK enum err friend_decline(struct client *client, const struct account_id *account);
MUST_CHECK enum err friend_block(struct client *client, const struct account_id *account, bool blocked);

/* The own request is stored at a node; or was given up. */
void friend_on_asked(struct contact *contact, bool stored);
/* A request came. False: it cannot be kept. */
bool friend_on_request(struct client *client, const struct envelope *envelope, const struct message_opened *opened);
/* Something of the contact was read in a session: who asked is answered. */
void friend_on_session_message(struct contact *contact);

/* Stored messages without text: the acceptance, the confirmation of a reset; and the end of a session. */
void friend_send_background(struct contact *contact);
void friend_send_end_session(struct contact *contact);

#endif
