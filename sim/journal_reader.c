/* Reading a journal: a file from outside, so nothing in it is believed. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/text.h"
#include "sim/costs.h"
#include "sim/journal.h"

#define PARAMETERS_MAX 64

struct journal_reader {
    FILE *file;
    const char *path; /* as given */
    uint64_t line_number;
    int64_t last_us;
    struct buf line;
    struct json *head;     /* of the header line; the texts of the config are in it */
    struct json *document; /* of the present line */
    struct scenario_config config;
    struct scenario_serving serving;
    struct scenario_set sets[PARAMETERS_MAX];
    struct cost_table costs;
    struct arena arena; /* the present entry's path and headers */
    struct arena texts; /* the parameters */
    struct header headers[LIMIT_HTTP_HEADERS];
    struct blob *body;
    uint64_t record_count; /* as the header says */
    struct kept_records records;
    struct disk_source disks;
};

static void complain(const struct journal_reader *reader, struct buf *why, const char *what)
{
    buf_printf(why, "%s:%" PRIu64 ": %s", reader->path, reader->line_number, what);
}

/* The next line as JSON: ERR_NOT_FOUND at the end of the file. */
static enum err read_line(struct journal_reader *reader, struct json **document, struct buf *why)
{
    struct buf *line = &reader->line;
    enum err err;
    int c;

    buf_clear(line);
    reader->line_number++;
    while ((c = getc_unlocked(reader->file)) != EOF && c != '\n' && line->err == OK)
        buf_byte(line, (uint8_t)c);
    if (ferror(reader->file)) {
        buf_printf(why, "%s: %s", reader->path, strerror(errno));
        return ERR_IO;
    }
    if (c == EOF && line->len == 0)
        return ERR_NOT_FOUND;
    *document = line->err == OK ? json_parse(buf_bytes(line), &err) : NULL;
    if (*document != NULL)
        return OK;
    complain(reader, why, "this line is no JSON, or too long");
    return ERR_FORMAT;
}

static bool number_of(const struct json *object, const char *name, int64_t min, int64_t max, int64_t *out)
{
    return json_get_integer(object, name, out) == OK && *out >= min && *out <= max;
}

/* A text without zero bytes (JSON knows none here) as a C string in the reader's memory. */
static const char *text_of(struct journal_reader *reader, const struct json *object, const char *name)
{
    struct bytes text;
    char *copy;

    if (json_get_string(object, name, &text) != OK)
        return NULL;
    copy = arena_alloc(&reader->texts, text.len + 1);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static bool read_parameters(struct journal_reader *reader)
{
    const struct json *list = json_get(reader->head, "parameters");

    if (!json_is_array(list) || json_count(list) > PARAMETERS_MAX)
        return false;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        struct scenario_set *set = &reader->sets[reader->config.set_count];

        set->name = text_of(reader, item, "name");
        set->value = text_of(reader, item, "value");
        if (set->name == NULL || set->value == NULL)
            return false;
        reader->config.set_count++;
    }
    reader->config.sets = reader->sets;
    return true;
}

static bool read_costs(struct journal_reader *reader)
{
    struct bytes text;
    struct buf why;
    bool read;

    if (json_get_string(reader->head, "costs", &text) != OK)
        return false;
    buf_init(&why, 1024);
    read = costs_parse(text, &reader->costs, &why) == OK;
    buf_fini(&why);
    reader->config.costs = &reader->costs;
    return read;
}

static bool read_seed(struct journal_reader *reader)
{
    struct bytes text;

    if (json_get(reader->head, "seed") == NULL)
        return true;
    reader->config.seed_given = true;
    return json_get_string(reader->head, "seed", &text) == OK && decimal_decode(&reader->config.seed, text) == OK;
}

static bool read_header(struct journal_reader *reader)
{
    const struct json *head = reader->head;
    struct scenario_config *config = &reader->config;
    struct bytes crypto;
    int64_t version, port, spoken, records;

    config->name = text_of(reader, head, "name");
    if (config->name == NULL || !number_of(head, "journal", 1, 1, &version))
        return false;
    if (json_get_string(head, "scenario", &config->source) != OK || json_get_string(head, "crypto", &crypto) != OK)
        return false;
    config->suite = bytes_equal_text(crypto, crypto_modelled.name) ? &crypto_modelled : &crypto_real;
    if (!bytes_equal_text(crypto, config->suite->name))
        return false;
    if (!number_of(head, "epoch_ms", 0, INT64_C(1) << 52, &reader->serving.epoch_ms) ||
        !number_of(head, "node_port", 0, UINT16_MAX, &port) ||
        !number_of(head, "dialect", SPEAKS_BOTH, SPEAKS_MODERN, &spoken))
        return false;
    reader->serving.node_port = (uint16_t)port;
    reader->serving.spoken = (enum spoken)spoken;
    reader->serving.lan = json_true(json_get(head, "lan"));
    reader->serving.rate_limit = json_true(json_get(head, "rate_limit"));
    reader->serving.refuse_hosts = json_true(json_get(head, "refuse_hosts"));
    if (!number_of(head, "records", 0, INT64_C(1) << 52, &records))
        return false;
    reader->record_count = (uint64_t)records;
    reader->disks = kept_records_source(&reader->records);
    reader->serving.disks = &reader->disks;
    config->serving = &reader->serving;
    return read_seed(reader) && read_parameters(reader) && read_costs(reader);
}

void journal_reader_free(struct journal_reader *reader)
{
    fclose(reader->file);
    json_free(reader->head);
    json_free(reader->document);
    blob_drop(reader->body);
    buf_fini(&reader->line);
    arena_fini(&reader->arena);
    arena_fini(&reader->texts);
    kept_records_fini(&reader->records);
    free(reader);
}

const struct scenario_config *journal_config(const struct journal_reader *reader)
{
    return &reader->config;
}

static bool decode_hex64(const struct json *value, uint64_t *out)
{
    uint8_t bytes[8];

    if (hex_decode(bytes, sizeof(bytes), json_string(value)) != OK)
        return false;
    *out = load_be64(bytes);
    return true;
}

static bool decode_bytes(struct journal_reader *reader, const struct json *value, struct bytes *out)
{
    struct bytes text = json_string(value);
    size_t len = BASE64_MAX_DECODED(text.len);
    uint8_t *bytes = arena_alloc(&reader->arena, len + 1);

    if (!json_is_string(value) || base64_decode(bytes, &len, text) != OK)
        return false;
    *out = (struct bytes){bytes, len};
    return true;
}

static bool decode_record(struct journal_reader *reader, const char *name, struct disk_log_record *record)
{
    const struct json *line = reader->document;

    return decode_hex64(json_get(line, name), &record->disk) &&
           decode_bytes(reader, json_get(line, "key"), &record->key) &&
           decode_bytes(reader, json_get(line, "value"), &record->value);
}

static void forget_line(struct journal_reader *reader)
{
    json_free(reader->document);
    reader->document = NULL;
    blob_drop(reader->body);
    reader->body = NULL;
    arena_reset(&reader->arena);
}

/* What the disks begin with. */
static enum err read_records(struct journal_reader *reader, struct buf *why)
{
    for (uint64_t i = 0; i < reader->record_count; i++) {
        enum err err = read_line(reader, &reader->document, why);
        struct disk_log_record record;

        if (err == ERR_NOT_FOUND)
            complain(reader, why, "the file ends before the records that its header counts");
        if (err != OK)
            return ERR_FORMAT;
        if (!decode_record(reader, "disk", &record) || !kept_records_add(&reader->records, &record)) {
            complain(reader, why, "this line is no record of a disk, or out of order");
            return ERR_FORMAT;
        }
        forget_line(reader);
    }
    return OK;
}

struct journal_reader *journal_open(const char *path, struct buf *why)
{
    struct journal_reader *reader;
    FILE *file = fopen(path, "rb");
    enum err err;

    if (file == NULL) {
        buf_printf(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    reader = xcalloc(1, sizeof(*reader));
    reader->file = file;
    reader->path = path;
    reader->config = (struct scenario_config){.threads = 1, .replay_options = ""};
    buf_init(&reader->line, JOURNAL_LINE_BYTES_MAX);
    arena_init(&reader->arena);
    arena_init(&reader->texts);
    kept_records_init(&reader->records);
    err = read_line(reader, &reader->head, why);
    if (err == ERR_NOT_FOUND)
        complain(reader, why, "the file is empty");
    else if (err == OK && !read_header(reader))
        complain(reader, why, "this is no header of a journal that this version can replay");
    else if (err == OK && read_records(reader, why) == OK)
        return reader;
    journal_reader_free(reader);
    return NULL;
}

static bool decode_headers(struct journal_reader *reader, struct message *message)
{
    const struct json *list = json_get(reader->document, "headers"), *item = json_first(list);

    message->headers = reader->headers;
    if (!json_is_array(list) || json_count(list) % 2 != 0 || json_count(list) > 2 * LIMIT_HTTP_HEADERS)
        return false;
    for (; item != NULL; item = json_next(item)) {
        struct header *header = &reader->headers[message->header_count++];

        if (!decode_bytes(reader, item, &header->name))
            return false;
        item = json_next(item);
        if (!decode_bytes(reader, item, &header->value))
            return false;
    }
    return true;
}

static bool decode_call(struct journal_reader *reader, struct entry *entry)
{
    const struct json *line = reader->document;
    struct message *message = &entry->message;
    int64_t ip, port, content;
    struct bytes body;

    if (!number_of(line, "ip", 0, UINT32_MAX, &ip) || !number_of(line, "port", 0, UINT16_MAX, &port) ||
        !number_of(line, "content", CONTENT_NONE, CONTENT_BINARY, &content))
        return false;
    entry->to = (struct address){(uint32_t)ip, (uint16_t)port};
    message->verb = json_true(json_get(line, "post")) ? VERB_POST : VERB_GET;
    message->content = (enum content)content;
    if (!decode_bytes(reader, json_get(line, "path"), &message->path) || !decode_headers(reader, message) ||
        !decode_bytes(reader, json_get(line, "body"), &body) || body.len > LIMIT_BODY_BYTES)
        return false;
    if (body.len > 0)
        message->body = reader->body = blob_copy(body);
    return true;
}

static bool decode_entry(struct journal_reader *reader, struct entry *entry)
{
    const struct json *line = reader->document;
    int64_t number = 0;
    const char *why;

    if (!number_of(line, "at_us", reader->last_us, INT64_C(1) << 52, &entry->at_us))
        return false;
    reader->last_us = entry->at_us;
    if (json_get(line, "call") != NULL) {
        entry->kind = ENTRY_CALL;
        if (!number_of(line, "call", 1, INT64_C(1) << 52, &number) || !decode_call(reader, entry))
            return false;
    } else if (json_get(line, "hang_up") != NULL) {
        entry->kind = ENTRY_HANG_UP;
        if (!number_of(line, "hang_up", 1, INT64_C(1) << 52, &number))
            return false;
    } else if (json_get(line, "change") != NULL) {
        entry->kind = ENTRY_CHANGE;
        return change_decode(line, &entry->change, &why) == OK;
    } else if (json_get(line, "undo") != NULL) {
        entry->kind = ENTRY_UNDO;
        return decode_record(reader, "undo", &entry->undo);
    } else {
        entry->kind = ENTRY_END;
        return decode_hex64(json_get(line, "digest"), &entry->digest);
    }
    entry->number = (uint64_t)number;
    return true;
}

enum err journal_read(struct journal_reader *reader, struct entry *entry, struct buf *why)
{
    enum err err;

    *entry = (struct entry){0};
    forget_line(reader);
    err = read_line(reader, &reader->document, why);
    if (err != OK)
        return err;
    if (decode_entry(reader, entry))
        return OK;
    complain(reader, why, "this line is no entry of a journal, or its time goes back");
    return ERR_FORMAT;
}
