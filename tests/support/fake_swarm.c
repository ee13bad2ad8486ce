#include "tests/support/fake_swarm.h"

#include <stdlib.h>
#include <string.h>

#include "common/onion.h"
#include "common/pow.h"
#include "common/text.h"
#include "proto/storage_rpc.h"

/* --- the network --- */

static int compare_entries(const void *va, const void *vb)
{
    const struct snode_entry *a = va, *b = vb;
    return memcmp(&a->ed25519, &b->ed25519, sizeof a->ed25519);
}

static void seed_of(uint8_t seed[32], uint8_t kind, uint8_t number)
{
    memset(seed, kind, 32);
    seed[0] = number;
}

void fake_swarm_init(struct fake_swarm *net, uint32_t node_count, uint32_t swarm_count)
{
    ASSERT(node_count <= FAKE_NODES_MAX && crypto_start() == OK);
    memset(net, 0, sizeof *net);
    fake_env_init(&net->fake, 7);
    arena_init(&net->arena);
    snode_list_cache_init(&net->lists);
    net->sessions = session_library_new();
    net->difficulty = 1;
    net->preset = (struct client_preset){
        .suite = &crypto_real,
        .onion_version = ONION_V2,
        .enc_type = ENC_AES_GCM,
        .path_failures = LIMIT_PATH_FAILURES,
        .node_failures = LIMIT_NODE_FAILURES,
        .trials_per_s = 100000,
        .seed = {0x7f000001, 22023},
    };
    net->membership.nodes = net->entries;
    net->membership.swarms = net->swarms;
    net->membership.members = net->members;
    net->membership.node_count = node_count;
    net->membership.height = 100;
    for (uint32_t i = 0; i < node_count; i++) {
        struct ed25519_secret secret;
        struct snode_entry *entry = &net->entries[i];
        uint8_t seed[32];
        seed_of(seed, 0x51, (uint8_t)i);
        ed25519_from_seed(seed, &entry->ed25519, &secret);
        ASSERT(x25519_from_ed25519_public(&entry->ed25519, &entry->x25519) == OK);
        memcpy(entry->legacy, seed, sizeof entry->legacy);
        entry->legacy[1] = (uint8_t)i;
    }
    qsort(net->entries, node_count, sizeof net->entries[0], compare_entries);
    for (uint32_t i = 0; i < node_count; i++) {
        struct ed25519_public public;
        struct ed25519_secret secret;
        struct snode_entry *entry = &net->entries[i];
        uint8_t seed[32];
        seed_of(seed, 0x51, entry->legacy[1]);
        ed25519_from_seed(seed, &public, &secret);
        net->nodes[i].x25519.public = entry->x25519;
        x25519_from_ed25519_secret(&secret, &net->nodes[i].x25519.secret);
        entry->address = (struct address){0x7f010107 + (i << 8), 22021};
    }
    fake_swarm_assign(net, swarm_count, 0);
}

void fake_swarm_assign(struct fake_swarm *net, uint32_t swarm_count, uint32_t shift)
{
    uint32_t placed = 0;
    for (uint32_t s = 0; s < swarm_count; s++) {
        net->swarms[s] = (struct swarm_entry){.id = UINT64_MAX / swarm_count * s, .first = placed};
        for (uint32_t i = 0; i < net->membership.node_count; i++) {
            if ((i + shift) % swarm_count != s)
                continue;
            net->entries[i].swarm_id = net->swarms[s].id;
            net->members[placed++] = i;
        }
        net->swarms[s].count = placed - net->swarms[s].first;
    }
    net->membership.swarm_count = swarm_count;
}

void fake_swarm_fini(struct fake_swarm *net)
{
    for (uint32_t i = 0; i < net->membership.node_count; i++) {
        for (size_t j = 0; j < net->nodes[i].stored_count; j++)
            free(net->nodes[i].stored[j].data);
        free(net->nodes[i].stored);
    }
    for (size_t i = 0; i < net->listener_count; i++) {
        for (size_t j = 0; j < net->listeners[i].waiting_count; j++)
            free(net->listeners[i].waiting[j]);
        free(net->listeners[i].waiting);
    }
    free(net->held);
    session_library_free(net->sessions);
    snode_list_cache_fini(&net->lists);
    arena_fini(&net->arena);
    fake_env_fini(&net->fake);
}

struct client *fake_swarm_client(struct fake_swarm *net, uint8_t identity)
{
    uint8_t seed[32];
    seed_of(seed, 0xc1, identity);
    return client_new(&(struct client_config){
        .env = &net->fake.env,
        .preset = &net->preset,
        .lists = &net->lists,
        .sessions = net->sessions,
        .identity_seed = seed,
        .display_name = "Alice",
    });
}

/* --- the target --- */

struct reply {
    uint16_t status;
    struct bytes body;
    bool held;
};

static struct reply text_reply(uint16_t status, const char *text)
{
    return (struct reply){.status = status, .body = bytes_text(text)};
}

static struct reply buf_reply(struct fake_swarm *net, uint16_t status, struct buf *buf)
{
    struct reply reply = {.status = status, .body = arena_copy(&net->arena, buf_bytes(buf))};
    buf_fini(buf);
    return reply;
}

static void copy_text(char *out, size_t size, struct bytes text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    memcpy(out, text.data, len);
    out[len] = '\0';
}

static struct reply swarm_reply(struct fake_swarm *net, uint16_t status, const struct account_id *account)
{
    struct buf buf;
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_snodes_encode(&buf, &net->membership, swarm_of(&net->membership, account));
    return buf_reply(net, status, &buf);
}

static void keep(struct fake_node *node, const struct fake_stored *stored)
{
    node->stored = xrealloc(node->stored, (node->stored_count + 1) * sizeof *stored);
    node->stored[node->stored_count++] = *stored;
}

static struct reply on_store(struct fake_swarm *net, uint32_t target, const struct json *params, struct fake_log *log,
                             bool keeps)
{
    struct rpc_store store;
    const char *field;
    struct account_id account;
    uint8_t payload_hash[64], nonce[POW_NONCE_BYTES], hash[64];
    size_t nonce_len = sizeof nonce;
    uint64_t pow_limit, ttl_ms, timestamp_ms;
    struct fake_stored stored;
    struct buf buf;

    ASSERT(rpc_store_decode(params, &store, &field) == OK && account_from_hex(&account, store.pubkey) == OK);
    copy_text(log->nonce, sizeof log->nonce, store.nonce);
    copy_text(log->timestamp, sizeof log->timestamp, store.timestamp);
    if (!fake_swarm_serves(net, target, &account))
        return swarm_reply(net, 421, &account);

    const struct bytes parts[] = {store.timestamp, store.ttl, store.pubkey, store.data};
    pow_payload_hash(parts, ARRAY_LEN(parts), payload_hash);
    ASSERT(decimal_decode(&ttl_ms, store.ttl) == OK && decimal_decode(&timestamp_ms, store.timestamp) == OK);
    ASSERT(base64_decode(nonce, &nonce_len, store.nonce) == OK && nonce_len == sizeof nonce);
    buf_init(&buf, 100);
    rpc_difficulty_encode(&buf, net->difficulty);
    ASSERT(pow_target(&pow_limit, store.timestamp.len + store.ttl.len + store.pubkey.len + store.data.len, ttl_ms,
                      net->difficulty) == OK);
    if (!net->preset.suite->pow_check(payload_hash, pow_limit, nonce, hash))
        return buf_reply(net, 432, &buf);
    if (!keeps)
        return buf_reply(net, 200, &buf);

    stored.account = account;
    hex_encode(stored.hash, BYTES_OF(hash));
    stored.hash[128] = '\0';
    stored.expiration_ms = (int64_t)(timestamp_ms + ttl_ms);
    stored.data = xcalloc(1, store.data.len + 1);
    memcpy(stored.data, store.data.data, store.data.len);
    keep(&net->nodes[target], &stored);
    return buf_reply(net, 200, &buf);
}

static struct reply on_retrieve(struct fake_swarm *net, uint32_t target, const struct json *params,
                                struct fake_log *log)
{
    const struct fake_node *node = &net->nodes[target];
    struct rpc_retrieve retrieve;
    const char *field;
    struct account_id account;
    size_t first = 0, given = 0;
    struct buf buf;

    ASSERT(rpc_retrieve_decode(params, &retrieve, &field) == OK && account_from_hex(&account, retrieve.pubkey) == OK);
    copy_text(log->last_hash, sizeof log->last_hash, retrieve.last_hash);
    if (!fake_swarm_serves(net, target, &account))
        return swarm_reply(net, 421, &account);
    for (size_t i = 0; i < node->stored_count; i++)
        if (bytes_equal_text(retrieve.last_hash, node->stored[i].hash))
            first = i + 1;
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_messages_open(&buf);
    for (size_t i = first; i < node->stored_count && given < LIMIT_RETRIEVE_MESSAGES; i++) {
        const struct fake_stored *stored = &node->stored[i];
        if (!account_equal(&stored->account, &account))
            continue;
        given++;
        rpc_messages_add(&buf, &(struct rpc_message){.hash = bytes_text(stored->hash),
                                                     .expiration_ms = stored->expiration_ms,
                                                     .data = bytes_text(stored->data)});
    }
    rpc_messages_close(&buf);
    struct reply reply = buf_reply(net, 200, &buf);
    reply.held = given == 0 && log->long_poll && net->holds;
    return reply;
}

/* --- listening --- */

static struct fake_listener *listener_of(struct fake_swarm *net, uint32_t node, const struct account_id *account)
{
    for (size_t i = 0; i < net->listener_count; i++)
        if (net->listeners[i].node == node && account_equal(&net->listeners[i].account, account))
            return &net->listeners[i];
    return NULL;
}

static struct reply on_listen(struct fake_swarm *net, uint32_t target, const struct json *params, struct fake_log *log)
{
    struct rpc_listen listen;
    const char *field;
    struct account_id account;
    struct buf buf;

    ASSERT(rpc_listen_decode(params, &listen, &field) == OK && account_from_hex(&account, listen.pubkey) == OK);
    if (!fake_swarm_serves(net, target, &account))
        return swarm_reply(net, 421, &account);
    struct fake_listener *listener = listener_of(net, target, &account);
    if (listener == NULL) {
        ASSERT(net->listener_count < FAKE_LISTENERS_MAX);
        listener = &net->listeners[net->listener_count++];
        *listener = (struct fake_listener){.account = account, .node = target, .call = SIZE_MAX};
    }
    bool again = listener->call == log->call;
    if (!again) {
        listener->asked_ms = net->fake.now_ms;
        listener->hold_ms = listen.hold_ms;
    }
    listener->call = SIZE_MAX;
    if (listener->waiting_count == 0 && net->fake.now_ms - listener->asked_ms < listener->hold_ms) {
        listener->call = log->call;
        return (struct reply){.status = 200, .held = true};
    }
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_heard_open(&buf);
    for (size_t i = 0; i < listener->waiting_count; i++) {
        rpc_heard_add(&buf, bytes_text(listener->waiting[i]));
        free(listener->waiting[i]);
    }
    listener->waiting_count = 0;
    rpc_heard_close(&buf, LIMIT_LEASE_MS);
    return buf_reply(net, 200, &buf);
}

static struct reply on_deliver(struct fake_swarm *net, uint32_t target, const struct json *params)
{
    struct rpc_deliver deliver;
    const char *field;
    struct account_id account;
    struct buf buf;

    ASSERT(rpc_deliver_decode(params, &deliver, &field) == OK && account_from_hex(&account, deliver.pubkey) == OK);
    if (!fake_swarm_serves(net, target, &account))
        return swarm_reply(net, 421, &account);
    struct fake_listener *listener = listener_of(net, target, &account);
    if (listener == NULL || net->fake.now_ms - listener->asked_ms >= LIMIT_LEASE_MS)
        return text_reply(404, "{\"listening\":false}");
    listener->waiting = xrealloc(listener->waiting, (listener->waiting_count + 1) * sizeof *listener->waiting);
    char *copy = xcalloc(1, deliver.data.len + 1);
    memcpy(copy, deliver.data.data, deliver.data.len);
    listener->waiting[listener->waiting_count++] = copy;
    if (listener->call != SIZE_MAX)
        net->held[listener->call] = false; /* its turn comes */
    buf_init(&buf, 100);
    rpc_delivered_encode(&buf, 1);
    return buf_reply(net, 200, &buf);
}

/* Listens that were held long enough are answered, empty. */
static void end_holds(struct fake_swarm *net)
{
    for (size_t i = 0; i < net->listener_count; i++) {
        struct fake_listener *listener = &net->listeners[i];
        if (listener->call != SIZE_MAX && net->fake.now_ms - listener->asked_ms >= listener->hold_ms)
            net->held[listener->call] = false;
    }
}

static bool force(struct fake_node *node, const char *method, struct reply *reply)
{
    if (node->forced_times == 0 || (node->forced_method != NULL && strcmp(node->forced_method, method) != 0))
        return false;
    node->forced_times--;
    *reply = text_reply(node->forced_status, node->forced_body == NULL ? "" : node->forced_body);
    return true;
}

static struct reply serve(struct fake_swarm *net, struct fake_log *log, struct bytes body)
{
    struct rpc_call call;
    const char *why;
    struct reply reply, forced_reply;
    struct bytes pubkey, data;
    struct account_id account;

    ASSERT(rpc_call_decode(body, &call, &why) == OK);
    copy_text(log->method, sizeof log->method, call.method);
    bool forced = force(&net->nodes[log->target], log->method, &forced_reply);
    if (json_get_string(call.params, "pubKey", &pubkey) == OK)
        copy_text(log->pubkey, sizeof log->pubkey, pubkey);
    if (json_get_string(call.params, "data", &data) == OK) {
        struct blob *blob = blob_copy(data);
        log->data_digest = blob_digest(blob);
        blob_drop(blob);
    }
    if (strcmp(log->method, "store") == 0) {
        reply = on_store(net, log->target, call.params, log, !forced);
    } else if (strcmp(log->method, "retrieve") == 0) {
        reply = on_retrieve(net, log->target, call.params, log);
    } else if (strcmp(log->method, "listen") == 0) {
        reply = forced ? forced_reply : on_listen(net, log->target, call.params, log);
    } else if (strcmp(log->method, "deliver") == 0) {
        reply = forced ? forced_reply : on_deliver(net, log->target, call.params);
    } else {
        ASSERT(strcmp(log->method, "get_snodes_for_pubkey") == 0);
        ASSERT(rpc_get_snodes_decode(call.params, &pubkey, &why) == OK && account_from_hex(&account, pubkey) == OK);
        reply = swarm_reply(net, 200, &account);
    }
    if (forced)
        reply = forced_reply;
    log->status = reply.status;
    rpc_call_free(&call);
    return reply;
}

static struct fake_log *new_log(struct fake_swarm *net, size_t call, uint32_t target)
{
    ASSERT(net->log_count < FAKE_LOG_MAX);
    struct fake_log *log = &net->log[net->log_count++];
    *log = (struct fake_log){.call = call, .target = target};
    for (size_t i = 0; i < LIMIT_PATH_NODES; i++)
        log->path[i] = UINT32_MAX;
    return log;
}

/* --- an onion's way --- */

static struct reply not_found(struct fake_swarm *net, const struct ed25519_public *key)
{
    struct bytes hex = hex_text(&net->arena, BYTES_OF(key->bytes));
    return text_reply(502, arena_printf(&net->arena, "Next node not found: %.*s", (int)hex.len, hex.data));
}

static struct reply sealed(struct fake_swarm *net, const struct onion_peeled *peeled, struct reply inner)
{
    uint8_t nonce[SEAL_NONCE_MAX] = {0};
    nonce[0] = ++net->nonces;
    struct blob *blob = onion_seal_reply(net->preset.suite, &peeled->reply_key, nonce, inner.status, inner.body, false,
                                         peeled->reply_as_json, peeled->reply_raw);
    struct reply reply = {.status = 200, .body = arena_copy(&net->arena, blob_bytes(blob)), .held = inner.held};
    blob_drop(blob);
    return reply;
}

static struct reply walk(struct fake_swarm *net, size_t call, uint32_t guard, struct bytes body)
{
    enum onion_version version = net->preset.onion_version;
    uint32_t path[ONION_HOPS_MAX], at = guard;
    struct onion_layer layer;
    struct onion_peeled peeled;
    const char *why;

    ASSERT(onion_read_outer(version, &net->arena, body, &layer, &why) == OK);
    for (size_t hop = 0; hop < ONION_HOPS_MAX; hop++) {
        struct fake_node *node = &net->nodes[at];
        path[hop] = at;
        if (node->mode == FAKE_NOT_READY)
            return text_reply(503, "Snode not ready");
        if (node->mode == FAKE_GARBLES)
            return text_reply(400, "Invalid ciphertext");
        if (node->mode == FAKE_SLANDERS)
            return not_found(net, &net->entries[guard].ed25519);
        if (onion_peel(net->preset.suite, version, &net->arena, &node->x25519, &layer, &peeled) != OK) {
            ASSERT(net->strangers);
            return text_reply(400, "Invalid ciphertext");
        }
        if (peeled.kind == ONION_FINAL) {
            struct fake_log *log = new_log(net, call, at);
            ASSERT(hop == LIMIT_PATH_NODES);
            memcpy(log->path, path, sizeof log->path);
            log->long_poll = peeled.long_poll;
            struct reply reply = sealed(net, &peeled, serve(net, log, peeled.body));
            return node->mode == FAKE_BABBLES ? text_reply(200, "YmFiYmxl") : reply;
        }
        ASSERT(peeled.kind == ONION_RELAY_NODE);
        if (net->strangers && snode_by_key(&net->membership, &peeled.destination) == NULL)
            return not_found(net, &peeled.destination);
        at = fake_swarm_by_key(net, &peeled.destination);
        if (net->nodes[at].mode == FAKE_GONE)
            return not_found(net, &peeled.destination);
        if (net->nodes[at].mode == FAKE_REFUSES || net->nodes[at].mode == FAKE_SILENT)
            return text_reply(504, "Request time out");
        layer = peeled.next;
    }
    ASSERT(!"an onion without end");
    return text_reply(500, "");
}

/* --- the client's calls --- */

static uint32_t node_at(const struct fake_swarm *net, struct address address)
{
    for (uint32_t i = 0; i < net->membership.node_count; i++)
        if (address_equal(net->entries[i].address, address))
            return i;
    return UINT32_MAX;
}

static void hold(struct fake_swarm *net, size_t call)
{
    if (call >= net->held_cap) {
        size_t cap = call * 2 + 16;
        net->held = xrealloc(net->held, cap * sizeof *net->held);
        memset(net->held + net->held_cap, 0, (cap - net->held_cap) * sizeof *net->held);
        net->held_cap = cap;
    }
    net->held[call] = true;
}

static void answer_seed(struct fake_swarm *net, size_t index)
{
    struct buf buf;

    if (net->seed_down) {
        fake_env_fail(&net->fake, index, NET_REFUSED);
        return;
    }
    buf_init(&buf, LIMIT_BODY_BYTES);
    if (net->seed_answer != NULL)
        buf_text(&buf, net->seed_answer);
    else
        rpc_node_list_encode(&buf, &net->membership);
    struct bytes body = arena_copy(&net->arena, buf_bytes(&buf));
    buf_fini(&buf);
    fake_env_answer(&net->fake, index, 200, body);
}

static void answer_call(struct fake_swarm *net, size_t index)
{
    const struct fake_call *call = fake_env_call(&net->fake, index);
    struct bytes path = fake_call_path(call);
    struct reply reply;

    arena_reset(&net->arena);
    if (address_equal(call->to, net->preset.seed)) {
        ASSERT(bytes_equal_text(path, PATH_SEED_RPC));
        answer_seed(net, index);
        return;
    }
    uint32_t node = node_at(net, call->to);
    if (node == UINT32_MAX) {
        ASSERT(net->strangers);
        fake_env_fail(&net->fake, index, NET_REFUSED);
        return;
    }
    switch (net->nodes[node].mode) {
    case FAKE_REFUSES:
    case FAKE_GONE:
        fake_env_fail(&net->fake, index, NET_REFUSED);
        return;
    case FAKE_SILENT:
        hold(net, index);
        return;
    case FAKE_GOOD:
    case FAKE_NOT_READY:
    case FAKE_GARBLES:
    case FAKE_BABBLES:
    case FAKE_SLANDERS:
        break;
    }
    if (bytes_equal_text(path, PATH_STORAGE_RPC)) {
        reply = net->nodes[node].mode == FAKE_NOT_READY ? text_reply(503, "Service node is not ready")
                                                        : serve(net, new_log(net, index, node), fake_call_body(call));
    } else {
        ASSERT(bytes_equal_text(path, net->preset.onion_version == ONION_V1 ? PATH_ONION_V1 : PATH_ONION_V2));
        reply = walk(net, index, node, fake_call_body(call));
    }
    if (reply.held)
        hold(net, index);
    else
        fake_env_answer(&net->fake, index, reply.status, reply.body);
}

static size_t next_call(const struct fake_swarm *net)
{
    for (size_t n = 0;; n++) {
        size_t index = fake_env_open_call(&net->fake, n);
        if (index == SIZE_MAX || index >= net->held_cap || !net->held[index])
            return index;
    }
}

bool fake_swarm_run_one(struct fake_swarm *net)
{
    fake_env_run(&net->fake);
    size_t index = next_call(net);
    if (index != SIZE_MAX)
        answer_call(net, index);
    return index != SIZE_MAX;
}

void fake_swarm_run(struct fake_swarm *net)
{
    while (fake_swarm_run_one(net))
        ;
}

void fake_swarm_run_ms(struct fake_swarm *net, int64_t ms)
{
    fake_swarm_run(net);
    while (ms-- > 0) {
        fake_env_advance_ms(&net->fake, 1);
        end_holds(net);
        fake_swarm_run(net);
    }
}

void fake_swarm_release(struct fake_swarm *net)
{
    size_t call_count = net->fake.call_count;
    bool holds = net->holds;

    net->holds = false;
    for (size_t i = 0; i < call_count && i < net->held_cap; i++) {
        if (!net->held[i] || fake_env_call(&net->fake, i)->ended)
            continue;
        net->held[i] = false;
        answer_call(net, i);
    }
    net->holds = holds;
}

void fake_swarm_put(struct fake_swarm *net, uint32_t node, const struct account_id *account, uint32_t number,
                    struct bytes data, int64_t expiration_ms)
{
    struct fake_stored stored = {.account = *account, .expiration_ms = expiration_ms};
    uint8_t hash[64];

    hash_sha512((struct bytes){(const uint8_t *)&number, sizeof number}, hash);
    hex_encode(stored.hash, BYTES_OF(hash));
    stored.data = xcalloc(1, data.len + 1);
    memcpy(stored.data, data.data, data.len);
    keep(&net->nodes[node], &stored);
}
