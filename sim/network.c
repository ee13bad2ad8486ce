#include "sim/network.h"

#include <string.h>

/* Regions: Europe west, Europe east, North America east, North America west, Asia, Oceania. One way, between the cores
 * of the regions, in microseconds: half of the round trips that large cloud providers publish for their regions (tables
 * of 2020 to 2024), rounded; the diagonal is the way between two cities of one region. */
static const uint32_t default_region_us[NETWORK_REGIONS][NETWORK_REGIONS] = {
    {5000, 16000, 40000, 70000, 82000, 130000},  {16000, 6000, 50000, 82000, 88000, 140000},
    {40000, 50000, 8000, 32000, 108000, 100000}, {70000, 82000, 32000, 6000, 80000, 72000},
    {82000, 88000, 108000, 80000, 18000, 48000}, {130000, 140000, 100000, 72000, 48000, 8000},
};

/* How many of a thousand machines stand where. Nodes: rented servers, mostly in Europe, as public maps of such networks
 * show them. Clients: people. */
static const uint32_t node_share[NETWORK_REGIONS] = {450, 150, 200, 100, 70, 30};
static const uint32_t client_share[NETWORK_REGIONS] = {250, 150, 200, 120, 230, 50};

#define MILLION 1000000u

void network_config_default(struct network_config *config)
{
    *config = (struct network_config){
        .lookahead_us = 1000,
        .jitter_us_max = 2000,
        .retransmit_ppm = 1000,
        .retransmit_us = 200000, /* the usual minimum of TCP's retransmission timer */
        .loss_ppm = 0,
    };
    memcpy(config->region_us, default_region_us, sizeof(default_region_us));
}

/* `number` is uniform over 32 bits; so is the result over 0 .. n - 1, but for n / 2^32. */
static uint32_t scaled(uint32_t number, uint32_t n)
{
    return (uint32_t)((uint64_t)number * n >> 32);
}

static uint8_t place_region(uint32_t number, const uint32_t share[NETWORK_REGIONS])
{
    uint32_t left = scaled(number, 1000);
    uint8_t region = 0;

    for (; left >= share[region]; region++)
        left -= share[region];
    return region;
}

/* The range that access and bandwidth of a kind of machine are drawn from, evenly. */
struct place_range {
    uint32_t access_us_min, access_us_span;
    uint32_t bytes_per_ms_min, bytes_per_ms_span;
};
/* 100 Mbit/s to 1 Gbit/s, 0.3 to 2 ms from the core */
static const struct place_range node_range = {300, 1700, 12500, 112500};
/* 5 to 20 Mbit/s upwards, 5 to 25 ms from the core: home connections and phones */
static const struct place_range client_range = {5000, 20000, 625, 1875};

enum { PLACE_NODE, PLACE_CLIENT }; /* even and odd sequences, so that node n and client n are strangers */

static struct network_access place(const struct rng_key *key, uint32_t number, uint64_t kind,
                                   const uint32_t share[NETWORK_REGIONS], const struct place_range *range)
{
    uint64_t where = rng_number(key, RNG_PLACEMENT, number, kind);
    uint64_t how = rng_number(key, RNG_PLACEMENT, number, kind + 2);

    return (struct network_access){
        .region = place_region((uint32_t)where, share),
        .access_us = range->access_us_min + scaled((uint32_t)how, range->access_us_span + 1),
        .bytes_per_ms = range->bytes_per_ms_min + scaled((uint32_t)(how >> 32), range->bytes_per_ms_span + 1),
    };
}

struct network_access network_place_node(const struct rng_key *key, uint32_t host)
{
    return place(key, host, PLACE_NODE, node_share, &node_range);
}

struct network_access network_place_client(const struct rng_key *key, uint32_t number)
{
    return place(key, number, PLACE_CLIENT, client_share, &client_range);
}

int64_t network_least_us(const struct network_config *config, uint32_t access_us_min)
{
    int64_t least_us = INT64_MAX;

    if (config->local)
        return config->lookahead_us;
    for (size_t from = 0; from < NETWORK_REGIONS; from++)
        for (size_t to = 0; to < NETWORK_REGIONS; to++)
            if (config->region_us[from][to] < least_us)
                least_us = config->region_us[from][to];
    least_us += 2 * (int64_t)access_us_min;
    return least_us < config->lookahead_us ? config->lookahead_us : least_us;
}

/* One draw makes both: the low half the jitter, the high half the fate. */
struct delivery network_deliver(const struct network_config *config, const struct rng_key *key,
                                const struct network_access *from, const struct network_access *to, uint32_t source,
                                uint64_t sequence, uint64_t wire_bytes)
{
    uint64_t number = rng_number(key, RNG_NETWORK, source, sequence);
    uint32_t fate = scaled((uint32_t)(number >> 32), MILLION);
    uint32_t bytes_per_ms = from->bytes_per_ms < to->bytes_per_ms ? from->bytes_per_ms : to->bytes_per_ms;
    struct delivery delivery = {.lost = fate < config->loss_ppm};

    if (config->local) {
        delivery.delay_us = config->lookahead_us;
        return delivery;
    }
    delivery.delay_us = (int64_t)from->access_us + to->access_us + config->region_us[from->region][to->region];
    delivery.delay_us += (int64_t)((uint64_t)(uint32_t)number * ((uint64_t)config->jitter_us_max + 1) >> 32);
    if (bytes_per_ms != 0)
        delivery.delay_us += (int64_t)(wire_bytes * 1000 / bytes_per_ms);
    if (!delivery.lost && fate - config->loss_ppm < config->retransmit_ppm)
        delivery.delay_us += config->retransmit_us;
    if (delivery.delay_us < config->lookahead_us)
        delivery.delay_us = config->lookahead_us;
    return delivery;
}
