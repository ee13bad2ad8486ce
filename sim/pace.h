/* pace.h: how far virtual time may go, by the wall clock: at a speed, paused, or step by step.
 *
 * Pure arithmetic: the caller reads the clock (nanoseconds, monotonic). */
#ifndef SWARMBED_PACE_H
#define SWARMBED_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SPEED_MILLI_MAX 1000000000 /* a million times as fast as the clock */

struct pace {
    int64_t base_us; /* virtual time at base_ns; while paused: where to stop */
    uint64_t base_ns;
    uint32_t speed_milli; /* virtual milliseconds per second; at least 1 */
    bool paused;
};

void pace_init(struct pace *pace, uint64_t now_ns, int64_t now_us, uint32_t speed_milli);
/* The virtual time that should be reached now. */
int64_t pace_target_us(const struct pace *pace, uint64_t now_ns);
/* Real nanoseconds until virtual time `at_us` should be reached; 0: now; UINT64_MAX: never, as things stand. */
uint64_t pace_wait_ns(const struct pace *pace, uint64_t now_ns, int64_t at_us);
void pace_set_speed(struct pace *pace, uint64_t now_ns, uint32_t speed_milli);
void pace_pause(struct pace *pace, uint64_t now_ns);
void pace_resume(struct pace *pace, uint64_t now_ns);
void pace_step(struct pace *pace, int64_t us); /* paused: goes on for so long. ASSERTs that it is paused */

#endif
