/* SPDX-License-Identifier: Apache-2.0
 *
 * test_window_changelogs.c - the changelog of a window store as an input.
 */
#include "dsl/flow.h"

#include <string.h>

#define SIZE 10

static const ks_consumed *changelog(void)
{
    static ks_consumed consumed;

    ks_options_init(&consumed, sizeof(consumed));
    consumed.key   = ks_serde_windowed_changelog(ks_serde_utf8(), SIZE);
    consumed.value = ks_serde_i64();
    return &consumed;
}

static ks_status show_window(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    record->value = ks_ctx_text(ctx, "%.*s [%d,%d) %d", KS_BYTES_ARG(record->key),
                                (int)record->window->start_ms, (int)record->window->end_ms,
                                (int)ks_bytes_i64(record->value, -1));
    record->key = KS_TEXT("k");
    return KS_OK;
}

static void declare_reader(void)
{
    ks_stream *s = ks_builder_stream(flow.b, "counts", changelog());

    ks_stream_to(ks_stream_map(s, show_window, NULL,
                               KS_NAMED("show", .key = ks_serde_utf8(), .value = ks_serde_utf8())),
                 "out", NULL);
}

START_TEST(what_a_window_store_logs_is_read_with_key_and_window)
{
    ks_driver       *writer;
    ks_topology     *counting;
    ks_builder      *b = ks_builder_new();
    const ks_record *logged;

    ks_windowed_stream_count(
        ks_grouped_stream_windowed_by(ks_stream_group_by_key(ks_builder_stream(b, "in", NULL),
                                                             NULL),
                                      KS_TUMBLING(.size_ms = SIZE)),
        KS_MATERIALIZED(.store = "counts"));
    ck_assert_int_eq(ks_builder_build(b, &counting), KS_OK);
    ks_builder_free(b);
    writer = ks_driver_new(counting, NULL, NULL);
    ck_assert_int_eq(ks_driver_pipe_text(writer, "in", "key", "v", 25), KS_OK);
    logged = ks_driver_read(writer, "kstream-driver-counts-changelog");
    ck_assert_ptr_nonnull(logged);
    declare_reader();
    flow_start();
    ck_assert_int_eq(ks_driver_pipe(flow.driver, "counts", logged), KS_OK);
    expect("out", "k", "key [20,30) 1", 25);
    ks_driver_free(writer);
    ks_topology_free(counting);
}
END_TEST

/* As a sink and the driver write it. */
static void feed_window(const char *topic, int64_t start_ms, int64_t count)
{
    unsigned char   bytes[8];
    const ks_window window = { start_ms, start_ms + SIZE };
    const ks_record record = { KS_TEXT("a"), ks_encode_i64(bytes, count), start_ms, NULL, &window };

    ck_assert_int_eq(ks_driver_pipe(flow.driver, topic, &record), KS_OK);
}

START_TEST(a_sink_writes_plain_windowed_keys_unless_it_is_told)
{
    ks_stream       *s = ks_builder_stream(flow.b, "counts", changelog());
    const ks_record *record;

    ks_stream_to(s, "plain", NULL);
    ks_stream_to(s, "like-it", KS_PRODUCED(.key = changelog()->key));
    flow_start();
    feed_window("counts", 40, 7);
    record = ks_driver_read(flow.driver, "plain");
    ck_assert_ptr_nonnull(record);
    ck_assert(ks_bytes_equal(record->key, KS_TEXT("a")));
    ck_assert_int_eq(record->window->start_ms, 40);
    record = ks_driver_read(flow.driver, "like-it");
    ck_assert_ptr_nonnull(record);
    ck_assert_int_eq(record->window->start_ms, 40);
}
END_TEST

static void move_a_table(const char *optimization)
{
    const char *const settings[] = { optimization, NULL };
    ks_config        *config     = ks_config_new();
    ks_table         *t;

    ks_config_set_pair(config, optimization);
    ks_builder_configure(flow.b, config);
    ks_config_free(config);
    t = ks_builder_table(flow.b, "counts", changelog(), KS_MATERIALIZED(.store = "rows"));
    ks_stream_to(ks_stream_map(ks_table_to_stream(t, NULL), show_window, NULL,
                               KS_NAMED("show", .key = ks_serde_utf8(), .value = ks_serde_utf8())),
                 "out", NULL);
    flow_start_kept(settings);
    feed_window("counts", 40, 7);
    expect("out", "k", "a [40,50) 7", 40);
    flow_move();
    feed_window("counts", 50, 1);
    expect("out", "k", "a [50,60) 1", 50);
}

/* The rows of the table, their keys as a table of windows has them. */
static void expect_two_windows(void)
{
    ks_iter *rows = ks_kv_store_all(ks_driver_kv_store(flow.driver, "rows"), KS_ASCENDING);

    for (int64_t start = 40; start <= 50; start += 10) {
        ks_record row;

        ck_assert(ks_iter_next(rows, &row));
        ck_assert(ks_bytes_equal(row.key, KS_TEXT("a")));
        ck_assert_int_eq(row.window->start_ms, start);
    }
    ks_iter_close(rows);
}

START_TEST(a_table_of_a_changelog_is_found_again_on_another_host)
{
    move_a_table("topology.optimization=none");
    expect_two_windows();
}
END_TEST

/* The topic cannot be the changelog of the store: its keys are others. */
START_TEST(optimization_does_not_make_the_topic_the_changelog_of_its_table)
{
    move_a_table("topology.optimization=all");
    expect_two_windows();
}
END_TEST

START_TEST(a_topic_is_read_in_one_way)
{
    declare_reader();
    ks_builder_stream(flow.b, "counts",
                      KS_CONSUMED(.key = ks_serde_windowed(ks_serde_utf8(), SIZE),
                                  .value = ks_serde_i64()));
    ck_assert_int_eq(ks_error_status(ks_builder_error(flow.b)), KS_ETOPOLOGY);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_builder_error(flow.b)),
                                 "with other options"));
}
END_TEST

FLOW_MAIN("window changelogs", what_a_window_store_logs_is_read_with_key_and_window,
          a_sink_writes_plain_windowed_keys_unless_it_is_told,
          a_table_of_a_changelog_is_found_again_on_another_host,
          optimization_does_not_make_the_topic_the_changelog_of_its_table,
          a_topic_is_read_in_one_way)
