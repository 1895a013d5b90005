/* SPDX-License-Identifier: Apache-2.0
 *
 * test_graph.c - sub-topologies, stores, repartition topics and co-partitioned sets of a topology.
 */
#include "topology/graph.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>
#include <string.h>

static ks_status process(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    return KS_OK;
}

static ks_status choose(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)record, (void)io, (void)user;
    return KS_OK;
}

static ks_status join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    (void)ctx, (void)left, (void)right, (void)out, (void)user;
    return KS_OK;
}

static bool keep(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static const ks_processor processor = KS_PROCESSOR(.process = process);

static ks_builder  *b;
static ks_topology *topology;

static void setup(void)
{
    b        = ks_builder_new();
    topology = NULL;
}

static void teardown(void)
{
    ks_topology_free(topology);
    ks_builder_free(b);
}

static void build(void)
{
    ks_builder_build(b, &topology);
    ck_assert_str_eq(ks_error_message(ks_topology_error(topology)), "");
}

static int home_of(const char *node)
{
    const struct ks__node *found = ks__topology_node(topology, node);

    ck_assert_msg(found != NULL, "no node %s", node);
    return found->subtopology;
}

static void add_chain(const char *source, const char *topic, const char *name, const char *store)
{
    ks_builder_add_source(b, source, &topic, 1, NULL);
    ks_builder_add_processor(b, name, &processor, NULL,
                             KS_CONNECTED(.stores = { store }, .parents = { source }));
}

/* P1, P2 */
START_TEST(unconnected_parts_are_sub_topologies)
{
    add_chain("z", "z-topic", "z-process", NULL);
    add_chain("a", "a-topic", "a-process", NULL);
    build();
    ck_assert_uint_eq(topology->subtopology_count, 2);
    ck_assert_int_eq(home_of("z-process"), 0);
    ck_assert_int_eq(home_of("a"), 1);
    ck_assert_uint_eq(topology->subtopologies[1].input_count, 1);
    ck_assert_str_eq(topology->subtopologies[1].inputs[0].name, "a-topic");
}
END_TEST

/* P1 */
START_TEST(a_shared_store_ties_two_parts)
{
    ks_builder_add_store(b, KS_KV_STORE("shared"));
    add_chain("a", "a-topic", "a-process", "shared");
    add_chain("c", "c-topic", "c-process", NULL);
    add_chain("d", "d-topic", "d-process", "shared");
    build();
    ck_assert_uint_eq(topology->subtopology_count, 2);
    ck_assert_int_eq(home_of("d"), 0);
    ck_assert_int_eq(home_of("c"), 1);
    ck_assert_uint_eq(topology->subtopologies[0].store_count, 1);
    ck_assert_int_eq(ks__topology_store_home(topology, "shared"), 0);
    ck_assert_int_eq(ks__topology_store_home(topology, "nowhere"), -2);
}
END_TEST

/* P2 */
START_TEST(a_global_table_takes_a_number)
{
    ks_stream_to(ks_builder_stream(b, "a", NULL), "out", NULL);
    ks_builder_global_table(b, "g", NULL, KS_MATERIALIZED(.store = "all"));
    ks_stream_to(ks_builder_stream(b, "c", NULL), "out", NULL);
    build();
    ck_assert_uint_eq(topology->subtopology_count, 2);
    ck_assert_int_eq(topology->subtopologies[0].number, 0);
    ck_assert_int_eq(topology->subtopologies[1].number, 2);
    ck_assert_uint_eq(topology->global_count, 1);
    ck_assert_int_eq(topology->globals[0].number, 1);
    ck_assert_int_eq(topology->globals[0].table->subtopology, -1);
    ck_assert_int_eq(ks__topology_store_home(topology, "all"), -1);
    ck_assert(topology->globals[0].store->global);
}
END_TEST

START_TEST(a_global_table_is_described)
{
    char *text;

    ks_builder_global_table(b, "g", NULL, KS_MATERIALIZED(.store = "all"));
    build();
    text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(text, "Topologies:\n"
                           "   Sub-topology: 0 for global store (will not generate tasks)\n"
                           "    Source: KSTREAM-SOURCE-0000000000 (topics: [g])\n"
                           "      --> KTABLE-SOURCE-0000000001\n"
                           "    Processor: KTABLE-SOURCE-0000000001 (stores: [all])\n"
                           "      --> none\n"
                           "      <-- KSTREAM-SOURCE-0000000000\n");
    ks_text_free(text);
}
END_TEST

START_TEST(a_repartition_topic_knows_both_sides)
{
    ks_stream *s = ks_stream_select_key(ks_builder_stream(b, "in", NULL), choose, NULL, NULL);

    ks_stream_to(ks_stream_repartition(s, KS_REPARTITIONED(.name = "mid", .partitions = 7)), "out",
                 NULL);
    build();
    ck_assert_uint_eq(topology->repartition_count, 1);
    ck_assert_str_eq(topology->repartitions[0].topic, "mid-repartition");
    ck_assert_int_eq(topology->repartitions[0].partitions, 7);
    ck_assert_int_eq(topology->repartitions[0].from, 0);
    ck_assert_int_eq(topology->repartitions[0].to, 1);
    ck_assert(topology->subtopologies[1].inputs[0].internal);
}
END_TEST

START_TEST(joined_inputs_are_one_co_partitioned_set)
{
    ks_table  *t = ks_builder_table(b, "t", NULL, NULL);
    ks_table  *u = ks_builder_table(b, "u", NULL, NULL);
    ks_stream *s = ks_builder_stream(b, "s", NULL);

    s = ks_stream_join_table(s, t, join, NULL, NULL);
    ks_stream_join_table(s, u, join, NULL, NULL);
    build();
    ck_assert_uint_eq(topology->copartition_count, 1);
    ck_assert_uint_eq(topology->copartitions[0].topic_count, 3);
    ck_assert_int_eq(topology->copartitions[0].subtopology, 0);
}
END_TEST

START_TEST(a_join_reads_the_store_behind_its_table)
{
    ks_table              *t = ks_builder_table(b, "t", NULL, KS_MATERIALIZED(.store = "rows"));
    const struct ks__node *node;

    ks_stream_join_table(ks_builder_stream(b, "s", NULL), ks_stream_to_table(
                             ks_table_to_stream(t, NULL), KS_MATERIALIZED(.store = "again")),
                         join, NULL, KS_JOINED(.name = "join"));
    build();
    node = ks__topology_node(topology, "join");
    ck_assert_uint_eq(node->store_count, 1);
    ck_assert_str_eq(node->stores[0], "again");
    ck_assert_uint_eq(node->view_count, 1);
    ck_assert(node->views[0]->class->row != NULL);
}
END_TEST

START_TEST(the_stamp_is_of_the_stores_alone)
{
    char before[33], after[33];

    ks_builder_add_store(b, KS_KV_STORE("one"));
    add_chain("a", "a-topic", "a-process", "one");
    build();
    ks__topology_hash(topology, 0, before);
    ck_assert_uint_eq(strlen(before), 32);
    ks_topology_free(topology);
    add_chain("c", "c-topic", "c-process", NULL);
    build();
    ks__topology_hash(topology, 0, after);
    ck_assert_str_eq(before, after);
    ks__topology_hash(topology, 1, after);
    ck_assert_str_ne(before, after);
    ks_topology_free(topology);
    ks_builder_add_store(b, KS_KV_STORE("two"));
    ks_builder_connect(b, "a-process", "two");
    build();
    ks__topology_hash(topology, 0, after);
    ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(a_topology_outlives_its_builder)
{
    ks_topology *kept;

    add_chain("a", "a-topic", "a-process", NULL);
    build();
    kept = ks__topology_ref(topology);
    ks_topology_free(topology);
    ks_builder_free(b);
    b        = NULL;
    topology = kept;
    ck_assert_str_eq(topology->nodes[0]->name, "a");
    ck_assert_str_eq(topology->subtopologies[0].inputs[0].name, "a-topic");
}
END_TEST

START_TEST(the_dot_form_has_clusters_topics_and_stores)
{
    char *text;

    ks_builder_add_store(b, KS_KV_STORE("seen"));
    add_chain("a", "a-topic", "a-process", "seen");
    build();
    text = ks_topology_describe(topology, KS_DESCRIBE_DOT);
    ck_assert_ptr_nonnull(strstr(text, "digraph topology {"));
    ck_assert_ptr_nonnull(strstr(text, "subgraph cluster_0 {"));
    ck_assert_ptr_nonnull(strstr(text, "\"topic a-topic\" -> \"a\";"));
    ck_assert_ptr_nonnull(strstr(text, "\"a\" -> \"a-process\";"));
    ck_assert_ptr_nonnull(strstr(text, "\"store seen\" -> \"a-process\""));
    ks_text_free(text);
}
END_TEST

START_TEST(sets_are_printed_as_java_prints_them)
{
    const char *const topics[] = { "in", "in2", "in3", "orders" };
    char             *text;

    ks_builder_stream_of(b, topics, 4, NULL);
    build();
    text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    /* A HashSet of these has "in" in bucket 5, "orders" in 10, "in2" in 12, "in3" in 15. */
    ck_assert_ptr_nonnull(strstr(text, "(topics: [in, orders, in2, in3])"));
    ks_text_free(text);
}
END_TEST

/* A source, `count - 2` filters, a sink. */
static ks_status build_chain(int count)
{
    ks_stream *stream = ks_builder_stream(b, "in", NULL);

    for (int i = 2; i < count; i++)
        stream = ks_stream_filter(stream, keep, NULL, NULL);
    ks_stream_to(stream, "out", NULL);
    return ks_builder_build(b, &topology);
}

START_TEST(a_chain_may_have_4096_operators)
{
    ck_assert_int_eq(build_chain(4096), KS_OK);
}
END_TEST

static const int too_many[] = { 4097, 100000 };

START_TEST(a_longer_chain_is_refused)
{
    ck_assert_int_eq(build_chain(too_many[_i]), KS_ETOPOLOGY);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_topology_error(topology)),
                                 "has more than 4095 operators above it"));
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("graph");
    TCase   *cases = tcase_create("graph");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, unconnected_parts_are_sub_topologies);
    tcase_add_test(cases, a_shared_store_ties_two_parts);
    tcase_add_test(cases, a_global_table_takes_a_number);
    tcase_add_test(cases, a_global_table_is_described);
    tcase_add_test(cases, a_repartition_topic_knows_both_sides);
    tcase_add_test(cases, joined_inputs_are_one_co_partitioned_set);
    tcase_add_test(cases, a_join_reads_the_store_behind_its_table);
    tcase_add_test(cases, the_stamp_is_of_the_stores_alone);
    tcase_add_test(cases, a_topology_outlives_its_builder);
    tcase_add_test(cases, the_dot_form_has_clusters_topics_and_stores);
    tcase_add_test(cases, sets_are_printed_as_java_prints_them);
    tcase_add_test(cases, a_chain_may_have_4096_operators);
    tcase_add_loop_test(cases, a_longer_chain_is_refused, 0, 2);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
