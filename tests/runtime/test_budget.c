/* SPDX-License-Identifier: Apache-2.0
 *
 * test_budget.c - a stepped app on the embedded log keeps its budget, whatever the disk and other
 * processes do, and commits everything exactly once all the same.
 *
 * No clock is asked: while the disk or the lock is held, only the thread that steps can give it
 * free. A step that waited for it would never come back.
 */
#include "base/io.h"
#include "lmdb/env.h"
#include "support/slow_disk.h"
#include "support/stage.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_HELD 20   /* while the disk keeps one sync waiting */

static struct stage stage;
static ks_topology *topology;
static ks_app      *app;
static char         data_file[256];

static const char *const guarantees[] = { "at_least_once", "exactly_once_v2", "at_most_once" };

static void setup(void)
{
    stage_open(&stage, STAGE_EMBEDDED);
    snprintf(data_file, sizeof(data_file), "%s/data.mdb", stage.address + strlen("embedded:"));
    stage_topic(&stage, "lines", 2);
    stage_topic(&stage, "totals", 1);
    stage_set(&stage, "commit.interval.ms", "5");
    stage_set(&stage, "repartition.purge.interval.ms", "10");
    topology = stage_word_count();
    app      = NULL;
}

static void teardown(void)
{
    disk_release();
    ks_app_free(app);
    ks_topology_free(topology);
    stage_close(&stage);
}

static void step(void)
{
    ck_assert_msg(ks_app_step(app, 0) == KS_OK, "%s", ks_error_message(ks_app_error(app)));
}

/* As an event loop does, but never longer than a moment. */
static void wait_a_moment(void)
{
    struct pollfd fd = { .fd = ks_app_fd(app), .events = POLLIN };

    poll(&fd, 1, 1);
}

/* Steps while a sync waits, then lets it through. */
static void step_against_the_disk(void)
{
    for (int i = 0; i < STEPS_HELD; i++) {
        step();
        wait_a_moment();
    }
    if (disk_is_asked())
        disk_let_through(1);
}

static void await_total(const char *word, int64_t total)
{
    for (int i = 0; i < 2000 && stage_last_i64(&stage, "totals", word) != total; i++)
        step_against_the_disk();
    ck_assert_int_eq(stage_last_i64(&stage, "totals", word), total);
}

START_TEST(a_step_does_not_wait_for_the_disk_and_all_is_committed_once)
{
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    for (int i = 0; i < 20; i++)
        stage_feed(&stage, "lines", i % 2 == 0 ? "a" : "b", "to be or not to be");
    app = ks_app_new(topology, stage.config);
    disk_hold(data_file);                       /* making topics and joining have to wait as well */
    await_total("be", 40);
    await_total("not", 20);
    ck_assert_int_gt(disk_syncs(), 5);
    ks_app_stop(app);                           /* the last commit, and leaving */
    for (int i = 0; i < 2000 && ks_app_get_state(app) != KS_APP_NOT_RUNNING; i++) {
        (void)ks_app_step(app, 0);
        poll(NULL, 0, 1);
        if (disk_is_asked())
            disk_let_through(1);
    }
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_NOT_RUNNING);
    disk_release();
    ks_app_free(app);
    stage_feed(&stage, "lines", "a", "be");
    app = ks_app_new(topology, stage.config);   /* whoever goes on has all of it once */
    stage_await_i64(&stage, app, "totals", "be", 41);
    ck_assert_int_eq(stage_last_i64(&stage, "totals", "not"), 20);
}
END_TEST

/* ---- idle ---- */

START_TEST(an_idle_app_is_not_to_be_stepped_ten_times_a_second)
{
    int64_t total = -1;
    int     longest = 0;

    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_feed(&stage, "lines", "a", "be");
    app = ks_app_new(topology, stage.config);
    for (int i = 0; i < 5000 && (total != 1 || longest <= 500); i++) {
        struct pollfd fd = { .fd = ks_app_fd(app), .events = POLLIN };
        int           wait = ks_app_next_ms(app);

        if (total == 1 && wait > longest)
            longest = wait;                     /* all is done: state, purge, membership */
        poll(&fd, 1, wait < 0 ? 1 : wait);
        step();
        if (total != 1)
            total = stage_last_i64(&stage, "totals", "be");
    }
    ck_assert_int_eq(total, 1);
    ck_assert_int_gt(longest, 500);
    stage_feed(&stage, "lines", "a", "be");     /* and it is woken when something comes */
    await_total("be", 2);
}
END_TEST

/* ---- a process that keeps the lock ---- */

struct holder {
    pid_t process;
    int   to, from;     /* a byte each: take it, taken; let go, let go */
};

static void hold_lock(int from, int to)
{
    struct ks__env_options options = { .map_bytes = KS__ENV_LOG_MAP_BYTES, .max_databases = 4,
                                       .format = 1, .keep_always = true, .shared = true };
    struct ks__env        *env = NULL;
    char                   path[256], byte;

    if (read(from, path, sizeof(path)) != (ssize_t)sizeof(path) ||
        ks__env_open(&env, path, &options, NULL) != KS_OK)
        _exit(1);
    while (read(from, &byte, 1) == 1) {
        struct ks__txn *txn;

        if (ks__txn_begin_write(env, &txn, NULL) != KS_OK || write(to, "x", 1) != 1)
            _exit(2);
        if (read(from, &byte, 1) != 1)
            _exit(3);
        ks__txn_abort(txn);
        if (write(to, "x", 1) != 1)
            _exit(4);
    }
    ks__env_close(env, NULL);
    _exit(0);
}

/* Before this process opens a log. */
static struct holder holder_start(void)
{
    struct holder holder;
    int           to[2], from[2];

    ck_assert_int_eq(pipe(to), 0);
    ck_assert_int_eq(pipe(from), 0);
    fflush(NULL);
    holder.process = fork();
    ck_assert_int_ge(holder.process, 0);
    if (holder.process == 0) {
        close(to[1]);
        close(from[0]);
        hold_lock(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    holder.to   = to[1];
    holder.from = from[0];
    return holder;
}

static void holder_does(const struct holder *holder)
{
    char byte;

    ck_assert_int_eq(write(holder->to, "x", 1), 1);
    ck_assert_int_eq(read(holder->from, &byte, 1), 1);
}

static void holder_end(const struct holder *holder)
{
    int status;

    close(holder->to);
    ck_assert_int_eq(waitpid(holder->process, &status, 0), holder->process);
    ck_assert_int_eq(status, 0);
    close(holder->from);
}

START_TEST(a_step_does_not_wait_for_a_process_that_keeps_the_lock)
{
    struct holder holder = holder_start();
    char          path[256] = "";

    setup();
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    snprintf(path, sizeof(path), "%s", stage.address + strlen("embedded:"));
    ck_assert_int_eq(write(holder.to, path, sizeof(path)), sizeof(path));
    for (int i = 0; i < 10; i++)
        stage_feed(&stage, "lines", i % 2 == 0 ? "a" : "b", "to be or not to be");
    app = ks_app_new(topology, stage.config);
    for (int i = 0; i < 500 && (stage_last_i64(&stage, "totals", "be") != 20 ||
                                stage_last_i64(&stage, "totals", "or") != 10); i++) {
        holder_does(&holder);                   /* takes it */
        for (int j = 0; j < STEPS_HELD; j++) {
            step();
            wait_a_moment();
        }
        holder_does(&holder);                   /* lets go */
        for (int j = 0; j < 3; j++) {
            step();
            wait_a_moment();
        }
    }
    ck_assert_int_eq(stage_last_i64(&stage, "totals", "be"), 20);
    ck_assert_int_eq(stage_last_i64(&stage, "totals", "or"), 10);
    holder_end(&holder);
    ck_assert_int_eq(ks_app_close(app, 10000), KS_OK);
    teardown();
}
END_TEST

/* ---- opening ---- */

static void reopen_log(void)
{
    ks_writer_free(stage.writer);
    ks_log_free(stage.log);
    stage.log = ks_log_new(stage.address, NULL);
    ck_assert_int_eq(ks_error_status(ks_log_error(stage.log)), KS_OK);
    stage.writer = ks_log_writer(stage.log, NULL);
}

START_TEST(to_open_a_log_that_is_there_is_not_to_wait_for_a_process_that_keeps_the_lock)
{
    struct holder holder = holder_start();
    char          path[256] = "";

    setup();
    snprintf(path, sizeof(path), "%s", stage.address + strlen("embedded:"));
    ck_assert_int_eq(write(holder.to, path, sizeof(path)), sizeof(path));
    holder_does(&holder);                       /* takes it */
    reopen_log();
    ck_assert_int_eq(ks_log_partitions(stage.log, "lines"), 2);
    holder_does(&holder);                       /* lets go */
    holder_end(&holder);
    teardown();
}
END_TEST

int main(void)
{
    Suite   *s    = suite_create("budget");
    TCase   *disk_case = tcase_create("disk"), *lock = tcase_create("lock");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(disk_case, 60);
    tcase_add_checked_fixture(disk_case, setup, teardown);
    tcase_add_loop_test(disk_case, a_step_does_not_wait_for_the_disk_and_all_is_committed_once, 0,
                        3);
    tcase_add_loop_test(disk_case, an_idle_app_is_not_to_be_stepped_ten_times_a_second, 0, 3);
    suite_add_tcase(s, disk_case);
    tcase_set_timeout(lock, 60);
    tcase_add_loop_test(lock, a_step_does_not_wait_for_a_process_that_keeps_the_lock, 0, 3);
    tcase_add_test(lock,
                   to_open_a_log_that_is_there_is_not_to_wait_for_a_process_that_keeps_the_lock);
    suite_add_tcase(s, lock);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
