#include "client/receive.h"

#include <string.h>

#include "client/acknowledge.h"
#include "client/client_state.h"
#include "client/conversation.h"
#include "client/friend.h"
#include "client/inbox.h"
#include "client/message.h"
#include "client/presence.h"
#include "client/route.h"
#include "client/seen.h"
#include "common/text.h"

/* One message, sent again under another hash or by another way, is still one message. */
static void identity_of(const struct envelope *envelope, uint8_t key[SEEN_KEY_BYTES])
{
    uint8_t text[sizeof envelope->source.bytes + 16];

    memcpy(text, envelope->source.bytes, sizeof envelope->source.bytes);
    store_le64(text + sizeof envelope->source.bytes, envelope->timestamp_ms);
    store_le64(text + sizeof envelope->source.bytes + 8, envelope->type);
    hash_sha256(BYTES_OF(text), key);
}

static void trace_duplicate(struct client *client, uint64_t timestamp_ms, struct bytes source)
{
    env_trace(client->env, &(struct trace_record){.kind = TRACE_DUPLICATE, .n = {timestamp_ms}, .b = {source}});
}

/* --- friend requests --- */

static enum message_fault take_request(struct client *client, const struct envelope *envelope,
                                       const uint8_t identity[SEEN_KEY_BYTES])
{
    struct message_opened opened;
    enum message_fault fault = message_open_request(client, envelope, &opened);

    if (fault != MESSAGE_READABLE)
        return fault;
    if (!friend_on_request(client, envelope, &opened))
        return MESSAGE_TOO_MANY_CONTACTS;
    seen_remember(client, identity);
    inbox_add(client, envelope, opened.text, opened.display_name, false);
    return MESSAGE_READABLE;
}

/* --- messages of a session --- */

static void heed_status(struct contact *contact, const struct envelope *envelope, const struct content_parts *content,
                        bool heard)
{
    if (heard)
        presence_on_heard(contact, content->has_status ? &content->status : NULL, envelope->timestamp_ms);
    else if (content->has_status)
        presence_on_stored(contact, &content->status, envelope->timestamp_ms);
}

/* The status first, since what follows may have to be answered; then each part that is there. */
static void heed(struct contact *contact, const struct envelope *envelope, const struct content_parts *content,
                 bool heard)
{
    struct client *client = contact->client;

    if (content->has_bundle)
        contact_set_bundle(contact, &content->bundle);
    if (content->has_data && content->has_display_name)
        contact_set_name(contact, content->display_name);
    friend_on_session_message(contact);
    heed_status(contact, envelope, content, heard);
    if (content->has_receipt)
        route_on_receipt(contact, &content->receipt);
    if (content->has_data && (content->flags & DATA_END_SESSION) != 0 && content->has_bundle) {
        conversation_on_end_session(contact);
    } else if (content->has_data && content->body.len > 0) {
        inbox_add(client, envelope, content->body,
                  contact->display_name == NULL ? BYTES_NONE : bytes_text(contact->display_name), heard);
        return; /* acknowledged once it is durable */
    }
    if (heard && !content->has_receipt && !content->has_typing)
        acknowledge(contact, envelope->timestamp_ms);
}

static enum message_fault fault_of(enum err err)
{
    if (err == ERR_MISSING)
        return MESSAGE_WITHOUT_SESSION;
    if (err == ERR_NOT_FOUND)
        return MESSAGE_UNKNOWN_PREKEY;
    return MESSAGE_NOT_DECRYPTED;
}

static enum message_fault take_session(struct client *client, const struct envelope *envelope,
                                       const uint8_t identity[SEEN_KEY_BYTES], bool heard)
{
    struct contact *contact = contact_find(client, &envelope->source);
    struct content_parts content;
    struct bytes plain;

    if (contact == NULL)
        return MESSAGE_FROM_STRANGER;
    enum err err = conversation_open(contact, envelope, &plain);
    if (err == ERR_DUPLICATE) {
        if (heard)
            acknowledge(contact, envelope->timestamp_ms);
        return MESSAGE_DUPLICATE;
    }
    if (err != OK)
        return fault_of(err);
    if (content_decode(plain, client->env->arena, &content) != OK)
        return MESSAGE_BAD_CONTENT;
    if (content.has_bundle && !account_equal(&content.bundle.identity, &envelope->source))
        return MESSAGE_FOREIGN_BUNDLE;
    seen_remember(client, identity);
    heed(contact, envelope, &content, heard);
    return MESSAGE_READABLE;
}

/* --- the ways in --- */

static bool again(struct client *client, const struct envelope *envelope, bool heard)
{
    struct contact *contact = heard ? contact_find(client, &envelope->source) : NULL;

    trace_duplicate(client, envelope->timestamp_ms, BYTES_OF(envelope->source.bytes));
    if (contact != NULL && contact->session != NULL)
        acknowledge(contact, envelope->timestamp_ms); /* the first acknowledgement was lost, or came from the store */
    return false;
}

static bool is_blocked(const struct client *client, const struct account_id *account)
{
    const struct contact *contact = contact_find(client, account);

    return contact != NULL && contact->blocked;
}

static bool take(struct client *client, struct bytes data, struct bytes hash, bool heard)
{
    struct envelope envelope;
    uint8_t identity[SEEN_KEY_BYTES];
    enum message_fault fault = message_unwrap(client, data, &envelope);

    if (fault == MESSAGE_READABLE && is_blocked(client, &envelope.source))
        fault = MESSAGE_FROM_BLOCKED;
    if (fault == MESSAGE_READABLE) {
        identity_of(&envelope, identity);
        if (seen_has(client, identity))
            return again(client, &envelope, heard);
        if (envelope.type != ENVELOPE_FRIEND_REQUEST)
            fault = take_session(client, &envelope, identity, heard);
        else
            fault = heard ? MESSAGE_UNKNOWN_TYPE /* a request is never synchronous */
                          : take_request(client, &envelope, identity);
    }
    if (fault == MESSAGE_DUPLICATE)
        trace_duplicate(client, envelope.timestamp_ms, BYTES_OF(envelope.source.bytes));
    else if (fault != MESSAGE_READABLE)
        env_trace(client->env, &(struct trace_record){.kind = TRACE_UNREADABLE, .n = {fault}, .b = {hash}});
    return fault == MESSAGE_READABLE;
}

bool receive_stored(struct client *client, const struct rpc_message *message)
{
    uint8_t hash[64];

    if (hex_decode(hash, sizeof hash, message->hash) != OK)
        return false;
    if (!seen_add(client, hash, message->expiration_ms)) {
        trace_duplicate(client, 0, BYTES_NONE); /* never opened: nobody knows whose it is */
        return false;
    }
    return take(client, message->data, BYTES_OF(hash), false);
}

bool receive_heard(struct client *client, struct bytes data)
{
    return take(client, data, BYTES_NONE, true);
}
