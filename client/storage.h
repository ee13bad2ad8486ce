/* storage.h: what a client has on its disk, and how it is written.
 *
 * One record per thing, named by a kind, the account's beginning (a disk may serve several accounts) and the thing's
 * own key. What the identity gives is not stored: the keys. Writing goes to the disk's cache; what must not happen
 * before it is durable waits for a sync (env_disk_sync), and since syncs follow one another, one that was asked for
 * later covers all that was written before. Source: PROTOCOL 9.7. */
#ifndef SWARMBED_STORAGE_H
#define SWARMBED_STORAGE_H

#include "common/bytes.h"
#include "common/keys.h"

struct client;

/* In the order in which they are read back: contacts before the messages that belong to them. */
enum storage_kind {
    STORAGE_CONTACT = 'c',  /* by account */
    STORAGE_HASHES = 'h',   /* last hashes, all in one */
    STORAGE_RECEIVED = 'i', /* by number: the inbox */
    STORAGE_PREKEYS = 'k',  /* own signed prekeys, all in one */
    STORAGE_NUMBER = 'n',   /* the last number given to a message */
    STORAGE_OUTGOING = 'o', /* by number: the outbox */
    STORAGE_SEEN = 's'      /* by identity of the message */
};

/* A buffer for a value: values are bounded by what they hold. */
void storage_value_init(struct buf *value);
void storage_u8(struct buf *value, uint8_t number);
void storage_u32(struct buf *value, uint32_t number);
void storage_u64(struct buf *value, uint64_t number);
void storage_bytes(struct buf *value, struct bytes bytes); /* with its length */

/* Writes the record, and ends the buffer. */
void storage_put(struct client *client, enum storage_kind kind, struct bytes key, struct buf *value);
void storage_delete(struct client *client, enum storage_kind kind, struct bytes key);

/* Makes durable what was written, some time soon; nobody waits for it. */
void storage_flush(struct client *client);
void storage_free(struct client *client); /* never touches the env */

/* Reading a value back. What is cut off or damaged reads as zeros, and `bad` stays set. */
struct storage_reader {
    struct bytes left;
    bool bad;
};
uint8_t storage_read_u8(struct storage_reader *reader);
uint32_t storage_read_u32(struct storage_reader *reader);
uint64_t storage_read_u64(struct storage_reader *reader);
struct bytes storage_read_bytes(struct storage_reader *reader); /* with its length; a view */
void storage_read_exactly(struct storage_reader *reader, void *out, size_t len);
bool storage_read_end(const struct storage_reader *reader); /* all was read, and all was good */

/* Hands every record of this account to the part that wrote it; damaged ones are dropped. How many were good. */
size_t storage_start(struct client *client);

#endif
