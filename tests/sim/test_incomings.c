#include "sim/incomings.h"

#include <stdlib.h>

#include "tests/support/check_main.h"

#define COUNT 1000

/* Each is found by its whole name, and by nothing else; a removed one is not found; lists shrink with it. */
START_TEST(names_find_their_requests)
{
    struct parcel *parcels = xcalloc(COUNT, sizeof(*parcels)), *lists[10] = {NULL};
    struct incomings incomings;
    unsigned listed = 0;

    incomings_init(&incomings);
    ck_assert_ptr_eq(incomings_find(&incomings, 1, 2, 3), NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        parcels[i].callee = i % 10;
        parcels[i].caller = i % 7;
        parcels[i].sequence = i / 70;
        if (incomings_find(&incomings, i % 10, i % 7, i / 70) == NULL)
            incomings_add(&incomings, &lists[i % 10], &parcels[i]);
    }
    ck_assert_uint_eq(incomings.count, COUNT);
    ck_assert_ptr_eq(incomings_find(&incomings, 3, 3, 99), NULL);
    ck_assert_ptr_eq(incomings_find(&incomings, 3, 9, 0), NULL);
    for (uint32_t i = 0; i < COUNT; i += 2)
        incomings_remove(&incomings, &parcels[i]);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct parcel *found = incomings_find(&incomings, i % 10, i % 7, i / 70);

        ck_assert_ptr_eq(found, i % 2 == 0 ? NULL : &parcels[i]);
    }
    for (size_t i = 0; i < 10; i++)
        for (struct parcel *parcel = lists[i]; parcel != NULL; parcel = parcel->next, listed++)
            ck_assert_uint_eq(parcel->callee, i);
    ck_assert_uint_eq(listed, COUNT / 2);
    incomings_fini(&incomings);
    free(parcels);
}
END_TEST

TEST_MAIN("incomings", names_find_their_requests)
