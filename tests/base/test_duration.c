/* SPDX-License-Identifier: Apache-2.0
 *
 * test_duration.c - durations as Java writes them.
 */
#include "base/duration.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    const char *text;
    int64_t     ms;
} right[] = {
    { "PT0S", 0 },         { "P1D", 86400000 },      { "PT1H30M", 5400000 },
    { "pt2.5s", 2500 },    { "PT0.0019S", 1 },       { "P2DT3H4M5.6S", 183845600 },
    { "PT1,25S", 1250 },   { "PT100M", 6000000 },    { "P106751991167D", 9223372036828800000 },
};

static const char *const wrong[] = {
    "", "P", "PT", "P1DT", "1D", "P1H", "PT1D", "PT1", "PT1S2M", "PT1M1M", "PT1.5M", "PT-1S",
    "-PT1S", "PT1S ", " PT1S", "P1DT1D", "PTS", "P1.5D", "P99999999999999999999D",
    "P106751991168D", "PT1X",
};

START_TEST(every_form_is_read)
{
    int64_t ms = -1;

    ck_assert_msg(ks__duration_read(right[_i].text, &ms), "%s", right[_i].text);
    ck_assert_int_eq(ms, right[_i].ms);
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
    int64_t ms;

    ck_assert_msg(!ks__duration_read(wrong[_i], &ms), "%s", wrong[_i]);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("duration");
    TCase   *cases  = tcase_create("duration");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_loop_test(cases, every_form_is_read, 0, sizeof(right) / sizeof(right[0]));
    tcase_add_loop_test(cases, what_is_no_duration_is_refused, 0,
                        sizeof(wrong) / sizeof(wrong[0]));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
