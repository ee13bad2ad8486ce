#include "sim/trace_file.h"

#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "tests/support/check_main.h"

static char path[64];

static void name_of(void *owner, uint32_t seat, char *out, size_t size)
{
    snprintf(out, size, "%s %u", (const char *)owner, seat);
}

/* A file of its own; the test unlinks it. */
static struct trace_file opened(void)
{
    struct trace_file trace;

    snprintf(path, sizeof(path), "/tmp/swarmbed-trace-%d.jsonl", (int)getpid());
    ck_assert_int_eq(trace_file_open(&trace, path, name_of, (void *)(uintptr_t) "seat"), OK);
    return trace;
}

static void add(struct trace_file *trace, int64_t at_us, uint32_t seat, uint64_t index,
                const struct trace_record *record)
{
    struct trace_sink sink = trace_file_sink(trace);

    sink.record(sink.owner, at_us, seat, index, record);
}

static size_t content(char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t len;

    ck_assert_ptr_nonnull(file);
    len = fread(out, 1, size - 1, file);
    fclose(file);
    out[len] = '\0';
    return len;
}

/* The form that the header promises. */
START_TEST(a_record_is_a_line)
{
    uint8_t account[] = {0x05, 0xab}, hash[] = {0xff};
    struct trace_file trace = opened();
    char text[1024];

    add(&trace, 1234, 17, 5,
        &(struct trace_record){TRACE_STORED, {1024, 99, CAUSE_RELAY}, {BYTES_OF(account), BYTES_OF(hash)}});
    add(&trace, 1235, 0, 0,
        &(struct trace_record){TRACE_CALL, {3, 500, 7}, {BYTES_LIT("/storage_rpc/\"v1\""), BYTES_NONE}});
    add(&trace, 1236, 1, 1,
        &(struct trace_record){TRACE_SNODE_SWARM, {2, 0xabc, UINT64_MAX, 1}, {BYTES_NONE, BYTES_NONE}});
    add(&trace, 1236, 1, 2, &(struct trace_record){TRACE_CRASH, {0}, {BYTES_NONE, BYTES_NONE}});
    ck_assert_int_eq(trace_file_close(&trace), OK);
    content(text, sizeof(text));
    ck_assert_str_eq(
        text,
        "{\"at_us\":1234,\"seat\":\"seat 17\",\"i\":5,\"kind\":\"stored\",\"bytes\":1024,\"expiry_ms\":99,\"cause\":1,"
        "\"account\":\"05ab\",\"hash\":\"ff\"}\n"
        "{\"at_us\":1235,\"seat\":\"seat 0\",\"i\":0,\"kind\":\"call\",\"to\":3,\"bytes\":500,\"sequence\":7,"
        "\"path_text\":\"/storage_rpc/\\\"v1\\\"\"}\n"
        "{\"at_us\":1236,\"seat\":\"seat "
        "1\",\"i\":1,\"kind\":\"snode_swarm\",\"height\":2,\"swarm\":\"0000000000000abc\","
        "\"previous\":\"ffffffffffffffff\",\"case\":1}\n"
        "{\"at_us\":1236,\"seat\":\"seat 1\",\"i\":2,\"kind\":\"crash\"}\n");
    unlink(path);
}
END_TEST

/* Whatever the kind and the bytes: JSON, with every member once. Peers choose some of the bytes. */
START_TEST(every_kind_is_json)
{
    static const uint8_t bytes[] = {'a', '\n', '"', 0x80, 0};

    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        struct trace_record record = {
            (enum trace_kind)kind, {1, 2, UINT64_C(1) << 52, 4}, {BYTES_OF(bytes), BYTES_OF(bytes)}};
        struct json *document;
        struct buf line;
        enum err err;

        buf_init(&line, 65536);
        trace_record_json(&line, INT64_C(1) << 52, "name", 3, &record);
        document = json_parse(buf_bytes(&line), &err);
        ck_assert_msg(document != NULL, "%s: %.*s", trace_kinds[kind].name, (int)line.len, (const char *)line.data);
        for (const struct json *a = json_first(document); a != NULL; a = json_next(a))
            for (const struct json *b = json_next(a); b != NULL; b = json_next(b))
                ck_assert_msg(strcmp(json_name(a), json_name(b)) != 0, "%s: %s twice", trace_kinds[kind].name,
                              json_name(a));
        ck_assert_str_eq((const char *)json_string(json_get(document, "kind")).data, trace_kinds[kind].name);
        json_free(document);
        buf_fini(&line);
    }
}
END_TEST

START_TEST(text_that_is_none_is_not_shown)
{
    struct buf line;

    buf_init(&line, 1024);
    trace_record_json(&line, 0, "x", 0,
                      &(struct trace_record){TRACE_RELAY_ERROR, {502, 1}, {BYTES_LIT("\xff\xfe"), BYTES_NONE}});
    buf_byte(&line, 0);
    ck_assert_ptr_nonnull(strstr((const char *)line.data, "\"reason_text\":\"?\""));
    buf_fini(&line);
}
END_TEST

START_TEST(the_names_ending_is_the_form)
{
    struct trace_file trace;

    ck_assert_int_eq(trace_file_open(&trace, "/tmp/x.json", name_of, NULL), ERR_FORMAT);
    ck_assert_int_eq(trace_file_open(&trace, "", name_of, NULL), ERR_FORMAT);
    ck_assert_int_eq(trace_file_open(&trace, "/nowhere/x.jsonl", name_of, NULL), ERR_IO);
}
END_TEST

/* A file that is not whole says so at its end, whenever the disk refused: at the last flush, or long before. */
START_TEST(a_full_disk_is_an_error)
{
    static const int counts[] = {1, 100000};
    struct trace_record record = {TRACE_CRASH, {0}, {BYTES_NONE, BYTES_NONE}};

    snprintf(path, sizeof(path), "/tmp/swarmbed-trace-%d.jsonl", (int)getpid());
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct trace_file trace;

        ck_assert_int_eq(trace_file_open(&trace, path, name_of, (void *)(uintptr_t) "seat"), OK);
        for (int j = 0; j < counts[i]; j++)
            add(&trace, j, 0, 0, &record);
        ck_assert_int_eq(trace_file_close(&trace), ERR_IO);
    }
    unlink(path);
}
END_TEST

/* A record larger than a line may be is left out, not cut, and the file is not whole. */
START_TEST(a_record_too_large_is_an_error)
{
    static uint8_t large[40000];
    struct trace_file trace = opened();
    char text[256];

    add(&trace, 1, 0, 0, &(struct trace_record){TRACE_STORED, {0}, {BYTES_OF(large), BYTES_NONE}});
    add(&trace, 2, 0, 1, &(struct trace_record){TRACE_CRASH, {0}, {BYTES_NONE, BYTES_NONE}});
    ck_assert_int_eq(trace_file_close(&trace), ERR_IO);
    content(text, sizeof(text));
    ck_assert_str_eq(text, "{\"at_us\":2,\"seat\":\"seat 0\",\"i\":1,\"kind\":\"crash\"}\n");
    unlink(path);
}
END_TEST

TEST_MAIN("trace_file", a_record_is_a_line, every_kind_is_json, text_that_is_none_is_not_shown,
          the_names_ending_is_the_form, a_full_disk_is_an_error, a_record_too_large_is_an_error)
