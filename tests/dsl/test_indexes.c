/* SPDX-License-Identifier: Apache-2.0
 *
 * test_indexes.c - generated names: how many indexes a call takes (the table of docs/evolution.md),
 * that named things keep their names through an edit, and that generated ones can be refused.
 */
#include "dsl/flow.h"

#include <stdio.h>
#include <string.h>

#define NEAR KS_WITHIN(.difference_ms = 1)

/* ---- what calls are made on ---- */

static bool accept(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_status keep_all(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_status look(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    return KS_OK;
}

static const ks_processor looks_on = KS_PROCESSOR(.process = look);

static ks_stream         *s, *rekeyed;
static ks_table          *t, *other;
static ks_grouped_stream *group, *rekeyed_group;
static ks_grouped_table  *grouped_table;

static void declare(void)
{
    s             = text_stream("in");
    rekeyed       = ks_stream_select_key(s, key_from_value, NULL, NULL);
    t             = text_table("t", "rows");
    other         = text_table("other", "other-rows");
    group         = ks_stream_group_by_key(s, NULL);
    rekeyed_group = ks_stream_group_by_key(rekeyed, NULL);
    grouped_table = ks_table_group_by(t, keep_all, NULL, NULL);
}

/* ---- calls ---- */

static void stream(void)
{
    text_stream("x");
}

static void stream_again(void)
{
    text_stream("in");
}

static void filter_named(void)
{
    ks_stream_filter(s, accept, NULL, KS_NAMED("n"));
}

static void process(void)
{
    ks_stream_process(s, &looks_on, NULL, NULL);
}

static void process_named(void)
{
    ks_stream_process(s, &looks_on, NULL, KS_CONNECTED(.name = "n"));
}

static void table(void)
{
    ks_builder_table(flow.b, "x", NULL, NULL);
}

static void table_named(void)
{
    ks_builder_table(flow.b, "x", KS_CONSUMED(.name = "n"), KS_MATERIALIZED(.store = "q"));
}

static void group_by_key(void)
{
    ks_stream_group_by_key(s, NULL);
}

static void group_by_named(void)
{
    ks_stream_group_by(s, key_from_value, NULL, KS_GROUPED(.name = "n"));
}

static void count(void)
{
    ks_grouped_stream_count(group, NULL);
}

static void count_named(void)
{
    ks_grouped_stream_count(group, KS_MATERIALIZED(.name = "n", .store = "q"));
}

static void count_rekeyed(void)
{
    ks_grouped_stream_count(rekeyed_group, NULL);
}

static void count_rekeyed_named(void)
{
    ks_grouped_stream_count(rekeyed_group, KS_MATERIALIZED(.store = "q"));
}

static void repartition(void)
{
    ks_stream_repartition(s, NULL);
}

static void repartition_named(void)
{
    ks_stream_repartition(s, KS_REPARTITIONED(.name = "n"));
}

static void join_streams(void)
{
    ks_stream_join_stream(s, s, NEAR, join_texts, NULL, NULL);
}

static void join_streams_named(void)
{
    ks_stream_join_stream(s, rekeyed, NEAR, join_texts, NULL,
                          KS_STREAM_JOINED(.name = "n", .store = "q"));
}

static void join_table(void)
{
    ks_stream_join_table(s, t, join_texts, NULL, KS_JOINED(.name = "n"));
}

static void join_table_rekeyed(void)
{
    ks_stream_join_table(rekeyed, t, join_texts, NULL, NULL);
}

static void table_filter(void)
{
    ks_table_filter(t, accept, NULL, KS_MATERIALIZED(.store = "q"));
}

static void table_filter_without_store(void)
{
    ks_table_filter(t, accept, NULL, KS_MATERIALIZED(.cache = KS_OFF));
}

static void table_count(void)
{
    ks_grouped_table_count(grouped_table, NULL);
}

static void table_count_named(void)
{
    ks_grouped_table_count(grouped_table, KS_MATERIALIZED(.name = "n", .store = "q"));
}

static void table_join(void)
{
    ks_table_join(t, other, join_texts, NULL, KS_MATERIALIZED(.name = "n", .store = "q"));
}

static void table_join_on(void)
{
    ks_table_join_on(t, other, key_from_value, join_texts, NULL, NULL);
}

static void table_join_on_named(void)
{
    ks_table_join_on(t, other, key_from_value, join_texts, NULL,
                     KS_TABLE_JOINED(.name = "n", .store = "q"));
}

static void suppress(void)
{
    ks_table_suppress(t, KS_SUPPRESSED(.limit_ms = 5));
}

static void suppress_named(void)
{
    ks_table_suppress(t, KS_SUPPRESSED(.name = "n", .limit_ms = 5));
}

#define CALL(function_, indexes_) { #function_, function_, indexes_ }

static const struct {
    const char *name;
    void (*make)(void);
    int indexes;
} calls[] = {
    CALL(stream, 1),           CALL(stream_again, 1),        CALL(filter_named, 1),
    CALL(process, 1),          CALL(process_named, 0),       CALL(table, 3),
    CALL(table_named, 2),      CALL(group_by_key, 0),        CALL(group_by_named, 1),
    CALL(count, 2),            CALL(count_named, 1),         CALL(count_rekeyed, 5),
    CALL(count_rekeyed_named, 4), CALL(repartition, 4),      CALL(repartition_named, 3),
    CALL(join_streams, 5),     CALL(join_streams_named, 8),  CALL(join_table, 1),
    CALL(join_table_rekeyed, 4), CALL(table_filter, 1),      CALL(table_filter_without_store, 2),
    CALL(table_count, 4),      CALL(table_count_named, 3),   CALL(table_join, 3),
    CALL(table_join_on, 14),   CALL(table_join_on_named, 13), CALL(suppress, 2),
    CALL(suppress_named, 0),
};

/* The number of the filter that is declared next. */
static int next_index(void (*make)(void))
{
    ks_topology *topology;
    const char  *at = NULL, *next;
    char        *text;
    int          index = -1;

    flow_teardown();
    flow_setup();
    declare();
    if (make != NULL)
        make();
    ks_stream_filter(s, accept, NULL, NULL);
    ck_assert_msg(ks_builder_build(flow.b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
    text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    for (next = text; (next = strstr(next, "KSTREAM-FILTER-")) != NULL; next++) {
        int found = -1;

        at = next;
        ck_assert_int_eq(sscanf(at, "KSTREAM-FILTER-%d", &found), 1);
        index = found > index ? found : index;
    }
    ks_text_free(text);
    ks_topology_free(topology);
    return index;
}

START_TEST(calls_take_the_indexes_that_the_docs_say)
{
    const int first = next_index(NULL);

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const int took = next_index(calls[i].make) - first;

        ck_assert_msg(took == calls[i].indexes, "%s takes %d", calls[i].name, took);
    }
}
END_TEST

/* ---- names through an edit ---- */

/* Everything that outlives a run has a name; operators stand in front or not. */
static ks_topology *named(bool edited)
{
    ks_topology *topology;
    ks_stream   *in;
    ks_table    *counts;

    flow_teardown();
    flow_setup();
    in = text_stream("in");
    if (edited)
        in = ks_stream_filter(ks_stream_peek(in, look, NULL, NULL), accept, NULL, NULL);
    counts = ks_grouped_stream_reduce(
        ks_stream_group_by(in, key_from_value, NULL, KS_GROUPED(.name = "by")), concat, NULL,
        KS_MATERIALIZED(.store = "counts"));
    in = ks_stream_select_key(in, key_from_value, NULL, NULL);
    in = ks_stream_join_table(in, counts, join_texts, NULL, KS_JOINED(.name = "with"));
    ks_stream_join_stream(in, in, NEAR, join_texts, NULL,
                          KS_STREAM_JOINED(.name = "self", .store = "near"));
    ks_table_suppress(ks_table_join_on(text_table("t", "rows"), counts, key_from_value, join_texts,
                                       NULL, KS_TABLE_JOINED(.name = "on", .store = "joined")),
                      KS_SUPPRESSED(.name = "calm", .limit_ms = 5));
    ck_assert_msg(ks_builder_build(flow.b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(flow.b)));
    return topology;
}

START_TEST(what_is_named_keeps_its_name_when_operators_come)
{
    ks_topology *before = named(false), *after = named(true);
    ks_diff     *diff = ks_topology_diff(before, after);
    char        *text = ks_diff_text(diff);

    ck_assert_msg(ks_diff_worst(diff) == KS_DIFF_KEPT, "%s", text);
    ks_text_free(text);
    ks_diff_free(diff);
    ks_topology_free(before);
    ks_topology_free(after);
}
END_TEST

/* ---- generated names refused ---- */

static void demand_names(void)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "ensure.explicit.internal.resource.naming", "true");
    ks_builder_configure(flow.b, config);
    ks_config_free(config);
}

START_TEST(generated_names_of_what_outlives_a_run_can_be_refused)
{
    demand_names();
    ks_grouped_stream_count(ks_stream_group_by(text_stream("in"), key_from_value, NULL, NULL),
                            NULL);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_ETOPOLOGY);
    ck_assert_str_eq(ks_error_message(ks_builder_error(flow.b)),
                     "ensure.explicit.internal.resource.naming: these names are generated, and "
                     "change with the topology; name them: store KSTREAM-AGGREGATE-STATE-STORE-"
                     "0000000002, topic KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition");
}
END_TEST

START_TEST(generated_names_of_nodes_are_never_refused)
{
    demand_names();
    ks_grouped_stream_count(ks_stream_group_by(text_stream("in"), key_from_value, NULL, NULL),
                            KS_MATERIALIZED(.store = "counts"));
    ks_stream_to(ks_table_to_stream(text_table("t", NULL), NULL), "out", NULL);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
}
END_TEST

FLOW_MAIN("indexes", calls_take_the_indexes_that_the_docs_say,
          what_is_named_keeps_its_name_when_operators_come,
          generated_names_of_what_outlives_a_run_can_be_refused,
          generated_names_of_nodes_are_never_refused)
