/* SPDX-License-Identifier: Apache-2.0
 *
 * test_scoring_records.c - wines, models and scores as they travel on topics, and the statistics.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model_scoring/envelope.h"
#include "model_scoring/score.h"
#include "model_scoring/statistics.h"
#include "model_scoring/wine.h"

static struct reason reason;

static double percentile(const struct statistics *statistics, double share)
{
    uint64_t ns = statistics_percentile_ns(statistics, share);

    return (double)ns;
}

static struct wine a_wine(void)
{
    struct wine wine = { .row = 1234 };

    for (size_t i = 0; i < WINE_FEATURES; i++)
        wine.feature[i] = 0.25 * (double)i - 1.0;
    return wine;
}

START_TEST(a_wine_comes_back_as_it_went)
{
    static const unsigned char head[12] = { 1, 11, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0xd2 };
    struct wine                wine = a_wine(), back;
    unsigned char              bytes[WINE_BYTES];

    wine_encode(&wine, bytes);
    ck_assert_mem_eq(bytes, head, sizeof(head));
    ck_assert(wine_decode(&back, bytes, sizeof(bytes), &reason));
    ck_assert_uint_eq(back.row, wine.row);
    ck_assert_mem_eq(back.feature, wine.feature, sizeof(wine.feature));
}
END_TEST

START_TEST(a_wine_of_another_size_is_refused)
{
    struct wine   wine = a_wine(), back;
    unsigned char bytes[WINE_BYTES + 1] = { 0 };

    wine_encode(&wine, bytes);
    for (size_t size = 0; size <= WINE_BYTES + 1; size++)
        ck_assert(wine_decode(&back, bytes, size, &reason) == (size == WINE_BYTES));
    ck_assert_str_eq(reason.text, "row 1234: 101 bytes instead of 100");
    ck_assert(!wine_decode(&back, NULL, 0, &reason));
}
END_TEST

START_TEST(every_damage_is_noticed)
{
    struct wine back;
    size_t      broken = 0;

    for (uint64_t row = 1; row <= 4000; row++) {
        struct wine   wine = a_wine();
        unsigned char bytes[WINE_BYTES], again[WINE_BYTES], whole[WINE_BYTES];
        size_t        size;

        wine.row = row;
        wine_encode(&wine, bytes);
        memcpy(again, bytes, sizeof(again));
        memcpy(whole, bytes, sizeof(whole));
        size = wine_break(bytes, row, 0.25, 7);
        ck_assert_uint_eq(wine_break(again, row, 0.25, 7), size);
        ck_assert_mem_eq(again, bytes, sizeof(bytes));
        if (size == WINE_BYTES && memcmp(bytes, whole, sizeof(whole)) == 0)
            continue;
        broken++;
        ck_assert(!wine_decode(&back, bytes, size, &reason));
    }
    ck_assert_uint_ge(broken, 900);
    ck_assert_uint_le(broken, 1100);
}
END_TEST

START_TEST(no_share_breaks_nothing_and_all_breaks_all)
{
    for (uint64_t row = 1; row <= 100; row++) {
        struct wine   wine = a_wine(), back;
        unsigned char bytes[WINE_BYTES];

        wine_encode(&wine, bytes);
        ck_assert(wine_decode(&back, bytes, wine_break(bytes, row, 0.0, 7), &reason));
        ck_assert(!wine_decode(&back, bytes, wine_break(bytes, row, 1.0, 7), &reason));
    }
}
END_TEST

START_TEST(a_bad_line_of_the_file_is_named)
{
    static const char *const lines[][2] = {
        { "1;2;3;4;5;6;7;8;9;10;11;5\n1;2\n",
          "line 2: column 2 (volatile acidity) is not a number" },
        { "1;2;x;4;5;6;7;8;9;10;11;5", "line 1: column 3 (citric acid) is not a number" },
        { "1;2;3;4;5;6;7;8;9;10;11;5;6\n",
          "line 1: column 12 (quality) is not a whole number from 0 to 10" },
        { "1;2;3;4;5;6;7;8;9;10;11;5.5\n",
          "line 1: column 12 (quality) is not a whole number from 0 to 10" },
        { "\n", "line 1: column 1 (fixed acidity) is not a number" },
    };
    struct wine_table table;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert(!wine_table_parse(&table, lines[i][0], &reason));
        ck_assert_str_eq(reason.text, lines[i][1]);
        ck_assert_ptr_null(table.wine);
    }
    ck_assert(!wine_table_load(&table, "/nowhere/at all", &reason));
    ck_assert_str_eq(reason.text, "/nowhere/at all: No such file or directory");
    ck_assert(wine_table_parse(&table, "1;2;3;4;5;6;7;8;9;10;11;5\r\n", &reason));
    ck_assert_uint_eq(table.count, 1);
    wine_table_release(&table);
}
END_TEST

START_TEST(a_model_record_comes_back_as_it_went)
{
    struct envelope model = { "wine", "pmml", 7, "<PMML/>", 7 }, back;
    size_t          size;
    unsigned char  *bytes = envelope_encode(&model, &size, &reason);

    ck_assert_ptr_nonnull(bytes);
    ck_assert(envelope_decode(&back, bytes, size, &reason));
    ck_assert_str_eq(back.name, "wine");
    ck_assert_str_eq(back.kind, "pmml");
    ck_assert_uint_eq(back.version, 7);
    ck_assert_uint_eq(back.size, 7);
    ck_assert_mem_eq(back.model, "<PMML/>", 7);
    free(bytes);
}
END_TEST

START_TEST(a_damaged_model_record_is_refused)
{
    struct envelope model = { "wine", "pmml", 7, "<PMML/>", 7 }, back;
    size_t          size;
    unsigned char  *bytes = envelope_encode(&model, &size, &reason);

    ck_assert_ptr_nonnull(bytes);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!envelope_decode(&back, bytes, cut, &reason));
    for (size_t i = 0; i < 16; i++) { /* name and kind may differ, the head may not */
        if (i >= 4 && i < 12)
            continue;
        bytes[i] ^= 0x81;
        ck_assert_msg(!envelope_decode(&back, bytes, size, &reason), "byte %zu", i);
        bytes[i] ^= 0x81;
    }
    memset(bytes + 4, 0, 8);
    ck_assert(!envelope_decode(&back, bytes, size, &reason));
    ck_assert_str_eq(reason.text, "a version must be 1 or more");
    free(bytes);
}
END_TEST

START_TEST(a_name_that_would_spoil_a_file_is_refused)
{
    struct envelope model = { "wine,red", "pmml", 7, "<PMML/>", 7 }, back;
    size_t          size;
    unsigned char  *bytes = envelope_encode(&model, &size, &reason);

    ck_assert_ptr_nonnull(bytes);
    ck_assert(!envelope_decode(&back, bytes, size, &reason));
    free(bytes);
}
END_TEST

START_TEST(a_score_comes_back_as_it_went)
{
    struct score  score = { 17, 3, 950, 5.25, "wine" }, back;
    unsigned char bytes[SCORE_BYTES_MAX];
    size_t        size = score_encode(&score, bytes);

    ck_assert_uint_eq(size, 40);
    ck_assert(score_decode(&back, bytes, size, &reason));
    ck_assert_uint_eq(back.row, 17);
    ck_assert_uint_eq(back.version, 3);
    ck_assert_uint_eq(back.took_ns, 950);
    ck_assert_double_eq(back.value, 5.25);
    ck_assert_str_eq(back.name, "wine");
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!score_decode(&back, bytes, cut, &reason));
}
END_TEST

START_TEST(statistics_count_what_was_added)
{
    struct statistics statistics = { .name = "wine", .version = 1 };

    ck_assert_uint_eq(statistics_percentile_ns(&statistics, 0.5), 0);
    ck_assert_double_eq(statistics_mean_ns(&statistics), 0.0);
    for (uint64_t ns = 1; ns <= 1000; ns++)
        statistics_add(&statistics, 5000 - (int64_t)ns, ns, true);
    statistics_add(&statistics, 9000, 77777, false);
    ck_assert_uint_eq(statistics.usage, 1000);
    ck_assert_uint_eq(statistics.errors, 1);
    ck_assert_int_eq(statistics.since_ms, 4000);
    ck_assert_uint_eq(statistics.min_ns, 1);
    ck_assert_uint_eq(statistics.max_ns, 1000);
    ck_assert_double_eq_tol(statistics_mean_ns(&statistics), 500.5, 1e-9);
    ck_assert_double_eq_tol(percentile(&statistics, 0.5), 500, 0.125 * 500);
    ck_assert_double_eq_tol(percentile(&statistics, 0.99), 990, 0.125 * 990);
}
END_TEST

START_TEST(a_percentile_is_at_most_an_eighth_off)
{
    for (uint64_t ns = 0; ns < 3700000000u; ns = ns + ns / 7 + 1) {
        struct statistics statistics = { .name = "wine" };

        statistics_add(&statistics, 0, ns > 1 ? ns - 1 : 0, true); /* min, max must not help */
        for (int i = 0; i < 8; i++)
            statistics_add(&statistics, 0, ns, true);
        statistics_add(&statistics, 0, 2 * ns + 1, true);
        ck_assert_double_eq_tol(percentile(&statistics, 0.5), (double)ns,
                                0.125 * (double)ns + 0.5);
    }
}
END_TEST

START_TEST(times_beyond_the_last_bucket_are_counted)
{
    struct statistics statistics = { .name = "wine" };

    statistics_add(&statistics, 0, UINT64_MAX / 2, true);
    ck_assert_uint_eq(statistics_percentile_ns(&statistics, 0.99), UINT64_MAX / 2);
}
END_TEST

START_TEST(merged_parts_equal_the_whole)
{
    struct statistics whole = { .name = "wine", .version = 3 };
    struct statistics part[3] = { { .name = "wine", .version = 3 },
                                  { .name = "wine", .version = 3 } };
    struct statistics sum = { .name = "" };

    for (uint64_t i = 0; i < 500; i++) {
        statistics_add(&whole, (int64_t)(1000 - i), i * i, i % 50 != 0);
        statistics_add(&part[i % 2], (int64_t)(1000 - i), i * i, i % 50 != 0);
    }
    for (size_t i = 0; i < 3; i++) /* the third is empty */
        statistics_merge(&sum, &part[i]);
    ck_assert_mem_eq(&sum, &whole, sizeof(whole));
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("scoring records");
    TCase   *tests = tcase_create("scoring records");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_test(tests, a_wine_comes_back_as_it_went);
    tcase_add_test(tests, a_wine_of_another_size_is_refused);
    tcase_add_test(tests, every_damage_is_noticed);
    tcase_add_test(tests, no_share_breaks_nothing_and_all_breaks_all);
    tcase_add_test(tests, a_bad_line_of_the_file_is_named);
    tcase_add_test(tests, a_model_record_comes_back_as_it_went);
    tcase_add_test(tests, a_damaged_model_record_is_refused);
    tcase_add_test(tests, a_name_that_would_spoil_a_file_is_refused);
    tcase_add_test(tests, a_score_comes_back_as_it_went);
    tcase_add_test(tests, statistics_count_what_was_added);
    tcase_add_test(tests, a_percentile_is_at_most_an_eighth_off);
    tcase_add_test(tests, times_beyond_the_last_bucket_are_counted);
    tcase_add_test(tests, merged_parts_equal_the_whole);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
