/* SPDX-License-Identifier: Apache-2.0
 *
 * table_filter.c - the rows of a table for which a predicate holds, or does not.
 *
 * A row that does not pass is a deletion. With old values known, what did not pass before and does
 * not pass now sends nothing; without, every such change sends a deletion.
 */
#include "dsl/ops/derived.h"

struct table_filter_args {
    struct ks__table_args table;
    ks_predicate_fn      *keep;
    bool                  invert;
};

/* The value as the filtered table has it: itself or null. */
static ks_bytes filtered(ks_ctx *ctx, const ks_record *record, ks_bytes value)
{
    const struct table_filter_args *args = ctx->op->node->args;
    ks_record                       row  = *record;

    if (value.data == NULL || ctx->error->status != KS_OK)
        return KS_NULL;
    row.value = value;
    return args->keep(ctx, &row, ctx->op->node->user) != args->invert ? value : KS_NULL;
}

static void table_filter_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    const struct ks__table_args *args = ctx->op->node->args;
    struct ks__derived_state *derived = state;
    struct ks__table_state   *t       = &derived->table;
    struct ks__record         change  = { .record = record->record, .stale = record->stale };
    struct ks__row            row     = { 0 };

    change.record.value = filtered(ctx, &record->record, record->record.value);
    if (t->sends_old && t->store != NULL)
        ks__table_read(t, &record->record, &row);
    else if (t->sends_old)
        row.value = filtered(ctx, &record->record, record->old);
    if (ctx->error->status != KS_OK)
        return;
    /* A versioned table has deletions of their own time. */
    if (!args->versioned_input && t->sends_old && row.value.data == NULL &&
        change.record.value.data == NULL)
        return;
    ks__table_update(t, &change, row.value);
}

static bool table_filter_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                             struct ks__row *row)
{
    const struct ks__derived_state *derived = state;
    ks_record                       record;

    if (derived->table.store != NULL)
        return ks__table_stored_row(state, ctx, key, row);
    if (!ks__table_row_of(ctx, derived->parent, key, row))
        return false;
    record = (ks_record){ .key          = key->key,
                          .value        = row->value,
                          .timestamp_ms = row->timestamp_ms,
                          .headers      = row->headers,
                          .window       = key->window };
    return filtered(ctx, &record, row->value).data != NULL && ctx->error->status == KS_OK;
}

static const struct ks__op_class table_filter_class = {
    .name       = "table filter",
    .prefix     = "KTABLE-FILTER-",
    .traits     = KS__OP_KEEPS_KEY | KS__OP_KEEPS_TYPES | KS__OP_TABLE,
    .state_size = sizeof(struct ks__derived_state),
    .open       = ks__derived_open,
    .process    = table_filter_process,
    .row        = table_filter_row,
};

static ks_table *append_filter(ks_table *t, const struct table_filter_args *args, void *user,
                               const ks_materialized *materialized, const char *function)
{
    struct ks__call call;
    ks_materialized options;
    ks_materialized typed;

    if (!ks__enter(t, KS__KIND_TABLE, function, materialized, &options, sizeof(options), &call) ||
        !ks__need(t->head.builder, &call, args->keep != NULL, "a predicate"))
        return ks__inert(t);
    typed = options;
    if (!ks__agree(t->head.builder, &call, "key", &typed.key,
                   &(struct ks__found){ t->key, t->node->name, "KS_MATERIALIZED" }) ||
        !ks__agree(t->head.builder, &call, "value", &typed.value,
                   &(struct ks__found){ t->value, t->node->name, "KS_MATERIALIZED" }))
        return ks__inert(t);
    return ks__derived_add(t, &call, &options, &typed,
                           &(struct ks__derived){ .class     = &table_filter_class,
                                                  .args      = args,
                                                  .args_size = sizeof(*args),
                                                  .user      = user,
                                                  .asks_old  = true });
}

ks_table *ks_table_filter(ks_table *t, ks_predicate_fn *keep, void *user,
                          const ks_materialized *materialized)
{
    const struct table_filter_args args = { { .store = NULL }, keep, false };

    return append_filter(t, &args, user, materialized, __func__);
}

ks_table *ks_table_filter_not(ks_table *t, ks_predicate_fn *drop, void *user,
                              const ks_materialized *materialized)
{
    const struct table_filter_args args = { { .store = NULL }, drop, true };

    return append_filter(t, &args, user, materialized, __func__);
}
