#include "client/storage.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/inbox.h"
#include "client/outbox.h"
#include "client/poll.h"
#include "client/seen.h"

#define OWNER_BYTES   8 /* of the account's key: two accounts on one disk do not share them */
#define KEY_BYTES_MAX (1 + OWNER_BYTES + 33)

/* --- writing --- */

void storage_value_init(struct buf *value)
{
    buf_init(value, SIZE_MAX);
}

void storage_u8(struct buf *value, uint8_t number)
{
    buf_byte(value, number);
}

void storage_u32(struct buf *value, uint32_t number)
{
    store_le32(buf_space(value, sizeof number), number);
}

void storage_u64(struct buf *value, uint64_t number)
{
    store_le64(buf_space(value, sizeof number), number);
}

void storage_bytes(struct buf *value, struct bytes bytes)
{
    storage_u32(value, (uint32_t)bytes.len);
    buf_append(value, bytes);
}

static struct bytes full_key(const struct client *client, enum storage_kind kind, struct bytes key,
                             uint8_t out[KEY_BYTES_MAX])
{
    ASSERT(key.len <= KEY_BYTES_MAX - 1 - OWNER_BYTES);
    out[0] = (uint8_t)kind;
    memcpy(out + 1, client->account.bytes + 1, OWNER_BYTES);
    if (key.len > 0)
        memcpy(out + 1 + OWNER_BYTES, key.data, key.len);
    return (struct bytes){out, 1 + OWNER_BYTES + key.len};
}

void storage_put(struct client *client, enum storage_kind kind, struct bytes key, struct buf *value)
{
    uint8_t full[KEY_BYTES_MAX];

    client_charge_bytes(client, COST_PARSE, value->len);
    env_disk_put(client->env, full_key(client, kind, key, full), buf_bytes(value));
    crypto_wipe(value->data, value->len); /* it may hold secrets */
    buf_fini(value);
}

void storage_delete(struct client *client, enum storage_kind kind, struct bytes key)
{
    uint8_t full[KEY_BYTES_MAX];

    env_disk_put(client->env, full_key(client, kind, key, full), BYTES_NONE);
}

/* The one sync that nobody waits for. */
struct storage {
    struct client *client;
    struct disk_op op;
    bool syncing, again;
};

static void on_flushed(struct disk_op *op)
{
    struct storage *storage = CONTAINER_OF(op, struct storage, op);

    storage->syncing = false;
    if (!storage->again)
        return;
    storage->again = false;
    storage_flush(storage->client);
}

void storage_flush(struct client *client)
{
    struct storage *storage = client->storage;

    if (storage == NULL) {
        storage = client->storage = xcalloc(1, sizeof *storage);
        storage->client = client;
    }
    if (storage->syncing) {
        storage->again = true;
        return;
    }
    storage->syncing = true;
    env_disk_sync(client->env, &storage->op, on_flushed);
}

void storage_free(struct client *client)
{
    free(client->storage);
    client->storage = NULL;
}

/* --- reading --- */

void storage_read_exactly(struct storage_reader *reader, void *out, size_t len)
{
    if (reader->left.len < len) {
        reader->bad = true;
        memset(out, 0, len);
        return;
    }
    memcpy(out, reader->left.data, len);
    reader->left = bytes_slice(reader->left, len, reader->left.len - len);
}

uint8_t storage_read_u8(struct storage_reader *reader)
{
    uint8_t number;

    storage_read_exactly(reader, &number, sizeof number);
    return number;
}

uint32_t storage_read_u32(struct storage_reader *reader)
{
    uint8_t bytes[4];

    storage_read_exactly(reader, bytes, sizeof bytes);
    return load_le32(bytes);
}

uint64_t storage_read_u64(struct storage_reader *reader)
{
    uint8_t bytes[8];

    storage_read_exactly(reader, bytes, sizeof bytes);
    return load_le64(bytes);
}

struct bytes storage_read_bytes(struct storage_reader *reader)
{
    size_t len = storage_read_u32(reader);

    if (reader->left.len < len) {
        reader->bad = true;
        return BYTES_NONE;
    }
    struct bytes bytes = bytes_slice(reader->left, 0, len);
    reader->left = bytes_slice(reader->left, len, reader->left.len - len);
    return bytes;
}

bool storage_read_end(const struct storage_reader *reader)
{
    return !reader->bad && reader->left.len == 0;
}

/* --- start --- */

struct start {
    struct client *client;
    size_t count;
};

static bool load(struct client *client, enum storage_kind kind, struct bytes key, struct bytes value)
{
    switch (kind) {
    case STORAGE_CONTACT:
        return contact_load(client, key, value);
    case STORAGE_HASHES:
        return poll_load(client, value);
    case STORAGE_RECEIVED:
        return inbox_load(client, key, value);
    case STORAGE_PREKEYS:
        return contact_load_prekeys(client, value);
    case STORAGE_NUMBER:
        return outbox_load_number(client, value);
    case STORAGE_OUTGOING:
        return outbox_load(client, key, value);
    case STORAGE_SEEN:
        return seen_load(client, key, value);
    }
    return false;
}

static void on_record(void *owner, struct bytes key, struct bytes value)
{
    struct start *start = owner;
    struct client *client = start->client;

    if (key.len < 1 + OWNER_BYTES || memcmp(key.data + 1, client->account.bytes + 1, OWNER_BYTES) != 0)
        return;
    client_charge_bytes(client, COST_PARSE, value.len);
    start->count += load(client, (enum storage_kind)key.data[0],
                         bytes_slice(key, 1 + OWNER_BYTES, key.len - 1 - OWNER_BYTES), value);
}

size_t storage_start(struct client *client)
{
    struct start start = {.client = client};

    env_disk_each(client->env, on_record, &start);
    return start.count;
}
