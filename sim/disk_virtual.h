/* disk_virtual.h: durable records in virtual time; what was not synced dies in a crash.
 *
 * A put is pending until the next sync that is asked for ends. Syncs of one disk follow one another, and each takes as
 * long as its records are large. A full disk (LIMIT_DISK_BYTES of keys and values) or a failing one ends a sync with
 * its error; then nothing of that sync was written, and its records are gone. */
#ifndef SWARMBED_DISK_VIRTUAL_H
#define SWARMBED_DISK_VIRTUAL_H

#include "common/env.h"
#include "sim/disk_log.h"
#include "sim/disk_values.h"

struct disk_virtual;
/* `values`: the shard's; it outlives the disk. */
struct disk_virtual *disk_virtual_new(struct disk_values *values, uint64_t bytes_max);
void disk_virtual_free(struct disk_virtual *disk);
/* From now on, what becomes durable here is appended to the log under that name. */
void disk_virtual_set_log(struct disk_virtual *disk, struct buf *log, uint64_t name);
/* A durable record becomes that, or none with an empty value, as if it had never been otherwise: not logged, nor held
 * against the bound. */
void disk_virtual_restore(struct disk_virtual *disk, struct bytes key, struct bytes value);

/* An empty value deletes. */
void disk_virtual_put(struct disk_virtual *disk, struct bytes key, struct bytes value);
/* Asks for a sync of all that was put before and is in no other one. What is put between this and the begin belongs to
 * the next one, which alone says whether it was written. */
void disk_virtual_sync_ask(struct disk_virtual *disk, struct disk_op *op);
/* Begins the oldest one that was asked for; the virtual time at which it ends. The caller then calls ..._sync_end()
 * once for every begun sync, in that order. */
int64_t disk_virtual_sync_begin(struct disk_virtual *disk, int64_t now_us);
/* The op whose sync ends now, with its `err` set. */
struct disk_op *disk_virtual_sync_end(struct disk_virtual *disk);
/* The machine died: pending records and begun syncs are gone. */
void disk_virtual_crash(struct disk_virtual *disk);
/* Syncs that end from now on fail with that error; OK: it works again. */
void disk_virtual_set_failing(struct disk_virtual *disk, enum err err);
/* Every durable record, in ascending order of keys. */
void disk_virtual_each(const struct disk_virtual *disk, disk_each_fn each, void *owner);

#endif
