/* expire and expire_all (PROTOCOL 10.11). */
#include <string.h>

#include "common/limits.h"
#include "node/affected.h"
#include "node/recursive.h"

static bool check_expiries(struct modern_call *call)
{
    const struct modern_request *request = call->request;

    for (size_t i = 0; i < request->expiry_count; i++) {
        if (request->expiries[i] < env_now_ms(call->methods->env) - LIMIT_SIGNATURE_MS) {
            modern_refuse(call, 401, "expire: timestamp should be >= current time");
            return false;
        }
    }
    return true;
}

/* Who may write but not delete may only let messages live longer. */
static bool only_extends(const struct modern_request *request)
{
    return request->has_subaccount && !subaccount_permits(&request->subaccount, &request->account, SUBACCOUNT_DELETE);
}

static enum store_direction direction_of(const struct modern_request *request)
{
    if (request->shorten)
        return EXPIRE_SHORTEN;
    return request->extend || only_extends(request) ? EXPIRE_EXTEND : EXPIRE_EITHER;
}

static bool check_expire(struct modern_call *call)
{
    if (!modern_serves(call) || !check_expiries(call) || !modern_signed(call, SUBACCOUNT_WRITE, false))
        return false;
    if (!call->request->shorten || !only_extends(call->request))
        return true;
    modern_refuse(call, 400,
                  "expire: shorten parameter cannot be used with this subaccount token (missing delete access)");
    return false;
}

/* Nobody keeps anything longer than this. In the arena. */
static const int64_t *cap_expiries(struct env *env, const struct modern_request *request)
{
    int64_t *capped = arena_alloc(env->arena, request->expiry_count * sizeof(capped[0]));
    int64_t max = env_now_ms(env) + LIMIT_TTL_PRIVATE_MS_MAX;

    for (size_t i = 0; i < request->expiry_count; i++)
        capped[i] = request->expiries[i] < max ? request->expiries[i] : max;
    return capped;
}

static void change_expiries(struct modern_call *call, const int64_t expiries[], struct affected *updated,
                            struct affected *unchanged)
{
    const struct modern_request *request = call->request;
    enum store_direction direction = direction_of(request);

    for (size_t i = 0; i < request->message_count; i++) {
        char hash[MESSAGE_HASH_CHARS];
        int64_t now_expiry_ms; /* as asked, if it was updated */
        enum store_change change;

        memcpy(hash, request->messages[i].data, sizeof(hash)); /* all are of that size */
        change = store_expire(call->methods->store, &request->account, hash,
                              expiries[request->expiry_count == 1 ? 0 : i], direction, &now_expiry_ms);
        if (change == CHANGE_UPDATED) /* without a direction also what had that value */
            affected_add(updated, 0, hash, now_expiry_ms);
        else if (change == CHANGE_UNCHANGED)
            affected_add(unchanged, 0, hash, now_expiry_ms);
    }
}

void modern_expire(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct modern_result result = {.request = request, .has_unchanged = request->shorten || request->extend};
    struct affected updated, unchanged;
    struct recursive *recursive;
    const int64_t *expiries;

    if (!check_expire(call))
        return;
    recursive = recursive_begin(call);
    if (recursive == NULL)
        return;
    affected_init(&updated);
    affected_init(&unchanged);
    expiries = cap_expiries(call->methods->env, request);
    result.expiry_ms = expiries[0];
    change_expiries(call, expiries, &updated, &unchanged);
    result.changed = affected_sorted(&updated, &result.changed_count);
    if (result.has_unchanged)
        result.unchanged = affected_sorted(&unchanged, &result.unchanged_count);
    recursive_own(recursive, &result);
    affected_fini(&updated);
    affected_fini(&unchanged);
}

void modern_expire_all(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct modern_result result = {.request = request};
    int64_t tolerance_ms = call->forwarded ? LIMIT_SIGNATURE_FORWARDED_MS : LIMIT_SIGNATURE_MS;
    struct recursive *recursive;
    struct affected updated;

    if (!modern_serves(call))
        return;
    if (request->signed_ms < env_now_ms(call->methods->env) - tolerance_ms) {
        modern_refuse(call, 406, "expire_all timestamp should be >= current time");
        return;
    }
    if (!modern_signed(call, SUBACCOUNT_DELETE, false))
        return;
    recursive = recursive_begin(call);
    if (recursive == NULL)
        return;
    affected_init(&updated);
    store_expire_all(call->methods->store, &request->account, request->all_namespaces ? NULL : &request->namespace,
                     request->signed_ms, affected_on_changed, &updated);
    result.changed = affected_sorted(&updated, &result.changed_count);
    recursive_own(recursive, &result);
    affected_fini(&updated);
}
