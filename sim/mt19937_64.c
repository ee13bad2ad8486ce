#include "sim/mt19937_64.h"

#include "common/err.h"

/* The parameters of Nishimura and Matsumoto's 64-bit generator, as in the C++ library's std::mt19937_64. */
#define SHIFT_WORDS 156
#define MATRIX      UINT64_C(0xb5026f5aa96619e9)
#define UPPER_BITS  UINT64_C(0xffffffff80000000)
#define LOWER_BITS  UINT64_C(0x000000007fffffff)
#define SEED_FACTOR UINT64_C(6364136223846793005)

void mt19937_64_init(struct mt19937_64 *mt, uint64_t seed)
{
    mt->state[0] = seed;
    for (size_t i = 1; i < MT19937_64_WORDS; i++)
        mt->state[i] = SEED_FACTOR * (mt->state[i - 1] ^ (mt->state[i - 1] >> 62)) + i;
    mt->next = MT19937_64_WORDS;
}

static void twist(struct mt19937_64 *mt)
{
    uint64_t *state = mt->state;

    for (size_t i = 0; i < MT19937_64_WORDS; i++) {
        uint64_t x = (state[i] & UPPER_BITS) | (state[(i + 1) % MT19937_64_WORDS] & LOWER_BITS);
        state[i] = state[(i + SHIFT_WORDS) % MT19937_64_WORDS] ^ (x >> 1) ^ ((x & 1) != 0 ? MATRIX : 0);
    }
    mt->next = 0;
}

uint64_t mt19937_64_next(struct mt19937_64 *mt)
{
    uint64_t x;

    if (mt->next == MT19937_64_WORDS)
        twist(mt);
    x = mt->state[mt->next++];
    x ^= (x >> 29) & UINT64_C(0x5555555555555555);
    x ^= (x << 17) & UINT64_C(0x71d67fffeda60000);
    x ^= (x << 37) & UINT64_C(0xfff7eee000000000);
    return x ^ (x >> 43);
}

uint64_t mt19937_64_draw(struct mt19937_64 *mt, uint64_t n)
{
    uint64_t limit, x;

    ASSERT(n > 0);
    limit = UINT64_MAX - UINT64_MAX % n;
    do {
        x = mt19937_64_next(mt);
    } while (x >= limit);
    return x / (limit / n);
}
