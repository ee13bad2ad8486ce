#include "client/client.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/inbox.h"
#include "client/outbox.h"
#include "client/path.h"
#include "client/poll.h"
#include "client/seen.h"
#include "client/swarm_cache.h"
#include "common/text.h"

const char *send_state_text(enum send_state state)
{
    switch (state) {
    case SEND_QUEUED:
        return "queued";
    case SEND_PROVING:
        return "proving";
    case SEND_STORING:
        return "storing";
    case SEND_STORED:
        return "stored";
    case SEND_FAILED:
        return "failed";
    }
    return "?";
}

/* A copy, cut to LIMIT_DISPLAY_NAME_BYTES between two characters; nothing if it is not UTF-8. */
static char *copy_display_name(const char *name)
{
    size_t len = strlen(name);
    if (len > LIMIT_DISPLAY_NAME_BYTES) {
        len = LIMIT_DISPLAY_NAME_BYTES;
        while (len > 0 && ((uint8_t)name[len] & 0xc0) == 0x80)
            len--;
    }
    if (!utf8_valid((struct bytes){(const uint8_t *)name, len}))
        len = 0;
    char *copy = xmalloc(len + 1);
    memcpy(copy, name, len);
    copy[len] = '\0';
    return copy;
}

struct client *client_new(const struct client_config *config)
{
    struct client *client = xcalloc(1, sizeof *client);
    struct ed25519_public ed_public;
    struct ed25519_secret ed_secret;
    struct x25519_public public;

    client->env = config->env;
    client->preset = config->preset;
    client->lists = config->lists;
    client->display_name = copy_display_name(config->display_name);
    client->difficulty = 1;
    ed25519_from_seed(config->identity_seed, &ed_public, &ed_secret);
    x25519_from_ed25519_secret(&ed_secret, &client->secret);
    x25519_public_of(&client->secret, &public);
    account_from_x25519(&public, &client->account);
    crypto_wipe(&ed_secret, sizeof ed_secret);
    return client;
}

void client_free(struct client *client)
{
    if (client == NULL)
        return;
    outbox_free(client);
    poll_free(client);
    inbox_free(client);
    seen_free(client);
    swarm_cache_free(client);
    path_free(client);
    snode_pool_fini(&client->pool);
    free(client->display_name);
    crypto_wipe(&client->secret, sizeof client->secret);
    free(client);
}

const struct account_id *client_account(const struct client *client)
{
    return &client->account;
}

/* --- for the parts --- */

struct x25519_pair client_pair(const struct client *client)
{
    return (struct x25519_pair){account_x25519(&client->account), client->secret};
}

void client_charge_bytes(struct client *client, enum cost cost, size_t bytes)
{
    env_charge(client->env, cost, (uint32_t)((bytes + 1023) / 1024));
}

void client_post(struct client *client, struct call *call, struct address to, const char *path, enum content content,
                 struct blob *body, uint32_t timeout_ms, call_fn done)
{
    *call = (struct call){
        .to = to,
        .out = {.verb = VERB_POST, .content = content, .path = bytes_text(path), .body = body},
        .timeout_ms = timeout_ms,
    };
    env_charge(client->env, COST_CALL, 1);
    env_call(client->env, call, done);
}

static void trace_node_failed(struct client *client, const struct ed25519_public *key, uint32_t failures, bool dropped)
{
    env_trace(client->env,
              &(struct trace_record){.kind = TRACE_NODE_FAILED, .n = {failures, dropped}, .b = {BYTES_OF(key->bytes)}});
}

void client_node_failed(struct client *client, uint32_t node)
{
    struct ed25519_public key = snode_pool_node(&client->pool, node)->ed25519;
    uint32_t failures;
    bool dropped = snode_pool_fail(&client->pool, node, client->preset->node_failures, &failures);

    trace_node_failed(client, &key, failures, dropped);
    if (!dropped)
        return;
    swarm_cache_forget(client, &key, CAUSE_UNREACHABLE);
    path_forget_node(client, node);
}

void client_node_gone(struct client *client, const struct ed25519_public *key, enum trace_cause cause)
{
    uint32_t node = snode_pool_find(&client->pool, key);

    swarm_cache_forget(client, key, cause);
    if (node == NODE_NONE)
        return;
    (void)snode_pool_drop(&client->pool, node);
    trace_node_failed(client, key, 0, true);
    path_forget_node(client, node);
}

/* --- what the user does --- */

enum err client_befriend(struct client *client, const struct account_id *recipient, struct bytes text,
                         const struct sent **sent)
{
    if (text.len > LIMIT_INTRODUCTION_BYTES)
        return ERR_TOO_BIG;
    if (text.len == 0 || !utf8_valid(text))
        return ERR_FORMAT;
    if (account_equal(recipient, &client->account))
        return ERR_REFUSED;
    return outbox_add(client, recipient, text, sent);
}

const struct sent *client_sent(const struct client *client, uint32_t number)
{
    return outbox_find(client, number);
}

void client_forget_sent(struct client *client, uint32_t number)
{
    outbox_forget(client, number);
}

void client_poll_once(struct client *client)
{
    poll_once(client);
}

bool client_polling(const struct client *client)
{
    return poll_running(client);
}

void client_listen_start(struct client *client, bool hold)
{
    poll_listen_start(client, hold);
}

void client_listen_stop(struct client *client)
{
    poll_listen_stop(client);
}

const struct received *client_inbox(const struct client *client)
{
    return inbox_first(client);
}

void client_clear_inbox(struct client *client)
{
    inbox_free(client);
}

/* --- reading --- */

void client_paths(const struct client *client, struct client_paths *out)
{
    path_list(client, out);
}

size_t client_cached_swarm(const struct client *client, const struct account_id *account, struct ed25519_public out[],
                           size_t max)
{
    uint32_t count;
    const struct rpc_snode *nodes = swarm_cache_peek(client, account, &count);

    for (size_t i = 0; i < count && i < max; i++)
        out[i] = nodes[i].ed25519;
    return count;
}

bool client_busy(const struct client *client)
{
    return outbox_in_flight(client) > 0 || poll_running(client) || path_building(client);
}
