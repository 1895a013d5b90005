/* SPDX-License-Identifier: Apache-2.0
 *
 * test_counted.c - windows of so many records: their bounds, when they are full, what is kept.
 */
#include "dsl/flow.h"
#include "support/random.h"

#include <stdio.h>
#include <string.h>

static ks_windowed_stream *cut(const ks_windowing *windowing)
{
    return ks_grouped_stream_windowed_by(ks_stream_group_by_key(text_stream("in"), NULL),
                                         windowing);
}

/* The window in front of the value, so that both are seen at the topic. */
static ks_status show(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    record->value = ks_ctx_text(ctx, "%lld-%lld=%.*s", (long long)record->window->start_ms,
                                (long long)record->window->end_ms, KS_BYTES_ARG(record->value));
    return KS_OK;
}

static ks_status show_number(ks_ctx *ctx, ks_record *record, void *user)
{
    record->value = ks_ctx_text(ctx, "%lld", (long long)ks_bytes_i64(record->value, -1));
    return show(ctx, record, user);
}

static void show_to(ks_table *t, ks_mapper_fn *how, const char *topic)
{
    ks_stream_to(ks_stream_map(ks_table_to_stream(t, NULL), how, NULL, NULL), topic, NULL);
}

static void count(const ks_windowing *windowing)
{
    show_to(ks_windowed_stream_count(cut(windowing), KS_MATERIALIZED(.store = "counts")),
            show_number, "out");
}

static ks_status join_values(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    if (ks_bytes_equal(record->value, KS_TEXT("skip")))
        return KS_SKIP;
    return concat(ctx, record, acc, user);
}

static void aggregate(const ks_windowing *windowing)
{
    show_to(ks_windowed_stream_aggregate(cut(windowing),
                                         KS_AGGREGATE(.initial = KS_TEXT("<"), .add = join_values),
                                         KS_MATERIALIZED(.store = "texts",
                                                         .value = ks_serde_utf8())),
            show, "out");
}

/* ---- what comes out ---- */

START_TEST(every_so_many_records_of_a_key_make_a_window)
{
    count(KS_COUNTED(.count = 2));
    flow_start();
    feed("in", "a", "v", 100);
    feed("in", "b", "v", 5);
    feed("in", "a", "v", 7); /* earlier, and not late */
    feed("in", "a", "v", 8);
    feed("in", "b", "v", 6);
    expect("out", "a", "0-2=1", 100);
    expect("out", "b", "0-2=1", 5);
    expect("out", "a", "0-2=2", 100);
    expect("out", "a", "2-4=1", 8);
    expect("out", "b", "0-2=2", 6);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 0);
}
END_TEST

START_TEST(on_close_a_window_is_sent_when_it_is_full)
{
    aggregate(KS_COUNTED(.count = 3, .emit = KS_EMIT_ON_CLOSE));
    flow_start();
    feed("in", "k", "a", 3);
    feed("in", "k", "b", 9);
    expect_nothing("out");
    feed("in", "k", "c", 4);
    expect("out", "k", "0-3=<abc", 9);
    feed("in", "k", "d", 5);
    expect_nothing("out");
}
END_TEST

START_TEST(windows_that_advance_by_less_overlap)
{
    aggregate(KS_COUNTED(.count = 3, .advance = 2, .emit = KS_EMIT_ON_CLOSE));
    flow_start();
    for (const char *at = "abcdefg"; *at != '\0'; at++)
        feed("in", "k", (char[]){ *at, '\0' }, 1);
    expect("out", "k", "0-3=<abc", 1);
    expect("out", "k", "2-5=<cde", 1);
    expect("out", "k", "4-7=<efg", 1);
    expect_nothing("out");
}
END_TEST

START_TEST(a_reduction_begins_with_the_first_record_of_a_window)
{
    show_to(ks_windowed_stream_reduce(cut(KS_COUNTED(.count = 2)), concat, NULL, NULL), show,
            "out");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    feed("in", "k", "c", 3);
    expect("out", "k", "0-2=a", 1);
    expect("out", "k", "0-2=ab", 2);
    expect("out", "k", "2-4=c", 3);
    expect_nothing("out");
}
END_TEST

START_TEST(null_keys_are_dropped_and_null_values_counted)
{
    count(KS_COUNTED(.count = 2, .emit = KS_EMIT_ON_CLOSE));
    flow_start();
    feed("in", NULL, "v", 1);
    feed("in", "k", NULL, 2);
    feed("in", "k", "v", 3);
    expect("out", "k", "0-2=2", 3);
    expect_nothing("out");
    ck_assert_int_eq(drops("null-key"), 1);
}
END_TEST

START_TEST(a_record_that_is_skipped_is_none_of_the_window)
{
    aggregate(KS_COUNTED(.count = 2, .emit = KS_EMIT_ON_CLOSE));
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "skip", 2);
    expect_nothing("out");
    feed("in", "k", "b", 3);
    expect("out", "k", "0-2=<ab", 3);
    ck_assert_int_eq(drops("user"), 1);
}
END_TEST

START_TEST(a_topic_has_the_ordinal_where_others_have_a_time)
{
    const ks_record *record;

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(cut(KS_COUNTED(.count = 2)), NULL),
                                    NULL), "out", NULL);
    flow_start();
    for (int i = 0; i < 3; i++) {
        feed("in", "k", "v", 1000);
        record = ks_driver_read(flow.driver, "out");
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->window->start_ms, i / 2 * 2);
        ck_assert_int_eq(record->window->end_ms, i / 2 * 2 + 2);
    }
}
END_TEST

/* ---- what is kept ---- */

static uint64_t rows(const char *store)
{
    return ks_kv_store_count(ks_driver_kv_store(flow.driver, store));
}

START_TEST(a_full_window_leaves_the_store)
{
    ks_record row;
    ks_iter  *it;

    aggregate(KS_COUNTED(.count = 2));
    flow_start();
    feed("in", "k", "a", 1);
    it = ks_kv_store_all(ks_driver_kv_store(flow.driver, "texts"), KS_ASCENDING);
    ck_assert(ks_iter_next(it, &row));
    ck_assert(ks_bytes_equal(row.key, KS_TEXT("k")));
    ck_assert_int_eq(row.window->end_ms, 2);
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("<a")));
    feed("in", "k", "b", 2);
    ck_assert_uint_eq(rows("texts"), 0);
    ck_assert_uint_eq(rows("texts-records"), 1);
    expect("out", "k", "0-2=<a", 1);
    expect("out", "k", "0-2=<ab", 2);
    expect_nothing("out"); /* no deletion */
}
END_TEST

static void assert_goes_on(void (*again)(void))
{
    aggregate(KS_COUNTED(.count = 3, .advance = 2, .emit = KS_EMIT_ON_CLOSE));
    flow_start_kept(NULL);
    for (const char *at = "abcdefg"; *at != '\0'; at++) {
        feed("in", "k", (char[]){ *at, '\0' }, 1);
        again();
    }
    expect("out", "k", "0-3=<abc", 1);
    expect("out", "k", "2-5=<cde", 1);
    expect("out", "k", "4-7=<efg", 1);
    expect_nothing("out");
}

START_TEST(counting_goes_on_after_a_restart)
{
    assert_goes_on(flow_reopen);
}
END_TEST

START_TEST(counting_goes_on_on_another_host)
{
    assert_goes_on(flow_move);
}
END_TEST

/* ---- against a model ---- */

/* The window that the n-th record has filled, worked out from the list of values. */
static void expect_full(const char *values, int64_t size, int64_t advance, int64_t n)
{
    const int64_t start = n - size;
    char          text[200];

    if (start >= 0 && start % advance == 0) {
        snprintf(text, sizeof(text), "%lld-%lld=<%.*s", (long long)start, (long long)n, (int)size,
                 values + start);
        expect("out", "k", text, 1);
        ck_assert_ptr_nonnull(ks_driver_read(flow.driver, "out")); /* the other key's */
    }
    expect_nothing("out");
}

START_TEST(windows_hold_what_a_list_says)
{
    struct random random = { 5 };

    for (int round = 0; round < 12; round++) {
        const int64_t size       = 1 + random_below(&random, 6);
        const int64_t advance    = 1 + random_below(&random, (int)size);
        char          values[48] = "";

        flow_teardown();
        flow_setup();
        aggregate(KS_COUNTED(.count = size, .advance = advance, .emit = KS_EMIT_ON_CLOSE));
        flow_start();
        for (size_t n = 1; n < sizeof(values) - 1; n++) {
            values[n - 1] = (char)('a' + random_below(&random, 26));
            feed("in", "k", (char[]){ values[n - 1], '\0' }, 1);
            feed("in", "other", "x", 1);
            while (random_percent(&random, 30))
                feed("in", NULL, "y", 1);
            expect_full(values, size, advance, (int64_t)n);
        }
    }
}
END_TEST

/* ---- mistakes ---- */

static void assert_refused(const char *text)
{
    const ks_error *error = ks_builder_error(flow.b);

    ck_assert_int_eq(ks_error_status(error), KS_EINVAL);
    ck_assert_msg(strstr(ks_error_message(error), text) != NULL, "%s", ks_error_message(error));
}

START_TEST(a_count_is_needed)
{
    cut(KS_COUNTED(.advance = 1));
    assert_refused(".count is 0 and .advance 1; the count must be at least 1");
}
END_TEST

START_TEST(an_advance_beyond_the_count_is_refused)
{
    cut(KS_COUNTED(.count = 2, .advance = 3));
    assert_refused("the advance from 1 to the count");
}
END_TEST

START_TEST(a_member_of_windows_of_time_is_refused)
{
    cut(KS_COUNTED(.count = 2, .grace_ms = 3));
    assert_refused(".grace_ms is no member of KS_COUNTED");
}
END_TEST

START_TEST(a_member_of_counted_windows_is_refused_elsewhere)
{
    cut(KS_TUMBLING(.size_ms = 2, .count = 3));
    assert_refused(".count is no member of KS_TUMBLING");
}
END_TEST

START_TEST(slices_of_counted_windows_are_refused)
{
    cut(KS_COUNTED(.count = 2, .slices = KS_ON));
    assert_refused(".slices is no member of KS_COUNTED");
}
END_TEST

START_TEST(a_retention_of_counted_windows_is_refused)
{
    ks_windowed_stream_count(cut(KS_COUNTED(.count = 2)), KS_MATERIALIZED(.retention_ms = 1000));
    assert_refused("counted windows are kept until they are full");
}
END_TEST

START_TEST(counted_windows_have_no_late_branch)
{
    ks_windowed_stream *w = cut(KS_COUNTED(.count = 2));

    ks_windowed_stream_count(w, NULL);
    ks_windowed_stream_late(w, NULL);
    assert_refused("no record is late for a counted window");
}
END_TEST

START_TEST(a_cogroup_has_no_counted_windows)
{
    ks_cogrouped_stream_windowed_by(
        ks_grouped_stream_cogroup(ks_stream_group_by_key(text_stream("in"), NULL), concat, NULL),
        KS_COUNTED(.count = 2));
    assert_refused("a cogroup has no counted windows");
}
END_TEST

START_TEST(counted_windows_do_not_close_by_time)
{
    ks_table_suppress(ks_windowed_stream_count(cut(KS_COUNTED(.count = 2)), NULL),
                      KS_SUPPRESSED(.until_close = KS_ON));
    assert_refused("only windows close");
}
END_TEST

FLOW_MAIN("counted", every_so_many_records_of_a_key_make_a_window,
          on_close_a_window_is_sent_when_it_is_full, windows_that_advance_by_less_overlap,
          a_reduction_begins_with_the_first_record_of_a_window,
          null_keys_are_dropped_and_null_values_counted,
          a_record_that_is_skipped_is_none_of_the_window,
          a_topic_has_the_ordinal_where_others_have_a_time, a_full_window_leaves_the_store,
          counting_goes_on_after_a_restart, counting_goes_on_on_another_host,
          windows_hold_what_a_list_says, a_count_is_needed,
          an_advance_beyond_the_count_is_refused, a_member_of_windows_of_time_is_refused,
          a_member_of_counted_windows_is_refused_elsewhere, slices_of_counted_windows_are_refused,
          a_retention_of_counted_windows_is_refused, counted_windows_have_no_late_branch,
          a_cogroup_has_no_counted_windows, counted_windows_do_not_close_by_time)
