#include "sim/journal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/costs.h"
#include "tests/support/check_main.h"

static char path[] = "/tmp/test_journal_XXXXXX";
static const struct scenario_set sets[] = {{"users", "5"}, {"text", "a \"quoted\" one"}};
static const struct scenario_serving serving = {1577836800000, 22021, true, false, SPEAKS_MODERN, true};

static void setup(void)
{
    int file;

    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void teardown(void)
{
    unlink(path);
}

static struct scenario_config config(void)
{
    return (struct scenario_config){.name = "my.lua",
                                    .source = BYTES_LIT("world { nodes = 3 } -- \"\\\n"),
                                    .seed_given = true,
                                    .seed = UINT64_MAX,
                                    .suite = &crypto_modelled,
                                    .costs = costs_default(),
                                    .sets = sets,
                                    .set_count = 2,
                                    .serving = &serving};
}

static struct journal *create(void)
{
    struct scenario_config of = config();
    struct journal *journal = journal_create(path, &of, 0);

    ck_assert_ptr_nonnull(journal);
    return journal;
}

static struct journal_reader *open_journal(void)
{
    struct buf why;
    struct journal_reader *reader;

    buf_init(&why, 1000);
    reader = journal_open(path, &why);
    ck_assert_msg(reader != NULL, "%.*s", (int)why.len, (const char *)why.data);
    buf_fini(&why);
    return reader;
}

/* What is read is what was written: how the world was built... */
START_TEST(the_header_makes_the_round_trip)
{
    struct scenario_config wrote = config();
    const struct scenario_config *read;
    struct journal_reader *reader;

    setup();
    ck_assert_int_eq(journal_close(create(), 5, 7), OK);
    reader = open_journal();
    read = journal_config(reader);
    ck_assert_str_eq(read->name, wrote.name);
    ck_assert(bytes_equal(read->source, wrote.source));
    ck_assert(read->seed_given);
    ck_assert_uint_eq(read->seed, wrote.seed);
    ck_assert_ptr_eq(read->suite, wrote.suite);
    ck_assert_mem_eq(read->costs, wrote.costs, sizeof(*wrote.costs));
    ck_assert_uint_eq(read->set_count, 2);
    ck_assert_str_eq(read->sets[1].name, "text");
    ck_assert_str_eq(read->sets[1].value, sets[1].value);
    ck_assert_int_eq(read->serving->epoch_ms, serving.epoch_ms);
    ck_assert_uint_eq(read->serving->node_port, serving.node_port);
    ck_assert(read->serving->lan);
    ck_assert(!read->serving->rate_limit);
    ck_assert(read->serving->refuse_hosts);
    ck_assert_int_eq(read->serving->spoken, SPEAKS_MODERN);
    journal_reader_free(reader);
    teardown();
}
END_TEST

/* ... and what entered, any bytes of it, up to the end. */
START_TEST(entries_make_the_round_trip)
{
    static const uint8_t any[] = {0, 255, '"', '\n', 128};
    struct header header = {BYTES_LIT("x-loki-long-poll"), BYTES_OF(any)};
    struct message message = {.verb = VERB_POST,
                              .content = CONTENT_JSON,
                              .path = BYTES_OF(any),
                              .headers = &header,
                              .header_count = 1,
                              .body = blob_copy(BYTES_OF(any))};
    struct journal *journal;
    struct journal_reader *reader;
    struct entry entry;
    struct buf why;

    setup();
    buf_init(&why, 1000);
    journal = create();
    journal_call(journal, 10, 1, (struct address){0x7f010107, 22021}, &message);
    journal_call(journal, 10, 2, (struct address){1, 2}, &(struct message){.verb = VERB_GET});
    journal_hang_up(journal, 11, 1);
    journal_change(journal, 11, &(struct change){CHANGE_CLOCK_SKEW, 3, -5});
    journal_change(journal, 11, &(struct change){CHANGE_BLOCK, 0, 0});
    ck_assert_int_eq(journal_close(journal, 12, UINT64_C(0xfedcba9876543210)), OK);
    blob_drop(message.body);

    reader = open_journal();
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.kind, ENTRY_CALL);
    ck_assert_int_eq(entry.at_us, 10);
    ck_assert_uint_eq(entry.number, 1);
    ck_assert_uint_eq(entry.to.ip, 0x7f010107);
    ck_assert_uint_eq(entry.to.port, 22021);
    ck_assert_int_eq(entry.message.verb, VERB_POST);
    ck_assert_int_eq(entry.message.content, CONTENT_JSON);
    ck_assert(bytes_equal(entry.message.path, BYTES_OF(any)));
    ck_assert_uint_eq(entry.message.header_count, 1);
    ck_assert(bytes_equal(entry.message.headers[0].name, header.name));
    ck_assert(bytes_equal(entry.message.headers[0].value, header.value));
    ck_assert(bytes_equal(blob_bytes(entry.message.body), BYTES_OF(any)));
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.message.verb, VERB_GET);
    ck_assert_ptr_null(entry.message.body);
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.kind, ENTRY_HANG_UP);
    ck_assert_uint_eq(entry.number, 1);
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.kind, ENTRY_CHANGE);
    ck_assert_int_eq(entry.change.kind, CHANGE_CLOCK_SKEW);
    ck_assert_uint_eq(entry.change.node, 3);
    ck_assert_int_eq(entry.change.value, -5);
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.change.kind, CHANGE_BLOCK);
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.kind, ENTRY_END);
    ck_assert_int_eq(entry.at_us, 12);
    ck_assert_uint_eq(entry.digest, UINT64_C(0xfedcba9876543210));
    ck_assert_int_eq(journal_read(reader, &entry, &why), ERR_NOT_FOUND);
    journal_reader_free(reader);
    buf_fini(&why);
    teardown();
}
END_TEST

/* Nobody wants a journal: nothing is written, nothing fails. */
START_TEST(no_journal_is_none)
{
    journal_call(NULL, 1, 1, (struct address){0}, &(struct message){0});
    journal_hang_up(NULL, 1, 1);
    journal_change(NULL, 1, &(struct change){CHANGE_BLOCK, 0, 0});
    ck_assert_int_eq(journal_close(NULL, 1, 1), OK);
    setup();
    ck_assert_ptr_null(journal_create("/none/journal", &(struct scenario_config){0}, 0));
    teardown();
}
END_TEST

/* What JSON cannot hold, or a line, is said before anything is written. */
START_TEST(what_no_journal_can_hold_is_told)
{
    struct scenario_config of = config();
    const struct scenario_set wrong = {"users", "caf\xe9"};
    struct buf large;

    ck_assert_ptr_null(journal_obstacle(&of));
    of.source = BYTES_LIT("-- caf\xe9");
    ck_assert_ptr_nonnull(strstr(journal_obstacle(&of), "UTF-8"));
    of.source = BYTES_LIT("-- caf\xc3\xa9");
    ck_assert_ptr_null(journal_obstacle(&of));
    of.sets = &wrong;
    of.set_count = 1;
    ck_assert_ptr_nonnull(strstr(journal_obstacle(&of), "UTF-8"));
    of.set_count = 0;
    buf_init(&large, 16u << 20);
    while (large.err == OK)
        buf_append(&large, BYTES_LIT("-------------------------------------------------------------\n"));
    of.source = buf_bytes(&large);
    ck_assert_ptr_nonnull(strstr(journal_obstacle(&of), "too large"));
    buf_fini(&large);
}
END_TEST

/* A full disk is noticed at the end, if not before. */
START_TEST(a_full_disk_is_told)
{
    struct scenario_config of = config();
    struct journal *journal = journal_create("/dev/full", &of, 0);

    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal_close(journal, 1, 1), ERR_IO);
}
END_TEST

static void write_lines(const char *text)
{
    FILE *file = fopen(path, "wb");

    fputs(text, file);
    fclose(file);
}

START_TEST(what_is_no_journal_says_why)
{
    static const char *const bad[] = {
        "", "\n", "{}\n", "[1]\n", "{\"journal\":2}\n", "{\"journal\":1,\"name\":\"x\"}\n"};
    struct buf why;

    setup();
    buf_init(&why, 1000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_clear(&why);
        write_lines(bad[i]);
        ck_assert_ptr_null(journal_open(path, &why));
        ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT(":1: ")), SIZE_MAX);
    }
    teardown();
    buf_clear(&why);
    ck_assert_ptr_null(journal_open(path, &why));
    ck_assert_uint_gt(why.len, 0);
    buf_fini(&why);
}
END_TEST

/* Time does not go back, and an entry is whole. */
START_TEST(a_bad_entry_is_refused)
{
    static const char *const bad[] = {
        "x",
        "{\"at_us\":4,\"hang_up\":1}",
        "{\"at_us\":5,\"hang_up\":0}",
        "{\"at_us\":5,\"hang_up\":\"1\"}",
        "{\"at_us\":5,\"digest\":\"12\"}",
        "{\"at_us\":5,\"change\":\"fly\"}",
        "{\"at_us\":5,\"change\":\"kill\",\"node\":-1}",
        "{\"at_us\":5,\"call\":1,\"ip\":1,\"port\":1,\"content\":0,\"path\":\"\",\"headers\":[]}",
        "{\"at_us\":5,\"call\":1,\"ip\":1,\"port\":1,\"content\":9,\"path\":\"\",\"headers\":[],\"body\":\"\"}",
        "{\"at_us\":5,\"call\":1,\"ip\":1,\"port\":70000,\"content\":0,\"path\":\"\",\"headers\":[],\"body\":\"\"}",
        "{\"at_us\":5,\"call\":1,\"ip\":1,\"port\":1,\"content\":0,\"path\":\"\",\"headers\":[\"\"],\"body\":\"\"}",
        "{\"at_us\":5,\"call\":1,\"ip\":1,\"port\":1,\"content\":0,\"path\":\"?\",\"headers\":[],\"body\":\"\"}",
    };
    struct journal *journal;
    struct entry entry;
    struct buf why;

    buf_init(&why, 1000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct journal_reader *reader;
        FILE *file;

        setup();
        journal = create();
        journal_hang_up(journal, 5, 1);
        ck_assert_int_eq(journal_close(journal, 5, 1), OK);
        file = fopen(path, "ab");
        fprintf(file, "%s\n", bad[i]);
        fclose(file);
        reader = open_journal();
        ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
        ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
        buf_clear(&why);
        ck_assert_int_eq(journal_read(reader, &entry, &why), ERR_FORMAT);
        ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT(":4: ")), SIZE_MAX);
        journal_reader_free(reader);
        teardown();
    }
    buf_fini(&why);
}
END_TEST

static void list_one(void *owner, struct bytes key, struct bytes value)
{
    struct buf *text = owner;

    buf_append(text, key);
    buf_append(text, value);
    buf_byte(text, ' ');
}

static struct journal_reader *read_two_records(const char *second_key, uint64_t count, struct buf *why)
{
    struct scenario_config of = config();
    struct journal *journal = journal_create(path, &of, count);

    journal_record(journal, &(struct disk_log_record){UINT64_C(9) << 56, BYTES_LIT("b"), BYTES_LIT("1")});
    journal_record(journal, &(struct disk_log_record){UINT64_C(9) << 56, bytes_text(second_key), BYTES_LIT("2")});
    journal_hang_up(journal, 5, 1);
    ck_assert_int_eq(journal_close(journal, 5, 1), OK);
    return journal_open(path, why);
}

START_TEST(an_undo_makes_the_round_trip)
{
    struct journal_reader *reader;
    struct journal *journal;
    struct entry entry;
    struct buf why;

    setup();
    journal = create();
    journal_undo(journal, 7, &(struct disk_log_record){UINT64_MAX, BYTES_LIT("key"), BYTES_NONE});
    ck_assert_int_eq(journal_close(journal, 8, 1), OK);
    buf_init(&why, 1000);
    reader = open_journal();
    ck_assert_int_eq(journal_read(reader, &entry, &why), OK);
    ck_assert_int_eq(entry.kind, ENTRY_UNDO);
    ck_assert_uint_eq(entry.undo.disk, UINT64_MAX);
    ck_assert(bytes_equal_text(entry.undo.key, "key"));
    ck_assert_uint_eq(entry.undo.value.len, 0);
    journal_reader_free(reader);
    buf_fini(&why);
    teardown();
}
END_TEST

/* The disks begin with what stands behind the header; then come the entries. */
START_TEST(records_make_the_round_trip)
{
    const struct ed25519_public node = {{9}};
    const struct disk_source *disks;
    struct journal_reader *reader;
    struct entry entry;
    struct buf text;

    setup();
    buf_init(&text, 1000);
    reader = read_two_records("c", 2, &text);
    ck_assert_ptr_nonnull(reader);
    disks = journal_config(reader)->serving->disks;
    disks->each(disks->owner, &node, list_one, &text);
    ck_assert(bytes_equal_text(buf_bytes(&text), "b1 c2 "));
    ck_assert_int_eq(journal_read(reader, &entry, &text), OK);
    ck_assert_int_eq(entry.kind, ENTRY_HANG_UP);
    journal_reader_free(reader);
    buf_fini(&text);
    teardown();
}
END_TEST

START_TEST(records_that_are_none_are_refused)
{
    static const struct {
        const char *second_key;
        uint64_t count;
        const char *line;
    } bad[] = {{"a", 2, ":3: "}, {"b", 2, ":3: "}, {"c", 3, ":4: "}, {"c", 9, ":4: "}};
    struct buf why;

    buf_init(&why, 1000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        setup();
        buf_clear(&why);
        ck_assert_ptr_null(read_two_records(bad[i].second_key, bad[i].count, &why));
        ck_assert_uint_ne(bytes_find(buf_bytes(&why), bytes_text(bad[i].line)), SIZE_MAX);
        teardown();
    }
    buf_fini(&why);
}
END_TEST

TEST_MAIN("journal", the_header_makes_the_round_trip, entries_make_the_round_trip, no_journal_is_none,
          what_no_journal_can_hold_is_told, a_full_disk_is_told, what_is_no_journal_says_why, a_bad_entry_is_refused,
          an_undo_makes_the_round_trip, records_make_the_round_trip, records_that_are_none_are_refused)
