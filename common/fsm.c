#include "common/fsm.h"

#include <stdio.h>

#include "common/err.h"

void fsm_move_checked(uint8_t *state, uint8_t to, const struct fsm_state *states, uint32_t count, const char *file,
                      int line)
{
    ASSERT(*state < count && to < count && count <= 32);
    if ((states[*state].next & FSM_TO(to)) == 0) {
        char what[128];
        snprintf(what, sizeof(what), "no move from %s to %s", states[*state].name, states[to].name);
        assert_failed(what, file, line);
    }
    *state = to;
}
