/* SPDX-License-Identifier: Apache-2.0
 *
 * table_group.c - grouping a table: another key and value for each row, through a topic of changes.
 *
 *      change of a row ─> select ─┬─ same group:   (group, old and new)            ─> topic
 *                                 `─ another one:  (old group, old), (group, new)  ─> topic
 *
 * Rows whose group or value is null are left out. Records out of order (versioned tables) change
 * nothing.
 */
#include "dsl/ops/table_group.h"

#include "serde/change.h"
#include "topology/lent.h"

#define SUFFIX       "-repartition"
#define STORE_PREFIX "KTABLE-AGGREGATE-" /* of reduce, too */

struct table_select_args {
    ks_mapper_fn *map;
};

/* The row of the group for a row of the table; false = left out, or failed. */
static bool choose(ks_ctx *ctx, const ks_record *record, ks_bytes value, ks_record *row)
{
    const struct table_select_args *args = ctx->op->node->args;
    ks_status                       status;

    if (value.data == NULL || ctx->error->status != KS_OK)
        return false;
    *row        = *record;
    row->value  = value;
    status      = args->map(ctx, row, ctx->op->node->user);
    row->window = NULL;
    return ks__ctx_accept_bytes(ctx, status, row->key) &&
           ks__ctx_accept_bytes(ctx, status, row->value) && row->key.data != NULL &&
           row->value.data != NULL;
}

static void send(ks_ctx *ctx, const ks_record *row, const struct ks__change *change)
{
    struct ks__record out = { .record = *row };

    if (ctx->error->status != KS_OK)
        return;
    if (!ks__change_write(change, ctx->arena, &out.record.value)) {
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a change");
        return;
    }
    ks__forward(ctx, &out);
}

static void table_select_process(void *state, ks_ctx *ctx, const struct ks__record *record)
{
    ks_record now, before;
    bool      has_now, has_before;

    (void)state;
    if (record->stale)
        return;
    has_now    = choose(ctx, &record->record, record->record.value, &now);
    has_before = choose(ctx, &record->record, record->old, &before);
    if (has_now && has_before && ks_bytes_equal(now.key, before.key)) {
        send(ctx, &now, &(struct ks__change){ .now = now.value, .before = before.value });
        return;
    }
    if (has_before)
        send(ctx, &before, &(struct ks__change){ .before = before.value });
    if (has_now)
        send(ctx, &now, &(struct ks__change){ .now = now.value });
}

static const struct ks__op_class table_select_class = {
    .name    = "table group_by",
    .prefix  = "KTABLE-SELECT-",
    .traits  = KS__OP_STATELESS,
    .process = table_select_process,
};

ks_grouped_table *ks_table_group_by(ks_table *t, ks_mapper_fn *map, void *user,
                                    const ks_grouped *grouped)
{
    const struct table_select_args args = { map };
    struct ks__call                call;
    struct ks__logical            *node;
    ks_grouped_table              *g;
    ks_grouped                     options;
    ks_builder                    *b;

    if (!ks__enter(t, KS__KIND_TABLE, __func__, grouped, &options, sizeof(options), &call) ||
        !ks__need(t->head.builder, &call, map != NULL, "a mapper"))
        return ks__inert(t);
    b    = t->head.builder;
    node = ks__logical_add(
        b, &call,
        &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                    .name         = ks__choose_name(b, call.name,
                                                                    table_select_class.prefix),
                                    .class        = &table_select_class,
                                    .args         = &args,
                                    .args_size    = sizeof(args),
                                    .user         = user,
                                    .parents      = &t->node,
                                    .parent_count = 1 });
    if (node == NULL)
        return ks__inert(b);
    ks__table_send_old(t->node, true);
    g = ks__owned_copy(b->owned,
                       &(ks_grouped_table){ .head  = { KS__KIND_GROUPED_TABLE, b },
                                            .node  = node,
                                            .key   = options.key,
                                            .value = options.value,
                                            .name  = call.name },
                       sizeof(*g));
    if (g == NULL)
        ks__latch_no_memory(b);
    return g != NULL ? g : ks__inert(b);
}

/* ---- what follows ---- */

/* "<name>-sink", or the generated name. */
static const char *suffixed(ks_builder *b, const char *name, const char *suffix,
                            const char *prefix)
{
    const char *generated = ks__generate(b, prefix); /* D2 */

    return name != NULL ? ks__join_text(b, name, suffix) : generated;
}

struct names {
    const char *store;
    const char *sink;
    const char *source;
    const char *node;
};

/* The topic of changes. Named by the user it serves all aggregations of the group. */
static struct ks__logical *repartition(ks_grouped_table *g, const struct ks__call *call,
                                       const struct names *names)
{
    ks_builder                 *b    = g->head.builder;
    struct ks__repartition_part part = { .sink_name = names->sink, .key = g->key };
    struct ks__logical         *node;

    if (g->name != NULL && g->repartition != NULL) {
        ks__logical_touch(b, g->repartition);
        return g->repartition;
    }
    part.topic = ks__join_text(b, g->name != NULL ? g->name : names->store, SUFFIX);
    node       = ks__logical_add(b, call,
                                 &(struct ks__logical_seed){ .kind  = KS__LOGICAL_REPARTITION,
                                                             .name  = names->source,
                                                             .class = &ks__source_class,
                                                             .parents      = &g->node,
                                                             .parent_count = 1 });
    if (node == NULL || part.topic == NULL ||
        !ks__take_node_name(b, call, names->sink, node))
        return NULL;
    node->repartition = ks__owned_copy(b->owned, &part, sizeof(part));
    if (node->repartition == NULL)
        return ks__latch_no_memory(b);
    g->repartition = node;
    return node;
}

ks_table *ks__table_aggregation_add(ks_grouped_table *g, const struct ks__call *call,
                                    const ks_materialized        *options,
                                    const struct ks__aggregation *what)
{
    ks_builder           *b    = g->head.builder;
    struct ks__table_part part = { .rows = KS__ROWS_STORED, .materialized = true,
                                   .of_table = true };
    struct ks__logical   *parent;
    struct ks__logical   *node;
    struct names          names;

    names.store  = ks__store_name(b, call, options, STORE_PREFIX);
    names.sink   = suffixed(b, call->name, "-sink", "KSTREAM-SINK-");
    names.source = suffixed(b, call->name, "-source", "KSTREAM-SOURCE-");
    names.node   = ks__choose_name(b, call->name, what->class->prefix);
    if (b->error.status != KS_OK)
        return ks__inert(b);
    parent = repartition(g, call, &names);
    if (parent == NULL)
        return ks__inert(b);
    node = ks__logical_add(b, call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = names.node,
                                                       .class        = what->class,
                                                       .args         = what->args,
                                                       .args_size    = what->args_size,
                                                       .user         = what->user,
                                                       .parents      = &parent,
                                                       .parent_count = 1 });
    ks__table_store(&part, names.store, options, options->key, what->value);
    if (!ks__table_attach(b, call, node, &part))
        return ks__inert(b);
    return ks__table_make(b, node, options->key, what->value, ks__sources_of(b, parent));
}
