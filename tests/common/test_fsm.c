#include "common/fsm.h"

#include <signal.h>

#include "tests/support/check_main.h"
#include "tests/support/dies.h"

enum { IDLE, BUSY, DONE };
static const struct fsm_state states[] = {
    [IDLE] = {"IDLE", FSM_TO(BUSY)},
    [BUSY] = {"BUSY", FSM_TO(IDLE) | FSM_TO(DONE)},
    [DONE] = {"DONE", 0},
};

struct move {
    uint8_t from, to;
};

static void try_move(void *arg)
{
    const struct move *move = arg;
    uint8_t state = move->from;
    fsm_move(&state, move->to, states);
}

START_TEST(allowed_moves_change_the_state)
{
    uint8_t state = IDLE;
    fsm_move(&state, BUSY, states);
    ck_assert_uint_eq(state, BUSY);
    fsm_move(&state, IDLE, states);
    fsm_move(&state, BUSY, states);
    fsm_move(&state, DONE, states);
    ck_assert_uint_eq(state, DONE);
}
END_TEST

/* Each of the nine moves, so that a set bit too many or too few shows; and states outside the table. */
START_TEST(every_other_move_aborts)
{
    static const int allowed[3][3] = {{0, 1, 0}, {1, 0, 1}, {0, 0, 0}};
    for (uint8_t from = 0; from < 3; from++)
        for (uint8_t to = 0; to < 3; to++)
            ck_assert_int_eq(exit_of(try_move, &(struct move){from, to}), allowed[from][to] ? 0 : -SIGABRT);
    ck_assert_int_eq(exit_of(try_move, &(struct move){IDLE, 3}), -SIGABRT);
    ck_assert_int_eq(exit_of(try_move, &(struct move){3, BUSY}), -SIGABRT);
}
END_TEST

TEST_MAIN("fsm", allowed_moves_change_the_state, every_other_move_aborts)
