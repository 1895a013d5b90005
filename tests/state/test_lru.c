/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lru.c - a store of at most so many rows: in memory, on disk, after an abort, restored.
 */
#include "fixture.h"

#include "base/error.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 3

static ks_error error;

static void set_up(void)
{
    fixture_set_up();
    fixture_close();
    fixture_spec.max_rows = ROWS;
    fixture_spec.name     = "few";
    fixture_open();
}

static void put(const char *key)
{
    ks_kv_store_put(fixture_store, ks_bytes_text(key), KS_TEXT("v"));
    fixture_end_record();
    ck_assert_int_eq(ks_error_status(&fixture_error), KS_OK);
}

static void get(const char *key)
{
    ks_record row;

    ck_assert(ks_kv_store_get(fixture_store, ks_bytes_text(key), &row));
    fixture_end_record();
}

/* The keys that are there, without a use of any. */
static void expect_rows(const char *rows)
{
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), rows);
    fixture_end_record();
}

static void restart(bool kill)
{
    if (kill)
        fixture_abandon();
    else
        fixture_close();
    fixture_open();
}

START_TEST(the_row_that_was_used_the_longest_ago_goes)
{
    put("a");
    put("b");
    put("c");
    get("a");
    if (_i == 1)
        fixture_commit();
    put("d");
    expect_rows("a=v c=v d=v");
    put("c");
    put("e");
    expect_rows("c=v d=v e=v");
    ck_assert_uint_eq(ks_kv_store_count(fixture_store), ROWS);
}
END_TEST

START_TEST(a_miss_and_an_iterator_are_no_uses)
{
    ks_record row;

    put("a");
    put("b");
    put("c");
    ck_assert(!ks_kv_store_get(fixture_store, KS_TEXT("x"), &row));
    expect_rows("a=v b=v c=v");
    put("d");
    expect_rows("b=v c=v d=v");
}
END_TEST

START_TEST(a_deleted_row_makes_room)
{
    put("a");
    put("b");
    put("c");
    ks_kv_store_delete(fixture_store, KS_TEXT("b"));
    ks_kv_store_delete(fixture_store, KS_TEXT("never there"));
    put("d");
    expect_rows("a=v c=v d=v");
    put("b");
    expect_rows("b=v c=v d=v");
}
END_TEST

START_TEST(put_if_absent_is_a_use_whether_it_puts_or_not)
{
    put("a");
    put("b");
    put("c");
    ck_assert(!ks_kv_store_put_if_absent(fixture_store, KS_TEXT("a"), KS_TEXT("w")));
    fixture_end_record();
    ck_assert(ks_kv_store_put_if_absent(fixture_store, KS_TEXT("d"), KS_TEXT("w")));
    fixture_end_record();
    expect_rows("a=v c=v d=w");
}
END_TEST

START_TEST(the_deletion_goes_to_the_changelog_before_the_put)
{
    fixture_now_ms = 7;
    put("a");
    put("b");
    put("c");
    fixture_line_count = 0;
    fixture_now_ms     = 9;
    put("d");
    fixture_expect("log a=-@9");
    fixture_expect("log d=v@9");
    fixture_expect(NULL);
}
END_TEST

START_TEST(an_abort_takes_uses_back)
{
    put("a");
    put("b");
    put("c");
    fixture_commit();
    get("a");
    put("d");
    ks__state_drop(fixture_state);
    expect_rows("a=v b=v c=v");
    put("e");
    expect_rows("b=v c=v e=v");
}
END_TEST

START_TEST(the_order_survives_a_restart_reads_included)
{
    put("a");
    put("b");
    put("c");
    get("a");
    fixture_commit();
    restart(_i == 1);
    put("d");
    expect_rows("a=v c=v d=v");
    put("e");
    expect_rows("a=v d=v e=v");
}
END_TEST

START_TEST(a_lower_bound_takes_effect_with_the_next_put)
{
    put("a");
    put("b");
    put("c");
    fixture_commit();
    fixture_spec.max_rows = 2;
    restart(false);
    expect_rows("a=v b=v c=v");
    put("d");
    expect_rows("c=v d=v");
}
END_TEST

static void restore(const char *key, const char *value, int64_t position)
{
    const struct ks__state_change change = {
        .key = ks_bytes_text(key),
        .row = { .value = value != NULL ? ks_bytes_text(value) : KS_NULL, .timestamp_ms = 5 },
    };

    ck_assert_int_eq(ks__state_restore(fixture_state, fixture_store, &change, 1, "changelog/few",
                                       position, &error), KS_OK);
}

START_TEST(restored_rows_are_in_the_order_of_their_puts)
{
    restore("a", "1", 1);
    restore("b", "1", 2);
    restore("c", "1", 3);
    restore("a", "2", 4);
    fixture_expect(NULL); /* nothing of it goes back to the changelog */
    expect_rows("a=2 b=1 c=1");
    put("d");
    expect_rows("a=2 c=1 d=v");
    fixture_commit();
    restore("a", NULL, 6);
    put("e");
    expect_rows("c=1 d=v e=v");
    ck_assert_int_eq(ks__state_number(fixture_state, "changelog/few", 0), 6);
}
END_TEST

START_TEST(a_changelog_without_the_deletions_is_bounded_all_the_same)
{
    for (int i = 0; i < 10; i++) {
        char key[16];

        snprintf(key, sizeof(key), "k%d", i);
        restore(key, "1", i);
    }
    expect_rows("k7=1 k8=1 k9=1");
}
END_TEST

START_TEST(a_store_that_is_emptied_begins_anew)
{
    put("a");
    put("b");
    put("c");
    fixture_commit();
    ck_assert_int_eq(ks__state_wipe(fixture_state, fixture_store, NULL, &error), KS_OK);
    put("d");
    put("e");
    put("f");
    expect_rows("d=v e=v f=v");
}
END_TEST

/* Against a list of keys, the last used in front. */
#define KEYS 12

static int model[KEYS];
static int model_count;

static void model_remove(int key)
{
    int kept = 0;

    for (int i = 0; i < model_count; i++)
        if (model[i] != key)
            model[kept++] = model[i];
    model_count = kept;
}

static void model_use(int key)
{
    model_remove(key);
    memmove(model + 1, model, (size_t)model_count * sizeof(*model));
    model[0] = key;
    model_count = model_count + 1 > ROWS ? ROWS : model_count + 1;
}

static bool model_has(int key)
{
    for (int i = 0; i < model_count; i++)
        if (model[i] == key)
            return true;
    return false;
}

static void check_model(void)
{
    char rows[128] = "";

    for (int key = 0; key < KEYS; key++)
        if (model_has(key))
            snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), "%sk%02d=v",
                     *rows != '\0' ? " " : "", key);
    expect_rows(rows);
}

START_TEST(the_same_rows_are_there_as_in_a_model)
{
    unsigned  seed = 17;
    ks_record row;
    char      text[8];

    model_count = 0;
    for (int n = 0; n < 3000; n++) {
        const int      key  = rand_r(&seed) % KEYS;
        const int      what = rand_r(&seed) % 10;
        ks_bytes       name;

        snprintf(text, sizeof(text), "k%02d", key);
        name               = ks_bytes_text(text);
        fixture_line_count = 0;
        if (what < 5) {
            put(text);
            model_use(key);
        } else if (what < 9) {
            const bool found = ks_kv_store_get(fixture_store, name, &row);

            ck_assert_int_eq(found, model_has(key));
            if (found)
                model_use(key);
        } else {
            ks_kv_store_delete(fixture_store, name);
            model_remove(key);
        }
        fixture_end_record();
        if (rand_r(&seed) % 5 == 0)
            fixture_commit();
        if (rand_r(&seed) % 50 == 0) {
            fixture_commit();
            restart(rand_r(&seed) % 2 == 0);
        }
        check_model();
    }
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("lru");
    TCase   *cases  = tcase_create("lru");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, set_up, fixture_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, the_row_that_was_used_the_longest_ago_goes, 0, 2);
    tcase_add_test(cases, a_miss_and_an_iterator_are_no_uses);
    tcase_add_test(cases, a_deleted_row_makes_room);
    tcase_add_test(cases, put_if_absent_is_a_use_whether_it_puts_or_not);
    tcase_add_test(cases, the_deletion_goes_to_the_changelog_before_the_put);
    tcase_add_test(cases, an_abort_takes_uses_back);
    tcase_add_loop_test(cases, the_order_survives_a_restart_reads_included, 0, 2);
    tcase_add_test(cases, a_lower_bound_takes_effect_with_the_next_put);
    tcase_add_test(cases, restored_rows_are_in_the_order_of_their_puts);
    tcase_add_test(cases, a_changelog_without_the_deletions_is_bounded_all_the_same);
    tcase_add_test(cases, a_store_that_is_emptied_begins_anew);
    tcase_add_test(cases, the_same_rows_are_there_as_in_a_model);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
