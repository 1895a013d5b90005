/* SPDX-License-Identifier: Apache-2.0
 *
 * test_patterns.c - sources that read all topics which a regular expression matches.
 */
#include "dsl/flow.h"

#include <string.h>

static ks_stream *matching(const char *pattern)
{
    return ks_builder_stream_pattern(flow.b, pattern,
                                     KS_CONSUMED(.key = ks_serde_utf8(),
                                                 .value = ks_serde_utf8()));
}

static void assert_refused(ks_status status, const char *text)
{
    ck_assert_int_eq(ks_error_status(ks_builder_error(flow.b)), status);
    ck_assert_msg(strstr(ks_error_message(ks_builder_error(flow.b)), text) != NULL, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
}

START_TEST(topics_that_match_are_one_stream)
{
    ks_stream_to(matching("in-[a-z]+"), "out", NULL);
    flow_start();
    feed("in-a", "k", "1", 1);
    feed("in-b", "k", "2", 2);
    feed("in-a", "k", "3", 3);
    expect("out", "k", "1", 1);
    expect("out", "k", "2", 2);
    expect("out", "k", "3", 3);
    expect_nothing("out");
}
END_TEST

START_TEST(the_whole_name_has_to_match)
{
    const ks_record record = { KS_NULL, KS_TEXT("v"), 0, NULL, NULL };

    ks_stream_to(matching("a|in"), "out", NULL);
    flow_start();
    ck_assert_int_eq(ks_driver_pipe(flow.driver, "in-a", &record), KS_ENOTFOUND);
    ck_assert_int_eq(ks_driver_pipe(flow.driver, "ain", &record), KS_ENOTFOUND);
    feed("in", "k", "v", 1);
    feed("a", "k", "w", 2);
    expect("out", "k", "v", 1);
    expect("out", "k", "w", 2);
}
END_TEST

START_TEST(state_is_kept_when_a_topic_comes)
{
    ks_table *t = ks_grouped_stream_count(
        ks_stream_group_by_key(ks_stream_repartition(matching("in-.*"), NULL), NULL),
        KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(t, NULL), "out", NULL);
    flow_start_kept(NULL);
    feed("in-a", "k", "v", 1);
    feed("in-b", "k", "v", 2);
    flow_reopen();
    feed("in-b", "k", "v", 3);
    flow_move();
    feed("in-c", "k", "v", 4);
    for (int64_t n = 1; n <= 4; n++)
        expect_i64("out", "k", n, n);
    expect_nothing("out");
}
END_TEST

START_TEST(a_source_with_a_name_of_its_own_stands_beside)
{
    ks_table *t = text_table("table", "t");

    ks_stream_to(ks_stream_join_table(matching("in-.*"), t, join_texts, NULL, NULL), "out", NULL);
    flow_start();
    feed("table", "k", "T", 1);
    feed("in-x", "k", "v", 2);
    expect("out", "k", "v|T@1", 2);
}
END_TEST

START_TEST(the_topology_api_reads_patterns_too)
{
    ks_builder_add_source_pattern(flow.b, "src", "in-.*", NULL);
    ks_builder_add_sink(flow.b, "snk", "out", NULL, KS_CONNECTED(.parents = { "src" }));
    flow_start();
    feed("in-1", "k", "v", 1);
    expect("out", "k", "v", 1);
}
END_TEST

START_TEST(the_text_is_as_kafka_describes_it)
{
    char *text;

    ks_grouped_stream_count(ks_stream_group_by_key(matching("in-.*"), NULL), NULL);
    ks_stream_to(matching("in-.*"), "out", NULL);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(text,
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: in-.*)\n"
                     "      --> KSTREAM-AGGREGATE-0000000002, KSTREAM-SINK-0000000004\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000002 (stores: "
                     "[KSTREAM-AGGREGATE-STATE-STORE-0000000001])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Sink: KSTREAM-SINK-0000000004 (topic: out)\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n\n");
    ks_text_free(text);
}
END_TEST

/* ---- mistakes ---- */

START_TEST(a_pattern_that_is_none_is_refused)
{
    matching("in-(");
    assert_refused(KS_EINVAL, "\"in-(\" is no extended regular expression");
}
END_TEST

START_TEST(no_pattern_is_refused)
{
    matching("");
    assert_refused(KS_EINVAL, "a pattern");
}
END_TEST

START_TEST(a_pattern_of_a_topic_that_is_read_is_refused)
{
    text_stream("in-1");
    matching("in-.*");
    assert_refused(KS_ETOPOLOGY,
                   "pattern \"in-.*\" matches one that \"KSTREAM-SOURCE-0000000000\" reads");
}
END_TEST

START_TEST(a_topic_of_a_pattern_is_refused)
{
    matching("in-.*");
    text_table("in-1", "t");
    assert_refused(KS_ETOPOLOGY,
                   "topic \"in-1\" is one that \"KSTREAM-SOURCE-0000000000\" reads");
}
END_TEST

START_TEST(a_topic_that_two_patterns_match_fails)
{
    const ks_record record = { KS_NULL, KS_TEXT("v"), 0, NULL, NULL };

    ks_stream_to(matching("in-.*"), "out", NULL);
    ks_stream_to(matching(".*-1"), "out", NULL);
    flow_start();
    feed("in-2", "k", "v", 1);
    expect("out", "k", "v", 1);
    ck_assert_int_eq(ks_driver_pipe(flow.driver, "in-1", &record), KS_ETOPOLOGY);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)),
                                 "matched by two patterns, \"in-.*\" and \".*-1\""));
}
END_TEST

FLOW_MAIN("patterns", topics_that_match_are_one_stream, the_whole_name_has_to_match,
          state_is_kept_when_a_topic_comes, a_source_with_a_name_of_its_own_stands_beside,
          the_topology_api_reads_patterns_too, the_text_is_as_kafka_describes_it,
          a_pattern_that_is_none_is_refused, no_pattern_is_refused,
          a_pattern_of_a_topic_that_is_read_is_refused, a_topic_of_a_pattern_is_refused,
          a_topic_that_two_patterns_match_fails)
