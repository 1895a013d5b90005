/* SPDX-License-Identifier: Apache-2.0
 *
 * test_kv_store.c - the public key-value store: what is refused, and what a callback relies on.
 */
#include "fixture.h"

#include "base/error.h"

#include <check.h>
#include <string.h>

START_TEST(a_row_is_read_as_it_was_put)
{
    ks_record row;

    fixture_now_ms = 42;
    fixture_put(fixture_store, "a", "1");
    ck_assert(ks_kv_store_get(fixture_store, KS_TEXT("a"), &row));
    ck_assert(ks_bytes_equal(row.key, KS_TEXT("a")));
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("1")));
    ck_assert_int_eq(row.timestamp_ms, 42);
    ck_assert_ptr_null(row.headers);
    ck_assert_ptr_null(row.window);
}
END_TEST

START_TEST(an_absent_key_gives_false_and_a_zeroed_row)
{
    ks_record row = { .timestamp_ms = 7, .key = KS_TEXT("left over") };

    ck_assert(!ks_kv_store_get(fixture_store, KS_TEXT("a"), &row));
    ck_assert_ptr_null(row.key.data);
    ck_assert_int_eq(row.timestamp_ms, 0);
    ck_assert_int_eq(fixture_error.status, KS_OK);
}
END_TEST

START_TEST(an_empty_value_is_a_row_and_a_null_value_deletes)
{
    ks_record row;

    ks_kv_store_put(fixture_store, KS_TEXT("a"), KS_TEXT(""));
    ck_assert(ks_kv_store_get(fixture_store, KS_TEXT("a"), &row));
    ck_assert_ptr_nonnull(row.value.data);
    ks_kv_store_put(fixture_store, KS_TEXT("a"), KS_NULL);
    ck_assert(!ks_kv_store_get(fixture_store, KS_TEXT("a"), &row));
}
END_TEST

START_TEST(an_empty_key_is_a_key_and_survives_a_restart)
{
    ks_kv_store_put(fixture_store, KS_TEXT(""), KS_TEXT("empty"));
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    fixture_close();
    fixture_open();
    ck_assert_str_eq(fixture_get(fixture_store, ""), "empty");
    ck_assert_str_eq(fixture_all(fixture_store, KS_DESCENDING), "a=1 =empty");
}
END_TEST

START_TEST(put_if_absent_writes_only_the_first_time)
{
    ck_assert(ks_kv_store_put_if_absent(fixture_store, KS_TEXT("a"), KS_TEXT("1")));
    ck_assert(!ks_kv_store_put_if_absent(fixture_store, KS_TEXT("a"), KS_TEXT("2")));
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
    fixture_commit();
    ck_assert(!ks_kv_store_put_if_absent(fixture_store, KS_TEXT("a"), KS_TEXT("3")));
    ks_kv_store_delete(fixture_store, KS_TEXT("a"));
    ck_assert(ks_kv_store_put_if_absent(fixture_store, KS_TEXT("a"), KS_TEXT("4")));
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "4");
}
END_TEST

START_TEST(a_null_key_is_an_error_that_names_the_store)
{
    ks_record row;

    ck_assert(!ks_kv_store_get(fixture_store, KS_NULL, &row));
    ck_assert_int_eq(fixture_error.status, KS_EINVAL);
    ck_assert_ptr_nonnull(strstr(fixture_error.message, "\"plain\""));
    ks__error_clear(&fixture_error);
    ks_kv_store_put(fixture_store, KS_NULL, KS_TEXT("1"));
    ck_assert_int_eq(fixture_error.status, KS_EINVAL);
    ks__error_clear(&fixture_error);
    ks_kv_store_put_record(fixture_store, NULL);
    ck_assert_int_eq(fixture_error.status, KS_EINVAL);
}
END_TEST

START_TEST(every_call_accepts_no_store)
{
    ks_record row = { .key = KS_TEXT("a") };

    ks_kv_store_put(NULL, KS_TEXT("a"), KS_TEXT("1"));
    ks_kv_store_put_record(NULL, &row);
    ks_kv_store_delete(NULL, KS_TEXT("a"));
    ck_assert(!ks_kv_store_put_if_absent(NULL, KS_TEXT("a"), KS_TEXT("1")));
    ck_assert(!ks_kv_store_get(NULL, KS_TEXT("a"), &row));
    ck_assert_ptr_null(row.key.data);
    ck_assert_uint_eq(ks_kv_store_count(NULL), 0);
    ck_assert(!ks_iter_next(ks_kv_store_all(NULL, KS_ASCENDING), &row));
    ck_assert(!ks_iter_next(ks_kv_store_prefix(NULL, KS_TEXT("a"), KS_ASCENDING), &row));
    ks_iter_close(NULL);
    ck_assert_int_eq(fixture_error.status, KS_OK);
}
END_TEST

START_TEST(a_global_store_is_not_written_by_user_code)
{
    fixture_spec.global = true;
    fixture_put(fixture_store, "a", "1");
    ck_assert_int_eq(fixture_error.status, KS_ESTATE);
    ks__error_clear(&fixture_error);
    ck_assert(!ks_kv_store_put_if_absent(fixture_store, KS_TEXT("a"), KS_TEXT("1")));
    ck_assert_int_eq(fixture_error.status, KS_ESTATE);
    ks__error_clear(&fixture_error);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "-");
}
END_TEST

START_TEST(a_row_too_large_is_refused_with_its_size)
{
    ks_kv_store_put(fixture_store, KS_TEXT("a"), (ks_bytes){ "", (size_t)1 << 31 });
    ck_assert_int_eq(fixture_error.status, KS_ETOOBIG);
    ck_assert_ptr_nonnull(strstr(fixture_error.message, "2147483649 bytes"));
    ck_assert_uint_eq(fixture_line_count, 0);       /* S4: nothing went to the changelog */
}
END_TEST

START_TEST(a_range_has_inclusive_ends_and_two_directions)
{
    fixture_put(fixture_store, "c", "3");
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    fixture_put(fixture_store, "d", "4");
    fixture_put(fixture_store, "b", "2");
    ck_assert_str_eq(fixture_rows(ks_kv_store_range(fixture_store, KS_TEXT("b"), KS_TEXT("c"),
                                                    KS_ASCENDING)), "b=2 c=3");
    ck_assert_str_eq(fixture_rows(ks_kv_store_range(fixture_store, KS_TEXT("b"), KS_NULL,
                                                    KS_DESCENDING)), "d=4 c=3 b=2");
    ck_assert_str_eq(fixture_rows(ks_kv_store_range(fixture_store, KS_NULL, KS_TEXT("b"),
                                                    KS_DESCENDING)), "b=2 a=1");
    ck_assert_str_eq(fixture_rows(ks_kv_store_range(fixture_store, KS_TEXT("c"), KS_TEXT("a"),
                                                    KS_ASCENDING)), "");
}
END_TEST

START_TEST(a_prefix_of_greatest_bytes_has_no_upper_end)
{
    fixture_put(fixture_store, "\377\377z", "1");
    fixture_put(fixture_store, "\377\377", "2");
    fixture_put(fixture_store, "\376", "3");
    ck_assert_str_eq(fixture_rows(ks_kv_store_prefix(fixture_store, KS_TEXT("\377\377"),
                                                     KS_DESCENDING)), "\377\377z=1 \377\377=2");
    fixture_commit();
    ck_assert_str_eq(fixture_rows(ks_kv_store_prefix(fixture_store, KS_TEXT("\377\377"),
                                                     KS_ASCENDING)), "\377\377=2 \377\377z=1");
}
END_TEST

START_TEST(deleting_while_iterating_visits_every_row_once)
{
    int rows = 0;

    for (int i = 0; i < 5; i++)
        fixture_put(fixture_store, (const char *[]){ "a", "b", "c", "d", "e" }[i], "1");
    for (ks_iter *it = ks_kv_store_all(fixture_store, KS_ASCENDING); it != NULL; it = NULL)
        for (ks_record row; ks_iter_next(it, &row); rows++)
            ks_kv_store_delete(fixture_store, row.key);
    ck_assert_int_eq(rows, 5);
    ck_assert_uint_eq(ks_kv_store_count(fixture_store), 0);
}
END_TEST

START_TEST(a_closed_iterator_gives_nothing)
{
    ks_iter  *it;
    ks_record row;

    fixture_put(fixture_store, "a", "1");
    it = ks_kv_store_all(fixture_store, KS_ASCENDING);
    ks_iter_close(it);
    ck_assert(!ks_iter_next(it, &row));
    ks_iter_close(it);
}
END_TEST

START_TEST(the_changelog_hears_of_every_put_of_a_store_without_cache)
{
    fixture_put(fixture_store, "a", "1");
    fixture_put(fixture_store, "a", "2");
    ks_kv_store_delete(fixture_store, KS_TEXT("b"));
    fixture_expect("log a=1@5");
    fixture_expect("log a=2@5");
    fixture_expect("log b=-@5");
    fixture_expect(NULL);
}
END_TEST

START_TEST(a_store_that_is_restored_from_its_source_has_no_changelog)
{
    fixture_spec.source_topic = "in";
    fixture_put(fixture_store, "a", "1");
    fixture_expect(NULL);
}
END_TEST

START_TEST(a_slot_found_by_get_is_written_without_another_search)
{
    struct ks__kv_slot slot;
    struct ks__row     row;

    ck_assert(!ks__kv_find(fixture_store, KS_TEXT("a"), &slot, &row));
    ks__kv_put_slot(fixture_store, &slot, &(struct ks__row){ .value = KS_TEXT("1") });
    ck_assert(ks__kv_find(fixture_store, KS_TEXT("a"), &slot, &row));
    ks__kv_put_slot(fixture_store, &slot, &(struct ks__row){ .value = KS_TEXT("2") });
    ck_assert(ks_bytes_equal(row.value, KS_TEXT("1")));         /* S1 */
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "2");
    fixture_expect("log a=1@0");
    fixture_expect("log a=2@0");
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/kv_store");
    TCase   *tcase = tcase_create("state/kv_store");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    tcase_add_test(tcase, a_row_is_read_as_it_was_put);
    tcase_add_test(tcase, an_absent_key_gives_false_and_a_zeroed_row);
    tcase_add_test(tcase, an_empty_value_is_a_row_and_a_null_value_deletes);
    tcase_add_test(tcase, an_empty_key_is_a_key_and_survives_a_restart);
    tcase_add_test(tcase, put_if_absent_writes_only_the_first_time);
    tcase_add_test(tcase, a_null_key_is_an_error_that_names_the_store);
    tcase_add_test(tcase, every_call_accepts_no_store);
    tcase_add_test(tcase, a_global_store_is_not_written_by_user_code);
    tcase_add_test(tcase, a_row_too_large_is_refused_with_its_size);
    tcase_add_test(tcase, a_range_has_inclusive_ends_and_two_directions);
    tcase_add_test(tcase, a_prefix_of_greatest_bytes_has_no_upper_end);
    tcase_add_test(tcase, deleting_while_iterating_visits_every_row_once);
    tcase_add_test(tcase, a_closed_iterator_gives_nothing);
    tcase_add_test(tcase, the_changelog_hears_of_every_put_of_a_store_without_cache);
    tcase_add_test(tcase, a_store_that_is_restored_from_its_source_has_no_changelog);
    tcase_add_test(tcase, a_slot_found_by_get_is_written_without_another_search);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
