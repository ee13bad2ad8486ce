#include "node/rpc_reply.h"

#include "common/limits.h"
#include "node/relay.h"
#include "proto/node_list.h"

struct rpc_reply rpc_reply_direct(struct env *env, struct incoming *incoming)
{
    return (struct rpc_reply){.env = env, .incoming = incoming};
}

struct rpc_reply rpc_reply_onion(struct env *env, struct relay_request *request)
{
    return (struct rpc_reply){.env = env, .onion = request};
}

struct rpc_reply rpc_reply_inner(struct env *env, struct rpc_sink *sink)
{
    return (struct rpc_reply){.env = env, .sink = sink};
}

static void set_gone(struct rpc_reply *reply)
{
    reply->gone = true;
    if (reply->on_gone != NULL)
        reply->on_gone(reply); /* last: it may free reply */
}

static void on_incoming_gone(struct incoming *incoming)
{
    set_gone(incoming->owner);
}

static void on_onion_gone(struct relay_request *request)
{
    set_gone(request->owner);
}

void rpc_reply_watch(struct rpc_reply *reply, rpc_gone_fn on_gone)
{
    reply->on_gone = on_gone;
    if (reply->incoming != NULL) {
        reply->incoming->owner = reply;
        reply->incoming->on_gone = on_incoming_gone;
    } else if (reply->onion != NULL) {
        reply->onion->owner = reply;
        reply->onion->gone = on_onion_gone;
    }
}

static void answer_direct(struct rpc_reply *reply, uint16_t status, struct bytes body, enum content content)
{
    struct message message = {.status = status, .content = content, .body = blob_copy(body)};

    env_answer(reply->env, reply->incoming, &message);
    blob_drop(message.body);
}

void rpc_reply_answer(struct rpc_reply *reply, uint16_t status, struct bytes body, bool body_is_json)
{
    if (reply->gone)
        return;
    if (reply->sink != NULL) {
        reply->sink->answer(reply->sink, status, body, body_is_json);
        return;
    }
    env_charge_bytes(reply->env, COST_PARSE, body.len);
    if (reply->onion != NULL)
        relay_answer(reply->onion, status, body, body_is_json);
    else
        answer_direct(reply, status, body, body_is_json ? CONTENT_JSON : CONTENT_TEXT);
}

void rpc_reply_bencoded(struct rpc_reply *reply, struct bytes body)
{
    if (reply->gone)
        return;
    env_charge_bytes(reply->env, COST_PARSE, body.len);
    answer_direct(reply, 200, body, CONTENT_BINARY);
}

void rpc_reply_text(struct rpc_reply *reply, uint16_t status, const char *text)
{
    rpc_reply_answer(reply, status, bytes_text(text), false);
}

void rpc_reply_snodes(struct rpc_reply *reply, uint16_t status, const struct membership *membership,
                      const struct account_id *account)
{
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    rpc_snodes_encode(&out, membership, membership == NULL ? NULL : swarm_of(membership, account));
    rpc_reply_answer(reply, status, buf_bytes(&out), true);
    buf_fini(&out);
}
