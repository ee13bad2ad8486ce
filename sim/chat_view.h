/* chat_view.h: what `swarmbed chat` prints: people by name, messages by number, in plain lines. */
#ifndef SWARMBED_CHAT_VIEW_H
#define SWARMBED_CHAT_VIEW_H

#include "client/client.h"

/* One line on standard output; colour only on a terminal. */
enum chat_tone { CHAT_PLAIN, CHAT_FAINT, CHAT_BOLD, CHAT_ALARM };
void chat_print(bool colour, enum chat_tone tone, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A contact's name with its beginning of the account id, or that beginning alone: "bob (05d0c4a1)". */
void chat_append_contact(struct buf *out, struct client *client, const struct account_id *account);
/* Whom `who` names: an account id or the beginning of one, or a display name. ERR_NOT_FOUND: nobody; ERR_DUPLICATE:
 * several. `states`: of which friend state; FRIEND_NONE: any. Empty `who`: the only one in that state. */
MUST_CHECK enum err chat_find_contact(struct client *client, struct bytes who, enum friend_state state,
                                      struct account_id *out);

void chat_print_received(bool colour, struct client *client, const struct received *received, bool again);
void chat_print_contacts(bool colour, struct client *client);
/* What has become of an own message. `n_of_3`: one more node has it. */
void chat_print_sent(bool colour, struct client *client, const struct sent *sent, enum send_state state, enum err err,
                     uint32_t stored);

#endif
