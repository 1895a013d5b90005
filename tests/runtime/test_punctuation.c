/* SPDX-License-Identifier: Apache-2.0
 *
 * Grids of punctuations, and the times beside committed offsets.
 */
#include "runtime/punctuation.h"
#include "runtime/queue.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ks__punctuations all;

static void set_up(void)
{
    ks__punctuations_init(&all);
}

static void tear_down(void)
{
    ks__punctuations_release(&all);
}

static ks_punctuation *add(ks_time_kind kind, int64_t due_ms, int64_t interval_ms)
{
    const ks_punctuation model = { .kind = kind, .due_ms = due_ms, .interval_ms = interval_ms };
    ks_punctuation      *made  = ks__punctuations_add(&all, &model);

    ck_assert_ptr_nonnull(made);
    return made;
}

/* U1 */
START_TEST(the_next_point_is_the_first_of_the_grid_after_now)
{
    ks_punctuation *tick = add(KS_STREAM_TIME, 0, 10);

    ck_assert_ptr_eq(ks__punctuations_take(&all, KS_STREAM_TIME, 3), tick);
    ck_assert_int_eq(tick->due_ms, 10);
    ck_assert_ptr_null(ks__punctuations_take(&all, KS_STREAM_TIME, 9));
    ck_assert_ptr_eq(ks__punctuations_take(&all, KS_STREAM_TIME, 10), tick);
    ck_assert_int_eq(tick->due_ms, 20);
}
END_TEST

/* U2 */
START_TEST(a_jump_over_many_points_gives_one_call)
{
    ks_punctuation *tick = add(KS_WALL_CLOCK_TIME, 10, 10);

    ck_assert_ptr_eq(ks__punctuations_take(&all, KS_WALL_CLOCK_TIME, 57), tick);
    ck_assert_int_eq(tick->due_ms, 60);
    ck_assert_ptr_null(ks__punctuations_take(&all, KS_WALL_CLOCK_TIME, 57));
}
END_TEST

START_TEST(the_end_of_time_comes_once)
{
    ks_punctuation *tick = add(KS_STREAM_TIME, 0, INT64_MAX / 2);

    ck_assert_ptr_eq(ks__punctuations_take(&all, KS_STREAM_TIME, INT64_MAX), tick);
    ck_assert_int_eq(tick->due_ms, INT64_MAX);
    ck_assert_ptr_null(ks__punctuations_take(&all, KS_STREAM_TIME, INT64_MAX));
}
END_TEST

START_TEST(no_multiple_of_an_interval_is_beyond_the_end_of_time)
{
    ck_assert_int_eq(ks__punctuation_after(0, 1, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(ks__punctuation_after(0, 1, INT64_MAX - 1), INT64_MAX);
    ck_assert_int_eq(ks__punctuation_after(0, 1, INT64_MAX - 2), INT64_MAX - 1);
    ck_assert_int_eq(ks__punctuation_after(INT64_MIN, 10, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(ks__punctuation_after(5, 10, 5), 15);
    ck_assert_int_eq(ks__punctuation_after(5, 10, 14), 15);
    ck_assert_int_eq(ks__punctuation_after(5, 10, 15), 25);
}
END_TEST

START_TEST(equal_times_come_in_the_order_of_scheduling)
{
    ks_punctuation *first  = add(KS_STREAM_TIME, 0, 10);
    ks_punctuation *second = add(KS_STREAM_TIME, 0, 10);

    ck_assert_int_eq(ks__punctuations_due(&all, KS_STREAM_TIME), 0);
    ck_assert_ptr_eq(ks__punctuations_take(&all, KS_STREAM_TIME, 0), first);
    ck_assert_ptr_eq(ks__punctuations_take(&all, KS_STREAM_TIME, 0), second);
    ck_assert_ptr_null(ks__punctuations_take(&all, KS_STREAM_TIME, 0));
}
END_TEST

START_TEST(a_cancelled_one_is_never_due)
{
    ks_punctuation *gone = add(KS_STREAM_TIME, 0, 10);

    ks__punctuations_cancel(&all, gone);
    ks__punctuations_cancel(&all, gone);
    ck_assert_int_eq(ks__punctuations_due(&all, KS_STREAM_TIME), INT64_MAX);
    ck_assert_ptr_null(ks__punctuations_take(&all, KS_STREAM_TIME, 100));
}
END_TEST

static void note_told(ks_bytes key, int64_t value, void *user)
{
    size_t size = strlen(user);

    snprintf((char *)user + size, 64 - size, "%.*s=%" PRId64 " ", KS_BYTES_ARG(key), value);
}

START_TEST(metadata_is_what_kafka_streams_writes)
{
    struct ks__buffer text = { .data = NULL };

    ck_assert_str_eq(ks__metadata_write(1600000000000, NULL, 0, &text), "AgAAAXSHboAA");
    ck_assert_int_eq(ks__metadata_read("AgAAAXSHboAA", NULL, NULL), 1600000000000);
    ck_assert_int_eq(ks__metadata_read("AQAAAXSHboAA", NULL, NULL), 1600000000000); /* version 1 */
    ck_assert_int_eq(ks__metadata_read(NULL, NULL, NULL), -1);
    ck_assert_int_eq(ks__metadata_read("", NULL, NULL), -1);
    ck_assert_int_eq(ks__metadata_read("not ours, no", NULL, NULL), -1);
    ck_assert_int_eq(ks__metadata_read("CQAAAXSHboAA", NULL, NULL), -1);
    ks__buffer_release(&text);
}
END_TEST

/* From TopicPartitionMetadata#encode of Kafka Streams 4.3.1 */
START_TEST(metadata_has_the_clocks_of_operators_as_kafka_streams_writes_them)
{
    const struct ks__told told[] = { { "st", -1 }, { "counts", 1500 } };
    struct ks__buffer     text = { .data = NULL };
    char                  found[64] = "";
    const char           *written = ks__metadata_write(1600000000000, told, 2, &text);

    ck_assert_str_eq(written, "AgAAAXSHboAAAAAAAgAAAAJzdP//////////AAAABmNvdW50cwAAAAAAAAXc");
    ck_assert_int_eq(ks__metadata_read(written, note_told, found), 1600000000000);
    ck_assert_str_eq(found, "st=-1 counts=1500 ");
    found[0] = '\0';
    written  = ks__metadata_write(5, told + 1, 1, &text);
    ck_assert_str_eq(written, "AgAAAAAAAAAFAAAAAQAAAAZjb3VudHMAAAAAAAAF3A==");
    ck_assert_int_eq(ks__metadata_read(written, note_told, found), 5);
    ck_assert_str_eq(found, "counts=1500 ");
    ks__buffer_release(&text);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("punctuation");
    TCase   *tests  = tcase_create("punctuation");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_next_point_is_the_first_of_the_grid_after_now);
    tcase_add_test(tests, a_jump_over_many_points_gives_one_call);
    tcase_add_test(tests, the_end_of_time_comes_once);
    tcase_add_test(tests, no_multiple_of_an_interval_is_beyond_the_end_of_time);
    tcase_add_test(tests, equal_times_come_in_the_order_of_scheduling);
    tcase_add_test(tests, a_cancelled_one_is_never_due);
    tcase_add_test(tests, metadata_is_what_kafka_streams_writes);
    tcase_add_test(tests, metadata_has_the_clocks_of_operators_as_kafka_streams_writes_them);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
