/* SPDX-License-Identifier: Apache-2.0
 *
 * map_async through the driver: order, bound, failures, timeouts, guarantees, late answers.
 */
#include "dsl/flow.h"

#include "base/io.h"
#include "dsl/ops/pending.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- who answers ---- */

/* What was asked and not answered yet, in the order of the input. */
struct asked {
    ks_pending      *pending;
    const ks_record *record;
};

static struct desk {
    struct asked asked[64];
    size_t       count;
    size_t       started; /* calls of start, ever */
} desk;

static void desk_clear(void)
{
    for (size_t i = 0; i < desk.count; i++)
        ks_pending_free(desk.asked[i].pending);
    desk = (struct desk){ .count = 0 };
}

static ks_status ask(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
{
    (void)ctx, (void)user;
    ck_assert_uint_lt(desk.count, 64);
    desk.asked[desk.count++] = (struct asked){ pending, record };
    desk.started++;
    return KS_OK;
}

/* Take the one whose value is `value` out of what was asked. */
static struct asked take(const char *value)
{
    struct asked found;

    for (size_t i = 0; i < desk.count; i++)
        if (ks_bytes_equal(desk.asked[i].record->value, ks_bytes_text(value))) {
            found = desk.asked[i];
            memmove(&desk.asked[i], &desk.asked[i + 1],
                    (--desk.count - i) * sizeof(desk.asked[0]));
            return found;
        }
    ck_abort_msg("nobody asked for %s", value);
}

/* Answer "VALUE!" */
static void answer(const char *value)
{
    struct asked one = take(value);
    char         text[64];

    snprintf(text, sizeof(text), "%.*s!", KS_BYTES_ARG(one.record->value));
    ks_pending_complete(one.pending, ks_bytes_text(text));
}

static void collect(void)
{
    ck_assert_int_eq(ks_driver_await(flow.driver, 0), KS_OK);
}

static void collect_some(void)
{
    ck_assert_int_eq(ks_driver_await(flow.driver, 0), KS_ETIMEOUT);
}

/* ---- topologies ---- */

static void map_in_to_out(ks_start_fn *start, const ks_async *async)
{
    ks_stream_to(ks_stream_map_async(text_stream("in"), start, NULL, async), "out", NULL);
}

/* Start with a guarantee and other properties: name, value, ..., NULL. */
static void start_with(const char *directory, const char *const *properties)
{
    ks_config *config = ks_config_new();

    for (; *properties != NULL; properties += 2)
        ks_config_set(config, properties[0], properties[1]);
    if (flow.topology == NULL)
        ks_builder_build(flow.b, &flow.topology);
    ck_assert_str_eq(ks_error_message(ks_topology_error(flow.topology)), "");
    flow.driver = ks_driver_new(flow.topology, config, directory);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
    ks_config_free(config);
}

static const char *const at_least_once[] = { "processing.guarantee", "at_least_once", NULL };

#define START_AT_LEAST_ONCE() start_with(NULL, at_least_once)

/* ---- values ---- */

static ks_status answer_at_once(ks_ctx *ctx, const ks_record *record, ks_pending *pending,
                                void *user)
{
    (void)user;
    ks_pending_complete(pending, ks_ctx_text(ctx, "%.*s!", KS_BYTES_ARG(record->value)));
    return KS_OK;
}

START_TEST(an_answer_inside_start_needs_no_waiting)
{
    map_in_to_out(answer_at_once, NULL);
    flow_start();
    feed("in", "k", "a", 5);
    expect("out", "k", "a!", 5);
    feed("in", NULL, "b", 6);
    expect("out", NULL, "b!", 6);
    expect_nothing("out");
}
END_TEST

static ks_status add_header(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)user;
    ks_ctx_header_add(ctx, record, "trace", KS_TEXT("t1"));
    return KS_OK;
}

START_TEST(key_time_and_headers_stay)
{
    ks_stream       *marked = ks_stream_map_values(text_stream("in"), add_header, NULL, NULL);
    const ks_record *record;
    ks_bytes         value;

    ks_stream_to(ks_stream_map_async(marked, ask, NULL, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "a", 5);
    feed("in", "other", "b", 9);
    answer("b");
    answer("a");
    collect();
    expect("out", "other", "b!", 9);
    record = ks_driver_read(flow.driver, "out");
    ck_assert_ptr_nonnull(record);
    ck_assert(ks_headers_last(record->headers, "trace", &value));
    ck_assert(ks_bytes_equal(value, KS_TEXT("t1")));
    ck_assert(ks_bytes_equal(record->key, KS_TEXT("k")));
    ck_assert_int_eq(record->timestamp_ms, 5);
}
END_TEST

START_TEST(null_and_empty_are_answers)
{
    map_in_to_out(ask, NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    ks_pending_complete(take("a").pending, KS_NULL);
    ks_pending_complete(take("b").pending, ks_bytes_text(""));
    collect();
    expect("out", "k", NULL, 1);
    expect("out", "k", "", 2);
}
END_TEST

/* ---- order ---- */

START_TEST(answers_leave_in_the_order_of_the_input_per_key)
{
    map_in_to_out(ask, NULL);
    START_AT_LEAST_ONCE();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    feed("in", "l", "c", 3);
    feed("in", "k", "d", 4);
    feed("in", "l", "e", 5);
    answer("d");
    answer("c");
    collect_some();
    expect("out", "l", "c!", 3);
    expect_nothing("out");
    answer("a");
    collect_some();
    expect("out", "k", "a!", 1);
    expect_nothing("out");
    answer("b");
    collect_some();
    expect("out", "k", "b!", 2);
    expect("out", "k", "d!", 4);
    answer("e");
    collect();
    expect("out", "l", "e!", 5);
    expect_nothing("out");
}
END_TEST

START_TEST(by_input_nothing_overtakes)
{
    map_in_to_out(ask, KS_ASYNC(.order = KS_ASYNC_BY_INPUT));
    START_AT_LEAST_ONCE();
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    feed("in", "m", "c", 3);
    answer("c");
    answer("b");
    collect_some();
    expect_nothing("out");
    answer("a");
    collect();
    expect("out", "k", "a!", 1);
    expect("out", "l", "b!", 2);
    expect("out", "m", "c!", 3);
}
END_TEST

START_TEST(records_without_a_key_keep_their_order)
{
    map_in_to_out(ask, NULL);
    START_AT_LEAST_ONCE();
    feed("in", NULL, "a", 1);
    feed("in", NULL, "b", 2);
    feed("in", "", "c", 3);
    answer("b");
    answer("c");
    collect_some();
    expect("out", "", "c!", 3);
    expect_nothing("out");
    answer("a");
    collect();
    expect("out", NULL, "a!", 1);
    expect("out", NULL, "b!", 2);
}
END_TEST

/* Every permutation of answers to six records of two keys. */
static void feed_and_answer(const int *order)
{
    static const char *const keys[]   = { "k", "l", "k", "k", "l", "k" };
    static const char *const values[] = { "0", "1", "2", "3", "4", "5" };
    const ks_record         *record;
    size_t                   k = 0, l = 0, count = 0;

    for (int i = 0; i < 6; i++)
        feed("in", keys[i], values[i], i);
    for (int i = 0; i < 6; i++) {
        answer(values[order[i]]);
        (void)ks_driver_await(flow.driver, 0);
    }
    while ((record = ks_driver_read(flow.driver, "out")) != NULL) {
        static const char of_k[] = "0235", of_l[] = "14";
        const char        got    = ((const char *)record->value.data)[0];

        count++;
        if (((const char *)record->key.data)[0] == 'k')
            ck_assert_int_eq(got, of_k[k++]);
        else
            ck_assert_int_eq(got, of_l[l++]);
    }
    ck_assert_uint_eq(count, 6);
}

START_TEST(the_order_per_key_survives_any_shuffle_of_the_answers)
{
    map_in_to_out(ask, NULL);
    START_AT_LEAST_ONCE();
    for (int n = 0; n < 720; n++) {
        int order[6] = { 0, 1, 2, 3, 4, 5 }, code = n;

        for (int i = 0; i < 6; i++) {
            int j = i + code % (6 - i), kept = order[i];

            code    /= 6 - i;
            order[i] = order[j];
            order[j] = kept;
        }
        feed_and_answer(order);
    }
}
END_TEST

/* ---- bound ---- */

START_TEST(no_more_is_read_while_as_many_as_allowed_wait)
{
    map_in_to_out(ask, KS_ASYNC(.max_pending = 2));
    START_AT_LEAST_ONCE();
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    feed("in", "m", "c", 3);
    feed("in", "n", "d", 4);
    ck_assert_uint_eq(desk.count, 2);
    answer("b");
    collect_some();
    ck_assert_uint_eq(desk.count, 2);
    answer("a");
    answer("c");
    collect_some();
    answer("d");
    collect();
    expect("out", "l", "b!", 2);
    expect("out", "k", "a!", 1);
    expect("out", "m", "c!", 3);
    expect("out", "n", "d!", 4);
}
END_TEST

static int64_t pending_records(void)
{
    ks_metrics *metrics = ks_driver_metrics(flow.driver);
    int64_t     sum     = ks_metrics_sum(metrics, "pending-records", NULL);

    ks_metrics_free(metrics);
    return sum;
}

START_TEST(metrics_tell_how_many_wait)
{
    map_in_to_out(ask, NULL);
    START_AT_LEAST_ONCE();
    ck_assert_int_eq(pending_records(), 0);
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    ck_assert_int_eq(pending_records(), 2);
    answer("b");
    collect_some();
    ck_assert_int_eq(pending_records(), 1);
    answer("a");
    collect();
    ck_assert_int_eq(pending_records(), 0);
}
END_TEST

/* ---- failures ---- */

static const char *const failing_goes_on[] = {
    "processing.exception.handler", "continue", "processing.guarantee", "at_least_once", NULL
};

START_TEST(a_failure_goes_to_the_processing_handler)
{
    map_in_to_out(ask, NULL);
    start_with(NULL, failing_goes_on);
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    answer("b");
    ks_pending_fail(take("a").pending, "no such customer");
    collect();
    expect("out", "k", "b!", 2);
    expect_nothing("out");
    ck_assert_int_eq(drops("processing"), 1);
}
END_TEST

START_TEST(a_failure_tells_node_origin_and_text)
{
    map_in_to_out(ask, KS_ASYNC(.name = "rate"));
    flow_start();
    feed("in", "k", "a", 1);
    ks_pending_fail(take("a").pending, "no such customer");
    ck_assert_int_eq(ks_driver_await(flow.driver, 0), KS_EUSER);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)),
                     "node \"rate\", in-0 offset 0: no such customer");
}
END_TEST

static ks_reaction see_failure(const ks_failure *failure, void *user)
{
    ck_assert(ks_bytes_equal(failure->record->value, KS_TEXT("a!")));
    ck_assert(ks_bytes_equal(failure->raw->value, KS_TEXT("a")));
    ck_assert(ks_bytes_equal(failure->raw->key, KS_TEXT("k")));
    ++*(int *)user;
    return KS_REACTION_CONTINUE;
}

START_TEST(the_handler_sees_the_record_and_the_raw_one)
{
    ks_stream *changed = ks_stream_map_values(text_stream("in"), suffix_value, USER("!"), NULL);
    int        seen = 0;

    ks_stream_to(ks_stream_map_async(changed, ask, NULL, NULL), "out", NULL);
    flow_start();
    ks_driver_on_failure(flow.driver, KS_FAILURE_PROCESSING, see_failure, &seen);
    feed("in", "k", "a", 1);
    ks_pending_fail(take("a!").pending, NULL);
    collect();
    ck_assert_int_eq(seen, 1);
}
END_TEST

static ks_status refuse(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
{
    (void)pending, (void)user;
    if (ks_bytes_equal(record->value, KS_TEXT("skip")))
        return KS_SKIP;
    if (ks_bytes_equal(record->value, KS_TEXT("fail")))
        return ks_ctx_fail(ctx, "not this one");
    if (ks_bytes_equal(record->value, KS_TEXT("both"))) {
        ks_pending_complete(pending, KS_TEXT("never seen"));
        return KS_SKIP;
    }
    return ask(ctx, record, pending, user);
}

START_TEST(start_may_drop_or_fail_the_record)
{
    map_in_to_out(refuse, NULL);
    start_with(NULL, failing_goes_on);
    feed("in", "k", "skip", 1);
    feed("in", "k", "a", 2);
    feed("in", "k", "fail", 3);
    feed("in", "k", "both", 4);
    feed("in", "k", "b", 5);
    answer("b");
    answer("a");
    collect();
    expect("out", "k", "a!", 2);
    expect("out", "k", "b!", 5);
    expect_nothing("out");
    ck_assert_int_eq(drops("user"), 2);
    ck_assert_int_eq(drops("processing"), 1);
}
END_TEST

START_TEST(letting_the_last_reference_go_is_a_failure)
{
    ks_pending *kept;

    map_in_to_out(ask, NULL);
    start_with(NULL, failing_goes_on);
    feed("in", "k", "a", 1);
    kept = ks_pending_keep(desk.asked[0].pending);
    ks_pending_free(take("a").pending);
    collect_some();
    ks_pending_free(kept);
    collect();
    ck_assert_int_eq(drops("processing"), 1);
    ks_pending_free(NULL);
    ks_pending_fail(NULL, "x");
    ks_pending_complete(NULL, KS_NULL);
    ck_assert_ptr_null(ks_pending_keep(NULL));
}
END_TEST

START_TEST(of_two_answers_the_first_counts)
{
    ks_pending *kept;

    map_in_to_out(ask, NULL);
    flow_start();
    feed("in", "k", "a", 1);
    kept = ks_pending_keep(desk.asked[0].pending);
    answer("a");
    ks_pending_complete(kept, KS_TEXT("second"));
    collect();
    expect("out", "k", "a!", 1);
    expect_nothing("out");
}
END_TEST

START_TEST(a_record_without_an_answer_in_time_fails_and_a_late_answer_is_ignored)
{
    map_in_to_out(ask, KS_ASYNC(.timeout_ms = 100));
    start_with(NULL, failing_goes_on);
    feed("in", "k", "a", 1);
    ks_driver_advance(flow.driver, 60);
    feed("in", "k", "b", 2);
    ks_driver_advance(flow.driver, 39);
    ck_assert_int_eq(drops("processing"), 0);
    ks_driver_advance(flow.driver, 1);
    ck_assert_int_eq(drops("processing"), 1);
    answer("a");
    answer("b");
    collect();
    expect("out", "k", "b!", 2);
    expect_nothing("out");
}
END_TEST

START_TEST(a_timeout_says_how_long)
{
    map_in_to_out(ask, KS_ASYNC(.name = "rate", .timeout_ms = 100));
    flow_start();
    feed("in", "k", "a", 1);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 100), KS_EUSER);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)),
                     "node \"rate\", in-0 offset 0: no answer within 100 ms (.timeout_ms)");
}
END_TEST

START_TEST(a_commit_does_not_wait_for_ever)
{
    map_in_to_out(ask, KS_ASYNC(.timeout_ms = 60000));
    flow_start();
    feed("in", "k", "a", 1);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 4999), KS_OK);
    ck_assert_int_eq(ks_driver_advance(flow.driver, 1), KS_ETIMEOUT);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)),
                     "task 0_0: 1 records have no answer, a commit has waited 5000 ms for them: "
                     "half of transaction.timeout.ms; .timeout_ms should be less");
}
END_TEST

/* ---- what follows ---- */

START_TEST(answers_go_on_into_a_store_and_another_map_async)
{
    ks_stream *first  = ks_stream_map_async(text_stream("in"), answer_at_once, NULL, NULL);
    ks_stream *second = ks_stream_map_async(first, ask, NULL, KS_ASYNC(.value = ks_serde_utf8()));
    ks_table  *counts = ks_grouped_stream_count(ks_stream_group_by_key(second, NULL), NULL);

    ks_stream_to(ks_table_to_stream(counts, NULL), "out", NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 2);
    answer("b!");
    answer("a!");
    collect();
    expect_i64("out", "k", 1, 1);
    expect_i64("out", "k", 2, 2);
}
END_TEST

START_TEST(a_cached_table_above_is_settled_with_the_commit)
{
    ks_table  *table   = text_table("in", "rows");
    ks_stream *changes = ks_table_to_stream(table, NULL);

    ks_stream_to(ks_stream_map_async(changes, ask, NULL, NULL), "out", NULL);
    flow_start_cached();
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    expect_nothing("out");
    answer("b");
    answer("a");
    collect();
    expect("out", "l", "b!", 2);
    expect("out", "k", "a!", 1);
}
END_TEST

/* ---- guarantees ---- */

static ks_status ignore(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static char directory[64];

static void make_directory(void)
{
    strcpy(directory, "/tmp/kstream-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* Close with what is under way, as at a crash for all that was not committed. */
static void reopen(const char *const *properties)
{
    ks_driver_free(flow.driver);
    desk_clear();
    start_with(directory, properties);
}

START_TEST(what_waits_is_asked_again_after_the_end)
{
    static const char *const guarantees[] = { "exactly_once_v2", "at_least_once" };
    const char *const properties[] = { "processing.guarantee", guarantees[_i], NULL };

    make_directory();
    map_in_to_out(ask, NULL);
    start_with(directory, properties);
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    feed("in", "m", "c", 3);
    answer("b");
    collect_some();
    reopen(properties);
    collect_some();
    /* At least once the answered one is asked for again too: it lies behind a waiting one. */
    ck_assert_uint_eq(desk.count, 3);
    answer("a");
    answer("b");
    answer("c");
    collect();
    if (_i == 1)
        expect("out", "l", "b!", 2);
    expect("out", "k", "a!", 1);
    expect("out", "l", "b!", 2);
    expect("out", "m", "c!", 3);
    expect_nothing("out");
    reopen(properties);
    collect();
    ck_assert_uint_eq(desk.started, 0);
    ks__io_remove_tree(directory);
}
END_TEST

START_TEST(at_most_once_does_not_wait_and_does_not_ask_again)
{
    static const char *const properties[] = { "processing.guarantee", "at_most_once", NULL };

    make_directory();
    map_in_to_out(ask, NULL);
    start_with(directory, properties);
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    answer("b");
    collect_some();
    expect("out", "l", "b!", 2);
    reopen(properties);
    collect();
    ck_assert_uint_eq(desk.started, 0);
    expect_nothing("out");
    ks__io_remove_tree(directory);
}
END_TEST

START_TEST(exactly_once_nothing_is_seen_before_all_is_answered)
{
    map_in_to_out(ask, NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "l", "b", 2);
    answer("b");
    collect_some();
    expect_nothing("out");
    answer("a");
    collect();
    expect("out", "l", "b!", 2);
    expect("out", "k", "a!", 1);
}
END_TEST

/* A window that is closed drops what is read again: a commit must not cover half of the way. */
START_TEST(at_least_once_nothing_is_lost_below_windows)
{
    ks_grouped_stream  *groups = ks_stream_group_by_key(text_stream("in"), NULL);
    ks_windowed_stream *windows;
    ks_table           *counts;

    windows = ks_grouped_stream_windowed_by(groups, KS_TUMBLING(.size_ms = 10));
    counts  = ks_windowed_stream_count(windows, KS_MATERIALIZED(.store = "counts"));
    ks_stream_foreach(ks_stream_map_async(ks_table_to_stream(counts, NULL), ask, NULL, NULL),
                      ignore, NULL, NULL);
    make_directory();
    start_with(directory, at_least_once);
    feed("in", "k", "a", 5);
    feed("in", "k", "b", 100);
    ck_assert_uint_eq(desk.count, 2);
    ks_pending_complete(desk.asked[--desk.count].pending, KS_NULL);
    collect_some();
    reopen(at_least_once);
    collect_some();
    ck_assert_uint_eq(desk.count, 2);
    ks__io_remove_tree(directory);
}
END_TEST

/* ---- other threads ---- */

static void *answer_all_backwards(void *user)
{
    (void)user;
    while (desk.count > 0) {
        struct asked one = desk.asked[--desk.count];

        usleep(100);
        ks_pending_complete(one.pending, one.record->value);
    }
    return NULL;
}

START_TEST(another_thread_wakes_who_awaits)
{
    pthread_t thread;

    map_in_to_out(ask, NULL);
    flow_start();
    for (int i = 0; i < 40; i++)
        feed("in", i % 2 == 0 ? "k" : "l", i % 3 == 0 ? "x" : "y", i);
    ck_assert_uint_eq(desk.count, 40);
    pthread_create(&thread, NULL, answer_all_backwards, NULL);
    ck_assert_int_eq(ks_driver_await(flow.driver, 60000), KS_OK);
    pthread_join(thread, NULL);
    for (int64_t k = -1, l = -1, i = 0; i < 40; i++) {
        const ks_record *record = ks_driver_read(flow.driver, "out");
        int64_t         *last;

        ck_assert_ptr_nonnull(record);
        last = ks_bytes_equal(record->key, KS_TEXT("k")) ? &k : &l;
        ck_assert_int_gt(record->timestamp_ms, *last);
        *last = record->timestamp_ms;
    }
}
END_TEST

START_TEST(answers_after_the_end_are_ignored)
{
    map_in_to_out(ask, NULL);
    flow_start();
    feed("in", "k", "a", 1);
    feed("in", "k", "b", 1);
    ks_driver_free(flow.driver);
    flow.driver = NULL;
    ck_assert(ks_bytes_equal(desk.asked[0].record->value, KS_TEXT("a")));
    answer("b");
    ks_pending_fail(take("a").pending, "late");
}
END_TEST

/* What a task that lost its partitions leaves behind must not keep later answers from waking. */
START_TEST(an_answer_wakes_again_after_all_was_forgotten)
{
    struct ks__wake    wake;
    struct ks__desk   *desk_of_task;
    struct ks_pending *pending[2];

    ck_assert_int_eq(ks__wake_init(&wake), KS_OK);
    desk_of_task = ks__desk_new(&wake);
    for (int i = 0; i < 2; i++) {
        pending[i] = ks__pending_new(desk_of_task);
        ks__pending_begin(pending[i]);
        ck_assert(ks__pending_started(pending[i], false, false));
        ks_pending_complete(pending[i], KS_NULL);
        ck_assert(ks__wake_drain(&wake));
        pending[i]->after = NULL;
        ck_assert_ptr_eq(ks__desk_settle(desk_of_task, pending[i]), pending[i]);
        ks__pending_release(pending[i]);
    }
    ck_assert_ptr_null(ks__desk_take(desk_of_task));
    ks__desk_release(desk_of_task);
    ks__wake_release(&wake);
}
END_TEST

/* ---- mistakes ---- */

static void expect_mistake(const ks_async *async, ks_start_fn *start, const char *text)
{
    ks_stream_map_async(text_stream("in"), start, NULL, async);
    ck_assert_int_eq(ks_error_status(ks_builder_error(flow.b)), KS_EINVAL);
    ck_assert_ptr_nonnull(strstr(ks_error_message(ks_builder_error(flow.b)), text));
}

START_TEST(a_start_function_is_needed)
{
    expect_mistake(NULL, NULL, "ks_stream_map_async after \"KSTREAM-SOURCE-0000000000\": needs a "
                   "function that starts, but it is NULL");
}
END_TEST

START_TEST(bounds_cannot_be_negative)
{
    if (_i == 0)
        expect_mistake(KS_ASYNC(.max_pending = -3), ask,
                       ".max_pending must be at least 1 (0 = 100), found -3");
    else
        expect_mistake(KS_ASYNC(.timeout_ms = -1), ask,
                       ".timeout_ms must be at least 1 (0 = 5000), found -1");
}
END_TEST

START_TEST(the_order_must_be_one_that_exists)
{
    expect_mistake(KS_ASYNC(.order = (ks_async_order)7), ask,
                   ".order must be KS_ASYNC_BY_KEY or KS_ASYNC_BY_INPUT, found 7");
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("map_async");
    TCase   *cases  = tcase_create("map_async");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_checked_fixture(cases, flow_setup, flow_teardown);
    tcase_add_checked_fixture(cases, NULL, desk_clear);
    tcase_add_test(cases, an_answer_inside_start_needs_no_waiting);
    tcase_add_test(cases, key_time_and_headers_stay);
    tcase_add_test(cases, null_and_empty_are_answers);
    tcase_add_test(cases, answers_leave_in_the_order_of_the_input_per_key);
    tcase_add_test(cases, by_input_nothing_overtakes);
    tcase_add_test(cases, records_without_a_key_keep_their_order);
    tcase_add_test(cases, the_order_per_key_survives_any_shuffle_of_the_answers);
    tcase_add_test(cases, no_more_is_read_while_as_many_as_allowed_wait);
    tcase_add_test(cases, metrics_tell_how_many_wait);
    tcase_add_test(cases, a_failure_goes_to_the_processing_handler);
    tcase_add_test(cases, a_failure_tells_node_origin_and_text);
    tcase_add_test(cases, the_handler_sees_the_record_and_the_raw_one);
    tcase_add_test(cases, start_may_drop_or_fail_the_record);
    tcase_add_test(cases, letting_the_last_reference_go_is_a_failure);
    tcase_add_test(cases, of_two_answers_the_first_counts);
    tcase_add_test(cases, a_record_without_an_answer_in_time_fails_and_a_late_answer_is_ignored);
    tcase_add_test(cases, a_timeout_says_how_long);
    tcase_add_test(cases, a_commit_does_not_wait_for_ever);
    tcase_add_test(cases, answers_go_on_into_a_store_and_another_map_async);
    tcase_add_test(cases, a_cached_table_above_is_settled_with_the_commit);
    tcase_add_loop_test(cases, what_waits_is_asked_again_after_the_end, 0, 2);
    tcase_add_test(cases, at_most_once_does_not_wait_and_does_not_ask_again);
    tcase_add_test(cases, exactly_once_nothing_is_seen_before_all_is_answered);
    tcase_add_test(cases, at_least_once_nothing_is_lost_below_windows);
    tcase_add_test(cases, another_thread_wakes_who_awaits);
    tcase_add_test(cases, answers_after_the_end_are_ignored);
    tcase_add_test(cases, an_answer_wakes_again_after_all_was_forgotten);
    tcase_add_test(cases, a_start_function_is_needed);
    tcase_add_loop_test(cases, bounds_cannot_be_negative, 0, 2);
    tcase_add_test(cases, the_order_must_be_one_that_exists);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
