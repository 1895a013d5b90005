/* SPDX-License-Identifier: Apache-2.0
 *
 * test_restore.c - changelog records straight into LMDB, and wiping a store.
 */
#include "fixture.h"

#include "base/error.h"

#include <check.h>
#include <string.h>

#define POSITION "changelog/plain"

static struct ks__state_change change(const char *key, const char *value)
{
    return (struct ks__state_change){ ks_bytes_text(key), { ks_bytes_text(value), 9, NULL } };
}

static void restore(const struct ks__state_change *changes, size_t count, int64_t position)
{
    ks_error error = { .status = KS_OK };

    ck_assert_msg(ks__state_restore(fixture_state, fixture_store, changes, count, POSITION,
                                    position, &error) == KS_OK, "%s", error.message);
}

START_TEST(rows_and_position_are_there_after_a_kill)
{
    const struct ks__state_change changes[] = { change("b", "1"), change("a", "2"),
                                                change("b", "3"), change("c", "4"),
                                                change("c", NULL), change(NULL, "5") };

    restore(changes, 6, 6);
    fixture_abandon();
    fixture_open();
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=2 b=3");
    ck_assert_int_eq(ks__state_number(fixture_state, POSITION, -1), 6);
    fixture_expect(NULL);                       /* nothing goes back to the changelog */
}
END_TEST

START_TEST(a_read_before_does_not_hide_what_is_restored_after)
{
    const struct ks__state_change one = change("a", "1"), two = change("a", "2");

    ck_assert_str_eq(fixture_get(fixture_store, "a"), "-");
    restore(&one, 1, 1);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
    restore(&two, 1, 2);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "2");
}
END_TEST

START_TEST(headers_and_time_are_restored)
{
    ks_headers             *headers = ks_headers_new();
    struct ks__state_change row     = change("a", "1");
    ks_record               found;

    ck_assert_int_eq(ks_headers_add(headers, "h", KS_TEXT("v")), KS_OK);
    row.row.headers = headers;
    restore(&row, 1, 1);
    ks_headers_free(headers);
    ck_assert(ks_kv_store_get(fixture_store, KS_TEXT("a"), &found));
    ck_assert_int_eq(found.timestamp_ms, 9);
    ck_assert_uint_eq(ks_headers_count(found.headers), 1);
}
END_TEST

START_TEST(no_records_still_move_the_position)
{
    restore(NULL, 0, 17);
    ck_assert_int_eq(ks__state_number(fixture_state, POSITION, -1), 17);
}
END_TEST

START_TEST(a_wipe_empties_the_store_and_its_position_alone)
{
    const struct ks__state_change one = change("a", "1");

    restore(&one, 1, 5);
    ks__state_set_number(fixture_state, "clock", 7);
    fixture_commit();
    ck_assert_int_eq(ks__state_wipe(fixture_state, fixture_store, POSITION, NULL), KS_OK);
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "");
    ck_assert_uint_eq(ks_kv_store_count(fixture_store), 0);
    ck_assert_int_eq(ks__state_number(fixture_state, POSITION, -1), -1);
    ck_assert_int_eq(ks__state_number(fixture_state, "clock", -1), 7);
    restore(&one, 1, 1);
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1");
}
END_TEST

START_TEST(rows_in_the_layers_above_forbid_both)
{
    const struct ks__state_change one   = change("a", "1");
    ks_error                      error = { .status = KS_OK };

    fixture_put(fixture_store, "a", "2");
    ck_assert_int_eq(ks__state_restore(fixture_state, fixture_store, &one, 1, POSITION, 1, &error),
                     KS_ESTATE);
    ck_assert_ptr_nonnull(strstr(error.message, "\"plain\""));
    ck_assert_int_eq(ks__state_wipe(fixture_state, fixture_store, POSITION, NULL), KS_ESTATE);
    fixture_commit();
    ks__state_set_number(fixture_state, POSITION, 3);
    ck_assert_int_eq(ks__state_wipe(fixture_state, fixture_store, POSITION, NULL), KS_ESTATE);
    fixture_commit();
    ck_assert_int_eq(ks__state_wipe(fixture_state, fixture_store, POSITION, NULL), KS_OK);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/restore");
    TCase   *tcase = tcase_create("state/restore");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    tcase_add_test(tcase, rows_and_position_are_there_after_a_kill);
    tcase_add_test(tcase, a_read_before_does_not_hide_what_is_restored_after);
    tcase_add_test(tcase, headers_and_time_are_restored);
    tcase_add_test(tcase, no_records_still_move_the_position);
    tcase_add_test(tcase, a_wipe_empties_the_store_and_its_position_alone);
    tcase_add_test(tcase, rows_in_the_layers_above_forbid_both);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
