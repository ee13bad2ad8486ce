/* deliver.h: one message on its way to a contact's listening node.
 *
 * No proof of work, no time to live, nothing stored: the `deliver` request, tried once more over another path if the
 * node or the way to it fails, and then ten seconds of waiting for the contact's own acknowledgement. What that means
 * for the contact is presence.h, for the message route.h. Source: PROTOCOL 9.5. */
#ifndef SWARMBED_DELIVER_H
#define SWARMBED_DELIVER_H

#include "client/contact.h"
#include "client/onion_request.h"

struct delivery {
    /* the owner's to read */
    struct contact *contact;
    uint64_t timestamp_ms; /* of the envelope */
    void *owner;
    /* private to deliver.c */
    struct list link; /* in contacts.deliveries */
    void (*handed_over)(struct delivery *delivery);
    void (*failed)(struct delivery *delivery);
    bool expects_answer, retried;
    bool saving, requesting; /* the env has a part of this: it cannot be freed yet */
    struct disk_op op;
    struct onion_request request;
    struct timer retry_timer, answer_timer;
};

struct deliver_events {
    void *owner;
    void (*handed_over)(struct delivery *delivery); /* the node has given it to whoever listens; may be NULL */
    void (*failed)(
        struct delivery *delivery); /* it is not there, or was not acknowledged in time: call deliver_end() */
};
/* Sends `data` to the contact's node, once all that was written so far is durable. NULL: the node is not known. */
MUST_CHECK struct delivery *deliver_start(struct contact *contact, struct blob *data, uint64_t timestamp_ms,
                                          const struct deliver_events *events);
/* The same for what nobody waits for: one try, no acknowledgement. */
void deliver_once(struct contact *contact, struct blob *data);
/* Acknowledged, or given up: no event follows, and the delivery is the caller's no more. */
void deliver_end(struct delivery *delivery);
void deliver_free_all(struct list *deliveries); /* never touches the env */

#endif
