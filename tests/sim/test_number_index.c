#include "sim/number_index.h"

#include <stdlib.h>

#include "tests/support/check_main.h"

#define THINGS 5000

/* Keys of 1 to 12 bytes; many differ in the last byte only. */
struct thing {
    uint8_t key[12];
    size_t len;
};

static struct thing things[THINGS];

static struct bytes key_of(const void *owner, uint32_t number)
{
    const struct thing *all = owner;

    return (struct bytes){all[number].key, all[number].len};
}

static void fill(void)
{
    for (uint32_t i = 0; i < THINGS; i++) {
        things[i].len = 8 + i % 5;
        store_le32(things[i].key + things[i].len - 4, i);
    }
}

/* What was taken in is found by its key, at every size; what was not is not. */
START_TEST(every_number_is_found_by_its_key)
{
    struct number_index index;

    fill();
    number_index_init(&index, key_of, things);
    ck_assert_uint_eq(number_index_find(&index, key_of(things, 0)), NUMBER_NONE);
    for (uint32_t i = 0; i < THINGS; i++) {
        ck_assert_uint_eq(number_index_find(&index, key_of(things, i)), NUMBER_NONE);
        number_index_add(&index);
        ck_assert_uint_eq(number_index_find(&index, key_of(things, i)), i);
        ck_assert_uint_eq(number_index_find(&index, key_of(things, i / 2)), i / 2);
    }
    for (uint32_t i = 0; i < THINGS; i++)
        ck_assert_uint_eq(number_index_find(&index, key_of(things, i)), i);
    ck_assert_uint_eq(number_index_find(&index, BYTES_NONE), NUMBER_NONE);
    number_index_fini(&index);
}
END_TEST

/* A quarter of the slots stays empty, so that a search ends. */
START_TEST(slots_stay_empty)
{
    struct number_index index;

    fill();
    number_index_init(&index, key_of, things);
    for (uint32_t i = 0; i < THINGS; i++) {
        uint32_t taken = 0;

        number_index_add(&index);
        if (i % 97 != 0 && i != THINGS - 1)
            continue;
        for (uint32_t slot = 0; slot < index.cap; slot++)
            taken += index.slots[slot] != 0;
        ck_assert_uint_eq(taken, i + 1);
        ck_assert_uint_le(4 * (uint64_t)taken, 3 * (uint64_t)index.cap);
    }
    number_index_fini(&index);
}
END_TEST

TEST_MAIN("number_index", every_number_is_found_by_its_key, slots_stay_empty)
