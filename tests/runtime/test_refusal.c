/* SPDX-License-Identifier: Apache-2.0
 *
 * test_refusal.c - why a call on an app was refused: each thread reads its own reason, of this app.
 */
#include "app_fixture.h"

#include "base/alloc.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define ROUNDS  200

static pthread_barrier_t all_were_refused;

/* Be refused a store of a name of one's own while others are refused theirs. */
static void *ask_for_own_store(void *user)
{
    const char  *store = user;
    const char  *wrong = NULL;
    ks_snapshot *snapshot;
    char         reason[96];

    snprintf(reason, sizeof(reason), "ks_app_snapshot: the topology has no store \"%s\"", store);
    if (ks_error_status(ks_app_call_error(app)) != KS_OK)
        wrong = "a reason before any call";
    for (int i = 0; i < ROUNDS && wrong == NULL; i++) {
        if (ks_app_snapshot(app, store, NULL, &snapshot) != KS_ENOTFOUND)
            wrong = "no refusal";
        else if (strcmp(ks_error_message(ks_app_call_error(app)), reason) != 0)
            wrong = "another's reason at once";
    }
    pthread_barrier_wait(&all_were_refused);
    if (wrong == NULL && strcmp(ks_error_message(ks_app_call_error(app)), reason) != 0)
        wrong = "another's reason after all were refused";
    return (void *)(uintptr_t)wrong;
}

START_TEST(threads_that_share_an_app_read_their_own_reasons)
{
    static char stores[THREADS][8];
    pthread_t   threads[THREADS];
    void       *wrong;

    make_app();
    ck_assert_int_eq(pthread_barrier_init(&all_were_refused, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        snprintf(stores[i], sizeof(stores[i]), "s%d", i);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_for_own_store, stores[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_msg(wrong == NULL, "%s: %s", stores[i], (const char *)wrong);
    }
    ck_assert_int_eq(ks_error_status(ks_app_call_error(app)), KS_OK);
    pthread_barrier_destroy(&all_were_refused);
}
END_TEST

START_TEST(two_apps_of_one_thread_keep_their_reasons_apart)
{
    const ks_error *first;
    ks_snapshot    *snapshot;
    ks_app         *other;

    make_app();
    other = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_snapshot(app, "one", NULL, &snapshot), KS_ENOTFOUND);
    first = ks_app_call_error(app);
    ck_assert_int_eq(ks_error_status(ks_app_call_error(other)), KS_OK);
    ck_assert_int_eq(ks_app_snapshot(other, NULL, NULL, &snapshot), KS_EINVAL);
    ck_assert_ptr_eq(ks_app_call_error(app), first);
    assert_refused(KS_ENOTFOUND, "ks_app_snapshot: the topology has no store \"one\"");
    ks_app_free(other);
    assert_refused(KS_ENOTFOUND, "ks_app_snapshot: the topology has no store \"one\"");
}
END_TEST

START_TEST(a_new_app_knows_nothing_of_the_calls_on_a_freed_one)
{
    ks_snapshot *snapshot;

    for (int i = 0; i < 20; i++) {      /* some come to lie where the one before lay */
        make_app();
        ck_assert_int_eq(ks_error_status(ks_app_call_error(app)), KS_OK);
        ck_assert_int_eq(ks_app_snapshot(app, "none", NULL, &snapshot), KS_ENOTFOUND);
        ks_app_free(app);
        app = NULL;
    }
}
END_TEST

START_TEST(the_last_reason_of_a_thread_replaces_the_one_before)
{
    ks_snapshot *snapshot;

    make_app();
    ck_assert_int_eq(ks_app_snapshot(app, "none", NULL, &snapshot), KS_ENOTFOUND);
    ck_assert_int_eq(ks_app_snapshot(app, NULL, NULL, &snapshot), KS_EINVAL);
    assert_refused(KS_EINVAL, "ks_app_snapshot: needs a store, but it is NULL");
}
END_TEST

static void *no_memory(void *user, void *p, size_t size)
{
    (void)user, (void)p, (void)size;
    return NULL;    /* frees nothing either, which a refused call has nothing of */
}

START_TEST(a_reason_that_finds_no_memory_is_said_to_be_lost)
{
    const struct ks__allocator failing = { .resize = no_memory };
    ks_snapshot               *snapshot;

    make_app();
    ks__allocator_set(&failing);
    ck_assert_int_eq(ks_app_snapshot(app, "none", NULL, &snapshot), KS_ENOTFOUND);
    ks__allocator_set(NULL);
    assert_refused(KS_ENOMEM, "there was no memory to keep the reason");
    ck_assert_int_eq(ks_app_snapshot(app, "none", NULL, &snapshot), KS_ENOTFOUND);
    assert_refused(KS_ENOTFOUND, "ks_app_snapshot: the topology has no store \"none\"");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime/refusal");
    TCase *refusals = tcase_create("refusals");

    tcase_add_checked_fixture(refusals, app_setup, app_teardown);
    tcase_add_test(refusals, threads_that_share_an_app_read_their_own_reasons);
    tcase_add_test(refusals, two_apps_of_one_thread_keep_their_reasons_apart);
    tcase_add_test(refusals, a_new_app_knows_nothing_of_the_calls_on_a_freed_one);
    tcase_add_test(refusals, the_last_reason_of_a_thread_replaces_the_one_before);
    tcase_add_test(refusals, a_reason_that_finds_no_memory_is_said_to_be_lost);
    suite_add_tcase(suite, refusals);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    int      failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
