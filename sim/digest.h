/* digest.h: one number for all that happened at a seat.
 *
 * A running SipHash-2-4: every trace record, with its time and index, is folded into the digest before it; a request
 * that arrived and a call that ended bring their whole message along (a body by its own digest, which it keeps). */
#ifndef SWARMBED_DIGEST_H
#define SWARMBED_DIGEST_H

#include "common/env.h"

/* The digest after `record`. `message`: NULL if the record is not about one. */
uint64_t digest_fold(uint64_t digest, int64_t at_us, uint64_t index, const struct trace_record *record,
                     const struct message *message);
/* The digest of many: fold them in order, from 0. */
uint64_t digest_join(uint64_t digest, uint64_t next);

#endif
