#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "sim/http/http_request.h"
#include "tests/support/check_main.h"

#define HEAD(line) line " HTTP/1.1\r\nHost: a\r\n"

static struct http_budget plenty(void)
{
    return (struct http_budget){0, UINT64_C(1) << 30};
}

/* Feeds `text` in pieces of `step` bytes until the reader is done or refuses; *left: bytes it did not take. */
static enum http_read feed(struct http_reader *reader, struct bytes text, size_t step, size_t *left)
{
    enum http_read read = HTTP_READ_MORE;

    while (text.len > 0 && (read == HTTP_READ_MORE || read == HTTP_READ_HEAD)) {
        size_t len = step < text.len ? step : text.len;
        struct bytes piece = bytes_slice(text, 0, len);

        while (piece.len > 0 && (read == HTTP_READ_MORE || read == HTTP_READ_HEAD))
            read = http_reader_feed(reader, &piece);
        text = bytes_slice(text, len - piece.len, text.len - len + piece.len);
    }
    *left = text.len;
    return read;
}

static void check_done(const char *text, size_t step, const char *path, const char *query, const char *body,
                       size_t left)
{
    struct http_budget budget = plenty();
    struct http_reader *reader = http_reader_new(&budget);
    struct http_request request;
    size_t rest;

    ck_assert_msg(feed(reader, bytes_text(text), step, &rest) == HTTP_READ_DONE, "%s by %zu: %u %s", text, step,
                  http_reader_refusal(reader).status, http_reader_refusal(reader).text);
    http_reader_request(reader, &request);
    ck_assert(bytes_equal_text(request.path, path));
    ck_assert(bytes_equal_text(request.query, query));
    ck_assert(bytes_equal_text(blob_bytes(request.body), body));
    ck_assert_uint_eq(rest, left);
    ck_assert_uint_eq(budget.used_bytes, strlen(body));
    http_reader_free(reader);
    ck_assert_uint_eq(budget.used_bytes, 0);
}

/* Whatever the pieces, a request is the same, and what follows it stays for the next. */
START_TEST(reads_requests_in_any_pieces)
{
    static const struct {
        const char *text, *path, *query, *body;
        size_t left;
    } rows[] = {
        {HEAD("GET /x") "\r\n", "/x", "", "", 0},
        {"\r\n" HEAD("GET /x") "\r\nGET /y", "/x", "", "", 6},
        {HEAD("GET /x?a=b?c") "\r\n", "/x", "a=b?c", "", 0},
        {HEAD("GET http://a.snode:1/x?q") "\r\n", "/x", "q", "", 0},
        {HEAD("GET http://a.snode") "\r\n", "/", "", "", 0},
        {HEAD("OPTIONS *") "\r\n", "*", "", "", 0},
        {HEAD("POST /s") "Content-Length: 5\r\n\r\nhelloGET", "/s", "", "hello", 3},
        {HEAD("POST /s") "content-length:0\r\n\r\nP", "/s", "", "", 1},
        {HEAD("POST /s") "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\nGE", "/s", "", "hello",
         2},
        {HEAD("POST /s") "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: t\r\n\r\n", "/s", "", "hello",
         0},
        {HEAD("GET /x") "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n", "/x", "",
         "", 0},
        {"GET /x HTTP/1.0\r\n\r\n", "/x", "", "", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t step = 1; step < 200; step += step < 8 ? 1 : 37)
            check_done(rows[i].text, step, rows[i].path, rows[i].query, rows[i].body, rows[i].left);
}
END_TEST

/* Names come in lower case, values without the blanks around them, an empty one is empty, and the order stays. */
START_TEST(reads_headers)
{
    struct http_budget budget = plenty();

    for (size_t step = 1; step < 100; step += 11) {
        struct http_reader *reader = http_reader_new(&budget);
        struct http_request request;
        size_t left;

        ck_assert(
            feed(reader,
                 BYTES_LIT("GET / HTTP/1.1\r\nHOST:  n \r\nX-Loki-Long-Poll:true\r\nEmpty:\r\nLast: a b\t\r\n\r\n"),
                 step, &left) == HTTP_READ_DONE);
        http_reader_request(reader, &request);
        ck_assert_uint_eq(request.header_count, 4);
        ck_assert(bytes_equal_text(request.headers[0].name, "host"));
        ck_assert(bytes_equal_text(request.headers[0].value, "n"));
        ck_assert(bytes_equal_text(http_header(&request, "x-loki-long-poll")->value, "true"));
        ck_assert_uint_eq(http_header(&request, "empty")->value.len, 0);
        ck_assert(bytes_equal_text(http_header(&request, "last")->value, "a b"));
        ck_assert_ptr_null(http_header(&request, "absent"));
        ck_assert(bytes_equal_text(request.verb, "GET"));
        http_reader_free(reader);
    }
}
END_TEST

static void check_refused(struct bytes text, uint16_t status, const char *words)
{
    static const size_t steps[] = {1, 7, SIZE_MAX};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct http_budget budget = plenty();
        struct http_reader *reader = http_reader_new(&budget);
        size_t left;
        struct http_refusal refusal;

        ck_assert_msg(feed(reader, text, steps[i], &left) == HTTP_READ_REFUSED, "taken: %.*s", (int)text.len,
                      text.data);
        refusal = http_reader_refusal(reader);
        ck_assert_msg(refusal.status == status && (words == NULL || strcmp(refusal.text, words) == 0), "%.*s: %u %s",
                      (int)(text.len < 80 ? text.len : 80), text.data, refusal.status, refusal.text);
        http_reader_free(reader);
        ck_assert_uint_eq(budget.used_bytes, 0);
    }
}

/* What two parsers could read differently is refused: so requests can't be smuggled past another server. */
START_TEST(refuses_ambiguous_requests)
{
    static const struct {
        const char *text;
        uint16_t status;
        const char *words;
    } rows[] = {
        {HEAD("POST /") "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: 5, 5\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: -1\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: +5\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: 5 5\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: 0x5\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: abc\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length:\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length: 18446744073709551621\r\n\r\n", 400, "invalid Content-Length"},
        {HEAD("POST /") "Content-Length : 5\r\n\r\nhello", 400, NULL},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL},
        {HEAD("POST /") "Transfer-Encoding: chunked, identity\r\n\r\n", 400, NULL},
        {HEAD("POST /") "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "unknown Transfer-Encoding"},
        {HEAD("POST /") "Transfer-Encoding: xchunked\r\n\r\n", 501, NULL},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "invalid Transfer-Encoding"},
        {HEAD("GET /") "A: b\r\n c: d\r\n\r\n", 400, "malformed header line"},
        {HEAD("GET /") "A: b\r\n\tc\r\n\r\n", 400, "malformed header line"},
        {"GET / HTTP/1.1\nHost: a\n\n", 400, "malformed header line"},
        {HEAD("GET /") "A: b\nC: d\r\n\r\n", 400, "malformed header line"},
        {HEAD("GET /") "A: b\rC: d\r\n\r\n", 400, "malformed header line"},
        {HEAD("GET /") "A: b\r\n\n", 400, "malformed header line"},
        {HEAD("GET /") "A: b\r\n\rx", 400, "malformed header line"},
        {HEAD("GET /") "A B: c\r\n\r\n", 400, NULL},
        {HEAD("GET /") ": c\r\n\r\n", 400, "malformed header line"},
        {HEAD("GET /") "Host: b\r\n\r\n", 400, "exactly one Host header is required"},
        {"GET / HTTP/1.1\r\n\r\n", 400, "exactly one Host header is required"},
        {HEAD("GET /a b") "\r\n", 400, NULL},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, "malformed chunk"},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400, "malformed chunk"},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n", 400, "malformed chunk"},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld", 400, "malformed chunk"},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n", 400, "malformed chunk"},
        {HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", 400, "malformed chunk"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_refused(bytes_text(rows[i].text), rows[i].status, rows[i].words);
    check_refused(BYTES_LIT("GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n"), 400, NULL);
    check_refused(BYTES_LIT("\x16\x03\x01\x02\x00\x01"), 501, NULL);
}
END_TEST

START_TEST(refuses_what_it_does_not_do)
{
    check_refused(BYTES_LIT("BREW / HTTP/1.1\r\n"), 501, "method not implemented");
    check_refused(BYTES_LIT(HEAD("CONNECT a:1") "\r\n"), 501, "method not implemented");
    check_refused(BYTES_LIT("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505, "HTTP version not supported");
    check_refused(BYTES_LIT("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505, "HTTP version not supported");
    check_refused(BYTES_LIT("GET / HTTP/1.7\r\nHost: a\r\n\r\n"), 505, "HTTP version not supported");
    check_refused(BYTES_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "HTTP version not supported");
    check_refused(BYTES_LIT(HEAD("POST /") "Expect: magic\r\n\r\n"), 417, "unknown expectation");
}
END_TEST

/* A text with `count` times `filler` in the middle. */
static struct buf filled(const char *front, const char *filler, size_t count, const char *back)
{
    struct buf text;

    buf_init(&text, 64 << 20);
    buf_text(&text, front);
    while (count-- > 0)
        buf_text(&text, filler);
    buf_text(&text, back);
    return text;
}

static void check_filled(struct buf text, uint16_t status)
{
    if (status == 0) {
        struct http_budget budget = plenty();
        struct http_reader *reader = http_reader_new(&budget);
        size_t left;

        ck_assert(feed(reader, buf_bytes(&text), 4096, &left) == HTTP_READ_DONE);
        http_reader_free(reader);
    } else {
        check_refused(buf_bytes(&text), status, NULL);
    }
    buf_fini(&text);
}

/* Each bound holds to the byte: the last one in, the next one out. */
START_TEST(bounds_hold)
{
    const size_t line = strlen("GET  HTTP/1.1\r\n"), host = strlen("Host: a\r\n");

    check_filled(filled("GET /", "x", LIMIT_HTTP_TARGET_BYTES - 1, " HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    check_filled(filled("GET /", "x", LIMIT_HTTP_TARGET_BYTES, " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
    check_filled(filled("GET /", "x", 2 * LIMIT_HTTP_HEAD_BYTES, " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
    check_filled(filled(HEAD("GET /"), "A:b\r\n", LIMIT_HTTP_HEADERS - 1, "\r\n"), 0);
    check_filled(filled(HEAD("GET /"), "A:b\r\n", LIMIT_HTTP_HEADERS, "\r\n"), 431);
    check_filled(filled(HEAD("GET /") "A:", "b", LIMIT_HTTP_HEAD_BYTES - line - 1 - host - 2 - 4, "\r\n\r\n"), 0);
    check_filled(filled(HEAD("GET /") "A:", "b", LIMIT_HTTP_HEAD_BYTES - line - 1 - host - 2 - 3, "\r\n\r\n"), 431);
}
END_TEST

/* 10 MiB is a body, one byte more is none: sized, it is refused before any of it came; chunked, when it comes. */
START_TEST(bodies_are_bounded)
{
    struct http_budget budget = plenty();
    struct http_reader *reader = http_reader_new(&budget);
    struct buf body = filled(HEAD("POST /") "Content-Length: 10485760\r\n\r\n", "x", LIMIT_BODY_BYTES, "");
    struct http_request request;
    size_t left;

    ck_assert(feed(reader, buf_bytes(&body), 65536, &left) == HTTP_READ_DONE);
    http_reader_request(reader, &request);
    ck_assert_uint_eq(request.body->len, LIMIT_BODY_BYTES);
    http_reader_free(reader);
    buf_fini(&body);
    check_refused(BYTES_LIT(HEAD("POST /") "Content-Length: 10485761\r\n\r\n"), 413, "Request body too large");
    body = filled(HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\nA00001\r\n", "x", LIMIT_BODY_BYTES + 1,
                  "\r\n0\r\n\r\n");
    reader = http_reader_new(&budget);
    ck_assert(feed(reader, buf_bytes(&body), 65536, &left) == HTTP_READ_REFUSED);
    ck_assert_uint_eq(http_reader_refusal(reader).status, 413);
    http_reader_free(reader);
    buf_fini(&body);
    ck_assert_uint_eq(budget.used_bytes, 0);
}
END_TEST

/* Extensions and trailers are read over, but not without end. */
START_TEST(what_is_read_over_is_bounded)
{
    check_filled(filled(HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n0;", "x", LIMIT_HTTP_HEAD_BYTES, "\r\n\r\n"),
                 431);
    check_filled(
        filled(HEAD("POST /") "Transfer-Encoding: chunked\r\n\r\n0\r\n", "T: t\r\n", LIMIT_HTTP_HEAD_BYTES / 2, "\r\n"),
        431);
}
END_TEST

/* No room among the bodies in flight: refused, and nothing stays taken. */
START_TEST(the_budget_bounds_bodies)
{
    struct http_budget budget = {0, 100};
    struct http_reader *first = http_reader_new(&budget), *second = http_reader_new(&budget);
    size_t left;

    ck_assert(feed(first, BYTES_LIT(HEAD("POST /") "Content-Length: 60\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), 20,
                   &left) == HTTP_READ_MORE);
    ck_assert(feed(second, BYTES_LIT(HEAD("POST /") "Content-Length: 60\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), 20,
                   &left) == HTTP_READ_REFUSED);
    ck_assert_uint_eq(http_reader_refusal(second).status, 503);
    http_reader_free(second);
    ck_assert_uint_le(budget.used_bytes, 100);
    http_reader_free(first);
    ck_assert_uint_eq(budget.used_bytes, 0);
}
END_TEST

static void check_manners(const char *text, bool keep_alive, bool waits, bool old)
{
    struct http_budget budget = plenty();
    struct http_reader *reader = http_reader_new(&budget);
    size_t left;

    ck_assert_int_ne(feed(reader, bytes_text(text), SIZE_MAX, &left), HTTP_READ_REFUSED);
    ck_assert_int_eq(http_reader_keep_alive(reader), keep_alive);
    ck_assert_int_eq(http_reader_continue(reader), waits);
    ck_assert_int_eq(http_reader_old(reader), old);
    http_reader_free(reader);
}

START_TEST(tells_how_the_sender_goes_on)
{
    check_manners(HEAD("GET /") "\r\n", true, false, false);
    check_manners(HEAD("GET /") "Connection: close\r\n\r\n", false, false, false);
    check_manners("GET / HTTP/1.0\r\n\r\n", false, false, true);
    check_manners("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, false, true);
    check_manners(HEAD("POST /") "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true, true, false);
    check_manners("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", false, false, true);
}
END_TEST

TEST_MAIN("http_request", reads_requests_in_any_pieces, reads_headers, refuses_ambiguous_requests,
          refuses_what_it_does_not_do, bounds_hold, bodies_are_bounded, what_is_read_over_is_bounded,
          the_budget_bounds_bodies, tells_how_the_sender_goes_on)
