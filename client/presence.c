#include "client/presence.h"

#include <string.h>

#include "client/client_state.h"
#include "client/conversation.h"
#include "client/deliver.h"
#include "client/listening.h"
#include "client/route.h"

/* Numbers of TRACE_PRESENCE. */
enum presence_cause { BY_STATUS, BY_MESSAGE, BY_ACKNOWLEDGEMENT, BY_FAILURE, BY_STOPPING, BY_INTERVAL };

static void on_timer(struct timer *timer);

static int64_t now_ms(const struct contact *contact)
{
    return env_now_ms(contact->client->env);
}

/* The one with the smaller key is pinged twice as often, so that mostly one side pings. */
static uint32_t ping_interval_ms(const struct contact *contact)
{
    bool smaller = bytes_compare(BYTES_OF(contact->account.bytes), BYTES_OF(contact->client->account.bytes)) < 0;

    return smaller ? LIMIT_PING_MS : 2 * LIMIT_PING_MS;
}

static void start_timer(struct contact *contact)
{
    struct env *env = contact->client->env;
    bool hopeless = !contact->has_node || !client_listening(contact->client) ||
                    now_ms(contact) - contact->heard_ms >= LIMIT_PING_GIVE_UP_MS;

    if (contact->presence == CONTACT_ONLINE)
        env_timer_start(env, &contact->timer, ping_interval_ms(contact), on_timer);
    else if (contact->presence == CONTACT_OFFLINE && !hopeless)
        env_timer_start(env, &contact->timer, LIMIT_PING_OFFLINE_MS, on_timer);
    else
        env_timer_stop(env, &contact->timer);
}

static void drop_ping(struct contact *contact)
{
    if (contact->ping != NULL)
        deliver_end(contact->ping);
    contact->ping = NULL;
}

static void set_state(struct contact *contact, enum contact_state state, enum presence_cause cause)
{
    enum contact_state before = (enum contact_state)contact->presence;

    contact->presence = (uint8_t)state;
    if (state != before)
        env_trace(contact->client->env,
                  &(struct trace_record){.kind = TRACE_PRESENCE,
                                         .n = {before, state, cause},
                                         .b = {BYTES_OF(contact->account.bytes), BYTES_OF(contact->node.bytes)}});
    if (state == CONTACT_OFFLINE)
        drop_ping(contact);
    start_timer(contact);
    if (state == CONTACT_OFFLINE && before != CONTACT_OFFLINE)
        route_fall_back(contact);
}

/* --- pinging --- */

static void on_ping_failed(struct delivery *ping)
{
    presence_failed(ping->contact);
}

/* A content with nothing but the status. */
static struct blob *seal_status(struct contact *contact, uint64_t *timestamp_ms)
{
    struct content_parts content = {0};
    struct blob *data;
    uint32_t type;

    *timestamp_ms = contact_timestamp(contact);
    return conversation_seal(contact, *timestamp_ms, &content, &data, &type) == OK ? data : NULL;
}

static void ping(struct contact *contact)
{
    const struct deliver_events events = {.failed = on_ping_failed};
    uint64_t timestamp_ms;

    drop_ping(contact);
    struct blob *data = seal_status(contact, &timestamp_ms);
    if (data == NULL) {
        presence_failed(contact);
        return;
    }
    contact->ping = deliver_start(contact, data, timestamp_ms, &events);
    blob_drop(data);
    if (contact->ping == NULL)
        presence_failed(contact); /* a node that nobody lists */
}

static void probe(struct contact *contact, enum presence_cause cause)
{
    set_state(contact, CONTACT_PROBING, cause);
    ping(contact);
}

static void on_timer(struct timer *timer)
{
    struct contact *contact = CONTAINER_OF(timer, struct contact, timer);

    if (contact->presence == CONTACT_OFFLINE) {
        probe(contact, BY_INTERVAL);
        return;
    }
    if (contact->ping == NULL)
        ping(contact);
    start_timer(contact);
}

/* --- events --- */

/* False: a newer one is known. */
static bool heed(struct contact *contact, uint64_t timestamp_ms)
{
    if (timestamp_ms <= contact->status_ms)
        return false;
    contact->status_ms = timestamp_ms;
    return true;
}

static bool is_node(const struct contact *contact, const struct listen_status *status)
{
    return contact->has_node && memcmp(&contact->node, &status->node, sizeof contact->node) == 0;
}

static void note_node(struct contact *contact, const struct listen_status *status)
{
    contact->has_node = true;
    contact->node = status->node;
}

void presence_on_stored(struct contact *contact, const struct listen_status *status, uint64_t timestamp_ms)
{
    int64_t sent_ms = timestamp_ms > INT64_MAX ? INT64_MAX : (int64_t)timestamp_ms;
    bool known = is_node(contact, status);
    bool fresh = sent_ms >= now_ms(contact) - LIMIT_STATUS_FRESH_MS && sent_ms <= now_ms(contact) + LIMIT_FUTURE_MS;

    if (!heed(contact, timestamp_ms))
        return;
    if (!status->reachable) {
        contact->has_node = false;
        set_state(contact, CONTACT_OFFLINE, BY_STATUS);
        return;
    }
    if (!fresh) {
        if (contact->presence == CONTACT_OFFLINE)
            note_node(contact, status);
        return;
    }
    note_node(contact, status);
    contact->heard_ms = sent_ms < now_ms(contact) ? sent_ms : now_ms(contact);
    if (!client_listening(contact->client))
        return; /* presence_begin() asks */
    switch ((enum contact_state)contact->presence) {
    case CONTACT_OFFLINE:
        probe(contact, BY_STATUS);
        return;
    case CONTACT_PROBING:
        if (!known)
            ping(contact);
        return;
    case CONTACT_ONLINE: /* at the same node: it believes that we are offline */
        if (!known)
            probe(contact, BY_STATUS);
        else if (contact->ping == NULL)
            ping(contact);
        return;
    }
}

void presence_on_heard(struct contact *contact, const struct listen_status *status, uint64_t timestamp_ms)
{
    if (!client_listening(contact->client))
        return; /* it came with the last answer */
    contact->heard_ms = now_ms(contact);
    if (status != NULL && heed(contact, timestamp_ms)) {
        if (!status->reachable) {
            contact->has_node = false;
            set_state(contact, CONTACT_OFFLINE, BY_MESSAGE);
            return;
        }
        note_node(contact, status);
    }
    if (contact->has_node && status != NULL)
        set_state(contact, CONTACT_ONLINE, BY_MESSAGE);
    else if (contact->presence == CONTACT_ONLINE)
        start_timer(contact);
}

void presence_acknowledged(struct contact *contact, const struct receipt *receipt)
{
    for (size_t i = 0; i < receipt->count && contact->ping != NULL; i++)
        if (receipt->timestamps_ms[i] == contact->ping->timestamp_ms)
            drop_ping(contact);
    if (contact->presence != CONTACT_OFFLINE)
        set_state(contact, CONTACT_ONLINE, BY_ACKNOWLEDGEMENT);
}

void presence_failed(struct contact *contact)
{
    set_state(contact, CONTACT_OFFLINE, BY_FAILURE);
}

void presence_forget(struct contact *contact)
{
    contact->has_node = false;
    set_state(contact, CONTACT_OFFLINE, BY_STOPPING);
}

void presence_begin(struct client *client)
{
    struct contact *contact;
    uint32_t cursor = 0;

    while ((contact = contact_next(client, &cursor)) != NULL) {
        if (contact->presence != CONTACT_OFFLINE || !contact->has_node)
            continue;
        if (now_ms(contact) - contact->heard_ms <= LIMIT_STATUS_FRESH_MS)
            probe(contact, BY_STATUS);
        else
            start_timer(contact);
    }
}

void presence_moved(struct client *client)
{
    struct contact *contact;
    uint32_t cursor = 0;

    while ((contact = contact_next(client, &cursor)) != NULL)
        if (contact->presence == CONTACT_ONLINE)
            ping(contact);
}

void presence_stop(struct client *client)
{
    struct contact *contact;
    uint64_t timestamp_ms;
    uint32_t cursor = 0;

    while ((contact = contact_next(client, &cursor)) != NULL) {
        struct blob *data = contact->presence == CONTACT_ONLINE ? seal_status(contact, &timestamp_ms) : NULL;
        if (data != NULL)
            deliver_once(contact, data);
        blob_drop(data);
        set_state(contact, CONTACT_OFFLINE, BY_STOPPING);
    }
}
