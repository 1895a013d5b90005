/* SPDX-License-Identifier: Apache-2.0
 *
 * test_idle.c - idle.advance.ms: what closes while nothing comes, when, and what is late then.
 */
#include "dsl/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const after_a_second[] = {
    "idle.advance.ms=1000", "__emit.interval.ms.kstreams.windowed.aggregation__=0",
    "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__=0", NULL,
};

static ks_windowed_stream *cut(const char *topic, const ks_windowing *windowing)
{
    return ks_grouped_stream_windowed_by(ks_stream_group_by_key(text_stream(topic), NULL),
                                         windowing);
}

static void count_to(const char *topic, const ks_windowing *windowing, const char *out)
{
    ks_table *t = ks_windowed_stream_count(cut(topic, windowing), NULL);

    ks_stream_to(ks_table_to_stream(t, NULL), out, NULL);
}

static void wait_ms(int64_t ms)
{
    ck_assert_int_eq(ks_driver_advance(flow.driver, ms), KS_OK);
}

/* ---- windows ---- */

START_TEST(a_window_closes_when_its_time_has_passed_in_silence)
{
    count_to("in", KS_TUMBLING(.size_ms = 3000, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 500);
    wait_ms(999);  /* not silent enough */
    wait_ms(1400); /* 500 and 2399 of silence */
    expect_nothing("out");
    wait_ms(101);
    expect_i64("out", "k", 1, 500);
    wait_ms(100000);
    expect_nothing("out");
}
END_TEST

START_TEST(a_record_ends_the_silence)
{
    count_to("in", KS_TUMBLING(.size_ms = 1000, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 0);
    wait_ms(900);
    feed("in", "k", "v", 1);
    wait_ms(900);
    expect_nothing("out");
    wait_ms(100); /* a second since the last record */
    expect_i64("out", "k", 2, 1);
}
END_TEST

START_TEST(without_the_setting_only_records_move_time)
{
    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start();
    feed("in", "k", "v", 1);
    wait_ms(KS_DAYS(300));
    expect_nothing("out");
}
END_TEST

START_TEST(all_kinds_of_windows_close_in_silence)
{
    count_to("in", KS_HOPPING(.size_ms = 20, .advance_ms = 10, .emit = KS_EMIT_ON_CLOSE), "hops");
    count_to("in", KS_HOPPING(.size_ms = 20, .advance_ms = 10, .emit = KS_EMIT_ON_CLOSE,
                              .slices = KS_ON), "slices");
    count_to("in", KS_SLIDING(.difference_ms = 10, .grace_ms = 5, .emit = KS_EMIT_ON_CLOSE),
             "slides");
    count_to("in", KS_SESSIONS(.gap_ms = 10, .grace_ms = 5, .emit = KS_EMIT_ON_CLOSE),
             "sessions");
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 18);
    expect_nothing("hops");
    wait_ms(1000);
    expect_i64("hops", "k", 1, 18);
    expect_i64("hops", "k", 1, 18);
    expect_nothing("hops");
    expect_i64("slices", "k", 1, 18);
    expect_i64("slices", "k", 1, 18);
    expect_nothing("slices");
    expect_i64("slides", "k", 1, 18);
    expect_nothing("slides");
    expect_i64("sessions", "k", 1, 18);
    expect_nothing("sessions");
}
END_TEST

START_TEST(a_record_that_comes_after_the_silence_is_late_and_counted)
{
    ks_windowed_stream *w = cut("in", KS_TUMBLING(.size_ms = 10, .grace_ms = 5,
                                                  .emit = KS_EMIT_ON_CLOSE));

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(w, NULL), NULL), "out", NULL);
    ks_stream_to(ks_windowed_stream_late(w, NULL), "late", NULL);
    flow_start_kept(after_a_second);
    feed("in", "k", "a", 1);
    wait_ms(1000);
    expect_i64("out", "k", 1, 1);
    feed("in", "k", "b", 4);
    expect("late", "k", "b", 4);
    ck_assert_int_eq(drops("late"), 1);
    feed("in", "k", "c", 1001); /* the time that has come */
    wait_ms(1000);
    expect_i64("out", "k", 1, 1001);
    expect_nothing("late");
}
END_TEST

START_TEST(windows_that_send_every_update_close_too)
{
    count_to("in", KS_TUMBLING(.size_ms = 10), "out");
    flow_start_kept(after_a_second);
    feed("in", "k", "a", 1);
    wait_ms(1000);
    feed("in", "k", "b", 2);
    expect_i64("out", "k", 1, 1);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

START_TEST(silence_begins_anew_with_a_restart)
{
    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 1);
    wait_ms(900);
    flow_reopen();
    wait_ms(0);
    wait_ms(999); /* in all more than a second, but nobody listened to all of it */
    expect_nothing("out");
    wait_ms(1);
    expect_i64("out", "k", 1, 1);
    flow_reopen();
    wait_ms(5000);
    expect_nothing("out");
    feed("in", "k", "v", 5); /* the time that had come is known */
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

START_TEST(one_operator_is_silent_while_another_is_not)
{
    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    count_to("busy", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "more");
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 1);
    for (int i = 0; i < 4; i++) {
        expect_nothing("out");
        feed("busy", "k", "v", 2);
        wait_ms(250);
    }
    expect_i64("out", "k", 1, 1);
    expect_nothing("more");
}
END_TEST

START_TEST(a_throttled_result_leaves_in_silence)
{
    static const char *const settings[] = { "idle.advance.ms=1000", NULL };

    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start_kept(settings);
    feed("in", "k", "v", 1); /* this record has looked; the next look is in a second */
    feed("in", "k", "v", 11);
    expect_nothing("out");
    wait_ms(1000);
    expect_i64("out", "k", 1, 1);
    expect_i64("out", "k", 1, 11);
}
END_TEST

/* ---- suppress ---- */

START_TEST(a_suppressed_final_result_leaves_in_silence)
{
    ks_table *t = ks_windowed_stream_count(cut("in", KS_TUMBLING(.size_ms = 10)), NULL);

    t = ks_table_suppress(t, KS_SUPPRESSED(.until_close = KS_ON));
    ks_stream_to(ks_table_to_stream(t, NULL), "out", NULL);
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 1);
    feed("in", "k", "v", 2);
    wait_ms(900);
    expect_nothing("out");
    wait_ms(100);
    expect_i64("out", "k", 2, 2);
    feed("in", "k", "v", 3); /* a final result stays the last */
    wait_ms(1000);
    expect_nothing("out");
}
END_TEST

START_TEST(a_change_held_for_a_time_leaves_in_silence)
{
    ks_table *t = ks_table_suppress(text_table("in", "rows"), KS_SUPPRESSED(.limit_ms = 1500));

    ks_stream_to(ks_table_to_stream(t, NULL), "out", NULL);
    flow_start_kept(after_a_second);
    feed("in", "k", "v", 1);
    wait_ms(1400);
    expect_nothing("out");
    flow_reopen();
    wait_ms(0);
    wait_ms(1000); /* 1400 and these */
    expect("out", "k", "v", 1);
    expect_nothing("out");
}
END_TEST

/* ---- joins ---- */

static void join_outer(void)
{
    ks_stream_to(ks_stream_outer_join_stream(text_stream("l"), text_stream("r"),
                                             KS_WITHIN(.difference_ms = 10, .grace_ms = 5),
                                             join_texts, NULL,
                                             KS_STREAM_JOINED(.out = ks_serde_utf8())),
                 "out", NULL);
}

START_TEST(records_without_partner_leave_in_silence)
{
    join_outer();
    flow_start_kept(after_a_second);
    feed("l", "k", "a", 1);
    feed("r", "x", "b", 2);
    wait_ms(900);
    expect_nothing("out");
    wait_ms(100);
    expect("out", "k", "a|@-1", 1);
    expect("out", "x", "|b@2", 2);
    expect_nothing("out");
}
END_TEST

/* ---- a clock that was set back ---- */

static void reopen_at(int64_t wall_ms)
{
    char  path[96], text[24];
    FILE *file;

    ks_driver_free(flow.driver);
    snprintf(path, sizeof(path), "%s/wall-clock", flow.home);
    snprintf(text, sizeof(text), "%lld\n", (long long)wall_ms);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    flow.driver = ks_driver_new(flow.topology, flow.config, flow.home);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
}

/* Rounds of results are a second apart by default, not as far as the clock went. */
START_TEST(closed_windows_do_not_wait_for_a_clock_that_was_set_back)
{
    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start_kept(NULL);
    wait_ms(100000);
    feed("in", "k", "v", 1);
    wait_ms(1000);
    feed("in", "k", "v", 11);
    expect_i64("out", "k", 1, 1);
    reopen_at(5000);
    feed("in", "k", "v", 21);
    expect_i64("out", "k", 1, 11);
    feed("in", "k", "v", 31); /* too soon again */
    expect_nothing("out");
}
END_TEST

START_TEST(records_without_partner_do_not_wait_for_a_clock_that_was_set_back)
{
    join_outer();
    flow_start_kept(NULL);
    wait_ms(100000);
    feed("l", "k", "a", 1);
    wait_ms(1000);
    feed("r", "x", "b", 100);
    expect("out", "k", "a|@-1", 1);
    reopen_at(5000);
    feed("l", "k", "c", 200);
    expect("out", "x", "|b@100", 100);
    expect_nothing("out");
}
END_TEST

START_TEST(silence_is_not_as_long_as_a_clock_was_set_back)
{
    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    flow_start_kept(after_a_second);
    wait_ms(100000);
    feed("in", "k", "v", 1);
    reopen_at(5000);
    wait_ms(0);
    wait_ms(999);
    expect_nothing("out");
    wait_ms(1);
    expect_i64("out", "k", 1, 1);
}
END_TEST

/* ---- partners ---- */

START_TEST(a_partner_that_comes_in_time_ends_the_waiting)
{
    join_outer();
    flow_start_kept(after_a_second);
    feed("l", "k", "a", 1);
    wait_ms(900);
    feed("r", "k", "b", 2);
    wait_ms(900);
    flow_reopen();
    wait_ms(5000);
    expect("out", "k", "a|b@2", 2);
    expect_nothing("out");
}
END_TEST

START_TEST(a_record_that_waits_for_its_table_is_joined_in_silence)
{
    ks_table *t = ks_builder_table(flow.b, "rows",
                                   KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()),
                                   KS_MATERIALIZED(.store = "rows", .history_ms = 1000));

    ks_stream_to(ks_stream_join_table(text_stream("in"), t, join_texts, NULL,
                                      KS_JOINED(.out = ks_serde_utf8(), .grace_ms = 500)),
                 "out", NULL);
    flow_start_kept(after_a_second);
    feed("rows", "k", "r", 1);
    feed("in", "k", "a", 2);
    wait_ms(900);
    expect_nothing("out");
    wait_ms(100);
    expect("out", "k", "a|r@1", 2);
    expect_nothing("out");
}
END_TEST

/* ---- an app ---- */

static bool has_output(ks_log *log)
{
    int64_t end = 0;

    return ks_log_end_offset(log, "out", 0, &end) == KS_OK && end > 0;
}

START_TEST(an_app_closes_the_windows_of_a_silent_topic)
{
    ks_config *config = ks_config_new();
    ks_log    *log    = ks_log_new("memory:idle", config);
    ks_writer *writer = ks_log_writer(log, NULL);
    ks_app    *app;
    char       state[] = "/tmp/idle-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(state));
    ck_assert_int_eq(ks_log_create_topic(log, "in", 1, false), KS_OK);
    ck_assert_int_eq(ks_log_create_topic(log, "out", 1, false), KS_OK);
    ck_assert_int_eq(ks_writer_append(writer, "in", -1,
                                      &(ks_record){ KS_TEXT("k"), KS_TEXT("v"), 1, NULL, NULL }),
                     KS_OK);
    ck_assert_int_eq(ks_writer_flush(writer, -1), KS_OK);
    count_to("in", KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "out");
    ks_builder_build(flow.b, &flow.topology);
    ks_config_set(config, "application.id", "idle");
    ks_config_set(config, "bootstrap.servers", "memory:idle");
    ks_config_set(config, "state.dir", state);
    ks_config_set(config, "idle.advance.ms", "200");
    ks_config_set(config, "__emit.interval.ms.kstreams.windowed.aggregation__", "0");
    app = ks_app_new(flow.topology, config);
    for (int i = 0; i < 3000 && !has_output(log); i++) {
        ck_assert_int_eq(ks_app_step(app, 10), KS_OK);
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    ck_assert(has_output(log));
    ck_assert_int_eq(ks_app_close(app, -1), KS_OK);
    ks_app_free(app);
    ks_writer_free(writer);
    ks_log_free(log);
    ks_config_free(config);
    snprintf(flow.home, sizeof(flow.home), "%s", state); /* to be removed */
}
END_TEST

FLOW_MAIN("idle", a_window_closes_when_its_time_has_passed_in_silence, a_record_ends_the_silence,
          without_the_setting_only_records_move_time, all_kinds_of_windows_close_in_silence,
          a_record_that_comes_after_the_silence_is_late_and_counted,
          windows_that_send_every_update_close_too, silence_begins_anew_with_a_restart,
          one_operator_is_silent_while_another_is_not, a_throttled_result_leaves_in_silence,
          a_suppressed_final_result_leaves_in_silence,
          a_change_held_for_a_time_leaves_in_silence, records_without_partner_leave_in_silence,
          closed_windows_do_not_wait_for_a_clock_that_was_set_back,
          records_without_partner_do_not_wait_for_a_clock_that_was_set_back,
          silence_is_not_as_long_as_a_clock_was_set_back,
          a_partner_that_comes_in_time_ends_the_waiting,
          a_record_that_waits_for_its_table_is_joined_in_silence,
          an_app_closes_the_windows_of_a_silent_topic)
