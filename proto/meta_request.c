#include "proto/meta_request.h"

#include <string.h>

bool modern_method_is_meta(enum modern_method method)
{
    return method == MODERN_BATCH || method == MODERN_SEQUENCE || method == MODERN_IFELSE;
}

/* {"method": m, "params": {...}} in `value`; false: it has not both. *method points into the document. */
static bool read_call(const struct json *value, struct bytes *method, const struct json **params)
{
    *params = json_get(value, "params");
    return json_get_string(value, "method", method) == OK && json_is_object(*params);
}

/* ---- batch, sequence ---- */

static const char *check_batch_part(const struct json *value, struct arena *arena)
{
    struct meta_part part;
    struct bytes name;

    if (!json_is_object(value))
        return "Invalid batch request: requests must be objects";
    if (!read_call(value, &name, &part.params))
        return "Invalid batch request: subrequests must have method/params keys";
    if (modern_method_find(name, &part.method) != OK)
        return arena_printf(arena, "Invalid batch subrequest: invalid method \"%.*s\"", (int)name.len,
                            (const char *)name.data);
    if (modern_method_is_meta(part.method))
        return "Invalid batch subrequest: subrequests may not contain meta-requests";
    return meta_request_check(part.method, part.params, arena);
}

static const char *check_batch(const struct json *params, struct arena *arena)
{
    const struct json *requests = json_get(params, "requests");
    const char *complaint = NULL;

    if (!json_is_array(requests) || json_first(requests) == NULL)
        return "Invalid batch request: no valid \"requests\" field";
    if (json_count(requests) > LIMIT_BATCH_REQUESTS)
        return "Invalid batch request: subrequest limit exceeded";
    for (const struct json *value = json_first(requests); value != NULL && complaint == NULL; value = json_next(value))
        complaint = check_batch_part(value, arena);
    return complaint;
}

size_t meta_batch_parts(const struct json *params, struct meta_part parts[LIMIT_BATCH_REQUESTS])
{
    size_t count = 0;

    for (const struct json *value = json_first(json_get(params, "requests")); value != NULL; value = json_next(value)) {
        struct bytes name;

        ASSERT(count < LIMIT_BATCH_REQUESTS && read_call(value, &name, &parts[count].params));
        ASSERT(modern_method_find(name, &parts[count].method) == OK);
        count++;
    }
    return count;
}

/* ---- ifelse ---- */

/* One list of a condition, cut or filled up with zeros. */
struct numbers {
    bool given;
    int64_t at[3];
};
struct condition {
    struct numbers hf_at_least, hf_before, version_at_least, version_before, height_at_least, height_before;
};

static struct numbers read_numbers(struct rpc_params *params, const char *name)
{
    const int64_t *list;
    size_t count;
    struct numbers numbers = {0};

    if (!param_integers(params, name, &list, &count))
        return numbers;
    numbers.given = count > 0;
    for (size_t i = 0; i < count && i < ARRAY_LEN(numbers.at); i++)
        numbers.at[i] = list[i];
    return numbers;
}

static struct numbers read_height(struct rpc_params *params, const char *name)
{
    struct numbers numbers = {0};

    numbers.given = param_integer(params, name, &numbers.at[0]);
    return numbers;
}

static const char *read_condition(const struct json *params, struct arena *arena, struct condition *out)
{
    const struct json *value = json_get(params, "if");
    struct rpc_params fields;

    if (!json_is_object(value))
        return "Invalid ifelse request: no valid \"if\" field";
    rpc_params_json(&fields, arena, value);
    out->height_at_least = read_height(&fields, "height_at_least");
    out->height_before = read_height(&fields, "height_before");
    out->hf_at_least = read_numbers(&fields, "hf_at_least");
    out->hf_before = read_numbers(&fields, "hf_before");
    out->version_at_least = read_numbers(&fields, "v_at_least");
    out->version_before = read_numbers(&fields, "v_before");
    if (!out->height_at_least.given && !out->height_before.given && !out->hf_at_least.given && !out->hf_before.given &&
        !out->version_at_least.given && !out->version_before.given)
        param_complain(&fields, "Invalid ifelse request: must specify at least one \"if\" condition");
    return fields.error;
}

static const char *check_branch(const struct json *params, const char *name, struct arena *arena)
{
    const struct json *value = json_get(params, name);
    struct meta_part part;
    struct bytes method;

    if (value == NULL)
        return NULL;
    if (!json_is_object(value))
        return arena_printf(arena, "Invalid ifelse request: %s must be an object", name);
    if (!read_call(value, &method, &part.params))
        return arena_printf(arena, "Invalid ifelse request: %s must have method/params keys", name);
    if (modern_method_find(method, &part.method) != OK)
        return arena_printf(arena, "Invalid ifelse request method \"%s\"", name);
    return meta_request_check(part.method, part.params, arena);
}

static const char *check_ifelse(const struct json *params, struct arena *arena)
{
    struct condition condition;
    const char *complaint = read_condition(params, arena, &condition);

    if (complaint == NULL)
        complaint = check_branch(params, "then", arena);
    if (complaint == NULL)
        complaint = check_branch(params, "else", arena);
    if (complaint == NULL && json_get(params, "then") == NULL && json_get(params, "else") == NULL)
        complaint = "Invalid ifelse request: at least one of \"then\"/\"else\" required";
    return complaint;
}

/* As lists are ordered, over the first `count` numbers. */
static int compare(const int64_t left[], const int64_t right[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

static bool within(const int64_t facts[], size_t count, const struct numbers *at_least, const struct numbers *before)
{
    return !(at_least->given && compare(facts, at_least->at, count) < 0) &&
           !(before->given && compare(facts, before->at, count) >= 0);
}

bool meta_condition_holds(const struct json *params, const struct meta_facts *facts, struct arena *arena)
{
    struct condition condition;

    ASSERT(read_condition(params, arena, &condition) == NULL);
    return within(facts->hf, ARRAY_LEN(facts->hf), &condition.hf_at_least, &condition.hf_before) &&
           within(facts->version, ARRAY_LEN(facts->version), &condition.version_at_least, &condition.version_before) &&
           within(&facts->height, 1, &condition.height_at_least, &condition.height_before);
}

bool meta_branch(const struct json *params, const char *name, struct meta_part *part)
{
    const struct json *value = json_get(params, name);
    struct bytes method;

    if (value == NULL)
        return false;
    ASSERT(read_call(value, &method, &part->params) && modern_method_find(method, &part->method) == OK);
    return true;
}

/* ---- all of them; the recursion ends at LIMIT_JSON_DEPTH ---- */

const char *meta_request_check(enum modern_method method, const struct json *params, struct arena *arena)
{
    struct modern_request request;
    struct rpc_params fields;

    if (method == MODERN_IFELSE)
        return check_ifelse(params, arena);
    if (method == MODERN_BATCH || method == MODERN_SEQUENCE)
        return check_batch(params, arena);
    rpc_params_json(&fields, arena, params);
    return modern_request_decode(method, &fields, &request);
}
