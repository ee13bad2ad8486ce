#include "common/err.h"

#include <signal.h>
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/dies.h"

/* A code added to the enum and forgotten in the table would have no text and status 0; two with one text could not be
 * told apart in a report. */
START_TEST(every_code_has_its_own_text_and_a_status)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        ck_assert_ptr_nonnull(err_text((enum err)i));
        ck_assert_uint_ge(err_status((enum err)i), 200);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(err_text((enum err)i), err_text((enum err)j));
    }
}
END_TEST

/* The statuses that PROTOCOL 3.3 names. */
START_TEST(statuses_are_those_of_the_protocol)
{
    ck_assert_uint_eq(err_status(OK), 200);
    ck_assert_uint_eq(err_status(ERR_FORMAT), 400);
    ck_assert_uint_eq(err_status(ERR_NOT_FOUND), 404);
    ck_assert_uint_eq(err_status(ERR_CLOCK), 406);
    ck_assert_uint_eq(err_status(ERR_TOO_BIG), 413);
    ck_assert_uint_eq(err_status(ERR_WRONG_SWARM), 421);
    ck_assert_uint_eq(err_status(ERR_UNREACHABLE), 502);
    ck_assert_uint_eq(err_status(ERR_NOT_READY), 503);
    ck_assert_uint_eq(err_status(ERR_TIMEOUT), 504);
}
END_TEST

static void break_promise(void *arg)
{
    ASSERT(arg != NULL);
}

static void text_of_no_code(void *arg)
{
    (void)arg;
    err_text(ERR_COUNT);
}

static void end_memory(void *arg)
{
    (void)arg;
    out_of_memory();
}

/* Our own mistakes abort in every build; a machine without memory ends the process with 3. */
START_TEST(mistakes_abort_and_no_memory_exits)
{
    int here;
    ck_assert_int_eq(exit_of(break_promise, &here), 0);
    ck_assert_int_eq(exit_of(break_promise, NULL), -SIGABRT);
    ck_assert_int_eq(exit_of(text_of_no_code, NULL), -SIGABRT);
    ck_assert_int_eq(exit_of(end_memory, NULL), 3);
}
END_TEST

TEST_MAIN("err", every_code_has_its_own_text_and_a_status, statuses_are_those_of_the_protocol,
          mistakes_abort_and_no_memory_exits)
