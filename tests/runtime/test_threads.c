/* SPDX-License-Identifier: Apache-2.0
 *
 * test_threads.c - what an app tells of its threads and tasks, and of metrics of the user's own.
 */
#include "app_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The input of a topic among all tasks that run; false = none. */
static bool find_input(const char *topic, ks_task_input *out)
{
    ks_threads *threads = ks_app_threads(app);
    bool        found   = false;

    ck_assert_ptr_nonnull(threads);
    for (const ks_thread *t; (t = ks_threads_next(threads)) != NULL;)
        for (size_t i = 0; i < t->task_count; i++)
            for (size_t n = 0; n < t->tasks[i]->input_count; n++)
                if (strcmp(t->tasks[i]->inputs[n]->topic, topic) == 0) {
                    ck_assert(!found);
                    ck_assert_int_eq(t->tasks[i]->state, KS_TASK_RUNNING);
                    *out       = *t->tasks[i]->inputs[n];
                    out->topic = topic;
                    found      = true;
                }
    ks_threads_free(threads);
    return found;
}

/* Until so many records are processed and committed. */
static void await_committed(const char *topic, int64_t count, ks_app *stepped)
{
    ks_task_input input = { .committed = -1 };

    for (int i = 0; i < 30000 && input.committed != count; i++) {
        stage_pause(stepped);
        find_input(topic, &input);
    }
    ck_assert_int_eq(input.committed, count);
    ck_assert_int_eq(input.position, count);
    ck_assert_int_eq(input.partition, 0);
}

START_TEST(tasks_tell_how_far_they_are)
{
    ks_task_input input;

    stage_set(&stage, "commit.interval.ms", "20");
    start_app();
    stage_feed(&stage, "lines", NULL, "a b a");
    stage_feed(&stage, "lines", NULL, "a");
    await_committed("lines", 2, NULL);
    for (int i = 0; i < 30000 && (!find_input("lines", &input) || input.end != 2); i++)
        stage_pause(NULL);
    ck_assert_int_eq(input.end, 2);
    close_app();
}
END_TEST

START_TEST(every_thread_is_told_of_with_its_tasks)
{
    ks_threads *threads;
    size_t      count = 0, tasks = 0;

    stage_set(&stage, "num.stream.threads", "3"); /* for two tasks */
    start_app();
    stage_await_state(app, NULL, KS_APP_RUNNING);
    threads = ks_app_threads(app);
    for (const ks_thread *t; (t = ks_threads_next(threads)) != NULL; count++) {
        ck_assert_ptr_nonnull(strstr(t->name, "-StreamThread-"));
        ck_assert_int_eq(t->name[strlen(t->name) - 1], '1' + (int)count);
        ck_assert_int_eq(t->state, KS_THREAD_RUNNING);
        for (size_t i = 0; i < t->task_count; i++) {
            const char *id = t->tasks[i]->id;

            ck_assert_msg(strcmp(id, "0_0") == 0 || strcmp(id, "1_0") == 0, "%s", id);
            ck_assert_int_eq(t->tasks[i]->restore_remaining, 0);
        }
        tasks += t->task_count;
    }
    ck_assert_ptr_null(ks_threads_next(threads));
    ks_threads_free(threads);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(tasks, 2);
    close_app();
}
END_TEST

static ks_thread_state state_of_first(size_t *tasks)
{
    ks_threads      *threads = ks_app_threads(app);
    const ks_thread *first   = ks_threads_next(threads);
    ks_thread_state  state;

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(ks_threads_next(threads));
    state  = first->state;
    *tasks = first->task_count;
    ks_threads_free(threads);
    return state;
}

START_TEST(a_thread_goes_from_starting_to_ended)
{
    ks_threads *none;
    size_t      tasks;

    make_app();
    none = ks_app_threads(app);
    ck_assert_ptr_nonnull(none);
    ck_assert_ptr_null(ks_threads_next(none)); /* before the start */
    ks_threads_free(none);
    ck_assert_int_eq(ks_app_step(app, 0), KS_OK);
    ck_assert_int_eq(state_of_first(&tasks), KS_THREAD_STARTING);
    stage_await_state(app, app, KS_APP_RUNNING);
    ck_assert_int_eq(state_of_first(&tasks), KS_THREAD_RUNNING);
    ck_assert_uint_eq(tasks, 2);
    stage_feed(&stage, "lines", NULL, "a");
    await_committed("lines", 1, app);
    ck_assert_int_eq(ks_app_close(app, 10000), KS_OK);
    ck_assert_int_eq(state_of_first(&tasks), KS_THREAD_ENDED);
    ck_assert_uint_eq(tasks, 0);
}
END_TEST

/* A table of "wide": a store in each of its tasks. */
static ks_topology *copy_of_wide(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *built;

    ks_builder_table(b, "wide", NULL, KS_MATERIALIZED(.store = "rows"));
    ck_assert_int_eq(ks_builder_build(b, &built), KS_OK);
    ks_builder_free(b);
    return built;
}

static size_t tasks_of(ks_app *one)
{
    ks_threads *threads = ks_app_threads(one);
    size_t      running = 0;

    for (const ks_thread *t; (t = ks_threads_next(threads)) != NULL;)
        for (size_t i = 0; i < t->task_count; i++)
            running += t->tasks[i]->state == KS_TASK_RUNNING;
    ks_threads_free(threads);
    return running;
}

static void await_tasks(ks_app *one, size_t count)
{
    for (int i = 0; i < 30000 && tasks_of(one) != count; i++)
        stage_pause(NULL);
    ck_assert_uint_eq(tasks_of(one), count);
}

/* Instead of adding threads to an app, and removing them. */
START_TEST(a_second_app_in_the_process_brings_threads_and_takes_them_away)
{
    ks_app *more;

    stage_topic(&stage, "wide", 4);
    ks_topology_free(topology);
    topology = copy_of_wide();
    start_app();
    await_tasks(app, 4);
    more = ks_app_new(topology, stage.config);
    ck_assert_int_eq(ks_app_start(more), KS_OK);
    await_tasks(more, 2);
    await_tasks(app, 2);
    ck_assert_int_eq(ks_app_close(more, 10000), KS_OK);
    ks_app_free(more);
    await_tasks(app, 4);
    close_app();
}
END_TEST

/* A metric for each value, made when it comes. */
static ks_status count_value(ks_ctx *ctx, const ks_record *record, void *user)
{
    char name[32];

    (void)user;
    snprintf(name, sizeof(name), "%.*s-total", KS_BYTES_ARG(record->value));
    ks_counter_add(ks_ctx_counter(ctx, name), 1);
    ks_latency_add(ks_ctx_latency(ctx, "value"), 5);
    return KS_OK;
}

static ks_topology *counting(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *built;

    ks_stream_foreach(ks_builder_stream(b, "lines", NULL), count_value, NULL, NULL);
    ck_assert_int_eq(ks_builder_build(b, &built), KS_OK);
    ks_builder_free(b);
    return built;
}

static int64_t sum_of(const char *name)
{
    ks_metrics *metrics = ks_app_metrics(app);
    int64_t     sum     = ks_metrics_sum(metrics, name, NULL);

    ks_metrics_free(metrics);
    return sum;
}

START_TEST(metrics_of_the_users_own_are_read_while_they_are_made)
{
    ks_topology_free(topology);
    topology = counting();
    start_app();
    for (int i = 0; i < 50; i++) {
        char value[16];

        snprintf(value, sizeof(value), "v%d", i);
        stage_feed(&stage, "lines", NULL, value);
        sum_of("value-total");
    }
    for (int i = 0; i < 30000 && sum_of("v49-total") == 0; i++)
        stage_pause(NULL);
    ck_assert_int_eq(sum_of("v49-total"), 1);
    ck_assert_int_eq(sum_of("v0-total"), 1);
    for (int i = 0; i < 30000 && sum_of("value-latency-total") < 250; i++)
        stage_pause(NULL);
    ck_assert_int_eq(sum_of("value-latency-total"), 250);
    ck_assert_int_eq(sum_of("value-latency-max"), 5);
    close_app();
}
END_TEST

START_TEST(without_an_app_there_are_none)
{
    ck_assert_ptr_null(ks_app_threads(NULL));
    ck_assert_ptr_null(ks_threads_next(NULL));
    ks_threads_free(NULL);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("runtime/threads");
    TCase   *cases  = tcase_create("threads");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, app_setup, app_teardown);
    tcase_add_test(cases, tasks_tell_how_far_they_are);
    tcase_add_test(cases, every_thread_is_told_of_with_its_tasks);
    tcase_add_test(cases, a_thread_goes_from_starting_to_ended);
    tcase_add_test(cases, a_second_app_in_the_process_brings_threads_and_takes_them_away);
    tcase_add_test(cases, metrics_of_the_users_own_are_read_while_they_are_made);
    tcase_add_test(cases, without_an_app_there_are_none);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
