/* SPDX-License-Identifier: Apache-2.0
 *
 * test_snapshot.c - stores of a running app, read from other threads.
 */
#include "base/clock.h"
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct stage stage;
static ks_topology *topology;
static ks_app      *app;

static void setup_on(enum stage_log log)
{
    stage_open(&stage, log);
    stage_topic(&stage, "lines", 4);
    stage_topic(&stage, "totals", 1);
    stage_set(&stage, "log.sync", "false");
    topology = stage_word_count();
    app      = NULL;
}

static void setup(void)
{
    setup_on(STAGE_MEMORY);
}

static void teardown(void)
{
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

static void start(void)
{
    app = ks_app_new(topology, stage.config);
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    stage_await_state(app, NULL, KS_APP_RUNNING);
}

static ks_snapshot *open_snapshot(ks_freshness freshness)
{
    ks_snapshot *snapshot;
    ks_status    status;

    status = ks_app_snapshot(app, "counts",
                             KS_QUERIED(.freshness = freshness, .timeout_ms = 10000), &snapshot);
    ck_assert_msg(status == KS_OK, "%s", ks_status_name(status));
    ck_assert_ptr_nonnull(snapshot);
    return snapshot;
}

static int64_t count_of(ks_freshness freshness, const char *word)
{
    ks_snapshot *snapshot = open_snapshot(freshness);
    ks_record    row;
    int64_t      count = -1;

    if (ks_snapshot_get(snapshot, ks_bytes_text(word), &row))
        count = ks_bytes_i64(row.value, -2);
    ck_assert_int_eq(ks_error_status(ks_snapshot_error(snapshot)), KS_OK);
    ks_snapshot_free(snapshot);
    return count;
}

static void feed_words(int words)
{
    for (int i = 0; i < words; i++) {
        char word[16];

        snprintf(word, sizeof(word), "w%02d", i);
        stage_append(&stage, "lines", word, word);
    }
    stage_flush(&stage);
}

static void await_count(ks_freshness freshness, const char *word, int64_t count)
{
    for (int i = 0; i < 5000 && count_of(freshness, word) != count; i++)
        stage_pause(NULL);
    ck_assert_int_eq(count_of(freshness, word), count);
}

/* ---- rows ---- */

static const char *const guarantees[] = { "at_least_once", "exactly_once_v2" };

START_TEST(a_committed_row_is_read_from_another_thread)
{
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "state.flush.ms", "50");
    stage_set(&stage, "num.stream.threads", "2");
    start();
    feed_words(20);
    await_count(KS_COMMITTED, "w07", 1);
    feed_words(8);
    await_count(KS_COMMITTED, "w07", 2);
    ck_assert_int_eq(count_of(KS_COMMITTED, "no-such-word"), -1);
}
END_TEST

START_TEST(a_fresh_row_is_there_long_before_the_commit)
{
    stage_set(&stage, "commit.interval.ms", "60s");
    start();
    feed_words(1);
    await_count(KS_FRESH, "w00", 1);
    ck_assert_int_eq(count_of(KS_COMMITTED, "w00"), -1);
}
END_TEST

START_TEST(all_rows_of_all_partitions_come_in_key_order_within_each)
{
    ks_snapshot *snapshot;
    char         last[64] = "";
    int          rows = 0, breaks = 0;

    start();
    feed_words(40);
    stage_await_count(&stage, NULL, "totals", 40);
    await_count(KS_COMMITTED, "w39", 1);
    snapshot   = open_snapshot(KS_FRESH);
    ks_iter *it = ks_snapshot_all(snapshot, KS_ASCENDING);
    for (ks_record row; ks_iter_next(it, &row); rows++) {
        char key[64];

        snprintf(key, sizeof(key), "%.*s", KS_BYTES_ARG(row.key));
        breaks += strcmp(key, last) < 0;
        strcpy(last, key);
        ck_assert_int_eq(ks_bytes_i64(row.value, -1), 1);
        ck_assert_int_gt(row.timestamp_ms, 0);
    }
    ck_assert_int_eq(rows, 40);
    ck_assert_int_eq(breaks, 3);        /* four partitions */
    ck_assert_uint_eq(ks_snapshot_count(snapshot), 40);
    ks_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_range_is_inclusive_and_descends_on_request)
{
    ks_snapshot *snapshot;
    ks_iter     *it;
    int          rows = 0;

    start();
    feed_words(40);
    stage_await_count(&stage, NULL, "totals", 40);
    snapshot = open_snapshot(KS_FRESH);
    it       = ks_snapshot_range(snapshot, KS_TEXT("w10"), KS_TEXT("w19"), KS_DESCENDING);
    for (ks_record row; ks_iter_next(it, &row); rows++)
        ck_assert(((const char *)row.key.data)[1] == '1');
    ck_assert_int_eq(rows, 10);
    ks_iter_close(it);
    it = ks_snapshot_range(snapshot, KS_TEXT("w38"), KS_NULL, KS_ASCENDING);
    for (rows = 0; ks_iter_next(it, &(ks_record){ .timestamp_ms = 0 }); rows++)
        ;
    ck_assert_int_eq(rows, 2);
    ks_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_snapshot_does_not_change_and_outlives_the_app)
{
    ks_snapshot *snapshot;
    ks_record    row;

    start();
    feed_words(10);
    await_count(KS_COMMITTED, "w05", 1);
    snapshot = open_snapshot(KS_COMMITTED);
    feed_words(10);
    await_count(KS_COMMITTED, "w05", 2);
    ks_app_free(app);
    app = NULL;
    ck_assert(ks_snapshot_get(snapshot, KS_TEXT("w05"), &row));
    ck_assert_int_eq(ks_bytes_i64(row.value, -1), 1);
    ks_snapshot_free(snapshot);
}
END_TEST

/* ---- no answer ---- */

static void assert_reason(const char *words)
{
    const char *message = ks_error_message(ks_app_call_error(app));

    ck_assert_msg(strstr(message, words) != NULL, "%s", message);
    ck_assert_int_eq(ks_error_status(ks_app_error(app)), KS_OK);
}

START_TEST(what_cannot_be_answered_has_its_status)
{
    ks_snapshot *snapshot = (ks_snapshot *)&stage;

    app = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_snapshot(app, "counts", NULL, &snapshot), KS_EUNAVAILABLE);
    ck_assert_ptr_null(snapshot);
    assert_reason("the app is CREATED");
    ck_assert_int_eq(ks_app_snapshot(app, "none", NULL, &snapshot), KS_ENOTFOUND);
    assert_reason("the topology has no store \"none\"");
    ck_assert_int_eq(ks_app_snapshot(app, "counts", NULL, NULL), KS_EINVAL);
    assert_reason("a place for the snapshot");
    ck_assert_int_eq(ks_app_snapshot(app, NULL, NULL, &snapshot), KS_EINVAL);
    ck_assert_int_eq(ks_app_snapshot(NULL, "counts", NULL, &snapshot), KS_EINVAL);
    ck_assert_int_eq(ks_app_snapshot(app, "counts", &(ks_queried){ .struct_size = 0 }, &snapshot),
                     KS_EINVAL);
    ks_snapshot_free(NULL);
    ck_assert(!ks_snapshot_get(NULL, KS_TEXT("a"), &(ks_record){ .timestamp_ms = 0 }));
    ck_assert_ptr_null(ks_snapshot_all(NULL, KS_ASCENDING));
    ck_assert_uint_eq(ks_snapshot_count(NULL), 0);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    stage_await_state(app, NULL, KS_APP_RUNNING);
    ck_assert_int_eq(ks_app_close(app, 10000), KS_OK);
    ck_assert_int_eq(ks_app_snapshot(app, "counts", NULL, &snapshot), KS_EUNAVAILABLE);
}
END_TEST

START_TEST(a_null_key_is_kept_as_an_error_of_the_snapshot)
{
    ks_snapshot *snapshot;
    ks_record    row;

    start();
    snapshot = open_snapshot(KS_COMMITTED);
    ck_assert(!ks_snapshot_get(snapshot, KS_NULL, &row));
    ck_assert_int_eq(ks_error_status(ks_snapshot_error(snapshot)), KS_EINVAL);
    ks_snapshot_free(snapshot);
}
END_TEST

/* ---- steps ---- */

START_TEST(a_stepped_app_answers_fresh_queries_inline)
{
    app = ks_app_new(topology, stage.config);
    stage_set(&stage, "commit.interval.ms", "60s");
    feed_words(3);
    stage_await_state(app, app, KS_APP_RUNNING);
    stage_await_i64(&stage, app, "totals", "w02", 1);
    ck_assert_int_eq(count_of(KS_FRESH, "w02"), 1);
}
END_TEST

/* ---- many readers ---- */

static atomic_bool reading;
static atomic_int  answers, failures;

static void *query_for_ever(void *user)
{
    ks_freshness freshness = user != NULL ? KS_FRESH : KS_COMMITTED;
    int64_t      before = 0;

    while (atomic_load(&reading)) {
        ks_snapshot *snapshot;
        ks_record    row;
        ks_status    status;

        status = ks_app_snapshot(app, "counts",
                                 KS_QUERIED(.freshness = freshness, .timeout_ms = 5000), &snapshot);
        if (status == KS_OK && ks_snapshot_get(snapshot, KS_TEXT("w00"), &row)) {
            int64_t now = ks_bytes_i64(row.value, -1);

            failures += now < before;
            before = now;
            answers++;
        } else if (status != KS_OK && status != KS_EUNAVAILABLE)
            failures++;
        ks_snapshot_free(snapshot);
    }
    return NULL;
}

START_TEST(queries_from_several_threads_see_counts_that_only_rise)
{
    pthread_t readers[4];

    teardown();
    setup_on(_i == 0 ? STAGE_MEMORY : STAGE_EMBEDDED);
    stage_set(&stage, "num.stream.threads", "2");
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    stage_set(&stage, "state.flush.ms", "20");
    start();
    answers = failures = 0;
    atomic_store(&reading, true);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, query_for_ever,
                                        i % 2 == 0 ? NULL : &stage), 0);
    for (int i = 0; i < 50; i++)
        feed_words(5);
    stage_await_i64(&stage, NULL, "totals", "w00", 50);
    await_count(KS_COMMITTED, "w00", 50);
    for (int i = 0; i < 2000 && atomic_load(&answers) <= 10; i++)
        usleep(10000);      /* a busy machine */
    atomic_store(&reading, false);
    for (int i = 0; i < 4; i++)
        pthread_join(readers[i], NULL);
    ck_assert_int_eq(failures, 0);
    ck_assert_int_gt(answers, 10);
}
END_TEST

/* ---- global tables ---- */

static ks_status by_value(ks_ctx *ctx, const ks_record *record, ks_bytes *key, void *user)
{
    (void)ctx, (void)user;
    *key = record->value;
    return KS_OK;
}

static ks_status take_right(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                            ks_bytes *out, void *user)
{
    (void)ctx, (void)left, (void)user;
    *out = right->value;
    return KS_OK;
}

static ks_topology *lookup_topology(void)
{
    ks_builder      *b = ks_builder_new();
    ks_global_table *names = ks_builder_global_table(b, "names", NULL,
                                                     KS_MATERIALIZED(.store = "names"));
    ks_stream       *joined = ks_stream_join_global(ks_builder_stream(b, "lines", NULL), names,
                                                    by_value, take_right, NULL, NULL);
    ks_topology     *made;

    ks_stream_to(joined, "totals", NULL);
    ck_assert_msg(ks_builder_build(b, &made) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    return made;
}

static const char *name_of(const char *key)
{
    static char  text[64];
    ks_snapshot *snapshot;
    ks_record    row;
    bool         found;

    ck_assert_int_eq(ks_app_snapshot(app, "names", NULL, &snapshot), KS_OK);
    found = ks_snapshot_get(snapshot, ks_bytes_text(key), &row);
    if (found)
        snprintf(text, sizeof(text), "%.*s", KS_BYTES_ARG(row.value));
    ks_snapshot_free(snapshot);
    return found ? text : "";
}

START_TEST(a_global_table_is_filled_first_followed_and_read_by_all)
{
    ks_topology_free(topology);
    topology = lookup_topology();
    stage_topic(&stage, "names", 3);
    stage_set(&stage, "num.stream.threads", "2");
    for (int i = 0; i < 30; i++) {
        char key[16], name[32];

        snprintf(key, sizeof(key), "%d", i);
        snprintf(name, sizeof(name), "name-%d", i);
        stage_append(&stage, "names", key, name);
    }
    stage_flush(&stage);
    for (int i = 0; i < 30; i++) {
        char key[16];

        snprintf(key, sizeof(key), "%d", i);
        stage_append(&stage, "lines", key, key);
    }
    stage_flush(&stage);
    start();
    stage_await_count(&stage, NULL, "totals", 30);
    ck_assert_str_eq(stage_last_text(&stage, "totals", "17"), "name-17");
    ck_assert_str_eq(name_of("29"), "name-29");

    stage_feed(&stage, "names", "17", "other");
    for (int i = 0; i < 2000 && strcmp(name_of("17"), "other") != 0; i++)
        stage_pause(NULL);
    ck_assert_str_eq(name_of("17"), "other");
    ck_assert_int_eq(ks_app_close(app, 10000), KS_OK);

    ks_app_free(app);           /* a second start finds the rows and follows from there */
    stage_feed(&stage, "names", "18", "late");
    start();
    ck_assert_str_eq(name_of("18"), "late");
    ck_assert_str_eq(name_of("17"), "other");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("query/snapshot");
    TCase *tcase = tcase_create("snapshot");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_committed_row_is_read_from_another_thread, 0, 2);
    tcase_add_test(tcase, a_fresh_row_is_there_long_before_the_commit);
    tcase_add_test(tcase, all_rows_of_all_partitions_come_in_key_order_within_each);
    tcase_add_test(tcase, a_range_is_inclusive_and_descends_on_request);
    tcase_add_test(tcase, a_snapshot_does_not_change_and_outlives_the_app);
    tcase_add_test(tcase, what_cannot_be_answered_has_its_status);
    tcase_add_test(tcase, a_null_key_is_kept_as_an_error_of_the_snapshot);
    tcase_add_test(tcase, a_stepped_app_answers_fresh_queries_inline);
    tcase_add_loop_test(tcase, queries_from_several_threads_see_counts_that_only_rise, 0, 2);
    tcase_add_test(tcase, a_global_table_is_filled_first_followed_and_read_by_all);
    suite_add_tcase(suite, tcase);
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
