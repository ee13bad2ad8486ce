/* disk_log.h: records on their way between the virtual disks and what outlives the process.
 *
 * A log is flat bytes: what a shard's disks made durable, in order, until the loop hands it on (sim/disk_sqlite.h).
 * Kept records are what the disks begin with: from SQLite, or from a journal. A disk's name is the first eight bytes of
 * its node's ed25519 key. */
#ifndef SWARMBED_DISK_LOG_H
#define SWARMBED_DISK_LOG_H

#include "common/env.h"

struct disk_log_record {
    uint64_t disk;
    struct bytes key, value; /* an empty value deletes */
};
void disk_log_append(struct buf *log, uint64_t disk, struct bytes key, struct bytes value);
/* Takes the first record off; false: there is none left. */
bool disk_log_next(struct bytes *rest, struct disk_log_record *out);

uint64_t disk_name(const struct ed25519_public *node);

/* Where disks get what they begin with. */
struct disk_source {
    void *owner;
    /* Every record of that node's disk, in ascending order of keys. */
    void (*each)(void *owner, const struct ed25519_public *node, disk_each_fn each, void *each_owner);
    bool logged; /* what becomes durable later is wanted, too: world_take_disk_log() */
};

/* Kept records in memory. */
struct kept_range {
    uint64_t disk;
    size_t from, len, last; /* where its records begin, how long they are, where the last one begins */
};
struct kept_records {
    struct buf log;
    struct kept_range *ranges; /* one per disk */
    size_t range_count;
};
void kept_records_init(struct kept_records *kept);
void kept_records_fini(struct kept_records *kept);
/* In ascending order of disks, then of keys, and none without a value; false: it is not so. */
bool kept_records_add(struct kept_records *kept, const struct disk_log_record *record);
struct disk_source kept_records_source(struct kept_records *kept);

#endif
