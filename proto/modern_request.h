/* modern_request.h: the calls of today's dialect as one struct, from JSON or bencoded, and bencoded for other members.
 *
 * What a call must have is checked here, and complained of in the documented words and order; whether it may is
 * node/auth.h and the methods' own. Source: PROTOCOL 10.3, 10.4. */
#ifndef SWARMBED_MODERN_REQUEST_H
#define SWARMBED_MODERN_REQUEST_H

#include "common/message_hash.h"
#include "proto/rpc_param.h"
#include "proto/subaccount.h"

enum modern_method {
    MODERN_STORE,
    MODERN_RETRIEVE,
    MODERN_DELETE,
    MODERN_DELETE_ALL,
    MODERN_DELETE_BEFORE,
    MODERN_EXPIRE,
    MODERN_EXPIRE_ALL,
    MODERN_GET_EXPIRIES,
    MODERN_GET_SWARM,
    MODERN_INFO,
    MODERN_REVOKE,
    MODERN_UNREVOKE,
    MODERN_OXEND,
    MODERN_BATCH,
    MODERN_SEQUENCE,
    MODERN_IFELSE,
    MODERN_METHOD_COUNT
};

/* ERR_NOT_FOUND: no method of that name. get_swarm has two. */
MUST_CHECK enum err modern_method_find(struct bytes name, enum modern_method *method);
const char *modern_method_name(enum modern_method method);
/* Done by all members of the swarm, whichever of them is asked. */
bool modern_method_is_recursive(enum modern_method method);

/* Lists and texts are borrowed from the params and their arena. */
struct modern_request {
    enum modern_method method;
    struct account_id account;

    /* Who asks. Without a signature nothing else of it counts. */
    bool has_signature, has_ed25519, has_subaccount;
    uint8_t signature[64], subaccount_signature[64];
    struct ed25519_public ed25519;
    struct subaccount_token subaccount;
    int64_t
        signed_ms; /* the time that is signed: `timestamp`, `before`, expire_all's `expiry`, store's `sig_timestamp` */

    int16_t namespace;
    bool all_namespaces; /* delete_all, delete_before, expire_all */

    struct bytes data;                  /* store: decoded */
    int64_t timestamp_ms, expiry_ms;    /* store */
    char last_hash[MESSAGE_HASH_CHARS]; /* retrieve */
    bool has_last_hash;
    int64_t max_count, max_size;  /* retrieve; 0: not given */
    const struct bytes *messages; /* delete, expire, get_expiries: hashes, as asked for */
    size_t message_count;
    const int64_t *expiries; /* expire: one, or one per message */
    size_t expiry_count;
    bool shorten, extend;                  /* expire */
    bool required;                         /* delete */
    const struct subaccount_token *tokens; /* revoke_subaccount, unrevoke_subaccount */
    size_t token_count;
    struct bytes endpoint;              /* oxend_request */
    const struct json *endpoint_params; /* may be NULL */
};

/* Not for batch, sequence and ifelse, which hold other calls: proto/meta_request.h. NULL: `out` holds the request. Else
 * the complaint, which follows "invalid request: "; in the arena of the params. */
MUST_CHECK const char *modern_request_decode(enum modern_method method, struct rpc_params *params,
                                             struct modern_request *out);
/* A recursive call's parameters for another member: a bencoded dictionary. */
void modern_request_encode(struct buf *out, const struct modern_request *request);
/* What the signature of the request covers (PROTOCOL 10.4). */
void modern_request_signed_text(struct buf *out, const struct modern_request *request);
/* Of a revocation or its opposite: the time and the tokens, which its owner and every member sign. */
void modern_request_revoked_text(struct buf *out, const struct modern_request *request);

#endif
