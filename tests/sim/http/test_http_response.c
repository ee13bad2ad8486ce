#include "tests/support/check_main.h"

#include <string.h>

#include "common/limits.h"
#include "sim/http/http_response.h"

static struct http_response_reader *reader;

/* Fed as a whole, and byte by byte: the same. What is left over is told. */
static enum http_answer_read read_all(const char *text, size_t piece, size_t *left)
{
    struct bytes in = bytes_text(text);
    enum http_answer_read read = HTTP_ANSWER_MORE;

    http_response_reader_free(reader);
    reader = http_response_reader_new();
    while (in.len > 0 && read == HTTP_ANSWER_MORE) {
        struct bytes part = bytes_slice(in, 0, piece < in.len ? piece : in.len);
        size_t fed = part.len;

        read = http_response_reader_feed(reader, &part);
        in = bytes_slice(in, fed - part.len, in.len - (fed - part.len));
    }
    *left = in.len;
    return read;
}

static void is(const char *text, uint16_t status, enum content content, const char *body, bool keep_alive)
{
    const size_t pieces[] = {SIZE_MAX, 1, 7};
    struct http_response response;
    size_t left;

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        ck_assert_int_eq(read_all(text, pieces[i], &left), HTTP_ANSWER_DONE);
        ck_assert_uint_eq(left, 0);
        response = http_response_reader_get(reader);
        ck_assert_uint_eq(response.status, status);
        ck_assert_int_eq(response.content, content);
        ck_assert(bytes_equal_text(blob_bytes(response.body), body));
        ck_assert_int_eq(response.keep_alive, keep_alive);
    }
    http_response_reader_free(reader);
    reader = NULL;
}

START_TEST(whole_answers)
{
    is("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 200, CONTENT_JSON, "{}",
       true);
    is("HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 404,
       CONTENT_TEXT, "", false);
    is("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n", 200,
       CONTENT_NONE, "abcde", true);
    is("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 421 Misdirected\r\nContent-Length: 1\r\nContent-Type: "
       "application/octet-stream\r\n\r\nx",
       421, CONTENT_BINARY, "x", true);
}
END_TEST

/* Some answers have no body whatever length they name: bytes that a server sends as one belong to no answer. */
START_TEST(answers_without_a_body)
{
    static const char *const heads[] = {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
                                        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
                                        "HTTP/1.1 204 No Content\r\n\r\n"};
    size_t left;

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        is(heads[i], i == 1 ? 304 : 204, CONTENT_NONE, "", true);
    is("HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200,
       CONTENT_NONE, "x", true);
    ck_assert_int_eq(read_all("HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n"
                              "Content-Length: 1\r\n\r\nx",
                              SIZE_MAX, &left),
                     HTTP_ANSWER_BROKEN);
    http_response_reader_free(reader);
    reader = NULL;
}
END_TEST

/* What follows an answer is not taken; the reader may be used again. */
START_TEST(stops_behind_it)
{
    size_t left;

    ck_assert_int_eq(read_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP", SIZE_MAX, &left), HTTP_ANSWER_DONE);
    ck_assert_uint_eq(left, 4);
    http_response_reader_again(reader);
    ck_assert(!http_response_reader_begun(reader));
    struct bytes next = BYTES_LIT("HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert_int_eq(http_response_reader_feed(reader, &next), HTTP_ANSWER_DONE);
    ck_assert_uint_eq(http_response_reader_get(reader).status, 204);
    http_response_reader_free(reader);
    reader = NULL;
}
END_TEST

/* An answer without a length lasts as long as its connection; any other that is cut off is broken. */
START_TEST(ends_with_the_connection)
{
    size_t left;

    ck_assert_int_eq(read_all("HTTP/1.0 200 OK\r\n\r\nabc", 1, &left), HTTP_ANSWER_MORE);
    ck_assert_int_eq(http_response_reader_end(reader), HTTP_ANSWER_DONE);
    ck_assert(bytes_equal_text(blob_bytes(http_response_reader_get(reader).body), "abc"));
    ck_assert(!http_response_reader_get(reader).keep_alive);
    ck_assert_int_eq(read_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 1, &left), HTTP_ANSWER_MORE);
    ck_assert_int_eq(http_response_reader_end(reader), HTTP_ANSWER_BROKEN);
    ck_assert_int_eq(read_all("HTTP/1.1 200 OK\r\n", 1, &left), HTTP_ANSWER_MORE);
    ck_assert_int_eq(http_response_reader_end(reader), HTTP_ANSWER_BROKEN);
    ck_assert_int_eq(read_all("", 1, &left), HTTP_ANSWER_MORE);
    ck_assert_int_eq(http_response_reader_end(reader), HTTP_ANSWER_BROKEN);
    http_response_reader_free(reader);
    reader = NULL;
}
END_TEST

/* Hostile servers cost bounded memory. */
START_TEST(bounds_hold)
{
    static const char *const broken[] = {"nonsense", "HTTP/2.0 200 OK\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 10485761\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    uint8_t piece[65536];
    struct bytes in;
    size_t left, fed = 0;
    enum http_answer_read read = HTTP_ANSWER_MORE;

    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        ck_assert_msg(read_all(broken[i], SIZE_MAX, &left) == HTTP_ANSWER_BROKEN, "%s", broken[i]);
    memset(piece, 'a', sizeof(piece));
    ck_assert_int_eq(read_all("HTTP/1.1 200 OK\r\nX: ", SIZE_MAX, &left), HTTP_ANSWER_MORE);
    in = BYTES_OF(piece);
    ck_assert_int_eq(http_response_reader_feed(reader, &in), HTTP_ANSWER_BROKEN);
    ck_assert_int_eq(read_all("HTTP/1.0 200 OK\r\n\r\n", SIZE_MAX, &left), HTTP_ANSWER_MORE);
    for (; read == HTTP_ANSWER_MORE; fed += sizeof(piece)) {
        in = BYTES_OF(piece);
        read = http_response_reader_feed(reader, &in);
    }
    ck_assert_int_eq(read, HTTP_ANSWER_BROKEN);
    ck_assert_uint_eq(fed, LIMIT_BODY_BYTES + sizeof(piece));
    http_response_reader_free(reader);
    reader = NULL;
}
END_TEST

TEST_MAIN("http_response", whole_answers, answers_without_a_body, stops_behind_it, ends_with_the_connection,
          bounds_hold)
