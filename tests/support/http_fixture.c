#include "tests/support/http_fixture.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEARD_MAX (64u << 20)
#define LOCALHOST 0x7f000001u

static void on_gone(struct http_exchange *exchange)
{
    struct http_fixture *fixture = exchange->owner;

    fixture->gone++;
    for (uint32_t i = 0; i < fixture->held_count; i++)
        if (fixture->held[i] == exchange)
            fixture->held[i] = NULL;
}

static void on_drained(struct http_exchange *exchange)
{
    struct http_fixture *fixture = exchange->owner;

    fixture->drained++;
}

static void hold(struct http_fixture *fixture, struct http_exchange *exchange)
{
    ck_assert_uint_lt(fixture->held_count, HELD_MAX);
    exchange->owner = fixture;
    exchange->on_gone = fixture->deaf ? NULL : on_gone;
    exchange->on_drained = on_drained;
    fixture->held[fixture->held_count++] = exchange;
}

static void on_request(void *owner, struct http_exchange *exchange)
{
    struct http_fixture *fixture = owner;

    fixture->served++;
    if (bytes_equal_text(exchange->in.path, "/now")) {
        http_answer_text(exchange, 200, "now");
    } else if (bytes_equal_text(exchange->in.path, "/echo")) {
        http_answer(exchange, 200, "application/octet-stream", NULL, 0, exchange->in.body);
    } else if (bytes_equal_text(exchange->in.path, "/big")) {
        http_answer(exchange, 200, "text/plain", NULL, 0, fixture->big);
    } else if (bytes_equal_text(exchange->in.path, "/hold")) {
        hold(fixture, exchange);
    } else if (bytes_equal_text(exchange->in.path, "/stream")) {
        hold(fixture, exchange);
        http_stream_start(exchange, 200, "text/event-stream", NULL, 0);
    } else {
        http_answer_text(exchange, 404, "no such path");
    }
}

void http_fixture_init(struct http_fixture *fixture, struct http_config config)
{
    struct buf why;

    memset(fixture, 0, sizeof(*fixture));
    buf_init(&fixture->heard, HEARD_MAX);
    buf_init(&why, 256);
    fixture->big = blob_new(BIG_BYTES);
    memset(fixture->big->data, 'b', BIG_BYTES);
    ck_assert_int_eq(uv_loop_init(&fixture->loop), 0);
    config.owner = fixture;
    config.on_request = on_request;
    fixture->server = http_server_new(&fixture->loop, &config, &why);
    ck_assert_ptr_nonnull(fixture->server);
    ck_assert_int_eq(http_server_listen(fixture->server, (struct address){LOCALHOST, 0}, &fixture->at, &why), OK);
    buf_fini(&why);
}

void http_fixture_stopped(void *owner)
{
    struct http_fixture *fixture = owner;

    fixture->stopped = true;
}

void http_fixture_fini(struct http_fixture *fixture)
{
    struct http_counts counts;

    if (!fixture->stopped) {
        http_server_abort(fixture->server, http_fixture_stopped);
        uv_run(&fixture->loop, UV_RUN_DEFAULT);
    }
    ck_assert(fixture->stopped);
    counts = http_fixture_counts(fixture);
    ck_assert_uint_eq(counts.connections, 0);
    ck_assert_uint_eq(counts.exchanges, 0);
    ck_assert_uint_eq(counts.bodies_bytes, 0);
    http_server_free(fixture->server);
    ck_assert_int_eq(uv_loop_close(&fixture->loop), 0);
    ck_assert_uint_eq(fixture->big->keepers, 1);
    blob_drop(fixture->big);
    buf_fini(&fixture->heard);
}

int http_fixture_call(struct http_fixture *fixture)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(fixture->at.port), .sin_addr.s_addr = htonl(fixture->at.ip)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof(at)),
                     0); /* the kernel takes it: the backlog is long */
    return fd;
}

void http_fixture_turn(struct http_fixture *fixture, int fd)
{
    struct pollfd waits[2] = {{uv_backend_fd(&fixture->loop), POLLIN, 0}, {fd, POLLIN, 0}};

    poll(waits, 2, uv_backend_timeout(&fixture->loop));
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

void http_fixture_say(struct http_fixture *fixture, int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0) {
            if (errno != EAGAIN)
                return; /* the server has closed: what it said is what the test looks at */
            uv_run(&fixture->loop, UV_RUN_NOWAIT);
            continue;
        }
        bytes = bytes_slice(bytes, (size_t)sent, bytes.len - (size_t)sent);
    }
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);

    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

const char *http_fixture_hear(struct http_fixture *fixture, int fd, const char *end)
{
    static const char zero[] = "";
    uint8_t piece[65536];
    ssize_t len;

    buf_clear(&fixture->heard);
    while (end == NULL || !ends_with(buf_bytes(&fixture->heard), end)) {
        len = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (len == 0 || (len < 0 && errno != EAGAIN))
            break;
        if (len > 0)
            buf_append(&fixture->heard, (struct bytes){piece, (size_t)len});
        else
            http_fixture_turn(fixture, fd);
    }
    ck_assert_msg(end == NULL || ends_with(buf_bytes(&fixture->heard), end), "the connection ended after: %.*s",
                  (int)(fixture->heard.len < 200 ? fixture->heard.len : 200), (const char *)fixture->heard.data);
    buf_append(&fixture->heard, (struct bytes){(const uint8_t *)zero, 1});
    fixture->heard.len--;
    return (const char *)fixture->heard.data;
}

bool http_fixture_eof(struct http_fixture *fixture, int fd)
{
    return strlen(http_fixture_hear(fixture, fd, NULL)) == 0;
}

struct http_counts http_fixture_counts(const struct http_fixture *fixture)
{
    struct http_counts counts;

    http_server_counts(fixture->server, &counts);
    return counts;
}

void http_fixture_say_text(struct http_fixture *fixture, int fd, const char *text)
{
    http_fixture_say(fixture, fd, bytes_text(text));
}

void http_fixture_last_words(struct http_fixture *fixture, const char *text, const char *answer)
{
    int fd = http_fixture_call(fixture);

    http_fixture_say_text(fixture, fd, text);
    ck_assert_str_eq(http_fixture_hear(fixture, fd, NULL), answer);
    close(fd);
}
