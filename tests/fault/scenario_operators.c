/* SPDX-License-Identifier: Apache-2.0
 *
 * scenario_operators.c - operators beyond those of Kafka Streams, one behind the other: distinct,
 * map_async, rows with a time to live.
 */
#include "fault/scenario.h"

#include <stdio.h>

static struct late {
    ks_pending      *pending;
    const ks_record *record;
} late;

/* "later" is answered by the caller, anything else at once. */
static ks_status ask(ks_ctx *ctx, const ks_record *record, ks_pending *pending, void *user)
{
    (void)ctx, (void)user;
    if (ks_bytes_equal(record->value, KS_TEXT("later")))
        late = (struct late){ pending, record };
    else
        ks_pending_complete(pending, record->value);
    return KS_OK;
}

static ks_topology *declare(void)
{
    ks_builder  *b  = ks_builder_new();
    ks_stream   *in = ks_builder_stream(b, "in", KS_CONSUMED(.key   = ks_serde_utf8(),
                                                             .value = ks_serde_utf8()));
    ks_table    *counts;
    ks_topology *topology = NULL;

    in     = ks_stream_distinct(in, NULL, NULL, KS_DISTINCT(.within_ms = 5));
    in     = ks_stream_map_async(in, ask, NULL, KS_ASYNC(.name = "ask", .max_pending = 3));
    counts = ks_grouped_stream_count(ks_stream_group_by_key(in, NULL),
                                     KS_MATERIALIZED(.store = "counts", .ttl_ms = 50));
    ks_stream_to(ks_table_to_stream(counts, NULL), "out", NULL);
    ks_builder_build(b, &topology);
    ks_builder_free(b);
    return topology;
}

static const struct {
    const char *key, *value;
    int64_t     time_ms;
} in[] = {
    { "a", "now", 10 },  { "a", "again", 12 }, { "b", "later", 13 }, { "a", "now", 20 },
    { "c", "now", 100 }, { "b", "now", 101 },
};

static const struct {
    const char *key;
    int64_t     count; /* -1 = deleted */
    int64_t     time_ms;
} out[] = {
    { "a", 1, 10 },  { "b", 1, 13 },  { "a", 2, 20 }, { "c", 1, 100 },
    { "b", -1, 63 }, { "a", -1, 70 }, { "b", 1, 101 },
};

static bool read_outputs(ks_driver *d)
{
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
        const ks_record *record = ks_driver_read(d, "out");

        if (record == NULL || !ks_bytes_equal(record->key, ks_bytes_text(out[i].key)) ||
            ks_bytes_i64(record->value, -1) != out[i].count ||
            record->timestamp_ms != out[i].time_ms)
            return false;
    }
    return ks_driver_read(d, "out") == NULL;
}

static void keep(struct outcome *outcome, const ks_error *error)
{
    if (outcome->status != KS_OK || ks_error_status(error) == KS_OK)
        return;
    outcome->status = ks_error_status(error);
    snprintf(outcome->text, sizeof(outcome->text), "%s", ks_error_message(error));
}

static void answer_late(void)
{
    if (late.pending != NULL)
        ks_pending_complete(late.pending, late.record->value);
    late = (struct late){ NULL, NULL };
}

void scenario_operators(struct outcome *outcome, const char *directory)
{
    ks_topology *topology = declare();
    ks_driver   *d;

    *outcome = (struct outcome){ .status = KS_OK };
    keep(outcome, ks_topology_error(topology));
    d = ks_driver_new(topology, NULL, directory);
    keep(outcome, ks_driver_error(d));
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
        ks_driver_pipe_text(d, "in", in[i].key, in[i].value, in[i].time_ms);
        keep(outcome, ks_driver_error(d));
        answer_late();
        ks_driver_await(d, 0);
        keep(outcome, ks_driver_error(d));
    }
    outcome->right = outcome->status == KS_OK && read_outputs(d);
    keep(outcome, ks_driver_error(d));
    ks_driver_free(d);
    ks_topology_free(topology);
}
