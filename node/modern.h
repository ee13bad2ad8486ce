/* modern.h: the calls of today's dialect at a node: from parameters to the method, and what the methods share.
 *
 * A call comes from a client, out of an onion or directly, or from a call that holds it (node/holder.h). The methods are
 * modern_read.c. Source: PROTOCOL 10. */
#ifndef SWARMBED_MODERN_H
#define SWARMBED_MODERN_H

#include "node/methods.h"
#include "proto/meta_request.h"

/* What nodes say of themselves: `hf`, `v`, `version`. */
#define MODERN_HF 19, 4
#define MODERN_VERSION 2, 8, 0

/* One call, while its method runs. */
struct modern_call {
    struct methods *methods;
    const struct modern_request *request;
    struct rpc_reply reply;
};

/* A parsed text that lives as long as the calls that still have parts of it to do. */
struct document {
    struct json *json;
    unsigned keepers;
};
struct document *document_keep(struct document *document);
void document_drop(struct document *document);

/* Checks the call with all that it holds, and does it. Takes the document out of `call`. */
void modern_execute(struct methods *methods, enum modern_method method, struct rpc_call *call,
                    const struct rpc_reply *reply);
/* The same for a part of a document that was checked. */
void modern_run(struct methods *methods, const struct meta_part *part, struct document *document,
                const struct rpc_reply *reply);

/* ---- for the methods ---- */

void modern_refuse(struct modern_call *call, uint16_t status, const char *text);
/* Answers 200 with the object that is open in `out`, after `t` and `hf`; ends the buffer. */
void modern_answer(struct modern_call *call, struct buf *out);
void modern_write_common(struct buf *out, int64_t now_ms); /* "t", "hf" */

void modern_get_swarm(struct modern_call *call);
void modern_info(struct modern_call *call);
void modern_oxend(struct modern_call *call);

#endif
