#include "sim/disk_values.h"

#include <stdlib.h>
#include <string.h>

/* Enough to tell records apart that are not the same: a message's record begins with account and hash. Two values that
 * differ behind it are right too: the second is then not shared. */
#define HEAD_BYTES 128

#define TABLE_KEY UINT64_C(0x76616c7565) /* any; order never depends on it */

static struct bytes head_of(struct bytes bytes)
{
    return bytes_slice(bytes, 0, bytes.len < HEAD_BYTES ? bytes.len : HEAD_BYTES);
}

static struct bytes value_head(const void *value)
{
    return head_of(disk_value_bytes(value));
}

void disk_values_init(struct disk_values *values)
{
    table_init(&values->by_head, value_head, TABLE_KEY);
}

void disk_values_fini(struct disk_values *values)
{
    ASSERT(values->by_head.count == 0);
    table_fini(&values->by_head);
}

struct disk_value *disk_value_get(struct disk_values *values, struct bytes bytes)
{
    struct disk_value *shared = table_get(&values->by_head, head_of(bytes));
    struct disk_value *value;

    if (shared != NULL && bytes_equal(disk_value_bytes(shared), bytes)) {
        ASSERT(shared->keepers < UINT32_MAX);
        shared->keepers++;
        return shared;
    }
    ASSERT(bytes.len <= UINT32_MAX);
    value = xmalloc(sizeof(*value) + bytes.len);
    value->values = values;
    value->keepers = 1;
    value->len = (uint32_t)bytes.len;
    if (bytes.len > 0)
        memcpy(value->data, bytes.data, bytes.len);
    if (shared == NULL)
        table_put(&values->by_head, value);
    return value;
}

void disk_value_drop(struct disk_value *value)
{
    struct table *by_head;

    if (value == NULL)
        return;
    ASSERT(value->keepers > 0);
    if (--value->keepers > 0)
        return;
    by_head = &value->values->by_head;
    if (table_get(by_head, value_head(value)) == value)
        (void)table_remove(by_head, value_head(value));
    free(value);
}
