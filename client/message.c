#include "client/message.h"

#include "client/client_state.h"
#include "common/text.h"

/* The key that both sides have for ever, whoever of them writes. */
static enum err key_with(struct client *client, const struct account_id *other, struct shared_key *key)
{
    struct x25519_pair own = client_pair(client);
    struct x25519_public theirs = account_x25519(other);

    env_charge(client->env, COST_X25519, 1);
    enum err err = client->preset->suite->agree(&own, &theirs, key);
    crypto_wipe(&own, sizeof own);
    return err;
}

static enum err encrypt(struct client *client, const struct account_id *recipient, struct bytes plain,
                        struct bytes *out)
{
    struct env *env = client->env;
    struct shared_key key;
    uint8_t iv[SEAL_NONCE_MAX];
    size_t len = seal_bytes(ENC_AES_CBC, plain.len);
    uint8_t *sealed = arena_alloc(env->arena, len);

    enum err err = key_with(client, recipient, &key);
    if (err != OK)
        return err;
    env_random(env, iv, seal_nonce_bytes(ENC_AES_CBC));
    client_charge_bytes(client, COST_SEAL, len);
    client->preset->suite->seal(ENC_AES_CBC, &key, iv, plain, sealed);
    crypto_wipe(&key, sizeof key);
    *out = (struct bytes){sealed, len};
    return OK;
}

enum err message_wrap(struct client *client, const struct envelope *envelope, struct blob **data)
{
    struct bytes wire;
    uint8_t request_id;

    env_random(client->env, &request_id, 1);
    enum err err = envelope_wrap(envelope, request_id, client->env->arena, &wire);
    if (err != OK)
        return err;
    if (BASE64_LEN(wire.len) > LIMIT_DATA_CHARS)
        return ERR_TOO_BIG;
    client_charge_bytes(client, COST_PARSE, wire.len);
    *data = blob_new(BASE64_LEN(wire.len));
    base64_encode((char *)(*data)->data, wire);
    return OK;
}

enum err message_seal_request(struct client *client, const struct account_id *recipient, uint64_t timestamp_ms,
                              struct content_parts *content, struct blob **data)
{
    struct arena *arena = client->env->arena;
    struct envelope envelope = {
        .type = ENVELOPE_FRIEND_REQUEST, .source = client->account, .timestamp_ms = timestamp_ms};
    struct bytes plain;

    content->has_display_name = true;
    content->display_name = bytes_text(client->display_name);
    enum err err = content_encode(content, arena, &plain);
    if (err != OK)
        return err;
    err = encrypt(client, recipient, content_pad(plain, arena), &envelope.content);
    return err != OK ? err : message_wrap(client, &envelope, data);
}

static enum message_fault decrypt(struct client *client, const struct envelope *envelope, struct bytes *plain)
{
    struct shared_key key;
    uint8_t *out = arena_alloc(client->env->arena, envelope->content.len);
    size_t len;

    if (key_with(client, &envelope->source, &key) != OK)
        return MESSAGE_NOT_DECRYPTED;
    client_charge_bytes(client, COST_SEAL, envelope->content.len);
    enum err err = client->preset->suite->open(ENC_AES_CBC, &key, envelope->content, out, &len);
    crypto_wipe(&key, sizeof key);
    if (err != OK)
        return MESSAGE_NOT_DECRYPTED;
    return content_unpad((struct bytes){out, len}, plain) == OK ? MESSAGE_READABLE : MESSAGE_BAD_PADDING;
}

enum message_fault message_open_request(struct client *client, const struct envelope *envelope,
                                        struct message_opened *out)
{
    struct content_parts content;
    struct bytes plain;

    *out = (struct message_opened){0};
    enum message_fault fault = decrypt(client, envelope, &plain);
    if (fault != MESSAGE_READABLE)
        return fault;
    if (content_decode(plain, client->env->arena, &content) != OK)
        return MESSAGE_BAD_CONTENT;
    if (!content.has_data || content.body.len == 0)
        return MESSAGE_WITHOUT_TEXT;
    if (content.body.len > LIMIT_INTRODUCTION_BYTES)
        return MESSAGE_TEXT_TOO_LONG;
    if (!content.has_bundle)
        return MESSAGE_WITHOUT_BUNDLE;
    if (!account_equal(&content.bundle.identity, &envelope->source))
        return MESSAGE_FOREIGN_BUNDLE;
    out->text = content.body;
    out->bundle = content.bundle;
    if (content.has_display_name && content.display_name.len <= LIMIT_DISPLAY_NAME_BYTES)
        out->display_name = content.display_name;
    return MESSAGE_READABLE;
}

static bool type_is_known(uint32_t type)
{
    return type == ENVELOPE_FRIEND_REQUEST || type == ENVELOPE_PREKEY_BUNDLE || type == ENVELOPE_CIPHERTEXT;
}

enum message_fault message_unwrap(struct client *client, struct bytes data, struct envelope *envelope)
{
    struct arena *arena = client->env->arena;
    size_t len = BASE64_MAX_DECODED(data.len);
    uint8_t *wire = arena_alloc(arena, len);

    if (base64_decode(wire, &len, data) != OK)
        return MESSAGE_NOT_BASE64;
    client_charge_bytes(client, COST_PARSE, len);
    enum err err = envelope_unwrap((struct bytes){wire, len}, arena, envelope);
    if (err != OK)
        return err == ERR_REFUSED ? MESSAGE_IGNORED : MESSAGE_NOT_WRAPPED;
    if (!type_is_known(envelope->type))
        return MESSAGE_UNKNOWN_TYPE;
    return account_equal(&envelope->source, &client->account) ? MESSAGE_FROM_ONESELF : MESSAGE_READABLE;
}
