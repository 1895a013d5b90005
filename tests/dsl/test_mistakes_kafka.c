/* SPDX-License-Identifier: Apache-2.0
 *
 * test_mistakes_kafka.c - what Kafka Streams refuses while a topology is built is refused here,
 * too, with the operator, its node and its place: a table, one mistake a row.
 *
 *      row: a program with one mistake AT(its options) | status | node | message behind the place
 *
 * The comment above a program is what Kafka Streams says. Not here: what only this library can get
 * wrong (test_mistakes.c), co-partitioning of topics that are there already
 * (runtime/test_topics.c), stores that a processor asks for in vain (test_processors.c).
 */
#include <check.h>
#include <kstream/kstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ks_builder *b;
static ks_stream  *s;       /* of "in", source "source" */
static const char *place;   /* of the mistake; "" = the call has no options to say it */

/* The options of the call with the mistake, on one line with this. */
#define AT(...) (place = KS_SITE, __VA_ARGS__)

/* ---- functions that are never called ---- */

static bool keep(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_status fold(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)record, (void)io, (void)user;
    return KS_OK;
}

static ks_status map(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_status join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    (void)ctx, (void)left, (void)right, (void)out, (void)user;
    return KS_OK;
}

static ks_status process(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    return KS_OK;
}

static const ks_processor processor = KS_PROCESSOR(.process = process);

/* ---- parts of topologies ---- */

static ks_grouped_stream *groups(void)
{
    return ks_stream_group_by_key(s, NULL);
}

static ks_stream *other(void)
{
    return ks_builder_stream(b, "other", KS_CONSUMED(.name = "other"));
}

static ks_table *versioned(int64_t history_ms)
{
    return ks_builder_table(b, "t", KS_CONSUMED(.name = "t"),
                            KS_MATERIALIZED(.store = "rows", .history_ms = history_ms));
}

static ks_table *table(void)
{
    return ks_builder_table(b, "t", KS_CONSUMED(.name = "t"), NULL);
}

/* 250 characters, one more than a name may have. */
static const char *too_long(void)
{
    static char name[251];

    memset(name, 'n', sizeof(name) - 1);
    return name;
}

/* ---- names ---- */

/* Name is illegal, it can't be empty */
static void empty_name(void)
{
    ks_stream_filter(s, keep, NULL, AT(KS_NAMED("")));
}

/* Name cannot be "." or ".." */
static void dots(void)
{
    ks_stream_filter(s, keep, NULL, AT(KS_NAMED("..")));
}

/* Name is illegal, it can't be longer than 249 characters */
static void long_name(void)
{
    ks_stream_filter(s, keep, NULL, AT(KS_NAMED(too_long())));
}

/* Name "a/b" is illegal, it contains a character other than ASCII alphanumerics, ... */
static void illegal_name(void)
{
    ks_stream_filter(s, keep, NULL, AT(KS_NAMED("a/b")));
}

static void illegal_store_name(void)
{
    ks_grouped_stream_count(groups(), AT(KS_MATERIALIZED(.store = "a b")));
}

static void long_store_name(void)
{
    ks_builder_add_store(b, AT(KS_KV_STORE(too_long())));
}

static void illegal_topic(void)
{
    ks_stream_to(s, "out/1", AT(KS_PRODUCED(.name = "sink")));
}

/* Processor big is already added. */
static void two_nodes_of_one_name(void)
{
    ks_stream_filter(s, keep, NULL, KS_NAMED("big"));
    ks_stream_map_values(s, map, NULL, AT(KS_NAMED("big")));
}

static void a_name_that_is_generated_later(void)
{
    ks_stream_filter(s, keep, NULL, KS_NAMED("KSTREAM-PEEK-0000000002"));
    ks_stream_peek(s, process, NULL, AT(KS_NAMED(NULL)));
}

static void two_branches_of_one_name(void)
{
    ks_split *split = ks_stream_split(s, KS_NAMED("by-"));

    ks_split_branch(split, keep, NULL, KS_NAMED("same"));
    ks_split_branch(split, keep, NULL, AT(KS_NAMED("same")));
}

/* Processor x-repartition-source is already added. */
static void two_repartitions_of_one_name(void)
{
    ks_stream_repartition(s, KS_REPARTITIONED(.name = "x"));
    ks_stream_repartition(other(), AT(KS_REPARTITIONED(.name = "x")));
}

static void two_groups_of_one_name(void)
{
    ks_grouped_stream_count(ks_stream_group_by(s, fold, NULL, KS_GROUPED(.name = "x")), NULL);
    ks_stream_group_by(other(), fold, NULL, AT(KS_GROUPED(.name = "x")));
}

/* A different StateStore has already been added with the name rows */
static void two_stores_of_one_name(void)
{
    ks_grouped_stream_count(groups(), KS_MATERIALIZED(.store = "rows"));
    ks_builder_table(b, "t", NULL, AT(KS_MATERIALIZED(.store = "rows")));
}

/* A different GlobalStateStore has already been added with the name rows */
static void a_store_named_as_a_global_one(void)
{
    ks_builder_global_table(b, "g", NULL, KS_MATERIALIZED(.store = "rows"));
    ks_builder_add_store(b, AT(KS_KV_STORE("rows")));
}

static void two_joins_of_one_store_name(void)
{
    ks_stream *right = other();

    ks_stream_join_stream(s, right, KS_WITHIN(.difference_ms = 1), join, NULL,
                          KS_STREAM_JOINED(.store = "j"));
    ks_stream_join_stream(s, right, KS_WITHIN(.difference_ms = 1), join, NULL,
                          AT(KS_STREAM_JOINED(.store = "j")));
}

/* ---- topics ---- */

/* Topic in has already been registered by another source. */
static void a_table_of_a_topic_that_is_read(void)
{
    ks_builder_table(b, "in", AT(KS_CONSUMED(.name = "again")), NULL);
}

static void a_global_table_of_a_topic_that_is_read(void)
{
    ks_builder_global_table(b, "in", AT(KS_CONSUMED(.name = "again")), NULL);
}

static void two_tables_of_one_topic(void)
{
    table();
    ks_builder_table(b, "t", AT(KS_CONSUMED(.name = "again")), NULL);
}

static void a_second_source_of_the_topology_api(void)
{
    ks_builder_add_source(b, "again", (const char *const[]){ "in" }, 1,
                          AT(KS_CONSUMED(.reset = KS_RESET_EARLIEST)));
}

/* You must provide at least one topic */
static void a_source_without_topics(void)
{
    ks_builder_add_source(b, "none", NULL, 0, AT(KS_CONSUMED(.reset = KS_RESET_EARLIEST)));
}

/* Two source nodes are subscribed to overlapping but not equal input topics */
static void overlapping_topics(void)
{
    ks_builder_stream_of(b, (const char *const[]){ "in", "more" }, 2,
                         AT(KS_CONSUMED(.name = "both")));
}

/* Can't configure different offset reset policies on the same input topic(s) */
static void two_reset_policies(void)
{
    ks_builder_stream(b, "in", AT(KS_CONSUMED(.name = "late", .reset = KS_RESET_LATEST)));
}

/* ---- stores and processors ---- */

/* StateStore nowhere is not added yet. */
static void an_unknown_store(void)
{
    ks_stream_process(s, &processor, NULL, AT(KS_CONNECTED(.name = "p", .stores = { "nowhere" })));
}

static void an_unknown_store_of_a_table(void)
{
    ks_table_transform_values(table(), map, NULL,
                              AT(KS_TABLE_CONNECTED(.name = "p", .stores = { "nowhere" })));
}

/* Global StateStore all can be used by a Processor without being specified; it should not be
 * explicitly passed. */
static void a_global_store_that_is_connected(void)
{
    ks_builder_global_table(b, "g", NULL, KS_MATERIALIZED(.store = "all"));
    ks_stream_process(s, &processor, NULL, AT(KS_CONNECTED(.name = "p", .stores = { "all" })));
}

/* Processor nobody is not added yet. */
static void connecting_a_node_that_is_not_there(void)
{
    place = "";
    ks_builder_connect(b, "nobody", "seen");
}

/* cannot connect a state store seen to a source node or a sink node. */
static void connecting_a_source(void)
{
    ks_builder_add_store(b, KS_KV_STORE("seen"));
    place = "";
    ks_builder_connect(b, "source", "seen");
}

/* Sink out must have at least one parent */
static void a_sink_without_parent(void)
{
    ks_builder_add_sink(b, "out", "topic", AT(KS_PRODUCED(.key = NULL)), NULL);
}

/* Processor p must have at least one parent */
static void a_processor_without_parent(void)
{
    ks_builder_add_processor(b, "p", &processor, NULL, AT(KS_CONNECTED(.key = NULL)));
}

/* Predecessor processor nobody is not added yet for p */
static void an_unknown_parent(void)
{
    ks_builder_add_processor(b, "p", &processor, NULL, AT(KS_CONNECTED(.parents = { "nobody" })));
}

/* Processor p cannot be a predecessor of itself. */
static void a_cycle(void)
{
    ks_builder_add_processor(b, "p", &processor, NULL, AT(KS_CONNECTED(.parents = { "p" })));
}

/* Sink out cannot be used a parent. */
static void a_child_of_a_sink(void)
{
    ks_builder_add_sink(b, "out", "topic", NULL, KS_CONNECTED(.parents = { "source" }));
    ks_builder_add_processor(b, "p", &processor, NULL, AT(KS_CONNECTED(.parents = { "out" })));
}

/* retentionPeriod cannot be negative */
static void a_window_store_of_negative_retention(void)
{
    ks_builder_add_window_store(b, AT(KS_WINDOW_STORE("w", .retention_ms = -1)));
}

/* The retention period of the window store w must be no smaller than its window size. */
static void a_window_store_that_keeps_less_than_a_window(void)
{
    ks_builder_add_window_store( b, AT(KS_WINDOW_STORE("w", .retention_ms = 10, .size_ms = 11)));
}

static void a_session_store_of_negative_retention(void)
{
    ks_builder_add_session_store(b, AT(KS_SESSION_STORE("w", .retention_ms = -1)));
}

/* historyRetention cannot be negative */
static void a_versioned_store_of_negative_history(void)
{
    ks_builder_add_versioned_store(b, AT(KS_VERSIONED_STORE("v", .history_ms = -1)));
}

/* ---- windows ---- */

/* Window size (sizeMs) must be larger than zero. */
static void tumbling_without_size(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_TUMBLING(.size_ms = 0)));
}

static void tumbling_of_negative_size(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_TUMBLING(.size_ms = -5)));
}

/* Window advancement interval should be more than zero and less than window duration */
static void hopping_without_advance(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_HOPPING(.size_ms = 10)));
}

static void hopping_over_gaps(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_HOPPING(.size_ms = 10, .advance_ms = 11)));
}

/* Grace period must not be negative. */
static void negative_grace_of_tumbling(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_TUMBLING(.size_ms = 10, .grace_ms = -1)));
}

static void negative_grace_of_sliding(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_SLIDING(.difference_ms = 10, .grace_ms = -1)));
}

static void negative_grace_of_sessions(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_SESSIONS(.gap_ms = 10, .grace_ms = -1)));
}

/* Window time difference must not be negative. */
static void negative_difference(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_SLIDING(.difference_ms = -1)));
}

/* Gap time cannot be negative. */
static void negative_gap(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_SESSIONS(.gap_ms = -1)));
}

/* Window start time (startMs) cannot be negative. */
static void unlimited_from_before_time(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_UNLIMITED(.start_ms = -1)));
}

/* ON_WINDOW_CLOSE emit strategy cannot be used for UnlimitedWindows */
static void unlimited_on_close(void)
{
    ks_grouped_stream_windowed_by(groups(), AT(KS_UNLIMITED(.emit = KS_EMIT_ON_CLOSE)));
}

static void cogrouped_windows_of_negative_grace(void)
{
    ks_cogrouped_stream *c = ks_grouped_stream_cogroup(groups(), fold, NULL);

    ks_cogrouped_stream_windowed_by(c, AT(KS_TUMBLING(.size_ms = 10, .grace_ms = -1)));
}

/* The retention period of the window store counts must be no smaller than its window size plus the
 * grace period. */
static void retention_below_size_and_grace(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(groups(),
                                                          KS_TUMBLING(.size_ms = 10,
                                                                      .grace_ms = 5));

    ks_windowed_stream_count(w, AT(KS_MATERIALIZED(.store = "counts", .retention_ms = 14)));
}

/* ... no smaller than 2 * time difference plus the grace period. */
static void retention_below_two_differences(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(groups(),
                                                          KS_SLIDING(.difference_ms = 10,
                                                                     .grace_ms = 5));

    ks_windowed_stream_count(w, AT(KS_MATERIALIZED(.store = "counts", .retention_ms = 24)));
}

/* ... no smaller than the session inactivity gap plus the grace period. */
static void retention_below_gap_and_grace(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(groups(),
                                                          KS_SESSIONS(.gap_ms = 10, .grace_ms = 5));

    ks_windowed_stream_count(w, AT(KS_MATERIALIZED(.store = "counts", .retention_ms = 14)));
}

/* Retention must not be negative. */
static void negative_retention(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(groups(), KS_TUMBLING(.size_ms = 10));

    ks_windowed_stream_count(w, AT(KS_MATERIALIZED(.store = "counts", .retention_ms = -1)));
}

/* Kafka Streams logs "retentionPeriod is not supported when not a window store". */
static void retention_of_a_plain_count(void)
{
    ks_grouped_stream_count(groups(), AT(KS_MATERIALIZED(.store = "counts", .retention_ms = 14)));
}

/* Kafka Streams logs "historyRetention is not supported when not a versioned store". */
static void history_of_windows(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(groups(), KS_TUMBLING(.size_ms = 10));

    ks_windowed_stream_count(w, AT(KS_MATERIALIZED(.store = "counts", .history_ms = 14)));
}

/* ---- join windows ---- */

/* Window interval (ie, beforeMs+afterMs) must not be negative. */
static void windows_that_end_before_they_begin(void)
{
    ks_stream_join_stream(s, other(),
                          AT(KS_WITHIN(.before_ms = 5, .after_ms = -6)), join, NULL, NULL);
}

static void negative_difference_of_a_join(void)
{
    ks_stream_join_stream(s, other(), KS_WITHIN(.difference_ms = -1), join, NULL,
                          AT(KS_STREAM_JOINED(.name = "j")));
}

static void negative_grace_of_a_join(void)
{
    ks_stream_left_join_stream(
        s, other(), KS_WITHIN(.difference_ms = 1, .grace_ms = -1), join, NULL,
        AT(KS_STREAM_JOINED(.name = "j")));
}

/* ---- suppress ---- */

/* Window close time is only defined for windowed computations. */
static void until_close_of_no_windows(void)
{
    ks_table_suppress(table(), AT(KS_SUPPRESSED(.name = "last", .until_close = KS_ON)));
}

/* suppress() is only supported for non-versioned KTables */
static void suppressing_versions(void)
{
    ks_table_suppress(versioned(10), AT(KS_SUPPRESSED(.name = "last", .limit_ms = 5)));
}

/* ... (note that version semantics might be inherited from upstream) */
static void suppressing_versions_from_upstream(void)
{
    ks_table *filtered = ks_table_filter(versioned(10), keep, NULL, NULL);

    ks_table_suppress(filtered, AT(KS_SUPPRESSED(.name = "last", .limit_ms = 5)));
}

/* Kafka's types do not allow it: untilWindowCloses(StrictBufferConfig) */
static void until_close_but_early(void)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(groups(), KS_TUMBLING(.size_ms = 10));
    ks_table           *counts = ks_windowed_stream_count(w, NULL);

    ks_table_suppress(
        counts,
        AT(KS_SUPPRESSED(.name = "last", .until_close = KS_ON, .full = KS_WHEN_FULL_EMIT_EARLY)));
}

static void negative_limit(void)
{
    ks_table_suppress(table(), AT(KS_SUPPRESSED(.name = "last", .limit_ms = -1)));
}

/* ---- versioned tables ---- */

/* KTable must be versioned to use a grace period in a stream table join. */
static void grace_on_a_plain_table(void)
{
    ks_stream_join_table(s, table(), join, NULL, AT(KS_JOINED(.name = "j", .grace_ms = 5)));
}

static void grace_on_a_join_of_versioned_tables(void)
{
    ks_table *two = ks_builder_table(b, "u", NULL, KS_MATERIALIZED(.store = "u", .history_ms = 9));
    ks_table *both = ks_table_join(versioned(9), two, join, NULL, NULL);

    ks_stream_join_table(s, both, join, NULL, AT(KS_JOINED(.name = "j", .grace_ms = 5)));
}

/* History retention must be at least grace period. */
static void grace_beyond_the_history(void)
{
    ks_stream_join_table(s, versioned(10), join, NULL, AT(KS_JOINED(.name = "j", .grace_ms = 11)));
}

static void grace_beyond_the_history_from_upstream(void)
{
    ks_table *filtered = ks_table_filter(versioned(10), keep, NULL, KS_MATERIALIZED(.name = "f"));

    ks_stream_left_join_table(s, filtered, join, NULL, AT(KS_JOINED(.name = "j", .grace_ms = 11)));
}

static void negative_grace_on_a_table(void)
{
    ks_stream_join_table(s, versioned(10), join, NULL, AT(KS_JOINED(.name = "j", .grace_ms = -1)));
}

/* GlobalTables cannot be versioned. */
static void a_versioned_global_table(void)
{
    ks_builder_global_table(
        b, "g", AT(KS_CONSUMED(.name = "g")), KS_MATERIALIZED(.store = "g", .history_ms = 5));
}

static void a_table_of_negative_history(void)
{
    ks_builder_table(
        b, "t", AT(KS_CONSUMED(.name = "t")), KS_MATERIALIZED(.store = "rows", .history_ms = -5));
}

/* ---- partitions ---- */

/* Number of partitions must be at least 1. */
static void a_negative_count_of_partitions(void)
{
    ks_stream_repartition(s, AT(KS_REPARTITIONED(.name = "x", .partitions = -1)));
}

/* Following topics do not have the same number of partitions */
static void joined_streams_of_unequal_counts(void)
{
    ks_stream *two   = ks_stream_repartition(s, KS_REPARTITIONED(.name = "two", .partitions = 2));
    ks_stream *three = ks_stream_repartition(other(),
                                             KS_REPARTITIONED(.name = "three", .partitions = 3));

    ks_stream_join_stream(two, three, KS_WITHIN(.difference_ms = 1), join, NULL,
                          AT(KS_STREAM_JOINED(.name = "j")));
}

static void joined_tables_of_unequal_counts(void)
{
    ks_stream *two   = ks_stream_repartition(s, KS_REPARTITIONED(.name = "two", .partitions = 2));
    ks_stream *three = ks_stream_repartition(other(),
                                             KS_REPARTITIONED(.name = "three", .partitions = 3));
    ks_table  *left  = ks_stream_to_table(two, NULL);

    ks_table_join(left, ks_stream_to_table(three, NULL), join, NULL,
                  AT(KS_MATERIALIZED(.name = "j")));
}

static void cogrouped_streams_of_unequal_counts(void)
{
    ks_stream *two   = ks_stream_repartition(s, KS_REPARTITIONED(.name = "two", .partitions = 2));
    ks_stream *three = ks_stream_repartition(other(),
                                             KS_REPARTITIONED(.name = "three", .partitions = 3));
    ks_cogrouped_stream *c = ks_grouped_stream_cogroup(ks_stream_group_by_key(two, NULL), fold,
                                                       NULL);

    c = ks_cogrouped_stream_cogroup(c, ks_stream_group_by_key(three, NULL), fold, NULL);
    ks_cogrouped_stream_aggregate(c, KS_AGGREGATE(.initial = KS_NULL),
                                  AT(KS_MATERIALIZED(.name = "c")));
}

/* ---- the table ---- */

static const struct mistake {
    void      (*make)(void);
    ks_status   status;
    const char *node;
    const char *message;    /* behind the place; %s = a name of 250 characters */
} mistakes[] = {
    { empty_name, KS_EINVAL, "",
      "ks_stream_filter \"\": the name is empty" },
    { dots, KS_EINVAL, "..",
      "ks_stream_filter \"..\": the name must not be \"..\"" },
    { long_name, KS_EINVAL, "%s",
      "ks_stream_filter \"%s\": the name is longer than 249 characters" },
    { illegal_name, KS_EINVAL, "a/b",
      "ks_stream_filter \"a/b\": the name \"a/b\" may hold only letters, digits, '.', '_' and "
      "'-'" },
    { illegal_store_name, KS_EINVAL, "",
      "ks_grouped_stream_count after \"source\": the store's name \"a b\" may hold only "
      "letters, digits, '.', '_' and '-'" },
    { long_store_name, KS_EINVAL, "%s",
      "ks_builder_add_store \"%s\": the name is longer than 249 characters" },
    { illegal_topic, KS_EINVAL, "sink",
      "ks_stream_to \"sink\": the topic \"out/1\" may hold only letters, digits, '.', '_' and "
      "'-'" },
    { two_nodes_of_one_name, KS_EEXISTS, "big",
      "ks_stream_map_values \"big\": a node is already named \"big\"" },
    { a_name_that_is_generated_later, KS_EEXISTS, "",
      "ks_stream_peek after \"source\": a node is already named \"KSTREAM-PEEK-0000000002\"" },
    { two_branches_of_one_name, KS_EEXISTS, "by-same",
      "ks_split_branch \"by-same\": a node is already named \"by-same\"" },
    { two_repartitions_of_one_name, KS_EEXISTS, "x",
      "ks_stream_repartition \"x\": a node is already named \"x-repartition-source\"" },
    { two_groups_of_one_name, KS_EEXISTS, "x",
      "ks_stream_group_by \"x\": a node is already named \"x\"" },
    { two_stores_of_one_name, KS_EEXISTS, "",
      "ks_builder_table: a store is already named \"rows\"" },
    { a_store_named_as_a_global_one, KS_EEXISTS, "rows",
      "ks_builder_add_store \"rows\": a store is already named \"rows\"" },
    { two_joins_of_one_store_name, KS_EEXISTS, "",
      "ks_stream_join_stream after \"source\": a store is already named \"j-this-join-store\"" },
    { a_table_of_a_topic_that_is_read, KS_ETOPOLOGY, "again",
      "ks_builder_table \"again\": the topic \"in\" is already read by \"source\"" },
    { a_global_table_of_a_topic_that_is_read, KS_ETOPOLOGY, "again",
      "ks_builder_global_table \"again\": the topic \"in\" is already read by \"source\"" },
    { two_tables_of_one_topic, KS_ETOPOLOGY, "again",
      "ks_builder_table \"again\": the topic \"t\" is already read by \"t-source\"" },
    { a_second_source_of_the_topology_api, KS_ETOPOLOGY, "again",
      "ks_builder_add_source \"again\": the topic \"in\" is already read by \"source\"" },
    { a_source_without_topics, KS_EINVAL, "none",
      "ks_builder_add_source \"none\": needs a topic, but it is NULL" },
    { overlapping_topics, KS_ETOPOLOGY, "both",
      "ks_builder_stream_of \"both\": the topics overlap with those of \"source\"" },
    { two_reset_policies, KS_ETOPOLOGY, "late",
      "ks_builder_stream \"late\": the topics are already read by \"source\" with other options" },
    { an_unknown_store, KS_ENOTFOUND, "p",
      "ks_stream_process: node \"p\": there is no store \"nowhere\"" },
    { an_unknown_store_of_a_table, KS_ENOTFOUND, "p",
      "ks_table_transform_values: node \"p\": there is no store \"nowhere\"" },
    { a_global_store_that_is_connected, KS_ETOPOLOGY, "p",
      "ks_stream_process: node \"p\": every processor may read a global table without being "
      "connected to it: leave out the store \"all\"" },
    { connecting_a_node_that_is_not_there, KS_ENOTFOUND, "",
      "ks_builder_connect: there is no node \"nobody\"" },
    { connecting_a_source, KS_EINVAL, "",
      "ks_builder_connect: \"source\" is not a processor" },
    { a_sink_without_parent, KS_ETOPOLOGY, "out",
      "ks_builder_add_sink \"out\": has no parent: nothing would reach it" },
    { a_processor_without_parent, KS_ETOPOLOGY, "p",
      "ks_builder_add_processor \"p\": has no parent: nothing would reach it" },
    { an_unknown_parent, KS_ENOTFOUND, "p",
      "ks_builder_add_processor \"p\": there is no parent \"nobody\"; add it before" },
    { a_cycle, KS_ETOPOLOGY, "p",
      "ks_builder_add_processor \"p\": is its own parent: that is a cycle" },
    { a_child_of_a_sink, KS_ETOPOLOGY, "p",
      "ks_builder_add_processor \"p\": the parent \"out\" has no children" },
    { a_window_store_of_negative_retention, KS_EINVAL, "w",
      "ks_builder_add_window_store \"w\": .retention_ms is -1; it must be at least 1" },
    { a_window_store_that_keeps_less_than_a_window, KS_EINVAL, "w",
      "ks_builder_add_window_store \"w\": a size of 11 ms does not fit a retention of 10 ms" },
    { a_session_store_of_negative_retention, KS_EINVAL, "w",
      "ks_builder_add_session_store \"w\": .retention_ms is -1; it must be at least 1" },
    { a_versioned_store_of_negative_history, KS_EINVAL, "v",
      "ks_builder_add_versioned_store \"v\": the history must not be negative" },
    { tumbling_without_size, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .size_ms must be at least 1 ms" },
    { tumbling_of_negative_size, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .size_ms is -5; it must not be negative" },
    { hopping_without_advance, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .advance_ms is 0; it must be from 1 to "
      "the size, 10" },
    { hopping_over_gaps, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .advance_ms is 11; it must be from 1 to "
      "the size, 10" },
    { negative_grace_of_tumbling, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .grace_ms is -1; it must not be negative" },
    { negative_grace_of_sliding, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .grace_ms is -1; it must not be negative" },
    { negative_grace_of_sessions, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .grace_ms is -1; it must not be negative" },
    { negative_difference, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .difference_ms is -1; it must not be "
      "negative" },
    { negative_gap, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .gap_ms is -1; it must not be negative" },
    { unlimited_from_before_time, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": .start_ms is -1; it must not be negative" },
    { unlimited_on_close, KS_EINVAL, "",
      "ks_grouped_stream_windowed_by after \"source\": unlimited windows never close; emit on "
      "update" },
    { cogrouped_windows_of_negative_grace, KS_EINVAL, "",
      "ks_cogrouped_stream_windowed_by: .grace_ms is -1; it must not be negative" },
    { retention_below_size_and_grace, KS_EINVAL, "",
      "ks_windowed_stream_count after \"source\": a retention of 14 ms is too short for these "
      "windows and their grace: 15 ms are needed" },
    { retention_below_two_differences, KS_EINVAL, "",
      "ks_windowed_stream_count after \"source\": a retention of 24 ms is too short for these "
      "windows and their grace: 25 ms are needed" },
    { retention_below_gap_and_grace, KS_EINVAL, "",
      "ks_windowed_stream_count after \"source\": a retention of 14 ms is too short for these "
      "windows and their grace: 15 ms are needed" },
    { negative_retention, KS_EINVAL, "",
      "ks_windowed_stream_count after \"source\": a retention of -1 ms is too short for these "
      "windows and their grace: 10 ms are needed" },
    { retention_of_a_plain_count, KS_EINVAL, "",
      "ks_grouped_stream_count after \"source\": only windows have a retention; leave "
      "KS_MATERIALIZED(.retention_ms) out" },
    { history_of_windows, KS_EINVAL, "",
      "ks_windowed_stream_count after \"source\": windows have no history; leave "
      "KS_MATERIALIZED(.history_ms, .versioned) out" },
    { windows_that_end_before_they_begin, KS_EINVAL, "",
      "ks_stream_join_stream after \"source\": the windows end (-6 ms after) before they begin "
      "(5 ms before)" },
    { negative_difference_of_a_join, KS_EINVAL, "j",
      "ks_stream_join_stream \"j\": .difference_ms and .grace_ms must not be negative" },
    { negative_grace_of_a_join, KS_EINVAL, "j",
      "ks_stream_left_join_stream \"j\": .difference_ms and .grace_ms must not be negative" },
    { until_close_of_no_windows, KS_EINVAL, "last",
      "ks_table_suppress \"last\": only windows close, but \"t\" is no windowed table; use "
      "KS_SUPPRESSED(.limit_ms = ...)" },
    { suppressing_versions, KS_EINVAL, "last",
      "ks_table_suppress \"last\": a versioned table cannot be suppressed" },
    { suppressing_versions_from_upstream, KS_EINVAL, "last",
      "ks_table_suppress \"last\": a versioned table cannot be suppressed" },
    { until_close_but_early, KS_EINVAL, "last",
      "ks_table_suppress \"last\": until a window closes nothing leaves early; leave .limit_ms "
      "and .full out" },
    { negative_limit, KS_EINVAL, "last",
      "ks_table_suppress \"last\": limits must not be negative" },
    { grace_on_a_plain_table, KS_EINVAL, "j",
      "ks_stream_join_table \"j\": records can wait only for a versioned table; give it a "
      "history (KS_MATERIALIZED(.store, .history_ms)), or leave .grace_ms and .buffer out" },
    { grace_on_a_join_of_versioned_tables, KS_EINVAL, "j",
      "ks_stream_join_table \"j\": records can wait only for a versioned table; give it a "
      "history (KS_MATERIALIZED(.store, .history_ms)), or leave .grace_ms and .buffer out" },
    { grace_beyond_the_history, KS_EINVAL, "j",
      "ks_stream_join_table \"j\": records wait for 11 ms but \"t\" keeps a history of 10 ms; "
      "shorten .grace_ms or lengthen KS_MATERIALIZED(.history_ms)" },
    { grace_beyond_the_history_from_upstream, KS_EINVAL, "j",
      "ks_stream_left_join_table \"j\": records wait for 11 ms but \"f\" keeps a history of 10 "
      "ms; shorten .grace_ms or lengthen KS_MATERIALIZED(.history_ms)" },
    { negative_grace_on_a_table, KS_EINVAL, "j",
      "ks_stream_join_table \"j\": .grace_ms is -1; it must not be negative" },
    { a_versioned_global_table, KS_EINVAL, "g",
      "ks_builder_global_table \"g\": a global table cannot be versioned" },
    { a_table_of_negative_history, KS_EINVAL, "t",
      "ks_builder_table \"t\": the history must not be negative" },
    { a_negative_count_of_partitions, KS_EINVAL, "x",
      "ks_stream_repartition \"x\": .partitions is -1; it must not be negative" },
    { joined_streams_of_unequal_counts, KS_ETOPOLOGY, "j-merge",
      "ks_stream_join_stream: node \"j-merge\": its inputs must have equally many partitions, "
      "but \"two-repartition\" is to have 2 and \"three-repartition\" 3" },
    { joined_tables_of_unequal_counts, KS_ETOPOLOGY, "j",
      "ks_table_join: node \"j\": its inputs must have equally many partitions, but "
      "\"two-repartition\" is to have 2 and \"three-repartition\" 3" },
    { cogrouped_streams_of_unequal_counts, KS_ETOPOLOGY, "c-cogroup-merge",
      "ks_cogrouped_stream_aggregate: node \"c-cogroup-merge\": its inputs must have equally "
      "many partitions, but \"two-repartition\" is to have 2 and \"three-repartition\" 3" },
};

static void setup(void)
{
    b    = ks_builder_new();
    s    = ks_builder_stream(b, "in", KS_CONSUMED(.name = "source"));
    place = NULL;
}

static void teardown(void)
{
    ks_builder_free(b);
}

/* The whole message, the place and the name that is too long filled in. */
static void expect_message(const struct mistake *mistake, char *out, size_t size)
{
    const char *name = strstr(mistake->message, "%s");
    size_t      used = 0;

    ck_assert_ptr_nonnull(place);
    if (place[0] != '\0')
        used = (size_t)snprintf(out, size, "%s: ", place);
    if (name == NULL)
        snprintf(out + used, size - used, "%s", mistake->message);
    else
        snprintf(out + used, size - used, "%.*s%s%s", (int)(name - mistake->message),
                 mistake->message, too_long(), name + 2);
}

/* Its end is cut if it is too long. */
static void expect_node(const struct mistake *mistake, const char *node)
{
    const size_t size = strlen(node);

    if (strcmp(mistake->node, "%s") != 0) {
        ck_assert_str_eq(node, mistake->node);
        return;
    }
    ck_assert_uint_gt(size, 90);
    ck_assert_str_eq(node + size - 3, "...");
    ck_assert_int_eq(strncmp(node, too_long(), size - 3), 0);
}

START_TEST(what_kafka_streams_refuses_is_refused_with_its_place)
{
    const struct mistake *mistake = &mistakes[_i];
    const ks_error       *error;
    ks_topology          *topology;
    char                  message[1024];

    mistake->make();
    ck_assert_int_eq(ks_builder_build(b, &topology), mistake->status);
    error = ks_topology_error(topology);
    expect_message(mistake, message, sizeof(message));
    ck_assert_str_eq(ks_error_message(error), message);
    expect_node(mistake, ks_error_node(error));
    ck_assert_int_eq(ks_error_status(error), mistake->status);
    ck_assert_str_eq(ks_error_message(ks_builder_error(b)), message);
    ks_topology_free(topology);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("dsl/mistakes_kafka");
    TCase   *cases = tcase_create("mistakes");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, what_kafka_streams_refuses_is_refused_with_its_place, 0,
                        (int)(sizeof(mistakes) / sizeof(mistakes[0])));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
