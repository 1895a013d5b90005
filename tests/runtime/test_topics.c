/* SPDX-License-Identifier: Apache-2.0
 *
 * test_topics.c - how many partitions topics get, which are created, what is refused.
 */
#include "log/cluster.h"
#include "runtime/topics.h"
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>
#include <string.h>

static struct stage        stage;
static struct ks__settings settings;
static struct ks__cluster *cluster;
static struct ks__topics   topics;
static ks_topology        *topology;
static ks_error            failure;

static void setup(void)
{
    struct ks__cluster_options options = { .clock = NULL };

    failure = (ks_error){ .status = KS_OK };
    stage_open(&stage, STAGE_MEMORY);
    ck_assert_int_eq(ks__settings_read(&settings, stage.config, false, &failure), KS_OK);
    ck_assert_int_eq(ks__cluster_open(&cluster, stage.address, &options, &failure), KS_OK);
}

static void teardown(void)
{
    ks__topics_release(&topics);
    ks_topology_free(topology);
    ks__cluster_close(cluster);
    ks__settings_release(&settings);
    stage_close(&stage);
}

static ks_status plan(ks_topology *made)
{
    topology = made;
    ks__topics_init(&topics, topology, &settings);
    return ks__topics_plan(&topics, cluster, 0, &failure);
}

static ks_status plan_again(void)
{
    ks__topics_release(&topics);
    failure = (ks_error){ .status = KS_OK };
    ks__topics_init(&topics, topology, &settings);
    return ks__topics_plan(&topics, cluster, 0, &failure);
}

static ks_status by_value(ks_ctx *ctx, const ks_record *record, ks_bytes *key, void *user)
{
    (void)ctx, (void)user;
    *key = record->value;
    return KS_OK;
}

static ks_status take_right(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                            ks_bytes *out, void *user)
{
    (void)ctx, (void)left, (void)user;
    *out = right->value;
    return KS_OK;
}

/* A stream, given another key or not, joined with a table. */
static ks_topology *join_topology(bool rekey, int32_t partitions)
{
    ks_builder  *b = ks_builder_new();
    ks_table    *table = ks_builder_table(b, "table", NULL, KS_MATERIALIZED(.store = "rows"));
    ks_stream   *stream = ks_builder_stream(b, "stream", NULL);
    ks_topology *made;

    if (rekey)
        stream = ks_stream_select_key(stream, by_value, NULL, NULL);
    if (partitions > 0)
        stream = ks_stream_repartition(
            stream, KS_REPARTITIONED(.name = "fixed", .partitions = partitions));
    stream = ks_stream_join_table(stream, table, take_right, NULL, KS_JOINED(.name = "join"));
    ks_stream_to(stream, "out", NULL);
    ck_assert_msg(ks_builder_build(b, &made) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    return made;
}

START_TEST(repartition_topics_have_as_many_partitions_as_their_input)
{
    stage_topic(&stage, "lines", 5);
    ck_assert_int_eq(plan(stage_word_count()), KS_OK);
    ck_assert_int_eq(ks__topics_partitions(&topics, "lines"), 5);
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-by-repartition"), 5);
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-counts-changelog"), 5);
    ck_assert_uint_eq(topics.input_count, 2);
    ck_assert_int_eq(topics.tasks[0], 5);
    ck_assert_int_eq(topics.tasks[1], 5);
}
END_TEST

START_TEST(a_second_plan_finds_everything_there)
{
    stage_topic(&stage, "lines", 2);
    ck_assert_int_eq(plan(stage_word_count()), KS_OK);
    ck_assert_int_eq(plan_again(), KS_OK);
    ck_assert_int_eq(topics.tasks[1], 2);
}
END_TEST

START_TEST(a_repartition_topic_beside_a_table_takes_the_table_s_count)
{
    stage_topic(&stage, "table", 3);
    stage_topic(&stage, "stream", 7);
    ck_assert_msg(plan(join_topology(true, 0)) == KS_OK, "%s", failure.message);
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-join-repartition"), 3);
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-rows-changelog"), 3);
}
END_TEST

START_TEST(a_given_count_that_does_not_fit_is_refused)
{
    stage_topic(&stage, "table", 3);
    stage_topic(&stage, "stream", 3);
    ck_assert_int_eq(plan(join_topology(true, 4)), KS_ETOPOLOGY);
    ck_assert_str_eq(failure.message,
                     "topics \"table\" (3 partitions) and \"wc-fixed-repartition\" (4) of \"join\" "
                     "must have equally many partitions; repartition one of them");
    ck_assert_str_eq(failure.node, "join");
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-fixed-repartition"), 0);  /* I1 */
}
END_TEST

START_TEST(joined_topics_of_unequal_counts_are_refused)
{
    stage_topic(&stage, "table", 3);
    stage_topic(&stage, "stream", 4);
    ck_assert_int_eq(plan(join_topology(false, 0)), KS_ETOPOLOGY);
    ck_assert_str_eq(failure.message,
                     "topics \"table\" (3 partitions) and \"stream\" (4) of \"join\" must have "
                     "equally many partitions; repartition one of them");
    ck_assert_str_eq(failure.node, "join");
}
END_TEST

START_TEST(an_internal_topic_of_too_long_a_name_is_refused)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *made;
    char         store[250];

    memset(store, 's', sizeof(store) - 1);
    store[sizeof(store) - 1] = '\0';
    stage_topic(&stage, "lines", 1);
    ks_grouped_stream_count(ks_stream_group_by_key(ks_builder_stream(b, "lines", NULL), NULL),
                            KS_MATERIALIZED(.store = store));
    ck_assert_int_eq(ks_builder_build(b, &made), KS_OK);
    ks_builder_free(b);
    ck_assert_int_eq(plan(made), KS_ETOPOLOGY);
    ck_assert_ptr_nonnull(strstr(failure.message,
                                 "-changelog\" has a name of 262 characters, 249 is the limit; "
                                 "shorten application.id or the name of the store or operator"));
}
END_TEST

START_TEST(an_unknown_topic_stops_the_plan_before_anything_is_created)
{
    ck_assert_int_eq(plan(stage_word_count()), KS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(failure.message, "\"lines\""));
    ck_assert_int_eq(ks_log_partitions(stage.log, "wc-by-repartition"), 0);
    stage_topic(&stage, "lines", 1);
    ck_assert_int_eq(plan_again(), KS_OK);
}
END_TEST

START_TEST(an_internal_topic_of_another_count_is_refused)
{
    stage_topic(&stage, "lines", 2);
    stage_topic(&stage, "wc-counts-changelog", 3);
    ck_assert_int_eq(plan(stage_word_count()), KS_ETOPOLOGY);
    ck_assert_ptr_nonnull(strstr(failure.message, "wc-counts-changelog"));
}
END_TEST

START_TEST(a_name_is_complete_with_the_application_s_prefix)
{
    struct ks__topic_ref internal = { .name = "x-repartition", .internal = true };
    struct ks__topic_ref user = { .name = "x", .internal = false };
    char                *name = ks__topic_full_name(&internal, "app");

    ck_assert_str_eq(name, "app-x-repartition");
    ck_assert(ks__topic_is(&internal, "app", name));
    ck_assert(!ks__topic_is(&internal, "ap", name));
    ck_assert(!ks__topic_is(&internal, "app", "x-repartition"));
    ck_assert(ks__topic_is(&user, "app", "x"));
    ck_assert(!ks__topic_is(&user, "app", "app-x"));
    ks__free(name);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("runtime/topics");
    TCase   *tcase = tcase_create("topics");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, repartition_topics_have_as_many_partitions_as_their_input);
    tcase_add_test(tcase, a_second_plan_finds_everything_there);
    tcase_add_test(tcase, a_repartition_topic_beside_a_table_takes_the_table_s_count);
    tcase_add_test(tcase, a_given_count_that_does_not_fit_is_refused);
    tcase_add_test(tcase, joined_topics_of_unequal_counts_are_refused);
    tcase_add_test(tcase, an_internal_topic_of_too_long_a_name_is_refused);
    tcase_add_test(tcase, an_unknown_topic_stops_the_plan_before_anything_is_created);
    tcase_add_test(tcase, an_internal_topic_of_another_count_is_refused);
    tcase_add_test(tcase, a_name_is_complete_with_the_application_s_prefix);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
