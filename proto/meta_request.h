/* meta_request.h: calls that hold other calls: batch, sequence, ifelse.
 *
 * All that a call holds is checked before any of it is done. A part is read again when its turn comes, which may be
 * later than the arena of the event in which it was checked. Source: PROTOCOL 10.13. */
#ifndef SWARMBED_META_REQUEST_H
#define SWARMBED_META_REQUEST_H

#include "common/limits.h"
#include "proto/modern_request.h"

bool modern_method_is_meta(enum modern_method method);

/* Whether the params are good for the method, with all that they hold: NULL, or the complaint, which follows "invalid
 * request: "; in the arena. */
MUST_CHECK const char *meta_request_check(enum modern_method method, const struct json *params, struct arena *arena);

/* Of params that were checked. */
struct meta_part {
    enum modern_method method;
    const struct json *params;
};
size_t meta_batch_parts(const struct json *params, struct meta_part parts[LIMIT_BATCH_REQUESTS]);

/* What the conditions of an ifelse look at. */
struct meta_facts {
    int64_t hf[2], version[3], height;
};
bool meta_condition_holds(const struct json *params, const struct meta_facts *facts, struct arena *arena);
/* The branch "then" or "else"; false: there is none. */
bool meta_branch(const struct json *params, const char *name, struct meta_part *part);

#endif
