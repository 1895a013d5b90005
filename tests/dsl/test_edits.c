/* SPDX-License-Identifier: Apache-2.0
 *
 * test_edits.c - windows whose times are edited between two runs: what ks_topology_diff() calls
 * restored goes on.
 */
#include "dsl/flow.h"

static void declare(const ks_windowing *windowing)
{
    ks_windowed_stream *w = ks_grouped_stream_windowed_by(
        ks_stream_group_by_key(text_stream("in"), NULL), windowing);

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(w, KS_MATERIALIZED(.store = "counts")),
                                    NULL), "out", NULL);
}

/* Another version of the program, on what the one before has left; gives what the diff says. */
static ks_diff_verdict deploy(const ks_windowing *windowing)
{
    ks_topology    *before = flow.topology;
    ks_diff_verdict worst;
    ks_diff        *diff;

    ks_driver_free(flow.driver);
    ks_builder_free(flow.b);
    flow.b = ks_builder_new();
    declare(windowing);
    ck_assert_int_eq(ks_builder_build(flow.b, &flow.topology), KS_OK);
    diff  = ks_topology_diff(before, flow.topology);
    worst = ks_diff_worst(diff);
    ks_diff_free(diff);
    ks_topology_free(before);
    flow.driver = ks_driver_new(flow.topology, flow.config, flow.home);
    ck_assert_str_eq(ks_error_message(ks_driver_error(flow.driver)), "");
    return worst;
}

START_TEST(a_count_goes_on_with_a_longer_grace)
{
    declare(KS_TUMBLING(.size_ms = 100, .grace_ms = 10));
    flow_start_kept(NULL);
    feed("in", "k", "v", 5);
    expect_i64("out", "k", 1, 5);
    ck_assert_int_eq(deploy(KS_TUMBLING(.size_ms = 100, .grace_ms = 50)), KS_DIFF_RESTORED);
    feed("in", "k", "v", 6);
    expect_i64("out", "k", 2, 6);
    feed("in", "k", "v", 130);
    expect_i64("out", "k", 1, 130);
    feed("in", "k", "v", 7); /* by the new grace */
    expect_i64("out", "k", 3, 7);
}
END_TEST

START_TEST(sessions_go_on_with_a_longer_gap)
{
    declare(KS_SESSIONS(.gap_ms = 10));
    flow_start_kept(NULL);
    feed("in", "k", "v", 5);
    expect_i64("out", "k", 1, 5);
    ck_assert_int_eq(deploy(KS_SESSIONS(.gap_ms = 20)), KS_DIFF_RESTORED);
    feed("in", "k", "v", 22); /* by the new gap */
    ck_assert_ptr_null(ks_driver_read(flow.driver, "out")->value.data);
    expect_i64("out", "k", 2, 22);
}
END_TEST

FLOW_MAIN("edits", a_count_goes_on_with_a_longer_grace, sessions_go_on_with_a_longer_gap)
