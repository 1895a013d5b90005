/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tables.c - tables: stores, old values, deletions; aggregations and joins on them.
 */
#include "dsl/flow.h"

#include <string.h>

static void to(ks_table *t, const char *topic)
{
    ks_stream_to(ks_table_to_stream(t, NULL), topic, NULL);
}

static bool starts_with(ks_ctx *ctx, const ks_record *record, void *user)
{
    const char *start = user;

    (void)ctx;
    ck_assert(!ks_bytes_is_null(record->value)); /* never called for a deletion */
    return record->value.size >= strlen(start) &&
           memcmp(record->value.data, start, strlen(start)) == 0;
}

static ks_status suffix_or_skip(ks_ctx *ctx, ks_record *record, void *user)
{
    ck_assert(!ks_bytes_is_null(record->value));
    return ks_bytes_equal(record->value, KS_TEXT("skip")) ? KS_SKIP
                                                          : suffix_value(ctx, record, user);
}

/* ---- source tables ---- */

START_TEST(a_table_drops_null_keys_and_passes_deletions)
{
    to(text_table("in", "rows"), "out");
    flow_start();
    feed("in", NULL, "v", 1);
    feed("in", "k", NULL, 2);
    expect("out", "k", NULL, 2);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

START_TEST(the_last_arrival_wins_even_if_time_goes_back)
{
    ks_record row;

    to(text_table("in", "rows"), "out");
    flow_start();
    feed("in", "k", "new", 9);
    feed("in", "k", "old", 3);
    ck_assert(ks_kv_store_get(ks_driver_kv_store(flow.driver, "rows"), KS_TEXT("k"), &row));
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("old")));
    ck_assert_int_eq(row.timestamp_ms, 3);
}
END_TEST

START_TEST(a_table_that_nobody_reads_has_no_store)
{
    ks_table *t = text_table("in", NULL);

    ck_assert_ptr_null(ks_table_store_name(t));
    to(t, "out");
    flow_start();
    feed("in", "k", "v", 1);
    expect("out", "k", "v", 1);
    ck_assert_ptr_null(ks_driver_kv_store(flow.driver, "in-STATE-STORE-0000000000"));
}
END_TEST

/* ---- filter ---- */

START_TEST(without_old_values_every_reject_is_a_deletion)
{
    to(ks_table_filter(text_table("in", NULL), starts_with, USER("x"), NULL), "out");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "xa", 2);
    feed("in", "k", NULL, 3);
    expect("out", "k", NULL, 1);
    expect("out", "k", "xa", 2);
    expect("out", "k", NULL, 3);
    expect_nothing("out");
}
END_TEST

START_TEST(with_old_values_a_reject_that_was_rejected_is_silent)
{
    to(ks_table_filter_not(text_table("in", "rows"), starts_with, USER("x"), NULL), "out");
    flow_start();
    feed("in", "k", "xa", 1);
    feed("in", "k", "a", 2);
    feed("in", "k", "xb", 3);
    feed("in", "k", "xc", 4);
    expect("out", "k", "a", 2);
    expect("out", "k", NULL, 3);
    expect_nothing("out");
}
END_TEST

/* ---- map_values ---- */

START_TEST(a_skipped_value_is_null)
{
    to(ks_table_map_values(text_table("in", NULL), suffix_or_skip, USER("!"), NULL), "out");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "skip", 2);
    feed("in", "k", NULL, 3);
    expect("out", "k", "a!", 1);
    expect("out", "k", NULL, 2);
    expect("out", "k", NULL, 3);
    ck_assert_int_eq(drops(NULL), 0);
}
END_TEST

START_TEST(a_mapped_table_may_have_its_own_store)
{
    ks_table *t = ks_table_map_values(text_table("in", NULL), suffix_or_skip, USER("!"),
                                      KS_MATERIALIZED(.store = "mapped"));
    ks_record row;

    ck_assert_str_eq(ks_table_store_name(t), "mapped");
    to(t, "out");
    flow_start();
    feed("in", "k", "a", 1);
    ck_assert(ks_kv_store_get(ks_driver_kv_store(flow.driver, "mapped"), KS_TEXT("k"), &row));
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("a!")));
}
END_TEST

/* ---- aggregations ---- */

START_TEST(count_takes_the_largest_time)
{
    to(ks_grouped_stream_count(ks_stream_group_by_key(text_stream("in"), NULL), NULL), "out");
    flow_start();
    feed("in", "k", "a", 5);
    feed("in", "k", "b", 3);
    feed("in", NULL, "c", 6);
    feed("in", "k", NULL, 7);
    expect_i64("out", "k", 1, 5);
    expect_i64("out", "k", 2, 5);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 2);
}
END_TEST

START_TEST(reduce_starts_with_the_first_value)
{
    to(ks_grouped_stream_reduce(ks_stream_group_by_key(text_stream("in"), NULL), concat, NULL,
                                NULL),
       "out");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    expect("out", "k", "a", 1);
    expect("out", "k", "ab", 2);
}
END_TEST

static ks_status concat_until_stop(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    if (ks_bytes_equal(record->value, KS_TEXT("skip")))
        return KS_SKIP;
    if (ks_bytes_equal(record->value, KS_TEXT("stop"))) {
        *acc = KS_NULL;
        return KS_OK;
    }
    return concat(ctx, record, acc, user);
}

START_TEST(a_null_aggregate_deletes_the_row_and_the_next_one_starts_anew)
{
    to(ks_grouped_stream_aggregate(
           ks_stream_group_by_key(text_stream("in"), NULL),
           KS_AGGREGATE(.initial = KS_TEXT("="), .add = concat_until_stop), NULL),
       "out");
    flow_start();
    feed("in", "k", "a", 9);
    feed("in", "k", "stop", 2);
    feed("in", "k", "b", 3);
    feed("in", "k", "skip", 4);
    expect("out", "k", "=a", 9);
    expect("out", "k", NULL, 9);
    expect("out", "k", "=b", 3); /* the deleted row's time is forgotten */
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

struct sum {
    int64_t n;
    double  total;
};

static ks_status add_length(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    struct sum *sum = ks_ctx_edit(ctx, acc, sizeof(*sum));

    (void)user;
    sum->n++;
    sum->total += (double)record->value.size;
    return KS_OK;
}

START_TEST(a_plain_struct_can_be_the_aggregate)
{
    struct sum sum;

    to(ks_grouped_stream_aggregate(ks_stream_group_by_key(text_stream("in"), NULL),
                                   KS_AGGREGATE(.add = add_length),
                                   KS_MATERIALIZED(.value = KS_STRUCT(struct sum))),
       "out");
    flow_start();
    feed("in", "k", "abc", 1);
    feed("in", "k", "d", 2);
    ks_driver_read(flow.driver, "out");
    ck_assert(ks_bytes_read(&sum, sizeof(sum), ks_driver_read(flow.driver, "out")->value));
    ck_assert_int_eq(sum.n, 2);
    ck_assert_double_eq(sum.total, 4);
}
END_TEST

START_TEST(a_change_of_key_leads_through_a_topic)
{
    ks_grouped_stream *g = ks_stream_group_by(text_stream("in"), key_from_value, NULL, NULL);

    to(ks_grouped_stream_count(g, KS_MATERIALIZED(.store = "counts")), "out");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "j", "a", 2);
    feed("in", "j", NULL, 3); /* a null key: left out, not counted as a drop */
    expect_i64("out", "a", 1, 1);
    expect_i64("out", "a", 2, 2);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 0);
}
END_TEST

static bool is_even(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)user;
    return ks_bytes_i64(record->value, 1) % 2 == 0;
}

/* The first old value of a count is 0, which is even: that row goes. */
START_TEST(a_filter_behind_a_count_sees_zero_as_the_first_old_value)
{
    ks_table *t = ks_grouped_stream_count(ks_stream_group_by_key(text_stream("in"), NULL), NULL);

    to(ks_table_filter(t, is_even, NULL, NULL), "even");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    expect("even", "k", NULL, 1);
    expect_i64("even", "k", 2, 2);
    expect_nothing("even");
}
END_TEST

static ks_status three(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)user;
    for (int i = 0; i < 3; i++)
        ks_ctx_forward(ctx, record);
    return KS_OK;
}

START_TEST(a_cache_merges_the_updates_of_one_record)
{
    ks_stream *s = ks_stream_flat_map_values(text_stream("in"), three, NULL, NULL);

    to(ks_grouped_stream_count(ks_stream_group_by_key(s, NULL), NULL), "out");
    flow_start_cached();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    expect_i64("out", "k", 3, 1);
    expect_i64("out", "k", 6, 2);
    expect_nothing("out");
}
END_TEST

/* ---- to_table ---- */

START_TEST(a_stream_becomes_a_table)
{
    to(ks_stream_to_table(text_stream("in"), KS_MATERIALIZED(.store = "rows")), "out");
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", NULL, "b", 2);
    feed("in", "k", NULL, 3);
    expect("out", "k", "a", 1);
    expect("out", "k", NULL, 3);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

/* ---- joins ---- */

START_TEST(a_join_finds_the_row_of_now)
{
    ks_stream *s = text_stream("s");
    ks_table  *t = text_table("t", NULL);

    ks_stream_to(ks_stream_join_table(s, t, join_texts, NULL, NULL), "inner", NULL);
    ks_stream_to(ks_stream_left_join_table(s, t, join_texts, NULL, NULL), "left", NULL);
    flow_start();
    feed("s", "k", "1", 1);
    feed("t", "k", "A", 50);
    feed("s", "k", "2", 2);
    feed("s", NULL, "3", 3);
    feed("s", "k", NULL, 4);
    expect("inner", "k", "2|A@50", 2);
    expect_nothing("inner");
    expect("left", "k", "1|@-1", 1);
    expect("left", "k", "2|A@50", 2);
    expect("left", NULL, "3|@-1", 3);
    expect_nothing("left");
    ck_assert_int_eq(drops(NULL), 3); /* null key: inner; null value: both */
}
END_TEST

START_TEST(a_join_computes_rows_of_tables_without_a_store)
{
    ks_table *t = text_table("t", NULL);

    t = ks_table_filter(t, starts_with, USER("x"), NULL);
    t = ks_table_map_values(t, suffix_or_skip, USER("!"), NULL);
    ks_stream_to(ks_stream_left_join_table(text_stream("s"), t, join_texts, NULL, NULL), "out",
                 NULL);
    flow_start();
    feed("t", "k", "xa", 5);
    feed("s", "k", "1", 6);
    feed("t", "k", "a", 7);
    feed("s", "k", "2", 8);
    expect("out", "k", "1|xa!@5", 6);
    expect("out", "k", "2|@-1", 8);
}
END_TEST

START_TEST(null_keys_reach_a_left_join_behind_a_repartition)
{
    ks_stream *s = ks_stream_select_key(text_stream("s"), key_from_value, NULL, NULL);
    ks_table  *t = text_table("t", NULL);

    s = ks_stream_map_values(s, suffix_value, USER("+"), NULL);
    ks_stream_to(ks_stream_left_join_table(s, t, join_texts, NULL, NULL), "out", NULL);
    flow_start();
    feed("s", "k", NULL, 1);
    expect("out", NULL, "+|@-1", 1);
}
END_TEST

START_TEST(a_global_join_looks_up_a_chosen_key)
{
    ks_stream       *s = text_stream("s");
    ks_global_table *t =
        ks_builder_global_table(flow.b, "g", NULL, KS_MATERIALIZED(.store = "all"));

    ck_assert_str_eq(ks_global_table_store_name(t), "all");
    ks_stream_to(ks_stream_join_global(s, t, key_from_value, join_texts, NULL, NULL), "inner",
                 NULL);
    ks_stream_to(ks_stream_left_join_global(s, t, key_from_value, join_texts, NULL, NULL), "left",
                 NULL);
    flow_start();
    feed("g", "a", "A", 7);
    feed("s", NULL, "a", 1);
    feed("s", "k", "b", 2);
    expect("inner", NULL, "a|A@7", 1);
    expect_nothing("inner");
    expect("left", NULL, "a|A@7", 1);
    expect("left", "k", "b|@-1", 2);
}
END_TEST

static ks_status skip_join(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                           ks_bytes *out, void *user)
{
    (void)ctx, (void)left, (void)right, (void)out, (void)user;
    return KS_SKIP;
}

START_TEST(a_joiner_may_drop_the_record)
{
    ks_stream_to(ks_stream_left_join_table(text_stream("s"), text_table("t", NULL), skip_join, NULL,
                                           NULL),
                 "out", NULL);
    flow_start();
    feed("s", "k", "1", 1);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

FLOW_MAIN("tables", a_table_drops_null_keys_and_passes_deletions,
          the_last_arrival_wins_even_if_time_goes_back, a_table_that_nobody_reads_has_no_store,
          without_old_values_every_reject_is_a_deletion,
          with_old_values_a_reject_that_was_rejected_is_silent, a_skipped_value_is_null,
          a_mapped_table_may_have_its_own_store, count_takes_the_largest_time,
          reduce_starts_with_the_first_value,
          a_null_aggregate_deletes_the_row_and_the_next_one_starts_anew,
          a_plain_struct_can_be_the_aggregate, a_change_of_key_leads_through_a_topic,
          a_filter_behind_a_count_sees_zero_as_the_first_old_value,
          a_cache_merges_the_updates_of_one_record, a_stream_becomes_a_table,
          a_join_finds_the_row_of_now, a_join_computes_rows_of_tables_without_a_store,
          null_keys_reach_a_left_join_behind_a_repartition, a_global_join_looks_up_a_chosen_key,
          a_joiner_may_drop_the_record)
