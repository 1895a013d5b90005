/* SPDX-License-Identifier: Apache-2.0
 *
 * test_snapshot.c - consistent views for other threads and processes.
 */
#include "fixture.h"

#include "base/error.h"
#include "state/snapshot.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ks__snapshot *snapshot;
static ks_error             error;

static const char *rows_of(struct ks__snapshot *of)
{
    return fixture_rows(ks__snapshot_range(of, KS_NULL, KS_NULL, KS_ASCENDING));
}

START_TEST(a_committed_snapshot_sees_what_is_written_and_stays_so)
{
    ks_record row;

    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    fixture_put(fixture_store, "b", "2");
    ck_assert_int_eq(ks__snapshot_of_env(&snapshot, ks__state_env(fixture_state), "plain", &error),
                     KS_OK);
    fixture_put(fixture_store, "a", "3");
    fixture_commit();
    ck_assert_str_eq(rows_of(snapshot), "a=1");
    ck_assert(ks__snapshot_get(snapshot, KS_TEXT("a"), &row));
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("1")));
    ck_assert(!ks__snapshot_get(snapshot, KS_TEXT("b"), &row));
    ck_assert_uint_eq(ks__snapshot_count(snapshot), 1);
    ck_assert_str_eq(fixture_rows(ks__snapshot_prefix(snapshot, KS_TEXT("b"), KS_ASCENDING)), "");
    ks__snapshot_free(snapshot);
}
END_TEST

START_TEST(a_fresh_snapshot_sees_all_three_layers)
{
    fixture_put(fixture_store, "a", "1");
    fixture_put(fixture_store, "b", "1");
    fixture_put(fixture_store, "c", "1");
    fixture_commit();
    fixture_put(fixture_store, "b", "2");
    fixture_end_record();
    ck_assert_int_eq(ks__state_seal(fixture_state, NULL), KS_OK);
    ks_kv_store_delete(fixture_store, KS_TEXT("c"));
    fixture_put(fixture_store, "d", "3");
    fixture_end_record();
    ck_assert_int_eq(ks__snapshot_of_store(&snapshot, fixture_store, &error), KS_OK);
    fixture_put(fixture_store, "d", "4");
    ck_assert_str_eq(rows_of(snapshot), "a=1 b=2 d=3");
    ck_assert_uint_eq(ks__snapshot_count(snapshot), 3);
    ks__snapshot_free(snapshot);
}
END_TEST

START_TEST(a_snapshot_outlives_the_state_which_may_be_opened_again)
{
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    ck_assert_int_eq(ks__snapshot_of_env(&snapshot, ks__state_env(fixture_state), "plain", &error),
                     KS_OK);
    fixture_close();
    ck_assert_str_eq(rows_of(snapshot), "a=1");                 /* N1 */
    fixture_open();
    ck_assert(!ks__state_is_new(fixture_state));
    fixture_put(fixture_store, "a", "2");
    fixture_commit();
    ck_assert_str_eq(rows_of(snapshot), "a=1");
    ks__snapshot_free(snapshot);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "2");
}
END_TEST

START_TEST(a_null_key_is_kept_in_the_snapshots_own_error)
{
    ks_record row;

    ck_assert_int_eq(ks__snapshot_of_env(&snapshot, ks__state_env(fixture_state), "plain", &error),
                     KS_OK);
    ck_assert(!ks__snapshot_get(snapshot, KS_NULL, &row));
    ck_assert_int_eq(ks_error_status(ks__snapshot_error(snapshot)), KS_EINVAL);
    ck_assert_int_eq(fixture_error.status, KS_OK);
    ks__snapshot_free(snapshot);
    ks__snapshot_free(NULL);
}
END_TEST

START_TEST(another_process_reads_the_directory)
{
    int   status;
    pid_t child;

    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    fixture_close();
    child = fork();
    if (child == 0) {
        ks__error_clear(&error);
        if (ks__snapshot_of_directory(&snapshot, fixture_directory, "plain", &error) != KS_OK) {
            fprintf(stderr, "%s\n", error.message);
            _exit(1);
        }
        if (strcmp(rows_of(snapshot), "a=1") != 0)
            _exit(2);
        ks__snapshot_free(snapshot);
        _exit(ks__snapshot_of_directory(&snapshot, fixture_directory, "none", &error) == KS_OK);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    fixture_open();
}
END_TEST

/* Two rows always have equal values in one commit. */
#define ROUNDS 300
static atomic_bool finished;

static void *read_pairs(void *env)
{
    long views = 0;

    do {
        struct ks__snapshot *view;
        ks_record            one, other;
        bool                 first, second;

        if (ks__snapshot_of_env(&view, env, "plain", NULL) != KS_OK)
            return NULL;
        first  = ks__snapshot_get(view, KS_TEXT("one"), &one);
        second = ks__snapshot_get(view, KS_TEXT("other"), &other);
        if (first != second || (first && !ks_bytes_equal(one.value, other.value)))
            return NULL;
        ks__snapshot_free(view);
        views++;
    } while (!atomic_load(&finished));
    return (void *)(intptr_t)views;
}

START_TEST(threads_read_whole_commits_while_the_task_writes)
{
    pthread_t threads[2];
    char      value[16];
    void     *views;

    fixture_spec.changelog = false;
    atomic_store(&finished, false);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, read_pairs, ks__state_env(fixture_state)), 0);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(value, sizeof(value), "%d", i);
        fixture_put(fixture_store, "one", value);
        fixture_put(fixture_store, "other", value);
        fixture_commit();
    }
    atomic_store(&finished, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &views);
        ck_assert_ptr_nonnull(views);
    }
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/snapshot");
    TCase   *tcase = tcase_create("state/snapshot");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    tcase_add_test(tcase, a_committed_snapshot_sees_what_is_written_and_stays_so);
    tcase_add_test(tcase, a_fresh_snapshot_sees_all_three_layers);
    tcase_add_test(tcase, a_snapshot_outlives_the_state_which_may_be_opened_again);
    tcase_add_test(tcase, a_null_key_is_kept_in_the_snapshots_own_error);
    tcase_add_test(tcase, another_process_reads_the_directory);
    tcase_add_test(tcase, threads_read_whole_commits_while_the_task_writes);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
