/* SPDX-License-Identifier: Apache-2.0
 *
 * test_times.c - what gives a record its time: each of the ways, said by a source or by the
 * configuration, and what a negative time means.
 */
#include "dsl/flow.h"

#include <string.h>

#define INVALID (-5)

static void pass_on(const ks_consumed *consumed)
{
    ks_stream_to(ks_builder_stream(flow.b, "in", consumed), "out", NULL);
}

static void start_with(const char *setting)
{
    const char *const settings[] = { setting, NULL };

    flow_start_kept(settings);
}

/* A record whose feeding fails, with this in the text. */
static void expect_failure(int64_t timestamp_ms, const char *text)
{
    ks_driver_pipe_text(flow.driver, "in", "k", "v", timestamp_ms);
    ck_assert_msg(strstr(ks_error_message(ks_driver_error(flow.driver)), text) != NULL, "%s",
                  ks_error_message(ks_driver_error(flow.driver)));
}

/* ---- the record's own ---- */

START_TEST(a_record_has_its_own_time_by_default)
{
    pass_on(NULL);
    flow_start();
    feed("in", "k", "v", 7);
    feed("in", "k", "v", 3);
    expect("out", "k", "v", 7);
    expect("out", "k", "v", 3);
}
END_TEST

START_TEST(a_negative_time_fails_by_default)
{
    pass_on(NULL);
    flow_start();
    expect_failure(INVALID, "negative timestamp -5");
    expect_nothing("out");
}
END_TEST

START_TEST(a_source_that_fails_on_negative_times_does_not_ask_the_configuration)
{
    pass_on(KS_CONSUMED(.time = KS_TIME_RECORD));
    start_with("default.timestamp.extractor=record-or-skip");
    expect_failure(INVALID, "negative timestamp -5");
}
END_TEST

/* ---- log and skip ---- */

static void assert_skips(void)
{
    feed("in", "k", "a", INVALID);
    feed("in", "k", "b", 4);
    expect("out", "k", "b", 4);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}

START_TEST(a_source_skips_negative_times)
{
    pass_on(KS_CONSUMED(.time = KS_TIME_RECORD_OR_SKIP));
    flow_start();
    assert_skips();
}
END_TEST

START_TEST(the_configuration_skips_negative_times)
{
    pass_on(NULL);
    start_with("default.timestamp.extractor=record-or-skip");
    assert_skips();
}
END_TEST

/* ---- partition time ---- */

static void assert_takes_partition_time(void)
{
    feed("in", "k", "a", 9);
    feed("in", "k", "b", 2);
    feed("in", "k", "c", INVALID); /* the largest so far, not the last */
    expect("out", "k", "a", 9);
    expect("out", "k", "b", 2);
    expect("out", "k", "c", 9);
    ck_assert_int_eq(drops(NULL), 0);
}

START_TEST(a_source_takes_the_time_of_the_partition_for_negative_ones)
{
    pass_on(KS_CONSUMED(.time = KS_TIME_RECORD_OR_PARTITION));
    flow_start();
    assert_takes_partition_time();
}
END_TEST

START_TEST(the_configuration_takes_the_time_of_the_partition_for_negative_ones)
{
    pass_on(NULL);
    start_with("default.timestamp.extractor=record-or-partition");
    assert_takes_partition_time();
}
END_TEST

START_TEST(the_time_of_a_partition_is_known_after_a_restart)
{
    pass_on(KS_CONSUMED(.time = KS_TIME_RECORD_OR_PARTITION));
    start_with(NULL);
    feed("in", "k", "a", 9);
    flow_reopen();
    feed("in", "k", "b", INVALID);
    expect("out", "k", "a", 9);
    expect("out", "k", "b", 9);
}
END_TEST

START_TEST(a_negative_time_before_any_other_is_skipped)
{
    pass_on(KS_CONSUMED(.time = KS_TIME_RECORD_OR_PARTITION));
    flow_start();
    feed("in", "k", "a", INVALID);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

/* ---- the clock ---- */

static void assert_takes_clock(void)
{
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1234), KS_OK);
    feed("in", "k", "a", 9);
    feed("in", "k", "b", INVALID);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_OK);
    feed("in", "k", "c", 9);
    expect("out", "k", "a", 1234);
    expect("out", "k", "b", 1234);
    expect("out", "k", "c", 1235);
}

START_TEST(a_source_takes_the_clock)
{
    pass_on(KS_CONSUMED(.time = KS_TIME_WALL_CLOCK));
    flow_start();
    assert_takes_clock();
}
END_TEST

START_TEST(the_configuration_takes_the_clock)
{
    pass_on(NULL);
    start_with("default.timestamp.extractor=wall-clock");
    assert_takes_clock();
}
END_TEST

/* ---- a field of the value ---- */

static int64_t from_value(ks_ctx *ctx, const ks_record *record, int64_t partition_time_ms,
                          void *user)
{
    const int64_t *offset = user;

    (void)ctx;
    if (record->value.size == 1)
        return *offset + *(const char *)record->value.data - '0';
    return record->value.data != NULL ? -1 : partition_time_ms;
}

START_TEST(a_field_of_the_value_is_the_time)
{
    static int64_t offset = 100;

    /* It stands above `time` and the configuration. */
    pass_on(KS_CONSUMED(.time = KS_TIME_WALL_CLOCK, .extractor = from_value, .user = &offset));
    start_with("default.timestamp.extractor=record-or-skip");
    feed("in", "k", "7", 1);
    feed("in", "k", "2", 50);
    feed("in", "k", NULL, 1); /* what the extractor was told of the partition */
    feed("in", "k", "xy", 1); /* no field: skipped */
    expect("out", "k", "7", 107);
    expect("out", "k", "2", 102);
    expect("out", "k", NULL, 107);
    expect_nothing("out");
    ck_assert_int_eq(drops(NULL), 1);
}
END_TEST

static int64_t refuse(ks_ctx *ctx, const ks_record *record, int64_t partition_time_ms, void *user)
{
    (void)record, (void)partition_time_ms, (void)user;
    ks_ctx_fail(ctx, "there is no time in it");
    return 0;
}

START_TEST(an_extractor_may_fail)
{
    pass_on(KS_CONSUMED(.extractor = refuse));
    flow_start();
    expect_failure(1, "there is no time in it");
    expect_nothing("out");
}
END_TEST

START_TEST(windows_go_by_the_time_that_was_extracted)
{
    static int64_t      offset = 0;
    ks_stream          *in     = ks_builder_stream(flow.b, "in",
                                                   KS_CONSUMED(.key       = ks_serde_utf8(),
                                                               .extractor = from_value,
                                                               .user      = &offset));
    ks_windowed_stream *w      = ks_grouped_stream_windowed_by(ks_stream_group_by_key(in, NULL),
                                                               KS_TUMBLING(.size_ms = 5));

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(w, NULL), NULL), "out", NULL);
    flow_start();
    feed("in", "k", "1", 900);
    feed("in", "k", "6", 800);
    feed("in", "k", "2", 950); /* late */
    expect_i64("out", "k", 1, 1);
    expect_i64("out", "k", 1, 6);
    expect_nothing("out");
    ck_assert_int_eq(drops("late"), 1);
}
END_TEST

FLOW_MAIN("times", a_record_has_its_own_time_by_default, a_negative_time_fails_by_default,
          a_source_that_fails_on_negative_times_does_not_ask_the_configuration,
          a_source_skips_negative_times, the_configuration_skips_negative_times,
          a_source_takes_the_time_of_the_partition_for_negative_ones,
          the_configuration_takes_the_time_of_the_partition_for_negative_ones,
          the_time_of_a_partition_is_known_after_a_restart,
          a_negative_time_before_any_other_is_skipped, a_source_takes_the_clock,
          the_configuration_takes_the_clock, a_field_of_the_value_is_the_time,
          an_extractor_may_fail, windows_go_by_the_time_that_was_extracted)
