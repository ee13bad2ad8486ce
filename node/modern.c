#include "node/modern.h"

#include <stdlib.h>

#include "common/limits.h"
#include "node/holder.h"
#include "proto/node_list.h"

/* ---- what the methods share ---- */

void modern_refuse(struct modern_call *call, uint16_t status, const char *text)
{
    rpc_reply_text(&call->reply, status, text);
}

void modern_write_common(struct buf *out, int64_t now_ms)
{
    static const uint64_t hf[] = {MODERN_HF};

    json_write_name(out, "t");
    json_write_i64(out, now_ms);
    json_write_name(out, "hf");
    json_open(out, '[');
    for (size_t i = 0; i < ARRAY_LEN(hf); i++)
        json_write_u64(out, hf[i]);
    json_close(out, ']');
}

void modern_answer(struct modern_call *call, struct buf *out)
{
    modern_write_common(out, env_now_ms(call->methods->env));
    json_close(out, '}');
    rpc_reply_answer(&call->reply, 200, buf_bytes(out), true);
    buf_fini(out);
}

void modern_get_swarm(struct modern_call *call)
{
    const struct membership *membership = call->methods->view->now;
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    rpc_swarm_open(&out, membership, membership == NULL ? NULL : swarm_of(membership, &call->request->account));
    modern_answer(call, &out);
}

/* ---- from parameters to the method ---- */

typedef void (*modern_fn)(struct modern_call *call);

static void run_request(struct methods *methods, const struct modern_request *request, const struct rpc_reply *reply)
{
    static const modern_fn runs[MODERN_METHOD_COUNT] = {
        [MODERN_GET_SWARM] = modern_get_swarm,
        [MODERN_INFO] = modern_info,
        [MODERN_OXEND] = modern_oxend,
    };
    struct modern_call call = {.methods = methods, .request = request, .reply = *reply};

    if (runs[request->method] != NULL)
        runs[request->method](&call);
    else
        modern_refuse(&call, 400, arena_printf(methods->env->arena, "no method %s", modern_method_name(request->method)));
}

static void refuse_params(struct env *env, struct rpc_reply *reply, const char *complaint)
{
    rpc_reply_text(reply, 400, arena_printf(env->arena, "invalid request: %s", complaint));
}

void modern_run(struct methods *methods, const struct meta_part *part, struct document *document,
                const struct rpc_reply *reply)
{
    struct modern_request request;
    struct rpc_params params;

    if (part->method == MODERN_IFELSE) {
        holder_run_ifelse(methods, part->params, document, reply);
        return;
    }
    if (modern_method_is_meta(part->method)) {
        holder_run_batch(methods, part, document, reply);
        return;
    }
    rpc_params_json(&params, methods->env->arena, part->params);
    ASSERT(modern_request_decode(part->method, &params, &request) == NULL);
    run_request(methods, &request, reply);
}

struct document *document_keep(struct document *document)
{
    document->keepers++;
    return document;
}

void document_drop(struct document *document)
{
    if (--document->keepers > 0)
        return;
    json_free(document->json);
    free(document);
}

/* A call that holds others is checked as a whole first, and then read again, part by part. */
static void execute_meta(struct methods *methods, const struct meta_part *part, struct rpc_call *call,
                         struct rpc_reply *reply)
{
    const char *complaint = meta_request_check(part->method, part->params, methods->env->arena);
    struct document *document;

    if (complaint != NULL) {
        refuse_params(methods->env, reply, complaint);
        return;
    }
    document = xcalloc(1, sizeof(*document));
    *document = (struct document){.json = call->document, .keepers = 1};
    call->document = NULL;
    modern_run(methods, part, document, reply);
    document_drop(document);
}

void modern_execute(struct methods *methods, enum modern_method method, struct rpc_call *call,
                    const struct rpc_reply *reply)
{
    struct rpc_reply answered = *reply;
    struct modern_request request;
    struct rpc_params params;
    const char *complaint;

    if (modern_method_is_meta(method)) {
        execute_meta(methods, &(struct meta_part){method, call->params}, call, &answered);
        return;
    }
    rpc_params_json(&params, methods->env->arena, call->params);
    complaint = modern_request_decode(method, &params, &request);
    if (complaint != NULL)
        refuse_params(methods->env, &answered, complaint);
    else
        run_request(methods, &request, reply);
}
