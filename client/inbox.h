/* inbox.h: what the user is shown, by envelope time, on the disk before the eye.
 *
 * At most LIMIT_INBOX are kept; the oldest goes. What is shown once is never shown again after a restart, and what was
 * not shown was not durable, so that it comes again. */
#ifndef SWARMBED_INBOX_H
#define SWARMBED_INBOX_H

#include "client/client.h"
#include "proto/envelope.h"

/* Shown once it is durable; then, if it was heard at the listening node, acknowledged. */
void inbox_add(struct client *client, const struct envelope *envelope, struct bytes text, struct bytes display_name,
               bool heard);
const struct received *inbox_first(const struct client *client);
void inbox_clear(struct client *client); /* of the disk, too */
bool inbox_load(struct client *client, struct bytes key, struct bytes value);
void inbox_free(struct client *client); /* never touches the env */

#endif
