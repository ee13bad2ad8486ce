#include "sim/testbed.h"
#include "tests/support/check_main.h"

/* A whole network with so much work that threads take part: for the thread sanitizer, and for the digest. */

#define USERS     120
#define SECOND_US INT64_C(1000000)

static void befriend_and_poll(void *machine, void *owner)
{
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(machine, owner, BYTES_LIT("Hi"), &sent), OK);
    client_listen_start(machine, true);
}

/* All users act at once, nodes die and come back meanwhile. */
static uint64_t digest_of_a_crowd(unsigned threads, uint64_t *parallel_windows)
{
    struct testbed_config config;
    struct testbed *testbed;
    struct account_id accounts[USERS];
    struct world_stats stats;
    uint64_t digest;

    ck_assert_int_eq(crypto_start(), OK);
    testbed_config_default(&config);
    config.nodes = 40;
    config.world.threads = threads;
    testbed = testbed_new(&config);
    for (uint32_t i = 0; i < USERS; i++) {
        testbed_add_client(testbed, "user");
        accounts[i] = *testbed_client_account(testbed, i);
    }
    for (uint32_t i = 0; i < USERS; i++)
        world_enter(testbed_world(testbed), testbed_client_seat(testbed, i), befriend_and_poll,
                    &accounts[(i + 1) % USERS]);
    for (int64_t s = 1; s <= 12; s++) {
        if (s % 4 == 1)
            testbed_kill(testbed, (uint32_t)s);
        if (s % 4 == 3)
            testbed_restart(testbed, (uint32_t)s - 2);
        world_run_until(testbed_world(testbed), s * SECOND_US, 0, NULL, NULL, 0);
    }
    world_stats(testbed_world(testbed), &stats);
    *parallel_windows = stats.parallel_windows;
    digest = world_digest(testbed_world(testbed));
    testbed_free(testbed);
    return digest;
}

/* Threads take part in many windows of it, and change nothing. */
START_TEST(a_crowd_is_the_same_on_four_threads)
{
    uint64_t windows, parallel_windows;
    uint64_t digest = digest_of_a_crowd(1, &windows);

    ck_assert_uint_eq(windows, 0);
    ck_assert_uint_eq(digest_of_a_crowd(4, &parallel_windows), digest);
    ck_assert_uint_gt(parallel_windows, 100);
}
END_TEST

TEST_MAIN("crowd", a_crowd_is_the_same_on_four_threads)
