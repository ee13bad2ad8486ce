#include "common/table.h"

#include <signal.h>
#include <stdlib.h>

#include "common/rng.h"
#include "tests/support/check_main.h"
#include "tests/support/dies.h"

#define ITEMS 2000

struct item {
    uint32_t number;
    uint32_t order; /* of the put, in the model; 0: not in the table */
};

static struct bytes item_key(const void *value)
{
    const struct item *item = value;
    return (struct bytes){(const uint8_t *)&item->number, sizeof(item->number)};
}

static struct item *items_new(void)
{
    struct item *items = xcalloc(ITEMS, sizeof(*items));
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i].number = i;
    return items;
}

START_TEST(what_is_put_is_found_until_it_is_removed)
{
    struct table table;
    struct item *items = items_new();
    table_init(&table, item_key, 1);
    ck_assert_ptr_null(table_get(&table, item_key(&items[0])));
    ck_assert_ptr_null(table_remove(&table, item_key(&items[0])));
    for (uint32_t i = 0; i < ITEMS; i++) {
        ck_assert_ptr_null(table_get(&table, item_key(&items[i])));
        table_put(&table, &items[i]);
    }
    ck_assert_uint_eq(table.count, ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++)
        ck_assert_ptr_eq(table_get(&table, item_key(&items[i])), &items[i]);
    for (uint32_t i = 0; i < ITEMS; i += 2) {
        ck_assert_ptr_eq(table_remove(&table, item_key(&items[i])), &items[i]);
        ck_assert_ptr_null(table_remove(&table, item_key(&items[i])));
    }
    for (uint32_t i = 0; i < ITEMS; i++)
        ck_assert_ptr_eq(table_get(&table, item_key(&items[i])), i % 2 == 0 ? NULL : &items[i]);
    ck_assert_uint_eq(table.count, ITEMS / 2);
    table_fini(&table);
    free(items);
}
END_TEST

/* Also one that was full once. */
START_TEST(an_empty_table_owns_no_memory)
{
    struct table table;
    struct item *items = items_new();
    table_init(&table, item_key, 1);
    ck_assert_ptr_null(table.values);
    for (uint32_t i = 0; i < ITEMS; i++)
        table_put(&table, &items[i]);
    for (uint32_t i = 0; i < ITEMS; i++)
        table_remove(&table, item_key(&items[i]));
    ck_assert_ptr_null(table.values);
    table_put(&table, &items[7]);
    ck_assert_ptr_eq(table_get(&table, item_key(&items[7])), &items[7]);
    table_fini(&table);
    free(items);
}
END_TEST

/* A queue of five, through which thousands pass, stays small: holes are taken back. */
START_TEST(a_table_that_churns_stays_small)
{
    struct table table;
    struct item *items = items_new();
    table_init(&table, item_key, 1);
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t cursor = 0;
        table_put(&table, &items[i]);
        if (i < 5)
            continue;
        ck_assert_ptr_eq(table_next(&table, &cursor), &items[i - 5]);
        table_remove(&table, item_key(&items[i - 5]));
        ck_assert_uint_le(table.index_cap, 16);
    }
    ck_assert_uint_eq(table.count, 5);
    table_fini(&table);
    free(items);
}
END_TEST

/* Against a model: random puts and removals, then the order of the puts is that of the iteration, whatever the key of
 * the hash. */
START_TEST(iteration_is_in_order_of_the_puts)
{
    for (uint64_t hash_key = 0; hash_key < 4; hash_key++) {
        struct table table;
        struct item *items = items_new();
        struct rng_key key;
        struct rng rng;
        uint32_t order = 0, cursor = 0, last = 0, seen = 0;
        rng_key_from_seed(&key, 5);
        rng_init(&rng, &key, RNG_SCENARIO, 0);
        table_init(&table, item_key, hash_key);
        for (int step = 0; step < 20000; step++) {
            struct item *item = &items[rng_below(&rng, ITEMS)];
            if (item->order == 0) {
                item->order = ++order;
                table_put(&table, item);
            } else {
                ck_assert_ptr_eq(table_remove(&table, item_key(item)), item);
                item->order = 0;
            }
        }
        for (struct item *item; (item = table_next(&table, &cursor)) != NULL; last = item->order, seen++)
            ck_assert_uint_gt(item->order, last);
        ck_assert_uint_eq(seen, table.count);
        for (uint32_t i = 0; i < ITEMS; i++)
            ck_assert_ptr_eq(table_get(&table, item_key(&items[i])), items[i].order == 0 ? NULL : &items[i]);
        table_fini(&table);
        free(items);
    }
}
END_TEST

/* An iteration that removes each value it gets, and another one ahead, meets every value that is still there. */
START_TEST(values_may_be_removed_during_an_iteration)
{
    struct table table;
    struct item *items = items_new();
    uint32_t cursor = 0, seen = 0;
    table_init(&table, item_key, 1);
    for (uint32_t i = 0; i < ITEMS; i++)
        table_put(&table, &items[i]);
    for (struct item *item; (item = table_next(&table, &cursor)) != NULL; seen++) {
        ck_assert_uint_eq(item->number, 2 * seen);
        table_remove(&table, item_key(item));
        table_remove(&table, item_key(item + 1));
    }
    ck_assert_uint_eq(seen, ITEMS / 2);
    ck_assert_ptr_null(table_next(&table, &cursor));
    ck_assert_uint_eq(table.count, 0);
    table_fini(&table);
    free(items);
}
END_TEST

/* Puts during an iteration make the table give up its holes and move: still nothing is met twice or missed, and what
 * was put comes at the end. */
START_TEST(values_may_be_put_during_an_iteration)
{
    struct table table;
    struct item *items = items_new();
    uint32_t cursor = 0, put = ITEMS / 4, seen = 0;
    table_init(&table, item_key, 1);
    for (uint32_t i = 0; i < put; i++)
        table_put(&table, &items[i]);
    for (struct item *item; (item = table_next(&table, &cursor)) != NULL; seen++) {
        ck_assert_uint_eq(item->number, seen);
        table_remove(&table, item_key(item));
        if (put < ITEMS)
            table_put(&table, &items[put++]);
    }
    ck_assert_uint_eq(seen, ITEMS);
    table_fini(&table);
    free(items);
}
END_TEST

/* The last one leaves, another comes: the iteration under way goes on with it. */
START_TEST(an_iteration_survives_an_empty_table)
{
    struct table table;
    struct item *items = items_new();
    uint32_t cursor = 0;
    table_init(&table, item_key, 1);
    table_put(&table, &items[0]);
    ck_assert_ptr_eq(table_next(&table, &cursor), &items[0]);
    table_remove(&table, item_key(&items[0]));
    ck_assert_ptr_null(table_next(&table, &cursor));
    table_put(&table, &items[1]);
    table_put(&table, &items[2]);
    ck_assert_ptr_eq(table_next(&table, &cursor), &items[1]);
    ck_assert_ptr_eq(table_next(&table, &cursor), &items[2]);
    ck_assert_ptr_null(table_next(&table, &cursor));
    table_fini(&table);
    free(items);
}
END_TEST

/* The numbers of the puts run out after 2^32: they start anew, and content and order stay. */
START_TEST(numbers_of_puts_start_anew)
{
    struct table table;
    struct item *items = items_new();
    uint32_t cursor = 0, seen = 0;
    table_init(&table, item_key, 1);
    table.born_next = UINT32_MAX - 50;
    for (uint32_t i = 0; i < 100; i++)
        table_put(&table, &items[i]);
    ck_assert_uint_eq(table.born_next, 100);
    for (struct item *item; (item = table_next(&table, &cursor)) != NULL; seen++)
        ck_assert_uint_eq(item->number, seen);
    ck_assert_uint_eq(seen, 100);
    table_fini(&table);
    free(items);
}
END_TEST

struct named {
    struct bytes name;
};

static struct bytes named_key(const void *value)
{
    return ((const struct named *)value)->name;
}

/* Lengths differ; the empty key is a key as well. */
START_TEST(keys_may_have_any_length)
{
    struct named named[] = {{BYTES_NONE}, {BYTES_LIT("a")}, {BYTES_LIT("aa")}, {BYTES_LIT("a\0")}};
    struct table table;
    table_init(&table, named_key, 1);
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        table_put(&table, &named[i]);
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        ck_assert_ptr_eq(table_get(&table, named[i].name), &named[i]);
    ck_assert_ptr_null(table_get(&table, BYTES_LIT("b")));
    table_fini(&table);
}
END_TEST

static void put_twice(void *arg)
{
    struct named named = {BYTES_LIT("a")}, same = {BYTES_LIT("a")};
    struct table table;
    (void)arg;
    table_init(&table, named_key, 1);
    table_put(&table, &named);
    table_put(&table, &same);
}

START_TEST(a_key_put_twice_is_our_mistake)
{
    ck_assert_int_eq(exit_of(put_twice, NULL), -SIGABRT);
}
END_TEST

TEST_MAIN("table", what_is_put_is_found_until_it_is_removed, an_empty_table_owns_no_memory,
          a_table_that_churns_stays_small, iteration_is_in_order_of_the_puts, values_may_be_removed_during_an_iteration,
          values_may_be_put_during_an_iteration, an_iteration_survives_an_empty_table, numbers_of_puts_start_anew,
          keys_may_have_any_length, a_key_put_twice_is_our_mistake)
