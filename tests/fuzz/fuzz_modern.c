/* Today's dialect: parameters in JSON and bencoded, subaccount tokens, signatures, and other members' results. The
 * first byte chooses what the rest is. What is taken as a recursive call must be the same once it was passed on. */
#include "common/limits.h"
#include "proto/modern_result.h"
#include "tests/fuzz/fuzz.h"

static void check_signed_text(const struct modern_request *request)
{
    struct buf text;

    buf_init(&text, SIZE_MAX);
    modern_request_signed_text(&text, request);
    ASSERT(text.err == OK);
    buf_fini(&text);
}

static void check_passed_on(struct arena *arena, const struct modern_request *request)
{
    struct rpc_params params;
    struct modern_request copy;
    struct buf dict, again;

    buf_init(&dict, SIZE_MAX);
    buf_init(&again, SIZE_MAX);
    modern_request_encode(&dict, request);
    ASSERT(rpc_params_bencoded(&params, arena, buf_bytes(&dict)) == OK);
    /* A store's expiry may be no time that another member takes: no node passes such a one on. */
    if (modern_request_decode(request->method, &params, &copy) == NULL) {
        modern_request_encode(&again, &copy);
        ASSERT(bytes_equal(buf_bytes(&dict), buf_bytes(&again)));
    } else {
        ASSERT(request->method == MODERN_STORE);
    }
    buf_fini(&dict);
    buf_fini(&again);
}

static void decode(enum modern_method method, struct rpc_params *params, struct arena *arena)
{
    struct modern_request request;

    if (method >= MODERN_BATCH || modern_request_decode(method, params, &request) != NULL)
        return;
    check_signed_text(&request);
    if (modern_method_is_recursive(method))
        check_passed_on(arena, &request);
}

static void read_result(struct bytes input)
{
    struct json *document;
    struct buf out;
    bool deleted_any;
    enum err err;

    buf_init(&out, LIMIT_BODY_BYTES);
    if (modern_result_to_json(&out, input, &deleted_any) == OK) {
        json_close(&out, '}');
        document = json_parse(buf_bytes(&out), &err);
        ASSERT(document != NULL || err == ERR_TOO_BIG);
        json_free(document);
    }
    buf_fini(&out);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct subaccount_token token;
    struct rpc_params params;
    struct json *document;
    struct bytes rest;
    uint8_t kind;
    enum err err;

    if (input.len == 0)
        return;
    kind = input.data[0];
    rest = bytes_slice(input, 1, input.len - 1);
    if (kind == 0xff) {
        read_result(rest);
    } else if (kind == 0xfe) {
        ASSERT(subaccount_from_text(&token, rest) != OK || rest.len >= 48);
    } else if (kind & 0x80) {
        if (rpc_params_bencoded(&params, arena, rest) == OK)
            decode((enum modern_method)(kind & 0x7f), &params, arena);
    } else {
        document = json_parse(rest, &err);
        rpc_params_json(&params, arena, document);
        if (json_is_object(document))
            decode((enum modern_method)kind, &params, arena);
        json_free(document);
    }
}
