#include "node/rate_limit.h"

#include "common/limits.h"
#include "tests/support/check_main.h"

#define NOW INT64_C(1567296000000)

static unsigned take_all(struct rate_limit *limit, uint32_t ip, int64_t now_ms)
{
    unsigned taken = 0;

    while (taken < 10 * LIMIT_RATE_BUCKET && rate_limit_take(limit, ip, now_ms))
        taken++;
    return taken;
}

/* A new address has a whole bucket: 600 requests at once, and not one more. */
START_TEST(rate_limit_starts_with_a_full_bucket)
{
    struct rate_limit *limit = rate_limit_new();

    ck_assert_uint_eq(take_all(limit, 1, NOW), LIMIT_RATE_BUCKET);
    ck_assert_uint_eq(take_all(limit, 2, NOW), LIMIT_RATE_BUCKET); /* another address has its own */
    rate_limit_free(limit);
}
END_TEST

/* 300 a second come back, to the token: 3 each 10 ms, and never more than a bucket. */
START_TEST(rate_limit_refills)
{
    struct rate_limit *limit = rate_limit_new();

    (void)take_all(limit, 1, NOW);
    ck_assert(!rate_limit_take(limit, 1, NOW + 3));
    ck_assert(rate_limit_take(limit, 1, NOW + 4));
    ck_assert_uint_eq(take_all(limit, 1, NOW + 10), 2);
    ck_assert_uint_eq(take_all(limit, 1, NOW + 1010), LIMIT_RATE_PER_S);
    ck_assert_uint_eq(take_all(limit, 1, NOW + 1000000), LIMIT_RATE_BUCKET);
    rate_limit_free(limit);
}
END_TEST

/* A clock that is set back neither refills nor wraps. */
START_TEST(rate_limit_survives_a_clock_set_back)
{
    struct rate_limit *limit = rate_limit_new();

    (void)take_all(limit, 1, NOW);
    ck_assert(!rate_limit_take(limit, 1, NOW - 3600000));
    ck_assert_uint_eq(take_all(limit, 1, NOW - 3600000 + 1000), LIMIT_RATE_PER_S);
    rate_limit_free(limit);
}
END_TEST

/* Addresses that came once do not pile up: full buckets go when the table wants to grow. */
START_TEST(rate_limit_forgets_full_buckets)
{
    struct rate_limit *limit = rate_limit_new();

    for (uint32_t ip = 0; ip < 100000; ip++)
        ck_assert(rate_limit_take(limit, ip, NOW + ip));
    ck_assert_uint_lt(rate_limit_tracked(limit), 200);
    rate_limit_free(limit);
}
END_TEST

/* So many at once that none is full: the one above the bound is refused, until the others' buckets are full again. */
START_TEST(rate_limit_refuses_above_its_bound)
{
    struct rate_limit *limit = rate_limit_new();

    for (uint32_t ip = 0; ip < LIMIT_RATE_CLIENTS; ip++)
        ck_assert(rate_limit_take(limit, ip, NOW));
    ck_assert_uint_eq(rate_limit_tracked(limit), LIMIT_RATE_CLIENTS);
    ck_assert(!rate_limit_take(limit, LIMIT_RATE_CLIENTS, NOW));
    ck_assert(!rate_limit_take(limit, LIMIT_RATE_CLIENTS, NOW + 3));
    ck_assert(rate_limit_take(limit, 0, NOW + 3)); /* who is known goes on */
    ck_assert(rate_limit_take(limit, LIMIT_RATE_CLIENTS, NOW + 4));
    ck_assert_uint_eq(rate_limit_tracked(limit), 2);
    rate_limit_free(limit);
}
END_TEST

/* What was learned about fullness before the clock was set back does not lock newcomers out. */
START_TEST(rate_limit_purges_after_a_clock_set_back)
{
    struct rate_limit *limit = rate_limit_new();
    const int64_t before = NOW - 3600000;

    for (uint32_t ip = 0; ip < LIMIT_RATE_CLIENTS; ip++)
        ck_assert(rate_limit_take(limit, ip, NOW));
    ck_assert(!rate_limit_take(limit, LIMIT_RATE_CLIENTS, NOW));
    ck_assert(!rate_limit_take(limit, LIMIT_RATE_CLIENTS, before));
    ck_assert(rate_limit_take(limit, LIMIT_RATE_CLIENTS, before + 4));
    rate_limit_free(limit);
}
END_TEST

/* Full buckets make room at once, also when they came after the last walk and an empty one will not be full for long.
 */
START_TEST(rate_limit_finds_full_buckets_that_came_later)
{
    struct rate_limit *limit = rate_limit_new();
    uint32_t ip = 1;

    (void)take_all(limit, 0, NOW); /* full again in two seconds */
    for (; ip < 100; ip++)
        ck_assert(rate_limit_take(limit, ip, NOW));
    for (; ip < 200; ip++)
        ck_assert(rate_limit_take(limit, ip, NOW + 10)); /* the walk: of all that came before, only the first stays */
    ck_assert_uint_le(rate_limit_tracked(limit), 101);
    while (rate_limit_tracked(limit) < LIMIT_RATE_CLIENTS)
        ck_assert(rate_limit_take(limit, ip++, NOW + 20));
    ck_assert(!rate_limit_take(limit, ip, NOW + 20)); /* all but a few took their token just now */
    ck_assert(rate_limit_take(limit, ip, NOW + 100));
    ck_assert_uint_eq(rate_limit_tracked(limit), 2);
    rate_limit_free(limit);
}
END_TEST

TEST_MAIN("rate_limit", rate_limit_starts_with_a_full_bucket, rate_limit_refills, rate_limit_survives_a_clock_set_back,
          rate_limit_forgets_full_buckets, rate_limit_refuses_above_its_bound, rate_limit_purges_after_a_clock_set_back,
          rate_limit_finds_full_buckets_that_came_later)
