/* message_hash.h: the hash that names a stored message in the present dialect.
 *
 * The era's own is the proof of work's (common/pow.h). Source: the server since 2023. Vectors: message_hash.json. */
#ifndef SWARMBED_MESSAGE_HASH_H
#define SWARMBED_MESSAGE_HASH_H

#include "common/keys.h"

#define MESSAGE_HASH_CHARS 43 /* 32 bytes in base64 without padding */

/* BLAKE2b-256 of the 33 bytes of the account, the namespace as decimal text (nothing for 0) and the data, decoded; as
 * base64 without padding and without a zero at the end. */
void message_hash(const struct account_id *account, int16_t namespace, struct bytes data, char out[MESSAGE_HASH_CHARS]);

#endif
