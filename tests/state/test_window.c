/* SPDX-License-Identifier: Apache-2.0
 *
 * test_window.c - window and session stores: order, retention, duplicates, index, sweep, restore.
 */
#include "fixture.h"

#include "base/error.h"
#include "state/timed_key.h"
#include "state/window_store.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct ks__store_spec window_spec  = { .name = "w", .kind = KS__STORE_WINDOW,
                                                    .retention_ms = 100, .window_ms = 10 };
static const struct ks__store_spec long_spec    = { .name = "l", .kind = KS__STORE_WINDOW,
                                                    .changelog = true, .retention_ms = 720000,
                                                    .window_ms = 10 };
static const struct ks__store_spec joined_spec  = { .name = "j", .kind = KS__STORE_WINDOW,
                                                    .retention_ms = 100, .window_ms = 1,
                                                    .duplicates = true };
static const struct ks__store_spec session_spec = { .name = "s", .kind = KS__STORE_SESSION,
                                                    .retention_ms = 100 };
static const struct ks__store_spec final_spec   = { .name = "f", .kind = KS__STORE_WINDOW,
                                                    .retention_ms = 100, .window_ms = 10,
                                                    .by_time = true, .holders = 1 };
static struct ks_kv_store *windows, *long_ones, *joined, *sessions, *finals;

static void open_stores(void)
{
    ck_assert_int_eq(ks__state_kv(fixture_state, &window_spec, &windows, NULL), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &long_spec, &long_ones, NULL), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &joined_spec, &joined, NULL), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &session_spec, &sessions, NULL), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &final_spec, &finals, NULL), KS_OK);
}

static void set_up(void)
{
    fixture_set_up();
    open_stores();
}

static void reopen(void)
{
    fixture_close();
    fixture_open();
    open_stores();
}

static void put(struct ks_kv_store *store, const char *key, int64_t start_ms, const char *value)
{
    ks__window_put(store, ks_bytes_text(key), start_ms,
                   &(struct ks__row){ .value = ks_bytes_text(value), .timestamp_ms = start_ms });
}

static void put_session(const char *key, int64_t start_ms, int64_t end_ms, const char *value)
{
    ks__session_put(sessions, ks_bytes_text(key), (ks_window){ start_ms, end_ms },
                    &(struct ks__row){ .value = ks_bytes_text(value), .timestamp_ms = end_ms });
}

/* "a@0-10=x b@..." */
static const char *rows(ks_iter *it)
{
    static char text[1024];
    size_t      at = 0;

    text[0] = '\0';
    for (ks_record row; ks_iter_next(it, &row);)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s@%lld-%lld=%.*s",
                               at > 0 ? " " : "", KS_BYTES_ARG(row.key),
                               (long long)row.window->start_ms, (long long)row.window->end_ms,
                               KS_BYTES_ARG(row.value));
    ck_assert_int_eq(fixture_error.status, KS_OK);
    return text;
}

static const char *fetch(struct ks_kv_store *store, const char *key, int64_t from, int64_t to)
{
    return rows(ks__window_fetch(store, ks_bytes_text(key), from, to, KS_ASCENDING));
}

static const char *all(struct ks_kv_store *store)
{
    return rows(ks__window_all(store, KS_NULL, KS_NULL, 0, INT64_MAX, KS_ASCENDING));
}

START_TEST(a_fetch_sees_one_key_in_the_order_of_time)
{
    put(windows, "a", 20, "2");
    put(windows, "a", 0, "0");
    put(windows, "b", 10, "b");
    put(windows, "a", 10, "1");
    put(windows, "aa", 10, "x");
    ck_assert_str_eq(fetch(windows, "a", 0, 100), "a@0-10=0 a@10-20=1 a@20-30=2");
    ck_assert_str_eq(fetch(windows, "a", 5, 15), "a@10-20=1");
    ck_assert_str_eq(rows(ks__window_fetch(windows, KS_TEXT("a"), 0, 10, KS_DESCENDING)),
                     "a@10-20=1 a@0-10=0");
    ck_assert_str_eq(all(windows), "a@0-10=0 a@10-20=1 a@20-30=2 aa@10-20=x b@10-20=b");
}
END_TEST

START_TEST(the_layers_and_segments_are_read_as_one)
{
    char expected[512] = "";

    for (int i = 0; i < 12; i++) {
        put(long_ones, "a", 60000 * i, "x");
        if (i % 3 == 0)
            fixture_commit();
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%sa@%d-%d=x",
                 i > 0 ? " " : "", 60000 * i, 60000 * i + 10);
    }
    ck_assert_str_eq(fetch(long_ones, "a", 0, INT64_MAX), expected);
    reopen();
    put(long_ones, "a", 360000, "y");
    ck_assert_str_eq(fetch(long_ones, "a", 300000, 420000),
                     "a@300000-300010=x a@360000-360010=y a@420000-420010=x");
}
END_TEST

START_TEST(a_range_over_the_edge_of_a_segment_is_in_order)
{
    put(windows, "a", 59990, "1");
    put(windows, "b", 59995, "2");
    put(windows, "a", 60000, "3");
    put(windows, "b", 60005, "4");
    fixture_commit();
    ck_assert_str_eq(fetch(windows, "a", 59990, 60000), "a@59990-60000=1 a@60000-60010=3");
    ck_assert_str_eq(all(windows),
                     "a@59990-60000=1 a@60000-60010=3 b@59995-60005=2 b@60005-60015=4");
    ck_assert_str_eq(rows(ks__window_fetch(windows, KS_TEXT("b"), 0, 70000, KS_DESCENDING)),
                     "b@60005-60015=4 b@59995-60005=2");
}
END_TEST

START_TEST(retention_hides_by_the_time_of_the_store)
{
    struct ks__window_slot slot;
    struct ks__row         row;

    put(windows, "a", 0, "0");
    put(windows, "a", 1, "1");
    put(windows, "z", 100, "z");
    ck_assert_str_eq(fetch(windows, "a", 0, 100), "a@1-11=1");
    ck_assert(!ks__window_find(windows, KS_TEXT("a"), 0, &slot, &row));
    ck_assert(ks__window_find(windows, KS_TEXT("a"), 1, &slot, &row));
    fixture_commit();
    reopen();
    ck_assert_str_eq(all(windows), "a@1-11=1 z@100-110=z");
}
END_TEST

START_TEST(an_abort_takes_the_time_back)
{
    put(windows, "a", 1, "1");
    fixture_commit();
    put(windows, "z", 1000, "z");
    ck_assert_str_eq(all(windows), "z@1000-1010=z");
    ks__state_drop(fixture_state);
    ck_assert_str_eq(all(windows), "a@1-11=1");
}
END_TEST

START_TEST(duplicates_are_kept_in_the_order_of_arrival)
{
    put(joined, "a", 5, "1");
    put(joined, "a", 5, "2");
    fixture_commit();
    reopen();
    put(joined, "a", 5, "3");
    put(joined, "a", 4, "0");
    ck_assert_str_eq(fetch(joined, "a", 0, 10), "a@4-5=0 a@5-6=1 a@5-6=2 a@5-6=3");
    ks__window_put(joined, KS_TEXT("a"), 5, &(struct ks__row){ .value = KS_NULL });
    ck_assert_str_eq(fetch(joined, "a", 5, 5), "a@5-6=1 a@5-6=2 a@5-6=3");
}
END_TEST

START_TEST(sessions_are_found_by_end_and_start)
{
    ks_window gone = { 5, 8 };

    put_session("a", 0, 3, "1");
    put_session("a", 5, 8, "2");
    put_session("a", 20, 30, "3");
    put_session("b", 5, 8, "b");
    fixture_commit();
    ck_assert_str_eq(rows(ks__session_fetch(sessions, KS_TEXT("a"), 3, 20, KS_ASCENDING)),
                     "a@0-3=1 a@5-8=2 a@20-30=3");
    ck_assert_str_eq(rows(ks__session_fetch(sessions, KS_TEXT("a"), 4, 19, KS_ASCENDING)),
                     "a@5-8=2");
    ks__session_put(sessions, KS_TEXT("a"), gone, &(struct ks__row){ .value = KS_NULL });
    ck_assert_str_eq(rows(ks__session_fetch(sessions, KS_TEXT("a"), 0, 50, KS_DESCENDING)),
                     "a@20-30=3 a@0-3=1");
    put_session("b", 100, 130, "z");
    ck_assert_str_eq(all(sessions), "b@100-130=z");
}
END_TEST

START_TEST(the_index_gives_time_order_and_waits_for_its_holder)
{
    put(finals, "b", 0, "1");
    put(finals, "a", 10, "2");
    put(finals, "a", 0, "3");
    put(finals, "c", 0, "4");
    ks__window_put(finals, KS_TEXT("c"), 0, &(struct ks__row){ .value = KS_NULL });
    fixture_commit();
    reopen();
    put(finals, "z", 5000000, "z");
    ck_assert_str_eq(rows(ks__window_by_time(finals, 0, 20)),
                     "a@0-10=3 b@0-10=1 a@10-20=2");
    ck_assert_str_eq(fetch(finals, "a", 0, 20), "a@0-10=3 a@10-20=2");
    ks__window_release(finals, 0, 5000000);
    ck_assert_str_eq(rows(ks__window_by_time(finals, 0, 20)), "");
    ck_assert_str_eq(all(finals), "z@5000000-5000010=z");
}
END_TEST

static uint64_t rows_on_disk(void)
{
    ks__state_end_record(fixture_state);
    return ks__kv_count(windows);
}

START_TEST(the_sweep_removes_what_is_dead_and_nothing_else)
{
    char key[16];

    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put(windows, key, i % 100, "x");
    }
    put(windows, "a", 239950, "1"); /* the slot of the dead ones, four segments on: still live */
    put(windows, "b", 240010, "2");
    fixture_commit();
    ck_assert_uint_gt(rows_on_disk(), 900); /* bounded: not all at once */
    put(windows, "b", 240011, "3");
    fixture_commit();
    put(windows, "b", 240012, "3");
    fixture_commit();
    ck_assert_uint_eq(rows_on_disk(), 4);
    ck_assert_str_eq(all(windows), "a@239950-239960=1 b@240010-240020=2 b@240011-240021=3 "
                                   "b@240012-240022=3");
}
END_TEST

START_TEST(a_sealed_time_alone_lets_the_sweep_remove)
{
    put(windows, "a", 1, "1");
    fixture_commit();
    put(windows, "z", 1000000, "z");
    ks__state_drop(fixture_state);
    put(windows, "b", 2, "2");
    fixture_commit();
    ck_assert_str_eq(all(windows), "a@1-11=1 b@2-12=2");
}
END_TEST

START_TEST(the_changelog_has_kafkas_keys)
{
    const struct ks__timed_key window  = { .key = KS_TEXT("k"), .time_ms = 258, .sequence = 3 };
    const struct ks__timed_key session = { .key = KS_TEXT("k"), .time_ms = 258, .start_ms = 7 };
    ks_bytes key = ks__timed_key_make(KS__STORE_WINDOW, &window, &fixture_arena);

    ck_assert_uint_eq(key.size, 13);
    ck_assert_mem_eq(key.data, "k\0\0\0\0\0\0\1\2\0\0\0\3", 13);
    key = ks__timed_key_make(KS__STORE_SESSION, &session, &fixture_arena);
    ck_assert_uint_eq(key.size, 17);
    ck_assert_mem_eq(key.data, "k\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\7", 17);
    put(long_ones, "k", 258, "v");
    ck_assert_uint_eq(fixture_line_count, 1);
    ck_assert_int_eq(memcmp(fixture_lines[0], "log k", 5), 0);
}
END_TEST

START_TEST(a_restore_brings_time_index_and_sequence)
{
    static const uint8_t      first[]  = "a\0\0\0\0\0\0\0\5\0\0\0\0";
    static const uint8_t      second[] = "b\0\0\0\0\0\x4c\x4b\x40\0\0\0\0";
    static const uint8_t      third[]  = "a\0\0\0\0\0\0\0\5\0\0\0\7";
    struct ks__state_change   changes[] = {
        { ks_bytes_of(first, 13), { .value = KS_TEXT("1"), .timestamp_ms = 5 } },
        { ks_bytes_of(second, 13), { .value = KS_TEXT("2"), .timestamp_ms = 5000000 } },
    };
    struct ks__state_change duplicate = { ks_bytes_of(third, 13), { .value = KS_TEXT("7") } };

    ck_assert_int_eq(ks__state_restore(fixture_state, finals, changes, 2, "p", 2, NULL), KS_OK);
    ck_assert_str_eq(rows(ks__window_by_time(finals, 0, INT64_MAX)),
                     "a@5-15=1 b@5000000-5000010=2");
    ks__window_release(finals, 0, 5000000);
    ck_assert_str_eq(all(finals), "b@5000000-5000010=2");
    ck_assert_int_eq(ks__state_restore(fixture_state, joined, &duplicate, 1, "q", 1, NULL), KS_OK);
    put(joined, "a", 5, "8");
    ck_assert_str_eq(fetch(joined, "a", 0, 10), "a@5-6=7 a@5-6=8");
    ks__state_drop(fixture_state);
    ck_assert_int_eq(ks__state_wipe(fixture_state, finals, "p", NULL), KS_OK);
    ck_assert_str_eq(rows(ks__window_by_time(finals, 0, INT64_MAX)), "");
    put(finals, "a", 1, "1");
    ck_assert_str_eq(all(finals), "a@1-11=1");
}
END_TEST

START_TEST(keys_of_any_length_do)
{
    char long_key[700];

    memset(long_key, 'k', sizeof(long_key) - 1);
    long_key[sizeof(long_key) - 1] = '\0';
    put(windows, long_key, 10, "2");
    put(windows, long_key, 0, "1");
    put(windows, "k", 5, "k");
    fixture_commit();
    reopen();
    ks_iter *it = ks__window_fetch(windows, ks_bytes_text(long_key), 0, 100, KS_ASCENDING);
    ks_record row;
    ck_assert(ks_iter_next(it, &row));
    ck_assert_int_eq(row.window->start_ms, 0);
    ck_assert_uint_eq(row.key.size, sizeof(long_key) - 1);
    ck_assert(ks_iter_next(it, &row));
    ck_assert_int_eq(row.window->start_ms, 10);
    ck_assert(!ks_iter_next(it, &row));
    ck_assert_str_eq(fetch(windows, "k", 0, 100), "k@5-15=k");
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("window stores");
    TCase   *tcase = tcase_create("rows");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, fixture_tear_down);
    tcase_add_test(tcase, a_fetch_sees_one_key_in_the_order_of_time);
    tcase_add_test(tcase, the_layers_and_segments_are_read_as_one);
    tcase_add_test(tcase, a_range_over_the_edge_of_a_segment_is_in_order);
    tcase_add_test(tcase, retention_hides_by_the_time_of_the_store);
    tcase_add_test(tcase, an_abort_takes_the_time_back);
    tcase_add_test(tcase, duplicates_are_kept_in_the_order_of_arrival);
    tcase_add_test(tcase, sessions_are_found_by_end_and_start);
    tcase_add_test(tcase, the_index_gives_time_order_and_waits_for_its_holder);
    tcase_add_test(tcase, the_sweep_removes_what_is_dead_and_nothing_else);
    tcase_add_test(tcase, a_sealed_time_alone_lets_the_sweep_remove);
    tcase_add_test(tcase, the_changelog_has_kafkas_keys);
    tcase_add_test(tcase, a_restore_brings_time_index_and_sequence);
    tcase_add_test(tcase, keys_of_any_length_do);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
