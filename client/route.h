/* route.h: synchronous to an online friend, else asynchronous through the swarm.
 *
 * A message is sealed once, when the user sends it; whichever way it goes, the bytes are the same. To a contact that is
 * online it is delivered, at most LIMIT_UNACKNOWLEDGED at a time, and done when the contact acknowledges it. If that
 * fails, all that is not acknowledged falls back in the order of sending. Source: PROTOCOL 9.5. */
#ifndef SWARMBED_ROUTE_H
#define SWARMBED_ROUTE_H

#include "client/outbox.h"

/* A message that is durable starts. */
void route_start(struct outgoing *outgoing);
/* The contact is not online any more: all of its messages go asynchronously now. */
void route_fall_back(struct contact *contact);
/* The contact acknowledges envelopes. */
void route_on_receipt(struct contact *contact, const struct receipt *receipt);
/* A message of the contact is done: the next may go. */
void route_next(struct contact *contact);

#endif
