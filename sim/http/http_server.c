#include "sim/http/http_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limits.h"
#include "sim/http/http_connection.h"

#define BACKLOG     1024
#define TICK_MS_MAX 500 /* how late a time limit may be noticed */
#define TICK_MS_MIN 5

struct listener {
    uv_tcp_t tcp;
    struct http_server *server;
    struct list link;
    struct address address; /* as asked for */
    bool loopback_only;
};

/* ---- life ---- */

static uint32_t limit_ms(const struct http_server *server, enum http_wait wait)
{
    switch (wait) {
    case WAIT_IDLE:
        return server->config.idle_ms;
    case WAIT_HEAD:
        return server->config.head_ms;
    case WAIT_BODY:
        return server->config.body_ms;
    case WAIT_WRITE:
        return server->config.write_ms;
    case WAIT_LINGER:
        return server->config.linger_ms;
    case WAIT_NOTHING:
    case WAIT_DOOMED:
    case WAIT_COUNT:
        break;
    }
    return 0;
}

static void on_tick(uv_timer_t *tick)
{
    struct http_server *server = tick->data;
    uint64_t now_ms = uv_now(server->loop);

    for (enum http_wait wait = WAIT_IDLE; wait < WAIT_COUNT; wait++) {
        struct list *waits = &server->waits[wait];

        while (!list_empty(waits)) {
            struct connection *first = CONTAINER_OF(waits->next, struct connection, wait_link);

            if (wait != WAIT_DOOMED && now_ms - first->wait_since_ms < limit_ms(server, wait))
                break;
            connection_expired(first);
        }
    }
}

static uint32_t tick_ms(const struct http_server *server)
{
    uint32_t shortest_ms = TICK_MS_MAX * 4;

    for (enum http_wait wait = WAIT_IDLE; wait < WAIT_DOOMED; wait++)
        if (limit_ms(server, wait) < shortest_ms)
            shortest_ms = limit_ms(server, wait);
    return shortest_ms / 4 < TICK_MS_MIN ? TICK_MS_MIN : shortest_ms / 4;
}

static void default_to(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_config *config, struct buf *why)
{
    struct tls_context *tls = config->tls ? tls_context_new(why) : NULL;
    struct http_server *server;

    if (config->tls && tls == NULL)
        return NULL;
    server = xcalloc(1, sizeof(*server));
    server->loop = loop;
    server->tls = tls;
    server->config = *config;
    default_to(&server->config.connections_max, LIMIT_HTTP_CONNECTIONS);
    default_to(&server->config.idle_ms, LIMIT_HTTP_IDLE_MS);
    default_to(&server->config.head_ms, LIMIT_HTTP_HEAD_MS);
    default_to(&server->config.body_ms, LIMIT_HTTP_BODY_MS);
    default_to(&server->config.write_ms, LIMIT_HTTP_WRITE_MS);
    default_to(&server->config.linger_ms, LIMIT_HTTP_LINGER_MS);
    server->budget.max_bytes = config->bodies_bytes_max == 0 ? LIMIT_HTTP_BODIES_BYTES : config->bodies_bytes_max;
    list_init(&server->listeners);
    list_init(&server->connections);
    for (enum http_wait wait = WAIT_NOTHING; wait < WAIT_COUNT; wait++)
        list_init(&server->waits[wait]);
    server->input = xmalloc(INPUT_BYTES);
    server->plain = xmalloc(PLAIN_BYTES);
    (void)signal(SIGPIPE, SIG_IGN); /* libuv writes so that a caller who hung up would end the process */
    ASSERT(uv_timer_init(loop, &server->tick) == 0);
    server->tick.data = server;
    server->handles = 1;
    ASSERT(uv_timer_start(&server->tick, on_tick, tick_ms(server), tick_ms(server)) == 0);
    return server;
}

void http_server_free(struct http_server *server)
{
    ASSERT(server->handles == 0 && server->counts.exchanges == 0);
    tls_context_free(server->tls);
    free(server->input);
    free(server->plain);
    free(server);
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    server->handles--;
    server->on_stopped(server->config.owner);
}

void server_settle(struct http_server *server)
{
    if (server->stopping && server->handles == 1 && server->counts.exchanges == 0 &&
        !uv_is_closing((uv_handle_t *)&server->tick))
        uv_close((uv_handle_t *)&server->tick, on_tick_closed);
}

/* ---- listening ---- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    struct http_server *server = listener->server;

    free(listener);
    server->handles--;
    server_settle(server);
}

static void close_listener(struct listener *listener)
{
    list_remove(&listener->link);
    uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
}

/* Without descriptors left, libuv itself accepts and closes what is waiting (from one that it holds in reserve), so
 * that callers learn at once and the loop does not spin; what arrives here is rarer. */
static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;

    if (status < 0)
        listener->server->counts.accept_failures++;
    else
        connection_new(listener->server, stream, listener->loopback_only);
}

static struct listener *listener_new(struct http_server *server, bool loopback_only)
{
    struct listener *listener = xcalloc(1, sizeof(*listener));

    ASSERT(!server->stopping);
    listener->server = server;
    listener->loopback_only = loopback_only;
    ASSERT(uv_tcp_init(server->loop, &listener->tcp) == 0);
    listener->tcp.data = listener;
    server->handles++;
    list_append(&server->listeners, &listener->link);
    return listener;
}

static int bind_and_listen(struct listener *listener, struct address address)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(address.port), .sin_addr.s_addr = htonl(address.ip)};
    int status = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&at, 0);

    listener->address = address;
    return status != 0 ? status : uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
}

/* Gives the listener a socket that hears the loopback device only. False: this system or user may not have one. */
static bool bind_to_loopback_device(struct listener *listener)
{
#ifdef SO_BINDTODEVICE
    static const char device[] = "lo";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, sizeof(device)) == 0 &&
        uv_tcp_open(&listener->tcp, fd) == 0)
        return true;
    close(fd);
#else
    (void)listener;
#endif
    return false;
}

static enum err failed(struct buf *why, struct address address, int status)
{
    char text[ADDRESS_TEXT_MAX];

    address_text(address, text);
    buf_printf(why, "can't listen at %s: %s", text, uv_strerror(status));
    return ERR_IO;
}

enum err http_server_listen(struct http_server *server, struct address address, struct address *bound, struct buf *why)
{
    struct listener *listener = listener_new(server, false);
    struct sockaddr_in at = {0};
    int at_len = sizeof(at);
    int status = bind_and_listen(listener, address);

    if (status == 0)
        status = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&at, &at_len);
    if (status != 0) {
        close_listener(listener);
        return failed(why, address, status);
    }
    if (bound != NULL)
        *bound = (struct address){ntohl(at.sin_addr.s_addr), ntohs(at.sin_port)};
    return OK;
}

static bool served(const struct http_server *server, struct address address)
{
    LIST_EACH (at, &server->listeners) {
        const struct listener *listener = CONTAINER_OF(at, struct listener, link);

        if (listener->address.port == address.port && (listener->loopback_only || listener->address.ip == address.ip))
            return true;
    }
    return false;
}

enum err http_server_listen_loopback(struct http_server *server, struct address address, struct buf *why)
{
    struct address everywhere = {INADDR_ANY, address.port};
    struct listener *listener;
    int status;

    if (served(server, address))
        return OK;
    listener = listener_new(server, true);
    if (!bind_to_loopback_device(listener)) {
        close_listener(listener);
        return http_server_listen(server, address, NULL, why);
    }
    status = bind_and_listen(listener, everywhere);
    if (status == 0)
        return OK;
    close_listener(listener);
    return failed(why, everywhere, status);
}

/* ---- stopping ---- */

static void stop(struct http_server *server, http_stopped_fn on_stopped)
{
    server->stopping = true;
    server->on_stopped = on_stopped;
    while (!list_empty(&server->listeners))
        close_listener(CONTAINER_OF(server->listeners.next, struct listener, link));
}

void http_server_stop(struct http_server *server, http_stopped_fn on_stopped)
{
    stop(server, on_stopped);
    LIST_EACH (at, &server->connections) {
        struct connection *connection = CONTAINER_OF(at, struct connection, link);

        if (connection->state == RECEIVING || connection->state == LINGERING)
            connection_drop(connection);
    }
    server_settle(server);
}

void http_server_abort(struct http_server *server, http_stopped_fn on_stopped)
{
    stop(server, on_stopped);
    LIST_EACH (at, &server->connections)
        connection_drop(CONTAINER_OF(at, struct connection, link)); /* stays in the list until libuv has closed it */
    server_settle(server);
}

void http_server_counts(const struct http_server *server, struct http_counts *out)
{
    *out = server->counts;
    out->bodies_bytes = server->budget.used_bytes;
}
