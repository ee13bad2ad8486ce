#include "sim/machine.h"

#include "tests/support/check_main.h"

/* Work starts when the CPU is free, and a started microsecond counts as a whole one. */
START_TEST(work_follows_work)
{
    struct machine machine;

    machine_init(&machine, 100);
    ck_assert(!machine_busy(&machine, 0));
    ck_assert_int_eq(machine_work(&machine, 100, 0), 100);
    ck_assert(!machine_busy(&machine, 100));
    ck_assert_int_eq(machine_work(&machine, 100, 20001), 121);
    ck_assert(machine_busy(&machine, 120));
    ck_assert(!machine_busy(&machine, 121));
    ck_assert_int_eq(machine_work(&machine, 110, 9000), 130);
    ck_assert_int_eq(machine_work(&machine, 500, 1000), 501);
}
END_TEST

/* What waits comes out in arrival order; requests are counted while they wait, and others wait behind any. */
START_TEST(what_waits_keeps_its_order)
{
    struct machine machine;
    struct slab slab;
    struct event event;

    machine_init(&machine, 100);
    slab_init(&slab, sizeof(struct waiting), SIZE_MAX);
    for (uint64_t i = 0; i < 5; i++)
        machine_wait(&machine, &slab, &(struct event){.payload = i}, i % 2 == 0);
    ck_assert_uint_eq(machine.requests_waiting, 3);
    ck_assert(machine_busy(&machine, INT64_MAX));
    for (uint64_t i = 0; i < 5; i++) {
        ck_assert(machine_next(&machine, &slab, &event));
        ck_assert_uint_eq(event.payload, i);
    }
    ck_assert_uint_eq(machine.requests_waiting, 0);
    ck_assert(!machine_next(&machine, &slab, &event));
    ck_assert(!machine_busy(&machine, 0));
    ck_assert_uint_eq(slab.taken, 0);
    machine_wait(&machine, &slab, &(struct event){.payload = 9}, true);
    ck_assert(machine_next(&machine, &slab, &event));
    ck_assert_uint_eq(event.payload, 9);
    slab_fini(&slab);
}
END_TEST

TEST_MAIN("machine", work_follows_work, what_waits_keeps_its_order)
