/* rpc_param.h: the parameters of a call of today's dialect, from JSON or from a bencoded dictionary.
 *
 *     has_text = param_text(&params, "signature", &text);
 *     param_timestamp(&params, "timestamp", &timestamp_ms);
 *     param_require(&params, "signature", has_text);
 *     if (params.error != NULL) ...
 *
 * The first complaint stays: from then on nothing is read and nothing else complained of, so one look at the end is
 * enough. In JSON a null counts as absent; keys, tokens, signatures and data are text. In bencoded parameters those are
 * raw bytes, booleans are 0 and 1. Source: PROTOCOL 10.3, whose texts these complaints are. */
#ifndef SWARMBED_RPC_PARAM_H
#define SWARMBED_RPC_PARAM_H

#include "common/arena.h"
#include "common/json.h"

#define PARAM_NUMBER_MAX (INT64_C(1) << 53) /* from here on JSON's numbers are not exact */

struct rpc_params {
    struct arena *arena;     /* lists and complaints live there */
    const struct json *json; /* an object; NULL: bencoded */
    struct bytes dict;       /* bencoded: one whole dictionary */
    const char *error;       /* NULL: no complaint so far */
};

void rpc_params_json(struct rpc_params *params, struct arena *arena, const struct json *object);
/* ERR_FORMAT: the bytes are not one bencoded dictionary. */
MUST_CHECK enum err rpc_params_bencoded(struct rpc_params *params, struct arena *arena, struct bytes dict);
bool rpc_params_are_json(const struct rpc_params *params);
void param_complain(struct rpc_params *params, const char *form, ...) PRINTF_LIKE(2, 3);
void param_require(struct rpc_params *params, const char *name, bool is_there);
void param_require_not_both(struct rpc_params *params, const char *first, bool has_first, const char *second,
                            bool has_second);

/* Each: whether it is there and of its type; if not, *out is left alone. */
bool param_text(struct rpc_params *params, const char *name, struct bytes *out);
bool param_bool(struct rpc_params *params, const char *name, bool *out);
bool param_integer(struct rpc_params *params, const char *name, int64_t *out);
bool param_timestamp(struct rpc_params *params, const char *name, int64_t *out_ms);
/* A number or, in JSON, its text. Beyond 2^53 it is 2^53. */
bool param_number_or_text(struct rpc_params *params, const char *name, bool is_signed, int64_t *out);
bool param_namespace(struct rpc_params *params, const char *name, int16_t *out);
bool param_namespace_or_all(struct rpc_params *params, const char *name, int16_t *out, bool *all);
/* Lists, or a single value as a list of one; in the arena. */
bool param_texts(struct rpc_params *params, const char *name, const struct bytes **out, size_t *count);
bool param_integers(struct rpc_params *params, const char *name, const int64_t **out, size_t *count);
bool param_timestamps(struct rpc_params *params, const char *name, const int64_t **out_ms, size_t *count);

#endif
