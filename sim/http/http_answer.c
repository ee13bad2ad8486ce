#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "sim/http/http_connection.h"

#define STATUS_BROKEN  500                                         /* what a status that HTTP does not have becomes */
#define SMALL_BYTES    4096                                        /* of a body: copied behind its head */
#define HEAD_BYTES_MAX (LIMIT_HTTP_HEAD_BYTES + SMALL_BYTES + 256) /* 256: the lines that are always there */

static const char *reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return ""; /* allowed to be empty; those of the protocol (432) have no name */
}

void exchange_free(struct exchange *exchange)
{
    struct http_server *server = exchange->server;

    http_reader_free(exchange->reader);
    free(exchange);
    server->counts.exchanges--;
    server_settle(server);
}

/* ---- heads ---- */

/* An empty name, a control character, or a name that the server writes itself would change what the message means. */
static bool header_allowed(const struct header *header)
{
    static const char *const ours[] = {"content-length", "content-type", "connection", "transfer-encoding"};

    if (header->name.len == 0)
        return false;
    for (size_t i = 0; i < header->name.len; i++)
        if (header->name.data[i] <= ' ' || header->name.data[i] >= 0x7f || header->name.data[i] == ':')
            return false;
    for (size_t i = 0; i < header->value.len; i++)
        if (header->value.data[i] < ' ' || header->value.data[i] == 0x7f)
            return false;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (header->name.len == strlen(ours[i]) &&
            strncasecmp((const char *)header->name.data, ours[i], header->name.len) == 0)
            return false;
    return true;
}

static void write_head(struct buf *head, uint16_t status, const char *content_type, const struct header *headers,
                       size_t header_count)
{
    buf_printf(head, "HTTP/1.1 %u %s\r\n", status, reason(status));
    if (content_type != NULL)
        buf_printf(head, "Content-Type: %s\r\n", content_type);
    for (size_t i = 0; i < header_count; i++) {
        if (!header_allowed(&headers[i]) ||
            head->len + headers[i].name.len + headers[i].value.len > LIMIT_HTTP_HEAD_BYTES)
            continue;
        buf_append(head, headers[i].name);
        buf_text(head, ": ");
        buf_append(head, headers[i].value);
        buf_text(head, "\r\n");
    }
}

static void write_connection(struct buf *head, const struct connection *connection, bool old)
{
    if (!connection->keep_alive)
        buf_text(head, "Connection: close\r\n");
    else if (old)
        buf_text(head, "Connection: keep-alive\r\n");
    buf_text(head, "\r\n");
}

static bool bodiless(uint16_t status)
{
    return status == 204 || status == 304;
}

/* Sends head and body. A small body goes into the head's buffer: one record, one write, and nothing to charge; a larger
 * one was charged to the budget by the caller. */
static void write_answer(struct connection *connection, bool old, bool head_only, uint16_t status,
                         const char *content_type, const struct header *headers, size_t header_count, struct blob *body)
{
    size_t body_len = blob_bytes(body).len;
    bool silent = head_only || bodiless(status);
    struct buf head;

    buf_init(&head, HEAD_BYTES_MAX);
    write_head(&head, status, content_type, headers, header_count);
    if (!bodiless(status))
        buf_printf(&head, "Content-Length: %zu\r\n", body_len);
    write_connection(&head, connection, old);
    if (body_len > SMALL_BYTES) {
        connection->body = blob_keep(body);
        connection->body_sent = silent ? body_len : 0;
    } else if (!silent) {
        buf_append(&head, blob_bytes(body));
    }
    connection->state = SENDING;
    connection_put(connection, buf_bytes(&head));
    buf_fini(&head);
    connection_flush(connection);
}

/* ---- answers ---- */

void http_answer(struct http_exchange *public, uint16_t status, const char *content_type, const struct header *headers,
                 size_t header_count, struct blob *body)
{
    struct exchange *exchange = (struct exchange *)public;
    struct connection *connection = exchange->connection;
    size_t body_len = blob_bytes(body).len;
    bool old = exchange->old, head_only = exchange->head_only;

    ASSERT(connection == NULL || connection->state == OPEN);
    if (connection == NULL) {
        exchange_free(exchange);
        return;
    }
    if (body_len > SMALL_BYTES && !http_budget_take(&connection->server->budget, body_len)) {
        connection_refuse(connection, (struct http_refusal){503, "too many bodies in flight"});
        return;
    }
    blob_keep(body); /* it may be the request's own, which goes now */
    connection->exchange = NULL;
    exchange_free(exchange);
    connection->keep_alive = connection->keep_alive && !connection->server->stopping;
    if (status < 200 || status > 599)
        status = STATUS_BROKEN;
    write_answer(connection, old, head_only, status, content_type, headers, header_count, body);
    blob_drop(body);
}

void http_answer_text(struct http_exchange *exchange, uint16_t status, const char *text)
{
    struct blob *body = blob_copy(bytes_text(text));

    http_answer(exchange, status, "text/plain", NULL, 0, body);
    blob_drop(body);
}

void connection_refuse(struct connection *connection, struct http_refusal refusal)
{
    struct exchange *exchange = connection->exchange;
    struct blob *text = blob_copy(bytes_text(refusal.text));

    connection->exchange = NULL;
    connection->keep_alive = false;
    connection->server->counts.refused++;
    if (exchange != NULL)
        exchange_free(exchange);
    write_answer(connection, false, false, refusal.status, "text/plain", NULL, 0, text);
    blob_drop(text);
}

/* ---- streams ---- */

void http_stream_start(struct http_exchange *public, uint16_t status, const char *content_type,
                       const struct header *headers, size_t header_count)
{
    struct exchange *exchange = (struct exchange *)public;
    struct connection *connection = exchange->connection;
    struct buf head;

    exchange->streaming = true;
    if (connection == NULL)
        return;
    ASSERT(connection->state == OPEN);
    connection->keep_alive = connection->keep_alive && !exchange->old && !connection->server->stopping;
    buf_init(&head, HEAD_BYTES_MAX);
    write_head(&head, status, content_type, headers, header_count);
    if (!exchange->old)
        buf_text(&head, "Transfer-Encoding: chunked\r\n");
    write_connection(&head, connection, exchange->old);
    connection->state = STREAMING;
    connection_put(connection, buf_bytes(&head));
    buf_fini(&head);
    connection_flush(connection);
}

void http_stream_start_plain(struct http_exchange *public, uint16_t status, const char *content_type,
                             const struct header *headers, size_t header_count)
{
    ((struct exchange *)public)->old = true; /* as for a caller that knows no chunks */
    http_stream_start(public, status, content_type, headers, header_count);
}

enum err http_stream_write(struct http_exchange *public, struct bytes piece)
{
    struct exchange *exchange = (struct exchange *)public;
    struct connection *connection = exchange->connection;
    char size[32];
    int size_len;

    ASSERT(exchange->streaming);
    if (piece.len > LIMIT_HTTP_STREAM_BYTES)
        return ERR_TOO_BIG;
    if (connection == NULL || exchange->head_only || piece.len == 0)
        return OK;
    if (connection_waiting(connection) > LIMIT_HTTP_STREAM_BYTES - piece.len) {
        exchange->told_full = true;
        return ERR_FULL;
    }
    if (exchange->old) {
        connection_put(connection, piece);
    } else {
        size_len = snprintf(size, sizeof(size), "%zx\r\n", piece.len);
        connection_put(connection, (struct bytes){(const uint8_t *)size, (size_t)size_len});
        connection_put(connection, piece);
        connection_put(connection, BYTES_LIT("\r\n"));
    }
    connection_flush(connection);
    return OK;
}

size_t http_stream_waiting(const struct http_exchange *public)
{
    const struct exchange *exchange = (const struct exchange *)public;

    return exchange->connection == NULL ? 0 : connection_waiting(exchange->connection);
}

void http_stream_end(struct http_exchange *public)
{
    struct exchange *exchange = (struct exchange *)public;
    struct connection *connection = exchange->connection;
    bool frame = !exchange->old && !exchange->head_only;

    ASSERT(exchange->streaming);
    exchange_free(exchange);
    if (connection == NULL)
        return;
    connection->exchange = NULL;
    connection->state = SENDING;
    if (frame)
        connection_put(connection, BYTES_LIT("0\r\n\r\n"));
    connection_flush(connection);
}
