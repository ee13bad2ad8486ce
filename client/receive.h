/* receive.h: what becomes of a message that came: opened, heeded, shown or dropped.
 *
 * Both ways in end here: stored messages from a poll, and those that the listening node hands over. Both are checked
 * for what was seen before, so that a message that came both ways is shown once. A text is shown, and acknowledged if
 * it came synchronously, only once it is durable. Source: PROTOCOL 6.6, 6.7, 7.5, 9.6. */
#ifndef SWARMBED_RECEIVE_H
#define SWARMBED_RECEIVE_H

#include "client/client.h"
#include "proto/storage_rpc.h"

/* True: it was new and readable. False: a duplicate, or not to be read; either leaves a trace. */
bool receive_stored(struct client *client, const struct rpc_message *message);
bool receive_heard(struct client *client, struct bytes data);

#endif
