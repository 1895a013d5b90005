/* SPDX-License-Identifier: Apache-2.0
 *
 * test_state.c - open and close, commits, numbers, and who else may have the directory.
 */
#include "fixture.h"

#include "base/alloc.h"
#include "base/error.h"
#include "lmdb/env.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static ks_error error;

static const struct ks__state_options options = { .directory = fixture_directory,
                                                  .host      = &fixture_host,
                                                  .map_bytes = 1 << 28 };

static void set_up(void)
{
    fixture_set_up();
    ks__error_clear(&error);
}

static void seal(void)
{
    fixture_end_record();
    ck_assert_int_eq(ks__state_seal(fixture_state, &error), KS_OK);
}

START_TEST(a_state_is_new_once)
{
    ck_assert(ks__state_is_new(fixture_state));
    fixture_close();
    fixture_open();
    ck_assert(!ks__state_is_new(fixture_state));
    fixture_abandon();
    fixture_open();
    ck_assert(!ks__state_is_new(fixture_state));
}
END_TEST

static bool other_boot(char *out, size_t size, void *user)
{
    (void)user;
    snprintf(out, size, "another-boot");
    return true;
}

START_TEST(after_a_crash_of_the_machine_the_state_is_new_again)
{
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    fixture_abandon();
    ks__env_set_boot_id(other_boot, NULL);
    fixture_open();
    ks__env_set_boot_id(NULL, NULL);
    ck_assert(ks__state_is_new(fixture_state));
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "-");
}
END_TEST

START_TEST(another_topology_finds_no_state)
{
    struct ks__state_options other = options;

    fixture_close();
    other.topology_hash = "topology-1";
    ck_assert_int_eq(ks__state_open(&fixture_state, &other, &error), KS_OK);
    ck_assert_int_eq(ks__state_close(fixture_state, &error), KS_OK);
    other.topology_hash = "topology-2";
    ck_assert_int_eq(ks__state_open(&fixture_state, &other, &error), KS_OK);
    ck_assert(ks__state_is_new(fixture_state));
}
END_TEST

START_TEST(what_is_written_survives_a_kill_and_nothing_else_does)
{
    fixture_put(fixture_store, "a", "1");
    ks__state_set_number(fixture_state, "input/t/0", 1);
    fixture_commit();
    fixture_put(fixture_store, "a", "2");
    ks__state_set_number(fixture_state, "input/t/0", 2);
    seal();
    fixture_abandon();
    fixture_open();
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");      /* T1, T2 */
    ck_assert_int_eq(ks__state_number(fixture_state, "input/t/0", -1), 1);
}
END_TEST

START_TEST(a_clean_close_writes_what_is_sealed_and_drops_the_rest)
{
    fixture_put(fixture_store, "a", "1");
    seal();
    fixture_put(fixture_store, "a", "2");
    fixture_put(fixture_store, "b", "2");
    fixture_close();
    fixture_open();
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1");
}
END_TEST

START_TEST(drop_goes_back_to_the_last_seal)
{
    fixture_put(fixture_store, "a", "1");
    ks__state_set_number(fixture_state, "clock", 1);
    seal();
    fixture_put(fixture_store, "b", "1");
    ks__state_set_number(fixture_state, "clock", 2);
    seal();
    fixture_put(fixture_store, "a", "2");
    ks_kv_store_delete(fixture_store, KS_TEXT("b"));
    ks__state_set_number(fixture_state, "clock", 3);
    ks__state_drop(fixture_state);                              /* T3 */
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1 b=1");
    ck_assert_int_eq(ks__state_number(fixture_state, "clock", -1), 2);
    ck_assert_uint_eq(ks__state_open_bytes(fixture_state), 0);
}
END_TEST

START_TEST(layers_tell_their_bytes)
{
    ck_assert_uint_eq(ks__state_open_bytes(fixture_state), 0);
    fixture_put(fixture_store, "a", "1");
    ck_assert_uint_gt(ks__state_open_bytes(fixture_state), 2);
    ck_assert_uint_eq(ks__state_sealed_bytes(fixture_state), 0);
    seal();
    ck_assert_uint_eq(ks__state_open_bytes(fixture_state), 0);
    ck_assert_uint_gt(ks__state_sealed_bytes(fixture_state), 2);
    ck_assert_int_eq(ks__state_write(fixture_state, &error), KS_OK);
    ck_assert_uint_eq(ks__state_sealed_bytes(fixture_state), 0);
}
END_TEST

START_TEST(overwriting_one_key_does_not_grow_the_layer)
{
    size_t bytes;

    fixture_put(fixture_store, "a", "1");
    fixture_end_record();
    bytes = ks__state_open_bytes(fixture_state);
    for (int i = 0; i < 1000; i++) {
        fixture_put(fixture_store, "a", "2");
        fixture_end_record();
        fixture_line_count = 0;
    }
    ck_assert_uint_eq(ks__state_open_bytes(fixture_state), bytes);
}
END_TEST

START_TEST(sealing_one_key_again_and_again_does_not_grow_the_layer)
{
    size_t bytes = 0;

    fixture_spec.changelog = false;
    for (int i = 0; i < 100; i++) {
        fixture_put(fixture_store, "a", "2");
        ks__state_set_number(fixture_state, "clock", i);
        seal();
        ck_assert(i == 0 || ks__state_sealed_bytes(fixture_state) == bytes);
        bytes = ks__state_sealed_bytes(fixture_state);
    }
}
END_TEST

static void put_many(const char *value)
{
    char key[16];

    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        fixture_put(fixture_store, key, value);
    }
    fixture_end_record();
}

/* The log has committed, so nothing may be lost (P5). */
START_TEST(a_seal_needs_no_memory)
{
    struct ks__alloc_probe probe = { .fail_at = 1, .fail_all_after = true };

    fixture_spec.changelog = false;
    fixture_put(fixture_store, "first", "1");
    seal();
    put_many("new");
    ks__alloc_probe_install(&probe);
    ck_assert_int_eq(ks__state_seal(fixture_state, &error), KS_OK);
    ks__allocator_set(NULL);
    ks__state_drop(fixture_state);
    ck_assert_str_eq(fixture_get(fixture_store, "k399"), "new");
    ck_assert_int_eq(ks__state_write(fixture_state, &error), KS_OK);
    fixture_abandon();
    fixture_open();
    ck_assert_uint_eq(ks_kv_store_count(fixture_store), 401);
}
END_TEST

START_TEST(rows_that_were_written_stay_until_they_take_too_much)
{
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    ks__state_trim(fixture_state, 1u << 20);
    fixture_put(fixture_store, "b", "1");
    ks__state_trim(fixture_state, 0);   /* in use */
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1 b=1");
    fixture_commit();
    ks__state_trim(fixture_state, 0);
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1 b=1");
    ck_assert_uint_eq(ks_kv_store_count(fixture_store), 2);
}
END_TEST

START_TEST(a_drop_over_a_written_row_goes_back_to_it)
{
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    fixture_put(fixture_store, "a", "2");
    fixture_end_record();
    ks__state_drop(fixture_state);      /* T3 */
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1");
}
END_TEST

START_TEST(a_write_under_open_rows_takes_the_committed_ones)
{
    fixture_put(fixture_store, "a", "1");
    seal();
    fixture_put(fixture_store, "a", "2");
    fixture_end_record();
    ck_assert_int_eq(ks__state_write(fixture_state, &error), KS_OK);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "2");
    ks__state_drop(fixture_state);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
}
END_TEST

START_TEST(a_number_unknown_gives_the_other_one)
{
    ck_assert_int_eq(ks__state_number(fixture_state, "x", -7), -7);
    ks__state_set_number(fixture_state, "x", INT64_MIN);
    ck_assert_int_eq(ks__state_number(fixture_state, "x", -7), INT64_MIN);
    ks__state_set_number(fixture_state, "x", 3);
    fixture_commit();
    ck_assert_int_eq(ks__state_number(fixture_state, "x", -7), 3);
    fixture_expect(NULL);                       /* numbers have no changelog */
}
END_TEST

START_TEST(a_store_is_opened_once_and_found_by_name)
{
    struct ks_kv_store *again;

    ck_assert_ptr_eq(ks__state_find(fixture_state, "plain"), fixture_store);
    ck_assert_ptr_null(ks__state_find(fixture_state, "other"));
    ck_assert_int_eq(ks__state_kv(fixture_state, &fixture_spec, &again, &error), KS_EEXISTS);
    ck_assert_ptr_null(again);
    ck_assert_ptr_eq(ks__kv_spec(fixture_store), &fixture_spec);
}
END_TEST

START_TEST(a_second_state_of_the_process_is_told_busy)
{
    struct ks__state *second;

    ck_assert_int_eq(ks__state_open(&second, &options, &error), KS_EBUSY);    /* T4 */
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(error.message, fixture_directory));
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
}
END_TEST

START_TEST(another_process_is_told_busy)
{
    int   status, ready[2], done[2];
    char  byte;
    pid_t child;

    fixture_close();
    ck_assert_int_eq(pipe(ready) | pipe(done), 0);
    child = fork();
    if (child == 0) {
        fixture_open();
        byte = 'r';
        if (write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1)
            _exit(1);
        _exit(0);               /* killed, as far as the state is concerned */
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(ks__state_open(&fixture_state, &options, &error), KS_EBUSY);
    ck_assert_ptr_nonnull(strstr(error.message, "another process"));
    ck_assert_int_eq(write(done[1], "d", 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    for (int i = 0; i < 2; i++)
        close(ready[i]), close(done[i]);
    fixture_open();
    ck_assert(!ks__state_is_new(fixture_state));
}
END_TEST

/* A map too small stands for a full disk. */
START_TEST(when_the_disk_is_full_the_layer_is_kept_and_can_be_written_later)
{
    struct ks__state_options small = options;
    static char              filler[60000];
    char                     key[16];

    fixture_close();
    small.map_bytes = 1 << 20;
    ck_assert_int_eq(ks__state_open(&fixture_state, &small, &error), KS_OK);
    ck_assert_int_eq(ks__state_kv(fixture_state, &fixture_spec, &fixture_store, &error), KS_OK);
    fixture_spec.changelog = false;
    fixture_put(fixture_store, "a", "1");
    fixture_commit();
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        ks_kv_store_put(fixture_store, ks_bytes_text(key), (ks_bytes){ filler, sizeof(filler) });
    }
    seal();
    ck_assert_int_eq(ks__state_write(fixture_state, &error), KS_EFULL);
    ck_assert_uint_eq(ks_kv_store_count(fixture_store), 41);
    ck_assert_str_eq(fixture_get(fixture_store, "a"), "1");
    for (int i = 0; i < 40; i++) {              /* the rows go: now there is room */
        snprintf(key, sizeof(key), "k%d", i);
        ks_kv_store_delete(fixture_store, ks_bytes_text(key));
    }
    ks__error_clear(&error);
    seal();
    ck_assert_int_eq(ks__state_write(fixture_state, &error), KS_OK);
    ck_assert_str_eq(fixture_all(fixture_store, KS_ASCENDING), "a=1");
}
END_TEST

START_TEST(many_stores_fit_into_one_task)
{
    static struct ks__store_spec specs[100];
    static char                  names[100][24];
    struct ks_kv_store          *store;

    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "store-%d", i);
        specs[i] = (struct ks__store_spec){ .name = names[i], .kind = KS__STORE_KV };
        ck_assert_int_eq(ks__state_kv(fixture_state, &specs[i], &store, &error), KS_OK);
        fixture_put(store, "a", names[i]);
    }
    fixture_commit();
    for (int i = 0; i < 100; i++)
        ck_assert_str_eq(fixture_get(ks__state_find(fixture_state, names[i]), "a"), names[i]);
}
END_TEST

/* Address space that is in use, in bytes. */
static rlim_t mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE         *file  = fopen("/proc/self/statm", "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

START_TEST(without_address_space_the_error_names_the_property_that_asks_for_it)
{
    struct ks__state_options other = options;
    struct rlimit            limit, old;
    struct ks__state        *state;
    ks_status                status;
    char                     path[128];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return;                                     /* their shadow needs all the address space */
#endif
    snprintf(path, sizeof(path), "%s/large", fixture_directory);
    other.directory = path;
    other.map_bytes = UINT64_C(1) << 36;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &old), 0);
    limit = (struct rlimit){ mapped_bytes() + (32u << 20), old.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    status = ks__state_open(&state, &other, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &old), 0);
    ck_assert_int_ne(status, KS_OK);
    ck_assert_msg(strstr(error.message, "state.map.bytes (65536 MiB") != NULL, "%s",
                  error.message);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/state");
    TCase   *tcase = tcase_create("state/state");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, fixture_tear_down);
    tcase_add_test(tcase, a_state_is_new_once);
    tcase_add_test(tcase, after_a_crash_of_the_machine_the_state_is_new_again);
    tcase_add_test(tcase, another_topology_finds_no_state);
    tcase_add_test(tcase, what_is_written_survives_a_kill_and_nothing_else_does);
    tcase_add_test(tcase, a_clean_close_writes_what_is_sealed_and_drops_the_rest);
    tcase_add_test(tcase, drop_goes_back_to_the_last_seal);
    tcase_add_test(tcase, layers_tell_their_bytes);
    tcase_add_test(tcase, overwriting_one_key_does_not_grow_the_layer);
    tcase_add_test(tcase, sealing_one_key_again_and_again_does_not_grow_the_layer);
    tcase_add_test(tcase, a_seal_needs_no_memory);
    tcase_add_test(tcase, rows_that_were_written_stay_until_they_take_too_much);
    tcase_add_test(tcase, a_drop_over_a_written_row_goes_back_to_it);
    tcase_add_test(tcase, a_write_under_open_rows_takes_the_committed_ones);
    tcase_add_test(tcase, a_number_unknown_gives_the_other_one);
    tcase_add_test(tcase, a_store_is_opened_once_and_found_by_name);
    tcase_add_test(tcase, a_second_state_of_the_process_is_told_busy);
    tcase_add_test(tcase, without_address_space_the_error_names_the_property_that_asks_for_it);
    tcase_add_test(tcase, another_process_is_told_busy);
    tcase_add_test(tcase, when_the_disk_is_full_the_layer_is_kept_and_can_be_written_later);
    tcase_add_test(tcase, many_stores_fit_into_one_task);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
