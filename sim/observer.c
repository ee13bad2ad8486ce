#include "sim/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "proto/envelope.h"
#include "proto/peer_rpc.h"
#include "proto/storage_rpc.h"

/* Two sightings are the same bytes if these are: keyed for nobody, since nobody here forges collisions. */
static const uint8_t print_key[16] = "swarmbed observe";

/* A request that is not answered yet. */
struct open_sighting {
    uint64_t connection;
    struct sighting *sighting;
};

/* What one node's operator writes down: its seat's thread alone touches it while the world runs. */
struct notebook {
    uint32_t node;
    const struct crypto_suite *suite;
    const struct snode_keys *keys;
    struct arena arena;
    struct sighting **sightings;
    size_t count, cap;
    uint64_t lost;
    struct table open;
};

struct observer {
    uint32_t *nodes; /* as asked for; after the start ascending, each once */
    size_t node_count, node_cap;
    struct notebook *notebooks; /* one per node of `nodes` */
    uint32_t *notebook_of_seat; /* its index + 1; 0: not observed */
    uint32_t seat_count;
};

/* ---- who is observed ---- */

struct observer *observer_new(void)
{
    return xcalloc(1, sizeof(struct observer));
}

static void notebook_fini(struct notebook *notebook)
{
    uint32_t cursor = 0;

    for (void *open; (open = table_next(&notebook->open, &cursor)) != NULL;)
        free(open);
    table_fini(&notebook->open);
    for (size_t i = 0; i < notebook->count; i++)
        free(notebook->sightings[i]);
    free(notebook->sightings);
    arena_fini(&notebook->arena);
}

void observer_free(struct observer *observer)
{
    if (observer == NULL)
        return;
    if (observer->notebooks != NULL)
        for (size_t i = 0; i < observer->node_count; i++)
            notebook_fini(&observer->notebooks[i]);
    free(observer->notebooks);
    free(observer->notebook_of_seat);
    free(observer->nodes);
    free(observer);
}

void observer_ask(struct observer *observer, uint32_t node)
{
    size_t at = observer->node_count;

    while (at > 0 && observer->nodes[at - 1] > node)
        at--;
    if (at > 0 && observer->nodes[at - 1] == node)
        return;
    if (observer->node_count == observer->node_cap) {
        observer->node_cap = observer->node_cap == 0 ? 16 : 2 * observer->node_cap;
        observer->nodes = xrealloc(observer->nodes, observer->node_cap * sizeof(uint32_t));
    }
    memmove(&observer->nodes[at + 1], &observer->nodes[at], (observer->node_count++ - at) * sizeof(uint32_t));
    observer->nodes[at] = node;
}

static struct bytes open_key(const void *value)
{
    const struct open_sighting *open = value;

    return (struct bytes){(const uint8_t *)&open->connection, sizeof(open->connection)};
}

enum err observer_start(struct observer *observer, struct testbed *testbed, uint32_t *node)
{
    uint32_t known = testbed_node_count(testbed);

    for (size_t i = 0; i < observer->node_count; i++)
        if (observer->nodes[i] >= known) {
            *node = observer->nodes[i];
            return ERR_NOT_FOUND;
        }
    if (observer->node_count == 0)
        for (uint32_t i = 0; i < known; i++)
            observer_ask(observer, i);
    observer->seat_count = world_seat_count(testbed_world(testbed));
    observer->notebook_of_seat = xcalloc(observer->seat_count, sizeof(uint32_t));
    observer->notebooks = xcalloc(observer->node_count, sizeof(struct notebook));
    for (size_t i = 0; i < observer->node_count; i++) {
        struct notebook *notebook = &observer->notebooks[i];

        *notebook = (struct notebook){.node = observer->nodes[i],
                                      .suite = testbed_suite(testbed),
                                      .keys = testbed_node_keys(testbed, observer->nodes[i])};
        arena_init(&notebook->arena);
        table_init(&notebook->open, open_key, 1);
        observer->notebook_of_seat[testbed_node_seat(testbed, observer->nodes[i])] = (uint32_t)i + 1;
    }
    return OK;
}

/* ---- reading what a node can read ---- */

static uint64_t print_of(struct bytes bytes)
{
    uint64_t print = hash_sip(print_key, bytes);

    return print == 0 ? 1 : print; /* 0 stands for "none" */
}

static void read_account(struct sighting *sighting, struct bytes pubkey)
{
    sighting->has_account = account_from_hex(&sighting->account, pubkey) == OK;
}

static void read_wire(struct notebook *notebook, struct sighting *sighting, struct bytes wire)
{
    struct envelope envelope;

    if (envelope_unwrap(wire, &notebook->arena, &envelope) != OK)
        return;
    sighting->has_source = true;
    sighting->source = envelope.source;
}

static void read_envelope(struct notebook *notebook, struct sighting *sighting, struct bytes data)
{
    size_t len = BASE64_MAX_DECODED(data.len);
    uint8_t *wire = arena_alloc(&notebook->arena, len);

    if (base64_decode(wire, &len, data) == OK)
        read_wire(notebook, sighting, (struct bytes){wire, len});
}

static void read_params(struct notebook *notebook, struct sighting *sighting, const struct json *params)
{
    struct bytes text;

    if (json_get_string(params, "pubKey", &text) == OK)
        read_account(sighting, text);
    sighting->has_proof =
        json_get(params, "nonce") != NULL || json_get(params, "ttl") != NULL || json_get(params, "timestamp") != NULL;
    if (json_get_string(params, "data", &text) == OK)
        read_envelope(notebook, sighting, text);
}

/* ---- today's calls ---- */

/* NULL: the notebook is full. */
static struct sighting *add_sighting(struct notebook *notebook)
{
    struct sighting *sighting;

    if (notebook->count == OBSERVER_SIGHTINGS_MAX) {
        notebook->lost++;
        return NULL;
    }
    if (notebook->count == notebook->cap) {
        notebook->cap = notebook->cap == 0 ? 64 : 2 * notebook->cap;
        notebook->sightings = xrealloc(notebook->sightings, notebook->cap * sizeof(struct sighting *));
    }
    sighting = notebook->sightings[notebook->count++] = xcalloc(1, sizeof(*sighting));
    sighting->node = notebook->node;
    sighting->namespace = FACTS_NO_NAMESPACE;
    return sighting;
}

static void name(struct sighting *sighting, const char *method)
{
    snprintf(sighting->method, sizeof(sighting->method), "%s", method);
}

struct taker {
    struct notebook *notebook;
    struct sighting *request;
    bool apart; /* the request is not the call itself: what it brings is a sighting of its own */
};

static void take(void *owner, const struct facts *facts)
{
    struct taker *taker = owner;
    struct sighting *sighting = taker->request;

    if (taker->apart) { /* a link to the first mailbox is one to the request */
        if (!taker->request->has_account)
            taker->request->account = facts->account;
        taker->request->has_account = true;
        sighting = add_sighting(taker->notebook);
        if (sighting == NULL)
            return;
        sighting->at_us = taker->request->at_us;
        sighting->from = taker->request->from;
    }
    if (sighting->method[0] == '\0') /* else as the caller named it */
        name(sighting, facts->method);
    sighting->has_account = true;
    sighting->account = facts->account;
    sighting->namespace = facts->namespace;
    sighting->has_proof = facts->stores;
    read_wire(taker->notebook, sighting, facts->data);
}

/* Methods are; what is not, somebody outside has made up. */
static bool is_word(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < 'a' || text.data[i] > 'z') && text.data[i] != '_')
            return false;
    return text.len > 0;
}

static void read_rpc(struct notebook *notebook, struct sighting *sighting, struct bytes body)
{
    struct taker taker = {notebook, sighting, false};
    struct rpc_call call;
    const char *why;

    if (rpc_call_decode(body, &call, &why) != OK)
        return;
    if (is_word(call.method))
        snprintf(sighting->method, sizeof(sighting->method), "%.*s", (int)call.method.len,
                 (const char *)call.method.data);
    else
        strcpy(sighting->method, "other");
    if (!facts_of_call(&notebook->arena, call.method, call.params, &taker.apart, take, &taker))
        read_params(notebook, sighting, call.params);
    rpc_call_free(&call);
}

static void read_onion(struct notebook *notebook, struct sighting *sighting, enum onion_version version,
                       const struct onion_layer *layer)
{
    struct onion_peeled peeled;

    sighting->onion = true;
    sighting->layer_in = print_of(layer->ciphertext);
    if (onion_peel(notebook->suite, version, &notebook->arena, &notebook->keys->x25519, layer, &peeled) != OK)
        return;
    crypto_wipe(&peeled.reply_key, sizeof(peeled.reply_key));
    if (peeled.kind == ONION_RELAY_NODE)
        sighting->layer_out = print_of(peeled.next.ciphertext);
    else if (peeled.kind == ONION_FINAL)
        read_rpc(notebook, sighting, peeled.body);
}

static void read_client_onion(struct notebook *notebook, struct sighting *sighting, enum onion_version version,
                              struct bytes body)
{
    struct onion_layer layer;
    const char *why;

    if (onion_read_outer(version, &notebook->arena, body, &layer, &why) == OK)
        read_onion(notebook, sighting, version, &layer);
}

static void read_peer_onion(struct notebook *notebook, struct sighting *sighting, enum onion_version version,
                            struct bytes body)
{
    struct onion_layer layer;

    if (onion_read_peer(version, &notebook->arena, body, &layer) == OK)
        read_onion(notebook, sighting, version, &layer);
}

/* ---- writing it down ---- */

static struct sighting *new_sighting(struct notebook *notebook, const struct tapped *tapped)
{
    struct sighting *sighting = add_sighting(notebook);

    if (sighting == NULL)
        return NULL;
    sighting->at_us = tapped->at_us;
    sighting->from = tapped->from;
    sighting->from_client = tapped->peer_key == NULL;
    return sighting;
}

/* A batch of replicas: each is a sighting of its own, and none has an answer worth a look. */
static void on_push(struct notebook *notebook, const struct tapped *tapped, struct bytes batch)
{
    struct peer_message message;
    size_t count;

    if (tapped->peer_key == NULL || peer_batch_check(batch, &count) != OK)
        return;
    while (batch.len > 0 && peer_message_decode(&batch, &message) == OK) {
        struct sighting *sighting = new_sighting(notebook, tapped);

        if (sighting == NULL)
            continue;
        sighting->bytes = (uint32_t)message.data.len;
        strcpy(sighting->method, "replica");
        read_account(sighting, message.pubkey);
        read_envelope(notebook, sighting, message.data);
    }
}

/* What else today's clients and nodes send. */
static void read_modern(struct notebook *notebook, struct sighting *sighting, struct bytes path, struct bytes body)
{
    struct taker taker = {notebook, sighting, true};

    if (bytes_equal_text(path, PATH_MONITOR)) {
        name(sighting, "subscribe");
        facts_of_monitor(&notebook->arena, body, take, &taker);
    } else if (sighting->from_client) {
        return; /* no member's: it is refused */
    } else if (bytes_equal_text(path, PATH_PUSH_PARTS)) {
        name(sighting, "push");
        facts_of_parts(body, take, &taker);
    } else if (bytes_equal_text(path, PATH_SN_STORAGE_CC)) {
        taker.apart = false;
        facts_of_forwarded(&notebook->arena, body, take, &taker);
    }
}

static void expect_answer(struct notebook *notebook, uint64_t connection, struct sighting *sighting)
{
    struct open_sighting *open = xmalloc(sizeof(*open)), *older;

    *open = (struct open_sighting){connection, sighting};
    older = table_remove(&notebook->open, open_key(open)); /* never answered, and its name is used again */
    free(older);
    table_put(&notebook->open, open);
}

static void on_request(struct notebook *notebook, const struct tapped *tapped)
{
    const struct message *in = tapped->message;
    struct bytes body = in->body != NULL ? blob_bytes(in->body) : BYTES_NONE;
    struct sighting *sighting;

    if (bytes_equal_text(in->path, PATH_PUSH_BATCH) || bytes_equal_text(in->path, PATH_PUSH)) {
        on_push(notebook, tapped, body);
        return;
    }
    sighting = new_sighting(notebook, tapped);
    if (sighting == NULL)
        return;
    sighting->bytes = (uint32_t)body.len;
    if (bytes_equal_text(in->path, PATH_ONION_V2))
        read_client_onion(notebook, sighting, ONION_V2, body);
    else if (bytes_equal_text(in->path, PATH_ONION_V1))
        read_client_onion(notebook, sighting, ONION_V1, body);
    else if (bytes_equal_text(in->path, PATH_SN_ONION_V2))
        read_peer_onion(notebook, sighting, ONION_V2, body);
    else if (bytes_equal_text(in->path, PATH_SN_ONION_V1))
        read_peer_onion(notebook, sighting, ONION_V1, body);
    else if (bytes_equal_text(in->path, PATH_STORAGE_RPC))
        read_rpc(notebook, sighting, body);
    else
        read_modern(notebook, sighting, in->path, body);
    expect_answer(notebook, tapped->connection, sighting);
}

/* Errors of a path are in clear, and look alike: only what is sealed tells one onion from another. */
static void on_answer(struct notebook *notebook, const struct tapped *tapped)
{
    const struct message *out = tapped->message;
    struct open_sighting key = {tapped->connection, NULL};
    struct open_sighting *open = table_remove(&notebook->open, open_key(&key));

    if (open == NULL)
        return;
    if (out->body != NULL) {
        open->sighting->answer_bytes = (uint32_t)out->body->len;
        if (open->sighting->onion && out->status == 200 && out->body->len > 0)
            open->sighting->answer = print_of(blob_bytes(out->body));
    }
    free(open);
}

void observer_tap(void *owner, uint32_t seat, const struct tapped *tapped)
{
    struct observer *observer = owner;
    struct notebook *notebook;

    if (seat >= observer->seat_count || observer->notebook_of_seat[seat] == 0)
        return;
    notebook = &observer->notebooks[observer->notebook_of_seat[seat] - 1];
    switch (tapped->kind) {
    case TAPPED_REQUEST:
        on_request(notebook, tapped);
        break;
    case TAPPED_ANSWER:
        on_answer(notebook, tapped);
        break;
    case TAPPED_CALL_END:
        break; /* a relay gives it back as it is: it is seen when it leaves */
    }
    arena_reset(&notebook->arena);
}

/* ---- reading the notebooks ---- */

const uint32_t *observer_nodes(const struct observer *observer, size_t *count)
{
    *count = observer->node_count;
    return observer->nodes;
}

const struct sighting *const *observer_sightings(const struct observer *observer, uint32_t node, size_t *count,
                                                 uint64_t *lost)
{
    *count = 0;
    *lost = 0;
    for (size_t i = 0; observer->notebooks != NULL && i < observer->node_count; i++) {
        const struct notebook *notebook = &observer->notebooks[i];

        if (notebook->node != node)
            continue;
        *count = notebook->count;
        *lost = notebook->lost;
        return (const struct sighting *const *)notebook->sightings;
    }
    return NULL;
}
