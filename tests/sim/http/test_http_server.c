#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/http_fixture.h"

#define SOON_MS 20 /* a time limit that a test waits for */

/* ---- answers ---- */

START_TEST(connections_stay_until_told)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    for (int i = 0; i < 3; i++) {
        http_fixture_say_text(&fixture, fd, GET("/now"));
        ck_assert_str_eq(http_fixture_hear(&fixture, fd, "now"), NOW);
    }
    http_fixture_say_text(&fixture, fd, CLOSE("/now"));
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, NULL), NOW_CLOSE);
    ck_assert_uint_eq(http_fixture_counts(&fixture).accepted, 1);
    ck_assert_uint_eq(http_fixture_counts(&fixture).requests, 4);
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

START_TEST(old_callers_get_what_they_know)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    http_fixture_last_words(&fixture, "GET /now HTTP/1.0\r\n\r\n", NOW_CLOSE);
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(http_fixture_hear(&fixture, fd, "now"), "Connection: keep-alive\r\n"));
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

/* HEAD gets the length of the body and no body; OPTIONS is the owner's to answer. */
START_TEST(head_and_options)
{
    struct http_fixture fixture;

    http_fixture_init(&fixture, (struct http_config){0});
    http_fixture_last_words(&fixture, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE("/now"),
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n" NOW_CLOSE);
    http_fixture_last_words(&fixture, "HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE("/now"),
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8388608\r\n\r\n" NOW_CLOSE);
    http_fixture_last_words(&fixture, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nConnection: "
                            "close\r\n\r\nno such path");
    http_fixture_fini(&fixture);
}
END_TEST

/* What would break the message is left out; the rest goes as given. */
START_TEST(answers_are_well_formed)
{
    static const struct header headers[] = {
        {BYTES_LIT("X-Good"), BYTES_LIT("a b")},
        {BYTES_LIT("X-Bad"), BYTES_LIT("a\r\nInjected: b")},
        {BYTES_LIT("X Bad"), BYTES_LIT("a")},
        {BYTES_LIT("X-Bad:"), BYTES_LIT("a")},
        {BYTES_LIT(""), BYTES_LIT("a")},
        {BYTES_LIT("Content-Length"), BYTES_LIT("7")},
        {BYTES_LIT("transfer-encoding"), BYTES_LIT("x")},
    };
    static const struct {
        uint16_t status;
        const char *head;
    } rows[] = {
        {200, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Good: a b\r\nContent-Length: 2\r\n\r\n{}"},
        {432, "HTTP/1.1 432 \r\nContent-Type: application/json\r\nX-Good: a b\r\nContent-Length: 2\r\n\r\n{}"},
        {204, "HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\nX-Good: a b\r\n\r\n"},
        {7, "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nX-Good: a b\r\nContent-Length: "
            "2\r\n\r\n{}"},
    };
    struct blob *body = blob_copy(BYTES_LIT("{}"));
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_fixture_say_text(&fixture, fd, GET("/hold"));
        TURN_UNTIL(&fixture, fixture.held_count == i + 1);
        http_answer(fixture.held[i], rows[i].status, "application/json", headers, ARRAY_LEN(headers), body);
        ck_assert_str_eq(http_fixture_hear(&fixture, fd, rows[i].status == 204 ? "\r\n\r\n" : "{}"), rows[i].head);
    }
    close(fd);
    ck_assert_uint_eq(body->keepers, 1);
    blob_drop(body);
    http_fixture_fini(&fixture);
}
END_TEST

/* Headers that are too much for a head are left out, and the head stays whole. */
START_TEST(answers_have_bounded_heads)
{
    static char first[LIMIT_HTTP_HEAD_BYTES], second[LIMIT_HTTP_HEAD_BYTES];
    struct header headers[] = {{BYTES_LIT("X-A"), BYTES_NONE}, {BYTES_LIT("X-B"), BYTES_OF(second)}};
    struct http_fixture fixture;

    memset(first, 'a', sizeof(first));
    memset(second, 'b', sizeof(second));
    http_fixture_init(&fixture, (struct http_config){0});
    for (size_t room = 0; room < 64; room++) { /* the first one fills the head up to there */
        uint32_t number = fixture.held_count;
        int fd = http_fixture_call(&fixture);
        const char *heard;

        headers[0].value = (struct bytes){(const uint8_t *)first, sizeof(first) - room};
        http_fixture_say_text(&fixture, fd, GET("/hold"));
        TURN_UNTIL(&fixture, fixture.held_count == number + 1);
        http_answer(fixture.held[number], 200, NULL, headers, ARRAY_LEN(headers), NULL);
        heard = http_fixture_hear(&fixture, fd, "\r\n\r\n");
        ck_assert_ptr_null(strstr(heard, "X-B"));
        ck_assert_ptr_nonnull(strstr(heard, "\r\nContent-Length: 0\r\n\r\n"));
        close(fd);
    }
    http_fixture_fini(&fixture);
}
END_TEST

/* Where the caller connected to, and from, is told. */
START_TEST(exchanges_tell_both_ends)
{
    struct http_fixture fixture;
    struct sockaddr_in own;
    socklen_t own_len = sizeof(own);
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/hold?a=1"));
    TURN_UNTIL(&fixture, fixture.held_count == 1);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &own_len), 0);
    ck_assert(address_equal(fixture.held[0]->local, fixture.at));
    ck_assert(address_equal(fixture.held[0]->peer, (struct address){ntohl(own.sin_addr.s_addr), ntohs(own.sin_port)}));
    ck_assert(!fixture.held[0]->tls && bytes_equal_text(fixture.held[0]->in.query, "a=1"));
    close(fd);
    http_fixture_fini(&fixture);
    ck_assert_uint_eq(fixture.gone, 1);
}
END_TEST

/* ---- requests in pieces, and many at once ---- */

START_TEST(requests_come_byte_by_byte)
{
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfghi";
    struct http_fixture fixture;
    const char *heard;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        http_fixture_say(&fixture, fd, (struct bytes){(const uint8_t *)text + i, 1});
    heard = http_fixture_hear(&fixture, fd, NULL);
    ck_assert_ptr_nonnull(strstr(heard, "Content-Length: 5\r\n\r\nabcdeHTTP/1.1 200"));
    ck_assert_ptr_nonnull(strstr(heard, "\r\n\r\nfghi"));
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

/* The second request waits for the first one's answer, however long that takes; then all follow in order. */
START_TEST(pipelined_requests_are_answered_in_order)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/now") GET("/hold") GET("/now") GET("/none") CLOSE("/now"));
    TURN_UNTIL(&fixture, fixture.held_count == 1);
    http_fixture_hear(&fixture, fd, "now");
    ck_assert_uint_eq(fixture.served, 2);
    http_answer_text(fixture.held[0], 200, "held");
    ck_assert_str_eq(
        http_fixture_hear(&fixture, fd, NULL),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nheld" NOW
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nno such path" NOW_CLOSE);
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

/* Thousands in one go: one after another, without a deep stack, and none lost where reading had to stop. */
START_TEST(a_flood_of_pipelined_requests)
{
    enum { FLOOD = 5000 };
    struct http_fixture fixture;
    struct buf flood;
    const char *at;
    size_t count = 0;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    buf_init(&flood, 1 << 20);
    buf_text(&flood, GET("/hold"));
    for (int i = 0; i < FLOOD; i++)
        buf_text(&flood, GET("/now"));
    buf_text(&flood, CLOSE("/now"));
    fd = http_fixture_call(&fixture);
    ck_assert_int_eq(send(fd, flood.data, flood.len, MSG_DONTWAIT), (ssize_t)flood.len);
    TURN_UNTIL(&fixture, fixture.held_count == 1);
    for (int i = 0; i < 10; i++)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    ck_assert_uint_ge(http_fixture_counts(&fixture).bodies_bytes, LIMIT_HTTP_EARLY_BYTES); /* what waits is bounded: */
    ck_assert_uint_le(http_fixture_counts(&fixture).bodies_bytes, LIMIT_HTTP_EARLY_BYTES + 65536);
    http_answer_text(fixture.held[0], 200, "held");
    at = http_fixture_hear(&fixture, fd, NULL);
    for (at = strstr(at, NOW); at != NULL; at = strstr(at + 1, NOW))
        count++;
    ck_assert_uint_eq(count, FLOOD);
    ck_assert_uint_eq(fixture.served, FLOOD + 2);
    close(fd);
    buf_fini(&flood);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_sender_may_ask_before_its_body)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd,
                          "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    http_fixture_say_text(&fixture, fd, "hello");
    ck_assert_ptr_nonnull(strstr(http_fixture_hear(&fixture, fd, "hello"), "HTTP/1.1 200 OK"));
    /* It may also not wait; and a body that would be refused is refused at once. */
    http_fixture_say_text(&fixture, fd,
                          "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    ck_assert_ptr_null(strstr(http_fixture_hear(&fixture, fd, "hello"), "100 Continue"));
    http_fixture_say_text(&fixture, fd,
                          "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10485761\r\n\r\n");
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, NULL),
                     "HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\n"
                     "Content-Length: 22\r\nConnection: close\r\n\r\nRequest body too large");
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

/* The largest body comes back whole; a larger one, sent without asking, still lets its sender read why not. */
START_TEST(large_bodies)
{
    struct http_fixture fixture;
    struct buf text;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    buf_init(&text, LIMIT_BODY_BYTES + 1000);
    buf_printf(&text, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LIMIT_BODY_BYTES);
    memset(buf_space(&text, LIMIT_BODY_BYTES), 'x', LIMIT_BODY_BYTES);
    text.data[text.len - 1] = 'y';
    fd = http_fixture_call(&fixture);
    http_fixture_say(&fixture, fd, buf_bytes(&text));
    ck_assert_uint_ge(strlen(http_fixture_hear(&fixture, fd, "xy")), LIMIT_BODY_BYTES);
    buf_clear(&text);
    buf_printf(&text, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LIMIT_BODY_BYTES + 1);
    memset(buf_space(&text, LIMIT_BODY_BYTES), 'x', LIMIT_BODY_BYTES);
    http_fixture_say(&fixture, fd, buf_bytes(&text));
    ck_assert_ptr_nonnull(strstr(http_fixture_hear(&fixture, fd, NULL), "Request body too large"));
    close(fd);
    buf_fini(&text);
    http_fixture_fini(&fixture);
}
END_TEST

/* Bodies in flight share one bound: a request beyond it gets 503, so does an answer; both are told, then closed. */
START_TEST(bodies_in_flight_are_bounded)
{
    struct http_fixture fixture;
    int first, second;

    http_fixture_init(&fixture, (struct http_config){.bodies_bytes_max = 10000});
    first = http_fixture_call(&fixture);
    second = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, first, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
    for (int i = 0; i < 600; i++)
        http_fixture_say_text(&fixture, first, "0123456789");
    TURN_UNTIL(&fixture, fixture.held_count == 1);
    ck_assert_uint_eq(http_fixture_counts(&fixture).bodies_bytes, 6000);
    http_fixture_say_text(&fixture, second, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
    for (int i = 0; i < 600; i++)
        http_fixture_say_text(&fixture, second, "0123456789");
    ck_assert_ptr_nonnull(strstr(http_fixture_hear(&fixture, second, NULL), "503 Service Unavailable"));
    close(second);
    http_answer_text(fixture.held[0], 200, "thanks");
    http_fixture_hear(&fixture, first, "thanks");
    ck_assert_uint_eq(http_fixture_counts(&fixture).bodies_bytes, 0);
    http_fixture_say_text(&fixture, first, GET("/big"));
    ck_assert_ptr_nonnull(strstr(http_fixture_hear(&fixture, first, NULL), "too many bodies in flight"));
    close(first);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- refusals ---- */

START_TEST(malformed_requests_are_told_and_closed)
{
    struct http_fixture fixture;

    http_fixture_init(&fixture, (struct http_config){0});
    http_fixture_last_words(
        &fixture, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" GET("/now"),
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 22\r\nConnection: close\r\n\r\n"
        "invalid Content-Length");
    http_fixture_last_words(
        &fixture,
        GET("/now") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        NOW "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 22\r\nConnection: close\r\n\r\n"
            "invalid Content-Length");
    ck_assert_uint_eq(http_fixture_counts(&fixture).refused, 2);
    ck_assert_uint_eq(fixture.served, 1);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- hang-ups ---- */

/* Wherever a caller hangs up, everything it held is given back, and others are served. */
START_TEST(callers_hang_up_anywhere)
{
    static const char text[] = "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" GET("/now");
    struct http_fixture fixture;

    http_fixture_init(&fixture, (struct http_config){0});
    for (size_t len = 0; len < sizeof(text); len++) {
        for (int abortive = 0; abortive < 2; abortive++) {
            struct linger at_once = {abortive, 0};
            int fd = http_fixture_call(&fixture);

            fixture.held_count = 0;
            http_fixture_say(&fixture, fd, (struct bytes){(const uint8_t *)text, len});
            TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 1);
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
            close(fd);
            TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 0);
            ck_assert_uint_eq(http_fixture_counts(&fixture).exchanges, 0);
            ck_assert_uint_eq(http_fixture_counts(&fixture).bodies_bytes, 0);
        }
    }
    ck_assert_uint_eq(fixture.gone, 2 * strlen(GET("/now")) + 2);
    http_fixture_last_words(&fixture, CLOSE("/now"), NOW_CLOSE);
    http_fixture_fini(&fixture);
}
END_TEST

/* An owner that does not care answers somebody gone, and nothing happens. */
START_TEST(answers_for_nobody)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fixture.deaf = true;
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/hold"));
    TURN_UNTIL(&fixture, fixture.held_count == 1);
    close(fd);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 0);
    ck_assert_uint_eq(http_fixture_counts(&fixture).exchanges, 1);
    ck_assert_uint_eq(http_fixture_counts(&fixture).gone, 1);
    ck_assert(bytes_equal_text(fixture.held[0]->in.path, "/hold"));
    http_answer_text(fixture.held[0], 200, "to nobody");
    http_fixture_fini(&fixture);
}
END_TEST

START_TEST(a_caller_leaves_while_it_is_answered)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/big"));
    TURN_UNTIL(&fixture, fixture.served == 1);
    ck_assert_uint_eq(http_fixture_counts(&fixture).bodies_bytes, BIG_BYTES);
    close(fd);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 0);
    ck_assert_uint_eq(http_fixture_counts(&fixture).bodies_bytes, 0);
    /* Who only ends its own side still gets the rest. */
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/big"));
    TURN_UNTIL(&fixture, fixture.served == 2);
    shutdown(fd, SHUT_WR);
    ck_assert_uint_gt(strlen(http_fixture_hear(&fixture, fd, NULL)), BIG_BYTES);
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- slow ones ---- */

/* Who does not read its answer is not read from: what it pipelined waits in its own kernel. */
START_TEST(slow_readers_are_not_read_from)
{
    struct http_fixture fixture;
    struct bytes request = BYTES_LIT(GET("/big"));
    size_t sent = 0;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    for (int idle = 0; idle < 100; idle++) {
        while (send(fd, request.data, request.len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)request.len) {
            sent += request.len;
            idle = 0;
        }
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    ck_assert_uint_eq(fixture.served, 1);
    ck_assert_uint_gt(sent, LIMIT_HTTP_EARLY_BYTES);
    ck_assert_uint_le(http_fixture_counts(&fixture).bodies_bytes, BIG_BYTES + LIMIT_HTTP_EARLY_BYTES + 65536);
    close(fd);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 0);
    http_fixture_fini(&fixture);
}
END_TEST

START_TEST(every_wait_has_an_end)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain\r\nContent-Length: "
                               "17\r\nConnection: close\r\n\r\nrequest timed out";
    struct http_fixture fixture;
    int idle, head, body, deaf;

    http_fixture_init(
        &fixture,
        (struct http_config){
            .idle_ms = SOON_MS, .head_ms = SOON_MS, .body_ms = SOON_MS, .write_ms = SOON_MS, .linger_ms = SOON_MS});
    idle = http_fixture_call(&fixture);
    head = http_fixture_call(&fixture);
    body = http_fixture_call(&fixture);
    deaf = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, head, "GET /now HTT");
    http_fixture_say_text(&fixture, body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    http_fixture_say_text(&fixture, deaf, GET("/big"));
    ck_assert(http_fixture_eof(&fixture, idle));
    ck_assert_str_eq(http_fixture_hear(&fixture, head, NULL), late);
    ck_assert_str_eq(http_fixture_hear(&fixture, body, NULL), late);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 0); /* also those whose caller never hangs up */
    ck_assert_uint_eq(http_fixture_counts(&fixture).timed_out, 3);
    ck_assert_uint_eq(fixture.served, 1);
    close(idle), close(head), close(body), close(deaf);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- streams ---- */

START_TEST(streams_come_in_chunks)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/stream") GET("/now"));
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, "\r\n\r\n"),
                     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    ck_assert_int_eq(http_stream_write(fixture.held[0], BYTES_LIT("data: 1\n\n")), OK);
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, "\r\n"), "9\r\ndata: 1\n\n\r\n");
    ck_assert_int_eq(http_stream_write(fixture.held[0], BYTES_NONE), OK);
    http_stream_end(fixture.held[0]);
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, "now"), "0\r\n\r\n" NOW);
    close(fd);
    /* An old caller gets it bare, until the connection ends. */
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, "GET /stream HTTP/1.0\r\n\r\n");
    TURN_UNTIL(&fixture, fixture.held_count == 2);
    ck_assert_int_eq(http_stream_write(fixture.held[1], BYTES_LIT("bare")), OK);
    http_stream_end(fixture.held[1]);
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, NULL),
                     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nbare");
    close(fd);
    /* HEAD: only the head. */
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, "HEAD /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    TURN_UNTIL(&fixture, fixture.held_count == 3);
    ck_assert_int_eq(http_stream_write(fixture.held[2], BYTES_LIT("unseen")), OK);
    http_stream_end(fixture.held[2]);
    ck_assert_str_eq(http_fixture_hear(&fixture, fd, NULL),
                     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: "
                     "close\r\n\r\n");
    close(fd);
    http_fixture_fini(&fixture);
}
END_TEST

/* A slow reader is told as "full"; once it has read all, as "drained"; what was taken comes whole and in order. */
START_TEST(slow_readers_of_a_stream_are_told)
{
    static uint8_t piece[16384];
    struct http_fixture fixture;
    size_t taken = 0;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    memset(piece, 'p', sizeof(piece));
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/stream"));
    http_fixture_hear(&fixture, fd, "\r\n\r\n");
    while (http_stream_write(fixture.held[0], BYTES_OF(piece)) == OK)
        taken++;
    ck_assert_uint_le(http_stream_waiting(fixture.held[0]), LIMIT_HTTP_STREAM_BYTES);
    ck_assert_uint_eq(fixture.drained, 0);
    while (fixture.drained == 0) {
        while (recv(fd, piece, sizeof(piece), MSG_DONTWAIT) > 0)
            ;
        http_fixture_turn(&fixture, fd);
    }
    ck_assert_uint_eq(http_stream_waiting(fixture.held[0]), 0);
    ck_assert_int_eq(http_stream_write(fixture.held[0], BYTES_LIT("more")), OK);
    ck_assert_uint_eq(fixture.drained, 1);
    http_stream_end(fixture.held[0]);
    http_fixture_hear(&fixture, fd, "more\r\n0\r\n\r\n");
    close(fd);
    http_fixture_fini(&fixture);
    ck_assert_uint_gt(taken, LIMIT_HTTP_STREAM_BYTES / sizeof(piece) - 1);
}
END_TEST

START_TEST(a_stream_reader_hangs_up)
{
    struct http_fixture fixture;
    int fd;

    http_fixture_init(&fixture, (struct http_config){0});
    fd = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fd, GET("/stream"));
    TURN_UNTIL(&fixture, fixture.held_count == 1);
    close(fd);
    ck_assert_int_eq(http_stream_write(fixture.held[0], BYTES_LIT("into the void")), OK); /* never told inside a call */
    ck_assert_uint_eq(fixture.gone, 0);
    TURN_UNTIL(&fixture, fixture.gone == 1);
    http_fixture_fini(&fixture);
}
END_TEST

TEST_MAIN("http_server", connections_stay_until_told, old_callers_get_what_they_know, head_and_options,
          answers_are_well_formed, answers_have_bounded_heads, exchanges_tell_both_ends, requests_come_byte_by_byte,
          pipelined_requests_are_answered_in_order, a_flood_of_pipelined_requests, a_sender_may_ask_before_its_body,
          large_bodies, bodies_in_flight_are_bounded, malformed_requests_are_told_and_closed, callers_hang_up_anywhere,
          answers_for_nobody, a_caller_leaves_while_it_is_answered, slow_readers_are_not_read_from,
          every_wait_has_an_end, streams_come_in_chunks, slow_readers_of_a_stream_are_told, a_stream_reader_hangs_up)
