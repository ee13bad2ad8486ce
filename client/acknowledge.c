#include "client/acknowledge.h"

#include <stdlib.h>

#include "client/client_state.h"
#include "client/conversation.h"
#include "client/deliver.h"

/* What is to be acknowledged with the next receipt. */
struct acknowledgement {
    struct contact *contact;
    struct timer timer;
    size_t count;
    uint64_t timestamps_ms[LIMIT_RECEIPT_TIMESTAMPS];
};

/* A contact whose node is not known cannot be told: it will store its messages. */
static void send(struct contact *contact)
{
    struct acknowledgement *acknowledgement = contact->acknowledgement;
    struct content_parts content = {
        .has_receipt = true,
        .receipt = {RECEIPT_DELIVERY, acknowledgement->timestamps_ms, acknowledgement->count},
    };
    struct blob *data;
    uint32_t type;

    if (contact->has_node && conversation_seal(contact, contact_timestamp(contact), &content, &data, &type) == OK) {
        deliver_once(contact, data);
        blob_drop(data);
    }
    env_timer_stop(contact->client->env, &acknowledgement->timer);
    acknowledge_free(contact);
}

static void on_timer(struct timer *timer)
{
    send(CONTAINER_OF(timer, struct acknowledgement, timer)->contact);
}

void acknowledge(struct contact *contact, uint64_t timestamp_ms)
{
    struct acknowledgement *acknowledgement = contact->acknowledgement;

    if (acknowledgement == NULL) {
        acknowledgement = contact->acknowledgement = xcalloc(1, sizeof *acknowledgement);
        acknowledgement->contact = contact;
        env_timer_start(contact->client->env, &acknowledgement->timer, LIMIT_ACK_COMBINE_MS, on_timer);
    }
    acknowledgement->timestamps_ms[acknowledgement->count++] = timestamp_ms;
    if (acknowledgement->count == LIMIT_RECEIPT_TIMESTAMPS)
        send(contact);
}

void acknowledge_free(struct contact *contact)
{
    free(contact->acknowledgement);
    contact->acknowledgement = NULL;
}
