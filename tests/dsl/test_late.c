/* SPDX-License-Identifier: Apache-2.0
 *
 * test_late.c - the branch of late records: which leave, how often, with what, and what is counted.
 */
#include "dsl/flow.h"

#include <string.h>

static ks_windowed_stream *cut(const char *topic, const ks_windowing *windowing)
{
    return ks_grouped_stream_windowed_by(ks_stream_group_by_key(text_stream(topic), NULL),
                                         windowing);
}

/* The window behind the value, so that both are seen at the topic. */
static ks_status show(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    record->value = ks_ctx_text(ctx, "%.*s@%lld-%lld", KS_BYTES_ARG(record->value),
                                (long long)record->window->start_ms,
                                (long long)record->window->end_ms);
    return KS_OK;
}

static ks_status show_count(ks_ctx *ctx, ks_record *record, void *user)
{
    record->value = ks_ctx_text(ctx, "%lld", (long long)ks_bytes_i64(record->value, -1));
    return show(ctx, record, user);
}

/* Counts to "out", what came too late to "late". */
static void count_and_branch(const ks_windowing *windowing)
{
    ks_windowed_stream *w = cut("in", windowing);
    ks_table           *t = ks_windowed_stream_count(w, KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_stream_map(ks_table_to_stream(t, NULL), show_count, NULL, NULL), "out", NULL);
    ks_stream_to(ks_stream_map_values(ks_windowed_stream_late(w, KS_NAMED("missed")), show, NULL,
                                      NULL),
                 "late", NULL);
}

static void expect_all(const char *topic, const char *const (*records)[2], const int64_t *times)
{
    for (size_t i = 0; records[i][0] != NULL; i++)
        expect(topic, records[i][0], records[i][1], times[i]);
    expect_nothing(topic);
}

static bool any(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

/* ---- which records ---- */

START_TEST(a_record_for_a_closed_window_leaves_by_the_branch)
{
    count_and_branch(KS_TUMBLING(.size_ms = 10, .grace_ms = 5));
    flow_start();
    feed("in", "k", "a", 3);
    feed("in", "k", "b", 14);
    feed("in", "k", "c", 4);
    expect_nothing("late");
    feed("in", "k", "d", 15);
    feed("in", "k", "e", 5);
    expect("late", "k", "e@0-10", 5);
    expect_nothing("late");
    expect_all("out",
               (const char *const[][2]){ { "k", "1@0-10" }, { "k", "1@10-20" }, { "k", "2@0-10" },
                                         { "k", "2@10-20" }, { NULL, NULL } },
               (const int64_t[]){ 3, 14, 4, 15 });
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

/* The operator's time is committed beside the offsets: state that is rebuilt from the changelog
 * alone, on another host or after a kill, judges as the one before. */
START_TEST(what_was_late_is_late_with_a_state_that_was_lost_too)
{
    count_and_branch(KS_TUMBLING(.size_ms = 10, .grace_ms = 5));
    flow_start_kept(NULL);
    feed("in", "k", "a", 3);
    feed("in", "k", "b", 15);
    expect("out", "k", "1@0-10", 3);
    expect("out", "k", "1@10-20", 15);
    flow_move();
    feed("in", "k", "late", 4);
    expect_nothing("out");
    expect("late", "k", "late@0-10", 4);
    expect_nothing("late");
}
END_TEST

START_TEST(a_hopping_record_leaves_once_behind_the_changes_that_it_makes)
{
    count_and_branch(KS_HOPPING(.size_ms = 20, .advance_ms = 5));
    flow_start();
    feed("in", "k", "a", 32);
    feed("in", "k", "b", 16); /* of [0,20) [5,25) [10,30) [15,35) only the last is open */
    expect("late", "k", "b@10-30", 16);
    expect_nothing("late");
    ck_assert_int_eq(drops("late"), 3);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(ks_driver_read(flow.driver, "out"));
    expect("out", "k", "2@15-35", 32);
    expect_nothing("out");
}
END_TEST

START_TEST(a_sliding_record_leaves_with_the_last_window_it_missed)
{
    count_and_branch(KS_SLIDING(.difference_ms = 10));
    flow_start();
    feed("in", "k", "a", 40);
    feed("in", "k", "b", 35); /* [25,35] is closed, [30,40] is not */
    expect("late", "k", "b@25-35", 35);
    feed("in", "k", "c", 29); /* all are closed */
    expect("late", "k", "c@29-39", 29);
    expect_nothing("late");
    ck_assert_int_eq(drops("late"), 2);
}
END_TEST

START_TEST(an_early_sliding_record_leaves_when_its_window_is_closed)
{
    count_and_branch(KS_SLIDING(.difference_ms = 10));
    flow_start();
    feed("in", "k", "a", 12);
    feed("in", "k", "b", 4);
    expect("late", "k", "b@0-10", 4);
    expect_nothing("late");
}
END_TEST

START_TEST(a_session_record_leaves_with_a_session_of_its_own)
{
    count_and_branch(KS_SESSIONS(.gap_ms = 5));
    flow_start();
    feed("in", "k", "a", 10);
    feed("in", "x", "b", 20);
    feed("in", "k", "c", 13);
    expect("late", "k", "c@13-13", 13); /* the one at 10 is closed */
    expect_nothing("late");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

START_TEST(null_keys_are_no_late_records)
{
    count_and_branch(KS_TUMBLING(.size_ms = 10));
    flow_start();
    feed("in", "k", "a", 30);
    feed("in", NULL, "b", 1);
    expect_nothing("late");
    ck_assert_int_eq(drops("null-key"), 1);
}
END_TEST

START_TEST(a_late_record_keeps_headers_and_null_value)
{
    ks_windowed_stream *w       = cut("in", KS_TUMBLING(.size_ms = 10));
    ks_headers         *headers = ks_headers_new();
    const ks_record     late    = { .key = KS_TEXT("k"), .timestamp_ms = 1, .headers = headers };
    const ks_record    *seen;
    ks_bytes            trace;

    ks_headers_add(headers, "trace", KS_TEXT("77"));
    ks_windowed_stream_count(w, NULL);
    ks_stream_to(ks_windowed_stream_late(w, NULL), "late", NULL);
    flow_start();
    feed("in", "k", "a", 30);
    ck_assert_int_eq(ks_driver_pipe(flow.driver, "in", &late), KS_OK);
    seen = ks_driver_read(flow.driver, "late");
    ck_assert_ptr_nonnull(seen);
    ck_assert_ptr_null(seen->value.data);
    ck_assert_int_eq(seen->timestamp_ms, 1);
    ck_assert(ks_headers_last(seen->headers, "trace", &trace));
    ck_assert(ks_bytes_equal(trace, KS_TEXT("77")));
    ks_headers_free(headers);
}
END_TEST

/* ---- around ---- */

START_TEST(a_record_is_late_to_a_window_that_closed_before_a_restart)
{
    count_and_branch(KS_HOPPING(.size_ms = 10, .advance_ms = 5, .emit = KS_EMIT_ON_CLOSE));
    flow_start_kept(NULL);
    feed("in", "k", "a", 21);
    flow_reopen();
    feed("in", "k", "b", 14);
    expect("late", "k", "b@10-20", 14);
    flow_reopen();
    expect_nothing("late");
}
END_TEST

START_TEST(late_records_of_a_changed_key_come_from_behind_the_repartition)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        ks_stream_group_by(text_stream("in"), key_from_value, NULL,
                           KS_GROUPED(.key = ks_serde_utf8())),
        KS_TUMBLING(.size_ms = 10));
    ks_stream *late;

    ks_windowed_stream_reduce(w, concat, NULL, NULL);
    late = ks_windowed_stream_late(w, NULL);
    /* It can be grouped again: its keys are together. */
    ks_stream_to(ks_table_to_stream(ks_grouped_stream_count(ks_stream_group_by_key(late, NULL),
                                                            NULL), NULL), "missed", NULL);
    flow_start();
    feed("in", "k", "a", 30);
    feed("in", "k", "b", 1);
    feed("in", "k", "b", 2);
    expect_i64("missed", "b", 1, 1);
    expect_i64("missed", "b", 2, 2);
    expect_nothing("missed");
}
END_TEST

START_TEST(all_streams_of_a_cogroup_send_their_late_records)
{
    ks_windowed_cogrouped_stream *w;
    ks_cogrouped_stream          *c = ks_grouped_stream_cogroup(
        ks_stream_group_by_key(text_stream("in"), NULL), concat, NULL);

    ks_cogrouped_stream_cogroup(c, ks_stream_group_by_key(text_stream("in2"), NULL), concat, NULL);
    w = ks_cogrouped_stream_windowed_by(c, KS_TUMBLING(.size_ms = 10));
    ks_windowed_cogrouped_stream_aggregate(w, KS_AGGREGATE(.initial = KS_TEXT("")),
                                           KS_MATERIALIZED(.value = ks_serde_utf8()));
    ks_stream_to(ks_windowed_cogrouped_stream_late(w, NULL), "late", NULL);
    flow_start();
    feed("in", "k", "a", 30);
    feed("in2", "k", "b", 1); /* the time of this stream has not come so far */
    expect_nothing("late");
    feed("in2", "k", "c", 30);
    feed("in2", "k", "d", 2);
    feed("in", "k", "e", 3);
    expect("late", "k", "d", 2);
    expect("late", "k", "e", 3);
    expect_nothing("late");
}
END_TEST

START_TEST(a_branch_takes_its_index_behind_the_aggregation)
{
    ks_windowed_stream *w = cut("in", KS_TUMBLING(.size_ms = 10));
    char               *text;

    ks_windowed_stream_count(w, NULL);
    ks_windowed_stream_late(w, NULL);
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "KSTREAM-AGGREGATE-0000000002"));
    ck_assert_ptr_nonnull(strstr(text, "KSTREAM-LATE-0000000003"));
    ks_text_free(text);
}
END_TEST

/* ---- mistakes ---- */

static void assert_refused(ks_status status, const char *text)
{
    const ks_error *error = ks_builder_error(flow.b);

    ck_assert_int_eq(ks_error_status(error), status);
    ck_assert_msg(strstr(ks_error_message(error), text) != NULL, "%s", ks_error_message(error));
}

START_TEST(a_branch_before_the_aggregation_is_refused)
{
    ks_windowed_stream_late(cut("in", KS_TUMBLING(.size_ms = 10)), KS_NAMED("missed"));
    assert_refused(KS_ESTATE, "declare the aggregation of the windows first");
}
END_TEST

START_TEST(a_branch_of_another_type_is_refused)
{
    ks_windowed_stream *w = cut("in", KS_TUMBLING(.size_ms = 10));

    ks_windowed_stream_count(w, NULL);
    ks_windowed_stream_late(w, KS_NAMED("missed", .value = ks_serde_i64()));
    assert_refused(KS_ETYPE, "i64");
}
END_TEST

/* ---- on a topic ---- */

static void expect_window(const ks_record *record, int64_t start, int64_t end)
{
    ck_assert_ptr_nonnull(record);
    ck_assert(ks_bytes_equal(record->key, KS_TEXT("k")));
    ck_assert_ptr_nonnull(record->window);
    ck_assert_int_eq(record->window->start_ms, start);
    ck_assert_int_eq(record->window->end_ms, end);
}

START_TEST(a_missed_window_goes_to_a_topic_with_a_windowed_key)
{
    const ks_serde     *key = ks_serde_windowed(ks_serde_utf8(), 10);
    ks_windowed_stream *w   = cut("in", KS_TUMBLING(.size_ms = 10));

    ks_windowed_stream_count(w, NULL);
    ks_stream_to(ks_stream_filter(ks_windowed_stream_late(w, KS_NAMED("missed", .key = key)),
                                  any, NULL, NULL),
                 "late", KS_PRODUCED(.key = key));
    flow_start();
    feed("in", "k", "a", 25);
    feed("in", "k", "b", 14);
    expect_window(ks_driver_read(flow.driver, "late"), 10, 20);
    expect_nothing("late");
}
END_TEST

START_TEST(a_missed_session_goes_to_a_topic_with_a_session_key)
{
    ks_windowed_stream *w = cut("in", KS_SESSIONS(.gap_ms = 5));

    ks_windowed_stream_count(w, NULL);
    ks_stream_to(ks_windowed_stream_late(
                     w, KS_NAMED("missed", .key = ks_serde_session(ks_serde_utf8()))),
                 "late", NULL);
    flow_start();
    feed("in", "x", "a", 40);
    feed("in", "k", "b", 14);
    expect_window(ks_driver_read(flow.driver, "late"), 14, 14);
}
END_TEST

START_TEST(a_branch_of_other_windows_is_refused)
{
    ks_windowed_stream *w = cut("in", KS_SESSIONS(.gap_ms = 5));

    ks_windowed_stream_count(w, NULL);
    ks_windowed_stream_late(
        w, KS_NAMED("missed", .key = ks_serde_windowed(ks_serde_utf8(), 10)));
    assert_refused(KS_ETYPE, "session");
}
END_TEST

FLOW_MAIN("late", a_record_for_a_closed_window_leaves_by_the_branch,
          what_was_late_is_late_with_a_state_that_was_lost_too,
          a_hopping_record_leaves_once_behind_the_changes_that_it_makes,
          a_sliding_record_leaves_with_the_last_window_it_missed,
          an_early_sliding_record_leaves_when_its_window_is_closed,
          a_session_record_leaves_with_a_session_of_its_own,
          null_keys_are_no_late_records, a_late_record_keeps_headers_and_null_value,
          a_record_is_late_to_a_window_that_closed_before_a_restart,
          late_records_of_a_changed_key_come_from_behind_the_repartition,
          all_streams_of_a_cogroup_send_their_late_records,
          a_branch_takes_its_index_behind_the_aggregation,
          a_branch_before_the_aggregation_is_refused, a_branch_of_another_type_is_refused,
          a_missed_window_goes_to_a_topic_with_a_windowed_key,
          a_missed_session_goes_to_a_topic_with_a_session_key,
          a_branch_of_other_windows_is_refused)
