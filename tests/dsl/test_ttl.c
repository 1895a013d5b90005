/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows with a time to live: who dies when, what is told of it, restarts, restores, mistakes.
 */
#include "dsl/flow.h"

#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ks_table *table_of(const char *topic, const char *store, int64_t ttl_ms)
{
    return ks_builder_table(flow.b, topic,
                            KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()),
                            KS_MATERIALIZED(.store = store, .ttl_ms = ttl_ms));
}

static void changes_to(ks_table *table, const char *topic)
{
    ks_stream_to(ks_table_to_stream(table, NULL), topic, NULL);
}

static ks_status ignore(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static void tick_stream(void)
{
    ks_stream_foreach(text_stream("tick"), ignore, NULL, NULL);
}

static bool has_row(const char *key)
{
    ks_record row;

    return ks_kv_store_get(ks_driver_kv_store(flow.driver, "rows"), ks_bytes_text(key), &row);
}

static int count_rows(void)
{
    ks_iter *rows = ks_kv_store_all(ks_driver_kv_store(flow.driver, "rows"), KS_ASCENDING);
    int      count = 0;

    for (ks_record row; ks_iter_next(rows, &row);)
        count++;
    ks_iter_close(rows);
    return count;
}

static void begin(void)
{
    changes_to(table_of("in", "rows", 100), "out");
    tick_stream();
    flow_start();
}

/* ---- when ---- */

START_TEST(a_row_dies_when_stream_time_is_past_its_time_and_ttl)
{
    begin();
    feed("in", "k", "a", 10);
    expect("out", "k", "a", 10);
    feed("tick", NULL, "x", 110);
    ck_assert(has_row("k"));
    expect_nothing("out");
    feed("tick", NULL, "x", 111);
    ck_assert(!has_row("k"));
    expect("out", "k", NULL, 110);
    expect_nothing("out");
    feed("tick", NULL, "x", 500);
    expect_nothing("out");
}
END_TEST

START_TEST(a_record_of_the_last_time_there_is_stops_nothing)
{
    begin();
    feed("in", "young", "a", INT64_MAX - 100);
    feed("in", "last", "b", INT64_MAX);
    feed("in", "old", "c", 7);
    ck_assert(has_row("young"));
    ck_assert(has_row("last"));
    ck_assert(!has_row("old"));
    expect("out", "young", "a", INT64_MAX - 100);
    expect("out", "last", "b", INT64_MAX);
    expect("out", "old", "c", 7);
    expect("out", "old", NULL, 107);
    expect_nothing("out");
}
END_TEST

START_TEST(an_update_prolongs_a_row)
{
    begin();
    feed("in", "k", "a", 10);
    feed("in", "k", "b", 60);
    feed("tick", NULL, "x", 160);
    ck_assert(has_row("k"));
    feed("tick", NULL, "x", 161);
    ck_assert(!has_row("k"));
    expect("out", "k", "a", 10);
    expect("out", "k", "b", 60);
    expect("out", "k", NULL, 160);
    expect_nothing("out");
}
END_TEST

START_TEST(an_update_with_an_earlier_time_shortens_a_row)
{
    begin();
    feed("in", "k", "a", 60);
    feed("in", "k", "b", 10);
    feed("tick", NULL, "x", 111);
    ck_assert(!has_row("k"));
    expect("out", "k", "a", 60);
    expect("out", "k", "b", 10);
    expect("out", "k", NULL, 110);
    feed("tick", NULL, "x", 161);
    expect_nothing("out");
}
END_TEST

START_TEST(a_deleted_row_does_not_die_again_and_a_new_one_lives_its_own_time)
{
    begin();
    feed("in", "k", "a", 10);
    feed("in", "k", NULL, 20);
    feed("in", "k", "b", 50);
    feed("tick", NULL, "x", 150);
    ck_assert(has_row("k"));
    expect("out", "k", "a", 10);
    expect("out", "k", NULL, 20);
    expect("out", "k", "b", 50);
    expect_nothing("out");
    feed("tick", NULL, "x", 151);
    expect("out", "k", NULL, 150);
    expect_nothing("out");
}
END_TEST

START_TEST(rows_die_in_the_order_of_their_times)
{
    begin();
    feed("in", "c", "1", 1);
    feed("in", "c", "1", 30);
    feed("in", "a", "2", 20);
    feed("in", "b", "3", 5);
    feed("in", "b", "3", 10);
    feed("tick", NULL, "x", 1000);
    expect("out", "c", "1", 1);
    expect("out", "c", "1", 30);
    expect("out", "a", "2", 20);
    expect("out", "b", "3", 5);
    expect("out", "b", "3", 10);
    expect("out", "b", NULL, 110);
    expect("out", "a", NULL, 120);
    expect("out", "c", NULL, 130);
    expect_nothing("out");
}
END_TEST

START_TEST(a_record_that_is_too_old_comes_and_goes)
{
    begin();
    feed("tick", NULL, "x", 1000);
    feed("in", "k", "a", 10);
    ck_assert(!has_row("k"));
    expect("out", "k", "a", 10);
    expect("out", "k", NULL, 110);
    expect_nothing("out");
}
END_TEST

/* ---- what follows ---- */

START_TEST(an_aggregate_that_died_begins_anew)
{
    ks_grouped_stream *groups = ks_stream_group_by_key(text_stream("in"), NULL);

    changes_to(ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "rows", .ttl_ms = 100)),
               "out");
    flow_start();
    feed("in", "k", "a", 10);
    feed("in", "k", "a", 20);
    feed("in", "k", "a", 500); /* the first to see that the row is dead */
    expect_i64("out", "k", 1, 10);
    expect_i64("out", "k", 2, 20);
    expect("out", "k", NULL, 120);
    expect_i64("out", "k", 1, 500);
    feed("in", "l", "a", 501);
    expect_i64("out", "l", 1, 501);
    expect_nothing("out");
}
END_TEST

static ks_status all_to_one(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)user;
    record->key = KS_TEXT("all");
    return KS_OK;
}

/* Old values go with the deletion: what counts the rows of the table counts right. */
START_TEST(what_is_grouped_from_the_table_forgets_dead_rows)
{
    ks_table *rows = table_of("in", "rows", 100);

    changes_to(ks_grouped_table_count(
                   ks_table_group_by(rows, all_to_one, NULL,
                                     KS_GROUPED(.key   = ks_serde_utf8(),
                                                .value = ks_serde_utf8())),
                   NULL), "out");
    tick_stream();
    flow_start();
    feed("in", "a", "1", 10);
    feed("in", "b", "2", 20);
    feed("in", "c", "3", 60);
    feed("in", "a", "4", 200); /* dead and written again at once */
    expect_i64("out", "all", 1, 10);
    expect_i64("out", "all", 2, 20);
    expect_i64("out", "all", 3, 60);
    for (int64_t last = 3, i = 0; i < 20 && last != 1; i++) {
        const ks_record *record = ks_driver_read(flow.driver, "out");

        ck_assert_ptr_nonnull(record);
        last = ks_bytes_i64(record->value, -1);
        ck_assert_int_ge(last, 0);
    }
    feed("tick", NULL, "x", 301);
    expect_i64("out", "all", 0, 300);
    expect_nothing("out");
}
END_TEST

START_TEST(a_cached_table_tells_of_the_last_change_alone)
{
    changes_to(table_of("in", "rows", 100), "out");
    tick_stream();
    flow_start_cached();
    feed("in", "k", "a", 10);
    feed("tick", NULL, "x", 200);
    ck_assert(!has_row("k"));
    expect("out", "k", "a", 10);
    expect("out", "k", NULL, 110);
    feed("in", "k", "b", 10);
    ck_assert(!has_row("k"));
    expect("out", "k", "b", 10);
    expect("out", "k", NULL, 110);
    expect_nothing("out");
}
END_TEST

START_TEST(a_join_does_not_see_dead_rows)
{
    ks_table *rows = table_of("in", "rows", 100);

    ks_stream_to(ks_stream_join_table(text_stream("tick"), rows, join_texts, NULL, NULL), "out",
                 NULL);
    flow_start();
    feed("in", "k", "a", 10);
    feed("tick", "k", "x", 110);
    feed("tick", "k", "y", 111);
    expect("out", "k", "x|a@10", 110);
    expect_nothing("out");
}
END_TEST

/* ---- stores of processors ---- */

struct look {
    ks_kv_store *rows;
};

static ks_status look_open(ks_ctx *ctx, void *self, void *user)
{
    (void)user;
    ((struct look *)self)->rows = ks_ctx_kv_store(ctx, "rows");
    return KS_OK;
}

/* "+" puts, anything else forwards how many rows are seen and what get says. */
static ks_status look_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    ks_kv_store *rows = ((struct look *)self)->rows;
    ks_iter     *all;
    ks_record    row;
    int          count = 0;

    if (ks_bytes_equal(record->value, KS_TEXT("+"))) {
        ks_kv_store_put(rows, record->key, record->value);
        return KS_OK;
    }
    if (ks_bytes_equal(record->value, KS_TEXT("?"))) {
        ks_ctx_forward_value(ctx, ks_kv_store_put_if_absent(rows, record->key, record->value)
                                      ? KS_TEXT("put") : KS_TEXT("there"));
        return KS_OK;
    }
    all = ks_kv_store_all(rows, KS_DESCENDING);
    while (ks_iter_next(all, &row))
        count++;
    ks_ctx_forward_value(ctx, ks_ctx_text(ctx, "%d %d", count,
                                          (int)ks_kv_store_get(rows, record->key, &row)));
    return KS_OK;
}

static const ks_processor look = KS_PROCESSOR(.state_size = sizeof(struct look),
                                              .open = look_open, .process = look_process);

static void look_at_rows(void)
{
    ks_builder_add_store(flow.b, KS_KV_STORE("rows", .key = ks_serde_utf8(),
                                             .value = ks_serde_utf8(), .ttl_ms = 100));
    ks_stream_to(ks_stream_process(text_stream("in"), &look, NULL,
                                   KS_CONNECTED(.name = "look", .stores = { "rows" })), "out",
                 NULL);
}

START_TEST(a_processor_does_not_see_rows_that_died_with_its_record)
{
    look_at_rows();
    flow_start();
    feed("in", "a", "+", 10);
    feed("in", "b", "+", 50);
    feed("in", "a", "look", 110);
    feed("in", "a", "look", 111);
    feed("in", "b", "?", 150);
    feed("in", "b", "?", 151);
    feed("in", "b", "?", 251);
    feed("in", "b", "?", 252);
    expect("out", "a", "2 1", 110);
    expect("out", "a", "1 0", 111);
    expect("out", "b", "there", 150);
    expect("out", "b", "put", 151);
    expect("out", "b", "there", 251);
    expect("out", "b", "put", 252);
}
END_TEST

/* ---- restart and restore ---- */

static char directory[64];
static bool optimized;

static void open_in_directory(void)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "topology.optimization", optimized ? "all" : "none");
    if (flow.topology == NULL) {
        ks_builder_configure(flow.b, config);
        ks_builder_build(flow.b, &flow.topology);
    }
    ck_assert_str_eq(ks_error_message(ks_topology_error(flow.topology)), "");
    flow.driver = ks_driver_new(flow.topology, config, directory);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
    ks_config_free(config);
}

static void make_directory(void)
{
    strcpy(directory, "/tmp/kstream-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void reopen(bool without_state)
{
    char path[128];

    ks_driver_free(flow.driver);
    snprintf(path, sizeof(path), "%s/0_0", directory);
    if (without_state)
        ck_assert_int_eq(ks__io_remove_tree(path), 0);
    open_in_directory();
}

START_TEST(times_to_live_go_on_after_a_restart_and_after_a_restore)
{
    make_directory();
    optimized = _i == 2; /* its source topic cannot be the changelog: it has no deletions */
    changes_to(table_of("in", "rows", 100), "out");
    tick_stream();
    open_in_directory();
    feed("in", "a", "1", 10);
    feed("in", "b", "2", 20);
    feed("in", "c", "3", 30);
    feed("in", "c", "4", 40);
    feed("in", "d", "5", 40);
    feed("in", "d", NULL, 41);
    feed("tick", NULL, "x", 111);
    for (int i = 0; i < 7; i++)
        ck_assert_ptr_nonnull(ks_driver_read(flow.driver, "out"));
    reopen(_i >= 1);
    ck_assert_int_eq(count_rows(), 2);
    ck_assert(!has_row("a"));
    feed("tick", NULL, "x", 121);
    expect("out", "b", NULL, 120);
    expect_nothing("out");
    reopen(_i >= 1);
    feed("tick", NULL, "x", 140);
    ck_assert(has_row("c"));
    expect_nothing("out");
    feed("tick", NULL, "x", 141);
    expect("out", "c", NULL, 140);
    reopen(_i >= 1);
    feed("tick", NULL, "x", 1000);
    expect_nothing("out");
    ck_assert_int_eq(count_rows(), 0);
    ks__io_remove_tree(directory);
}
END_TEST

/* Many rows, random times; after any number of restarts the same rows live as in a model. */
START_TEST(the_same_rows_live_as_in_a_model)
{
    enum { KEYS = 40, TTL = 100 };
    int64_t  times[KEYS];
    int64_t  now = 0, stream = -1;
    unsigned seed = 7;

    make_directory();
    changes_to(table_of("in", "rows", TTL), "out");
    tick_stream();
    open_in_directory();
    for (int k = 0; k < KEYS; k++)
        times[k] = -1;
    for (int n = 0; n < 600; n++) {
        const int     k  = rand_r(&seed) % KEYS;
        const int64_t at = now + rand_r(&seed) % 60 - 40;
        char          key[8];

        snprintf(key, sizeof(key), "k%d", k);
        if (at >= 0) {
            const bool gone = rand_r(&seed) % 8 == 0;

            feed("in", key, gone ? NULL : "v", at);
            times[k] = gone ? -1 : at;
            stream   = at > stream ? at : stream;
        }
        if (rand_r(&seed) % 40 == 0)
            reopen(rand_r(&seed) % 2 == 0);
        for (int i = 0; n % 7 == 0 && i < KEYS; i++) {
            snprintf(key, sizeof(key), "k%d", i);
            ck_assert_msg(has_row(key) == (times[i] >= 0 && times[i] + TTL >= stream),
                          "%s of %d at %d", key, (int)times[i], (int)stream);
        }
        now += rand_r(&seed) % 5;
    }
    ks__io_remove_tree(directory);
}
END_TEST

/* ---- mistakes ---- */

static void expect_mistake(const char *text)
{
    ck_assert_int_eq(ks_error_status(ks_builder_error(flow.b)), KS_EINVAL);
    ck_assert_msg(strstr(ks_error_message(ks_builder_error(flow.b)), text) != NULL, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
}

START_TEST(a_ttl_must_be_positive)
{
    if (_i == 0)
        table_of("in", "rows", -5);
    else
        ks_builder_add_store(flow.b, KS_KV_STORE("rows", .ttl_ms = -5));
    expect_mistake(".ttl_ms is -5; it must be at least 1");
}
END_TEST

START_TEST(a_ttl_needs_a_named_store)
{
    ks_table_filter(text_table("in", "rows"), value_is, USER("x"),
                    KS_MATERIALIZED(.ttl_ms = 100));
    expect_mistake("rows with a time to live need a store with a name; use"
                   " KS_MATERIALIZED(.store = ..., .ttl_ms = ...)");
}
END_TEST

START_TEST(a_versioned_table_takes_no_ttl)
{
    ks_stream_to_table(text_stream("in"), KS_MATERIALIZED(.store = "rows", .history_ms = 10,
                                                          .ttl_ms = 100));
    expect_mistake("KS_MATERIALIZED(.ttl_ms) cannot be used here: a versioned table has a history "
                   "instead");
}
END_TEST

START_TEST(windows_take_no_ttl)
{
    ks_grouped_stream *groups = ks_stream_group_by_key(text_stream("in"), NULL);

    ks_windowed_stream_count(ks_grouped_stream_windowed_by(groups, KS_TUMBLING(.size_ms = 10)),
                             KS_MATERIALIZED(.ttl_ms = 100));
    expect_mistake("KS_MATERIALIZED(.ttl_ms) cannot be used here: windows have a retention "
                   "instead");
}
END_TEST

START_TEST(a_global_table_takes_no_ttl)
{
    ks_builder_global_table(flow.b, "in", NULL,
                            KS_MATERIALIZED(.store = "rows", .ttl_ms = 100));
    expect_mistake("KS_MATERIALIZED(.ttl_ms) cannot be used here: a global table has no stream "
                   "time");
}
END_TEST

START_TEST(what_aggregates_a_table_takes_no_ttl)
{
    ks_grouped_table *groups = ks_table_group_by(text_table("in", "rows"), all_to_one, NULL, NULL);

    ks_grouped_table_count(groups, KS_MATERIALIZED(.store = "counts", .ttl_ms = 100));
    expect_mistake("KS_MATERIALIZED(.ttl_ms) cannot be used here: what is subtracted later would "
                   "be missing; give the table that is grouped one");
}
END_TEST

START_TEST(the_result_of_a_join_takes_no_ttl)
{
    ks_table_join(text_table("in", "rows"), text_table("tick", "others"), join_texts, NULL,
                  KS_MATERIALIZED(.store = "joined", .ttl_ms = 100));
    expect_mistake("KS_MATERIALIZED(.ttl_ms) cannot be used here: the result of a join follows its "
                   "tables; give them one");
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("ttl");
    TCase   *cases  = tcase_create("ttl");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, flow_setup, flow_teardown);
    tcase_add_test(cases, a_row_dies_when_stream_time_is_past_its_time_and_ttl);
    tcase_add_test(cases, a_record_of_the_last_time_there_is_stops_nothing);
    tcase_add_test(cases, an_update_prolongs_a_row);
    tcase_add_test(cases, an_update_with_an_earlier_time_shortens_a_row);
    tcase_add_test(cases, a_deleted_row_does_not_die_again_and_a_new_one_lives_its_own_time);
    tcase_add_test(cases, rows_die_in_the_order_of_their_times);
    tcase_add_test(cases, a_record_that_is_too_old_comes_and_goes);
    tcase_add_test(cases, an_aggregate_that_died_begins_anew);
    tcase_add_test(cases, what_is_grouped_from_the_table_forgets_dead_rows);
    tcase_add_test(cases, a_cached_table_tells_of_the_last_change_alone);
    tcase_add_test(cases, a_join_does_not_see_dead_rows);
    tcase_add_test(cases, a_processor_does_not_see_rows_that_died_with_its_record);
    tcase_add_loop_test(cases, times_to_live_go_on_after_a_restart_and_after_a_restore, 0, 3);
    tcase_add_test(cases, the_same_rows_live_as_in_a_model);
    tcase_add_loop_test(cases, a_ttl_must_be_positive, 0, 2);
    tcase_add_test(cases, a_ttl_needs_a_named_store);
    tcase_add_test(cases, a_versioned_table_takes_no_ttl);
    tcase_add_test(cases, windows_take_no_ttl);
    tcase_add_test(cases, a_global_table_takes_no_ttl);
    tcase_add_test(cases, what_aggregates_a_table_takes_no_ttl);
    tcase_add_test(cases, the_result_of_a_join_takes_no_ttl);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
