#include "sim/seed.h"

#include <stdlib.h>

#include "common/limits.h"
#include "proto/storage_rpc.h"
#include "sim/file_store.h"

#define ID_BYTES_MAX 256 /* of a request's id; a longer one comes back as 0 */

struct seed {
    struct env *env;
    const struct membership *membership; /* NULL: none yet */
    struct blob *text;                   /* the last answer: nearly everybody asks the same */
    struct rpc_list_query query;         /* what it answers */
    struct buf id;                       /* and to which id */
    struct file_store files;
};

struct seed *seed_new(struct env *env)
{
    struct seed *seed = xcalloc(1, sizeof(*seed));

    seed->env = env;
    buf_init(&seed->id, ID_BYTES_MAX);
    file_store_init(&seed->files, env);
    return seed;
}

void seed_free(struct seed *seed)
{
    file_store_fini(&seed->files);
    blob_drop(seed->text);
    buf_fini(&seed->id);
    free(seed);
}

void seed_on_membership(struct seed *seed, const struct membership *membership)
{
    seed->membership = membership;
    blob_drop(seed->text);
    seed->text = NULL;
}

static bool same_query(const struct rpc_list_query *a, const struct rpc_list_query *b)
{
    return a->active_only == b->active_only && a->limit == b->limit && a->fields == b->fields;
}

/* Makes `text` the answer to that, if it is not already. */
static void make_text(struct seed *seed, const struct rpc_list_query *query, struct bytes id)
{
    struct buf buf;

    if (seed->text != NULL && same_query(&seed->query, query) && bytes_equal(buf_bytes(&seed->id), id))
        return;
    blob_drop(seed->text);
    seed->text = NULL;
    seed->query = *query;
    buf_clear(&seed->id);
    buf_append(&seed->id, id);
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_list_answer_encode(&buf, seed->membership, query, id);
    if (buf.err == OK)
        seed->text = blob_from_buf(&buf);
    buf_fini(&buf);
}

static void answer_node_list(struct seed *seed, struct incoming *incoming, const struct rpc_call *call, struct bytes id)
{
    struct message message = {.status = 200, .content = CONTENT_JSON};
    struct rpc_list_query query = rpc_list_query_decode(call->params);

    if (seed->membership == NULL) {
        env_answer_text(seed->env, incoming, 503, "Service Unavailable");
        return;
    }
    make_text(seed, &query, id);
    if (seed->text == NULL) {
        /* More nodes than a body can name: clients cannot read such a list anyway. */
        env_answer_text(seed->env, incoming, err_status(ERR_TOO_BIG), "Node list too large");
        return;
    }
    message.body = seed->text;
    env_answer(seed->env, incoming, &message);
}

static void answer_unknown_method(struct seed *seed, struct incoming *incoming, struct bytes id)
{
    struct buf buf;

    buf_init(&buf, 1024);
    rpc_seed_unknown_method(&buf, id);
    env_answer_json(seed->env, incoming, 200, buf_bytes(&buf));
    buf_fini(&buf);
}

void seed_on_request(struct seed *seed, struct incoming *incoming)
{
    const struct message *in = &incoming->in;
    struct rpc_call call;
    struct buf id;

    env_charge(seed->env, COST_REQUEST, 1);
    if (file_store_on_request(&seed->files, incoming))
        return;
    if (in->verb != VERB_POST || !bytes_equal_text(in->path, PATH_SEED_RPC)) {
        env_answer_text(seed->env, incoming, 404, "Not Found");
        return;
    }
    if (rpc_seed_call_decode(blob_bytes(in->body), &call) != OK) {
        env_answer_text(seed->env, incoming, 400, "Bad Request");
        return;
    }
    buf_init(&id, ID_BYTES_MAX);
    rpc_seed_id_encode(&id, &call);
    if (id.err != OK) {
        buf_clear(&id);
        buf_byte(&id, '0');
    }
    if (bytes_equal_text(call.method, "get_n_service_nodes") || bytes_equal_text(call.method, "get_service_nodes"))
        answer_node_list(seed, incoming, &call, buf_bytes(&id));
    else
        answer_unknown_method(seed, incoming, buf_bytes(&id));
    buf_fini(&id);
    rpc_call_free(&call);
}
