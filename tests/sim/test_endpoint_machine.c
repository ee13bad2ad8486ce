/* The promises of env.h about what belongs to one machine: timers, the CPU, the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/puppets.h"

/* ---- timers ---- */

static void note_timer(struct puppet *puppet, const char *name)
{
    size_t len = strlen(puppet->fired);

    ck_assert(!puppet->inside);
    snprintf(puppet->fired + len, sizeof(puppet->fired) - len, "%s@%d ", name, (int)puppet_now_ms(puppet));
}

static void on_first(struct timer *timer)
{
    struct puppet *puppet = CONTAINER_OF(timer, struct puppet, timers[0]);

    ck_assert(!timer_running(timer));
    note_timer(puppet, "first");
    env_timer_stop(puppet->env, &puppet->timers[1]);
}

static void on_second(struct timer *timer)
{
    note_timer(CONTAINER_OF(timer, struct puppet, timers[1]), "second");
}

static void on_third(struct timer *timer)
{
    note_timer(CONTAINER_OF(timer, struct puppet, timers[2]), "third");
}

static void start_timers(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    puppet->inside = true;
    env_timer_stop(puppet->env, &puppet->timers[0]);
    env_timer_start(puppet->env, &puppet->timers[0], 10, on_first);
    env_timer_start(puppet->env, &puppet->timers[1], 10, on_second);
    env_timer_start(puppet->env, &puppet->timers[2], 0, on_second);
    env_timer_start(puppet->env, &puppet->timers[2], 20, on_third);
    puppet->inside = false;
    ck_assert(timer_running(&puppet->timers[2]));
}

/* A timer runs once at its time; one that was stopped does not, though it was due already; one that was restarted runs
 * at the new time only. */
START_TEST(timers_run_stop_and_restart)
{
    puppets_begin(serve_ok);
    run_to_ms(3);
    world_enter(puppet_world, CALLER, start_timers, NULL);
    run_to_ms(100);
    ck_assert_str_eq(puppets[CALLER].fired, "first@13 third@23 ");
    puppets_end();
}
END_TEST

static void start_zero(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_timer_start(puppet->env, &puppet->timers[2], 0, on_third);
    ck_assert_str_eq(puppet->fired, "");
}

/* A delay of nothing is still later than the handler that asked for it. */
START_TEST(a_timer_of_no_delay_runs_next)
{
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, start_zero, NULL);
    run_to_ms(1);
    ck_assert_str_eq(puppets[CALLER].fired, "third@0 ");
    puppets_end();
}
END_TEST

/* A clock that is wrong is wrong for its own machine only, and timers do not mind. */
START_TEST(a_skewed_clock_is_ones_own)
{
    puppets_begin(serve_ok);
    world_set_clock_skew(puppet_world, CALLER, -7000);
    ck_assert_int_eq(env_now_ms(world_env(puppet_world, CALLER)), -7000);
    ck_assert_int_eq(env_now_ms(world_env(puppet_world, CALLEE)), 0);
    world_enter(puppet_world, CALLER, start_timers, NULL);
    run_to_ms(11);
    ck_assert_str_eq(puppets[CALLER].fired, "first@-6990 ");
    puppets_end();
}
END_TEST

/* ---- the CPU ---- */

static void serve_slowly(struct puppet *puppet, struct incoming *incoming)
{
    int64_t at_ms = puppet_now_ms(puppet);

    env_answer_text(puppet->env, incoming, 200, "slow");
    env_charge(puppet->env, COST_REQUEST, 20);
    ck_assert_int_eq(puppet_now_ms(puppet), at_ms);
}

/* A handler sees the time at which it started; what it sends leaves when its charges are done; the next starts then. */
START_TEST(work_takes_its_time)
{
    puppets_begin(serve_slowly);
    world_enter(puppet_world, CALLER, make_call, NULL);
    world_enter(puppet_world, OTHER, make_call, NULL);
    run_to_ms(500);
    ck_assert_int_eq(puppets[CALLER].done_ms, WAY_MS + 20 + WAY_MS);
    ck_assert_int_eq(puppets[CALLEE].request_ms, WAY_MS + 20);
    ck_assert_int_eq(puppets[OTHER].done_ms, WAY_MS + 40 + WAY_MS);
    puppets_end();
}
END_TEST

static void timers_and_work(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    start_timers(machine, owner);
    env_charge(puppet->env, COST_REQUEST, 15);
}

/* Timers wait for the CPU as all else does; what they stop while they wait does not run. */
START_TEST(timers_wait_for_the_cpu)
{
    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, timers_and_work, NULL);
    run_to_ms(100);
    ck_assert_str_eq(puppets[CALLER].fired, "first@15 third@20 ");
    puppets_end();
}
END_TEST

static unsigned answers[2];

static void count_status(struct call *call)
{
    ck_assert_int_eq(call->net, NET_OK);
    ck_assert(call->in.status == 200 || call->in.status == 503);
    answers[call->in.status == 503]++;
}

static void call_often(void *machine, void *owner)
{
    struct puppet *puppet = machine;
    struct call *calls = owner;

    for (uint32_t i = 0; i < LIMIT_RUN_QUEUE + 3; i++) {
        calls[i] = (struct call){.to = address_at(CALLEE), .timeout_ms = 1000000000};
        env_call(puppet->env, &calls[i], count_status);
    }
}

/* One runs, so many wait, and the rest is turned away at once. */
START_TEST(a_full_queue_answers_503)
{
    struct call *calls = xcalloc(LIMIT_RUN_QUEUE + 3, sizeof(*calls));
    struct world_stats stats;

    puppets_begin(serve_slowly);
    answers[0] = answers[1] = 0;
    world_enter(puppet_world, CALLER, call_often, calls);
    run_to_ms(WAY_MS + WAY_MS + 1);
    ck_assert_uint_eq(answers[1], 2);
    ck_assert_uint_eq(answers[0], 0);
    run_to_ms(20 * (LIMIT_RUN_QUEUE + 10));
    ck_assert_uint_eq(answers[1], 2);
    ck_assert_uint_eq(answers[0], LIMIT_RUN_QUEUE + 1);
    world_stats(puppet_world, &stats);
    ck_assert_uint_eq(stats.overloads, 2);
    puppets_end();
    free(calls);
}
END_TEST

/* A machine that dies while requests wait for it resets them all. */
START_TEST(waiting_requests_are_reset)
{
    puppets_begin(serve_slowly);
    world_enter(puppet_world, OTHER, make_call, NULL);
    world_enter(puppet_world, CALLER, make_call, NULL);
    run_to_ms(WAY_MS + 1);
    world_crash(puppet_world, CALLEE);
    run_to_ms(100);
    ck_assert_uint_eq(puppets[CALLEE].request_count, 1);
    ck_assert_int_eq(puppets[CALLER].net == NET_RESET, puppets[OTHER].net == NET_OK);
    ck_assert_int_ne(puppets[CALLER].net, puppets[OTHER].net);
    puppets_end();
}
END_TEST

/* ---- the disk ---- */

static void on_synced(struct disk_op *op)
{
    struct puppet *puppet = CONTAINER_OF(op, struct puppet, sync);

    ck_assert(!puppet->inside);
    puppet->synced = op->err;
    puppet->synced_ms = puppet_now_ms(puppet);
}

static void write_disk(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    puppet->inside = true;
    env_disk_put(puppet->env, bytes_text(owner), BYTES_LIT("v"));
    env_disk_sync(puppet->env, &puppet->sync, on_synced);
    puppet->inside = false;
}

static void list_key(void *owner, struct bytes key, struct bytes value)
{
    struct puppet *puppet = owner;
    size_t len = strlen(puppet->disk);

    ck_assert(bytes_equal_text(value, "v"));
    snprintf(puppet->disk + len, sizeof(puppet->disk) - len, "%.*s ", (int)key.len, (const char *)key.data);
}

static void read_disk(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_disk_each(puppet->env, list_key, puppet);
}

/* What was synced is there after a restart; what was put but not yet synced is not. */
START_TEST(synced_records_survive_a_crash)
{
    static char b[] = "b", a[] = "a", lost[] = "lost";

    puppets_begin(serve_ok);
    world_enter(puppet_world, CALLER, write_disk, b);
    run_to_ms(50);
    ck_assert_int_eq(puppets[CALLER].synced, OK);
    ck_assert_int_eq(puppets[CALLER].synced_ms, 2);
    world_enter(puppet_world, CALLER, write_disk, a);
    run_to_ms(60);
    world_enter(puppet_world, CALLER, write_disk, lost);
    run_to_ms(61);
    world_crash(puppet_world, CALLER);
    puppet_occupy(CALLER, serve_ok);
    run_to_ms(100);
    ck_assert_int_eq(puppets[CALLER].synced, ERR_COUNT);
    world_enter(puppet_world, CALLER, read_disk, NULL);
    ck_assert_str_eq(puppets[CALLER].disk, "a b ");
    puppets_end();
}
END_TEST

START_TEST(a_failing_disk_is_told)
{
    static char a[] = "a";

    puppets_begin(serve_ok);
    world_set_disk_failing(puppet_world, CALLER, ERR_IO);
    world_enter(puppet_world, CALLER, write_disk, a);
    run_to_ms(50);
    ck_assert_int_eq(puppets[CALLER].synced, ERR_IO);
    world_set_disk_failing(puppet_world, CALLER, OK);
    world_enter(puppet_world, CALLER, write_disk, a);
    run_to_ms(100);
    ck_assert_int_eq(puppets[CALLER].synced, OK);
    puppets_end();
}
END_TEST

static void write_on(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    write_disk(machine, owner);
    env_disk_put(puppet->env, BYTES_LIT("late"), BYTES_LIT("v"));
}

static void sync_disk(void *machine, void *owner)
{
    struct puppet *puppet = machine;

    (void)owner;
    env_disk_sync(puppet->env, &puppet->sync, on_synced);
}

/* A sync that fails takes nothing with it that was put after it was asked for: the next sync says what became of that,
 * also if one handler did both. */
START_TEST(a_sync_tells_of_what_was_put_before_it)
{
    static char a[] = "a";

    puppets_begin(serve_ok);
    world_set_disk_failing(puppet_world, CALLER, ERR_IO);
    world_enter(puppet_world, CALLER, write_on, a);
    run_to_ms(50);
    ck_assert_int_eq(puppets[CALLER].synced, ERR_IO);
    world_set_disk_failing(puppet_world, CALLER, OK);
    world_enter(puppet_world, CALLER, sync_disk, NULL);
    run_to_ms(100);
    ck_assert_int_eq(puppets[CALLER].synced, OK);
    world_enter(puppet_world, CALLER, read_disk, NULL);
    ck_assert_str_eq(puppets[CALLER].disk, "late ");
    puppets_end();
}
END_TEST

TEST_MAIN("endpoint_machine", timers_run_stop_and_restart, a_timer_of_no_delay_runs_next, a_skewed_clock_is_ones_own,
          work_takes_its_time, timers_wait_for_the_cpu, a_full_queue_answers_503, waiting_requests_are_reset,
          synced_records_survive_a_crash, a_failing_disk_is_told, a_sync_tells_of_what_was_put_before_it)
