#include "sim/wire.h"

#include <string.h>

#include "tests/support/check_main.h"

/* Compared with the text itself. */
START_TEST(a_request_is_as_long_as_its_text)
{
    struct header header = {BYTES_LIT("X-Loki-Long-Poll"), BYTES_LIT("true")};
    struct blob *body = blob_copy(BYTES_LIT("hello, hello"));
    struct message message = {.verb = VERB_POST,
                              .path = BYTES_LIT("/storage_rpc/v1"),
                              .content = CONTENT_JSON,
                              .headers = &header,
                              .header_count = 1,
                              .body = body};

    ck_assert_uint_eq(wire_request_bytes(&message, (struct address){0x7f010b07, 22021}),
                      strlen("POST /storage_rpc/v1 HTTP/1.1\r\n"
                             "Host: 127.1.11.7:22021\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 12\r\n"
                             "X-Loki-Long-Poll: true\r\n"
                             "\r\n"
                             "hello, hello"));
    message = (struct message){.verb = VERB_GET, .path = BYTES_LIT("/")};
    ck_assert_uint_eq(wire_request_bytes(&message, (struct address){0, 80}),
                      strlen("GET / HTTP/1.1\r\nHost: 0.0.0.0:80\r\nContent-Length: 0\r\n\r\n"));
    blob_drop(body);
}
END_TEST

START_TEST(an_answer_is_as_long_as_its_text)
{
    struct blob *body = blob_copy(BYTES_LIT("no"));
    struct message message = {.status = 503, .content = CONTENT_TEXT, .body = body};

    ck_assert_uint_eq(wire_answer_bytes(&message), strlen("HTTP/1.1 503 Service Unavailable\r\n"
                                                          "Content-Type: text/plain\r\n"
                                                          "Content-Length: 2\r\n"
                                                          "\r\n"
                                                          "no"));
    message.status = 599;
    ck_assert_uint_eq(wire_answer_bytes(&message), strlen("HTTP/1.1 599 \r\n"
                                                          "Content-Type: text/plain\r\n"
                                                          "Content-Length: 2\r\n"
                                                          "\r\n"
                                                          "no"));
    blob_drop(body);
}
END_TEST

TEST_MAIN("wire", a_request_is_as_long_as_its_text, an_answer_is_as_long_as_its_text)
