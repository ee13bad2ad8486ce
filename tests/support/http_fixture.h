/* http_fixture.h: an HTTP server in the test's own loop, and callers with sockets of their own beside it.
 *
 * What the owner does is told by the path: "/now" answers "now", "/echo" the body, "/hold" nothing until the test does,
 * "/big" BIG_BYTES bytes, "/stream" starts a stream. Nothing sleeps: a turn waits for the sockets. */
#ifndef SWARMBED_TESTS_HTTP_FIXTURE_H
#define SWARMBED_TESTS_HTTP_FIXTURE_H

#include <uv.h>

#include "sim/http/http_server.h"

#define BIG_BYTES (8 << 20) /* more than a socket's buffers hold */
#define HELD_MAX  64

#define GET(path)   "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define CLOSE(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define NOW         "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nnow"
#define NOW_CLOSE   "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nnow"

struct http_fixture {
    uv_loop_t loop;
    struct http_server *server;
    struct address at;
    struct http_exchange *held[HELD_MAX]; /* by "/hold" and "/stream", in order of arrival; NULL: ended */
    uint32_t held_count;
    uint32_t served, gone, drained;
    bool deaf; /* requests held have no on_gone */
    bool stopped;
    struct buf heard; /* by http_fixture_hear */
    struct blob *big;
};

/* Zeros in `config` are the defaults; owner and on_request are the fixture's. */
void http_fixture_init(struct http_fixture *fixture, struct http_config config);
void http_fixture_fini(
    struct http_fixture *fixture);      /* aborts the server if it is not stopped; all must be given back */
void http_fixture_stopped(void *owner); /* an http_stopped_fn */

int http_fixture_call(struct http_fixture *fixture); /* a connected socket that does not block */
void http_fixture_say(struct http_fixture *fixture, int fd, struct bytes bytes);
void http_fixture_turn(struct http_fixture *fixture,
                       int fd); /* one round of the loop; waits until it or `fd` has something */
/* What comes until it ends with `end`, or (NULL) until the connection ends; as text, valid until the next call. */
const char *http_fixture_hear(struct http_fixture *fixture, int fd, const char *end);
bool http_fixture_eof(struct http_fixture *fixture,
                      int fd); /* the connection ends, or is reset, before anything else comes */
void http_fixture_say_text(struct http_fixture *fixture, int fd, const char *text);
/* A caller that says `text`, and hears exactly `answer` before the server closes. */
void http_fixture_last_words(struct http_fixture *fixture, const char *text, const char *answer);
struct http_counts http_fixture_counts(const struct http_fixture *fixture);
#define TURN_UNTIL(fixture, condition)                                                                                 \
    while (!(condition))                                                                                               \
    http_fixture_turn(fixture, -1)

#endif
