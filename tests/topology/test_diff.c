/* SPDX-License-Identifier: Apache-2.0
 *
 * test_diff.c - what an edit keeps, adds, leaves behind and breaks; and the shape as text.
 */
#include "base/alloc.h"

#include <check.h>
#include <kstream/kstream.h>
#include <kstream/sys/store.h>
#include <stdlib.h>
#include <string.h>

/* ---- topologies ---- */

static ks_status by_value(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)user;
    *io = record->value;
    return KS_OK;
}

static bool accept(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_builder  *b;
static ks_topology *before, *after;
static ks_diff     *diff;

static void begin(void)
{
    b = ks_builder_new();
}

static ks_topology *end(void)
{
    ks_topology *topology;

    ck_assert_msg(ks_builder_build(b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
    begin();
    return topology;
}

static void setup(void)
{
    before = after = NULL;
    diff           = NULL;
    begin();
}

static void teardown(void)
{
    ks_diff_free(diff);
    ks_topology_free(before);
    ks_topology_free(after);
    ks_builder_free(b);
}

static ks_stream *texts(const char *topic)
{
    return ks_builder_stream(b, topic,
                             KS_CONSUMED(.key = ks_serde_utf8(), .value = ks_serde_utf8()));
}

static ks_stream *keyed(ks_stream *s)
{
    return ks_stream_select_key(s, by_value, NULL, NULL);
}

/* A count behind a topic that is named, in a store that may be. */
static ks_table *count(ks_stream *s, const char *topic, const char *store)
{
    return ks_grouped_stream_count(ks_stream_group_by(s, by_value, NULL, KS_GROUPED(.name = topic)),
                                   KS_MATERIALIZED(.store = store));
}

/* A table on a topic, with a store of this type and options. */
static void table(const char *topic, const char *store, const ks_serde *value, ks_switch changelog)
{
    ks_builder_table(b, topic, NULL, KS_MATERIALIZED(.store = store, .value = value,
                                                     .changelog = changelog));
}

/* ---- assertions ---- */

/* Compares, and compares again by the text of the one before: the same must come out. */
static void compare(void)
{
    char    *shape = ks_topology_describe(before, KS_DESCRIBE_SHAPE), *one, *other;
    ks_diff *again = ks_topology_diff_text(shape, after);

    diff = ks_topology_diff(before, after);
    ck_assert_str_eq(ks_error_message(ks_diff_error(diff)), "");
    ck_assert_str_eq(ks_error_message(ks_diff_error(again)), "");
    one   = ks_diff_text(diff);
    other = ks_diff_text(again);
    ck_assert_str_eq(one, other);
    ks_text_free(one);
    ks_text_free(other);
    ks_text_free(shape);
    ks_diff_free(again);
}

static void expect_text(const char *expected)
{
    char *text = ks_diff_text(diff);

    ck_assert_str_eq(text, expected);
    ks_text_free(text);
}

/* There is this entry, by its name now or before. */
static void expect(ks_diff_subject subject, ks_diff_verdict verdict, const char *name,
                   const char *why)
{
    char *text = ks_diff_text(diff);

    ks_diff_rewind(diff);
    for (const ks_difference *one; (one = ks_diff_next(diff)) != NULL;) {
        if (one->subject != subject ||
            strcmp(one->after != NULL ? one->after : one->before, name) != 0)
            continue;
        ck_assert_msg(one->verdict == verdict, "%s:\n%s", name, text);
        ck_assert_str_eq(one->why, why);
        ks_text_free(text);
        return;
    }
    ck_abort_msg("no %s:\n%s", name, text);
}

/* ---- kept ---- */

static void word_count(void)
{
    ks_stream_to(ks_table_to_stream(count(texts("lines"), "by", "counts"), NULL), "out", NULL);
}

START_TEST(the_same_topology_is_kept_as_a_whole)
{
    word_count();
    before = end();
    word_count();
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_KEPT);
    expect_text("0 broken, 0 restored, 0 orphaned, 0 added, 6 kept\n"
                "kept      store        counts\n"
                "kept      topic        by-repartition\n"
                "kept      topic        counts-changelog\n"
                "kept      source       lines\n"
                "kept      sub-topology 0\n"
                "kept      sub-topology 1\n");
}
END_TEST

/* Operators come and go; generated numbers of what is named do not matter. */
START_TEST(named_things_survive_an_edit)
{
    word_count();
    before = end();
    ks_stream_to(ks_table_to_stream(
                     count(ks_stream_filter(texts("lines"), accept, NULL, NULL), "by", "counts"),
                     NULL),
                 "elsewhere", NULL);
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_KEPT);
}
END_TEST

START_TEST(what_is_new_is_added)
{
    word_count();
    before = end();
    word_count();
    count(texts("more"), "by-more", "more-counts");
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_ADDED);
    expect(KS_DIFF_SOURCE, KS_DIFF_ADDED, "more", "");
    expect(KS_DIFF_TOPIC, KS_DIFF_ADDED, "by-more-repartition", "");
    expect(KS_DIFF_TOPIC, KS_DIFF_ADDED, "more-counts-changelog", "");
    expect(KS_DIFF_STORE, KS_DIFF_ADDED, "more-counts", "");
    expect(KS_DIFF_SUBTOPOLOGY, KS_DIFF_ADDED, "3", "");
}
END_TEST

START_TEST(what_is_not_there_any_more_is_left_behind)
{
    word_count();
    count(texts("more"), "by-more", "more-counts");
    before = end();
    word_count();
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_ORPHANED);
    expect(KS_DIFF_STORE, KS_DIFF_ORPHANED, "more-counts", "its rows are not read any more");
    expect(KS_DIFF_TOPIC, KS_DIFF_ORPHANED, "more-counts-changelog",
           "nobody writes or restores it any more");
    expect(KS_DIFF_TOPIC, KS_DIFF_ORPHANED, "by-more-repartition",
           "records that wait in it are not read any more");
    expect(KS_DIFF_SOURCE, KS_DIFF_ORPHANED, "more",
           "not read any more; its committed offsets stay");
    expect(KS_DIFF_SUBTOPOLOGY, KS_DIFF_ORPHANED, "3", "its task directories stay");
}
END_TEST

/* ---- restored ---- */

START_TEST(a_sub_topology_with_another_number_is_restored)
{
    table("users", "rows", NULL, KS_DEFAULT);
    before = end();
    ks_stream_to(texts("first"), "out", NULL);
    table("users", "rows", NULL, KS_DEFAULT);
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_RESTORED);
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "rows", "its sub-topology was 0, is 1");
    expect(KS_DIFF_SUBTOPOLOGY, KS_DIFF_RESTORED, "1", "was number 0");
    expect(KS_DIFF_SUBTOPOLOGY, KS_DIFF_ADDED, "0", "");
    expect(KS_DIFF_TOPIC, KS_DIFF_KEPT, "rows-changelog", "");
}
END_TEST

START_TEST(another_store_beside_it_empties_the_directory)
{
    table("users", "rows", NULL, KS_DEFAULT);
    before = end();
    ks_table_filter(ks_builder_table(b, "users", NULL, KS_MATERIALIZED(.store = "rows")), accept,
                    NULL, KS_MATERIALIZED(.store = "some"));
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "rows", "the stores of sub-topology 0 have changed");
    expect(KS_DIFF_SUBTOPOLOGY, KS_DIFF_RESTORED, "0", "its stores have changed");
}
END_TEST

START_TEST(without_a_changelog_it_is_lost_then)
{
    table("users", "rows", NULL, KS_OFF);
    before = end();
    ks_stream_to(texts("first"), "out", NULL);
    table("users", "rows", NULL, KS_OFF);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows",
           "its sub-topology was 0, is 1: its task's directory is emptied, and it has no"
           " changelog");
}
END_TEST

START_TEST(global_tables_are_read_again_when_one_is_added)
{
    ks_builder_global_table(b, "codes", NULL, KS_MATERIALIZED(.store = "codes"));
    before = end();
    ks_builder_global_table(b, "codes", NULL, KS_MATERIALIZED(.store = "codes"));
    ks_builder_global_table(b, "names", NULL, KS_MATERIALIZED(.store = "names"));
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "codes",
           "the stores of sub-topology global have changed");
    expect(KS_DIFF_STORE, KS_DIFF_ADDED, "names", "");
}
END_TEST

/* ---- broken ---- */

START_TEST(another_type_breaks_a_store_its_changelog_and_its_source)
{
    table("users", "rows", ks_serde_i64(), KS_DEFAULT);
    before = end();
    table("users", "rows", ks_serde_utf8(), KS_DEFAULT);
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_BROKEN);
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows", "value was i64, is utf8");
    expect(KS_DIFF_TOPIC, KS_DIFF_BROKEN, "rows-changelog", "value was i64, is utf8");
    expect(KS_DIFF_SOURCE, KS_DIFF_BROKEN, "users", "value was i64, is utf8");
}
END_TEST

START_TEST(a_type_that_was_not_declared_fits)
{
    table("users", "rows", NULL, KS_DEFAULT);
    before = end();
    table("users", "rows", ks_serde_utf8(), KS_DEFAULT);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "rows", "the stores of sub-topology 0 have changed");
}
END_TEST

static void add_window_store(int64_t retention_ms)
{
    ks_windowed_stream_count(
        ks_grouped_stream_windowed_by(ks_stream_group_by_key(texts("in"), NULL),
                                      KS_TUMBLING(.size_ms = 10)),
        KS_MATERIALIZED(.store = "windows", .retention_ms = retention_ms));
}

START_TEST(with_a_longer_retention_a_store_is_restored)
{
    add_window_store(100);
    before = end();
    add_window_store(200);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "windows", "retention_ms was 100, is 200");
    expect(KS_DIFF_TOPIC, KS_DIFF_KEPT, "windows-changelog", "");
}
END_TEST

START_TEST(a_shorter_retention_breaks_a_store)
{
    add_window_store(200);
    before = end();
    add_window_store(100);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "windows",
           "retention_ms was 200, is 100: older rows are lost");
}
END_TEST

static ks_topology *cut(const ks_windowing *windowing)
{
    ks_windowed_stream_count(
        ks_grouped_stream_windowed_by(ks_stream_group_by_key(texts("in"), NULL), windowing),
        KS_MATERIALIZED(.store = "windows"));
    return end();
}

START_TEST(another_size_breaks_windows_of_the_same_retention)
{
    before = cut(KS_TUMBLING(.size_ms = 100, .grace_ms = 100));
    after  = cut(KS_TUMBLING(.size_ms = 150, .grace_ms = 50));
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "windows",
           "the cut of windows was 100 ms, one every 100 ms, is 150 ms, one every 150 ms:"
           " rows of both mix");
}
END_TEST

START_TEST(another_advance_breaks_windows)
{
    before = cut(KS_HOPPING(.size_ms = 10, .advance_ms = 5));
    after  = cut(KS_HOPPING(.size_ms = 10, .advance_ms = 4));
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "windows",
           "the cut of windows was 10 ms, one every 5 ms, is 10 ms, one every 4 ms:"
           " rows of both mix");
}
END_TEST

START_TEST(another_count_breaks_counted_windows)
{
    before = cut(KS_COUNTED(.count = 4, .advance = 2));
    after  = cut(KS_COUNTED(.count = 6, .advance = 2));
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "windows",
           "the cut of windows was 4 records, one every 2, is 6 records, one every 2:"
           " rows of both mix");
}
END_TEST

START_TEST(with_a_longer_grace_windows_are_restored)
{
    before = cut(KS_TUMBLING(.size_ms = 100, .grace_ms = 10));
    after  = cut(KS_TUMBLING(.size_ms = 100, .grace_ms = 50));
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "windows", "retention_ms was 110, is 150");
}
END_TEST

START_TEST(with_a_longer_gap_sessions_are_restored)
{
    before = cut(KS_SESSIONS(.gap_ms = 10));
    after  = cut(KS_SESSIONS(.gap_ms = 20));
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_RESTORED, "windows", "retention_ms was 10, is 20");
}
END_TEST

START_TEST(slices_break_windows_that_were_kept_without)
{
    before = cut(KS_HOPPING(.size_ms = 10, .advance_ms = 5, .emit = KS_EMIT_ON_CLOSE));
    after  = cut(KS_HOPPING(.size_ms = 10, .advance_ms = 5, .emit = KS_EMIT_ON_CLOSE,
                            .slices = KS_ON));
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "windows", "layout was timed, is timed, from slices");
    expect(KS_DIFF_STORE, KS_DIFF_ADDED, "windows-slices", "");
}
END_TEST

START_TEST(another_kind_breaks_a_store)
{
    table("users", "rows", NULL, KS_DEFAULT);
    before = end();
    ks_builder_table(b, "users", NULL, KS_MATERIALIZED(.store = "rows", .history_ms = 1000));
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows", "kind was key-value, is versioned");
}
END_TEST

START_TEST(a_store_of_the_user_s_own_is_another_kind)
{
    static const ks_store_class class = { .struct_size = sizeof(class), .state_size = 1 };

    ks_builder_add_store(b, KS_KV_STORE("rows"));
    ks_stream_to(texts("in"), "out", NULL);
    before = end();
    ks_builder_add_user_store(b, &class, NULL, KS_USER_STORE("rows", .changelog = KS_OFF));
    ks_stream_to(texts("in"), "out", NULL);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows", "kind was key-value, is user");
}
END_TEST

START_TEST(keys_that_are_distributed_otherwise_break_a_store)
{
    ks_grouped_stream_count(ks_stream_group_by_key(texts("in"), NULL),
                            KS_MATERIALIZED(.store = "counts"));
    before = end();
    ks_grouped_stream_count(ks_stream_group_by_key(keyed(texts("in")), NULL),
                            KS_MATERIALIZED(.store = "counts"));
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "counts",
           "what its keys are distributed by was topic, is repartition: rows lie on other"
           " partitions");
}
END_TEST

static void repartition(int32_t partitions)
{
    ks_stream *s = ks_stream_repartition(
        texts("in"), KS_REPARTITIONED(.name = "spread", .partitions = partitions));

    ks_grouped_stream_count(ks_stream_group_by_key(s, NULL), KS_MATERIALIZED(.store = "counts"));
}

START_TEST(another_count_of_partitions_breaks_a_topic_and_what_it_feeds)
{
    repartition(4);
    before = end();
    repartition(8);
    after = end();
    compare();
    expect(KS_DIFF_TOPIC, KS_DIFF_BROKEN, "spread-repartition",
           "the count of partitions was 4, is 8: the topic is there already and is not made"
           " again");
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "counts", "the count of partitions was 4, is 8");
}
END_TEST

START_TEST(a_generated_number_that_shifted_breaks_what_it_names)
{
    count(texts("in"), NULL, NULL);
    before = end();
    count(ks_stream_filter(texts("in"), accept, NULL, NULL), NULL, NULL);
    after = end();
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_BROKEN);
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "KSTREAM-AGGREGATE-STATE-STORE-0000000003",
           "was \"KSTREAM-AGGREGATE-STATE-STORE-0000000002\": the generated number changed, and"
           " the rows stay under the old name; name the store");
    expect(KS_DIFF_TOPIC, KS_DIFF_BROKEN, "KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition",
           "was \"KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition\": the generated number"
           " changed, and records that wait stay in the old topic; name the grouping or join");
    ks_diff_rewind(diff);
    ck_assert_str_eq(ks_diff_next(diff)->before, "KSTREAM-AGGREGATE-STATE-STORE-0000000002");
}
END_TEST

/* The worst case: nothing is missing, but the counts are those of the other topic. */
START_TEST(a_generated_name_that_changed_its_owner_is_broken)
{
    ks_grouped_stream_count(ks_stream_group_by_key(texts("a"), NULL), NULL);
    ks_grouped_stream_count(ks_stream_group_by_key(texts("b"), NULL), NULL);
    before = end();
    ks_grouped_stream_count(ks_stream_group_by_key(texts("b"), NULL), NULL);
    ks_grouped_stream_count(ks_stream_group_by_key(texts("a"), NULL), NULL);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "KSTREAM-AGGREGATE-STATE-STORE-0000000001",
           "the generated name was that of \"count\" of a, is that of \"count\" of b");
}
END_TEST

/* ---- optimization ---- */

static ks_topology *optimized(const char *how)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "topology.optimization", how);
    ks_builder_configure(b, config);
    ks_config_free(config);
    table("users", "rows", NULL, KS_DEFAULT);
    return end();
}

START_TEST(a_table_may_begin_to_be_restored_from_its_source)
{
    before = optimized("none");
    after  = optimized("all");
    compare();
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_ORPHANED);
    expect(KS_DIFF_STORE, KS_DIFF_KEPT, "rows", "restored from users, no longer from own");
    expect(KS_DIFF_TOPIC, KS_DIFF_ORPHANED, "rows-changelog",
           "nobody writes or restores it any more");
}
END_TEST

START_TEST(a_changelog_that_begins_empty_restores_nothing)
{
    before = optimized("all");
    after  = optimized("none");
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows",
           "its changelog was users, is own: that begins empty, so older rows are restored from"
           " nothing");
    expect(KS_DIFF_TOPIC, KS_DIFF_ADDED, "rows-changelog", "");
}
END_TEST

/* ---- the text ---- */

START_TEST(names_with_blanks_survive_the_text)
{
    const ks_serde *serde = ks_builder_serde(b, &(ks_serde_class){ .name = "a b\t%=,\xc3\xa4" });
    char           *shape;

    table("users", "rows", serde, KS_DEFAULT);
    before = end();
    table("users", "rows", ks_serde_utf8(), KS_DEFAULT);
    after = end();
    compare();
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows", "value was a b\t%=,\xc3\xa4, is utf8");
    shape = ks_topology_describe(before, KS_DESCRIBE_SHAPE);
    ck_assert_ptr_nonnull(strstr(shape, "\tvalue=a%20b%09%25=,%c3%a4\t"));
    ks_text_free(shape);
}
END_TEST

START_TEST(a_field_of_a_later_version_is_passed_over)
{
    table("users", "rows", NULL, KS_DEFAULT);
    after = end();
    diff  = ks_topology_diff_text("kstream shape 1\n"
                                  "store\trows\tsmell=roses\tkind=session\n",
                                  after);
    ck_assert_str_eq(ks_error_message(ks_diff_error(diff)), "");
    expect(KS_DIFF_STORE, KS_DIFF_BROKEN, "rows", "kind was session, is key-value");
}
END_TEST

static const char *const no_shapes[] = {
    "",
    "Topologies:\n",
    "kstream shape 2\n",
    "kstream shape 1\nstore\n",
    "kstream shape 1\nstore\t\n",
    "kstream shape 1\nshop\trows\n",
    "kstream shape 1\nstore\trows\tkind\n",
    "kstream shape 1\nstore\trows\tkind=%\n",
    "kstream shape 1\nstore\trows\tkind=%0\n",
    "kstream shape 1\nstore\trows\tkind=%00\n",
    "kstream shape 1\nstore\trows\tkind=%zz\n",
    "kstream shape 1\nstore\trows\tkind=a b\n",
    "kstream shape 1\n\n",
};

START_TEST(a_text_that_is_no_shape_is_refused)
{
    char *text;

    table("users", "rows", NULL, KS_DEFAULT);
    after = end();
    diff  = ks_topology_diff_text(no_shapes[_i], after);
    ck_assert_int_eq(ks_error_status(ks_diff_error(diff)), KS_ECORRUPT);
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_BROKEN);
    ck_assert_ptr_null(ks_diff_next(diff));
    text = ks_diff_text(diff);
    ck_assert_ptr_nonnull(strstr(text, "of the text is not of a shape (KS_DESCRIBE_SHAPE)\n"));
    ks_text_free(text);
}
END_TEST

START_TEST(a_topology_with_a_mistake_cannot_be_compared)
{
    char *shape;

    table("users", "rows", NULL, KS_DEFAULT);
    before = end();
    ck_assert_int_ne(ks_builder_build(b, &after), KS_OK);
    diff = ks_topology_diff(before, after);
    ck_assert_int_eq(ks_error_status(ks_diff_error(diff)), KS_ETOPOLOGY);
    ck_assert_int_eq(ks_diff_worst(diff), KS_DIFF_BROKEN);
    shape = ks_topology_describe(after, KS_DESCRIBE_SHAPE);
    ck_assert_str_eq(shape, "");
    ks_text_free(shape);
}
END_TEST

START_TEST(nothing_is_compared_with_nothing)
{
    diff = ks_topology_diff(NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_diff_error(diff)), KS_EINVAL);
    ck_assert_int_eq(ks_diff_worst(NULL), KS_DIFF_BROKEN);
    ck_assert_int_eq(ks_error_status(ks_diff_error(NULL)), KS_ENOMEM);
    ck_assert_ptr_null(ks_diff_next(NULL));
    ks_diff_rewind(NULL);
    ks_diff_free(NULL);
}
END_TEST

START_TEST(every_failed_allocation_gives_no_diff_and_loses_nothing)
{
    struct ks__alloc_probe probe  = { 0 };
    uint64_t               failed = 0;
    char                  *shape;

    word_count();
    before = end();
    count(texts("in"), NULL, NULL);
    after = end();
    shape = ks_topology_describe(before, KS_DESCRIBE_SHAPE);
    ks__alloc_probe_install(&probe);
    for (uint64_t n = 1;; n++) {
        ks_diff *one;

        probe = (struct ks__alloc_probe){ .fail_at = n };
        one   = n % 2 == 0 ? ks_topology_diff(before, after) : ks_topology_diff_text(shape, after);
        ck_assert(one == NULL || ks_error_status(ks_diff_error(one)) == KS_OK);
        ks_diff_free(one);
        ck_assert_int_eq(atomic_load(&probe.live_blocks), 0);
        if (atomic_load(&probe.failed) == 0)
            break;
        failed += one == NULL;
    }
    ks__allocator_set(NULL);
    ks_text_free(shape);
    ck_assert_uint_gt(failed, 5);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("topology/diff");
    TCase   *cases = tcase_create("diff");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_same_topology_is_kept_as_a_whole);
    tcase_add_test(cases, named_things_survive_an_edit);
    tcase_add_test(cases, what_is_new_is_added);
    tcase_add_test(cases, what_is_not_there_any_more_is_left_behind);
    tcase_add_test(cases, a_sub_topology_with_another_number_is_restored);
    tcase_add_test(cases, another_store_beside_it_empties_the_directory);
    tcase_add_test(cases, without_a_changelog_it_is_lost_then);
    tcase_add_test(cases, global_tables_are_read_again_when_one_is_added);
    tcase_add_test(cases, another_type_breaks_a_store_its_changelog_and_its_source);
    tcase_add_test(cases, a_type_that_was_not_declared_fits);
    tcase_add_test(cases, with_a_longer_retention_a_store_is_restored);
    tcase_add_test(cases, a_shorter_retention_breaks_a_store);
    tcase_add_test(cases, another_size_breaks_windows_of_the_same_retention);
    tcase_add_test(cases, another_advance_breaks_windows);
    tcase_add_test(cases, another_count_breaks_counted_windows);
    tcase_add_test(cases, with_a_longer_grace_windows_are_restored);
    tcase_add_test(cases, with_a_longer_gap_sessions_are_restored);
    tcase_add_test(cases, slices_break_windows_that_were_kept_without);
    tcase_add_test(cases, another_kind_breaks_a_store);
    tcase_add_test(cases, a_store_of_the_user_s_own_is_another_kind);
    tcase_add_test(cases, keys_that_are_distributed_otherwise_break_a_store);
    tcase_add_test(cases, another_count_of_partitions_breaks_a_topic_and_what_it_feeds);
    tcase_add_test(cases, a_generated_number_that_shifted_breaks_what_it_names);
    tcase_add_test(cases, a_generated_name_that_changed_its_owner_is_broken);
    tcase_add_test(cases, a_table_may_begin_to_be_restored_from_its_source);
    tcase_add_test(cases, a_changelog_that_begins_empty_restores_nothing);
    tcase_add_test(cases, names_with_blanks_survive_the_text);
    tcase_add_test(cases, a_field_of_a_later_version_is_passed_over);
    tcase_add_loop_test(cases, a_text_that_is_no_shape_is_refused, 0,
                        sizeof(no_shapes) / sizeof(no_shapes[0]));
    tcase_add_test(cases, a_topology_with_a_mistake_cannot_be_compared);
    tcase_add_test(cases, nothing_is_compared_with_nothing);
    tcase_add_test(cases, every_failed_allocation_gives_no_diff_and_loses_nothing);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
