/* SPDX-License-Identifier: Apache-2.0
 *
 * test_alloc_windows.c - the n-th allocation fails, for every n, in building and running windows
 * from slices, their late branch, and windows of so many records: a clean error with a text, not a
 * byte lost, and no result that is wrong in silence.
 */
#include "base/alloc.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ks__alloc_probe probe;
static char                   text[512]; /* of the first error */
static ks_status              first;

static void keep(ks_status status, const ks_error *error)
{
    if (first != KS_OK || status == KS_OK)
        return;
    first = status;
    snprintf(text, sizeof(text), "%s", ks_error_message(error));
}

static ks_topology *declare(void)
{
    ks_builder         *b = ks_builder_new();
    ks_grouped_stream  *g = ks_stream_group_by_key(ks_builder_stream(b, "in", NULL), NULL);
    ks_windowed_stream *hops = ks_grouped_stream_windowed_by(
        g, KS_HOPPING(.size_ms = 20, .advance_ms = 5, .emit = KS_EMIT_ON_CLOSE, .slices = KS_ON));
    ks_windowed_stream *parts = ks_grouped_stream_windowed_by(g, KS_COUNTED(.count = 2));
    ks_topology        *topology;

    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(hops, NULL), NULL), "hops", NULL);
    ks_stream_to(ks_windowed_stream_late(hops, NULL), "late", NULL);
    ks_stream_to(ks_table_to_stream(ks_windowed_stream_count(parts, NULL), NULL), "parts", NULL);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    keep(topology != NULL ? ks_error_status(ks_topology_error(topology)) : KS_ENOMEM,
         ks_topology_error(topology));
    return topology;
}

/* The values of a topic in one row, "2 3 1". */
static bool has(ks_driver *d, const char *topic, const char *wanted)
{
    char found[64] = "";

    for (const ks_record *r; (r = ks_driver_read(d, topic)) != NULL;)
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%lld ",
                 (long long)ks_bytes_i64(r->value, 0));
    return strcmp(found, wanted) == 0;
}

/* True = all came out as it should. */
static bool run(void)
{
    static const int64_t times[] = { 1, 3, 26, 12 }; /* closes [0,20) and [5,25); late for both */
    ks_topology *topology;
    ks_driver   *d;
    bool         right;

    first   = KS_OK;
    text[0] = '\0';
    topology = declare();
    d        = ks_driver_new(topology, NULL, NULL);
    keep(ks_error_status(ks_driver_error(d)), ks_driver_error(d));
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        ks_status status = ks_driver_pipe_text(d, "in", "k", NULL, times[i]);

        keep(status, ks_driver_error(d));
        status = ks_driver_advance(d, 1000); /* time for final results */
        keep(status, ks_driver_error(d));
    }
    right = first == KS_OK && has(d, "hops", "2 ") && has(d, "late", "0 ") &&
            has(d, "parts", "1 2 1 2 ");
    keep(ks_error_status(ks_driver_error(d)), ks_driver_error(d));
    ks_driver_free(d);
    ks_topology_free(topology);
    return right;
}

static void set_up(void)
{
    ck_assert_msg(run(), "without faults: %s %s", ks_status_name(first), text);
}

static void tear_down(void)
{
    ks__allocator_set(NULL);
}

/* One run with a failing allocation; false = the run needs less than n. */
static bool run_failing(uint64_t n, bool fail_all_after)
{
    bool right;

    probe = (struct ks__alloc_probe){ .fail_at = n, .fail_all_after = fail_all_after };
    ks__alloc_probe_install(&probe);
    right = run();
    ck_assert_msg(probe.live_blocks == 0, "allocation %d: %d blocks are lost (%s %s)", (int)n,
                  (int)probe.live_blocks, ks_status_name(first), text);
    if (first == KS_OK)
        ck_assert_msg(right, "allocation %d failed, and so did the result, in silence", (int)n);
    else
        ck_assert_msg(probe.failed > 0 && first == KS_ENOMEM && text[0] != '\0',
                      "allocation %d: %s %s", (int)n, ks_status_name(first), text);
    return probe.failed > 0;
}

START_TEST(a_failed_allocation_is_a_clean_error_and_loses_nothing)
{
    uint64_t n = 1;

    while (run_failing(n, false))
        n++;
    ck_assert_uint_gt(n, 100); /* it was a sweep */
}
END_TEST

START_TEST(no_memory_from_some_point_on_is_a_clean_error_and_loses_nothing)
{
    uint64_t n = 1;

    while (run_failing(n, true))
        n++;
    ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("fault/alloc_windows");
    TCase   *sweeps = tcase_create("sweeps");
    SRunner *runner = srunner_create(suite);
    int      failed;

    suite_add_tcase(suite, sweeps);
    tcase_set_timeout(sweeps, 100);
    tcase_add_checked_fixture(sweeps, set_up, tear_down);
    tcase_add_test(sweeps, a_failed_allocation_is_a_clean_error_and_loses_nothing);
    tcase_add_test(sweeps, no_memory_from_some_point_on_is_a_clean_error_and_loses_nothing);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
