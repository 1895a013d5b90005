/* SPDX-License-Identifier: Apache-2.0
 *
 * table.c - store, change and row of table operators.
 */
#include "dsl/ops/table.h"

/* A change leaves the cache: it goes on from the operator that keeps the store. */
static void flushed(void *user, ks_bytes key, const struct ks__row *now,
                    const struct ks__row *before)
{
    struct ks__table_state *t    = user;
    struct ks__op          *op   = t->ctx->op;
    struct ks__record       out  = { .record  = { .key          = key,
                                                  .value        = now->value,
                                                  .timestamp_ms = now->timestamp_ms,
                                                  .headers      = now->headers },
                                     .has_old = t->sends_old };

    if (t->sends_old)
        out.old = before->value;
    t->ctx->op = t->op;
    ks__forward(t->ctx, &out);
    t->ctx->op = op;
}

void ks__table_open(void *state, ks_ctx *ctx)
{
    struct ks__table_state      *t    = state;
    const struct ks__table_args *args = ctx->op->node->args;

    t->ctx       = ctx;
    t->op        = ctx->op;
    t->sends_old = args->sends_old;
    if (args->store == NULL)
        return;
    t->store = ctx->ops->kv_store(ctx, args->store, true);
    if (t->store == NULL)
        return;
    t->cached = ks__kv_is_cached(t->store);
    if (t->cached)
        ks__kv_on_flush(t->store, flushed, t);
}

bool ks__table_stored_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                          struct ks__row *row)
{
    const struct ks__table_state *t = state;

    (void)ctx;
    return ks__kv_get(t->store, key->key, row);
}

void ks__table_update(struct ks__table_state *t, const struct ks__record *change, ks_bytes old)
{
    struct ks__record out = *change;

    if (t->store != NULL)
        ks__kv_put(t->store, change->record.key,
                   &(struct ks__row){ change->record.value, change->record.timestamp_ms,
                                      change->record.headers });
    if (t->cached || t->ctx->error->status != KS_OK)
        return;
    out.has_old = t->sends_old;
    out.old     = t->sends_old ? old : KS_NULL;
    ks__forward(t->ctx, &out);
}

bool ks__table_row_of(ks_ctx *ctx, struct ks__op *table, const struct ks__row_key *key,
                      struct ks__row *row)
{
    struct ks__op *op = ctx->op;
    bool           found;

    *row    = (struct ks__row){ 0 };
    ctx->op = table; /* so that a failure and ks_ctx_local() are those of the table */
    found   = table->class->row(table->state, ctx, key, row);
    ctx->op = op;
    if (!found)
        *row = (struct ks__row){ 0 };
    return found;
}

struct ks__op *ks__table_view(ks_ctx *ctx, size_t n)
{
    struct ks__op *op = ctx->ops->op_of(ctx, ctx->op->node->views[n]);

    if (op == NULL)
        ks__ctx_raise(ctx, KS_ENOTFOUND, "the table \"%s\" is not in this task",
                      ctx->op->node->views[n]->name);
    return op;
}
