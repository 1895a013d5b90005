/* SPDX-License-Identifier: Apache-2.0
 *
 * table_aggregate.c - fold the rows of each group of a table: subtract what goes, add what comes.
 *
 *      (group, old and new) ─> subtract(old) ─> add(new) ─> one change
 *
 * Nothing is subtracted from a group that has no aggregate. The row's time never goes back.
 */
#include "dsl/ops/table_group.h"

#include "serde/change.h"
#include "topology/lent.h"

struct table_fold_args {
    struct ks__table_args table;
    ks_fold_fn           *add;
    ks_fold_fn           *subtract;
    ks_bytes              initial;
    bool                  reduce; /* the first value is the first aggregate */
};

/* One step of the fold; false = leave everything as it was. */
static bool fold(ks_ctx *ctx, ks_fold_fn *step, const ks_record *record, ks_bytes value,
                 ks_bytes *aggregate)
{
    ks_record row = *record;
    ks_status status;

    row.value = value;
    status    = step(ctx, &row, aggregate, ctx->op->node->user);
    return ks__ctx_accept_bytes(ctx, status, *aggregate);
}

static bool fold_change(ks_ctx *ctx, const ks_record *record, const struct ks__change *change,
                        ks_bytes *aggregate)
{
    const struct table_fold_args *args = ctx->op->node->args;

    if (change->before.data != NULL && aggregate->data != NULL &&
        !fold(ctx, args->subtract, record, change->before, aggregate))
        return false;
    if (change->now.data == NULL)
        return true;
    if (aggregate->data == NULL && args->reduce) {
        *aggregate = change->now;
        return true;
    }
    if (aggregate->data == NULL)
        *aggregate = args->initial;
    return fold(ctx, args->add, record, change->now, aggregate);
}

static void table_fold_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__table_state *t   = state;
    struct ks__record       out = { .record = record->record };
    struct ks__change       change;
    struct ks__row          row;

    if (record->record.key.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    if (!ks__change_read(record->record.value, &change)) {
        ks__ctx_raise(ctx, KS_EDATA, "a change of %zu bytes is damaged",
                      record->record.value.size);
        return;
    }
    ks__kv_get(t->store, record->record.key, &row);
    out.record.value        = row.value;
    out.record.timestamp_ms = ks__aggregation_time(record, &row);
    if (ctx->error->status == KS_OK &&
        fold_change(ctx, &record->record, &change, &out.record.value))
        ks__table_update(t, &out, row.value);
}

#define TABLE_FOLD(name_, prefix_)                                                            \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct ks__table_state), .open = ks__table_open,                 \
        .process = table_fold_process, .row = ks__table_stored_row                            \
    }

static const struct ks__op_class table_aggregate_class =
    TABLE_FOLD("table aggregate", "KTABLE-AGGREGATE-");
static const struct ks__op_class table_reduce_class = TABLE_FOLD("table reduce", "KTABLE-REDUCE-");

static ks_table *add(ks_grouped_table *g, const struct ks__call *call,
                     const ks_materialized *options, const struct table_fold_args *args,
                     void *user)
{
    return ks__table_aggregation_add(
        g, call, options,
        &(struct ks__aggregation){ .class = args->reduce ? &table_reduce_class
                                                         : &table_aggregate_class,
                                   .args      = args,
                                   .args_size = sizeof(*args),
                                   .user      = user,
                                   .value     = options->value });
}

static bool agree_key(const ks_grouped_table *g, const struct ks__call *call,
                      ks_materialized *options)
{
    return ks__agree(g->head.builder, call, "key", &options->key,
                     &(struct ks__found){ g->key, g->node->name, "KS_MATERIALIZED" });
}

/* ---- count ---- */

static ks_status count_one(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)record, (void)user;
    *acc = ks_ctx_i64(ctx, ks_bytes_i64(*acc, 0) + 1);
    return KS_OK;
}

static ks_status discount_one(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    (void)record, (void)user;
    *acc = ks_ctx_i64(ctx, ks_bytes_i64(*acc, 0) - 1);
    return KS_OK;
}

ks_table *ks_grouped_table_count(ks_grouped_table *g, const ks_materialized *materialized)
{
    static const unsigned char   zero[8];
    const struct table_fold_args args = { .add      = count_one,
                                          .subtract = discount_one,
                                          .initial  = { zero, sizeof(zero) } };
    struct ks__call              call;
    ks_materialized              options;

    if (!ks__enter(g, KS__KIND_GROUPED_TABLE, __func__, materialized, &options, sizeof(options),
                   &call) ||
        !agree_key(g, &call, &options) || !ks__aggregation_counts(g->head.builder, &call, &options))
        return ks__inert(g);
    return add(g, &call, &options, &args, NULL);
}

/* ---- reduce ---- */

ks_table *ks_grouped_table_reduce(ks_grouped_table *g, ks_fold_fn *add_fn, ks_fold_fn *subtract,
                                  void *user, const ks_materialized *materialized)
{
    const struct table_fold_args args = { .add = add_fn, .subtract = subtract, .reduce = true };
    struct ks__call              call;
    ks_materialized              options;

    if (!ks__enter(g, KS__KIND_GROUPED_TABLE, __func__, materialized, &options, sizeof(options),
                   &call) ||
        !ks__need(g->head.builder, &call, add_fn != NULL, "a fold that adds") ||
        !ks__need(g->head.builder, &call, subtract != NULL, "a fold that subtracts") ||
        !agree_key(g, &call, &options) ||
        !ks__agree(g->head.builder, &call, "value", &options.value,
                   &(struct ks__found){ g->value, g->node->name, "KS_MATERIALIZED" }))
        return ks__inert(g);
    return add(g, &call, &options, &args, user);
}

/* ---- aggregate ---- */

ks_table *ks_grouped_table_aggregate(ks_grouped_table *g, const ks_aggregate *aggregate,
                                     const ks_materialized *materialized)
{
    struct table_fold_args args = { .reduce = false };
    struct ks__call        call;
    ks_materialized        options;
    ks_aggregate           functions;
    ks_builder            *b;

    if (!ks__enter(g, KS__KIND_GROUPED_TABLE, __func__, materialized, &options, sizeof(options),
                   &call))
        return ks__inert(g);
    b = g->head.builder;
    if (!ks__aggregation_functions(b, &call, aggregate, &functions) ||
        !ks__need(b, &call, functions.add != NULL, "KS_AGGREGATE(.add)") ||
        !ks__need(b, &call, functions.subtract != NULL, "KS_AGGREGATE(.subtract)") ||
        !ks__aggregation_refuse(b, &call, functions.merge != NULL, ".merge") ||
        !ks__aggregation_refuse(b, &call, functions.combine != NULL, ".combine") ||
        !agree_key(g, &call, &options) ||
        !ks__aggregation_initial(b, &call, options.value, functions.initial, &args.initial))
        return ks__inert(g);
    args.add      = functions.add;
    args.subtract = functions.subtract;
    return add(g, &call, &options, &args, functions.user);
}
