#include "node/methods.h"

#include <stdlib.h>

#include "common/limits.h"
#include "common/text.h"
#include "node/admission.h"
#include "node/holder.h"
#include "node/recursive.h"
#include "proto/storage_rpc.h"

/* One call, while its handler runs. */
struct request {
    struct methods *methods;
    const struct json *params;
    struct rpc_reply reply;
    uint32_t hold_ms;
};

typedef void (*method_fn)(struct request *request);

/* ---- what the methods have in common ---- */

/* The params were not decoded: absent, no string, or of no value that the method takes. */
static void answer_field(struct request *request, enum err err, const char *field)
{
    const char *form = err == ERR_MISSING  ? "invalid json: no `%s` field"
                       : err == ERR_FORMAT ? "invalid json: `%s` is not a string"
                                           : "invalid `%s`";

    rpc_reply_text(&request->reply, 400, arena_printf(request->methods->env->arena, form, field));
}

/* NULL: fine. Else the text of a 400. Keys in either case name one owner, whose hashed and stored form is lower case.
 */
static const char *read_account(struct bytes pubkey, struct account_id *account)
{
    enum err err = account_from_hex(account, pubkey);

    if (err == ERR_RANGE)
        return "Pubkey must be 66 characters long";
    return err == OK ? NULL : "Pubkey must be hexadecimal";
}

/* 421, or for get_snodes_for_pubkey the answer itself: the nodes that are responsible. */
static void answer_snodes(struct request *request, uint16_t status, const struct account_id *account)
{
    rpc_reply_snodes(&request->reply, status, request->methods->view->now, account);
}

/* Of a method that acts on an account of our swarm; false: the request is answered. */
static bool check_served(struct request *request, struct bytes pubkey, struct account_id *account)
{
    const char *why = read_account(pubkey, account);

    if (why != NULL)
        rpc_reply_text(&request->reply, 400, why);
    else if (!membership_serves(request->methods->view, account))
        answer_snodes(request, 421, account);
    else
        return true;
    return false;
}

static const char data_too_long[] = "Message body exceeds maximum allowed length of 102400";

static void answer_difficulty(struct methods *methods, struct rpc_reply *reply, uint16_t status)
{
    struct buf out;

    buf_init(&out, 64);
    rpc_difficulty_encode(&out, difficulty_now(methods->difficulty));
    rpc_reply_answer(reply, status, buf_bytes(&out), true);
    buf_fini(&out);
}

/* ---- store ---- */

/* A message on its way to the disk, and who waits for the answer. */
struct waiting_store {
    struct list link;
    struct store_wait wait;
    struct methods *methods;
    struct stored_body *body;
    struct rpc_reply reply;
};

/* What is known of a store while it is checked. */
struct store_request {
    struct rpc_store texts; /* pubkey in lower case once it is known to be a key */
    struct account_id account;
    bool has_account;
    uint64_t ttl_ms, timestamp_ms;
    uint8_t nonce[POW_NONCE_BYTES], hash[POW_HASH_BYTES];
};

void methods_trace_refused(struct env *env, uint16_t status, enum store_step step, struct bytes account)
{
    env_trace(env, &(struct trace_record){.kind = TRACE_STORE_REFUSED, .n = {status, (uint64_t)step}, .b = {account}});
}

static void refuse(struct request *request, const struct store_request *store, enum store_step step, uint16_t status,
                   const char *text)
{
    methods_trace_refused(request->methods->env, status, step,
                  store->has_account ? BYTES_OF(store->account.bytes) : BYTES_NONE);
    rpc_reply_text(&request->reply, status, text);
}

/* A number as the proof of work covers it: its text. ERR_FORMAT: another text than the canonical one of that number,
 * which peers could not verify; ERR_RANGE: no number, or above 64 bits. */
static enum err read_decimal(struct bytes text, uint64_t *number)
{
    if (decimal_decode(number, text) == OK)
        return OK;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return ERR_RANGE;
    return text.len > 1 && text.data[0] == '0' ? ERR_FORMAT : ERR_RANGE;
}

/* Steps 1 to 3, of the form alone. */
static bool check_form(struct request *request, struct store_request *store)
{
    const char *field, *why;
    enum err err = rpc_store_decode(request->params, &store->texts, &field);
    char *lower;

    if (err != OK) {
        methods_trace_refused(request->methods->env, 400, STEP_FIELDS, BYTES_NONE);
        answer_field(request, err, field);
        return false;
    }
    why = read_account(store->texts.pubkey, &store->account);
    if (why != NULL) {
        refuse(request, store, STEP_PUBKEY, 400, why);
        return false;
    }
    store->has_account = true;
    lower = arena_alloc(request->methods->env->arena, ACCOUNT_HEX_LEN);
    account_to_hex(&store->account, lower);
    store->texts.pubkey = (struct bytes){(const uint8_t *)lower, ACCOUNT_HEX_LEN};
    if (store->texts.data.len > LIMIT_DATA_CHARS) {
        refuse(request, store, STEP_DATA, 400, data_too_long);
        return false;
    }
    return true;
}

/* Steps 5 and 6. */
static bool check_times(struct request *request, struct store_request *store)
{
    enum err err = read_decimal(store->texts.ttl, &store->ttl_ms);

    if (err == ERR_FORMAT) {
        refuse(request, store, STEP_TTL, 400, "ttl must not have leading zeros");
        return false;
    }
    if (err != OK || !pow_ttl_valid(store->ttl_ms)) {
        refuse(request, store, STEP_TTL, 403, "Provided TTL is not valid.");
        return false;
    }
    err = read_decimal(store->texts.timestamp, &store->timestamp_ms);
    if (err == ERR_FORMAT) {
        refuse(request, store, STEP_TIMESTAMP, 400, "timestamp must not have leading zeros");
        return false;
    }
    if (err != OK || !admission_time_ok(store->timestamp_ms, store->ttl_ms, env_now_ms(request->methods->env))) {
        refuse(request, store, STEP_TIMESTAMP, 406, "Timestamp error: check your clock");
        return false;
    }
    return true;
}

static bool check_proof(struct request *request, struct store_request *store)
{
    struct methods *methods = request->methods;
    const struct proof proof = {.timestamp = store->texts.timestamp,
                                .ttl = store->texts.ttl,
                                .pubkey = store->texts.pubkey,
                                .data = store->texts.data,
                                .ttl_ms = store->ttl_ms,
                                .nonce = store->texts.nonce};

    return admission_proof_ok(methods->env, methods->suite, &proof, difficulty_now(methods->difficulty), store->nonce,
                              store->hash);
}

/* Steps 1 to 8; false: the request is answered. */
static bool check_store(struct request *request, struct store_request *store)
{
    struct methods *methods = request->methods;
    bool in_swarm = methods->view->swarm_id != SWARM_NONE;

    if (!check_form(request, store))
        return false;
    if (in_swarm && !membership_serves(methods->view, &store->account)) {
        methods_trace_refused(methods->env, 421, STEP_SWARM, BYTES_OF(store->account.bytes));
        answer_snodes(request, 421, &store->account);
        return false;
    }
    if (!check_times(request, store))
        return false;
    if (!check_proof(request, store)) {
        methods_trace_refused(methods->env, 432, STEP_PROOF, BYTES_OF(store->account.bytes));
        answer_difficulty(methods, &request->reply, 432);
        return false;
    }
    if (!in_swarm) {
        refuse(request, store, STEP_READY, 503, "Service node is initializing\n");
        return false;
    }
    return true;
}

static struct waiting_store *waiting_new(struct request *request, const struct store_request *store)
{
    struct methods *methods = request->methods;
    struct waiting_store *waiting = xcalloc(1, sizeof(*waiting));

    list_append(&methods->stores, &waiting->link);
    methods->store_count++;
    waiting->methods = methods;
    waiting->body = body_pool_get(methods->bodies, store->hash, &store->account, store->nonce, store->ttl_ms,
                                  store->timestamp_ms, store->texts.data);
    waiting->reply = request->reply;
    return waiting;
}

static void waiting_free(struct waiting_store *waiting)
{
    list_remove(&waiting->link);
    waiting->methods->store_count--;
    body_drop(waiting->body);
    free(waiting);
}

/* The message is on the disk, or not at all. It goes on to the peers even if the asker has gone. */
static void on_durable(struct store_wait *wait)
{
    struct waiting_store *waiting = CONTAINER_OF(wait, struct waiting_store, wait);
    struct methods *methods = waiting->methods;

    if (wait->err == OK) {
        replicate_message(methods->replicate, waiting->body);
        answer_difficulty(methods, &waiting->reply, 200);
    } else {
        bool full = wait->err == ERR_FULL;

        methods_trace_refused(methods->env, full ? 503 : 500, STEP_DISK, BYTES_OF(waiting->body->account.bytes));
        rpc_reply_text(&waiting->reply, full ? 503 : 500, full ? "Disk full, nothing was stored" : "Database failure");
    }
    waiting_free(waiting);
}

static void store_full(struct request *request, const struct store_request *store)
{
    refuse(request, store, STEP_FULL, 503, "Service node is full");
}

/* Good path: checked, put, durable, relayed, answered. A duplicate is relayed and answered alike. */
static void method_store(struct request *request)
{
    struct methods *methods = request->methods;
    struct store_request store = {0};
    struct waiting_store *waiting;
    enum err err;

    if (!check_store(request, &store))
        return;
    if (methods->store_count >= LIMIT_STORES_OPEN) {
        store_full(request, &store);
        return;
    }
    waiting = waiting_new(request, &store);
    err = store_put(methods->store, waiting->body, CAUSE_CLIENT, &waiting->wait, on_durable);
    if (err == OK) {
        rpc_reply_watch(&waiting->reply, NULL);
        return;
    }
    if (err == ERR_DUPLICATE) {
        replicate_message(methods->replicate, waiting->body);
        answer_difficulty(methods, &request->reply, 200);
    } else {
        store_full(request, &store);
    }
    waiting_free(waiting);
}

/* ---- retrieve ---- */

/* NULL: the client has none, or one that no message here can have. */
static const uint8_t *read_last_hash(struct bytes text, uint8_t hash[POW_HASH_BYTES])
{
    return hex_is_lower(text) && hex_decode(hash, POW_HASH_BYTES, text) == OK ? hash : NULL;
}

static void method_retrieve(struct request *request)
{
    struct methods *methods = request->methods;
    struct rpc_retrieve texts;
    struct account_id account;
    struct stored_body *bodies[LIMIT_RETRIEVE_MESSAGES];
    uint8_t last_hash[POW_HASH_BYTES];
    const char *field;
    enum err err = rpc_retrieve_decode(request->params, &texts, &field);
    size_t count;

    if (err != OK) {
        answer_field(request, err, field);
        return;
    }
    if (!check_served(request, texts.pubkey, &account))
        return;
    count = store_get(methods->store, &account, read_last_hash(texts.last_hash, last_hash), bodies, ARRAY_LEN(bodies));
    if (count == 0 && request->hold_ms > 0 &&
        long_poll_hold(methods->long_poll, &account, &request->reply, request->hold_ms) == OK)
        return; /* answered by long_poll.c */
    retrieve_answer(methods->env, &request->reply, &account, bodies, count, 0);
}

/* ---- get_snodes_for_pubkey ---- */

static void method_get_snodes(struct request *request)
{
    struct bytes pubkey;
    struct account_id account;
    const char *field, *why;
    enum err err = rpc_get_snodes_decode(request->params, &pubkey, &field);

    if (err != OK) {
        answer_field(request, err, field);
        return;
    }
    why = read_account(pubkey, &account);
    if (why != NULL)
        rpc_reply_text(&request->reply, 400, why);
    else
        answer_snodes(request, 200, &account);
}

/* ---- listen, deliver: synchronous routing ---- */

static void method_listen(struct request *request)
{
    struct rpc_listen listen;
    struct account_id account;
    const char *field;
    enum err err = rpc_listen_decode(request->params, &listen, &field);

    if (err != OK)
        answer_field(request, err, field);
    else if (check_served(request, listen.pubkey, &account))
        listen_wait(request->methods->listen, &account, &listen, &request->reply);
}

/* Without ttl, timestamp and nonce: if somebody sends them, nobody looks (PROTOCOL 9.1). */
static void method_deliver(struct request *request)
{
    struct rpc_deliver deliver;
    struct account_id account;
    const char *field;
    enum err err = rpc_deliver_decode(request->params, &deliver, &field);

    if (err != OK)
        answer_field(request, err, field);
    else if (deliver.data.len > LIMIT_DATA_CHARS)
        rpc_reply_text(&request->reply, 400, data_too_long);
    else if (check_served(request, deliver.pubkey, &account))
        listen_deliver(request->methods->listen, &account, deliver.data, &request->reply);
}

/* ---- all of them ---- */

static const struct method {
    const char *name;
    method_fn run;
    bool of_no_dialect;
} methods_table[] = {
    {"store", method_store, false},
    {"retrieve", method_retrieve, false},
    {"get_snodes_for_pubkey", method_get_snodes, false},
    {"listen", method_listen, true},
    {"deliver", method_deliver, true},
};

void methods_init(struct methods *methods)
{
    list_init(&methods->stores);
    methods->store_count = 0;
    list_init(&methods->holders);
    methods->holder_count = 0;
    list_init(&methods->recursives);
    methods->recursive_count = 0;
    methods->held_bytes = 0;
}

void methods_fini(struct methods *methods)
{
    holders_fini(methods);
    recursives_fini(methods);
    LIST_EACH_SAFE (link, &methods->stores)
        waiting_free(CONTAINER_OF(link, struct waiting_store, link));
}

static void answer_unknown(struct request *request, struct bytes method)
{
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    buf_text(&out, "no method ");
    buf_append(&out, method);
    rpc_reply_answer(&request->reply, 400, buf_bytes(&out), false);
    buf_fini(&out);
}

static const struct method *find_method(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods_table); i++)
        if (bytes_equal_text(name, methods_table[i].name))
            return &methods_table[i];
    return NULL;
}

/* PROTOCOL 10.1. */
static bool looks_like_the_era(const struct rpc_call *call)
{
    if (bytes_equal_text(call->method, "store"))
        return json_get(call->params, "nonce") != NULL;
    return bytes_equal_text(call->method, "retrieve") && json_count(call->params) == 2 &&
           json_get(call->params, "pubKey") != NULL && json_get(call->params, "lastHash") != NULL;
}

static bool is_of_era(const struct methods *methods, const struct rpc_call *call)
{
    switch (methods->spoken) {
    case SPEAKS_ERA:
        return true;
    case SPEAKS_MODERN:
        return false;
    case SPEAKS_BOTH:
        break;
    }
    return looks_like_the_era(call);
}

static void execute_modern(struct request *request, struct rpc_call *call)
{
    enum modern_method method;

    if (request->hold_ms > 0)
        rpc_reply_text(&request->reply, 410, "long polling is no longer supported, client upgrade required");
    else if (modern_method_find(call->method, &method) == OK)
        modern_execute(request->methods, method, call, &request->reply);
    else
        answer_unknown(request, call->method);
}

void methods_execute(struct methods *methods, struct bytes body, uint32_t hold_ms, const struct rpc_reply *reply)
{
    struct request request = {.methods = methods, .reply = *reply, .hold_ms = hold_ms};
    const struct method *method;
    struct rpc_call call;
    const char *why;

    env_charge_bytes(methods->env, COST_PARSE, body.len);
    if (rpc_call_decode(body, &call, &why) != OK) {
        rpc_reply_text(&request.reply, 400, why);
        return;
    }
    request.params = call.params;
    method = find_method(call.method);
    if (method != NULL && (method->of_no_dialect || is_of_era(methods, &call)))
        method->run(&request);
    else if (methods->spoken == SPEAKS_ERA)
        answer_unknown(&request, call.method);
    else
        execute_modern(&request, &call);
    rpc_call_free(&call);
}
