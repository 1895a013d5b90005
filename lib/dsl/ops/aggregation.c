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

bool ks__aggregation_refuse_special(ks_builder *b, const struct ks__call *call,
                                    const ks_aggregate *functions)
{
    return ks__aggregation_refuse(b, call, functions->subtract != NULL, ".subtract") &&
           ks__aggregation_refuse(b, call, functions->merge != NULL, ".merge") &&
           ks__aggregation_refuse(b, call, functions->combine != NULL, ".combine");
}

bool ks__aggregation_of(const ks_grouped_stream *g, const struct ks__call *call,
                        const ks_aggregate *functions, ks_materialized *options, ks_bytes *initial)
{
    ks_builder *b = g->head.builder;

    return ks__agree(b, call, "key", &options->key,
                     &(struct ks__found){ g->key, g->node->name, "KS_MATERIALIZED" }) &&
           ks__aggregation_initial(b, call, options->value, functions->initial, initial);
}

bool ks__aggregation_functions(ks_builder *b, struct ks__call *call, const ks_aggregate *aggregate,
                               ks_aggregate *functions)
{
    return ks__enter_more(b, call, aggregate, functions, sizeof(*functions));
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

/* Named by the user the topic serves all aggregations of the group, otherwise each has its own. */
static struct ks__logical *repartition(ks_grouped_stream *g, const struct ks__call *call,
                                       const char *store, struct ks__logical *again)
{
    bool own_name = g->name != NULL;

    g->repartition = ks__repartition_add(
        g->head.builder, call, g->node,
        &(struct ks__repartition_seed){ .prefix = own_name ? g->name : store,
                                        .key    = g->key,
                                        .value  = g->value,
                                        .again  = again != NULL ? again
                                                  : own_name    ? g->repartition
                                                                : NULL,
                                        .stays  = again != NULL });
    return g->repartition;
}

bool ks__aggregation_input(ks_grouped_stream *g, const struct ks__call *call, const char *store,
                           struct ks__logical **again, struct ks__logical **parent,
                           struct ks__sources *sources)
{
    *parent  = g->node;
    *sources = g->sources;
    if (g->head.builder->error.status != KS_OK)
        return false;
    if (!g->rekeyed)
        return true;
    *parent = repartition(g, call, store, again != NULL ? *again : NULL);
    if (*parent == NULL)
        return false;
    if (again != NULL)
        *again = *parent;
    *sources = ks__sources_of(g->head.builder, *parent);
    return true;
}

/* The store of a windowed aggregation: what the kind says, the rest as declared. */
static void make_timed(struct ks__store_spec *spec, const struct ks__store_spec *timed)
{
    spec->kind         = timed->kind;
    spec->cut          = timed->cut;
    spec->retention_ms = timed->retention_ms;
    spec->keep_ms      = timed->keep_ms;
    spec->window_ms    = timed->window_ms;
    spec->by_time      = timed->by_time;
    spec->holders      = timed->holders;
    spec->owed         = timed->owed;
    spec->sliced       = timed->sliced;
    /* Final results are sent once anyway. Kafka Streams caches those of tumbling and hopping
     * windows nevertheless, which only shows in what its retention hides. */
    spec->lingers = spec->cache && timed->lingers;
    spec->cache   = spec->cache && !timed->by_time;
}

bool ks__aggregation_attach(ks_builder *b, const struct ks__call *call, struct ks__logical *node,
                            const ks_materialized *options, const struct ks__aggregation *what)
{
    struct ks__table_part part = { .rows = KS__ROWS_STORED, .materialized = true };

    ks__table_store(&part, what->store, options, options->key, what->value);
    part.store.cut = what->cut;
    if (what->timed != NULL)
        make_timed(&part.store, what->timed);
    return ks__table_attach(b, call, node, &part);
}

ks_table *ks__aggregation_add(ks_grouped_stream *g, const struct ks__call *call,
                              const ks_materialized *options, const struct ks__aggregation *what)
{
    ks_builder            *b    = g->head.builder;
    struct ks__aggregation made = *what;
    const char            *name;
    struct ks__logical    *parent, *node;
    struct ks__sources     sources;

    made.store = ks__store_name(b, call, options, what->class->prefix);
    name       = ks__choose_name(b, call->name, what->class->prefix);
    if (!ks__aggregation_input(g, call, made.store, NULL, &parent, &sources))
        return ks__inert(b);
    node = ks__logical_add(b, call,
                           &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                                       .name         = name,
                                                       .class        = what->class,
                                                       .args         = what->args,
                                                       .args_size    = what->args_size,
                                                       .user         = what->user,
                                                       .parents      = &parent,
                                                       .parent_count = 1 });
    if (!ks__aggregation_attach(b, call, node, options, &made))
        return ks__inert(b);
    return ks__table_make(b, node, what->key != NULL ? what->key : options->key, what->value,
                          sources);
}

bool ks__aggregation_read(struct ks__table_state *t, const struct ks__record *record,
                          struct ks__kv_slot *slot, struct ks__row *row)
{
    if (record->record.key.data == NULL || record->record.value.data == NULL) {
        ks__ctx_drop(t->ctx, record->record.key.data == NULL ? KS__DROP_NULL_KEY
                                                             : KS__DROP_NULL_VALUE);
        return false;
    }
    ks__table_find(t, &record->record, slot, row);
    return t->ctx->error->status == KS_OK;
}
