#include "client/seed_fetch.h"

#include "client/client_state.h"

static void on_answer(struct call *call);

static void ask(struct seed_fetch *fetch)
{
    struct client *client = fetch->client;
    struct buf body;

    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_node_list_request(&body);
    struct blob *blob = blob_from_buf(&body);
    buf_fini(&body);
    fetch->tries++;
    client_post(client, &fetch->call, client->preset->seed, PATH_SEED_RPC, CONTENT_JSON, blob, LIMIT_DIRECT_TIMEOUT_MS,
                on_answer);
    blob_drop(blob);
}

static enum err read_list(struct seed_fetch *fetch)
{
    struct client *client = fetch->client;
    const struct call *call = &fetch->call;

    switch (call->net) {
    case NET_OK:
        break;
    case NET_TIMEOUT:
        return ERR_TIMEOUT;
    case NET_REFUSED:
    case NET_RESET:
        return ERR_UNREACHABLE;
    case NET_CANCELLED:
        return ERR_CANCELLED;
    }
    if (call->in.status != 200)
        return ERR_REFUSED;
    if (call->in.body == NULL)
        return ERR_FORMAT;
    client_charge_bytes(client, COST_PARSE, call->in.body->len);
    return snode_list_get(client->lists, call->in.body, &fetch->list);
}

static void on_pause_over(struct timer *timer)
{
    ask(CONTAINER_OF(timer, struct seed_fetch, timer));
}

static void on_answer(struct call *call)
{
    struct seed_fetch *fetch = CONTAINER_OF(call, struct seed_fetch, call);
    struct client *client = fetch->client;

    fetch->err = read_list(fetch);
    if (fetch->err != OK && fetch->tries < LIMIT_SEED_TRIES) {
        env_timer_start(client->env, &fetch->timer, fetch->tries * fetch->tries * LIMIT_SEED_PAUSE_MS, on_pause_over);
        return;
    }
    if (fetch->err == OK)
        env_trace(client->env,
                  &(struct trace_record){.kind = TRACE_NODE_LIST,
                                         .n = {fetch->list->count, fetch->list->height, call->in.body->len}});
    fetch->done(fetch);
}

void seed_fetch_start(struct seed_fetch *fetch, struct client *client, void (*done)(struct seed_fetch *fetch))
{
    *fetch = (struct seed_fetch){.client = client, .done = done};
    ask(fetch);
}
