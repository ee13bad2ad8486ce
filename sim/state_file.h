/* state_file.h: the disk of one real client: records in memory, written to one file as a whole.
 *
 * What is put stands in memory; state_file_encode makes the bytes of all of it, and state_file_write replaces the file
 * by them: written beside it, made durable, then renamed, so that whatever ends the program or the machine leaves
 * either the old file or the new one. Encoding belongs to the owner's thread; writing touches no record and may run on
 * another. The file:
 *
 *     "swarmbed state\n" and a zero, version (4 bytes), count of records (4),
 *     per record: length of the key (4), of the value (4), key, value,
 *     SHA-256 of all that; numbers little-endian
 *
 * FILE.lock keeps a second process out: a lock on the file itself would stay with the one that was replaced. The file
 * holds secret keys: only its owner may read it. */
#ifndef SWARMBED_STATE_FILE_H
#define SWARMBED_STATE_FILE_H

#include "common/env.h" /* disk_each_fn */

struct state_file;
/* Opens, or begins (nothing is on the disk until the first write). NULL: `why` says what is wrong with the file or its
 * folder, and what to do; the file is left alone. */
struct state_file *state_file_open(const char *path, struct buf *why);
void state_file_close(struct state_file *file); /* what was not written is gone; NULL is fine */

void state_file_put(struct state_file *file, struct bytes key, struct bytes value); /* an empty value deletes */
struct bytes state_file_get(const struct state_file *file, struct bytes key);       /* empty: none; until it is put */
/* In ascending order of keys. */
void state_file_each(const struct state_file *file, disk_each_fn each, void *owner);

/* All records, as the file has them: appended to `out`. ERR_TOO_BIG: over LIMIT_STATE_BYTES. */
MUST_CHECK enum err state_file_encode(const struct state_file *file, struct buf *out);
/* ERR_FULL: no space; ERR_IO: anything else (errno). The old file is still there; or the new one, if all that failed was
 * to make its name durable. */
MUST_CHECK enum err state_file_write(const struct state_file *file, struct bytes encoded);

#endif
