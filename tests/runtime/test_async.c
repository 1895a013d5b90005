/* SPDX-License-Identifier: Apache-2.0
 *
 * map_async in apps: a pool of threads answers, out of order, while apps work, rebalance and die.
 */
#include "runtime/app.h"
#include "support/stage.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MOST 4096
#define WORKERS   3

/* ---- the pool ---- */

struct job {
    ks_pending      *pending;
    const ks_record *record;
};

static struct pool {
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    pthread_t       threads[WORKERS];
    struct job      jobs[JOBS_MOST];
    size_t          count;
    size_t          started;  /* calls of start, ever */
    bool            held;     /* nobody works */
    bool            ended;
    int             forgets;  /* so many are not answered at first */
    ks_pending     *forgotten[8];
    int             forgotten_count;
} pool;

static void *work(void *user)
{
    unsigned seed = (unsigned)(uintptr_t)user;

    pthread_mutex_lock(&pool.lock);
    while (!pool.ended) {
        struct job job;
        size_t     n;

        if (pool.count == 0 || pool.held) {
            pthread_cond_wait(&pool.changed, &pool.lock);
            continue;
        }
        n            = (size_t)rand_r(&seed) % pool.count;
        job          = pool.jobs[n];
        pool.jobs[n] = pool.jobs[--pool.count];
        pthread_mutex_unlock(&pool.lock);
        if (n % 4 == 0)
            usleep(50);
        ks_pending_complete(job.pending, job.record->value);
        pthread_mutex_lock(&pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

static ks_status ask(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
{
    (void)ctx, (void)user;
    pthread_mutex_lock(&pool.lock);
    pool.started++;
    if (pool.forgets > 0) {
        pool.forgets--;
        pool.forgotten[pool.forgotten_count++] = pending;
    } else {
        ck_assert_uint_lt(pool.count, JOBS_MOST);
        pool.jobs[pool.count++] = (struct job){ pending, record };
        pthread_cond_signal(&pool.changed);
    }
    pthread_mutex_unlock(&pool.lock);
    return KS_OK;
}

static void pool_open(void)
{
    pool = (struct pool){ .count = 0 };
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.changed, NULL);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&pool.threads[i], NULL, work, (void *)(uintptr_t)(i + 1));
}

static void pool_set(bool held, bool ended)
{
    pthread_mutex_lock(&pool.lock);
    pool.held  = held;
    pool.ended = ended;
    pthread_cond_broadcast(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
}

static size_t pool_started(void)
{
    size_t started;

    pthread_mutex_lock(&pool.lock);
    started = pool.started;
    pthread_mutex_unlock(&pool.lock);
    return started;
}

static size_t pool_waiting(void)
{
    size_t waiting;

    pthread_mutex_lock(&pool.lock);
    waiting = pool.count;
    pthread_mutex_unlock(&pool.lock);
    return waiting;
}

/* All apps are gone by then. */
static void pool_close(void)
{
    pool_set(false, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(pool.threads[i], NULL);
    while (pool.count > 0)
        ks_pending_free(pool.jobs[--pool.count].pending);
    while (pool.forgotten_count > 0)
        ks_pending_complete(pool.forgotten[--pool.forgotten_count], KS_TEXT("much too late"));
    pthread_mutex_destroy(&pool.lock);
    pthread_cond_destroy(&pool.changed);
}

/* ---- apps ---- */

static struct stage stage;
static ks_topology *topology;
static ks_app      *app, *other;

static void declare(const ks_async *async)
{
    ks_builder *b    = ks_builder_new();
    ks_stream  *in   = ks_builder_stream(b, "in", KS_CONSUMED(.key   = ks_serde_utf8(),
                                                              .value = ks_serde_utf8()));

    ks_stream_to(ks_stream_map_async(in, ask, NULL, async), "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
}

static void setup(void)
{
    stage_open(&stage, STAGE_MEMORY);
    stage_topic(&stage, "in", 2);
    stage_topic(&stage, "out", 2);
    stage_set(&stage, "commit.interval.ms", "20");
    pool_open();
    app = other = NULL;
    topology    = NULL;
}

static void teardown(void)
{
    ks_app_free(app);
    ks_app_free(other);
    ks_topology_free(topology);
    pool_close();
    stage_close(&stage);
}

static ks_app *start(void)
{
    ks_app *started = ks_app_new(topology, stage.config);

    ck_assert_msg(ks_app_start(started) == KS_OK, "%s", ks_error_message(ks_app_error(started)));
    return started;
}

static void end(ks_app **which)
{
    ck_assert_msg(ks_app_close(*which, 20000) == KS_OK, "%s",
                  ks_error_message(ks_app_error(*which)));
    ks_app_free(*which);
    *which = NULL;
}

static void feed(int from, int to)
{
    char key[16], value[16];

    for (int i = from; i < to; i++) {
        snprintf(key, sizeof(key), "k%d", i % 7);
        snprintf(value, sizeof(value), "%d", i);
        stage_append(&stage, "in", key, value);
    }
    stage_flush(&stage);
}

/* ---- what came out ---- */

#define VALUES_MOST 2000

static struct seen {
    int count[VALUES_MOST]; /* of each value */
    int last[7];            /* of each key: the last value */
    int back;               /* a value came after a larger one of its key */
    int all;
} seen;

static void look_at(const char *topic, int values)
{
    ks_reader *reader = ks_log_reader(stage.log, NULL);

    seen = (struct seen){ .all = 0 };
    for (int k = 0; k < 7; k++)
        seen.last[k] = -1;
    for (int32_t p = 0; p < 2; p++)
        ck_assert_int_eq(ks_reader_assign(reader, topic, p, 0), KS_OK);
    for (ks_entry entry; ks_reader_next(reader, 50, &entry);) {
        char text[16] = "";
        int  value, key;

        memcpy(text, entry.record.value.data, entry.record.value.size);
        value = atoi(text);
        key   = ((const char *)entry.record.key.data)[1] - '0';
        ck_assert_int_lt(value, values);
        seen.count[value]++;
        seen.back += value <= seen.last[key];
        seen.last[key] = value;
        seen.all++;
    }
    ks_reader_free(reader);
}

static int missing(int values)
{
    int none = 0;

    for (int i = 0; i < values; i++)
        none += seen.count[i] == 0;
    return none;
}

/* At least once some come twice: wait until all have come. */
static void await_all(int values)
{
    for (int i = 0; i < 200; i++) {
        look_at("out", values);
        if (missing(values) == 0)
            return;
    }
    ck_abort_msg("%d of %d are missing", missing(values), values);
}

/* Every value is there; exactly once in the order of its key. */
static void check_output(int values, bool exactly)
{
    look_at("out", values);
    ck_assert_int_eq(missing(values), 0);
    if (!exactly)
        return;
    ck_assert_int_eq(seen.all, values);
    ck_assert_int_eq(seen.back, 0);
}

/* ---- tests ---- */

static const char *const guarantees[] = { "exactly_once_v2", "at_least_once", "at_most_once" };

START_TEST(answers_of_a_pool_come_out_in_order_under_every_guarantee)
{
    declare(KS_ASYNC(.max_pending = 16));
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    app = start();
    feed(0, 500);
    stage_await_count(&stage, NULL, "out", 500);
    end(&app);
    check_output(500, true);
    ck_assert_uint_eq(pool_started(), 500);
}
END_TEST

START_TEST(no_more_calls_are_made_than_allowed)
{
    declare(KS_ASYNC(.max_pending = 5));
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    pool_set(true, false);
    app = start();
    feed(0, 100);
    while (pool_started() < 10) /* five per task */
        usleep(1000);
    usleep(50000);
    ck_assert_uint_eq(pool_started(), 10);
    pool_set(false, false);
    stage_await_count(&stage, NULL, "out", 100);
    end(&app);
    check_output(100, true);
}
END_TEST

/* Partitions move between two apps while calls are under way. */
START_TEST(a_rebalance_loses_nothing_that_waits)
{
    declare(KS_ASYNC(.max_pending = 16));
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    app = start();
    feed(0, 300);
    while (pool_started() < 20)
        usleep(1000);
    other = start();
    feed(300, 600);
    while (pool_started() < 400)
        usleep(1000);
    end(&app);
    feed(600, 900);
    await_all(900);
    end(&other);
    check_output(900, _i == 0);
}
END_TEST

/* Killed with calls under way, which are answered later: the next one asks again. */
START_TEST(a_killed_app_loses_nothing_that_waits)
{
    declare(KS_ASYNC(.max_pending = 16));
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    stage_set(&stage, "session.timeout.ms", "300");
    app = ks_app_new(topology, stage.config);
    feed(0, 200);
    while (pool_started() < 60)
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
    pool_set(true, false);
    while (pool_waiting() == 0)
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
    ks__app_abandon(app);
    ks_app_free(app);
    app = NULL;
    pool_set(false, false);
    other = start();
    await_all(200);
    end(&other);
    check_output(200, _i == 0);
    ck_assert_uint_gt(pool_started(), 200);
}
END_TEST

/* ---- state ---- */

/* A count that sees what overtakes: below the calls, or beside them. */
static void declare_count(bool beside)
{
    ks_builder *b     = ks_builder_new();
    ks_stream  *in    = ks_builder_stream(b, "one", KS_CONSUMED(.key   = ks_serde_utf8(),
                                                                .value = ks_serde_utf8()));
    ks_stream  *rated = ks_stream_map_async(in, ask, NULL, KS_ASYNC(.timeout_ms = 60000));
    ks_stream  *seen_by_count = beside ? in : rated;
    ks_table   *counts = ks_grouped_stream_count(ks_stream_group_by_key(seen_by_count, NULL),
                                                 KS_MATERIALIZED(.store = "counts",
                                                                 .cache = KS_OFF));

    ks_stream_to(ks_table_to_stream(counts, NULL), "counts", NULL);
    ks_stream_to(rated, "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    stage_topic(&stage, "one", 1);
    stage_topic(&stage, "counts", 1);
}

/* The first has no answer, ten of another key overtake it. */
static void feed_one_slow(void)
{
    pool.forgets = 1;
    stage_append(&stage, "one", "k0", "0");
    for (int i = 0; i < 10; i++)
        stage_append(&stage, "one", "k1", "1");
    stage_flush(&stage);
}

static void step_for(int ms)
{
    for (int i = 0; i < ms; i++) {
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
        usleep(1000);
    }
}

START_TEST(what_overtook_a_slow_call_is_counted_once_over_a_kill)
{
    declare_count(_i == 1);
    stage_set(&stage, "processing.guarantee", "at_least_once");
    stage_set(&stage, "session.timeout.ms", "300");
    feed_one_slow();
    app = ks_app_new(topology, stage.config);
    while (pool_started() < 11)
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
    step_for(200); /* commits are due meanwhile */
    ks__app_abandon(app);
    ks_app_free(app);
    app   = NULL;
    other = start();
    while (pool_started() < 22)
        usleep(1000);
    end(&other);
    ck_assert_int_eq(stage_last_i64(&stage, "counts", "k1"), 10);
    ck_assert_int_eq(stage_last_i64(&stage, "counts", "k0"), 1);
}
END_TEST

static void *let_work(void *user)
{
    usleep(100000);
    pool_set(false, false);
    return user;
}

/* Answers come while it closes: nothing is left for the next one. */
START_TEST(an_orderly_close_waits_for_answers_under_every_guarantee)
{
    pthread_t later;

    declare(KS_ASYNC(.max_pending = 16));
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    pool_set(true, false);
    app = start();
    feed(0, 20);
    while (pool_started() < 20)
        usleep(1000);
    pthread_create(&later, NULL, let_work, NULL);
    end(&app);
    pthread_join(later, NULL);
    check_output(20, true);
    other = start();
    feed(20, 21);
    stage_await_count(&stage, NULL, "out", 21);
    end(&other);
    check_output(21, true);
    ck_assert_uint_eq(pool_started(), 21);
}
END_TEST

/* Nobody answers: the close goes on without, and the next one asks again. */
START_TEST(an_orderly_close_does_not_wait_for_ever)
{
    declare(KS_ASYNC(.timeout_ms = 60000));
    stage_set(&stage, "processing.guarantee", "at_least_once");
    stage_set(&stage, "transaction.timeout.ms", "1000");
    pool.forgets = 1;
    app = start();
    feed(0, 7);
    stage_await_count(&stage, NULL, "out", 6);
    end(&app);
    other = start();
    await_all(7);
    end(&other);
}
END_TEST

/* Without an answer a commit gives up, aborts, and asks again. */
START_TEST(a_call_that_is_never_answered_is_made_again_under_exactly_once)
{
    declare(KS_ASYNC(.max_pending = 16, .timeout_ms = 60000));
    stage_set(&stage, "processing.guarantee", "exactly_once_v2");
    stage_set(&stage, "transaction.timeout.ms", "1000");
    pool.forgets = 3;
    app          = start();
    feed(0, 50);
    stage_await_count(&stage, NULL, "out", 50);
    end(&app);
    check_output(50, true);
    ck_assert_uint_gt(pool_started(), 50);
}
END_TEST

START_TEST(a_timeout_of_a_record_wakes_the_thread)
{
    declare(KS_ASYNC(.timeout_ms = 200));
    stage_set(&stage, "processing.exception.handler", "continue");
    stage_set(&stage, "poll.ms", "60000");
    stage_set(&stage, "processing.guarantee", guarantees[_i]);
    pool.forgets = 3;
    app          = start();
    feed(0, 50);
    stage_await_count(&stage, NULL, "out", 47);
    end(&app);
    look_at("out", 50);
    ck_assert_int_eq(missing(50), 3);
}
END_TEST

START_TEST(an_answer_makes_the_descriptor_of_a_stepped_app_readable)
{
    struct pollfd poller;

    declare(NULL);
    stage_set(&stage, "processing.guarantee", "at_least_once");
    pool_set(true, false);
    app = ks_app_new(topology, stage.config);
    feed(0, 1);
    while (pool_started() < 1)
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
    poller = (struct pollfd){ .fd = ks_app_fd(app), .events = POLLIN };
    while (poll(&poller, 1, 30) == 1)
        ck_assert_int_eq(ks_app_step(app, 1), KS_OK);
    pool_set(false, false);
    ck_assert_int_eq(poll(&poller, 1, 10000), 1);
    stage_await_count(&stage, app, "out", 1);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("async");
    TCase   *cases  = tcase_create("async");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, answers_of_a_pool_come_out_in_order_under_every_guarantee, 0, 3);
    tcase_add_loop_test(cases, no_more_calls_are_made_than_allowed, 0, 3);
    tcase_add_loop_test(cases, a_rebalance_loses_nothing_that_waits, 0, 2);
    tcase_add_loop_test(cases, a_killed_app_loses_nothing_that_waits, 0, 2);
    tcase_add_loop_test(cases, what_overtook_a_slow_call_is_counted_once_over_a_kill, 0, 2);
    tcase_add_loop_test(cases, an_orderly_close_waits_for_answers_under_every_guarantee, 0, 3);
    tcase_add_test(cases, an_orderly_close_does_not_wait_for_ever);
    tcase_add_test(cases, a_call_that_is_never_answered_is_made_again_under_exactly_once);
    tcase_add_loop_test(cases, a_timeout_of_a_record_wakes_the_thread, 0, 3);
    tcase_add_test(cases, an_answer_makes_the_descriptor_of_a_stepped_app_readable);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
