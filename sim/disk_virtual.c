#include "sim/disk_virtual.h"

#include <stdlib.h>
#include <string.h>

#include "common/table.h"

/* A small server's solid state disk: one flush, and what it writes per second. */
#define SYNC_US           2000
#define SYNC_BYTES_PER_US 200

#define TABLE_KEY UINT64_C(0x6469736b) /* any; order never depends on it */

/* Key, then value, in one block: a world may hold millions. */
struct record {
    struct record *next; /* while pending */
    uint32_t key_len, value_len;
    uint8_t data[];
};

struct sync {
    struct sync *next;
    struct disk_op *op;
    size_t record_count; /* the first so many of the pending ones */
    size_t bytes;        /* theirs */
};

struct disk_virtual {
    struct table durable;
    uint64_t bytes, bytes_max;
    struct record *pending, **pending_end;
    size_t pending_count, pending_bytes; /* not yet part of a sync */
    struct sync *syncs, **syncs_end;
    struct sync *asked; /* the first of them that has not begun */
    int64_t free_us;
    enum err failing;
};

static struct bytes record_key(const void *value)
{
    const struct record *record = value;

    return (struct bytes){record->data, record->key_len};
}

static uint64_t record_bytes(const struct record *record)
{
    return record == NULL ? 0 : (uint64_t)record->key_len + record->value_len;
}

struct disk_virtual *disk_virtual_new(uint64_t bytes_max)
{
    struct disk_virtual *disk = xcalloc(1, sizeof(*disk));

    disk->bytes_max = bytes_max;
    disk->pending_end = &disk->pending;
    disk->syncs_end = &disk->syncs;
    table_init(&disk->durable, record_key, TABLE_KEY);
    return disk;
}

void disk_virtual_free(struct disk_virtual *disk)
{
    struct record *record;
    uint32_t cursor = 0;

    disk_virtual_crash(disk);
    while ((record = table_next(&disk->durable, &cursor)) != NULL)
        free(record);
    table_fini(&disk->durable);
    free(disk);
}

void disk_virtual_put(struct disk_virtual *disk, struct bytes key, struct bytes value)
{
    struct record *record;

    ASSERT(key.len <= UINT32_MAX && value.len <= UINT32_MAX);
    record = xmalloc(sizeof(*record) + key.len + value.len);
    record->next = NULL;
    record->key_len = (uint32_t)key.len;
    record->value_len = (uint32_t)value.len;
    if (key.len > 0)
        memcpy(record->data, key.data, key.len);
    if (value.len > 0)
        memcpy(record->data + key.len, value.data, value.len);
    *disk->pending_end = record;
    disk->pending_end = &record->next;
    disk->pending_count++;
    disk->pending_bytes += key.len + value.len;
}

void disk_virtual_sync_ask(struct disk_virtual *disk, struct disk_op *op)
{
    struct sync *sync = xmalloc(sizeof(*sync));

    *sync = (struct sync){.op = op, .record_count = disk->pending_count, .bytes = disk->pending_bytes};
    *disk->syncs_end = sync;
    disk->syncs_end = &sync->next;
    if (disk->asked == NULL)
        disk->asked = sync;
    disk->pending_count = disk->pending_bytes = 0;
}

int64_t disk_virtual_sync_begin(struct disk_virtual *disk, int64_t now_us)
{
    struct sync *sync = disk->asked;

    disk->asked = sync->next;
    if (disk->free_us < now_us)
        disk->free_us = now_us;
    disk->free_us += SYNC_US + (int64_t)(sync->bytes / SYNC_BYTES_PER_US);
    return disk->free_us;
}

static struct record *take_pending(struct disk_virtual *disk)
{
    struct record *record = disk->pending;

    disk->pending = record->next;
    if (disk->pending == NULL)
        disk->pending_end = &disk->pending;
    return record;
}

static enum err write_record(struct disk_virtual *disk, struct record *record)
{
    struct record *old = table_get(&disk->durable, record_key(record));

    if (disk->bytes - record_bytes(old) + record_bytes(record) > disk->bytes_max && record->value_len > 0) {
        free(record);
        return ERR_FULL;
    }
    if (old != NULL) {
        table_remove(&disk->durable, record_key(old));
        disk->bytes -= record_bytes(old);
        free(old);
    }
    if (record->value_len == 0) {
        free(record);
        return OK;
    }
    table_put(&disk->durable, record);
    disk->bytes += record_bytes(record);
    return OK;
}

struct disk_op *disk_virtual_sync_end(struct disk_virtual *disk)
{
    struct sync *sync = disk->syncs;
    struct disk_op *op = sync->op;

    op->err = disk->failing;
    for (size_t i = 0; i < sync->record_count; i++) {
        struct record *record = take_pending(disk);

        if (disk->failing != OK)
            free(record);
        else if (write_record(disk, record) != OK)
            op->err = ERR_FULL;
    }
    disk->syncs = sync->next;
    if (disk->syncs == NULL)
        disk->syncs_end = &disk->syncs;
    free(sync);
    return op;
}

void disk_virtual_crash(struct disk_virtual *disk)
{
    while (disk->pending != NULL)
        free(take_pending(disk));
    while (disk->syncs != NULL) {
        struct sync *sync = disk->syncs;

        disk->syncs = sync->next;
        free(sync);
    }
    disk->syncs_end = &disk->syncs;
    disk->asked = NULL;
    disk->pending_count = disk->pending_bytes = 0;
    disk->free_us = 0;
}

void disk_virtual_set_failing(struct disk_virtual *disk, enum err err)
{
    disk->failing = err;
}

static int compare_records(const void *a, const void *b)
{
    return bytes_compare(record_key(*(struct record *const *)a), record_key(*(struct record *const *)b));
}

/* Keys are unique, so the sort has no ties. */
void disk_virtual_each(const struct disk_virtual *disk, disk_each_fn each, void *owner)
{
    struct record **sorted, *record;
    uint32_t cursor = 0;
    size_t count = 0;

    if (disk->durable.count == 0)
        return;
    sorted = xmalloc(disk->durable.count * sizeof(*sorted));
    while ((record = table_next(&disk->durable, &cursor)) != NULL)
        sorted[count++] = record;
    qsort(sorted, count, sizeof(*sorted), compare_records);
    for (size_t i = 0; i < count; i++)
        each(owner, record_key(sorted[i]), (struct bytes){sorted[i]->data + sorted[i]->key_len, sorted[i]->value_len});
    free(sorted);
}
