/* http_connection.h: what http_server.c, http_connection.c and http_answer.c share; nobody else includes it.
 *
 * A connection is in one state; it reads, parses and writes as that allows:
 *
 *     RECEIVING --whole request--> OPEN --http_answer--> SENDING --all sent--> RECEIVING, or
 *         |                          `--stream_start--> STREAMING --end--> SENDING         `--close--> LINGERING -->
 * CLOSED
 *         `--refused--> SENDING
 *
 * Memory of an idle one is its struct alone: requests in progress and bytes that wait have theirs only while they last.
 */
#ifndef SWARMBED_HTTP_CONNECTION_H
#define SWARMBED_HTTP_CONNECTION_H

#include <uv.h>

#include "common/list.h"
#include "sim/http/http_server.h"
#include "sim/http/tls.h"

/* What a connection is waiting for: each kind has one time limit, so a list by beginning is one by end. */
enum http_wait { WAIT_NOTHING, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_WRITE, WAIT_LINGER, WAIT_DOOMED, WAIT_COUNT };

struct http_server {
    uv_loop_t *loop;
    struct http_config config; /* with the defaults filled in */
    struct tls_context *tls;   /* NULL: plain HTTP only */
    uv_timer_t tick;
    struct list listeners, connections;
    struct list waits[WAIT_COUNT];
    struct http_budget budget;
    struct http_counts counts;
    uint32_t turned_away_open;
    uint32_t handles; /* listeners, connections and the tick that libuv still holds */
    bool stopping;
    http_stopped_fn on_stopped;
    uint8_t *input; /* INPUT_BYTES, for the one connection that is being read */
    uint8_t *plain; /* PLAIN_BYTES, of what TLS makes of it */
};

enum connection_state { RECEIVING, OPEN, STREAMING, SENDING, LINGERING, CLOSED };

struct exchange {
    struct http_exchange public; /* first: the owner's pointer is ours */
    struct http_server *server;
    struct connection *connection; /* NULL: gone */
    struct http_reader *reader;
    bool head_only, old, streaming;
    bool told_full; /* a stream's writer waits for on_drained */
};

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct http_server *server;
    struct list link, wait_link;
    uint64_t wait_since_ms;
    size_t wait_queue_bytes; /* WAIT_WRITE: what the kernel had not taken then */
    size_t progress_bytes;   /* WAIT_BODY */
    enum connection_state state;
    enum http_wait wait;
    struct address local, peer;
    struct tls *tls;
    struct exchange *exchange; /* being received, open or streaming */
    struct buf early;          /* pipelined bytes behind an open request; charged to the budget */
    struct buf next;           /* to send (over TLS: tls_out) */
    struct buf flight;         /* being sent: does not move while `writing` */
    size_t flight_sent;
    struct blob *body; /* follows them; charged to the budget */
    size_t body_sent;
    size_t writing_bytes; /* handed to libuv; 0: no write is in progress */
    bool known;           /* the first byte told plain from TLS */
    bool handshaken;
    bool reading, parsing;
    bool keep_alive; /* after the answer that is being made or sent */
    bool ended;      /* the other side sends nothing more */
    bool turned_away;
};

#define INPUT_BYTES 65536
#define PLAIN_BYTES 16384

/* http_connection.c */
void connection_new(struct http_server *server, uv_stream_t *listener, bool loopback_only);
void connection_drop(struct connection *connection); /* at once; an open exchange is gone */
void connection_doom(struct connection *connection); /* the same, from the loop: for use inside the owner's calls */
void connection_expired(struct connection *connection);
void connection_wait(struct connection *connection, enum http_wait wait);
void connection_put(struct connection *connection, struct bytes bytes);
void connection_flush(struct connection *connection); /* sends what was put, and the body; then goes on */
size_t connection_waiting(const struct connection *connection);
/* http_answer.c */
void exchange_free(struct exchange *exchange);
void connection_refuse(struct connection *connection, struct http_refusal refusal); /* answers, then closes */
/* http_server.c */
void server_settle(struct http_server *server); /* a handle or an exchange is gone: perhaps that was the last */

#endif
