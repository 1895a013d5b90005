/* SPDX-License-Identifier: Apache-2.0
 *
 * test_versioned.c - histories against a list that remembers everything.
 */
#include "fixture.h"

#include "state/versioned.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_MS 50
#define PUTS       400
#define KEYS       3

static const struct ks__store_spec spec = { .name       = "versions",
                                            .kind       = KS__STORE_VERSIONED,
                                            .history_ms = HISTORY_MS };
static struct ks_kv_store         *store;

static void open_store(void)
{
    ks_error error = { .status = KS_OK };

    ck_assert_int_eq(ks__state_kv(fixture_state, &spec, &store, &error), KS_OK);
}

static void set_up(void)
{
    fixture_set_up();
    open_store();
}

static void restart(void)
{
    fixture_commit();
    fixture_close();
    fixture_open();
    open_store();
}

static int64_t put(const char *key, const char *value, int64_t time_ms)
{
    const struct ks__row row = { .value = ks_bytes_text(value), .timestamp_ms = time_ms };
    int64_t end = ks__versioned_put(store, ks_bytes_text(key), &row);

    fixture_end_record();
    ck_assert_int_eq(fixture_error.status, KS_OK);
    return end;
}

/* "value@from", "-" if there is none. */
static const char *as_of(const char *key, int64_t time_ms)
{
    static char  text[64];
    ks_versioned version;

    if (!ks__versioned_as_of(store, ks_bytes_text(key), time_ms, &version))
        return "-";
    snprintf(text, sizeof(text), "%.*s@%lld", KS_BYTES_ARG(version.value),
             (long long)version.timestamp_ms);
    return text;
}

START_TEST(a_put_goes_to_its_place_in_time) /* VS1 */
{
    ck_assert_int_eq(put("k", "b", 20), KS_VALID_NOW);
    ck_assert_int_eq(put("k", "a", 10), 20);
    ck_assert_int_eq(put("k", "c", 30), KS_VALID_NOW);
    ck_assert_int_eq(put("k", "b2", 20), 30);
    ck_assert_str_eq(as_of("k", 9), "-");
    ck_assert_str_eq(as_of("k", 10), "a@10");
    ck_assert_str_eq(as_of("k", 29), "b2@20");
    ck_assert_str_eq(as_of("k", 30), "c@30");
}
END_TEST

START_TEST(a_deletion_is_a_version)
{
    put("k", "a", 10);
    ck_assert_int_eq(put("k", NULL, 20), KS_VALID_NOW);
    ck_assert_str_eq(as_of("k", 15), "a@10");
    ck_assert_str_eq(as_of("k", 25), "-");
    ck_assert_int_eq(put("k", "late", 15), 20);
    ck_assert_str_eq(as_of("k", 19), "late@15");
    ck_assert_int_eq(put("k", "b", 30), KS_VALID_NOW);
    ck_assert_str_eq(as_of("k", 29), "-");
}
END_TEST

START_TEST(what_is_too_old_is_refused_and_forgotten_but_for_the_latest) /* VS2 */
{
    put("old", "x", 0);
    put("k", "a", 0);
    put("k", "b", 10);
    put("k", "c", 100);
    ck_assert_int_eq(put("k", "late", 49), KS_NOT_PUT);
    ck_assert_int_eq(put("k", "edge", 50), 100);
    ck_assert_str_eq(as_of("k", 9), "-");
    ck_assert_str_eq(as_of("k", 49), "-");
    ck_assert_str_eq(as_of("k", 99), "edge@50");
    ck_assert_str_eq(as_of("old", 0), "x@0");
}
END_TEST

START_TEST(keys_that_begin_alike_do_not_mix)
{
    put("a", "1", 10);
    put("a", "2", 20);
    put("ab", "3", 5);
    put("", "4", 7);
    ck_assert_str_eq(as_of("a", 15), "1@10");
    ck_assert_str_eq(as_of("ab", 15), "3@5");
    ck_assert_str_eq(as_of("", 15), "4@7");
}
END_TEST

/* ---- against a list ---- */

static struct {
    int     key;
    int64_t time_ms;
    int     value; /* 0 = a deletion */
} list[PUTS];
static size_t  listed;
static int64_t time_of_list;

static int64_t model_put(int key, int value, int64_t time_ms)
{
    int64_t end = KS_VALID_NOW;
    size_t  at  = listed;

    if (listed > 0 && time_ms < time_of_list - HISTORY_MS)
        return KS_NOT_PUT;
    if (listed == 0 || time_ms > time_of_list)
        time_of_list = time_ms;
    for (size_t i = 0; i < listed; i++) {
        if (list[i].key == key && list[i].time_ms == time_ms)
            at = i;
        if (list[i].key == key && list[i].time_ms > time_ms && list[i].time_ms < end)
            end = list[i].time_ms;
    }
    list[at].key     = key;
    list[at].time_ms = time_ms;
    list[at].value   = value;
    listed          += at == listed;
    return end;
}

static const char *model_as_of(int key, int64_t as_of_ms)
{
    static char text[64];
    int64_t     best = -1, latest = -1;
    int         value = 0;

    for (size_t i = 0; i < listed; i++) {
        if (list[i].key == key && list[i].time_ms > latest)
            latest = list[i].time_ms;
        if (list[i].key == key && list[i].time_ms <= as_of_ms && list[i].time_ms > best) {
            best  = list[i].time_ms;
            value = list[i].value;
        }
    }
    if (value == 0 || (as_of_ms < time_of_list - HISTORY_MS && best != latest))
        return "-";
    snprintf(text, sizeof(text), "%d@%lld", value, (long long)best);
    return text;
}

static void compare_all(void)
{
    for (int key = 0; key < KEYS; key++)
        for (int64_t t = 0; t <= time_of_list + 2; t++) {
            char name[2] = { (char)('a' + key), '\0' };
            char want[64];

            snprintf(want, sizeof(want), "%s", model_as_of(key, t));
            ck_assert_msg(strcmp(as_of(name, t), want) == 0, "%s as of %lld: %s, not %s", name,
                          (long long)t, as_of(name, t), want);
        }
    fixture_end_record();
}

START_TEST(random_histories_equal_a_list_over_commits_and_restarts)
{
    unsigned seed = (unsigned)_i + 1;

    listed = 0;
    for (int i = 0; i < PUTS; i++) {
        const int     key     = rand_r(&seed) % KEYS;
        const int     value   = rand_r(&seed) % 5;
        const int64_t time_ms = i / 2 + rand_r(&seed) % 80;
        char          name[2] = { (char)('a' + key), '\0' }, text[2] = { (char)('0' + value), 0 };
        const int64_t end     = model_put(key, value, time_ms);

        ck_assert_int_eq(put(name, value != 0 ? text : NULL, time_ms), end);
        if (i % 37 == 0)
            fixture_commit();
        if (i % 97 == 0)
            restart();
        if (i % 50 == 49)
            compare_all();
    }
    compare_all();
}
END_TEST

START_TEST(what_was_aborted_was_not_put)
{
    put("k", "a", 10);
    fixture_commit();
    put("k", "b", 500);
    ks__state_drop(fixture_state);
    ck_assert_str_eq(as_of("k", 600), "a@10");
    ck_assert_int_eq(put("k", "c", 5), 10);
}
END_TEST

START_TEST(a_changelog_restores_the_history) /* VS3 */
{
    const struct ks__state_change changes[] = {
        { KS_TEXT("k"), { .value = KS_TEXT("b"), .timestamp_ms = 20 } },
        { KS_TEXT("k"), { .value = KS_TEXT("a"), .timestamp_ms = 10 } },
        { KS_TEXT("k"), { .value = KS_NULL, .timestamp_ms = 30 } },
    };
    ks_error error = { .status = KS_OK };

    ck_assert_int_eq(ks__state_restore(fixture_state, store, changes, 3, "changelog/x", 3,
                                       &error),
                     KS_OK);
    restart();
    ck_assert_int_eq(ks__state_number(fixture_state, "changelog/x", -1), 3);
    ck_assert_str_eq(as_of("k", 12), "a@10");
    ck_assert_str_eq(as_of("k", 22), "b@20");
    ck_assert_str_eq(as_of("k", 32), "-");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_put_goes_to_its_place_in_time,
        a_deletion_is_a_version,
        what_is_too_old_is_refused_and_forgotten_but_for_the_latest,
        keys_that_begin_alike_do_not_mix,
        what_was_aborted_was_not_put,
        a_changelog_restores_the_history,
    };
    Suite   *suite = suite_create("versioned");
    TCase   *tcase = tcase_create("versioned");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, fixture_tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, random_histories_equal_a_list_over_commits_and_restarts, 0, 8);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
