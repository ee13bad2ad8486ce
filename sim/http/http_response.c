#include "sim/http/http_response.h"

#include <llhttp.h>
#include <stdlib.h>
#include <strings.h>

#include "common/limits.h"
#include "sim/http/content_type.h"

#define NAME_BYTES_MAX 16 /* as much of a header's name as is looked at */

struct http_response_reader {
    llhttp_t parser;
    size_t head_bytes; /* names, values and what else is read over */
    struct buf name, type;
    bool begun, name_whole, in_type, keep_alive, done;
    struct buf content;
    struct blob *body;
};

/* ---- what llhttp tells ---- */

static int over(struct http_response_reader *reader, size_t len)
{
    reader->head_bytes += len;
    return reader->head_bytes > LIMIT_HTTP_HEAD_BYTES ? HPE_USER : HPE_OK;
}

static int on_skipped(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    return over(parser->data, len);
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct http_response_reader *reader = parser->data;

    if (reader->name_whole) {
        buf_clear(&reader->name);
        reader->name_whole = false;
    }
    buf_append(&reader->name, (struct bytes){(const uint8_t *)at, len});
    return over(reader, len);
}

static int on_name_whole(llhttp_t *parser)
{
    struct http_response_reader *reader = parser->data;
    const struct bytes wanted = BYTES_LIT("content-type");

    reader->name_whole = true;
    reader->in_type = reader->name.err == OK && reader->name.len == wanted.len &&
                      strncasecmp((const char *)reader->name.data, (const char *)wanted.data, wanted.len) == 0;
    return HPE_OK;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_response_reader *reader = parser->data;

    if (reader->in_type)
        buf_append(&reader->type, (struct bytes){(const uint8_t *)at, len});
    return over(reader, len);
}

/* Such an answer ends with its head, whatever length that names (RFC 9112, 6.3). */
static bool without_body(uint16_t status)
{
    return status < 200 || status == 204 || status == 304;
}

static int on_head(llhttp_t *parser)
{
    struct http_response_reader *reader = parser->data;

    if (parser->http_major != 1 || parser->content_length > LIMIT_BODY_BYTES || over(reader, 0) != HPE_OK)
        return HPE_USER;
    return without_body(parser->status_code) ? 1 : HPE_OK; /* 1: llhttp's word for no body */
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_response_reader *reader = parser->data;

    buf_append(&reader->content, (struct bytes){(const uint8_t *)at, len});
    return reader->content.err == OK ? HPE_OK : HPE_USER;
}

static int on_whole(llhttp_t *parser)
{
    struct http_response_reader *reader = parser->data;

    if (parser->status_code < 200 && parser->status_code != 101) {
        buf_clear(&reader->type); /* the answer itself follows */
        return HPE_OK;
    }
    reader->done = true;
    reader->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED; /* so that nothing behind it is read */
}

static const llhttp_settings_t settings = {
    .on_status = on_skipped,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_whole,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_chunk_extension_name = on_skipped,
    .on_chunk_extension_value = on_skipped,
    .on_body = on_body,
    .on_message_complete = on_whole,
};

/* ---- the reader ---- */

struct http_response_reader *http_response_reader_new(void)
{
    struct http_response_reader *reader = xcalloc(1, sizeof(*reader));

    buf_init(&reader->name, NAME_BYTES_MAX);
    buf_init(&reader->type, LIMIT_HTTP_HEAD_BYTES);
    buf_init(&reader->content, LIMIT_BODY_BYTES);
    http_response_reader_again(reader);
    return reader;
}

void http_response_reader_again(struct http_response_reader *reader)
{
    blob_drop(reader->body);
    reader->body = NULL;
    buf_clear(&reader->name);
    buf_clear(&reader->type);
    buf_fini(&reader->content);
    buf_init(&reader->content, LIMIT_BODY_BYTES);
    reader->head_bytes = 0;
    reader->begun = reader->name_whole = reader->in_type = reader->keep_alive = reader->done = false;
    llhttp_init(&reader->parser, HTTP_RESPONSE, &settings);
    reader->parser.data = reader;
}

void http_response_reader_free(struct http_response_reader *reader)
{
    if (reader == NULL)
        return;
    blob_drop(reader->body);
    buf_fini(&reader->content);
    buf_fini(&reader->type);
    buf_fini(&reader->name);
    free(reader);
}

static enum http_answer_read done(struct http_response_reader *reader)
{
    if (reader->content.len > 0)
        reader->body = blob_from_buf(&reader->content);
    return HTTP_ANSWER_DONE;
}

enum http_answer_read http_response_reader_feed(struct http_response_reader *reader, struct bytes *in)
{
    llhttp_errno_t error;
    size_t taken = in->len;

    reader->begun = reader->begun || in->len > 0;
    error = llhttp_execute(&reader->parser, (const char *)in->data, in->len);
    if (error != HPE_OK && error != HPE_PAUSED)
        return HTTP_ANSWER_BROKEN;
    if (error == HPE_PAUSED)
        taken = (size_t)((const uint8_t *)llhttp_get_error_pos(&reader->parser) - in->data);
    *in = bytes_slice(*in, taken, in->len - taken);
    return reader->done ? done(reader) : HTTP_ANSWER_MORE;
}

enum http_answer_read http_response_reader_end(struct http_response_reader *reader)
{
    llhttp_errno_t error = reader->begun ? llhttp_finish(&reader->parser) : HPE_USER;

    if ((error == HPE_OK || error == HPE_PAUSED) && reader->done) {
        reader->keep_alive = false;
        return done(reader);
    }
    return HTTP_ANSWER_BROKEN;
}

bool http_response_reader_begun(const struct http_response_reader *reader)
{
    return reader->begun;
}

struct http_response http_response_reader_get(const struct http_response_reader *reader)
{
    return (struct http_response){reader->parser.status_code, content_type_read(buf_bytes(&reader->type)), reader->body,
                                  reader->keep_alive};
}
