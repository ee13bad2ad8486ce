#include "common/slab.h"

#include <signal.h>
#include <string.h>

#include "common/err.h"
#include "tests/support/check_main.h"
#include "tests/support/dies.h"

/* Run dry: exactly `max` objects, then "full"; one given back is one more to take. */
START_TEST(slab_says_full)
{
    struct slab slab;
    uint8_t *objects[100];
    slab_init(&slab, 24, 100);
    for (size_t i = 0; i < 100; i++) {
        objects[i] = slab_take(&slab);
        ck_assert_ptr_nonnull(objects[i]);
        memset(objects[i], (int)i + 1, 24);
    }
    ck_assert_ptr_null(slab_take(&slab));
    ck_assert_ptr_null(slab_take(&slab));
    for (size_t i = 0; i < 100; i++)
        for (size_t at = 0; at < 24; at++)
            ck_assert_uint_eq(objects[i][at], i + 1);
    slab_give(&slab, objects[50]);
    ck_assert_uint_eq(slab.taken, 99);
    ck_assert_ptr_eq(slab_take(&slab), objects[50]);
    ck_assert_ptr_null(slab_take(&slab));
    slab_fini(&slab);
}
END_TEST

START_TEST(a_slab_of_none_is_always_full)
{
    struct slab slab;
    slab_init(&slab, 8, 0);
    ck_assert_ptr_null(slab_take(&slab));
    slab_fini(&slab);
}
END_TEST

/* Last in, first out, and zeroed whatever was in it. */
START_TEST(slab_reuses_and_zeroes)
{
    struct slab slab;
    uint8_t *a, *b;
    slab_init(&slab, 40, SIZE_MAX);
    a = slab_take(&slab);
    b = slab_take(&slab);
    memset(a, 0xff, 40);
    memset(b, 0xff, 40);
    slab_give(&slab, a);
    slab_give(&slab, b);
    ck_assert_ptr_eq(slab_take(&slab), b);
    ck_assert_ptr_eq(slab_take(&slab), a);
    for (size_t i = 0; i < 40; i++)
        ck_assert_uint_eq(a[i] | b[i], 0);
    slab_fini(&slab);
}
END_TEST

/* Objects smaller than a pointer and larger than a chunk; all aligned for any type. */
START_TEST(any_size_is_aligned)
{
    static const size_t sizes[] = {1, 8, 16, 17, 1000, 200000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct slab slab;
        uint8_t *last = NULL;
        slab_init(&slab, sizes[i], 1000);
        for (int n = 0; n < 50; n++) {
            uint8_t *object = slab_take(&slab);
            ck_assert_ptr_nonnull(object);
            ck_assert_uint_eq((uintptr_t)object % 16, 0);
            memset(object, 0xab, sizes[i]);
            if (last != NULL)
                ck_assert_uint_eq(last[sizes[i] - 1], 0xab);
            last = object;
        }
        slab_fini(&slab);
    }
}
END_TEST

/* After _fini the slab is empty and may start again. */
START_TEST(fini_frees_what_is_taken)
{
    struct slab slab;
    slab_init(&slab, 32, 10);
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(slab_take(&slab));
    slab_fini(&slab);
    ck_assert_uint_eq(slab.taken, 0);
    ck_assert_ptr_nonnull(slab_take(&slab));
    slab_fini(&slab);
}
END_TEST

static void give_too_much(void *arg)
{
    struct slab slab;
    uint64_t not_ours[2];
    (void)arg;
    slab_init(&slab, 8, 10);
    slab_give(&slab, not_ours);
}

START_TEST(more_given_than_taken_is_our_mistake)
{
    ck_assert_int_eq(exit_of(give_too_much, NULL), -SIGABRT);
}
END_TEST

TEST_MAIN("slab", slab_says_full, a_slab_of_none_is_always_full, slab_reuses_and_zeroes, any_size_is_aligned,
          fini_frees_what_is_taken, more_given_than_taken_is_our_mistake)
