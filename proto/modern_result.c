#include "proto/modern_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bencode.h"
#include "common/limits.h"
#include "common/text.h"

static int by_hash(const void *a, const void *b)
{
    const struct modern_affected *left = a, *right = b;
    int order = memcmp(left->hash, right->hash, MESSAGE_HASH_CHARS);

    return order != 0 ? order : (left->turn < right->turn) - (left->turn > right->turn);
}

void modern_affected_sort(struct modern_affected list[], size_t count)
{
    if (count > 0)
        qsort(list, count, sizeof(list[0]), by_hash);
}

/* ---- what is signed ---- */

static void add_account(struct buf *out, const struct modern_request *request)
{
    char hex[ACCOUNT_HEX_LEN];

    account_to_hex(&request->account, hex);
    buf_append(out, BYTES_OF(hex));
}

static void add_number(struct buf *out, int64_t number)
{
    buf_printf(out, "%" PRId64, number);
}

static void add_asked(struct buf *out, const struct modern_request *request)
{
    for (size_t i = 0; i < request->message_count; i++)
        buf_append(out, request->messages[i]);
}

static void add_changed(struct buf *out, const struct modern_result *result)
{
    for (size_t i = 0; i < result->changed_count; i++)
        buf_append(out, BYTES_OF(result->changed[i].hash));
}

/* Of one expiry that was asked for, that; of many, those of what was updated. */
static void add_expiries(struct buf *out, const struct modern_result *result)
{
    if (result->request->expiry_count == 1) {
        add_number(out, result->expiry_ms);
        return;
    }
    for (size_t i = 0; i < result->changed_count; i++)
        add_number(out, result->changed[i].expiry_ms);
}

void modern_result_signed_text(struct buf *out, const struct modern_result *result)
{
    const struct modern_request *request = result->request;

    switch (request->method) {
    case MODERN_STORE:
        buf_append(out, BYTES_OF(result->hash));
        break;
    case MODERN_DELETE:
        add_account(out, request);
        add_asked(out, request);
        add_changed(out, result);
        break;
    case MODERN_DELETE_ALL:
    case MODERN_DELETE_BEFORE:
    case MODERN_EXPIRE_ALL:
        add_account(out, request);
        add_number(out, request->signed_ms);
        add_changed(out, result);
        break;
    case MODERN_EXPIRE:
        add_account(out, request);
        add_expiries(out, result);
        add_asked(out, request);
        add_changed(out, result);
        for (size_t i = 0; i < result->unchanged_count; i++) {
            buf_append(out, BYTES_OF(result->unchanged[i].hash));
            add_number(out, result->unchanged[i].expiry_ms);
        }
        break;
    case MODERN_REVOKE:
    case MODERN_UNREVOKE:
        add_account(out, request);
        modern_request_revoked_text(out, request);
        break;
    case MODERN_RETRIEVE:
    case MODERN_GET_EXPIRIES:
    case MODERN_GET_SWARM:
    case MODERN_INFO:
    case MODERN_OXEND:
    case MODERN_BATCH:
    case MODERN_SEQUENCE:
    case MODERN_IFELSE:
    case MODERN_METHOD_COUNT:
        break;
    }
}

/* ---- bencoded ---- */

static void write_list(struct buf *out, const struct modern_affected *const list[], size_t count)
{
    buf_byte(out, 'l');
    for (size_t i = 0; i < count; i++)
        bencode_write_string(out, BYTES_OF(list[i]->hash));
    buf_byte(out, 'e');
}

#define NAMESPACE_TEXT_MAX sizeof("-32768")

static void namespace_text(int16_t namespace, char text[NAMESPACE_TEXT_MAX])
{
    (void)snprintf(text, NAMESPACE_TEXT_MAX, "%d", namespace);
}

/* By the text of their namespaces, as bencoded keys ascend; within one by hash. */
static int by_namespace_text(const void *a, const void *b)
{
    const struct modern_affected *left = *(const struct modern_affected *const *)a;
    const struct modern_affected *right = *(const struct modern_affected *const *)b;
    char left_text[NAMESPACE_TEXT_MAX], right_text[NAMESPACE_TEXT_MAX];

    if (left->namespace == right->namespace)
        return by_hash(left, right);
    namespace_text(left->namespace, left_text);
    namespace_text(right->namespace, right_text);
    return strcmp(left_text, right_text);
}

static void write_by_namespace(struct buf *out, const struct modern_affected *list[], size_t count)
{
    char text[NAMESPACE_TEXT_MAX];

    if (count > 0)
        qsort(list, count, sizeof(list[0]), by_namespace_text);
    buf_byte(out, 'd');
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && list[to]->namespace == list[from]->namespace; to++)
            ;
        namespace_text(list[from]->namespace, text);
        bencode_write_text(out, text);
        write_list(out, list + from, to - from);
    }
    buf_byte(out, 'e');
}

/* A list, or a dictionary of lists if all namespaces were asked for. */
static void write_changed(struct buf *out, const char *name, const struct modern_result *result)
{
    const struct modern_affected **list = xmalloc((result->changed_count + 1) * sizeof(list[0]));

    for (size_t i = 0; i < result->changed_count; i++)
        list[i] = &result->changed[i];
    bencode_write_text(out, name);
    if (result->request->all_namespaces)
        write_by_namespace(out, list, result->changed_count);
    else
        write_list(out, list, result->changed_count);
    free(list);
}

/* One expiry that was asked for is answered as a number, also if it stood in a list; of many, those of `updated`. */
static void write_expiries(struct buf *out, const struct modern_result *result)
{
    bencode_write_text(out, "expiry");
    if (result->request->expiry_count == 1) {
        bencode_write_integer(out, result->expiry_ms);
        return;
    }
    buf_byte(out, 'l');
    for (size_t i = 0; i < result->changed_count; i++)
        bencode_write_integer(out, result->changed[i].expiry_ms);
    buf_byte(out, 'e');
}

static void write_unchanged(struct buf *out, const struct modern_result *result)
{
    bencode_write_text(out, "unchanged");
    buf_byte(out, 'd');
    for (size_t i = 0; i < result->unchanged_count; i++) {
        bencode_write_string(out, BYTES_OF(result->unchanged[i].hash));
        bencode_write_integer(out, result->unchanged[i].expiry_ms);
    }
    buf_byte(out, 'e');
}

/* Keys ascend, whatever the method. */
void modern_result_encode(struct buf *out, const struct modern_result *result, const uint8_t signature[64])
{
    enum modern_method method = result->request->method;
    bool deletes = method == MODERN_DELETE || method == MODERN_DELETE_ALL || method == MODERN_DELETE_BEFORE;

    buf_byte(out, 'd');
    if (result->already)
        buf_text(out, "7:alreadyi1e");
    if (method == MODERN_UNREVOKE) {
        bencode_write_text(out, "count");
        bencode_write_integer(out, (int64_t)result->count);
    }
    if (deletes)
        write_changed(out, "deleted", result);
    if (method == MODERN_STORE) {
        bencode_write_text(out, "expiry");
        bencode_write_integer(out, result->expiry_ms);
        bencode_write_text(out, "hash");
        bencode_write_string(out, BYTES_OF(result->hash));
    } else if (method == MODERN_EXPIRE) {
        write_expiries(out, result);
    }
    bencode_write_text(out, "signature");
    bencode_write_string(out, (struct bytes){signature, 64});
    if (result->has_unchanged)
        write_unchanged(out, result);
    if (method == MODERN_EXPIRE || method == MODERN_EXPIRE_ALL)
        write_changed(out, "updated", result);
    buf_byte(out, 'e');
}

void modern_result_encode_failure(struct buf *out)
{
    buf_text(out, "d6:failedi1e13:query_failurei1ee");
}

/* ---- as JSON ---- */

struct to_json {
    struct bencode in;
    struct buf *out;
    bool deleted_any;
};

static bool says_yes_or_no(struct bytes key)
{
    return bytes_equal_text(key, "already") || bytes_equal_text(key, "failed") ||
           bytes_equal_text(key, "query_failure");
}

static void convert_string(struct to_json *to)
{
    struct bytes text = bencode_string(&to->in);

    if (!utf8_valid(text))
        to->in.failed = true;
    else
        json_write_text(to->out, text);
}

static void convert(struct to_json *to, unsigned depth);

static void convert_members(struct to_json *to, unsigned depth)
{
    char name[64];

    bencode_open(&to->in, 'd');
    for (struct bytes key = BYTES_NONE; bencode_key(&to->in, &key);) {
        if (key.len >= sizeof(name) || !utf8_valid(key)) {
            to->in.failed = true;
            return;
        }
        memcpy(name, key.data, key.len);
        name[key.len] = '\0';
        json_write_name(to->out, name);
        if (depth == 0 && bytes_equal_text(key, "signature") && bencode_kind(&to->in) == 's') {
            struct bytes signature = bencode_string(&to->in);
            char text[BASE64_LEN(64)];

            if (signature.len != 64) {
                to->in.failed = true;
                return;
            }
            base64_encode(text, signature);
            json_write_text(to->out, BYTES_OF(text));
        } else if (depth == 0 && says_yes_or_no(key) && bencode_kind(&to->in) == 'i') {
            json_write_bool(to->out, bencode_integer(&to->in) != 0);
        } else {
            struct bytes rest = to->in.rest;

            if (depth == 0 && bytes_equal_text(key, "deleted"))
                to->deleted_any = rest.len > 1 && rest.data[1] != 'e';
            convert(to, depth + 1);
        }
    }
}

static void convert(struct to_json *to, unsigned depth)
{
    if (depth >= LIMIT_BENCODE_DEPTH)
        to->in.failed = true;
    switch (to->in.failed ? 0 : bencode_kind(&to->in)) {
    case 'd':
        json_open(to->out, '{');
        convert_members(to, depth);
        json_close(to->out, '}');
        break;
    case 'l':
        json_open(to->out, '[');
        bencode_open(&to->in, 'l');
        while (bencode_element(&to->in))
            convert(to, depth + 1);
        json_close(to->out, ']');
        break;
    case 'i':
        json_write_i64(to->out, bencode_integer(&to->in));
        break;
    case 's':
        convert_string(to);
        break;
    default:
        to->in.failed = true;
    }
}

enum err modern_result_to_json(struct buf *out, struct bytes dict, bool *deleted_any)
{
    struct to_json to = {.out = out};
    size_t before = out->len;
    enum err err;

    bencode_init(&to.in, dict);
    json_open(out, '{');
    convert_members(&to, 0);
    err = !bencode_end(&to.in) ? ERR_FORMAT : out->err;
    if (err != OK) {
        out->len = before;
        out->err = OK;
        return err;
    }
    *deleted_any = to.deleted_any;
    return OK;
}
