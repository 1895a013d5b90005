/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cache.c - what is forwarded and sent to the changelog when caches are flushed (S3).
 */
#include "fixture.h"

#include "state/parts.h"

#include "base/error.h"

#include <check.h>

static struct ks__store_spec first_spec  = { .name = "first", .kind = KS__STORE_KV, .cache = true,
                                             .changelog = true };
static struct ks__store_spec second_spec = { .name = "second", .kind = KS__STORE_KV,
                                             .cache = true };
static struct ks_kv_store   *first, *second;
static int                   ended;

static void set_up(void)
{
    fixture_set_up();
    ended = 0;
    ck_assert_int_eq(ks__state_kv(fixture_state, &first_spec, &first, NULL), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &second_spec, &second, NULL), KS_OK);
}

static void end_record(void *user)
{
    (void)user;
    ended++;
    ks__arena_reset(&fixture_arena);
}

static void flush(void)
{
    fixture_end_record();
    ks__state_flush_caches(fixture_state, end_record, NULL);
}

START_TEST(one_change_per_key_in_the_order_of_the_last_write)
{
    fixture_listen(first);
    fixture_put(first, "b", "1");
    fixture_put(first, "a", "2");
    fixture_now_ms = 9;
    fixture_put(first, "b", "3");
    ck_assert(ks__state_has_cached(fixture_state));
    fixture_expect(NULL);
    flush();
    fixture_expect("log a=2@5");
    fixture_expect("flush a=2 was -");
    fixture_expect("log b=3@9");
    fixture_expect("flush b=3 was -");
    fixture_expect(NULL);
    ck_assert_int_eq(ended, 2);
    ck_assert(!ks__state_has_cached(fixture_state));
}
END_TEST

START_TEST(keys_that_are_written_again_and_again_keep_the_list_short)
{
    char key[2] = "a";

    fixture_listen(first);
    for (int i = 0; i < 1000; i++) {
        key[0] = (char)('a' + i % 3);
        fixture_put(first, key, "1");
    }
    fixture_put(first, "b", "2");
    ck_assert_uint_lt(first->dirty.count, 200);
    flush();
    fixture_expect("log c=1@5");
    fixture_expect("flush c=1 was -");
    fixture_expect("log a=1@5");
    fixture_expect("flush a=1 was -");
    fixture_expect("log b=2@5");
    fixture_expect("flush b=2 was -");
    fixture_expect(NULL);
}
END_TEST

START_TEST(the_row_before_is_the_one_last_forwarded)
{
    fixture_listen(first);
    fixture_put(first, "a", "1");
    flush();
    fixture_put(first, "a", "2");
    fixture_end_record();
    fixture_put(first, "a", "3");
    flush();
    fixture_commit();
    fixture_put(first, "a", "4");
    flush();                                    /* before lies in LMDB */
    ck_assert_int_eq(ks__state_seal(fixture_state, NULL), KS_OK);
    ks_kv_store_delete(first, KS_TEXT("a"));
    flush();                                    /* before lies in the committed layer */
    fixture_expect("log a=1@5");
    fixture_expect("flush a=1 was -");
    fixture_expect("log a=3@5");
    fixture_expect("flush a=3 was 1");
    fixture_expect("log a=4@5");
    fixture_expect("flush a=4 was 3");
    fixture_expect("log a=-@5");
    fixture_expect("flush a=- was 4");
    fixture_expect(NULL);
}
END_TEST

START_TEST(a_write_of_the_committed_layer_does_not_disturb_what_is_cached)
{
    fixture_listen(first);
    fixture_put(first, "a", "1");
    flush();
    ck_assert_int_eq(ks__state_seal(fixture_state, NULL), KS_OK);
    fixture_put(first, "a", "2");
    fixture_end_record();
    ck_assert_int_eq(ks__state_write(fixture_state, NULL), KS_OK);
    flush();
    fixture_expect("log a=1@5");
    fixture_expect("flush a=1 was -");
    fixture_expect("log a=2@5");
    fixture_expect("flush a=2 was 1");
}
END_TEST

START_TEST(a_row_created_and_deleted_between_two_flushes_is_not_forwarded)
{
    fixture_listen(first);
    fixture_put(first, "a", "1");
    ks_kv_store_delete(first, KS_TEXT("a"));
    flush();
    fixture_expect(NULL);
    ck_assert_int_eq(ended, 0);
}
END_TEST

static void write_second(void *user, ks_bytes key, const struct ks__row *now,
                         const struct ks__row *before)
{
    (void)user, (void)before;
    ks__kv_put(second, key, now);
}

static void write_first_once(void *user, ks_bytes key, const struct ks__row *now,
                             const struct ks__row *before)
{
    struct ks__row row;

    (void)user, (void)key, (void)before;
    if (!ks__kv_get(first, KS_TEXT("back"), &row))
        ks__kv_put(first, KS_TEXT("back"), now);
}

START_TEST(a_flush_goes_on_until_no_store_is_dirty)
{
    struct ks__row row;

    ks__kv_on_flush(first, write_second, NULL);
    ks__kv_on_flush(second, write_first_once, NULL);
    fixture_put(first, "a", "1");
    flush();
    ck_assert(!ks__state_has_cached(fixture_state));
    ck_assert(ks__kv_get(second, KS_TEXT("back"), &row));
    ck_assert_int_eq(ended, 4);
    fixture_expect("log a=1@5");
    fixture_expect("log back=1@5");
    fixture_expect(NULL);
}
END_TEST

static void refuse(void *user, ks_bytes key, const struct ks__row *now,
                   const struct ks__row *before)
{
    (void)user, (void)key, (void)now, (void)before;
    ks__error_set(&fixture_error, KS_EUSER, "no");
}

START_TEST(a_failure_stops_the_flush)
{
    ks__kv_on_flush(first, refuse, NULL);
    fixture_put(first, "a", "1");
    fixture_put(first, "b", "1");
    flush();
    ck_assert_int_eq(ended, 1);
    ck_assert(ks__state_has_cached(fixture_state));
    ks__state_drop(fixture_state);
    ck_assert(!ks__state_has_cached(fixture_state));
}
END_TEST

START_TEST(a_commit_without_flush_is_refused)
{
    ks_error error = { .status = KS_OK };

    fixture_put(first, "a", "1");
    ck_assert_int_eq(ks__state_seal(fixture_state, &error), KS_ESTATE);
    flush();
    ck_assert_int_eq(ks__state_seal(fixture_state, &error), KS_OK);
}
END_TEST

START_TEST(with_caches_off_every_put_goes_to_the_changelog)
{
    const struct ks__state_options options = { .directory = fixture_directory,
                                               .host      = &fixture_host,
                                               .map_bytes = 1 << 28 };

    fixture_close();
    ck_assert_int_eq(ks__state_open(&fixture_state, &options, NULL), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &first_spec, &first, NULL), KS_OK);
    ck_assert(!ks__kv_is_cached(first));
    fixture_put(first, "a", "1");
    fixture_expect("log a=1@5");
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/cache");
    TCase   *tcase = tcase_create("state/cache");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, fixture_tear_down);
    tcase_add_test(tcase, one_change_per_key_in_the_order_of_the_last_write);
    tcase_add_test(tcase, keys_that_are_written_again_and_again_keep_the_list_short);
    tcase_add_test(tcase, the_row_before_is_the_one_last_forwarded);
    tcase_add_test(tcase, a_write_of_the_committed_layer_does_not_disturb_what_is_cached);
    tcase_add_test(tcase, a_row_created_and_deleted_between_two_flushes_is_not_forwarded);
    tcase_add_test(tcase, a_flush_goes_on_until_no_store_is_dirty);
    tcase_add_test(tcase, a_failure_stops_the_flush);
    tcase_add_test(tcase, a_commit_without_flush_is_refused);
    tcase_add_test(tcase, with_caches_off_every_put_goes_to_the_changelog);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
