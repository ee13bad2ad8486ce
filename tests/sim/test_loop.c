#include "sim/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "tests/support/chatter.h"
#include "tests/support/check_main.h"

#define UNTIL_US INT64_C(500000)

static const struct chatter_config chatty = {.seed = 1, .seats = 20, .threads = 1, .quiet_us = UNTIL_US};

/* A loop takes the world to the time, and what happens on the way is what happens without a loop. */
START_TEST(a_loop_changes_nothing)
{
    struct chatter *plain = chatter_new(&chatty), *looped = chatter_new(&chatty);

    world_run_until(chatter_world(plain), UNTIL_US, 0, NULL, NULL, 0);
    ck_assert_int_eq(loop_run(chatter_world(looped), UNTIL_US / 2, NULL, NULL), LOOP_REACHED);
    ck_assert_int_eq(world_now_us(chatter_world(looped)), UNTIL_US / 2);
    ck_assert_int_eq(loop_run(chatter_world(looped), UNTIL_US, NULL, NULL), LOOP_REACHED);
    ck_assert_uint_eq(world_digest(chatter_world(looped)), world_digest(chatter_world(plain)));
    chatter_free(plain);
    chatter_free(looped);
}
END_TEST

static void interrupt(struct world *world, void *owner)
{
    (void)world;
    (void)owner;
    raise(SIGINT);
}

/* An interrupt ends the run, soon and between windows; it can go on. */
START_TEST(a_signal_ends_the_run)
{
    struct chatter *chatter = chatter_new(&chatty);
    struct world *world = chatter_world(chatter);
    int64_t far_us = INT64_C(1000000000) * 1000000;

    world_control_at(world, UNTIL_US, interrupt, NULL);
    ck_assert_int_eq(loop_run(world, far_us, NULL, NULL), LOOP_INTERRUPTED);
    ck_assert_int_ge(world_now_us(world), UNTIL_US);
    ck_assert_int_lt(world_now_us(world), far_us);
    ck_assert_int_eq(loop_run(world, world_now_us(world) + 1000, NULL, NULL), LOOP_REACHED);
    chatter_free(chatter);
}
END_TEST

static void count(void *owner, const struct world *world)
{
    unsigned *calls = owner;

    ck_assert_int_ge(world_now_us(world), 0);
    if (++*calls == 2)
        raise(SIGTERM);
}

/* Progress is told while the run goes on. */
START_TEST(progress_is_told)
{
    struct chatter *chatter = chatter_new(&chatty);
    unsigned calls = 0;

    ck_assert_int_eq(loop_run(chatter_world(chatter), INT64_MAX / 2, count, &calls), LOOP_INTERRUPTED);
    ck_assert_uint_ge(calls, 2);
    chatter_free(chatter);
}
END_TEST

struct woken {
    struct live_loop *loop;
    pthread_t other;
    atomic_bool has_news;
    unsigned turns;
};

static void *bring_news(void *owner)
{
    struct woken *woken = owner;

    atomic_store(&woken->has_news, true);
    live_loop_wake(woken->loop);
    return NULL;
}

/* The loop would wait for ever; the thread begins only once it is about to. */
static uint64_t look_for_news(void *owner)
{
    struct woken *woken = owner;

    if (woken->turns++ == 0)
        ck_assert_int_eq(pthread_create(&woken->other, NULL, bring_news, woken), 0);
    if (atomic_load(&woken->has_news))
        live_loop_end(woken->loop);
    return UINT64_MAX;
}

START_TEST(another_thread_wakes_a_live_loop)
{
    struct woken woken = {.turns = 0};

    woken.loop = live_loop_new(&(struct live_loop_config){.owner = &woken, .on_turn = look_for_news});
    live_loop_run(woken.loop);
    ck_assert(atomic_load(&woken.has_news));
    ck_assert_int_eq(pthread_join(woken.other, NULL), 0);
    live_loop_free(woken.loop);
}
END_TEST

TEST_MAIN("loop", a_loop_changes_nothing, a_signal_ends_the_run, progress_is_told, another_thread_wakes_a_live_loop)
