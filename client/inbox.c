#include "client/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/message.h"
#include "client/seen.h"
#include "common/text.h"

struct inbox {
    struct received *first, **end;
    uint32_t count;
};

static void drop_first(struct inbox *inbox)
{
    struct received *oldest = inbox->first;
    inbox->first = oldest->next;
    if (inbox->first == NULL)
        inbox->end = &inbox->first;
    inbox->count--;
    free(oldest);
}

static void append(struct client *client, const struct message_opened *opened)
{
    struct inbox *inbox = client->inbox;
    struct received *received = xmalloc(sizeof *received + opened->text.len + opened->display_name.len);
    uint8_t *bytes = (uint8_t *)(received + 1);

    memcpy(bytes, opened->text.data, opened->text.len);
    if (opened->display_name.len > 0)
        memcpy(bytes + opened->text.len, opened->display_name.data, opened->display_name.len);
    *received = (struct received){
        .source = opened->source,
        .timestamp_ms = opened->timestamp_ms,
        .shown_ms = env_now_ms(client->env),
        .type = opened->type,
        .text = {bytes, opened->text.len},
        .display_name = {bytes + opened->text.len, opened->display_name.len},
    };
    if (inbox == NULL) {
        inbox = client->inbox = xcalloc(1, sizeof *inbox);
        inbox->end = &inbox->first;
    }
    if (inbox->count == LIMIT_INBOX)
        drop_first(inbox);
    *inbox->end = received;
    inbox->end = &received->next;
    inbox->count++;
}

/* One message, sent again under another hash, is still one message: after a 432 the sender makes a new proof. */
static void identity_of(const struct message_opened *opened, uint8_t key[SEEN_KEY_BYTES])
{
    uint8_t text[sizeof opened->source.bytes + 16];

    memcpy(text, opened->source.bytes, sizeof opened->source.bytes);
    store_le64(text + sizeof opened->source.bytes, opened->timestamp_ms);
    store_le64(text + sizeof opened->source.bytes + 8, opened->type);
    hash_sha256(BYTES_OF(text), key);
}

static void trace_duplicate(struct client *client, uint64_t timestamp_ms, struct bytes source)
{
    env_trace(client->env, &(struct trace_record){.kind = TRACE_DUPLICATE, .n = {timestamp_ms}, .b = {source}});
}

bool inbox_take(struct client *client, const struct rpc_message *message)
{
    struct message_opened opened;
    uint8_t hash[64], identity[SEEN_KEY_BYTES], text_sha256[32];

    if (hex_decode(hash, sizeof hash, message->hash) != OK)
        return false;
    if (!seen_add(client, hash, message->expiration_ms)) {
        trace_duplicate(client, 0, BYTES_NONE); /* never opened: nobody knows whose it is */
        return false;
    }
    enum message_fault fault = message_open(client, message->data, &opened);
    if (fault != MESSAGE_READABLE) {
        env_trace(client->env, &(struct trace_record){.kind = TRACE_UNREADABLE, .n = {fault}, .b = {BYTES_OF(hash)}});
        return false;
    }
    identity_of(&opened, identity);
    if (!seen_add(client, identity, INT64_MAX)) { /* as long as any other copy may live */
        trace_duplicate(client, opened.timestamp_ms, BYTES_OF(opened.source.bytes));
        return false;
    }
    append(client, &opened);
    hash_sha256(opened.text, text_sha256);
    env_trace(client->env, &(struct trace_record){.kind = TRACE_SHOWN,
                                                  .n = {opened.timestamp_ms, opened.text.len, opened.type},
                                                  .b = {BYTES_OF(opened.source.bytes), BYTES_OF(text_sha256)}});
    return true;
}

const struct received *inbox_first(const struct client *client)
{
    return client->inbox == NULL ? NULL : client->inbox->first;
}

void inbox_free(struct client *client)
{
    if (client->inbox == NULL)
        return;
    while (client->inbox->count > 0)
        drop_first(client->inbox);
    free(client->inbox);
    client->inbox = NULL;
}
