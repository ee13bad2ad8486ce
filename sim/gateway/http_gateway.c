#include "sim/gateway/http_gateway.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

/* Of a caller's headers only the protocol's own reach a node: no other means anything there. */
#define HEADER_PREFIX "x-loki-"

/* One exchange on its way through the virtual network. */
struct passage {
    struct http_gateway *gateway;
    struct http_exchange *exchange;
    struct gateway_call *call;
};

static const char *content_type(enum content content)
{
    switch (content) {
    case CONTENT_NONE:
        return NULL;
    case CONTENT_TEXT:
        return "text/plain";
    case CONTENT_JSON:
        return "application/json";
    case CONTENT_BINARY:
        return "application/octet-stream";
    }
    return NULL;
}

static enum content request_content(const struct http_request *request)
{
    const struct header *header = http_header(request, "content-type");

    if (header == NULL)
        return CONTENT_NONE;
    if (bytes_start_with(header->value, BYTES_LIT("application/json")))
        return CONTENT_JSON;
    return bytes_start_with(header->value, BYTES_LIT("text/")) ? CONTENT_TEXT : CONTENT_BINARY;
}

static void answer(struct http_exchange *exchange, enum net net, const struct message *in)
{
    switch (net) {
    case NET_OK:
        http_answer(exchange, in->status, content_type(in->content), in->headers, in->header_count, in->body);
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

static void on_done(void *owner, enum net net, const struct message *in)
{
    struct passage *passage = owner;
    struct http_exchange *exchange = passage->exchange;

    free(passage);
    answer(exchange, net, in);
}

static void on_gone(struct http_exchange *exchange)
{
    struct passage *passage = exchange->owner;
    struct http_gateway *self = passage->gateway;
    uint64_t number = gateway_call_number(passage->call);

    if (gateway_hang_up(self->gateway, passage->call))
        journal_hang_up(self->journal, world_now_us(self->world), number);
    free(passage);
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
    struct passage *passage = xmalloc(sizeof(*passage));
    struct header headers[LIMIT_HTTP_HEADERS];
    struct message message = {.verb = verb, .content = request_content(&exchange->in), .body = exchange->in.body};
    struct buf scratch;

    buf_init(&scratch, LIMIT_BODY_BYTES); /* the server's own limit is far below */
    message.path = target_of(&exchange->in, &scratch);
    message.header_count = protocol_headers(&exchange->in, headers);
    message.headers = headers;
    passage->gateway = self;
    passage->exchange = exchange;
    passage->call = gateway_call(self->gateway, to, &message, on_done, passage);
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
