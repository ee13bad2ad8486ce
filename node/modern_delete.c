/* delete, delete_all, delete_before, and the revocation of subaccounts (PROTOCOL 10.10, 10.12). */
#include <string.h>

#include "common/limits.h"
#include "node/affected.h"
#include "node/recursive.h"

static bool check_time(struct modern_call *call)
{
    const struct modern_request *request = call->request;

    if (request->method == MODERN_DELETE_ALL)
        return modern_time_ok(call, true);
    if (request->method == MODERN_DELETE_BEFORE &&
        request->signed_ms > env_now_ms(call->methods->env) + LIMIT_SIGNATURE_MS) {
        modern_refuse(call, 401, "delete_before timestamp too far in the future");
        return false;
    }
    return true;
}

static void delete_asked(struct store *store, const struct modern_request *request, struct affected *deleted)
{
    for (size_t i = 0; i < request->message_count; i++) {
        char hash[MESSAGE_HASH_CHARS];

        memcpy(hash, request->messages[i].data, sizeof(hash)); /* all are of that size */
        if (store_delete(store, &request->account, hash))
            affected_add(deleted, 0, hash, 0);
    }
}

void modern_delete(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct modern_result result = {.request = request};
    struct store *store = call->methods->store;
    struct recursive *recursive;
    struct affected deleted;

    if (!modern_serves(call) || !check_time(call) || !modern_signed(call, SUBACCOUNT_DELETE, false))
        return;
    recursive = recursive_begin(call);
    if (recursive == NULL)
        return;
    affected_init(&deleted);
    if (request->method == MODERN_DELETE)
        delete_asked(store, request, &deleted);
    else
        store_delete_all(store, &request->account, request->all_namespaces ? NULL : &request->namespace,
                         request->method == MODERN_DELETE_BEFORE ? request->signed_ms : INT64_MAX, affected_on_changed,
                         &deleted);
    result.changed = affected_sorted(&deleted, &result.changed_count);
    recursive_own(recursive, &result);
    affected_fini(&deleted);
}

/* unrevoke_subaccount too. Neither can be signed by a subaccount: there is no place for its token. */
void modern_revoke(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct modern_result result = {.request = request};
    struct store *store = call->methods->store;
    struct recursive *recursive;

    if (!modern_serves(call) || !modern_time_ok(call, false) || !modern_signed(call, 0, false))
        return;
    recursive = recursive_begin(call);
    if (recursive == NULL)
        return;
    if (request->method == MODERN_UNREVOKE) {
        result.count = store_unrevoke(store, &request->account, request->tokens, request->token_count);
    } else if (store_revoke(store, &request->account, request->tokens, request->token_count) != OK) {
        recursive_own_failure(recursive);
        return;
    }
    recursive_own(recursive, &result);
}
