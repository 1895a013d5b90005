/* SPDX-License-Identifier: Apache-2.0
 *
 * test_clean_up.c - removing local state, and hearing of the restore that follows.
 */
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct stage stage;
static ks_topology *topology;
static ks_app      *app;

/* ---- what a listener heard: "store kind offset/end records" per event of one partition ---- */

static pthread_mutex_t heard_lock = PTHREAD_MUTEX_INITIALIZER;
static char            heard[4096];
static int64_t         batch_records; /* of all batches */

static void hear(const ks_restore_event *event, void *user)
{
    static const char *const kinds[] = { [KS_RESTORE_START] = "start", [KS_RESTORE_BATCH] = "batch",
                                         [KS_RESTORE_END] = "end",
                                         [KS_RESTORE_SUSPENDED] = "suspended" };
    size_t at;

    pthread_mutex_lock(&heard_lock);
    at = strlen(heard);
    if (event->kind == KS_RESTORE_BATCH)
        batch_records += event->records;
    snprintf(heard + at, sizeof(heard) - at, "%s %s %s-%d %lld/%lld %lld; ", event->store,
             kinds[event->kind], event->topic, (int)event->partition, (long long)event->offset,
             (long long)event->end, (long long)event->records);
    ck_assert_str_eq(user, "listener");
    pthread_mutex_unlock(&heard_lock);
}

static void setup(void)
{
    stage_open(&stage, STAGE_EMBEDDED);
    stage_set(&stage, "log.sync", "false");
    stage_topic(&stage, "lines", 1);
    stage_topic(&stage, "totals", 1);
    topology = stage_word_count();
    heard[0] = '\0';
    batch_records = 0;
}

static void teardown(void)
{
    ks_topology_free(topology);
    stage_close(&stage);
}

static void make_app(void)
{
    static char name[] = "listener";

    app = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_set_restore_listener(app, hear, name), KS_OK);
}

static void start(void)
{
    make_app();
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    stage_await_state(app, NULL, KS_APP_RUNNING);
}

static void stop(void)
{
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
}

static bool is_there(const char *what)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/wc/%s", stage.directory, what);
    return access(path, F_OK) == 0;
}

/* ---- removing ---- */

START_TEST(state_is_removed_by_an_app_that_does_not_run_and_comes_back)
{
    char command[320];

    start();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    ck_assert_int_eq(ks_app_clean_up(app), KS_ESTATE);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_call_error(app)), "RUNNING"));
    stop();
    ck_assert(is_there("1_0/data.mdb"));
    snprintf(command, sizeof(command), "touch '%s/wc/notes'; mkdir '%s/wc/0_0.gone'",
             stage.directory, stage.directory);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(ks_app_clean_up(app), KS_OK);
    ck_assert(!is_there("1_0") && !is_there("0_0") && !is_there("0_0.gone"));
    ck_assert(is_there("notes"));       /* not ours */
    ks_app_free(app);

    make_app();
    ck_assert_int_eq(ks_app_clean_up(app), KS_OK);  /* new, nothing there */
    ks_app_free(app);
    start();
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_i64(&stage, NULL, "totals", "a", 3);
    stop();
    ks_app_free(app);
}
END_TEST

START_TEST(what_another_app_has_open_stays)
{
    ks_app *other;

    start();
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_i64(&stage, NULL, "totals", "a", 1);
    other = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_clean_up(other), KS_EBUSY);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_call_error(other)), "is open"));
    ks_app_free(other);
    ck_assert(is_there("1_0/data.mdb"));
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    stop();
    ks_app_free(app);
}
END_TEST

START_TEST(a_configuration_without_an_application_has_no_state)
{
    ks_config *config = ks_config_new();

    app = ks_app_new(topology, config);
    ck_assert_int_eq(ks_app_clean_up(app), KS_ESTATE);
    ck_assert_int_eq(ks_app_clean_up(NULL), KS_ENOMEM);
    ks_app_free(app);
    ks_config_free(config);
}
END_TEST

/* ---- the listener ---- */

START_TEST(a_listener_hears_of_every_restore)
{
    start();
    ck_assert_str_eq(heard, "counts start wc-counts-changelog-0 0/0 0; "
                            "counts end wc-counts-changelog-0 0/0 0; ");
    ck_assert_int_eq(ks_app_set_restore_listener(app, hear, NULL), KS_ESTATE);
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    stop();
    ck_assert_int_eq(ks_app_clean_up(app), KS_OK);
    ks_app_free(app);

    heard[0] = '\0';
    start();
    ck_assert_ptr_nonnull(strstr(heard, "counts start wc-counts-changelog-0 0/"));
    ck_assert_ptr_nonnull(strstr(heard, "counts batch wc-counts-changelog-0 "));
    ck_assert_ptr_nonnull(strstr(heard, "counts end wc-counts-changelog-0 "));
    ck_assert_ptr_null(strstr(heard, "suspended"));
    ck_assert_int_ge(batch_records, 2);
    stop();
    ks_app_free(app);
}
END_TEST

START_TEST(a_restore_that_is_cut_short_is_suspended)
{
    const int words = 10500;    /* more than one transaction of a restore */

    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    start();
    for (int i = 0; i < words; i++) {
        char word[16];

        snprintf(word, sizeof(word), "w%d", i);
        stage_append(&stage, "lines", NULL, word);
    }
    stage_flush(&stage);
    stage_await_count(&stage, NULL, "totals", (size_t)words);
    stop();
    ck_assert_int_eq(ks_app_clean_up(app), KS_OK);
    ks_app_free(app);

    heard[0] = '\0';
    make_app();
    for (int i = 0; i < 100000 && strstr(heard, "batch") == NULL; i++)
        ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    ck_assert_ptr_nonnull(strstr(heard, "batch"));
    ck_assert_ptr_null(strstr(heard, "counts end"));
    stop();
    ck_assert_ptr_nonnull(strstr(heard, "counts suspended wc-counts-changelog-0 "));
    ks_app_free(app);
}
END_TEST

START_TEST(global_stores_are_heard_of_too)
{
    ks_builder *b = ks_builder_new();

    ks_topology_free(topology);
    stage_topic(&stage, "names", 1);
    stage_feed(&stage, "names", "1", "ann");
    ks_builder_global_table(b, "names", NULL, KS_MATERIALIZED(.store = "names"));
    ks_stream_to(ks_builder_stream(b, "lines", NULL), "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    start();
    ck_assert_str_eq(heard, "names start names-0 0/1 0; names batch names-0 1/1 1; "
                            "names end names-0 1/1 1; ");
    stop();
    ks_app_free(app);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("runtime/clean_up");
    TCase   *tcase = tcase_create("clean up");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, state_is_removed_by_an_app_that_does_not_run_and_comes_back);
    tcase_add_test(tcase, what_another_app_has_open_stays);
    tcase_add_test(tcase, a_configuration_without_an_application_has_no_state);
    tcase_add_test(tcase, a_listener_hears_of_every_restore);
    tcase_add_test(tcase, a_restore_that_is_cut_short_is_suspended);
    tcase_add_test(tcase, global_stores_are_heard_of_too);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
