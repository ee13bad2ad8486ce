#include "common/arena.h"

#include <string.h>

#include "tests/support/check_main.h"

#define PIECES 3000

/* Pieces of every size, also larger than any chunk: aligned, and none touches another. */
START_TEST(pieces_are_aligned_and_apart)
{
    struct arena arena;
    static struct bytes pieces[PIECES];
    arena_init(&arena);
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 500 == 499 ? (size_t)1 << 20 : i % 700;
        uint8_t *data = arena_alloc(&arena, size);
        ck_assert_uint_eq((uintptr_t)data % 16, 0);
        if (size > 0)
            memset(data, (int)(i % 251), size);
        pieces[i] = (struct bytes){data, size};
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t at = 0; at < pieces[i].len; at++)
            ck_assert_uint_eq(pieces[i].data[at], i % 251);
    arena_fini(&arena);
}
END_TEST

/* The common event allocates nothing: after a reset the same memory comes again, also if the event before was large. */
START_TEST(reset_gives_the_same_memory_again)
{
    struct arena arena;
    void *first;
    arena_init(&arena);
    arena_reset(&arena);
    first = arena_alloc(&arena, 100);
    arena_alloc(&arena, (size_t)3 << 20);
    arena_reset(&arena);
    ck_assert_ptr_eq(arena_alloc(&arena, 8), first);
    ck_assert_ptr_ne(arena_alloc(&arena, 8), first);
    arena_fini(&arena);
}
END_TEST

/* One huge input must not be kept for ever. */
START_TEST(a_huge_first_piece_goes_with_the_reset)
{
    struct arena arena;
    uint8_t *huge;
    arena_init(&arena);
    huge = arena_alloc(&arena, (size_t)32 << 20);
    huge[0] = huge[((size_t)32 << 20) - 1] = 1;
    ck_assert_ptr_ne(arena.first, arena.now);
    arena_reset(&arena);
    ck_assert_ptr_eq(arena.first, arena.now);
    arena_fini(&arena);
}
END_TEST

START_TEST(zalloc_clears_used_memory)
{
    struct arena arena;
    uint8_t *piece;
    arena_init(&arena);
    memset(arena_alloc(&arena, 1000), 0xee, 1000);
    arena_reset(&arena);
    piece = arena_zalloc(&arena, 1000);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(piece[i], 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(copies_and_texts)
{
    struct arena arena;
    uint8_t original[] = "body";
    struct bytes copy;
    arena_init(&arena);
    copy = arena_copy(&arena, BYTES_OF(original));
    original[0] = 'x';
    ck_assert(bytes_equal(copy, BYTES_OF("body")));
    ck_assert_uint_eq(arena_copy(&arena, BYTES_NONE).len, 0);
    ck_assert_str_eq(arena_printf(&arena, "%s %05d", "node", 42), "node 00042");
    ck_assert_str_eq(arena_printf(&arena, "%s", ""), "");
    arena_fini(&arena);
}
END_TEST

TEST_MAIN("arena", pieces_are_aligned_and_apart, reset_gives_the_same_memory_again,
          a_huge_first_piece_goes_with_the_reset, zalloc_clears_used_memory, copies_and_texts)
