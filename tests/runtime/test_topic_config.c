/* SPDX-License-Identifier: Apache-2.0
 *
 * test_topic_config.c - what internal topics are created with, as Kafka Streams creates them.
 */
#include "runtime/topic_config.h"
#include "topology/graph.h"

#include <check.h>
#include <kstream/kstream.h>
#include <kstream/sys/store.h>
#include <stdlib.h>

static ks_builder         *b;
static ks_topology        *topology;
static ks_config          *config;
static struct ks__settings settings;
static struct ks__buffer   text;

static void setup(void)
{
    b        = ks_builder_new();
    topology = NULL;
    config   = ks_config_new();
    ks_config_set(config, "application.id", "app");
}

static void teardown(void)
{
    ks__buffer_release(&text);
    ks__settings_release(&settings);
    ks_config_free(config);
    ks_topology_free(topology);
    ks_builder_free(b);
}

static void build(void)
{
    ks_error error = { .status = KS_OK };

    ck_assert_msg(ks_builder_build(b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ck_assert_int_eq(ks__settings_read(&settings, config, false, &error), KS_OK);
}

/* Of the changelog of a store; NULL = of a repartition topic. */
static struct ks__topic_spec config_of(const char *store)
{
    struct ks__topic_spec spec  = { .name = "x" };
    ks_error              error = { .status = KS_OK };

    ck_assert_int_eq(ks__topic_config(store != NULL ? ks__topology_store(topology, store) : NULL,
                                      &settings, &text, &spec, &error),
                     KS_OK);
    return spec;
}

/* A topology needs a source. */
static void pass_through(void)
{
    ks_builder_add_source(b, "src", (const char *const[]){ "in" }, 1, NULL);
    ks_builder_add_sink(b, "snk", "out", NULL, KS_CONNECTED(.parents = { "src" }));
}

static ks_grouped_stream *group(void)
{
    return ks_stream_group_by_key(ks_builder_stream(b, "in", NULL), NULL);
}

START_TEST(topics_are_as_kafka_makes_them)
{
    struct ks__topic_spec spec;

    ks_grouped_stream_count(group(), KS_MATERIALIZED(.store = "rows"));
    ks_windowed_stream_count(ks_grouped_stream_windowed_by(
                                 group(), KS_TUMBLING(.size_ms = 1000, .grace_ms = 500)),
                             KS_MATERIALIZED(.store = "windows"));
    ks_builder_table(b, "table", NULL,
                     KS_MATERIALIZED(.store = "versions", .history_ms = 1000));
    build();
    spec = config_of("rows");
    ck_assert_str_eq(spec.config, "message.timestamp.type=CreateTime\ncleanup.policy=compact\n");
    ck_assert(spec.compacted && spec.retention_ms == -1);
    spec = config_of("windows");
    ck_assert_str_eq(spec.config, "message.timestamp.type=CreateTime\n"
                                  "cleanup.policy=compact,delete\nretention.ms=86401500\n");
    ck_assert(spec.compacted && spec.retention_ms == 86401500);
    ck_assert_str_eq(config_of("versions").config,
                     "message.timestamp.type=CreateTime\ncleanup.policy=compact\n"
                     "min.compaction.lag.ms=86401000\n");
    spec = config_of(NULL);
    ck_assert_str_eq(spec.config, "message.timestamp.type=CreateTime\ncleanup.policy=delete\n"
                                  "segment.bytes=52428800\nretention.ms=-1\n");
    ck_assert(!spec.compacted && spec.retention_ms == -1);
}
END_TEST

START_TEST(properties_count_more_than_ours_but_not_for_the_rows_of_a_store)
{
    ks_config_set(config, "topic.min.insync.replicas", "2");
    ks_config_set(config, "topic.retention.ms", "7");
    ks_config_set(config, "topic.cleanup.policy", "delete");
    ks_config_set(config, "windowstore.changelog.additional.retention.ms", "1");
    ks_builder_add_window_store(b, KS_WINDOW_STORE("windows", .retention_ms = 10));
    ks_builder_add_store(b, KS_KV_STORE("rows"));
    pass_through();
    build();
    ck_assert_str_eq(config_of("windows").config,
                     "message.timestamp.type=CreateTime\nmin.insync.replicas=2\n"
                     "cleanup.policy=delete\nretention.ms=11\n");
    ck_assert_str_eq(config_of("rows").config,
                     "message.timestamp.type=CreateTime\nmin.insync.replicas=2\nretention.ms=7\n"
                     "cleanup.policy=delete\n");
    ck_assert(!config_of("rows").compacted);
    ck_assert_str_eq(config_of(NULL).config,
                     "message.timestamp.type=CreateTime\nsegment.bytes=52428800\n"
                     "min.insync.replicas=2\nretention.ms=7\ncleanup.policy=delete\n");
}
END_TEST

START_TEST(what_a_store_says_counts_most)
{
    ks_config_set(config, "topic.retention.ms", "7");
    ks_config_set(config, "topic.segment.ms", "8");
    ks_builder_add_window_store(
        b, KS_WINDOW_STORE("windows", .retention_ms = 10,
                           .topic_config = "cleanup.policy=delete,compact,retention.ms=5"));
    pass_through();
    build();
    ck_assert_str_eq(config_of("windows").config,
                     "message.timestamp.type=CreateTime\nsegment.ms=8\n"
                     "cleanup.policy=delete,compact\nretention.ms=5\n");
    ck_assert(config_of("windows").compacted);
    ck_assert_int_eq(config_of("windows").retention_ms, 5);
}
END_TEST

START_TEST(retention_does_not_overflow)
{
    ks_builder_add_window_store(b, KS_WINDOW_STORE("windows", .retention_ms = INT64_MAX));
    pass_through();
    build();
    ck_assert_int_eq(config_of("windows").retention_ms, INT64_MAX);
}
END_TEST

static ks_status drop_value(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)ctx, (void)user;
    *acc = record->value;
    return KS_OK;
}

static ks_status first(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                       void *user)
{
    (void)ctx, (void)right, (void)user;
    *out = left->value;
    return KS_OK;
}

START_TEST(all_options_with_a_changelog_take_it)
{
    ks_stream *s = ks_builder_stream(b, "in", NULL);
    ks_table  *t = ks_grouped_stream_reduce(ks_stream_group_by_key(s, NULL), drop_value, NULL,
                                            KS_MATERIALIZED(.store = "reduced",
                                                            .topic_config = "a=1"));

    ks_stream_join_stream(s, ks_builder_stream(b, "other", NULL), KS_WITHIN(.difference_ms = 1),
                          first, NULL,
                          KS_STREAM_JOINED(.store = "join", .topic_config = "a=1"));
    ks_stream_distinct(s, NULL, NULL,
                       KS_DISTINCT(.store = "seen", .within_ms = 5, .topic_config = "a=1"));
    ks_table_suppress(t, KS_SUPPRESSED(.name = "held", .limit_ms = 1, .topic_config = "a=1"));
    ks_builder_add_session_store(b, KS_SESSION_STORE("sessions", .retention_ms = 1,
                                                     .topic_config = "a=1"));
    ks_builder_add_versioned_store(b, KS_VERSIONED_STORE("versions", .topic_config = "a=1"));
    ks_builder_add_store(b, KS_KV_STORE("rows", .topic_config = "a=1"));
    build();
    for (size_t i = 0; i < topology->store_count; i++)
        ck_assert_msg(topology->stores[i]->topic_config != NULL, "%s", topology->stores[i]->name);
    ck_assert_uint_ge(topology->store_count, 8);
    ck_assert_str_eq(ks__topology_store(topology, "reduced")->topic_config, "a=1\n");
}
END_TEST

static const char *const wrong[] = { "", "x", "=1", "a=1,=2", ",a=1", "A B=1", "a=1\nb=2" };

START_TEST(what_is_no_list_of_settings_is_refused)
{
    ks_builder_add_store(b, KS_KV_STORE("rows", .topic_config = wrong[_i]));
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_EINVAL);
}
END_TEST

START_TEST(a_changelog_that_is_off_has_no_settings)
{
    ks_builder_add_store(b, KS_KV_STORE("rows", .changelog = KS_OFF, .topic_config = "a=1"));
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_EINVAL);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("topic_config");
    TCase   *cases  = tcase_create("topic_config");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, topics_are_as_kafka_makes_them);
    tcase_add_test(cases, properties_count_more_than_ours_but_not_for_the_rows_of_a_store);
    tcase_add_test(cases, what_a_store_says_counts_most);
    tcase_add_test(cases, retention_does_not_overflow);
    tcase_add_test(cases, all_options_with_a_changelog_take_it);
    tcase_add_loop_test(cases, what_is_no_list_of_settings_is_refused, 0,
                        sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_test(cases, a_changelog_that_is_off_has_no_settings);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
