#include "sim/disk_log.h"

#include <stdlib.h>
#include <string.h>

enum { AT_KEY_LEN = 8, AT_VALUE_LEN = 12, HEAD_BYTES = 16 };

void disk_log_append(struct buf *log, uint64_t disk, struct bytes key, struct bytes value)
{
    uint8_t head[HEAD_BYTES];

    ASSERT(key.len <= UINT32_MAX && value.len <= UINT32_MAX);
    store_le64(head, disk);
    store_le32(head + AT_KEY_LEN, (uint32_t)key.len);
    store_le32(head + AT_VALUE_LEN, (uint32_t)value.len);
    buf_append(log, BYTES_OF(head));
    buf_append(log, key);
    buf_append(log, value);
}

bool disk_log_next(struct bytes *rest, struct disk_log_record *out)
{
    size_t key_len, value_len;

    if (rest->len == 0)
        return false;
    out->disk = load_le64(rest->data);
    key_len = load_le32(rest->data + AT_KEY_LEN);
    value_len = load_le32(rest->data + AT_VALUE_LEN);
    out->key = bytes_slice(*rest, HEAD_BYTES, key_len);
    out->value = bytes_slice(*rest, HEAD_BYTES + key_len, value_len);
    *rest = bytes_slice(*rest, HEAD_BYTES + key_len + value_len, rest->len - HEAD_BYTES - key_len - value_len);
    return true;
}

uint64_t disk_name(const struct ed25519_public *node)
{
    return load_be64(node->bytes);
}

void kept_records_init(struct kept_records *kept)
{
    *kept = (struct kept_records){0};
    buf_init(&kept->log, SIZE_MAX);
}

void kept_records_fini(struct kept_records *kept)
{
    buf_fini(&kept->log);
    free(kept->ranges);
}

static struct kept_range *last_range(const struct kept_records *kept)
{
    return kept->range_count == 0 ? NULL : &kept->ranges[kept->range_count - 1];
}

static struct kept_range *add_range(struct kept_records *kept, uint64_t disk)
{
    kept->ranges = xrealloc(kept->ranges, (kept->range_count + 1) * sizeof(*kept->ranges));
    kept->ranges[kept->range_count++] = (struct kept_range){.disk = disk, .from = kept->log.len};
    return last_range(kept);
}

/* The key of the record that was added last. */
static struct bytes last_key(const struct kept_records *kept, const struct kept_range *range)
{
    struct bytes rest = bytes_slice(buf_bytes(&kept->log), range->last, range->from + range->len - range->last);
    struct disk_log_record record = {0};

    (void)disk_log_next(&rest, &record);
    return record.key;
}

bool kept_records_add(struct kept_records *kept, const struct disk_log_record *record)
{
    struct kept_range *range = last_range(kept);

    if (record->value.len == 0 || (range != NULL && record->disk < range->disk))
        return false;
    if (range != NULL && record->disk == range->disk && bytes_compare(last_key(kept, range), record->key) >= 0)
        return false;
    if (range == NULL || record->disk != range->disk)
        range = add_range(kept, record->disk);
    range->last = kept->log.len;
    disk_log_append(&kept->log, record->disk, record->key, record->value);
    range->len = kept->log.len - range->from;
    return true;
}

static void each_kept(void *owner, const struct ed25519_public *node, disk_each_fn each, void *each_owner)
{
    const struct kept_records *kept = owner;
    uint64_t disk = disk_name(node);

    for (size_t i = 0; i < kept->range_count; i++) {
        struct bytes rest = bytes_slice(buf_bytes(&kept->log), kept->ranges[i].from, kept->ranges[i].len);
        struct disk_log_record record;

        while (kept->ranges[i].disk == disk && disk_log_next(&rest, &record))
            each(each_owner, record.key, record.value);
    }
}

struct disk_source kept_records_source(struct kept_records *kept)
{
    return (struct disk_source){kept, each_kept, false};
}
