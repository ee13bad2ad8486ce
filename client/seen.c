#include "client/seen.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/storage.h"
#include "common/slab.h"

struct seen_entry {
    uint8_t key[SEEN_KEY_BYTES];
    int64_t expiry_ms;
    uint64_t number; /* of the additions: breaks ties of the heap */
    bool saved;      /* on the disk */
};

struct seen {
    struct table table;
    struct slab entries;
    struct seen_entry **heap; /* binary; the first to expire on top */
    size_t count, cap;
    uint64_t added;
};

static struct bytes key_bytes(const uint8_t key[SEEN_KEY_BYTES])
{
    return (struct bytes){key, SEEN_KEY_BYTES};
}

static struct bytes entry_key(const void *value)
{
    return key_bytes(((const struct seen_entry *)value)->key);
}

static bool expires_before(const struct seen_entry *a, const struct seen_entry *b)
{
    return a->expiry_ms != b->expiry_ms ? a->expiry_ms < b->expiry_ms : a->number < b->number;
}

static void heap_push(struct seen *seen, struct seen_entry *entry)
{
    if (seen->count == seen->cap) {
        seen->cap = seen->cap == 0 ? 16 : seen->cap * 2;
        seen->heap = xrealloc(seen->heap, seen->cap * sizeof(struct seen_entry *));
    }
    size_t at = seen->count++;
    for (; at > 0 && expires_before(entry, seen->heap[(at - 1) / 2]); at = (at - 1) / 2)
        seen->heap[at] = seen->heap[(at - 1) / 2];
    seen->heap[at] = entry;
}

static void drop_first(struct client *client)
{
    struct seen *seen = client->seen;
    struct seen_entry *first = seen->heap[0], *last = seen->heap[--seen->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < seen->count && expires_before(seen->heap[child + 1], seen->heap[child]))
            child++;
        if (child >= seen->count || !expires_before(seen->heap[child], last))
            break;
        seen->heap[at] = seen->heap[child];
        at = child;
    }
    seen->heap[at] = last;
    table_remove(&seen->table, key_bytes(first->key));
    if (first->saved)
        storage_delete(client, STORAGE_SEEN, key_bytes(first->key));
    slab_give(&seen->entries, first);
}

/* NULL: it is there already. */
static struct seen_entry *add(struct client *client, const uint8_t key[SEEN_KEY_BYTES], int64_t expiry_ms)
{
    int64_t now_ms = env_now_ms(client->env);
    int64_t furthest_ms = now_ms + LIMIT_FUTURE_MS + LIMIT_TTL_MS_MAX;
    struct seen *seen = client->seen;

    if (seen == NULL) {
        seen = client->seen = xcalloc(1, sizeof *seen);
        table_init(&seen->table, entry_key, 0);
        slab_init(&seen->entries, sizeof(struct seen_entry), LIMIT_SEEN);
    }
    while (seen->count > 0 && seen->heap[0]->expiry_ms < now_ms)
        drop_first(client);
    if (table_get(&seen->table, key_bytes(key)) != NULL)
        return NULL;
    struct seen_entry *entry = slab_take(&seen->entries);
    if (entry == NULL) { /* expected of a client that gets more than it can remember */
        drop_first(client);
        entry = slab_take(&seen->entries);
    }
    memcpy(entry->key, key, SEEN_KEY_BYTES);
    entry->expiry_ms = expiry_ms < furthest_ms ? expiry_ms : furthest_ms;
    entry->number = seen->added++;
    table_put(&seen->table, entry);
    heap_push(seen, entry);
    return entry;
}

bool seen_add(struct client *client, const uint8_t key[SEEN_KEY_BYTES], int64_t expiry_ms)
{
    return add(client, key, expiry_ms) != NULL;
}

bool seen_has(const struct client *client, const uint8_t key[SEEN_KEY_BYTES])
{
    return client->seen != NULL && table_get(&client->seen->table, key_bytes(key)) != NULL;
}

void seen_remember(struct client *client, const uint8_t key[SEEN_KEY_BYTES])
{
    struct seen_entry *entry = add(client, key, INT64_MAX);
    struct buf value;

    if (entry == NULL)
        return;
    entry->saved = true;
    storage_value_init(&value);
    storage_u64(&value, (uint64_t)entry->expiry_ms);
    storage_put(client, STORAGE_SEEN, key_bytes(key), &value);
}

bool seen_load(struct client *client, struct bytes key, struct bytes value)
{
    struct storage_reader reader = {value, false};
    int64_t expiry_ms = (int64_t)storage_read_u64(&reader);

    if (key.len != SEEN_KEY_BYTES || !storage_read_end(&reader))
        return false;
    struct seen_entry *entry = add(client, key.data, expiry_ms);
    if (entry != NULL)
        entry->saved = true;
    return entry != NULL;
}

size_t seen_count(const struct client *client)
{
    return client->seen == NULL ? 0 : client->seen->count;
}

void seen_free(struct client *client)
{
    struct seen *seen = client->seen;
    if (seen == NULL)
        return;
    table_fini(&seen->table);
    slab_fini(&seen->entries);
    free(seen->heap);
    free(seen);
    client->seen = NULL;
}
