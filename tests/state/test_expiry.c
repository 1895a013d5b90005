/* SPDX-License-Identifier: Apache-2.0
 *
 * test_expiry.c - rows with a ttl: hidden at once, deleted in steps, in memory, on disk, restored.
 */
#include "fixture.h"

#include "base/error.h"
#include "state/snapshot.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL 100

static int64_t  stream_ms;
static ks_error error;

static int64_t stream_time(void *user)
{
    (void)user;
    return stream_ms;
}

static void set_up(void)
{
    stream_ms              = -1;
    fixture_host.stream_ms = stream_time;
    fixture_set_up();
    fixture_close();
    fixture_spec.ttl_ms = TTL;
    fixture_spec.name   = "mortal";
    fixture_open();
}

static void put_at(const char *key, const char *value, int64_t at_ms)
{
    fixture_now_ms = at_ms;
    if (at_ms > stream_ms)
        stream_ms = at_ms;
    fixture_put(fixture_store, key, value);
    fixture_end_record();
}

/* All steps that are due; gives how many. */
static int expire_all(void)
{
    int steps = 0;

    while (ks__state_expire_one(fixture_state, stream_ms)) {
        fixture_end_record();
        steps++;
    }
    fixture_end_record();
    ck_assert_int_eq(ks_error_status(&fixture_error), KS_OK);
    return steps;
}

static void restart(bool kill)
{
    fixture_commit();
    if (kill)
        fixture_abandon();
    else
        fixture_close();
    fixture_open();
}

/* Something is due from this stream time on; INT64_MAX = nothing ever. */
static void expect_due(int64_t due_ms)
{
    ck_assert(!ks__state_expires(fixture_state, due_ms - 1));
    ck_assert_int_eq(ks__state_expires(fixture_state, due_ms), due_ms != INT64_MAX);
}

/* ---- tests ---- */

START_TEST(a_dead_row_is_hidden_before_it_is_deleted)
{
    put_at("a", "1", 10);
    put_at("b", "2", 50);
    if (_i == 1)
        fixture_commit();
    stream_ms = 110;
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1 b=2");
    stream_ms = 111;
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "-");
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "b=2");
    ck_assert_str_eq(fixture_all(fixture_store, KS_DESCENDING), "b=2");
    ck_assert_uint_eq(ks__kv_count(fixture_store), 2);
    ck_assert_int_eq(expire_all(), 1);
    ck_assert_uint_eq(ks__kv_count(fixture_store), 1);
}
END_TEST

START_TEST(snapshots_hide_what_was_dead_at_the_commit)
{
    struct ks__snapshot *committed, *fresh;

    put_at("a", "1", 10);
    put_at("b", "2", 50);
    stream_ms = 111;
    fixture_commit();
    stream_ms = 151;
    ck_assert_int_eq(ks__snapshot_of_env(&committed, ks__state_env(fixture_state), "mortal",
                                         &error), KS_OK);
    ck_assert_int_eq(ks__snapshot_of_store(&fresh, fixture_store, &error), KS_OK);
    ck_assert_str_eq(fixture_rows(ks__snapshot_range(committed, KS_NULL, KS_NULL, KS_ASCENDING)),
                     "b=2");
    ck_assert_str_eq(fixture_rows(ks__snapshot_range(fresh, KS_NULL, KS_NULL, KS_ASCENDING)), "");
    ks__snapshot_free(committed);
    ks__snapshot_free(fresh);
}
END_TEST

START_TEST(deletions_go_to_the_changelog_with_the_time_of_death)
{
    put_at("a", "1", 10);
    fixture_expect("log a=1@10");
    stream_ms = 500;
    ck_assert_int_eq(expire_all(), 1);
    fixture_expect("log a=-@110");
    fixture_expect(NULL);
}
END_TEST

START_TEST(an_update_costs_no_entry_of_its_own)
{
    for (int i = 0; i < 50; i++)
        put_at("a", "1", i);
    expect_due(TTL + 1);
    stream_ms = TTL + 1;
    ck_assert_int_eq(expire_all(), 1); /* the entry moves to the row's time */
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
    expect_due(49 + TTL + 1);
    stream_ms = 49 + TTL + 1;
    ck_assert_int_eq(expire_all(), 1);
    ck_assert_uint_eq(ks__kv_count(fixture_store), 0);
    expect_due(INT64_MAX);
}
END_TEST

START_TEST(an_abort_brings_back_rows_and_times)
{
    put_at("a", "1", 10);
    fixture_commit();
    stream_ms = 111;
    ck_assert_int_eq(expire_all(), 1);
    expect_due(INT64_MAX);
    ks__state_drop(fixture_state);
    stream_ms = 10;
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
    expect_due(111);
    stream_ms = 111;
    ck_assert_int_eq(expire_all(), 1);
    ck_assert_uint_eq(ks__kv_count(fixture_store), 0);
}
END_TEST

START_TEST(what_was_not_deleted_before_the_end_is_deleted_after_it)
{
    char key[16];

    for (int i = 0; i < 30; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put_at(key, "v", i);
    }
    stream_ms = 300;
    for (int i = 0; i < 12; i++) {
        ck_assert(ks__state_expire_one(fixture_state, stream_ms));
        fixture_end_record();
    }
    restart(_i == 1);
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "");
    ck_assert_uint_eq(ks__kv_count(fixture_store), 18);
    for (int i = 0; i < 18; i++) {
        ck_assert(ks__state_expire_one(fixture_state, stream_ms));
        fixture_end_record();
    }
    ck_assert_int_eq(expire_all(), 0);
    ck_assert_uint_eq(ks__kv_count(fixture_store), 0);
}
END_TEST

START_TEST(restored_rows_die_at_their_own_times)
{
    const struct ks__state_change changes[] = {
        { KS_TEXT("a"), { KS_TEXT("1"), 10, NULL } }, { KS_TEXT("b"), { KS_TEXT("2"), 20, NULL } },
        { KS_TEXT("a"), { KS_TEXT("3"), 30, NULL } }, { KS_TEXT("c"), { KS_TEXT("4"), 40, NULL } },
        { KS_TEXT("c"), { KS_NULL, 41, NULL } },
    };

    ck_assert_int_eq(ks__state_restore(fixture_state, fixture_store, changes, 5, "p", 5, &error),
                     KS_OK);
    stream_ms = 120;
    expire_all();
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=3 b=2");
    stream_ms = 121;
    expire_all();
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=3");
    stream_ms = 131;
    expire_all();
    ck_assert_uint_eq(ks__kv_count(fixture_store), 0);
    stream_ms = 1000;
    expire_all();
    fixture_expect("log b=-@120");
    fixture_expect("log a=-@130");
    fixture_expect(NULL);
}
END_TEST

START_TEST(a_store_that_is_emptied_has_no_times_left)
{
    put_at("a", "1", 10);
    fixture_commit();
    fixture_close();
    fixture_open();
    ck_assert_int_eq(ks__state_wipe(fixture_state, fixture_store, NULL, &error), KS_OK);
    stream_ms = 1000;
    ck_assert_int_eq(expire_all(), 0);
    expect_due(INT64_MAX);
}
END_TEST

/* The last times there are: a row at most as old as the ttl lives, and nothing is due for ever. */
START_TEST(at_the_end_of_time_rows_die_by_their_age_too)
{
    stream_ms = INT64_MAX;
    expect_due(INT64_MAX);
    ck_assert_int_eq(expire_all(), 0);
    put_at("last", "1", INT64_MAX);
    put_at("young", "2", INT64_MAX - TTL);
    ck_assert_int_eq(expire_all(), 0);
    put_at("old", "3", INT64_MAX - TTL - 1);
    ck_assert_int_eq(expire_all(), 1);
    ck_assert_uint_eq(ks__kv_count(fixture_store), 2);
    restart(_i == 1);
    ck_assert_int_eq(expire_all(), 0);
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "last=1 young=2");
}
END_TEST

/* Puts at any time, deletions, commits, aborts, restarts: after all steps that are due exactly the
 * rows of the model are there. */
START_TEST(after_the_steps_that_are_due_no_dead_row_and_every_living_one_is_there)
{
    enum { KEYS = 30 };
    int64_t  times[KEYS], sealed[KEYS], sealed_stream = -1;
    unsigned seed = 3;

    for (int k = 0; k < KEYS; k++)
        times[k] = sealed[k] = -1;
    for (int n = 0; n < 6000; n++) {
        const int  k = rand_r(&seed) % KEYS, what = rand_r(&seed) % 100;
        char       key[8];
        uint64_t   living = 0;

        fixture_line_count = 0;
        snprintf(key, sizeof(key), "k%d", k);
        if (what < 90) {
            const int64_t at = n / 2 - rand_r(&seed) % (what < 20 ? 400 : 60);

            put_at(key, what < 80 ? "v" : NULL, at < 0 ? 0 : at);
            times[k] = what < 80 ? (at < 0 ? 0 : at) : -1;
        } else if (what < 95) {
            fixture_commit();
            memcpy(sealed, times, sizeof(times));
            sealed_stream = stream_ms;
        } else if (what < 98) {
            fixture_end_record();
            ks__state_drop(fixture_state);
            memcpy(times, sealed, sizeof(times));
            stream_ms = sealed_stream;
        } else {
            restart(what == 99);
            memcpy(sealed, times, sizeof(times));
            sealed_stream = stream_ms;
        }
        for (int i = 0; i < KEYS; i++)
            living += times[i] >= 0 && times[i] + TTL >= stream_ms;
        if (rand_r(&seed) % 3 == 0) {
            fixture_line_count = 0;
            expire_all();
            ck_assert_uint_eq(ks__kv_count(fixture_store), living);
        }
        snprintf(key, sizeof(key), "k%d", k);
        ck_assert_str_eq(fixture_get(fixture_store, key),
                         times[k] >= 0 && times[k] + TTL >= stream_ms ? "v" : "-");
        fixture_end_record();
    }
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("expiry");
    TCase   *cases  = tcase_create("expiry");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, set_up, fixture_tear_down);
    tcase_add_loop_test(cases, a_dead_row_is_hidden_before_it_is_deleted, 0, 2);
    tcase_add_test(cases, snapshots_hide_what_was_dead_at_the_commit);
    tcase_add_test(cases, deletions_go_to_the_changelog_with_the_time_of_death);
    tcase_add_test(cases, an_update_costs_no_entry_of_its_own);
    tcase_add_test(cases, an_abort_brings_back_rows_and_times);
    tcase_add_loop_test(cases, what_was_not_deleted_before_the_end_is_deleted_after_it, 0, 2);
    tcase_add_test(cases, restored_rows_die_at_their_own_times);
    tcase_add_test(cases, a_store_that_is_emptied_has_no_times_left);
    tcase_add_loop_test(cases, at_the_end_of_time_rows_die_by_their_age_too, 0, 2);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, after_the_steps_that_are_due_no_dead_row_and_every_living_one_is_there);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
