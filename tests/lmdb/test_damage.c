/* SPDX-License-Identifier: Apache-2.0
 *
 * test_damage.c - data files that were cut off, overwritten with zeros, or have bits turned: found
 * when they are opened, and never the end of the process.
 */
#include "base/error.h"
#include "base/io.h"
#include "lmdb/env.h"
#include "support/random.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 400

static char                         directory[64], path[96];
static ks_error                     error;
static const struct ks__env_options state_env = { .format = 1, .no_sync = true,
                                                  .map_bytes = 1 << 26 };
static const struct ks__env_options log_env   = { .format = 1, .keep_always = true,
                                                  .map_bytes = 1 << 26 };
static uint8_t                     *whole;  /* the file as it was */
static size_t                       whole_size;

static ks_status open_env(const struct ks__env_options *options, struct ks__env **env)
{
    ks__error_clear(&error);
    return ks__env_open(env, directory, options, &error);
}

/* Rows of all sizes, some of them taken away again, so that there are free pages. */
static void fill(struct ks__env *env)
{
    static uint8_t large[9000];
    unsigned       db;
    struct ks__txn *txn;

    ck_assert_int_eq(ks__env_database(env, "rows", &db, &error), KS_OK);
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_OK);
        for (int i = 0; i < ROWS; i++) {
            char     key[16];
            ks_bytes name = { key, (size_t)snprintf(key, sizeof(key), "key-%03d", i) };

            if (i % 3 == round)
                ck_assert_int_eq(ks__txn_delete(txn, db, name, NULL), KS_OK);
            else
                ck_assert_int_eq(ks__txn_put(txn, db, name, (ks_bytes){ large,
                                             i % 50 == 0 ? sizeof(large) : (size_t)i }), KS_OK);
        }
        ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    }
}

static void make(const struct ks__env_options *options)
{
    struct ks__env *env;
    struct stat     found;
    FILE           *file;

    ck_assert_int_eq(open_env(options, &env), KS_OK);
    fill(env);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    ck_assert_int_eq(stat(path, &found), 0);
    whole_size = (size_t)found.st_size;
    whole      = malloc(whole_size);
    file       = fopen(path, "rb");
    ck_assert(file != NULL && whole != NULL);
    ck_assert_uint_eq(fread(whole, 1, whole_size, file), whole_size);
    fclose(file);
}

static void write_file(const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
    snprintf(directory, sizeof(directory), "/tmp/ks-test-damage-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/data.mdb", directory);
}

static void tear_down(void)
{
    free(whole);
    whole = NULL;
    ck_assert_uint_eq(ks__env_open_count(), 0);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}

/* Read all of it, both ways, and write to it; errors are fine. */
static void use(struct ks__env *env)
{
    ks_error              failure = { .status = KS_OK };
    unsigned              db;
    struct ks__txn       *txn;
    struct ks__db_cursor *cursor;

    if (ks__env_database(env, "rows", &db, &failure) != KS_OK ||
        ks__txn_begin_write(env, &txn, &failure) != KS_OK)
        return;
    if (ks__db_cursor_open(txn, db, &cursor) == KS_OK) {
        while (ks__db_cursor_next(cursor, NULL, NULL))
            ;
        while (ks__db_cursor_prev(cursor, NULL, NULL))
            ;
        ks__db_cursor_close(cursor);
    }
    ks__txn_put(txn, db, (ks_bytes){ "new", 3 }, (ks_bytes){ whole, 20000 });
    (void)!ks__txn_commit(txn);
}

/* The signal that a process gets which opens and uses the env, or 0. */
static int use_in_child(const struct ks__env_options *options)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        struct ks__env *env;

        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        if (open_env(options, &env) == KS_OK) {
            use(env);
            ks__env_close(env, NULL);
        }
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* ---- cut off ---- */

static char last_line[256];

static void keep_line(const struct ks__log_line *line, void *user)
{
    (void)user;
    snprintf(last_line, sizeof(last_line), "%s", line->text);
}

START_TEST(a_state_that_was_cut_off_is_emptied)
{
    const struct ks__log   log    = { .fn = keep_line, .level = KS__LOG_WARN };
    struct ks__env_options logged = state_env;
    struct ks__env        *env;

    logged.log = &log;
    make(&state_env);
    for (size_t size = 4096; size < whole_size; size += 4096) {
        write_file(whole, size - (size / 4096 % 2 == 0 ? 100 : 0));
        ck_assert_int_eq(use_in_child(&state_env), 0);
    }
    write_file(whole, whole_size / 2);
    ck_assert_int_eq(open_env(&logged, &env), KS_OK);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_DISCARDED_CORRUPT);
    ck_assert_ptr_nonnull(strstr(last_line, "was cut off"));
    ck_assert_ptr_nonnull(strstr(last_line, "its content is discarded"));
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(a_log_that_was_cut_off_is_refused_and_kept)
{
    struct ks__env *env;
    struct stat     found;

    make(&log_env);
    write_file(whole, whole_size / 2);
    ck_assert_int_eq(open_env(&log_env, &env), KS_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "was cut off"));
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "kept as it is"));
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq((size_t)found.st_size, whole_size / 2);
}
END_TEST

START_TEST(a_log_that_was_cut_off_to_nothing_does_not_begin_anew)
{
    struct ks__env *env;

    make(&log_env);
    write_file(whole, 0);
    ck_assert_int_eq(open_env(&log_env, &env), KS_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "missing or empty"));
    unlink(path);
    ck_assert_int_eq(open_env(&log_env, &env), KS_ECORRUPT);
    write_file(whole, whole_size);
    ck_assert_int_eq(open_env(&log_env, &env), KS_OK);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

START_TEST(pages_that_are_free_may_be_missing_at_the_end)
{
    struct ks__env *env;
    unsigned        db;
    struct ks__txn *txn;

    make(&state_env);
    ck_assert_int_eq(open_env(&state_env, &env), KS_OK);
    ck_assert_int_eq(ks__env_database(env, "rows", &db, &error), KS_OK);
    for (int i = 0; i < 3; i++) { /* all but the last pages of all are in the free list then */
        ck_assert_int_eq(ks__txn_begin_write(env, &txn, &error), KS_OK);
        ck_assert_int_eq(ks__txn_empty(txn, db), KS_OK);
        ck_assert_int_eq(ks__txn_commit(txn), KS_OK);
    }
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    ck_assert_int_eq(truncate(path, (off_t)whole_size - 4096), 0);
    ck_assert_int_eq(open_env(&state_env, &env), KS_OK);
    ck_assert_int_eq(ks__env_origin(env), KS__ENV_TRUSTED);
    ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
}
END_TEST

/* ---- overwritten ---- */

START_TEST(zeros_in_the_file_do_not_end_the_process)
{
    make(&log_env);
    for (size_t page = 0; page < whole_size / 4096; page++) {
        uint8_t *copy = malloc(whole_size);

        memcpy(copy, whole, whole_size);
        memset(copy + page * 4096, 0, 4096);
        write_file(copy, whole_size);
        ck_assert_msg(use_in_child(&log_env) == 0, "page %zu", page);
        free(copy);
    }
}
END_TEST

START_TEST(a_page_in_the_place_of_another_is_found)
{
    struct ks__env *env;
    int             refused = 0;

    make(&log_env);
    for (size_t page = 3; page < whole_size / 4096; page++) {
        uint8_t *copy = malloc(whole_size);

        memcpy(copy, whole, whole_size);
        memcpy(copy + page * 4096, whole + (page - 1) * 4096, 4096);
        write_file(copy, whole_size);
        free(copy);
        if (open_env(&log_env, &env) == KS_ECORRUPT)
            refused++;
        else
            ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
    }
    ck_assert_int_gt(refused, 5);
}
END_TEST

/* Some bits are for memory alone: LMDB writes to a dirty page where it is mapped, which ends the
 * process. Pages that are free may say what they like. */
START_TEST(every_bit_of_the_kind_of_a_page_is_looked_at)
{
    int refused = 0;

    make(&log_env);
    for (size_t page = 2; page < whole_size / 4096; page++) {
        bool free_one = false;

        for (int bit = 0; bit < 16 && !free_one; bit++) {
            uint8_t        *kind = whole + page * 4096 + 10 + bit / 8;
            struct ks__env *env;

            *kind ^= (uint8_t)(1u << bit % 8);
            write_file(whole, whole_size);
            free_one = open_env(&log_env, &env) == KS_OK;
            refused += !free_one;
            if (free_one) {
                ck_assert_int_eq(ks__env_close(env, &error), KS_OK);
                ck_assert_msg(use_in_child(&log_env) == 0, "page %zu, bit %d", page, bit);
            }
            *kind ^= (uint8_t)(1u << bit % 8);
        }
    }
    ck_assert_int_gt(refused, 100);
    ck_assert_int_eq(refused % 16, 0);      /* all bits of a page, or none */
}
END_TEST

static uint64_t number_at(size_t at)
{
    uint64_t number;

    memcpy(&number, whole + at, sizeof(number));
    return number;
}

START_TEST(a_page_that_is_free_and_in_a_tree_is_found)
{
    const size_t    meta_bytes = 4096, in_meta = 16, free_root = 24 + 40, names_root = 24 + 88;
    struct ks__env *env;
    size_t          meta, list;
    uint64_t        page, moved;
    uint16_t        node;

    make(&log_env);
    meta = in_meta + (number_at(in_meta + 128) < number_at(meta_bytes + in_meta + 128)
                          ? meta_bytes : 0);
    list = (size_t)number_at(meta + free_root) * 4096;
    ck_assert_uint_eq(whole[list + 10], 2);                 /* a leaf */
    memcpy(&node, whole + list + 16, sizeof(node));
    ck_assert_uint_gt(number_at(list + node + 16), 0);      /* behind head and key: so many */
    page  = number_at(list + node + 24);
    moved = number_at(meta + names_root);
    memcpy(whole + page * 4096, whole + moved * 4096, 4096);
    memcpy(whole + page * 4096, &page, sizeof(page));
    memcpy(whole + meta + names_root, &page, sizeof(page));
    write_file(whole, whole_size);
    ck_assert_int_eq(open_env(&log_env, &env), KS_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(ks_error_message(&error), "in use and free"));
}
END_TEST

START_TEST(turned_bits_do_not_end_the_process)
{
    struct random random = { .state = 7 };

    make(&log_env);
    for (int i = 0; i < 300; i++) {
        uint8_t *copy = malloc(whole_size);
        size_t   at   = random_next(&random) % whole_size;

        if (i % 2 == 0) /* half of them among heads and offsets */
            at = at / 4096 * 4096 + at % 64;
        memcpy(copy, whole, whole_size);
        copy[at] ^= (uint8_t)(1u << random_below(&random, 8));
        write_file(copy, whole_size);
        ck_assert_msg(use_in_child(&log_env) == 0, "bit at %zu", at);
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("damage");
    TCase   *tcase = tcase_create("files");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_state_that_was_cut_off_is_emptied);
    tcase_add_test(tcase, a_log_that_was_cut_off_is_refused_and_kept);
    tcase_add_test(tcase, a_log_that_was_cut_off_to_nothing_does_not_begin_anew);
    tcase_add_test(tcase, pages_that_are_free_may_be_missing_at_the_end);
    tcase_add_test(tcase, zeros_in_the_file_do_not_end_the_process);
    tcase_add_test(tcase, a_page_in_the_place_of_another_is_found);
    tcase_add_test(tcase, every_bit_of_the_kind_of_a_page_is_looked_at);
    tcase_add_test(tcase, a_page_that_is_free_and_in_a_tree_is_found);
    tcase_add_test(tcase, turned_bits_do_not_end_the_process);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
