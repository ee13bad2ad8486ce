#include "proto/storage_rpc.h"

#include "common/pow.h"
#include "common/text.h"

#define HASH_HEX_LEN (2 * POW_HASH_BYTES)

/* --- the call --- */

enum err rpc_call_decode(struct bytes body, struct rpc_call *call, const char **why)
{
    enum err err;
    *call = (struct rpc_call){0};
    call->document = json_parse(body, &err);
    if (call->document == NULL) {
        *why = "invalid json";
        return ERR_FORMAT;
    }
    if (json_get_string(call->document, "method", &call->method) != OK) {
        *why = "invalid json: no `method` field";
        goto no_call;
    }
    call->params = json_get(call->document, "params");
    if (!json_is_object(call->params)) {
        *why = "invalid json: no `params` field";
        goto no_call;
    }
    return OK;
no_call:
    rpc_call_free(call);
    return ERR_FORMAT;
}

void rpc_call_free(struct rpc_call *call)
{
    json_free(call->document);
    *call = (struct rpc_call){0};
}

/* One text among a method's params. */
struct param {
    const char *name;
    struct bytes *text;
};

/* Absent ones are reported before those of a wrong type, since that is the documented order of checks (PROTOCOL 3.5).
 */
static enum err decode_params(const struct json *params, const struct param list[], size_t count, const char **field)
{
    enum err result = OK;
    for (size_t i = 0; i < count; i++) {
        enum err err = json_get_string(params, list[i].name, list[i].text);
        if (err != OK && (err == ERR_MISSING || result == OK)) {
            *field = list[i].name;
            result = err;
        }
        if (err == ERR_MISSING)
            break;
    }
    return result;
}

static void encode_call(struct buf *out, const char *method, const struct param list[], size_t count)
{
    json_open(out, '{');
    json_write_name(out, "jsonrpc");
    json_write_text(out, BYTES_LIT("2.0"));
    json_write_name(out, "id");
    json_write_text(out, BYTES_LIT("0"));
    json_write_name(out, "method");
    json_write_text(out, bytes_text(method));
    json_write_name(out, "params");
    json_open(out, '{');
    for (size_t i = 0; i < count; i++) {
        json_write_name(out, list[i].name);
        json_write_text(out, *list[i].text);
    }
    json_close(out, '}');
    json_close(out, '}');
}

#define STORE_PARAMS(store)                                                                                            \
    {                                                                                                                  \
        {"pubKey", &(store)->pubkey}, {"ttl", &(store)->ttl}, {"nonce", &(store)->nonce},                              \
            {"timestamp", &(store)->timestamp}, {"data", &(store)->data},                                              \
    }

enum err rpc_store_decode(const struct json *params, struct rpc_store *store, const char **field)
{
    const struct param list[] = STORE_PARAMS(store);
    return decode_params(params, list, ARRAY_LEN(list), field);
}

void rpc_store_encode(struct buf *out, const struct rpc_store *store)
{
    struct rpc_store texts = *store;
    const struct param list[] = STORE_PARAMS(&texts);
    encode_call(out, "store", list, ARRAY_LEN(list));
}

enum err rpc_retrieve_decode(const struct json *params, struct rpc_retrieve *retrieve, const char **field)
{
    const struct param list[] = {{"pubKey", &retrieve->pubkey}, {"lastHash", &retrieve->last_hash}};
    return decode_params(params, list, ARRAY_LEN(list), field);
}

void rpc_retrieve_encode(struct buf *out, const struct rpc_retrieve *retrieve)
{
    struct rpc_retrieve texts = *retrieve;
    const struct param list[] = {{"pubKey", &texts.pubkey}, {"lastHash", &texts.last_hash}};
    encode_call(out, "retrieve", list, ARRAY_LEN(list));
}

enum err rpc_get_snodes_decode(const struct json *params, struct bytes *pubkey, const char **field)
{
    const struct param list[] = {{"pubKey", pubkey}};
    return decode_params(params, list, ARRAY_LEN(list), field);
}

void rpc_get_snodes_encode(struct buf *out, struct bytes pubkey)
{
    const struct param list[] = {{"pubKey", &pubkey}};
    encode_call(out, "get_snodes_for_pubkey", list, ARRAY_LEN(list));
}

/* --- answers: difficulty --- */

void rpc_difficulty_encode(struct buf *out, uint64_t difficulty)
{
    json_open(out, '{');
    json_write_name(out, "difficulty");
    json_write_u64(out, difficulty);
    json_close(out, '}');
}

enum err rpc_difficulty_decode(struct bytes body, uint64_t *difficulty)
{
    int64_t value;
    enum err err;
    struct json *document = json_parse(body, &err);
    if (document == NULL)
        return err;
    err = json_get_integer(document, "difficulty", &value);
    json_free(document);
    if (err != OK)
        return err;
    if (value < 1)
        return ERR_RANGE;
    *difficulty = (uint64_t)value;
    return OK;
}

/* --- answers: messages --- */

void rpc_messages_open(struct buf *out)
{
    json_open(out, '{');
    json_write_name(out, "messages");
    json_open(out, '[');
}

void rpc_messages_add(struct buf *out, const struct rpc_message *message)
{
    json_open(out, '{');
    json_write_name(out, "hash");
    json_write_text(out, message->hash);
    json_write_name(out, "expiration");
    json_write_i64(out, message->expiration_ms);
    json_write_name(out, "data");
    json_write_text(out, message->data);
    json_close(out, '}');
}

void rpc_messages_close(struct buf *out)
{
    json_close(out, ']');
    json_close(out, '}');
}

static enum err decode_message(const struct json *value, struct rpc_message *message)
{
    if (json_get_string(value, "hash", &message->hash) != OK ||
        json_get_integer(value, "expiration", &message->expiration_ms) != OK ||
        json_get_string(value, "data", &message->data) != OK)
        return ERR_FORMAT;
    if (message->hash.len != HASH_HEX_LEN || !hex_is_lower(message->hash) || message->expiration_ms < 0)
        return ERR_FORMAT;
    return OK;
}

enum err rpc_messages_decode(struct bytes body, struct rpc_message out[], size_t max, size_t *count,
                             struct json **document)
{
    const struct json *list;
    enum err err;
    *count = 0;
    *document = json_parse(body, &err);
    if (*document == NULL)
        return err;
    list = json_get(*document, "messages");
    if (!json_is_array(list)) {
        err = ERR_FORMAT;
        goto drop_document;
    }
    if (json_count(list) > max) {
        err = ERR_TOO_BIG;
        goto drop_document;
    }
    for (const struct json *value = json_first(list); value != NULL; value = json_next(value)) {
        err = decode_message(value, &out[*count]);
        if (err != OK)
            goto drop_document;
        ++*count;
    }
    return OK;
drop_document:
    *count = 0;
    json_free(*document);
    *document = NULL;
    return err;
}

/* --- the seed --- */

enum err rpc_seed_call_decode(struct bytes body, struct rpc_call *call)
{
    enum err err;
    *call = (struct rpc_call){0};
    call->document = json_parse(body, &err);
    if (call->document == NULL)
        return ERR_FORMAT;
    if (json_get_string(call->document, "method", &call->method) != OK) {
        rpc_call_free(call);
        return ERR_FORMAT;
    }
    call->params = json_get(call->document, "params");
    return OK;
}

void rpc_seed_unknown_method(struct buf *out)
{
    buf_text(out, "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
}
