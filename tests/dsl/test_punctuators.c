/* SPDX-License-Identifier: Apache-2.0
 *
 * test_punctuators.c - schedules of processors: starts, cancelling, restarts. Times with a start
 * are what Kafka Streams 4.3.1 gives for the same calls.
 */
#include "dsl/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What happened: "rec@1 fire@5 ...". */
static char story[1024];

static void tell(const char *what, int64_t time_ms)
{
    const size_t at = strlen(story);

    snprintf(story + at, sizeof(story) - at, "%s%s@%lld", at > 0 ? " " : "", what,
             (long long)time_ms);
}

static void story_is(const char *expected)
{
    ck_assert_str_eq(story, expected);
    story[0] = '\0';
}

/* ---- a processor that schedules from 25 on, every 10 ms ---- */

static struct plan {
    ks_time_kind kind;
    bool         late;       /* scheduled with the first record, not in open */
    int          cancel_at;  /* the n-th call cancels and schedules again; 0 = none */
    bool         forwards;
    int64_t      start_ms;   /* -1 = none */
} plan;

struct punctual {
    ks_punctuation *punctuation;
    int             calls;
};

static ks_status again(ks_ctx *ctx, int64_t now_ms, void *user)
{
    (void)ctx, (void)user;
    tell("again", now_ms);
    return KS_OK;
}

static ks_status fire(ks_ctx *ctx, int64_t now_ms, void *user)
{
    struct punctual *self = user;
    ks_origin        origin;

    tell("fire", now_ms);
    ck_assert(!ks_ctx_origin(ctx, &origin));
    if (plan.forwards)
        ks_ctx_forward(ctx, &(ks_record){ .key          = KS_TEXT("tick"),
                                          .value        = ks_ctx_i64(ctx, now_ms),
                                          .timestamp_ms = now_ms });
    if (++self->calls == plan.cancel_at) {
        ks_punctuation_cancel(ctx, self->punctuation);
        ks_punctuation_cancel(ctx, self->punctuation);
        ks_ctx_schedule_at(ctx, now_ms + 7, 100, plan.kind, again, NULL);
    }
    return KS_OK;
}

static void schedule(ks_ctx *ctx, struct punctual *self)
{
    self->punctuation = plan.start_ms >= 0
                            ? ks_ctx_schedule_at(ctx, plan.start_ms, 10, plan.kind, fire, self)
                            : ks_ctx_schedule(ctx, 10, plan.kind, fire, self);
}

static ks_status punctual_open(ks_ctx *ctx, void *self, void *user)
{
    (void)user;
    if (!plan.late)
        schedule(ctx, self);
    return KS_OK;
}

static ks_status punctual_process(ks_ctx *ctx, const ks_record *record, void *self)
{
    struct punctual *mine = self;

    tell("rec", record->timestamp_ms);
    if (plan.late && mine->punctuation == NULL)
        schedule(ctx, mine);
    return KS_OK;
}

static const ks_processor punctual = KS_PROCESSOR(.state_size = sizeof(struct punctual),
                                                  .open = punctual_open,
                                                  .process = punctual_process);

static void declare(void)
{
    ks_stream_to(ks_stream_process(text_stream("in"), &punctual, NULL, NULL), "out", NULL);
}

static void records_at(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++)
        feed("in", "k", "v", times[i]);
}

#define RECORDS_AT(...)                                        \
    records_at((const int64_t[]){ __VA_ARGS__ },               \
               sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

/* ---- starts ---- */

START_TEST(stream_time_reaches_the_start_and_then_its_grid)
{
    plan = (struct plan){ .kind = KS_STREAM_TIME, .cancel_at = 3, .start_ms = 25 };
    declare();
    flow_start();
    RECORDS_AT(0, 24, 25, 31, 35, 60, 66, 67, 68, 200);
    story_is("rec@0 rec@24 rec@25 fire@25 rec@31 rec@35 fire@35 rec@60 fire@60 rec@66 rec@67 "
             "again@67 rec@68 rec@200 again@200");
}
END_TEST

START_TEST(a_start_that_lies_behind_is_followed_by_the_next_point_of_its_grid)
{
    plan = (struct plan){ .kind = KS_STREAM_TIME, .late = true, .cancel_at = 3, .start_ms = 25 };
    declare();
    flow_start();
    RECORDS_AT(100, 101, 104, 105, 106, 130, 140, 150, 151);
    story_is("rec@100 rec@101 rec@104 rec@105 fire@105 rec@106 rec@130 fire@130 rec@140 fire@140 "
             "rec@150 again@150 rec@151");
}
END_TEST

START_TEST(a_start_that_is_now_fires_at_once)
{
    plan = (struct plan){ .kind = KS_STREAM_TIME, .late = true, .start_ms = 25 };
    declare();
    flow_start();
    RECORDS_AT(25, 25, 34, 35);
    story_is("rec@25 fire@25 rec@25 rec@34 rec@35 fire@35");
}
END_TEST

START_TEST(the_wall_clock_reaches_the_start_and_then_its_grid)
{
    static const int64_t steps[] = { 10, 14, 1, 5, 5, 25, 6, 1, 200 };

    plan = (struct plan){ .kind = KS_WALL_CLOCK_TIME, .cancel_at = 3, .start_ms = 25 };
    declare();
    flow_start();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        ck_assert_int_eq(ks_driver_advance(flow.driver, steps[i]), KS_OK);
    story_is("fire@25 fire@35 fire@60 again@67 again@267");
}
END_TEST

static ks_status ill_start(ks_ctx *ctx, void *self, void *user)
{
    (void)self;
    ck_assert_ptr_null(ks_ctx_schedule_at(ctx, *(const int64_t *)user, 10, KS_STREAM_TIME, fire,
                                          NULL));
    return KS_OK;
}

START_TEST(a_negative_start_is_refused)
{
    static const ks_processor ill = KS_PROCESSOR(.open = ill_start, .process = punctual_process);
    int64_t start = -1;

    ks_stream_process(text_stream("in"), &ill, &start, NULL);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    flow.driver = ks_driver_new(flow.topology, NULL, NULL);
    ck_assert_int_eq(ks_error_status(ks_driver_error(flow.driver)), KS_EINVAL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_driver_error(flow.driver)),
                                 "the start must not be negative"));
}
END_TEST

/* ---- forwarding ---- */

START_TEST(a_punctuator_forwards_records_of_its_own)
{
    plan = (struct plan){ .kind = KS_WALL_CLOCK_TIME, .forwards = true, .start_ms = -1 };
    declare();
    flow_start();
    ck_assert_int_eq(ks_driver_advance(flow.driver, 10), KS_OK);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 25), KS_OK);
    story_is("fire@10 fire@35");
    expect_i64("out", "tick", 10, 10);
    expect_i64("out", "tick", 35, 35);
    expect_nothing("out");
}
END_TEST

/* ---- restarts ---- */

static char directory[] = "/tmp/kstream-punctuators-XXXXXX";

static void open_again(void)
{
    ks_driver_free(flow.driver);
    flow.driver = ks_driver_new(flow.topology, NULL, directory);
    ck_assert_msg(ks_error_status(ks_driver_error(flow.driver)) == KS_OK, "%s",
                  ks_error_message(ks_driver_error(flow.driver)));
}

static void open_first(void)
{
    char *at = directory + strlen(directory) - 6;

    memcpy(at, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    declare();
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    open_again();
}

static void remove_directory(void)
{
    char command[128];

    ks_driver_free(flow.driver);
    flow.driver = NULL;
    snprintf(command, sizeof(command), "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_schedule_goes_on_after_a_restart)
{
    plan = (struct plan){ .kind = KS_STREAM_TIME, .start_ms = _i == 0 ? 25 : -1 };
    open_first();
    RECORDS_AT(26, 27);
    story_is("rec@26 fire@26 rec@27");
    open_again();
    RECORDS_AT(28, 29, 30, 34, 35, 36);
    story_is(_i == 0 ? "rec@28 rec@29 rec@30 rec@34 rec@35 fire@35 rec@36"
                     : "rec@28 rec@29 rec@30 fire@30 rec@34 rec@35 rec@36");
    remove_directory();
}
END_TEST

START_TEST(a_start_far_ahead_is_kept_over_a_restart)
{
    plan = (struct plan){ .kind = KS_WALL_CLOCK_TIME, .start_ms = 1000 };
    open_first();
    ck_assert_int_eq(ks_driver_advance(flow.driver, 500), KS_OK);
    open_again();
    ck_assert_int_eq(ks_driver_advance(flow.driver, 499), KS_OK);
    story_is("");
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_OK);
    story_is("fire@1000");
    remove_directory();
}
END_TEST

START_TEST(another_start_after_a_restart_is_another_grid)
{
    plan = (struct plan){ .kind = KS_WALL_CLOCK_TIME, .start_ms = 25 };
    open_first();
    ck_assert_int_eq(ks_driver_advance(flow.driver, 26), KS_OK);
    story_is("fire@26");
    plan.start_ms = 28;
    open_again();
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_OK);
    story_is("");
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_OK);
    story_is("fire@28");
    remove_directory();
}
END_TEST

START_TEST(a_cancelled_schedule_begins_anew_after_a_restart)
{
    plan = (struct plan){ .kind = KS_STREAM_TIME, .cancel_at = 1, .start_ms = 25 };
    open_first();
    RECORDS_AT(25, 31, 32);
    story_is("rec@25 fire@25 rec@31 rec@32 again@32");
    plan.cancel_at = 0;
    open_again();
    RECORDS_AT(33, 35, 132);
    story_is("rec@33 rec@35 fire@35 rec@132 fire@132");
    remove_directory();
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("dsl/punctuators");
    TCase   *tcase = tcase_create("punctuators");
    SRunner *runner;
    int      failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, flow_setup, flow_teardown);
    tcase_add_test(tcase, stream_time_reaches_the_start_and_then_its_grid);
    tcase_add_test(tcase, a_start_that_lies_behind_is_followed_by_the_next_point_of_its_grid);
    tcase_add_test(tcase, a_start_that_is_now_fires_at_once);
    tcase_add_test(tcase, the_wall_clock_reaches_the_start_and_then_its_grid);
    tcase_add_test(tcase, a_negative_start_is_refused);
    tcase_add_test(tcase, a_punctuator_forwards_records_of_its_own);
    tcase_add_loop_test(tcase, a_schedule_goes_on_after_a_restart, 0, 2);
    tcase_add_test(tcase, a_start_far_ahead_is_kept_over_a_restart);
    tcase_add_test(tcase, another_start_after_a_restart_is_another_grid);
    tcase_add_test(tcase, a_cancelled_schedule_begins_anew_after_a_restart);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
