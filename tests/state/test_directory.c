/* SPDX-License-Identifier: Apache-2.0
 *
 * test_directory.c - directories that may not hold state, each with its text.
 */
#include "base/error.h"
#include "base/io.h"
#include "state/state.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char     root[64];
static char     path[128];
static ks_error error;

static void set_up(void)
{
    snprintf(root, sizeof(root), "/tmp/ks-test-directory-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/app/0_0", root);
    ks__error_clear(&error);
}

static void tear_down(void)
{
    ks__io_set(NULL);
    ck_assert_int_eq(ks__io_remove_tree(root), 0);
}

static void expect(ks_status status, const char *text)
{
    ck_assert_int_eq(ks__state_check_directory(path, &error), status);
    ck_assert_ptr_nonnull(strstr(error.message, path));
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
}

START_TEST(a_missing_directory_is_made_with_its_parents_for_us_alone)
{
    struct stat found;

    ck_assert_int_eq(ks__state_check_directory(path, &error), KS_OK);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_int_eq(found.st_mode & 0777, 0700);
    ck_assert_int_eq(ks__state_check_directory(path, &error), KS_OK);
}
END_TEST

START_TEST(a_link_is_refused)
{
    snprintf(path, sizeof(path), "%s/link", root);
    ck_assert_int_eq(symlink(root, path), 0);
    expect(KS_EACCESS, "symbolic link");
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_refused)
{
    snprintf(path, sizeof(path), "%s/link", root);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    expect(KS_EACCESS, "symbolic link");
}
END_TEST

START_TEST(a_file_is_refused)
{
    snprintf(path, sizeof(path), "%s/file", root);
    fclose(fopen(path, "w"));
    expect(KS_EACCESS, "not a directory");
}
END_TEST

START_TEST(a_directory_that_is_not_writable_is_refused)
{
    snprintf(path, sizeof(path), "%s/closed", root);
    ck_assert_int_eq(mkdir(path, 0500), 0);
    expect(KS_EACCESS, "not writable (mode 500)");
}
END_TEST

static int foreign_stat(void *user, int dir, const char *name, struct stat *out, bool follow)
{
    int result = ks__io_system()->stat(user, dir, name, out, follow);

    out->st_uid = geteuid() + 1;
    return result;
}

START_TEST(a_directory_of_another_user_is_refused)
{
    struct ks__io table = *ks__io_system();

    snprintf(path, sizeof(path), "%s", root);
    table.stat = foreign_stat;
    ks__io_set(&table);
    expect(KS_EACCESS, "belongs to user");
}
END_TEST

START_TEST(every_failing_call_is_reported)
{
    for (uint64_t at = 1;; at++) {
        struct ks__io_probe probe = { .fail_at = at, .error = ENOSPC };
        ks_status           status;

        ck_assert_int_eq(ks__io_remove_tree(root), 0);
        ck_assert_int_eq(mkdir(root, 0700), 0);
        ks__error_clear(&error);
        ks__io_probe_install(&probe);
        status = ks__state_check_directory(path, &error);
        ks__io_set(NULL);
        if (probe.failed == 0) {
            ck_assert_int_eq(status, KS_OK);
            ck_assert_uint_ge(at, 3);
            break;
        }
        ck_assert_int_eq(status, KS_EFULL);
        ck_assert_int_eq(error.cause, ENOSPC);
    }
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("state/directory");
    TCase   *tcase = tcase_create("state/directory");
    SRunner *runner;
    int      failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_missing_directory_is_made_with_its_parents_for_us_alone);
    tcase_add_test(tcase, a_link_is_refused);
    tcase_add_test(tcase, a_link_that_leads_nowhere_is_refused);
    tcase_add_test(tcase, a_file_is_refused);
    tcase_add_test(tcase, a_directory_that_is_not_writable_is_refused);
    tcase_add_test(tcase, a_directory_of_another_user_is_refused);
    tcase_add_test(tcase, every_failing_call_is_reported);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
