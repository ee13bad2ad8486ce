#include "common/pow.h"

#include <string.h>

#include "common/limits.h"
#include "common/rng.h"
#include "common/suite.h"
#include "common/text.h"
#include "sim/verify.h"
#include "tests/support/check_main.h"

/* PROTOCOL 5: the first example. */
static const struct bytes example[] = {
    {(const uint8_t *)"1567296000000", 13},
    {(const uint8_t *)"86400000", 8},
    {(const uint8_t *)"0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 66},
    {(const uint8_t *)"aGVsbG8=", 8},
};
#define EXAMPLE_BYTES  95
#define EXAMPLE_TARGET UINT64_C(7750732804079643)
#define EXAMPLE_NONCE  3413

START_TEST(the_first_good_nonce_is_found)
{
    uint8_t payload_hash[64], nonce[8], hash[64], again[64], expected[16];
    uint64_t target, counter = 0;

    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(pow_target(&target, EXAMPLE_BYTES, 86400000, 10), OK);
    ck_assert_uint_eq(target, EXAMPLE_TARGET);
    pow_payload_hash(example, ARRAY_LEN(example), payload_hash);
    ck_assert(pow_search(payload_hash, target, &counter, 100000, hash));
    ck_assert_uint_eq(counter, EXAMPLE_NONCE);
    ck_assert_int_eq(hex_decode(expected, 16, BYTES_LIT("0012a4c457ec44b24484393bf5c25f6a")), OK);
    ck_assert_mem_eq(hash, expected, sizeof(expected));
    store_be64(nonce, counter);
    ck_assert_uint_eq(pow_trial(payload_hash, nonce, again), load_be64(hash));
    ck_assert_mem_eq(again, hash, sizeof(hash));
}
END_TEST

/* The trial is SHA-512 as everybody knows it, though it runs on one prepared block. */
START_TEST(a_trial_is_sha512)
{
    uint8_t text[72], hash[64], expected[64];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 31);
    hash_sha512(BYTES_OF(text), expected);
    ck_assert_uint_eq(pow_trial(text + 8, text, hash), load_be64(expected));
    ck_assert_mem_eq(hash, expected, sizeof(hash));
}
END_TEST

/* A search in slices finds what one search finds, and a slice that fails says where to go on. */
START_TEST(a_search_may_be_cut_in_slices)
{
    uint8_t payload_hash[64], hash[64];
    uint64_t counter = 0;
    unsigned slices = 0;

    pow_payload_hash(example, ARRAY_LEN(example), payload_hash);
    while (!pow_search(payload_hash, EXAMPLE_TARGET, &counter, 100, hash))
        ck_assert_uint_eq(counter, 100 * ++slices);
    ck_assert_uint_eq(counter, EXAMPLE_NONCE);
    ck_assert_uint_eq(slices, EXAMPLE_NONCE / 100);
    counter = EXAMPLE_NONCE;
    ck_assert(!pow_search(payload_hash, EXAMPLE_TARGET, &counter, 0, hash));
    ck_assert(pow_search(payload_hash, EXAMPLE_TARGET, &counter, 1, hash));
}
END_TEST

/* The trial value must be below the target: at it is not enough. */
START_TEST(the_target_itself_is_too_high)
{
    uint8_t payload_hash[64], hash[64], nonce[8] = {0};
    uint64_t value, counter = 0;

    pow_payload_hash(example, ARRAY_LEN(example), payload_hash);
    value = pow_trial(payload_hash, nonce, hash);
    ck_assert(!pow_search(payload_hash, value, &counter, 1, hash));
    counter = 0;
    ck_assert(pow_search(payload_hash, value + 1, &counter, 1, hash));
    ck_assert(!crypto_real.pow_check(payload_hash, value, nonce, hash));
    ck_assert(crypto_real.pow_check(payload_hash, value + 1, nonce, hash));
}
END_TEST

START_TEST(products_past_64_bits_have_no_target)
{
    uint64_t target = 5;

    ck_assert_int_eq(pow_target(&target, 100, 86400000, 0), ERR_RANGE);
    ck_assert_int_eq(pow_target(&target, SIZE_MAX, 86400000, 1), ERR_RANGE);
    ck_assert_int_eq(pow_target(&target, SIZE_MAX / 2, 86400000, 1), ERR_RANGE);
    ck_assert_int_eq(pow_target(&target, 100, 86400000, UINT64_MAX), ERR_RANGE);
    ck_assert_int_eq(pow_target(&target, 100000, UINT64_MAX, 1), ERR_RANGE);
    ck_assert_uint_eq(target, 5);
    ck_assert_int_eq(pow_target(&target, 100, 999, UINT64_MAX / 108), OK); /* the largest difficulty there is */
    ck_assert_uint_eq(target, 1);
}
END_TEST

/* How many trials a draw of the world's takes: at the ends of the number, and on average as many as a search. */
START_TEST(drawn_trials_are_those_of_a_search)
{
    struct rng_key key;
    struct rng rng;

    ck_assert_uint_eq(pow_draw_trials(UINT64_MAX, 1000), 1);
    ck_assert_uint_eq(pow_draw_trials(UINT64_MAX - 1, UINT64_MAX), 1);
    ck_assert_uint_eq(pow_draw_trials(0, 0), UINT64_MAX);
    ck_assert_uint_eq(pow_draw_trials(0, 1), UINT64_MAX);
    /* Half of all searches end within ln 2 / p = 0.6931 * 2^20 trials. */
    ck_assert_uint_eq(pow_draw_trials(UINT64_C(1) << 63, UINT64_C(1) << 44) / 1000, 726);
    rng_key_from_seed(&key, 1);
    rng_init(&rng, &key, RNG_PROTOCOL, 0);
    for (unsigned bits = 4; bits < 40; bits += 7) {
        uint64_t target = UINT64_C(1) << (64 - bits), sum = 0, first_third = 0;
        const uint64_t draws = 200000;

        for (uint64_t i = 0; i < draws; i++) {
            uint64_t drawn, trials;

            rng_bytes(&rng, &drawn, sizeof(drawn));
            trials = pow_draw_trials(drawn, target);
            sum += trials;
            first_third += trials <= (UINT64_C(1) << bits) / 3;
        }
        /* mean 1 / p, within six standard deviations of the sample's mean */
        ck_assert_uint_ge(sum, (draws << bits) - (draws << bits) / 70);
        ck_assert_uint_le(sum, (draws << bits) + (draws << bits) / 70);
        ck_assert_uint_gt(first_third * 100, draws * 26); /* 1 - e^(-1/3) = 28.3 % */
        ck_assert_uint_lt(first_third * 100, draws * 31);
    }
}
END_TEST

/* The searches themselves take as many trials as are drawn. */
START_TEST(real_searches_take_as_many)
{
    uint64_t sum = 0;
    const uint64_t searches = 4000;

    for (uint64_t i = 0; i < searches; i++) {
        uint8_t payload_hash[64] = {0}, hash[64];
        uint64_t counter = 0;

        store_be64(payload_hash, i);
        ck_assert(pow_search(payload_hash, UINT64_C(1) << 58, &counter, UINT64_MAX, hash));
        sum += counter + 1;
    }
    ck_assert_uint_gt(sum, searches * 64 * 9 / 10);
    ck_assert_uint_lt(sum, searches * 64 * 11 / 10);
}
END_TEST

/* PROTOCOL 5.6: the record in force, or any within 15 minutes, if it asks for less. */
START_TEST(relayed_messages_meet_the_mildest_record_near)
{
    const struct pow_record records[] = {{1000000000, 100}, {2000000000, 10}, {3000000000, 1000}};

    ck_assert_uint_eq(pow_relay_difficulty(records, 0, 5), UINT64_MAX);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 0), UINT64_MAX);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 1000000000 - POW_LENIENCY_MS - 1), UINT64_MAX);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 1000000000 - POW_LENIENCY_MS), 100);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 1500000000), 100);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 2000000000 - POW_LENIENCY_MS), 10);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 3000000000 + POW_LENIENCY_MS), 1000);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, 3000000000), 10); /* strictly before */
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, INT64_MAX), 1000);
    ck_assert_uint_eq(pow_relay_difficulty(records, 3, INT64_MIN), UINT64_MAX);
}
END_TEST

START_TEST(time_to_live_has_bounds)
{
    ck_assert(!pow_ttl_valid(0));
    ck_assert(!pow_ttl_valid(9999));
    ck_assert(pow_ttl_valid(10000));
    ck_assert(pow_ttl_valid(345600000));
    ck_assert(!pow_ttl_valid(345600001));
    ck_assert(!pow_ttl_valid(UINT64_MAX));
}
END_TEST

START_TEST(all_vectors_pass)
{
    const char *const files[] = {VECTORS "/pow.json"};

    ck_assert_int_eq(verify_files(files, 1, stdout, stderr), 0);
}
END_TEST

TEST_MAIN("pow", the_first_good_nonce_is_found, a_trial_is_sha512, a_search_may_be_cut_in_slices,
          the_target_itself_is_too_high, products_past_64_bits_have_no_target, drawn_trials_are_those_of_a_search,
          real_searches_take_as_many, relayed_messages_meet_the_mildest_record_near, time_to_live_has_bounds,
          all_vectors_pass)
