/* poll.h: new messages since the last hash, from three random nodes of the own swarm.
 *
 * Three pollers, each at a node of its own, each asking for what came after the last hash of that node, page by page. A
 * node that fails is left for the next of the list; when the lists are used up, a listener starts from scratch after a
 * pause, a single poll ends. Source: PROTOCOL 7.4. */
#ifndef SWARMBED_POLL_H
#define SWARMBED_POLL_H

#include "client/client.h"

void poll_once(struct client *client);
void poll_listen_start(struct client *client, bool hold);
void poll_listen_stop(struct client *client);
bool poll_load(struct client *client, struct bytes value); /* the last hashes from the disk */
bool poll_running(const struct client *client);
void poll_free(struct client *client); /* never touches the env */

#endif
