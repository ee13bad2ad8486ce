#include "sim/trace_buffer.h"

#include <stdlib.h>

#include "common/err.h"

void trace_buffer_init(struct trace_buffer *buffer)
{
    *buffer = (struct trace_buffer){0};
    arena_init(&buffer->bytes);
}

void trace_buffer_fini(struct trace_buffer *buffer)
{
    free(buffer->records);
    arena_fini(&buffer->bytes);
}

void trace_buffer_add(struct trace_buffer *buffer, int64_t at_us, uint32_t seat, uint64_t index,
                      const struct trace_record *record)
{
    struct buffered *buffered;

    if (buffer->count == buffer->cap) {
        buffer->cap = buffer->cap == 0 ? 64 : 2 * buffer->cap;
        buffer->records = xrealloc(buffer->records, buffer->cap * sizeof(*buffer->records));
    }
    buffered = &buffer->records[buffer->count++];
    *buffered = (struct buffered){at_us, seat, index, *record};
    for (size_t i = 0; i < ARRAY_LEN(record->b); i++)
        buffered->record.b[i] = arena_copy(&buffer->bytes, record->b[i]);
}

/* No ties: a seat's indices are all different. */
static int compare_buffered(const void *a, const void *b)
{
    const struct buffered *x = *(const struct buffered *const *)a;
    const struct buffered *y = *(const struct buffered *const *)b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    if (x->seat != y->seat)
        return x->seat < y->seat ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void trace_buffers_drain(struct trace_buffer *const buffers[], size_t buffer_count, buffered_fn each, void *owner)
{
    const struct buffered **sorted;
    size_t count = 0, at = 0;

    for (size_t i = 0; i < buffer_count; i++)
        count += buffers[i]->count;
    if (count == 0)
        return;
    sorted = xmalloc(count * sizeof(*sorted));
    for (size_t i = 0; i < buffer_count; i++)
        for (size_t j = 0; j < buffers[i]->count; j++)
            sorted[at++] = &buffers[i]->records[j];
    qsort(sorted, count, sizeof(*sorted), compare_buffered);
    for (size_t i = 0; i < count; i++)
        each(owner, sorted[i]);
    free(sorted);
    for (size_t i = 0; i < buffer_count; i++) {
        buffers[i]->count = 0;
        arena_reset(&buffers[i]->bytes);
    }
}
