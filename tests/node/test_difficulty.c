#include "node/difficulty.h"

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

#define T FAKE_EPOCH_MS

static struct fake_env fake;

static void start(struct difficulty *difficulty, uint64_t initial)
{
    fake_env_init(&fake, 1);
    difficulty_init(difficulty, &fake.env, initial);
}

static void end(struct difficulty *difficulty)
{
    difficulty_fini(difficulty);
    fake_env_fini(&fake);
}

/* Before the first reading the initial value holds for all, direct or relayed. */
START_TEST(difficulty_starts_with_the_initial_value)
{
    struct difficulty difficulty;

    start(&difficulty, 3);
    ck_assert_uint_eq(difficulty_now(&difficulty), 3);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T), 3);
    difficulty_read(&difficulty, NULL, 0);
    ck_assert_uint_eq(difficulty_now(&difficulty), 3);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T), 3);
    ck_assert_uint_eq(fake_env_traces(&fake, TRACE_DIFFICULTY), 0);
    end(&difficulty);
}
END_TEST

/* The current one is the entry with the largest time, and every change of it is told once. */
START_TEST(difficulty_follows_the_newest_entry)
{
    const struct pow_record records[] = {{0, 1}, {T, 10}, {T + 5, 7}};
    struct difficulty difficulty;

    start(&difficulty, 1);
    difficulty_read(&difficulty, records, 1);
    ck_assert_uint_eq(fake_env_traces(&fake, TRACE_DIFFICULTY), 0); /* still 1 from time 0 */
    difficulty_read(&difficulty, records, 2);
    ck_assert_uint_eq(difficulty_now(&difficulty), 10);
    difficulty_read(&difficulty, records, 3);
    difficulty_read(&difficulty, records, 3);
    ck_assert_uint_eq(difficulty_now(&difficulty), 7);
    ck_assert_uint_eq(fake_env_traces(&fake, TRACE_DIFFICULTY), 2);
    ck_assert_uint_eq(fake_env_last_trace(&fake, TRACE_DIFFICULTY)->n[0], 7);
    ck_assert_uint_eq(fake_env_last_trace(&fake, TRACE_DIFFICULTY)->n[1], T + 5);
    end(&difficulty);
}
END_TEST

/* An older record replaces the history, but never takes the current difficulty back in time. */
START_TEST(difficulty_never_moves_back_in_time)
{
    const struct pow_record now[] = {{0, 1}, {T, 10}}, older[] = {{0, 2}};
    struct difficulty difficulty;

    start(&difficulty, 1);
    difficulty_read(&difficulty, now, 2);
    difficulty_read(&difficulty, older, 1);
    ck_assert_uint_eq(difficulty_now(&difficulty), 10);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T), 2);
    end(&difficulty);
}
END_TEST

/* A relayed message is measured by the history around its own time. */
START_TEST(difficulty_is_lenient_around_a_change)
{
    const struct pow_record records[] = {{0, 1}, {T, 100}};
    struct difficulty difficulty;

    start(&difficulty, 1);
    difficulty_read(&difficulty, records, 2);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T - 1), 1);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T), 1);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T + POW_LENIENCY_MS + 1), 100);
    end(&difficulty);
}
END_TEST

/* A hostile or very old record costs bounded memory: the newest entries count. */
START_TEST(difficulty_keeps_the_newest_entries)
{
    struct pow_record records[LIMIT_DIFFICULTY_RECORDS + 1];
    struct difficulty difficulty;

    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        records[i] = (struct pow_record){T + (int64_t)i * 2 * POW_LENIENCY_MS, i + 1};
    start(&difficulty, 1);
    difficulty_read(&difficulty, records, ARRAY_LEN(records));
    ck_assert_uint_eq(difficulty_now(&difficulty), ARRAY_LEN(records));
    ck_assert_uint_eq(difficulty_relayed(&difficulty, T), UINT64_MAX);
    ck_assert_uint_eq(difficulty_relayed(&difficulty, records[2].from_ms), 2);
    end(&difficulty);
}
END_TEST

TEST_MAIN("difficulty", difficulty_starts_with_the_initial_value, difficulty_follows_the_newest_entry,
          difficulty_never_moves_back_in_time, difficulty_is_lenient_around_a_change,
          difficulty_keeps_the_newest_entries)
