/* SPDX-License-Identifier: Apache-2.0
 *
 * test_stateless.c - operators of streams without state.
 */
#include "dsl/flow.h"

#include <stdio.h>
#include <string.h>

/* ---- filter ---- */

START_TEST(filter_keeps_what_the_predicate_wants)
{
    ks_stream *s = text_stream("in");

    ks_stream_to(ks_stream_filter(s, value_is, USER("yes"), NULL), "kept", NULL);
    ks_stream_to(ks_stream_filter_not(s, value_is, USER("yes"), NULL), "other", NULL);
    flow_start();
    feed("in", "k", "yes", 1);
    feed("in", NULL, NULL, 2);
    expect("kept", "k", "yes", 1);
    expect_nothing("kept");
    expect("other", NULL, NULL, 2);
    expect_nothing("other");
}
END_TEST

static bool fail_predicate(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)user;
    if (ks_bytes_equal(record->value, KS_TEXT("bad")))
        return ks_ctx_fail(ctx, "cannot judge");
    return true;
}

START_TEST(a_failing_predicate_fails_the_record_whatever_it_answers)
{
    ks_stream_to(ks_stream_filter(text_stream("in"), fail_predicate, NULL, KS_NAMED("judge")),
                 "out", NULL);
    flow_start();
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "bad", 1), KS_EUSER);
    expect_nothing("out");
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)), "cannot judge"));
}
END_TEST

/* ---- map ---- */

static ks_status edit_all(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    record->key          = ks_ctx_copy(ctx, record->value);
    record->value        = KS_TEXT("new");
    record->timestamp_ms = record->timestamp_ms + 10;
    ks_ctx_header_add(ctx, record, "by", KS_TEXT("map"));
    return KS_OK;
}

START_TEST(map_changes_key_value_time_and_headers)
{
    ks_stream       *s = text_stream("in");
    const ks_record *record;
    ks_bytes         by;

    ks_stream_to(ks_stream_map(s, edit_all, NULL, NULL), "out", NULL);
    ks_stream_to(s, "same", NULL);
    flow_start();
    feed("in", "k", "v", 1);
    record = ks_driver_read(flow.driver, "out");
    ck_assert(ks_bytes_equal(record->key, KS_TEXT("v")));
    ck_assert(ks_bytes_equal(record->value, KS_TEXT("new")));
    ck_assert_int_eq(record->timestamp_ms, 11);
    ck_assert(ks_headers_last(record->headers, "by", &by) && ks_bytes_equal(by, KS_TEXT("map")));
    record = ks_driver_read(flow.driver, "same"); /* siblings see nothing of it */
    ck_assert(ks_bytes_equal(record->key, KS_TEXT("k")));
    ck_assert_uint_eq(ks_headers_count(record->headers), 0);
}
END_TEST

START_TEST(map_values_ignores_edits_of_key_and_time)
{
    ks_stream_to(ks_stream_map_values(text_stream("in"), edit_all, NULL, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "v", 1);
    expect("out", "k", "new", 1);
}
END_TEST

static ks_status before_time(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)user;
    record->timestamp_ms = -5;
    return KS_OK;
}

START_TEST(a_negative_time_from_a_mapper_fails_the_record)
{
    ks_stream_to(ks_stream_map(text_stream("in"), before_time, NULL, NULL), "out", NULL);
    flow_start();
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "v", 1), KS_EINVAL);
    expect_nothing("out");
}
END_TEST

static ks_status skip(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_SKIP;
}

START_TEST(a_skipped_record_is_dropped_and_counted)
{
    ks_stream_to(ks_stream_map_values(text_stream("in"), skip, NULL, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "v", 1);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

static ks_status forward_from_mapper(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    ks_ctx_forward(ctx, record);
    return KS_OK;
}

START_TEST(a_mapper_may_not_forward)
{
    ks_stream_to(ks_stream_map_values(text_stream("in"), forward_from_mapper, NULL, NULL), "out",
                 NULL);
    flow_start();
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "v", 1), KS_EINVAL);
    expect_nothing("out");
}
END_TEST

#if defined(KS_DEBUG)
static ks_status leave_local(ks_ctx *ctx, ks_record *record, void *user)
{
    volatile char local[16] = "gone soon";

    (void)ctx, (void)user;
    record->value = ks_bytes_of((const void *)(uintptr_t)local, sizeof(local));
    return KS_OK;
}

START_TEST(bytes_of_a_local_variable_are_noticed)
{
    ks_stream_to(ks_stream_map_values(text_stream("in"), leave_local, NULL, NULL), "out", NULL);
    flow_start();
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "v", 1), KS_EINVAL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)), "ks_ctx_copy()"));
    expect_nothing("out");
}
END_TEST

static ks_status leave_local_bytes(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    volatile char local[16] = "gone soon";

    (void)ctx, (void)record, (void)user;
    *io = ks_bytes_of((const void *)(uintptr_t)local, sizeof(local));
    return KS_OK;
}

static ks_status leave_local_pair(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                                  ks_bytes *out, void *user)
{
    (void)right;
    return leave_local_bytes(ctx, left, out, user);
}

static void select_local(void)
{
    ks_stream_to(ks_stream_select_key(text_stream("in"), leave_local_bytes, NULL, NULL), "out",
                 NULL);
}

static void group_by_local(void)
{
    ks_grouped_stream_count(ks_stream_group_by(text_stream("in"), leave_local_bytes, NULL, NULL),
                            NULL);
}

static void aggregate_local(void)
{
    ks_grouped_stream_aggregate(ks_stream_group_by_key(text_stream("in"), NULL),
                                KS_AGGREGATE(.initial = KS_TEXT(""), .add = leave_local_bytes),
                                NULL);
}

static void window_local(void)
{
    ks_grouped_stream *group = ks_stream_group_by_key(text_stream("in"), NULL);

    ks_windowed_stream_aggregate(
        ks_grouped_stream_windowed_by(group, KS_TUMBLING(.size_ms = 10)),
        KS_AGGREGATE(.initial = KS_TEXT(""), .add = leave_local_bytes), NULL);
}

static void cogroup_local(void)
{
    ks_grouped_stream *group = ks_stream_group_by_key(text_stream("in"), NULL);

    ks_cogrouped_stream_aggregate(ks_grouped_stream_cogroup(group, leave_local_bytes, NULL),
                                  KS_AGGREGATE(.initial = KS_TEXT("")), NULL);
}

static void join_local(void)
{
    ks_stream *in = text_stream("in");

    ks_stream_join_stream(in, in, KS_WITHIN(.difference_ms = 10), leave_local_pair, NULL, NULL);
}

START_TEST(bytes_of_a_local_variable_are_noticed_everywhere)
{
    void (*const declare[])(void) = { select_local, group_by_local, aggregate_local,
                                      window_local, cogroup_local,  join_local };

    for (size_t i = 0; i < sizeof(declare) / sizeof(declare[0]); i++) {
        declare[i]();
        flow_start();
        ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "k", "v", 1), KS_EINVAL);
        ck_assert_ptr_nonnull(
            strstr(ks_error_message(ks_driver_error(flow.driver)), "ks_ctx_copy()"));
        flow_teardown();
        flow_setup();
    }
}
END_TEST
#define DEBUG_TESTS bytes_of_a_local_variable_are_noticed, \
                    bytes_of_a_local_variable_are_noticed_everywhere,
#else
#define DEBUG_TESTS
#endif

/* ---- flat_map ---- */

static ks_status words(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)user;
    for (ks_bytes rest = record->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, word);
    return KS_OK;
}

static ks_status words_as_keys(ks_ctx *ctx, const ks_record *record, void *user)
{
    ks_record out = *record;

    (void)user;
    for (ks_bytes rest = record->value; ks_bytes_word(&rest, &out.key);) {
        char local[8]; /* forwarding a local is fine: depth first */

        snprintf(local, sizeof(local), "%zu", out.key.size);
        out.value = ks_bytes_text(local);
        out.timestamp_ms++;
        ks_ctx_forward(ctx, &out);
    }
    return KS_OK;
}

START_TEST(flat_map_values_keeps_key_and_time)
{
    ks_stream_to(ks_stream_flat_map_values(text_stream("in"), words, NULL, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "to be", 5);
    feed("in", "k", NULL, 6);
    expect("out", "k", "to", 5);
    expect("out", "k", "be", 5);
    expect_nothing("out");
}
END_TEST

START_TEST(flat_map_changes_everything)
{
    ks_stream_to(ks_stream_flat_map(text_stream("in"), words_as_keys, NULL, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "a bcd", 5);
    expect("out", "a", "1", 6);
    expect("out", "bcd", "3", 7);
    expect_nothing("out");
}
END_TEST

START_TEST(flat_map_values_ignores_other_keys)
{
    ks_stream_to(ks_stream_flat_map_values(text_stream("in"), words_as_keys, NULL, NULL), "out",
                 NULL);
    flow_start();
    feed("in", "k", "bcd", 5);
    expect("out", "k", "3", 5);
}
END_TEST

/* ---- looking ---- */

static ks_status note(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx;
    strncat(user, record->value.data, record->value.size);
    return KS_OK;
}

START_TEST(peek_passes_on_and_foreach_does_not)
{
    char       seen[32] = "";
    ks_stream *s        = ks_stream_peek(text_stream("in"), note, seen, NULL);

    ks_stream_foreach(s, note, seen, NULL);
    ks_stream_to(s, "out", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 1);
    ck_assert_str_eq(seen, "aabb");
    expect("out", "k", "a", 1);
    expect("out", "k", "b", 1);
}
END_TEST

static void keep_line(const char *line, void *user)
{
    strcat(user, line);
    strcat(user, "\n");
}

START_TEST(print_shows_records_in_the_words_of_their_serdes)
{
    static char lines[256];
    ks_stream  *s = ks_builder_stream(
        flow.b, "in",
        KS_CONSUMED(.name = "src", .key = ks_serde_utf8(), .value = ks_serde_i64()));

    lines[0] = '\0';
    ks_stream_print(s, "numbers", keep_line, lines, NULL);
    ks_stream_print(s, NULL, keep_line, lines, NULL);
    flow_start();
    feed_i64("in", "k", -7, 1);
    ck_assert_str_eq(lines, "[numbers]: k, -7\n[src]: k, -7\n");
}
END_TEST

/* ---- several streams ---- */

START_TEST(a_record_goes_to_the_first_branch_that_wants_it)
{
    ks_split *split = ks_stream_split(text_stream("in"), NULL);

    ks_stream_to(ks_split_branch(split, value_is, USER("a"), NULL), "a", NULL);
    ks_stream_to(ks_split_branch(split, fail_predicate, NULL, NULL), "b", NULL);
    ks_stream_to(ks_split_default(split, NULL), "rest", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "x", 2);
    expect("a", "k", "a", 1);
    expect("b", "k", "x", 2);
    expect_nothing("a");
    expect_nothing("rest");
}
END_TEST

START_TEST(merge_has_the_records_of_both)
{
    ks_stream_to(ks_stream_merge(text_stream("one"), text_stream("two"), NULL), "out", NULL);
    flow_start();
    feed("two", "k", "b", 1);
    feed("one", "k", "a", 2);
    expect("out", "k", "b", 1);
    expect("out", "k", "a", 2);
}
END_TEST

START_TEST(merging_a_stream_with_itself_gives_each_record_once)
{
    ks_stream *s = text_stream("in");

    ks_stream_to(ks_stream_merge(s, s, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    expect("out", "k", "a", 1);
    expect_nothing("out");
}
END_TEST

START_TEST(null_keys_do_not_pass_a_repartition)
{
    ks_stream *s = ks_stream_select_key(text_stream("in"), key_from_value, NULL, NULL);

    ks_stream_to(ks_stream_repartition(s, NULL), "out", NULL);
    ks_stream_to(s, "direct", NULL);
    flow_start();
    feed("in", "k", NULL, 1);
    feed("in", "k", "v", 2);
    expect("direct", NULL, NULL, 1);
    expect("out", "v", "v", 2);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 0);
}
END_TEST

/* ---- sinks ---- */

static ks_status topic_from_key(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)user;
    ck_assert(ks_bytes_is_null(*io));
    *io = record->key;
    return KS_OK;
}

START_TEST(a_topic_may_be_chosen_per_record)
{
    ks_stream_to_chosen(text_stream("in"), topic_from_key, NULL, NULL);
    ks_stream_to(text_stream("other"), "here", NULL);
    ks_stream_to(text_stream("third"), "there", NULL);
    flow_start();
    feed("in", "here", "a", 1);
    feed("in", "there", "b", 2);
    expect("here", "here", "a", 1);
    expect("there", "there", "b", 2);
}
END_TEST

FLOW_MAIN("stateless", DEBUG_TESTS filter_keeps_what_the_predicate_wants,
          a_failing_predicate_fails_the_record_whatever_it_answers,
          map_changes_key_value_time_and_headers, map_values_ignores_edits_of_key_and_time,
          a_negative_time_from_a_mapper_fails_the_record, a_skipped_record_is_dropped_and_counted,
          a_mapper_may_not_forward, flat_map_values_keeps_key_and_time,
          flat_map_changes_everything, flat_map_values_ignores_other_keys,
          peek_passes_on_and_foreach_does_not,
          print_shows_records_in_the_words_of_their_serdes,
          a_record_goes_to_the_first_branch_that_wants_it, merge_has_the_records_of_both,
          merging_a_stream_with_itself_gives_each_record_once,
          null_keys_do_not_pass_a_repartition, a_topic_may_be_chosen_per_record)
