#include "client/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "client/acknowledge.h"
#include "client/client_state.h"
#include "client/contact.h"
#include "client/storage.h"

/* One text. What the user sees of it is `received`. */
struct entry {
    struct received received;
    struct client *client;
    uint64_t number;  /* of arrivals: its name on the disk */
    struct list link; /* in `waiting`, until it is durable */
    struct disk_op op;
};

struct inbox {
    struct received *first, *last;
    uint32_t count;
    uint64_t number; /* the last one given */
    struct list waiting;
};

static struct inbox *inbox_of(struct client *client)
{
    if (client->inbox == NULL) {
        client->inbox = xcalloc(1, sizeof *client->inbox);
        list_init(&client->inbox->waiting);
    }
    return client->inbox;
}

static struct entry *entry_of(struct received *received)
{
    return CONTAINER_OF(received, struct entry, received);
}

static void delete_from_disk(const struct entry *entry)
{
    uint8_t key[8];

    store_be64(key, entry->number);
    storage_delete(entry->client, STORAGE_RECEIVED, BYTES_OF(key));
}

static struct received *take_first(struct inbox *inbox)
{
    struct received *first = inbox->first;

    inbox->first = first->next;
    if (inbox->first == NULL)
        inbox->last = NULL;
    inbox->count--;
    return first;
}

static void drop_first(struct inbox *inbox)
{
    struct entry *entry = entry_of(take_first(inbox));

    delete_from_disk(entry);
    free(entry);
}

/* By envelope time; of equal ones the later arrival comes later. */
static void insert(struct inbox *inbox, struct received *received)
{
    struct received **at = &inbox->first;

    if (inbox->last != NULL && inbox->last->timestamp_ms <= received->timestamp_ms)
        at = &inbox->last->next;
    while (*at != NULL && (*at)->timestamp_ms <= received->timestamp_ms)
        at = &(*at)->next;
    received->next = *at;
    *at = received;
    if (received->next == NULL)
        inbox->last = received;
    if (inbox->count++ == LIMIT_INBOX)
        drop_first(inbox);
}

static struct entry *new_entry(struct client *client, const struct received *received)
{
    struct entry *entry = xmalloc(sizeof *entry + received->text.len + received->display_name.len);
    uint8_t *bytes = (uint8_t *)(entry + 1);

    *entry = (struct entry){.received = *received, .client = client};
    if (received->text.len > 0)
        memcpy(bytes, received->text.data, received->text.len);
    if (received->display_name.len > 0)
        memcpy(bytes + received->text.len, received->display_name.data, received->display_name.len);
    entry->received.text.data = bytes;
    entry->received.display_name.data = bytes + received->text.len;
    return entry;
}

static void save(const struct entry *entry)
{
    const struct received *received = &entry->received;
    uint8_t key[8];
    struct buf value;

    store_be64(key, entry->number);
    storage_value_init(&value);
    buf_append(&value, BYTES_OF(received->source.bytes));
    storage_u64(&value, received->timestamp_ms);
    storage_u64(&value, (uint64_t)received->shown_ms);
    storage_u32(&value, received->type);
    storage_u8(&value, received->synchronous);
    storage_bytes(&value, received->text);
    storage_bytes(&value, received->display_name);
    storage_put(entry->client, STORAGE_RECEIVED, BYTES_OF(key), &value);
}

/* A disk that fails keeps nobody from reading; only that it came is not said then. */
static void on_saved(struct disk_op *op)
{
    struct entry *entry = CONTAINER_OF(op, struct entry, op);
    struct client *client = entry->client;
    struct received *received = &entry->received;
    struct contact *contact = contact_find(client, &received->source);
    uint8_t text_sha256[32];

    list_remove(&entry->link);
    if (received->synchronous && contact != NULL && op->err == OK)
        acknowledge(contact, received->timestamp_ms);
    hash_sha256(received->text, text_sha256);
    env_trace(client->env, &(struct trace_record){.kind = TRACE_SHOWN,
                                                  .n = {received->timestamp_ms, received->text.len, received->type},
                                                  .b = {BYTES_OF(received->source.bytes), BYTES_OF(text_sha256)}});
    insert(client->inbox, received);
}

void inbox_add(struct client *client, const struct envelope *envelope, struct bytes text, struct bytes display_name,
               bool heard)
{
    struct inbox *inbox = inbox_of(client);
    struct entry *entry = new_entry(client, &(struct received){
                                                .source = envelope->source,
                                                .timestamp_ms = envelope->timestamp_ms,
                                                .shown_ms = env_now_ms(client->env),
                                                .type = envelope->type,
                                                .synchronous = heard,
                                                .text = text,
                                                .display_name = display_name,
                                            });

    entry->number = ++inbox->number;
    list_append(&inbox->waiting, &entry->link);
    save(entry);
    env_disk_sync(client->env, &entry->op, on_saved);
}

bool inbox_load(struct client *client, struct bytes key, struct bytes value)
{
    struct storage_reader reader = {value, false};
    struct received received = {0};

    storage_read_exactly(&reader, received.source.bytes, sizeof received.source.bytes);
    received.timestamp_ms = storage_read_u64(&reader);
    received.shown_ms = (int64_t)storage_read_u64(&reader);
    received.type = storage_read_u32(&reader);
    received.synchronous = storage_read_u8(&reader) != 0;
    received.text = storage_read_bytes(&reader);
    received.display_name = storage_read_bytes(&reader);
    if (key.len != 8 || !storage_read_end(&reader))
        return false;
    struct inbox *inbox = inbox_of(client);
    struct entry *entry = new_entry(client, &received);
    entry->number = inbox->number = load_be64(key.data);
    insert(inbox, &entry->received);
    return true;
}

const struct received *inbox_first(const struct client *client)
{
    return client->inbox == NULL ? NULL : client->inbox->first;
}

void inbox_clear(struct client *client)
{
    struct inbox *inbox = client->inbox;

    if (inbox == NULL)
        return;
    while (inbox->count > 0)
        drop_first(inbox);
    if (list_empty(&inbox->waiting))
        inbox_free(client);
}

void inbox_free(struct client *client)
{
    if (client->inbox == NULL)
        return;
    while (client->inbox->count > 0)
        free(entry_of(take_first(client->inbox)));
    LIST_EACH_SAFE (link, &client->inbox->waiting)
        free(CONTAINER_OF(link, struct entry, link));
    free(client->inbox);
    client->inbox = NULL;
}
