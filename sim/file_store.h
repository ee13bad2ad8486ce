/* file_store.h: a file server beside the seed: what clients attach is too large for a message.
 *
 * POST /file keeps the body and answers {"id":"1"}; GET /file/1 answers the bytes. Files live in memory, unchanged, for
 * LIMIT_FILE_MS; one that would exceed a bound is refused, none that was taken is given up before its time. Numbers
 * are never used twice. Source: PROTOCOL 3.12. */
#ifndef SWARMBED_FILE_STORE_H
#define SWARMBED_FILE_STORE_H

#include "common/env.h"
#include "common/table.h"

#define PATH_FILE "/file"

struct file_store {
    struct env *env;
    struct table files; /* struct file, oldest first */
    uint64_t bytes;     /* of all of them */
    uint64_t last_id;
};

void file_store_init(struct file_store *store, struct env *env);
void file_store_fini(struct file_store *store); /* never touches the env */
/* Answers a request for PATH_FILE or below it. False: the path or verb is none of the file store's. */
bool file_store_on_request(struct file_store *store, struct incoming *incoming);

#endif
