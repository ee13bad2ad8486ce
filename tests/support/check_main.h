/* check_main.h: the main function of a test program: one suite of START_TEST cases.
 *
 *     TEST_MAIN("slab", slab_says_full, slab_reuses)
 *
 * No time limits: nothing in a test depends on the wall clock. The closing line of Check is what scripts/test counts.
 */
#ifndef SWARMBED_CHECK_MAIN_H
#define SWARMBED_CHECK_MAIN_H

#include <check.h>

#define TEST_MAIN(suite_name, ...)                                                                                     \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const TTest *const all[] = {__VA_ARGS__};                                                                      \
        Suite *suite = suite_create(suite_name);                                                                       \
        TCase *tcase = tcase_create(suite_name);                                                                       \
        SRunner *runner;                                                                                               \
        int failed;                                                                                                    \
        tcase_set_timeout(tcase, 0);                                                                                   \
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)                                                      \
            tcase_add_test(tcase, all[i]);                                                                             \
        suite_add_tcase(suite, tcase);                                                                                 \
        runner = srunner_create(suite);                                                                                \
        srunner_run_all(runner, CK_NORMAL);                                                                            \
        failed = srunner_ntests_failed(runner);                                                                        \
        srunner_free(runner);                                                                                          \
        return failed == 0 ? 0 : 1;                                                                                    \
    }

#endif
