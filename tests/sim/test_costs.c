#include "sim/costs.h"

#include <string.h>

#include "sim/assets.h"
#include "tests/support/check_main.h"

static const char whole_table[] = "request 1 1\ncall 2 1\nx25519 3 1\nsign 4 1\nseal 5 1\nparse 6 1\n"
                                  "pow_trial 7 1000\npow_check 8 1\nstore 9 1";

/* Parses a copy of the whole table with `from` replaced by `to`. */
static enum err parse_with(const char *from, const char *to, const char *why)
{
    struct cost_table table;
    struct buf text, said;
    const char *at = strstr(whole_table, from);
    enum err err;

    buf_init(&text, 1000);
    buf_init(&said, 1000);
    ck_assert_ptr_nonnull(at);
    buf_append(&text, (struct bytes){(const uint8_t *)whole_table, (size_t)(at - whole_table)});
    buf_text(&text, to);
    buf_text(&text, at + strlen(from));
    err = costs_parse(buf_bytes(&text), &table, &said);
    ck_assert(bytes_equal_text(buf_bytes(&said), why));
    buf_fini(&text);
    buf_fini(&said);
    return err;
}

START_TEST(the_table_is_read)
{
    struct cost_table table;
    struct buf why;

    buf_init(&why, 100);
    ck_assert_int_eq(costs_parse(bytes_text(whole_table), &table, &why), OK);
    ck_assert_uint_eq(table.row[COST_REQUEST].us, 1);
    ck_assert_uint_eq(table.row[COST_POW_TRIAL].us, 7);
    ck_assert_uint_eq(table.row[COST_POW_TRIAL].units, 1000);
    ck_assert_uint_eq(table.row[COST_STORE].us, 9);
    buf_fini(&why);
    ck_assert_int_eq(parse_with("call 2 1\n", "# note\n\n  call\t2 1 # two\r\n", ""), OK);
}
END_TEST

START_TEST(wrong_tables_are_refused)
{
    ck_assert_int_eq(parse_with("store 9 1", "", "the row store is missing"), ERR_MISSING);
    ck_assert_int_eq(parse_with("sign", "sing", "line 4: expected `name microseconds units` with a known name"),
                     ERR_FORMAT);
    ck_assert_int_eq(
        parse_with("sign 4 1", "sign 4 1 1", "line 4: expected `name microseconds units` with a known name"),
        ERR_FORMAT);
    ck_assert_int_eq(parse_with("sign", "call", "line 4: call stands there twice"), ERR_FORMAT);
    ck_assert_int_eq(parse_with("sign 4 1", "sign 4 0",
                                "line 4: sign needs microseconds from 0 and units from 1, both to 1000000000"),
                     ERR_RANGE);
    ck_assert_int_eq(parse_with("sign 4 1", "sign 1000000001 1",
                                "line 4: sign needs microseconds from 0 and units from 1, both to 1000000000"),
                     ERR_RANGE);
    ck_assert_int_eq(parse_with("sign 4 1", "sign 1000000000 1", ""), OK);
    ck_assert_int_ne(
        parse_with("sign 4 1", "sign 4", "line 4: sign needs microseconds from 0 and units from 1, both to 1000000000"),
        OK);
    ck_assert_int_ne(parse_with("sign 4 1", "sign -4 1",
                                "line 4: sign needs microseconds from 0 and units from 1, both to 1000000000"),
                     OK);
}
END_TEST

/* The constant that the program starts with is the checked-in file. */
START_TEST(the_built_in_table_is_the_file)
{
    struct cost_table table;
    struct buf why;

    buf_init(&why, 100);
    ck_assert_int_eq(costs_parse(assets_find("data/costs.txt"), &table, &why), OK);
    ck_assert_mem_eq(&table, costs_default(), sizeof(table));
    buf_fini(&why);
}
END_TEST

/* Units are counted exactly, a slower machine takes longer, and no charge overflows. */
START_TEST(costs_are_exact)
{
    struct cost_table table = {
        .row = {[COST_POW_TRIAL] = {300, 1000}, [COST_SIGN] = {1000000000, 1}, [COST_SEAL] = {0, 1}}};

    ck_assert_int_eq(costs_ns(&table, COST_POW_TRIAL, 1, 100), 300);
    ck_assert_int_eq(costs_ns(&table, COST_POW_TRIAL, 7, 100), 2100);
    ck_assert_int_eq(costs_ns(&table, COST_POW_TRIAL, 7, 40), 5250);
    ck_assert_int_eq(costs_ns(&table, COST_POW_TRIAL, 0, 100), 0);
    ck_assert_int_eq(costs_ns(&table, COST_SEAL, 1000, 100), 0);
    ck_assert_int_gt(costs_ns(&table, COST_SIGN, UINT32_MAX, 1), 0);
}
END_TEST

TEST_MAIN("costs", the_table_is_read, wrong_tables_are_refused, the_built_in_table_is_the_file, costs_are_exact)
