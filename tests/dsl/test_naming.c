/* SPDX-License-Identifier: Apache-2.0
 *
 * test_naming.c - names, repartition topics and sub-topologies are those of Kafka Streams.
 */
#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>
#include <string.h>

static bool keep(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_status visit(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_status map(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_status choose(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)record, (void)io, (void)user;
    return KS_OK;
}

/* Build, compare the text, free all. */
static void assert_describes(ks_builder *b, const char *expected)
{
    ks_topology *topology;
    ks_status    status = ks_builder_build(b, &topology);
    char        *text;

    ck_assert_msg(status == KS_OK, "%s", ks_error_message(ks_topology_error(topology)));
    text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(text, expected);
    ks_text_free(text);
    ks_topology_free(topology);
    ks_builder_free(b);
}

static ks_status join_sides(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                            ks_bytes *out, void *user)
{
    (void)ctx, (void)left, (void)right, (void)out, (void)user;
    return KS_OK;
}

static void join_itself(ks_stream *s, const char *topic)
{
    ks_stream_to(ks_stream_join_stream(s, s, KS_WITHIN(.difference_ms = 5), join_sides, NULL, NULL),
                 topic, NULL);
}

/* Sub-topologies are numbered by their first node, so it matters for the directories of tasks. */
START_TEST(a_topic_that_joins_share_stands_where_the_first_one_put_it)
{
    ks_builder  *b = ks_builder_new();
    ks_stream   *s = ks_stream_select_key(ks_builder_stream(b, "in", NULL), choose, NULL, NULL);
    ks_topology *topology;
    char        *text;

    join_itself(s, "out");
    ks_stream_to(ks_builder_stream(b, "other", NULL), "out2", NULL);
    join_itself(s, "out3");
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    ck_assert_ptr_nonnull(strstr(text,
                                 "  Sub-topology: 1\n"
                                 "    Source: KSTREAM-SOURCE-0000000004 (topics: "
                                 "[KSTREAM-KEY-SELECT-0000000001-repartition])\n"));
    ck_assert_ptr_nonnull(strstr(text,
                                 "  Sub-topology: 2\n"
                                 "    Source: KSTREAM-SOURCE-0000000014 (topics: [other])\n"));
    ks_text_free(text);
    ks_topology_free(topology);
    ks_builder_free(b);
}
END_TEST

START_TEST(operators_take_indexes_in_order_of_declaration)
{
    ks_builder *b = ks_builder_new();
    ks_stream  *s = ks_builder_stream(b, "in", NULL);

    s = ks_stream_filter(s, keep, NULL, NULL);
    s = ks_stream_map_values(s, map, NULL, NULL);
    ks_stream_foreach(s, visit, NULL, NULL);
    ks_stream_to(s, "out", NULL);
    assert_describes(b,
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-FILTER-0000000001\n"
                     "    Processor: KSTREAM-FILTER-0000000001 (stores: [])\n"
                     "      --> KSTREAM-MAPVALUES-0000000002\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-MAPVALUES-0000000002 (stores: [])\n"
                     "      --> KSTREAM-FOREACH-0000000003, KSTREAM-SINK-0000000004\n"
                     "      <-- KSTREAM-FILTER-0000000001\n"
                     "    Processor: KSTREAM-FOREACH-0000000003 (stores: [])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-MAPVALUES-0000000002\n"
                     "    Sink: KSTREAM-SINK-0000000004 (topic: out)\n"
                     "      <-- KSTREAM-MAPVALUES-0000000002\n\n");
}
END_TEST

START_TEST(a_given_name_still_takes_an_index)
{
    ks_builder *b = ks_builder_new();
    ks_stream  *s = ks_builder_stream(b, "in", NULL);

    s = ks_stream_filter(s, keep, NULL, KS_NAMED("big"));
    ks_stream_to(s, "out", NULL);
    assert_describes(b,
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> big\n"
                     "    Processor: big (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000002\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Sink: KSTREAM-SINK-0000000002 (topic: out)\n"
                     "      <-- big\n\n");
}
END_TEST

START_TEST(a_repartition_cuts_the_topology)
{
    ks_builder *b = ks_builder_new();
    ks_stream  *s = ks_builder_stream(b, "in", NULL);

    s = ks_stream_select_key(s, choose, NULL, NULL);
    s = ks_stream_repartition(s, KS_REPARTITIONED(.name = "mid"));
    s = ks_stream_map_values(s, map, NULL, NULL);
    ks_stream_to(s, "out", NULL);
    assert_describes(b,
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> mid-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: mid-repartition-filter (stores: [])\n"
                     "      --> mid-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: mid-repartition-sink (topic: mid-repartition)\n"
                     "      <-- mid-repartition-filter\n\n"
                     "  Sub-topology: 1\n"
                     "    Source: mid-repartition-source (topics: [mid-repartition])\n"
                     "      --> KSTREAM-MAPVALUES-0000000005\n"
                     "    Processor: KSTREAM-MAPVALUES-0000000005 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000006\n"
                     "      <-- mid-repartition-source\n"
                     "    Sink: KSTREAM-SINK-0000000006 (topic: out)\n"
                     "      <-- KSTREAM-MAPVALUES-0000000005\n\n");
}
END_TEST

START_TEST(branches_are_named_after_their_split)
{
    ks_builder *b = ks_builder_new();
    ks_split   *split = ks_stream_split(ks_builder_stream(b, "in", NULL), KS_NAMED("sp-"));

    ks_stream_to(ks_split_branch(split, keep, NULL, KS_NAMED("a")), "a", NULL);
    ks_stream_to(ks_split_branch(split, keep, NULL, NULL), "b", NULL);
    ks_stream_to(ks_split_default(split, NULL), "c", NULL);
    assert_describes(b,
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> sp-\n"
                     "    Processor: sp- (stores: [])\n"
                     "      --> sp-0, sp-2, sp-a\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: sp-0 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000007\n"
                     "      <-- sp-\n"
                     "    Processor: sp-2 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000005\n"
                     "      <-- sp-\n"
                     "    Processor: sp-a (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000003\n"
                     "      <-- sp-\n"
                     "    Sink: KSTREAM-SINK-0000000003 (topic: a)\n"
                     "      <-- sp-a\n"
                     "    Sink: KSTREAM-SINK-0000000005 (topic: b)\n"
                     "      <-- sp-2\n"
                     "    Sink: KSTREAM-SINK-0000000007 (topic: c)\n"
                     "      <-- sp-0\n\n");
}
END_TEST

START_TEST(two_streams_of_one_topic_share_its_source)
{
    ks_builder *b = ks_builder_new();

    ks_stream_to(ks_builder_stream(b, "in", NULL), "a", NULL);
    ks_stream_to(ks_builder_stream(b, "in", NULL), "b", NULL);
    assert_describes(b,
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-SINK-0000000001, KSTREAM-SINK-0000000003\n"
                     "    Sink: KSTREAM-SINK-0000000001 (topic: a)\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Sink: KSTREAM-SINK-0000000003 (topic: b)\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n\n");
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("naming");
    TCase   *cases = tcase_create("naming");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_test(cases, operators_take_indexes_in_order_of_declaration);
    tcase_add_test(cases, a_topic_that_joins_share_stands_where_the_first_one_put_it);
    tcase_add_test(cases, a_given_name_still_takes_an_index);
    tcase_add_test(cases, a_repartition_cuts_the_topology);
    tcase_add_test(cases, branches_are_named_after_their_split);
    tcase_add_test(cases, two_streams_of_one_topic_share_its_source);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
