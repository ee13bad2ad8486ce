#include "client/deliver.h"

#include <stdlib.h>

#include "client/client_state.h"

static void on_answer(struct onion_request *request);

static struct blob *request_body(const struct contact *contact, struct blob *data)
{
    char account[ACCOUNT_HEX_LEN];
    struct buf body;

    account_to_hex(&contact->account, account);
    buf_init(&body, LIMIT_BODY_BYTES);
    rpc_deliver_encode(&body, &(struct rpc_deliver){BYTES_OF(account), blob_bytes(data)});
    client_charge_bytes(contact->client, COST_PARSE, body.len);
    struct blob *blob = blob_from_buf(&body);
    buf_fini(&body);
    return blob;
}

static void free_delivery(struct delivery *delivery)
{
    list_remove(&delivery->link);
    blob_drop(delivery->request.body);
    free(delivery);
}

static void send(struct delivery *delivery)
{
    delivery->requesting = true;
    onion_request_start(&delivery->request, delivery->contact->client);
}

static bool ended(const struct delivery *delivery)
{
    return delivery->failed == NULL && delivery->expects_answer;
}

/* Whoever waits no more is not told; one who never waited is done with the first try. */
static void fail(struct delivery *delivery)
{
    if (delivery->failed != NULL)
        delivery->failed(delivery); /* ends it */
    else
        free_delivery(delivery);
}

static void on_retry(struct timer *timer)
{
    send(CONTAINER_OF(timer, struct delivery, retry_timer));
}

static void on_no_answer(struct timer *timer)
{
    fail(CONTAINER_OF(timer, struct delivery, answer_timer));
}

/* 200: now it is the contact's turn. 404, 421: the contact is not there. All else: once more, by another way. */
static void on_answer(struct onion_request *request)
{
    struct delivery *delivery = CONTAINER_OF(request, struct delivery, request);
    bool answered = request->failure == ONION_ANSWERED;

    delivery->requesting = false;
    if (ended(delivery) || !delivery->expects_answer) {
        free_delivery(delivery);
        return;
    }
    if (answered && request->status == 200) {
        if (delivery->handed_over != NULL)
            delivery->handed_over(delivery);
    } else if (delivery->retried || (answered && (request->status == 404 || request->status == 421))) {
        fail(delivery);
    } else {
        delivery->retried = true;
        request->path_avoided = request->path_id;
        env_timer_start(delivery->contact->client->env, &delivery->retry_timer, LIMIT_DELIVER_RETRY_MS, on_retry);
    }
}

static void on_saved(struct disk_op *op)
{
    struct delivery *delivery = CONTAINER_OF(op, struct delivery, op);

    delivery->saving = false;
    if (ended(delivery))
        free_delivery(delivery);
    else if (op->err != OK) /* a session that goes back after a crash must not have spoken */
        fail(delivery);
    else
        send(delivery);
}

static struct delivery *start(struct contact *contact, struct blob *data)
{
    struct client *client = contact->client;
    uint32_t node = contact->has_node ? snode_pool_find(&client->pool, &contact->node) : NODE_NONE;

    if (node == NODE_NONE)
        return NULL;
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    delivery->contact = contact;
    delivery->request = (struct onion_request){
        .target = *snode_pool_node(&client->pool, node),
        .method = "deliver",
        .body = request_body(contact, data),
        .absence_is_no_fault = true,
        .timeout_ms = LIMIT_ONION_TIMEOUT_MS,
        .attempts = 1,
        .done = on_answer,
    };
    list_append(&client->contacts->deliveries, &delivery->link);
    delivery->saving = true;
    env_disk_sync(client->env, &delivery->op, on_saved);
    return delivery;
}

struct delivery *deliver_start(struct contact *contact, struct blob *data, uint64_t timestamp_ms,
                               const struct deliver_events *events)
{
    struct delivery *delivery = start(contact, data);

    if (delivery == NULL)
        return NULL;
    delivery->timestamp_ms = timestamp_ms;
    delivery->owner = events->owner;
    delivery->handed_over = events->handed_over;
    delivery->failed = events->failed;
    delivery->expects_answer = true;
    env_timer_start(contact->client->env, &delivery->answer_timer, LIMIT_ACK_MS, on_no_answer);
    return delivery;
}

void deliver_once(struct contact *contact, struct blob *data)
{
    (void)start(contact, data);
}

void deliver_end(struct delivery *delivery)
{
    struct env *env = delivery->contact->client->env;

    env_timer_stop(env, &delivery->retry_timer);
    env_timer_stop(env, &delivery->answer_timer);
    delivery->handed_over = NULL;
    delivery->failed = NULL;
    if (!delivery->saving && !delivery->requesting)
        free_delivery(delivery);
}

void deliver_free_all(struct list *deliveries)
{
    LIST_EACH_SAFE (link, deliveries)
        free_delivery(CONTAINER_OF(link, struct delivery, link));
}
