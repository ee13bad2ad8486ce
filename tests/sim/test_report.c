#include "sim/report.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/support/check_main.h"

static struct report some_report(void)
{
    struct report report = {
        .scenario = "my.lua",
        .crypto = "real",
        .seed = UINT64_MAX,
        .threads = 2,
        .digest = 0xabc,
        .virtual_ms = 90061001,
        .wall_ms = 1000,
        .nodes = 1553,
        .swarms = 265,
        .clients = 1000000,
        .expectations = 3,
        .expectations_failed = 1,
        .totals = {.sent = 1234567,
                   .delivered = 1234560,
                   .lost = 7,
                   .duplicates = 2,
                   .delay_us_p50 = 1500000,
                   .delay_us_p99 = 61001007,
                   .delay_us_max = 1},
        .stats = {.events = 999},
    };

    report.totals.losses[LOSS_EXPIRED] = 7;
    report.metrics.count[TRACE_ONION_DONE] = 12;
    report.metrics.onion_failures[2] = 5;
    report.metrics.wire_bytes[TRAFFIC_REPLICATION] = 1000;
    report.metrics.push_bytes[CAUSE_RELAY] = 900;
    return report;
}

/* Owned. */
static char *printed(const struct report *report, void (*print)(const struct report *, FILE *))
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    print(report, file);
    fclose(file);
    return text;
}

static void expect_line(const char *text, const char *name, const char *value)
{
    char line[128];

    snprintf(line, sizeof(line), "  %-38s %15s\n", name, value);
    ck_assert_msg(strstr(text, line) != NULL, "no line\n%sin\n%s", line, text);
}

START_TEST(the_table_tells_what_a_run_came_to)
{
    struct report report = some_report();
    char *text = printed(&report, report_table);

    expect_line(text, "sent", "1,234,567");
    expect_line(text, "lost", "7");
    expect_line(text, "  expired before the recipient asked", "7");
    ck_assert_ptr_null(strstr(text, "not sent")); /* causes that did not occur are no news */
    expect_line(text, "delivery delay, p50", "1.5 s");
    expect_line(text, "delivery delay, p99", "1 m 1.001007 s");
    expect_line(text, "bytes, replication", "1,000");
    ck_assert_ptr_null(strstr(text, "bytes, other"));
    expect_line(text, "  failed: no answer in time", "5");
    expect_line(text, "seed", "18446744073709551615"); /* to be copied */
    expect_line(text, "virtual time", "1 d 1 h 1 m 1.001 s");
    expect_line(text, "speed", "90,061 x");
    ck_assert_ptr_nonnull(strstr(text, " 0000000000000abc\n"));
    expect_line(text, "expectations", "3");
    expect_line(text, "  failed", "1");
    ck_assert_ptr_null(strstr(text, "interrupted"));
    free(text);
    report.interrupted = true;
    report.totals.delay_us_p50 = -1;
    text = printed(&report, report_table);
    expect_line(text, "ended early", "interrupted");
    expect_line(text, "delivery delay, p50", "-");
    free(text);
}
END_TEST

static int64_t number(const struct json *document, const char *name)
{
    int64_t value = -1;

    ck_assert_int_eq(json_get_integer(document, name, &value), OK);
    return value;
}

START_TEST(the_json_is_one_line_with_the_same)
{
    struct report report = some_report();
    struct bytes digest;
    char *text;
    struct json *document;
    enum err err;

    report.seed = 7;
    text = printed(&report, report_json);
    document = json_parse(bytes_text(text), &err);
    ck_assert_ptr_nonnull(document);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    ck_assert_int_eq(json_get_string(document, "digest", &digest), OK);
    ck_assert(bytes_equal_text(digest, "0000000000000abc"));
    ck_assert_int_eq(number(document, "seed"), 7);
    ck_assert_int_eq(number(document, "sent"), 1234567);
    ck_assert_int_eq(number(document, "lost"), 7);
    ck_assert_int_eq(number(document, "duplicates"), 2);
    ck_assert_int_eq(number(json_get(document, "losses"), "expired before the recipient asked"), 7);
    ck_assert_uint_eq(json_count(json_get(document, "losses")), 1);
    ck_assert_int_eq(number(json_get(document, "wire_bytes"), "replication"), 1000);
    ck_assert_int_eq(number(json_get(document, "push_bytes"), "relay"), 900);
    ck_assert_int_eq(number(document, "delay_ms_p50"), 1500);
    ck_assert_ptr_nonnull(strstr(text, "\"delay_ms_p99\":61001.007,\"delay_ms_max\":0.001,"));
    ck_assert_int_eq(number(document, "virtual_ms"), 90061001);
    ck_assert_int_eq(number(document, "expectations_failed"), 1);
    ck_assert(!json_true(json_get(document, "interrupted")));
    json_free(document);
    free(text);
}
END_TEST

/* A path can be anything; JSON can't. */
START_TEST(the_json_is_json_whatever_the_name)
{
    struct report report = some_report();
    struct json *document;
    enum err err;
    char *text;

    report.totals.delay_us_p50 = -1;
    for (int i = 0; i < 2; i++) {
        report.scenario = i == 0 ? "a \"b\"\n.lua" : "\xff.lua";
        text = printed(&report, report_json);
        document = json_parse(bytes_text(text), &err);
        ck_assert_ptr_nonnull(document);
        ck_assert(bytes_equal_text(json_string(json_get(document, "scenario")), i == 0 ? "a \"b\"\n.lua" : "?"));
        ck_assert(json_is_null(json_get(document, "delay_ms_p50")));
        json_free(document);
        free(text);
    }
}
END_TEST

START_TEST(numbers_are_grouped)
{
    char out[32];

    ck_assert_str_eq(grouped(out, 0), "0");
    ck_assert_str_eq(grouped(out, 999), "999");
    ck_assert_str_eq(grouped(out, 1000), "1,000");
    ck_assert_str_eq(grouped(out, 1234567), "1,234,567");
    ck_assert_str_eq(grouped(out, UINT64_MAX), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(speed_is_virtual_by_real_time)
{
    char out[48];

    report_speed(out, sizeof(out), 5000000, 2);
    ck_assert_str_eq(out, "2,500,000 x");
    report_speed(out, sizeof(out), 5000000, 0);
    ck_assert_str_eq(out, "-");
}
END_TEST

TEST_MAIN("report", the_table_tells_what_a_run_came_to, the_json_is_one_line_with_the_same,
          the_json_is_json_whatever_the_name, numbers_are_grouped, speed_is_virtual_by_real_time)
