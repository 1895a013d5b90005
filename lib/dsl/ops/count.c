/* SPDX-License-Identifier: Apache-2.0
 *
 * count.c - how many records each key had, as an i64.
 *
 * A new row reports 0 as its old value, not null: downstream sees a change from 0 to 1, as in Kafka
 * Streams.
 */
#include "dsl/ops/aggregation.h"

#include "serde/serde.h"

struct count_args {
    struct ks__table_args table;
};

static void count_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__table_state *t      = state;
    struct ks__record       change = { .record = record->record };
    struct ks__kv_slot      slot;
    struct ks__row          row;
    unsigned char          *numbers; /* the old count and the new one */
    int64_t                 count;

    if (!ks__aggregation_read(t, record, &slot, &row))
        return;
    numbers = ks__arena_alloc(ctx->arena, 16);
    if (numbers == NULL) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a count");
        return;
    }
    count                      = ks_bytes_i64(row.value, 0);
    change.record.value        = ks_encode_i64(numbers, count + 1);
    change.record.timestamp_ms = ks__aggregation_time(record, &row);
    ks__table_update_found(t, &slot, &change, ks_encode_i64(numbers + 8, count));
}

static const struct ks__op_class count_class = {
    .name       = "count",
    .prefix     = "KSTREAM-AGGREGATE-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_TABLE,
    .state_size = sizeof(struct ks__table_state),
    .open       = ks__table_open,
    .process    = count_process,
    .row        = ks__table_stored_row,
    .keyed_store = ks__table_keyed_store,
};

ks_table *ks_grouped_stream_count(ks_grouped_stream *g, const ks_materialized *materialized)
{
    const struct count_args args = { { .store = NULL } };
    struct ks__call         call;
    ks_materialized         options;
    ks_builder             *b;
    bool                    given;

    if (!ks__enter(g, KS__KIND_GROUPED_STREAM, __func__, materialized, &options, sizeof(options),
                   &call))
        return ks__inert(g);
    b     = g->head.builder;
    given = ks__is_materialized(&options);
    if (!ks__agree(b, &call, "key", &options.key,
                   &(struct ks__found){ g->key, g->node->name, "KS_MATERIALIZED" }) ||
        !ks__aggregation_counts(b, &call, &options))
        return ks__inert(g);
    /* Kafka Streams takes an index for a store here that it names again below. */
    if (given && options.store == NULL)
        ks__generate_store(b, count_class.prefix);
    return ks__aggregation_add(g, &call, &options,
                               &(struct ks__aggregation){ .class     = &count_class,
                                                          .args      = &args,
                                                          .args_size = sizeof(args),
                                                          .value     = ks_serde_i64() });
}
