/* SPDX-License-Identifier: Apache-2.0
 *
 * test_error.c - the first error wins; texts are cut, never lost; log lines.
 */
#include "base/error.h"
#include "base/log.h"

#include <check.h>
#include <errno.h>
#include <string.h>

START_TEST(the_first_error_stays_with_its_details)      /* E1 */
{
    ks_error error = { .status = KS_OK };

    ks__error_set_cause(&error, 9);
    ck_assert_int_eq(ks_error_cause(&error), 0);
    ck_assert_int_eq(ks__error_set(&error, KS_EIO, "disk %d", 1), KS_EIO);
    ks__error_set_cause(&error, 5);
    ks__error_set_node(&error, "filter");
    ks__error_add_flags(&error, KS__ERROR_FATAL);
    ck_assert_int_eq(ks__error_set(&error, KS_ENOMEM, "later"), KS_ENOMEM);
    ks__error_set_node(&error, "other");
    ck_assert_int_eq(ks_error_status(&error), KS_EIO);
    ck_assert_str_eq(ks_error_message(&error), "disk 1");
    ck_assert_str_eq(ks_error_node(&error), "filter");
    ck_assert_int_eq(ks_error_cause(&error), 5);
    ck_assert(ks_error_is_fatal(&error));
    ck_assert(!ks_error_is_retriable(&error));
    ks__error_prefix(&error, "task %s: ", "0_1");
    ck_assert_str_eq(ks_error_message(&error), "task 0_1: disk 1");
    ks__error_clear(&error);
    ck_assert(!ks__error_is_set(&error));
    ck_assert_str_eq(ks_error_message(&error), "");
}
END_TEST

START_TEST(an_errno_is_told_in_words)
{
    ks_error error = { .status = KS_OK };

    ks__error_set_errno(&error, KS_EACCESS, EACCES, "open %s", "/x");
    ck_assert_str_eq(ks_error_message(&error), "open /x: Permission denied");
    ck_assert_int_eq(ks_error_cause(&error), EACCES);
}
END_TEST

START_TEST(long_texts_end_in_dots)      /* E2 */
{
    ks_error error = { .status = KS_OK };
    char     text[2000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ks__error_set(&error, KS_EUSER, "%s", text);
    ck_assert_uint_eq(strlen(error.message), KS__ERROR_MESSAGE_BYTES - 1);
    ck_assert_str_eq(error.message + KS__ERROR_MESSAGE_BYTES - 4, "...");
    ks__error_set_node(&error, text);
    ck_assert_str_eq(error.node + KS__ERROR_NODE_BYTES - 4, "...");
    ks__error_prefix(&error, "before ");
    ck_assert_uint_eq(strlen(error.message), KS__ERROR_MESSAGE_BYTES - 1);
    ck_assert_mem_eq(error.message, "before xxx", 10);
}
END_TEST

START_TEST(null_errors_are_accepted_and_copies_obey_the_first)
{
    ks_error one = { .status = KS_OK }, two = { .status = KS_OK };

    ck_assert_int_eq(ks__error_set(NULL, KS_EIO, "x"), KS_EIO);
    ck_assert_int_eq(ks_error_status(NULL), KS_OK);
    ck_assert_str_eq(ks_error_message(NULL), "");
    ks__error_no_memory(&one, "arena");
    ks__error_copy(&two, &one);
    ck_assert_str_eq(ks_error_message(&two), "arena: out of memory");
    ks__error_clear(&one);
    ks__error_set(&one, KS_EIO, "y");
    ks__error_copy(&two, &one);
    ck_assert_int_eq(ks_error_status(&two), KS_ENOMEM);
    ck_assert_str_eq(ks_status_name(KS_SKIP), "KS_SKIP");
    ck_assert_str_eq(ks_status_text((ks_status)-999), "unknown status");
}
END_TEST

static char logged[2048];
static int  evaluated;

static void keep_line(const struct ks__log_line *line, void *user)
{
    (void)user;
    strcat(logged, ks__log_level_name(line->level));
    strcat(logged, line->task != NULL ? line->task : "-");
    strcat(logged, line->text);
}

static int count(void)
{
    return ++evaluated;
}

START_TEST(unwanted_lines_are_not_even_formatted)
{
    const struct ks__log log = { .fn = keep_line, .level = KS__LOG_WARN, .task = "0_1" };
    char                 text[1500];

    logged[0] = '\0';
    KS__LOG_AT_INFO(&log, "state", "%d", count());
    KS__LOG_AT_WARN(&log, "state", "n=%d", count());
    KS__LOG_AT_ERROR(NULL, "state", "%d", count());
    ck_assert_int_eq(evaluated, 1);
    ck_assert_str_eq(logged, "warn0_1n=1");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    KS__LOG_AT_ERROR(&log, "state", "%s", text);
    ck_assert_str_eq(logged + strlen(logged) - 3, "...");
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("base/error");
    TCase   *tests = tcase_create("error");
    SRunner *runner;
    int      failed;

    tcase_add_test(tests, the_first_error_stays_with_its_details);
    tcase_add_test(tests, an_errno_is_told_in_words);
    tcase_add_test(tests, long_texts_end_in_dots);
    tcase_add_test(tests, null_errors_are_accepted_and_copies_obey_the_first);
    tcase_add_test(tests, unwanted_lines_are_not_even_formatted);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
