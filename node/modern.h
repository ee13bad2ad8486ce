/* modern.h: the calls of today's dialect at a node: from parameters to the method, and what the methods share.
 *
 * A call comes from a client, out of an onion or directly, from a call that holds it (node/holder.h), or from another
 * member that passes it on. The methods are modern_read.c, modern_store.c, modern_delete.c, modern_expire.c. Source:
 * PROTOCOL 10. */
#ifndef SWARMBED_MODERN_H
#define SWARMBED_MODERN_H

#include "node/methods.h"
#include "proto/meta_request.h"

/* What nodes say of themselves: `hf`, `v`, `version`. */
#define MODERN_HF      19, 4
#define MODERN_VERSION 2, 8, 0

/* One call, while its method runs. */
struct modern_call {
    struct methods *methods;
    const struct modern_request *request;
    struct rpc_reply reply;
    bool forwarded; /* by another member: not passed on, and answered bencoded */
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
/* POST /sn.storage_cc of another member (PROTOCOL 10.7). */
void modern_on_forwarded(struct methods *methods, struct incoming *incoming);

/* ---- for the methods ---- */

void modern_refuse(struct modern_call *call, uint16_t status, const char *text);
/* Each: false if the call was refused. */
bool modern_serves(struct modern_call *call);                                     /* 421 */
bool modern_time_ok(struct modern_call *call, bool forwarded_is_later);           /* 406, in the method's name */
bool modern_signed(struct modern_call *call, unsigned needed, bool even_revoked); /* 401 */
/* Answers 200 with the object that is open in `out`, after `t` and `hf`; 413 if it is above LIMIT_BODY_BYTES. Ends the
 * buffer. */
void modern_answer(struct modern_call *call, struct buf *out);
void modern_answer_bare(struct modern_call *call, struct buf *out); /* the same without `t` and `hf` */
void modern_write_common(struct buf *out, int64_t now_ms);          /* "t", "hf" */

void modern_retrieve(struct modern_call *call);
void modern_get_expiries(struct modern_call *call);
void modern_get_swarm(struct modern_call *call);
void modern_info(struct modern_call *call);
void modern_oxend(struct modern_call *call);
void modern_store(struct modern_call *call);
void modern_delete(struct modern_call *call); /* delete_all and delete_before too */
void modern_expire(struct modern_call *call);
void modern_expire_all(struct modern_call *call);
void modern_revoke(struct modern_call *call); /* unrevoke_subaccount too */

#endif
