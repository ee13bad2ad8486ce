/* disk_values.h: what virtual disks hold, once per shard however many disks have it.
 *
 * The nodes of a swarm write the same records, and mostly share a shard: seven copies of every message were most of a
 * large world's memory. Found by the first bytes, then compared in full. What is shared can't be observed: every disk's
 * bound counts a value in full. */
#ifndef SWARMBED_DISK_VALUES_H
#define SWARMBED_DISK_VALUES_H

#include "common/table.h"

struct disk_values {
    struct table by_head;
};

struct disk_value {
    struct disk_values *values;
    uint32_t keepers;
    uint32_t len;
    uint8_t data[];
};

void disk_values_init(struct disk_values *values);
void disk_values_fini(struct disk_values *values); /* ASSERTs that there are none */
/* The value with exactly these bytes, kept once more. */
struct disk_value *disk_value_get(struct disk_values *values, struct bytes bytes);
void disk_value_drop(struct disk_value *value); /* NULL is fine */

static inline struct bytes disk_value_bytes(const struct disk_value *value)
{
    return value == NULL ? BYTES_NONE : (struct bytes){value->data, value->len};
}

#endif
