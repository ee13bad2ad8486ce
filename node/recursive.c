#include "node/recursive.h"

#include <stdlib.h>
#include <string.h>

#include "common/bencode.h"
#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"

#define MEMBER_ROOM 32768 /* bytes of the answer beside a result: the member's key, and a failure in its place */

struct member {
    struct recursive *recursive;
    struct ed25519_public key;
    bool own;
    struct call call; /* to another one */
    struct buf json;  /* its result; the object is closed */
};

struct recursive {
    struct list link;
    struct methods *methods;
    struct rpc_reply reply;
    enum modern_method method;
    bool forwarded, required, deleted_any;
    int64_t begun_ms;
    char hash[MESSAGE_HASH_CHARS]; /* store: of the message; stands beside the members' results */
    bool has_hash;
    struct stored_body *body; /* store: until it is durable; else NULL */
    struct store_wait wait;   /* for this node's disk */
    struct buf own;           /* bencoded */
    size_t json_bytes;        /* of all members so far */
    uint32_t pending;         /* this node and members that have not answered */
    uint32_t count;
    struct member members[];
};

static void recursive_free(struct recursive *recursive)
{
    list_remove(&recursive->link);
    recursive->methods->recursive_count--;
    recursive->methods->held_bytes -= recursive->json_bytes;
    for (uint32_t i = 0; i < recursive->count; i++)
        buf_fini(&recursive->members[i].json);
    buf_fini(&recursive->own);
    if (recursive->body != NULL)
        body_drop(recursive->body);
    free(recursive);
}

void recursives_fini(struct methods *methods)
{
    LIST_EACH_SAFE (link, &methods->recursives)
        recursive_free(CONTAINER_OF(link, struct recursive, link));
}

/* ---- the answer ---- */

static void write_members(struct buf *out, const struct recursive *recursive)
{
    json_write_name(out, "swarm");
    json_open(out, '{');
    for (uint32_t i = 0; i < recursive->count; i++) {
        const struct member *member = &recursive->members[i];
        char key[2 * sizeof(member->key.bytes) + 1];

        hex_encode(key, BYTES_OF(member->key.bytes));
        key[sizeof(key) - 1] = '\0';
        json_write_name(out, key);
        json_write_raw(out, buf_bytes(&member->json));
    }
    json_close(out, '}');
}

static void answer_client(struct recursive *recursive)
{
    bool nothing_done = recursive->required && !recursive->deleted_any;
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    write_members(&out, recursive);
    if (recursive->has_hash) {
        json_write_name(&out, "hash");
        json_write_text(&out, BYTES_OF(recursive->hash));
    }
    modern_write_common(&out, env_now_ms(recursive->methods->env));
    json_close(&out, '}');
    ASSERT(out.err == OK); /* the room was kept: add_result() */
    rpc_reply_answer(&recursive->reply, nothing_done ? 404 : 200, buf_bytes(&out), true);
    buf_fini(&out);
}

static void one_less(struct recursive *recursive)
{
    if (--recursive->pending > 0)
        return;
    if (recursive->forwarded)
        rpc_reply_bencoded(&recursive->reply, buf_bytes(&recursive->own));
    else
        answer_client(recursive);
    recursive_free(recursive);
}

/* ---- members' results ---- */

static void write_failure(struct member *member, const char *name)
{
    json_open(&member->json, '{');
    json_write_name(&member->json, "failed");
    json_write_bool(&member->json, true);
    json_write_name(&member->json, name);
    json_write_bool(&member->json, true);
    json_close(&member->json, '}');
}

static void write_refusal(struct member *member, uint16_t status, struct bytes text)
{
    if (text.len > MEMBER_ROOM / 8 || !utf8_valid(text)) { /* escaped it is six times as long at most */
        write_failure(member, "bad_peer_response");
        return;
    }
    json_open(&member->json, '{');
    json_write_name(&member->json, "failed");
    json_write_bool(&member->json, true);
    json_write_name(&member->json, "code");
    buf_printf(&member->json, "\"%u\"", status);
    json_write_name(&member->json, "reason");
    json_write_text(&member->json, text);
    json_close(&member->json, '}');
}

static void write_result(struct member *member, struct bytes dict)
{
    struct recursive *recursive = member->recursive;
    size_t taken = MEMBER_ROOM * ((size_t)recursive->count + 1) + recursive->json_bytes;
    bool deleted_any = false;

    member->json.max = taken < LIMIT_BODY_BYTES ? LIMIT_BODY_BYTES - taken : 0;
    if (modern_result_to_json(&member->json, dict, &deleted_any) != OK ||
        member->json.len > LIMIT_HELD_BYTES - recursive->methods->held_bytes) {
        buf_fini(&member->json);
        buf_init(&member->json, MEMBER_ROOM);
        write_failure(member, "bad_peer_response");
        return;
    }
    member->json.max += MEMBER_ROOM;
    recursive->json_bytes += member->json.len;
    recursive->methods->held_bytes += member->json.len;
    /* The deployed server does so by accident, for its own entry, and clients have seen it. */
    if (member->own && recursive->method == MODERN_STORE) {
        json_write_name(&member->json, "t");
        json_write_i64(&member->json, recursive->begun_ms);
    }
    json_close(&member->json, '}');
    recursive->deleted_any = recursive->deleted_any || deleted_any;
}

static void on_answer(struct call *call)
{
    struct member *member = CONTAINER_OF(call, struct member, call);
    struct bytes body = blob_bytes(call->in.body);

    if (call->net != NET_OK) {
        write_failure(member, "timeout");
    } else {
        env_charge_bytes(member->recursive->methods->env, COST_PARSE, body.len);
        if (call->in.status == 200)
            write_result(member, body);
        else
            write_refusal(member, call->in.status, body);
    }
    one_less(member->recursive); /* last: it may free the member */
}

/* ---- this node's own ---- */

static struct member *own_member(struct recursive *recursive)
{
    for (uint32_t i = 0; i < recursive->count; i++)
        if (recursive->members[i].own)
            return &recursive->members[i];
    return NULL;
}

static void encode_own(struct recursive *recursive, const struct modern_result *result)
{
    struct methods *methods = recursive->methods;
    uint8_t signature[64];
    struct buf text;

    buf_init(&text, SIZE_MAX);
    modern_result_signed_text(&text, result);
    env_charge(methods->env, COST_SIGN, 1);
    methods->suite->sign(&methods->keys->ed25519_secret, buf_bytes(&text), signature);
    buf_fini(&text);
    modern_result_encode(&recursive->own, result, signature);
}

/* This node is done. It may answer, and then `recursive` is gone. */
static void own_is_ready(struct recursive *recursive)
{
    struct member *own = own_member(recursive);

    if (own != NULL)
        write_result(own, buf_bytes(&recursive->own));
    one_less(recursive);
}

void recursive_own_failure(struct recursive *recursive)
{
    buf_clear(&recursive->own);
    modern_result_encode_failure(&recursive->own);
    own_is_ready(recursive);
}

static void on_durable(struct store_wait *wait)
{
    struct recursive *recursive = CONTAINER_OF(wait, struct recursive, wait);

    if (wait->err == OK)
        own_is_ready(recursive);
    else
        recursive_own_failure(recursive);
}

void recursive_own(struct recursive *recursive, const struct modern_result *result)
{
    encode_own(recursive, result);
    store_sync(recursive->methods->store, &recursive->wait, on_durable);
}

/* ---- store ---- */

static void own_is_stored(struct recursive *recursive)
{
    const struct stored_body *body = recursive->body;
    const struct modern_request request = {.method = MODERN_STORE};
    struct modern_result result = {
        .request = &request, .already = recursive->wait.already, .expiry_ms = recursive->wait.expiry_ms};

    memcpy(result.hash, body->modern_hash, sizeof(result.hash));
    memcpy(recursive->hash, body->modern_hash, sizeof(recursive->hash));
    recursive->has_hash = true;
    encode_own(recursive, &result);
    own_is_ready(recursive);
}

static void on_stored(struct store_wait *wait)
{
    struct recursive *recursive = CONTAINER_OF(wait, struct recursive, wait);

    if (wait->err == OK)
        own_is_stored(recursive);
    else
        recursive_own_failure(recursive);
}

void recursive_store(struct recursive *recursive, struct stored_body *body)
{
    enum trace_cause cause = recursive->forwarded ? CAUSE_RELAY : CAUSE_CLIENT;
    enum err err;

    recursive->body = body_keep(body);
    err = store_put(recursive->methods->store, body, cause, &recursive->wait, on_stored);
    if (err == ERR_DUPLICATE)
        own_is_stored(recursive);
    else if (err != OK)
        recursive_own_failure(recursive);
}

/* ---- passing it on ---- */

static struct blob *encode_call(struct env *env, const struct modern_request *request)
{
    struct buf dict, out;
    struct blob *body;

    buf_init(&dict, SIZE_MAX);
    modern_request_encode(&dict, request);
    buf_init(&out, SIZE_MAX);
    buf_byte(&out, 'l');
    bencode_write_text(&out, modern_method_name(request->method));
    bencode_write_string(&out, buf_bytes(&dict));
    buf_byte(&out, 'e');
    body = blob_from_buf(&out);
    env_charge_bytes(env, COST_PARSE, body->len);
    buf_fini(&out);
    buf_fini(&dict);
    return body;
}

static void pass_on(struct recursive *recursive, const struct modern_request *request)
{
    struct env *env = recursive->methods->env;
    const struct membership_view *view = recursive->methods->view;
    struct blob *body = encode_call(env, request);

    for (uint32_t i = 0; i < recursive->count; i++) {
        const struct snode_entry *node = swarm_member(view->now, view->swarm, i);
        struct member *member = &recursive->members[i];

        member->recursive = recursive;
        member->key = node->ed25519;
        member->own = memcmp(node->ed25519.bytes, recursive->methods->keys->ed25519.bytes, 32) == 0;
        buf_init(&member->json, LIMIT_BODY_BYTES);
        if (member->own)
            continue;
        recursive->pending++;
        member->call = (struct call){
            .to = node->address,
            .out = {.verb = VERB_POST, .content = CONTENT_BINARY, .path = BYTES_LIT(PATH_SN_STORAGE_CC), .body = body},
            .timeout_ms = LIMIT_MEMBER_MS};
        env_call(env, &member->call, on_answer);
    }
    blob_drop(body);
}

struct recursive *recursive_begin(struct modern_call *call)
{
    struct methods *methods = call->methods;
    uint32_t count = call->forwarded ? 0 : methods->view->swarm->count;
    struct recursive *recursive;

    if (methods->recursive_count >= LIMIT_RECURSIVE_OPEN) {
        modern_refuse(call, 503, "Server busy, try again later");
        return NULL;
    }
    recursive = xcalloc(1, sizeof(*recursive) + count * sizeof(recursive->members[0]));
    list_append(&methods->recursives, &recursive->link);
    methods->recursive_count++;
    recursive->methods = methods;
    recursive->reply = call->reply;
    recursive->method = call->request->method;
    recursive->forwarded = call->forwarded;
    recursive->required = call->request->required;
    recursive->begun_ms = env_now_ms(methods->env);
    recursive->count = count;
    recursive->pending = 1;
    buf_init(&recursive->own, SIZE_MAX);
    rpc_reply_watch(&recursive->reply, NULL);
    if (!call->forwarded)
        pass_on(recursive, call->request);
    return recursive;
}
