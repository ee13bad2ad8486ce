/* http_response.h: bytes of a connection -> one whole, bounded answer: the caller's side of http_request.h.
 *
 * A reader takes one answer, in pieces of any size, and stops behind its last byte. Bounds as for requests:
 * LIMIT_HTTP_HEAD_BYTES, LIMIT_BODY_BYTES. Interim answers (1xx) are read over. Of the headers only the content's type
 * is kept: no client reads another. Source: RFC 9112. */
#ifndef SWARMBED_HTTP_RESPONSE_H
#define SWARMBED_HTTP_RESPONSE_H

#include "common/blob.h"
#include "common/env.h" /* enum content */

struct http_response {
    uint16_t status;
    enum content content;
    struct blob *body; /* NULL: empty; the reader's: keep it to have it longer */
    bool keep_alive;   /* the connection stays for another request */
};

struct http_response_reader;
struct http_response_reader *http_response_reader_new(void);
void http_response_reader_free(struct http_response_reader *reader);  /* NULL is fine */
void http_response_reader_again(struct http_response_reader *reader); /* for the next answer */

enum http_answer_read {
    HTTP_ANSWER_MORE,
    HTTP_ANSWER_DONE,  /* nothing behind it was taken */
    HTTP_ANSWER_BROKEN /* malformed, or beyond a bound */
};
/* Takes from the front of `in`. Not to be called again after DONE or BROKEN. */
enum http_answer_read http_response_reader_feed(struct http_response_reader *reader, struct bytes *in);
/* The connection has ended: DONE for an answer that lasts as long as its connection. */
enum http_answer_read http_response_reader_end(struct http_response_reader *reader);
bool http_response_reader_begun(const struct http_response_reader *reader); /* something of it has come */
/* After DONE. */
struct http_response http_response_reader_get(const struct http_response_reader *reader);

#endif
