/* SPDX-License-Identifier: Apache-2.0
 *
 * derived.c - what filters and maps of tables have in common.
 */
#include "dsl/ops/derived.h"

void ks__derived_open(void *state, ks_ctx *ctx)
{
    struct ks__derived_state *derived = state;

    ks__table_open(state, ctx);
    if (derived->table.store == NULL && ctx->error->status == KS_OK)
        derived->parent = ks__table_view(ctx, 0);
}

const char *ks__derived_store(ks_builder *b, const struct ks__call *call,
                              const ks_materialized *options, const char *prefix)
{
    if (options->store != NULL)
        return ks__store_name(b, call, options, prefix);
    if (ks__is_materialized(options))
        ks__generate_store(b, prefix); /* taken, never used: D2 */
    return NULL;
}

ks_table *ks__derived_add(ks_table *t, const struct ks__call *call, const ks_materialized *options,
                          const ks_materialized *typed, const struct ks__derived *what)
{
    ks_builder           *b     = t->head.builder;
    const char           *store = ks__derived_store(b, call, options, what->class->prefix);
    struct ks__table_part part  = { .rows = KS__ROWS_DERIVED, .materialized = store != NULL };
    struct ks__logical   *node  = ks__logical_add(
        b, call,
        &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                    .name         = ks__choose_name(b, call->name,
                                                                    what->class->prefix),
                                    .class        = what->class,
                                    .args         = what->args,
                                    .args_size    = what->args_size,
                                    .user         = what->user,
                                    .parents      = &t->node,
                                    .parent_count = 1 });

    ks__table_store(&part, store, options, typed->key, typed->value);
    if (!ks__table_attach(b, call, node, &part))
        return ks__inert(b);
    ks__logical_view(node, t->node);
    if (what->asks_old)
        node->table->sends_old = ks__table_send_old(t->node, false);
    return ks__table_make(b, node, typed->key, typed->value, t->sources);
}
