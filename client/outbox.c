#include "client/outbox.h"

#include <stdlib.h>

#include "client/client_state.h"
#include "client/friend.h"
#include "client/route.h"
#include "client/send.h"
#include "client/storage.h"

struct outbox {
    struct table messages; /* of struct outgoing, by number */
    uint32_t in_flight;
};

static const uint64_t ttls_ms[OUTGOING_KIND_COUNT] = {
    [OUTGOING_REQUEST] = TTL_FRIEND_REQUEST_MS,
    [OUTGOING_TEXT] = TTL_TEXT_MS,
    [OUTGOING_BACKGROUND] = TTL_FRIEND_REQUEST_MS, /* an acceptance is worth no less than the request */
};

static struct bytes number_bytes(const uint32_t *number)
{
    return (struct bytes){(const uint8_t *)number, sizeof *number};
}

static struct bytes outgoing_key(const void *value)
{
    return number_bytes(&((const struct outgoing *)value)->sent.number);
}

static struct outbox *outbox_of(struct client *client)
{
    if (client->outbox == NULL) {
        client->outbox = xcalloc(1, sizeof *client->outbox);
        table_init(&client->outbox->messages, outgoing_key, 0);
    }
    return client->outbox;
}

/* --- the disk --- */

static void save_number(struct client *client)
{
    struct buf value;

    storage_value_init(&value);
    storage_u32(&value, client->sent_count);
    storage_put(client, STORAGE_NUMBER, BYTES_NONE, &value);
}

static void save(const struct outgoing *outgoing)
{
    const struct sent *sent = &outgoing->sent;
    uint8_t key[4];
    struct buf value;

    store_be32(key, sent->number);
    storage_value_init(&value);
    storage_u8(&value, (uint8_t)outgoing->kind);
    storage_u8(&value, (uint8_t)sent->state);
    storage_u8(&value, (uint8_t)sent->err);
    storage_u8(&value, sent->synchronous);
    storage_u8(&value, sent->fell_back);
    storage_u32(&value, outgoing->type);
    storage_u64(&value, sent->timestamp_ms);
    storage_u64(&value, sent->trials);
    buf_append(&value, BYTES_OF(sent->recipient.bytes));
    buf_append(&value, BYTES_OF(sent->hash));
    storage_u8(&value, sent->stored_count);
    for (size_t i = 0; i < sent->stored_count; i++)
        buf_append(&value, BYTES_OF(sent->stored_at[i].bytes));
    storage_bytes(&value, blob_bytes(outgoing->data));
    storage_put(outgoing->contact->client, STORAGE_OUTGOING, BYTES_OF(key), &value);
}

static void delete_from_disk(const struct outgoing *outgoing)
{
    uint8_t key[4];

    store_be32(key, outgoing->sent.number);
    storage_delete(outgoing->contact->client, STORAGE_OUTGOING, BYTES_OF(key));
}

/* --- adding --- */

static void on_saved(struct disk_op *op)
{
    struct outgoing *outgoing = CONTAINER_OF(op, struct outgoing, op);
    const struct sent *sent = &outgoing->sent;

    outgoing->saving = false;
    if (outgoing->kind != OUTGOING_BACKGROUND)
        env_trace(outgoing->contact->client->env,
                  &(struct trace_record){.kind = TRACE_SEND,
                                         .n = {sent->number, sent->timestamp_ms, outgoing->data->len, outgoing->type},
                                         .b = {BYTES_OF(sent->recipient.bytes)}});
    if (op->err == OK) {
        route_start(outgoing);
        return;
    }
    outbox_set_state(outgoing, SEND_FAILED, op->err);
    outbox_done(outgoing);
}

bool outbox_has_room(const struct contact *contact)
{
    return outbox_in_flight(contact->client) < LIMIT_OUTBOX && contact->unfinished_count < LIMIT_OUTBOX_CONTACT;
}

static void begin(struct outgoing *outgoing)
{
    struct contact *contact = outgoing->contact;

    contact->client->outbox->in_flight++;
    contact->unfinished_count++;
    list_append(&contact->unfinished, &outgoing->link);
}

enum err outbox_add(struct contact *contact, enum outgoing_kind kind, uint32_t type, uint64_t timestamp_ms,
                    struct blob *data, struct outgoing **out)
{
    struct client *client = contact->client;

    if (!outbox_has_room(contact))
        return ERR_FULL;
    struct outgoing *outgoing = xcalloc(1, sizeof *outgoing);
    outgoing->sent = (struct sent){
        .state = SEND_QUEUED,
        .number = ++client->sent_count,
        .recipient = contact->account,
        .timestamp_ms = timestamp_ms,
        .ttl_ms = ttls_ms[kind],
    };
    outgoing->contact = contact;
    outgoing->kind = kind;
    outgoing->type = type;
    outgoing->data = blob_keep(data);
    table_put(&outbox_of(client)->messages, outgoing);
    begin(outgoing);
    save(outgoing);
    save_number(client);
    outgoing->saving = true;
    env_disk_sync(client->env, &outgoing->op, on_saved);
    *out = outgoing;
    return OK;
}

/* --- what becomes of it --- */

void outbox_set_state(struct outgoing *outgoing, enum send_state state, enum err err)
{
    struct sent *sent = &outgoing->sent;
    bool was_stored = sent->state == SEND_STORED;

    if (sent->state == state || sent->state == SEND_ACKNOWLEDGED)
        return;
    sent->state = state;
    sent->err = err;
    env_trace(outgoing->contact->client->env,
              &(struct trace_record){.kind = TRACE_SEND_STATE,
                                     .n = {sent->number, sent->timestamp_ms, state, err},
                                     .b = {BYTES_OF(sent->recipient.bytes)}});
    if (outgoing->kind == OUTGOING_REQUEST && (state == SEND_FAILED || (state == SEND_STORED && !was_stored)))
        friend_on_asked(outgoing->contact, state == SEND_STORED);
}

static void drop(struct outgoing *outgoing)
{
    struct client *client = outgoing->contact->client;

    list_remove(&outgoing->link);
    delete_from_disk(outgoing);
    table_remove(&client->outbox->messages, outgoing_key(outgoing));
    free(outgoing);
    storage_flush(client);
    if (client->outbox->messages.count == 0)
        outbox_free(client);
}

void outbox_done(struct outgoing *outgoing)
{
    const struct sent *sent = &outgoing->sent;

    if (outgoing->job != NULL)
        return; /* acknowledged after all, while it is being stored */
    if (outgoing->data != NULL) {
        blob_drop(outgoing->data);
        outgoing->data = NULL;
        outgoing->contact->client->outbox->in_flight--;
        outgoing->contact->unfinished_count--;
    }
    if (outgoing->kind == OUTGOING_BACKGROUND) {
        drop(outgoing);
        return;
    }
    if (!sent->fell_back || sent->state == SEND_ACKNOWLEDGED)
        list_remove(&outgoing->link);
    save(outgoing);
    storage_flush(outgoing->contact->client); /* or a restart would send it again */
}

void outbox_job_ended(struct outgoing *outgoing)
{
    outgoing->job = NULL;
    outbox_done(outgoing);
}

/* --- what the user reads --- */

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
    if (outgoing != NULL && outgoing->data == NULL)
        drop(outgoing);
}

uint32_t outbox_in_flight(const struct client *client)
{
    return client->outbox == NULL ? 0 : client->outbox->in_flight;
}

/* --- restart --- */

bool outbox_load_number(struct client *client, struct bytes value)
{
    struct storage_reader reader = {value, false};

    client->sent_count = storage_read_u32(&reader);
    return storage_read_end(&reader);
}

static bool read_values(struct storage_reader *reader, struct outgoing *outgoing)
{
    struct sent *sent = &outgoing->sent;

    outgoing->kind = (enum outgoing_kind)storage_read_u8(reader);
    sent->state = (enum send_state)storage_read_u8(reader);
    sent->err = (enum err)storage_read_u8(reader);
    sent->synchronous = storage_read_u8(reader) != 0;
    sent->fell_back = storage_read_u8(reader) != 0;
    outgoing->type = storage_read_u32(reader);
    sent->timestamp_ms = storage_read_u64(reader);
    sent->trials = storage_read_u64(reader);
    storage_read_exactly(reader, sent->recipient.bytes, sizeof sent->recipient.bytes);
    storage_read_exactly(reader, sent->hash, sizeof sent->hash);
    sent->stored_count = storage_read_u8(reader);
    for (size_t i = 0; i < sent->stored_count && i < ARRAY_LEN(sent->stored_at); i++)
        storage_read_exactly(reader, sent->stored_at[i].bytes, sizeof sent->stored_at[i].bytes);
    struct bytes data = storage_read_bytes(reader);
    if (!storage_read_end(reader) || outgoing->kind >= OUTGOING_KIND_COUNT || sent->state > SEND_FELL_BACK ||
        sent->err >= ERR_COUNT || sent->stored_count > ARRAY_LEN(sent->stored_at))
        return false;
    if (data.len > 0)
        outgoing->data = blob_copy(data);
    return true;
}

bool outbox_load(struct client *client, struct bytes key, struct bytes value)
{
    struct storage_reader reader = {value, false};
    struct outgoing *outgoing = xcalloc(1, sizeof *outgoing);

    list_init(&outgoing->link);
    if (key.len != 4 || !read_values(&reader, outgoing) ||
        (outgoing->contact = contact_find(client, &outgoing->sent.recipient)) == NULL)
        goto drop_outgoing;
    outgoing->sent.number =
        (uint32_t)key.data[0] << 24 | (uint32_t)key.data[1] << 16 | (uint32_t)key.data[2] << 8 | key.data[3];
    outgoing->sent.ttl_ms = ttls_ms[outgoing->kind];
    if (find(client, outgoing->sent.number) != NULL)
        goto drop_outgoing;
    table_put(&outbox_of(client)->messages, outgoing);
    if (outgoing->data != NULL) {
        outgoing->sent.stored_count = 0;
        outgoing->sent.state = SEND_QUEUED;
        begin(outgoing);
    }
    return true;
drop_outgoing:
    blob_drop(outgoing->data);
    free(outgoing);
    return false;
}

void outbox_resume(struct client *client)
{
    struct outgoing *outgoing;
    uint32_t cursor = 0;

    while (client->outbox != NULL && (outgoing = table_next(&client->outbox->messages, &cursor)) != NULL)
        if (outgoing->data != NULL)
            route_start(outgoing);
}

void outbox_free(struct client *client)
{
    uint32_t cursor = 0;
    struct outgoing *outgoing;

    if (client->outbox == NULL)
        return;
    while ((outgoing = table_next(&client->outbox->messages, &cursor)) != NULL) {
        send_free(outgoing->job);
        blob_drop(outgoing->data);
        free(outgoing);
    }
    table_fini(&client->outbox->messages);
    free(client->outbox);
    client->outbox = NULL;
}
