#include "sim/wire.h"

#include <string.h>

/* Length of a line's fixed text, with its CR and LF. */
#define LINE(text) (sizeof(text "\r\n") - 1)

static uint64_t decimal_digits(uint64_t number)
{
    uint64_t digits = 1;

    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

static uint64_t content_type_bytes(enum content content)
{
    switch (content) {
    case CONTENT_NONE:
        return 0;
    case CONTENT_TEXT:
        return LINE("Content-Type: text/plain");
    case CONTENT_JSON:
        return LINE("Content-Type: application/json");
    case CONTENT_BINARY:
        return LINE("Content-Type: application/octet-stream");
    }
    return 0;
}

/* What requests and answers have in common. */
static uint64_t rest_bytes(const struct message *message)
{
    uint64_t body_bytes = blob_bytes(message->body).len;
    uint64_t bytes = content_type_bytes(message->content);

    bytes += LINE("Content-Length: ") + decimal_digits(body_bytes);
    for (size_t i = 0; i < message->header_count; i++)
        bytes += message->headers[i].name.len + LINE(": ") + message->headers[i].value.len;
    return bytes + LINE("") + body_bytes;
}

static uint64_t address_bytes(struct address address)
{
    uint64_t bytes = LINE("Host: ...:") + decimal_digits(address.port);

    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes += decimal_digits(address.ip >> shift & 0xff);
    return bytes;
}

uint64_t wire_request_bytes(const struct message *message, struct address to)
{
    uint64_t verb_bytes = message->verb == VERB_GET ? 3 : 4;

    return verb_bytes + LINE("  HTTP/1.1") + message->path.len + address_bytes(to) + rest_bytes(message);
}

/* The reason phrases of RFC 7231 and RFC 6585 for what nodes answer. */
static uint64_t reason_bytes(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {413, "Payload Too Large"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {432, "Invalid PoW"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return strlen(reasons[i].reason);
    return 0;
}

uint64_t wire_answer_bytes(const struct message *message)
{
    return LINE("HTTP/1.1 xyz ") + reason_bytes(message->status) + rest_bytes(message);
}
