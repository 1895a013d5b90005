/* SPDX-License-Identifier: Apache-2.0
 *
 * test_alloc.c - the n-th allocation fails, for every n, in building and running a topology: a
 * clean error with a text, and not a byte is lost.
 */
#include "base/alloc.h"
#include "fault/scenario.h"

#include <check.h>
#include <stdlib.h>

static struct ks__alloc_probe probe;

static scenario_fn *const scenarios[] = { scenario_run, scenario_operators,
                                            scenario_stores };
static scenario_fn       *run;

static void install(uint64_t fail_at, bool fail_all_after)
{
    probe = (struct ks__alloc_probe){ .fail_at = fail_at, .fail_all_after = fail_all_after };
    ks__alloc_probe_install(&probe);
}

/* What a first run leaves for good (tables of the process) is none of the sweep's business. */
static void set_up(void)
{
    struct outcome outcome;

    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        scenarios[i](&outcome, NULL);
        ck_assert_msg(outcome.right, "without faults: %s %s", ks_status_name(outcome.status),
                      outcome.text);
    }
}

static void tear_down(void)
{
    ks__allocator_set(NULL);
}

/* One run with a failing allocation; false = the run needs less than n. */
static bool run_failing(uint64_t n, bool fail_all_after)
{
    struct outcome outcome;

    install(n, fail_all_after);
    run(&outcome, NULL);
    ck_assert_msg(probe.live_blocks == 0, "allocation %d: %d blocks, %d bytes are lost (%s %s)",
                  (int)n, (int)probe.live_blocks, (int)probe.live_bytes,
                  ks_status_name(outcome.status), outcome.text);
    if (probe.failed == 0) {
        ck_assert_msg(outcome.right, "%s %s", ks_status_name(outcome.status), outcome.text);
        return false;
    }
    if (outcome.status == KS_OK) {
        ck_assert_msg(outcome.right, "allocation %d failed, and so did the result, in silence",
                      (int)n);
    } else {
        ck_assert_msg(outcome.status == KS_ENOMEM, "allocation %d: %s %s", (int)n,
                      ks_status_name(outcome.status), outcome.text);
        ck_assert_msg(outcome.text[0] != '\0', "allocation %d: no text", (int)n);
    }
    return true;
}

START_TEST(a_failed_allocation_is_a_clean_error_and_loses_nothing)
{
    uint64_t n = 1;

    run = scenarios[_i];
    while (run_failing(n, false))
        n++;
    ck_assert_uint_gt(n, 100); /* it was a sweep */
}
END_TEST

START_TEST(no_memory_from_some_point_on_is_a_clean_error_and_loses_nothing)
{
    uint64_t n = 1;

    run = scenarios[_i];
    while (run_failing(n, true))
        n++;
    ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("fault/alloc");
    TCase   *sweeps = tcase_create("sweeps");
    SRunner *runner = srunner_create(suite);
    int      failed;

    suite_add_tcase(suite, sweeps);
    tcase_set_timeout(sweeps, 100);
    tcase_add_checked_fixture(sweeps, set_up, tear_down);
    tcase_add_loop_test(sweeps, a_failed_allocation_is_a_clean_error_and_loses_nothing, 0, 3);
    tcase_add_loop_test(sweeps, no_memory_from_some_point_on_is_a_clean_error_and_loses_nothing, 0,
                        3);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
