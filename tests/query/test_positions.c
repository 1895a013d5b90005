/* SPDX-License-Identifier: Apache-2.0
 *
 * test_positions.c - which records a snapshot has seen, and waiting for some.
 */
#include "support/stage.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stage stage;
static ks_topology *topology;
static ks_app      *app;

static const char *const guarantees[] = { "at_least_once", "exactly_once_v2" };
static const ks_freshness levels[] = { KS_COMMITTED, KS_FRESH };

static void setup(void)
{
    ks_builder *b = ks_builder_new();

    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "in", 2);
    stage_topic(&stage, "all", 2);
    stage_set(&stage, "state.flush.ms", "20");
    ks_builder_table(b, "in", NULL, KS_MATERIALIZED(.store = "rows"));
    ks_builder_global_table(b, "all", NULL, KS_MATERIALIZED(.store = "everywhere"));
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    app = NULL;
}

static void teardown(void)
{
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

static void start(void)
{
    app = ks_app_new(topology, stage.config);
    ck_assert_msg(ks_app_start(app) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
    stage_await_state(app, NULL, KS_APP_RUNNING);
}

/* The store as it is when it has seen the record. */
static ks_status ask(const char *store, const ks_origin *seen, ks_freshness freshness,
                     int timeout_ms, ks_snapshot **out)
{
    return ks_app_snapshot(app, store,
                           KS_QUERIED(.freshness = freshness, .timeout_ms = timeout_ms,
                                      .seen = seen, .seen_count = 1), out);
}

static void put(const char *topic, int32_t partition, const char *key, const char *value)
{
    const ks_record record = { ks_bytes_text(key), ks_bytes_text(value), 1, NULL, NULL };

    ck_assert_int_eq(ks_writer_append(stage.writer, topic, partition, &record), KS_OK);
    stage_flush(&stage);
}

/* The last record of a partition. */
static ks_origin last_of(const char *topic, int32_t partition)
{
    ks_origin origin = { .topic = topic, .partition = partition };

    ck_assert_int_eq(ks_log_end_offset(stage.log, topic, partition, &origin.offset), KS_OK);
    origin.offset--;
    return origin;
}

static void expect_value(ks_snapshot *snapshot, const char *key, const char *value)
{
    ks_record row;

    ck_assert(ks_snapshot_get(snapshot, ks_bytes_text(key), &row));
    ck_assert(ks_bytes_equal(row.value, ks_bytes_text(value)));
}

/* ---- waiting ---- */

/* Committed and fresh, under both guarantees. */
START_TEST(who_has_written_a_record_reads_what_it_did)
{
    stage_set(&stage, "processing.guarantee", guarantees[_i % 2]);
    start();
    for (int i = 0; i < 20; i++) {
        char         value[16];
        ks_origin    seen;
        ks_snapshot *snapshot;

        snprintf(value, sizeof(value), "%d", i);
        put("in", i % 2, "k", value);
        seen = last_of("in", i % 2);
        ck_assert_msg(ask("rows", &seen, levels[_i / 2], 30000, &snapshot) == KS_OK, "%s",
                      ks_error_message(ks_app_call_error(app)));
        ks_snapshot_free(snapshot);
        ck_assert_int_eq(ks_app_snapshot(app, "rows",
                                         KS_QUERIED(.freshness = levels[_i / 2],
                                                    .timeout_ms = 30000,
                                                    .partitions = &seen.partition,
                                                    .partition_count = 1, .seen = &seen,
                                                    .seen_count = 1), &snapshot), KS_OK);
        expect_value(snapshot, "k", value);
        ks_snapshot_free(snapshot);
    }
}
END_TEST

START_TEST(a_global_table_is_waited_for_too)
{
    ks_origin    seen;
    ks_snapshot *snapshot;
    int64_t      offset;

    start();
    put("all", 1, "k", "v");
    seen = last_of("all", 1);
    ck_assert_int_eq(ask("everywhere", &seen, KS_COMMITTED, 30000, &snapshot), KS_OK);
    expect_value(snapshot, "k", "v");
    ck_assert(ks_snapshot_position(snapshot, "all", 1, &offset));
    ck_assert_int_eq(offset, seen.offset);
    ks_app_free(app); /* the snapshot outlives it */
    app = NULL;
    ck_assert(ks_snapshot_position(snapshot, "all", 1, &offset));
    ks_snapshot_free(snapshot);
}
END_TEST

START_TEST(what_does_not_come_is_waited_for_no_longer_than_told)
{
    ks_origin    seen = { "in", 0, 5 };
    ks_snapshot *snapshot;

    start();
    put("in", 0, "k", "v");
    ck_assert_int_eq(ask("rows", &(ks_origin){ "in", 0, 0 }, KS_FRESH, 30000, &snapshot), KS_OK);
    ks_snapshot_free(snapshot);
    ck_assert_int_eq(ask("rows", &seen, KS_FRESH, 50, &snapshot), KS_ETIMEOUT);
    ck_assert_ptr_null(snapshot);
    ck_assert_str_eq(ks_error_message(ks_app_call_error(app)),
                     "store \"rows\" has not seen record in-0@5 yet, but 0 (-1: none of that"
                     " partition); raise KS_QUERIED(.timeout_ms), or step the app");
    seen.topic = "no-input";
    ck_assert_int_eq(ask("rows", &seen, KS_COMMITTED, 50, &snapshot), KS_ETIMEOUT);
}
END_TEST

START_TEST(a_stepped_app_is_not_waited_for)
{
    ks_origin    seen;
    ks_snapshot *snapshot;
    int          refused = 0;

    stage_set(&stage, "commit.interval.ms", "1");
    app = ks_app_new(topology, stage.config);
    stage_await_state(app, app, KS_APP_RUNNING);
    put("in", 0, "k", "v");
    seen = last_of("in", 0);
    while (ask("rows", &seen, KS_COMMITTED, 60000, &snapshot) == KS_ETIMEOUT) {
        refused++;
        stage_pause(app);
    }
    ck_assert_ptr_nonnull(snapshot);
    expect_value(snapshot, "k", "v");
    ks_snapshot_free(snapshot);
    ck_assert_int_gt(refused, 0);
}
END_TEST

/* ---- positions ---- */

START_TEST(a_snapshot_tells_the_last_record_of_each_partition)
{
    const ks_origin seen[] = { { "in", 0, 1 }, { "in", 1, 0 } };
    ks_snapshot    *snapshot;
    ks_origin       origin;
    int64_t         offset;
    size_t          count = 0;

    start();
    put("in", 0, "a", "1");
    put("in", 0, "a", "2");
    put("in", 1, "b", "3");
    ck_assert_int_eq(ks_app_snapshot(app, "rows",
                                     KS_QUERIED(.freshness = levels[_i], .timeout_ms = 30000,
                                                .seen = seen, .seen_count = 2), &snapshot), KS_OK);
    put("in", 1, "b", "4"); /* which the snapshot does not see */
    ck_assert(ks_snapshot_position(snapshot, "in", 0, &offset));
    ck_assert_int_eq(offset, 1);
    ck_assert(ks_snapshot_position(snapshot, "in", 1, &offset));
    ck_assert_int_eq(offset, 0);
    ck_assert(!ks_snapshot_position(snapshot, "in", 2, &offset));
    ck_assert_int_eq(offset, -1);
    ck_assert(!ks_snapshot_position(snapshot, "all", 0, &offset));
    ck_assert(!ks_snapshot_position(snapshot, NULL, 0, &offset));
    while (ks_snapshot_position_at(snapshot, count, &origin)) {
        ck_assert_str_eq(origin.topic, "in");
        ck_assert_int_eq(origin.offset, origin.partition == 0 ? 1 : 0);
        count++;
    }
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_null(origin.topic);
    ks_snapshot_free(snapshot);
}
END_TEST

START_TEST(a_partition_without_records_has_no_position)
{
    ks_snapshot *snapshot;
    ks_origin    origin;

    start();
    ck_assert_int_eq(ks_app_snapshot(app, "rows",
                                     KS_QUERIED(.freshness = levels[_i], .timeout_ms = 30000),
                                     &snapshot), KS_OK);
    ck_assert(!ks_snapshot_position_at(snapshot, 0, &origin));
    ck_assert(!ks_snapshot_position_at(NULL, 0, &origin));
    ks_snapshot_free(snapshot);
}
END_TEST

START_TEST(what_must_be_seen_needs_a_topic)
{
    const ks_origin nowhere = { NULL, 0, 0 };
    ks_snapshot    *snapshot;

    start();
    ck_assert_int_eq(ask("rows", &nowhere, KS_COMMITTED, 50, &snapshot), KS_EINVAL);
    ck_assert_int_eq(ks_app_snapshot(app, "rows", KS_QUERIED(.seen_count = 1), &snapshot),
                     KS_EINVAL);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("query/positions");
    TCase   *cases  = tcase_create("positions");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, who_has_written_a_record_reads_what_it_did, 0, 4);
    tcase_add_test(cases, a_global_table_is_waited_for_too);
    tcase_add_test(cases, what_does_not_come_is_waited_for_no_longer_than_told);
    tcase_add_test(cases, a_stepped_app_is_not_waited_for);
    tcase_add_loop_test(cases, a_snapshot_tells_the_last_record_of_each_partition, 0, 2);
    tcase_add_loop_test(cases, a_partition_without_records_has_no_position, 0, 2);
    tcase_add_test(cases, what_must_be_seen_needs_a_topic);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
