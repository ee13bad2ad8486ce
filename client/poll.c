#include "client/poll.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/last_hash.h"
#include "client/onion_request.h"
#include "client/receive.h"
#include "client/storage.h"
#include "client/swarm_cache.h"
#include "client/swarm_lookup.h"

struct poller {
    struct poll_round *round;
    struct onion_request request;
    struct timer timer; /* runs between two polls */
    struct rpc_snode node;
    uint32_t pages; /* full answers in a row */
    int64_t asked_ms;
    bool busy;  /* has a node: a request or the timer is running */
    bool waits; /* for a fresh list of the swarm */
};

/* From the choice of three nodes until nobody polls any more: one list of the own swarm, used up by the pollers. */
struct poll_round {
    struct client *client;
    struct swarm_lookup lookup;
    bool looking;
    bool refreshed; /* the swarm was asked for again, after a 421 that told nothing new or because the list was used
                     * up: once until a poll succeeds */
    uint8_t replacements_left;
    struct timer timer; /* the pause before the next round */
    struct node_queue queue;
    struct poller pollers[LIMIT_POLLERS];
};

struct poll {
    bool listening, hold;
    bool stopping;            /* the round ends at the next answers; then, if listening, another begins at once */
    bool once_more;           /* a single poll was asked for while the round was stopping */
    struct poll_round *round; /* NULL: nobody polls */
    struct last_hashes hashes;
};

static void begin(struct poll_round *round);
static void settle(struct poll_round *round);
static void on_retrieved(struct onion_request *request);
static void on_swarm(struct swarm_lookup *lookup);

static void look_up(struct poll_round *round)
{
    round->looking = true;
    round->lookup.account = round->client->account;
    round->lookup.done = on_swarm;
    swarm_lookup_start(&round->lookup, round->client);
}

/* --- one poller --- */

static void ask(struct poller *poller)
{
    struct poll_round *round = poller->round;
    struct client *client = round->client;
    struct poll *poll = client->poll;
    char account[ACCOUNT_HEX_LEN], hash[LAST_HASH_HEX_LEN];
    struct buf body;

    account_to_hex(&client->account, account);
    struct rpc_retrieve retrieve = {
        .pubkey = BYTES_OF(account),
        .last_hash = {(const uint8_t *)hash,
                      last_hash_get(&poll->hashes, &poller->node.ed25519, env_now_ms(client->env), hash)},
    };
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_retrieve_encode(&body, &retrieve);
    poller->busy = true;
    poller->asked_ms = env_now_ms(client->env);
    poller->request = (struct onion_request){
        .target = poller->node,
        .method = "retrieve",
        .body = blob_from_buf(&body),
        .long_poll = poll->listening && poll->hold,
        .timeout_ms = LIMIT_POLL_TIMEOUT_MS,
        .attempts = LIMIT_POLL_ATTEMPTS,
        .pause_ms = LIMIT_POLL_PAUSE_FAILED_MS,
        .done = on_retrieved,
    };
    buf_fini(&body);
    onion_request_start(&poller->request, client);
}

/* The next node of the list; without one, it waits for a fresh list, or has ended. */
static void advance(struct poller *poller)
{
    struct poll_round *round = poller->round;

    poller->busy = false;
    poller->pages = 0;
    if (round->client->poll->stopping)
        return;
    if (node_queue_take(&round->queue, &poller->node)) {
        ask(poller);
        return;
    }
    if (!round->refreshed && !round->looking) {
        round->refreshed = true;
        look_up(round);
    }
    poller->waits = round->looking;
}

static void on_poll_again(struct timer *timer)
{
    ask(CONTAINER_OF(timer, struct poller, timer));
}

/* After the messages, whose syncs were asked for: never durable before them. */
static void save_hashes(struct client *client)
{
    struct buf value;

    storage_value_init(&value);
    last_hashes_encode(&client->poll->hashes, &value);
    storage_put(client, STORAGE_HASHES, BYTES_NONE, &value);
}

/* Takes the messages; how many were in the answer, and how many of them new. ERR_FORMAT: not an answer. */
static enum err take_messages(struct poller *poller, size_t *count, size_t *new_count)
{
    struct client *client = poller->round->client;
    const struct onion_request *request = &poller->request;
    struct rpc_message messages[LIMIT_RETRIEVE_MESSAGES];
    struct json *document;

    *count = *new_count = 0;
    client_charge_bytes(client, COST_PARSE, request->answer.len);
    if (rpc_messages_decode(request->answer, messages, LIMIT_RETRIEVE_MESSAGES, count, &document) != OK)
        return ERR_FORMAT;
    for (size_t i = 0; i < *count; i++)
        *new_count += receive_stored(client, &messages[i]);
    if (*count > 0) {
        last_hash_put(&client->poll->hashes, &poller->node.ed25519, env_now_ms(client->env), messages[*count - 1].hash,
                      messages[*count - 1].expiration_ms);
        save_hashes(client);
    }
    json_free(document);
    return OK;
}

/* The node has answered: there is more; or again, at once or after a pause; or this poller has done its part. */
static void after_messages(struct poller *poller, size_t count)
{
    struct client *client = poller->round->client;
    const struct poll *poll = client->poll;

    poller->round->refreshed = false;
    if (poll->stopping) {
        poller->busy = false;
        return;
    }
    if (count == LIMIT_RETRIEVE_MESSAGES && ++poller->pages < LIMIT_POLL_PAGES) {
        ask(poller);
        return;
    }
    poller->pages = 0;
    if (!poll->listening) {
        poller->busy = false;
        return;
    }
    /* A node may be unable to hold: asking again at once would make both of them busy for nothing. */
    bool held = poll->hold && (count > 0 || env_now_ms(client->env) - poller->asked_ms >= LIMIT_HELD_MS_MIN);
    if (held && count < LIMIT_RETRIEVE_MESSAGES)
        ask(poller);
    else
        env_timer_start(client->env, &poller->timer, LIMIT_POLL_PAUSE_MS, on_poll_again);
}

/* --- the swarm --- */

/* The list anew from the cache, without the nodes that are being polled. */
static void refill(struct poll_round *round)
{
    struct ed25519_public skip[LIMIT_POLLERS];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(round->pollers); i++)
        if (round->pollers[i].busy)
            skip[count++] = round->pollers[i].node.ed25519;
    node_queue_fill(&round->queue, round->client, &round->client->account, skip, count);
}

static void on_swarm(struct swarm_lookup *lookup)
{
    struct poll_round *round = CONTAINER_OF(lookup, struct poll_round, lookup);

    round->looking = false;
    refill(round); /* a lookup in vain leaves what was known */
    for (size_t i = 0; i < ARRAY_LEN(round->pollers); i++) {
        if (!round->pollers[i].waits)
            continue;
        round->pollers[i].waits = false;
        advance(&round->pollers[i]);
    }
    settle(round);
}

static void wrong_swarm(struct poller *poller)
{
    struct poll_round *round = poller->round;
    struct client *client = round->client;
    const struct ed25519_public *node = &poller->node.ed25519;

    if (round->replacements_left == 0) { /* the nodes contradict each other: use up the list */
        swarm_cache_remove(client, &client->account, node, CAUSE_WRONG_SWARM);
        return;
    }
    switch (swarm_cache_wrong(client, &client->account, node, poller->request.answer)) {
    case SWARM_REPLACED:
        round->replacements_left--;
        refill(round);
        return;
    case SWARM_KNOWN:
        return;
    case SWARM_DOUBTED:
        if (round->refreshed || round->looking)
            return;
        node_queue_fini(&round->queue); /* so that advance() asks for the swarm */
        return;
    }
}

/* 200: take the messages and go on. 421: another list. All else: this node is left for the next. */
static void judge(struct poller *poller)
{
    struct client *client = poller->round->client;
    const struct onion_request *request = &poller->request;
    size_t count = 0, new_count = 0;
    bool answered = request->failure == ONION_ANSWERED;
    bool good = answered && request->status == 200 && take_messages(poller, &count, &new_count) == OK;

    env_trace(client->env, &(struct trace_record){.kind = TRACE_POLL,
                                                  .n = {count, new_count, request->status},
                                                  .b = {BYTES_OF(poller->node.ed25519.bytes)}});
    if (good) {
        after_messages(poller, count);
        return;
    }
    if (answered && request->status == 421)
        wrong_swarm(poller);
    else if (request->failure != ONION_CANCELLED && request->failure != ONION_NO_PATH)
        swarm_cache_remove(client, &client->account, &poller->node.ed25519, CAUSE_UNREACHABLE);
    advance(poller);
}

static void on_retrieved(struct onion_request *request)
{
    struct poller *poller = CONTAINER_OF(request, struct poller, request);
    struct poll_round *round = poller->round;

    blob_drop(request->body);
    request->body = NULL;
    judge(poller);
    settle(round); /* may free the round */
}

/* --- a round --- */

static void on_round_pause_over(struct timer *timer)
{
    begin(CONTAINER_OF(timer, struct poll_round, timer));
}

static void free_round(struct poll_round *round)
{
    if (round == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(round->pollers); i++)
        blob_drop(round->pollers[i].request.body);
    blob_drop(round->lookup.request.body);
    node_queue_fini(&round->queue);
    free(round);
}

/* Once no poller has a node any more: a single poll is over, a listener starts from scratch. */
static void settle(struct poll_round *round)
{
    struct client *client = round->client;
    struct poll *poll = client->poll;
    bool stopped = poll->stopping, goes_on = poll->listening || poll->once_more;

    if (round->looking)
        return;
    for (size_t i = 0; i < ARRAY_LEN(round->pollers); i++)
        if (round->pollers[i].busy)
            return;
    poll->stopping = poll->once_more = false;
    if (goes_on) {
        env_timer_start(client->env, &round->timer, stopped ? 0 : LIMIT_POLL_EXHAUSTED_MS, on_round_pause_over);
        return;
    }
    poll->round = NULL;
    free_round(round);
}

static void begin(struct poll_round *round)
{
    uint32_t count;

    round->refreshed = false;
    round->replacements_left = LIMIT_SWARM_REPLACED;
    for (size_t i = 0; i < ARRAY_LEN(round->pollers); i++)
        round->pollers[i] = (struct poller){.round = round, .waits = true};
    (void)swarm_cache_get(round->client, &round->client->account, &count);
    if (count < LIMIT_SWARM_MIN) {
        round->refreshed = true;
        look_up(round);
    } else {
        on_swarm(&round->lookup);
    }
}

/* --- what the user asks for --- */

static struct poll *poll_of(struct client *client)
{
    if (client->poll == NULL)
        client->poll = xcalloc(1, sizeof *client->poll);
    return client->poll;
}

bool poll_load(struct client *client, struct bytes value)
{
    return last_hashes_decode(&poll_of(client)->hashes, value) == OK;
}

static void start(struct client *client)
{
    struct poll *poll = poll_of(client);

    if (poll->round != NULL)
        return;
    poll->round = xcalloc(1, sizeof *poll->round);
    poll->round->client = client;
    begin(poll->round);
}

void poll_once(struct client *client)
{
    struct poll *poll = poll_of(client);

    poll->once_more = poll->stopping && !poll->listening;
    start(client);
}

void poll_listen_start(struct client *client, bool hold)
{
    struct poll *poll = poll_of(client);

    if (poll->round != NULL && !poll->listening)
        poll->stopping = true; /* a single poll ends first, at its next answers; then all three begin anew */
    poll->listening = true;
    poll->hold = hold;
    start(client);
}

void poll_listen_stop(struct client *client)
{
    struct poll *poll = client->poll;

    if (poll == NULL || !poll->listening)
        return;
    poll->listening = false;
    struct poll_round *round = poll->round;
    poll->stopping = true;
    env_timer_stop(client->env, &round->timer);
    for (size_t i = 0; i < ARRAY_LEN(round->pollers); i++) {
        struct poller *poller = &round->pollers[i];
        if (!poller->busy)
            continue;
        if (timer_running(&poller->timer)) {
            env_timer_stop(client->env, &poller->timer);
            poller->busy = false;
        } else {
            onion_request_cancel(&poller->request);
        }
    }
    settle(round);
}

bool poll_running(const struct client *client)
{
    return client->poll != NULL && client->poll->round != NULL;
}

void poll_free(struct client *client)
{
    if (client->poll == NULL)
        return;
    free_round(client->poll->round);
    last_hashes_fini(&client->poll->hashes);
    free(client->poll);
    client->poll = NULL;
}
