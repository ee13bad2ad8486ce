#include "common/trace.h"

#include <string.h>

#include "tests/support/check_main.h"

/* Names become the keys of one JSON object and of metrics: two equal ones in a record would hide a value. */
START_TEST(names_are_unique)
{
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        const struct trace_kind_info *info = &trace_kinds[kind];
        const char *names[6] = {info->n[0], info->n[1], info->n[2], info->n[3], info->b[0], info->b[1]};
        ck_assert_ptr_nonnull(info->name);
        for (int other = 0; other < kind; other++)
            ck_assert_str_ne(info->name, trace_kinds[other].name);
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < i; j++)
                ck_assert_msg(names[i] == NULL || names[j] == NULL || strcmp(names[i], names[j]) != 0, "%s: %s",
                              info->name, names[i]);
    }
}
END_TEST

/* A number whose name is missing before one that has a name would be a slip in the table. */
START_TEST(unused_numbers_come_last)
{
    for (int kind = 0; kind < TRACE_KIND_COUNT; kind++)
        for (int i = 1; i < 4; i++)
            ck_assert_msg(trace_kinds[kind].n[i] == NULL || trace_kinds[kind].n[i - 1] != NULL, "%s",
                          trace_kinds[kind].name);
}
END_TEST

START_TEST(every_cause_has_its_word)
{
    for (int i = 0; i < CAUSE_COUNT; i++) {
        ck_assert_ptr_nonnull(trace_cause_text((enum trace_cause)i));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(trace_cause_text((enum trace_cause)i), trace_cause_text((enum trace_cause)j));
    }
}
END_TEST

TEST_MAIN("trace", names_are_unique, unused_numbers_come_last, every_cause_has_its_word)
