/* holder.h: calls that hold other calls, at work: batch, sequence, ifelse.
 *
 * A batch begins all its parts at once and waits for all answers. A sequence begins one, and the next when that one has
 * succeeded; so it keeps the document that its parts stand in. If the asker has gone, a sequence begins no more. At
 * most LIMIT_RECURSIVE_OPEN are at work; beyond, 503. Source: PROTOCOL 10.13. */
#ifndef SWARMBED_HOLDER_H
#define SWARMBED_HOLDER_H

#include "node/modern.h"

/* Of params that were checked (proto/meta_request.h). */
void holder_run_batch(struct methods *methods, const struct meta_part *part, struct document *document,
                      const struct rpc_reply *reply);
void holder_run_ifelse(struct methods *methods, const struct json *params, struct document *document,
                       const struct rpc_reply *reply);
void holders_fini(struct methods *methods); /* never touches the env */

#endif
