/* SPDX-License-Identifier: Apache-2.0
 *
 * test_read.c - window, session and versioned stores of a running app, read from another thread.
 */
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETENTION_MS 200000 /* above the least length of a segment */

static struct stage stage;
static ks_topology *topology;
static ks_app      *app;

/* ---- an app that puts every record into all kinds of stores ---- */

struct keeper {
    ks_window_store    *windows;
    ks_session_store   *sessions;
    ks_versioned_store *versions;
};

static ks_status keeper_open(ks_ctx *ctx, void *self, void *user)
{
    struct keeper *keeper = self;

    (void)user;
    keeper->windows  = ks_ctx_window_store(ctx, "windows");
    keeper->sessions = ks_ctx_session_store(ctx, "sessions");
    keeper->versions = ks_ctx_versioned_store(ctx, "versions");
    return KS_OK;
}

/* A window that starts, a session of 5 ms, a version; "-" deletes the version. */
static ks_status keeper_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    const struct keeper *keeper = self;
    const int64_t        at_ms = record->timestamp_ms;
    const bool           gone = ks_bytes_equal(record->value, KS_TEXT("-"));

    ks_window_store_put(keeper->windows, record->key, record->value, at_ms);
    ks_session_store_put(keeper->sessions, record->key, (ks_window){ at_ms, at_ms + 5 },
                         record->value);
    ks_versioned_store_put(keeper->versions, record->key, gone ? KS_NULL : record->value, at_ms);
    ks_ctx_forward(ctx, record);
    return KS_OK;
}

static const ks_processor keeper = KS_PROCESSOR(.state_size = sizeof(struct keeper),
                                                .open = keeper_open, .process = keeper_process);

static ks_topology *all_kinds(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *built;
    ks_stream   *s;

    ks_builder_add_window_store(b, KS_WINDOW_STORE("windows", .retention_ms = RETENTION_MS,
                                                   .size_ms = 10));
    ks_builder_add_session_store(b, KS_SESSION_STORE("sessions", .retention_ms = RETENTION_MS));
    ks_builder_add_versioned_store(b, KS_VERSIONED_STORE("versions", .history_ms = RETENTION_MS));
    s = ks_stream_process(ks_builder_stream(b, "in", NULL), &keeper, NULL,
                          KS_CONNECTED(.stores = { "windows", "sessions", "versions" }));
    ks_stream_to(s, "out", NULL);
    ck_assert_msg(ks_builder_build(b, &built) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    return built;
}

static void setup(void)
{
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "in", 3);
    stage_topic(&stage, "out", 1);
    stage_set(&stage, "commit.interval.ms", "20");
    topology = all_kinds();
    app      = ks_app_new(topology, stage.config);
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    stage_await_state(app, NULL, KS_APP_RUNNING);
}

static void teardown(void)
{
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

static void put(const char *key, const char *value, int64_t timestamp_ms)
{
    ck_assert_int_eq(ks_writer_append_text(stage.writer, "in", key, value, timestamp_ms), KS_OK);
    stage_flush(&stage);
}

static ks_snapshot *open_snapshot(const char *store, ks_freshness freshness)
{
    ks_snapshot *snapshot;
    ks_status    status = ks_app_snapshot(
        app, store, KS_QUERIED(.freshness = freshness, .timeout_ms = 10000), &snapshot);

    ck_assert_msg(status == KS_OK, "%s", ks_error_message(ks_app_call_error(app)));
    return snapshot;
}

static size_t count_all(const char *store, ks_freshness freshness)
{
    ks_snapshot *snapshot = open_snapshot(store, freshness);
    ks_iter     *it = ks_snapshot_all(snapshot, KS_ASCENDING);
    size_t       count = 0;

    for (ks_record row; ks_iter_next(it, &row);)
        count++;
    ck_assert_int_eq(ks_error_status(ks_snapshot_error(snapshot)), KS_OK);
    ks_snapshot_free(snapshot);
    return count;
}

/* Everything that was put can be seen at this level; `sessions` are never replaced. */
static void await_rows(size_t count, ks_freshness freshness)
{
    stage_await_count(&stage, NULL, "out", count);
    for (int i = 0; i < 5000 && count_all("sessions", freshness) != count; i++)
        stage_pause(NULL);
    ck_assert_uint_eq(count_all("sessions", freshness), count);
}

/* The rows of an iterator as "key=value@start-end ...". */
static const char *rows_of(ks_snapshot *snapshot, ks_iter *it)
{
    static char text[512];
    size_t      at = 0;

    text[0] = '\0';
    for (ks_record row; ks_iter_next(it, &row);) {
        ck_assert_ptr_nonnull(row.window);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s=%.*s@%lld-", at > 0 ? " " : "",
                               KS_BYTES_ARG(row.key), KS_BYTES_ARG(row.value),
                               (long long)row.window->start_ms);
        if (row.window->end_ms == KS_VALID_NOW)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "now");
        else
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%lld",
                                   (long long)row.window->end_ms);
    }
    ck_assert_int_eq(ks_error_status(ks_snapshot_error(snapshot)), KS_OK);
    return text;
}

#define ROWS_ARE(snapshot, iterator, expected) \
    ck_assert_str_eq(rows_of(snapshot, iterator), expected)

static const ks_freshness levels[] = { KS_COMMITTED, KS_FRESH };

/* ---- window stores ---- */

START_TEST(a_window_store_is_read_by_key_and_time)
{
    const ks_window some = { 15, 30 };
    ks_snapshot    *s;
    ks_record       row;

    put("a", "1", 10);
    put("a", "2", 20);
    put("b", "3", 15);
    put("a", "4", 30);
    await_rows(4, levels[_i]);
    s = open_snapshot("windows", levels[_i]);
    ROWS_ARE(s, ks_snapshot_window_fetch(s, KS_TEXT("a"), 10, 20, KS_ASCENDING),
             "a=1@10-20 a=2@20-30");
    ROWS_ARE(s, ks_snapshot_window_fetch(s, KS_TEXT("a"), 11, INT64_MAX, KS_DESCENDING),
             "a=4@30-40 a=2@20-30");
    ROWS_ARE(s, ks_snapshot_window_range(s, KS_TEXT("a"), KS_TEXT("a"), some, KS_ASCENDING),
             "a=2@20-30 a=4@30-40");
    ROWS_ARE(s, ks_snapshot_window_fetch(s, KS_TEXT("c"), 0, 100, KS_ASCENDING), "");
    ROWS_ARE(s, ks_snapshot_range(s, KS_TEXT("b"), KS_NULL, KS_ASCENDING), "b=3@15-25");
    ck_assert(ks_snapshot_window_get(s, KS_TEXT("a"), 20, &row));
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("2")));
    ck_assert_int_eq(row.timestamp_ms, 20);
    ck_assert(!ks_snapshot_window_get(s, KS_TEXT("a"), 21, &row));
    put("a", "later", 40);
    stage_await_count(&stage, NULL, "out", 5);
    ROWS_ARE(s, ks_snapshot_window_fetch(s, KS_TEXT("a"), 30, 50, KS_ASCENDING), "a=4@30-40");
    ks_snapshot_free(s);
}
END_TEST

START_TEST(what_retention_hides_is_hidden_from_queries)
{
    const ks_window always = { 0, INT64_MAX };
    ks_snapshot    *s;
    ks_record       row;

    put("a", "old", 10);
    await_rows(1, levels[_i]);
    put("a", "new", 10 + RETENTION_MS);
    stage_await_count(&stage, NULL, "out", 2);
    for (int i = 0; i < 5000; i++) {
        s = open_snapshot("windows", levels[_i]);
        if (ks_snapshot_window_get(s, KS_TEXT("a"), 10 + RETENTION_MS, &row))
            break;
        ks_snapshot_free(s);
        stage_pause(NULL);
    }
    ck_assert(!ks_snapshot_window_get(s, KS_TEXT("a"), 10, &row));
    ROWS_ARE(s, ks_snapshot_window_fetch(s, KS_TEXT("a"), 0, INT64_MAX, KS_ASCENDING),
             "a=new@200010-200020");
    ROWS_ARE(s, ks_snapshot_window_range(s, KS_NULL, KS_NULL, always, KS_DESCENDING),
             "a=new@200010-200020");
    ks_snapshot_free(s);
    ck_assert_uint_eq(count_all("sessions", levels[_i]), 1);
}
END_TEST

/* ---- session stores ---- */

START_TEST(a_session_store_is_read_by_key_and_overlap)
{
    ks_snapshot *s;
    ks_record    row;

    put("a", "1", 10);
    put("a", "2", 20);
    put("b", "3", 15);
    put("a", "4", 30);
    await_rows(4, levels[_i]);
    s = open_snapshot("sessions", levels[_i]);
    ROWS_ARE(s, ks_snapshot_session_find(s, KS_TEXT("a"), 0, INT64_MAX, KS_ASCENDING),
             "a=1@10-15 a=2@20-25 a=4@30-35");
    ROWS_ARE(s, ks_snapshot_session_find(s, KS_TEXT("a"), 16, 29, KS_ASCENDING), "a=2@20-25");
    ROWS_ARE(s, ks_snapshot_session_find(s, KS_TEXT("a"), 15, 30, KS_DESCENDING),
             "a=4@30-35 a=2@20-25 a=1@10-15");
    ROWS_ARE(s, ks_snapshot_range(s, KS_TEXT("b"), KS_TEXT("b"), KS_ASCENDING), "b=3@15-20");
    ck_assert(ks_snapshot_session_get(s, KS_TEXT("a"), (ks_window){ 20, 25 }, &row));
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("2")));
    ck_assert(!ks_snapshot_session_get(s, KS_TEXT("a"), (ks_window){ 20, 26 }, &row));
    ks_snapshot_free(s);
}
END_TEST

/* ---- versioned stores ---- */

/* What Kafka Streams 4.3.1 gives for these puts and questions. */
static const struct history {
    int64_t     from_ms, to_ms;
    const char *ascending, *descending;
} histories[] = {
    { 0, INT64_MAX, "k=x@10-20 k=y@30-40 k=z@40-now", "k=z@40-now k=y@30-40 k=x@10-20" },
    { 15, 35, "k=x@10-20 k=y@30-40", "k=y@30-40 k=x@10-20" },
    { 20, 20, "", "" },
    { 19, 20, "k=x@10-20", "k=x@10-20" },
    { 10, 10, "k=x@10-20", "k=x@10-20" },
    { 0, 9, "", "" },
    { 20, 29, "", "" },
    { 29, 30, "k=y@30-40", "k=y@30-40" },
    { 39, 39, "k=y@30-40", "k=y@30-40" },
    { 41, 99, "k=z@40-now", "k=z@40-now" },
};

START_TEST(a_versioned_store_is_read_at_a_time_and_over_times)
{
    ks_snapshot *s;
    ks_versioned v;

    put("k", "x", 10);
    put("k", "-", 20);
    put("k", "y", 30);
    put("k", "z", 40);
    await_rows(4, levels[_i]);
    s = open_snapshot("versions", levels[_i]);
    ck_assert(ks_snapshot_versioned_get(s, KS_TEXT("k"), &v));
    ck_assert(ks_bytes_equal(v.value, KS_TEXT("z")));
    ck_assert(v.timestamp_ms == 40 && v.valid_to_ms == KS_VALID_NOW);
    ck_assert(ks_snapshot_versioned_as_of(s, KS_TEXT("k"), 19, &v));
    ck_assert(v.timestamp_ms == 10 && v.valid_to_ms == 20);
    ck_assert(!ks_snapshot_versioned_as_of(s, KS_TEXT("k"), 20, &v));
    ck_assert(!ks_snapshot_versioned_get(s, KS_TEXT("none"), &v));
    for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
        const struct history *h = &histories[i];

        ROWS_ARE(s, ks_snapshot_versioned_history(s, KS_TEXT("k"), h->from_ms, h->to_ms,
                                                  KS_ASCENDING), h->ascending);
        ROWS_ARE(s, ks_snapshot_versioned_history(s, KS_TEXT("k"), h->from_ms, h->to_ms,
                                                  KS_DESCENDING), h->descending);
    }
    ck_assert_ptr_null(ks_snapshot_versioned_history(s, KS_TEXT("k"), 25, 24, KS_ASCENDING));
    ck_assert_int_eq(ks_error_status(ks_snapshot_error(s)), KS_EINVAL);
    ks_snapshot_free(s);
}
END_TEST

START_TEST(a_callback_reads_the_history_too)
{
    ks_driver          *d = ks_driver_new(topology, NULL, NULL);
    ks_versioned_store *store = ks_driver_versioned_store(d, "versions");
    ks_iter            *it;
    ks_record           row;

    ck_assert_int_eq(ks_driver_pipe_text(d, "in", "k", "x", 10), KS_OK);
    ck_assert_int_eq(ks_driver_pipe_text(d, "in", "k", "y", 20), KS_OK);
    it = ks_versioned_store_history(store, KS_TEXT("k"), 0, INT64_MAX, KS_DESCENDING);
    ck_assert(ks_iter_next(it, &row));
    ck_assert(row.timestamp_ms == 20 && row.window->end_ms == KS_VALID_NOW);
    ck_assert(ks_iter_next(it, &row));
    ck_assert(row.timestamp_ms == 10 && row.window->end_ms == 20);
    ck_assert(!ks_iter_next(it, &row));
    ck_assert_ptr_null(ks_versioned_store_history(store, KS_TEXT("k"), 2, 1, KS_ASCENDING));
    ck_assert_int_eq(ks_error_status(ks_driver_error(d)), KS_EINVAL);
    ks_driver_free(d);
}
END_TEST

/* ---- partitions ---- */

START_TEST(chosen_partitions_are_read_alone)
{
    size_t together = 0;

    for (int i = 0; i < 12; i++) {
        char key[4];

        snprintf(key, sizeof(key), "k%d", i);
        put(key, "v", 10);
    }
    await_rows(12, levels[_i]);
    for (int32_t p = 0; p < 3; p++) {
        ks_snapshot *s;
        ks_iter     *it;
        size_t       rows = 0;

        ck_assert_int_eq(ks_app_snapshot(app, "windows",
                                         KS_QUERIED(.freshness = levels[_i], .timeout_ms = 10000,
                                                    .partitions = &p, .partition_count = 1), &s),
                         KS_OK);
        it = ks_snapshot_all(s, KS_ASCENDING);
        for (ks_record row; ks_iter_next(it, &row);)
            rows++;
        ck_assert_uint_lt(rows, 12);
        together += rows;
        ks_snapshot_free(s);
    }
    ck_assert_uint_eq(together, 12);
}
END_TEST

START_TEST(a_partition_that_is_not_here_cannot_be_read)
{
    const int32_t partitions[] = { 0, 7 };
    ks_snapshot  *s;

    ck_assert_int_eq(ks_app_snapshot(app, "windows",
                                     KS_QUERIED(.partitions = partitions, .partition_count = 2),
                                     &s), KS_EUNAVAILABLE);
    ck_assert_int_eq(ks_app_snapshot(app, "windows", KS_QUERIED(.partition_count = 2), &s),
                     KS_EINVAL);
}
END_TEST

/* ---- kinds ---- */

/* The n-th question to a store of another kind. */
static void ask(ks_snapshot *s, int n)
{
    const ks_window window = { 0, 1 };
    ks_record       row;
    ks_versioned    version;

    if (n == 0)
        ck_assert(!ks_snapshot_window_get(s, KS_TEXT("a"), 0, &row));
    else if (n == 1)
        ck_assert_ptr_null(ks_snapshot_window_fetch(s, KS_TEXT("a"), 0, 1, KS_ASCENDING));
    else if (n == 2)
        ck_assert_ptr_null(ks_snapshot_window_range(s, KS_NULL, KS_NULL, window, KS_ASCENDING));
    else if (n == 3)
        ck_assert(!ks_snapshot_session_get(s, KS_TEXT("a"), window, &row));
    else if (n == 4)
        ck_assert_ptr_null(ks_snapshot_session_find(s, KS_TEXT("a"), 0, 1, KS_ASCENDING));
    else if (n == 5)
        ck_assert(!ks_snapshot_versioned_get(s, KS_TEXT("a"), &version));
    else if (n == 6)
        ck_assert_ptr_null(ks_snapshot_versioned_history(s, KS_TEXT("a"), 0, 1, KS_ASCENDING));
    else if (n == 7)
        ck_assert(!ks_snapshot_get(s, KS_TEXT("a"), &row));
    else
        ck_assert_uint_eq(ks_snapshot_count(s), 0);
}

START_TEST(a_question_for_another_kind_of_store_is_an_error)
{
    const char  *store = _i < 3 ? "sessions" : _i < 5 ? "versions" : "windows";
    ks_snapshot *s     = open_snapshot(store, KS_FRESH);

    ask(s, _i);
    ck_assert_int_eq(ks_error_status(ks_snapshot_error(s)), KS_ETYPE);
    ks_snapshot_free(s);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("query/read");
    TCase   *tcase = tcase_create("read");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_window_store_is_read_by_key_and_time, 0, 2);
    tcase_add_loop_test(tcase, what_retention_hides_is_hidden_from_queries, 0, 2);
    tcase_add_loop_test(tcase, a_session_store_is_read_by_key_and_overlap, 0, 2);
    tcase_add_loop_test(tcase, a_versioned_store_is_read_at_a_time_and_over_times, 0, 2);
    tcase_add_test(tcase, a_callback_reads_the_history_too);
    tcase_add_loop_test(tcase, chosen_partitions_are_read_alone, 0, 2);
    tcase_add_test(tcase, a_partition_that_is_not_here_cannot_be_read);
    tcase_add_loop_test(tcase, a_question_for_another_kind_of_store_is_an_error, 0, 9);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
