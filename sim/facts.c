#include "sim/facts.h"

#include <stdlib.h>
#include <string.h>

#include "common/bencode.h"
#include "common/text.h"
#include "node/store_record.h"
#include "proto/meta_request.h"
#include "proto/monitor.h"
#include "proto/peer_rpc.h"

/* PROTOCOL 10.1, for a node that speaks both dialects. */
static bool is_of_the_era(enum modern_method method, const struct json *params)
{
    if (method == MODERN_STORE)
        return json_get(params, "nonce") != NULL;
    return method == MODERN_RETRIEVE && json_count(params) == 2 && json_get(params, "pubKey") != NULL &&
           json_get(params, "lastHash") != NULL;
}

static bool names_an_account(enum modern_method method)
{
    return method != MODERN_INFO && method != MODERN_OXEND;
}

static int32_t namespace_of(const struct modern_request *request)
{
    if (request->all_namespaces)
        return FACTS_ALL_NAMESPACES;
    switch ((int)request->method) {
    case MODERN_STORE:
    case MODERN_RETRIEVE:
    case MODERN_DELETE_ALL:
    case MODERN_DELETE_BEFORE:
    case MODERN_EXPIRE_ALL:
        return request->namespace;
    default:
        return FACTS_NO_NAMESPACE;
    }
}

static void of_params(enum modern_method method, struct rpc_params *params, facts_fn each, void *owner)
{
    struct modern_request request;

    if (!names_an_account(method) || modern_request_decode(method, params, &request) != NULL)
        return;
    each(owner, &(struct facts){.method = modern_method_name(method),
                                .account = request.account,
                                .namespace = namespace_of(&request),
                                .stores = method == MODERN_STORE,
                                .data = request.data});
}

static void of_part(struct arena *arena, const struct meta_part *part, facts_fn each, void *owner);

/* Params that were checked: nested no deeper than JSON is. */
static void of_meta(struct arena *arena, const struct meta_part *whole, facts_fn each, void *owner)
{
    struct meta_part parts[LIMIT_BATCH_REQUESTS];
    size_t count = 0;

    if (whole->method != MODERN_IFELSE) {
        count = meta_batch_parts(whole->params, parts);
    } else {
        count += meta_branch(whole->params, "then", &parts[count]);
        count += meta_branch(whole->params, "else", &parts[count]);
    }
    for (size_t i = 0; i < count; i++)
        of_part(arena, &parts[i], each, owner);
}

static void of_part(struct arena *arena, const struct meta_part *part, facts_fn each, void *owner)
{
    struct rpc_params params;

    if (modern_method_is_meta(part->method)) {
        of_meta(arena, part, each, owner);
        return;
    }
    rpc_params_json(&params, arena, part->params);
    of_params(part->method, &params, each, owner);
}

bool facts_of_call(struct arena *arena, struct bytes method, const struct json *params, bool *holds_others,
                   facts_fn each, void *owner)
{
    struct meta_part part = {.params = params};

    *holds_others = false;
    if (modern_method_find(method, &part.method) != OK || is_of_the_era(part.method, params))
        return false;
    *holds_others = modern_method_is_meta(part.method);
    if (!*holds_others || meta_request_check(part.method, params, arena) == NULL)
        of_part(arena, &part, each, owner);
    return true;
}

void facts_of_forwarded(struct arena *arena, struct bytes body, facts_fn each, void *owner)
{
    struct rpc_params params;
    enum modern_method method;
    struct bytes name, dict;
    struct bencode in;

    bencode_init(&in, body);
    bencode_open(&in, 'l');
    name = bencode_string(&in);
    dict = bencode_string(&in);
    if (bencode_element(&in) || !bencode_end(&in) || modern_method_find(name, &method) != OK ||
        !modern_method_is_recursive(method) || rpc_params_bencoded(&params, arena, dict) != OK)
        return;
    of_params(method, &params, each, owner);
}

static void of_message(struct bytes content, facts_fn each, void *owner)
{
    struct body_pool pool;
    struct stored_body *body;

    body_pool_init(&pool);
    body = store_record_decode(content, &pool);
    if (body != NULL) {
        size_t len = BASE64_MAX_DECODED(body->data_len);
        uint8_t *data = xmalloc(len + 1);
        struct facts facts = {
            .method = "replica", .account = body->account, .namespace = body->namespace, .stores = true};

        if (base64_decode(data, &len, body_data(body)) == OK)
            facts.data = (struct bytes){data, len};
        each(owner, &facts);
        free(data);
        body_drop(body);
    }
    body_pool_fini(&pool);
}

void facts_of_parts(struct bytes batch, facts_fn each, void *owner)
{
    struct peer_part part;

    if (peer_parts_check(batch) != OK)
        return;
    while (batch.len > 0 && peer_part_decode(&batch, &part) == OK) {
        struct facts facts = {.method = "revoked", .namespace = FACTS_NO_NAMESPACE};

        if (part.kind == PEER_PART_MESSAGE)
            of_message(part.content, each, owner);
        if (part.kind != PEER_PART_REVOKED || part.content.len < sizeof(facts.account.bytes))
            continue;
        memcpy(facts.account.bytes, part.content.data, sizeof(facts.account.bytes));
        each(owner, &facts);
    }
}

static void of_subscription(struct arena *arena, struct bytes dict, facts_fn each, void *owner)
{
    struct monitor_request request;
    const char *why;

    if (monitor_request_decode(arena, dict, &request, &why) != MONITOR_OK)
        return;
    for (size_t i = 0; i < request.namespace_count; i++)
        each(owner,
             &(struct facts){.method = "monitor", .account = request.account, .namespace = request.namespaces[i]});
}

/* One dictionary, or a list of them. */
void facts_of_monitor(struct arena *arena, struct bytes body, facts_fn each, void *owner)
{
    struct bencode in;

    bencode_init(&in, body);
    if (bencode_kind(&in) == 'd') {
        of_subscription(arena, body, each, owner);
        return;
    }
    bencode_open(&in, 'l');
    while (bencode_element(&in)) {
        struct bytes dict = in.rest;

        bencode_skip(&in);
        dict.len -= in.rest.len;
        if (!in.failed)
            of_subscription(arena, dict, each, owner);
    }
}
