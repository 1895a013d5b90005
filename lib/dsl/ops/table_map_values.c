/* SPDX-License-Identifier: Apache-2.0
 *
 * table_map_values.c - another value for each row of a table: by a function of the row alone, for
 * which null stays null without a call (map_values), or by one that sees deletions too and may use
 * stores (transform_values).
 */
#include "dsl/ops/derived.h"

#include "topology/lent.h"

struct table_map_args {
    struct ks__table_args table;
    ks_mapper_fn         *map;
    bool                  nulls; /* calls it for deletions, too */
};

/* The value as the mapped table has it. Headers that the mapper sets go into `*headers`. */
static ks_bytes mapped(ks_ctx *ctx, const ks_record *record, ks_bytes value,
                       const ks_headers **headers)
{
    const struct table_map_args *args = ctx->op->node->args;
    ks_record                    row  = *record;
    ks_status                    status;

    if ((value.data == NULL && !args->nulls) || ctx->error->status != KS_OK)
        return KS_NULL;
    row.value = value;
    status    = args->map(ctx, &row, ctx->op->node->user);
    if (status == KS_SKIP && ctx->error->status == KS_OK)
        return KS_NULL;
    if (!ks__ctx_accept_bytes(ctx, status, row.value))
        return KS_NULL;
    *headers = row.headers;
    return row.value;
}

static void table_map_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    struct ks__derived_state *derived = state;
    struct ks__table_state   *t       = &derived->table;
    struct ks__record         change  = { .record = record->record, .stale = record->stale };
    struct ks__row            old     = { 0 };

    change.record.value = mapped(ctx, &record->record, record->record.value,
                                 &change.record.headers);
    if (t->sends_old && t->store != NULL)
        ks__table_read(t, &record->record, &old);
    else if (t->sends_old)
        old.value = mapped(ctx, &record->record, record->old, &old.headers);
    if (ctx->error->status == KS_OK)
        ks__table_update(t, &change, old.value);
}

static bool table_map_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                          struct ks__row *row)
{
    const struct table_map_args    *args    = ctx->op->node->args;
    const struct ks__derived_state *derived = state;
    ks_record                       record;

    if (derived->table.store != NULL)
        return ks__table_stored_row(state, ctx, key, row);
    if (!ks__table_row_of(ctx, derived->parent, key, row)) {
        if (!args->nulls || ctx->error->status != KS_OK)
            return false;
        row->timestamp_ms = -1;
    }
    record = (ks_record){ .key          = key->key,
                          .value        = row->value,
                          .timestamp_ms = row->timestamp_ms,
                          .headers      = row->headers,
                          .window       = key->window };
    row->value = mapped(ctx, &record, row->value, &row->headers);
    return row->value.data != NULL && ctx->error->status == KS_OK;
}

#define TABLE_MAP(name_, prefix_)                                                             \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct ks__derived_state), .open = ks__derived_open,             \
        .process = table_map_process, .row = table_map_row                                    \
    }

static const struct ks__op_class table_map_class =
    TABLE_MAP("table map_values", "KTABLE-MAPVALUES-");
static const struct ks__op_class table_transform_class =
    TABLE_MAP("table transform_values", "KTABLE-TRANSFORMVALUES-");

ks_table *ks_table_map_values(ks_table *t, ks_mapper_fn *map, void *user,
                              const ks_materialized *materialized)
{
    const struct table_map_args args = { .map = map };
    struct ks__call             call;
    ks_materialized             options;
    ks_materialized             typed;

    if (!ks__enter(t, KS__KIND_TABLE, __func__, materialized, &options, sizeof(options), &call) ||
        !ks__need(t->head.builder, &call, map != NULL, "a mapper"))
        return ks__inert(t);
    typed = options;
    if (!ks__agree(t->head.builder, &call, "key", &typed.key,
                   &(struct ks__found){ t->key, t->node->name, "KS_MATERIALIZED" }))
        return ks__inert(t);
    return ks__derived_add(t, &call, &options, &typed,
                           &(struct ks__derived){ .class     = &table_map_class,
                                                  .args      = &args,
                                                  .args_size = sizeof(args),
                                                  .user      = user });
}

ks_table *ks_table_transform_values(ks_table *t, ks_mapper_fn *map, void *user,
                                    const ks_table_connected *connected)
{
    const struct table_map_args args = { .map = map, .nulls = true };
    struct ks__call             call;
    ks_table_connected          options;
    ks_materialized             store = { .struct_size = sizeof(store) };
    ks_materialized             typed;
    ks_table                   *out;

    if (!ks__enter(t, KS__KIND_TABLE, __func__, connected, &options, sizeof(options), &call) ||
        !ks__need(t->head.builder, &call, map != NULL, "a mapper"))
        return ks__inert(t);
    store.store     = options.store;
    store.key       = options.key;
    store.value     = options.value;
    store.cache     = options.cache;
    store.changelog = options.changelog;
    store.topic_config = options.topic_config;
    typed           = store;
    if (!ks__agree(t->head.builder, &call, "key", &typed.key,
                   &(struct ks__found){ t->key, t->node->name, "KS_TABLE_CONNECTED" }))
        return ks__inert(t);
    out = ks__derived_add(t, &call, &store, &typed,
                          &(struct ks__derived){ .class     = &table_transform_class,
                                                 .args      = &args,
                                                 .args_size = sizeof(args),
                                                 .user      = user });
    if (t->head.builder->error.status != KS_OK)
        return ks__inert(t);
    for (size_t i = 0; i < KS_CONNECTED_MAX && options.stores[i] != NULL; i++)
        ks__logical_use_store(t->head.builder, out->node, options.stores[i]);
    return out;
}
