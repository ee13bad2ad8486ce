#include "node/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/monitor.h"

/* An account that somebody waits for. */
struct watched {
    struct account_id account;
    struct list subscriptions;
};

struct connection {
    struct list link;
    struct monitor *monitor;
    struct incoming *incoming;
    struct list subscriptions;
    uint32_t count;
    struct timer timer;
};

/* One per connection and account. */
struct subscription {
    struct list of_account, of_connection;
    struct watched *watched;
    struct connection *connection;
    bool data;
    int16_t *namespaces; /* ascending */
    size_t namespace_count;
};

static struct bytes watched_key(const void *value)
{
    return BYTES_OF(((const struct watched *)value)->account.bytes);
}

struct monitor *monitor_new(struct env *env, const struct crypto_suite *suite, const struct store *store)
{
    struct monitor *monitor = xcalloc(1, sizeof(*monitor));

    monitor->env = env;
    monitor->suite = suite;
    monitor->store = store;
    list_init(&monitor->connections);
    table_init(&monitor->by_account, watched_key, UINT64_C(0x6d6f6e69746f7273));
    return monitor;
}

/* ---- what ends ---- */

static void unsubscribe(struct monitor *monitor, struct subscription *subscription)
{
    struct watched *watched = subscription->watched;

    list_remove(&subscription->of_account);
    list_remove(&subscription->of_connection);
    free(subscription->namespaces);
    free(subscription);
    monitor->subscription_count--;
    if (!list_empty(&watched->subscriptions))
        return;
    (void)table_remove(&monitor->by_account, watched_key(watched));
    free(watched);
}

static void forget(struct connection *connection)
{
    struct monitor *monitor = connection->monitor;

    LIST_EACH_SAFE (link, &connection->subscriptions)
        unsubscribe(monitor, CONTAINER_OF(link, struct subscription, of_connection));
    list_remove(&connection->link);
    free(connection);
    monitor->connection_count--;
}

void monitor_free(struct monitor *monitor)
{
    if (monitor == NULL)
        return;
    LIST_EACH_SAFE (link, &monitor->connections)
        forget(CONTAINER_OF(link, struct connection, link));
    table_fini(&monitor->by_account);
    free(monitor);
}

static void trace(const struct connection *connection, uint64_t subscribed)
{
    env_trace(connection->monitor->env,
              &(struct trace_record){.kind = TRACE_MONITOR, .n = {subscribed, connection->count}});
}

static void end(struct connection *connection)
{
    struct env *env = connection->monitor->env;

    env_timer_stop(env, &connection->timer);
    trace(connection, 0);
    env_answer(env, connection->incoming, &(struct message){.status = 200, .content = CONTENT_BINARY});
    forget(connection);
}

static void on_time(struct timer *timer)
{
    end(CONTAINER_OF(timer, struct connection, timer));
}

static void on_gone(struct incoming *incoming)
{
    struct connection *connection = incoming->owner;

    env_timer_stop(connection->monitor->env, &connection->timer);
    trace(connection, 0);
    forget(connection);
}

/* ---- what begins ---- */

static bool verify(struct monitor *monitor, const struct ed25519_public *key, struct bytes text,
                   const uint8_t signature[64])
{
    env_charge(monitor->env, COST_SIGN, 1);
    return monitor->suite->verify(key, text, signature);
}

static bool is_signed(struct monitor *monitor, const struct monitor_request *request)
{
    struct ed25519_public key = request->key;
    struct buf text;
    bool good;

    if (request->has_subaccount) {
        if (!subaccount_permits(&request->subaccount, &request->account, SUBACCOUNT_READ) ||
            store_is_revoked(monitor->store, &request->account, &request->subaccount) ||
            !verify(monitor, &key, BYTES_OF(request->subaccount.bytes), request->subaccount_signature))
            return false;
        key = subaccount_key(&request->subaccount);
    }
    buf_init(&text, SIZE_MAX);
    monitor_request_signed_text(&text, request);
    good = verify(monitor, &key, buf_bytes(&text), request->signature);
    buf_fini(&text);
    return good;
}

static bool time_ok(const struct monitor *monitor, int64_t signed_s)
{
    int64_t now_s = env_now_ms(monitor->env) / 1000;

    return signed_s >= now_s - LIMIT_MONITOR_PAST_S && signed_s <= now_s + LIMIT_MONITOR_FUTURE_S;
}

static struct subscription *find(const struct connection *connection, const struct watched *watched)
{
    LIST_EACH (link, &connection->subscriptions) {
        struct subscription *subscription = CONTAINER_OF(link, struct subscription, of_connection);

        if (subscription->watched == watched)
            return subscription;
    }
    return NULL;
}

/* Both lists ascend. */
static void merge(struct subscription *subscription, const struct monitor_request *request)
{
    size_t old = 0, new = 0, count = 0;
    int16_t *all = xmalloc((subscription->namespace_count + request->namespace_count) * sizeof(*all));

    while (old < subscription->namespace_count || new < request->namespace_count) {
        bool take_old = new == request->namespace_count || (old < subscription->namespace_count &&
                                                            subscription->namespaces[old] <= request->namespaces[new]);
        int16_t next = take_old ? subscription->namespaces[old++] : request->namespaces[new++];

        if (count == 0 || all[count - 1] != next)
            all[count++] = next;
    }
    free(subscription->namespaces);
    subscription->namespaces = all;
    subscription->namespace_count = count;
    subscription->data |= request->data;
}

static enum monitor_error subscribe(struct connection *connection, const struct monitor_request *request,
                                    const char **why)
{
    struct monitor *monitor = connection->monitor;
    struct watched *watched = table_get(&monitor->by_account, BYTES_OF(request->account.bytes));
    struct subscription *subscription = watched == NULL ? NULL : find(connection, watched);

    if (subscription == NULL) {
        *why = "too many subscriptions";
        if (connection->count == LIMIT_MONITOR_ACCOUNTS || monitor->subscription_count == LIMIT_MONITORS)
            return MONITOR_BAD_ARGUMENTS;
        if (watched == NULL) {
            watched = xcalloc(1, sizeof(*watched));
            watched->account = request->account;
            list_init(&watched->subscriptions);
            table_put(&monitor->by_account, watched);
        }
        subscription = xcalloc(1, sizeof(*subscription));
        subscription->watched = watched;
        subscription->connection = connection;
        list_append(&watched->subscriptions, &subscription->of_account);
        list_append(&connection->subscriptions, &subscription->of_connection);
        connection->count++;
        monitor->subscription_count++;
    }
    merge(subscription, request);
    return MONITOR_OK;
}

/* One dictionary of the request, and its answer. */
static void answer_one(struct connection *connection, struct bytes dict, struct buf *out)
{
    struct monitor *monitor = connection->monitor;
    struct monitor_request request;
    const char *why;
    enum monitor_error error = monitor_request_decode(monitor->env->arena, dict, &request, &why);

    if (error == MONITOR_OK && !time_ok(monitor, request.signed_s)) {
        error = MONITOR_BAD_TIME;
        why = "t is not within 14 days before and 24 hours after now";
    } else if (error == MONITOR_OK && !is_signed(monitor, &request)) {
        error = MONITOR_BAD_SIGNATURE;
        why = "the signature does not verify";
    }
    if (error == MONITOR_OK)
        error = subscribe(connection, &request, &why);
    monitor_result_encode(out, error, why);
}

static size_t element_count(struct bytes list)
{
    struct bencode in;
    size_t count = 0;

    bencode_init(&in, list);
    bencode_open(&in, 'l');
    for (; bencode_element(&in); bencode_skip(&in))
        count++;
    return count;
}

/* NULL: done; else why the body is invalid as a whole. A list is bounded before it is answered: the answer to the
 * shortest dictionary is many times as long. */
static const char *answer_each(struct connection *connection, struct bytes body, struct buf *out)
{
    bool is_list = body.len > 0 && body.data[0] == 'l';
    struct bencode in;

    bencode_init(&in, body);
    bencode_skip(&in);
    if (!bencode_end(&in) || (!is_list && body.data[0] != 'd'))
        return "invalid body: expected bt_dict or list of them";
    if (!is_list) {
        answer_one(connection, body, out);
        return NULL;
    }
    if (element_count(body) > LIMIT_MONITOR_ACCOUNTS)
        return "invalid body: too many subscriptions";
    bencode_init(&in, body);
    bencode_open(&in, 'l');
    buf_byte(out, 'l');
    while (bencode_element(&in)) {
        struct bytes before = in.rest;

        bencode_skip(&in);
        answer_one(connection, bytes_slice(before, 0, before.len - in.rest.len), out);
    }
    buf_byte(out, 'e');
    return NULL;
}

static void send_frame(struct connection *connection, struct blob *frame)
{
    env_answer_part(connection->monitor->env, connection->incoming,
                    &(struct message){.status = 200, .content = CONTENT_BINARY, .body = frame});
}

static void start(struct connection *connection, struct buf *frame)
{
    struct env *env = connection->monitor->env;
    struct blob *blob = blob_from_buf(frame);

    trace(connection, 1);
    send_frame(connection, blob);
    blob_drop(blob);
    if (connection->count == 0) {
        end(connection);
        return;
    }
    connection->incoming->owner = connection;
    connection->incoming->on_gone = on_gone;
    env_timer_start(env, &connection->timer, LIMIT_MONITOR_MS, on_time);
}

void monitor_on_request(struct monitor *monitor, struct incoming *incoming)
{
    struct bytes body = blob_bytes(incoming->in.body);
    struct connection *connection;
    const char *invalid;
    struct buf frame;
    size_t at;

    env_charge_bytes(monitor->env, COST_PARSE, body.len);
    if (body.len > LIMIT_MONITOR_BYTES) {
        env_answer_text(monitor->env, incoming, 413, "Request body too large");
        return;
    }
    if (monitor->connection_count == LIMIT_MONITOR_CONNECTIONS) {
        env_answer_text(monitor->env, incoming, 503, "too many monitor connections");
        return;
    }
    connection = xcalloc(1, sizeof(*connection));
    connection->monitor = monitor;
    connection->incoming = incoming;
    list_init(&connection->subscriptions);
    list_append(&monitor->connections, &connection->link);
    monitor->connection_count++;
    buf_init(&frame, SIZE_MAX); /* a short text for each of LIMIT_MONITOR_ACCOUNTS */
    at = monitor_frame_open(&frame);
    invalid = answer_each(connection, body, &frame);
    if (invalid == NULL) {
        monitor_frame_close(&frame, at);
        start(connection, &frame);
    } else {
        env_answer_text(monitor->env, incoming, 400, invalid);
        forget(connection);
    }
    buf_fini(&frame);
}

/* ---- what is told ---- */

static bool covers(const struct subscription *subscription, int16_t namespace)
{
    for (size_t i = 0; i < subscription->namespace_count; i++)
        if (subscription->namespaces[i] == namespace)
            return true;
    return false;
}

static struct blob *notice_frame(const struct monitor *monitor, const struct stored_body *body, bool with_data)
{
    struct bytes text = body_base64(body, monitor->env->arena);
    size_t len = BASE64_MAX_DECODED(text.len);
    uint8_t *data = arena_alloc(monitor->env->arena, len + 1);
    enum err err = base64_decode(data, &len, text);
    struct monitor_notice notice = {
        .account = &body->account,
        .hash = {(const uint8_t *)body->modern_hash, sizeof(body->modern_hash)},
        .namespace = body->namespace,
        .timestamp_ms = (int64_t)body->timestamp_ms,
        .expiry_ms = body_expiry_ms(body),
        .data = {data, len},
    };
    struct blob *blob;
    struct buf frame;
    size_t at;

    ASSERT(err == OK); /* body_base64() gives nothing else */
    buf_init(&frame, SIZE_MAX);
    at = monitor_frame_open(&frame);
    monitor_notice_encode(&frame, &notice, with_data);
    monitor_frame_close(&frame, at);
    blob = blob_from_buf(&frame);
    buf_fini(&frame);
    return blob;
}

void monitor_notify(struct monitor *monitor, const struct stored_body *body)
{
    struct watched *watched = table_get(&monitor->by_account, BYTES_OF(body->account.bytes));
    struct blob *frames[2] = {NULL, NULL};

    if (watched == NULL)
        return;
    LIST_EACH (link, &watched->subscriptions) {
        const struct subscription *subscription = CONTAINER_OF(link, struct subscription, of_account);
        struct blob **frame = &frames[subscription->data];

        if (!covers(subscription, body->namespace))
            continue;
        if (*frame == NULL)
            *frame = notice_frame(monitor, body, subscription->data);
        send_frame(subscription->connection, *frame);
    }
    blob_drop(frames[0]);
    blob_drop(frames[1]);
}
