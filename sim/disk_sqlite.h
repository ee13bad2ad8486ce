/* disk_sqlite.h: records that outlive the process, in one SQLite file behind the virtual disks; the door to SQLite.
 *
 * The file DIR/swarmbed.sqlite holds every record of every node's disk, the nodes' keys, and settings of the world. One
 * process at a time has it. A thread of its own writes what was given since its last commit, all in one (write-ahead
 * log, synchronous=FULL): many answers wait for one flush, and the loop for none. The first failure is the last: from
 * then on nothing is written, and what was given and not committed is lost: disk_sqlite_take_lost(). */
#ifndef SWARMBED_DISK_SQLITE_H
#define SWARMBED_DISK_SQLITE_H

#include "sim/disk_log.h"

#define DISK_SQLITE_FILE "swarmbed.sqlite"

struct disk_sqlite;

/* Opens the file, or makes it, and the folder too. `bytes_max`: how large the file may grow; 0: as large as the
 * machine allows. NULL: `why` has what is wrong with it, and what to do. */
struct disk_sqlite *disk_sqlite_open(const char *folder, uint64_t bytes_max, struct buf *why);
/* What was given is committed first, unless that has failed: then `why` says it, as disk_sqlite_failed() does. */
enum err disk_sqlite_close(struct disk_sqlite *disk, struct buf *why);

/* Before the start. */

/* A name's value into `out`; false: it has none. */
bool disk_sqlite_get(struct disk_sqlite *disk, const char *name, struct buf *out);
void disk_sqlite_set(struct disk_sqlite *disk, const char *name, struct bytes value);
/* The latest time that a commit has named; 0: there was none. */
int64_t disk_sqlite_time_ms(struct disk_sqlite *disk);
/* All records, in ascending order of disks, then of keys. */
typedef void (*disk_sqlite_each_fn)(void *owner, const struct disk_log_record *record);
void disk_sqlite_each(struct disk_sqlite *disk, disk_sqlite_each_fn each, void *owner);
uint64_t disk_sqlite_count(struct disk_sqlite *disk);
/* Commits what was set, and starts the thread; each of its commits, and its failure, is told to `news`, in the thread.
 * ERR_IO: something has failed since the opening: `why` has it. */
MUST_CHECK enum err disk_sqlite_start(struct disk_sqlite *disk, void (*news)(void *owner), void *owner,
                                      struct buf *why);

/* At any time: a node's records; its key is kept with them. */
struct disk_source disk_sqlite_source(struct disk_sqlite *disk);

/* After the start. */

/* Takes the log's content, to be committed at the world's time `now_ms`. The number of that commit; an empty log: of
 * the one before. */
uint64_t disk_sqlite_write(struct disk_sqlite *disk, struct buf *log, int64_t now_ms);
/* Commits up to this number are on the disk. */
uint64_t disk_sqlite_committed(struct disk_sqlite *disk);
/* After a failure: what was given and is not in the file, and the value that the file has instead; `out` stays empty
 * if it has none, or it cannot be read. */
void disk_sqlite_take_lost(struct disk_sqlite *disk, struct buf *lost);
void disk_sqlite_read(struct disk_sqlite *disk, uint64_t name, struct bytes key, struct buf *out);
struct disk_counts {
    uint64_t commits, records; /* written since the start */
};
void disk_sqlite_counts(struct disk_sqlite *disk, struct disk_counts *out);
/* Whether it has failed; `why`, if not NULL, gets what is wrong, and what to do. */
bool disk_sqlite_failed(struct disk_sqlite *disk, struct buf *why);

#endif
