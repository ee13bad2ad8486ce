#include "node/modern.h"

#include <stdlib.h>

#include "common/bencode.h"
#include "common/limits.h"
#include "node/auth.h"
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

static void answer_object(struct modern_call *call, uint16_t status, struct buf *out)
{
    json_close(out, '}');
    if (out->err == OK)
        rpc_reply_answer(&call->reply, status, buf_bytes(out), true);
    else
        modern_refuse(call, 413, "Response body too large");
    buf_fini(out);
}

static void answer(struct modern_call *call, uint16_t status, struct buf *out)
{
    modern_write_common(out, env_now_ms(call->methods->env));
    answer_object(call, status, out);
}

void modern_answer(struct modern_call *call, struct buf *out)
{
    answer(call, 200, out);
}

void modern_answer_bare(struct modern_call *call, struct buf *out)
{
    answer_object(call, 200, out);
}

static void answer_swarm(struct modern_call *call, uint16_t status)
{
    const struct membership *membership = call->methods->view->now;
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    rpc_swarm_open(&out, membership, membership == NULL ? NULL : swarm_of(membership, &call->request->account));
    answer(call, status, &out);
}

void modern_get_swarm(struct modern_call *call)
{
    answer_swarm(call, 200);
}

bool modern_serves(struct modern_call *call)
{
    if (membership_serves(call->methods->view, &call->request->account))
        return true;
    answer_swarm(call, 421);
    return false;
}

static void refuse_in_name(struct modern_call *call, uint16_t status, const char *name, const char *what)
{
    modern_refuse(call, status, arena_printf(call->methods->env->arena, "%s%s", name, what));
}

bool modern_time_ok(struct modern_call *call, bool forwarded_is_later)
{
    if (auth_time_ok(call->request->signed_ms, env_now_ms(call->methods->env), forwarded_is_later && call->forwarded))
        return true;
    refuse_in_name(call, 406, modern_method_name(call->request->method), " timestamp too far from current time");
    return false;
}

/* The deployed server's names of the calls in this text are not all those of the methods. */
static const char *name_in_refusal(enum modern_method method)
{
    if (method == MODERN_DELETE)
        return "delete_msgs";
    return method == MODERN_EXPIRE ? "expire:" : modern_method_name(method);
}

bool modern_signed(struct modern_call *call, unsigned needed, bool even_revoked)
{
    const struct modern_request *request = call->request;
    const struct methods *methods = call->methods;
    bool revoked = request->has_subaccount && !even_revoked &&
                   store_is_revoked(methods->store, &request->account, &request->subaccount);

    if (!revoked && auth_signed(methods->env, methods->suite, request, needed))
        return true;
    refuse_in_name(call, 401, name_in_refusal(request->method), " signature verification failed");
    return false;
}

/* ---- from parameters to the method ---- */

typedef void (*modern_fn)(struct modern_call *call);

static void run_request(struct methods *methods, const struct modern_request *request, const struct rpc_reply *reply,
                        bool forwarded)
{
    static const modern_fn runs[MODERN_METHOD_COUNT] = {
        [MODERN_STORE] = modern_store,           [MODERN_RETRIEVE] = modern_retrieve,
        [MODERN_DELETE] = modern_delete,         [MODERN_DELETE_ALL] = modern_delete,
        [MODERN_DELETE_BEFORE] = modern_delete,  [MODERN_EXPIRE] = modern_expire,
        [MODERN_EXPIRE_ALL] = modern_expire_all, [MODERN_GET_EXPIRIES] = modern_get_expiries,
        [MODERN_GET_SWARM] = modern_get_swarm,   [MODERN_INFO] = modern_info,
        [MODERN_REVOKE] = modern_revoke,         [MODERN_UNREVOKE] = modern_revoke,
        [MODERN_OXEND] = modern_oxend,
    };
    struct modern_call call = {.methods = methods, .request = request, .reply = *reply, .forwarded = forwarded};

    runs[request->method](&call);
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
    run_request(methods, &request, reply, false);
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
        run_request(methods, &request, reply, false);
}

/* ---- from other members ---- */

/* A list of the method's name and its bencoded parameters. */
static enum err read_forwarded(struct bytes body, struct bytes *name, struct bytes *dict)
{
    struct bencode in;

    bencode_init(&in, body);
    bencode_open(&in, 'l');
    *name = bencode_string(&in);
    *dict = bencode_string(&in);
    return !bencode_element(&in) && bencode_end(&in) ? OK : ERR_FORMAT;
}

void modern_on_forwarded(struct methods *methods, struct incoming *incoming)
{
    struct rpc_reply reply = rpc_reply_direct(methods->env, incoming);
    struct bytes body = blob_bytes(incoming->in.body), name, dict;
    struct modern_request request;
    enum modern_method method;
    struct rpc_params params;
    const char *complaint;

    env_charge_bytes(methods->env, COST_PARSE, body.len);
    if (read_forwarded(body, &name, &dict) != OK || rpc_params_bencoded(&params, methods->env->arena, dict) != OK) {
        rpc_reply_text(&reply, 400, "invalid body: expected a list of a method and its bt_dict");
        return;
    }
    if (modern_method_find(name, &method) != OK || !modern_method_is_recursive(method)) {
        rpc_reply_text(&reply, 400, "invalid request: received invalid forwarded non-forwardable request");
        return;
    }
    complaint = modern_request_decode(method, &params, &request);
    if (complaint != NULL)
        refuse_params(methods->env, &reply, complaint);
    else
        run_request(methods, &request, &reply, true);
}
