/* What one node answers by itself (PROTOCOL 10.8). */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "node/modern.h"
#include "proto/namespace.h"
#include "proto/node_list.h"

/* ---- retrieve ---- */

static struct store_budget budget_of(const struct modern_request *request)
{
    struct store_budget budget = {.bytes_max = LIMIT_RETRIEVE_BYTES};
    int64_t max_size = request->max_size;

    if (request->max_count > 0)
        budget.count_max = (size_t)request->max_count;
    else if (max_size == 0)
        max_size = -LIMIT_RETRIEVE_PARTS;
    if (max_size < 0)
        budget.bytes_max = LIMIT_RETRIEVE_BYTES / -(uint64_t)max_size;
    else if (max_size > 0 && max_size < LIMIT_RETRIEVE_BYTES)
        budget.bytes_max = (uint64_t)max_size;
    return budget;
}

static void write_message(struct buf *out, const struct store_listed *listed, struct arena *arena)
{
    const struct stored_body *body = listed->body;

    json_open(out, '{');
    json_write_name(out, "hash");
    json_write_text(out, BYTES_OF(body->modern_hash));
    json_write_name(out, "timestamp");
    json_write_u64(out, body->timestamp_ms);
    json_write_name(out, "expiration");
    json_write_i64(out, listed->expiry_ms);
    json_write_name(out, "data");
    json_write_text(out, body_base64(body, arena));
    json_close(out, '}');
}

static void answer_messages(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct methods *methods = call->methods;
    struct store_budget budget = budget_of(request);
    struct store_listed *listed;
    struct buf out;
    bool more;
    size_t count = store_page(methods->store, &request->account, request->namespace,
                              request->has_last_hash ? request->last_hash : NULL, &budget, &listed, &more);

    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    json_write_name(&out, "messages");
    json_open(&out, '[');
    for (size_t i = 0; i < count; i++)
        write_message(&out, &listed[i], methods->env->arena);
    json_close(&out, ']');
    json_write_name(&out, "more");
    json_write_bool(&out, more);
    modern_answer(call, &out);
}

/* A signature that is given counts, also where none is needed. */
void modern_retrieve(struct modern_call *call)
{
    const struct modern_request *request = call->request;

    if (!modern_serves(call))
        return;
    if (!request->has_signature && !namespace_is_read_by_all(request->namespace)) {
        modern_refuse(call, 401, "retrieve: request signature required");
        return;
    }
    if (request->has_signature && (!modern_time_ok(call, false) ||
                                   !modern_signed(call, SUBACCOUNT_READ, namespace_is_unrevocable(request->namespace))))
        return;
    answer_messages(call);
}

/* ---- get_expiries ---- */

static int by_text(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Ascending, so that a hash that is asked for twice is answered once. */
void modern_get_expiries(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct methods *methods = call->methods;
    struct bytes *hashes;
    struct buf out;
    int64_t expiry_ms;

    if (!modern_serves(call) || !modern_time_ok(call, false) || !modern_signed(call, SUBACCOUNT_READ, false))
        return;
    hashes = arena_alloc(methods->env->arena, request->message_count * sizeof(hashes[0]));
    memcpy(hashes, request->messages, request->message_count * sizeof(hashes[0]));
    qsort(hashes, request->message_count, sizeof(hashes[0]), by_text);
    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    json_write_name(&out, "expiries");
    json_open(&out, '{');
    for (size_t i = 0; i < request->message_count; i++) {
        char name[MESSAGE_HASH_CHARS + 1] = "";

        if (hashes[i].len != MESSAGE_HASH_CHARS || (i > 0 && bytes_equal(hashes[i], hashes[i - 1])))
            continue;
        memcpy(name, hashes[i].data, MESSAGE_HASH_CHARS);
        if (!store_expiry(methods->store, &request->account, name, &expiry_ms))
            continue;
        json_write_name(&out, name);
        json_write_i64(&out, expiry_ms);
    }
    json_close(&out, '}');
    modern_answer_bare(call, &out);
}

/* ---- the network ---- */

void modern_info(struct modern_call *call)
{
    static const uint64_t version[] = {MODERN_VERSION};
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    json_write_name(&out, "version");
    json_open(&out, '[');
    for (size_t i = 0; i < ARRAY_LEN(version); i++)
        json_write_u64(&out, version[i]);
    json_close(&out, ']');
    json_write_name(&out, "timestamp");
    json_write_i64(&out, env_now_ms(call->methods->env));
    modern_answer(call, &out);
}

/* What the daemon behind a deployed server would say. */
void modern_oxend(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct rpc_list_query query = rpc_list_query_decode(request->endpoint_params);
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    json_write_name(&out, "result");
    if (bytes_equal_text(request->endpoint, "get_service_nodes"))
        rpc_list_result_encode(&out, call->methods->view->now, &query);
    else
        json_write_raw(&out, BYTES_LIT("{}"));
    modern_answer(call, &out);
}
