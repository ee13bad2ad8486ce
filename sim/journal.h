/* journal.h: everything that enters a served world from outside, with its virtual time; enough to run it again.
 *
 * JSON, one object a line. The first says how the world was built: program, scenario text, its parameters, seed, costs;
 * then come the records that the nodes' disks began with; then what entered, in order: calls, hang-ups, changes by the
 * control interface; the last line has the digest. A journal is a file from outside: reading is bounded, and what does
 * not fit is an error with its line. */
#ifndef SWARMBED_JOURNAL_H
#define SWARMBED_JOURNAL_H

#include <stdio.h>

#include "common/env.h"
#include "sim/change.h"
#include "sim/scenario.h"

#define JOURNAL_LINE_BYTES_MAX (32u << 20) /* a body of 10 MiB in base64, twice a scenario of 16 MiB */

/* Writing. NULL is a journal that nobody wants: all of these do nothing with it. */
struct journal;
/* NULL: a journal can be made of it; else why not. To be asked before journal_create(). */
const char *journal_obstacle(const struct scenario_config *config);
/* Writes the header: `record_count` calls of journal_record() follow. NULL: errno tells. */
struct journal *journal_create(const char *path, const struct scenario_config *config, uint64_t record_count);
/* A record that a node's disk began with: in ascending order of disks, then of keys. */
void journal_record(struct journal *journal, const struct disk_log_record *record);
void journal_call(struct journal *journal, int64_t at_us, uint64_t number, struct address to,
                  const struct message *message);
void journal_hang_up(struct journal *journal, int64_t at_us, uint64_t number);
void journal_change(struct journal *journal, int64_t at_us, const struct change *change);
/* What testbed_undo() does. */
void journal_undo(struct journal *journal, int64_t at_us, const struct disk_log_record *record);
/* Writes the last line and frees. ERR_IO: it could not be written to its end; errno tells. */
MUST_CHECK enum err journal_close(struct journal *journal, int64_t at_us, uint64_t digest);

/* Reading. */
enum entry_kind { ENTRY_CALL, ENTRY_HANG_UP, ENTRY_CHANGE, ENTRY_UNDO, ENTRY_END };
struct entry {
    enum entry_kind kind;
    int64_t at_us;
    uint64_t number;             /* ENTRY_CALL, ENTRY_HANG_UP */
    struct address to;           /* ENTRY_CALL */
    struct message message;      /* ENTRY_CALL: valid until the next read */
    struct change change;        /* ENTRY_CHANGE */
    struct disk_log_record undo; /* ENTRY_UNDO: valid until the next read */
    uint64_t digest;             /* ENTRY_END */
};

struct journal_reader;
/* NULL: `why` has a sentence. */
struct journal_reader *journal_open(const char *path, struct buf *why);
void journal_reader_free(struct journal_reader *reader);
/* How the world was built; its texts are the reader's. Threads, trace and output are the caller's to set. */
const struct scenario_config *journal_config(const struct journal_reader *reader);
/* OK; ERR_NOT_FOUND: the file has ended; ERR_FORMAT, ERR_IO: `why` has a sentence. Times never go back. */
MUST_CHECK enum err journal_read(struct journal_reader *reader, struct entry *entry, struct buf *why);

#endif
