#include "client/listening.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/onion_request.h"
#include "client/presence.h"
#include "client/receive.h"
#include "client/swarm_cache.h"
#include "client/swarm_lookup.h"
#include "common/json.h"

struct listening {
    struct client *client;
    struct rpc_snode node;
    bool has_node;
    uint8_t id[LISTEN_ID_BYTES]; /* of the listening period at this node */
    bool heard;                  /* the node has answered in this period */
    bool moved;                  /* it had another before: contacts are to be told */
    bool waiting;                /* a lookup or a request is under way */
    bool looked;                 /* the swarm was asked for, for this choice */
    bool stopping;
    uint32_t failures;
    uint32_t sent_away; /* 421 in a row: nodes may contradict each other for ever */
    uint64_t got; /* messages in this period */
    int64_t asked_ms;
    struct swarm_lookup lookup;
    struct onion_request request;
    struct timer timer;
};

static void choose(struct listening *listening);
static void ask(struct listening *listening);
static void on_answer(struct onion_request *request);

static void free_listening(struct listening *listening)
{
    blob_drop(listening->request.body);
    blob_drop(listening->lookup.request.body);
    free(listening);
}

static void trace(const struct listening *listening, bool is_heard)
{
    env_trace(listening->client->env, &(struct trace_record){.kind = TRACE_LISTENING,
                                                             .n = {is_heard},
                                                             .b = {BYTES_OF(listening->node.ed25519.bytes)}});
}

/* --- a node --- */

static void on_choose(struct timer *timer)
{
    choose(CONTAINER_OF(timer, struct listening, timer));
}

static void on_ask(struct timer *timer)
{
    ask(CONTAINER_OF(timer, struct listening, timer));
}

static bool finished(struct listening *listening)
{
    if (!listening->stopping)
        return false;
    listening->client->listening = NULL;
    free_listening(listening);
    return true;
}

static void on_swarm(struct swarm_lookup *lookup)
{
    struct listening *listening = CONTAINER_OF(lookup, struct listening, lookup);

    listening->waiting = false;
    if (!finished(listening))
        choose(listening);
}

/* A random node of the own swarm: not the last one, and none of the paths, as long as there are others. */
static bool pick(struct listening *listening)
{
    struct client *client = listening->client;
    struct client_paths paths;
    struct ed25519_public skip[1 + LIMIT_GUARDS * LIMIT_PATH_NODES];
    size_t count = 0;
    struct node_queue queue = {0};

    client_paths(client, &paths);
    if (listening->has_node)
        skip[count++] = listening->node.ed25519;
    for (size_t i = 0; i < paths.count; i++)
        for (size_t j = 0; j < LIMIT_PATH_NODES; j++)
            skip[count++] = paths.nodes[i][j];
    node_queue_fill(&queue, client, &client->account, skip, count);
    if (!node_queue_take(&queue, &listening->node)) {
        node_queue_fill(&queue, client, &client->account, NULL, 0);
        listening->has_node = node_queue_take(&queue, &listening->node);
    } else {
        listening->has_node = true;
    }
    node_queue_fini(&queue);
    return listening->has_node;
}

static void choose(struct listening *listening)
{
    struct client *client = listening->client;
    uint32_t count;

    (void)swarm_cache_get(client, &client->account, &count);
    if (count < LIMIT_SWARM_MIN && !listening->looked) {
        listening->looked = true;
        listening->waiting = true;
        listening->lookup.account = client->account;
        listening->lookup.done = on_swarm;
        swarm_lookup_start(&listening->lookup, client);
        return; /* suspended: on_swarm() chooses again */
    }
    listening->looked = false;
    if (!pick(listening)) {
        env_timer_start(client->env, &listening->timer, LIMIT_POLL_EXHAUSTED_MS, on_choose);
        return; /* suspended: on_choose() */
    }
    env_random(client->env, listening->id, sizeof listening->id);
    listening->failures = 0;
    listening->got = 0;
    ask(listening);
}

/* Contacts go on believing in the old one until the new one has answered. */
static void end_period(struct listening *listening)
{
    if (listening->heard) {
        listening->moved = true;
        trace(listening, false);
    }
    listening->heard = false;
}

static void leave_node(struct listening *listening)
{
    end_period(listening);
    choose(listening);
}

static void leave_swarm(struct listening *listening)
{
    struct client *client = listening->client;

    (void)swarm_cache_wrong(client, &client->account, &listening->node.ed25519, listening->request.answer);
    if (++listening->sent_away <= LIMIT_SWARM_REPLACED) {
        leave_node(listening);
        return;
    }
    listening->sent_away = 0;
    end_period(listening);
    env_timer_start(client->env, &listening->timer, LIMIT_POLL_EXHAUSTED_MS, on_choose);
}

/* --- listening --- */

static void ask(struct listening *listening)
{
    struct client *client = listening->client;
    char account[ACCOUNT_HEX_LEN];
    struct rpc_listen listen = {
        .pubkey = BYTES_OF(account),
        .hold_ms = listening->heard ? LIMIT_LISTEN_HOLD_MS : 0, /* at first: does the node take us at all? */
        .ack = listening->got,
    };
    struct buf body;

    account_to_hex(&client->account, account);
    memcpy(listen.listen_id, listening->id, sizeof listen.listen_id);
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_listen_encode(&body, &listen);
    listening->waiting = true;
    listening->asked_ms = env_now_ms(client->env);
    listening->request = (struct onion_request){
        .target = listening->node,
        .method = "listen",
        .body = blob_from_buf(&body),
        .timeout_ms = LIMIT_ONION_TIMEOUT_MS,
        .attempts = 1,
        .done = on_answer,
    };
    buf_fini(&body);
    onion_request_start(&listening->request, client);
}

/* False: not an answer. */
static bool take_messages(struct listening *listening, size_t *count)
{
    struct client *client = listening->client;
    struct bytes answer = listening->request.answer, messages[LIMIT_DELIVERIES_PER_KEY];
    struct json *document;
    uint32_t lease_ms;

    client_charge_bytes(client, COST_PARSE, answer.len);
    if (rpc_heard_decode(answer, messages, ARRAY_LEN(messages), count, &lease_ms, &document) != OK)
        return false;
    listening->failures = listening->sent_away = 0;
    listening->got += *count;
    if (!listening->heard) {
        listening->heard = true;
        trace(listening, true);
        if (listening->moved)
            presence_moved(client);
        else
            presence_begin(client);
        listening->moved = false;
    }
    for (size_t i = 0; i < *count; i++)
        receive_heard(client, messages[i]);
    json_free(document);
    return true;
}

/* Pauses of 1, 2 and 4 s; after the last one, another node. */
static void failed(struct listening *listening)
{
    struct env *env = listening->client->env;
    uint32_t pause_ms = LIMIT_LISTEN_PAUSE_MS << listening->failures++;

    env_timer_start(env, &listening->timer, pause_ms,
                    listening->failures == LIMIT_LISTEN_FAILURES ? on_choose : on_ask);
    if (listening->failures == LIMIT_LISTEN_FAILURES)
        end_period(listening);
}

static bool is_gone(const struct listening *listening)
{
    return listening->request.failure == ONION_NEXT_NOT_FOUND &&
           snode_pool_find(&listening->client->pool, &listening->node.ed25519) == NODE_NONE;
}

/* 200: take the messages and listen again. Another swarm, or gone: another node. All else: a failure. */
static void judge(struct listening *listening)
{
    struct client *client = listening->client;
    const struct onion_request *request = &listening->request;
    bool answered = request->failure == ONION_ANSWERED;
    bool held = listening->heard;
    size_t count;

    if (answered && request->status == 200 && take_messages(listening, &count)) {
        /* A node may be unable to hold: asking again at once would make both busy for nothing. */
        if (!held || count > 0 || env_now_ms(client->env) - listening->asked_ms >= LIMIT_HELD_MS_MIN)
            ask(listening);
        else
            env_timer_start(client->env, &listening->timer, LIMIT_LISTEN_PAUSE_MS, on_ask);
    } else if (answered && request->status == 421) {
        leave_swarm(listening);
    } else if (is_gone(listening)) {
        leave_node(listening);
    } else {
        failed(listening);
    }
}

static void on_answer(struct onion_request *request)
{
    struct listening *listening = CONTAINER_OF(request, struct listening, request);

    listening->waiting = false;
    blob_drop(request->body);
    request->body = NULL;
    if (!finished(listening))
        judge(listening);
}

/* --- what the user asks for --- */

void listening_start(struct client *client)
{
    struct listening *listening = client->listening;

    if (listening != NULL && !listening->stopping)
        return;
    if (listening != NULL) { /* what is under way ends by itself */
        listening->stopping = false;
        return;
    }
    listening = client->listening = xcalloc(1, sizeof *listening);
    listening->client = client;
    choose(listening);
}

void listening_stop(struct client *client)
{
    struct listening *listening = client->listening;

    if (listening == NULL || listening->stopping)
        return;
    if (listening->heard)
        trace(listening, false);
    listening->heard = listening->moved = false;
    presence_stop(client);
    env_timer_stop(client->env, &listening->timer);
    listening->stopping = true;
    if (!listening->waiting)
        (void)finished(listening);
}

bool client_listening(const struct client *client)
{
    return client->listening != NULL && client->listening->heard;
}

void listening_status(const struct client *client, struct listen_status *status)
{
    *status = (struct listen_status){.reachable = client_listening(client)};
    if (!status->reachable)
        return;
    status->node = client->listening->node.ed25519;
    status->valid_s = LIMIT_STATUS_VALID_S;
}

bool listening_busy(const struct client *client)
{
    return client->listening != NULL;
}

void listening_free(struct client *client)
{
    if (client->listening != NULL)
        free_listening(client->listening);
    client->listening = NULL;
}
