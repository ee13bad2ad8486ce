#include "sim/slots.h"

#include "tests/support/check_main.h"

struct item {
    struct slot slot;
    uint64_t value;
};

static struct item *at(const struct slots *slots, uint32_t index)
{
    return slots_at(slots, index);
}

static unsigned length(const struct slots *slots, uint32_t head)
{
    unsigned count = 0;

    for (; head != 0; head = at(slots, head)->slot.next)
        count++;
    return count;
}

/* A slot that was given back is another one when it is taken again. */
START_TEST(a_stale_name_finds_nothing)
{
    struct slots slots;
    uint32_t head = 0, index, generation;

    slots_init(&slots, sizeof(struct item));
    index = slots_take(&slots, &head);
    ck_assert_uint_ne(index, 0);
    generation = at(&slots, index)->slot.generation;
    at(&slots, index)->value = 7;
    ck_assert_ptr_eq(slots_check(&slots, index, generation), at(&slots, index));
    slots_give(&slots, &head, index);
    ck_assert_ptr_eq(slots_check(&slots, index, generation), NULL);
    ck_assert_uint_eq(slots_take(&slots, &head), index);
    ck_assert_ptr_eq(slots_check(&slots, index, generation), NULL);
    ck_assert_uint_eq(at(&slots, index)->value, 0);
    slots_fini(&slots);
}
END_TEST

/* Every owner's list holds its own slots, whatever is taken and given between. */
START_TEST(lists_hold_their_own)
{
    struct slots slots;
    uint32_t heads[2] = {0, 0}, indices[2][100];

    slots_init(&slots, sizeof(struct item));
    for (uint32_t i = 0; i < 200; i++) {
        indices[i % 2][i / 2] = slots_take(&slots, &heads[i % 2]);
        at(&slots, indices[i % 2][i / 2])->value = i % 2;
    }
    for (uint32_t i = 0; i < 100; i += 3)
        slots_give(&slots, &heads[1], indices[1][i]);
    ck_assert_uint_eq(length(&slots, heads[0]), 100);
    ck_assert_uint_eq(length(&slots, heads[1]), 66);
    for (uint32_t index = heads[1]; index != 0; index = at(&slots, index)->slot.next)
        ck_assert_uint_eq(at(&slots, index)->value, 1);
    while (heads[0] != 0)
        slots_give(&slots, &heads[0], heads[0]);
    ck_assert_uint_eq(length(&slots, heads[1]), 66);
    slots_fini(&slots);
}
END_TEST

TEST_MAIN("slots", a_stale_name_finds_nothing, lists_hold_their_own)
