/* SPDX-License-Identifier: Apache-2.0
 *
 * test_global.c - readers of a global store beside the thread that fills it.
 */
#include "fixture.h"

#include "base/error.h"
#include "state/global.h"

#include <check.h>
#include <string.h>

static struct ks__arena      arena;
static ks_error              error;
static struct ks_kv_store   *reader;
static struct ks__state_host host = { .error = &error, .arena = &arena };

static void set_up(void)
{
    fixture_set_up();
    fixture_spec.global = true;
    ks__error_clear(&error);
    ck_assert_int_eq(ks__arena_init(&arena, 0, 0), KS_OK);
    ck_assert_int_eq(ks__global_reader_open(&reader, fixture_state, &fixture_spec, &host, &error),
                     KS_OK);
}

static void tear_down(void)
{
    ks__global_reader_close(reader);
    ks__arena_release(&arena);
    fixture_tear_down();
}

static void apply(const char *key, const char *value)
{
    const struct ks__state_change change = { ks_bytes_text(key),
                                             { ks_bytes_text(value), 1, NULL } };

    ck_assert_int_eq(ks__state_restore(fixture_state, fixture_store, &change, 1, "input/g/0", 1,
                                       NULL), KS_OK);
}

START_TEST(a_reader_sees_new_rows_after_it_was_renewed)
{
    apply("a", "1");
    ck_assert_str_eq(fixture_get(reader, "a"), "1");
    apply("a", "2");
    apply("b", "1");
    ck_assert_str_eq(fixture_get(reader, "a"), "1");
    ck_assert_str_eq(fixture_all(reader, KS_DESCENDING), "a=1");
    ks__global_reader_end_record(reader);
    ks__global_reader_renew(reader);
    ck_assert_str_eq(fixture_get(reader, "a"), "2");
    ck_assert_str_eq(fixture_all(reader, KS_DESCENDING), "b=1 a=2");
    ck_assert_uint_eq(ks_kv_store_count(reader), 2);
}
END_TEST

START_TEST(an_iterator_left_open_is_closed_by_the_end_of_the_record)
{
    ks_record row;

    apply("a", "1");
    apply("b", "1");
    ck_assert(ks_iter_next(ks_kv_store_all(reader, KS_ASCENDING), &row));
    ks__global_reader_end_record(reader);
    ks__arena_reset(&arena);
    ks__global_reader_renew(reader);
    ck_assert_str_eq(fixture_all(reader, KS_ASCENDING), "a=1 b=1");
}
END_TEST

START_TEST(writes_through_a_reader_fail)
{
    ks_kv_store_put(reader, KS_TEXT("a"), KS_TEXT("1"));
    ck_assert_int_eq(error.status, KS_ESTATE);
    ks__error_clear(&error);
    ks__kv_put(reader, KS_TEXT("a"), &(struct ks__row){ .value = KS_TEXT("1") });
    ck_assert_int_eq(error.status, KS_ESTATE);
    ck_assert_int_eq(fixture_error.status, KS_OK);
}
END_TEST

START_TEST(readers_come_and_go)
{
    apply("a", "1");
    for (int i = 0; i < 50; i++) {
        struct ks_kv_store *other;

        ck_assert_int_eq(
            ks__global_reader_open(&other, fixture_state, &fixture_spec, &host, &error), KS_OK);
        ck_assert_str_eq(fixture_get(other, "a"), "1");
        ks__global_reader_close(other);
    }
    ks__global_reader_close(NULL);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/global");
    TCase   *tcase = tcase_create("state/global");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_reader_sees_new_rows_after_it_was_renewed);
    tcase_add_test(tcase, an_iterator_left_open_is_closed_by_the_end_of_the_record);
    tcase_add_test(tcase, writes_through_a_reader_fail);
    tcase_add_test(tcase, readers_come_and_go);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
