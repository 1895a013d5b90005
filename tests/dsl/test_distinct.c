/* SPDX-License-Identifier: Apache-2.0
 *
 * distinct: who passes, late records, ids that are not the key, restarts, mistakes.
 */
#include "dsl/flow.h"

#include "base/io.h"
#include "log/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void distinct_in_to_out(ks_selector_fn *select, const ks_distinct *distinct)
{
    ks_stream_to(ks_stream_distinct(text_stream("in"), select, NULL, distinct), "out", NULL);
}

/* ---- within ---- */

START_TEST(the_first_passes_and_those_close_to_it_do_not)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10));
    flow_start();
    feed("in", "k", "a", 100);
    feed("in", "k", "b", 100);
    feed("in", "k", "c", 110);
    feed("in", "l", "d", 105);
    feed("in", "k", "e", 111);
    expect("out", "k", "a", 100);
    expect("out", "l", "d", 105);
    expect("out", "k", "e", 111);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 0);
}
END_TEST

START_TEST(dropped_ones_do_not_prolong_the_time)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10));
    flow_start();
    feed("in", "k", "a", 100);
    feed("in", "k", "b", 108);
    feed("in", "k", "c", 116);
    expect("out", "k", "a", 100);
    expect("out", "k", "c", 116);
    expect_nothing("out");
}
END_TEST

START_TEST(first_is_by_arrival_and_time_counts_both_ways)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10));
    flow_start();
    feed("in", "k", "a", 100);
    feed("in", "k", "b", 90);
    feed("in", "l", "c", 100);
    feed("in", "l", "d", 95);
    expect("out", "k", "a", 100);
    expect("out", "l", "c", 100);
    expect_nothing("out");
}
END_TEST

START_TEST(null_values_pass_and_null_keys_are_counted)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10));
    flow_start();
    feed("in", "k", NULL, 100);
    feed("in", NULL, "a", 100);
    feed("in", "", "b", 100);
    expect("out", "k", NULL, 100);
    expect("out", "", "b", 100);
    expect_nothing("out");
    ck_assert_int_eq(drops("null-key"), 1);
}
END_TEST

START_TEST(what_is_too_late_is_dropped_and_counted)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10, .grace_ms = 5));
    flow_start();
    feed("in", "k", "a", 100);
    feed("in", "l", "b", 85);
    feed("in", "m", "c", 84);
    expect("out", "k", "a", 100);
    expect("out", "l", "b", 85);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

START_TEST(what_is_too_late_may_pass_unchecked)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10, .pass_late = KS_ON));
    flow_start();
    feed("in", "k", "a", 100);
    feed("in", "m", "c", 50);
    feed("in", "m", "d", 50);
    expect("out", "k", "a", 100);
    expect("out", "m", "c", 50);
    expect("out", "m", "d", 50);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 0);
}
END_TEST

/* Against a list of all that passed. */
START_TEST(the_same_pass_as_in_a_model)
{
    enum { STEPS = 800, IDS = 5, WITHIN = 20, GRACE = 15 };
    int64_t  passed[IDS][STEPS];
    int      count[IDS] = { 0 };
    int64_t  now = -1;
    unsigned seed = 11;

    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = WITHIN, .grace_ms = GRACE));
    flow_start();
    for (int n = 0; n < STEPS; n++) {
        const int     id = rand_r(&seed) % IDS;
        const int64_t at = 100 + n * 3 + rand_r(&seed) % 100 - 70;
        char          key[8], value[16];
        bool          passes;

        now    = at > now ? at : now;
        passes = at + WITHIN + GRACE >= now;
        for (int i = 0; i < count[id]; i++)
            passes = passes && llabs(passed[id][i] - at) > WITHIN;
        if (passes)
            passed[id][count[id]++] = at;
        snprintf(key, sizeof(key), "%d", id);
        snprintf(value, sizeof(value), "%d", n);
        feed("in", key, value, at);
        if (passes)
            expect("out", key, value, at);
        else
            expect_nothing("out");
    }
}
END_TEST

/* ---- windows ---- */

START_TEST(in_windows_the_first_of_each_passes)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.window_ms = 10));
    flow_start();
    feed("in", "k", "a", 105);
    feed("in", "k", "b", 109);
    feed("in", "k", "c", 100);
    feed("in", "k", "d", 110);
    feed("in", "k", "e", 109); /* its window has ended */
    expect("out", "k", "a", 105);
    expect("out", "k", "d", 110);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

START_TEST(a_window_stays_open_for_its_grace)
{
    distinct_in_to_out(NULL, KS_DISTINCT(.window_ms = 10, .grace_ms = 5));
    flow_start();
    feed("in", "k", "a", 105);
    feed("in", "x", "b", 114);
    feed("in", "k", "c", 101);
    feed("in", "l", "d", 102);
    feed("in", "x", "e", 115);
    feed("in", "m", "f", 109);
    expect("out", "k", "a", 105);
    expect("out", "x", "b", 114);
    expect("out", "l", "d", 102);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

/* ---- ids that are not the key ---- */

START_TEST(a_chosen_id_goes_through_a_topic_and_keeps_the_key)
{
    char *text;

    distinct_in_to_out(key_from_value, KS_DISTINCT(.name = "once", .within_ms = 10));
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "once-repartition"));
    ks_text_free(text);
    feed("in", "k", "a", 100);
    feed("in", "l", "a", 101);
    feed("in", NULL, "b", 102);
    feed("in", "k", NULL, 103);
    expect("out", "k", "a", 100);
    expect("out", NULL, "b", 102);
    expect_nothing("out");
    ck_assert_int_eq(drops("null-key"), 1);
}
END_TEST

START_TEST(keys_are_brought_together_again_behind_a_chosen_id)
{
    ks_stream *once = ks_stream_distinct(text_stream("in"), key_from_value, NULL,
                                         KS_DISTINCT(.name = "once", .within_ms = 10));
    ks_table  *counts = ks_grouped_stream_count(ks_stream_group_by_key(once, NULL),
                                                KS_MATERIALIZED(.store = "counts"));
    char      *text;

    ks_stream_to(ks_table_to_stream(counts, NULL), "out", NULL);
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "counts-repartition"));
    ks_text_free(text);
    feed("in", "k", "a", 100);
    feed("in", "k", "a", 101);
    feed("in", "k", "b", 102);
    expect_i64("out", "k", 1, 100);
    expect_i64("out", "k", 2, 102);
}
END_TEST

START_TEST(ids_that_are_together_need_no_topic)
{
    char *text;

    distinct_in_to_out(key_from_value, KS_DISTINCT(.within_ms = 10, .repartition = KS_OFF));
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_null(strstr(text, "repartition"));
    ks_text_free(text);
    feed("in", "k", "a", 100);
    feed("in", "k", "b", 100);
    feed("in", "k", "a", 101);
    expect("out", "k", "a", 100);
    expect("out", "k", "b", 100);
    expect_nothing("out");
}
END_TEST

START_TEST(a_changed_key_goes_through_a_topic_before)
{
    ks_stream *keyed = ks_stream_select_key(text_stream("in"), key_from_value, NULL, NULL);
    char      *text;

    ks_stream_to(ks_stream_distinct(keyed, NULL, NULL,
                                    KS_DISTINCT(.name = "once", .within_ms = 10)), "out", NULL);
    flow_start();
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "once-repartition"));
    ks_text_free(text);
    feed("in", "k", "a", 100);
    feed("in", "l", "a", 101);
    expect("out", "a", "a", 100);
    expect_nothing("out");
}
END_TEST

/* ---- again ---- */

static char directory[64];

static void open_in_directory(const char *guarantee)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "processing.guarantee", guarantee);
    if (flow.topology == NULL)
        ks_builder_build(flow.b, &flow.topology);
    flow.driver = ks_driver_new(flow.topology, config, directory);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
    ks_config_free(config);
}

static void make_directory(void)
{
    strcpy(directory, "/tmp/kstream-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_state(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/0_0", directory);
    ck_assert_int_eq(ks__io_remove_tree(path), 0);
}

START_TEST(ids_are_remembered_after_a_restart_and_after_a_restore)
{
    make_directory();
    distinct_in_to_out(NULL, KS_DISTINCT(.within_ms = 10));
    open_in_directory("exactly_once_v2");
    feed("in", "k", "a", 100);
    expect("out", "k", "a", 100);
    ks_driver_free(flow.driver);
    if (_i == 1)
        remove_state();
    open_in_directory("exactly_once_v2");
    feed("in", "k", "b", 105);
    feed("in", "l", "c", 89);
    feed("in", "k", "d", 111);
    expect("out", "k", "d", 111);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
    ks__io_remove_tree(directory);
}
END_TEST

static ks_status both(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)user;
    ks_ctx_forward_value(ctx, record->value);
    ks_ctx_forward_value(ctx, record->value);
    return KS_OK;
}

/* As after a crash on another host: rows are on the changelog, offsets were not committed, and the
 * state of this host is lost. */
static void forget_offsets(void)
{
    const struct ks__position  begin = { .topic = "in", .offset = 0 };
    struct ks__cluster_options options = { .no_sync = true };
    struct ks__cluster        *cluster = NULL;
    struct ks__session        *session = NULL;
    ks_error                   error = { .status = KS_OK };
    char                       address[128];

    snprintf(address, sizeof(address), "embedded:%s/log", directory);
    ck_assert_int_eq(ks__cluster_open(&cluster, address, &options, &error), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster,
                                      &(struct ks__session_options){ .client_id = "test",
                                                                     .group = "kstream-driver" },
                                      &error), KS_OK);
    ck_assert_int_eq(ks__session_commit_offsets(session, &begin, 1, -1), KS_OK);
    ks__session_close(session);
    ks__cluster_close(cluster);
    remove_state();
}

/* At least once the row of an id may be stored and the output of its record not. Read again, a
 * record is no duplicate of itself; what came of it a second time is one, as it was before. */
START_TEST(a_record_that_is_read_again_is_not_its_own_duplicate)
{
    const int64_t late_ms = _i == 0 ? 115 : 110; /* the first one is too late then */
    ks_stream    *twice;

    make_directory();
    twice = ks_stream_flat_map_values(text_stream("in"), both, NULL,
                                      KS_NAMED("both", .value = ks_serde_utf8()));
    ks_stream_to(ks_stream_distinct(twice, NULL, NULL,
                                    _i == 0 ? KS_DISTINCT(.within_ms = 10)
                                            : KS_DISTINCT(.window_ms = 10)), "out", NULL);
    open_in_directory("at_least_once");
    feed("in", "k", "a", 100);
    feed("in", "k", "b", 105);
    feed("in", "l", "c", late_ms);
    expect("out", "k", "a", 100);
    expect("out", "l", "c", late_ms);
    ks_driver_free(flow.driver);
    forget_offsets();
    open_in_directory("at_least_once");
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_OK);
    expect("out", "k", "a", 100);
    expect("out", "l", "c", late_ms);
    expect_nothing("out");
    ks__io_remove_tree(directory);
}
END_TEST

/* ---- behind calls ---- */

static struct asked {
    ks_pending      *pending;
    const ks_record *record;
} asked[8];
static size_t asked_count;

static ks_status ask(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
{
    (void)ctx, (void)user;
    ck_assert_uint_lt(asked_count, 8);
    asked[asked_count++] = (struct asked){ pending, record };
    return KS_OK;
}

static void answer(size_t n)
{
    ck_assert_uint_lt(n, asked_count);
    ks_pending_complete(asked[n].pending, asked[n].record->value);
    ck_assert_int_ne(ks_driver_await(flow.driver, 0), KS_EUSER);
}

/* Each word a record, its key the word, or that of the line. */
static ks_status words(ks_ctx *ctx, const ks_record *line, void *user)
{
    const bool keyed = *(const bool *)user;

    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);) {
        ks_record out = *line;

        out.value = word;
        out.key   = keyed ? word : line->key;
        ks_ctx_forward(ctx, &out);
    }
    return KS_OK;
}

static ks_status keep_key(ks_ctx *ctx, const ks_record *record, ks_bytes *id, void *user)
{
    (void)ctx, (void)record, (void)id, (void)user;
    return KS_OK;
}

static void distinct_behind_calls(const bool *keyed)
{
    ks_stream *all = ks_stream_flat_map(text_stream("in"), words, USER(keyed),
                                        KS_NAMED("words", .key   = ks_serde_utf8(),
                                                 .value = ks_serde_utf8()));

    all = ks_stream_map_async(all, ask, NULL, KS_ASYNC(.name = "ask", .value = ks_serde_utf8()));
    ks_stream_to(ks_stream_distinct(all, keep_key, NULL,
                                    KS_DISTINCT(.within_ms = 10, .repartition = KS_OFF)),
                 "out", NULL);
    asked_count = 0;
}

/* Between two records that came of one, another may leave. */
START_TEST(a_duplicate_that_another_record_overtakes_is_one)
{
    static const bool keyed = false;

    distinct_behind_calls(&keyed);
    flow_start();
    feed("in", "k", "a b", 1);
    feed("in", "m", "c", 1);
    answer(0);
    answer(2);
    answer(1);
    expect("out", "k", "a", 1);
    expect("out", "m", "c", 1);
    expect_nothing("out");
}
END_TEST

START_TEST(records_of_one_line_are_themselves_in_whatever_order_they_are_answered_again)
{
    static const bool keyed = true;

    make_directory();
    distinct_behind_calls(&keyed);
    open_in_directory("at_least_once");
    feed("in", "k", "a b", 1);
    answer(0);
    answer(1);
    expect("out", "a", "a", 1);
    expect("out", "b", "b", 1);
    ks_driver_free(flow.driver);
    forget_offsets();
    asked_count = 0;
    open_in_directory("at_least_once");
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_OK);
    answer(1);
    answer(0);
    expect("out", "b", "b", 1);
    expect("out", "a", "a", 1);
    expect_nothing("out");
    ks__io_remove_tree(directory);
}
END_TEST

/* ---- mistakes ---- */

static void expect_mistake(ks_selector_fn *select, const ks_distinct *distinct, const char *text)
{
    ks_stream_distinct(text_stream("in"), select, NULL, distinct);
    ck_assert_int_eq(ks_error_status(ks_builder_error(flow.b)), KS_EINVAL);
    ck_assert_msg(strstr(ks_error_message(ks_builder_error(flow.b)), text) != NULL, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
}

START_TEST(a_time_is_needed)
{
    expect_mistake(NULL, _i == 0 ? NULL : KS_DISTINCT(.grace_ms = 5),
                   "needs a time: KS_DISTINCT(.within_ms = ...), or .window_ms");
}
END_TEST

START_TEST(one_time_is_enough)
{
    expect_mistake(NULL, KS_DISTINCT(.within_ms = 5, .window_ms = 5),
                   ".within_ms and .window_ms are two ways to say when ids count as equal; give "
                   "one of them");
}
END_TEST

START_TEST(times_cannot_be_negative)
{
    if (_i == 0)
        expect_mistake(NULL, KS_DISTINCT(.within_ms = -5),
                       ".within_ms is -5; it must not be negative");
    else if (_i == 1)
        expect_mistake(NULL, KS_DISTINCT(.window_ms = -5),
                       ".window_ms is -5; it must not be negative");
    else
        expect_mistake(NULL, KS_DISTINCT(.within_ms = 5, .grace_ms = -5),
                       ".grace_ms is -5; it must not be negative");
}
END_TEST

START_TEST(a_key_is_repartitioned_without_being_told)
{
    expect_mistake(NULL, KS_DISTINCT(.within_ms = 5, .repartition = KS_OFF),
                   "KS_DISTINCT(.repartition) is for ids that are not the key; leave it out");
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("distinct");
    TCase   *cases  = tcase_create("distinct");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, flow_setup, flow_teardown);
    tcase_add_test(cases, the_first_passes_and_those_close_to_it_do_not);
    tcase_add_test(cases, dropped_ones_do_not_prolong_the_time);
    tcase_add_test(cases, first_is_by_arrival_and_time_counts_both_ways);
    tcase_add_test(cases, null_values_pass_and_null_keys_are_counted);
    tcase_add_test(cases, what_is_too_late_is_dropped_and_counted);
    tcase_add_test(cases, what_is_too_late_may_pass_unchecked);
    tcase_add_test(cases, the_same_pass_as_in_a_model);
    tcase_add_test(cases, in_windows_the_first_of_each_passes);
    tcase_add_test(cases, a_window_stays_open_for_its_grace);
    tcase_add_test(cases, a_chosen_id_goes_through_a_topic_and_keeps_the_key);
    tcase_add_test(cases, keys_are_brought_together_again_behind_a_chosen_id);
    tcase_add_test(cases, ids_that_are_together_need_no_topic);
    tcase_add_test(cases, a_changed_key_goes_through_a_topic_before);
    tcase_add_loop_test(cases, ids_are_remembered_after_a_restart_and_after_a_restore, 0, 2);
    tcase_add_loop_test(cases, a_record_that_is_read_again_is_not_its_own_duplicate, 0, 2);
    tcase_add_test(cases, a_duplicate_that_another_record_overtakes_is_one);
    tcase_add_test(cases,
                   records_of_one_line_are_themselves_in_whatever_order_they_are_answered_again);
    tcase_add_loop_test(cases, a_time_is_needed, 0, 2);
    tcase_add_test(cases, one_time_is_enough);
    tcase_add_loop_test(cases, times_cannot_be_negative, 0, 3);
    tcase_add_test(cases, a_key_is_repartitioned_without_being_told);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
