/* SPDX-License-Identifier: Apache-2.0
 *
 * test_calls.c - the n-th call of the file system and the n-th call of the log fail, for every n,
 * in word count on the driver: a clean error with a text, nothing lost, and a run after it is
 * right.
 */
#include "base/io.h"
#include "fault/scenario.h"
#include "log/cluster.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ks__alloc_probe memory;
static char                   directory[64];

static void set_up(void)
{
    struct outcome outcome;

    snprintf(directory, sizeof(directory), "/tmp/ks-test-fault-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    scenario_run(&outcome, NULL);
    ck_assert_msg(outcome.right, "without faults: %s %s", ks_status_name(outcome.status),
                  outcome.text);
}

static void tear_down(void)
{
    ks__io_set(NULL);
    ks__cluster_set_fault(NULL, NULL);
    ks__allocator_set(NULL);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

/* A run with a fault in it left nothing, and said what was wrong if the result is not right. */
static void check_outcome(const struct outcome *outcome, const char *what, int n)
{
    ck_assert_msg(memory.live_blocks == 0, "%s %d: %d blocks are lost (%s %s)", what, n,
                  (int)memory.live_blocks, ks_status_name(outcome->status), outcome->text);
    if (outcome->status == KS_OK)
        ck_assert_msg(outcome->right, "%s %d failed, and so did the result, in silence", what, n);
    else
        ck_assert_msg(outcome->text[0] != '\0', "%s %d: %s without a text", what, n,
                      ks_status_name(outcome->status));
}

/* ---- file system ---- */

static bool run_failing_io(uint64_t n, int error)
{
    struct ks__io_probe io = { .fail_at = n, .error = error };
    struct outcome      outcome;
    char                place[80];

    snprintf(place, sizeof(place), "%s/%d-%d", directory, error, (int)n);
    memory = (struct ks__alloc_probe){ .fail_at = 0 };
    ks__alloc_probe_install(&memory);
    ks__io_probe_install(&io);
    scenario_run(&outcome, place);
    ks__io_set(NULL);
    ks__allocator_set(NULL);
    check_outcome(&outcome, "I/O call", (int)n);
    if (io.failed == 0)
        return false;
    ck_assert_int_eq(ks__io_remove_tree(place), 0);
    return true;
}

static void sweep_io(int error)
{
    uint64_t n = 1;

    while (run_failing_io(n, error))
        n++;
    ck_assert_uint_gt(n, 5); /* it was a sweep */
}

START_TEST(a_failed_call_of_the_file_system_is_a_clean_error)
{
    sweep_io(EIO);
}
END_TEST

START_TEST(a_full_disk_is_a_clean_error_at_every_call)
{
    sweep_io(ENOSPC);
}
END_TEST

/* ---- log ---- */

struct nth {
    int       calls, fail_at;
    ks_status status;
};

/* A fetch takes what is there and has nothing to call again for. */
static ks_status fail_nth(const char *call, void *user)
{
    struct nth *nth = user;

    if (nth->status == KS_EAGAIN && strcmp(call, "fetch") == 0)
        return KS_OK;
    return ++nth->calls == nth->fail_at ? nth->status : KS_OK;
}

static bool run_failing_log(int n, ks_status status)
{
    struct nth     nth = { .fail_at = n, .status = status };
    struct outcome outcome;

    memory = (struct ks__alloc_probe){ .fail_at = 0 };
    ks__alloc_probe_install(&memory);
    ks__cluster_set_fault(fail_nth, &nth);
    scenario_run(&outcome, NULL);
    ks__cluster_set_fault(NULL, NULL);
    ks__allocator_set(NULL);
    check_outcome(&outcome, "log call", n);
    return nth.calls >= n;
}

static void sweep_log(ks_status status)
{
    int n = 1;

    while (run_failing_log(n, status))
        n++;
    ck_assert_int_gt(n, 20); /* it was a sweep */
}

START_TEST(a_failed_call_of_the_log_is_a_clean_error)
{
    sweep_log(KS_ELOG);
}
END_TEST

START_TEST(a_log_that_is_not_there_for_a_moment_is_survived_or_a_clean_error)
{
    sweep_log(KS_EUNAVAILABLE);
}
END_TEST

START_TEST(a_log_that_asks_to_call_again_is_called_again)
{
    sweep_log(KS_EAGAIN);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("fault/calls");
    TCase   *sweeps = tcase_create("sweeps");
    SRunner *runner = srunner_create(suite);
    int      failed;

    suite_add_tcase(suite, sweeps);
    tcase_set_timeout(sweeps, 100);
    tcase_add_checked_fixture(sweeps, set_up, tear_down);
    tcase_add_test(sweeps, a_failed_call_of_the_file_system_is_a_clean_error);
    tcase_add_test(sweeps, a_full_disk_is_a_clean_error_at_every_call);
    tcase_add_test(sweeps, a_failed_call_of_the_log_is_a_clean_error);
    tcase_add_test(sweeps, a_log_that_is_not_there_for_a_moment_is_survived_or_a_clean_error);
    tcase_add_test(sweeps, a_log_that_asks_to_call_again_is_called_again);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
