#include "sim/event_queue.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/rng.h"
#include "tests/support/check_main.h"

static struct event event_of(int64_t time_us, uint32_t destination, enum event_class class, uint32_t source,
                             uint64_t seq)
{
    return (struct event){time_us, event_key(destination, class, source), seq, 0};
}

/* Time first, then destination, class, source, and the source's sequence. */
START_TEST(order_is_time_destination_class_source_sequence)
{
    const struct event in_order[] = {
        event_of(1, 9, CLASS_OWN, 9, 9),     event_of(2, 3, CLASS_INPUT, 8, 8),   event_of(2, 3, CLASS_ANSWER, 7, 7),
        event_of(2, 3, CLASS_REQUEST, 5, 6), event_of(2, 3, CLASS_REQUEST, 6, 2), event_of(2, 3, CLASS_REQUEST, 6, 3),
        event_of(2, 3, CLASS_OWN, 3, 1),     event_of(2, 4, CLASS_INPUT, 0, 0),   event_of(3, 0, CLASS_INPUT, 0, 0),
    };
    struct event_queue queue;
    struct event event;

    event_queue_init(&queue);
    for (size_t i = ARRAY_LEN(in_order); i-- > 0;)
        event_queue_push(&queue, &in_order[i]);
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        ck_assert(event_queue_pop_before(&queue, EVENT_NEVER, &event));
        ck_assert_int_eq(event.time_us, in_order[i].time_us);
        ck_assert_uint_eq(event.key, in_order[i].key);
        ck_assert_uint_eq(event.seq, in_order[i].seq);
    }
    event_queue_fini(&queue);
}
END_TEST

START_TEST(a_key_gives_back_what_it_was_made_of)
{
    struct event event = event_of(0, EVENT_SEATS_MAX - 1, CLASS_OWN, UINT32_MAX, 0);

    ck_assert_uint_eq(event_destination(&event), EVENT_SEATS_MAX - 1);
    ck_assert_uint_eq(event_source(&event), UINT32_MAX);
}
END_TEST

/* "Before" excludes the time itself. */
START_TEST(pop_before_stops_at_its_time)
{
    struct event_queue queue;
    struct event event = event_of(100, 1, CLASS_OWN, 1, 1);

    event_queue_init(&queue);
    ck_assert_int_eq(event_queue_next_us(&queue), EVENT_NEVER);
    ck_assert(!event_queue_pop_before(&queue, EVENT_NEVER, &event));
    event_queue_push(&queue, &event);
    ck_assert_int_eq(event_queue_next_us(&queue), 100);
    ck_assert(!event_queue_pop_before(&queue, 100, &event));
    ck_assert(event_queue_pop_before(&queue, 101, &event));
    ck_assert(!event_queue_pop_before(&queue, EVENT_NEVER, &event));
    event_queue_fini(&queue);
}
END_TEST

static int compare(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void check_against_sort(uint64_t seed)
{
    enum { COUNT = 3000 };
    struct event *all = xmalloc(COUNT * sizeof(*all));
    struct event event;
    struct event_queue queue;
    struct rng_key key;
    struct rng rng;

    rng_key_from_seed(&key, seed);
    rng_init(&rng, &key, RNG_SCENARIO, 0);
    event_queue_init(&queue);
    for (uint64_t i = 0; i < COUNT; i++) {
        all[i] = event_of((int64_t)rng_below(&rng, 50), (uint32_t)rng_below(&rng, 5),
                          (enum event_class)rng_below(&rng, 4), (uint32_t)rng_below(&rng, 3), i);
        all[i].payload = i;
        event_queue_push(&queue, &all[i]);
        /* One that is taken out and pushed again must change nothing. */
        if (rng_below(&rng, 3) == 0 && event_queue_pop_before(&queue, EVENT_NEVER, &event))
            event_queue_push(&queue, &event);
    }
    qsort(all, COUNT, sizeof(*all), compare);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(event_queue_pop_before(&queue, EVENT_NEVER, &event));
        ck_assert_uint_eq(event.payload, all[i].payload);
    }
    ck_assert(!event_queue_pop_before(&queue, EVENT_NEVER, &event));
    event_queue_fini(&queue);
    free(all);
}

/* Any mixture of pushes and pops gives what sorting gives. */
START_TEST(pops_what_sorting_gives)
{
    for (uint64_t seed = 0; seed < 10; seed++)
        check_against_sort(seed);
}
END_TEST

TEST_MAIN("event_queue", order_is_time_destination_class_source_sequence, a_key_gives_back_what_it_was_made_of,
          pop_before_stops_at_its_time, pops_what_sorting_gives)
