#include "sim/disk_values.h"

#include <string.h>

#include "tests/support/check_main.h"

/* The same bytes are one value, as long as somebody keeps it. */
START_TEST(equal_bytes_are_one_value)
{
    struct disk_values values;
    struct disk_value *first, *second, *other;

    disk_values_init(&values);
    first = disk_value_get(&values, BYTES_LIT("a record"));
    second = disk_value_get(&values, BYTES_LIT("a record"));
    other = disk_value_get(&values, BYTES_LIT("a record!"));
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, other);
    disk_value_drop(first);
    ck_assert(bytes_equal_text(disk_value_bytes(second), "a record"));
    disk_value_drop(second);
    ck_assert(bytes_equal_text(disk_value_bytes(other), "a record!"));
    disk_value_drop(other);
    disk_values_fini(&values);
}
END_TEST

/* Values that differ far behind are found by one head, and are not the same; in whatever order they go. */
START_TEST(a_common_head_is_not_enough)
{
    struct disk_values values;
    uint8_t text[1000] = {0};
    struct disk_value *first, *second, *third;

    disk_values_init(&values);
    first = disk_value_get(&values, BYTES_OF(text));
    text[999] = 1;
    second = disk_value_get(&values, BYTES_OF(text));
    ck_assert_ptr_ne(first, second);
    ck_assert_uint_eq(disk_value_bytes(first).data[999], 0);
    ck_assert_uint_eq(disk_value_bytes(second).data[999], 1);
    disk_value_drop(second);
    text[999] = 0;
    third = disk_value_get(&values, BYTES_OF(text));
    ck_assert_ptr_eq(third, first);
    disk_value_drop(first);
    disk_value_drop(third);
    disk_values_fini(&values);
}
END_TEST

/* No value at all has no bytes, and may be dropped. */
START_TEST(nothing_is_fine)
{
    ck_assert_uint_eq(disk_value_bytes(NULL).len, 0);
    disk_value_drop(NULL);
}
END_TEST

TEST_MAIN("disk_values", equal_bytes_are_one_value, a_common_head_is_not_enough, nothing_is_fine)
