#include "sim/mt19937_64.h"

#include "tests/support/check_main.h"

/* The generator is the C++ library's: its published first and 10000th number of the default seed. */
START_TEST(mt19937_64_agrees_with_the_standard)
{
    struct mt19937_64 mt;
    uint64_t last = 0;

    mt19937_64_init(&mt, 5489);
    ck_assert_uint_eq(mt19937_64_next(&mt), UINT64_C(14514284786278117030));
    for (int i = 2; i <= 10000; i++)
        last = mt19937_64_next(&mt);
    ck_assert_uint_eq(last, UINT64_C(9981545732273789042));
}
END_TEST

START_TEST(mt19937_64_depends_on_its_seed)
{
    struct mt19937_64 mt;

    mt19937_64_init(&mt, 1);
    ck_assert_uint_eq(mt19937_64_next(&mt), UINT64_C(2469588189546311528));
    ck_assert_uint_eq(mt19937_64_next(&mt), UINT64_C(2516265689700432462));
    ck_assert_uint_eq(mt19937_64_next(&mt), UINT64_C(8323445853463659930));
}
END_TEST

/* The bounded draw divides; a draw by remainder would begin 8, 2, 0. */
START_TEST(mt19937_64_draw_divides)
{
    static const uint64_t expected[] = {1, 1, 4, 0, 3, 9, 4, 0, 5, 6};
    struct mt19937_64 mt;

    mt19937_64_init(&mt, 1);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        ck_assert_uint_eq(mt19937_64_draw(&mt, 10), expected[i]);
}
END_TEST

/* Numbers at or above max - max mod n are thrown away: with n just above a half of the range that is nearly every other
 * one. */
START_TEST(mt19937_64_draw_throws_away_what_would_bias)
{
    const uint64_t n = (UINT64_C(1) << 63) + 1;
    struct mt19937_64 raw, bounded;

    mt19937_64_init(&raw, 7);
    mt19937_64_init(&bounded, 7);
    for (int i = 0; i < 100; i++) {
        uint64_t x;
        do {
            x = mt19937_64_next(&raw);
        } while (x >= n); /* max - max mod n is n here, and the divisor 1 */
        ck_assert_uint_eq(mt19937_64_draw(&bounded, n), x);
    }
    /* The number of raw numbers used is the same: the streams go on together. */
    ck_assert_uint_eq(mt19937_64_next(&raw), mt19937_64_next(&bounded));
}
END_TEST

START_TEST(mt19937_64_draw_of_one_is_zero_and_uses_a_number)
{
    struct mt19937_64 raw, bounded;

    mt19937_64_init(&raw, 3);
    mt19937_64_init(&bounded, 3);
    ck_assert_uint_eq(mt19937_64_draw(&bounded, 1), 0);
    mt19937_64_next(&raw);
    ck_assert_uint_eq(mt19937_64_next(&raw), mt19937_64_next(&bounded));
}
END_TEST

TEST_MAIN("mt19937_64", mt19937_64_agrees_with_the_standard, mt19937_64_depends_on_its_seed, mt19937_64_draw_divides,
          mt19937_64_draw_throws_away_what_would_bias, mt19937_64_draw_of_one_is_zero_and_uses_a_number)
