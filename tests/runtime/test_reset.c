/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reset.c - where sources begin when their group has no offset.
 */
#include "app_fixture.h"

#include "base/clock.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* "lines" to "totals" as it is. */
static void copy_lines(const ks_consumed *consumed)
{
    ks_builder *b = ks_builder_new();

    ks_stream_to(ks_builder_stream(b, "lines", consumed), "totals", NULL);
    ks_topology_free(topology);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
}

static void append_ago(const char *value, int64_t ms)
{
    const int64_t now = ks__clock_wall_ms(ks__clock_real());

    ck_assert_int_eq(ks_writer_append_text(stage.writer, "lines", "k", value, now - ms), KS_OK);
}

/* An old, a middle, a new record; how many of them are read. */
static void expect_read(size_t count)
{
    append_ago("old", KS_HOURS(3));
    append_ago("middle", KS_HOURS(1));
    append_ago("new", 0);
    stage_flush(&stage);
    make_app();
    stage_await_state(app, app, KS_APP_RUNNING);
    append_ago("end", 0);
    stage_flush(&stage);
    stage_await_count(&stage, app, "totals", count + 1);
    ck_assert_str_eq(stage_last_text(&stage, "totals", "k"), "end");
    close_app();
}

static const struct {
    int64_t     before_ms;
    const char *property;
    size_t      count;
} cases[] = {
    { KS_HOURS(2), NULL, 2 },
    { KS_HOURS(2), "latest", 2 },
    { KS_MINUTES(10), "by_duration:P1D", 1 },
    { KS_DAYS(400000), NULL, 3 }, /* longer than the time there is */
    { 0, "by_duration:PT2H", 2 },
    { 0, "by_duration:P1D", 3 },
    { 0, "by_duration:PT0S", 0 },
    { 0, "latest", 0 },
    { 0, NULL, 3 },
};
#define CASES ((int)(sizeof(cases) / sizeof(cases[0])))

START_TEST(a_source_begins_where_it_says)
{
    const int n = _i % CASES;

    if (_i >= CASES) {
        stage_close(&stage);
        stage_open(&stage, STAGE_EMBEDDED);
        stage_set(&stage, "log.sync", "false");
        stage_topic(&stage, "lines", 1);
        stage_topic(&stage, "totals", 1);
    }
    copy_lines(KS_CONSUMED(.reset_before_ms = cases[n].before_ms));
    if (cases[n].property != NULL)
        stage_set(&stage, "auto.offset.reset", cases[n].property);
    expect_read(cases[n].count);
}
END_TEST

START_TEST(a_policy_of_the_source_comes_before_the_property)
{
    copy_lines(KS_CONSUMED(.reset = KS_RESET_EARLIEST));
    stage_set(&stage, "auto.offset.reset", "by_duration:PT2H");
    expect_read(3);
}
END_TEST

START_TEST(a_time_after_all_records_is_the_end)
{
    append_ago("old", KS_HOURS(3));
    stage_flush(&stage);
    copy_lines(KS_CONSUMED(.reset_before_ms = KS_HOURS(1)));
    make_app();
    stage_await_state(app, app, KS_APP_RUNNING);
    append_ago("late", KS_HOURS(2));
    stage_flush(&stage);
    stage_await_count(&stage, app, "totals", 1);
    ck_assert_str_eq(stage_last_text(&stage, "totals", "k"), "late");
    close_app();
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("reset");
    TCase   *tcase  = tcase_create("reset");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(tcase, app_setup, app_teardown);
    tcase_add_loop_test(tcase, a_source_begins_where_it_says, 0, 2 * CASES);
    tcase_add_test(tcase, a_policy_of_the_source_comes_before_the_property);
    tcase_add_test(tcase, a_time_after_all_records_is_the_end);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
