#include "client/send.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/onion_request.h"
#include "client/proof.h"
#include "client/swarm_cache.h"
#include "client/swarm_lookup.h"
#include "common/fsm.h"

enum job_state { JOB_FIND_SWARM, JOB_PROVE, JOB_STORE, JOB_PAUSE, JOB_END };

static const struct fsm_state job_states[] = {
    [JOB_FIND_SWARM] = {"find swarm", FSM_TO(JOB_PROVE) | FSM_TO(JOB_PAUSE) | FSM_TO(JOB_END)},
    [JOB_PROVE] = {"prove", FSM_TO(JOB_STORE) | FSM_TO(JOB_END)},
    [JOB_STORE] = {"store", FSM_TO(JOB_FIND_SWARM) | FSM_TO(JOB_PAUSE) | FSM_TO(JOB_END)},
    [JOB_PAUSE] = {"pause", FSM_TO(JOB_FIND_SWARM)},
    [JOB_END] = {"end", 0},
};

/* One of the three: goes from node to node until one stores the message. */
struct connection {
    struct send_job *job;
    struct onion_request request;
    bool open;  /* a request is on its way */
    bool waits; /* for a fresh list of the swarm */
};

struct send_job {
    struct client *client;
    struct outgoing *outgoing;
    struct blob *data;
    struct proof proof; /* body NULL: none yet */
    uint8_t state;
    uint8_t tries_left;        /* of the whole message */
    uint8_t restarts_left;     /* with a new proof */
    uint8_t replacements_left; /* of the swarm by 421 answers */
    bool looked;               /* this try has asked for the swarm already */
    bool looking;              /* `lookup` is under way */
    bool refreshed;            /* the list was used up, and asked for again: once per message */
    bool doubted;              /* so was a 421 that told nothing new: once per message */
    bool restart;              /* once the connections have ended: a new proof */
    enum err stop;             /* likewise: the end; OK: go on */
    enum err failure;          /* of this try, if it was not the nodes: OK: they are used up */
    struct swarm_lookup lookup;
    struct timer timer;
    struct node_queue queue;
    struct connection connections[LIMIT_STORE_CONNECTIONS];
};

static void step(struct send_job *job);

/* --- start and end --- */

void send_start(struct client *client, struct outgoing *outgoing, struct blob *data)
{
    struct send_job *job = xcalloc(1, sizeof *job);

    job->client = client;
    job->outgoing = outgoing;
    job->data = blob_keep(data);
    job->tries_left = LIMIT_SEND_TRIES;
    job->restarts_left = LIMIT_PROOF_RESTARTS;
    for (size_t i = 0; i < ARRAY_LEN(job->connections); i++)
        job->connections[i].job = job;
    outgoing->job = job;
    step(job);
}

void send_free(struct send_job *job)
{
    if (job == NULL)
        return;
    blob_drop(job->lookup.request.body);
    node_queue_fini(&job->queue);
    blob_drop(job->proof.body);
    blob_drop(job->data);
    free(job);
}

static void end(struct send_job *job, enum err err)
{
    struct outgoing *outgoing = job->outgoing;

    fsm_move(&job->state, JOB_END, job_states);
    if (err != OK)
        outbox_set_state(job->outgoing, SEND_FAILED, err);
    send_free(job);
    outbox_job_ended(outgoing);
}

static void on_timer(struct timer *timer)
{
    step(CONTAINER_OF(timer, struct send_job, timer));
}

/* This try has failed: the whole message again, a little later, or never. */
static void try_again(struct send_job *job, enum err err)
{
    if (--job->tries_left == 0) {
        end(job, err);
        return;
    }
    outbox_set_state(job->outgoing, SEND_QUEUED, OK);
    fsm_move(&job->state, JOB_PAUSE, job_states);
    env_timer_start(job->client->env, &job->timer, LIMIT_SEND_PAUSE_MS, on_timer);
}

/* --- the connections --- */

static void on_refreshed(struct swarm_lookup *lookup);
static void on_stored(struct onion_request *request);

static void look_up(struct send_job *job, void (*done)(struct swarm_lookup *lookup))
{
    job->looking = true;
    job->lookup.account = job->outgoing->sent.recipient;
    job->lookup.done = done;
    swarm_lookup_start(&job->lookup, job->client);
}

static bool stopping(const struct send_job *job)
{
    return job->restart || job->stop != OK;
}

/* The queue anew from the cache: without the nodes that have it already or are being asked. */
static void refill(struct send_job *job)
{
    const struct sent *sent = &job->outgoing->sent;
    struct ed25519_public skip[2 * LIMIT_STORE_CONNECTIONS];
    size_t count = 0;

    for (size_t i = 0; i < sent->stored_count; i++)
        skip[count++] = sent->stored_at[i];
    for (size_t i = 0; i < ARRAY_LEN(job->connections); i++)
        if (job->connections[i].open)
            skip[count++] = job->connections[i].request.target.ed25519;
    node_queue_fill(&job->queue, job->client, &sent->recipient, skip, count);
}

/* The next node for a connection; without one, it waits for a fresh list, once per message, or has ended. */
static void advance(struct connection *connection)
{
    struct send_job *job = connection->job;
    struct rpc_snode node;

    if (stopping(job))
        return;
    if (node_queue_take(&job->queue, &node)) {
        connection->open = true;
        connection->request = (struct onion_request){
            .target = node,
            .method = "store",
            .body = job->proof.body,
            .timeout_ms = LIMIT_ONION_TIMEOUT_MS,
            .attempts = LIMIT_STORE_ATTEMPTS,
            .pause_ms = LIMIT_STORE_PAUSE_MS,
            .done = on_stored,
        };
        onion_request_start(&connection->request, job->client);
        return;
    }
    if (!job->refreshed && !job->looking) {
        job->refreshed = true;
        look_up(job, on_refreshed);
    }
    connection->waits = job->looking;
}

/* All connections have ended, one way or another: what now? */
static void settle(struct send_job *job)
{
    if (job->looking)
        return;
    for (size_t i = 0; i < ARRAY_LEN(job->connections); i++)
        if (job->connections[i].open)
            return;
    if (job->outgoing->sent.stored_count > 0) {
        end(job, OK);
    } else if (job->stop != OK) {
        end(job, job->stop);
    } else if (job->restart) {
        job->restart = false;
        blob_drop(job->proof.body);
        job->proof.body = NULL;
        fsm_move(&job->state, JOB_FIND_SWARM, job_states);
        step(job);
    } else {
        try_again(job, job->failure == OK ? ERR_NOT_FOUND : job->failure);
    }
}

static void on_refreshed(struct swarm_lookup *lookup)
{
    struct send_job *job = CONTAINER_OF(lookup, struct send_job, lookup);

    job->looking = false;
    if (lookup->err == OK)
        refill(job);
    for (size_t i = 0; i < ARRAY_LEN(job->connections); i++) {
        if (!job->connections[i].waits)
            continue;
        job->connections[i].waits = false;
        advance(&job->connections[i]);
    }
    settle(job);
}

static void cancel_all(struct send_job *job)
{
    for (size_t i = 0; i < ARRAY_LEN(job->connections); i++)
        if (job->connections[i].open)
            onion_request_cancel(&job->connections[i].request);
}

static void learn_difficulty(struct client *client, struct bytes answer)
{
    uint64_t difficulty;

    client_charge_bytes(client, COST_PARSE, answer.len);
    if (rpc_difficulty_decode(answer, &difficulty) == OK)
        client->difficulty = difficulty;
}

static void stored(struct send_job *job, const struct onion_request *request)
{
    struct sent *sent = &job->outgoing->sent;

    sent->stored_at[sent->stored_count++] = request->target.ed25519;
    learn_difficulty(job->client, request->answer);
    env_trace(job->client->env,
              &(struct trace_record){.kind = TRACE_SEND_STORED,
                                     .n = {sent->number, sent->timestamp_ms, sent->stored_count},
                                     .b = {BYTES_OF(sent->recipient.bytes), BYTES_OF(request->target.ed25519.bytes)}});
    outbox_set_state(job->outgoing, SEND_STORED, OK);
}

/* 432: the whole send anew, with a proof that meets what the node asks. Not once a node has the message: the others get
 * it from there, and a second proof would only make a second copy. False: the node asks for nothing more, and merely
 * refuses. */
static bool prove_again(struct send_job *job, struct bytes answer)
{
    learn_difficulty(job->client, answer);
    if (job->outgoing->sent.stored_count > 0)
        return true;
    if (job->client->difficulty <= job->proof.difficulty || job->restarts_left == 0)
        return false;
    job->restarts_left--;
    job->restart = true;
    cancel_all(job);
    return true;
}

/* 421: another list, from the answer or from a random node. */
static void wrong_swarm(struct send_job *job, const struct onion_request *request)
{
    const struct account_id *recipient = &job->outgoing->sent.recipient;

    if (job->replacements_left == 0) { /* the nodes contradict each other: use up the list */
        swarm_cache_remove(job->client, recipient, &request->target.ed25519, CAUSE_WRONG_SWARM);
        return;
    }
    switch (swarm_cache_wrong(job->client, recipient, &request->target.ed25519, request->answer)) {
    case SWARM_REPLACED:
        job->replacements_left--;
        refill(job);
        return;
    case SWARM_KNOWN:
        return;
    case SWARM_DOUBTED:
        if (job->doubted || job->looking)
            return;
        job->doubted = true;
        node_queue_fini(&job->queue);
        look_up(job, on_refreshed);
        return;
    }
}

static void drop_node(struct send_job *job, const struct onion_request *request)
{
    swarm_cache_remove(job->client, &job->outgoing->sent.recipient, &request->target.ed25519, CAUSE_UNREACHABLE);
}

/* What a node's answer means for the connection and for the message. */
static void judge(struct connection *connection)
{
    struct send_job *job = connection->job;
    struct onion_request *request = &connection->request;

    if (request->failure == ONION_NO_PATH && request->err != ERR_NOT_FOUND) {
        job->failure = request->err; /* no path at all: another node of the swarm is no better off */
        return;
    }
    if (request->failure != ONION_ANSWERED) {
        if (request->failure != ONION_CANCELLED && request->failure != ONION_NO_PATH)
            drop_node(job, request);
        advance(connection);
        return;
    }
    switch (request->status) {
    case 200:
        stored(job, request);
        return;
    case 406:
        if (job->outgoing->sent.stored_count == 0) {
            job->stop = ERR_CLOCK;
            cancel_all(job);
        }
        return;
    case 421:
        wrong_swarm(job, request);
        advance(connection);
        return;
    case 432:
        if (prove_again(job, request->answer))
            return;
        drop_node(job, request);
        advance(connection);
        return;
    default:
        drop_node(job, request);
        advance(connection);
        return;
    }
}

static void on_stored(struct onion_request *request)
{
    struct connection *connection = CONTAINER_OF(request, struct connection, request);
    struct send_job *job = connection->job;

    connection->open = false;
    judge(connection);
    settle(job); /* may free the job */
}

/* --- the message --- */

static void on_swarm(struct swarm_lookup *lookup)
{
    struct send_job *job = CONTAINER_OF(lookup, struct send_job, lookup);

    job->looking = false;
    step(job);
}

static bool prove(struct send_job *job, enum err (*search)(struct client *client, const struct account_id *recipient,
                                                           uint64_t ttl_ms, struct bytes data, struct proof *proof))
{
    struct client *client = job->client;
    struct sent *sent = &job->outgoing->sent;
    enum err err = search(client, &sent->recipient, sent->ttl_ms, blob_bytes(job->data), &job->proof);

    if (err != OK) {
        client->difficulty = 1; /* one node's absurd demand must not end all later messages */
        end(job, err);
        return false;
    }
    sent->trials = job->proof.trials;
    memcpy(sent->hash, job->proof.hash, sizeof sent->hash);
    return true;
}

/*  FIND_SWARM --> PROVE --> STORE --first success, all three ended--> END
 *     ^ ^-------432---------'  |
 *     '------- PAUSE <---------' none stored it: at most 3 tries, 1 s apart, with the same proof */
static void step(struct send_job *job)
{
    struct client *client = job->client;
    uint32_t count;

    for (;;) {
        switch ((enum job_state)job->state) {
        case JOB_FIND_SWARM:
            (void)swarm_cache_get(client, &job->outgoing->sent.recipient, &count);
            if (count < LIMIT_SWARM_MIN && !job->looked) {
                job->looked = true;
                look_up(job, on_swarm);
                return; /* suspended: on_swarm() calls step() */
            }
            if (count == 0) {
                try_again(job, job->lookup.err == OK ? ERR_NOT_FOUND : job->lookup.err);
                return;
            }
            fsm_move(&job->state, JOB_PROVE, job_states);
            if (job->proof.body != NULL)
                continue; /* of an earlier try: still good */
            outbox_set_state(job->outgoing, SEND_PROVING, OK);
            if (prove(job, proof_start)) /* the time it takes is charged: what is due now runs once it is over */
                env_timer_start(client->env, &job->timer, 0, on_timer);
            return; /* suspended: on_timer() calls step() */
        case JOB_PROVE:
            if (job->proof.body == NULL) { /* searched in slices */
                if (prove(job, proof_go_on))
                    env_timer_start(client->env, &job->timer, 0, on_timer);
                return; /* suspended: on_timer() calls step() */
            }
            fsm_move(&job->state, JOB_STORE, job_states);
            outbox_set_state(job->outgoing, SEND_STORING, OK);
            job->replacements_left = LIMIT_SWARM_REPLACED;
            job->failure = OK;
            refill(job);
            for (size_t i = 0; i < ARRAY_LEN(job->connections); i++)
                advance(&job->connections[i]);
            settle(job);
            return; /* suspended: on_stored() and on_refreshed() settle it */
        case JOB_PAUSE:
            job->looked = false;
            fsm_move(&job->state, JOB_FIND_SWARM, job_states);
            continue;
        case JOB_STORE:
        case JOB_END:
            ASSERT(!"a step while the connections work");
            return;
        }
    }
}
