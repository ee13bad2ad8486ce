#include "client/client.h"

#include <stdlib.h>
#include <string.h>

#include "client/client_state.h"
#include "client/conversation.h"
#include "client/friend.h"
#include "client/inbox.h"
#include "client/listening.h"
#include "client/outbox.h"
#include "client/path.h"
#include "client/poll.h"
#include "client/seen.h"
#include "client/storage.h"
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
    case SEND_DELIVERING:
        return "delivering";
    case SEND_DELIVERED:
        return "delivered";
    case SEND_ACKNOWLEDGED:
        return "acknowledged";
    case SEND_FELL_BACK:
        return "fell back";
    }
    return "?";
}

/* How much of a name is taken: up to LIMIT_DISPLAY_NAME_BYTES, cut between two characters; nothing if it is not UTF-8. */
static size_t display_name_len(const char *name)
{
    size_t len = strlen(name);

    if (len > LIMIT_DISPLAY_NAME_BYTES) {
        len = LIMIT_DISPLAY_NAME_BYTES;
        while (len > 0 && ((uint8_t)name[len] & 0xc0) == 0x80)
            len--;
    }
    return utf8_valid((struct bytes){(const uint8_t *)name, len}) ? len : 0;
}

/* Not more than the parts that every client has: there may be a million. */
struct client *client_new(const struct client_config *config)
{
    size_t name_len = display_name_len(config->display_name);
    struct client *client = xcalloc(1, offsetof(struct client, display_name) + name_len + 1);
    struct x25519_pair pair;

    client->env = config->env;
    client->preset = config->preset;
    client->lists = config->lists;
    client->sessions = config->sessions;
    memcpy(client->display_name, config->display_name, name_len);
    client->difficulty = 1;
    x25519_from_seed(config->identity_seed, &pair);
    client->secret = pair.secret;
    account_from_x25519(&pair.public, &client->account);
    crypto_wipe(&pair, sizeof pair);
    return client;
}

size_t client_start(struct client *client)
{
    size_t count = storage_start(client);

    outbox_resume(client);
    return count;
}

void client_free(struct client *client)
{
    if (client == NULL)
        return;
    outbox_free(client);
    listening_free(client);
    contacts_free(client);
    poll_free(client);
    inbox_free(client);
    seen_free(client);
    storage_free(client);
    swarm_cache_free(client);
    path_free(client);
    snode_pool_fini(&client->pool);
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
    return friend_ask(client, recipient, text, sent);
}

enum err client_accept(struct client *client, const struct account_id *contact)
{
    return friend_accept(client, contact);
}

enum err client_decline(struct client *client, const struct account_id *contact)
{
    return friend_decline(client, contact);
}

enum err client_block(struct client *client, const struct account_id *contact, bool blocked)
{
    return account_equal(contact, &client->account) ? ERR_REFUSED : friend_block(client, contact, blocked);
}

enum err client_send(struct client *client, const struct account_id *account, struct bytes text,
                     const struct sent **sent)
{
    struct contact *contact = contact_find(client, account);
    struct content_parts content = {
        .has_data = true,
        .body = text,
        .has_display_name = true,
        .display_name = bytes_text(client->display_name),
    };
    struct outgoing *outgoing;
    struct blob *data;
    uint32_t type;

    if (text.len > LIMIT_TEXT_BYTES)
        return ERR_TOO_BIG;
    if (text.len == 0 || !utf8_valid(text))
        return ERR_FORMAT;
    if (contact == NULL || contact->friend_state != FRIEND_FRIENDS)
        return ERR_REFUSED;
    if (!outbox_has_room(contact))
        return ERR_FULL;
    content.timestamp_ms = contact_timestamp(contact);
    enum err err = conversation_seal(contact, content.timestamp_ms, &content, &data, &type);
    if (err != OK)
        return err == ERR_MISSING ? ERR_NOT_READY : err;
    err = outbox_add(contact, OUTGOING_TEXT, type, content.timestamp_ms, data, &outgoing);
    ASSERT(err == OK);
    blob_drop(data);
    *sent = &outgoing->sent;
    return OK;
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

void client_online(struct client *client)
{
    poll_listen_start(client, true);
    listening_start(client);
}

void client_offline(struct client *client)
{
    listening_stop(client);
    poll_listen_stop(client);
}

const struct received *client_inbox(const struct client *client)
{
    return inbox_first(client);
}

void client_clear_inbox(struct client *client)
{
    inbox_clear(client);
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

enum friend_state client_friend_state(struct client *client, const struct account_id *account)
{
    const struct contact *contact = contact_find(client, account);

    return contact == NULL ? FRIEND_NONE : friend_state_now(contact);
}

enum contact_state client_contact_state(const struct client *client, const struct account_id *account)
{
    const struct contact *contact = contact_find(client, account);

    return contact == NULL ? CONTACT_OFFLINE : (enum contact_state)contact->presence;
}

bool client_next_contact(const struct client *client, uint32_t *cursor, struct client_contact *out)
{
    const struct contact *contact = contact_next(client, cursor);

    if (contact == NULL)
        return false;
    *out = (struct client_contact){
        .account = contact->account,
        .display_name = contact->display_name == NULL ? "" : contact->display_name,
        .friend_state = friend_state_now(contact),
        .contact_state = (enum contact_state)contact->presence,
    };
    return true;
}

uint32_t client_unfinished(const struct client *client)
{
    return outbox_in_flight(client);
}

bool client_busy(const struct client *client)
{
    return outbox_in_flight(client) > 0 || poll_running(client) || listening_busy(client) || path_building(client);
}
