#include "sim/http/http_connection.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/limits.h"

#define SLICE_BYTES     (256 * 1024)      /* handed to the kernel at a time */
#define EARLY_BYTES_MAX (4 * INPUT_BYTES) /* what one reading may add to LIMIT_HTTP_EARLY_BYTES, and to spare */
#define NEXT_BYTES_MAX  (LIMIT_HTTP_STREAM_BYTES * 4) /* a head, or the pieces of a stream and their frames */
#define LOOPBACK_NET    127u

static void receive(struct connection *connection, struct bytes in);
static void read_on(struct connection *connection);

/* What libuv only refuses when it is used wrongly. */
static void must(int status)
{
    ASSERT(status == 0);
}

/* ---- time limits ---- */

void connection_wait(struct connection *connection, enum http_wait wait)
{
    if (connection->wait == WAIT_DOOMED && connection->state != CLOSED)
        return;
    list_remove(&connection->wait_link);
    connection->wait = wait;
    if (wait == WAIT_NOTHING)
        return;
    connection->wait_since_ms = uv_now(connection->server->loop);
    connection->wait_queue_bytes = uv_stream_get_write_queue_size((uv_stream_t *)&connection->tcp);
    list_append(&connection->server->waits[wait], &connection->wait_link);
}

void connection_doom(struct connection *connection)
{
    connection_wait(connection, WAIT_DOOMED);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct http_server *server = connection->server;

    list_remove(&connection->link);
    http_budget_give(&server->budget, connection->early.len + (connection->body == NULL ? 0 : connection->body->len));
    blob_drop(connection->body);
    buf_fini(&connection->early);
    buf_fini(&connection->next);
    buf_fini(&connection->flight);
    tls_free(connection->tls);
    server->counts.connections--;
    server->turned_away_open -= connection->turned_away;
    free(connection);
    server->handles--;
    server_settle(server);
}

void connection_drop(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    bool open = connection->state == OPEN || connection->state == STREAMING;

    if (connection->state == CLOSED)
        return;
    connection->state = CLOSED;
    connection->exchange = NULL;
    connection_wait(connection, WAIT_NOTHING);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
    if (exchange == NULL)
        return;
    exchange->connection = NULL;
    if (open)
        connection->server->counts.gone++;
    if (open && exchange->public.on_gone == NULL)
        return; /* its owner answers when it likes */
    if (open)
        exchange->public.on_gone(&exchange->public);
    exchange_free(exchange);
}

void connection_expired(struct connection *connection)
{
    struct http_server *server = connection->server;

    switch (connection->wait) {
    case WAIT_WRITE:
        if (uv_stream_get_write_queue_size((uv_stream_t *)&connection->tcp) < connection->wait_queue_bytes) {
            connection_wait(connection, WAIT_WRITE);
            return;
        }
        server->counts.timed_out++;
        connection_drop(connection);
        return;
    case WAIT_HEAD:
    case WAIT_BODY:
        server->counts.timed_out++;
        if (connection->tls == NULL || connection->handshaken)
            connection_refuse(connection, (struct http_refusal){408, "request timed out"});
        else
            connection_drop(connection);
        return;
    case WAIT_IDLE:
    case WAIT_LINGER:
    case WAIT_DOOMED:
        connection_drop(connection);
        return;
    case WAIT_NOTHING:
    case WAIT_COUNT:
        break;
    }
    ASSERT(!"a wait that has no end");
}

/* ---- sending ---- */

static struct buf *outgoing(struct connection *connection)
{
    return connection->tls == NULL ? &connection->next : tls_out(connection->tls);
}

void connection_put(struct connection *connection, struct bytes bytes)
{
    if (connection->tls == NULL)
        buf_append(&connection->next, bytes);
    else if (bytes.len > 0 && tls_write(connection->tls, bytes) != OK)
        connection_doom(connection);
}

static size_t body_left(const struct connection *connection)
{
    return connection->body == NULL ? 0 : connection->body->len - connection->body_sent;
}

size_t connection_waiting(const struct connection *connection)
{
    const struct buf *next = connection->tls == NULL ? &connection->next : tls_out(connection->tls);

    return connection->flight.len - connection->flight_sent + next->len + body_left(connection);
}

/* Makes `flight` what goes next; over TLS that is also how the body gets out. */
static void load(struct connection *connection)
{
    struct buf *next = outgoing(connection), spent;
    size_t slice = body_left(connection);

    if (connection->flight_sent < connection->flight.len)
        return;
    if (connection->tls != NULL && next->len == 0 && slice > 0) {
        slice = slice < PLAIN_BYTES ? slice : PLAIN_BYTES;
        connection_put(connection, bytes_slice(blob_bytes(connection->body), connection->body_sent, slice));
        connection->body_sent += slice;
    }
    spent = connection->flight;
    connection->flight = *next;
    connection->flight_sent = 0;
    buf_fini(&spent);
    *next = spent;
}

static void sent(struct connection *connection, size_t bytes)
{
    size_t of_flight = connection->flight.len - connection->flight_sent;

    of_flight = of_flight < bytes ? of_flight : bytes;
    connection->flight_sent += of_flight;
    connection->body_sent += bytes - of_flight;
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    size_t bytes = connection->writing_bytes;

    connection->writing_bytes = 0;
    if (connection->state == CLOSED)
        return;
    if (status < 0) {
        connection_drop(connection);
        return;
    }
    sent(connection, bytes);
    connection_flush(connection);
}

/* Hands bytes to the kernel until nothing waits, true, or until it takes no more: then libuv waits for it. */
static bool pump(struct connection *connection)
{
    while (connection->writing_bytes == 0) {
        uv_buf_t parts[2];
        unsigned count = 0;
        size_t len, body_len = connection->tls == NULL ? body_left(connection) : 0;
        int taken;

        load(connection);
        len = connection->flight.len - connection->flight_sent;
        if (len > 0)
            parts[count++] = uv_buf_init((char *)connection->flight.data + connection->flight_sent, (unsigned)len);
        if (body_len > SLICE_BYTES)
            body_len = SLICE_BYTES;
        if (body_len > 0)
            parts[count++] = uv_buf_init((char *)connection->body->data + connection->body_sent, (unsigned)body_len);
        if (count == 0)
            return true;
        taken = uv_try_write((uv_stream_t *)&connection->tcp, parts, count);
        if (taken > 0) {
            sent(connection, (size_t)taken);
            continue;
        }
        /* Full, or broken: then it is on_written that is told, outside of any call of the owner. */
        connection->writing_bytes = len + body_len;
        must(uv_write(&connection->write, (uv_stream_t *)&connection->tcp, parts, count, on_written));
    }
    return false;
}

/* The last thing was said: what the other side still sends is read over for a while, lest a reset destroys what it has
 * not read yet. */
static void linger(struct connection *connection)
{
    connection->state = LINGERING;
    connection_wait(connection, WAIT_LINGER);
    if (connection->tls != NULL)
        tls_close(connection->tls);
    connection_flush(connection);
}

static void say_end(struct connection *connection)
{
    uv_os_fd_t fd;

    if (connection->ended)
        connection_drop(connection);
    else if (uv_fileno((uv_handle_t *)&connection->tcp, &fd) == 0)
        (void)shutdown(fd, SHUT_WR); /* libuv has nothing left to write */
}

static void release_body(struct connection *connection)
{
    if (connection->body == NULL)
        return;
    http_budget_give(&connection->server->budget, connection->body->len);
    blob_drop(connection->body);
    connection->body = NULL;
    connection->body_sent = 0;
}

/* The whole answer is out. */
static void answered(struct connection *connection)
{
    release_body(connection);
    if (connection->keep_alive && !connection->server->stopping) {
        connection->state = RECEIVING;
        connection_wait(connection, WAIT_IDLE);
    } else {
        linger(connection);
    }
    if (!connection->parsing && connection->state == RECEIVING && connection->early.len > 0) {
        struct buf early = connection->early;

        buf_init(&connection->early, EARLY_BYTES_MAX);
        http_budget_give(&connection->server->budget, early.len);
        receive(connection, buf_bytes(&early));
        buf_fini(&early);
    }
    read_on(connection);
}

static void drained(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;

    connection_wait(connection, WAIT_NOTHING);
    if (!exchange->told_full)
        return;
    exchange->told_full = false;
    if (exchange->public.on_drained != NULL)
        exchange->public.on_drained(&exchange->public);
}

void connection_flush(struct connection *connection)
{
    bool done = pump(connection);

    if (connection->wait == WAIT_DOOMED)
        return;
    switch (connection->state) {
    case SENDING:
        if (done)
            answered(connection);
        else
            connection_wait(connection, WAIT_WRITE);
        break;
    case STREAMING:
        if (done)
            drained(connection);
        else
            connection_wait(connection, WAIT_WRITE);
        break;
    case LINGERING:
        if (done)
            say_end(connection);
        break;
    case RECEIVING:
    case OPEN:
    case CLOSED:
        break;
    }
}

/* ---- receiving ---- */

static void serve(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct exchange *exchange = connection->exchange;

    http_reader_request(exchange->reader, &exchange->public.in);
    exchange->public.local = connection->local;
    exchange->public.peer = connection->peer;
    exchange->public.tls = connection->tls != NULL;
    exchange->head_only = bytes_equal_text(exchange->public.in.verb, "HEAD");
    exchange->old = http_reader_old(exchange->reader);
    connection->keep_alive = http_reader_keep_alive(exchange->reader);
    connection->state = OPEN;
    connection_wait(connection, WAIT_NOTHING);
    server->counts.requests++;
    server->config.on_request(server->config.owner, &exchange->public);
}

static void begin_request(struct connection *connection)
{
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));

    exchange->server = connection->server;
    exchange->connection = connection;
    exchange->reader = http_reader_new(&connection->server->budget);
    connection->server->counts.exchanges++;
    connection->exchange = exchange;
    connection->progress_bytes = 0;
    connection_wait(connection, WAIT_HEAD);
}

static void note_progress(struct connection *connection, size_t bytes)
{
    connection->progress_bytes += bytes;
    if (connection->wait != WAIT_BODY || connection->progress_bytes < LIMIT_HTTP_PROGRESS_BYTES)
        return;
    connection->progress_bytes = 0;
    connection_wait(connection, WAIT_BODY);
}

/* Takes plain bytes, request by request. Those behind one that is not answered yet are kept for later. */
static void receive(struct connection *connection, struct bytes in)
{
    connection->parsing = true;
    while (in.len > 0 && connection->state == RECEIVING) {
        size_t before = in.len;

        if (connection->exchange == NULL)
            begin_request(connection);
        switch (http_reader_feed(connection->exchange->reader, &in)) {
        case HTTP_READ_MORE:
            note_progress(connection, before - in.len);
            break;
        case HTTP_READ_HEAD:
            connection_wait(connection, WAIT_BODY);
            if (http_reader_continue(connection->exchange->reader) && in.len == 0) {
                connection_put(connection, BYTES_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
                connection_flush(connection);
            }
            break;
        case HTTP_READ_DONE:
            serve(connection);
            break;
        case HTTP_READ_REFUSED:
            connection_refuse(connection, http_reader_refusal(connection->exchange->reader));
            break;
        }
    }
    connection->parsing = false;
    if (in.len == 0 || connection->state == LINGERING || connection->state == CLOSED || !connection->keep_alive)
        return;
    if (http_budget_take(&connection->server->budget, in.len)) {
        buf_append(&connection->early, in);
        ASSERT(connection->early.err == OK);
    } else {
        connection_drop(connection);
    }
}

static void handshaken(struct connection *connection)
{
    connection->handshaken = true;
    connection->server->counts.tls_handshakes++;
    connection->server->counts.tls_resumed += tls_resumed(connection->tls);
    if (connection->exchange == NULL && connection->state == RECEIVING)
        connection_wait(connection, WAIT_IDLE);
}

static void other_side_ended(struct connection *connection)
{
    connection->ended = true;
    connection->keep_alive = false;
    if (connection->state != SENDING)
        connection_drop(connection);
}

static void receive_tls(struct connection *connection, struct bytes ciphertext)
{
    uint8_t *plain = connection->server->plain;
    enum err err;
    size_t len;

    tls_feed(connection->tls, ciphertext);
    do {
        err = tls_read(connection->tls, plain, PLAIN_BYTES, &len);
        if (!connection->handshaken && tls_ready(connection->tls))
            handshaken(connection);
        if (len > 0)
            receive(connection, (struct bytes){plain, len});
    } while (err == OK && len > 0 && connection->state != CLOSED);
    if (connection->state == CLOSED)
        return;
    connection_flush(connection); /* of the handshake, or an alert that says what was wrong */
    if (err == ERR_CANCELLED)
        other_side_ended(connection);
    else if (err != OK)
        connection_drop(connection);
}

static void on_bytes(struct connection *connection, struct bytes in)
{
    if (!connection->known) {
        connection->known = true;
        if (connection->state == RECEIVING && in.data[0] == TLS_FIRST_BYTE && connection->server->tls != NULL) {
            connection->tls = tls_new(connection->server->tls);
            connection_wait(connection, WAIT_HEAD);
        }
    }
    if (connection->state == LINGERING)
        return;
    if (connection->tls == NULL)
        receive(connection, in);
    else
        receive_tls(connection, in);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct connection *connection = handle->data;
    size_t len = INPUT_BYTES;

    (void)suggested;
    if (connection->state != RECEIVING && connection->state != LINGERING)
        len = LIMIT_HTTP_EARLY_BYTES - connection->early.len;
    *room = uv_buf_init((char *)connection->server->input, (unsigned)len);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
    struct connection *connection = stream->data;

    if (len > 0)
        on_bytes(connection, (struct bytes){(const uint8_t *)room->base, (size_t)len});
    else if (len == UV_EOF)
        other_side_ended(connection);
    else if (len < 0)
        connection_drop(connection);
    read_on(connection);
}

/* Reads, or stops reading from, a side that sends more than it lets us answer. While a request is open, reading goes on
 * within a bound: that is how a hang-up is noticed. */
static void read_on(struct connection *connection)
{
    bool wanted = connection->state == RECEIVING || connection->state == LINGERING ||
                  connection->early.len < LIMIT_HTTP_EARLY_BYTES;

    if (connection->state == CLOSED)
        return;
    wanted = wanted && !connection->ended;
    if (wanted == connection->reading)
        return;
    connection->reading = wanted;
    if (wanted)
        must(uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read));
    else
        uv_read_stop((uv_stream_t *)&connection->tcp);
}

/* ---- the beginning ---- */

static bool find_addresses(struct connection *connection)
{
    struct sockaddr_in local = {0}, peer = {0};
    int local_len = sizeof(local), peer_len = sizeof(peer);

    if (uv_tcp_getsockname(&connection->tcp, (struct sockaddr *)&local, &local_len) != 0 ||
        uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&peer, &peer_len) != 0)
        return false; /* already reset */
    connection->local = (struct address){ntohl(local.sin_addr.s_addr), ntohs(local.sin_port)};
    connection->peer = (struct address){ntohl(peer.sin_addr.s_addr), ntohs(peer.sin_port)};
    return true;
}

static void turn_away(struct connection *connection)
{
    struct http_server *server = connection->server;

    server->counts.turned_away++;
    if (server->turned_away_open == LIMIT_HTTP_TURNED_AWAY) {
        connection_drop(connection);
        return;
    }
    server->turned_away_open++;
    connection->turned_away = true;
    connection_refuse(connection, (struct http_refusal){503, "too many connections"});
}

void connection_new(struct http_server *server, uv_stream_t *listener, bool loopback_only)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));

    connection->server = server;
    list_init(&connection->wait_link);
    list_append(&server->connections, &connection->link);
    buf_init(&connection->early, EARLY_BYTES_MAX);
    buf_init(&connection->next, NEXT_BYTES_MAX);
    buf_init(&connection->flight, NEXT_BYTES_MAX);
    must(uv_tcp_init(server->loop, &connection->tcp));
    connection->tcp.data = connection;
    connection->write.data = connection;
    connection->keep_alive = true;
    server->handles++;
    server->counts.connections++;
    /* The loopback device also carries this machine's other addresses: what only loopback may reach is 127/8. */
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) != 0 || !find_addresses(connection) ||
        (loopback_only && connection->local.ip >> 24 != LOOPBACK_NET)) {
        server->counts.accept_failures++;
        connection_drop(connection);
        return;
    }
    server->counts.accepted++;
    uv_tcp_nodelay(&connection->tcp, 1);
    if (server->counts.connections - server->turned_away_open > server->config.connections_max) {
        turn_away(connection);
    } else {
        connection_wait(connection, WAIT_IDLE);
    }
    read_on(connection);
}
