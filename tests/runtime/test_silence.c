/* SPDX-License-Identifier: Apache-2.0
 *
 * idle.advance.ms in apps that stop: time in which nothing ran is no silence.
 *
 *      "in" --select_key--> repartition topic --> count per window, on close --> "out"
 *           task 0_0                              task 1_0: its topic is empty while 0_0 is behind
 */
#include "base/clock.h"
#include "runtime/app.h"
#include "support/stage.h"

#include <check.h>
#include <stdlib.h>

#define SILENCE_MS 2000

static struct stage            stage;
static struct ks__manual_clock by_hand;
static ks_topology            *topology;
static ks_app                 *app;

static ks_status same_key(ks_ctx *ctx, const ks_record *record, ks_bytes *key, void *user)
{
    (void)ctx, (void)record, (void)key, (void)user;
    return KS_OK;
}

/* What was asked. The first call is answered at once. */
static ks_pending *asked[256];
static int         calls;

static ks_status ask(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
{
    (void)ctx, (void)user;
    ck_assert_int_lt(calls, 256);
    if (calls == 0)
        ks_pending_complete(pending, record->value);
    asked[calls++] = pending;
    return KS_OK;
}

static bool is_no_noise(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)user;
    return !ks_bytes_equal(record->value, KS_TEXT("noise"));
}

static void declare(bool asks)
{
    ks_builder         *b  = ks_builder_new();
    ks_stream          *in = ks_stream_select_key(ks_builder_stream(b, "in", NULL), same_key, NULL,
                                                  NULL);
    ks_windowed_stream *w;

    if (asks) {
        in = ks_stream_map_async(in, ask, NULL, KS_ASYNC(.timeout_ms = 1000000));
        in = ks_stream_filter(in, is_no_noise, NULL, NULL);
    }
    w = ks_grouped_stream_windowed_by(
        ks_stream_group_by_key(in, NULL),
        KS_TUMBLING(.size_ms = 1000, .grace_ms = 1000, .emit = KS_EMIT_ON_CLOSE));

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(w, NULL), NULL), "out",
                 KS_PRODUCED(.key   = ks_serde_windowed(ks_serde_bytes(), 1000),
                             .value = ks_serde_i64()));
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
}

static void setup(void)
{
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "in", 1);
    stage_topic(&stage, "out", 1);
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    stage_set(&stage, "commit.interval.ms", "1");
    stage_set(&stage, "idle.advance.ms", "2000");
    stage_set(&stage, "__emit.interval.ms.kstreams.windowed.aggregation__", "0");
    ks__manual_clock_init(&by_hand, 1000);
    app   = NULL;
    calls = 0;
}

static void teardown(void)
{
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

static void open_app(void)
{
    app = ks_app_new(topology, stage.config);
    ks__app_set_clock(app, &by_hand.clock);
    stage_await_state(app, app, KS_APP_RUNNING);
}

static void close_app(void)
{
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    app = NULL;
}

static void append(int64_t timestamp_ms)
{
    ck_assert_int_eq(ks_writer_append(stage.writer, "in", -1,
                                      &(ks_record){ KS_TEXT("k"), KS_TEXT("v"), timestamp_ms,
                                                    NULL, NULL }),
                     KS_OK);
    stage_flush(&stage);
}

/* Time goes on by so much while the app works. */
static void run_for(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 5) {
        ks__manual_clock_advance(&by_hand, 5);
        ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    }
}

static int64_t late_count(void)
{
    ks_metrics *metrics = ks_app_metrics(app);
    int64_t     late = ks_metrics_sum(metrics, "dropped-records-total", NULL);

    ks_metrics_free(metrics);
    return late;
}

static void expect_one_count_of(int64_t count)
{
    ks_reader *reader = ks_log_reader(stage.log, NULL);
    ks_entry   entry;

    ck_assert_int_eq(ks_reader_assign(reader, "out", 0, 0), KS_OK);
    ck_assert(ks_reader_next(reader, 1000, &entry));
    ck_assert_int_eq(ks_bytes_i64(entry.record.value, -1), count);
    ks_reader_free(reader);
    ck_assert_uint_eq(stage_count(&stage, "out"), 1);
}

static void come_to_the_end_of_the_silence(void)
{
    ck_assert_uint_eq(stage_count(&stage, "out"), 0);
    run_for(2 * SILENCE_MS + 1000);
    ck_assert_int_eq(late_count(), 0);
    expect_one_count_of(2);
}

START_TEST(a_record_that_came_while_the_app_was_down_is_in_time)
{
    declare(false);
    open_app();
    append(100000);
    run_for(500);
    close_app();
    append(100500);
    ks__manual_clock_advance(&by_hand, 10 * SILENCE_MS);
    open_app();
    run_for(500);
    come_to_the_end_of_the_silence();
}
END_TEST

START_TEST(a_record_that_came_while_the_app_was_paused_is_in_time)
{
    declare(false);
    open_app();
    append(100000);
    run_for(500);
    ks_app_pause(app);
    ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    append(100500);
    ks__manual_clock_advance(&by_hand, 10 * SILENCE_MS);
    ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    ks_app_resume(app);
    run_for(500);
    come_to_the_end_of_the_silence();
}
END_TEST

/* The topic between is empty, but one is on its way to it. */
START_TEST(a_record_that_waits_in_the_task_above_is_in_time)
{
    declare(true);
    stage_set(&stage, "processing.guarantee", "at_least_once");
    open_app();
    append(100000);
    append(100500);
    run_for(4 * SILENCE_MS);
    ck_assert_int_eq(calls, 2);
    ck_assert_uint_eq(stage_count(&stage, "out"), 0);
    ks_pending_complete(asked[1], KS_TEXT("v"));
    run_for(500);
    come_to_the_end_of_the_silence();
}
END_TEST

/* It is never done with all, and never far behind. */
START_TEST(a_steady_load_above_does_not_break_the_silence)
{
    int answered = 1;

    declare(true);
    stage_set(&stage, "processing.guarantee", "at_least_once");
    open_app();
    append(100000);
    for (int i = 0; i < 100; i++) {
        append(100001);
        run_for(100);
        ck_assert_int_gt(calls, answered);
        if (i >= 3)
            ks_pending_complete(asked[answered++], KS_TEXT("noise"));
    }
    expect_one_count_of(1);
    while (answered < calls)
        ks_pending_complete(asked[answered++], KS_TEXT("noise"));
    run_for(100);
}
END_TEST

/* As by NTP, or on a machine that slept. */
START_TEST(a_wall_clock_that_is_set_forward_is_no_silence)
{
    declare(false);
    open_app();
    append(100000);
    run_for(500);
    ks__manual_clock_set_wall(&by_hand, ks__clock_wall_ms(&by_hand.clock) + 3600000);
    run_for(SILENCE_MS - 100);
    append(100500);
    run_for(500);
    come_to_the_end_of_the_silence();
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("silence");
    TCase   *cases  = tcase_create("silence");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_record_that_came_while_the_app_was_down_is_in_time);
    tcase_add_test(cases, a_record_that_came_while_the_app_was_paused_is_in_time);
    tcase_add_test(cases, a_wall_clock_that_is_set_forward_is_no_silence);
    tcase_add_test(cases, a_record_that_waits_in_the_task_above_is_in_time);
    tcase_add_test(cases, a_steady_load_above_does_not_break_the_silence);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
