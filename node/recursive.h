/* recursive.h: a call that all members of the swarm do: passed on, done here, and answered when all have answered.
 *
 *     recursive = recursive_begin(call);              all checks are done: it goes to the others now
 *     recursive_own(recursive, &result);              what this node did; it counts once that is durable
 *
 * A call that another member passes on ends here: nobody else is asked, and this node's result is the answer. If the
 * asker has gone, all goes on, unanswered. Source: PROTOCOL 10.7. */
#ifndef SWARMBED_RECURSIVE_H
#define SWARMBED_RECURSIVE_H

#include "node/modern.h"
#include "proto/modern_result.h"

struct recursive;
/* NULL: too many are open; the call is answered. */
struct recursive *recursive_begin(struct modern_call *call);
/* One of these three, once: */
/* What this node has changed. Signs and encodes; nothing of `result` is needed afterwards. */
void recursive_own(struct recursive *recursive, const struct modern_result *result);
/* This node has no place for it. */
void recursive_own_failure(struct recursive *recursive);
/* Puts the message of a store into this node's. */
void recursive_store(struct recursive *recursive, struct stored_body *body);
void recursives_fini(struct methods *methods); /* never touches the env */

#endif
