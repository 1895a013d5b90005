/* SPDX-License-Identifier: Apache-2.0
 *
 * test_app.c - the life of an app: ways to run it, states, stop, close, pause, handlers, failures.
 */
#include "app_fixture.h"

#include "base/clock.h"
#include "base/io.h"
#include "runtime/app.h"

#include <check.h>
#include <fcntl.h>
#include <kstream/kstream.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- running ---- */

static const char *const guarantees[] = { "at_least_once", "exactly_once_v2", "at_most_once" };

START_TEST(words_are_counted_on_threads_under_every_guarantee)
{
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    start_app();
    stage_feed(&stage, "lines", NULL, "to be or not to be");
    stage_await_i64(&stage, NULL, "totals", "be", 2);
    stage_feed(&stage, "lines", NULL, "be");
    stage_await_i64(&stage, NULL, "totals", "be", 3);
    stage_await_i64(&stage, NULL, "totals", "to", 2);
    stage_await_i64(&stage, NULL, "totals", "or", 1);
    close_app();
}
END_TEST

START_TEST(words_are_counted_in_steps_under_every_guarantee)
{
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    make_app();
    stage_feed(&stage, "lines", NULL, "to be or not to be");
    stage_await_i64(&stage, app, "totals", "be", 2);
    stage_feed(&stage, "lines", NULL, "be");
    stage_await_i64(&stage, app, "totals", "be", 3);
    close_app();
}
END_TEST

START_TEST(a_restart_goes_on_where_the_app_stopped)
{
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    start_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    close_app();
    stage_feed(&stage, "lines", NULL, "a c");
    start_app();
    stage_await_i64(&stage, NULL, "totals", "a", 3);
    stage_await_i64(&stage, NULL, "totals", "b", 1);
    stage_await_i64(&stage, NULL, "totals", "c", 1);
    close_app();
}
END_TEST

START_TEST(processed_records_of_a_repartition_topic_are_forgotten)
{
    int64_t begin = 0, end = -1;

    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "repartition.purge.interval.ms", "20");
    stage_set(&stage, "commit.interval.ms", "20");
    start_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    for (int i = 0; i < 1000 && begin != end; i++) {
        stage_pause(NULL);
        ck_assert_int_eq(ks_log_begin_offset(stage.log, "wc-by-repartition", 0, &begin), KS_OK);
        ck_assert_int_eq(ks_log_end_offset(stage.log, "wc-by-repartition", 0, &end), KS_OK);
    }
    ck_assert_int_eq(begin, 3);
    ck_assert_int_eq(ks_log_begin_offset(stage.log, "lines", 0, &begin), KS_OK);
    ck_assert_int_eq(begin, 0);
    ck_assert_int_eq(ks_log_begin_offset(stage.log, "wc-counts-changelog", 0, &begin), KS_OK);
    ck_assert_int_eq(begin, 0);
    close_app();
    stage_feed(&stage, "lines", NULL, "a");
    start_app();
    stage_await_i64(&stage, NULL, "totals", "a", 3);
    close_app();
}
END_TEST

START_TEST(state_that_is_gone_comes_back_from_the_changelog)
{
    char directory[256];

    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    start_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    close_app();
    snprintf(directory, sizeof(directory), "%s/wc", stage.directory);
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
    stage_feed(&stage, "lines", NULL, "a");
    start_app();
    stage_await_i64(&stage, NULL, "totals", "a", 3);
    close_app();
}
END_TEST

static char discarded[256];

static void keep_discard(ks_log_level level, const char *room, const char *message, void *user)
{
    (void)room, (void)user;
    if (level == KS_LOG_WARN && strstr(message, "its content is discarded") != NULL)
        snprintf(discarded, sizeof(discarded), "%s", message);
}

START_TEST(state_that_is_damaged_comes_back_and_a_line_says_why)
{
    char        path[256];
    struct stat found;

    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    start_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    close_app();
    snprintf(path, sizeof(path), "%s/wc/1_0/data.mdb", stage.directory);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_int_eq(truncate(path, found.st_size / 2), 0);
    stage_feed(&stage, "lines", NULL, "a");
    discarded[0] = '\0';
    make_app();
    ck_assert_int_eq(ks_app_set_logger(app, KS_LOG_WARN, keep_discard, NULL), KS_OK);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    stage_await_i64(&stage, NULL, "totals", "a", 3);
    close_app();
    ck_assert_ptr_nonnull(strstr(discarded, "was cut off"));
}
END_TEST

START_TEST(many_partitions_are_shared_by_many_threads)
{
    char line[64];

    stage_close(&stage);
    stage_open(&stage, _i % 2 == 0 ? STAGE_MEMORY : STAGE_EMBEDDED);
    stage_set(&stage, "num.stream.threads", "3");
    stage_set(&stage, "processing.guarantee", guarantees[_i / 2]);
    stage_set(&stage, "log.sync", "false");
    stage_topic(&stage, "lines", 4);
    stage_topic(&stage, "totals", 2);
    start_app();
    for (int i = 0; i < 400; i++) {
        snprintf(line, sizeof(line), "w%d all w%d", i % 20, (i * 7) % 20);
        stage_append(&stage, "lines", line, line);
    }
    stage_flush(&stage);
    stage_await_i64(&stage, NULL, "totals", "all", 400);
    for (int i = 0; i < 20; i++) {
        snprintf(line, sizeof(line), "w%d", i);
        stage_await_i64(&stage, NULL, "totals", line, 40);
    }
    close_app();
}
END_TEST

START_TEST(two_instances_share_the_work_and_one_takes_over)
{
    ks_app *other;

    stage_close(&stage);
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "lines", 4);
    stage_topic(&stage, "totals", 1);
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    start_app();
    stage_await_state(app, NULL, KS_APP_RUNNING);
    other = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_start(other), KS_OK);
    stage_await_state(other, NULL, KS_APP_RUNNING);
    for (int i = 0; i < 100; i++) {
        char key[16];

        snprintf(key, sizeof(key), "k%d", i);
        stage_append(&stage, "lines", key, "x y");
    }
    stage_flush(&stage);
    stage_await_i64(&stage, NULL, "totals", "x", 100);
    ck_assert_int_eq(ks_app_close(other, 10000), KS_OK);
    ks_app_free(other);
    stage_feed(&stage, "lines", "k1", "x y");
    stage_feed(&stage, "lines", "k2", "x");
    stage_await_i64(&stage, NULL, "totals", "x", 102);
    stage_await_i64(&stage, NULL, "totals", "y", 101);
    close_app();
}
END_TEST

/* Both started by mistake with one group.instance.id: who came first must not come back. */
START_TEST(the_older_of_two_apps_with_one_group_instance_id_is_fenced_for_good)
{
    ks_app *other;

    stage_close(&stage);
    stage_open(&stage, _i % 2 == 0 ? STAGE_MEMORY : STAGE_EMBEDDED);
    stage_topic(&stage, "lines", 1);
    stage_topic(&stage, "totals", 1);
    stage_set(&stage, "processing.guarantee", guarantees[_i / 2]);
    stage_set(&stage, "group.instance.id", "i");
    start_app();
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_i64(&stage, NULL, "totals", "a", 1);
    other = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_start(other), KS_OK);
    stage_await_state(app, NULL, KS_APP_ERROR);
    ck_assert_int_eq(ks_error_status(ks_app_error(app)), KS_EFENCED);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_error(app)), "instance id \"i-1\""));
    stage_feed(&stage, "lines", NULL, "b");
    stage_await_i64(&stage, NULL, "totals", "b", 1);
    ck_assert_int_eq(ks_app_get_state(other), KS_APP_RUNNING);
    ck_assert_int_eq(ks_app_close(other, 10000), KS_OK);
    ks_app_free(other);
}
END_TEST

START_TEST(an_abandoned_instance_leaves_only_what_was_committed)
{
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    stage_set(&stage, "commit.interval.ms", "5s");
    stage_set(&stage, "session.timeout.ms", "300"); /* its group waits so long for it */
    make_app();
    stage_feed(&stage, "lines", NULL, "a a");
    for (int i = 0; i < 50; i++)
        stage_pause(app);
    ck_assert_int_eq(stage_last_i64(&stage, "totals", "a"), -1);
    ks__app_abandon(app);
    ks_app_free(app);
    stage_set(&stage, "commit.interval.ms", "10");
    make_app();
    stage_await_i64(&stage, app, "totals", "a", 2);
    stage_feed(&stage, "lines", NULL, "a");
    stage_await_i64(&stage, app, "totals", "a", 3);
    close_app();
}
END_TEST

/* ---- states ---- */

static char states[512];

static void note_state(ks_app *of, ks_app_state now, ks_app_state before, void *user)
{
    ck_assert_ptr_eq(user, &stage);
    ck_assert_int_eq(ks_app_get_state(of), now);
    strcat(strcat(strcat(strcat(states, ks_app_state_name(before)), ">"), ks_app_state_name(now)),
           " ");
}

START_TEST(the_listener_hears_of_every_state)
{
    states[0] = '\0';
    make_app();
    ck_assert_int_eq(ks_app_set_state_listener(app, note_state, &stage), KS_OK);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_CREATED);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    ck_assert_int_eq(ks_app_set_state_listener(app, note_state, &stage), KS_ESTATE);
    stage_await_state(app, NULL, KS_APP_RUNNING);
    ck_assert_int_eq(ks_app_close(app, 10000), KS_OK);
    ck_assert_str_eq(states, "CREATED>REBALANCING REBALANCING>RUNNING "
                             "RUNNING>PENDING_SHUTDOWN PENDING_SHUTDOWN>NOT_RUNNING ");
}
END_TEST

START_TEST(an_app_that_was_never_started_closes)
{
    make_app();
    ck_assert_int_eq(ks_app_close(app, 0), KS_OK);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_NOT_RUNNING);
    ck_assert_int_eq(ks_app_start(app), KS_ESTATE);
    assert_refused(KS_ESTATE, "ks_app_start: the app was closed");
    ck_assert_int_eq(ks_app_step(app, 0), KS_ESTATE);
    assert_refused(KS_ESTATE, "ks_app_step: the app was closed");
}
END_TEST

START_TEST(stepping_and_threads_do_not_mix)
{
    make_app();
    ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    ck_assert_int_eq(ks_error_status(ks_app_call_error(app)), KS_OK);
    ck_assert_int_eq(ks_app_start(app), KS_ESTATE);
    assert_refused(KS_ESTATE, "ks_app_start: the app is stepped by ks_app_step() already");
    ck_assert_int_eq(ks_app_run(app), KS_ESTATE);
    close_app();
    start_app();
    ck_assert_int_eq(ks_error_status(ks_app_call_error(app)), KS_OK);
    ck_assert_int_eq(ks_app_step(app, 0), KS_ESTATE);
    assert_refused(KS_ESTATE,
                   "ks_app_step: the app was started already, on threads of its own");
    ck_assert_int_eq(ks_app_start(app), KS_ESTATE);
    assert_refused(KS_ESTATE,
                   "ks_app_start: the app was started already, on threads of its own");
    ck_assert_int_eq(ks_app_set_logger(app, KS_LOG_INFO, NULL, NULL), KS_ESTATE);
    assert_refused(KS_ESTATE, "ks_app_set_logger: the app was started already");
    close_app();
}
END_TEST

static atomic_int closed_inside;

static void close_inside(ks_app *of, ks_app_state now, ks_app_state before, void *user)
{
    (void)before, (void)user;
    if (now != KS_APP_RUNNING)
        return;
    closed_inside = ks_app_close(of, -1);
    if (strstr(ks_error_message(ks_app_call_error(of)), "called in a callback") == NULL)
        closed_inside = KS_OK;
}

START_TEST(a_callback_must_not_close_its_app)
{
    closed_inside = KS_OK;
    make_app();
    ck_assert_int_eq(ks_app_set_state_listener(app, close_inside, NULL), KS_OK);
    if (_i == 0)
        ck_assert_int_eq(ks_app_start(app), KS_OK);
    stage_await_state(app, _i == 0 ? NULL : app, KS_APP_RUNNING);
    for (int i = 0; i < 1000 && closed_inside == KS_OK; i++)
        stage_pause(_i == 0 ? NULL : app);
    ck_assert_int_eq(closed_inside, KS_ESTATE);
    ck_assert_int_eq(ks_error_status(ks_app_error(app)), KS_OK);
    close_app();
}
END_TEST

/* Ask what only a thread of the app may be told apart for, from the time before it starts on. */
static void *ask_on(void *user)
{
    ks_snapshot *snapshot;

    for (int i = 0; i < 2000; i++) {
        (void)ks_app_snapshot(user, "counts", KS_QUERIED(.freshness = KS_FRESH, .timeout_ms = 1),
                              &snapshot);
        ks_snapshot_free(snapshot);
    }
    return NULL;
}

START_TEST(a_start_is_watched_and_closed_from_other_threads)
{
    for (int i = 0; i < 10; i++) {
        pthread_t other;

        make_app();
        ck_assert_int_eq(pthread_create(&other, NULL, ask_on, app), 0);
        ck_assert_int_eq(ks_app_start(app), KS_OK);
        ck_assert_int_eq(ks_app_close(app, 10000), KS_OK);
        pthread_join(other, NULL);
        ks_app_free(app);
        app = NULL;
    }
}
END_TEST

/* Threads, locks and files are the parent's. */
START_TEST(a_child_of_fork_gives_back_nothing_and_does_not_hang)
{
    int   status;
    pid_t child;

    start_app();
    stage_feed(&stage, "lines", NULL, "be");
    stage_await_i64(&stage, NULL, "totals", "be", 1);
    child = fork();
    if (child == 0) {
        alarm(30);
        status = ks_app_close(app, -1) == KS_ESTATE ? 0 : 1;
        ks_app_free(app);
        _exit(status);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    stage_feed(&stage, "lines", NULL, "be");
    stage_await_i64(&stage, NULL, "totals", "be", 2);
    close_app();
}
END_TEST

START_TEST(no_app_answers_too)
{
    ck_assert_int_eq(ks_app_run(NULL), KS_ENOMEM);
    ck_assert_int_eq(ks_app_step(NULL, 0), KS_ENOMEM);
    ck_assert_int_eq(ks_app_close(NULL, 0), KS_OK);
    ck_assert_int_eq(ks_error_status(ks_app_error(NULL)), KS_ENOMEM);
    ck_assert_int_eq(ks_app_fd(NULL), -1);
    ck_assert_int_eq(ks_app_next_ms(NULL), -1);
    ks_app_stop(NULL);
    ks_app_pause(NULL);
    ks_app_resume(NULL);
    ks_app_free(NULL);
    ck_assert(!ks_app_is_paused(NULL));
    ck_assert_ptr_null(ks_app_metrics(NULL));
    ck_assert_ptr_null(ks_metrics_next(NULL));
}
END_TEST

/* ---- stopping ---- */

static void stop_from_signal(int number)
{
    (void)number;
    ks_app_stop(app);
}

START_TEST(run_returns_after_a_stop_from_a_signal_handler)
{
    struct sigaction action = { .sa_handler = stop_from_signal };
    struct itimerval timer = { .it_value = { .tv_usec = 300000 } };

    make_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
    ck_assert_int_eq(ks_app_run(app), KS_OK);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_NOT_RUNNING);
    ck_assert_int_eq(stage_last_i64(&stage, "totals", "a"), 2);
    signal(SIGALRM, SIG_DFL);
}
END_TEST

static ks_topology *copying_topology(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *made;

    ks_stream_to(ks_builder_stream(b, "lines", NULL), "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &made), KS_OK);
    ks_builder_free(b);
    return made;
}

START_TEST(close_makes_the_last_commit)
{
    ks_topology_free(topology);
    topology = copying_topology();
    stage_set(&stage, "commit.interval.ms", "9s");
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    make_app();
    stage_feed(&stage, "lines", NULL, "a a");
    for (int i = 0; i < 50; i++)
        stage_pause(app);
    ck_assert_uint_eq(stage_count(&stage, "totals"), 0);
    close_app();
    ck_assert_uint_eq(stage_count(&stage, "totals"), 1);
}
END_TEST

START_TEST(a_paused_app_processes_nothing_until_it_goes_on)
{
    start_app();
    stage_await_state(app, NULL, KS_APP_RUNNING);
    ks_app_pause(app);
    ck_assert(ks_app_is_paused(app));
    for (int i = 0; i < 10; i++)
        stage_pause(NULL);
    stage_feed(&stage, "lines", NULL, "a");
    for (int i = 0; i < 50; i++)
        stage_pause(NULL);
    ck_assert_uint_eq(stage_count(&stage, "totals"), 0);
    ks_app_resume(app);
    stage_await_i64(&stage, NULL, "totals", "a", 1);
    close_app();
}
END_TEST

/* ---- an event loop ---- */

static ks_status commit_if_now(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)user;
    if (ks_bytes_equal(record->value, KS_TEXT("now")))
        ks_ctx_commit(ctx);
    return KS_OK;
}

START_TEST(user_code_asks_for_a_commit)
{
    ks_builder *b = ks_builder_new();
    ks_app     *mine;

    ks_topology_free(topology);
    ks_stream_to(ks_stream_peek(ks_builder_stream(b, "lines", NULL), commit_if_now, NULL, NULL),
                 "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    stage_set(&stage, "transaction.timeout.ms", "120s");
    stage_set(&stage, "commit.interval.ms", "60s");
    mine = ks_app_new(topology, stage.config);
    ck_assert_msg(ks_app_start(mine) == KS_OK, "%s", ks_error_message(ks_app_error(mine)));
    stage_feed(&stage, "lines", NULL, "later");
    stage_feed(&stage, "lines", NULL, "now");
    stage_await_count(&stage, NULL, "totals", 2);
    ks_app_free(mine);
}
END_TEST

START_TEST(a_poll_loop_needs_only_the_descriptor_and_the_timer)
{
    struct pollfd one = { .events = POLLIN };
    int64_t       end = ks__clock_mono_ms(ks__clock_real()) + 10000;
    int           fed = 0;

    make_app();
    ck_assert_int_eq(ks_app_fd(app), -1);
    ck_assert_int_eq(ks_app_next_ms(app), -1);
    ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    ck_assert_int_ge(ks_app_fd(app), 0);
    while (stage_last_i64(&stage, "totals", "a") != 10) {
        int next = ks_app_next_ms(app);

        ck_assert_int_ge(next, 0);
        ck_assert_int_lt(ks__clock_mono_ms(ks__clock_real()), end);
        one.fd = ks_app_fd(app);
        if (poll(&one, 1, next) == 0 && next > 0 && fed < 10 && ++fed)
            stage_feed(&stage, "lines", NULL, "a");
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
    }
    close_app();
}
END_TEST

START_TEST(a_written_record_makes_the_descriptor_readable)
{
    struct pollfd one = { .events = POLLIN };

    stage_set(&stage, "poll.ms", "60000");
    make_app();
    do {    /* what it sets in motion itself comes to rest */
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
        one.fd = ks_app_fd(app);
    } while (ks_app_get_state(app) != KS_APP_RUNNING || ks_app_next_ms(app) < 1000 ||
             poll(&one, 1, 20) != 0);
    stage_feed(&stage, "lines", NULL, "a");
    ck_assert_int_eq(poll(&one, 1, 5000), 1);
    close_app();
}
END_TEST

/* ---- failures ---- */

static ks_status refuse(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)record, (void)user;
    return ks_ctx_fail(ctx, "no %s", "way");
}

static ks_topology *refusing_topology(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *made;

    ks_stream_to(ks_stream_map_values(ks_builder_stream(b, "lines", NULL), refuse, NULL,
                                      KS_NAMED("refuse")),
                 "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &made), KS_OK);
    ks_builder_free(b);
    return made;
}

static atomic_int asked;

static ks_reaction continue_three_times(const ks_failure *failure, void *user)
{
    (void)user;
    ck_assert_int_eq(failure->kind, KS_FAILURE_PROCESSING);
    ck_assert_str_eq(failure->node, "refuse");
    ck_assert_str_eq(failure->task, "0_0");
    ck_assert_str_eq(failure->origin.topic, "lines");
    return ++asked <= 3 ? KS_REACTION_CONTINUE : KS_REACTION_FAIL;
}

START_TEST(a_failure_in_user_code_ends_the_app_with_its_text)
{
    ks_topology_free(topology);
    topology = refusing_topology();
    states[0] = '\0';
    make_app();
    ck_assert_int_eq(ks_app_set_state_listener(app, note_state, &stage), KS_OK);
    stage_feed(&stage, "lines", NULL, "a");
    ck_assert_int_eq(ks_app_run(app), KS_EUSER);
    ck_assert_int_eq(ks_app_get_state(app), KS_APP_ERROR);
    ck_assert_str_eq(ks_error_message(ks_app_error(app)),
                     "task 0_0: node \"refuse\", lines-0 offset 0: no way");
    ck_assert_ptr_nonnull(strstr(states, "PENDING_ERROR PENDING_ERROR>ERROR "));
}
END_TEST

/* Files may not be written, as on a full disk. False = none may; the log is in memory. */
static void let_write(bool yes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = yes ? limit.rlim_max : 0;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#define MANY_WORDS 20000

/* Start word count, fill the disk, and feed it more than it may keep in memory. */
static void start_on_a_full_disk(const char *guarantee, const char *task_timeout)
{
    char word[16];

    stage_set(&stage, "processing.guarantee", guarantee);
    stage_set(&stage, "task.timeout.ms", task_timeout);
    stage_set(&stage, "commit.interval.ms", "10");
    stage_set(&stage, "state.flush.bytes", "64KiB");
    start_app();
    stage_feed(&stage, "lines", NULL, "first");
    stage_await_count(&stage, NULL, "totals", 1);
    let_write(false);
    for (int i = 0; i < MANY_WORDS; i++) {
        snprintf(word, sizeof(word), "w%d", i);
        stage_append(&stage, "lines", NULL, word);
        if (i % 1000 == 0)
            stage_flush(&stage);
    }
    stage_flush(&stage);
}

/* Until nothing comes any more for a while. */
static size_t settled_count(void)
{
    size_t count = 0, before;
    int    same  = 0;

    for (int i = 0; i < 500 && same < 30; i++) {
        before = count;
        stage_pause(NULL);
        poll(NULL, 0, 10);
        count = stage_count(&stage, "totals");
        same  = count == before && count > 1 ? same + 1 : 0;
    }
    return count;
}

START_TEST(when_the_disk_is_full_an_app_waits_for_room)
{
    start_on_a_full_disk(guarantees[_i], "60s");
    size_t       settled = settled_count();
    ks_app_state state   = ks_app_get_state(app);
    let_write(true);    /* Check writes files too */
    ck_assert_uint_lt(settled, MANY_WORDS);
    ck_assert_int_eq(state, KS_APP_RUNNING);
    stage_await_count(&stage, NULL, "totals", MANY_WORDS + 1);
    close_app();
}
END_TEST

START_TEST(a_disk_that_stays_full_ends_the_app)
{
    start_on_a_full_disk("exactly_once_v2", "300");
    stage_await_state(app, NULL, KS_APP_ERROR);
    ck_assert_int_eq(ks_error_status(ks_app_error(app)), KS_EFULL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_error(app)), stage.directory));
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_error(app)), "task.timeout.ms"));
    let_write(true);
}
END_TEST

/* Little state: it fits in memory for ever, and would never be written. */
START_TEST(state_that_outgrows_its_map_ends_the_app_though_memory_would_hold_it)
{
    static char word[40000];
    ks_metrics *metrics;
    int64_t     failed = 0, waiting = 0;

    memset(word, 'x', sizeof(word) - 1);
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "state.map.bytes", "1MiB");
    stage_set(&stage, "state.flush.ms", "20");
    stage_set(&stage, "task.timeout.ms", "500");
    start_app();
    for (int i = 0; i < 60; i++) {
        snprintf(word, 10, "%09d", i);
        word[9] = 'x';
        stage_append(&stage, "lines", NULL, word);
    }
    stage_flush(&stage);
    while (ks_app_get_state(app) != KS_APP_PENDING_ERROR && ks_app_get_state(app) != KS_APP_ERROR &&
           failed == 0) {
        stage_pause(NULL);
        metrics = ks_app_metrics(app);
        failed  = ks_metrics_sum(metrics, "state-write-errors-total", NULL);
        waiting = ks_metrics_sum(metrics, "state-unwritten-bytes", NULL);
        ks_metrics_free(metrics);
    }
    ck_assert_int_gt(failed, 0);
    ck_assert_int_gt(waiting, 1000);
    stage_await_state(app, NULL, KS_APP_ERROR);
    ck_assert_int_eq(ks_error_status(ks_app_error(app)), KS_EFULL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_error(app)), stage.directory));
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_app_error(app)), "MDB_MAP_FULL"));
}
END_TEST

static ks_status misuse(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_ESTATE;
}

START_TEST(an_app_that_user_code_failed_with_any_status_is_freed)
{
    ks_builder *b = ks_builder_new();

    ks_topology_free(topology);
    ks_stream_foreach(ks_builder_stream(b, "lines", NULL), misuse, NULL, NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    make_app();
    stage_feed(&stage, "lines", NULL, "a");
    ck_assert_int_eq(ks_app_run(app), KS_ESTATE);
    ks_app_free(app);
    app = NULL;
}
END_TEST

static ks_status forward(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)self;
    ks_ctx_forward(ctx, record);
    return KS_OK;
}

static const ks_processor forwarder = KS_PROCESSOR(.process = forward);

/* The text of a name "s7". */
static const char *name_of(int n)
{
    static char name[16];

    snprintf(name, sizeof(name), "s%d", n);
    return name;
}

START_TEST(a_task_has_as_many_stores_as_it_wants)
{
    ks_builder *b = ks_builder_new();

    ks_topology_free(topology);
    for (int i = 0; i < 600; i++)
        ks_builder_add_store(b, KS_KV_STORE(name_of(i)));
    ks_stream_to(ks_stream_process(ks_builder_stream(b, "lines", NULL), &forwarder, NULL,
                                   KS_CONNECTED(.name = "all", .stores = { "s0" })),
                 "totals", NULL);
    for (int i = 1; i < 600; i++)
        ks_builder_connect(b, "all", name_of(i));
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    start_app();
    stage_feed(&stage, "lines", "k", "v");
    stage_await_count(&stage, NULL, "totals", 1);
    close_app();
}
END_TEST

static bool keep(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

START_TEST(the_longest_chain_runs)
{
    ks_builder *b      = ks_builder_new();
    ks_stream  *stream = ks_builder_stream(b, "lines", NULL);

    ks_topology_free(topology);
    for (int i = 2; i < 4096; i++)
        stream = i % 2 == 0 ? ks_stream_filter(stream, keep, NULL, NULL)
                            : ks_stream_process(stream, &forwarder, NULL, NULL);
    ks_stream_to(stream, "totals", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    start_app();
    stage_feed(&stage, "lines", "k", "v");
    stage_await_count(&stage, NULL, "totals", 1);
    close_app();
}
END_TEST

START_TEST(the_processing_handler_is_asked)
{
    ks_topology_free(topology);
    topology = refusing_topology();
    asked    = 0;
    make_app();
    ck_assert_int_eq(ks_app_on_failure(app, (ks_failure_kind)9, continue_three_times, NULL),
                     KS_EINVAL);
    ck_assert_int_eq(ks_app_on_failure(app, KS_FAILURE_PROCESSING, continue_three_times, NULL),
                     KS_OK);
    for (int i = 0; i < 4; i++)
        stage_feed(&stage, "lines", NULL, "a");
    ck_assert_int_eq(ks_app_run(app), KS_EUSER);
    ck_assert_int_eq(asked, 4);
}
END_TEST

static ks_reaction replace_twice(const ks_failure *failure, void *user)
{
    (void)user;
    ck_assert_int_eq(failure->kind, KS_FAILURE_UNCAUGHT);
    ck_assert_str_eq(failure->node, "refuse");
    ck_assert_str_eq(failure->task, "0_0");
    ck_assert_str_eq(failure->origin.topic, "lines");
    ck_assert_int_eq(failure->origin.partition, 0);
    ck_assert_int_eq(failure->origin.offset, 0);
    return ++asked <= 2 ? KS_REACTION_REPLACE : KS_REACTION_SHUTDOWN;
}

START_TEST(a_replaced_thread_takes_over_from_the_last_commit)
{
    ks_topology_free(topology);
    topology = refusing_topology();
    asked    = 0;
    make_app();
    ck_assert_int_eq(ks_app_on_failure(app, KS_FAILURE_UNCAUGHT, replace_twice, NULL), KS_OK);
    stage_feed(&stage, "lines", NULL, "a");
    ck_assert_int_eq(ks_app_run(app), KS_EUSER);
    ck_assert_int_eq(asked, 3);
}
END_TEST

static atomic_int lines_logged;

static void note_line(ks_log_level level, const char *room, const char *message, void *user)
{
    (void)user;
    ck_assert_int_le(level, KS_LOG_INFO);
    ck_assert(room[0] != '\0' && message[0] != '\0');
    lines_logged++;
}

START_TEST(the_logger_receives_lines)
{
    lines_logged = 0;
    make_app();
    ck_assert_int_eq(ks_app_set_logger(app, KS_LOG_INFO, note_line, NULL), KS_OK);
    ck_assert_int_eq(ks_app_start(app), KS_OK);
    ck_assert_int_eq(ks_app_set_logger(app, KS_LOG_INFO, NULL, NULL), KS_ESTATE);
    stage_await_state(app, NULL, KS_APP_RUNNING);
    close_app();
    ck_assert_int_gt(lines_logged, 3);
}
END_TEST

/* Outputs may be read before they are committed. */
static void await_commit(void)
{
    for (int64_t commits = 0; commits == 0;) {
        ks_metrics *metrics = ks_app_metrics(app);

        commits = ks_metrics_sum(metrics, "commit-total", NULL);
        ks_metrics_free(metrics);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}

START_TEST(counters_are_read_while_it_runs)
{
    ks_metrics *metrics;
    bool        lag = false;

    start_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_await_i64(&stage, NULL, "totals", "a", 2);
    await_commit();
    metrics = ks_app_metrics(app);
    ck_assert_ptr_nonnull(metrics);
    ck_assert_int_eq(ks_metrics_sum(metrics, "task-count", NULL), 2);
    ck_assert_int_ge(ks_metrics_sum(metrics, "commit-total", NULL), 1);
    ck_assert_int_eq(ks_metrics_sum(metrics, "dropped-records-total", NULL), 0);
    for (const ks_metric *m; (m = ks_metrics_next(metrics)) != NULL;) {
        if (strcmp(m->name, "process-total") == 0 && strcmp(m->node, "split") == 0)
            ck_assert_int_eq(m->value, 1);
        lag = lag || (strcmp(m->name, "records-lag") == 0 && strcmp(m->node, "lines") == 0);
    }
    ck_assert(lag);
    ks_metrics_free(metrics);
    close_app();
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime/app");
    TCase *running = tcase_create("running");
    TCase *life = tcase_create("life");
    TCase *failures = tcase_create("failures");

    tcase_set_timeout(running, 60);
    tcase_set_timeout(life, 60);
    tcase_add_checked_fixture(running, app_setup, app_teardown);
    tcase_add_checked_fixture(life, app_setup, app_teardown);
    tcase_add_checked_fixture(failures, app_setup, app_teardown);
    tcase_add_loop_test(running, words_are_counted_on_threads_under_every_guarantee, 0, 3);
    tcase_add_loop_test(running, words_are_counted_in_steps_under_every_guarantee, 0, 3);
    tcase_add_loop_test(running, a_restart_goes_on_where_the_app_stopped, 0, 3);
    tcase_add_loop_test(running, processed_records_of_a_repartition_topic_are_forgotten, 0, 3);
    tcase_add_loop_test(running, state_that_is_gone_comes_back_from_the_changelog, 0, 3);
    tcase_add_loop_test(running, state_that_is_damaged_comes_back_and_a_line_says_why, 0, 3);
    tcase_add_loop_test(running, many_partitions_are_shared_by_many_threads, 0, 6);
    tcase_add_test(running, two_instances_share_the_work_and_one_takes_over);
    tcase_add_loop_test(running,
                        the_older_of_two_apps_with_one_group_instance_id_is_fenced_for_good, 0, 6);
    tcase_add_test(running, an_abandoned_instance_leaves_only_what_was_committed);
    tcase_add_test(life, the_listener_hears_of_every_state);
    tcase_add_test(life, an_app_that_was_never_started_closes);
    tcase_add_test(life, stepping_and_threads_do_not_mix);
    tcase_add_loop_test(life, a_callback_must_not_close_its_app, 0, 2);
    tcase_add_test(life, a_start_is_watched_and_closed_from_other_threads);
    tcase_add_test(life, a_child_of_fork_gives_back_nothing_and_does_not_hang);
    tcase_add_test(life, no_app_answers_too);
    tcase_add_test(life, run_returns_after_a_stop_from_a_signal_handler);
    tcase_add_test(life, close_makes_the_last_commit);
    tcase_add_test(life, user_code_asks_for_a_commit);
    tcase_add_test(life, a_paused_app_processes_nothing_until_it_goes_on);
    tcase_add_test(life, a_poll_loop_needs_only_the_descriptor_and_the_timer);
    tcase_add_test(life, a_written_record_makes_the_descriptor_readable);
    tcase_add_test(life, counters_are_read_while_it_runs);
    tcase_add_test(failures, a_failure_in_user_code_ends_the_app_with_its_text);
    tcase_add_loop_test(failures, when_the_disk_is_full_an_app_waits_for_room, 0, 3);
    tcase_add_test(failures, a_disk_that_stays_full_ends_the_app);
    tcase_add_loop_test(failures,
                        state_that_outgrows_its_map_ends_the_app_though_memory_would_hold_it, 0, 3);
    tcase_add_test(failures, an_app_that_user_code_failed_with_any_status_is_freed);
    tcase_add_test(failures, a_task_has_as_many_stores_as_it_wants);
    tcase_add_test(failures, the_longest_chain_runs);
    tcase_add_test(failures, the_processing_handler_is_asked);
    tcase_add_test(failures, a_replaced_thread_takes_over_from_the_last_commit);
    tcase_add_test(failures, the_logger_receives_lines);
    suite_add_tcase(suite, running);
    suite_add_tcase(suite, life);
    suite_add_tcase(suite, failures);
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
