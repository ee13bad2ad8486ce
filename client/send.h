/* send.h: one message on its way into the recipient's swarm.
 *
 * Swarm, proof of work, then three connections at once, each of which goes through random nodes of the swarm until one
 * has stored the message. It counts as sent with the first success. Source: PROTOCOL 7.3, 5.5. */
#ifndef SWARMBED_SEND_H
#define SWARMBED_SEND_H

#include "client/outbox.h"

/* `data`: base64 of the wrapped envelope, kept by count; the same bytes in every attempt, whatever the proof. Ends with
 * outbox_job_ended(), which may happen before it returns. */
void send_start(struct client *client, struct outgoing *outgoing, struct blob *data);
void send_free(struct send_job *job); /* NULL is fine; never touches the env */

#endif
