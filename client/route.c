#include "client/route.h"

#include "client/client_state.h"
#include "client/deliver.h"
#include "client/presence.h"
#include "client/send.h"

static void end_delivery(struct outgoing *outgoing)
{
    deliver_end(outgoing->delivery);
    outgoing->delivery = NULL;
    outgoing->contact->delivering_count--;
}

static void on_handed_over(struct delivery *delivery)
{
    outbox_set_state(delivery->owner, SEND_DELIVERED, OK);
}

static void on_failed(struct delivery *delivery)
{
    presence_failed(delivery->contact); /* which lets this one and all others fall back */
}

static void store(struct outgoing *outgoing)
{
    send_start(outgoing->contact->client, outgoing, outgoing->data);
}

static bool deliver(struct outgoing *outgoing)
{
    const struct deliver_events events = {outgoing, on_handed_over, on_failed};

    outgoing->delivery = deliver_start(outgoing->contact, outgoing->data, outgoing->sent.timestamp_ms, &events);
    if (outgoing->delivery == NULL)
        return false;
    outgoing->contact->delivering_count++;
    outgoing->sent.synchronous = true;
    outbox_set_state(outgoing, SEND_DELIVERING, OK);
    return true;
}

/* Only texts are worth the haste: a request is never delivered, and the rest is for whoever comes later. */
void route_start(struct outgoing *outgoing)
{
    struct contact *contact = outgoing->contact;

    if (outgoing->kind != OUTGOING_TEXT || contact->presence != CONTACT_ONLINE) {
        store(outgoing);
        return;
    }
    if (contact->delivering_count == LIMIT_UNACKNOWLEDGED) {
        outgoing->waits = true;
        return; /* suspended: route_next() or route_fall_back() goes on */
    }
    if (!deliver(outgoing)) { /* a node that nobody lists */
        presence_failed(contact);
        store(outgoing);
    }
}

void route_fall_back(struct contact *contact)
{
    LIST_EACH_SAFE (link, &contact->unfinished) {
        struct outgoing *outgoing = CONTAINER_OF(link, struct outgoing, link);
        if (outgoing->delivery != NULL) {
            end_delivery(outgoing);
            outgoing->sent.fell_back = true;
            outbox_set_state(outgoing, SEND_FELL_BACK, OK);
        } else if (!outgoing->waits) {
            continue;
        }
        outgoing->waits = false;
        store(outgoing);
    }
}

static struct outgoing *first_waiting(struct contact *contact)
{
    LIST_EACH (link, &contact->unfinished) {
        struct outgoing *outgoing = CONTAINER_OF(link, struct outgoing, link);
        if (outgoing->waits)
            return outgoing;
    }
    return NULL;
}

/* Anew each time: one that cannot be delivered lets the others fall back, and any of these may leave the list. */
void route_next(struct contact *contact)
{
    struct outgoing *outgoing;

    while ((outgoing = first_waiting(contact)) != NULL) {
        if (contact->presence == CONTACT_ONLINE && contact->delivering_count == LIMIT_UNACKNOWLEDGED)
            return;
        outgoing->waits = false;
        route_start(outgoing);
    }
}

static void acknowledged(struct outgoing *outgoing)
{
    struct contact *contact = outgoing->contact;
    uint64_t now_ms = (uint64_t)env_now_ms(contact->client->env);
    bool late = outgoing->delivery == NULL;

    env_trace(contact->client->env, &(struct trace_record){.kind = TRACE_ACKNOWLEDGED,
                                                           .n = {outgoing->sent.number, outgoing->sent.timestamp_ms,
                                                                 late, now_ms - outgoing->sent.timestamp_ms},
                                                           .b = {BYTES_OF(contact->account.bytes)}});
    if (!late)
        end_delivery(outgoing);
    outbox_set_state(outgoing, SEND_ACKNOWLEDGED, OK);
    outbox_done(outgoing);
}

/* Bounded work: a receipt has at most LIMIT_RECEIPT_TIMESTAMPS, a contact at most LIMIT_OUTBOX_CONTACT messages. */
void route_on_receipt(struct contact *contact, const struct receipt *receipt)
{
    if (receipt->type != RECEIPT_DELIVERY)
        return;
    presence_acknowledged(contact, receipt);
    LIST_EACH_SAFE (link, &contact->unfinished) {
        struct outgoing *outgoing = CONTAINER_OF(link, struct outgoing, link);
        for (size_t i = 0; i < receipt->count; i++) {
            if (receipt->timestamps_ms[i] != outgoing->sent.timestamp_ms || outgoing->kind != OUTGOING_TEXT ||
                !outgoing->sent.synchronous)
                continue;
            acknowledged(outgoing);
            break;
        }
    }
    route_next(contact);
}
