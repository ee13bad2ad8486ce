#include "sim/pace.h"

#include "common/err.h"
#include "tests/support/check_main.h"

#define S UINT64_C(1000000000) /* in nanoseconds */

/* Virtual time runs so many times as fast as the clock, from where it began. */
START_TEST(pace_follows_the_clock)
{
    struct pace pace;

    pace_init(&pace, 5 * S, 700, 1000);
    ck_assert_int_eq(pace_target_us(&pace, 5 * S), 700);
    ck_assert_int_eq(pace_target_us(&pace, 5 * S + 1999), 701);
    ck_assert_int_eq(pace_target_us(&pace, 65 * S), 60000700);
    pace_set_speed(&pace, 65 * S, 2500);
    ck_assert_int_eq(pace_target_us(&pace, 67 * S), 65000700);
    pace_set_speed(&pace, 67 * S, 1);
    ck_assert_int_eq(pace_target_us(&pace, 68 * S), 65001700);
    /* centuries at full speed */
    pace_init(&pace, 0, 0, PACE_SPEED_MILLI_MAX);
    ck_assert_int_eq(pace_target_us(&pace, 1000000 * S), INT64_C(1000000) * 1000000 * 1000000);
}
END_TEST

/* One waits until the time is reached, and not a nanosecond less. */
START_TEST(pace_waits_for_what_is_due)
{
    struct pace pace;
    const uint32_t speeds_milli[] = {1, 300, 1000, 60000};

    for (size_t i = 0; i < ARRAY_LEN(speeds_milli); i++) {
        uint64_t wait_ns;

        pace_init(&pace, S, 0, speeds_milli[i]);
        wait_ns = pace_wait_ns(&pace, S, 60000);
        ck_assert_int_ge(pace_target_us(&pace, S + wait_ns + 1), 60000);
        ck_assert_int_lt(pace_target_us(&pace, S + wait_ns - 1), 60000);
    }
    ck_assert_uint_eq(pace_wait_ns(&pace, 2 * S, 60000), 0);
    ck_assert_uint_ne(pace_wait_ns(&pace, S, INT64_MAX), 0);
    ck_assert_uint_ne(pace_wait_ns(&pace, S, INT64_MAX), UINT64_MAX);
}
END_TEST

/* A paused world stands still, takes steps, and goes on from there without making up for the pause. */
START_TEST(pace_pauses_and_steps)
{
    struct pace pace;

    pace_init(&pace, 0, 0, 1000);
    pace_pause(&pace, S);
    ck_assert_int_eq(pace_target_us(&pace, 9 * S), 1000000);
    ck_assert_uint_eq(pace_wait_ns(&pace, 9 * S, 1000001), UINT64_MAX);
    pace_step(&pace, 250);
    ck_assert_int_eq(pace_target_us(&pace, 9 * S), 1000250);
    ck_assert_uint_eq(pace_wait_ns(&pace, 9 * S, 1000250), 0);
    pace_set_speed(&pace, 9 * S, 2000);
    ck_assert_int_eq(pace_target_us(&pace, 10 * S), 1000250);
    pace_resume(&pace, 20 * S);
    ck_assert_int_eq(pace_target_us(&pace, 21 * S), 3000250);
}
END_TEST

TEST_MAIN("pace", pace_follows_the_clock, pace_waits_for_what_is_due, pace_pauses_and_steps)
