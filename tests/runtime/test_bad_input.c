/* SPDX-License-Identifier: Apache-2.0
 *
 * test_bad_input.c - records and surroundings that are not as they should be: the error says which
 * record, topic, directory or broker it is about, and what can be told to continue does.
 */
#include "base/io.h"
#include "support/words.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static ks_config   *config;
static ks_topology *topology;
static ks_driver   *driver;

static void set_up(void)
{
    config = ks_config_new();
}

static void tear_down(void)
{
    ks_driver_free(driver);
    ks_topology_free(topology);
    ks_config_free(config);
    driver   = NULL;
    topology = NULL;
}

/* in (value i64) -> count by key -> out */
static void open_driver(void)
{
    ks_builder *b = ks_builder_new();
    ks_stream  *s = ks_builder_stream(b, "in", KS_CONSUMED(.value = ks_serde_i64()));
    ks_table   *t = ks_grouped_stream_count(ks_stream_group_by_key(s, NULL),
                                            KS_MATERIALIZED(.store = "counts"));

    ks_stream_to(ks_table_to_stream(t, NULL), "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    driver = ks_driver_new(topology, config, NULL);
    ck_assert_msg(ks_error_status(ks_driver_error(driver)) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(driver)));
}

static ks_status pipe_number(const char *key, int64_t timestamp_ms)
{
    const ks_record record = { .key          = ks_bytes_text(key),
                               .value        = { "\0\0\0\0\0\0\0\1", 8 },
                               .timestamp_ms = timestamp_ms };

    return ks_driver_pipe(driver, "in", &record);
}

/* The error has this status, and its text contains all parts. */
static void check_error(const ks_error *error, ks_status status, const char *const *parts,
                        size_t count)
{
    ck_assert_msg(ks_error_status(error) == status, "%s, not %s: %s",
                  ks_status_name(ks_error_status(error)), ks_status_name(status),
                  ks_error_message(error));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(strstr(ks_error_message(error), parts[i]) != NULL, "no \"%s\" in: %s",
                      parts[i], ks_error_message(error));
}
#define CHECK_ERROR(error, status, ...)                                        \
    check_error((error), (status), (const char *const[]){ __VA_ARGS__ },       \
                sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void check_counted_once(const char *key)
{
    const ks_record *out = ks_driver_read(driver, "out");

    ck_assert_ptr_nonnull(out);
    ck_assert(ks_bytes_equal(out->key, ks_bytes_text(key)));
    ck_assert_int_eq(ks_bytes_i64(out->value, -1), 1);
    ck_assert_ptr_null(ks_driver_read(driver, "out"));
}

static int64_t dropped(void)
{
    ks_metrics *metrics = ks_driver_metrics(driver);
    int64_t     sum     = ks_metrics_sum(metrics, "dropped-records-total", NULL);

    ks_metrics_free(metrics);
    return sum;
}

/* ---- records ---- */

START_TEST(poison_bytes_fail_with_their_place_and_type)
{
    open_driver();

    ck_assert_int_eq(ks_driver_pipe_text(driver, "in", "a", "abc", 5), KS_EDATA);

    CHECK_ERROR(ks_driver_error(driver), KS_EDATA, "topic in", "partition 0", "offset 0", "value",
                "i64");
}
END_TEST

START_TEST(poison_bytes_are_left_out_and_counted_where_the_handler_continues)
{
    ks_config_set(config, "deserialization.exception.handler", "continue");
    open_driver();

    ck_assert_int_eq(ks_driver_pipe_text(driver, "in", "a", "abc", 5), KS_OK);
    ck_assert_int_eq(pipe_number("b", 6), KS_OK);

    check_counted_once("b");
    ck_assert_int_eq(dropped(), 1);
}
END_TEST

START_TEST(a_null_key_is_left_out_of_a_count_and_counted)
{
    open_driver();

    ck_assert_int_eq(pipe_number(NULL, 5), KS_OK);
    ck_assert_int_eq(pipe_number("b", 6), KS_OK);

    check_counted_once("b");
    ck_assert_int_eq(dropped(), 1);
}
END_TEST

START_TEST(a_negative_timestamp_fails_with_its_place_and_the_way_out)
{
    open_driver();

    ck_assert_int_ne(pipe_number("a", -7), KS_OK);

    CHECK_ERROR(ks_driver_error(driver), KS_EDATA, "topic in", "offset 0", "-7",
                "default.timestamp.extractor");
}
END_TEST

START_TEST(a_negative_timestamp_is_left_out_and_counted_where_it_may_be)
{
    ks_config_set(config, "default.timestamp.extractor", "record-or-skip");
    open_driver();

    ck_assert_int_eq(pipe_number("a", -7), KS_OK);
    ck_assert_int_eq(pipe_number("b", 6), KS_OK);

    check_counted_once("b");
    ck_assert_int_eq(dropped(), 1);
}
END_TEST

START_TEST(a_topic_that_nobody_reads_is_refused_by_name)
{
    open_driver();

    ck_assert_int_eq(ks_driver_pipe_text(driver, "inn", "a", "b", 5), KS_ENOTFOUND);

    CHECK_ERROR(ks_driver_error(driver), KS_ENOTFOUND, "inn");
}
END_TEST

/* ---- surroundings ---- */

/* Step an app until it fails; it must. */
static void check_app_fails(ks_status status, const char *const *parts, size_t count)
{
    ks_app *app;

    topology = words_topology("lines", "counts");
    ks_config_set(config, "application.id", "bad-input");
    ks_config_set(config, "task.timeout.ms", "50");
    app = ks_app_new(topology, config);
    for (int i = 0; i < 5000 && ks_app_step(app, 5) == KS_OK; i++)
        usleep(1000);
    check_error(ks_app_error(app), status, parts, count);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_ERROR);
    ks_app_free(app);
}
#define CHECK_APP_FAILS(status, ...)                                           \
    check_app_fails((status), (const char *const[]){ __VA_ARGS__ },            \
                    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

START_TEST(a_source_topic_that_does_not_come_fails_the_app_by_name)
{
    char state[] = "/tmp/ks-test-bad-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(state));
    ks_config_set(config, "state.dir", state);
    ks_config_set(config, "bootstrap.servers", "memory:no-topics");

    CHECK_APP_FAILS(KS_ENOTFOUND, "lines");

    ck_assert_int_eq(ks__io_remove_tree(state), 0);
}
END_TEST

START_TEST(a_log_of_no_known_kind_fails_the_app)
{
    ks_config_set(config, "bootstrap.servers", "somewhere");

    CHECK_APP_FAILS(KS_EINVAL, "\"somewhere\"", "memory:NAME", "embedded:DIRECTORY", "HOST:PORT");
}
END_TEST

START_TEST(a_log_directory_that_cannot_be_fails_the_app_by_name)
{
    ks_config_set(config, "bootstrap.servers", "embedded:/dev/null/log");

    CHECK_APP_FAILS(KS_EIO, "/dev/null/log");
}
END_TEST

START_TEST(a_broker_that_is_absent_fails_the_app_after_the_task_timeout)
{
    ks_config_set(config, "bootstrap.servers", "127.0.0.1:1");

    CHECK_APP_FAILS(KS_EUNAVAILABLE, "127.0.0.1:1");
}
END_TEST

/* A child that holds the directory of a driver until it is killed. */
static pid_t hold(const char *directory)
{
    int   ready[2];
    char  byte = 0;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        ks_driver *d = ks_driver_new(words_topology("lines", "counts"), NULL, directory);

        byte = ks_error_status(ks_driver_error(d)) == KS_OK ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
}

START_TEST(state_in_use_by_another_process_is_busy_and_free_after_its_end)
{
    char  directory[] = "/tmp/ks-test-bad-XXXXXX";
    pid_t pid;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    pid      = hold(directory);
    topology = words_topology("lines", "counts");

    driver = ks_driver_new(topology, NULL, directory);
    CHECK_ERROR(ks_driver_error(driver), KS_EBUSY, directory);
    ks_driver_free(driver);

    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    driver = ks_driver_new(topology, NULL, directory);
    ck_assert_int_eq(ks_error_status(ks_driver_error(driver)), KS_OK);
    ks_driver_free(driver);
    driver = NULL;
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("runtime/bad_input");
    TCase   *bad    = tcase_create("bad input");
    TCase   *kafka  = tcase_create("kafka");
    SRunner *runner = srunner_create(suite);
    int      failed;

    suite_add_tcase(suite, bad);
    tcase_set_timeout(bad, 30);
    tcase_add_checked_fixture(bad, set_up, tear_down);
    tcase_add_test(bad, poison_bytes_fail_with_their_place_and_type);
    tcase_add_test(bad, poison_bytes_are_left_out_and_counted_where_the_handler_continues);
    tcase_add_test(bad, a_null_key_is_left_out_of_a_count_and_counted);
    tcase_add_test(bad, a_negative_timestamp_fails_with_its_place_and_the_way_out);
    tcase_add_test(bad, a_negative_timestamp_is_left_out_and_counted_where_it_may_be);
    tcase_add_test(bad, a_topic_that_nobody_reads_is_refused_by_name);
    tcase_add_test(bad, a_source_topic_that_does_not_come_fails_the_app_by_name);
    tcase_add_test(bad, a_log_of_no_known_kind_fails_the_app);
    tcase_add_test(bad, a_log_directory_that_cannot_be_fails_the_app_by_name);
    tcase_add_test(bad, state_in_use_by_another_process_is_busy_and_free_after_its_end);
    suite_add_tcase(suite, kafka);
    tcase_set_tags(kafka, "kafka");
    tcase_set_timeout(kafka, 30);
    tcase_add_checked_fixture(kafka, set_up, tear_down);
    tcase_add_test(kafka, a_broker_that_is_absent_fails_the_app_after_the_task_timeout);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
