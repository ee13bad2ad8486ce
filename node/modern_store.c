/* store in today's dialect (PROTOCOL 10.9). */
#include <string.h>

#include "common/limits.h"
#include "node/auth.h"
#include "node/recursive.h"
#include "proto/namespace.h"

static void refuse(struct modern_call *call, enum store_step step, uint16_t status, const char *text)
{
    methods_trace_refused(call->methods->env, status, step, BYTES_OF(call->request->account.bytes));
    modern_refuse(call, status, text);
}

static bool check_times(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    int64_t ttl_ms = request->expiry_ms - request->timestamp_ms, now_ms = env_now_ms(call->methods->env);
    int64_t ttl_ms_max =
        namespace_is_public_inbox(request->namespace) ? LIMIT_TTL_MODERN_MS_MAX : LIMIT_TTL_PRIVATE_MS_MAX;

    if (ttl_ms < LIMIT_TTL_MS_MIN || ttl_ms > ttl_ms_max) {
        refuse(call, STEP_TTL, 403, "Provided expiry/TTL is not valid.");
        return false;
    }
    if (request->timestamp_ms > now_ms + LIMIT_FUTURE_MS || request->expiry_ms < now_ms - LIMIT_FUTURE_MS) {
        refuse(call, STEP_TIMESTAMP, 406, "Timestamp error: check your clock");
        return false;
    }
    return true;
}

/* Storing in a public outbox replaces what is there: who may not delete may not do that. */
static bool check_signer(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct methods *methods = call->methods;
    unsigned needed = SUBACCOUNT_WRITE | (namespace_is_public_outbox(request->namespace) ? SUBACCOUNT_DELETE : 0);

    if (namespace_is_public_inbox(request->namespace))
        return true;
    if (!request->has_signature) {
        refuse(call, STEP_SIGNATURE, 401,
               arena_printf(methods->env->arena, "store: signature required to store to namespace %d",
                            request->namespace));
        return false;
    }
    if (!auth_time_ok(request->signed_ms, env_now_ms(methods->env), false)) {
        refuse(call, STEP_SIGNATURE, 406, "store signature timestamp too far from current time");
        return false;
    }
    if (modern_signed(call, needed, false))
        return true;
    methods_trace_refused(methods->env, 401, STEP_SIGNATURE, BYTES_OF(request->account.bytes));
    return false;
}

void modern_store(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct methods *methods = call->methods;
    struct recursive *recursive;
    struct stored_body *body;

    if (!modern_serves(call) || !check_times(call) || !check_signer(call))
        return;
    recursive = recursive_begin(call);
    if (recursive == NULL)
        return;
    body = body_pool_get_modern(methods->bodies, &request->account, request->namespace,
                                (uint64_t)(request->expiry_ms - request->timestamp_ms), (uint64_t)request->timestamp_ms,
                                request->data);
    recursive_store(recursive, body);
    body_drop(body);
}
