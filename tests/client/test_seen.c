#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/seen.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;

static void start(void)
{
    fake_swarm_init(&net, 3, 1);
    client = fake_swarm_client(&net, 1);
}

static void stop(void)
{
    client_free(client);
    fake_swarm_fini(&net);
}

static bool add(uint32_t number, int64_t in_ms)
{
    uint8_t key[SEEN_KEY_BYTES] = {0};
    store_le32(key, number);
    return seen_add(client, key, env_now_ms(&net.fake.env) + in_ms);
}

/* Known until it expires, and not a millisecond longer. */
START_TEST(known_until_expiry)
{
    start();
    ck_assert_uint_eq(seen_count(client), 0);
    ck_assert(add(1, 1000));
    ck_assert(!add(1, 5000));
    net.fake.now_ms += 1000;
    ck_assert(!add(1, 0));
    net.fake.now_ms += 1;
    ck_assert(add(1, 1000));
    ck_assert_uint_eq(seen_count(client), 1);
    stop();
}
END_TEST

/* No expiry is believed that lies beyond what any message may have. */
START_TEST(expiry_is_clamped)
{
    start();
    uint8_t key[SEEN_KEY_BYTES] = {9};
    ck_assert(seen_add(client, key, INT64_MAX));
    net.fake.now_ms += LIMIT_TTL_MS_MAX + LIMIT_FUTURE_MS;
    ck_assert(!seen_add(client, key, INT64_MAX));
    net.fake.now_ms += 1;
    ck_assert(seen_add(client, key, INT64_MAX));
    stop();
}
END_TEST

/* Full: what expires first goes first, whatever the order of coming. */
START_TEST(first_to_expire_goes_first)
{
    start();
    for (uint32_t i = 0; i < LIMIT_SEEN; i++)
        ck_assert(add(i, 1000 + (int64_t)(i * 7919 % LIMIT_SEEN)));
    ck_assert_uint_eq(seen_count(client), LIMIT_SEEN);
    ck_assert(!add(0, 1000)); /* i = 0 expires first of all */
    ck_assert(add(LIMIT_SEEN, 500000));
    ck_assert_uint_eq(seen_count(client), LIMIT_SEEN);
    ck_assert(!add(LIMIT_SEEN, 500000));
    ck_assert(!add(1, 1000));
    ck_assert(add(0, 600000)); /* it had to go */
    stop();
}
END_TEST

/* Expired entries go together, in the middle of a run too. */
START_TEST(expired_entries_go)
{
    start();
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert(add(i, (int64_t)(i * 7919 % 1000)));
    net.fake.now_ms += 500;
    ck_assert(add(5000, 1000));
    ck_assert_uint_eq(seen_count(client), 501);
    stop();
}
END_TEST

TEST_MAIN("seen", known_until_expiry, expiry_is_clamped, first_to_expire_goes_first, expired_entries_go)
