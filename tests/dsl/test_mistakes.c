/* SPDX-License-Identifier: Apache-2.0
 *
 * test_mistakes.c - every mistake in a topology is latched once, with its place and its remedy.
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

static ks_builder *b;
static ks_stream  *s;

static void setup(void)
{
    b = ks_builder_new();
    s = ks_builder_stream(b, "in", KS_CONSUMED(.name = "source"));
}

static void teardown(void)
{
    ks_builder_free(b);
}

/* The mistake is latched, with this text behind the place; building gives it too. */
static void assert_mistake(ks_status status, const char *text)
{
    ks_topology *topology;
    const char  *message = ks_error_message(ks_builder_error(b));
    const char  *found   = strstr(message, text);

    ck_assert_msg(found != NULL, "\"%s\" is not in \"%s\"", text, message);
    ck_assert_str_eq(found, text);
    ck_assert_msg(found == message || found[-1] == ' ', "no place before \"%s\"", message);
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), status);
    ck_assert_int_eq(ks_builder_build(b, &topology), status);
    ck_assert_str_eq(ks_error_message(ks_topology_error(topology)), message);
    ks_topology_free(topology);
}

/* Behind "tests/dsl/test_mistakes.c:123: ", which must be there. */
static const char *without_place(const char *message)
{
    const char *place = strstr(message, "test_mistakes.c:");

    ck_assert_msg(place != NULL, "no place in \"%s\"", message);
    return strstr(place, ": ") + 2;
}

/* The same for a mistake that only the build finds. */
static void assert_build_mistake(ks_status status, const char *text)
{
    ks_topology *topology;
    char        *description;

    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_OK);
    ck_assert_int_eq(ks_builder_build(b, &topology), status);
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), status);
    ck_assert_str_eq(without_place(ks_error_message(ks_builder_error(b))), text);
    ck_assert_str_eq(ks_error_message(ks_topology_error(topology)),
                     ks_error_message(ks_builder_error(b)));
    description = ks_topology_describe(topology, KS_DESCRIBE_TEXT);
    ck_assert_str_eq(description, "Topologies:\n");
    ks_text_free(description);
    ks_topology_free(topology);
}

/* ---- arguments ---- */

START_TEST(a_missing_function_is_named)
{
    ks_stream_filter(s, NULL, NULL, KS_NAMED("big"));
    assert_mistake(KS_EINVAL, "ks_stream_filter \"big\": needs a predicate, but it is NULL");
}
END_TEST

START_TEST(a_mistake_says_where_the_options_stand)
{
    ks_stream_filter(s, NULL, NULL, KS_NAMED("big"));
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_builder_error(b)), "test_mistakes.c:"));
    ck_assert_str_eq(ks_error_node(ks_builder_error(b)), "big");
}
END_TEST

START_TEST(only_the_first_mistake_is_kept)
{
    ks_stream_filter(s, NULL, NULL, NULL);
    ks_stream_map(s, NULL, NULL, NULL);
    assert_mistake(KS_EINVAL, "ks_stream_filter after \"source\":"
                              " needs a predicate, but it is NULL");
}
END_TEST

START_TEST(after_a_mistake_every_call_is_inert)
{
    ks_stream         *bad   = ks_stream_filter(s, NULL, NULL, NULL);
    ks_grouped_stream *group = ks_stream_group_by(bad, choose, NULL, NULL);
    ks_table          *table = ks_grouped_stream_count(group, NULL);
    ks_split          *split = ks_stream_split(bad, NULL);

    table = ks_table_filter(table, keep, NULL, NULL);
    ks_stream_join_table(bad, table, join, NULL, NULL);
    ks_stream_to(ks_table_to_stream(table, NULL), "out", NULL);
    ks_stream_to(ks_split_branch(split, keep, NULL, NULL), "out", NULL);
    ck_assert_ptr_null(ks_table_store_name(table));
    assert_mistake(KS_EINVAL, "ks_stream_filter after \"source\":"
                              " needs a predicate, but it is NULL");
}
END_TEST

START_TEST(null_handles_are_inert)
{
    ck_assert_ptr_null(ks_stream_filter(NULL, keep, NULL, NULL));
    ck_assert_ptr_null(ks_grouped_stream_count(NULL, NULL));
    ck_assert_ptr_null(ks_table_to_stream(NULL, NULL));
    ck_assert_ptr_null(ks_builder_stream(NULL, "in", NULL));
    ck_assert_int_eq(ks_error_status(ks_builder_error(NULL)), KS_ENOMEM);
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_OK);
}
END_TEST

START_TEST(a_handle_of_the_wrong_kind_is_refused)
{
    ks_table *table = ks_builder_table(b, "t", NULL, NULL);

    ks_stream_filter((ks_stream *)(void *)table, keep, NULL, NULL);
    assert_mistake(KS_ETYPE,
                   "ks_stream_filter after \"KTABLE-SOURCE-0000000003\":"
                   " the first argument must be a stream but is a table");
}
END_TEST

START_TEST(a_stream_of_another_builder_is_refused)
{
    ks_builder *other = ks_builder_new();

    ks_stream_merge(s, ks_builder_stream(other, "x", NULL), NULL);
    assert_mistake(KS_EINVAL, "ks_stream_merge after \"source\":"
                              " the other stream belongs to another builder");
    ck_assert_int_eq(ks_error_status(ks_builder_error(other)), KS_OK);
    ks_builder_free(other);
}
END_TEST

START_TEST(options_without_a_size_are_refused)
{
    const ks_named named = { .name = "x" };

    ks_stream_filter(s, keep, NULL, &named);
    assert_mistake(KS_EINVAL, "ks_stream_filter after \"source\":"
                              " the options have struct_size 0; use a literal"
                              " macro or ks_options_init()");
}
END_TEST

START_TEST(options_of_a_newer_library_are_refused_if_they_say_something)
{
    struct {
        ks_named    named;
        const char *newer;
    } options;

    ks_options_init(&options, sizeof(options));
    s = ks_stream_filter(s, keep, NULL, &options.named);
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_OK);
    options.newer = "x";
    ks_stream_filter(s, keep, NULL, &options.named);
    assert_mistake(KS_EINVAL,
                   "ks_stream_filter after \"KSTREAM-FILTER-0000000001\":"
                   " the options have members that library 0.1.0 does not know");
}
END_TEST

/* ---- names ---- */

START_TEST(a_name_with_a_space_is_refused)
{
    ks_stream_filter(s, keep, NULL, KS_NAMED("a b"));
    assert_mistake(KS_EINVAL, "ks_stream_filter \"a b\": the name \"a b\" may hold only letters,"
                              " digits, '.', '_' and '-'");
}
END_TEST

START_TEST(an_empty_topic_is_refused)
{
    ks_stream_to(s, "", NULL);
    assert_mistake(KS_EINVAL, "ks_stream_to after \"source\": the topic is empty");
}
END_TEST

START_TEST(a_missing_topic_is_refused)
{
    ks_builder_stream(b, NULL, NULL);
    assert_mistake(KS_EINVAL, "ks_builder_stream: needs a topic, but it is NULL");
}
END_TEST

START_TEST(two_nodes_of_one_name_are_refused)
{
    ks_stream_filter(s, keep, NULL, KS_NAMED("big"));
    ks_stream_filter(s, keep, NULL, KS_NAMED("big"));
    assert_mistake(KS_EEXISTS, "ks_stream_filter \"big\": a node is already named \"big\"");
}
END_TEST

START_TEST(two_stores_of_one_name_are_refused)
{
    ks_builder_add_store(b, KS_KV_STORE("seen"));
    ks_builder_add_store(b, KS_KV_STORE("seen"));
    assert_mistake(KS_EEXISTS, "ks_builder_add_store \"seen\": a store is already named \"seen\"");
}
END_TEST

START_TEST(two_serdes_of_one_name_are_refused)
{
    const ks_serde_class class = { .name = "json" };

    ks_builder_serde(b, &class);
    ck_assert_ptr_eq(ks_builder_serde(b, &class), ks_serde_bytes());
    assert_mistake(KS_EEXISTS, "ks_builder_serde: a serde is already named \"json\"");
}
END_TEST

/* ---- types ---- */

START_TEST(a_sink_of_another_type_is_refused_with_the_fix)
{
    ks_table *counts = ks_grouped_stream_count(ks_stream_group_by_key(s, NULL),
                                               KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(counts, KS_NAMED("totals")), "word-counts",
                 KS_PRODUCED(.value = ks_serde_f64()));
    assert_mistake(KS_ETYPE, "ks_stream_to \"word-counts\": value serde is f64 but \"totals\""
                             " yields i64; use KS_PRODUCED(.value = ks_serde_i64())");
}
END_TEST

START_TEST(a_filter_cannot_change_the_key)
{
    s = ks_builder_stream(b, "typed", KS_CONSUMED(.name = "typed", .key = ks_serde_utf8()));
    ks_stream_filter(s, keep, NULL, KS_NAMED("f", .key = ks_serde_i64()));
    assert_mistake(KS_ETYPE, "ks_stream_filter \"f\": key serde is i64 but \"typed\" yields utf8;"
                             " use KS_NAMED(.key = ks_serde_utf8())");
}
END_TEST

START_TEST(merged_streams_must_agree)
{
    ks_stream *a = ks_builder_stream(b, "a", KS_CONSUMED(.name = "a", .value = ks_serde_i64()));
    ks_stream *c = ks_builder_stream(b, "c", KS_CONSUMED(.name = "c", .value = ks_serde_utf8()));

    ks_stream_merge(a, c, KS_NAMED("m"));
    assert_mistake(KS_ETYPE, "ks_stream_merge \"m\": value serde is utf8 but \"a\" yields i64");
}
END_TEST

START_TEST(join_sides_must_have_one_key)
{
    ks_stream *a = ks_builder_stream(b, "a", KS_CONSUMED(.name = "a", .key = ks_serde_i64()));
    ks_table  *t = ks_builder_table(b, "t", KS_CONSUMED(.name = "t", .key = ks_serde_utf8()), NULL);

    ks_stream_join_table(a, t, join, NULL, NULL);
    assert_mistake(KS_ETYPE, "ks_stream_join_table after \"a\":"
                             " the keys of the two sides differ: \"a\" yields i64, \"t\" yields"
                             " utf8; give one side the other's key first"
                             " (ks_stream_select_key(), ks_stream_map())");
}
END_TEST

START_TEST(a_count_is_an_i64)
{
    ks_grouped_stream_count(ks_stream_group_by_key(s, NULL),
                            KS_MATERIALIZED(.value = ks_serde_i32()));
    assert_mistake(KS_ETYPE, "ks_grouped_stream_count after \"source\":"
                             " value serde is i32 but a count is i64; use"
                             " KS_MATERIALIZED(.value = ks_serde_i64()) or leave it out");
}
END_TEST

START_TEST(consumed_and_materialized_must_agree)
{
    ks_builder_table(b, "t", KS_CONSUMED(.value = ks_serde_i64()),
                     KS_MATERIALIZED(.value = ks_serde_utf8()));
    assert_mistake(KS_ETYPE, "ks_builder_table: value serde is utf8 but \"t\" yields i64");
}
END_TEST

START_TEST(structs_are_equal_by_name_and_size)
{
    struct a { int x; };
    struct c { int x; };
    const ks_serde *type = KS_STRUCT(struct a);
    ks_stream      *a    = ks_builder_stream(b, "a", KS_CONSUMED(.name = "a", .value = type));

    a = ks_stream_filter(a, keep, NULL, KS_NAMED("same", .value = KS_STRUCT(struct a)));
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_OK);
    ks_stream_filter(a, keep, NULL, KS_NAMED("other", .value = KS_STRUCT(struct c)));
    assert_mistake(KS_ETYPE, "ks_stream_filter \"other\": value serde is struct c but \"same\""
                             " yields struct a; use KS_NAMED(.value = KS_STRUCT(struct a))");
}
END_TEST

START_TEST(an_undeclared_value_fits_anything)
{
    s = ks_builder_stream(b, "t", KS_CONSUMED(.value = ks_serde_utf8()));
    s = ks_stream_map_values(s, map, NULL, NULL);
    ks_stream_to(s, "out", KS_PRODUCED(.value = ks_serde_f64()));
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_OK);
}
END_TEST

START_TEST(an_initial_aggregate_must_be_of_the_type)
{
    static int32_t start;

    ks_grouped_stream_aggregate(ks_stream_group_by_key(s, NULL),
                                KS_AGGREGATE(.initial = KS_OBJECT(start), .add = choose),
                                KS_MATERIALIZED(.value = ks_serde_i64()));
    assert_mistake(KS_ETYPE,
                   "ks_grouped_stream_aggregate after \"source\":"
                   " the initial aggregate does not decode as i64");
}
END_TEST

/* ---- structure ---- */

START_TEST(an_aggregation_needs_its_adder)
{
    ks_grouped_stream_aggregate(ks_stream_group_by_key(s, NULL), KS_AGGREGATE(.initial = KS_NULL),
                                NULL);
    assert_mistake(KS_EINVAL,
                   "ks_grouped_stream_aggregate after \"source\":"
                   " needs KS_AGGREGATE(.add), but it is NULL");
}
END_TEST

START_TEST(an_aggregation_refuses_what_it_does_not_use)
{
    ks_grouped_stream_aggregate(ks_stream_group_by_key(s, NULL),
                                KS_AGGREGATE(.add = choose, .subtract = choose), NULL);
    assert_mistake(KS_EINVAL, "ks_grouped_stream_aggregate after \"source\":"
                              " KS_AGGREGATE(.subtract) is not used"
                              " here; leave it out");
}
END_TEST

START_TEST(no_branch_after_the_default)
{
    ks_split *split = ks_stream_split(s, KS_NAMED("split"));

    ks_split_default(split, NULL);
    ks_split_branch(split, keep, NULL, NULL);
    assert_mistake(KS_ESTATE, "ks_split_branch: \"split\" has its default branch already, which"
                              " must be the last");
}
END_TEST

START_TEST(a_table_and_a_stream_cannot_read_one_topic)
{
    ks_builder_table(b, "in", NULL, NULL);
    assert_mistake(KS_ETOPOLOGY,
                   "ks_builder_table: the topic \"in\" is already read by \"source\"");
}
END_TEST

START_TEST(overlapping_topics_are_refused)
{
    ks_builder_stream_of(b, (const char *const[]){ "in", "other" }, 2, NULL);
    assert_mistake(KS_ETOPOLOGY,
                   "ks_builder_stream_of: the topics overlap with those of \"source\"");
}
END_TEST

START_TEST(one_source_has_one_reset_policy)
{
    ks_builder_stream(b, "in", KS_CONSUMED(.reset = KS_RESET_LATEST));
    assert_mistake(KS_ETOPOLOGY, "ks_builder_stream: the topics are already read by \"source\" with"
                                 " other options");
}
END_TEST

START_TEST(two_resets_of_a_source_are_refused)
{
    ks_builder_stream(b, "fresh", KS_CONSUMED(.reset = KS_RESET_LATEST, .reset_before_ms = 1));
    assert_mistake(KS_EINVAL, "ks_builder_stream: give .reset or .reset_before_ms, not both");
}
END_TEST

START_TEST(a_reset_to_the_future_is_refused)
{
    ks_builder_stream(b, "fresh", KS_CONSUMED(.reset_before_ms = -1));
    assert_mistake(KS_EINVAL, "ks_builder_stream: .reset_before_ms must not be negative");
}
END_TEST

START_TEST(one_source_has_one_time_ago)
{
    ks_builder_stream(b, "in", KS_CONSUMED(.reset_before_ms = 1));
    assert_mistake(KS_ETOPOLOGY, "ks_builder_stream: the topics are already read by \"source\" with"
                                 " other options");
}
END_TEST

START_TEST(an_unknown_store_is_refused)
{
    ks_stream_process(s, &processor, NULL, KS_CONNECTED(.name = "p", .stores = { "nowhere" }));
    assert_build_mistake(KS_ENOTFOUND, "ks_stream_process: node \"p\":"
                                       " there is no store \"nowhere\"");
}
END_TEST

START_TEST(a_topology_without_a_source_is_refused)
{
    ks_builder  *empty = ks_builder_new();
    ks_topology *topology;

    ck_assert_int_eq(ks_builder_build(empty, &topology), KS_ETOPOLOGY);
    ck_assert_str_eq(ks_error_message(ks_builder_error(empty)),
                     "the topology has no source: it must read a topic or a global table");
    ks_topology_free(topology);
    ks_builder_free(empty);
}
END_TEST

START_TEST(a_build_needs_a_place_for_the_topology)
{
    ck_assert_int_eq(ks_builder_build(b, NULL), KS_EINVAL);
    ck_assert_str_eq(ks_error_message(ks_builder_error(b)),
                     "ks_builder_build: needs a place for the topology, but it is NULL");
    ck_assert_int_eq(ks_builder_build(NULL, NULL), KS_ENOMEM);
}
END_TEST

START_TEST(a_store_may_be_added_after_its_processor)
{
    ks_topology *topology;

    ks_stream_process(s, &processor, NULL, KS_CONNECTED(.name = "p", .stores = { "later" }));
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_ENOTFOUND);
    ks_topology_free(topology);
    ks_builder_add_store(b, KS_KV_STORE("later"));
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ck_assert_int_eq(ks_error_status(ks_builder_error(b)), KS_OK);
    ks_topology_free(topology);
}
END_TEST

START_TEST(a_global_store_needs_no_connection)
{
    ks_builder_global_table(b, "g", NULL, KS_MATERIALIZED(.store = "all"));
    ks_stream_process(s, &processor, NULL, KS_CONNECTED(.name = "p", .stores = { "all" }));
    assert_build_mistake(KS_ETOPOLOGY,
                         "ks_stream_process: node \"p\":"
                         " every processor may read a global table without being"
                         " connected to it: leave out the store \"all\"");
}
END_TEST

START_TEST(fixed_partition_counts_must_agree)
{
    ks_stream *a = ks_stream_repartition(s, KS_REPARTITIONED(.name = "a", .partitions = 2));
    ks_stream *c = ks_stream_repartition(ks_builder_stream(b, "x", NULL),
                                         KS_REPARTITIONED(.name = "c", .partitions = 3));

    ks_stream_join_table(a, ks_stream_to_table(c, NULL), join, NULL, KS_JOINED(.name = "join"));
    assert_build_mistake(KS_ETOPOLOGY, "ks_stream_join_table: node \"join\":"
                                       " its inputs must have equally many partitions, but"
                                       " \"a-repartition\" is to have 2 and"
                                       " \"c-repartition\" 3");
}
END_TEST

START_TEST(fixed_partition_counts_must_agree_by_way_of_a_third_topic)
{
    ks_table  *table = ks_builder_table(b, "t", NULL, KS_MATERIALIZED(.store = "rows"));
    ks_stream *a     = ks_stream_repartition(s, KS_REPARTITIONED(.name = "a", .partitions = 2));
    ks_stream *c     = ks_stream_repartition(ks_builder_stream(b, "x", NULL),
                                             KS_REPARTITIONED(.name = "c", .partitions = 3));

    ks_stream_join_table(a, table, join, NULL, KS_JOINED(.name = "one"));
    ks_stream_join_table(c, table, join, NULL, KS_JOINED(.name = "other"));
    assert_build_mistake(KS_ETOPOLOGY, "ks_stream_join_table: node \"other\":"
                                       " its inputs must have equally many partitions, but"
                                       " \"c-repartition\" is to have 3 and"
                                       " \"a-repartition\" 2");
}
END_TEST

/* ---- Topology API ---- */

START_TEST(an_unknown_parent_is_refused)
{
    ks_builder_add_processor(b, "p", &processor, NULL, KS_CONNECTED(.parents = { "nobody" }));
    assert_mistake(KS_ENOTFOUND,
                   "ks_builder_add_processor \"p\": there is no parent \"nobody\"; add it before");
}
END_TEST

START_TEST(a_cycle_is_refused)
{
    ks_builder_add_processor(b, "p", &processor, NULL, KS_CONNECTED(.parents = { "source", "p" }));
    assert_mistake(KS_ETOPOLOGY,
                   "ks_builder_add_processor \"p\": is its own parent: that is a cycle");
}
END_TEST

START_TEST(a_dangling_sink_is_refused)
{
    ks_builder_add_sink(b, "out", "topic", NULL, NULL);
    assert_mistake(KS_ETOPOLOGY,
                   "ks_builder_add_sink \"out\": has no parent: nothing would reach it");
}
END_TEST

START_TEST(a_sink_is_nobodys_parent)
{
    ks_builder_add_sink(b, "out", "topic", NULL, KS_CONNECTED(.parents = { "source" }));
    ks_builder_add_processor(b, "p", &processor, NULL, KS_CONNECTED(.parents = { "out" }));
    assert_mistake(KS_ETOPOLOGY,
                   "ks_builder_add_processor \"p\": the parent \"out\" has no children");
}
END_TEST

START_TEST(connecting_needs_both_ends)
{
    ks_builder_connect(b, "nobody", "store");
    assert_mistake(KS_ENOTFOUND, "ks_builder_connect: there is no node \"nobody\"");
}
END_TEST

/* ---- what is handed over ---- */

static int destroyed;

static void count_destroy(void *object)
{
    (void)object;
    destroyed++;
}

START_TEST(owned_objects_live_as_long_as_the_last_topology)
{
    ks_topology *first, *second;

    destroyed = 0;
    ck_assert_ptr_eq(ks_builder_own(b, &destroyed, count_destroy), &destroyed);
    ck_assert_int_eq(ks_builder_build(b, &first), KS_OK);
    ck_assert_int_eq(ks_builder_build(b, &second), KS_OK);
    ks_builder_free(b);
    b = NULL;
    ks_topology_free(first);
    ck_assert_int_eq(destroyed, 0);
    ks_topology_free(second);
    ck_assert_int_eq(destroyed, 1);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
    TCase *cases = tcase_create(name);

    tcase_add_checked_fixture(cases, setup, teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
}

#define ADD(suite, name, ...)                                                            \
    add(suite, name, (const TTest *const[]){ __VA_ARGS__ },                              \
        sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))

int main(void)
{
    Suite   *suite = suite_create("mistakes");
    SRunner *runner = srunner_create(suite);
    int      failed;

    ADD(suite, "arguments", a_missing_function_is_named, a_mistake_says_where_the_options_stand,
        only_the_first_mistake_is_kept, after_a_mistake_every_call_is_inert,
        null_handles_are_inert, a_handle_of_the_wrong_kind_is_refused,
        a_stream_of_another_builder_is_refused, options_without_a_size_are_refused,
        options_of_a_newer_library_are_refused_if_they_say_something);
    ADD(suite, "names", a_name_with_a_space_is_refused, an_empty_topic_is_refused,
        a_missing_topic_is_refused, two_nodes_of_one_name_are_refused,
        two_stores_of_one_name_are_refused, two_serdes_of_one_name_are_refused);
    ADD(suite, "types", a_sink_of_another_type_is_refused_with_the_fix,
        a_filter_cannot_change_the_key, merged_streams_must_agree, join_sides_must_have_one_key,
        a_count_is_an_i64, consumed_and_materialized_must_agree,
        structs_are_equal_by_name_and_size, an_undeclared_value_fits_anything,
        an_initial_aggregate_must_be_of_the_type);
    ADD(suite, "structure", an_aggregation_needs_its_adder,
        an_aggregation_refuses_what_it_does_not_use, no_branch_after_the_default,
        a_table_and_a_stream_cannot_read_one_topic, overlapping_topics_are_refused,
        one_source_has_one_reset_policy, one_source_has_one_time_ago,
        two_resets_of_a_source_are_refused, a_reset_to_the_future_is_refused,
        an_unknown_store_is_refused,
        a_store_may_be_added_after_its_processor, a_global_store_needs_no_connection,
        fixed_partition_counts_must_agree,
        fixed_partition_counts_must_agree_by_way_of_a_third_topic,
        a_topology_without_a_source_is_refused,
        a_build_needs_a_place_for_the_topology);
    ADD(suite, "topology api", an_unknown_parent_is_refused, a_cycle_is_refused,
        a_dangling_sink_is_refused, a_sink_is_nobodys_parent, connecting_needs_both_ends);
    ADD(suite, "ownership", owned_objects_live_as_long_as_the_last_topology);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
