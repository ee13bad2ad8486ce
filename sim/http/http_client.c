#include "sim/http/http_client.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/limits.h"
#include "common/list.h"
#include "sim/http/content_type.h"
#include "sim/http/http_response.h"
#include "sim/http/tls.h"

#define READ_BYTES  65536
#define PLAIN_BYTES 16384 /* of one TLS record */

struct connection;

/* One open call. */
struct exchange {
    struct list link; /* in `waiting`, or alone */
    struct http_client *client;
    struct call *call;
    struct connection *connection; /* NULL: waits for one, or is about to end */
    struct buf request;            /* its bytes */
    uv_timer_t timer;
    enum net end;  /* when the timer fires */
    bool repeated; /* its first connection had ended before */
};

/*  CONNECTING --> SHAKING (TLS) --> IDLE <--> BUSY; from each of them: CLOSING */
enum connection_state { CONNECTING, SHAKING, IDLE, BUSY, CLOSING };
struct connection {
    struct list link; /* in `idle`, or alone */
    struct http_client *client;
    enum connection_state state;
    struct address to;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_timer_t timer; /* while it is idle */
    struct tls *tls;  /* NULL: plain */
    struct http_response_reader *reader;
    struct exchange *exchange; /* NULL: none */
    bool used;                 /* it has carried an answer before */
    uint8_t handles;           /* not closed yet */
};

struct http_client {
    uv_loop_t *loop;
    struct tls_context *tls;
    struct list waiting, idle;
    struct exchange **exchanges; /* by call->slot - 1; NULL: free */
    uint32_t exchange_slots;
    uint32_t connections; /* open or opening */
    uint32_t handles;     /* of libuv, not closed yet */
    struct http_client_counts counts;
    bool freed;
    uint8_t piece[READ_BYTES];
};

static void start_waiting(struct http_client *client);
static void assign(struct exchange *exchange, bool fresh);

/* ---- the client ---- */

static void must(int status)
{
    if (status != 0)
        out_of_memory();
}

static void handle_closed(struct http_client *client)
{
    if (--client->handles > 0 || !client->freed)
        return;
    tls_context_free(client->tls);
    free(client->exchanges);
    free(client);
}

struct http_client *http_client_new(struct uv_loop_s *loop, bool tls, struct buf *why)
{
    struct http_client *client = xcalloc(1, sizeof(*client));

    (void)signal(SIGPIPE, SIG_IGN); /* libuv writes so that a server that hung up would end the process */
    client->loop = loop;
    list_init(&client->waiting);
    list_init(&client->idle);
    client->tls = tls ? tls_client_context_new(why) : NULL;
    if (!tls || client->tls != NULL)
        return client;
    free(client);
    return NULL;
}

void http_client_counts(const struct http_client *client, struct http_client_counts *out)
{
    *out = client->counts;
    out->connections = client->connections;
}

/* ---- the ends of calls ---- */

static void on_exchange_closed(uv_handle_t *handle)
{
    struct exchange *exchange = handle->data;
    struct http_client *client = exchange->client;

    free(exchange);
    handle_closed(client);
}

/* Takes the exchange out of the books; the call is the caller's again. */
static struct call *release(struct exchange *exchange)
{
    struct http_client *client = exchange->client;
    struct call *call = exchange->call;

    list_remove(&exchange->link);
    client->exchanges[call->slot - 1] = NULL;
    client->counts.calls--;
    call->slot = 0;
    buf_fini(&exchange->request);
    uv_close((uv_handle_t *)&exchange->timer, on_exchange_closed);
    return call;
}

/* Last in whatever calls it: `done` may do anything. */
static void end(struct exchange *exchange, enum net net)
{
    struct call *call = release(exchange);

    call->net = net;
    call->in = (struct message){0};
    call->done(call);
}

static void close_connection(struct connection *connection);

static void on_exchange_timer(uv_timer_t *timer)
{
    struct exchange *exchange = timer->data;
    struct http_client *client = exchange->client;

    if (exchange->connection != NULL)
        close_connection(exchange->connection);
    list_remove(&exchange->link); /* or it might be given the connection that another one has just left */
    start_waiting(client);
    end(exchange, exchange->end);
}

/* From where `done` must not run. */
static void end_soon(struct exchange *exchange, enum net net)
{
    list_remove(&exchange->link);
    exchange->end = net;
    must(uv_timer_start(&exchange->timer, on_exchange_timer, 0, 0));
}

/* ---- connections ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct http_client *client = connection->client;

    if (--connection->handles == 0) {
        tls_free(connection->tls);
        http_response_reader_free(connection->reader);
        free(connection);
    }
    handle_closed(client);
}

/* Its exchange, if there is one, goes on without it. */
static void close_connection(struct connection *connection)
{
    struct http_client *client = connection->client;

    if (connection->state == CLOSING)
        return;
    if (connection->state == IDLE)
        client->counts.idle--;
    connection->state = CLOSING;
    list_remove(&connection->link);
    client->connections--;
    if (connection->exchange != NULL)
        connection->exchange->connection = NULL;
    connection->exchange = NULL;
    uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
    uv_close((uv_handle_t *)&connection->timer, on_connection_closed);
}

/* The connection has ended or is useless: what becomes of its call? */
static void lose(struct connection *connection, enum net net)
{
    struct http_client *client = connection->client;
    struct exchange *exchange = connection->exchange;
    bool stale = connection->used && !http_response_reader_begun(connection->reader);

    close_connection(connection);
    if (exchange == NULL) {
        start_waiting(client);
    } else if (stale && !exchange->repeated) {
        exchange->repeated = true;
        client->counts.repeated++;
        assign(exchange, true);
    } else {
        start_waiting(client);
        end(exchange, net);
    }
}

static void on_idle_long(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    struct http_client *client = connection->client;

    close_connection(connection);
    start_waiting(client);
}

/* ---- writing ---- */

struct writing {
    uv_write_t write;
    struct buf bytes;
};

static void on_written(uv_write_t *write, int status)
{
    struct writing *writing = CONTAINER_OF(write, struct writing, write);

    (void)status; /* a connection that fails says so to its reader, too */
    buf_fini(&writing->bytes);
    free(writing);
}

/* Takes the content of `bytes`, which starts anew. */
static void write_out(struct connection *connection, struct buf *bytes)
{
    struct writing *writing;
    uv_buf_t view;

    if (bytes->len == 0)
        return;
    writing = xmalloc(sizeof(*writing));
    writing->bytes = *bytes;
    buf_init(bytes, bytes->max);
    view = uv_buf_init((char *)writing->bytes.data, (unsigned)writing->bytes.len);
    if (uv_write(&writing->write, (uv_stream_t *)&connection->tcp, &view, 1, on_written) != 0)
        on_written(&writing->write, 0); /* the reader will hear of it */
}

static void send_request(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct bytes rest = buf_bytes(&exchange->request);
    struct buf copy;

    connection->state = BUSY;
    if (connection->tls == NULL) {
        buf_init(&copy, exchange->request.max);
        buf_append(&copy, rest); /* the original may be needed once more */
        write_out(connection, &copy);
        return;
    }
    while (rest.len > 0) {
        size_t len = rest.len < PLAIN_BYTES ? rest.len : PLAIN_BYTES;

        if (tls_write(connection->tls, bytes_slice(rest, 0, len)) != OK)
            return; /* the next read says so */
        write_out(connection, tls_out(connection->tls));
        rest = bytes_slice(rest, len, rest.len - len);
    }
}

/* ---- reading ---- */

static void answered(struct connection *connection, bool more_came)
{
    struct http_client *client = connection->client;
    struct exchange *exchange = connection->exchange;
    struct http_response response = http_response_reader_get(connection->reader);
    struct blob *body = blob_keep(response.body);
    struct call *call;

    exchange->connection = NULL;
    connection->exchange = NULL;
    if (response.keep_alive && !more_came) {
        http_response_reader_again(connection->reader);
        connection->used = true;
        connection->state = IDLE;
        client->counts.idle++;
        list_append(&client->idle, &connection->link);
        must(uv_timer_start(&connection->timer, on_idle_long, LIMIT_HTTP_OUT_IDLE_MS, 0));
    } else {
        close_connection(connection);
    }
    call = release(exchange);
    start_waiting(client);
    call->net = NET_OK;
    call->in = (struct message){.status = response.status, .content = response.content, .body = body};
    call->done(call); /* may do anything, but for freeing the client */
    blob_drop(body);
}

/* Plain bytes of the other side. */
static void take(struct connection *connection, struct bytes bytes)
{
    if (connection->exchange == NULL || connection->state != BUSY) { /* nothing was asked */
        lose(connection, NET_RESET);
        return;
    }
    switch (http_response_reader_feed(connection->reader, &bytes)) {
    case HTTP_ANSWER_MORE:
        return;
    case HTTP_ANSWER_BROKEN:
        lose(connection, NET_RESET);
        return;
    case HTTP_ANSWER_DONE:
        answered(connection, bytes.len > 0);
        return;
    }
}

static void on_end(struct connection *connection)
{
    if (connection->state == BUSY && http_response_reader_end(connection->reader) == HTTP_ANSWER_DONE)
        answered(connection, false);
    else
        lose(connection, NET_RESET);
}

/* Everything that the ciphertext at hand holds. */
static void take_sealed(struct connection *connection, struct bytes bytes)
{
    uint8_t plain[PLAIN_BYTES];
    size_t len;

    tls_feed(connection->tls, bytes);
    do {
        enum err err = tls_read(connection->tls, plain, sizeof(plain), &len);

        write_out(connection, tls_out(connection->tls));
        if (err != OK) {
            on_end(connection);
            return;
        }
        if (len > 0)
            take(connection, (struct bytes){plain, len});
        if (connection->state == CLOSING)
            return;
        if (connection->state == SHAKING && tls_ready(connection->tls))
            send_request(connection);
    } while (len > 0);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *room = uv_buf_init((char *)connection->client->piece, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
    struct connection *connection = stream->data;
    struct bytes bytes;

    if (len == 0 || connection->state == CLOSING)
        return;
    if (len < 0) {
        on_end(connection);
        return;
    }
    bytes = (struct bytes){(const uint8_t *)room->base, (size_t)len};
    if (connection->tls != NULL)
        take_sealed(connection, bytes);
    else
        take(connection, bytes);
}

/* ---- from call to connection ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct connection *connection = connect->data;

    if (connection->state == CLOSING)
        return;
    if (status != 0) {
        lose(connection, NET_REFUSED);
        return;
    }
    (void)uv_tcp_nodelay(&connection->tcp, 1);
    must(uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read));
    if (connection->tls == NULL) {
        send_request(connection);
        return;
    }
    connection->state = SHAKING;
    take_sealed(connection, BYTES_NONE);
}

static struct connection *connection_new(struct http_client *client, struct exchange *exchange)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));

    connection->client = client;
    connection->to = exchange->call->to;
    connection->reader = http_response_reader_new();
    connection->tls = client->tls == NULL ? NULL : tls_new(client->tls);
    connection->exchange = exchange;
    list_init(&connection->link);
    must(uv_tcp_init(client->loop, &connection->tcp));
    must(uv_timer_init(client->loop, &connection->timer));
    connection->tcp.data = connection->timer.data = connection->connect.data = connection;
    connection->handles = 2;
    client->handles += 2;
    client->connections++;
    client->counts.opened++;
    exchange->connection = connection;
    return connection;
}

static void open_connection(struct http_client *client, struct exchange *exchange)
{
    struct connection *connection = connection_new(client, exchange);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(connection->to.port), .sin_addr.s_addr = htonl(connection->to.ip)};

    if (uv_tcp_connect(&connection->connect, &connection->tcp, (const struct sockaddr *)&at, on_connected) == 0)
        return;
    close_connection(connection);
    end_soon(exchange, NET_REFUSED);
}

static struct connection *idle_connection(const struct http_client *client, struct address to)
{
    LIST_EACH (link, &client->idle) {
        struct connection *connection = CONTAINER_OF(link, struct connection, link);
        if (address_equal(connection->to, to))
            return connection;
    }
    return NULL;
}

static void use(struct connection *connection, struct exchange *exchange)
{
    connection->client->counts.idle--;
    list_remove(&connection->link);
    uv_timer_stop(&connection->timer);
    connection->exchange = exchange;
    exchange->connection = connection;
    send_request(connection);
}

/* `fresh`: only a new connection will do. */
static void assign(struct exchange *exchange, bool fresh)
{
    struct http_client *client = exchange->client;
    struct connection *connection = fresh ? NULL : idle_connection(client, exchange->call->to);

    list_remove(&exchange->link);
    if (connection != NULL) {
        use(connection, exchange);
        return;
    }
    if (client->connections == LIMIT_HTTP_OUT_CONNECTIONS && !list_empty(&client->idle))
        close_connection(CONTAINER_OF(client->idle.next, struct connection, link)); /* idle for the longest */
    if (client->connections < LIMIT_HTTP_OUT_CONNECTIONS)
        open_connection(client, exchange);
    else
        list_append(&client->waiting, &exchange->link); /* suspended: start_waiting() goes on */
}

/* A connection is idle or gone: the oldest call that waits may have it. */
static void start_waiting(struct http_client *client)
{
    while (!list_empty(&client->waiting) &&
           (client->connections < LIMIT_HTTP_OUT_CONNECTIONS || !list_empty(&client->idle)))
        assign(CONTAINER_OF(client->waiting.next, struct exchange, link), false);
}

/* ---- calls ---- */

static void write_request(struct buf *out, struct address to, const struct message *message)
{
    char address[ADDRESS_TEXT_MAX];
    const char *type = content_type_text(message->content);
    struct bytes body = blob_bytes(message->body);

    address_text(to, address);
    buf_text(out, message->verb == VERB_GET ? "GET " : "POST ");
    buf_append(out, message->path);
    buf_printf(out, " HTTP/1.1\r\nHost: %s\r\n", address);
    if (type != NULL)
        buf_printf(out, "Content-Type: %s\r\n", type);
    for (size_t i = 0; i < message->header_count; i++) {
        buf_append(out, message->headers[i].name);
        buf_text(out, ": ");
        buf_append(out, message->headers[i].value);
        buf_text(out, "\r\n");
    }
    buf_printf(out, "Content-Length: %zu\r\n\r\n", body.len);
    buf_append(out, body);
}

static uint32_t take_slot(struct http_client *client, struct exchange *exchange)
{
    uint32_t slot = 0;

    while (slot < client->exchange_slots && client->exchanges[slot] != NULL)
        slot++;
    if (slot == client->exchange_slots) {
        client->exchange_slots = slot == 0 ? 16 : 2 * slot;
        client->exchanges = xrealloc(client->exchanges, client->exchange_slots * sizeof(struct exchange *));
        memset(client->exchanges + slot, 0, (client->exchange_slots - slot) * sizeof(struct exchange *));
    }
    client->exchanges[slot] = exchange;
    return slot + 1;
}

void http_client_call(struct http_client *client, struct call *call, call_fn done)
{
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));

    exchange->client = client;
    exchange->call = call;
    exchange->end = NET_TIMEOUT;
    list_init(&exchange->link);
    buf_init(&exchange->request, LIMIT_HTTP_HEAD_BYTES + LIMIT_BODY_BYTES);
    write_request(&exchange->request, call->to, &call->out);
    ASSERT(exchange->request.err == OK);
    call->done = done;
    call->slot = take_slot(client, exchange);
    client->counts.calls++;
    must(uv_timer_init(client->loop, &exchange->timer));
    exchange->timer.data = exchange;
    client->handles++;
    uv_update_time(client->loop);
    must(uv_timer_start(&exchange->timer, on_exchange_timer, call->timeout_ms, 0));
    assign(exchange, false);
}

void http_client_cancel(struct http_client *client, struct call *call)
{
    struct exchange *exchange;

    ASSERT(call->slot != 0 && call->slot <= client->exchange_slots);
    exchange = client->exchanges[call->slot - 1];
    ASSERT(exchange != NULL && exchange->call == call);
    if (exchange->connection != NULL)
        close_connection(exchange->connection);
    end_soon(exchange, NET_CANCELLED);
}

static void close_exchange(struct exchange *exchange)
{
    if (exchange->connection != NULL)
        close_connection(exchange->connection);
    (void)release(exchange);
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    client->handles++; /* so that it lives to the end of this function */
    client->freed = true;
    for (uint32_t i = 0; i < client->exchange_slots; i++)
        if (client->exchanges[i] != NULL)
            close_exchange(client->exchanges[i]);
    LIST_EACH_SAFE (link, &client->idle)
        close_connection(CONTAINER_OF(link, struct connection, link));
    handle_closed(client);
}
