#include "sim/disk_virtual.h"

#include <stdlib.h>
#include <string.h>

#include "common/table.h"

/* A small server's solid state disk: one flush, and what it writes per second. */
#define SYNC_US           2000
#define SYNC_BYTES_PER_US 200

#define TABLE_KEY UINT64_C(0x6469736b) /* any; order never depends on it */

/* A world may hold millions. */
struct record {
    struct disk_value *value; /* NULL: a deletion */
    uint32_t key_len;
    uint8_t key[];
};

struct sync {
    struct sync *next;
    struct disk_op *op;
    size_t record_count; /* the first so many of the pending ones */
    size_t bytes;        /* theirs */
};

struct disk_virtual {
    struct table durable;
    struct disk_values *values;
    uint64_t bytes, bytes_max;
    struct record **pending; /* in the order of the puts, from `pending_first` to `pending_end` */
    size_t pending_first, pending_end, pending_cap;
    size_t unsynced_count, unsynced_bytes; /* not yet part of a sync that was asked for */
    struct sync *syncs, **syncs_end;
    struct sync *asked; /* the first of them that has not begun */
    int64_t free_us;
    enum err failing;
    struct buf *log; /* NULL: nobody wants it */
    uint64_t log_name;
};

static struct bytes record_key(const void *value)
{
    const struct record *record = value;

    return (struct bytes){record->key, record->key_len};
}

static uint64_t record_bytes(const struct record *record)
{
    return record == NULL ? 0 : (uint64_t)record->key_len + disk_value_bytes(record->value).len;
}

static void record_free(struct record *record)
{
    disk_value_drop(record->value);
    free(record);
}

struct disk_virtual *disk_virtual_new(struct disk_values *values, uint64_t bytes_max)
{
    struct disk_virtual *disk = xcalloc(1, sizeof(*disk));

    disk->values = values;
    disk->bytes_max = bytes_max;
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
        record_free(record);
    table_fini(&disk->durable);
    free(disk->pending);
    free(disk);
}

void disk_virtual_set_log(struct disk_virtual *disk, struct buf *log, uint64_t name)
{
    disk->log = log;
    disk->log_name = name;
}

static void log_record(const struct disk_virtual *disk, const struct record *record)
{
    if (disk->log != NULL)
        disk_log_append(disk->log, disk->log_name, record_key(record), disk_value_bytes(record->value));
}

static void add_pending(struct disk_virtual *disk, struct record *record)
{
    if (disk->pending_end == disk->pending_cap && disk->pending_first > disk->pending_cap / 2) {
        disk->pending_end -= disk->pending_first;
        memmove(disk->pending, disk->pending + disk->pending_first, disk->pending_end * sizeof(disk->pending[0]));
        disk->pending_first = 0;
    }
    if (disk->pending_end == disk->pending_cap) {
        disk->pending_cap = disk->pending_cap == 0 ? 8 : 2 * disk->pending_cap;
        disk->pending = xrealloc(disk->pending, disk->pending_cap * sizeof(disk->pending[0]));
    }
    disk->pending[disk->pending_end++] = record;
}

static struct record *new_record(const struct disk_virtual *disk, struct bytes key, struct bytes value)
{
    struct record *record;

    ASSERT(key.len <= UINT32_MAX);
    record = xmalloc(sizeof(*record) + key.len);
    record->value = value.len == 0 ? NULL : disk_value_get(disk->values, value);
    record->key_len = (uint32_t)key.len;
    if (key.len > 0)
        memcpy(record->key, key.data, key.len);
    return record;
}

void disk_virtual_put(struct disk_virtual *disk, struct bytes key, struct bytes value)
{
    add_pending(disk, new_record(disk, key, value));
    disk->unsynced_count++;
    disk->unsynced_bytes += key.len + value.len;
}

void disk_virtual_sync_ask(struct disk_virtual *disk, struct disk_op *op)
{
    struct sync *sync = xmalloc(sizeof(*sync));

    *sync = (struct sync){.op = op, .record_count = disk->unsynced_count, .bytes = disk->unsynced_bytes};
    *disk->syncs_end = sync;
    disk->syncs_end = &sync->next;
    if (disk->asked == NULL)
        disk->asked = sync;
    disk->unsynced_count = disk->unsynced_bytes = 0;
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
    struct record *record = disk->pending[disk->pending_first++];

    if (disk->pending_first == disk->pending_end) { /* a disk that rests owns nothing for this */
        free(disk->pending);
        disk->pending = NULL;
        disk->pending_first = disk->pending_end = disk->pending_cap = 0;
    }
    return record;
}

/* The durable record becomes `record`; the one that it was, or a deletion if there was none. */
static struct record *exchange(struct disk_virtual *disk, struct record *record)
{
    struct record *old = table_remove(&disk->durable, record_key(record));

    if (old == NULL)
        old = new_record(disk, record_key(record), BYTES_NONE);
    else
        disk->bytes -= record_bytes(old);
    if (record->value == NULL) {
        record_free(record);
        return old;
    }
    table_put(&disk->durable, record);
    disk->bytes += record_bytes(record);
    return old;
}

/* Forth: `written` gets what was there. Back, with the same: the last one first. */
static void write_all(struct disk_virtual *disk, struct record *written[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        written[i] = take_pending(disk);
        if (table_get(&disk->durable, record_key(written[i])) != NULL || written[i]->value != NULL)
            log_record(disk, written[i]);
        written[i] = exchange(disk, written[i]);
    }
}

static void write_back(struct disk_virtual *disk, struct record *written[], size_t count)
{
    while (count-- > 0)
        written[count] = exchange(disk, written[count]);
}

/* All of them, or none. */
static enum err write_sync(struct disk_virtual *disk, size_t count)
{
    struct record **written = xmalloc((count + 1) * sizeof(written[0]));
    size_t log_len = disk->log == NULL ? 0 : disk->log->len;
    uint64_t before = disk->bytes;
    enum err err = OK;

    write_all(disk, written, count);
    if (disk->bytes > disk->bytes_max && disk->bytes > before) {
        write_back(disk, written, count);
        if (disk->log != NULL)
            disk->log->len = log_len;
        err = ERR_FULL;
    }
    for (size_t i = 0; i < count; i++)
        record_free(written[i]);
    free(written);
    return err;
}

struct disk_op *disk_virtual_sync_end(struct disk_virtual *disk)
{
    struct sync *sync = disk->syncs;
    struct disk_op *op = sync->op;

    if (disk->failing == OK) {
        op->err = write_sync(disk, sync->record_count);
    } else {
        op->err = disk->failing;
        for (size_t i = 0; i < sync->record_count; i++)
            record_free(take_pending(disk));
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
        record_free(take_pending(disk));
    while (disk->syncs != NULL) {
        struct sync *sync = disk->syncs;

        disk->syncs = sync->next;
        free(sync);
    }
    disk->syncs_end = &disk->syncs;
    disk->asked = NULL;
    disk->unsynced_count = disk->unsynced_bytes = 0;
    disk->free_us = 0;
}

void disk_virtual_set_failing(struct disk_virtual *disk, enum err err)
{
    disk->failing = err;
}

void disk_virtual_restore(struct disk_virtual *disk, struct bytes key, struct bytes value)
{
    struct record *old = table_remove(&disk->durable, key);

    if (old != NULL) {
        disk->bytes -= record_bytes(old);
        record_free(old);
    }
    if (value.len == 0)
        return;
    table_put(&disk->durable, new_record(disk, key, value));
    disk->bytes += key.len + value.len;
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
        each(owner, record_key(sorted[i]), disk_value_bytes(sorted[i]->value));
    free(sorted);
}
