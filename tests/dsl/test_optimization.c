/* SPDX-License-Identifier: Apache-2.0
 *
 * test_optimization.c - how topology.optimization rewrites a topology: the texts are those of Kafka
 * Streams 4.3.1, up to the last ones, which it gets wrong or refuses.
 */
#include "dsl/flow.h"

#include <string.h>

#define NEAR KS_WITHIN(.difference_ms = 5, .grace_ms = 5)

/* ---- declarations ---- */

static bool accept(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_status look(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_status keep_all(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_stream *by_value(ks_stream *s)
{
    return ks_stream_select_key(s, key_from_value, NULL, NULL);
}

static ks_stream *filter(ks_stream *s)
{
    return ks_stream_filter(s, accept, NULL, NULL);
}

static ks_table *count(ks_stream *s, const char *store)
{
    return ks_grouped_stream_count(ks_stream_group_by_key(s, NULL),
                                   KS_MATERIALIZED(.store = store));
}

static ks_table *reduce(ks_stream *s, const char *store)
{
    return ks_grouped_stream_reduce(ks_stream_group_by_key(s, NULL), concat, NULL,
                                    KS_MATERIALIZED(.store = store));
}

static void count_to(ks_stream *s, const char *store, const char *topic)
{
    ks_stream_to(ks_table_to_stream(count(s, store), NULL), topic, NULL);
}

static void reduce_to(ks_stream *s, const char *store, const char *topic)
{
    ks_stream_to(ks_table_to_stream(reduce(s, store), NULL), topic, NULL);
}

/* ---- assertions ---- */

static void build(const char *how)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "topology.optimization", how);
    ks_builder_configure(flow.b, config);
    ks_config_free(config);
    ks_builder_build(flow.b, &flow.topology);
    ck_assert_str_eq(ks_error_message(ks_topology_error(flow.topology)), "");
}

static void assert_describes(const char *how, const char *expected)
{
    char *text;

    build(how);
    text = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(text, expected);
    ks_text_free(text);
}

/* Is this line in the description? */
static bool describes(const char *line)
{
    char *text  = ks_topology_describe(flow.topology, KS_DESCRIBE_TEXT);
    bool  found = strstr(text, line) != NULL;

    ks_text_free(text);
    return found;
}

/* ---- as Kafka Streams does ---- */

START_TEST(topics_behind_one_change_of_key_become_one)
{
    ks_stream *keyed = by_value(text_stream("in"));

    count_to(filter(keyed), "c1", "o1");
    reduce_to(keyed, "c2", "o2");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> c1-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: c1-repartition-filter (stores: [])\n"
                     "      --> c1-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: c1-repartition-sink (topic: c1-repartition)\n"
                     "      <-- c1-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: c1-repartition-source (topics: [c1-repartition])\n"
                     "      --> KSTREAM-FILTER-0000000002, KSTREAM-REDUCE-0000000009\n"
                     "    Processor: KSTREAM-FILTER-0000000002 (stores: [])\n"
                     "      --> KSTREAM-AGGREGATE-0000000003\n"
                     "      <-- c1-repartition-source\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000003 (stores: [c1])\n"
                     "      --> KTABLE-TOSTREAM-0000000007\n"
                     "      <-- KSTREAM-FILTER-0000000002\n"
                     "    Processor: KSTREAM-REDUCE-0000000009 (stores: [c2])\n"
                     "      --> KTABLE-TOSTREAM-0000000013\n"
                     "      <-- c1-repartition-source\n"
                     "    Processor: KTABLE-TOSTREAM-0000000007 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000008\n"
                     "      <-- KSTREAM-AGGREGATE-0000000003\n"
                     "    Processor: KTABLE-TOSTREAM-0000000013 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000014\n"
                     "      <-- KSTREAM-REDUCE-0000000009\n"
                     "    Sink: KSTREAM-SINK-0000000008 (topic: o1)\n"
                     "      <-- KTABLE-TOSTREAM-0000000007\n"
                     "    Sink: KSTREAM-SINK-0000000014 (topic: o2)\n"
                     "      <-- KTABLE-TOSTREAM-0000000013\n"
                     "\n");
}
END_TEST

START_TEST(a_single_topic_moves_up_to_the_change_of_key)
{
    ks_stream *keyed = filter(by_value(text_stream("in")));

    count(ks_stream_peek(keyed, look, NULL, NULL), "c1");
    assert_describes("merge.repartition.topics",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> c1-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: c1-repartition-filter (stores: [])\n"
                     "      --> c1-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: c1-repartition-sink (topic: c1-repartition)\n"
                     "      <-- c1-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: c1-repartition-source (topics: [c1-repartition])\n"
                     "      --> KSTREAM-FILTER-0000000002\n"
                     "    Processor: KSTREAM-FILTER-0000000002 (stores: [])\n"
                     "      --> KSTREAM-PEEK-0000000003\n"
                     "      <-- c1-repartition-source\n"
                     "    Processor: KSTREAM-PEEK-0000000003 (stores: [])\n"
                     "      --> KSTREAM-AGGREGATE-0000000004\n"
                     "      <-- KSTREAM-FILTER-0000000002\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000004 (stores: [c1])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-PEEK-0000000003\n"
                     "\n");
}
END_TEST

START_TEST(below_a_merge_of_streams_the_merge_is_the_place)
{
    ks_stream *one   = by_value(text_stream("in"));
    ks_stream *other = ks_stream_map(text_stream("in2"), keep_all, NULL, NULL);
    ks_stream *both  = ks_stream_merge(one, other, NULL);

    count_to(both, "c1", "o1");
    reduce(both, "c2");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Source: KSTREAM-SOURCE-0000000002 (topics: [in2])\n"
                     "      --> KSTREAM-MAP-0000000003\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> KSTREAM-MERGE-0000000004\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-MAP-0000000003 (stores: [])\n"
                     "      --> KSTREAM-MERGE-0000000004\n"
                     "      <-- KSTREAM-SOURCE-0000000002\n"
                     "    Processor: KSTREAM-MERGE-0000000004 (stores: [])\n"
                     "      --> c1-repartition-filter\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001, KSTREAM-MAP-0000000003\n"
                     "    Processor: c1-repartition-filter (stores: [])\n"
                     "      --> c1-repartition-sink\n"
                     "      <-- KSTREAM-MERGE-0000000004\n"
                     "    Sink: c1-repartition-sink (topic: c1-repartition)\n"
                     "      <-- c1-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: c1-repartition-source (topics: [c1-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000005, KSTREAM-REDUCE-0000000011\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000005 (stores: [c1])\n"
                     "      --> KTABLE-TOSTREAM-0000000009\n"
                     "      <-- c1-repartition-source\n"
                     "    Processor: KTABLE-TOSTREAM-0000000009 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000010\n"
                     "      <-- KSTREAM-AGGREGATE-0000000005\n"
                     "    Processor: KSTREAM-REDUCE-0000000011 (stores: [c2])\n"
                     "      --> none\n"
                     "      <-- c1-repartition-source\n"
                     "    Sink: KSTREAM-SINK-0000000010 (topic: o1)\n"
                     "      <-- KTABLE-TOSTREAM-0000000009\n"
                     "\n");
}
END_TEST

START_TEST(a_join_and_an_aggregation_share_a_topic)
{
    ks_stream *keyed = by_value(text_stream("in"));
    ks_table  *table = text_table("tab", NULL);

    ks_stream_to(ks_stream_join_table(keyed, table, join_texts, NULL, NULL), "o1", NULL);
    count_to(keyed, NULL, "o2");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001-repartition-filter (stores:"
                     " [])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: KSTREAM-KEY-SELECT-0000000001-repartition-sink (topic:"
                     " KSTREAM-KEY-SELECT-0000000001-repartition)\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: KSTREAM-KEY-SELECT-0000000001-repartition-source (topics:"
                     " [KSTREAM-KEY-SELECT-0000000001-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000011, KSTREAM-JOIN-0000000008\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000011 (stores:"
                     " [KSTREAM-AGGREGATE-STATE-STORE-0000000010])\n"
                     "      --> KTABLE-TOSTREAM-0000000015\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001-repartition-source\n"
                     "    Processor: KSTREAM-JOIN-0000000008 (stores:"
                     " [tab-STATE-STORE-0000000002])\n"
                     "      --> KSTREAM-SINK-0000000009\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001-repartition-source\n"
                     "    Source: KSTREAM-SOURCE-0000000003 (topics: [tab])\n"
                     "      --> KTABLE-SOURCE-0000000004\n"
                     "    Processor: KTABLE-TOSTREAM-0000000015 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000016\n"
                     "      <-- KSTREAM-AGGREGATE-0000000011\n"
                     "    Sink: KSTREAM-SINK-0000000009 (topic: o1)\n"
                     "      <-- KSTREAM-JOIN-0000000008\n"
                     "    Sink: KSTREAM-SINK-0000000016 (topic: o2)\n"
                     "      <-- KTABLE-TOSTREAM-0000000015\n"
                     "    Processor: KTABLE-SOURCE-0000000004 (stores:"
                     " [tab-STATE-STORE-0000000002])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-SOURCE-0000000003\n"
                     "\n");
}
END_TEST

START_TEST(a_topic_that_was_asked_for_stays)
{
    ks_stream *keyed = by_value(text_stream("in"));

    count(ks_stream_repartition(keyed, KS_REPARTITIONED(.name = "rr")), "c1");
    count(keyed, "c2");
    count(keyed, "c3");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> c2-repartition-filter, rr-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: c2-repartition-filter (stores: [])\n"
                     "      --> c2-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: rr-repartition-filter (stores: [])\n"
                     "      --> rr-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: c2-repartition-sink (topic: c2-repartition)\n"
                     "      <-- c2-repartition-filter\n"
                     "    Sink: rr-repartition-sink (topic: rr-repartition)\n"
                     "      <-- rr-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: c2-repartition-source (topics: [c2-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000006, KSTREAM-AGGREGATE-0000000010\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000006 (stores: [c2])\n"
                     "      --> none\n"
                     "      <-- c2-repartition-source\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000010 (stores: [c3])\n"
                     "      --> none\n"
                     "      <-- c2-repartition-source\n"
                     "\n"
                     "  Sub-topology: 2\n"
                     "    Source: rr-repartition-source (topics: [rr-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000005\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000005 (stores: [c1])\n"
                     "      --> none\n"
                     "      <-- rr-repartition-source\n"
                     "\n");
}
END_TEST

START_TEST(every_change_of_key_has_a_topic_of_its_own)
{
    ks_stream *keyed = by_value(text_stream("in")), *again;

    count(keyed, "c0");
    again = by_value(filter(keyed));
    count(again, "c1");
    count(again, "c2");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> KSTREAM-FILTER-0000000006, c0-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-FILTER-0000000006 (stores: [])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000007\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000007 (stores: [])\n"
                     "      --> c1-repartition-filter\n"
                     "      <-- KSTREAM-FILTER-0000000006\n"
                     "    Processor: c0-repartition-filter (stores: [])\n"
                     "      --> c0-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: c1-repartition-filter (stores: [])\n"
                     "      --> c1-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000007\n"
                     "    Sink: c0-repartition-sink (topic: c0-repartition)\n"
                     "      <-- c0-repartition-filter\n"
                     "    Sink: c1-repartition-sink (topic: c1-repartition)\n"
                     "      <-- c1-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: c0-repartition-source (topics: [c0-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000002\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000002 (stores: [c0])\n"
                     "      --> none\n"
                     "      <-- c0-repartition-source\n"
                     "\n"
                     "  Sub-topology: 2\n"
                     "    Source: c1-repartition-source (topics: [c1-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000008, KSTREAM-AGGREGATE-0000000012\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000008 (stores: [c1])\n"
                     "      --> none\n"
                     "      <-- c1-repartition-source\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000012 (stores: [c2])\n"
                     "      --> none\n"
                     "      <-- c1-repartition-source\n"
                     "\n");
}
END_TEST

START_TEST(what_comes_back_from_a_merged_topic_needs_none)
{
    ks_stream *keyed = by_value(text_stream("in"));
    ks_stream *back  = ks_table_to_stream(reduce(keyed, "c1"), NULL);

    reduce(ks_stream_merge(back, keyed, NULL), "c2");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> c1-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: c1-repartition-filter (stores: [])\n"
                     "      --> c1-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: c1-repartition-sink (topic: c1-repartition)\n"
                     "      <-- c1-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: c1-repartition-source (topics: [c1-repartition])\n"
                     "      --> KSTREAM-REDUCE-0000000002, KSTREAM-MERGE-0000000007\n"
                     "    Processor: KSTREAM-REDUCE-0000000002 (stores: [c1])\n"
                     "      --> KTABLE-TOSTREAM-0000000006\n"
                     "      <-- c1-repartition-source\n"
                     "    Processor: KTABLE-TOSTREAM-0000000006 (stores: [])\n"
                     "      --> KSTREAM-MERGE-0000000007\n"
                     "      <-- KSTREAM-REDUCE-0000000002\n"
                     "    Processor: KSTREAM-MERGE-0000000007 (stores: [])\n"
                     "      --> KSTREAM-REDUCE-0000000008\n"
                     "      <-- c1-repartition-source, KTABLE-TOSTREAM-0000000006\n"
                     "    Processor: KSTREAM-REDUCE-0000000008 (stores: [c2])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-MERGE-0000000007\n"
                     "\n");
}
END_TEST

START_TEST(a_self_join_keeps_one_store)
{
    ks_stream *in = text_stream("in");

    ks_stream_to(ks_stream_outer_join_stream(in, in, NEAR, join_texts, NULL,
                                             KS_STREAM_JOINED(.name = "jj", .store = "st")),
                 "out", NULL);
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> jj-this-windowed\n"
                     "    Processor: jj-this-windowed (stores: [st-outer-this-join-store])\n"
                     "      --> jj-merge\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: jj-merge (stores: [st-outer-this-join-store])\n"
                     "      --> KSTREAM-SINK-0000000006\n"
                     "      <-- jj-this-windowed\n"
                     "    Sink: KSTREAM-SINK-0000000006 (topic: out)\n"
                     "      <-- jj-merge\n"
                     "\n");
}
END_TEST

START_TEST(merged_topics_make_a_self_join)
{
    ks_stream *keyed = by_value(text_stream("in"));

    ks_stream_to(ks_stream_join_stream(keyed, keyed, NEAR, join_texts, NULL,
                                       KS_STREAM_JOINED(.name = "jj", .store = "st")),
                 "out", NULL);
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> jj-left-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: jj-left-repartition-filter (stores: [])\n"
                     "      --> jj-left-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: jj-left-repartition-sink (topic: jj-left-repartition)\n"
                     "      <-- jj-left-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: jj-left-repartition-source (topics: [jj-left-repartition])\n"
                     "      --> jj-this-windowed\n"
                     "    Processor: jj-this-windowed (stores: [st-this-join-store])\n"
                     "      --> jj-merge\n"
                     "      <-- jj-left-repartition-source\n"
                     "    Processor: jj-merge (stores: [st-this-join-store])\n"
                     "      --> KSTREAM-SINK-0000000013\n"
                     "      <-- jj-this-windowed\n"
                     "    Sink: KSTREAM-SINK-0000000013 (topic: out)\n"
                     "      <-- jj-merge\n"
                     "\n");
}
END_TEST

START_TEST(topics_may_be_merged_for_tables_too)
{
    ks_stream *keyed = by_value(text_stream("in"));

    ks_stream_to_table(keyed, KS_MATERIALIZED(.store = "t1"));
    count(keyed, "c2");
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-KEY-SELECT-0000000001\n"
                     "    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])\n"
                     "      --> KSTREAM-TOTABLE-0000000002-repartition-filter\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-TOTABLE-0000000002-repartition-filter (stores: [])\n"
                     "      --> KSTREAM-TOTABLE-0000000002-repartition-sink\n"
                     "      <-- KSTREAM-KEY-SELECT-0000000001\n"
                     "    Sink: KSTREAM-TOTABLE-0000000002-repartition-sink (topic:"
                     " KSTREAM-TOTABLE-0000000002-repartition)\n"
                     "      <-- KSTREAM-TOTABLE-0000000002-repartition-filter\n"
                     "\n"
                     "  Sub-topology: 1\n"
                     "    Source: KSTREAM-TOTABLE-0000000002-repartition-source (topics:"
                     " [KSTREAM-TOTABLE-0000000002-repartition])\n"
                     "      --> KSTREAM-AGGREGATE-0000000006, KSTREAM-TOTABLE-0000000002\n"
                     "    Processor: KSTREAM-AGGREGATE-0000000006 (stores: [c2])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-TOTABLE-0000000002-repartition-source\n"
                     "    Processor: KSTREAM-TOTABLE-0000000002 (stores: [t1])\n"
                     "      --> none\n"
                     "      <-- KSTREAM-TOTABLE-0000000002-repartition-source\n"
                     "\n");
}
END_TEST

/* The lists of parents and children show how sizes grew while Kafka Streams made them. */
START_TEST(lists_of_neighbours_stand_in_the_order_of_kafka_streams)
{
    ks_stream *in = text_stream("in");

    ks_stream_to(ks_stream_join_stream(in, in, NEAR, join_texts, NULL, NULL), "out", NULL);
    ks_stream_to(ks_stream_join_stream(in, in, NEAR, join_texts, NULL, NULL), "out2", NULL);
    ks_stream_to(ks_stream_join_stream(in, filter(in), NEAR, join_texts, NULL, NULL), "out3",
                 NULL);
    assert_describes("all",
                     "Topologies:\n"
                     "   Sub-topology: 0\n"
                     "    Source: KSTREAM-SOURCE-0000000000 (topics: [in])\n"
                     "      --> KSTREAM-FILTER-0000000013, KSTREAM-WINDOWED-0000000014,"
                     " KSTREAM-WINDOWED-0000000007, KSTREAM-WINDOWED-0000000001\n"
                     "    Processor: KSTREAM-FILTER-0000000013 (stores: [])\n"
                     "      --> KSTREAM-WINDOWED-0000000015\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-WINDOWED-0000000014 (stores:"
                     " [KSTREAM-JOINTHIS-0000000016-store])\n"
                     "      --> KSTREAM-JOINTHIS-0000000016\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-WINDOWED-0000000015 (stores:"
                     " [KSTREAM-JOINOTHER-0000000017-store])\n"
                     "      --> KSTREAM-JOINOTHER-0000000017\n"
                     "      <-- KSTREAM-FILTER-0000000013\n"
                     "    Processor: KSTREAM-JOINOTHER-0000000017 (stores:"
                     " [KSTREAM-JOINTHIS-0000000016-store])\n"
                     "      --> KSTREAM-MERGE-0000000018\n"
                     "      <-- KSTREAM-WINDOWED-0000000015\n"
                     "    Processor: KSTREAM-JOINTHIS-0000000016 (stores:"
                     " [KSTREAM-JOINOTHER-0000000017-store])\n"
                     "      --> KSTREAM-MERGE-0000000018\n"
                     "      <-- KSTREAM-WINDOWED-0000000014\n"
                     "    Processor: KSTREAM-WINDOWED-0000000001 (stores:"
                     " [KSTREAM-JOINTHIS-0000000003-store])\n"
                     "      --> KSTREAM-MERGE-0000000005\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-WINDOWED-0000000007 (stores:"
                     " [KSTREAM-JOINTHIS-0000000009-store])\n"
                     "      --> KSTREAM-MERGE-0000000011\n"
                     "      <-- KSTREAM-SOURCE-0000000000\n"
                     "    Processor: KSTREAM-MERGE-0000000005 (stores:"
                     " [KSTREAM-JOINTHIS-0000000003-store])\n"
                     "      --> KSTREAM-SINK-0000000006\n"
                     "      <-- KSTREAM-WINDOWED-0000000001\n"
                     "    Processor: KSTREAM-MERGE-0000000011 (stores:"
                     " [KSTREAM-JOINTHIS-0000000009-store])\n"
                     "      --> KSTREAM-SINK-0000000012\n"
                     "      <-- KSTREAM-WINDOWED-0000000007\n"
                     "    Processor: KSTREAM-MERGE-0000000018 (stores: [])\n"
                     "      --> KSTREAM-SINK-0000000019\n"
                     "      <-- KSTREAM-JOINTHIS-0000000016, KSTREAM-JOINOTHER-0000000017\n"
                     "    Sink: KSTREAM-SINK-0000000006 (topic: out)\n"
                     "      <-- KSTREAM-MERGE-0000000005\n"
                     "    Sink: KSTREAM-SINK-0000000012 (topic: out2)\n"
                     "      <-- KSTREAM-MERGE-0000000011\n"
                     "    Sink: KSTREAM-SINK-0000000019 (topic: out3)\n"
                     "      <-- KSTREAM-MERGE-0000000018\n"
                     "\n");
}
END_TEST

START_TEST(a_change_of_values_keeps_the_topic_below_it)
{
    ks_stream *keyed = by_value(text_stream("in"));

    count(ks_stream_map_values(keyed, keep_all, NULL, NULL), "c1");
    count(keyed, "c2");
    build("all");
    ck_assert(describes("Source: c1-repartition-source (topics: [c1-repartition])\n"));
    ck_assert(describes("Source: c2-repartition-source (topics: [c2-repartition])\n"));
}
END_TEST

START_TEST(one_way_does_not_bring_the_others)
{
    ks_stream *in = text_stream("in"), *keyed = by_value(text_stream("in2"));

    ks_stream_to(ks_stream_join_stream(in, in, NEAR, join_texts, NULL, NULL), "out", NULL);
    count(keyed, "c1");
    count(keyed, "c2");
    build("single.store.self.join , reuse.ktable.source.topics");
    ck_assert(!describes("KSTREAM-JOINOTHER-"));
    ck_assert(describes("c1-repartition"));
    ck_assert(describes("c2-repartition"));
}
END_TEST

START_TEST(nothing_is_rewritten_unasked)
{
    ks_stream *in = text_stream("in"), *keyed = by_value(text_stream("in2"));

    ks_stream_to(ks_stream_join_stream(in, in, NEAR, join_texts, NULL, NULL), "out", NULL);
    count(keyed, "c1");
    count(keyed, "c2");
    build("none");
    ck_assert(describes("KSTREAM-JOINOTHER-"));
    ck_assert(describes("c2-repartition"));
}
END_TEST

START_TEST(a_builder_can_build_again_otherwise)
{
    ks_stream *keyed = by_value(text_stream("in"));

    count(keyed, "c1");
    count(keyed, "c2");
    build("all");
    ck_assert(!describes("c2-repartition"));
    ks_topology_free(flow.topology);
    build("none");
    ck_assert(describes("c2-repartition"));
}
END_TEST

/* ---- where Kafka Streams fails, or sends records to the wrong task ---- */

START_TEST(branches_move_behind_the_topic_together)
{
    ks_split  *split = ks_stream_split(by_value(text_stream("in")), KS_NAMED("b-"));
    ks_stream *one   = ks_split_branch(split, accept, NULL, KS_NAMED("1"));
    ks_stream *rest  = ks_split_default(split, KS_NAMED("2"));

    count(one, "c1");
    count(rest, "c2");
    build("all");
    ck_assert(describes("    Source: c1-repartition-source (topics: [c1-repartition])\n"
                        "      --> b-\n"));
    ck_assert(!describes("c2-repartition"));
}
END_TEST

START_TEST(nested_merges_of_streams_have_one_topic_at_the_last)
{
    ks_stream *one   = by_value(text_stream("in"));
    ks_stream *two   = by_value(text_stream("in2"));
    ks_stream *three = by_value(text_stream("in3"));

    count(ks_stream_merge(ks_stream_merge(one, two, NULL), three, KS_NAMED("last")), "c1");
    build("all");
    ck_assert(describes("    Processor: last (stores: [])\n"
                        "      --> c1-repartition-filter\n"));
}
END_TEST

START_TEST(records_of_another_key_are_not_led_past_their_topic)
{
    ks_stream *one = by_value(text_stream("in")), *other = by_value(text_stream("in2"));

    count(one, "c1");
    count(ks_stream_merge(one, other, KS_NAMED("both")), "c2");
    build("all");
    ck_assert(describes("    Processor: both (stores: [])\n"
                        "      --> c2-repartition-filter\n"));
}
END_TEST

START_TEST(a_stream_merged_with_a_part_of_itself_keeps_its_topic)
{
    ks_stream *keyed = by_value(text_stream("in"));

    count(keyed, "c1");
    count(ks_stream_merge(keyed, filter(keyed), KS_NAMED("both")), "c2");
    build("all");
    ck_assert(describes("    Processor: both (stores: [])\n"
                        "      --> c2-repartition-filter\n"));
}
END_TEST

static const ks_processor looks_on = KS_PROCESSOR(.process = look);

START_TEST(a_processor_may_change_keys_so_its_topic_stays_below_it)
{
    ks_stream *keyed = by_value(text_stream("in"));

    count(ks_stream_process(keyed, &looks_on, NULL, KS_CONNECTED(.name = "own")), "c1");
    count(keyed, "c2");
    build("all");
    ck_assert(describes("    Processor: own (stores: [])\n"
                        "      --> c1-repartition-filter\n"));
}
END_TEST

START_TEST(a_processor_of_values_moves_unless_it_shares_its_store)
{
    ks_stream *keyed = by_value(text_stream("in"));

    ks_builder_add_store(flow.b, KS_KV_STORE("own"));
    ks_builder_add_store(flow.b, KS_KV_STORE("shared"));
    count(ks_stream_process_values(keyed, &looks_on, NULL,
                                   KS_CONNECTED(.name = "alone", .stores = { "own" })), "c1");
    count(ks_stream_process_values(keyed, &looks_on, NULL,
                                   KS_CONNECTED(.name = "one", .stores = { "shared" })), "c2");
    ks_stream_process_values(text_stream("in2"), &looks_on, NULL,
                             KS_CONNECTED(.name = "other", .stores = { "shared" }));
    build("all");
    ck_assert(describes("    Processor: alone (stores: [own])\n"
                        "      --> KSTREAM-AGGREGATE-0000000002\n"
                        "      <-- c1-repartition-source\n"));
    ck_assert(describes("    Processor: one (stores: [shared])\n"
                        "      --> c2-repartition-filter\n"));
}
END_TEST

START_TEST(a_topic_that_is_distributed_by_ids_stays)
{
    ks_stream *keyed = by_value(text_stream("in"));
    ks_stream *once  = ks_stream_distinct(keyed, key_from_value, NULL,
                                          KS_DISTINCT(.name = "once", .within_ms = 10));

    ks_stream_to(once, "out", NULL);
    count(ks_stream_distinct(keyed, key_from_value, NULL,
                             KS_DISTINCT(.name = "here", .within_ms = 10, .repartition = KS_OFF)),
          "c1");
    count(keyed, "c2");
    build("all");
    ck_assert(describes("    Sink: once-repartition-sink (topic: once-repartition)\n"));
    ck_assert(describes("    Processor: here (stores: [KSTREAM-DISTINCT-STATE-STORE-"));
    ck_assert(describes("      --> c1-repartition-filter\n      <-- KSTREAM-KEY-SELECT-"));
}
END_TEST

/* ---- mistakes ---- */

static void expect_refusal(const char *how, const char *words)
{
    ks_config *config = ks_config_new();

    ck_assert_int_eq(ks_config_set(config, "topology.optimization", how), KS_ECONFIG);
    ks_builder_configure(flow.b, config);
    ks_config_free(config);
    text_stream("in");
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_ECONFIG);
    ck_assert_str_eq(ks_error_message(ks_builder_error(flow.b)), words);
}

#define WORDS \
    "none|all|reuse.ktable.source.topics|merge.repartition.topics|single.store.self.join"

START_TEST(an_unknown_word_is_refused)
{
    expect_refusal("merge.repartition.topics,fast",
                   "ks_builder_configure: topology.optimization = "
                   "\"merge.repartition.topics,fast\": \"fast\" is not one of " WORDS);
}
END_TEST

START_TEST(all_and_none_stand_alone)
{
    expect_refusal("all,single.store.self.join",
                   "ks_builder_configure: topology.optimization = "
                   "\"all,single.store.self.join\": \"all\" must stand alone");
}
END_TEST

START_TEST(no_word_is_refused)
{
    expect_refusal(" ", "ks_builder_configure: topology.optimization = \" \": "
                        "expected at least one of " WORDS);
}
END_TEST

START_TEST(a_builder_needs_a_configuration_to_be_configured)
{
    ks_builder_configure(flow.b, NULL);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_EINVAL);
    ck_assert_str_eq(ks_error_message(ks_builder_error(flow.b)),
                     "ks_builder_configure: needs a configuration, but it is NULL");
}
END_TEST

START_TEST(a_driver_that_is_configured_otherwise_than_its_topology_is_refused)
{
    ks_config *config = ks_config_new();

    ks_stream_to(text_stream("in"), "out", NULL);
    build("single.store.self.join");
    ks_config_set(config, "topology.optimization", "all");
    flow.driver = ks_driver_new(flow.topology, config, NULL);
    ks_config_free(config);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_ECONFIG);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)),
                     "topology.optimization = \"all\", but the topology was built with "
                     "\"single.store.self.join\"; give this configuration to "
                     "ks_builder_configure() before the build");
}
END_TEST

START_TEST(a_driver_without_the_property_takes_any_topology)
{
    ks_stream_to(text_stream("in"), "out", NULL);
    build("all");
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
}
END_TEST

FLOW_MAIN("optimization",
          topics_behind_one_change_of_key_become_one,
          a_single_topic_moves_up_to_the_change_of_key,
          below_a_merge_of_streams_the_merge_is_the_place,
          a_join_and_an_aggregation_share_a_topic,
          a_topic_that_was_asked_for_stays,
          every_change_of_key_has_a_topic_of_its_own,
          what_comes_back_from_a_merged_topic_needs_none,
          a_self_join_keeps_one_store,
          merged_topics_make_a_self_join,
          topics_may_be_merged_for_tables_too,
          lists_of_neighbours_stand_in_the_order_of_kafka_streams,
          a_change_of_values_keeps_the_topic_below_it, one_way_does_not_bring_the_others,
          nothing_is_rewritten_unasked, a_builder_can_build_again_otherwise,
          branches_move_behind_the_topic_together,
          nested_merges_of_streams_have_one_topic_at_the_last,
          records_of_another_key_are_not_led_past_their_topic,
          a_stream_merged_with_a_part_of_itself_keeps_its_topic,
          a_processor_may_change_keys_so_its_topic_stays_below_it,
          a_processor_of_values_moves_unless_it_shares_its_store,
          a_topic_that_is_distributed_by_ids_stays, an_unknown_word_is_refused,
          all_and_none_stand_alone, no_word_is_refused,
          a_builder_needs_a_configuration_to_be_configured,
          a_driver_that_is_configured_otherwise_than_its_topology_is_refused,
          a_driver_without_the_property_takes_any_topology)
