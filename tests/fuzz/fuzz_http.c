/* A connection's bytes from anybody: whole requests, one behind the other, until one is refused. The first byte chooses
 * the size of the pieces in which they come; how they are cut must not change what is read. */
#include "common/limits.h"
#include "sim/http/http_request.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"

static void note(struct buf *out, struct bytes bytes)
{
    buf_printf(out, "%zu:", bytes.len);
    buf_append(out, bytes);
}

static void check_bounds(const struct http_request *request)
{
    ASSERT(request->verb.len > 0 && request->path.len + request->query.len <= LIMIT_HTTP_TARGET_BYTES);
    ASSERT(request->header_count <= LIMIT_HTTP_HEADERS && blob_bytes(request->body).len <= LIMIT_BODY_BYTES);
    for (size_t i = 0; i < request->header_count; i++)
        for (size_t at = 0; at < request->headers[i].value.len; at++)
            ASSERT(request->headers[i].value.data[at] != '\r' && request->headers[i].value.data[at] != '\n');
}

static void note_request(struct buf *out, struct http_reader *reader)
{
    struct http_request request;

    http_reader_request(reader, &request);
    check_bounds(&request);
    note(out, request.verb);
    note(out, request.path);
    note(out, request.query);
    for (size_t i = 0; i < request.header_count; i++) {
        note(out, request.headers[i].name);
        note(out, request.headers[i].value);
    }
    note(out, blob_bytes(request.body));
    buf_printf(out, "%d%d%d\n", http_reader_continue(reader), http_reader_keep_alive(reader), http_reader_old(reader));
}

/* All that is read of `input`, in pieces of `step` bytes. */
static void read_all(struct bytes input, size_t step, struct buf *out)
{
    struct http_budget budget = {0, LIMIT_HTTP_BODIES_BYTES};
    struct http_reader *reader = http_reader_new(&budget);
    enum http_read read = HTTP_READ_MORE;

    while (input.len > 0 && read != HTTP_READ_REFUSED) {
        struct bytes piece = bytes_slice(input, 0, step < input.len ? step : input.len);
        size_t before = piece.len;

        read = http_reader_feed(reader, &piece);
        ASSERT(read != HTTP_READ_MORE || piece.len == 0);
        input = bytes_slice(input, before - piece.len, input.len - (before - piece.len));
        if (read != HTTP_READ_DONE)
            continue;
        note_request(out, reader);
        http_reader_free(reader);
        ASSERT(budget.used_bytes == 0);
        reader = http_reader_new(&budget);
    }
    if (read == HTTP_READ_REFUSED) {
        ASSERT(http_reader_refusal(reader).status >= 400 && http_reader_refusal(reader).text != NULL);
        buf_text(out, "refused\n"); /* not why: the first breach in a piece is told, and others may lie before it */
    }
    http_reader_free(reader);
    ASSERT(budget.used_bytes == 0);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    size_t step = 1 + take_u8(&input);
    struct buf whole, pieces;

    (void)arena;
    buf_init(&whole, 64 << 20);
    buf_init(&pieces, 64 << 20);
    read_all(input, SIZE_MAX, &whole);
    read_all(input, step, &pieces);
    ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
    buf_fini(&whole);
    buf_fini(&pieces);
}
