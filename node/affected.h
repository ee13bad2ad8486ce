/* affected.h: the messages that a call deleted, changed or left alone, as they are collected. */
#ifndef SWARMBED_AFFECTED_H
#define SWARMBED_AFFECTED_H

#include "proto/modern_result.h"

struct affected {
    struct buf list; /* of struct modern_affected */
};
void affected_init(struct affected *affected);
void affected_fini(struct affected *affected);
void affected_add(struct affected *affected, int16_t namespace, const char hash[MESSAGE_HASH_CHARS], int64_t expiry_ms);
/* As store.h calls it; `owner` is the struct affected. */
void affected_on_changed(void *owner, int16_t namespace, const char hash[MESSAGE_HASH_CHARS]);
/* Ascending, each hash once, as it was added last; valid until the next call. */
const struct modern_affected *affected_sorted(struct affected *affected, size_t *count);

#endif
