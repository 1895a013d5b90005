/* SPDX-License-Identifier: Apache-2.0
 *
 * test_windows.c - windows, cogroups and joins of streams: what is declared, what is refused, and
 * what the library keeps that Kafka Streams loses.
 */
#include "dsl/flow.h"

#include <string.h>

static ks_grouped_stream *group(const char *topic)
{
    return ks_stream_group_by_key(text_stream(topic), NULL);
}

/* The window as text in front of the count, so that both are seen at the topic. */
static ks_status show(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    record->value = ks_ctx_text(ctx, "%lld-%lld=%lld", (long long)record->window->start_ms,
                                (long long)record->window->end_ms,
                                (long long)ks_bytes_i64(record->value, -1));
    return KS_OK;
}

static void show_to(ks_table *t, const char *topic)
{
    ks_stream_to(ks_stream_map(ks_table_to_stream(t, NULL), show, NULL, NULL), topic, NULL);
}

static ks_table *count(const ks_windowing *windowing, const char *store)
{
    return ks_windowed_stream_count(ks_grouped_stream_windowed_by(group("in"), windowing),
                                    KS_MATERIALIZED(.store = store));
}

/* ---- what comes out ---- */

START_TEST(sliding_windows_are_found_again_at_the_end_of_time)
{
    show_to(count(KS_SLIDING(.difference_ms = 10), "counts"), "out");
    flow_start();
    feed("in", "k", "v", INT64_MAX);
    feed("in", "k", "v", INT64_MAX);
    expect("out", "k", "9223372036854775797-9223372036854775807=1", INT64_MAX);
    expect("out", "k", "9223372036854775797-9223372036854775807=2", INT64_MAX);
    expect_nothing("out");
}
END_TEST

START_TEST(a_late_record_is_dropped_and_counted)
{
    show_to(count(KS_TUMBLING(.size_ms = 10, .grace_ms = 5), "counts"), "out");
    flow_start();
    feed("in", "k", "v", 3);
    feed("in", "k", "v", 14);
    feed("in", "k", "v", 4);
    feed("in", "k", "v", 15);
    feed("in", "k", "v", 5);
    expect("out", "k", "0-10=1", 3);
    expect("out", "k", "10-20=1", 14);
    expect("out", "k", "0-10=2", 4);
    expect("out", "k", "10-20=2", 15);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

START_TEST(a_final_result_survives_any_jump_of_time)
{
    show_to(count(KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE), "counts"), "out");
    flow_start();
    feed("in", "a", "v", 1);
    feed("in", "b", "v", 2);
    feed("in", "a", "v", 3);
    expect_nothing("out");
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1000), KS_OK); /* the throttle */
    feed("in", "c", "v", 1000000000000);
    expect("out", "a", "0-10=2", 3);
    expect("out", "b", "0-10=1", 2);
    expect_nothing("out");
}
END_TEST

/* Kafka Streams looks at waiting values one by one, not at entries of them: so the smallest time
 * that it remembers is 37 here, and the record at 46 lets the one at 34 leave. */
START_TEST(two_values_that_wait_at_one_time_are_looked_at_one_by_one)
{
    static const struct { const char *topic, *key, *value; int64_t at_ms; } records[] = {
        { "r", "a", "9", 34 }, { "l", "b", "1", 37 }, { "l", "b", "2", 37 }, { "r", "a", "3", 39 },
        { "l", "a", "0", 41 }, { "r", "a", "4", 46 },
    };

    ks_stream_to(ks_stream_outer_join_stream(text_stream("l"), text_stream("r"),
                                             KS_WITHIN(.before_ms = 3, .grace_ms = 5), join_texts,
                                             NULL, NULL), "out", NULL);
    flow_start();
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        ck_assert_int_eq(ks_driver_advance(flow.driver, 1000), KS_OK); /* the throttle */
        feed(records[i].topic, records[i].key, records[i].value, records[i].at_ms);
    }
    expect("out", "a", "0|3@39", 41);
    expect("out", "a", "|9@34", 34);
    expect("out", "b", "1|@-1", 37);
    expect("out", "b", "2|@-1", 37);
    expect_nothing("out");
}
END_TEST

START_TEST(rows_of_a_window_store_have_plain_key_and_window)
{
    ks_window_store *store;
    ks_record        row;
    ks_iter         *it;

    count(KS_HOPPING(.size_ms = 10, .advance_ms = 5, .grace_ms = 100), "counts");
    flow_start();
    feed("in", "k", "v", 7);
    store = ks_driver_window_store(flow.driver, "counts");
    ck_assert(ks_window_store_get(store, KS_TEXT("k"), 5, &row));
    ck_assert_int_eq(row.window->end_ms, 15);
    ck_assert_int_eq(ks_bytes_i64(row.value, 0), 1);
    ck_assert(!ks_window_store_get(store, KS_TEXT("k"), 6, &row));
    it = ks_window_store_fetch(store, KS_TEXT("k"), 0, 100, KS_DESCENDING);
    ck_assert(ks_iter_next(it, &row));
    ck_assert_int_eq(row.window->start_ms, 5);
    ck_assert(ks_iter_next(it, &row));
    ck_assert_int_eq(row.window->start_ms, 0);
    ck_assert(!ks_iter_next(it, &row));
    ck_assert_ptr_null(ks_driver_session_store(flow.driver, "counts"));
}
END_TEST

START_TEST(a_named_join_names_its_nodes_and_stores)
{
    char *text;

    ks_stream_to(ks_stream_outer_join_stream(text_stream("l"), text_stream("r"),
                                             KS_WITHIN(.difference_ms = 5), join_texts, NULL,
                                             KS_STREAM_JOINED(.name = "pair", .store = "kept",
                                                              .out = ks_serde_utf8())),
                 "out", NULL);
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "pair-this-windowed"));
    ck_assert_ptr_nonnull(strstr(text, "pair-outer-other-join"));
    ck_assert_ptr_nonnull(strstr(text, "pair-merge"));
    ck_assert_ptr_nonnull(strstr(text, "kept-outer-this-join-store"));
    ck_assert_ptr_nonnull(strstr(text, "kept-outer-shared-join-store"));
    ks_text_free(text);
}
END_TEST

START_TEST(a_cogroup_of_several_streams_has_one_row_per_key)
{
    ks_cogrouped_stream *c = ks_grouped_stream_cogroup(group("in"), concat, USER("<"));
    ks_table            *t;

    ks_cogrouped_stream_cogroup(c, group("in2"), concat, USER(">"));
    t = ks_cogrouped_stream_aggregate(c, KS_AGGREGATE(.initial = KS_TEXT("")),
                                      KS_MATERIALIZED(.store = "both",
                                                      .value = ks_serde_utf8()));
    ck_assert_str_eq(ks_table_store_name(t), "both");
    ks_stream_to(ks_table_to_stream(t, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in2", "k", "b", 2);
    expect("out", "k", "a", 1);
    expect("out", "k", "ab", 2);
    expect_nothing("out");
    ck_assert_uint_eq(ks_kv_store_count(ks_driver_kv_store(flow.driver, "both")), 1);
}
END_TEST

/* ---- mistakes ---- */

static void assert_refused(const char *text)
{
    const ks_error *error = ks_builder_error(flow.b);

    ck_assert_int_ne(ks_error_status(error), KS_OK);
    ck_assert_msg(strstr(ks_error_message(error), text) != NULL, "%s", ks_error_message(error));
}

START_TEST(a_member_of_other_windows_is_refused)
{
    count(KS_TUMBLING(.size_ms = 10, .gap_ms = 5), "counts");
    assert_refused(".gap_ms is no member of KS_TUMBLING");
}
END_TEST

START_TEST(a_missing_size_is_refused)
{
    count(KS_TUMBLING(.grace_ms = 10), "counts");
    assert_refused(".size_ms must be at least 1 ms");
}
END_TEST

START_TEST(an_advance_beyond_the_size_is_refused)
{
    count(KS_HOPPING(.size_ms = 10, .advance_ms = 11), "counts");
    assert_refused(".advance_ms is 11; it must be from 1 to the size, 10");
}
END_TEST

START_TEST(a_negative_grace_is_refused)
{
    count(KS_SLIDING(.difference_ms = 10, .grace_ms = -1), "counts");
    assert_refused(".grace_ms is -1; it must not be negative");
}
END_TEST

START_TEST(unlimited_windows_never_close)
{
    count(KS_UNLIMITED(.start_ms = 1, .emit = KS_EMIT_ON_CLOSE), "counts");
    assert_refused("unlimited windows never close");
}
END_TEST

START_TEST(a_retention_that_is_too_short_is_refused)
{
    ks_windowed_stream_count(
        ks_grouped_stream_windowed_by(group("in"), KS_SLIDING(.difference_ms = 10)),
        KS_MATERIALIZED(.retention_ms = 19));
    assert_refused("a retention of 19 ms is too short");
}
END_TEST

START_TEST(a_late_record_does_not_open_a_closed_session_again)
{
    show_to(count(KS_SESSIONS(.gap_ms = 20, .emit = KS_EMIT_ON_CLOSE), "counts"), "out");
    flow_start();
    feed("in", "a", "v", 37);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1000), KS_OK);
    feed("in", "b", "v", 64);
    expect("out", "a", "37-37=1", 37);
    feed("in", "a", "v", 57); /* in reach of the one that has left, but a session of its own */
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1000), KS_OK);
    feed("in", "b", "v", 200);
    expect("out", "a", "57-57=1", 57);
    expect("out", "b", "64-64=1", 64);
    expect_nothing("out");
}
END_TEST

START_TEST(sessions_need_a_merge)
{
    ks_windowed_stream_aggregate(
        ks_grouped_stream_windowed_by(group("in"), KS_SESSIONS(.gap_ms = 10)),
        KS_AGGREGATE(.add = concat), NULL);
    assert_refused("KS_AGGREGATE(.merge)");
}
END_TEST

START_TEST(other_windows_need_none)
{
    ks_windowed_stream_aggregate(
        ks_grouped_stream_windowed_by(group("in"), KS_TUMBLING(.size_ms = 10)),
        KS_AGGREGATE(.add = concat, .merge = concat), NULL);
    assert_refused("KS_AGGREGATE(.merge) is not used here");
}
END_TEST

START_TEST(a_difference_beside_before_is_refused)
{
    ks_stream_join_stream(text_stream("l"), text_stream("r"),
                          KS_WITHIN(.difference_ms = 5, .before_ms = 3), join_texts, NULL, NULL);
    assert_refused(".difference_ms is before and after alike");
}
END_TEST

START_TEST(join_windows_must_not_end_before_they_begin)
{
    ks_stream_join_stream(text_stream("l"), text_stream("r"),
                          KS_WITHIN(.before_ms = -5, .after_ms = 3), join_texts, NULL, NULL);
    assert_refused("before they begin");
}
END_TEST

START_TEST(a_cogroup_takes_its_folds_from_the_streams)
{
    ks_cogrouped_stream_aggregate(ks_grouped_stream_cogroup(group("in"), concat, USER("")),
                                  KS_AGGREGATE(.add = concat), NULL);
    assert_refused("KS_AGGREGATE(.add) is not used here");
}
END_TEST

START_TEST(a_window_store_needs_a_retention)
{
    ks_builder_add_window_store(flow.b, KS_WINDOW_STORE("w", .size_ms = 10));
    assert_refused(".retention_ms is 0; it must be at least 1");
}
END_TEST

FLOW_MAIN("windows", sliding_windows_are_found_again_at_the_end_of_time,
          a_late_record_is_dropped_and_counted, a_final_result_survives_any_jump_of_time,
          two_values_that_wait_at_one_time_are_looked_at_one_by_one,
          rows_of_a_window_store_have_plain_key_and_window,
          a_named_join_names_its_nodes_and_stores,
          a_cogroup_of_several_streams_has_one_row_per_key, a_member_of_other_windows_is_refused,
          a_missing_size_is_refused, an_advance_beyond_the_size_is_refused,
          a_negative_grace_is_refused, unlimited_windows_never_close,
          a_retention_that_is_too_short_is_refused,
          a_late_record_does_not_open_a_closed_session_again, sessions_need_a_merge,
          other_windows_need_none,
          a_difference_beside_before_is_refused, join_windows_must_not_end_before_they_begin,
          a_cogroup_takes_its_folds_from_the_streams, a_window_store_needs_a_retention)
