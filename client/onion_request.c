#include "client/onion_request.h"

#include <string.h>

#include "client/client_state.h"
#include "common/fsm.h"
#include "common/text.h"

enum request_state { REQUEST_NEED_PATH, REQUEST_SENDING, REQUEST_PAUSING, REQUEST_ENDING };

static const struct fsm_state request_states[] = {
    [REQUEST_NEED_PATH] = {"need path", FSM_TO(REQUEST_SENDING) | FSM_TO(REQUEST_PAUSING) | FSM_TO(REQUEST_ENDING)},
    [REQUEST_SENDING] = {"sending", FSM_TO(REQUEST_PAUSING) | FSM_TO(REQUEST_ENDING)},
    [REQUEST_PAUSING] = {"pausing", FSM_TO(REQUEST_NEED_PATH) | FSM_TO(REQUEST_ENDING)},
    [REQUEST_ENDING] = {"ending", 0},
};

static void step(struct onion_request *request);

const char *onion_failure_text(enum onion_failure failure)
{
    switch (failure) {
    case ONION_ANSWERED:
        return "answered";
    case ONION_GUARD_UNREACHABLE:
        return "guard unreachable";
    case ONION_TIMEOUT:
        return "no answer in time";
    case ONION_RELAY_TIMEOUT:
        return "a relay had no answer in time";
    case ONION_NEXT_NOT_FOUND:
        return "next node not found";
    case ONION_NOT_READY:
        return "a node was not ready";
    case ONION_INVALID_CIPHERTEXT:
        return "invalid ciphertext";
    case ONION_OTHER_STATUS:
        return "another status";
    case ONION_UNDECODABLE:
        return "undecodable answer";
    case ONION_NO_PATH:
        return "no path";
    case ONION_TOO_BIG:
        return "too big for an onion";
    case ONION_CANCELLED:
        return "cancelled";
    case ONION_FAILURE_COUNT:
        break;
    }
    return "?";
}

/* --- sending --- */

static void on_answer(struct call *call);

static enum err wrap(struct onion_request *request, const struct path *path, struct bytes *onion)
{
    struct client *client = request->client;
    const struct client_preset *preset = client->preset;
    struct onion_hop hops[LIMIT_PATH_NODES + 1];
    struct onion_seed seeds[LIMIT_PATH_NODES + 1];
    uint8_t drawn[sizeof seeds];
    const size_t secret_bytes = sizeof seeds[0].secret.bytes, nonce_bytes = seal_nonce_bytes(preset->enc_type);
    struct bytes headers = request->long_poll ? BYTES_LIT("{\"" HEADER_LONG_POLL "\":\"true\"}") : BYTES_LIT("{}");

    /* All at once: every draw makes the generator begin anew. */
    env_random(client->env, drawn, ARRAY_LEN(seeds) * (secret_bytes + nonce_bytes));
    for (size_t i = 0; i < ARRAY_LEN(hops); i++) {
        const struct rpc_snode *node =
            i < LIMIT_PATH_NODES ? snode_pool_node(&client->pool, path->nodes[i]) : &request->target;
        const uint8_t *seed = drawn + i * (secret_bytes + nonce_bytes);
        hops[i] = (struct onion_hop){node->ed25519, node->x25519, preset->enc_type};
        memcpy(seeds[i].secret.bytes, seed, secret_bytes);
        memcpy(seeds[i].nonce, seed + secret_bytes, nonce_bytes);
    }
    enum err err = onion_wrap(preset->suite, preset->onion_version, client->env->arena, hops, ARRAY_LEN(hops),
                              blob_bytes(request->body), headers, seeds, onion, &request->reply_key);
    crypto_wipe(seeds, sizeof seeds);
    crypto_wipe(drawn, sizeof drawn);
    if (err != OK)
        return err;
    env_charge(client->env, COST_X25519, 2 * ARRAY_LEN(hops)); /* a one-use key and an agreement per layer */
    for (size_t i = 0; i < ARRAY_LEN(hops); i++)
        client_charge_bytes(client, COST_SEAL, onion->len);
    return OK;
}

/* False: there is nothing to wait for; `failure` says why. */
static bool send_on_path(struct onion_request *request)
{
    struct client *client = request->client;
    const struct path *path = path_pick(client, &request->target.ed25519, request->path_avoided);
    struct bytes onion;

    if (path == NULL) {
        request->failure = ONION_NO_PATH;
        request->err = ERR_NOT_FOUND;
        return false;
    }
    if (wrap(request, path, &onion) != OK) {
        request->failure = ONION_TOO_BIG;
        return false;
    }
    request->path_id = path->id;
    request->sent_ms = env_now_ms(client->env);
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_ONION_SENT,
                                     .n = {path->id, onion.len, request->attempt},
                                     .b = {BYTES_OF(request->target.ed25519.bytes), bytes_text(request->method)}});
    bool v1 = client->preset->onion_version == ONION_V1;
    struct blob *body = blob_copy(onion);
    client_post(client, &request->call, snode_pool_node(&client->pool, path->nodes[0])->address,
                v1 ? PATH_ONION_V1 : PATH_ONION_V2, v1 ? CONTENT_JSON : CONTENT_BINARY, body, request->timeout_ms,
                on_answer);
    blob_drop(body);
    return true;
}

/* --- judging an answer --- */

/* The node that a 502 names, if it is one that this request made somebody look for: nobody else may make us drop it. */
static bool names_our_node(const struct onion_request *request, struct bytes text, struct ed25519_public *key)
{
    const struct bytes prefix = BYTES_LIT("Next node not found: ");
    const size_t hex_len = 2 * sizeof key->bytes;

    if (!bytes_start_with(text, prefix) || text.len < prefix.len + hex_len)
        return false;
    if (hex_decode(key->bytes, sizeof key->bytes, bytes_slice(text, prefix.len, hex_len)) != OK)
        return false;
    return memcmp(key, &request->target.ed25519, sizeof *key) == 0 ||
           path_has_relay(request->client, request->path_id, key);
}

static enum onion_failure judge_outer_error(struct onion_request *request, uint16_t status, struct bytes text)
{
    struct ed25519_public gone;

    switch (status) {
    case 400:
        return bytes_start_with(text, BYTES_LIT("Invalid ciphertext")) ? ONION_INVALID_CIPHERTEXT : ONION_OTHER_STATUS;
    case 502:
        if (!names_our_node(request, text, &gone))
            return ONION_OTHER_STATUS;
        client_node_gone(request->client, &gone, CAUSE_NOT_FOUND);
        if (memcmp(&gone, &request->target.ed25519, sizeof gone) == 0)
            request->attempts = 0; /* no other path reaches it either */
        return ONION_NEXT_NOT_FOUND;
    case 503:
        return ONION_NOT_READY;
    case 504:
        return ONION_RELAY_TIMEOUT;
    default:
        return ONION_OTHER_STATUS;
    }
}

static enum onion_failure open_answer(struct onion_request *request, struct bytes text)
{
    struct client *client = request->client;

    client_charge_bytes(client, COST_SEAL, text.len);
    client_charge_bytes(client, COST_PARSE, text.len);
    enum err err = onion_open_reply(client->preset->suite, &request->reply_key, client->env->arena, text,
                                    &request->status, &request->answer);
    return err == OK ? ONION_ANSWERED : ONION_UNDECODABLE;
}

static enum onion_failure judge(struct onion_request *request)
{
    const struct call *call = &request->call;

    switch (call->net) {
    case NET_OK:
        if (call->in.status == 200)
            return open_answer(request, blob_bytes(call->in.body));
        request->status = call->in.status;
        return judge_outer_error(request, call->in.status, blob_bytes(call->in.body));
    case NET_REFUSED:
    case NET_RESET:
        return ONION_GUARD_UNREACHABLE;
    case NET_TIMEOUT:
        return ONION_TIMEOUT;
    case NET_CANCELLED:
        return ONION_CANCELLED;
    }
    return ONION_CANCELLED;
}

/* Statuses that say something about the request, not about the node that answers. */
static bool blames_node(const struct onion_request *request)
{
    uint16_t status = request->status;

    if (request->absence_is_no_fault && (status == 404 || status == 504))
        return false;
    return status != 200 && status != 400 && status != 401 && status != 406 && status != 421 && status != 432;
}

/* PROTOCOL 4.9: who pays for it. */
static void count_failure(struct onion_request *request)
{
    struct client *client = request->client;

    switch (request->failure) {
    case ONION_ANSWERED:
        if (blames_node(request)) {
            uint32_t node = snode_pool_find(&client->pool, &request->target.ed25519);
            if (node != NODE_NONE)
                client_node_failed(client, node);
        }
        break;
    case ONION_GUARD_UNREACHABLE:
    case ONION_TIMEOUT: /* a guard that lives answers 504 long before our limit */
        path_failed(client, request->path_id, 0, CULPRIT_GUARD);
        break;
    case ONION_RELAY_TIMEOUT:
    case ONION_NOT_READY:
    case ONION_INVALID_CIPHERTEXT:
    case ONION_OTHER_STATUS:
    case ONION_UNDECODABLE:
        path_failed(client, request->path_id, request->status, CULPRIT_REST);
        break;
    case ONION_NEXT_NOT_FOUND: /* the culprit is named and gone */
    case ONION_NO_PATH:
    case ONION_TOO_BIG:
    case ONION_CANCELLED:
    case ONION_FAILURE_COUNT:
        break;
    }
}

static bool again(const struct onion_request *request)
{
    if (request->attempt + 1 >= request->attempts)
        return false;
    switch (request->failure) {
    case ONION_ANSWERED:
        return request->status >= 500 || request->status == 429;
    case ONION_GUARD_UNREACHABLE:
    case ONION_TIMEOUT:
    case ONION_RELAY_TIMEOUT:
    case ONION_NEXT_NOT_FOUND:
    case ONION_NOT_READY:
    case ONION_INVALID_CIPHERTEXT:
    case ONION_OTHER_STATUS:
    case ONION_UNDECODABLE:
    case ONION_NO_PATH:
        return true;
    case ONION_TOO_BIG:
    case ONION_CANCELLED:
    case ONION_FAILURE_COUNT:
        break;
    }
    return false;
}

/* --- the machine --- */

static void on_answer(struct call *call)
{
    struct onion_request *request = CONTAINER_OF(call, struct onion_request, call);
    struct env *env = request->client->env;

    request->status = 0;
    request->answer = BYTES_NONE;
    request->failure = judge(request);
    crypto_wipe(&request->reply_key, sizeof request->reply_key);
    env_trace(env, &(struct trace_record){.kind = TRACE_ONION_DONE,
                                          .n = {request->path_id, request->status,
                                                (uint64_t)(env_now_ms(env) - request->sent_ms), request->failure},
                                          .b = {BYTES_OF(request->target.ed25519.bytes), bytes_text(request->method)}});
    count_failure(request);
    step(request);
}

static void on_paths(struct path_waiter *waiter, enum err err)
{
    struct onion_request *request = CONTAINER_OF(waiter, struct onion_request, waiter);
    request->err = err;
    step(request);
}

static void on_timer(struct timer *timer)
{
    struct onion_request *request = CONTAINER_OF(timer, struct onion_request, timer);
    step(request);
}

/* The good path: NEED_PATH, SENDING, ENDING. An attempt that failed goes through PAUSING back to NEED_PATH, as long as
 * there are attempts left. ENDING without an answer goes through a timer, so that `done` never runs inside
 * onion_request_start(). */
static void step(struct onion_request *request)
{
    struct env *env = request->client->env;

    switch ((enum request_state)request->state) {
    case REQUEST_NEED_PATH:
        if (request->err == OK)
            request->err = path_wait(request->client, &request->waiter, on_paths);
        if (request->err == ERR_NOT_READY) {
            request->err = OK;
            return; /* suspended: on_paths() calls step() */
        }
        if (request->err != OK)
            request->failure = ONION_NO_PATH;
        else if (send_on_path(request)) {
            fsm_move(&request->state, REQUEST_SENDING, request_states);
            return; /* suspended: on_answer() calls step() */
        }
        if (again(request)) {
            fsm_move(&request->state, REQUEST_PAUSING, request_states);
            env_timer_start(env, &request->timer, ++request->attempt * request->pause_ms, on_timer);
            return; /* suspended: on_timer() calls step() */
        }
        fsm_move(&request->state, REQUEST_ENDING, request_states);
        env_timer_start(env, &request->timer, 0, on_timer);
        return; /* suspended: on_timer() calls step() */
    case REQUEST_SENDING:
        if (again(request)) {
            fsm_move(&request->state, REQUEST_PAUSING, request_states);
            env_timer_start(env, &request->timer, ++request->attempt * request->pause_ms, on_timer);
            return; /* suspended: on_timer() calls step() */
        }
        fsm_move(&request->state, REQUEST_ENDING, request_states);
        request->done(request);
        return;
    case REQUEST_PAUSING:
        fsm_move(&request->state, REQUEST_NEED_PATH, request_states);
        request->err = OK;
        step(request);
        return;
    case REQUEST_ENDING:
        request->done(request);
        return;
    }
}

void onion_request_start(struct onion_request *request, struct client *client)
{
    ASSERT(request->attempts > 0 && request->done != NULL);
    request->client = client;
    request->state = REQUEST_NEED_PATH;
    request->attempt = 0;
    request->path_id = 0;
    request->err = OK;
    request->status = 0;
    request->answer = BYTES_NONE;
    request->waiter = (struct path_waiter){0};
    request->call = (struct call){0};
    request->timer = (struct timer){0};
    step(request);
}

void onion_request_cancel(struct onion_request *request)
{
    struct env *env = request->client->env;

    switch ((enum request_state)request->state) {
    case REQUEST_SENDING:
        request->attempts = 0;
        env_cancel(env, &request->call);
        return;
    case REQUEST_NEED_PATH:
        path_wait_stop(&request->waiter);
        break;
    case REQUEST_PAUSING:
        env_timer_stop(env, &request->timer);
        break;
    case REQUEST_ENDING:
        return;
    }
    request->failure = ONION_CANCELLED;
    request->status = 0;
    fsm_move(&request->state, REQUEST_ENDING, request_states);
    env_timer_start(env, &request->timer, 0, on_timer);
}
