#include "sim/world.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/chatter.h"
#include "tests/support/check_main.h"

#define SECOND_US INT64_C(1000000)

static const struct chatter_config chatty = {
    .seed = 7, .seats = 200, .threads = 1, .faults = true, .charge_us_max = 200, .quiet_us = 3 * SECOND_US};

static uint64_t digest_of(const struct chatter_config *config, int64_t slice_us, uint64_t budget_ns)
{
    struct chatter *chatter = chatter_new(config);
    struct world *world = chatter_world(chatter);
    uint64_t digest;

    while (world_now_us(world) < 4 * SECOND_US) {
        int64_t until_us = world_now_us(world) + slice_us;

        world_run_until(world, until_us < 4 * SECOND_US ? until_us : 4 * SECOND_US, 0, NULL, NULL, budget_ns);
    }
    digest = world_digest(world);
    chatter_free(chatter);
    return digest;
}

/* A run is a function of its seed: the same again, another with another. */
START_TEST(the_same_seed_gives_the_same_digest)
{
    struct chatter_config other = chatty;
    uint64_t digest = digest_of(&chatty, 10 * SECOND_US, 0);

    other.seed++;
    ck_assert_uint_eq(digest_of(&chatty, 10 * SECOND_US, 0), digest);
    ck_assert_uint_ne(digest_of(&other, 10 * SECOND_US, 0), digest);
}
END_TEST

/* Which threads run what can't be observed. */
START_TEST(threads_change_nothing)
{
    struct chatter_config config = chatty;
    uint64_t digest = digest_of(&chatty, 10 * SECOND_US, 0);

    for (unsigned threads = 2; threads <= 8; threads *= 2) {
        config.threads = threads;
        ck_assert_uint_eq(digest_of(&config, 10 * SECOND_US, 0), digest);
    }
}
END_TEST

/* Nor can slices: of virtual time, which cut windows, or of real time. */
START_TEST(slices_change_nothing)
{
    struct chatter_config config = chatty;
    uint64_t digest = digest_of(&chatty, 10 * SECOND_US, 0);

    ck_assert_uint_eq(digest_of(&chatty, 377, 0), digest);
    ck_assert_uint_eq(digest_of(&chatty, 10 * SECOND_US, 1), digest);
    config.threads = 2;
    ck_assert_uint_eq(digest_of(&config, 1777, 1), digest);
}
END_TEST

/* Threads take part in the test above only if the work pays: there it does. */
START_TEST(many_threads_are_used_when_they_pay)
{
    struct chatter_config config = chatty;
    struct chatter *chatter;
    struct world_stats stats;

    config.threads = 4;
    config.seats = 2000;
    config.quiet_us = SECOND_US;
    chatter = chatter_new(&config);
    world_run_until(chatter_world(chatter), SECOND_US, 0, NULL, NULL, 0);
    world_stats(chatter_world(chatter), &stats);
    ck_assert_uint_gt(stats.parallel_windows, 0);
    ck_assert_uint_eq(stats.seats, 2000);
    chatter_free(chatter);
}
END_TEST

/* Every call ends exactly once, every request is answered once or gone once, whatever is cancelled, lost, cut off or
 * killed. That each happens at most once is asserted by the machines themselves. */
static void check_balance(uint64_t seed)
{
    struct chatter_config config = chatty;
    struct chatter_counts counts;
    struct chatter *chatter;
    uint64_t ended = 0;

    config.seed = seed;
    config.seats = 60;
    chatter = chatter_new(&config);
    world_run_until(chatter_world(chatter), 40 * SECOND_US, 0, NULL, NULL, 0);
    chatter_counts(chatter, &counts);
    for (size_t i = 0; i < ARRAY_LEN(counts.ended); i++) {
        ck_assert_uint_gt(counts.ended[i], 0);
        ended += counts.ended[i];
    }
    ck_assert_uint_gt(counts.crashes, 0);
    ck_assert_uint_gt(counts.calls_died, 0);
    ck_assert_uint_gt(counts.gone, 0);
    ck_assert_uint_eq(counts.calls_open, 0);
    ck_assert_uint_eq(counts.requests_open, 0);
    ck_assert_uint_eq(counts.calls, ended + counts.calls_died);
    ck_assert_uint_eq(counts.requests, counts.answered + counts.gone + counts.requests_died);
    chatter_free(chatter);
}

START_TEST(every_call_ends_once)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        check_balance(seed);
}
END_TEST

/* Two worlds in one process, run in turns, are two worlds. */
START_TEST(two_worlds_do_not_meet)
{
    struct chatter_config config = chatty;
    uint64_t digest = digest_of(&chatty, 10 * SECOND_US, 0);
    struct chatter *one = chatter_new(&chatty), *other;

    config.seed++;
    other = chatter_new(&config);
    for (int64_t us = 0; us <= 4 * SECOND_US; us += SECOND_US / 10) {
        world_run_until(chatter_world(one), us, 0, NULL, NULL, 0);
        world_run_until(chatter_world(other), us, 0, NULL, NULL, 0);
    }
    ck_assert_uint_eq(world_digest(chatter_world(one)), digest);
    chatter_free(one);
    chatter_free(other);
}
END_TEST

/* One call fewer changes the digest. */
START_TEST(a_dropped_call_changes_the_digest)
{
    uint64_t digests[2];

    for (uint32_t dropped = 0; dropped < 2; dropped++) {
        struct chatter *chatter = chatter_new(&chatty);

        world_run_until(chatter_world(chatter), SECOND_US, 0, NULL, NULL, 0);
        world_drop_calls(chatter_world(chatter), 3, dropped);
        world_run_until(chatter_world(chatter), 2 * SECOND_US, 0, NULL, NULL, 0);
        digests[dropped] = world_digest(chatter_world(chatter));
        chatter_free(chatter);
    }
    ck_assert_uint_ne(digests[0], digests[1]);
}
END_TEST

/* The trace as a sink hears it, folded into one number; its order is checked on the way. */
struct heard {
    uint64_t sum, count;
    int64_t at_us;
    uint32_t seat;
    uint64_t index;
    bool ordered;
};

static void hear(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct heard *heard = owner;

    if (heard->count > 0 && at_us == heard->at_us)
        heard->ordered &= seat > heard->seat || (seat == heard->seat && index > heard->index);
    heard->ordered &= at_us >= heard->at_us;
    heard->sum = heard->sum * 31 + (uint64_t)at_us + seat + index + record->n[0] + record->n[2] + record->b[0].len;
    heard->count++;
    heard->at_us = at_us;
    heard->seat = seat;
    heard->index = index;
    ck_assert(record->kind == TRACE_CALL || record->kind == TRACE_REQUEST);
}

/* A sink hears the kinds that it wants, in total order, the same on any number of threads. */
START_TEST(sinks_hear_one_story)
{
    struct chatter_config config = chatty;
    struct heard heard[2];

    config.faults = false;
    for (size_t i = 0; i < 2; i++) {
        struct trace_sink sink = {&heard[i], TRACE_BIT(TRACE_CALL) | TRACE_BIT(TRACE_REQUEST), hear};
        struct chatter *chatter;

        heard[i] = (struct heard){.ordered = true};
        config.threads = i == 0 ? 1 : 4;
        chatter = chatter_new(&config);
        world_add_sink(chatter_world(chatter), &sink);
        world_run_until(chatter_world(chatter), SECOND_US, 0, NULL, NULL, 0);
        chatter_free(chatter);
        ck_assert(heard[i].ordered);
    }
    ck_assert_uint_gt(heard[0].count, 1000);
    ck_assert_uint_eq(heard[0].count, heard[1].count);
    ck_assert_uint_eq(heard[0].sum, heard[1].sum);
}
END_TEST

/* From here on: one world with a machine that only writes down what happens to it. */

struct scribe {
    struct env *env;
    struct world *world;
    char story[200];
};

static void note(struct scribe *scribe, const char *what)
{
    size_t len = strlen(scribe->story);

    snprintf(scribe->story + len, sizeof(scribe->story) - len, "%s@%d ", what, (int)(world_now_us(scribe->world)));
}

static void no_request(void *machine, struct incoming *incoming)
{
    (void)machine;
    (void)incoming;
    ck_abort();
}

static void keep(void *machine)
{
    (void)machine;
}

static const struct seat_handler scribe_handler = {no_request, keep};

static struct world *scribe_world(struct scribe *scribe)
{
    struct network_config network;
    struct world *world;
    struct seat_config seat = {.address = {1, 1}, .cpu_percent = 100};

    network_config_default(&network);
    world = world_new(&(struct world_config){
        .seed = 1, .threads = 1, .epoch_ms = 1000, .costs = costs_default(), .network = &network});
    *scribe = (struct scribe){.world = world};
    scribe->env = world_env(world, world_add_seat(world, &seat));
    world_occupy(world, 0, &scribe_handler, scribe);
    return world;
}

static struct scribe *the_scribe(struct world *world)
{
    return world_machine(world, 0);
}

static void control_a(struct world *world, void *owner)
{
    (void)owner;
    note(the_scribe(world), "a");
}

static void control_b(struct world *world, void *owner)
{
    (void)owner;
    note(the_scribe(world), "b");
    world_control_at(world, world_now_us(world), control_a, NULL);
}

static void input(void *machine, void *owner)
{
    struct scribe *scribe = machine;
    size_t len = strlen(scribe->story);

    snprintf(scribe->story + len, sizeof(scribe->story) - len, "%s ", (const char *)owner);
}

/* Control events run at their exact times, in the order in which they were asked for, before what endpoints do at that
 * time. One at the very end of a run still belongs to it; an endpoint's event there does not. */
START_TEST(control_events_come_first)
{
    struct scribe scribe;
    struct world *world = scribe_world(&scribe);
    static char in[] = "in";

    world_input_at(world, 0, 500, input, in);
    world_control_at(world, 777, control_a, NULL);
    world_control_at(world, 500, control_b, NULL);
    world_control_at(world, 500, control_a, NULL);
    world_run_until(world, 500, 0, NULL, NULL, 0);
    ck_assert_str_eq(scribe.story, "b@500 a@500 a@500 ");
    ck_assert_int_eq(world_now_us(world), 500);
    world_run_until(world, 776, 0, NULL, NULL, 0);
    ck_assert_str_eq(scribe.story, "b@500 a@500 a@500 in ");
    world_run_until(world, 2000, 0, NULL, NULL, 0);
    ck_assert_str_eq(scribe.story, "b@500 a@500 a@500 in a@777 ");
    ck_assert_int_eq(world_now_us(world), 2000);
    ck_assert_int_eq(world_now_ms(world), 1002);
    world_free(world);
}
END_TEST

/* Inputs of one time come in the order in which they were given; none comes to an empty seat. */
START_TEST(inputs_keep_their_order)
{
    struct scribe scribe;
    struct world *world = scribe_world(&scribe);
    static char x[] = "x", y[] = "y", z[] = "z";

    world_input_at(world, 0, 20, input, z);
    world_input_at(world, 0, 10, input, y);
    world_input_at(world, 0, 10, input, x);
    world_run_until(world, 20, 0, NULL, NULL, 0);
    ck_assert_str_eq(scribe.story, "y x ");
    world_crash(world, 0);
    world_run_until(world, 30, 0, NULL, NULL, 0);
    ck_assert_str_eq(scribe.story, "y x ");
    world_enter(world, 0, input, z);
    ck_assert_str_eq(scribe.story, "y x ");
    ck_assert(!world_occupied(world, 0));
    world_free(world);
}
END_TEST

struct question {
    struct world *world;
    unsigned asked;
    int64_t asked_us[64];
    int64_t yes_us;
};

static bool ask(void *owner)
{
    struct question *question = owner;

    question->asked_us[question->asked++] = world_now_us(question->world);
    return world_now_us(question->world) >= question->yes_us;
}

static void nothing(void *machine, void *owner)
{
    (void)machine;
    (void)owner;
}

/* A predicate is asked at once and then at exact intervals; the run ends where it says yes. */
START_TEST(a_predicate_ends_the_run)
{
    struct scribe scribe;
    struct world *world = scribe_world(&scribe);
    struct question question = {.world = world, .yes_us = 2500};

    world_run_until(world, 50, 0, NULL, NULL, 0);
    ck_assert(world_run_until(world, 10000, 1000, ask, &question, 0));
    ck_assert_uint_eq(question.asked, 4);
    ck_assert_int_eq(question.asked_us[0], 50);
    ck_assert_int_eq(question.asked_us[3], 3050);
    ck_assert_int_eq(world_now_us(world), 3050);
    question.yes_us = 100000;
    ck_assert(!world_run_until(world, 4000, 1000, ask, &question, 0));
    ck_assert_int_eq(world_now_us(world), 4000);
    world_free(world);
}
END_TEST

/* A run that is interrupted, and goes on, asks at the same times as one that is not. */
START_TEST(an_interrupted_run_asks_at_the_same_times)
{
    struct scribe scribe;
    struct world *world = scribe_world(&scribe);
    struct question question = {.world = world, .yes_us = 400000};
    unsigned slices = 0;

    for (int64_t us = 0; us < 600000; us += 300)
        world_input_at(world, 0, us, nothing, NULL);
    while (!world_run_until(world, 1000000, 100000, ask, &question, 1)) /* spent whenever it looks at its clock */
        ck_assert_uint_lt(++slices, 100);
    ck_assert_uint_gt(slices, 2);
    ck_assert_uint_eq(question.asked, 5);
    for (unsigned i = 0; i < question.asked; i++)
        ck_assert_int_eq(question.asked_us[i], i * 100000);
    world_free(world);
}
END_TEST

/* An address names one seat. */
START_TEST(seats_are_found_by_address)
{
    struct scribe scribe;
    struct world *world = scribe_world(&scribe);
    struct seat_config seat = {.address = {1, 2}, .cpu_percent = 50, .shard = 15};

    for (uint16_t i = 0; i < 600; i++) {
        seat.address.port = (uint16_t)(i + 2);
        ck_assert_uint_eq(world_add_seat(world, &seat), i + 1u);
    }
    ck_assert_uint_eq(world_seat_count(world), 601);
    ck_assert_uint_eq(world_seat_at(world, (struct address){1, 300}), 299);
    ck_assert_uint_eq(world_seat_at(world, (struct address){2, 300}), SEAT_NONE);
    ck_assert_uint_eq(world_address(world, 299).port, 300);
    ck_assert_ptr_eq(world_machine(world, 299), NULL);
    world_free(world);
}
END_TEST

TEST_MAIN("world", the_same_seed_gives_the_same_digest, threads_change_nothing, slices_change_nothing,
          many_threads_are_used_when_they_pay, every_call_ends_once, two_worlds_do_not_meet,
          a_dropped_call_changes_the_digest, sinks_hear_one_story, control_events_come_first, inputs_keep_their_order,
          a_predicate_ends_the_run, an_interrupted_run_asks_at_the_same_times, seats_are_found_by_address)
