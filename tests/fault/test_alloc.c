/* SPDX-License-Identifier: Apache-2.0
 *
 * The n-th allocation fails, for every n, in building and running word count on the test driver:
 * a clean error or the right result, and nothing leaks.
 */
#include "base/alloc.h"

#include <kstream/kstream.h>

#include <check.h>
#include <stdlib.h>

/* More allocations than the whole run makes; a run that gets so far has seen no failure. */
#define LIMIT 20000

static ks_status split(ks_ctx *ctx, const ks_record *line, void *user)
{
    (void)user;
    for (ks_bytes rest = line->value, word; ks_bytes_word(&rest, &word);)
        ks_ctx_forward_value(ctx, ks_ctx_copy(ctx, word));
    return KS_OK;
}

static ks_status by_word(ks_ctx *ctx, const ks_record *word, ks_bytes *key, void *user)
{
    (void)ctx;
    (void)user;
    *key = word->value;
    return KS_OK;
}

static ks_topology *word_count(void)
{
    ks_builder        *b      = ks_builder_new();
    const ks_consumed *utf8   = KS_CONSUMED(.value = ks_serde_utf8());
    ks_stream         *lines  = ks_builder_stream(b, "lines", utf8);
    ks_stream         *words  = ks_stream_flat_map_values(lines, split, NULL, KS_NAMED("split"));
    ks_grouped_stream *groups = ks_stream_group_by(words, by_word, NULL, KS_GROUPED(.name = "by"));
    ks_table          *counts = ks_grouped_stream_count(groups, KS_MATERIALIZED(.store = "counts"));
    ks_topology       *topology = NULL;

    ks_stream_to(ks_table_to_stream(counts, NULL), "totals",
                 KS_PRODUCED(.value = ks_serde_i64()));
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

/* True when everything went well; the result is right then. */
static bool run(void)
{
    static const int64_t expected[] = { 1, 1, 2 };
    ks_topology         *topology   = word_count();
    ks_driver           *d          = ks_driver_new(topology, NULL, NULL);
    bool                 well;

    well = d != NULL && ks_driver_pipe_text(d, "lines", NULL, "a b a", 1) == KS_OK;
    for (size_t i = 0; i < 3 && well; i++) {
        const ks_record *record = ks_driver_read(d, "totals");

        if (record == NULL) /* no memory to read with */
            well = false;
        else
            ck_assert_int_eq(ks_bytes_i64(record->value, -1), expected[i]);
    }
    if (!well && d != NULL && ks_error_status(ks_driver_error(d)) != KS_OK)
        ck_assert_msg(ks_error_message(ks_driver_error(d))[0] != '\0', "an error without a text");
    ks_driver_free(d);
    ks_topology_free(topology);
    return well;
}

START_TEST(word_count_survives_a_failed_allocation_anywhere)
{
    struct ks__alloc_probe probe = { .fail_at = 0 };
    uint64_t               n     = 1;
    int64_t                before;
    bool                   well;

    ck_assert(run()); /* what is made once and kept for ever */
    ks__alloc_probe_install(&probe);
    for (;; n++) {
        ck_assert_uint_lt(n, LIMIT);
        before = atomic_load(&probe.live_blocks);
        atomic_store(&probe.requests, 0);
        atomic_store(&probe.failed, 0);
        probe.fail_at = n;
        well          = run();
        if (atomic_load(&probe.failed) == 0)
            break;
        ck_assert_msg(atomic_load(&probe.live_blocks) == before, "allocation %d: %d blocks leak",
                      (int)n, (int)(atomic_load(&probe.live_blocks) - before));
    }
    ks__allocator_set(NULL);
    ck_assert(well);
    ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
    Suite   *suite  = suite_create("alloc");
    TCase   *tests  = tcase_create("alloc");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, word_count_survives_a_failed_allocation_anywhere);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
