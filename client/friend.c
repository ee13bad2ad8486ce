#include "client/friend.h"

#include "client/client_state.h"
#include "client/conversation.h"
#include "client/outbox.h"
#include "client/presence.h"
#include "client/storage.h"

const char *friend_state_text(enum friend_state state)
{
    switch (state) {
    case FRIEND_NONE:
        return "none";
    case FRIEND_SENDING:
        return "sending";
    case FRIEND_ASKED:
        return "asked";
    case FRIEND_ASKING:
        return "asking";
    case FRIEND_FRIENDS:
        return "friends";
    case FRIEND_EXPIRED:
        return "expired";
    }
    return "?";
}

enum friend_state friend_state_now(const struct contact *contact)
{
    int64_t now_ms = env_now_ms(contact->client->env);

    if (contact->friend_state == FRIEND_ASKED && now_ms - contact->asked_ms >= LIMIT_REQUEST_LOCK_MS)
        return FRIEND_EXPIRED;
    if (contact->friend_state == FRIEND_ASKING && now_ms - contact->asking_ms >= TTL_FRIEND_REQUEST_MS)
        return FRIEND_NONE;
    return (enum friend_state)contact->friend_state;
}

static void set_state(struct contact *contact, enum friend_state state)
{
    env_trace(contact->client->env, &(struct trace_record){.kind = TRACE_FRIEND,
                                                           .n = {contact->friend_state, state},
                                                           .b = {BYTES_OF(contact->account.bytes)}});
    contact->friend_state = (uint8_t)state;
    contact_save(contact);
    storage_flush(contact->client);
}

/* --- asking --- */

static bool may_ask(const struct contact *contact)
{
    switch (friend_state_now(contact)) {
    case FRIEND_NONE:
    case FRIEND_EXPIRED:
        return true;
    case FRIEND_SENDING:
    case FRIEND_ASKED:
    case FRIEND_ASKING:
        return false;
    case FRIEND_FRIENDS:
        return contact->session == NULL; /* it was lost: nothing but a request brings another */
    }
    return false;
}

static enum err send_request(struct contact *contact, struct bytes text, const struct sent **sent)
{
    struct content_parts content = {.has_data = true, .body = text, .has_bundle = true};
    uint64_t timestamp_ms = contact_timestamp(contact);
    struct outgoing *outgoing;
    struct blob *data;

    contact_own_bundle(contact, &content.bundle);
    enum err err = message_seal_request(contact->client, &contact->account, timestamp_ms, &content, &data);
    if (err != OK)
        return err;
    set_state(contact, FRIEND_SENDING);
    err = outbox_add(contact, OUTGOING_REQUEST, ENVELOPE_FRIEND_REQUEST, timestamp_ms, data, &outgoing);
    ASSERT(err == OK);
    blob_drop(data);
    *sent = &outgoing->sent;
    return OK;
}

enum err friend_ask(struct client *client, const struct account_id *recipient, struct bytes text,
                    const struct sent **sent)
{
    struct contact *contact = contact_find(client, recipient);
    bool is_new = contact == NULL;

    if (!is_new && !may_ask(contact))
        return ERR_DUPLICATE;
    if (is_new ? outbox_in_flight(client) >= LIMIT_OUTBOX : !outbox_has_room(contact))
        return ERR_FULL;
    if (is_new && (contact = contact_get(client, recipient)) == NULL)
        return ERR_FULL;
    enum err err = send_request(contact, text, sent);
    if (err != OK && is_new)
        contact_drop(contact);
    return err;
}

void friend_on_asked(struct contact *contact, bool stored)
{
    if (contact->friend_state != FRIEND_SENDING)
        return; /* they have answered, or asked, meanwhile */
    if (stored)
        contact->asked_ms = env_now_ms(contact->client->env);
    set_state(contact, stored ? FRIEND_ASKED : FRIEND_NONE);
}

/* --- being asked --- */

static void send_content(struct contact *contact, struct content_parts *content)
{
    uint64_t timestamp_ms = contact_timestamp(contact);
    struct outgoing *outgoing;
    struct blob *data;
    uint32_t type;

    if (conversation_seal(contact, timestamp_ms, content, &data, &type) != OK)
        return;
    enum err err = outbox_add(contact, OUTGOING_BACKGROUND, type, timestamp_ms, data, &outgoing);
    (void)err; /* a full outbox: whatever is sent next says the same */
    blob_drop(data);
}

void friend_send_background(struct contact *contact)
{
    send_content(contact, &(struct content_parts){0}); /* the status is added to every content */
}

void friend_send_end_session(struct contact *contact)
{
    struct content_parts content = {
        .has_data = true, .body = BYTES_LIT("TERMINATE"), .flags = DATA_END_SESSION, .has_bundle = true};

    contact_own_bundle(contact, &content.bundle);
    send_content(contact, &content);
}

static enum err begin_friendship(struct contact *contact)
{
    enum err err = conversation_start(contact);
    if (err != OK)
        return err;
    set_state(contact, FRIEND_FRIENDS);
    friend_send_background(contact);
    return OK;
}

bool friend_on_request(struct client *client, const struct envelope *envelope, const struct message_opened *opened)
{
    struct contact *contact = contact_get(client, &envelope->source);

    if (contact == NULL)
        return false;
    contact_set_name(contact, opened->display_name);
    contact_set_bundle(contact, &opened->bundle);
    switch (friend_state_now(contact)) {
    case FRIEND_NONE:
    case FRIEND_ASKING:
        contact->asking_ms = (int64_t)envelope->timestamp_ms;
        set_state(contact, FRIEND_ASKING);
        return true;
    case FRIEND_SENDING:
    case FRIEND_ASKED:
    case FRIEND_EXPIRED:                 /* both want it */
    case FRIEND_FRIENDS:                 /* the other side has lost what it knew */
        (void)begin_friendship(contact); /* of prekeys that are none: all stays as it was */
        return true;
    }
    return true;
}

static struct contact *who_asks(struct client *client, const struct account_id *account)
{
    struct contact *contact = contact_find(client, account);

    return contact != NULL && friend_state_now(contact) == FRIEND_ASKING ? contact : NULL;
}

enum err friend_accept(struct client *client, const struct account_id *account)
{
    struct contact *contact = who_asks(client, account);

    if (contact == NULL)
        return ERR_NOT_FOUND;
    enum err err = begin_friendship(contact);
    if (err != OK)
        set_state(contact, FRIEND_NONE);
    return err;
}

enum err friend_decline(struct client *client, const struct account_id *account)
{
    struct contact *contact = who_asks(client, account);

    if (contact == NULL)
        return ERR_NOT_FOUND;
    contact_set_bundle(contact, NULL);
    set_state(contact, FRIEND_NONE);
    return OK;
}

enum err friend_block(struct client *client, const struct account_id *account, bool blocked)
{
    struct contact *contact = contact_find(client, account);

    if (contact == NULL && !blocked)
        return OK;
    if (contact == NULL && (contact = contact_get(client, account)) == NULL)
        return ERR_FULL;
    contact->blocked = blocked;
    contact_save(contact);
    storage_flush(client);
    if (blocked)
        presence_forget(contact);
    return OK;
}

/* --- being answered --- */

void friend_on_session_message(struct contact *contact)
{
    switch ((enum friend_state)contact->friend_state) {
    case FRIEND_NONE: /* a request that seemed to fail was stored after all */
    case FRIEND_SENDING:
    case FRIEND_ASKED:
    case FRIEND_EXPIRED:
        set_state(contact, FRIEND_FRIENDS);
        friend_send_background(contact); /* completes the ratchet */
        return;
    case FRIEND_ASKING:
    case FRIEND_FRIENDS:
        return;
    }
}
