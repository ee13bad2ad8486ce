#include "sim/assets.h"

#include <string.h>

#include "tests/support/check_main.h"

/* Files are found by their paths below sim/, each followed by a zero. */
START_TEST(files_are_found_by_name)
{
    struct bytes costs = assets_find("data/costs.txt");

    ck_assert_ptr_nonnull(costs.data);
    ck_assert_uint_eq(strlen((const char *)costs.data), costs.len);
    ck_assert_ptr_nonnull(assets_find("scenarios/tour.lua").data);
    ck_assert_ptr_eq(assets_find("costs.txt").data, NULL);
    ck_assert_ptr_eq(assets_find("").data, NULL);
}
END_TEST

START_TEST(names_ascend)
{
    for (size_t i = 1; i < asset_count; i++)
        ck_assert_int_lt(strcmp(assets[i - 1].name, assets[i].name), 0);
}
END_TEST

TEST_MAIN("assets", files_are_found_by_name, names_ascend)
