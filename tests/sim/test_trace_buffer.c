#include "sim/trace_buffer.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check_main.h"

static char told[200];

static void tell(void *owner, const struct buffered *record)
{
    size_t len = strlen(told);

    ck_assert_ptr_eq(owner, told);
    snprintf(told + len, sizeof(told) - len, "%d.%u.%u%.*s ", (int)record->at_us, record->seat, (unsigned)record->index,
             (int)record->record.b[0].len, (const char *)record->record.b[0].data);
}

static void add(struct trace_buffer *buffer, int64_t at_us, uint32_t seat, uint64_t index, const char *text)
{
    char copy[10];

    snprintf(copy, sizeof(copy), "%s", text);
    trace_buffer_add(buffer, at_us, seat, index,
                     &(struct trace_record){.kind = TRACE_CALL, .b = {bytes_text(copy), BYTES_NONE}});
    memset(copy, 0, sizeof(copy));
}

/* Records of all buffers are told by time, then seat, then index, with bytes of their own; and told once. */
START_TEST(buffers_are_told_in_order)
{
    struct trace_buffer one, two;
    struct trace_buffer *const both[] = {&one, &two};

    trace_buffer_init(&one);
    trace_buffer_init(&two);
    add(&one, 5, 1, 10, "a");
    add(&one, 7, 1, 11, "b");
    add(&two, 5, 0, 4, "c");
    add(&two, 5, 0, 3, "d");
    add(&two, 2, 9, 1, "");
    trace_buffers_drain(both, 2, tell, told);
    ck_assert_str_eq(told, "2.9.1 5.0.3d 5.0.4c 5.1.10a 7.1.11b ");
    trace_buffers_drain(both, 2, tell, told);
    add(&one, 8, 1, 12, "e");
    trace_buffers_drain(both, 2, tell, told);
    ck_assert_str_eq(told, "2.9.1 5.0.3d 5.0.4c 5.1.10a 7.1.11b 8.1.12e ");
    trace_buffer_fini(&one);
    trace_buffer_fini(&two);
}
END_TEST

TEST_MAIN("trace_buffer", buffers_are_told_in_order)
