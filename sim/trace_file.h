/* trace_file.h: the trace as a file: .jsonl, one record a line, in the order (time, seat, index).
 *
 *     {"at_us":1234,"seat":"node 17","i":5,"kind":"stored","bytes":1024,...,"account":"05...","hash":"..."}
 *
 * Names of numbers and byte strings are those of common/trace.h; byte strings are hex, those whose name ends in "text"
 * are text, swarm ids are 16 hex digits. */
#ifndef SWARMBED_TRACE_FILE_H
#define SWARMBED_TRACE_FILE_H

#include <stdio.h>

#include "sim/world.h"

/* What a reader calls a seat: writes at most `size` characters, the zero included. */
typedef void (*seat_name_fn)(void *owner, uint32_t seat, char *out, size_t size);

struct trace_file {
    FILE *file;
    const char *path;
    seat_name_fn name_of;
    void *owner;
    struct buf line;
    bool cut; /* a record was larger than a line may be */
};
/* Whether a number of that name is a swarm id. */
bool trace_is_swarm_id(const char *name);
/* Whether a byte string of that name is text. */
bool trace_is_text(const char *name);

/* ERR_IO: errno says why; ERR_FORMAT: the name ends in no known form. */
MUST_CHECK enum err trace_file_open(struct trace_file *trace, const char *path, seat_name_fn name_of, void *owner);
struct trace_sink trace_file_sink(struct trace_file *trace);
/* ERR_IO if anything could not be written: the file is not whole then. */
MUST_CHECK enum err trace_file_close(struct trace_file *trace);
/* One record as a JSON object without the line's end, appended to `out`. */
void trace_record_json(struct buf *out, int64_t at_us, const char *seat, uint64_t index,
                       const struct trace_record *record);

#endif
