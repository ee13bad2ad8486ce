#include "common/rng.h"

#include <signal.h>
#include <string.h>

#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/dies.h"

/* The outside values come from Python's BLAKE2b, OpenSSL's ChaCha20 and a SipHash in Python: a run must be the same on
 * any machine, with any version of the library. */
START_TEST(keys_streams_and_numbers_match_other_programs)
{
    static const char stream_hex[] = "fd6a8b59c8d146e001f9f774941b177616af6dac4ea7a0c7b09a39a2ca307467"
                                     "c650300a7b459ea7efe5a3cf9b9e160340c0be8892d16238da9873b194c24ccd"
                                     "ce63f1229372c7e2cda9c9cc232ae0ce";
    struct rng_key key;
    struct rng rng;
    uint8_t expected[80], out[80];
    rng_key_from_seed(&key, 7);
    ck_assert_int_eq(hex_decode(expected, 32,
                                BYTES_LIT("b1fcb9497271f0b6bbc0161454dbe81e"
                                          "2e424ae497e6c0a2b4907ab2f615dc49")),
                     OK);
    ck_assert_mem_eq(key.bytes, expected, 32);
    rng_init(&rng, &key, RNG_PROTOCOL, 3);
    rng_bytes(&rng, out, 80);
    ck_assert_int_eq(hex_decode(expected, 80, BYTES_LIT(stream_hex)), OK);
    ck_assert_mem_eq(out, expected, 80);
    ck_assert_uint_eq(rng_number(&key, RNG_NETWORK, 3, 9), UINT64_C(0xa3cf937c60b9af2a));
}
END_TEST

/* However the draws are cut, also inside and over the edges of blocks, they join to the same stream. */
START_TEST(a_stream_does_not_depend_on_how_it_is_cut)
{
    static const size_t cuts[][4] = {{1, 63, 64, 65}, {5, 7, 300, 1}, {64, 64, 1, 128}, {63, 2, 0, 200}};
    struct rng_key key;
    uint8_t whole[1000], cut[1000];
    struct rng rng;
    rng_key_from_seed(&key, 1);
    rng_init(&rng, &key, RNG_KEYS, 0);
    rng_bytes(&rng, whole, sizeof(whole));
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        size_t at = 0;
        rng_init(&rng, &key, RNG_KEYS, 0);
        for (size_t n = 0; at < sizeof(cut); n++) {
            size_t len = cuts[i][n % 4] < sizeof(cut) - at ? cuts[i][n % 4] : sizeof(cut) - at;
            rng_bytes(&rng, cut + at, len);
            at += len;
        }
        ck_assert_mem_eq(cut, whole, sizeof(whole));
    }
}
END_TEST

/* Another label, source or seed is another stream; the same three are the same one. */
START_TEST(streams_are_named_by_seed_label_and_source)
{
    struct rng_key one, two;
    struct rng rng;
    uint64_t seen[5];
    const struct {
        const struct rng_key *key;
        enum rng_label label;
        uint32_t source;
    } names[] = {
        {&one, RNG_KEYS, 1}, {&one, RNG_KEYS, 2}, {&one, RNG_CHAIN, 1}, {&two, RNG_KEYS, 1}, {&one, RNG_KEYS, 1}};
    rng_key_from_seed(&one, 1);
    rng_key_from_seed(&two, 2);
    for (size_t i = 0; i < 5; i++) {
        rng_init(&rng, names[i].key, names[i].label, names[i].source);
        rng_bytes(&rng, &seen[i], sizeof(seen[i]));
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(seen[i], seen[j]);
    ck_assert_uint_eq(seen[4], seen[0]);
}
END_TEST

START_TEST(a_number_depends_on_each_of_its_names)
{
    struct rng_key one, two;
    uint64_t number;
    rng_key_from_seed(&one, 1);
    rng_key_from_seed(&two, 2);
    number = rng_number(&one, RNG_NETWORK, 5, 6);
    ck_assert_uint_eq(rng_number(&one, RNG_NETWORK, 5, 6), number);
    ck_assert_uint_ne(rng_number(&one, RNG_FAULTS, 5, 6), number);
    ck_assert_uint_ne(rng_number(&one, RNG_NETWORK, 6, 6), number);
    ck_assert_uint_ne(rng_number(&one, RNG_NETWORK, 5, UINT64_C(6) << 32), number);
    ck_assert_uint_ne(rng_number(&two, RNG_NETWORK, 5, 6), number);
}
END_TEST

/* A source that says these numbers one after another. */
struct script {
    const uint64_t *numbers;
    size_t count, at;
};

static void draw_script(void *source, void *out, size_t len)
{
    struct script *script = source;
    ck_assert_uint_eq(len, 8);
    ck_assert_uint_lt(script->at, script->count);
    store_le64(out, script->numbers[script->at++]);
}

/* 2^64 = 3 * 6148914691236517205 + 1: for n = 3 only the highest draw is one too many. */
START_TEST(a_bounded_draw_rejects_the_uneven_rest)
{
    static const uint64_t numbers[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX, 0};
    struct script script = {numbers, ARRAY_LEN(numbers), 0};
    ck_assert_uint_eq(rng_below_from(draw_script, &script, 3), 2);
    ck_assert_uint_eq(script.at, 2);
    ck_assert_uint_eq(rng_below_from(draw_script, &script, 256), 255); /* a power of two leaves no rest */
    ck_assert_uint_eq(script.at, 3);
    ck_assert_uint_eq(rng_below_from(draw_script, &script, UINT64_MAX), 0);
    ck_assert_uint_eq(script.at, 4);
}
END_TEST

/* 6000 draws of a die: each face comes about 1000 times (standard deviation 29); and a die with one face is sure. */
START_TEST(a_die_is_fair)
{
    struct rng_key key;
    struct rng rng;
    unsigned faces[6] = {0};
    rng_key_from_seed(&key, 3);
    rng_init(&rng, &key, RNG_SCENARIO, 0);
    for (int i = 0; i < 6000; i++) {
        uint64_t face = rng_below(&rng, 6);
        ck_assert_uint_lt(face, 6);
        faces[face]++;
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_uint_gt(faces[i], 850);
        ck_assert_uint_lt(faces[i], 1150);
    }
    ck_assert_uint_eq(rng_below(&rng, 1), 0);
}
END_TEST

static void draw_below_none(void *arg)
{
    rng_below(arg, 0);
}

START_TEST(below_nothing_is_our_mistake)
{
    struct rng_key key;
    struct rng rng;
    rng_key_from_seed(&key, 3);
    rng_init(&rng, &key, RNG_SCENARIO, 0);
    ck_assert_int_eq(exit_of(draw_below_none, &rng), -SIGABRT);
}
END_TEST

TEST_MAIN("rng", keys_streams_and_numbers_match_other_programs, a_stream_does_not_depend_on_how_it_is_cut,
          streams_are_named_by_seed_label_and_source, a_number_depends_on_each_of_its_names,
          a_bounded_draw_rejects_the_uneven_rest, a_die_is_fair, below_nothing_is_our_mistake)
