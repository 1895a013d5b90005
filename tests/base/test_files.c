/* SPDX-License-Identifier: Apache-2.0
 *
 * test_files.c - paths, trees and whole files, with the n-th call failing.
 */
#include "base/io.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[64];

static const char *path(const char *name)
{
    static char texts[4][160];
    static int  next;
    char       *text = texts[next++ % 4];

    snprintf(text, sizeof(texts[0]), "%s/%s", directory, name);
    return text;
}

static void set_up(void)
{
    snprintf(directory, sizeof(directory), "/tmp/ks-test-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
    ks__io_set(NULL);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
    ck_assert_int_eq(access(directory, F_OK), -1);
}

START_TEST(a_path_is_made_with_its_parents_and_found_again)
{
    ck_assert_int_eq(ks__io_make_path(path("a/b//c/"), 0700), 0);
    ck_assert_int_eq(access(path("a/b/c"), X_OK), 0);
    ck_assert_int_eq(ks__io_make_path(path("a/b/c"), 0700), 0);
    ck_assert_int_eq(ks__io_write_file(path("a/f"), "x", 1, false), 0);
    ck_assert_int_eq(ks__io_make_path(path("a/f/g"), 0700), -1);
    ck_assert_int_eq(errno, ENOTDIR);
}
END_TEST

START_TEST(a_tree_is_removed_but_never_what_its_links_point_to)
{
    ck_assert_int_eq(ks__io_make_path(path("keep"), 0700), 0);
    ck_assert_int_eq(ks__io_write_file(path("keep/f"), "x", 1, false), 0);
    ck_assert_int_eq(ks__io_make_path(path("t/u/v"), 0700), 0);
    ck_assert_int_eq(symlink("../../keep", path("t/u/link")), 0);
    ck_assert_int_eq(symlink("keep", path("top")), 0);
    ck_assert_int_eq(ks__io_remove_tree(path("t")), 0);
    ck_assert_int_eq(ks__io_remove_tree(path("top")), 0);
    ck_assert_int_eq(ks__io_remove_tree(path("nothing")), 0);
    ck_assert_int_eq(access(path("t"), F_OK), -1);
    ck_assert_int_eq(access(path("keep/f"), F_OK), 0);
}
END_TEST

START_TEST(too_deep_a_tree_is_refused)
{
    char deep[128] = "d";

    for (int i = 0; i < KS__IO_TREE_DEPTH + 2; i++)
        strcat(deep, "/d");
    ck_assert_int_eq(ks__io_make_path(path(deep), 0700), 0);
    ck_assert_int_eq(ks__io_remove_tree(path("d")), -1);
    ck_assert_int_eq(errno, ELOOP);
    ck_assert_int_eq(ks__io_remove_tree(path("d/d/d/d/d")), 0);
}
END_TEST

START_TEST(a_file_is_replaced_as_a_whole_or_not_at_all)
{
    char text[8];
    bool done = false;

    ck_assert_int_eq(ks__io_write_file(path("f"), "old", 3, false), 0);
    for (uint64_t n = 1; !done; n++) {
        struct ks__io_probe probe = { .fail_at = n, .error = ENOSPC };
        int                 result;

        ks__io_probe_install(&probe);
        result = ks__io_write_file(path("f"), "newer", 5, true);
        ks__io_set(NULL);
        done = probe.failed == 0;
        ck_assert_int_eq(result, done ? 0 : -1);
        ck_assert(done || errno == ENOSPC);
        ck_assert_int_eq(access(path("f.new"), F_OK), -1);
        ck_assert_int_ge(ks__io_read_file(path("f"), text, sizeof(text)), 3);
        ck_assert(memcmp(text, "old", 3) == 0 || memcmp(text, "newer", 5) == 0);
    }
    ck_assert_int_eq(ks__io_read_file(path("f"), text, sizeof(text)), 5);
    ck_assert_int_eq(ks__io_read_file(path("f"), text, 5), 5);
    ck_assert_int_eq(ks__io_read_file(path("f"), text, 4), -1);
    ck_assert_int_eq(errno, EFBIG);
}
END_TEST

static int count_names(const char *name, void *user)
{
    ck_assert_str_ne(name, ".");
    return ++*(int *)user == 3 ? 42 : 0;
}

START_TEST(a_list_visits_all_names_until_told_to_stop)
{
    int count = 0;

    ck_assert_int_eq(ks__io_write_file(path("1"), "", 0, false), 0);
    ck_assert_int_eq(ks__io_write_file(path("2"), "", 0, false), 0);
    ck_assert_int_eq(ks__io_list(directory, count_names, &count), 0);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(ks__io_write_file(path("3"), "", 0, false), 0);
    count = 0;
    ck_assert_int_eq(ks__io_list(directory, count_names, &count), 42);
    ck_assert_int_eq(ks__io_list(path("nothing"), count_names, &count), -1);
}
END_TEST

START_TEST(a_failed_removal_is_reported)
{
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        struct ks__io_probe probe = { .fail_at = n };
        int                 result;

        ck_assert_int_eq(ks__io_make_path(path("t/u"), 0700), 0);
        ck_assert_int_eq(ks__io_write_file(path("t/u/f"), "x", 1, false), 0);
        ks__io_probe_install(&probe);
        result = ks__io_remove_tree(path("t"));
        ks__io_set(NULL);
        done = probe.failed == 0;
        ck_assert_int_eq(result, done ? 0 : -1);
    }
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/files");
    TCase   *tests = tcase_create("files");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_path_is_made_with_its_parents_and_found_again);
    tcase_add_test(tests, a_tree_is_removed_but_never_what_its_links_point_to);
    tcase_add_test(tests, too_deep_a_tree_is_refused);
    tcase_add_test(tests, a_file_is_replaced_as_a_whole_or_not_at_all);
    tcase_add_test(tests, a_list_visits_all_names_until_told_to_stop);
    tcase_add_test(tests, a_failed_removal_is_reported);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
