/* SPDX-License-Identifier: Apache-2.0
 *
 * The n-th call of the log fails, for every n, in counting; or the process is killed at it. The
 * driver opened again on the same directory counts every record of the input: exactly once where
 * that was asked for, never less under at_least_once, never more under at_most_once.
 */
#include "base/io.h"
#include "log/cluster.h"

#include <kstream/kstream.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_LIMIT 1000

/* ---- the fault ---- */

static int       calls, fail_at;
static bool      kill_there;
static ks_status fault_status;

static ks_status fault(const char *call, void *user)
{
    (void)call;
    (void)user;
    if (++calls != fail_at)
        return KS_OK;
    if (kill_there)
        raise(SIGKILL);
    return fault_status;
}

/* ---- counting ---- */

static ks_topology *count_keys(void)
{
    ks_builder        *b      = ks_builder_new();
    ks_stream         *in     = ks_builder_stream(b, "in", NULL);
    ks_grouped_stream *groups = ks_stream_group_by_key(in, NULL);
    ks_table          *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));
    ks_topology       *topology = NULL;

    ks_stream_to(ks_table_to_stream(counts, NULL), "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    return topology;
}

static const char *const guarantees[] = { "exactly_once_v2", "at_least_once", "at_most_once" };

static ks_driver *open_driver(const char *directory, const char *guarantee)
{
    ks_topology *topology = count_keys();
    ks_config   *config   = ks_config_new();
    ks_driver   *d;

    ks_config_set(config, "processing.guarantee", guarantee);
    d = ks_driver_new(topology, config, directory);
    ks_config_free(config);
    ks_topology_free(topology);
    return d;
}

static void pipe_three(ks_driver *d)
{
    for (int i = 0; i < 3; i++)
        ks_driver_pipe_text(d, "in", "a", "v", i);
}

static int records_in(ks_driver *d, const char *topic)
{
    int count = 0;

    while (ks_driver_read(d, topic) != NULL)
        count++;
    return count;
}

/* Open again, count one more, compare with the input. */
static void check(const char *directory, int guarantee, int n)
{
    ks_driver   *d = open_driver(directory, guarantees[guarantee]);
    ks_record    row;
    int64_t      counted;
    int          there;

    ck_assert_msg(ks_driver_pipe_text(d, "in", "a", "v", 9) == KS_OK, "call %d: %s", n,
                  ks_error_message(ks_driver_error(d)));
    ck_assert(ks_kv_store_get(ks_driver_kv_store(d, "counts"), KS_TEXT("a"), &row));
    counted = ks_bytes_i64(row.value, -1);
    there   = records_in(d, "in");
    if (guarantee == 0)
        ck_assert_msg(counted == there, "call %d: %d counted, %d there", n, (int)counted, there);
    else if (guarantee == 1)
        ck_assert_msg(counted >= there, "call %d: %d counted, %d there", n, (int)counted, there);
    else
        ck_assert_msg(counted <= there, "call %d: %d counted, %d there", n, (int)counted, there);
    ks_driver_free(d);
}

/* One run with the fault at call `n`; true when the run never got there. */
static bool run_failing(const char *directory, int guarantee, int n)
{
    ks_driver *d;

    calls   = 0;
    fail_at = n;
    ks__cluster_set_fault(fault, NULL);
    d = open_driver(directory, guarantees[guarantee]);
    pipe_three(d);
    ks_driver_free(d);
    ks__cluster_set_fault(NULL, NULL);
    return calls < n;
}

static bool run_killed(const char *directory, int guarantee, int n)
{
    int   state = 0;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(run_failing(directory, guarantee, n) ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static void sweep(int guarantee, bool (*run)(const char *, int, int))
{
    bool through = false;

    for (int n = 1; !through; n++) {
        char directory[] = "/tmp/kstream-test-XXXXXX";

        ck_assert_int_lt(n, CALLS_LIMIT);
        ck_assert_ptr_nonnull(mkdtemp(directory));
        through = run(directory, guarantee, n);
        check(directory, guarantee, n);
        ks__io_remove_tree(directory);
        ck_assert(!through || n > 10);
    }
}

START_TEST(a_log_call_that_fails_loses_and_doubles_nothing)
{
    kill_there   = false;
    fault_status = KS_ELOG;
    sweep(_i, run_failing);
}
END_TEST

START_TEST(a_log_call_that_must_be_repeated_loses_and_doubles_nothing)
{
    kill_there   = false;
    fault_status = KS_EAGAIN;
    sweep(_i, run_failing);
}
END_TEST

START_TEST(a_kill_at_a_log_call_loses_and_doubles_nothing)
{
    kill_there = true;
    sweep(_i, run_killed);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("log_calls");
    TCase   *tests  = tcase_create("log_calls");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_log_call_that_fails_loses_and_doubles_nothing, 0, 3);
    tcase_add_loop_test(tests, a_log_call_that_must_be_repeated_loses_and_doubles_nothing, 0, 3);
    tcase_add_loop_test(tests, a_kill_at_a_log_call_loses_and_doubles_nothing, 0, 3);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
