/* inbox.h: what was received: read, checked, and shown once.
 *
 * A message is new if neither its hash nor (source, envelope timestamp, type) was seen before (PROTOCOL 7.5). At most
 * LIMIT_INBOX are kept; the oldest goes. */
#ifndef SWARMBED_INBOX_H
#define SWARMBED_INBOX_H

#include "client/client.h"
#include "proto/storage_rpc.h"

/* True: it was shown. False: a duplicate, or unreadable; either leaves a trace. */
bool inbox_take(struct client *client, const struct rpc_message *message);
const struct received *inbox_first(const struct client *client);
void inbox_free(struct client *client);

#endif
