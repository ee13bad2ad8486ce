#include "proto/rpc_param.h"

#include <stdio.h>

#include "common/bencode.h"
#include "common/limits.h"

void rpc_params_json(struct rpc_params *params, struct arena *arena, const struct json *object)
{
    *params = (struct rpc_params){.arena = arena, .json = object};
}

enum err rpc_params_bencoded(struct rpc_params *params, struct arena *arena, struct bytes dict)
{
    struct bencode in;

    *params = (struct rpc_params){.arena = arena, .dict = dict};
    bencode_init(&in, dict);
    if (bencode_kind(&in) != 'd')
        return ERR_FORMAT;
    bencode_skip(&in);
    return bencode_end(&in) ? OK : ERR_FORMAT;
}

bool rpc_params_are_json(const struct rpc_params *params)
{
    return params->json != NULL;
}

void param_complain(struct rpc_params *params, const char *form, ...)
{
    char *text;
    int len;
    va_list args;

    ASSERT(form != NULL); /* what gcc doubts in a sanitized build */
    if (params->error != NULL)
        return;
    va_start(args, form);
    len = vsnprintf(NULL, 0, form, args);
    va_end(args);
    ASSERT(len >= 0);
    text = arena_alloc(params->arena, (size_t)len + 1);
    va_start(args, form);
    (void)vsnprintf(text, (size_t)len + 1, form, args);
    va_end(args);
    params->error = text;
}

void param_require(struct rpc_params *params, const char *name, bool is_there)
{
    if (!is_there)
        param_complain(params, "Required field '%s' missing", name);
}

void param_require_not_both(struct rpc_params *params, const char *first, bool has_first, const char *second,
                            bool has_second)
{
    if (has_first && has_second)
        param_complain(params, "Cannot specify both '%s' and '%s'", first, second);
}

static void complain_of_type(struct rpc_params *params, const char *name, const char *expected)
{
    param_complain(params, "Invalid value given for '%s': expected %s", name, expected);
}

/* ---- one value, of either notation ---- */

enum kind { ABSENT, TEXT, INTEGER, BOOLEAN, LIST, OTHER };
struct value {
    enum kind kind;
    struct bytes text;
    int64_t integer;         /* of a boolean too: 0 or 1 */
    const struct json *json; /* a list in JSON */
    struct bytes list;       /* a bencoded list */
};

static struct value value_of_json(const struct json *json)
{
    struct value value = {.kind = OTHER};

    if (json == NULL || json_is_null(json))
        value.kind = ABSENT;
    else if (json_is_string(json))
        value = (struct value){.kind = TEXT, .text = json_string(json)};
    else if (json_is_bool(json))
        value = (struct value){.kind = BOOLEAN, .integer = json_true(json)};
    else if (json_is_array(json))
        value = (struct value){.kind = LIST, .json = json};
    else if (json_integer(json, &value.integer) == OK)
        value.kind = INTEGER;
    return value;
}

/* Reads it; all bytes were checked before. */
static struct value value_of_bencode(struct bencode *in)
{
    struct bytes from = in->rest;

    switch (bencode_kind(in)) {
    case 's':
        return (struct value){.kind = TEXT, .text = bencode_string(in)};
    case 'i':
        return (struct value){.kind = INTEGER, .integer = bencode_integer(in)};
    case 'l':
        bencode_skip(in);
        return (struct value){.kind = LIST, .list = bytes_slice(from, 0, from.len - in->rest.len)};
    default:
        bencode_skip(in);
        return (struct value){.kind = OTHER};
    }
}

static struct value find(const struct rpc_params *params, const char *name)
{
    struct bencode in;

    if (params->error != NULL)
        return (struct value){.kind = ABSENT};
    if (params->json != NULL)
        return value_of_json(json_get(params->json, name));
    bencode_init(&in, params->dict);
    bencode_open(&in, 'd');
    for (struct bytes key = BYTES_NONE; bencode_key(&in, &key); bencode_skip(&in))
        if (bytes_equal_text(key, name))
            return value_of_bencode(&in);
    return (struct value){.kind = ABSENT};
}

/* ---- single values ---- */

/* The value if it is of that kind; OTHER after a complaint; ABSENT. */
static struct value find_kind(struct rpc_params *params, const char *name, enum kind kind, const char *expected)
{
    struct value value = find(params, name);

    if (value.kind != ABSENT && value.kind != kind) {
        complain_of_type(params, name, expected);
        value.kind = OTHER;
    }
    return value;
}

bool param_text(struct rpc_params *params, const char *name, struct bytes *out)
{
    struct value value = find_kind(params, name, TEXT, "string");

    if (value.kind != TEXT)
        return false;
    *out = value.text;
    return true;
}

bool param_bool(struct rpc_params *params, const char *name, bool *out)
{
    struct value value = find_kind(params, name, params->json != NULL ? BOOLEAN : INTEGER, "boolean");

    if (value.kind != BOOLEAN && value.kind != INTEGER)
        return false;
    *out = value.integer != 0;
    return true;
}

bool param_integer(struct rpc_params *params, const char *name, int64_t *out)
{
    struct value value = find_kind(params, name, INTEGER, "integer");

    if (value.kind != INTEGER)
        return false;
    *out = value.integer;
    return true;
}

static const char timestamp_type[] = "integer timestamp (in milliseconds)";

bool param_timestamp(struct rpc_params *params, const char *name, int64_t *out_ms)
{
    struct value value = find_kind(params, name, INTEGER, timestamp_type);

    if (value.kind != INTEGER)
        return false;
    if (value.integer < 0)
        complain_of_type(params, name, timestamp_type);
    else if (value.integer < LIMIT_TIMESTAMP_MS_MIN)
        param_complain(params, "Invalid timestamp for '%s': timestamp must be in milliseconds", name);
    *out_ms = value.integer < PARAM_NUMBER_MAX ? value.integer : PARAM_NUMBER_MAX;
    return params->error == NULL;
}

/* Digits, with leading zeros if they like. */
static bool read_number(struct bytes text, bool is_signed, int64_t *out)
{
    bool negative = is_signed && text.len > 0 && text.data[0] == '-';
    int64_t number = 0;

    if (text.len == negative)
        return false;
    for (size_t i = negative; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number < PARAM_NUMBER_MAX / 10 ? 10 * number + text.data[i] - '0' : PARAM_NUMBER_MAX;
    }
    *out = negative ? -number : number;
    return true;
}

bool param_number_or_text(struct rpc_params *params, const char *name, bool is_signed, int64_t *out)
{
    struct value value = find(params, name);
    struct buf text;

    if (value.kind == ABSENT)
        return false;
    if (value.kind == TEXT && params->json != NULL) {
        if (read_number(value.text, is_signed, out))
            return true;
        buf_init(&text, 6 * value.text.len + 3); /* as much as escaping may take */
        json_write_text(&text, value.text);
        buf_byte(&text, '\0');
        param_complain(params, "Invalid value given for '%s': %s", name, (const char *)text.data);
        buf_fini(&text);
        return false;
    }
    if (value.kind != INTEGER || (value.integer < 0 && !is_signed)) {
        complain_of_type(params, name, is_signed ? "integer" : "positive integer");
        return false;
    }
    *out = value.integer > PARAM_NUMBER_MAX    ? PARAM_NUMBER_MAX
           : value.integer < -PARAM_NUMBER_MAX ? -PARAM_NUMBER_MAX
                                               : value.integer;
    return true;
}

static bool take_namespace(struct rpc_params *params, const char *name, const struct value *value, int16_t *out)
{
    if (value->integer < INT16_MIN || value->integer > INT16_MAX) {
        param_complain(params, "Invalid value given for '%s': value out of range", name);
        return false;
    }
    *out = (int16_t)value->integer;
    return true;
}

bool param_namespace(struct rpc_params *params, const char *name, int16_t *out)
{
    struct value value = find_kind(params, name, INTEGER, "16-bit integer");

    return value.kind == INTEGER && take_namespace(params, name, &value, out);
}

bool param_namespace_or_all(struct rpc_params *params, const char *name, int16_t *out, bool *all)
{
    struct value value = find(params, name);

    *all = value.kind == TEXT && bytes_equal_text(value.text, "all");
    if (value.kind == ABSENT || *all)
        return *all;
    if (value.kind == INTEGER)
        return take_namespace(params, name, &value, out);
    complain_of_type(params, name, "integer or \"all\"");
    return false;
}

/* ---- lists ---- */

static size_t count_elements(const struct value *list)
{
    struct bencode in;
    size_t count = 0;

    if (list->json != NULL)
        return json_count(list->json);
    bencode_init(&in, list->list);
    bencode_open(&in, 'l');
    for (; bencode_element(&in); bencode_skip(&in))
        count++;
    return count;
}

/* A list's elements, or the one value itself, if all are of that kind (and not negative, if they are timestamps); NULL:
 * absent, or complained of. */
static const struct value *find_list(struct rpc_params *params, const char *name, enum kind kind, const char *expected,
                                     size_t *count)
{
    struct value value = find(params, name);
    const struct json *json = NULL;
    struct value *elements;
    struct bencode in;

    if (value.kind == ABSENT)
        return NULL;
    *count = value.kind == LIST ? count_elements(&value) : 1;
    elements = arena_alloc(params->arena, (*count + 1) * sizeof(elements[0]));
    if (value.kind != LIST) {
        elements[0] = value;
    } else if (value.json != NULL) {
        json = json_first(value.json);
    } else {
        bencode_init(&in, value.list);
        bencode_open(&in, 'l');
    }
    for (size_t i = 0; i < *count; i++) {
        if (value.kind == LIST && params->json != NULL) {
            elements[i] = value_of_json(json);
            json = json_next(json);
        } else if (value.kind == LIST) {
            elements[i] = value_of_bencode(&in);
        }
        if (elements[i].kind != kind) {
            complain_of_type(params, name, expected);
            return NULL;
        }
    }
    return elements;
}

bool param_texts(struct rpc_params *params, const char *name, const struct bytes **out, size_t *count)
{
    const struct value *elements = find_list(params, name, TEXT, "string array", count);
    struct bytes *texts;

    if (elements == NULL)
        return false;
    texts = arena_alloc(params->arena, (*count + 1) * sizeof(texts[0]));
    for (size_t i = 0; i < *count; i++)
        texts[i] = elements[i].text;
    *out = texts;
    return true;
}

static bool find_numbers(struct rpc_params *params, const char *name, const char *expected, int64_t min,
                         const int64_t **out, size_t *count)
{
    const struct value *elements = find_list(params, name, INTEGER, expected, count);
    int64_t *numbers;

    if (elements == NULL)
        return false;
    numbers = arena_alloc(params->arena, (*count + 1) * sizeof(numbers[0]));
    for (size_t i = 0; i < *count; i++) {
        numbers[i] = elements[i].integer;
        if (numbers[i] < min) {
            complain_of_type(params, name, expected);
            return false;
        }
    }
    *out = numbers;
    return true;
}

bool param_integers(struct rpc_params *params, const char *name, const int64_t **out, size_t *count)
{
    return find_numbers(params, name, "integer array", INT64_MIN, out, count);
}

bool param_timestamps(struct rpc_params *params, const char *name, const int64_t **out_ms, size_t *count)
{
    return find_numbers(params, name, "timestamp array", 0, out_ms, count);
}
