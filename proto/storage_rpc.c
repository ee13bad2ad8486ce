#include "proto/storage_rpc.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/limits.h"
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

/* --- the calls of synchronous routing --- */

/* Leaves *number alone if there is no such param. */
static enum err decode_optional_number(const struct json *params, const char *name, uint64_t *number)
{
    struct bytes text;
    enum err err = json_get_string(params, name, &text);
    if (err != OK)
        return err == ERR_MISSING ? OK : err;
    return decimal_decode(number, text) == OK ? OK : ERR_RANGE;
}

enum err rpc_listen_decode(const struct json *params, struct rpc_listen *listen, const char **field)
{
    struct bytes id;
    uint64_t hold_ms = LIMIT_LISTEN_HOLD_MS;
    const struct param list[] = {{"pubKey", &listen->pubkey}, {"listenId", &id}};
    enum err err = decode_params(params, list, ARRAY_LEN(list), field);
    if (err != OK)
        return err;
    *field = "listenId";
    if (hex_decode(listen->listen_id, sizeof(listen->listen_id), id) != OK)
        return ERR_RANGE;
    *field = "hold";
    err = decode_optional_number(params, *field, &hold_ms);
    if (err != OK)
        return err;
    if (hold_ms > LIMIT_LISTEN_HOLD_MS_MAX)
        return ERR_RANGE;
    listen->hold_ms = (uint32_t)hold_ms;
    *field = "ack";
    listen->ack = 0;
    return decode_optional_number(params, *field, &listen->ack);
}

void rpc_listen_encode(struct buf *out, const struct rpc_listen *listen)
{
    struct bytes pubkey = listen->pubkey, id_text, hold_text, ack_text;
    char id[2 * LISTEN_ID_BYTES], hold[24], ack[24];
    const struct param list[] = {{"pubKey", &pubkey}, {"listenId", &id_text}, {"hold", &hold_text}, {"ack", &ack_text}};
    hex_encode(id, BYTES_OF(listen->listen_id));
    id_text = BYTES_OF(id);
    snprintf(hold, sizeof(hold), "%" PRIu32, listen->hold_ms);
    hold_text = bytes_text(hold);
    snprintf(ack, sizeof(ack), "%" PRIu64, listen->ack);
    ack_text = bytes_text(ack);
    encode_call(out, "listen", list, listen->ack == 0 ? ARRAY_LEN(list) - 1 : ARRAY_LEN(list));
}

enum err rpc_deliver_decode(const struct json *params, struct rpc_deliver *deliver, const char **field)
{
    const struct param list[] = {{"pubKey", &deliver->pubkey}, {"data", &deliver->data}};
    return decode_params(params, list, ARRAY_LEN(list), field);
}

void rpc_deliver_encode(struct buf *out, const struct rpc_deliver *deliver)
{
    struct rpc_deliver texts = *deliver;
    const struct param list[] = {{"pubKey", &texts.pubkey}, {"data", &texts.data}};
    encode_call(out, "deliver", list, ARRAY_LEN(list));
}

/* --- answers: one number --- */

/* {"<name>": n}, 1 or more. */
static void encode_number(struct buf *out, const char *name, uint64_t number)
{
    json_open(out, '{');
    json_write_name(out, name);
    json_write_u64(out, number);
    json_close(out, '}');
}

void rpc_difficulty_encode(struct buf *out, uint64_t difficulty)
{
    encode_number(out, "difficulty", difficulty);
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

void rpc_delivered_encode(struct buf *out, uint32_t listeners)
{
    encode_number(out, "delivered", listeners);
}

void rpc_listening_encode(struct buf *out, bool listening)
{
    json_open(out, '{');
    json_write_name(out, "listening");
    json_write_bool(out, listening);
    json_close(out, '}');
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

/* The document of an answer whose `messages` are at most `max`; NULL: *err says why not. */
static struct json *parse_messages(struct bytes body, size_t max, enum err *err)
{
    struct json *document = json_parse(body, err);
    const struct json *list = json_get(document, "messages");
    if (document == NULL)
        return NULL;
    *err = !json_is_array(list) ? ERR_FORMAT : json_count(list) > max ? ERR_TOO_BIG : OK;
    if (*err == OK)
        return document;
    json_free(document);
    return NULL;
}

static const struct json *first_message(const struct json *document)
{
    return json_first(json_get(document, "messages"));
}

enum err rpc_messages_decode(struct bytes body, struct rpc_message out[], size_t max, size_t *count,
                             struct json **document)
{
    enum err err;
    *count = 0;
    *document = parse_messages(body, max, &err);
    if (*document == NULL)
        return err;
    for (const struct json *value = first_message(*document); value != NULL; value = json_next(value)) {
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

/* --- answers: what a listener heard --- */

void rpc_heard_open(struct buf *out)
{
    rpc_messages_open(out);
}

void rpc_heard_add(struct buf *out, struct bytes data)
{
    json_open(out, '{');
    json_write_name(out, "data");
    json_write_text(out, data);
    json_close(out, '}');
}

void rpc_heard_close(struct buf *out, uint32_t lease_ms)
{
    json_close(out, ']');
    json_write_name(out, "lease");
    json_write_u64(out, lease_ms);
    json_close(out, '}');
}

enum err rpc_heard_decode(struct bytes body, struct bytes out[], size_t max, size_t *count, uint32_t *lease_ms,
                          struct json **document)
{
    int64_t lease;
    enum err err;
    *count = 0;
    *document = parse_messages(body, max, &err);
    if (*document == NULL)
        return err;
    if (json_get_integer(*document, "lease", &lease) != OK || lease < 0 || lease > UINT32_MAX)
        goto drop_document;
    *lease_ms = (uint32_t)lease;
    for (const struct json *value = first_message(*document); value != NULL; value = json_next(value)) {
        if (json_get_string(value, "data", &out[*count]) != OK)
            goto drop_document;
        ++*count;
    }
    return OK;
drop_document:
    *count = 0;
    json_free(*document);
    *document = NULL;
    return ERR_FORMAT;
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

void rpc_seed_id_encode(struct buf *out, const struct rpc_call *call)
{
    const struct json *id = json_get(call->document, "id");
    int64_t number;

    if (json_is_string(id))
        json_write_text(out, json_string(id));
    else
        json_write_i64(out, json_integer(id, &number) == OK ? number : 0);
}

void rpc_seed_unknown_method(struct buf *out, struct bytes id)
{
    buf_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_append(out, id);
    buf_text(out, ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
}
