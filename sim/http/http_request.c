#include "sim/http/http_request.h"

#include <ctype.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"

/* Where the next byte of a head stands: lines end with CRLF, and an empty one ends the head. */
enum head_at { AT_START, AT_START_CR, IN_LINE, LINE_CR, LINE_START, END_CR, HEAD_END };

struct http_reader {
    struct http_budget *budget;
    llhttp_t parser;
    enum head_at head_at;
    bool line_whole;   /* the request line */
    size_t head_bytes; /* of the head, then also of chunk extensions and trailers */
    size_t target_len; /* the first bytes of `text`; names and values follow, without anything between */
    struct buf text;
    struct header headers[LIMIT_HTTP_HEADERS]; /* lengths while the head is read, then whole */
    size_t header_count;
    bool name_whole; /* a piece of a name begins the next header */
    bool head_whole, keep_alive, waits;
    struct buf content; /* body so far */
    size_t taken_bytes; /* of the budget */
    struct blob *body;
    struct http_refusal refusal; /* status 0: none */
};

/* ---- budget ---- */

bool http_budget_take(struct http_budget *budget, size_t bytes)
{
    if (bytes > budget->max_bytes - budget->used_bytes)
        return false;
    budget->used_bytes += bytes;
    return true;
}

void http_budget_give(struct http_budget *budget, size_t bytes)
{
    ASSERT(bytes <= budget->used_bytes);
    budget->used_bytes -= bytes;
}

/* ---- what llhttp tells ---- */

static int refuse(struct http_reader *reader, uint16_t status, const char *text)
{
    if (reader->refusal.status == 0)
        reader->refusal = (struct http_refusal){status, text};
    return HPE_USER;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;

    buf_append(&reader->text, (struct bytes){(const uint8_t *)at, len});
    reader->target_len += len;
    if (reader->target_len > LIMIT_HTTP_TARGET_BYTES)
        return refuse(reader, 414, "request target too long");
    return HPE_OK;
}

/* What follows a head costs its sender's room in the head: extensions and trailers are read over. */
static int skip(struct http_reader *reader, size_t len)
{
    reader->head_bytes += len;
    return reader->head_bytes > LIMIT_HTTP_HEAD_BYTES ? refuse(reader, 431, "headers too large") : HPE_OK;
}

static int on_extension(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    return skip(parser->data, len);
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;

    if (reader->head_whole)
        return skip(reader, len);
    if (reader->header_count == 0 || reader->name_whole) {
        if (reader->header_count == LIMIT_HTTP_HEADERS)
            return refuse(reader, 431, "too many headers");
        reader->header_count++;
        reader->name_whole = false;
    }
    for (size_t i = 0; i < len; i++)
        buf_byte(&reader->text, (uint8_t)tolower((unsigned char)at[i]));
    reader->headers[reader->header_count - 1].name.len += len;
    return HPE_OK;
}

static int on_name_whole(llhttp_t *parser)
{
    struct http_reader *reader = parser->data;

    reader->name_whole = true;
    return HPE_OK;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;

    if (reader->head_whole)
        return skip(reader, len);
    buf_append(&reader->text, (struct bytes){(const uint8_t *)at, len});
    reader->headers[reader->header_count - 1].value.len += len;
    return HPE_OK;
}

static struct bytes trimmed(struct bytes value)
{
    while (value.len > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = bytes_slice(value, 1, value.len - 1);
    while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    return value;
}

/* `text` no longer moves: the lengths become views into it. */
static void place_headers(struct http_reader *reader)
{
    const uint8_t *at = reader->text.data + reader->target_len;

    for (size_t i = 0; i < reader->header_count; i++) {
        struct header *header = &reader->headers[i];

        header->name.data = at;
        at += header->name.len;
        header->value.data = at;
        at += header->value.len;
        header->value = trimmed(header->value);
    }
}

static bool is_text(struct bytes value, const char *text)
{
    return value.len == strlen(text) && strncasecmp((const char *)value.data, text, value.len) == 0;
}

/* The rules that llhttp leaves to its caller. */
static int judge_headers(struct http_reader *reader)
{
    size_t hosts = 0, codings = 0;

    for (size_t i = 0; i < reader->header_count; i++) {
        struct bytes name = reader->headers[i].name, value = reader->headers[i].value;

        if (bytes_equal_text(name, "host")) {
            hosts++;
        } else if (bytes_equal_text(name, "content-length")) {
            if (value.len == 0)
                return refuse(reader, 400, "invalid Content-Length");
        } else if (bytes_equal_text(name, "transfer-encoding")) {
            if (++codings > 1 || http_reader_old(reader))
                return refuse(reader, 400, "invalid Transfer-Encoding");
            if (!is_text(value, "chunked"))
                return refuse(reader, 501, "unknown Transfer-Encoding");
        } else if (bytes_equal_text(name, "expect") && !http_reader_old(reader)) {
            if (!is_text(value, "100-continue"))
                return refuse(reader, 417, "unknown expectation");
            reader->waits = true;
        }
    }
    if (hosts > 1 || (hosts == 0 && !http_reader_old(reader)))
        return refuse(reader, 400, "exactly one Host header is required");
    return HPE_OK;
}

static int on_head(llhttp_t *parser)
{
    struct http_reader *reader = parser->data;

    reader->head_whole = true;
    place_headers(reader);
    if (parser->http_major != 1 || parser->http_minor > 1)
        return refuse(reader, 505, "HTTP version not supported");
    if (parser->method == HTTP_CONNECT)
        return refuse(reader, 501, "method not implemented");
    if (judge_headers(reader) != HPE_OK)
        return HPE_USER;
    if (parser->content_length > LIMIT_BODY_BYTES)
        return refuse(reader, 413, "Request body too large");
    reader->keep_alive = llhttp_should_keep_alive(parser) != 0;
    parser->upgrade = 0; /* an offer that we may ignore: the request itself is ordinary */
    return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_reader *reader = parser->data;
    struct buf *content = &reader->content;

    if (len > LIMIT_BODY_BYTES - content->len)
        return refuse(reader, 413, "Request body too large");
    buf_append(content, (struct bytes){(const uint8_t *)at, len});
    if (!http_budget_take(reader->budget, content->cap - reader->taken_bytes))
        return refuse(reader, 503, "too many bodies in flight");
    reader->taken_bytes = content->cap;
    return HPE_OK;
}

static int on_whole(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* so that nothing behind it is read */
}

static struct http_refusal refusal_of(llhttp_errno_t error, bool head_whole)
{
    /* The few that deserve words of their own; llhttp grows new ones, all of which mean malformed. */
    if (error == HPE_INVALID_METHOD)
        return (struct http_refusal){501, "method not implemented"};
    if (error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE)
        return (struct http_refusal){505, "HTTP version not supported"};
    if (error == HPE_INVALID_CONTENT_LENGTH || error == HPE_UNEXPECTED_CONTENT_LENGTH)
        return (struct http_refusal){400, "invalid Content-Length"};
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return (struct http_refusal){400, "invalid Transfer-Encoding"};
    return (struct http_refusal){400, head_whole ? "malformed chunk" : "malformed request"};
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_whole,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_body = on_body,
    .on_message_complete = on_whole,
};

/* ---- the reader ---- */

struct http_reader *http_reader_new(struct http_budget *budget)
{
    struct http_reader *reader = xcalloc(1, sizeof(*reader));

    reader->budget = budget;
    llhttp_init(&reader->parser, HTTP_REQUEST, &settings);
    reader->parser.data = reader;
    buf_init(&reader->text, LIMIT_HTTP_HEAD_BYTES);
    buf_init(&reader->content, LIMIT_BODY_BYTES);
    return reader;
}

void http_reader_free(struct http_reader *reader)
{
    if (reader == NULL)
        return;
    http_budget_give(reader->budget, reader->taken_bytes);
    blob_drop(reader->body);
    buf_fini(&reader->content);
    buf_fini(&reader->text);
    free(reader);
}

/* llhttp takes a bare LF for a line's end, in some versions a bare CR too, and joins folded lines; others read such
 * heads differently, which is how requests are smuggled. False: such a head. */
static bool head_step(enum head_at *at, uint8_t byte)
{
    switch (*at) {
    case AT_START:
        *at = byte == '\r' ? AT_START_CR : IN_LINE;
        return byte != '\n';
    case AT_START_CR:
        *at = AT_START;
        return byte == '\n';
    case IN_LINE:
        if (byte == '\r')
            *at = LINE_CR;
        return byte != '\n';
    case LINE_CR:
        *at = LINE_START;
        return byte == '\n';
    case LINE_START:
        *at = byte == '\r' ? END_CR : IN_LINE;
        return byte != '\n' && byte != ' ' && byte != '\t' && byte != ':';
    case END_CR:
        *at = HEAD_END;
        return byte == '\n';
    case HEAD_END:
        break;
    }
    return false;
}

/* How many bytes of `in` belong to the head; a breach refuses it. */
static size_t head_part(struct http_reader *reader, struct bytes in)
{
    size_t len = 0;

    while (len < in.len && reader->head_at != HEAD_END) {
        if (!head_step(&reader->head_at, in.data[len++])) {
            refuse(reader, 400, "malformed header line");
            break;
        }
        reader->line_whole = reader->line_whole || reader->head_at == LINE_START;
        if (++reader->head_bytes > LIMIT_HTTP_HEAD_BYTES) {
            refuse(reader, reader->line_whole ? 431 : 414,
                   reader->line_whole ? "headers too large" : "request target too long");
            break;
        }
    }
    return len;
}

enum http_read http_reader_feed(struct http_reader *reader, struct bytes *in)
{
    bool in_head = reader->head_at != HEAD_END;
    size_t len = in_head ? head_part(reader, *in) : in->len;
    llhttp_errno_t error;

    if (reader->refusal.status != 0)
        return HTTP_READ_REFUSED;
    error = llhttp_execute(&reader->parser, (const char *)in->data, len);
    if (error == HPE_PAUSED) {
        size_t taken = (size_t)((const uint8_t *)llhttp_get_error_pos(&reader->parser) - in->data);

        *in = bytes_slice(*in, taken, in->len - taken);
        return HTTP_READ_DONE;
    }
    if (error != HPE_OK) {
        if (reader->refusal.status == 0)
            reader->refusal = refusal_of(error, reader->head_whole);
        return HTTP_READ_REFUSED;
    }
    *in = bytes_slice(*in, len, in->len - len);
    return in_head && reader->head_whole ? HTTP_READ_HEAD : HTTP_READ_MORE;
}

struct http_refusal http_reader_refusal(const struct http_reader *reader)
{
    return reader->refusal;
}

bool http_reader_continue(const struct http_reader *reader)
{
    return reader->waits;
}

bool http_reader_keep_alive(const struct http_reader *reader)
{
    return reader->keep_alive;
}

bool http_reader_old(const struct http_reader *reader)
{
    return reader->parser.http_minor == 0;
}

/* ---- the request ---- */

/* "http://name/path?query" -> "/path?query": a server must take both (RFC 9112 3.2.2). */
static struct bytes origin_form(struct bytes target)
{
    size_t scheme = target.len > 0 && target.data[0] != '/' ? bytes_find(target, BYTES_LIT("://")) : SIZE_MAX;

    if (scheme == SIZE_MAX)
        return target;
    target = bytes_slice(target, scheme + 3, target.len - scheme - 3);
    while (target.len > 0 && target.data[0] != '/' && target.data[0] != '?')
        target = bytes_slice(target, 1, target.len - 1);
    return target;
}

void http_reader_request(struct http_reader *reader, struct http_request *out)
{
    struct bytes target = origin_form((struct bytes){reader->text.data, reader->target_len});
    size_t mark = bytes_find(target, BYTES_LIT("?"));

    if (reader->body == NULL && reader->content.len > 0) {
        reader->body = blob_from_buf(&reader->content);
        buf_fini(&reader->content);
        http_budget_give(reader->budget, reader->taken_bytes - reader->body->len);
        reader->taken_bytes = reader->body->len;
    }
    out->verb = bytes_text(llhttp_method_name(reader->parser.method));
    out->path = mark == SIZE_MAX ? target : bytes_slice(target, 0, mark);
    out->query = mark == SIZE_MAX ? BYTES_NONE : bytes_slice(target, mark + 1, target.len - mark - 1);
    if (out->path.len == 0)
        out->path = BYTES_LIT("/");
    out->headers = reader->headers;
    out->header_count = reader->header_count;
    out->body = reader->body;
}

const struct header *http_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (bytes_equal_text(request->headers[i].name, name))
            return &request->headers[i];
    return NULL;
}
