/* presence.h: who is online, and at which listening node.
 *
 * OFFLINE --fresh status of theirs, while we listen--> PROBING: a ping is on its way --acknowledged--> ONLINE. Whatever
 * comes synchronously from a contact makes it ONLINE; whatever fails makes it OFFLINE, and its messages fall back. One
 * timer per contact, and only while there is something to find out. Source: PROTOCOL 9.4. */
#ifndef SWARMBED_PRESENCE_H
#define SWARMBED_PRESENCE_H

#include "client/contact.h"

/* The status in a message that was stored; its envelope's time says how old it is. */
void presence_on_stored(struct contact *contact, const struct listen_status *status, uint64_t timestamp_ms);
/* A message came synchronously; status: NULL if it has none. */
void presence_on_heard(struct contact *contact, const struct listen_status *status, uint64_t timestamp_ms);
/* It acknowledges something, a ping perhaps. */
void presence_acknowledged(struct contact *contact, const struct receipt *receipt);
/* A delivery to it failed. */
void presence_failed(struct contact *contact);
/* We do not want to know where it is. */
void presence_forget(struct contact *contact);

/* We listen: those who said a moment ago that they do are asked. */
void presence_begin(struct client *client);
/* We listen elsewhere now: those who are online are told. */
void presence_moved(struct client *client);
/* We stop listening: those who are online are told if we can; all are OFFLINE. */
void presence_stop(struct client *client);

#endif
