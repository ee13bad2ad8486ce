#include "node/relay.h"

#include "common/fsm.h"
#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"

/*  PEELING --final layer--> EXECUTING --relay_answer(), or the asker has gone--> (end)
 *     | `--inner layer--> FORWARDING --the next node answered, or did not--> (end)
 *     |                       `--the asker has gone--> ABANDONED --the call has ended--> (end)
 *     `--any error--> (end) */
enum relay_state { PEELING, EXECUTING, FORWARDING, ABANDONED };
static const struct fsm_state relay_states[] = {
    [PEELING] = {"peeling", FSM_TO(EXECUTING) | FSM_TO(FORWARDING)},
    [EXECUTING] = {"executing", 0},
    [FORWARDING] = {"forwarding", FSM_TO(ABANDONED)},
    [ABANDONED] = {"abandoned", 0},
};

void relay_init(struct relay *relay, const struct snode_config *config, const struct membership_view *view, void *owner,
                relay_execute_fn execute)
{
    *relay = (struct relay){.env = config->env,
                            .preset = config->preset,
                            .keys = config->keys,
                            .view = view,
                            .owner = owner,
                            .execute = execute};
    slab_init(&relay->requests, sizeof(struct relay_request), LIMIT_ONIONS_OPEN);
}

void relay_fini(struct relay *relay)
{
    slab_fini(&relay->requests);
}

size_t relay_open_count(const struct relay *relay)
{
    return relay->requests.taken;
}

static void request_end(struct relay_request *request)
{
    struct relay *relay = request->relay;

    crypto_wipe(&request->reply_key, sizeof(request->reply_key));
    slab_give(&relay->requests, request);
}

/* An error that this node found, for the trace: elsewhere it looks the same wherever it comes from. */
static void trace_error(struct relay *relay, int hop_no, uint16_t status, const char *text)
{
    env_trace(relay->env, &(struct trace_record){
                              .kind = TRACE_RELAY_ERROR, .n = {status, (uint64_t)hop_no}, .b = {bytes_text(text)}});
}

/* An error in clear, before there is a request. */
static void refuse(struct relay *relay, struct incoming *incoming, int hop_no, uint16_t status, const char *text)
{
    trace_error(relay, hop_no, status, text);
    env_answer_text(relay->env, incoming, status, text);
}

/* An error of the path: in clear (PROTOCOL 4.7). */
static void end_in_clear(struct relay_request *request, uint16_t status, const char *text)
{
    refuse(request->relay, request->incoming, request->hop_no, status, text);
    request_end(request);
}

/* PROTOCOL 4.6. Text also for raw bytes, as servers do. */
static void end_sealed(struct relay_request *request, uint16_t status, struct bytes body, bool body_is_json)
{
    struct relay *relay = request->relay;
    struct message message = {.status = 200, .content = CONTENT_TEXT};
    uint8_t nonce[SEAL_NONCE_MAX];

    env_random(relay->env, nonce, seal_nonce_bytes(request->reply_key.enc_type));
    message.body = onion_seal_reply(relay->preset->suite, &request->reply_key, nonce, status, body, body_is_json,
                                    request->reply_as_json, request->reply_raw);
    env_charge_bytes(relay->env, COST_SEAL, message.body->len);
    env_answer(relay->env, request->incoming, &message);
    blob_drop(message.body);
    request_end(request);
}

/* An error behind the encryption: only the client learns of it. */
static void end_sealed_error(struct relay_request *request, uint16_t status, const char *text)
{
    trace_error(request->relay, request->hop_no, status, text);
    end_sealed(request, status, bytes_text(text), false);
}

static const char *key_text(const struct relay *relay, const struct ed25519_public *key)
{
    return (const char *)hex_text(relay->env->arena, BYTES_OF(key->bytes)).data;
}

static void end_not_ready(struct relay_request *request)
{
    const struct relay *relay = request->relay;

    end_in_clear(request, 503,
                 arena_printf(relay->env->arena, "Snode not ready: %s", key_text(relay, &relay->keys->ed25519)));
}

static void on_gone(struct incoming *incoming)
{
    struct relay_request *request = incoming->owner;

    if (request->state == EXECUTING) {
        ASSERT(request->gone != NULL); /* who answers later must know */
        request->gone(request);
        request_end(request);
    } else {
        fsm_move(&request->state, ABANDONED, relay_states);
        env_cancel(request->relay->env, &request->call);
    }
}

static void suspend(struct relay_request *request, enum relay_state state)
{
    fsm_move(&request->state, state, relay_states);
    request->incoming->owner = request;
    request->incoming->on_gone = on_gone;
}

static void execute(struct relay_request *request, const struct onion_peeled *peeled)
{
    struct relay *relay = request->relay;

    request->reply_as_json = peeled->reply_as_json;
    request->reply_raw = peeled->reply_raw;
    if (membership_not_ready(relay->view) != NULL) {
        end_sealed_error(request, 503, "Snode not ready");
        return;
    }
    suspend(request, EXECUTING);
    relay->execute(relay->owner, peeled->body, peeled->long_poll, request); /* last: it may have answered */
}

void relay_answer(struct relay_request *request, uint16_t status, struct bytes body, bool body_is_json)
{
    ASSERT(request->state == EXECUTING);
    end_sealed(request, status, body, body_is_json);
}

/* PROTOCOL 4.7: these are passed on, and any other becomes 500. */
static uint16_t passed_status(uint16_t status)
{
    static const uint16_t passed[] = {200, 400, 403, 406, 421, 432, 500, 502, 503, 504};

    for (size_t i = 0; i < ARRAY_LEN(passed); i++)
        if (passed[i] == status)
            return status;
    return 500;
}

static void on_next_answered(struct call *call)
{
    struct relay_request *request = CONTAINER_OF(call, struct relay_request, call);

    if (request->state == ABANDONED) {
        request_end(request);
    } else if (call->net != NET_OK) {
        end_in_clear(request, 504, "Request time out");
    } else {
        struct message message = {
            .status = passed_status(call->in.status), .content = CONTENT_TEXT, .body = call->in.body};

        env_answer(request->relay->env, request->incoming, &message);
        request_end(request);
    }
}

/* Any known node may be next: a decommissioned one, and this one too. */
static void forward(struct relay_request *request, enum onion_version version, const struct onion_peeled *peeled)
{
    struct relay *relay = request->relay;
    const struct snode_entry *next = membership_find(relay->view, &peeled->destination);
    struct blob *body;

    if (next == NULL) {
        end_in_clear(request, 502,
                     arena_printf(relay->env->arena, "Next node not found: %s", key_text(relay, &peeled->destination)));
        return;
    }
    body = onion_write_peer(version, &peeled->next);
    env_charge_bytes(relay->env, COST_PARSE, body->len);
    suspend(request, FORWARDING);
    request->call =
        (struct call){.to = next->address,
                      .out = {.verb = VERB_POST,
                              .content = CONTENT_BINARY,
                              .path = version == ONION_V1 ? BYTES_LIT(PATH_SN_ONION_V1) : BYTES_LIT(PATH_SN_ONION_V2),
                              .body = body},
                      .timeout_ms = LIMIT_RELAY_TIMEOUT_MS};
    env_call(relay->env, &request->call, on_next_answered);
    blob_drop(body);
}

/* PROTOCOL 4.8 */
static bool server_target_ok(struct bytes target)
{
    const struct bytes end = BYTES_LIT("/lsrpc");

    return target.len >= end.len &&
           (bytes_start_with(target, BYTES_LIT("/loki/")) || bytes_start_with(target, BYTES_LIT("/oxen/"))) &&
           bytes_equal(bytes_slice(target, target.len - end.len, end.len), end) &&
           bytes_find(target, BYTES_LIT("?")) == SIZE_MAX;
}

/* Nothing leaves the virtual network. An empty 200 fails one request of a real client; any other status would count
 * against its path. */
static void answer_for_server(struct relay_request *request, const struct onion_peeled *peeled)
{
    if (!server_target_ok(peeled->target)) {
        end_sealed_error(request, 400, "Invalid url");
    } else if (!request->relay->preset->server_relay_ok) {
        end_in_clear(request, 502, "Loki Server error");
    } else {
        env_answer(request->relay->env, request->incoming, &(struct message){.status = 200, .content = CONTENT_TEXT});
        request_end(request);
    }
}

static void act_on(struct relay_request *request, enum onion_version version, const struct onion_peeled *peeled)
{
    bool ready = membership_not_ready(request->relay->view) == NULL;

    switch (peeled->kind) {
    case ONION_FINAL:
        execute(request, peeled);
        break;
    case ONION_RELAY_NODE:
        if (ready)
            forward(request, version, peeled);
        else
            end_not_ready(request);
        break;
    case ONION_RELAY_SERVER:
        if (ready)
            answer_for_server(request, peeled);
        else
            end_not_ready(request);
        break;
    case ONION_INVALID:
        end_sealed_error(request, 400, "Invalid json");
        break;
    }
}

static void on_layer(struct relay *relay, struct incoming *incoming, enum onion_version version,
                     const struct onion_layer *layer)
{
    struct relay_request *request = slab_take(&relay->requests);
    struct onion_peeled peeled;
    enum err err;

    if (request == NULL) { /* expected under load: the client takes another path */
        refuse(relay, incoming, layer->hop_no, 503, "Too many open onion requests");
        return;
    }
    request->relay = relay;
    request->incoming = incoming;
    request->hop_no = layer->hop_no;
    env_charge(relay->env, COST_X25519, 1);
    env_charge_bytes(relay->env, COST_SEAL, layer->ciphertext.len);
    err = onion_peel(relay->preset->suite, version, relay->env->arena, &relay->keys->x25519, layer, &peeled);
    request->reply_key = peeled.reply_key;
    crypto_wipe(&peeled.reply_key, sizeof(peeled.reply_key));
    if (err != OK) {
        end_in_clear(request, 400, "Invalid ciphertext");
        return;
    }
    env_trace(relay->env,
              &(struct trace_record){
                  .kind = TRACE_RELAY,
                  .n = {version, peeled.kind, (uint64_t)layer->hop_no, layer->ciphertext.len},
                  .b = {peeled.kind == ONION_RELAY_NODE ? BYTES_OF(peeled.destination.bytes) : BYTES_NONE}});
    act_on(request, version, &peeled);
}

void relay_on_client(struct relay *relay, struct incoming *incoming, enum onion_version version)
{
    struct bytes body = blob_bytes(incoming->in.body);
    struct onion_layer layer;
    const char *why;

    env_charge_bytes(relay->env, COST_PARSE, body.len);
    if (onion_read_outer(version, relay->env->arena, body, &layer, &why) != OK)
        refuse(relay, incoming, 0, 400, why);
    else
        on_layer(relay, incoming, version, &layer);
}

void relay_on_peer(struct relay *relay, struct incoming *incoming, enum onion_version version)
{
    struct bytes body = blob_bytes(incoming->in.body);
    struct onion_layer layer;

    if (incoming->peer_key == NULL) {
        refuse(relay, incoming, 0, 401, "Unknown service node");
        return;
    }
    env_charge_bytes(relay->env, COST_PARSE, body.len);
    if (onion_read_peer(version, relay->env->arena, body, &layer) != OK)
        refuse(relay, incoming, 0, 400, "Incorrect number of messages");
    else if (layer.hop_no > LIMIT_ONION_HOPS) /* before any decryption */
        refuse(relay, incoming, layer.hop_no, 400, "onion request max path length exceeded");
    else
        on_layer(relay, incoming, version, &layer);
}
