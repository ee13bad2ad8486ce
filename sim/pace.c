#include "sim/pace.h"

#include "common/err.h"

/* Virtual microseconds per real nanosecond are speed_milli / 10^6. */
#define SCALE UINT64_C(1000000)
__extension__ typedef unsigned __int128 wide;

void pace_init(struct pace *pace, uint64_t now_ns, int64_t now_us, uint32_t speed_milli)
{
    ASSERT(speed_milli >= 1 && speed_milli <= PACE_SPEED_MILLI_MAX);
    *pace = (struct pace){.base_us = now_us, .base_ns = now_ns, .speed_milli = speed_milli};
}

int64_t pace_target_us(const struct pace *pace, uint64_t now_ns)
{
    if (pace->paused)
        return pace->base_us;
    return pace->base_us + (int64_t)((wide)(now_ns - pace->base_ns) * pace->speed_milli / SCALE);
}

uint64_t pace_wait_ns(const struct pace *pace, uint64_t now_ns, int64_t at_us)
{
    int64_t left_us = at_us - pace_target_us(pace, now_ns);
    wide wait_ns;

    if (left_us <= 0)
        return 0;
    if (pace->paused)
        return UINT64_MAX;
    wait_ns = (wide)left_us * SCALE / pace->speed_milli;
    return wait_ns >= UINT64_MAX ? UINT64_MAX - 1 : (uint64_t)wait_ns;
}

/* What was reached so far is where the new pace starts. */
static void rebase(struct pace *pace, uint64_t now_ns)
{
    pace->base_us = pace_target_us(pace, now_ns);
    pace->base_ns = now_ns;
}

void pace_set_speed(struct pace *pace, uint64_t now_ns, uint32_t speed_milli)
{
    ASSERT(speed_milli >= 1 && speed_milli <= PACE_SPEED_MILLI_MAX);
    rebase(pace, now_ns);
    pace->speed_milli = speed_milli;
}

void pace_pause(struct pace *pace, uint64_t now_ns)
{
    rebase(pace, now_ns);
    pace->paused = true;
}

void pace_resume(struct pace *pace, uint64_t now_ns)
{
    rebase(pace, now_ns);
    pace->paused = false;
}

void pace_step(struct pace *pace, int64_t us)
{
    ASSERT(pace->paused);
    pace->base_us += us;
}
