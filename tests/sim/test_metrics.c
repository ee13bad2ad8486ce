#include "sim/metrics.h"

#include <string.h>

#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"

static void count(struct metrics *metrics, enum trace_kind kind, const uint64_t n[4], const char *text)
{
    struct trace_record record = {kind, {n[0], n[1], n[2], n[3]}, {bytes_text(text), BYTES_NONE}};

    metrics_record(metrics, &record);
}

/* Every record counts under its kind. */
START_TEST(every_kind_is_counted)
{
    static const uint64_t none[4] = {0};
    struct metrics metrics;

    metrics_init(&metrics);
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++)
        for (int i = 0; i <= kind; i++)
            count(&metrics, (enum trace_kind)kind, none, "");
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++)
        ck_assert_uint_eq(metrics.count[kind], kind + 1);
}
END_TEST

/* Bytes travel under the name of their call's path, there and back. */
START_TEST(traffic_is_told_apart_by_path)
{
    static const struct {
        const char *path;
        enum traffic traffic;
    } paths[] = {
        {PATH_ONION_V2, TRAFFIC_ONION_CLIENT},  {PATH_ONION_V1, TRAFFIC_ONION_CLIENT},
        {PATH_SN_ONION_V2, TRAFFIC_ONION_PEER}, {PATH_SN_ONION_V1, TRAFFIC_ONION_PEER},
        {PATH_PUSH_BATCH, TRAFFIC_REPLICATION}, {PATH_PUSH, TRAFFIC_REPLICATION},
        {PATH_STORAGE_RPC, TRAFFIC_DIRECT},     {PATH_SEED_RPC, TRAFFIC_NODE_LIST},
        {"/somewhere/else", TRAFFIC_OTHER},     {"", TRAFFIC_OTHER},
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct metrics metrics;

        metrics_init(&metrics);
        count(&metrics, TRACE_CALL, (const uint64_t[4]){9, 100, 9, 9}, paths[i].path);
        count(&metrics, TRACE_ANSWER, (const uint64_t[4]){9, 200, 30, 9}, paths[i].path);
        for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++)
            ck_assert_uint_eq(metrics.wire_bytes[traffic], traffic == (int)paths[i].traffic ? 130 : 0);
    }
}
END_TEST

START_TEST(figures_are_summed)
{
    struct metrics metrics;

    metrics_init(&metrics);
    count(&metrics, TRACE_POW, (const uint64_t[4]){100, 1, 1, 1}, "");
    count(&metrics, TRACE_POW, (const uint64_t[4]){23, 1, 1, 1}, "");
    count(&metrics, TRACE_PUSH, (const uint64_t[4]){1, 1, 500, CAUSE_RELAY}, "");
    count(&metrics, TRACE_PUSH, (const uint64_t[4]){1, 1, 50, CAUSE_DISSOLVED}, "");
    count(&metrics, TRACE_STORED, (const uint64_t[4]){1, 1, CAUSE_CLIENT, 0}, "");
    count(&metrics, TRACE_ONION_DONE, (const uint64_t[4]){1, 1, 1, 2}, "");
    ck_assert_uint_eq(metrics.pow_trials, 123);
    ck_assert_uint_eq(metrics.push_bytes[CAUSE_RELAY], 500);
    ck_assert_uint_eq(metrics.push_bytes[CAUSE_DISSOLVED], 50);
    ck_assert_uint_eq(metrics.stored[CAUSE_CLIENT], 1);
    ck_assert_uint_eq(metrics.onion_failures[2], 1);
}
END_TEST

/* A number out of its range counts at the range's end, not in somebody else's memory. */
START_TEST(numbers_out_of_range_do_no_harm)
{
    static const uint64_t wild[4] = {1, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct metrics metrics, wanted;

    metrics_init(&metrics);
    metrics_init(&wanted);
    count(&metrics, TRACE_STORED, wild, "");
    count(&metrics, TRACE_ONION_DONE, wild, "");
    wanted.count[TRACE_STORED] = wanted.count[TRACE_ONION_DONE] = 1;
    wanted.stored[CAUSE_COUNT - 1] = 1;
    wanted.onion_failures[METRICS_FAILURES - 1] = 1;
    ck_assert_mem_eq(&metrics, &wanted, sizeof(metrics));
}
END_TEST

/* The sum does not depend on who counted what. */
START_TEST(parts_add_up)
{
    struct metrics whole, parts[2], sum;
    const char *const paths[] = {PATH_ONION_V2, PATH_PUSH_BATCH, PATH_STORAGE_RPC};

    metrics_init(&whole);
    metrics_init(&parts[0]);
    metrics_init(&parts[1]);
    metrics_init(&sum);
    for (uint64_t i = 0; i < 500; i++) {
        const uint64_t n[4] = {i, i % 7, i % CAUSE_COUNT, i % CAUSE_COUNT};
        enum trace_kind kind = (enum trace_kind)(i % TRACE_KIND_COUNT);

        count(&whole, kind, n, paths[i % 3]);
        count(&parts[i * i % 5 % 2], kind, n, paths[i % 3]);
    }
    metrics_merge(&sum, &parts[0]);
    metrics_merge(&sum, &parts[1]);
    ck_assert_mem_eq(&sum, &whole, sizeof(sum));
}
END_TEST

START_TEST(traffic_has_names)
{
    for (int i = 0; i < TRAFFIC_COUNT; i++)
        ck_assert_uint_gt(strlen(traffic_text((enum traffic)i)), 4);
}
END_TEST

TEST_MAIN("metrics", every_kind_is_counted, traffic_is_told_apart_by_path, figures_are_summed,
          numbers_out_of_range_do_no_harm, parts_add_up, traffic_has_names)
