/* SPDX-License-Identifier: Apache-2.0
 *
 * A task over inputs made of arrays: the order of records, the idle rule, what outlives a step, the
 * answers of handlers, appends that the log does not take, at_most_once.
 */
#include "base/io.h"
#include "runtime/commit.h"
#include "runtime/task.h"
#include "topology/meter.h"

#include <kstream/kstream.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- an input made of an array ---- */

struct array_input {
    struct ks__log_record records[16];
    char                  values[16]; /* overwritten when their batch is released */
    size_t                count, drawn;
    int64_t               lag;
    bool                  closed;
};

static ks_status draw(void *object, size_t limit, struct ks__batch *batch)
{
    struct array_input *input = object;
    size_t              count = input->count - input->drawn;

    if (count > limit)
        count = limit;
    *batch = (struct ks__batch){
        .records     = &input->records[input->drawn],
        .count       = count,
        .next_offset = (int64_t)(input->drawn + count),
        .caught_up   = false,
    };
    input->drawn += count;
    return KS_OK;
}

static void release(void *object, struct ks__batch *batch)
{
    struct array_input *input = object;

    for (size_t i = 0; i < batch->count; i++)
        input->values[batch->records[i].offset] = '!'; /* K4: nobody may look any more */
}

static int64_t lag(void *object)
{
    return ((struct array_input *)object)->lag;
}

static void close_input(void *object)
{
    ((struct array_input *)object)->closed = true;
}

static const struct ks__input_class array_class = { draw, release, lag, close_input };

static void give(struct array_input *input, char value, int64_t time)
{
    const size_t n = input->count++;

    input->values[n]  = value;
    input->records[n] = (struct ks__log_record){
        .record = { .value = { &input->values[n], 1 }, .timestamp_ms = time },
        .offset = (int64_t)n,
    };
}

/* ---- the task: two inputs, all values seen are kept ---- */

static char                        seen[64];
static struct array_input          one, two;
static struct ks_topology         *topology;
static struct ks__settings         settings;
static struct ks__manual_clock     clock_by_hand;
static struct ks__cluster         *cluster;
static struct ks__session         *session;
static struct ks__commit           commit;
static struct ks__failure_handlers handlers;
static struct ks__task            *task;
static int                         append_failures;

static ks_status see(ks_ctx *ctx, const ks_record *record, void *user)
{
    const char value = *(const char *)record->value.data;

    (void)user;
    ks_counter_add(ks_ctx_counter(ctx, "seen-total"), 1);
    if (value == '?')
        return ks_ctx_fail(ctx, "a question");
    seen[strlen(seen)] = value;
    return KS_OK;
}

static void open_topology(ks_stream *last, ks_builder *b, ks_config *config,
                          const char *directory)
{
    static const int all[] = { 0 };
    ks_error         error = { .status = KS_OK };

    ks_stream_to(last, "out", NULL);
    ck_assert_int_eq(ks_builder_build(b, &topology), KS_OK);
    ks_builder_free(b);
    ks_config_set(config, "processing.exception.handler", "continue");
    ck_assert_int_eq(ks__settings_read(&settings, config, true, &error), KS_OK);
    ks_config_free(config);

    ks__manual_clock_init(&clock_by_hand, 0);
    ck_assert_int_eq(ks__cluster_open(&cluster, "memory:test-task", &(struct ks__cluster_options){
        .clock = &clock_by_hand.clock }, &error), KS_OK);
    ck_assert_int_eq(ks__cluster_create(cluster, &(struct ks__topic_spec){
        .name = "out", .partitions = 1, .retention_ms = -1 }, 1, -1, &error), KS_OK);
    ck_assert_int_eq(ks__session_open(&session, cluster, &(struct ks__session_options){
        .group = "test", .transactional_id = settings.guarantee == KS__EXACTLY_ONCE_V2 ? "test"
                                                                                       : NULL,
    }, &error), KS_OK);
    ck_assert_msg(ks__task_open(&task, &(struct ks__task_options){
        .topology = topology, .subtopologies = all, .subtopology_count = 1, .id = "0_0",
        .directory = directory, .application_id = "test", .settings = &settings,
        .clock = &clock_by_hand.clock, .session = session, .commit = &commit,
        .handlers = &handlers }, &error) == KS_OK, "%s", error.message);
    ks__task_connect(task, 0, &array_class, &one, 0);
    ks__task_connect(task, 1, &array_class, &two, 0);
}

static void open_task(const char *guarantee, const char *idle_ms)
{
    ks_builder *b      = ks_builder_new();
    ks_config  *config = ks_config_new();
    ks_stream  *left   = ks_builder_stream(b, "one", NULL);
    ks_stream  *right  = ks_builder_stream(b, "two", NULL);

    ks_config_set(config, "processing.guarantee", guarantee);
    ks_config_set(config, "max.task.idle.ms", idle_ms);
    open_topology(ks_stream_peek(ks_stream_merge(left, right, NULL), see, NULL, NULL), b, config,
                  "unused");
    ck_assert_ptr_null(ks__task_state(task)); /* it keeps nothing */
}

/* One that counts in windows of 10 ms, and lets them close after a second of silence. */
static ks_status see_count(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)user;
    seen[strlen(seen)] = (char)('0' + ks_bytes_i64(record->value, 9));
    return KS_OK;
}

static void open_windows(char *directory)
{
    ks_builder         *b      = ks_builder_new();
    ks_config          *config = ks_config_new();
    ks_stream          *both   = ks_stream_merge(ks_builder_stream(b, "one", NULL),
                                                 ks_builder_stream(b, "two", NULL), NULL);
    ks_windowed_stream *w      = ks_grouped_stream_windowed_by(
        ks_stream_group_by_key(both, NULL), KS_TUMBLING(.size_ms = 10, .emit = KS_EMIT_ON_CLOSE));
    ks_table *counts = ks_windowed_stream_count(w, KS_MATERIALIZED(.changelog = KS_OFF,
                                                                   .key = ks_serde_bytes()));

    ck_assert_ptr_nonnull(mkdtemp(directory));
    ks_config_set(config, "processing.guarantee", "exactly_once_v2");
    ks_config_set(config, "idle.advance.ms", "1000");
    open_topology(ks_stream_peek(ks_table_to_stream(counts, NULL), see_count, NULL, NULL), b,
                  config, directory);
}

static void set_up(void)
{
    memset(seen, 0, sizeof(seen));
    one = (struct array_input){ .lag = 0 };
    two = (struct array_input){ .lag = 0 };
    commit   = (struct ks__commit){ .phase = KS__COMMIT_NONE };
    handlers = (struct ks__failure_handlers){ .of = { { .fn = NULL } } };
    append_failures = 0;
}

static void tear_down(void)
{
    ks__cluster_set_fault(NULL, NULL);
    ks__task_close(task, true);
    ck_assert(one.closed && two.closed);
    ks__commit_release(&commit);
    ks__session_close(session);
    ks__cluster_close(cluster);
    ks__settings_release(&settings);
    ks_topology_free(topology);
}

static enum ks__task_result process(size_t limit)
{
    size_t processed = 0;

    return ks__task_process(task, limit, &processed);
}

static ks_status run_commit(void)
{
    ks_error error = { .status = KS_OK };

    return ks__commit_run(&commit, session, &task, 1, &settings, false, -1, &error);
}

/* ---- tests ---- */

/* K1 */
START_TEST(the_smallest_time_comes_first_and_offsets_keep_their_order)
{
    open_task("exactly_once_v2", "0");
    give(&one, 'a', 5);
    give(&one, 'b', 1);
    give(&one, 'c', 9);
    give(&two, 'x', 6);
    give(&two, 'y', 7);
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "abxyc");
    ck_assert_int_eq(ks__task_position(task, 0), 3);
    ck_assert_int_eq(run_commit(), KS_OK);
}
END_TEST

/* K4: the bytes of what stays queued are copied, the batch is overwritten. */
START_TEST(records_outlive_their_batch)
{
    open_task("exactly_once_v2", "0");
    for (int i = 0; i < 6; i++) {
        give(&one, (char)('a' + i), i);
        give(&two, (char)('A' + i), i);
    }
    for (int i = 0; i < 12; i++) {
        ck_assert_int_eq(process(1), KS__TASK_BUSY);
        ks__task_end_step(task);
        ks__task_end_step(task);
    }
    ck_assert_int_eq(strlen(seen), 12);
    for (const char *at = seen; *at != '\0'; at++)
        ck_assert_msg(*at != '!', "a record was read from a released batch: %s", seen);
}
END_TEST

START_TEST(an_empty_input_with_lag_is_waited_for)
{
    open_task("exactly_once_v2", "0");
    give(&one, 'a', 5);
    two.lag = 1;
    ck_assert_int_eq(process(100), KS__TASK_WAITING);
    two.lag = -1; /* unknown */
    ck_assert_int_eq(process(100), KS__TASK_WAITING);
    ck_assert_str_eq(seen, "");
    two.lag = 0;
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "a");
}
END_TEST

START_TEST(without_lag_an_empty_input_is_waited_for_as_long_as_configured)
{
    open_task("exactly_once_v2", "50");
    give(&one, 'a', 5);
    ck_assert_int_eq(process(100), KS__TASK_WAITING);
    ks__manual_clock_advance(&clock_by_hand, 49);
    ck_assert_int_eq(process(100), KS__TASK_WAITING);
    give(&two, 'x', 3); /* an earlier one has come after all */
    ck_assert_int_eq(process(1), KS__TASK_BUSY);
    ck_assert_str_eq(seen, "x");
    ck_assert_int_eq(process(100), KS__TASK_WAITING); /* the patience begins anew */
    ks__manual_clock_advance(&clock_by_hand, 50);
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "xa");
}
END_TEST

START_TEST(an_input_that_may_have_more_is_not_silent)
{
    char directory[] = "/tmp/task-XXXXXX";

    open_windows(directory);
    give(&one, 'a', 5);
    one.records[0].record.key = KS_TEXT("k");
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_int_eq(process(100), KS__TASK_IDLE); /* nothing more: the silence begins */
    ks__manual_clock_advance(&clock_by_hand, 1000);
    two.lag = 1;
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    two.lag = -1; /* unknown */
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "");
    two.lag = 0;
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "1");
    ck_assert(ks__task_is_dirty(task));
    ck_assert_int_eq(ks__io_remove_tree(directory), 0);
}
END_TEST

START_TEST(with_idle_minus_one_nothing_is_waited_for)
{
    open_task("exactly_once_v2", "-1");
    give(&one, 'a', 5);
    two.lag = 7;
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "a");
}
END_TEST

START_TEST(a_forgiven_record_is_dropped_and_counted)
{
    int64_t dropped = 0;

    open_task("exactly_once_v2", "-1");
    give(&one, '?', 1);
    give(&one, 'b', 2);
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "b");
    for (size_t i = 0; i < ks__task_op_count(task); i++)
        dropped += ks__task_dropped(task, i, KS__DROP_PROCESSING);
    ck_assert_int_eq(dropped, 1);
}
END_TEST

static void sum_up(void *user, const char *name, int64_t value)
{
    ck_assert_str_eq(name, "seen-total");
    *(int64_t *)user += value;
}

/* What the callback has counted. */
static int64_t counted(void)
{
    int64_t sum = 0;

    for (size_t i = 0; i < ks__task_op_count(task); i++)
        ks__meters_each(ks__task_op(task, i)->meters, sum_up, &sum);
    return sum;
}

static ks_reaction refuse(const ks_failure *failure, void *user)
{
    (void)user;
    ck_assert_int_eq(failure->kind, KS_FAILURE_PROCESSING);
    ck_assert_str_eq(failure->origin.topic, "one");
    ck_assert_int_eq(failure->origin.offset, 0);
    return KS_REACTION_FAIL;
}

START_TEST(a_handler_that_refuses_stops_the_task_and_an_abort_takes_it_back)
{
    ks_error error = { .status = KS_OK };

    handlers.of[KS_FAILURE_PROCESSING].fn = refuse;
    open_task("exactly_once_v2", "-1");
    give(&one, '?', 1);
    ck_assert_int_eq(process(100), KS__TASK_FAILED);
    ck_assert_int_eq(ks_error_status(ks__task_error(task)), KS_EUSER);
    ck_assert_int_eq(process(100), KS__TASK_FAILED);
    ck_assert_int_eq(ks__commit_abort(&commit, session, &task, 1, &settings, -1, &error), KS_OK);
    ck_assert(one.closed);
    ck_assert_int_eq(ks__task_resume_position(task, 0), 0);
    ck_assert_int_eq(ks_error_status(ks__task_error(task)), KS_OK);
    ck_assert_int_eq(counted(), 1); /* what happened, not what was committed */
}
END_TEST

static ks_status full(const char *call, void *user)
{
    (void)user;
    if (strcmp(call, "append") != 0 || append_failures == 0)
        return KS_OK;
    append_failures--;
    return KS_EAGAIN;
}

static int records_out(void)
{
    struct ks__source *source;
    struct ks__batch   batch;
    int                count;

    ck_assert_int_eq(ks__session_start(session, "out", 0, 0, &source), KS_OK);
    ck_assert_int_eq(ks__source_fetch(source, 100, &batch), KS_OK);
    count = (int)batch.count;
    for (int i = 0; i < count; i++)
        ck_assert_mem_eq(batch.records[i].record.value.data, &seen[i], 1);
    ks__batch_release(&batch);
    ks__session_stop(session, source);
    return count;
}

/* W1, W2 */
START_TEST(an_append_that_finds_the_log_full_is_made_later_in_order)
{
    open_task("exactly_once_v2", "-1");
    for (int i = 0; i < 5; i++)
        give(&one, (char)('a' + i), i);
    ks__cluster_set_fault(full, NULL);
    append_failures = 3;
    ck_assert_int_eq(process(100), KS__TASK_BLOCKED); /* the first one waits */
    ck_assert_str_eq(seen, "a");
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "abcde");
    ck_assert_int_eq(run_commit(), KS_OK);
    ck_assert_int_eq(records_out(), 5);
}
END_TEST

/* K5 */
START_TEST(at_most_once_commits_offsets_before_it_processes)
{
    int64_t  offset = KS__OFFSET_NONE;
    ks_error error  = { .status = KS_OK };

    open_task("at_most_once", "-1");
    give(&one, 'a', 1);
    give(&one, 'b', 2);
    ck_assert_int_eq(process(100), KS__TASK_BUSY);
    ck_assert(ks__task_wants_commit(task));
    ck_assert_str_eq(seen, "");
    ks__task_end_step(task);
    ck_assert_int_eq(run_commit(), KS_OK);
    ck_assert_int_eq(ks__cluster_committed(cluster, "test", "one", 0, &offset, NULL, -1, &error),
                     KS_OK);
    ck_assert_int_eq(offset, 2);
    ck_assert_int_eq(process(100), KS__TASK_IDLE);
    ck_assert_str_eq(seen, "ab");
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("task");
    TCase   *tests  = tcase_create("task");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_smallest_time_comes_first_and_offsets_keep_their_order);
    tcase_add_test(tests, records_outlive_their_batch);
    tcase_add_test(tests, an_empty_input_with_lag_is_waited_for);
    tcase_add_test(tests, without_lag_an_empty_input_is_waited_for_as_long_as_configured);
    tcase_add_test(tests, an_input_that_may_have_more_is_not_silent);
    tcase_add_test(tests, with_idle_minus_one_nothing_is_waited_for);
    tcase_add_test(tests, a_forgiven_record_is_dropped_and_counted);
    tcase_add_test(tests, a_handler_that_refuses_stops_the_task_and_an_abort_takes_it_back);
    tcase_add_test(tests, an_append_that_finds_the_log_full_is_made_later_in_order);
    tcase_add_test(tests, at_most_once_commits_offsets_before_it_processes);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
