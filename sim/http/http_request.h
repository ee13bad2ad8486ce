/* http_request.h: bytes of a connection -> one whole, bounded request; the door to llhttp.
 *
 * A reader takes one request, in pieces of any size, and stops behind its last byte: what follows belongs to the next
 * reader. Strict where leniency lets requests be smuggled past others: no bare CR or LF and no folded line in a head,
 * no second Content-Length, none beside Transfer-Encoding, no coding but `chunked`. When to wait, to answer and to
 * close is http_connection.c. Source: RFC 9112. */
#ifndef SWARMBED_HTTP_REQUEST_H
#define SWARMBED_HTTP_REQUEST_H

#include "common/blob.h"
#include "common/env.h" /* struct header */

/* One whole request. Borrowed: valid until the exchange ends; the body lives on if kept. */
struct http_request {
    struct bytes verb;  /* "GET", "POST", "HEAD", "OPTIONS"... as sent; an answer to HEAD goes without its body */
    struct bytes path;  /* as sent, not decoded; of a target in absolute form the path; "*" of `OPTIONS *` */
    struct bytes query; /* behind the first '?'; empty if there is none */
    const struct header *headers; /* names in lower case, values without the blanks around them; in order of arrival */
    size_t header_count;          /* at most LIMIT_HTTP_HEADERS; trailers of a chunked body are dropped */
    struct blob *body;            /* NULL: empty; at most LIMIT_BODY_BYTES */
};
/* The first header of that name (given in lower case), or NULL. */
const struct header *http_header(const struct http_request *request, const char *name);

/* Memory for bodies, shared by all that are in flight. */
struct http_budget {
    uint64_t used_bytes, max_bytes;
};
bool http_budget_take(struct http_budget *budget, size_t bytes); /* false: no room, nothing taken */
void http_budget_give(struct http_budget *budget, size_t bytes);

struct http_reader;
struct http_reader *http_reader_new(struct http_budget *budget);
void http_reader_free(struct http_reader *reader); /* gives back what its body took; NULL is fine */

enum http_read {
    HTTP_READ_MORE,    /* all of `in` is taken, the request goes on */
    HTTP_READ_HEAD,    /* the head is whole and good, a body follows: once, before any of it is taken */
    HTTP_READ_DONE,    /* http_reader_request tells; nothing behind it was taken */
    HTTP_READ_REFUSED, /* http_reader_refusal tells; where the next request would begin is unknown */
};
/* Takes from the front of `in`. Not to be called again after DONE or REFUSED. */
enum http_read http_reader_feed(struct http_reader *reader, struct bytes *in);

struct http_refusal {
    uint16_t status;
    const char *text;
};
struct http_refusal http_reader_refusal(const struct http_reader *reader);
/* Lives as long as the reader. */
void http_reader_request(struct http_reader *reader, struct http_request *out);
/* From HTTP_READ_HEAD on: */
bool http_reader_continue(const struct http_reader *reader);   /* the sender waits for a 100 before its body */
bool http_reader_keep_alive(const struct http_reader *reader); /* the sender wants the connection to stay */
bool http_reader_old(const struct http_reader *reader);        /* HTTP/1.0: no chunks, no 100 */

#endif
