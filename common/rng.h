/* rng.h: seeded random streams, and random numbers by name.
 *
 * A stream is ChaCha20 under the world's key with (label, source) as its nonce; its whole state is a position, so an
 * endpoint's stream costs 16 bytes and adding an endpoint leaves the others' luck alone. rng_number() has no state at
 * all: the network's jitter and losses are drawn by (purpose, source, sequence), so they never shift a protocol
 * stream. Bounded draws are exact (rejection), with integers only. */
#ifndef SWARMBED_RNG_H
#define SWARMBED_RNG_H

#include <stddef.h>
#include <stdint.h>

enum rng_label {
    RNG_KEYS,      /* identities made when the world is built */
    RNG_PROTOCOL,  /* an endpoint's own stream: env->random */
    RNG_NETWORK,   /* jitter and losses */
    RNG_PLACEMENT, /* regions, access times, hosts */
    RNG_CHAIN,     /* block hashes, delays of blocks */
    RNG_SCENARIO,  /* math.random in Lua */
    RNG_FAULTS
};

struct rng_key {
    uint8_t bytes[32];
};

struct rng {
    const struct rng_key *key; /* the world's */
    uint32_t label, source;
    uint64_t position_bytes;
};

void rng_key_from_seed(struct rng_key *key, uint64_t seed);
void rng_init(struct rng *rng, const struct rng_key *key, enum rng_label label, uint32_t source);
void rng_bytes(struct rng *rng, void *out, size_t len);
uint64_t rng_below(struct rng *rng, uint64_t n); /* 0 .. n - 1; n > 0 */
/* A number that depends on its arguments alone. */
uint64_t rng_number(const struct rng_key *key, enum rng_label label, uint32_t source, uint64_t sequence);
/* The bounded draw of rng_below, from any source of bytes. */
typedef void (*rng_bytes_fn)(void *source, void *out, size_t len);
uint64_t rng_below_from(rng_bytes_fn draw, void *source, uint64_t n);

#endif
