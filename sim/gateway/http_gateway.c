#include "sim/gateway/http_gateway.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "sim/http/content_type.h"

/* Of a caller's headers only the protocol's own reach a node: no other means anything there. */
#define HEADER_PREFIX "x-loki-"

/* One exchange on its way through the virtual network. */
struct passage {
    struct http_gateway *gateway;
    struct http_exchange *exchange;
    struct gateway_call *call;
    struct list link; /* of http_gateway's streams */
    bool streaming;
};

void http_gateway_init(struct http_gateway *self)
{
    list_init(&self->streams);
    self->ending = false;
}

static enum content request_content(const struct http_request *request)
{
    const struct header *header = http_header(request, "content-type");

    return header == NULL ? CONTENT_NONE : content_type_read(header->value);
}

static void answer(struct http_exchange *exchange, enum net net, const struct message *in)
{
    switch (net) {
    case NET_OK:
        http_answer(exchange, in->status, content_type_text(in->content), in->headers, in->header_count, in->body);
        break;
    case NET_REFUSED:
        http_answer_text(exchange, 502, "the node is down");
        break;
    case NET_RESET:
        http_answer_text(exchange, 502, "the node went down");
        break;
    case NET_TIMEOUT:
        http_answer_text(exchange, 504, "Request time out");
        break;
    case NET_CANCELLED: /* only a caller that is gone cancels */
        break;
    }
}

static void passage_free(struct passage *passage)
{
    list_remove(&passage->link);
    free(passage);
}

static void on_done(void *owner, enum net net, const struct message *in)
{
    struct passage *passage = owner;
    struct http_exchange *exchange = passage->exchange;
    bool streaming = passage->streaming;

    passage_free(passage);
    if (streaming)
        http_stream_end(exchange);
    else
        answer(exchange, net, in);
}

static void hang_up(struct passage *passage)
{
    struct http_gateway *self = passage->gateway;
    uint64_t number = gateway_call_number(passage->call);

    if (gateway_hang_up(self->gateway, passage->call))
        journal_hang_up(self->journal, world_now_us(self->world), number);
    passage_free(passage);
}

static void end_stream(struct passage *passage)
{
    struct http_exchange *exchange = passage->exchange;

    hang_up(passage);
    http_stream_end(exchange);
}

static void on_part(void *owner, const struct message *part)
{
    struct passage *passage = owner;

    if (!passage->streaming) {
        passage->streaming = true;
        list_append(&passage->gateway->streams, &passage->link);
        http_stream_start_plain(passage->exchange, part->status, content_type_text(part->content), NULL, 0);
    }
    if (passage->gateway->ending || http_stream_write(passage->exchange, blob_bytes(part->body)) != OK)
        end_stream(passage);
}

void http_gateway_end_streams(struct http_gateway *self)
{
    self->ending = true;
    LIST_EACH_SAFE (link, &self->streams)
        end_stream(CONTAINER_OF(link, struct passage, link));
}

static void on_gone(struct http_exchange *exchange)
{
    hang_up(exchange->owner);
}

/* Path and query together are what an old server compared, and what it named in its answers. The result is `scratch` or
 * borrowed. */
static struct bytes target_of(const struct http_request *request, struct buf *scratch)
{
    if (request->query.len == 0)
        return request->path;
    buf_append(scratch, request->path);
    buf_byte(scratch, '?');
    buf_append(scratch, request->query);
    return buf_bytes(scratch);
}

static size_t protocol_headers(const struct http_request *request, struct header out[LIMIT_HTTP_HEADERS])
{
    size_t count = 0;

    for (size_t i = 0; i < request->header_count && count < LIMIT_HTTP_HEADERS; i++)
        if (bytes_start_with(request->headers[i].name, BYTES_LIT(HEADER_PREFIX)))
            out[count++] = request->headers[i];
    return count;
}

static void pass(struct http_gateway *self, struct http_exchange *exchange, enum verb verb, struct address to)
{
    struct passage *passage = xcalloc(1, sizeof(*passage));
    struct header headers[LIMIT_HTTP_HEADERS];
    struct message message = {.verb = verb, .content = request_content(&exchange->in), .body = exchange->in.body};
    struct buf scratch;

    buf_init(&scratch, LIMIT_BODY_BYTES); /* the server's own limit is far below */
    message.path = target_of(&exchange->in, &scratch);
    message.header_count = protocol_headers(&exchange->in, headers);
    message.headers = headers;
    list_init(&passage->link);
    passage->gateway = self;
    passage->exchange = exchange;
    passage->call = gateway_call(self->gateway, to, &message, on_part, on_done, passage);
    if (passage->call == NULL) {
        free(passage);
        http_answer_text(exchange, 502, "no node has this address");
    } else {
        exchange->owner = passage;
        exchange->on_gone = on_gone;
        journal_call(self->journal, world_now_us(self->world), gateway_call_number(passage->call), to, &message);
    }
    buf_fini(&scratch);
}

void http_gateway_on_request(struct http_gateway *self, struct http_exchange *exchange, struct address to)
{
    if (bytes_equal_text(exchange->in.verb, "POST"))
        pass(self, exchange, VERB_POST, to);
    else if (bytes_equal_text(exchange->in.verb, "GET"))
        pass(self, exchange, VERB_GET, to);
    else
        http_answer_text(exchange, 400, "unsupported method"); /* what no node could be asked inside */
}
