/* SPDX-License-Identifier: Apache-2.0
 *
 * test_disk.c - damaged rows in LMDB: an error each, never a wrong row.
 */
#include "fixture.h"

#include "base/error.h"
#include "lmdb/env.h"
#include "state/parts.h"

#include <check.h>
#include <string.h>

/* Put bytes where the row of the key lies. */
static void damage(ks_bytes key, ks_bytes bytes)
{
    struct ks__env *env = ks__state_env(fixture_state);
    struct ks__txn *txn;
    uint8_t         text[KS__ROW_KEY_LIMIT];

    ck_assert_int_eq(ks__txn_begin_write(env, &txn, NULL), KS_OK);
    ck_assert_int_eq(ks__txn_put(txn, fixture_store->dbs[0], ks__row_key(key, text), bytes), KS_OK);
    ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    ks__reading_renew(&fixture_state->reading);
}

static void expect_corrupt(void)
{
    ck_assert_int_eq(fixture_error.status, KS_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(fixture_error.message, "\"plain\""));
    ks__error_clear(&fixture_error);
}

START_TEST(a_damaged_row_is_an_error_of_get_and_of_iterators)
{
    ks_record row;

    damage(KS_TEXT("a"), KS_TEXT("\001short"));
    ck_assert(!ks_kv_store_get(fixture_store, KS_TEXT("a"), &row));
    expect_corrupt();
    ck_assert(!ks_iter_next(ks_kv_store_all(fixture_store, KS_ASCENDING), &row));
    expect_corrupt();
}
END_TEST

START_TEST(damaged_headers_are_an_error)
{
    ks_record row;

    damage(KS_TEXT("a"), KS_TEXT("\001\0\0\0\0\0\0\0\1\0\0\0\2\377\377value"));
    ck_assert(!ks_kv_store_get(fixture_store, KS_TEXT("a"), &row));
    ck_assert_ptr_null(row.value.data);
    expect_corrupt();
    ck_assert(!ks_iter_next(ks_kv_store_all(fixture_store, KS_DESCENDING), &row));
    expect_corrupt();
}
END_TEST

START_TEST(a_damaged_chain_is_an_error_and_ends_every_iterator)
{
    static const char key[600] = "long";
    ks_bytes          at       = { key, sizeof(key) };
    ks_record         row;
    ks_iter          *it;

    damage(at, KS_TEXT("\0\0\1\0cut"));
    ck_assert(!ks_kv_store_get(fixture_store, at, &row));
    expect_corrupt();
    fixture_put(fixture_store, "a", "before");
    fixture_put(fixture_store, "z", "behind");
    it = ks_kv_store_all(fixture_store, KS_ASCENDING);
    ck_assert_ptr_null(it);
    expect_corrupt();
    ks_kv_store_put(fixture_store, at, KS_TEXT("new"));
    fixture_end_record();
    ck_assert_int_eq(ks__state_seal(fixture_state, NULL), KS_OK);
    ck_assert_int_eq(ks__state_write(fixture_state, &fixture_error), KS_ECORRUPT);
    ks__error_clear(&fixture_error);
    fixture_abandon();                          /* it cannot be closed cleanly */
    fixture_open();
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/disk");
    TCase   *tcase = tcase_create("state/disk");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
    tcase_add_test(tcase, a_damaged_row_is_an_error_of_get_and_of_iterators);
    tcase_add_test(tcase, damaged_headers_are_an_error);
    tcase_add_test(tcase, a_damaged_chain_is_an_error_and_ends_every_iterator);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
