/* Writing a journal. Reading is journal_reader.c. */
#include "sim/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/text.h"
#include "sim/costs.h"

struct journal {
    FILE *file;
    struct buf line;
    int error; /* errno of the first failure; 0: none */
};

static void write_text(struct buf *line, const char *name, struct bytes text)
{
    json_write_name(line, name);
    json_write_text(line, text);
}

static void write_number(struct buf *line, const char *name, int64_t number)
{
    json_write_name(line, name);
    json_write_i64(line, number);
}

static void write_bool(struct buf *line, const char *name, bool value)
{
    json_write_name(line, name);
    json_write_bool(line, value);
}

/* What came from outside may be any bytes. */
static void write_bytes(struct buf *line, struct bytes bytes)
{
    uint8_t *text;

    buf_byte(line, '"');
    text = buf_space(line, BASE64_LEN(bytes.len));
    if (text != NULL)
        base64_encode((char *)text, bytes);
    buf_byte(line, '"');
}

static void end_line(struct journal *journal)
{
    struct buf *line = &journal->line;

    json_close(line, '}');
    buf_byte(line, '\n');
    ASSERT(line->err == OK);
    if (journal->error == 0 && fwrite(line->data, 1, line->len, journal->file) != line->len)
        journal->error = errno;
    buf_clear(line);
}

static void write_serving(struct buf *line, const struct scenario_serving *serving)
{
    write_number(line, "epoch_ms", serving->epoch_ms);
    write_number(line, "node_port", serving->node_port);
    write_bool(line, "lan", serving->lan);
    write_bool(line, "rate_limit", serving->rate_limit);
    write_bool(line, "refuse_hosts", serving->refuse_hosts);
    write_number(line, "dialect", serving->spoken);
}

static void write_header(struct buf *line, const struct scenario_config *config)
{
    struct buf costs;

    json_open(line, '{');
    write_text(line, "swarmbed", bytes_text(SWARMBED_VERSION));
    write_number(line, "journal", 1);
    write_text(line, "name", bytes_text(config->name));
    write_text(line, "scenario", config->source);
    write_text(line, "crypto", bytes_text(config->suite->name));
    if (config->seed_given) {
        json_write_name(line, "seed");
        buf_printf(line, "\"%" PRIu64 "\"", config->seed);
    }
    json_write_name(line, "parameters");
    json_open(line, '[');
    for (size_t i = 0; i < config->set_count; i++) {
        json_open(line, '{');
        write_text(line, "name", bytes_text(config->sets[i].name));
        write_text(line, "value", bytes_text(config->sets[i].value));
        json_close(line, '}');
    }
    json_close(line, ']');
    buf_init(&costs, 4096);
    costs_print(config->costs, &costs);
    write_text(line, "costs", buf_bytes(&costs));
    buf_fini(&costs);
    write_serving(line, config->serving);
}

/* A line is JSON, so what stands in it is text; the rest of the header is far below half of a line. */
const char *journal_obstacle(const struct scenario_config *config)
{
    bool is_text = utf8_valid(config->source) && utf8_valid(bytes_text(config->name));
    struct buf line;
    bool fits;

    for (size_t i = 0; i < config->set_count; i++)
        is_text =
            is_text && utf8_valid(bytes_text(config->sets[i].name)) && utf8_valid(bytes_text(config->sets[i].value));
    if (!is_text)
        return "the scenario, its name and its parameters must be UTF-8 text";
    buf_init(&line, JOURNAL_LINE_BYTES_MAX / 2);
    json_write_text(&line, config->source);
    fits = line.err == OK;
    buf_fini(&line);
    return fits ? NULL : "the scenario is too large";
}

struct journal *journal_create(const char *path, const struct scenario_config *config, uint64_t record_count)
{
    FILE *file = fopen(path, "wb");
    struct journal *journal;

    if (file == NULL)
        return NULL;
    journal = xcalloc(1, sizeof(*journal));
    journal->file = file;
    buf_init(&journal->line, JOURNAL_LINE_BYTES_MAX);
    write_header(&journal->line, config);
    write_number(&journal->line, "records", (int64_t)record_count);
    end_line(journal);
    return journal;
}

static void write_record(struct buf *line, const char *name, const struct disk_log_record *record)
{
    json_write_name(line, name);
    buf_printf(line, "\"%016" PRIx64 "\"", record->disk);
    json_write_name(line, "key");
    write_bytes(line, record->key);
    json_write_name(line, "value");
    write_bytes(line, record->value);
}

void journal_record(struct journal *journal, const struct disk_log_record *record)
{
    json_open(&journal->line, '{');
    write_record(&journal->line, "disk", record);
    end_line(journal);
}

static void begin_line(struct journal *journal, int64_t at_us)
{
    json_open(&journal->line, '{');
    write_number(&journal->line, "at_us", at_us);
}

void journal_call(struct journal *journal, int64_t at_us, uint64_t number, struct address to,
                  const struct message *message)
{
    struct buf *line;

    if (journal == NULL)
        return;
    line = &journal->line;
    begin_line(journal, at_us);
    write_number(line, "call", (int64_t)number);
    write_number(line, "ip", to.ip);
    write_number(line, "port", to.port);
    write_bool(line, "post", message->verb == VERB_POST);
    write_number(line, "content", (int64_t)message->content);
    json_write_name(line, "path");
    write_bytes(line, message->path);
    json_write_name(line, "headers");
    json_open(line, '[');
    for (size_t i = 0; i < message->header_count; i++) {
        if (i > 0)
            buf_byte(line, ',');
        write_bytes(line, message->headers[i].name);
        buf_byte(line, ',');
        write_bytes(line, message->headers[i].value);
    }
    json_close(line, ']');
    json_write_name(line, "body");
    write_bytes(line, blob_bytes(message->body));
    end_line(journal);
}

void journal_hang_up(struct journal *journal, int64_t at_us, uint64_t number)
{
    if (journal == NULL)
        return;
    begin_line(journal, at_us);
    write_number(&journal->line, "hang_up", (int64_t)number);
    end_line(journal);
}

void journal_change(struct journal *journal, int64_t at_us, const struct change *change)
{
    if (journal == NULL)
        return;
    begin_line(journal, at_us);
    change_encode(&journal->line, change);
    end_line(journal);
}

void journal_undo(struct journal *journal, int64_t at_us, const struct disk_log_record *record)
{
    if (journal == NULL)
        return;
    begin_line(journal, at_us);
    write_record(&journal->line, "undo", record);
    end_line(journal);
}

enum err journal_close(struct journal *journal, int64_t at_us, uint64_t digest)
{
    int error;

    if (journal == NULL)
        return OK;
    begin_line(journal, at_us);
    json_write_name(&journal->line, "digest");
    buf_printf(&journal->line, "\"%016" PRIx64 "\"", digest);
    end_line(journal);
    error = journal->error;
    if (fclose(journal->file) != 0 && error == 0)
        error = errno;
    buf_fini(&journal->line);
    free(journal);
    errno = error;
    return error == 0 ? OK : ERR_IO;
}
