#include "node/holder.h"

#include <stdlib.h>

#include "common/limits.h"

/* The answer to one part: {"code": n, "body": ...} once it is there. */
struct part {
    struct rpc_sink sink;
    struct holder *holder;
    struct buf answer;
};

/*  begun --all parts that are to be done are answered--> answered, freed
 * A part may be answered while it is begun: then `beginning` says that the rest of that function looks after the end.
 */
struct holder {
    struct list link;
    struct methods *methods;
    struct rpc_reply reply;
    struct document *document;
    const struct json *params;
    enum modern_method method;
    bool beginning, stopped; /* stopped: no further part is begun */
    bool condition;          /* ifelse */
    bool too_big, busy;      /* an answer does not fit into its limit, or into the node's */
    size_t bytes;            /* of the answers held */
    size_t count, begun, answered;
    struct part parts[];
};

static struct holder *holder_new(struct methods *methods, enum modern_method method, const struct json *params,
                                 size_t count, struct document *document, const struct rpc_reply *reply)
{
    struct holder *holder;

    if (methods->holder_count >= LIMIT_RECURSIVE_OPEN) {
        struct rpc_reply refused = *reply;

        rpc_reply_text(&refused, 503, "Server busy, try again later");
        return NULL;
    }
    holder = xcalloc(1, sizeof(*holder) + count * sizeof(holder->parts[0]));
    list_append(&methods->holders, &holder->link);
    methods->holder_count++;
    holder->methods = methods;
    holder->reply = *reply;
    holder->document = document_keep(document);
    holder->params = params;
    holder->method = method;
    holder->count = count;
    for (size_t i = 0; i < count; i++) {
        holder->parts[i].holder = holder;
        buf_init(&holder->parts[i].answer, LIMIT_BODY_BYTES);
    }
    rpc_reply_watch(&holder->reply, NULL);
    return holder;
}

static void holder_free(struct holder *holder)
{
    list_remove(&holder->link);
    holder->methods->holder_count--;
    holder->methods->held_bytes -= holder->bytes;
    for (size_t i = 0; i < holder->count; i++)
        buf_fini(&holder->parts[i].answer);
    document_drop(holder->document);
    free(holder);
}

void holders_fini(struct methods *methods)
{
    LIST_EACH_SAFE (link, &methods->holders)
        holder_free(CONTAINER_OF(link, struct holder, link));
}

/* ---- the answer ---- */

static void write_list(struct buf *out, const char *name, const uint64_t numbers[], size_t count)
{
    json_write_name(out, name);
    json_open(out, '[');
    for (size_t i = 0; i < count; i++)
        json_write_u64(out, numbers[i]);
    json_close(out, ']');
}

static uint64_t height_of(const struct holder *holder)
{
    const struct membership *membership = holder->methods->view->now;

    return membership == NULL ? 0 : membership->height;
}

static void write_ifelse(struct buf *out, const struct holder *holder)
{
    static const uint64_t hf[] = {MODERN_HF}, version[] = {MODERN_VERSION};

    json_open(out, '{');
    write_list(out, "hf", hf, ARRAY_LEN(hf));
    write_list(out, "v", version, ARRAY_LEN(version));
    json_write_name(out, "height");
    json_write_u64(out, height_of(holder));
    json_write_name(out, "condition");
    json_write_bool(out, holder->condition);
    if (holder->count > 0) {
        json_write_name(out, "result");
        json_write_raw(out, buf_bytes(&holder->parts[0].answer));
    }
    json_close(out, '}');
}

static void write_results(struct buf *out, const struct holder *holder)
{
    json_open(out, '{');
    json_write_name(out, "results");
    json_open(out, '[');
    for (size_t i = 0; i < holder->begun; i++)
        json_write_raw(out, buf_bytes(&holder->parts[i].answer));
    json_close(out, ']');
    json_close(out, '}');
}

static void finish(struct holder *holder)
{
    struct rpc_reply reply = holder->reply;
    bool too_big = holder->too_big, busy = holder->busy;
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    if (holder->method == MODERN_IFELSE)
        write_ifelse(&out, holder);
    else
        write_results(&out, holder);
    holder_free(holder);
    if (busy)
        rpc_reply_text(&reply, 503, "Server busy, try again later");
    else if (out.err == OK && !too_big)
        rpc_reply_answer(&reply, 200, buf_bytes(&out), true);
    else
        rpc_reply_text(&reply, 413, "Response body too large");
    buf_fini(&out);
}

/* ---- the parts ---- */

static void go_on(struct holder *holder);

/* Counts the answer; one that is too much is forgotten, and with it all that the call would say. */
static void hold_answer(struct part *part)
{
    struct holder *holder = part->holder;
    struct methods *methods = holder->methods;

    holder->too_big = holder->too_big || part->answer.err != OK;
    if (part->answer.len > LIMIT_HELD_BYTES - methods->held_bytes) {
        holder->busy = holder->stopped = true;
        buf_fini(&part->answer);
        buf_init(&part->answer, LIMIT_BODY_BYTES);
        return;
    }
    holder->bytes += part->answer.len;
    methods->held_bytes += part->answer.len;
}

static void on_answer(struct rpc_sink *sink, uint16_t status, struct bytes body, bool body_is_json)
{
    struct part *part = CONTAINER_OF(sink, struct part, sink);
    struct holder *holder = part->holder;

    json_open(&part->answer, '{');
    json_write_name(&part->answer, "code");
    json_write_u64(&part->answer, status);
    json_write_name(&part->answer, "body");
    if (body_is_json)
        json_write_raw(&part->answer, body);
    else
        json_write_text(&part->answer, body);
    json_close(&part->answer, '}');
    hold_answer(part);
    holder->answered++;
    if (holder->method == MODERN_SEQUENCE && (status < 200 || status >= 300))
        holder->stopped = true;
    if (!holder->beginning)
        go_on(holder);
}

static void begin(struct holder *holder, const struct meta_part *call)
{
    struct part *part = &holder->parts[holder->begun++];
    struct rpc_reply reply = rpc_reply_inner(holder->methods->env, &part->sink);

    part->sink.answer = on_answer;
    modern_run(holder->methods, call, holder->document, &reply);
}

/* Begins what may be begun, and ends when all of that is answered. */
static void go_on(struct holder *holder)
{
    struct meta_part calls[LIMIT_BATCH_REQUESTS];
    bool one_by_one = holder->method == MODERN_SEQUENCE;

    if (holder->begun < holder->count && !holder->stopped && !holder->reply.gone) {
        ASSERT(meta_batch_parts(holder->params, calls) == holder->count);
        holder->beginning = true;
        while (holder->begun < holder->count && !holder->stopped && (!one_by_one || holder->answered == holder->begun))
            begin(holder, &calls[holder->begun]);
        holder->beginning = false;
    }
    if (holder->answered == holder->begun)
        finish(holder);
}

void holder_run_batch(struct methods *methods, const struct meta_part *part, struct document *document,
                      const struct rpc_reply *reply)
{
    struct meta_part calls[LIMIT_BATCH_REQUESTS];
    size_t count = meta_batch_parts(part->params, calls);
    struct holder *holder = holder_new(methods, part->method, part->params, count, document, reply);

    if (holder != NULL)
        go_on(holder);
}

void holder_run_ifelse(struct methods *methods, const struct json *params, struct document *document,
                       const struct rpc_reply *reply)
{
    const struct membership *membership = methods->view->now;
    const struct meta_facts facts = {
        .hf = {MODERN_HF}, .version = {MODERN_VERSION}, .height = membership == NULL ? 0 : (int64_t)membership->height};
    bool condition = meta_condition_holds(params, &facts, methods->env->arena);
    struct meta_part branch;
    bool has_branch = meta_branch(params, condition ? "then" : "else", &branch);
    struct holder *holder = holder_new(methods, MODERN_IFELSE, params, has_branch, document, reply);

    if (holder == NULL)
        return;
    holder->condition = condition;
    if (has_branch) {
        holder->beginning = true;
        begin(holder, &branch);
        holder->beginning = false;
    }
    if (holder->answered == holder->begun)
        finish(holder);
}
