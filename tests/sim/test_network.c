#include "sim/network.h"

#include "tests/support/check_main.h"

static struct rng_key key;
static struct network_config config;
static const struct network_access here = {.region = 0, .access_us = 300, .bytes_per_ms = 1000};
static const struct network_access there = {.region = 2, .access_us = 700, .bytes_per_ms = 500};

static void fresh(void)
{
    rng_key_from_seed(&key, 3);
    network_config_default(&config);
}

static struct delivery deliver(uint64_t sequence, uint64_t bytes)
{
    return network_deliver(&config, &key, &here, &there, 5, sequence, bytes);
}

/* Without chance: access of both ends, the way between the regions, and the bytes over the slower end. */
START_TEST(delay_is_the_sum_of_its_parts)
{
    fresh();
    config.jitter_us_max = config.retransmit_ppm = 0;
    ck_assert_int_eq(deliver(1, 0).delay_us, 300 + 700 + config.region_us[0][2]);
    ck_assert_int_eq(deliver(1, 5000).delay_us, 300 + 700 + config.region_us[0][2] + 10000);
    ck_assert(!deliver(1, 0).lost);
}
END_TEST

START_TEST(no_limit_on_bandwidth_costs_no_time)
{
    const struct network_access free_access = {.region = 1};

    fresh();
    config.jitter_us_max = config.retransmit_ppm = 0;
    ck_assert_int_eq(network_deliver(&config, &key, &free_access, &free_access, 5, 1, 1 << 30).delay_us,
                     config.region_us[1][1]);
}
END_TEST

/* Two seats on one host and without any distance still take the lookahead. */
START_TEST(nothing_is_faster_than_the_lookahead)
{
    const struct network_access near = {.region = 0};

    fresh();
    config.jitter_us_max = config.region_us[0][0] = config.retransmit_ppm = 0;
    ck_assert_int_eq(network_deliver(&config, &key, &near, &near, 5, 1, 0).delay_us, config.lookahead_us);
    config.region_us[0][0] = config.lookahead_us + 1;
    ck_assert_int_eq(network_deliver(&config, &key, &near, &near, 5, 1, 0).delay_us, config.lookahead_us + 1);
}
END_TEST

/* Jitter stays in its range and reaches both ends of it; the same name has the same luck. */
START_TEST(jitter_belongs_to_the_name)
{
    int64_t base_us, least = INT64_MAX, most = 0;

    fresh();
    config.retransmit_ppm = 0;
    config.jitter_us_max = 9;
    base_us = 300 + 700 + config.region_us[0][2];
    for (uint64_t sequence = 0; sequence < 1000; sequence++) {
        int64_t jitter_us = deliver(sequence, 0).delay_us - base_us;

        ck_assert_int_eq(deliver(sequence, 0).delay_us - base_us, jitter_us);
        least = jitter_us < least ? jitter_us : least;
        most = jitter_us > most ? jitter_us : most;
    }
    ck_assert_int_eq(least, 0);
    ck_assert_int_eq(most, 9);
}
END_TEST

/* Of a million deliveries so many are lost, and so many late by a retransmission. */
START_TEST(losses_come_at_their_rates)
{
    unsigned lost = 0, late = 0;

    fresh();
    config.jitter_us_max = 0;
    config.loss_ppm = 20000;
    config.retransmit_ppm = 50000;
    for (uint64_t sequence = 0; sequence < 100000; sequence++) {
        struct delivery delivery = deliver(sequence, 0);

        lost += delivery.lost;
        late += delivery.delay_us > 1000 + config.region_us[0][2];
    }
    ck_assert_uint_gt(lost, 1800);
    ck_assert_uint_lt(lost, 2200);
    ck_assert_uint_gt(late, 4700);
    ck_assert_uint_lt(late, 5300);
}
END_TEST

START_TEST(all_lost_or_none)
{
    fresh();
    for (uint64_t sequence = 0; sequence < 1000; sequence++) {
        config.loss_ppm = 1000000;
        ck_assert(deliver(sequence, 0).lost);
        config.loss_ppm = 0;
        ck_assert(!deliver(sequence, 0).lost);
    }
}
END_TEST

/* The default distances: as far there as back, and one's own region is the nearest. */
START_TEST(default_distances_are_plausible)
{
    fresh();
    for (unsigned a = 0; a < NETWORK_REGIONS; a++)
        for (unsigned b = 0; b < NETWORK_REGIONS; b++) {
            ck_assert_uint_eq(config.region_us[a][b], config.region_us[b][a]);
            ck_assert_uint_ge(config.region_us[a][b], config.lookahead_us);
            if (a != b)
                ck_assert_uint_gt(config.region_us[a][b], config.region_us[a][a]);
        }
}
END_TEST

/* Places depend on the number alone, lie in their ranges, and use all regions. */
START_TEST(places_lie_in_their_ranges)
{
    unsigned nodes[NETWORK_REGIONS] = {0}, clients[NETWORK_REGIONS] = {0};

    fresh();
    for (uint32_t number = 0; number < 2000; number++) {
        struct network_access node = network_place_node(&key, number);
        struct network_access client = network_place_client(&key, number);

        ck_assert_uint_eq(network_place_node(&key, number).access_us, node.access_us);
        ck_assert_uint_ge(node.access_us, 300);
        ck_assert_uint_le(node.access_us, 2000);
        ck_assert_uint_ge(client.access_us, 5000);
        ck_assert_uint_le(client.access_us, 25000);
        ck_assert_uint_gt(node.bytes_per_ms, client.bytes_per_ms);
        nodes[node.region]++;
        clients[client.region]++;
    }
    for (unsigned region = 0; region < NETWORK_REGIONS; region++) {
        ck_assert_uint_gt(nodes[region], 0);
        ck_assert_uint_gt(clients[region], 0);
    }
}
END_TEST

/* Nothing comes sooner than the least, and it is the greatest such bound: the closest pair takes just that. */
START_TEST(the_least_delay_is_a_bound_that_is_reached)
{
    struct network_access closest = {.region = 0, .access_us = UINT32_MAX};
    int64_t least_us;

    fresh();
    for (uint32_t number = 0; number < 2000; number++)
        if (network_place_node(&key, number).access_us < closest.access_us)
            closest.access_us = network_place_node(&key, number).access_us;
    least_us = network_least_us(&config, closest.access_us);
    for (uint32_t number = 0; number < 2000; number++) {
        struct network_access from = network_place_node(&key, number), to = network_place_node(&key, number / 2);

        ck_assert_int_ge(network_deliver(&config, &key, &from, &to, number, 1, 0).delay_us, least_us);
    }
    config.jitter_us_max = 0;
    config.retransmit_ppm = 0;
    ck_assert_int_eq(network_deliver(&config, &key, &closest, &closest, 5, 1, 0).delay_us, least_us);
    config.region_us[5][2] = 0;
    ck_assert_int_eq(network_least_us(&config, 0), config.lookahead_us);
    config.region_us[5][2] = 7 * config.lookahead_us;
    ck_assert_int_eq(network_least_us(&config, 3), config.region_us[0][0] + 6);
    config.local = true;
    ck_assert_int_eq(network_least_us(&config, closest.access_us), config.lookahead_us);
}
END_TEST

TEST_MAIN("network", delay_is_the_sum_of_its_parts, no_limit_on_bandwidth_costs_no_time,
          nothing_is_faster_than_the_lookahead, jitter_belongs_to_the_name, losses_come_at_their_rates,
          the_least_delay_is_a_bound_that_is_reached, all_lost_or_none, default_distances_are_plausible, places_lie_in_their_ranges)
