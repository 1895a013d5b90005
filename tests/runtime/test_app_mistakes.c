/* SPDX-License-Identifier: Apache-2.0
 *
 * test_app_mistakes.c - what keeps an app from starting: configuration, topics, state directories,
 * descriptors.
 */
#include "app_fixture.h"

#include "base/io.h"
#include "runtime/app.h"

#include <check.h>
#include <fcntl.h>
#include <kstream/kstream.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The app must fail to start with this status and a text that has these words. */
static void expect_failure(ks_status status, const char *words)
{
    make_app();
    ck_assert_str_eq(ks_status_name(ks_app_run(app)), ks_status_name(status));
    ck_assert_msg(strstr(ks_error_message(ks_app_error(app)), words) != NULL, "%s",
                  ks_error_message(ks_app_error(app)));
    ck_assert_str_eq(ks_status_name(ks_app_run(app)), ks_status_name(status));
    ck_assert_str_eq(ks_status_name(ks_app_step(app, 0)), ks_status_name(status));
}

START_TEST(a_mistake_in_the_configuration_comes_out_of_run)
{
    ks_config_set(stage.config, "num.stream.threads", "none");
    expect_failure(KS_ECONFIG, "num.stream.threads");
}
END_TEST

START_TEST(a_mistake_in_the_topology_comes_out_of_run)
{
    ks_builder *b = ks_builder_new();

    ks_topology_free(topology);
    ks_stream_to(ks_builder_stream(b, NULL, NULL), "totals", NULL);
    ck_assert_int_ne(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    expect_failure(ks_error_status(ks_topology_error(topology)),
                   ks_error_message(ks_topology_error(topology)));
}
END_TEST

struct point {
    int32_t x, y;
};

/* A topology that writes structs, or reads them (`in`), and keeps them in a store as well. */
static void use_structs(const ks_serde *in, const ks_serde *out)
{
    ks_builder *b = ks_builder_new();
    ks_stream  *s = ks_builder_stream(b, "lines", KS_CONSUMED(.name = "source", .value = in));
    ks_table   *t = ks_stream_to_table(s, KS_MATERIALIZED(.store = "kept"));

    ks_topology_free(topology);
    ks_stream_to(ks_table_to_stream(t, KS_NAMED("points", .value = out)), "totals",
                 KS_PRODUCED(.name = "sink"));
    ck_assert_msg(ks_builder_build(b, &topology) == KS_OK, "%s",
                  ks_error_message(ks_builder_error(b)));
    ks_builder_free(b);
}

/* The broker is not there: it is refused before anybody asks for it. */
START_TEST(structs_of_this_host_do_not_go_to_topics_on_kafka)
{
    stage_set(&stage, "bootstrap.servers", "127.0.0.1:1");
    use_structs(NULL, KS_STRUCT(struct point));
    expect_failure(KS_ETYPE, "sink: the value of topic \"totals\" is a struct point, whose bytes "
                             "mean something on this host only; encode it with a map_values, or "
                             "declare it KS_STRUCT_AS_IS");
    ks_app_free(app);
    use_structs(KS_STRUCT(struct point), NULL);
    expect_failure(KS_ETYPE, "source: the value of topic \"lines\" is a struct point");
}
END_TEST

START_TEST(structs_may_go_to_topics_of_this_host_or_when_declared_as_they_are)
{
    use_structs(NULL, KS_STRUCT(struct point));
    start_app();
    close_app();
    stage_set(&stage, "bootstrap.servers", "127.0.0.1:1");
    use_structs(NULL, KS_STRUCT_AS_IS(struct point));
    make_app();
    ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
}
END_TEST

START_TEST(an_unknown_topic_is_named)
{
    stage_close(&stage);
    stage_open(&stage, STAGE_MEMORY);
    expect_failure(KS_ENOTFOUND, "unknown topic \"lines\"");
}
END_TEST

START_TEST(a_wrong_address_is_an_error)
{
    stage_set(&stage, "bootstrap.servers", "embedded:");
    make_app();
    ck_assert_int_ne(ks_app_run(app), KS_OK);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_ERROR);
    ck_assert_str_ne(ks_error_message(ks_app_error(app)), "");
}
END_TEST

START_TEST(a_state_directory_that_is_a_link_is_refused)
{
    char link_path[256];

    snprintf(link_path, sizeof(link_path), "%s/link", stage.directory);
    ck_assert_int_eq(symlink("/tmp", link_path), 0);
    stage_set(&stage, "state.dir", link_path);
    expect_failure(KS_EACCESS, link_path);
}
END_TEST

START_TEST(a_state_directory_that_is_a_file_is_refused)
{
    char path[256];
    int  fd;

    snprintf(path, sizeof(path), "%s/file", stage.directory);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    stage_set(&stage, "state.dir", path);
    make_app();
    ck_assert_int_ne(ks_app_run(app), KS_OK);
    ck_assert_msg(strstr(ks_error_message(ks_app_error(app)), path) != NULL, "%s",
                  ks_error_message(ks_app_error(app)));
}
END_TEST

START_TEST(a_state_directory_that_cannot_be_written_is_refused)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/closed", stage.directory);
    ck_assert_int_eq(mkdir(path, 0500), 0);
    stage_set(&stage, "state.dir", path);
    expect_failure(KS_EACCESS, path);
}
END_TEST

/* Another process holds the state of task 0_0 until the pipe is closed. */
static pid_t hold_state_elsewhere(int release[2])
{
    int   ready[2];
    char  byte;
    pid_t child;

    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(release), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        ks_app *holder;

        close(release[1]);
        holder = ks_app_new(topology, stage.config);
        while (ks_app_get_state(holder) != KS_APP_RUNNING)
            if (ks_app_step(holder, 5) != KS_OK)
                _exit(1);
        (void)!write(ready[1], "x", 1);
        (void)!read(release[0], &byte, 1);
        _exit(0);
    }
    close(release[0]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

START_TEST(state_that_another_process_uses_is_an_error_after_the_task_timeout)
{
    int   release[2];
    pid_t child = hold_state_elsewhere(release);    /* with a copy of this memory log of its own */

    stage_set(&stage, "task.timeout.ms", "200");
    expect_failure(KS_EBUSY, "task 1_0");
    close(release[1]);
    waitpid(child, NULL, 0);
}
END_TEST

START_TEST(state_that_another_process_lets_go_of_is_taken)
{
    int   release[2];
    pid_t child = hold_state_elsewhere(release);

    start_app();
    for (int i = 0; i < 50; i++)
        stage_pause(NULL);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_REBALANCING);
    close(release[1]);
    waitpid(child, NULL, 0);
    stage_await_state(app, NULL, KS_APP_RUNNING);
    close_app();
}
END_TEST

/* Leave as few descriptors as a test needs to see them run out. */
static void limit_descriptors(rlim_t more, struct rlimit *before)
{
    struct rlimit limit;
    int           lowest = dup(STDIN_FILENO);

    ck_assert_int_ge(lowest, 0);
    close(lowest);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, before), 0);
    limit          = *before;
    limit.rlim_cur = (rlim_t)lowest + more;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(a_lack_of_descriptors_is_an_error_after_the_task_timeout)
{
    struct rlimit before;
    const char   *message;
    ks_status     status;

    stage_set(&stage, "task.timeout.ms", "300");
    stage_set(&stage, "commit.interval.ms", "10");
    make_app();
    stage_feed(&stage, "lines", NULL, "other tasks go on and commit");
    limit_descriptors(2, &before);
    status = ks_app_run(app);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    message = ks_error_message(ks_app_error(app));
    ck_assert_str_eq(ks_status_name(status), "KS_EIO");
    ck_assert_msg(strstr(message, "ulimit -n") != NULL, "%s", message);
    ck_assert_msg(strstr(message, "task 1_0: ") == message, "%s", message);
}
END_TEST

START_TEST(descriptors_that_come_free_are_taken)
{
    struct rlimit before;

    make_app();
    limit_descriptors(2, &before);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    for (int i = 0; i < 50; i++)
        stage_pause(NULL);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_REBALANCING);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    stage_await_state(app, NULL, KS_APP_RUNNING);
    close_app();
}
END_TEST

/* ---- metrics ---- */

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime/app_mistakes");
    TCase *mistakes = tcase_create("mistakes");

    tcase_set_timeout(mistakes, 60);
    tcase_add_checked_fixture(mistakes, app_setup, app_teardown);
    tcase_add_test(mistakes, a_mistake_in_the_configuration_comes_out_of_run);
    tcase_add_test(mistakes, a_mistake_in_the_topology_comes_out_of_run);
    tcase_add_test(mistakes, structs_of_this_host_do_not_go_to_topics_on_kafka);
    tcase_add_test(mistakes, structs_may_go_to_topics_of_this_host_or_when_declared_as_they_are);
    tcase_add_test(mistakes, an_unknown_topic_is_named);
    tcase_add_test(mistakes, a_wrong_address_is_an_error);
    tcase_add_test(mistakes, a_state_directory_that_is_a_link_is_refused);
    tcase_add_test(mistakes, a_state_directory_that_is_a_file_is_refused);
    if (geteuid() != 0)
        tcase_add_test(mistakes, a_state_directory_that_cannot_be_written_is_refused);
    tcase_add_test(mistakes, state_that_another_process_uses_is_an_error_after_the_task_timeout);
    tcase_add_test(mistakes, state_that_another_process_lets_go_of_is_taken);
    tcase_add_test(mistakes, a_lack_of_descriptors_is_an_error_after_the_task_timeout);
    tcase_add_test(mistakes, descriptors_that_come_free_are_taken);
    suite_add_tcase(suite, mistakes);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    int      failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
