/* SPDX-License-Identifier: Apache-2.0
 *
 * test_thread_topics.c - an app follows the topics that a pattern matches.
 */
#include "app_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const guarantees[] = { "at_least_once", "exactly_once_v2", "at_most_once" };

/* Words of all topics that match, counted over a repartition topic. */
static ks_topology *count_matching(const char *pattern)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *made;
    ks_stream   *in = ks_builder_stream_pattern(
        b, pattern, KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()));
    ks_table    *t = ks_grouped_stream_count(ks_stream_group_by_key(in, NULL),
                                             KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(t, NULL), "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &made), KS_OK);
    ks_builder_free(b);
    return made;
}

static void setup(void)
{
    app_setup();
    ks_topology_free(topology);
    topology = count_matching("in-.*");
    stage_set(&stage, "metadata.max.age.ms", "20");
}

static void feed_all(const char *topic, int keys)
{
    char key[16];

    for (int i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        stage_append(&stage, topic, key, "v");
    }
    stage_flush(&stage);
}

static void await_all(ks_app *stepped, int keys, int64_t count)
{
    char key[16];

    for (int i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        stage_await_i64(&stage, stepped, "totals", key, count);
    }
}

START_TEST(a_topic_that_comes_is_read_by_all_threads)
{
    stage_close(&stage);
    stage_open(&stage, _i % 2 == 0 ? STAGE_MEMORY : STAGE_EMBEDDED);
    stage_set(&stage, "metadata.max.age.ms", "20");
    stage_set(&stage, "num.stream.threads", "3");
    stage_set(&stage, "log.sync", "false");
    stage_set(&stage, "processing.guarantee", guarantees[_i / 2]);
    stage_topic(&stage, "totals", 1);
    stage_topic(&stage, "in-a", 4);
    stage_topic(&stage, "other", 4);
    start_app();
    feed_all("in-a", 20);
    feed_all("other", 20);
    await_all(NULL, 20, 1);
    stage_topic(&stage, "in-b", 4);
    feed_all("in-b", 20);
    await_all(NULL, 20, 2);
    stage_topic(&stage, "in-c", 4);
    feed_all("in-a", 20);
    feed_all("in-c", 20);
    await_all(NULL, 20, 4);
    close_app();
    start_app();
    feed_all("in-b", 20);
    await_all(NULL, 20, 5);
    close_app();
}
END_TEST

START_TEST(an_app_without_a_topic_runs_and_waits)
{
    make_app();
    stage_await_state(app, app, KS_APP_RUNNING);
    stage_topic(&stage, "in-a", 2);
    feed_all("in-a", 5);
    await_all(app, 5, 1);
    close_app();
}
END_TEST

START_TEST(topics_of_the_app_itself_never_match)
{
    ks_topology_free(topology);
    topology = count_matching("in-.*|wc-.*");
    stage_topic(&stage, "in-a", 1);
    make_app();
    feed_all("in-a", 5);
    await_all(app, 5, 1);
    for (int i = 0; i < 50; i++)
        stage_pause(app);
    await_all(app, 5, 1);
    ck_assert_uint_eq(stage_count(&stage, "totals"), 5);
    close_app();
}
END_TEST

START_TEST(what_a_pattern_feeds_is_missing_beside_what_a_name_feeds)
{
    ks_builder *b = ks_builder_new();
    ks_stream  *named = ks_builder_stream(b, "lines", KS_CONSUMED(.key = ks_serde_utf8()));
    ks_stream  *matched = ks_builder_stream_pattern(b, "in-.*", NULL);

    matched = ks_stream_repartition(matched, KS_REPARTITIONED(.name = "part"));
    ks_stream_to(ks_stream_merge(named, matched, NULL), "totals", NULL);
    ks_topology_free(topology);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    make_app();
    stage_feed(&stage, "lines", "k", "v");
    stage_await_count(&stage, app, "totals", 1);
    stage_topic(&stage, "in-a", 1);
    stage_feed(&stage, "in-a", "k", "w");
    stage_await_count(&stage, app, "totals", 2);
    close_app();
}
END_TEST

START_TEST(topics_of_unequal_partitions_are_one_stream_on_one_thread)
{
    stage_topic(&stage, "in-a", 1);
    stage_topic(&stage, "in-b", 3);
    ks_topology_free(topology);
    topology = count_matching("in-.*");
    stage_set(&stage, "statestore.cache.max.bytes", "0");
    make_app();
    feed_all("in-a", 9);
    feed_all("in-b", 9);
    stage_await_count(&stage, app, "totals", 18);
    close_app();
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("thread_topics");
    TCase   *cases  = tcase_create("patterns");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, setup, app_teardown);
    tcase_add_loop_test(cases, a_topic_that_comes_is_read_by_all_threads, 0, 6);
    tcase_add_test(cases, an_app_without_a_topic_runs_and_waits);
    tcase_add_test(cases, topics_of_the_app_itself_never_match);
    tcase_add_test(cases, what_a_pattern_feeds_is_missing_beside_what_a_name_feeds);
    tcase_add_test(cases, topics_of_unequal_partitions_are_one_stream_on_one_thread);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
