/* outbox.h: the messages a user sends, by number, from the call until they are forgotten.
 *
 * The work of sending is send.h; here stand the records that the user reads. */
#ifndef SWARMBED_OUTBOX_H
#define SWARMBED_OUTBOX_H

#include "client/client.h"

struct send_job;
struct outgoing {
    struct sent sent;
    struct send_job *job; /* NULL: nothing is in flight for it any more */
};

MUST_CHECK enum err outbox_add(struct client *client, const struct account_id *recipient, struct bytes text,
                               const struct sent **sent);
const struct sent *outbox_find(const struct client *client, uint32_t number);
void outbox_forget(struct client *client, uint32_t number);
uint32_t outbox_in_flight(const struct client *client);
/* By send.c, with its last breath: the job is gone. */
void outbox_job_ended(struct client *client, struct outgoing *outgoing);
void outbox_free(struct client *client);

#endif
