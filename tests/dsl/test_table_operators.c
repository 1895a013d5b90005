/* SPDX-License-Identifier: Apache-2.0
 *
 * test_table_operators.c - grouped tables, joins of tables, foreign keys, histories, suppress; and
 * what the builder refuses about them. The recorded cases say more about their exact semantics.
 */
#include "dsl/flow.h"

#include <string.h>

static void to(ks_table *t, const char *topic)
{
    ks_stream_to(ks_table_to_stream(t, NULL), topic, NULL);
}

/* "group,rest": the part before the comma becomes the key. */
static ks_status by_first_field(ks_ctx *ctx, ks_record *record, void *user)
{
    ks_bytes rest = record->value, field;

    (void)ctx, (void)user;
    record->key = ks_bytes_field(&rest, ',', &field) ? field : KS_NULL;
    if (ks_bytes_equal(record->key, KS_TEXT("none")))
        record->key = KS_NULL;
    return KS_OK;
}

static ks_status foreign(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    ks_record row = *record;

    ck_assert(io->data == NULL); /* comes in null */
    if (by_first_field(ctx, &row, user) != KS_OK)
        return KS_EUSER;
    *io = row.key;
    return KS_OK;
}

static ks_bytes shown(ks_bytes value)
{
    return ks_bytes_is_null(value) ? KS_TEXT("null") : value;
}

static ks_status pair(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    const ks_bytes l = shown(left->value), r = shown(right->value);

    (void)user;
    *out = ks_ctx_text(ctx, "%.*s|%.*s", KS_BYTES_ARG(l), KS_BYTES_ARG(r));
    return KS_OK;
}

static ks_status add_size(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = ks_ctx_i64(ctx, ks_bytes_i64(*acc, 0) + (int64_t)record->value.size);
    return KS_OK;
}

static ks_status take_size(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    *acc = ks_ctx_i64(ctx, ks_bytes_i64(*acc, 0) - (int64_t)record->value.size);
    return KS_OK;
}

static void expect_mistake(ks_status status, const char *part)
{
    const ks_error *error;

    ks_builder_build(flow.b, &flow.topology);
    error = ks_builder_error(flow.b);
    ck_assert_int_eq(ks_error_status(error), status);
    ck_assert_msg(strstr(ks_error_message(error), part) != NULL, "%s", ks_error_message(error));
}

/* ---- grouped tables ---- */

START_TEST(a_row_that_moves_leaves_its_group_first)
{
    ks_grouped_table *g = ks_table_group_by(text_table("in", NULL), by_first_field, NULL, NULL);

    to(ks_grouped_table_count(g, NULL), "out");
    flow_start();
    feed("in", "k", "x,1", 1);
    expect_i64("out", "x", 1, 1);
    feed("in", "k", "y,1", 2);
    expect_i64("out", "x", 0, 2);
    expect_i64("out", "y", 1, 2);
    feed("in", "k", "none", 3);
    expect_i64("out", "y", 0, 3);
    expect_nothing("out");
}
END_TEST

START_TEST(a_row_that_stays_in_its_group_gives_one_result)
{
    ks_grouped_table *g = ks_table_group_by(text_table("in", NULL), by_first_field, NULL, NULL);

    to(ks_grouped_table_aggregate(g, KS_AGGREGATE(.add = add_size, .subtract = take_size),
                                  KS_MATERIALIZED(.value = ks_serde_i64())),
       "out");
    flow_start();
    feed("in", "k", "x,1", 5);
    expect_i64("out", "x", 3, 5);
    feed("in", "k", "x,12", 2);
    expect_i64("out", "x", 4, 5);
    feed("in", "k", NULL, 6);
    expect_i64("out", "x", 0, 6);
    expect_nothing("out");
}
END_TEST

START_TEST(a_reduced_group_starts_with_its_first_value)
{
    ks_grouped_table *g = ks_table_group_by(text_table("in", NULL), by_first_field, NULL, NULL);

    to(ks_grouped_table_reduce(g, concat, concat, NULL, NULL), "out");
    flow_start();
    feed("in", "a", "x,1", 1);
    expect("out", "x", "x,1", 1);
    expect_nothing("out");
}
END_TEST

START_TEST(a_grouped_table_needs_both_functions)
{
    ks_grouped_table *g = ks_table_group_by(text_table("in", NULL), by_first_field, NULL, NULL);

    ks_grouped_table_aggregate(g, KS_AGGREGATE(.add = add_size), NULL);
    expect_mistake(KS_EINVAL, "needs KS_AGGREGATE(.subtract)");
}
END_TEST

START_TEST(a_grouped_table_cannot_merge)
{
    ks_grouped_table *g = ks_table_group_by(text_table("in", NULL), by_first_field, NULL, NULL);

    ks_grouped_table_aggregate(
        g, KS_AGGREGATE(.add = add_size, .subtract = take_size, .merge = add_size), NULL);
    expect_mistake(KS_EINVAL, "KS_AGGREGATE(.merge) is not used here");
}
END_TEST

/* ---- joins by key ---- */

START_TEST(an_inner_join_needs_both_sides)
{
    to(ks_table_join(text_table("l", NULL), text_table("r", NULL), pair, NULL, NULL), "out");
    flow_start();
    feed("l", "k", "1", 5);
    feed("r", "k", "a", 3);
    expect("out", "k", "1|a", 5);
    feed("r", "k", NULL, 7);
    expect("out", "k", NULL, 7);
    expect_nothing("out");
}
END_TEST

START_TEST(an_outer_join_needs_one_side)
{
    to(ks_table_outer_join(text_table("l", NULL), text_table("r", NULL), pair, NULL,
                           KS_MATERIALIZED(.store = "rows")),
       "out");
    flow_start();
    feed("r", "k", "a", 3);
    feed("l", "k", "1", 5);
    feed("r", "k", NULL, 4);
    feed("l", "k", NULL, 9);
    expect("out", "k", "null|a", 3);
    expect("out", "k", "1|a", 5);
    expect("out", "k", "1|null", 5);
    expect("out", "k", NULL, 9);
    feed("l", "k", NULL, 10); /* there was nothing */
    expect_nothing("out");
}
END_TEST

START_TEST(the_tables_of_a_join_belong_to_one_builder)
{
    ks_builder *other = ks_builder_new();

    ks_table_join(text_table("l", NULL), ks_builder_table(other, "r", NULL, NULL), pair,
                  NULL, NULL);
    expect_mistake(KS_EINVAL, "belongs to another builder");
    ks_builder_free(other);
}
END_TEST

/* ---- joins by foreign key ---- */

START_TEST(a_right_row_reaches_all_its_left_rows)
{
    to(ks_table_join_on(text_table("l", NULL), text_table("r", NULL), foreign, pair, NULL,
                        KS_TABLE_JOINED(.name = "fk", .store = "rows")),
       "out");
    flow_start();
    feed("l", "b", "x,1", 1);
    feed("l", "a", "x,2", 2);
    feed("l", "c", "y,3", 3);
    feed("r", "x", "X", 4);
    expect("out", "a", "x,2|X", 4);
    expect("out", "b", "x,1|X", 4);
    feed("l", "a", "y,2", 5);
    expect("out", "a", NULL, 5);
    feed("l", "b", "none", 6);
    expect("out", "b", NULL, 6);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

START_TEST(a_left_join_by_foreign_key_keeps_every_left_row)
{
    to(ks_table_left_join_on(text_table("l", NULL), text_table("r", NULL), foreign, pair,
                             NULL, NULL),
       "out");
    flow_start();
    feed("l", "a", "none", 1);
    expect("out", "a", "none|null", 1);
    feed("l", "a", "x,1", 2);
    expect("out", "a", "x,1|null", 2);
    feed("r", "x", "X", 1);
    expect("out", "a", "x,1|X", 1);
    feed("l", "a", NULL, 3);
    expect("out", "a", NULL, 3);
    expect_nothing("out");
}
END_TEST

START_TEST(a_named_join_names_topics_and_stores)
{
    char *text;

    to(ks_table_join_on(text_table("l", NULL), text_table("r", NULL), foreign, pair, NULL,
                        KS_TABLE_JOINED(.name = "fk")),
       "out");
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "topic: fk-subscription-registration-topic"));
    ck_assert_ptr_nonnull(strstr(text, "fk-subscription-response-topic"));
    ck_assert_ptr_nonnull(strstr(text, "fk-subscription-store"));
    ck_assert_ptr_nonnull(strstr(text, "Processor: fk-result"));
    ks_text_free(text);
}
END_TEST

/* ---- histories ---- */

static ks_table *versioned_table(const char *topic, const char *store)
{
    return ks_builder_table(flow.b, topic,
                            KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()),
                            KS_MATERIALIZED(.store = store, .history_ms = 100));
}

START_TEST(a_stream_joins_the_version_of_its_time)
{
    ks_stream_to(ks_stream_left_join_table(text_stream("s"), versioned_table("t", "rows"),
                                           pair, NULL, NULL),
                 "out", NULL);
    flow_start();
    feed("t", "k", "old", 10);
    feed("t", "k", "new", 20);
    feed("s", "k", "a", 15);
    expect("out", "k", "a|old", 15);
    feed("s", "k", "b", 25);
    expect("out", "k", "b|new", 25);
    feed("s", "k", "c", 5);
    expect("out", "k", "c|null", 5);
}
END_TEST

START_TEST(with_grace_records_wait_for_their_table)
{
    ks_stream_to(ks_stream_join_table(text_stream("s"), versioned_table("t", "rows"), pair,
                                      NULL, KS_JOINED(.grace_ms = 10)),
                 "out", NULL);
    flow_start();
    feed("t", "k", "old", 0);
    feed("s", "k", "b", 21);
    feed("s", "k", "a", 20);
    expect_nothing("out");
    feed("t", "k", "new", 21);
    feed("s", "k", "c", 31);
    expect("out", "k", "a|old", 20);
    expect("out", "k", "b|new", 21);
    expect_nothing("out");
    feed("s", "k", "late", 5);
    expect("out", "k", "late|old", 5);
}
END_TEST

START_TEST(out_of_order_versions_do_not_reach_aggregations)
{
    ks_grouped_table *g = ks_table_group_by(versioned_table("in", "rows"), by_first_field, NULL,
                                            NULL);

    to(ks_grouped_table_count(g, NULL), "out");
    flow_start();
    feed("in", "k", "x,1", 20);
    expect_i64("out", "x", 1, 20);
    feed("in", "k", "y,1", 10);
    expect_nothing("out");
}
END_TEST

START_TEST(only_versioned_tables_can_be_waited_for)
{
    ks_stream_join_table(text_stream("s"), text_table("t", "rows"), pair, NULL,
                         KS_JOINED(.grace_ms = 10));
    expect_mistake(KS_EINVAL, "records can wait only for a versioned table");
}
END_TEST

START_TEST(a_versioned_table_needs_a_store_with_a_name)
{
    ks_builder_table(flow.b, "in", NULL, KS_MATERIALIZED(.history_ms = 1));
    expect_mistake(KS_EINVAL, "a versioned table needs a name for its store");
}
END_TEST

START_TEST(a_global_table_has_no_history)
{
    ks_builder_global_table(flow.b, "in", NULL,
                            KS_MATERIALIZED(.store = "rows", .history_ms = 1));
    expect_mistake(KS_EINVAL, "a global table cannot be versioned");
}
END_TEST

/* ---- suppress ---- */

START_TEST(a_key_leaves_once_with_its_last_change)
{
    to(ks_table_suppress(text_table("in", NULL), KS_SUPPRESSED(.limit_ms = 10)), "out");
    flow_start();
    feed("in", "b", "1", 0);
    feed("in", "a", "2", 0);
    feed("in", "b", "3", 9);
    expect_nothing("out");
    feed("in", "c", "4", 10);
    expect("out", "a", "2", 0);
    expect("out", "b", "3", 9);
    expect_nothing("out");
}
END_TEST

/* Was the topic written to? */
static bool is_produced(const char *topic)
{
    const char *one;

    for (size_t i = 0; (one = ks_driver_produced_topic(flow.driver, i)) != NULL; i++)
        if (strcmp(one, topic) == 0)
            return true;
    return false;
}

START_TEST(a_buffer_may_do_without_a_changelog)
{
    for (int i = 0; i < 2; i++) {
        to(ks_table_suppress(text_table("in", NULL),
                             KS_SUPPRESSED(.name = "hold", .limit_ms = 10,
                                           .changelog = i == 0 ? KS_DEFAULT : KS_OFF)), "out");
        flow_start();
        feed("in", "a", "1", 0);
        feed("in", "b", "2", 10);
        expect("out", "a", "1", 0);
        ck_assert_int_eq(is_produced("kstream-driver-hold-store-changelog"), i == 0);
        flow_teardown();
        flow_setup();
    }
}
END_TEST

START_TEST(a_full_buffer_lets_the_oldest_leave)
{
    to(ks_table_suppress(text_table("in", NULL),
                         KS_SUPPRESSED(.limit_ms = 1000, .max_records = 1)),
       "out");
    flow_start();
    feed("in", "a", "1", 5);
    feed("in", "b", "2", 3);
    expect("out", "b", "2", 3);
    expect_nothing("out");
}
END_TEST

START_TEST(bytes_count_too)
{
    to(ks_table_suppress(text_table("in", NULL),
                         KS_SUPPRESSED(.limit_ms = 1000, .max_bytes = 4)),
       "out");
    flow_start();
    feed("in", "a", "123", 1);
    expect_nothing("out");
    feed("in", "a", "12", 2);
    feed("in", "b", "1", 3);
    expect("out", "a", "12", 2);
    expect_nothing("out");
}
END_TEST

START_TEST(a_strict_buffer_fails_when_full)
{
    to(ks_table_suppress(text_table("in", NULL),
                         KS_SUPPRESSED(.limit_ms = 1000, .max_records = 1,
                                       .full = KS_WHEN_FULL_FAIL)),
       "out");
    flow_start();
    feed("in", "a", "1", 5);
    ck_assert_int_eq(ks_driver_pipe_text(flow.driver, "in", "b", "2", 6), KS_EFULL);
}
END_TEST

START_TEST(a_limit_of_no_time_lets_changes_leave_at_once)
{
    to(ks_table_suppress(text_table("in", NULL), KS_SUPPRESSED(.until_close = KS_OFF)), "out");
    flow_start();
    feed("in", "a", "1", 5);
    expect("out", "a", "1", 5);
    expect_nothing("out");
}
END_TEST

START_TEST(how_long_to_hold_back_must_be_said)
{
    for (int i = 0; i < 2; i++) {
        ks_table_suppress(text_table("in", NULL),
                          i == 0 ? NULL : KS_SUPPRESSED(.max_records = 4));
        expect_mistake(KS_EINVAL, "needs an end of holding back");
        flow_teardown();
        flow_setup();
    }
}
END_TEST

START_TEST(only_windows_close)
{
    ks_table_suppress(text_table("in", NULL), KS_SUPPRESSED(.until_close = KS_ON));
    expect_mistake(KS_EINVAL, "only windows close");
}
END_TEST

START_TEST(a_versioned_table_cannot_be_suppressed)
{
    ks_table_suppress(versioned_table("in", "rows"), KS_SUPPRESSED(.limit_ms = 1));
    expect_mistake(KS_EINVAL, "a versioned table cannot be suppressed");
}
END_TEST

/* ---- transform_values ---- */

/* The value with how often its key has come; "gone" for a deletion. */
static ks_status number(ks_ctx *ctx, ks_record *record, void *user)
{
    ks_kv_store *seen = ks_ctx_kv_store(ctx, "seen");
    ks_record    row;
    int64_t      count = 1;

    (void)user;
    if (ks_kv_store_get(seen, record->key, &row))
        count += ks_bytes_i64(row.value, 0);
    ks_kv_store_put(seen, record->key, ks_ctx_i64(ctx, count));
    if (ks_bytes_is_null(record->value))
        record->value = KS_TEXT("gone");
    record->value = ks_ctx_text(ctx, "%.*s#%lld", KS_BYTES_ARG(record->value), (long long)count);
    return KS_OK;
}

START_TEST(a_transformer_sees_deletions_and_uses_a_store)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("seen"));
    to(ks_table_transform_values(text_table("in", NULL), number, NULL,
                                 KS_TABLE_CONNECTED(.store = "rows", .stores = { "seen" })),
       "out");
    flow_start();
    feed("in", "k", "a", 1);
    expect("out", "k", "a#1", 1);
    feed("in", "k", NULL, 2);
    expect("out", "k", "gone#2", 2);
    expect_nothing("out");
}
END_TEST

FLOW_MAIN("table operators", a_transformer_sees_deletions_and_uses_a_store,
          a_row_that_moves_leaves_its_group_first,
          a_row_that_stays_in_its_group_gives_one_result,
          a_reduced_group_starts_with_its_first_value, a_grouped_table_needs_both_functions,
          a_grouped_table_cannot_merge, an_inner_join_needs_both_sides,
          an_outer_join_needs_one_side, the_tables_of_a_join_belong_to_one_builder,
          a_right_row_reaches_all_its_left_rows, a_left_join_by_foreign_key_keeps_every_left_row,
          a_named_join_names_topics_and_stores, a_stream_joins_the_version_of_its_time,
          with_grace_records_wait_for_their_table,
          out_of_order_versions_do_not_reach_aggregations, only_versioned_tables_can_be_waited_for,
          a_versioned_table_needs_a_store_with_a_name, a_global_table_has_no_history,
          a_key_leaves_once_with_its_last_change, a_buffer_may_do_without_a_changelog,
          a_full_buffer_lets_the_oldest_leave, bytes_count_too, a_strict_buffer_fails_when_full,
          only_windows_close,
          a_versioned_table_cannot_be_suppressed, how_long_to_hold_back_must_be_said,
          a_limit_of_no_time_lets_changes_leave_at_once)
