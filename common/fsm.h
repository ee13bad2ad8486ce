/* fsm.h: named states; every move checked against the allowed ones.
 *
 * A machine declares its states' names and, for each, the set of states it may move to. A move that is not allowed is
 * our own mistake: it ASSERTs with both names. */
#ifndef SWARMBED_FSM_H
#define SWARMBED_FSM_H

#include <stdint.h>

struct fsm_state {
    const char *name;
    uint32_t next; /* bit n: may move to state n */
};

#define FSM_TO(state) (UINT32_C(1) << (state))

void fsm_move_checked(uint8_t *state, uint8_t to, const struct fsm_state *states, uint32_t count, const char *file,
                      int line);

/* `state` is a uint8_t in the owner's struct; `states` is a static array of struct fsm_state. */
#define fsm_move(state, to, states) \
    fsm_move_checked((state), (to), (states), sizeof(states) / sizeof((states)[0]), __FILE__, __LINE__)

#endif
