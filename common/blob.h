/* blob.h: immutable bytes shared by count.
 *
 * A body is written once, then read by all who keep it: the relays that pass it on, the replicas of a swarm. The count
 * is not atomic: a blob belongs to one shard at a time. Between shards it is handed over when nobody else keeps it,
 * and copied otherwise (sim/parcel.h). */
#ifndef SWARMBED_BLOB_H
#define SWARMBED_BLOB_H

#include "common/bytes.h"

struct blob {
    uint32_t keepers;
    uint32_t len;
    uint64_t digest; /* SipHash of the bytes once asked for; 0: not yet (blob_digest) */
    uint8_t data[];
};

struct blob *blob_new(size_t len);                  /* one keeper; the caller fills data before sharing it */
struct blob *blob_copy(struct bytes bytes);
struct blob *blob_from_buf(struct buf *buf);        /* copies the buffer's content; the buffer stays the caller's */
struct blob *blob_keep(struct blob *blob);          /* one keeper more; NULL stays NULL */
void blob_drop(struct blob *blob);                  /* one fewer; the last frees. NULL is fine */
struct bytes blob_bytes(const struct blob *blob);   /* NULL: no bytes */
uint64_t blob_digest(struct blob *blob);            /* SipHash-2-4 under a fixed key; never 0; kept in the blob */

#endif
