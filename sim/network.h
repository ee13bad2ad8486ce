/* network.h: latency, bandwidth, loss.
 *
 * Delay = access of both ends + distance between regions + jitter, + size / bandwidth of the slower end. The defaults resemble
 * the internet and stand in one table with their source (network.c); a scenario can replace them. Loss means a
 * delayed or failed call, as over TCP. Jitter and loss are drawn by (purpose, source, sequence), never from a
 * protocol stream, and everything is integers. */
#ifndef SWARMBED_NETWORK_H
#define SWARMBED_NETWORK_H

#include <stdbool.h>

#include "common/rng.h"

#define NETWORK_REGIONS 6

struct network_access {
    uint8_t region;
    uint32_t access_us;        /* one way, from the machine to its region's core */
    uint32_t bytes_per_ms;     /* of the slower direction; 0: no limit */
};

struct network_config {
    uint32_t lookahead_us;     /* no delivery takes less: 1,000; never below 100 */
    uint32_t region_us[NETWORK_REGIONS][NETWORK_REGIONS]; /* one way */
    uint32_t jitter_us_max;    /* uniform 0 .. this */
    uint32_t retransmit_ppm;   /* deliveries that lose a packet and come one retransmission later */
    uint32_t retransmit_us;
    uint32_t loss_ppm;         /* calls lost for good: the caller times out */
    bool local;                /* one local network: every delivery takes the lookahead */
};
void network_config_default(struct network_config *config);

/* Where a node or a user is: drawn from (RNG_PLACEMENT, number) by the shares of the default tables. */
struct network_access network_place_node(const struct rng_key *key, uint32_t host);
struct network_access network_place_client(const struct rng_key *key, uint32_t number);

struct delivery {
    bool lost;
    int64_t delay_us;          /* at least lookahead_us */
};
/* The least that a delivery takes between any two machines whose way to their core is at least `access_us_min`. */
int64_t network_least_us(const struct network_config *config, uint32_t access_us_min);
struct delivery network_deliver(const struct network_config *config, const struct rng_key *key, const struct network_access *from,
                                const struct network_access *to, uint32_t source, uint64_t sequence, uint64_t wire_bytes);

#endif
