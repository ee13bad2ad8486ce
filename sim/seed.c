#include "sim/seed.h"

#include <stdlib.h>

#include "common/limits.h"
#include "proto/storage_rpc.h"

struct seed {
    struct env *env;
    const struct membership *membership; /* NULL: none yet */
    struct blob *text;                   /* the answer for it, once somebody has asked */
};

struct seed *seed_new(struct env *env)
{
    struct seed *seed = xcalloc(1, sizeof(*seed));

    seed->env = env;
    return seed;
}

void seed_free(struct seed *seed)
{
    blob_drop(seed->text);
    free(seed);
}

void seed_on_membership(struct seed *seed, const struct membership *membership)
{
    seed->membership = membership;
    blob_drop(seed->text);
    seed->text = NULL;
}

static void answer_node_list(struct seed *seed, struct incoming *incoming)
{
    struct message message = {.status = 200, .content = CONTENT_JSON};
    struct buf buf;

    if (seed->membership == NULL) {
        env_answer_text(seed->env, incoming, 503, "Service Unavailable");
        return;
    }
    if (seed->text == NULL) {
        buf_init(&buf, LIMIT_BODY_BYTES);
        rpc_node_list_encode(&buf, seed->membership);
        if (buf.err == OK)
            seed->text = blob_from_buf(&buf);
        buf_fini(&buf);
    }
    if (seed->text == NULL) {
        /* More nodes than a body can name: clients cannot read such a list anyway. */
        env_answer_text(seed->env, incoming, err_status(ERR_TOO_BIG), "Node list too large");
        return;
    }
    message.body = seed->text;
    env_answer(seed->env, incoming, &message);
}

void seed_on_request(struct seed *seed, struct incoming *incoming)
{
    const struct message *in = &incoming->in;
    struct buf buf;
    struct rpc_call call;

    env_charge(seed->env, COST_REQUEST, 1);
    if (in->verb != VERB_POST || !bytes_equal_text(in->path, PATH_SEED_RPC)) {
        env_answer_text(seed->env, incoming, 404, "Not Found");
        return;
    }
    if (rpc_seed_call_decode(blob_bytes(in->body), &call) != OK) {
        env_answer_text(seed->env, incoming, 400, "Bad Request");
        return;
    }
    if (bytes_equal_text(call.method, "get_n_service_nodes")) {
        answer_node_list(seed, incoming);
    } else {
        buf_init(&buf, 1024);
        rpc_seed_unknown_method(&buf);
        env_answer_json(seed->env, incoming, 200, buf_bytes(&buf));
        buf_fini(&buf);
    }
    rpc_call_free(&call);
}
