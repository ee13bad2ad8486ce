/* difficulty.h: the proof of work that this node asks for: the published record, and what it means for a message.
 *
 * The record is a history of (time, difficulty). Direct stores must meet the current one, the entry with the largest
 * time; relayed messages the lenient one of their own time, since nodes read the record at slightly different moments.
 * Until a node has read it for the first time, it behaves as if the initial value had been published at time 0:
 * otherwise a restarted node would drop all that its peers push. Source: PROTOCOL 5.5, 5.6. */
#ifndef SWARMBED_DIFFICULTY_H
#define SWARMBED_DIFFICULTY_H

#include "common/env.h"
#include "common/pow.h"

struct difficulty {
    struct env *env;
    struct pow_record *history; /* the newest LIMIT_DIFFICULTY_RECORDS, ascending; NULL: none was read yet */
    size_t count;
    struct pow_record now; /* the current entry */
};

void difficulty_init(struct difficulty *difficulty, struct env *env, uint64_t initial);
void difficulty_fini(struct difficulty *difficulty);
/* The record has been read: replaces the history as a whole. The current entry only moves forward in time. Without
 * entries it counts as a failed reading: the old values stay. */
void difficulty_read(struct difficulty *difficulty, const struct pow_record records[], size_t count);
/* What a direct store must meet, and what clients are told. */
uint64_t difficulty_now(const struct difficulty *difficulty);
/* What a relayed message of that time must meet; UINT64_MAX: nothing does. */
uint64_t difficulty_relayed(const struct difficulty *difficulty, int64_t timestamp_ms);

#endif
