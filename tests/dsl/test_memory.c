/* SPDX-License-Identifier: Apache-2.0
 *
 * test_memory.c - building with the n-th allocation failing, for every n: a clean error, no leak.
 */
#include "base/alloc.h"

#include <check.h>
#include <kstream/kstream.h>
#include <stdlib.h>

static bool keep(ks_ctx *ctx, const ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return true;
}

static ks_status map(ks_ctx *ctx, ks_record *record, void *user)
{
    (void)ctx, (void)record, (void)user;
    return KS_OK;
}

static ks_status choose(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    (void)ctx, (void)record, (void)io, (void)user;
    return KS_OK;
}

static ks_status join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                      void *user)
{
    (void)ctx, (void)left, (void)right, (void)out, (void)user;
    return KS_OK;
}

static ks_status process(ks_ctx *ctx, const ks_record *record, void *self)
{
    (void)ctx, (void)record, (void)self;
    return KS_OK;
}

static void print(const char *line, void *user)
{
    (void)line, (void)user;
}

static const ks_processor processor = KS_PROCESSOR(.process = process);
static int                destroyed;

static void count_destroy(void *object)
{
    (void)object;
    destroyed++;
}

/* Every kind of operator once. */
static void declare(ks_builder *b)
{
    static int         object;
    ks_stream         *s = ks_builder_stream(b, "in", KS_CONSUMED(.key = ks_serde_utf8()));
    ks_table          *t = ks_builder_table(b, "t", NULL, NULL);
    ks_global_table   *g = ks_builder_global_table(b, "g", NULL, NULL);
    ks_split          *split;
    ks_stream         *some;
    ks_grouped_stream *group;

    ks_builder_own(b, &object, count_destroy);
    ks_builder_serde(b, &(ks_serde_class){ .name = "json" });
    ks_builder_add_store(b, KS_KV_STORE("seen"));
    s     = ks_stream_process_values(s, &processor, NULL, KS_CONNECTED(.stores = { "seen" }));
    s     = ks_stream_map(ks_stream_filter(s, keep, NULL, NULL), map, NULL, NULL);
    split = ks_stream_split(s, NULL);
    some  = ks_split_branch(split, keep, NULL, NULL);
    s     = ks_stream_merge(some, ks_split_default(split, KS_NAMED("rest")), NULL);
    s     = ks_stream_repartition(s, KS_REPARTITIONED(.partitions = 3));
    s     = ks_stream_left_join_global(s, g, choose, join, NULL, NULL);
    s     = ks_stream_select_key(s, choose, NULL, NULL);
    s     = ks_stream_left_join_table(s, ks_table_filter(t, keep, NULL, NULL), join, NULL, NULL);
    group = ks_stream_group_by(s, choose, NULL, KS_GROUPED(.name = "by"));
    t     = ks_grouped_stream_count(group, KS_MATERIALIZED(.store = "counts"));
    t     = ks_table_map_values(t, map, NULL, NULL);
    ks_stream_print(ks_table_to_stream(t, NULL), NULL, print, NULL, NULL);
    ks_grouped_stream_reduce(group, choose, NULL, NULL);
    ks_grouped_stream_aggregate(group, KS_AGGREGATE(.add = choose, .initial = KS_TEXT("")), NULL);
    ks_stream_to_table(s, NULL);
    s = ks_stream_outer_join_stream(s, s, KS_WITHIN(.difference_ms = 5), join, NULL, NULL);
    ks_stream_to(s, "out", NULL);
    ks_builder_add_source(b, "source", (const char *const[]){ "other" }, 1, NULL);
    ks_builder_add_processor(b, "p", &processor, NULL, KS_CONNECTED(.parents = { "source" }));
    ks_builder_add_sink(b, "sink", "end", NULL, KS_CONNECTED(.parents = { "p" }));
    ks_builder_connect(b, "p", "seen");
}

/* With every optimization. */
static void configure(ks_builder *b)
{
    ks_config *config = ks_config_new();

    ks_config_set(config, "topology.optimization", "all");
    if (config != NULL)
        ks_builder_configure(b, config);
    ks_config_free(config);
}

/* Declare, build, describe, free; the status of the build. */
static ks_status run(void)
{
    ks_builder  *b = ks_builder_new();
    ks_topology *topology;
    ks_status    status;

    configure(b);
    declare(b);
    status = ks_builder_build(b, &topology);
    ks_text_free(ks_topology_describe(topology, KS_DESCRIBE_TEXT));
    ks_text_free(ks_topology_describe(topology, KS_DESCRIBE_DOT));
    ck_assert_int_eq(ks_error_status(ks_topology_error(topology)),
                     topology != NULL ? status : KS_ENOMEM);
    ks_builder_free(b);
    ks_topology_free(topology);
    return status;
}

START_TEST(every_failed_allocation_is_a_clean_error)
{
    struct ks__alloc_probe probe  = { 0 };
    uint64_t               failed = 0;

    ks__alloc_probe_install(&probe);
    ck_assert_int_eq(run(), KS_OK);
    ck_assert_int_eq(atomic_load(&probe.live_blocks), 0);
    for (uint64_t n = 1;; n++) {
        ks_status status;

        probe         = (struct ks__alloc_probe){ .fail_at = n };
        destroyed     = 0;
        status        = run();
        ck_assert_int_eq(atomic_load(&probe.live_blocks), 0);
        ck_assert_int_le(destroyed, 1);
        if (atomic_load(&probe.failed) == 0) {
            ck_assert_int_eq(status, KS_OK);
            break;
        }
        /* A description alone may be missing without an error. */
        ck_assert(status == KS_ENOMEM || status == KS_OK);
        failed += status == KS_ENOMEM;
    }
    ks__allocator_set(NULL);
    ck_assert_uint_gt(failed, 10);
}
END_TEST

int main(void)
{
    Suite   *suite = suite_create("memory");
    TCase   *cases = tcase_create("memory");
    SRunner *runner = srunner_create(suite);
    int      failed;

    tcase_add_test(cases, every_failed_allocation_is_a_clean_error);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
