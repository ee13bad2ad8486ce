/* mt19937_64.h: the 64-bit Mersenne twister and the chain's bounded draw.
 *
 * What makes a swarm assignment repeatable everywhere: the generator of the C++ library, seeded with a block's hash.
 * Everything else in a world draws from common/rng.h. Source: PROTOCOL 2.4. */
#ifndef SWARMBED_MT19937_64_H
#define SWARMBED_MT19937_64_H

#include <stddef.h>
#include <stdint.h>

#define MT19937_64_WORDS 312

struct mt19937_64 {
    uint64_t state[MT19937_64_WORDS];
    size_t next; /* word of `state` that comes next; MT19937_64_WORDS: all used up */
};

void mt19937_64_init(struct mt19937_64 *mt, uint64_t seed);
uint64_t mt19937_64_next(struct mt19937_64 *mt);
/* 0 .. n - 1, by rejection and division (not modulo); n > 0. */
uint64_t mt19937_64_draw(struct mt19937_64 *mt, uint64_t n);

#endif
