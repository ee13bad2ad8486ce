#include "node/listen.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/list.h"

/* An account that somebody listens to: there is one as long as it has a lease. */
struct listened {
    struct account_id account;
    struct list leases, deliveries; /* in the order they came */
    uint32_t lease_count, open_count, delivery_count;
    uint32_t delivery_bytes;
};

/* One listening period of one client. */
struct lease {
    struct list link;
    struct listen *listen;
    struct listened *listened;
    uint8_t id[LISTEN_ID_BYTES];
    struct timer expiry;
    /* the listen that waits right now: */
    bool open;
    struct rpc_reply reply;
    struct timer hold;
    int64_t since_ms;
};

/* A deliver that waits for the next listen. */
struct delivery {
    struct list link;
    struct listen *listen;
    struct listened *listened;
    struct rpc_reply reply;
    struct timer timer;
    int64_t since_ms;
    uint32_t len;
    uint8_t data[];
};

static struct bytes listened_key(const void *value)
{
    return BYTES_OF(((const struct listened *)value)->account.bytes);
}

void listen_init(struct listen *listen, struct env *env, const struct membership_view *view)
{
    *listen = (struct listen){.env = env, .view = view};
    table_init(&listen->by_account, listened_key, UINT64_C(0x6c697374656e6564));
}

static void listened_free(struct listened *listened)
{
    LIST_EACH_SAFE (link, &listened->leases)
        free(CONTAINER_OF(link, struct lease, link));
    LIST_EACH_SAFE (link, &listened->deliveries)
        free(CONTAINER_OF(link, struct delivery, link));
    free(listened);
}

void listen_fini(struct listen *listen)
{
    uint32_t cursor = 0;
    struct listened *listened;

    while ((listened = table_next(&listen->by_account, &cursor)) != NULL)
        listened_free(listened);
    table_fini(&listen->by_account);
}

/* ---- a deliver: its request is the only place of its data ----
 *
 *  asked --a listen is open--> 200
 *   | `--no lease--> 404
 *   | `--a bound is reached--> 429
 *  waiting --next listen--> 200
 *   | `--time--> 504
 *   | `--the last lease is over--> 404
 *   | `--another swarm's--> 421
 *   `---asker gone--> forgotten  */

static void trace_deliver(struct listen *listen, const struct account_id *account, uint16_t status, uint32_t delivered,
                          size_t len, int64_t held_ms)
{
    env_trace(listen->env, &(struct trace_record){.kind = TRACE_DELIVER,
                                                  .n = {status, delivered, len, (uint64_t)held_ms},
                                                  .b = {BYTES_OF(account->bytes)}});
}

static void answer_delivered(struct rpc_reply *reply, uint32_t listeners)
{
    struct buf out;

    buf_init(&out, 64);
    rpc_delivered_encode(&out, listeners);
    rpc_reply_answer(reply, 200, buf_bytes(&out), true);
    buf_fini(&out);
}

/* 404 and 504. */
static void answer_listening(struct rpc_reply *reply, uint16_t status)
{
    struct buf out;

    buf_init(&out, 64);
    rpc_listening_encode(&out, status == 504);
    rpc_reply_answer(reply, status, buf_bytes(&out), true);
    buf_fini(&out);
}

static void delivery_forget(struct delivery *delivery)
{
    struct listen *listen = delivery->listen;
    struct listened *listened = delivery->listened;

    env_timer_stop(listen->env, &delivery->timer);
    list_remove(&delivery->link);
    listened->delivery_count--;
    listened->delivery_bytes -= delivery->len;
    listen->deliveries--;
    listen->delivery_bytes -= delivery->len;
    free(delivery);
}

/* Its answer is out. */
static void delivery_end(struct delivery *delivery, uint16_t status)
{
    trace_deliver(delivery->listen, &delivery->listened->account, status, status == 200 ? 1 : 0, delivery->len,
                  env_now_ms(delivery->listen->env) - delivery->since_ms);
    delivery_forget(delivery);
}

static void on_delivery_time(struct timer *timer)
{
    struct delivery *delivery = CONTAINER_OF(timer, struct delivery, timer);

    answer_listening(&delivery->reply, 504);
    delivery_end(delivery, 504);
}

static void on_deliverer_gone(struct rpc_reply *reply)
{
    delivery_forget(CONTAINER_OF(reply, struct delivery, reply));
}

static bool may_wait(const struct listen *listen, const struct listened *listened, size_t len)
{
    return listen->deliveries < LIMIT_DELIVERIES && listened->delivery_count < LIMIT_DELIVERIES_PER_KEY &&
           len <= LIMIT_DELIVERY_BYTES_PER_KEY - listened->delivery_bytes;
}

static void delivery_wait(struct listen *listen, struct listened *listened, struct bytes data,
                          const struct rpc_reply *reply)
{
    struct delivery *delivery = xmalloc(sizeof(*delivery) + data.len);

    *delivery = (struct delivery){.listen = listen,
                                  .listened = listened,
                                  .reply = *reply,
                                  .since_ms = env_now_ms(listen->env),
                                  .len = (uint32_t)data.len};
    if (data.len > 0)
        memcpy(delivery->data, data.data, data.len);
    list_append(&listened->deliveries, &delivery->link);
    listened->delivery_count++;
    listened->delivery_bytes += delivery->len;
    listen->deliveries++;
    listen->delivery_bytes += delivery->len;
    rpc_reply_watch(&delivery->reply, on_deliverer_gone);
    env_timer_start(listen->env, &delivery->timer, LIMIT_DELIVER_MS, on_delivery_time);
}

/* ---- a listen: at most one is open per lease ----
 *
 *  open --delivery--> 200 with it
 *   | `--time--> 200 with nothing
 *   | `--the same client listens again--> 200 with nothing
 *   | `--another swarm's--> 421
 *   `---asker gone--> closed; the lease lives on  */

static void lease_close(struct lease *lease)
{
    env_timer_stop(lease->listen->env, &lease->hold);
    lease->open = false;
    lease->listened->open_count--;
    lease->listen->open--;
}

static void trace_listen(const struct lease *lease, uint16_t status, size_t messages, size_t len)
{
    struct env *env = lease->listen->env;

    env_trace(env, &(struct trace_record){.kind = TRACE_LISTEN,
                                          .n = {status, messages, len, (uint64_t)(env_now_ms(env) - lease->since_ms)},
                                          .b = {BYTES_OF(lease->listened->account.bytes), BYTES_OF(lease->id)}});
}

static void lease_answer(struct lease *lease, const struct bytes messages[], size_t count)
{
    size_t data_bytes = 0;
    struct buf out;

    buf_init(&out, LIMIT_BODY_BYTES); /* escaped six times over it still fits */
    rpc_heard_open(&out);
    for (size_t i = 0; i < count; i++) {
        rpc_heard_add(&out, messages[i]);
        data_bytes += messages[i].len;
    }
    rpc_heard_close(&out, LIMIT_LEASE_MS);
    trace_listen(lease, 200, count, data_bytes);
    rpc_reply_answer(&lease->reply, 200, buf_bytes(&out), true);
    buf_fini(&out);
    lease_close(lease);
}

static void on_hold_time(struct timer *timer)
{
    lease_answer(CONTAINER_OF(timer, struct lease, hold), NULL, 0);
}

static void on_listener_gone(struct rpc_reply *reply)
{
    lease_close(CONTAINER_OF(reply, struct lease, reply));
}

/* Out of an onion the relays would give up on a longer hold. */
static void lease_open(struct lease *lease, uint32_t hold_ms, const struct rpc_reply *reply)
{
    struct env *env = lease->listen->env;

    if (reply->onion != NULL && hold_ms > LIMIT_LISTEN_HOLD_MS)
        hold_ms = LIMIT_LISTEN_HOLD_MS;
    lease->open = true;
    lease->listened->open_count++;
    lease->listen->open++;
    lease->reply = *reply;
    lease->since_ms = env_now_ms(env);
    rpc_reply_watch(&lease->reply, on_listener_gone);
    env_timer_start(env, &lease->hold, hold_ms, on_hold_time);
}

/* All that wait go to this listen; each learns that one listener got it. */
static void take_deliveries(struct lease *lease)
{
    struct listened *listened = lease->listened;
    struct bytes messages[LIMIT_DELIVERIES_PER_KEY];
    size_t count = 0;

    if (listened->delivery_count == 0)
        return;
    LIST_EACH (link, &listened->deliveries) {
        const struct delivery *delivery = CONTAINER_OF(link, struct delivery, link);

        messages[count++] = (struct bytes){delivery->data, delivery->len};
    }
    lease_answer(lease, messages, count);
    LIST_EACH_SAFE (link, &listened->deliveries) {
        struct delivery *delivery = CONTAINER_OF(link, struct delivery, link);

        answer_delivered(&delivery->reply, 1);
        delivery_end(delivery, 200);
    }
}

/* ---- leases ---- */

static void trace_lease(const struct lease *lease, enum lease_change change, uint64_t ack)
{
    env_trace(lease->listen->env,
              &(struct trace_record){.kind = TRACE_LEASE,
                                     .n = {(uint64_t)change, lease->listened->lease_count, ack},
                                     .b = {BYTES_OF(lease->listened->account.bytes), BYTES_OF(lease->id)}});
}

static void listened_drop(struct listen *listen, struct listened *listened)
{
    (void)table_remove(&listen->by_account, listened_key(listened));
    listened_free(listened);
}

/* Nothing of it is open. What the account still has beside it stays. */
static void lease_end(struct lease *lease, enum lease_change change)
{
    ASSERT(!lease->open);
    env_timer_stop(lease->listen->env, &lease->expiry);
    list_remove(&lease->link);
    lease->listened->lease_count--;
    lease->listen->leases--;
    trace_lease(lease, change, 0);
    free(lease);
}

/* A delivery that still waits for the account's last lease waits in vain: sooner said than in 5 s, as the sender then
 * stores the message. */
static void on_expiry(struct timer *timer)
{
    struct lease *lease = CONTAINER_OF(timer, struct lease, expiry);
    struct listen *listen = lease->listen;
    struct listened *listened = lease->listened;

    lease_end(lease, LEASE_OVER);
    if (listened->lease_count > 0)
        return;
    LIST_EACH_SAFE (link, &listened->deliveries) {
        struct delivery *delivery = CONTAINER_OF(link, struct delivery, link);

        answer_listening(&delivery->reply, 404);
        delivery_end(delivery, 404);
    }
    listened_drop(listen, listened);
}

static struct lease *lease_find(const struct listened *listened, const uint8_t id[LISTEN_ID_BYTES])
{
    LIST_EACH (link, &listened->leases) {
        struct lease *lease = CONTAINER_OF(link, struct lease, link);

        if (memcmp(lease->id, id, LISTEN_ID_BYTES) == 0)
            return lease;
    }
    return NULL;
}

static struct listened *listened_new(struct listen *listen, const struct account_id *account)
{
    struct listened *listened = xcalloc(1, sizeof(*listened));

    listened->account = *account;
    list_init(&listened->leases);
    list_init(&listened->deliveries);
    table_put(&listen->by_account, listened);
    return listened;
}

static struct lease *lease_new(struct listen *listen, struct listened *listened, const uint8_t id[LISTEN_ID_BYTES])
{
    struct lease *lease = xcalloc(1, sizeof(*lease));

    lease->listen = listen;
    lease->listened = listened;
    memcpy(lease->id, id, LISTEN_ID_BYTES);
    list_append(&listened->leases, &lease->link);
    listened->lease_count++;
    listen->leases++;
    return lease;
}

/* The lease of that listen, new or renewed; NULL: a bound is reached. */
static struct lease *lease_take(struct listen *listen, const struct account_id *account,
                                const struct rpc_listen *request)
{
    struct listened *listened = table_get(&listen->by_account, BYTES_OF(account->bytes));
    struct lease *lease = listened == NULL ? NULL : lease_find(listened, request->listen_id);
    enum lease_change change = lease == NULL ? LEASE_NEW : LEASE_RENEWED;

    if (lease == NULL) {
        if (listen->leases >= LIMIT_LEASES || (listened != NULL && listened->lease_count >= LIMIT_LEASES_PER_KEY))
            return NULL;
        if (listened == NULL)
            listened = listened_new(listen, account);
        lease = lease_new(listen, listened, request->listen_id);
    }
    trace_lease(lease, change, request->ack);
    env_timer_start(listen->env, &lease->expiry, LIMIT_LEASE_MS, on_expiry);
    return lease;
}

/* ---- what comes in ---- */

void listen_wait(struct listen *listen, const struct account_id *account, const struct rpc_listen *request,
                 const struct rpc_reply *reply)
{
    struct lease *lease = lease_take(listen, account, request);
    struct rpc_reply refused = *reply;

    if (lease == NULL) {
        rpc_reply_text(&refused, 429, "too many listeners\n");
        return;
    }
    if (lease->open)
        lease_answer(lease, NULL, 0); /* its client has given that one up: a delivery would be lost there */
    lease_open(lease, request->hold_ms, reply);
    take_deliveries(lease);
}

/* To every open listen, in the order of their leases. */
static uint32_t hand_over(struct listened *listened, struct bytes data)
{
    uint32_t listeners = 0;

    LIST_EACH (link, &listened->leases) {
        struct lease *lease = CONTAINER_OF(link, struct lease, link);

        if (lease->open) {
            lease_answer(lease, &data, 1);
            listeners++;
        }
    }
    return listeners;
}

void listen_deliver(struct listen *listen, const struct account_id *account, struct bytes data,
                    const struct rpc_reply *reply)
{
    struct listened *listened = table_get(&listen->by_account, BYTES_OF(account->bytes));
    struct rpc_reply now = *reply;

    if (listened == NULL) {
        trace_deliver(listen, account, 404, 0, data.len, 0);
        answer_listening(&now, 404);
    } else if (listened->open_count > 0) {
        uint32_t listeners = hand_over(listened, data);

        trace_deliver(listen, account, 200, listeners, data.len, 0);
        answer_delivered(&now, listeners);
    } else if (!may_wait(listen, listened, data.len)) {
        trace_deliver(listen, account, 429, 0, data.len, 0);
        rpc_reply_text(&now, 429, "too many deliveries\n");
    } else {
        delivery_wait(listen, listened, data, reply);
    }
}

static void refuse_all(struct listen *listen, struct listened *listened)
{
    const struct membership *membership = listen->view->now;

    LIST_EACH_SAFE (link, &listened->leases) {
        struct lease *lease = CONTAINER_OF(link, struct lease, link);

        if (lease->open) {
            trace_listen(lease, 421, 0, 0);
            rpc_reply_snodes(&lease->reply, 421, membership, &listened->account);
            lease_close(lease);
        }
        lease_end(lease, LEASE_MOVED);
    }
    LIST_EACH_SAFE (link, &listened->deliveries) {
        struct delivery *delivery = CONTAINER_OF(link, struct delivery, link);

        rpc_reply_snodes(&delivery->reply, 421, membership, &listened->account);
        delivery_end(delivery, 421);
    }
    listened_drop(listen, listened);
}

void listen_on_membership(struct listen *listen)
{
    uint32_t cursor = 0;
    struct listened *listened;

    while ((listened = table_next(&listen->by_account, &cursor)) != NULL)
        if (!membership_serves(listen->view, &listened->account))
            refuse_all(listen, listened);
}
