/* stopwatch.h: real time, for what can't be observed: how long a slice may take, whether threads pay, how fast a run
 * was. */
#ifndef SWARMBED_STOPWATCH_H
#define SWARMBED_STOPWATCH_H

#include <stdint.h>
#include <time.h>

static inline uint64_t stopwatch_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline int64_t stopwatch_ms(void)
{
    return (int64_t)(stopwatch_ns() / 1000000);
}

#endif
