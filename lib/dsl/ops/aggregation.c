/* SPDX-License-Identifier: Apache-2.0
 *
 * aggregation.c - what count, reduce and aggregate have in common.
 */
#include "dsl/ops/aggregation.h"

#include "serde/serde.h"

/* ---- what was asked for ---- */

bool ks__aggregation_refuse(ks_builder *b, const struct ks__call *call, bool given,
                            const char *member)
{
    if (given)
        ks__latch(b, call, KS_EINVAL, "KS_AGGREGATE(%s) is not used here; leave it out", member);
    return !given;
}

bool ks__aggregation_functions(ks_builder *b, struct ks__call *call, const ks_aggregate *aggregate,
                               ks_aggregate *functions)
{
    if (!ks__enter_more(b, call, aggregate, functions, sizeof(*functions)))
        return false;
    if (call->site == NULL && functions->site != NULL)
        call->site = ks__owned_text(b->owned, functions->site);
    return true;
}

bool ks__aggregation_initial(ks_builder *b, const struct ks__call *call, const ks_serde *value,
                             ks_bytes initial, ks_bytes *out)
{
    if (!ks_serde_check(value, initial))
        return ks__latch(b, call, KS_ETYPE, "the initial aggregate does not decode as %s",
                         ks_serde_name(value)) != NULL;
    if (!ks__arena_copy(&b->owned->arena, initial, out))
        return ks__latch_no_memory(b) != NULL;
    return true;
}

bool ks__aggregation_counts(ks_builder *b, const struct ks__call *call, ks_materialized *options)
{
    if (!ks__serde_fits(options->value, ks_serde_i64()))
        return ks__latch(b, call, KS_ETYPE,
                         "value serde is %s but a count is i64; use KS_MATERIALIZED(.value ="
                         " ks_serde_i64()) or leave it out",
                         ks_serde_name(options->value)) != NULL;
    options->value = ks_serde_i64();
    return true;
}

/* ---- the node ---- */

/* The topic between a change of key and the aggregation. Named by the user it serves all
 * aggregations of the group, otherwise each has its own. */
static struct ks__logical *repartition(ks_grouped_stream *g, const struct ks__call *call,
                                       const char *store)
{
    bool own_name = g->name != NULL;

    g->repartition = ks__repartition_add(
        g->head.builder, call, g->node,
        &(struct ks__repartition_seed){ .prefix = own_name ? g->name : store,
                                        .key    = g->key,
                                        .value  = g->value,
                                        .again  = own_name ? g->repartition : NULL });
    return g->repartition;
}

ks_table *ks__aggregation_add(ks_grouped_stream *g, const struct ks__call *call,
                              const ks_materialized *options, const struct ks__aggregation *what)
{
    ks_builder           *b       = g->head.builder;
    const char           *store   = ks__store_name(b, call, options, what->class->prefix);
    const char           *name    = ks__choose_name(b, call->name, what->class->prefix);
    struct ks__table_part part    = { .rows = KS__ROWS_STORED, .materialized = true };
    struct ks__logical   *parent  = g->node;
    struct ks__sources    sources = g->sources;
    struct ks__logical   *node;

    if (b->error.status != KS_OK)
        return ks__inert(b);
    if (g->rekeyed) {
        parent = repartition(g, call, store);
        if (parent == NULL)
            return ks__inert(b);
        sources = ks__sources_of(b, parent);
    }
    node = ks__logical_add(b, call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = what->class,
                                                       .args         = what->args,
                                                       .args_size    = what->args_size,
                                                       .user         = what->user,
                                                       .parents      = &parent,
                                                       .parent_count = 1 });
    ks__table_store(&part, store, options, options->key, what->value);
    if (!ks__table_attach(b, call, node, &part))
        return ks__inert(b);
    return ks__table_make(b, node, options->key, what->value, sources);
}

bool ks__aggregation_read(struct ks__table_state *t, const struct ks__record *record,
                          struct ks__row *row)
{
    if (record->record.key.data == NULL || record->record.value.data == NULL) {
        ks__ctx_drop(t->ctx, record->record.key.data == NULL ? KS__DROP_NULL_KEY
                                                             : KS__DROP_NULL_VALUE);
        return false;
    }
    ks__table_read(t, &record->record, row);
    return t->ctx->error->status == KS_OK;
}
