/* outbox.h: the messages of a client, by number, from the call until they are forgotten.
 *
 * A message is accepted once it is on the disk; then route.h takes it. Its bytes stay the same in every attempt and on
 * every way, and are dropped when it is done; the record that the user reads stays until it is forgotten. What no user
 * sends (acceptances, session resets) goes the same way and is forgotten when done. Source: PROTOCOL 9.5, 9.7. */
#ifndef SWARMBED_OUTBOX_H
#define SWARMBED_OUTBOX_H

#include "client/contact.h"

enum outgoing_kind { OUTGOING_REQUEST, OUTGOING_TEXT, OUTGOING_BACKGROUND, OUTGOING_KIND_COUNT };

struct send_job;
struct outgoing {
    struct sent sent;
    struct contact *contact;
    enum outgoing_kind kind;
    uint32_t type;             /* enum envelope_type */
    struct blob *data;         /* NULL: done */
    struct send_job *job;      /* stores it; NULL: nothing is in flight for it */
    struct delivery *delivery; /* delivers it; NULL: nobody waits for an acknowledgement */
    bool waits;                /* for room among those that are not acknowledged */
    bool saving;               /* the first sync is under way: it cannot be freed */
    struct disk_op op;
    struct list link; /* contact->unfinished: until it is done; one that fell back, until it is acknowledged */
};

/* Takes the message over; `data` is kept by count. ERR_FULL: LIMIT_OUTBOX, or LIMIT_OUTBOX_CONTACT. */
MUST_CHECK enum err outbox_add(struct contact *contact, enum outgoing_kind kind, uint32_t type, uint64_t timestamp_ms,
                               struct blob *data, struct outgoing **outgoing);
bool outbox_has_room(const struct contact *contact);
const struct sent *outbox_find(const struct client *client, uint32_t number);
void outbox_forget(struct client *client, uint32_t number);
uint32_t outbox_in_flight(const struct client *client);

/* By send.c and route.c. */
void outbox_set_state(struct outgoing *outgoing, enum send_state state, enum err err);
/* Acknowledged, or sending has ended: nothing is in flight for it. May free it. */
void outbox_done(struct outgoing *outgoing);
/* By send.c, with its last breath: the job is gone. */
void outbox_job_ended(struct outgoing *outgoing);

bool outbox_load(struct client *client, struct bytes key, struct bytes value);
bool outbox_load_number(struct client *client, struct bytes value);
/* After a restart: what was not done goes on. */
void outbox_resume(struct client *client);
void outbox_free(struct client *client); /* never touches the env */

#endif
