/* SPDX-License-Identifier: Apache-2.0
 *
 * aggregate.c - fold the values of each key: from an initial aggregate (aggregate), or from the
 * first value (reduce).
 *
 *      aggregate  old value of a new row: the initial aggregate
 *      reduce     old value of a new row: null
 */
#include "dsl/ops/aggregation.h"

#include "serde/serde.h"
#include "topology/lent.h"

struct fold_args {
    struct ks__table_args table;
    ks_fold_fn           *fold;
    ks_bytes              initial;
};

/* ---- aggregate ---- */

static void aggregate_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__table_state *t      = state;
    const struct fold_args *args   = ctx->op->node->args;
    struct ks__record       change = { .record = record->record };
    struct ks__kv_slot      slot;
    struct ks__row          row;
    ks_bytes                old;
    ks_status               status;

    if (!ks__aggregation_read(t, record, &slot, &row))
        return;
    old                        = row.value.data != NULL ? row.value : args->initial;
    change.record.value        = old;
    change.record.timestamp_ms = ks__aggregation_time(record, &row);
    status = args->fold(ctx, &record->record, &change.record.value, ctx->op->node->user);
    if (ks__ctx_accept_bytes(ctx, status, change.record.value))
        ks__table_update_found(t, &slot, &change, old);
}

static const struct ks__op_class aggregate_class = {
    .name       = "aggregate",
    .prefix     = "KSTREAM-AGGREGATE-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_TABLE,
    .state_size = sizeof(struct ks__table_state),
    .open       = ks__table_open,
    .process    = aggregate_process,
    .row        = ks__table_stored_row,
    .keyed_store = ks__table_keyed_store,
};

ks_table *ks_grouped_stream_aggregate(ks_grouped_stream *g, const ks_aggregate *aggregate,
                                      const ks_materialized *materialized)
{
    struct fold_args args = { { .store = NULL }, NULL, KS_NULL };
    struct ks__call  call;
    ks_materialized  options;
    ks_aggregate     functions;

    if (!ks__enter(g, KS__KIND_GROUPED_STREAM, __func__, materialized, &options, sizeof(options),
                   &call) ||
        !ks__aggregation_functions(g->head.builder, &call, aggregate, &functions) ||
        !ks__need(g->head.builder, &call, functions.add != NULL, "KS_AGGREGATE(.add)") ||
        !ks__aggregation_refuse_special(g->head.builder, &call, &functions) ||
        !ks__aggregation_of(g, &call, &functions, &options, &args.initial))
        return ks__inert(g);
    args.fold = functions.add;
    return ks__aggregation_add(g, &call, &options,
                               &(struct ks__aggregation){ .class     = &aggregate_class,
                                                          .args      = &args,
                                                          .args_size = sizeof(args),
                                                          .user      = functions.user,
                                                          .value     = options.value });
}

/* ---- reduce ---- */

static void reduce_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__table_state *t      = state;
    const struct fold_args *args   = ctx->op->node->args;
    struct ks__record       change = { .record = record->record };
    struct ks__kv_slot      slot;
    struct ks__row          row;
    ks_status               status;

    if (!ks__aggregation_read(t, record, &slot, &row))
        return;
    change.record.timestamp_ms = ks__aggregation_time(record, &row);
    if (row.value.data != NULL) {
        change.record.value = row.value;
        status = args->fold(ctx, &record->record, &change.record.value, ctx->op->node->user);
        if (!ks__ctx_accept_bytes(ctx, status, change.record.value))
            return;
    }
    ks__table_update_found(t, &slot, &change, row.value);
}

static const struct ks__op_class reduce_class = {
    .name       = "reduce",
    .prefix     = "KSTREAM-REDUCE-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_TABLE,
    .state_size = sizeof(struct ks__table_state),
    .open       = ks__table_open,
    .process    = reduce_process,
    .row        = ks__table_stored_row,
    .keyed_store = ks__table_keyed_store,
};

ks_table *ks_grouped_stream_reduce(ks_grouped_stream *g, ks_fold_fn *reduce, void *user,
                                   const ks_materialized *materialized)
{
    const struct fold_args args = { { .store = NULL }, reduce, KS_NULL };
    struct ks__call        call;
    ks_materialized        options;

    if (!ks__enter(g, KS__KIND_GROUPED_STREAM, __func__, materialized, &options, sizeof(options),
                   &call) ||
        !ks__need(g->head.builder, &call, reduce != NULL, "a fold") ||
        !ks__agree(g->head.builder, &call, "key", &options.key,
                   &(struct ks__found){ g->key, g->node->name, "KS_MATERIALIZED" }) ||
        !ks__agree(g->head.builder, &call, "value", &options.value,
                   &(struct ks__found){ g->value, g->node->name, "KS_MATERIALIZED" }))
        return ks__inert(g);
    return ks__aggregation_add(g, &call, &options,
                               &(struct ks__aggregation){ .class     = &reduce_class,
                                                          .args      = &args,
                                                          .args_size = sizeof(args),
                                                          .user      = user,
                                                          .value     = options.value });
}
