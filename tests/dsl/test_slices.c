/* SPDX-License-Identifier: Apache-2.0
 *
 * test_slices.c - hopping windows put together from slices give what they give without, record by
 * record; where slices are refused.
 */
#include "dsl/flow.h"
#include "support/random.h"

#include <string.h>

static const char *const every_time[] = { "__emit.interval.ms.kstreams.windowed.aggregation__=0",
                                          NULL };
static const char *const by_clock[]   = { NULL };

/* ---- folds ---- */

static ks_status add(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)user;
    if (record->value.size == 0)
        return KS_SKIP;
    *acc = ks_ctx_i64(ctx, ks_bytes_i64(*acc, 0) + ks_bytes_i64(record->value, 0));
    return KS_OK;
}

static ks_status greatest(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)ctx, (void)user;
    if (ks_bytes_i64(record->value, INT64_MIN) > ks_bytes_i64(*acc, INT64_MIN))
        *acc = record->value;
    return KS_OK;
}

/* ---- the same stream twice ---- */

enum fold { COUNT, REDUCE, AGGREGATE, FOLDS };

struct shape {
    enum fold fold;
    int64_t   size, advance, grace;
    ks_emit   emit;
};

static ks_grouped_stream *group(ks_stream *s)
{
    return ks_stream_group_by_key(s, NULL);
}

/* One of the two; with and without slices differ in nothing else. */
static void declare(ks_stream *in, const struct shape *shape, bool slices, const char *out,
                    const char *late)
{
    const ks_aggregate  functions = { .struct_size = sizeof(functions),
                                      .initial     = KS_NULL,
                                      .add         = add,
                                      .combine     = slices ? add : NULL };
    const bool          on_close  = shape->emit == KS_EMIT_ON_CLOSE;
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        group(in), KS_HOPPING(.size_ms = shape->size, .advance_ms = shape->advance,
                              .grace_ms = shape->grace, .emit = shape->emit,
                              .slices = slices && on_close ? KS_ON : KS_DEFAULT));
    ks_table *t = NULL;

    if (shape->fold == COUNT)
        t = ks_windowed_stream_count(w, KS_MATERIALIZED(.store = out));
    else if (shape->fold == REDUCE)
        t = ks_windowed_stream_reduce(w, greatest, NULL, KS_MATERIALIZED(.store = out));
    else
        t = ks_windowed_stream_aggregate(w, &functions,
                                         KS_MATERIALIZED(.store = out, .value = ks_serde_i64()));
    ks_stream_to(ks_table_to_stream(t, NULL), out, NULL);
    ks_stream_to(ks_windowed_stream_late(w, NULL), late, NULL);
}

static void declare_both(const struct shape *shape)
{
    ks_stream *in = ks_builder_stream(flow.b, "in", KS_CONSUMED(.key   = ks_serde_bytes(),
                                                                .value = ks_serde_i64()));

    declare(in, shape, false, "plain", "plain-late");
    declare(in, shape, true, "sliced", "sliced-late");
}

/* The next of two topics are the same; true = there was one. */
static bool same_next(const char *one, const char *other, uint64_t seed)
{
    const ks_record *a = ks_driver_read(flow.driver, one);
    const ks_record *b = ks_driver_read(flow.driver, other);

    ck_assert_msg((a == NULL) == (b == NULL), "seed %d: %s has %s, %s not", (int)seed,
                  a != NULL ? one : other, "one more", a != NULL ? other : one);
    if (a == NULL)
        return false;
    ck_assert_msg(ks_bytes_equal(a->key, b->key) && ks_bytes_equal(a->value, b->value) &&
                      a->timestamp_ms == b->timestamp_ms &&
                      (a->window == NULL) == (b->window == NULL) &&
                      (a->window == NULL || (a->window->start_ms == b->window->start_ms &&
                                             a->window->end_ms == b->window->end_ms)),
                  "seed %d: %s has %lld at %lld, %s %lld at %lld", (int)seed, one,
                  (long long)ks_bytes_i64(a->value, -1), (long long)a->timestamp_ms, other,
                  (long long)ks_bytes_i64(b->value, -1), (long long)b->timestamp_ms);
    return true;
}

static int compare_outputs(uint64_t seed)
{
    int count = 0;

    while (same_next("plain", "sliced", seed))
        count++;
    while (same_next("plain-late", "sliced-late", seed))
        continue;
    return count;
}

/* Keys of which some begin with others, whose slices lie between those of others. */
static ks_bytes some_key(struct random *random)
{
    static const char *const keys[] = { "a", "aa", "ab", "b", "" };
    static const char        amid[] = "a\0\0\0\0\0\0\0\x14\0\0\0";
    const int                n      = random_below(random, 8);

    if (n >= 5)
        return ks_bytes_of(amid, (size_t)(n == 5 ? 9 : n == 6 ? 12 : 5));
    return ks_bytes_text(keys[n]);
}

/* No nulls for a reduction: what leaves null leaves no row, and no time. */
static void feed_some(struct random *random, enum fold fold, int64_t *now)
{
    unsigned char bytes[8];
    ks_record     record = { .key   = some_key(random),
                             .value = ks_encode_i64(bytes, random_below(random, 100)) };

    *now += random_percent(random, 4) ? random_below(random, 400) : random_below(random, 4);
    record.timestamp_ms = *now;
    if (random_percent(random, 35))
        record.timestamp_ms -= random_below(random, 60);
    if (record.timestamp_ms < 0)
        record.timestamp_ms = 0;
    if (fold != REDUCE && random_percent(random, 5))
        record.value = KS_NULL;
    ck_assert_int_eq(ks_driver_pipe(flow.driver, "in", &record), KS_OK);
}

static int run_seed(uint64_t seed, enum fold fold, ks_emit emit)
{
    struct random random = { seed * 77 + (uint64_t)fold };
    struct shape  shape  = { .fold = fold, .size = 1 + random_below(&random, 40), .emit = emit };
    int64_t       now    = random_percent(&random, 50) ? 0 : 1700000000000;
    int           count  = 0;

    shape.advance = 1 + random_below(&random, (int)shape.size);
    shape.grace   = random_percent(&random, 40) ? 0 : random_below(&random, 60);
    flow_teardown();
    flow_setup();
    declare_both(&shape);
    flow_start_kept(random_percent(&random, 50) ? every_time : by_clock);
    for (int i = 0; i < 120; i++) {
        feed_some(&random, fold, &now);
        if (random_percent(&random, 20))
            ks_driver_advance(flow.driver, random_below(&random, 2000));
        if (random_percent(&random, 5))
            flow_reopen();
        count += compare_outputs(seed);
    }
    return count;
}

static void run_seeds(ks_emit emit, uint64_t seeds)
{
    for (int fold = COUNT; fold < FOLDS; fold++) {
        int count = 0;

        for (uint64_t seed = 1; seed <= seeds; seed++)
            count += run_seed(seed, (enum fold)fold, emit);
        ck_assert_int_gt(count, 500);
    }
}

START_TEST(slices_give_the_same_final_results)
{
    run_seeds(KS_EMIT_ON_CLOSE, 12);
}
END_TEST

START_TEST(what_combines_changes_nothing_when_every_update_is_sent)
{
    run_seeds(KS_EMIT_ON_UPDATE, 3);
}
END_TEST

/* ---- stores ---- */

static ks_windowed_stream *sliced(ks_switch slices)
{
    return ks_grouped_stream_windowed_by(
        group(text_stream("in")),
        KS_HOPPING(.size_ms = 20, .advance_ms = 15, .emit = KS_EMIT_ON_CLOSE, .slices = slices));
}

START_TEST(a_window_is_a_row_from_its_close_on_and_slices_lie_beside)
{
    ks_window_store *windows, *slices;
    ks_record        row;

    ks_windowed_stream_count(sliced(KS_ON), KS_MATERIALIZED(.store = "counts"));
    flow_start();
    feed("in", "k", "v", 16);
    feed("in", "k", "v", 18);
    windows = ks_driver_window_store(flow.driver, "counts");
    slices  = ks_driver_window_store(flow.driver, "counts-slices");
    ck_assert(!ks_window_store_get(windows, KS_TEXT("k"), 0, &row));
    ck_assert(ks_window_store_get(slices, KS_TEXT("k"), 15, &row));
    ck_assert_int_eq(ks_bytes_i64(row.value, -1), 2);
    ck_assert_int_eq(row.window->end_ms, 20);
    feed("in", "k", "v", 20);
    ck_assert(ks_window_store_get(windows, KS_TEXT("k"), 0, &row));
    ck_assert_int_eq(ks_bytes_i64(row.value, -1), 2);
    ck_assert_int_eq(row.timestamp_ms, 18);
    ck_assert(!ks_window_store_get(windows, KS_TEXT("k"), 15, &row));
}
END_TEST

START_TEST(slices_lose_no_result_when_rows_are_hidden_as_in_kafka)
{
    static const char *const kafka[] = {
        "windowstore.kafka.retention=true",
        "__emit.interval.ms.kstreams.windowed.aggregation__=0", NULL,
    };

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(sliced(KS_ON), NULL), NULL), "out",
                 NULL);
    flow_start_kept(kafka);
    feed("in", "k", "v", 16);
    feed("in", "k", "v", 1000000);
    expect_i64("out", "k", 1, 16);
    expect_i64("out", "k", 1, 16);
    expect_nothing("out");
}
END_TEST

START_TEST(a_window_that_is_open_on_one_host_is_closed_on_another)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        group(text_stream("in")), KS_HOPPING(.size_ms = 20, .advance_ms = 10, .grace_ms = 5,
                                             .emit = KS_EMIT_ON_CLOSE, .slices = KS_ON));

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(w, NULL), NULL), "out", NULL);
    flow_start_kept(every_time);
    feed("in", "k", "v", 8);
    feed("in", "k", "v", 18);
    feed("in", "k", "v", 25); /* closes [0,20) */
    expect_i64("out", "k", 2, 18);
    flow_move();
    feed("in", "k", "v", 26);
    feed("in", "k", "v", 35); /* closes [10,30) */
    expect_i64("out", "k", 3, 26); /* only: the last round stands beside the offsets */
    expect_nothing("out");
}
END_TEST

/* ---- edits ---- */

enum edit { PLAIN, COMBINED, SLICED };

static void declare_edit(enum edit edit)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        group(ks_builder_stream(flow.b, "in", KS_CONSUMED(.key   = ks_serde_utf8(),
                                                          .value = ks_serde_i64()))),
        KS_HOPPING(.size_ms = 10, .advance_ms = 5, .emit = KS_EMIT_ON_CLOSE,
                   .slices = edit == SLICED ? KS_ON : KS_DEFAULT));
    const ks_aggregate  functions = { .struct_size = sizeof(functions),
                                      .add         = add,
                                      .combine     = edit == PLAIN ? NULL : add };

    ks_stream_to(ks_table_to_stream(
                     ks_windowed_stream_aggregate(w, &functions,
                                                  KS_MATERIALIZED(.store = "sums",
                                                                  .value = ks_serde_i64())), NULL),
                 "out", NULL);
}

/* Another version of the program, on what the one before has left. */
static void deploy(enum edit edit)
{
    ks_driver_free(flow.driver);
    ks_topology_free(flow.topology);
    ks_builder_free(flow.b);
    flow.b = ks_builder_new();
    declare_edit(edit);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    flow.driver = ks_driver_new(flow.topology, flow.config, flow.home);
}

static void begin_as(enum edit edit)
{
    declare_edit(edit);
    flow_start_kept(every_time);
    feed_i64("in", "k", 1, 5);
    feed_i64("in", "k", 1, 6);
}

static void expect_refusal(const char *text)
{
    const ks_error *error = ks_driver_error(flow.driver);

    ck_assert_int_eq(ks_error_status(error), KS_ETOPOLOGY);
    ck_assert_msg(strstr(ks_error_message(error), text) != NULL, "%s", ks_error_message(error));
}

static void expect_all_there(void)
{
    feed_i64("in", "k", 1, 7);
    feed_i64("in", "k", 1, 100);
    expect_i64("out", "k", 3, 7); /* [0,10) */
    expect_i64("out", "k", 3, 7); /* [5,15) */
    expect_nothing("out");
}

START_TEST(a_function_that_combines_changes_nothing_of_what_is_kept)
{
    begin_as(PLAIN);
    deploy(COMBINED);
    expect_all_there();
}
END_TEST

START_TEST(windows_kept_without_slices_are_not_taken_for_made_ones)
{
    begin_as(PLAIN);
    deploy(SLICED);
    expect_refusal("store \"sums\" has rows of windows without slices");
    deploy(PLAIN); /* nothing was touched */
    expect_all_there();
}
END_TEST

START_TEST(windows_from_slices_are_not_taken_for_whole_ones)
{
    begin_as(SLICED);
    deploy(COMBINED);
    expect_refusal("store \"sums\" has rows of windows put together from slices");
    deploy(SLICED);
    expect_all_there();
}
END_TEST

/* ---- mistakes ---- */

static void assert_refused(const char *text)
{
    const ks_error *error = ks_builder_error(flow.b);

    ck_assert_int_eq(ks_error_status(error), KS_EINVAL);
    ck_assert_msg(strstr(ks_error_message(error), text) != NULL, "%s", ks_error_message(error));
}

static void cut(const ks_windowing *windowing)
{
    ks_grouped_stream_windowed_by(group(text_stream("in")), windowing);
}

START_TEST(slices_of_sliding_windows_are_refused)
{
    cut(KS_SLIDING(.difference_ms = 10, .emit = KS_EMIT_ON_CLOSE, .slices = KS_ON));
    assert_refused("they have no slices in common");
}
END_TEST

START_TEST(slices_of_other_windows_are_refused)
{
    cut(KS_SESSIONS(.gap_ms = 10, .slices = KS_ON));
    assert_refused(".slices is no member of KS_SESSIONS");
}
END_TEST

START_TEST(slices_need_an_emit_on_close)
{
    cut(KS_HOPPING(.size_ms = 10, .advance_ms = 1, .slices = KS_ON));
    assert_refused("use .emit = KS_EMIT_ON_CLOSE");
}
END_TEST

START_TEST(slices_of_an_aggregate_need_what_combines_them)
{
    ks_windowed_stream_aggregate(sliced(KS_ON), KS_AGGREGATE(.add = add), NULL);
    assert_refused("KS_AGGREGATE(.combine)");
}
END_TEST

START_TEST(what_combines_is_refused_where_nothing_is_combined)
{
    ks_grouped_stream_aggregate(group(text_stream("in")),
                                KS_AGGREGATE(.add = add, .combine = add), NULL);
    assert_refused("KS_AGGREGATE(.combine) is not used here");
}
END_TEST

START_TEST(slices_of_a_cogroup_are_refused)
{
    ks_cogrouped_stream_windowed_by(
        ks_grouped_stream_cogroup(group(text_stream("in")), concat, NULL),
        KS_HOPPING(.size_ms = 10, .advance_ms = 1, .emit = KS_EMIT_ON_CLOSE, .slices = KS_ON));
    assert_refused("a cogroup close windows each at its own time");
}
END_TEST

FLOW_MAIN("slices", slices_give_the_same_final_results,
          what_combines_changes_nothing_when_every_update_is_sent,
          a_window_is_a_row_from_its_close_on_and_slices_lie_beside,
          slices_lose_no_result_when_rows_are_hidden_as_in_kafka,
          a_window_that_is_open_on_one_host_is_closed_on_another,
          a_function_that_combines_changes_nothing_of_what_is_kept,
          windows_kept_without_slices_are_not_taken_for_made_ones,
          windows_from_slices_are_not_taken_for_whole_ones,
          slices_of_sliding_windows_are_refused, slices_of_other_windows_are_refused,
          slices_need_an_emit_on_close, slices_of_an_aggregate_need_what_combines_them,
          what_combines_is_refused_where_nothing_is_combined, slices_of_a_cogroup_are_refused)
