/* http_client.h: HTTP/1.1 and HTTPS calls on one libuv loop: connections, kept alive and reused; time limits; bounds.
 *
 * A call goes out on an idle connection to its address, else on a new one; with LIMIT_HTTP_OUT_CONNECTIONS open it
 * waits for one, and its time limit runs meanwhile. A kept connection may be closed by the other side just as a call
 * goes out: one that ends without a byte of an answer has its call repeated once, on a new one. Certificates are not
 * checked. The promises of env.h about calls hold. Source: PROTOCOL 3.1, RFC 9112. */
#ifndef SWARMBED_HTTP_CLIENT_H
#define SWARMBED_HTTP_CLIENT_H

#include "common/env.h"

struct http_client;
struct uv_loop_s; /* uv_loop_t */

/* The loop must outlive the client. `tls`: all calls are HTTPS. SIGPIPE is ignored from here on, in the whole process.
 * NULL: TLS is not to be had; `why` tells. */
struct http_client *http_client_new(struct uv_loop_s *loop, bool tls, struct buf *why);
/* Open calls are dropped: no `done` runs any more. Its handles close with the loop's next turns. NULL is fine. */
void http_client_free(struct http_client *client);

/* As env_call and env_cancel. */
void http_client_call(struct http_client *client, struct call *call, call_fn done);
void http_client_cancel(struct http_client *client, struct call *call);

struct http_client_counts {
    uint32_t connections; /* open now */
    uint32_t idle;        /* of these */
    uint32_t calls;       /* open now */
    uint64_t opened;      /* connections, since start */
    uint64_t repeated;    /* calls whose kept connection had ended */
};
void http_client_counts(const struct http_client *client, struct http_client_counts *out);

#endif
