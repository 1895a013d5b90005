/* SPDX-License-Identifier: Apache-2.0
 *
 * test_window.c - grids, bounds and closing of every kind of window.
 */
#include "window/window.h"

#include <check.h>
#include <stdio.h>

static struct ks__windowing hopping(int64_t size_ms, int64_t advance_ms)
{
    return (struct ks__windowing){ .kind = KS__WINDOWS_TIME, .size_ms = size_ms,
                                   .advance_ms = advance_ms };
}

/* The windows of a time, as text. */
static const char *windows_of(const struct ks__windowing *windows, int64_t time_ms)
{
    static char text[256];
    ks_window   window;
    size_t      at   = 0;
    bool        more = ks__window_first(windows, time_ms, &window);

    text[0] = '\0';
    for (; more; more = ks__window_next(windows, time_ms, &window))
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld-%lld", at > 0 ? " " : "",
                               (long long)window.start_ms, (long long)window.end_ms);
    return text;
}

START_TEST(tumbling_windows_do_not_overlap)
{
    const struct ks__windowing windows = hopping(10, 10);

    ck_assert_str_eq(windows_of(&windows, 0), "0-10");
    ck_assert_str_eq(windows_of(&windows, 9), "0-10");
    ck_assert_str_eq(windows_of(&windows, 10), "10-20");
}
END_TEST

START_TEST(hopping_windows_ascend_and_never_begin_before_zero)
{
    const struct ks__windowing windows = hopping(10, 4);

    ck_assert_str_eq(windows_of(&windows, 3), "0-10");
    ck_assert_str_eq(windows_of(&windows, 5), "0-10 4-14");
    ck_assert_str_eq(windows_of(&windows, 13), "4-14 8-18 12-22");
    ck_assert_str_eq(windows_of(&windows, 14), "8-18 12-22");
}
END_TEST

START_TEST(an_advance_need_not_divide_the_size)
{
    const struct ks__windowing windows = hopping(7, 3);

    for (int64_t t = 0; t < 100; t++) {
        char   expected[256] = "";
        size_t at            = 0;

        for (int64_t start = 0; start <= t; start += 3)
            if (start + 7 > t)
                at += (size_t)snprintf(expected + at, sizeof(expected) - at, "%s%lld-%lld",
                                       at > 0 ? " " : "", (long long)start, (long long)start + 7);
        ck_assert_str_eq(windows_of(&windows, t), expected);
    }
}
END_TEST

START_TEST(every_window_consists_of_whole_slices)
{
    const struct ks__windowing windows = hopping(20, 15);
    const int64_t              slice   = ks__slice_ms(&windows);

    ck_assert_int_eq(slice, 5);
    ck_assert_int_eq(ks__slice_of(slice, 14).start_ms, 10);
    ck_assert_int_eq(ks__slice_of(slice, 15).start_ms, 15);
    ck_assert_int_eq(ks__slice_of(slice, 15).end_ms, 20);
    ck_assert_int_eq(ks__slice_ms(&(struct ks__windowing){ .size_ms = 60, .advance_ms = 1 }), 1);
    ck_assert_int_eq(ks__slice_ms(&(struct ks__windowing){ .size_ms = 60, .advance_ms = 60 }), 60);
}
END_TEST

START_TEST(windows_at_the_end_of_time_do_not_overflow)
{
    const struct ks__windowing windows = hopping(INT64_MAX, INT64_MAX);
    ks_window                  window;

    ck_assert(ks__window_first(&windows, INT64_MAX - 1, &window));
    ck_assert_int_eq(window.start_ms, 0);
    ck_assert_int_eq(window.end_ms, INT64_MAX);
    ck_assert(!ks__window_next(&windows, INT64_MAX - 1, &window));
    ck_assert_int_eq(ks__time_add(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(ks__time_sub(INT64_MIN, 1), INT64_MIN);
    ck_assert_int_eq(ks__time_sub(0, INT64_MIN), INT64_MAX);
}
END_TEST

START_TEST(an_unlimited_window_has_one_start)
{
    const struct ks__windowing windows = { .kind = KS__WINDOWS_UNLIMITED, .start_ms = 10 };
    ks_window                  window;

    ck_assert(!ks__window_first(&windows, 9, &window));
    ck_assert(ks__window_first(&windows, 10, &window));
    ck_assert_int_eq(window.start_ms, 10);
    ck_assert_int_eq(window.end_ms, INT64_MAX);
    ck_assert(!ks__window_next(&windows, 10, &window));
    ck_assert_int_lt(ks__window_final_bound_ms(&windows, 1000), 0);
}
END_TEST

START_TEST(an_exclusive_end_closes_when_close_reaches_it)
{
    struct ks__windowing windows = hopping(10, 10);

    windows.grace_ms = 5;
    ck_assert_int_eq(ks__window_close_ms(&windows, 24), 19);
    ck_assert(ks__window_accepts(&windows, 20, ks__window_close_ms(&windows, 24)));
    ck_assert(!ks__window_accepts(&windows, 20, ks__window_close_ms(&windows, 25)));
    ck_assert_int_eq(ks__window_final_bound_ms(&windows, 20), 10);
}
END_TEST

START_TEST(an_inclusive_end_closes_one_later)
{
    const struct ks__windowing sliding = { .kind = KS__WINDOWS_SLIDING, .size_ms = 10,
                                           .grace_ms = 5 };
    const struct ks__windowing session = { .kind = KS__WINDOWS_SESSION, .size_ms = 10,
                                           .grace_ms = 5 };

    ck_assert(ks__window_accepts(&sliding, 20, ks__window_close_ms(&sliding, 25)));
    ck_assert(!ks__window_accepts(&sliding, 20, ks__window_close_ms(&sliding, 26)));
    ck_assert_int_eq(ks__window_final_bound_ms(&sliding, 21), 10);
    ck_assert(ks__window_accepts(&session, 20, ks__window_close_ms(&session, 35)));
    ck_assert(!ks__window_accepts(&session, 20, ks__window_close_ms(&session, 36)));
    ck_assert_int_eq(ks__window_final_bound_ms(&session, 21), 20);
}
END_TEST

START_TEST(a_sliding_record_lies_at_the_ends_of_its_windows)
{
    const struct ks__windowing windows = { .kind = KS__WINDOWS_SLIDING, .size_ms = 10 };

    ck_assert_int_eq(ks__sliding_left(&windows, 25).start_ms, 15);
    ck_assert_int_eq(ks__sliding_left(&windows, 25).end_ms, 25);
    ck_assert_int_eq(ks__sliding_right(&windows, 25).start_ms, 26);
    ck_assert_int_eq(ks__sliding_right(&windows, 25).end_ms, 36);
    ck_assert(!ks__sliding_is_late(&windows, 25, 35));
    ck_assert(ks__sliding_is_late(&windows, 25, 36));
}
END_TEST

START_TEST(sessions_merge_over_the_gap)
{
    const struct ks__windowing windows = { .kind = KS__WINDOWS_SESSION, .size_ms = 5 };
    const ks_window            reach   = ks__session_reach(&windows, 17);
    const ks_window merged = ks__session_merge((ks_window){ 10, 12 }, (ks_window){ 21, 30 });

    ck_assert_int_eq(reach.start_ms, 12);
    ck_assert_int_eq(reach.end_ms, 22);
    ck_assert_int_eq(merged.start_ms, 10);
    ck_assert_int_eq(merged.end_ms, 30);
}
END_TEST

START_TEST(join_spans_mirror_each_other)
{
    const struct ks__join_span left  = { .before_ms = 3, .after_ms = 10, .grace_ms = 2 };
    const struct ks__join_span right = ks__join_mirror(&left);

    for (int64_t t = 0; t < 40; t++)
        for (int64_t u = 0; u < 40; u++) {
            const ks_window of_left  = ks__join_reach(&left, t);
            const ks_window of_right = ks__join_reach(&right, u);

            ck_assert_int_eq(u >= of_left.start_ms && u <= of_left.end_ms,
                             t >= of_right.start_ms && t <= of_right.end_ms);
        }
}
END_TEST

START_TEST(a_join_closes_after_the_last_partner_and_the_grace)
{
    const struct ks__join_span span = { .before_ms = 3, .after_ms = 10, .grace_ms = 2 };

    ck_assert(!ks__join_is_closed(&span, 100, 112));
    ck_assert(ks__join_is_closed(&span, 100, 113));
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("window");
    TCase   *grid  = tcase_create("grid");
    TCase   *rest  = tcase_create("bounds");
    SRunner *runner;
    int      failed;

    tcase_add_test(grid, tumbling_windows_do_not_overlap);
    tcase_add_test(grid, hopping_windows_ascend_and_never_begin_before_zero);
    tcase_add_test(grid, an_advance_need_not_divide_the_size);
    tcase_add_test(grid, every_window_consists_of_whole_slices);
    tcase_add_test(grid, windows_at_the_end_of_time_do_not_overflow);
    tcase_add_test(grid, an_unlimited_window_has_one_start);
    tcase_add_test(rest, an_exclusive_end_closes_when_close_reaches_it);
    tcase_add_test(rest, an_inclusive_end_closes_one_later);
    tcase_add_test(rest, a_sliding_record_lies_at_the_ends_of_its_windows);
    tcase_add_test(rest, sessions_merge_over_the_gap);
    tcase_add_test(rest, join_spans_mirror_each_other);
    tcase_add_test(rest, a_join_closes_after_the_last_partner_and_the_grace);
    suite_add_tcase(suite, grid);
    suite_add_tcase(suite, rest);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
