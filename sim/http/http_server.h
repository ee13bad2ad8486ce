/* http_server.h: real HTTP/1.1 and HTTPS on one libuv loop: listeners, connections, back-pressure, bounds.
 *
 * The owner sees whole requests (`on_request`) and answers each once, now or later; everything else (keep-alive,
 * pipelining in order, chunks, `Expect`, TLS told from plain HTTP by the first byte, limits, time-outs, slow readers)
 * is settled here. The server answers by itself only what must not reach the owner: malformed requests 400, 408, 413,
 * 414, 417, 431, 501, 505, and 503 beyond its bounds; always `text/plain`, the bare text.
 *
 * Promises:
 * - Requests of one connection come one after another: the next when the previous is answered.
 * - Every exchange ends once: by http_answer, by http_stream_end, or because the caller is gone. A caller who closes
 *   its sending side counts as gone, as with most servers: a hang-up looks the same.
 * - http_answer may be called inside `on_request`. `on_gone` and `on_drained` never run inside a call of the owner, but
 *   for http_server_abort, which runs `on_gone`. `on_stopped` comes from the loop.
 * - All of it happens on the loop's thread. A body given to the server is kept (blob_keep) until sent, so no other
 *   thread may touch it meanwhile.
 * Source: PROTOCOL 3.1, RFC 9110 and 9112. */
#ifndef SWARMBED_HTTP_SERVER_H
#define SWARMBED_HTTP_SERVER_H

#include "common/swarm.h"          /* struct address */
#include "sim/http/http_request.h" /* struct http_request */

struct http_server;
struct uv_loop_s; /* a uv_loop_t */

/* One request and its answer: the server's, valid until it ends. */
struct http_exchange {
    struct http_request in;
    struct address local; /* where the caller connected to: tells the node */
    struct address peer;
    bool tls;
    /* yours, set in `on_request`: */
    void *owner; /* never read by the server */
    /* The caller is gone: the exchange ends with this call and must not be answered. NULL: it lives on, and the answer
     * does nothing. */
    void (*on_gone)(struct http_exchange *exchange);
    void (*on_drained)(struct http_exchange *exchange); /* streams: after ERR_FULL, there is room again; may be NULL */
};

/* Ends the exchange. `content_type` goes out exactly as given; NULL: no such header. Content-Length is always sent, but
 * with 204 and 304. Other headers may be added; one that would break the message (control characters) is left out. The
 * body may be NULL; it is kept here as long as needed. A body that the budget has no room for becomes a 503, and
 * the connection closes. */
void http_answer(struct http_exchange *exchange, uint16_t status, const char *content_type,
                 const struct header *headers, size_t header_count, struct blob *body);
void http_answer_text(struct http_exchange *exchange, uint16_t status, const char *text); /* text/plain, a copy */

/* Answers piece by piece (server-sent events): start, any number of writes, end; between them the exchange stays open
 * and `on_gone` tells that the caller hung up. Chunked, or until the connection closes for an HTTP/1.0 caller; to HEAD
 * only the head goes out. */
void http_stream_start(struct http_exchange *exchange, uint16_t status, const char *content_type,
                       const struct header *headers, size_t header_count);
/* The same without chunks: the bytes as they are, until the connection closes. */
void http_stream_start_plain(struct http_exchange *exchange, uint16_t status, const char *content_type,
                             const struct header *headers, size_t header_count);
/* A piece goes out whole, or not at all: ERR_FULL when the reader is slow and LIMIT_HTTP_STREAM_BYTES would wait for
 * it; `on_drained` follows once nothing waits. An empty piece is nothing. ERR_TOO_BIG: more than could ever wait. A
 * reader that takes nothing for LIMIT_HTTP_WRITE_MS is gone. */
MUST_CHECK enum err http_stream_write(struct http_exchange *exchange, struct bytes piece);
size_t http_stream_waiting(const struct http_exchange *exchange); /* bytes not yet taken by the reader's kernel */
void http_stream_end(struct http_exchange *exchange);             /* ends the exchange; what waits is still sent */

struct http_config {
    void *owner;
    void (*on_request)(void *owner, struct http_exchange *exchange);
    bool tls; /* also take TLS, under a certificate made at start */
    /* 0: the value of limits.h */
    uint32_t connections_max;
    uint64_t bodies_bytes_max;
    uint32_t idle_ms, head_ms, body_ms, write_ms, linger_ms;
};

/* `config` is copied. The loop must outlive the server. SIGPIPE is ignored from here on, in the whole process. NULL:
 * TLS asked for and not to be had; why it failed is appended to `why`. */
struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_config *config, struct buf *why);
/* Only once stopped: in or after `on_stopped`. */
void http_server_free(struct http_server *server);

/* Serves `address`, one of 127.0.0.0/8: with one socket for its port at all of them, bound to the loopback device; where
 * the system refuses that, with one for this address. Nothing but this machine reaches it. What is served already stays
 * as it is. ERR_IO: it is not served; `why` says what and where. */
MUST_CHECK enum err http_server_listen_loopback(struct http_server *server, struct address address, struct buf *why);
/* Serves one address, 0.0.0.0 being all: whoever reaches that address reaches the server. Port 0: any free one. `bound`
 * (may be NULL): what it became. */
MUST_CHECK enum err http_server_listen(struct http_server *server, struct address address, struct address *bound,
                                       struct buf *why);

typedef void (*http_stopped_fn)(void *owner);
/* No new connections or requests; what is open is answered, then its connection closed. Streams are the owner's to end.
 * `on_stopped(config.owner)` runs from the loop when nothing is left. */
void http_server_stop(struct http_server *server, http_stopped_fn on_stopped);
/* Drops everything at once: open exchanges get `on_gone`. May follow http_server_stop, whose `on_stopped` it then
 * replaces. */
void http_server_abort(struct http_server *server, http_stopped_fn on_stopped);

struct http_counts {
    uint32_t connections;  /* open now */
    uint32_t exchanges;    /* open now, streams included */
    uint64_t bodies_bytes; /* in flight now, of requests and answers */
    uint64_t accepted;     /* since start, from here on */
    uint64_t turned_away;  /* beyond the bound of connections */
    uint64_t accept_failures;
    uint64_t tls_handshakes;
    uint64_t tls_resumed; /* of these */
    uint64_t requests;    /* that reached the owner */
    uint64_t refused;     /* answered here: malformed or beyond a bound */
    uint64_t timed_out;   /* connections closed for being slow; idle ones are not counted */
    uint64_t gone;        /* exchanges whose caller hung up */
};
void http_server_counts(const struct http_server *server, struct http_counts *out);

#endif
