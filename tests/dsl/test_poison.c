/* SPDX-License-Identifier: Apache-2.0
 *
 * test_poison.c - work that one record brings for others: a part of it that fails under "continue"
 * is left out alone, and judged once.
 */
#include "dsl/flow.h"

#include <string.h>

static const char *const go_on[] = {
    "processing.exception.handler=continue", "errors.dead.letter.queue.topic.name=dead",
    "__emit.interval.ms.kstreams.windowed.aggregation__=0",
    "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__=0", NULL,
};
static const char *const by_silence[] = {
    "processing.exception.handler=continue", "idle.advance.ms=1000",
    "__emit.interval.ms.kstreams.windowed.aggregation__=0",
    "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__=0", NULL,
};

static bool is_poison(ks_bytes value)
{
    return ks_bytes_equal(value, KS_TEXT("poison"));
}

static ks_status combine(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    if (is_poison(*acc) || is_poison(record->value))
        return ks_ctx_fail(ctx, "poison");
    return concat(ctx, record, acc, user);
}

static ks_status join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    if (is_poison(left->value))
        return ks_ctx_fail(ctx, "poison");
    return join_texts(ctx, left, right, out, user);
}

/* What the handler left out: not the record that was read, which is processed all the same. */
static void expect_dead_part(void)
{
    const ks_record *letter = ks_driver_read(flow.driver, "dead");

    ck_assert_ptr_nonnull(letter);
    ck_assert_ptr_null(letter->key.data);
    ck_assert_ptr_null(letter->value.data);
}

/* ---- slices ---- */

static void sliced(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        ks_stream_group_by_key(text_stream("in"), NULL),
        KS_HOPPING(.size_ms = 20, .advance_ms = 10, .emit = KS_EMIT_ON_CLOSE, .slices = KS_ON));

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_aggregate(
                                        w, KS_AGGREGATE(.initial = KS_TEXT(""), .add = concat,
                                                        .combine = combine),
                                        KS_MATERIALIZED(.store = "rows",
                                                        .value = ks_serde_utf8())), NULL),
                 "out", NULL);
}

START_TEST(a_window_that_cannot_be_put_together_takes_no_other_with_it)
{
    sliced();
    flow_start_kept(go_on);
    feed("in", "k", "poison", 1);
    feed("in", "k", "b", 11);
    feed("in", "other", "x", 2);
    feed("in", "other", "y", 12);
    feed("in", "k", "c", 21);
    expect("out", "other", "xy", 12); /* [0,20) */
    expect_nothing("out");
    feed("in", "other", "z", 50);
    expect("out", "k", "bc", 21);
    expect("out", "other", "y", 12);
    expect("out", "k", "c", 21);
    expect_nothing("out");
}
END_TEST

START_TEST(it_is_judged_once)
{
    sliced();
    flow_start_kept(go_on);
    feed("in", "k", "poison", 1);
    feed("in", "k", "b", 11);
    feed("in", "k", "c", 30);
    ck_assert_int_eq(drops("processing"), 1);
    expect_dead_part();
    for (int i = 4; i < 9; i++)
        feed("in", "other", "v", 10 * i);
    ck_assert_int_eq(drops("processing"), 1);
    expect_nothing("dead");
}
END_TEST

START_TEST(in_silence_it_is_left_out_too)
{
    sliced();
    flow_start_kept(by_silence);
    feed("in", "k", "poison", 1);
    feed("in", "k", "b", 11);
    feed("in", "other", "x", 2);
    ks_driver_advance(flow.driver, 1000);
    ck_assert_int_eq(drops("processing"), 1);
    expect("out", "other", "x", 2);
    expect("out", "k", "b", 11);
    expect_nothing("out");
}
END_TEST

START_TEST(a_window_that_fails_stops_the_task_if_the_handler_says_so)
{
    sliced();
    flow_start();
    feed("in", "k", "poison", 1);
    feed("in", "k", "b", 11);
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "other", "c", 30), KS_EUSER);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)),
                                 "window [0, 20): poison"));
}
END_TEST

/* ---- joins ---- */

static void join_outer(void)
{
    ks_stream_to(ks_stream_outer_join_stream(text_stream("l"), text_stream("r"),
                                             KS_WITHIN(.difference_ms = 10), join, NULL,
                                             KS_STREAM_JOINED(.out = ks_serde_utf8())),
                 "out", NULL);
}

START_TEST(a_record_that_fails_without_partner_takes_no_other_with_it)
{
    join_outer();
    flow_start_kept(go_on);
    feed("l", "a", "poison", 1);
    feed("l", "b", "x", 1);
    feed("l", "b", "poison", 1); /* beside another of its key and time */
    feed("l", "b", "y", 1);
    feed("r", "c", "z", 2);
    feed("l", "c", "c", 30);
    expect("out", "b", "x|@-1", 1);
    expect("out", "b", "y|@-1", 1);
    expect("out", "c", "|z@2", 2);
    expect_nothing("out");
    ck_assert_int_eq(drops("processing"), 2);
    expect_dead_part();
    expect_dead_part();
    expect_nothing("dead");
    feed("r", "c", "d", 31); /* the record that brought all that is there */
    expect("out", "c", "c|d@31", 31);
}
END_TEST

START_TEST(in_silence_too)
{
    join_outer();
    flow_start_kept(by_silence);
    feed("l", "a", "poison", 1);
    feed("l", "b", "x", 2);
    ks_driver_advance(flow.driver, 1000);
    expect("out", "b", "x|@-1", 2);
    ck_assert_int_eq(drops("processing"), 1);
}
END_TEST

static void join_waiting(void)
{
    ks_table *table = ks_builder_table(
        flow.b, "t", KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()),
        KS_MATERIALIZED(.store = "rows", .history_ms = 1000));

    ks_stream_to(ks_stream_join_table(text_stream("s"), table, join, NULL,
                                      KS_JOINED(.grace_ms = 10, .out = ks_serde_utf8())),
                 "out", NULL);
}

START_TEST(a_record_that_waited_for_its_table_and_fails_takes_no_other_with_it)
{
    join_waiting();
    flow_start_kept(go_on);
    feed("t", "k", "v", 0);
    feed("s", "k", "poison", 1);
    feed("s", "k", "a", 2);
    feed("s", "k", "b", 12);
    expect("out", "k", "a|v@0", 2);
    expect_nothing("out");
    ck_assert_int_eq(drops("processing"), 1);
    expect_dead_part();
    feed("s", "k", "c", 22);
    expect("out", "k", "b|v@0", 12);
}
END_TEST

START_TEST(one_that_did_not_have_to_wait_is_buried_as_it_was_read)
{
    join_waiting();
    flow_start_kept(go_on);
    feed("t", "k", "v", 0);
    feed("s", "k", "a", 20);
    feed("s", "k", "poison", 10);
    expect_nothing("out");
    ck_assert_int_eq(drops("processing"), 1);
    expect("dead", "k", "poison", 10);
}
END_TEST

FLOW_MAIN("poison", a_window_that_cannot_be_put_together_takes_no_other_with_it, it_is_judged_once,
          in_silence_it_is_left_out_too, a_window_that_fails_stops_the_task_if_the_handler_says_so,
          a_record_that_fails_without_partner_takes_no_other_with_it, in_silence_too,
          a_record_that_waited_for_its_table_and_fails_takes_no_other_with_it,
          one_that_did_not_have_to_wait_is_buried_as_it_was_read)
