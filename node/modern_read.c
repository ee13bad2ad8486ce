/* What one node answers by itself (PROTOCOL 10.8). */
#include "common/limits.h"
#include "node/modern.h"
#include "proto/node_list.h"

void modern_info(struct modern_call *call)
{
    static const uint64_t version[] = {MODERN_VERSION};
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    json_write_name(&out, "version");
    json_open(&out, '[');
    for (size_t i = 0; i < ARRAY_LEN(version); i++)
        json_write_u64(&out, version[i]);
    json_close(&out, ']');
    json_write_name(&out, "timestamp");
    json_write_i64(&out, env_now_ms(call->methods->env));
    modern_answer(call, &out);
}

/* What the daemon behind a deployed server would say. */
void modern_oxend(struct modern_call *call)
{
    const struct modern_request *request = call->request;
    struct rpc_list_query query = rpc_list_query_decode(request->endpoint_params);
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES);
    json_open(&out, '{');
    json_write_name(&out, "result");
    if (bytes_equal_text(request->endpoint, "get_service_nodes"))
        rpc_list_result_encode(&out, call->methods->view->now, &query);
    else
        json_write_raw(&out, BYTES_LIT("{}"));
    modern_answer(call, &out);
}
