#include "sim/http/content_type.h"

const char *content_type_text(enum content content)
{
    switch (content) {
    case CONTENT_NONE:
        return NULL;
    case CONTENT_TEXT:
        return "text/plain";
    case CONTENT_JSON:
        return "application/json";
    case CONTENT_BINARY:
        return "application/octet-stream";
    }
    return NULL;
}

enum content content_type_read(struct bytes value)
{
    if (value.len == 0)
        return CONTENT_NONE;
    if (bytes_start_with(value, BYTES_LIT("application/json")))
        return CONTENT_JSON;
    return bytes_start_with(value, BYTES_LIT("text/")) ? CONTENT_TEXT : CONTENT_BINARY;
}
