#include "sim/trace_file.h"

#include <string.h>

#include "common/json.h"
#include "common/text.h"

#define LINE_BYTES_MAX 65536

static bool ends_in(const char *name, const char *end)
{
    size_t name_len = strlen(name), end_len = strlen(end);

    return name_len >= end_len && strcmp(name + name_len - end_len, end) == 0;
}

bool trace_is_text(const char *name)
{
    return ends_in(name, "text");
}

bool trace_is_swarm_id(const char *name)
{
    return strcmp(name, "swarm") == 0 || strcmp(name, "previous") == 0;
}

static void write_bytes(struct buf *out, const char *name, struct bytes bytes)
{
    char *hex;

    json_write_name(out, name);
    if (trace_is_text(name)) {
        json_write_text(out, utf8_valid(bytes) ? bytes : BYTES_LIT("?"));
        return;
    }
    buf_byte(out, '"');
    hex = (char *)buf_space(out, 2 * bytes.len);
    if (hex != NULL)
        hex_encode(hex, bytes);
    buf_byte(out, '"');
}

void trace_record_json(struct buf *out, int64_t at_us, const char *seat, uint64_t index,
                       const struct trace_record *record)
{
    const struct trace_kind_info *info = &trace_kinds[record->kind];

    json_open(out, '{');
    json_write_name(out, "at_us");
    json_write_i64(out, at_us);
    json_write_name(out, "seat");
    json_write_text(out, bytes_text(seat));
    json_write_name(out, "i");
    json_write_u64(out, index);
    json_write_name(out, "kind");
    json_write_text(out, bytes_text(info->name));
    for (size_t i = 0; i < ARRAY_LEN(info->n); i++) {
        if (info->n[i] == NULL)
            continue;
        json_write_name(out, info->n[i]);
        if (trace_is_swarm_id(info->n[i]))
            buf_printf(out, "\"%016llx\"", (unsigned long long)record->n[i]);
        else
            json_write_u64(out, record->n[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(info->b); i++)
        if (info->b[i] != NULL)
            write_bytes(out, info->b[i], record->b[i]);
    json_close(out, '}');
}

enum err trace_file_open(struct trace_file *trace, const char *path, seat_name_fn name_of, void *owner)
{
    if (!ends_in(path, ".jsonl"))
        return ERR_FORMAT;
    *trace = (struct trace_file){.path = path, .name_of = name_of, .owner = owner};
    trace->file = fopen(path, "w");
    if (trace->file == NULL)
        return ERR_IO;
    buf_init(&trace->line, LINE_BYTES_MAX);
    return OK;
}

static void on_record(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct trace_file *trace = owner;
    char name[64];

    trace->name_of(trace->owner, seat, name, sizeof(name));
    buf_clear(&trace->line);
    trace_record_json(&trace->line, at_us, name, index, record);
    buf_byte(&trace->line, '\n');
    if (trace->line.err != OK) {
        trace->cut = true;
        return;
    }
    fwrite(trace->line.data, 1, trace->line.len, trace->file);
}

struct trace_sink trace_file_sink(struct trace_file *trace)
{
    return (struct trace_sink){.owner = trace, .kinds = UINT64_MAX, .record = on_record};
}

enum err trace_file_close(struct trace_file *trace)
{
    bool failed = trace->cut || ferror(trace->file) != 0;

    failed |= fclose(trace->file) != 0;
    buf_fini(&trace->line);
    return failed ? ERR_IO : OK;
}
