/* SPDX-License-Identifier: Apache-2.0
 *
 * test_source_changelog.c - a table whose source topic is its changelog
 * (reuse.ktable.source.topics): no topic of its own, restored from the source up to where the group
 * has read it, which is never written to nor trimmed.
 */
#include "base/io.h"
#include "support/stage.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stage stage;
static ks_topology *topology;
static ks_app      *app;

static ks_status join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    (void)user;
    *out = ks_ctx_text(ctx, "%.*s|%.*s", KS_BYTES_ARG(left->value), KS_BYTES_ARG(right->value));
    return KS_OK;
}

/* "users" as a table, its changes on "changes"; "orders" joined with it on "out". */
static ks_topology *make_topology(const ks_serde *value, ks_switch changelog, int64_t history_ms)
{
    ks_builder  *b = ks_builder_new();
    ks_table    *users;
    ks_stream   *orders;
    ks_topology *made;

    ks_builder_configure(b, stage.config);
    users = ks_builder_table(b, "users", NULL,
                             KS_MATERIALIZED(.store = "rows", .value = value,
                                             .changelog = changelog, .history_ms = history_ms));
    ks_stream_to(ks_table_to_stream(users, NULL), "changes", NULL);
    orders = ks_builder_stream(b, "orders", NULL);
    ks_stream_to(ks_stream_join_table(orders, users, join, NULL, NULL), "out", NULL);
    ck_assert_msg(ks_builder_build(b, &made) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    return made;
}

static void setup(void)
{
    static const char *const topics[] = { "users", "changes", "orders", "out" };

    stage_open(&stage, STAGE_MEMORY);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
        stage_topic(&stage, topics[i], 1);
    stage_set(&stage, "topology.optimization", "reuse.ktable.source.topics");
    stage_set(&stage, "repartition.purge.interval.ms", "0");
    stage_set(&stage, "commit.interval.ms", "20");
    topology = make_topology(NULL, KS_DEFAULT, 0);
    app      = NULL;
}

static void teardown(void)
{
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

static void start(void)
{
    app = ks_app_new(topology, stage.config);
    ck_assert_ptr_nonnull(app);
}

static void stop(void)
{
    ck_assert_msg(ks_app_close(app, 10000) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    ks_app_free(app);
    app = NULL;
}

/* As on a host that has never seen the state. */
static void forget_state(void)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/wc", ks_config_get(stage.config, "state.dir"));
    ck_assert_int_eq(ks__io_remove_tree(path), 0);
}

static void choose_guarantee(int exactly_once)
{
    stage_set(&stage, "processing.guarantee", exactly_once ? "exactly_once_v2" : "at_least_once");
}

START_TEST(it_has_no_changelog_and_its_topic_is_left_alone)
{
    choose_guarantee(_i);
    start();
    stage_feed(&stage, "users", "a", "1");
    stage_feed(&stage, "users", "b", "2");
    stage_await_count(&stage, app, "changes", 2);
    stop();
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-rows-changelog"), 0);
    ck_assert_uint_eq(stage_count(&stage, "users"), 2);
}
END_TEST

START_TEST(a_new_host_restores_it_from_the_source)
{
    choose_guarantee(_i);
    start();
    stage_feed(&stage, "users", "a", "1");
    stage_feed(&stage, "users", "b", "2");
    stage_await_count(&stage, app, "changes", 2);
    stage_feed(&stage, "users", "b", NULL);
    stage_await_count(&stage, app, "changes", 3);
    stop();
    forget_state();
    start();
    stage_feed(&stage, "orders", "b", "y");
    stage_feed(&stage, "orders", "a", "x");
    stage_await_count(&stage, app, "out", 1);
    stop();
    ck_assert_str_eq(stage_last_text(&stage, "out", "a"), "x|1");
    ck_assert_uint_eq(stage_count(&stage, "changes"), 3); /* restored, not processed again */
    ck_assert_uint_eq(stage_count(&stage, "users"), 3);
}
END_TEST

START_TEST(what_was_not_read_yet_is_processed_not_restored)
{
    choose_guarantee(_i);
    start();
    stage_feed(&stage, "users", "a", "1");
    stage_await_count(&stage, app, "changes", 1);
    stop();
    forget_state();
    stage_feed(&stage, "users", "a", "9");
    start();
    stage_await_count(&stage, app, "changes", 2);
    stop();
    ck_assert_str_eq(stage_last_text(&stage, "changes", "a"), "9");
}
END_TEST

START_TEST(the_same_host_goes_on_where_it_stood)
{
    choose_guarantee(_i);
    start();
    stage_feed(&stage, "users", "a", "1");
    stage_await_count(&stage, app, "changes", 1);
    stop();
    start();
    stage_feed(&stage, "users", "c", "3");
    stage_await_count(&stage, app, "changes", 2);
    stage_feed(&stage, "orders", "a", "x");
    stage_await_count(&stage, app, "out", 1);
    stop();
    ck_assert_str_eq(stage_last_text(&stage, "out", "a"), "x|1");
}
END_TEST

/* Kafka Streams: the source is the changelog, whatever was said of one of its own. */
START_TEST(without_a_changelog_of_its_own_it_is_restored_all_the_same)
{
    ks_topology_free(topology);
    topology = make_topology(NULL, KS_OFF, 0);
    start();
    stage_feed(&stage, "users", "a", "1");
    stage_await_count(&stage, app, "changes", 1);
    stop();
    forget_state();
    start();
    stage_feed(&stage, "orders", "a", "x");
    stage_await_count(&stage, app, "out", 1);
    stop();
    ck_assert_str_eq(stage_last_text(&stage, "out", "a"), "x|1");
}
END_TEST

START_TEST(a_versioned_table_is_restored_from_its_source)
{
    ks_topology_free(topology);
    topology = make_topology(NULL, KS_DEFAULT, 1000);
    start();
    stage_feed(&stage, "users", "a", "1");
    stage_await_count(&stage, app, "changes", 1);
    stop();
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-rows-changelog"), 0);
    forget_state();
    start();
    stage_feed(&stage, "orders", "a", "x");
    stage_await_count(&stage, app, "out", 1);
    stop();
    ck_assert_str_eq(stage_last_text(&stage, "out", "a"), "x|1");
}
END_TEST

/* Kafka Streams restores such a record. */
START_TEST(what_the_handler_let_go_does_not_come_back)
{
    stage_set(&stage, "deserialization.exception.handler", "continue");
    ks_topology_free(topology);
    topology = make_topology(ks_serde_i64(), KS_DEFAULT, 0);
    start();
    stage_feed(&stage, "users", "a", "no number");
    stage_feed(&stage, "users", "b", "8 bytes.");
    stage_await_count(&stage, app, "changes", 1);
    stop();
    forget_state();
    start();
    stage_feed(&stage, "orders", "a", "x");
    stage_feed(&stage, "orders", "b", "y");
    stage_await_count(&stage, app, "out", 1);
    stop();
    ck_assert_str_eq(stage_last_text(&stage, "out", "b"), "y|8 bytes.");
}
END_TEST

START_TEST(an_app_that_is_configured_otherwise_than_its_topology_is_refused)
{
    stage_set(&stage, "topology.optimization", "none");
    start();
    ck_assert_int_eq(ks_app_run(app), KS_ECONFIG);
    ck_assert_str_eq(ks_error_message(ks_app_error(app)),
                     "topology.optimization = \"none\", but the topology was built with "
                     "\"reuse.ktable.source.topics\"; give this configuration to "
                     "ks_builder_configure() before the build");
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("runtime/source changelog");
    TCase   *cases = tcase_create("source changelog");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, it_has_no_changelog_and_its_topic_is_left_alone, 0, 2);
    tcase_add_loop_test(cases, a_new_host_restores_it_from_the_source, 0, 2);
    tcase_add_loop_test(cases, what_was_not_read_yet_is_processed_not_restored, 0, 2);
    tcase_add_loop_test(cases, the_same_host_goes_on_where_it_stood, 0, 2);
    tcase_add_test(cases, without_a_changelog_of_its_own_it_is_restored_all_the_same);
    tcase_add_test(cases, a_versioned_table_is_restored_from_its_source);
    tcase_add_test(cases, what_the_handler_let_go_does_not_come_back);
    tcase_add_test(cases, an_app_that_is_configured_otherwise_than_its_topology_is_refused);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
