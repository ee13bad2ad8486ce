/* listening.h: waiting at a node of the own swarm for what others deliver there.
 *
 * One node at a time, asked again and again; each answer brings what came meanwhile. A node that serves another swarm,
 * is gone, or fails three times in a row is left for another. Polling goes on beside it, always. Source: PROTOCOL 9.2.
 */
#ifndef SWARMBED_LISTENING_H
#define SWARMBED_LISTENING_H

#include "client/client.h"
#include "proto/envelope.h"

void listening_start(struct client *client);
void listening_stop(struct client *client);
/* What contacts are told: reachable from the first answer of the node on. */
void listening_status(const struct client *client, struct listen_status *status);
bool listening_busy(const struct client *client);
void listening_free(struct client *client); /* never touches the env */

#endif
