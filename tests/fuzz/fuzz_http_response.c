/* A connection's bytes from any server: whole answers, one behind the other, until one is broken or the connection
 * ends. The first byte chooses the size of the pieces in which they come; how they are cut must not change what is
 * read. */
#include "common/limits.h"
#include "sim/http/http_response.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"

static void note_response(struct buf *out, const struct http_response_reader *reader)
{
    struct http_response response = http_response_reader_get(reader);
    struct bytes body = blob_bytes(response.body);

    ASSERT(response.status >= 200 || response.status == 101);
    ASSERT((response.body == NULL) == (body.len == 0) && body.len <= LIMIT_BODY_BYTES);
    /* RFC 9112, 6.3: "terminated by the first empty line", whatever lengths they name */
    ASSERT(body.len == 0 || (response.status >= 200 && response.status != 204 && response.status != 304));
    buf_printf(out, "%u %d %d %zu:", response.status, (int)response.content, response.keep_alive, body.len);
    buf_append(out, body);
}

/* All that is read of `input`, in pieces of `step` bytes. */
static void read_all(struct bytes input, size_t step, struct buf *out)
{
    struct http_response_reader *reader = http_response_reader_new();
    enum http_answer_read read = HTTP_ANSWER_MORE;

    while (input.len > 0 && read != HTTP_ANSWER_BROKEN) {
        struct bytes piece = bytes_slice(input, 0, step < input.len ? step : input.len);
        size_t before = piece.len;

        read = http_response_reader_feed(reader, &piece);
        ASSERT(read != HTTP_ANSWER_MORE || piece.len == 0);
        ASSERT(http_response_reader_begun(reader));
        input = bytes_slice(input, before - piece.len, input.len - (before - piece.len));
        if (read != HTTP_ANSWER_DONE)
            continue;
        note_response(out, reader);
        http_response_reader_again(reader);
        ASSERT(!http_response_reader_begun(reader));
    }
    if (read != HTTP_ANSWER_BROKEN && http_response_reader_end(reader) == HTTP_ANSWER_DONE) {
        ASSERT(!http_response_reader_get(reader).keep_alive);
        note_response(out, reader);
    } else {
        buf_text(out, "broken");
    }
    http_response_reader_free(reader);
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
