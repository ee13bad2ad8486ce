#include "node/snode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "common/text.h"
#include "node/admission.h"
#include "node/listen.h"
#include "node/membership.h"
#include "node/methods.h"
#include "node/monitor.h"
#include "node/rate_limit.h"
#include "node/recursive.h"
#include "node/relay.h"
#include "node/replicate.h"
#include "node/rpc_reply.h"
#include "node/store.h"
#include "node/store_record.h"
#include "proto/storage_rpc.h"

/* What GET /get_stats/v1 says: the server whose dialect this is. */
#define VERSION        "2.0.7"
#define VERSION_MODERN "2.8.0"

struct snode {
    struct env *env;
    const struct snode_preset *preset;
    struct body_pool *bodies;
    struct membership_view view;
    struct difficulty difficulty;
    struct store store;
    struct long_poll long_poll;
    struct listen listen;
    struct monitor *monitor; /* NULL until somebody subscribes */
    struct replicate replicate;
    struct relay relay;
    struct methods methods;
    struct rate_limit *rate_limit; /* NULL until a direct client comes */
};

enum err spoken_from_text(const char *text, enum spoken *out)
{
    static const char *const names[] = {[SPEAKS_BOTH] = "both", [SPEAKS_ERA] = "era", [SPEAKS_MODERN] = "modern"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum spoken)i;
            return OK;
        }
    return ERR_FORMAT;
}

/* ---- the parts, put together ---- */

/* A client's message and a replica alike: whoever waits for that account gets it. */
static void on_stored(void *owner, struct stored_body *body)
{
    struct snode *snode = owner;

    if (snode->monitor != NULL)
        monitor_notify(snode->monitor, body);
    if (body->namespace == 0) /* all that the era sees */
        long_poll_notify(&snode->long_poll, body);
}

static void on_onion_final(void *owner, struct bytes rpc_body, bool long_poll, struct relay_request *request)
{
    struct snode *snode = owner;
    struct rpc_reply reply = rpc_reply_onion(snode->env, request);

    methods_execute(&snode->methods, rpc_body, long_poll ? LIMIT_LONG_POLL_ONION_MS : 0, &reply);
}

static void each_body(void *owner, body_fn each, void *each_owner)
{
    struct snode *snode = owner;

    store_each(&snode->store, each, each_owner);
}

static void each_revoked(void *owner, revoked_fn each, void *each_owner)
{
    struct snode *snode = owner;

    store_each_revoked(&snode->store, each, each_owner);
}

/* Account and hash are hex of their size: replicate_receive() has checked the framing. */
static void trace_replica_refused(struct env *env, const struct peer_message *message, enum err reason)
{
    struct account_id account;
    uint8_t hash[POW_HASH_BYTES];

    if (account_from_hex(&account, message->pubkey) != OK || hex_decode(hash, sizeof(hash), message->hash) != OK)
        return;
    env_trace(env, &(struct trace_record){.kind = TRACE_REPLICA_REFUSED,
                                          .n = {(uint64_t)reason},
                                          .b = {BYTES_OF(account.bytes), BYTES_OF(hash)}});
}

/* One message of a peer's batch. It is not relayed further, and its account need not be ours (PROTOCOL 3.9). One that
 * fails a check is dropped without a word to the peer. */
static void accept_replica(void *owner, const struct peer_message *message)
{
    struct snode *snode = owner;
    struct stored_body *body;
    enum err err =
        admission_of_replica(snode->env, snode->preset->suite, &snode->difficulty, message, snode->bodies, &body);

    if (err == OK) {
        err = store_put(&snode->store, body, CAUSE_RELAY, NULL, NULL);
        body_drop(body);
    }
    if (err != OK && err != ERR_DUPLICATE)
        trace_replica_refused(snode->env, message, err);
}

static void accept_record(struct snode *snode, struct bytes content)
{
    struct stored_body *body = store_record_decode(content, snode->bodies);
    enum err err;

    if (body == NULL)
        return;
    err = admission_of_record(snode->env, snode->preset->suite, &snode->difficulty, body);
    if (err == OK)
        err = store_put(&snode->store, body, CAUSE_RELAY, NULL, NULL);
    if (err != OK && err != ERR_DUPLICATE)
        env_trace(snode->env, &(struct trace_record){.kind = TRACE_REPLICA_REFUSED,
                                                     .n = {(uint64_t)err},
                                                     .b = {BYTES_OF(body->account.bytes), BYTES_OF(body->hash)}});
    body_drop(body);
}

static void accept_revoked(struct snode *snode, struct bytes content)
{
    struct account_id account;
    struct subaccount_token tokens[LIMIT_REVOCATIONS];
    size_t bytes = content.len - sizeof(account);

    if (content.len < sizeof(account) || bytes > sizeof(tokens) || bytes % sizeof(tokens[0]) != 0)
        return;
    memcpy(account.bytes, content.data, sizeof(account.bytes));
    memcpy(tokens, content.data + sizeof(account), bytes);
    store_revoke_older(&snode->store, &account, tokens, bytes / sizeof(tokens[0]));
}

/* One part of a batch of parts; of a kind not known here: nothing. */
static void accept_part(void *owner, const struct peer_part *part)
{
    if (part->kind == PEER_PART_MESSAGE)
        accept_record(owner, part->content);
    else if (part->kind == PEER_PART_REVOKED)
        accept_revoked(owner, part->content);
}

struct snode *snode_new(const struct snode_config *config)
{
    struct snode *snode = xcalloc(1, sizeof(*snode));

    snode->env = config->env;
    snode->preset = config->preset;
    snode->bodies = config->bodies;
    difficulty_init(&snode->difficulty, config->env, config->preset->difficulty_initial);
    store_init(&snode->store, config->env, config->preset->store_bytes_max, LIMIT_STORE_RECORDS, snode, on_stored);
    long_poll_init(&snode->long_poll, config->env);
    listen_init(&snode->listen, config->env, &snode->view);
    replicate_init(&snode->replicate, config, &snode->view);
    membership_init(&snode->view, config, &snode->replicate, each_body, snode);
    snode->view.revoked_each = each_revoked;
    relay_init(&snode->relay, config, &snode->view, snode, on_onion_final);
    snode->methods = (struct methods){.env = config->env,
                                      .suite = config->preset->suite,
                                      .bodies = config->bodies,
                                      .view = &snode->view,
                                      .difficulty = &snode->difficulty,
                                      .store = &snode->store,
                                      .long_poll = &snode->long_poll,
                                      .replicate = &snode->replicate,
                                      .listen = &snode->listen,
                                      .keys = config->keys,
                                      .spoken = config->preset->spoken};
    methods_init(&snode->methods);
    return snode;
}

size_t snode_start(struct snode *snode)
{
    return store_start(&snode->store, snode->bodies);
}

void snode_free(struct snode *snode)
{
    methods_fini(&snode->methods);
    relay_fini(&snode->relay);
    replicate_fini(&snode->replicate);
    monitor_free(snode->monitor);
    listen_fini(&snode->listen);
    long_poll_fini(&snode->long_poll);
    store_fini(&snode->store);
    difficulty_fini(&snode->difficulty);
    rate_limit_free(snode->rate_limit);
    free(snode);
}

void snode_on_membership(struct snode *snode, const struct membership *membership)
{
    membership_update(&snode->view, membership);
    listen_on_membership(&snode->listen);
}

void snode_on_difficulty(struct snode *snode, const struct pow_record records[], size_t count)
{
    difficulty_read(&snode->difficulty, records, count);
}

/* ---- one function per path ---- */

static bool wants_long_poll(const struct message *in)
{
    for (size_t i = 0; i < in->header_count; i++) {
        struct bytes name = in->headers[i].name;

        if (name.len == sizeof(HEADER_LONG_POLL) - 1 &&
            strncasecmp((const char *)name.data, HEADER_LONG_POLL, name.len) == 0)
            return true;
    }
    return false;
}

static void on_rpc(struct snode *snode, struct incoming *incoming)
{
    struct rpc_reply reply = rpc_reply_direct(snode->env, incoming);

    methods_execute(&snode->methods, blob_bytes(incoming->in.body),
                    wants_long_poll(&incoming->in) ? LIMIT_LONG_POLL_MS : 0, &reply);
}

static void on_onion_v1(struct snode *snode, struct incoming *incoming)
{
    relay_on_client(&snode->relay, incoming, ONION_V1);
}

static void on_onion_v2(struct snode *snode, struct incoming *incoming)
{
    relay_on_client(&snode->relay, incoming, ONION_V2);
}

static void on_peer_onion_v1(struct snode *snode, struct incoming *incoming)
{
    relay_on_peer(&snode->relay, incoming, ONION_V1);
}

static void on_peer_onion_v2(struct snode *snode, struct incoming *incoming)
{
    relay_on_peer(&snode->relay, incoming, ONION_V2);
}

static void answer_empty(struct snode *snode, struct incoming *incoming)
{
    env_answer(snode->env, incoming, &(struct message){.status = 200, .content = CONTENT_NONE});
}

/* A batch, or a batch of one. */
static void on_push(struct snode *snode, struct incoming *incoming)
{
    (void)replicate_receive(&snode->replicate, blob_bytes(incoming->in.body), accept_replica, snode);
    answer_empty(snode, incoming);
}

static void on_storage_cc(struct snode *snode, struct incoming *incoming)
{
    modern_on_forwarded(&snode->methods, incoming);
}

/* Neither messages of today nor revocations carry a proof of their own: only who is known to be a node is believed. */
static void on_push_parts(struct snode *snode, struct incoming *incoming)
{
    if (membership_find(&snode->view, incoming->peer_key) == NULL) {
        env_answer_text(snode->env, incoming, 401, "Unknown service node");
        return;
    }
    replicate_receive_parts(&snode->replicate, blob_bytes(incoming->in.body), accept_part, snode);
    answer_empty(snode, incoming);
}

static void answer_unknown(struct snode *snode, struct incoming *incoming)
{
    struct bytes path = incoming->in.path;
    int shown = path.len > LIMIT_PATH_BYTES ? LIMIT_PATH_BYTES : (int)path.len;
    bool get = incoming->in.verb == VERB_GET, modern = snode->preset->spoken == SPEAKS_MODERN;
    const char *text =
        modern ? arena_printf(snode->env->arena, "%s %.*s Not Found", get ? "get" : "post", shown, (const char *)path.data)
               : arena_printf(snode->env->arena, "unknown target for %s: %.*s", get ? "GET" : "POST", shown,
                              (const char *)path.data);

    env_answer_text(snode->env, incoming, 404, text);
}

/* The era knows none of these. */
static bool is_known(struct snode *snode, struct incoming *incoming)
{
    if (snode->preset->spoken != SPEAKS_ERA)
        return true;
    answer_unknown(snode, incoming);
    return false;
}

static void on_monitor(struct snode *snode, struct incoming *incoming)
{
    if (!is_known(snode, incoming))
        return;
    if (snode->monitor == NULL)
        snode->monitor = monitor_new(snode->env, snode->preset->suite, &snode->store);
    monitor_on_request(snode->monitor, incoming);
}

/* Anybody may ask whether this node can be reached, and which it is. */
static void on_ping(struct snode *snode, struct incoming *incoming)
{
    const struct snode_entry *own = membership_find(&snode->view, &snode->methods.keys->ed25519);
    char key[BASE64_LEN(32)];
    const struct header header = {BYTES_LIT("X-Oxen-Snode-Pubkey"), {(const uint8_t *)key, sizeof(key)}};
    struct message message = {.status = 200, .headers = &header};

    if (!is_known(snode, incoming))
        return;
    if (own != NULL) { /* before it knows itself as a member, a node has no such key */
        base64_encode(key, BYTES_OF(own->legacy));
        message.header_count = 1;
    }
    env_answer(snode->env, incoming, &message);
}

static void on_stats(struct snode *snode, struct incoming *incoming)
{
    struct bytes version = snode->preset->spoken == SPEAKS_MODERN ? BYTES_LIT("{\"version\":\"" VERSION_MODERN "\"}")
                                                                  : BYTES_LIT("{\"version\":\"" VERSION "\"}");

    env_answer_json(snode->env, incoming, 200, version);
}

/* ---- routing ---- */

enum caller {
    ANYBODY,
    CLIENT, /* counted by address */
    PEER    /* an authenticated node; others are answered 401 */
};

static const struct route {
    enum verb verb;
    const char *path;
    enum caller caller;
    bool gated; /* answered only while the node is ready; onion relaying has a text of its own for that */
    void (*run)(struct snode *snode, struct incoming *incoming);
} routes[] = {
    {VERB_POST, PATH_STORAGE_RPC, CLIENT, true, on_rpc},
    {VERB_POST, PATH_ONION_V2, CLIENT, false, on_onion_v2},
    {VERB_POST, PATH_ONION_V1, CLIENT, false, on_onion_v1},
    {VERB_POST, PATH_SN_ONION_V2, PEER, false, on_peer_onion_v2},
    {VERB_POST, PATH_SN_ONION_V1, PEER, false, on_peer_onion_v1},
    {VERB_POST, PATH_SN_STORAGE_CC, PEER, true, on_storage_cc},
    {VERB_POST, PATH_PUSH_BATCH, PEER, true, on_push},
    {VERB_POST, PATH_PUSH, PEER, true, on_push},
    {VERB_POST, PATH_PUSH_PARTS, PEER, true, on_push_parts},
    {VERB_POST, PATH_MONITOR, CLIENT, true, on_monitor},
    {VERB_POST, PATH_PING, ANYBODY, false, on_ping},
    {VERB_POST, PATH_PING_TEST, ANYBODY, false, answer_empty},
    {VERB_GET, PATH_STATS, ANYBODY, false, on_stats},
};

static const struct route *find_route(const struct message *in)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (routes[i].verb == in->verb && bytes_equal_text(in->path, routes[i].path))
            return &routes[i];
    return NULL;
}

/* A node that calls a path of clients is none: its tokens would be its host's. */
static bool within_rate(struct snode *snode, const struct incoming *incoming)
{
    uint32_t ip = incoming->from.ip;

    if (!snode->preset->rate_limit || incoming->peer_key != NULL)
        return true;
    if (snode->preset->loopback_unlimited && ip >> 24 == 127)
        return true;
    if (snode->rate_limit == NULL)
        snode->rate_limit = rate_limit_new();
    if (rate_limit_take(snode->rate_limit, ip, env_now_ms(snode->env)))
        return true;
    env_trace(snode->env, &(struct trace_record){.kind = TRACE_RATE_LIMITED, .n = {ip}});
    return false;
}

/* Every POST is refused while the node is not ready, before it is looked at further (PROTOCOL 3.2). */
void snode_on_request(struct snode *snode, struct incoming *incoming)
{
    const struct message *in = &incoming->in;
    const struct route *route = find_route(in);
    bool gated = route == NULL ? in->verb == VERB_POST : route->gated;
    const char *not_ready = gated ? membership_not_ready(&snode->view) : NULL;

    env_charge(snode->env, COST_REQUEST, 1);
    if (in->body != NULL && in->body->len > LIMIT_BODY_BYTES) {
        env_answer_text(snode->env, incoming, 413, "Request body too large");
        return;
    }
    if (not_ready != NULL) {
        env_answer_text(snode->env, incoming, 503, not_ready);
        return;
    }
    if (route == NULL) {
        answer_unknown(snode, incoming);
        return;
    }
    if (route->caller == PEER && incoming->peer_key == NULL) {
        env_answer_text(snode->env, incoming, 401, "Unknown service node");
        return;
    }
    if (route->caller == CLIENT && !within_rate(snode, incoming)) {
        env_answer_text(snode->env, incoming, 429, "too many requests\n");
        return;
    }
    route->run(snode, incoming);
}

/* ---- reading ---- */

void snode_counts(const struct snode *snode, struct snode_counts *out)
{
    const struct store_counts *store = &snode->store.counts;

    *out = (struct snode_counts){.records = store->records,
                                 .bytes = store->bytes,
                                 .stored = store->stored,
                                 .duplicates = store->duplicates,
                                 .refused_full = store->refused_full,
                                 .expired = store->expired,
                                 .onions_open = relay_open_count(&snode->relay),
                                 .listeners = snode->long_poll.count,
                                 .pushes_waiting_bytes = snode->replicate.waiting_bytes,
                                 .pushes_given_up = snode->replicate.given_up_count,
                                 .leases = snode->listen.leases,
                                 .listens_open = snode->listen.open,
                                 .deliveries_waiting = snode->listen.deliveries,
                                 .deliveries_waiting_bytes = snode->listen.delivery_bytes};
}

bool snode_holds(const struct snode *snode, const uint8_t hash[64])
{
    return store_holds(&snode->store, hash);
}

size_t snode_held_for(const struct snode *snode, const struct account_id *account)
{
    return store_held_for(&snode->store, account);
}

const struct membership *snode_membership(const struct snode *snode)
{
    return snode->view.now;
}

uint64_t snode_swarm_id(const struct snode *snode)
{
    return snode->view.swarm_id;
}
