/* acknowledge.h: telling a contact which of its messages came.
 *
 * Receipts for what came synchronously, several in one, sent within 200 ms to the contact's listening node: once, never
 * stored, never acknowledged themselves. Source: PROTOCOL 9.6. */
#ifndef SWARMBED_ACKNOWLEDGE_H
#define SWARMBED_ACKNOWLEDGE_H

#include "client/contact.h"

/* The message of that envelope time is processed, and durable. */
void acknowledge(struct contact *contact, uint64_t timestamp_ms);
void acknowledge_free(struct contact *contact); /* never touches the env */

#endif
