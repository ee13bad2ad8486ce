/* trace_buffer.h: trace records that wait for the end of a window, to be told in total order.
 *
 * Every shard fills its own while it runs; between windows all are merged by (time, seat, index), so that a sink sees
 * the same on any number of threads. */
#ifndef SWARMBED_TRACE_BUFFER_H
#define SWARMBED_TRACE_BUFFER_H

#include "common/arena.h"
#include "common/trace.h"

struct buffered {
    int64_t at_us;
    uint32_t seat;
    uint64_t index;
    struct trace_record record; /* its bytes live in the buffer's arena */
};

struct trace_buffer {
    struct buffered *records;
    size_t count, cap;
    struct arena bytes;
};

void trace_buffer_init(struct trace_buffer *buffer);
void trace_buffer_fini(struct trace_buffer *buffer);
void trace_buffer_add(struct trace_buffer *buffer, int64_t at_us, uint32_t seat, uint64_t index,
                      const struct trace_record *record);

/* Calls `each` for all records of all buffers in order, then empties them. */
typedef void (*buffered_fn)(void *owner, const struct buffered *record);
void trace_buffers_drain(struct trace_buffer *const buffers[], size_t buffer_count, buffered_fn each, void *owner);

#endif
