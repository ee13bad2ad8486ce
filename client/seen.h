/* seen.h: what was received before, until it expires.
 *
 * Keys are 32 bytes: of a message hash, or of a hash over (source, timestamp, type). At most LIMIT_SEEN; those that
 * expire first go first. Cleaned when something is added, so that an idle client needs no timer. Source: PROTOCOL 7.5.
 */
#ifndef SWARMBED_SEEN_H
#define SWARMBED_SEEN_H

#include "common/bytes.h"

#define SEEN_KEY_BYTES 32

struct client;
/* True: it is new, and remembered from now on. An expiry further ahead than any honest one counts as the furthest
 * honest one, so that a lying node cannot fill the table for ever. */
bool seen_add(struct client *client, const uint8_t key[SEEN_KEY_BYTES], int64_t expiry_ms);
bool seen_has(const struct client *client, const uint8_t key[SEEN_KEY_BYTES]);
/* The same on the disk too, for as long as any copy may live. */
void seen_remember(struct client *client, const uint8_t key[SEEN_KEY_BYTES]);
bool seen_load(struct client *client, struct bytes key, struct bytes value);
size_t seen_count(const struct client *client);
void seen_free(struct client *client);

#endif
