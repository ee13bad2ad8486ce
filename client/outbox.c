#include "client/outbox.h"

#include <stdlib.h>

#include "client/client_state.h"
#include "client/message.h"
#include "client/send.h"
#include "proto/envelope.h"

struct outbox {
    struct table messages; /* of struct outgoing, by number */
    uint32_t in_flight;
};

static struct bytes number_bytes(const uint32_t *number)
{
    return (struct bytes){(const uint8_t *)number, sizeof *number};
}

static struct bytes outgoing_key(const void *value)
{
    return number_bytes(&((const struct outgoing *)value)->sent.number);
}

enum err outbox_add(struct client *client, const struct account_id *recipient, struct bytes text,
                    const struct sent **sent)
{
    struct blob *data;
    uint64_t timestamp_ms = (uint64_t)env_now_ms(client->env);

    if (outbox_in_flight(client) == LIMIT_OUTBOX)
        return ERR_FULL;
    enum err err = message_seal(client, recipient, timestamp_ms, text, &data);
    if (err != OK)
        return err;
    if (client->outbox == NULL) {
        client->outbox = xcalloc(1, sizeof *client->outbox);
        table_init(&client->outbox->messages, outgoing_key, 0);
    }
    struct outgoing *outgoing = xcalloc(1, sizeof *outgoing);
    outgoing->sent = (struct sent){
        .state = SEND_QUEUED,
        .number = ++client->sent_count,
        .recipient = *recipient,
        .timestamp_ms = timestamp_ms,
        .ttl_ms = TTL_FRIEND_REQUEST_MS,
    };
    table_put(&client->outbox->messages, outgoing);
    client->outbox->in_flight++;
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_SEND,
                                     .n = {outgoing->sent.number, timestamp_ms, data->len, ENVELOPE_FRIEND_REQUEST},
                                     .b = {BYTES_OF(recipient->bytes)}});
    send_start(client, outgoing, data);
    blob_drop(data);
    *sent = &outgoing->sent;
    return OK;
}

static struct outgoing *find(const struct client *client, uint32_t number)
{
    return client->outbox == NULL ? NULL : table_get(&client->outbox->messages, number_bytes(&number));
}

const struct sent *outbox_find(const struct client *client, uint32_t number)
{
    const struct outgoing *outgoing = find(client, number);
    return outgoing == NULL ? NULL : &outgoing->sent;
}

void outbox_forget(struct client *client, uint32_t number)
{
    struct outgoing *outgoing = find(client, number);
    if (outgoing == NULL || outgoing->job != NULL)
        return;
    table_remove(&client->outbox->messages, number_bytes(&number));
    free(outgoing);
    if (client->outbox->messages.count == 0)
        outbox_free(client);
}

uint32_t outbox_in_flight(const struct client *client)
{
    return client->outbox == NULL ? 0 : client->outbox->in_flight;
}

void outbox_job_ended(struct client *client, struct outgoing *outgoing)
{
    outgoing->job = NULL;
    client->outbox->in_flight--;
}

void outbox_free(struct client *client)
{
    uint32_t cursor = 0;
    struct outgoing *outgoing;

    if (client->outbox == NULL)
        return;
    while ((outgoing = table_next(&client->outbox->messages, &cursor)) != NULL) {
        send_free(outgoing->job);
        free(outgoing);
    }
    table_fini(&client->outbox->messages);
    free(client->outbox);
    client->outbox = NULL;
}
