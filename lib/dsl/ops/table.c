/* SPDX-License-Identifier: Apache-2.0
 *
 * table.c - store, change and row of table operators.
 */
#include "dsl/ops/table.h"

#include "serde/serde.h"
#include "serde/windowed_key.h"
#include "state/versioned.h"

/* ---- keys of windowed tables ---- */

/* The key of a row in the store; null = an error is set. */
static ks_bytes stored_key(struct ks__table_state *t, ks_bytes key, const ks_window *window)
{
    ks_bytes whole;

    if (t->windowed == NULL || window == NULL)
        return key;
    if (!ks__windowed_key_write(t->windowed, key, window, t->ctx->arena, &whole))
        ks__ctx_raise(t->ctx, KS_ENOMEM, "no memory for a windowed key");
    return whole;
}

/* And back. */
static bool read_key(struct ks__table_state *t, ks_bytes key, ks_record *record, ks_window *window)
{
    record->key = key;
    if (t->windowed == NULL)
        return true;
    record->window = window;
    if (ks__windowed_key_read(t->windowed, key, &record->key, window))
        return true;
    ks__ctx_raise(t->ctx, KS_ECORRUPT, "a key of store \"%s\" is not windowed",
                  ks__kv_spec(t->store)->name);
    return false;
}

/* ---- store ---- */

/* A change leaves the cache: it goes on from the operator that keeps the store. */
static void flushed(void *user, ks_bytes key, const struct ks__row *now,
                    const struct ks__row *before)
{
    struct ks__table_state *t    = user;
    struct ks__op          *op   = t->ctx->op;
    ks_window               window;
    struct ks__record       out  = { .record  = { .value        = now->value,
                                                  .timestamp_ms = now->timestamp_ms,
                                                  .headers      = now->headers },
                                     .has_old = t->sends_old };

    if (!read_key(t, key, &out.record, &window))
        return;
    if (t->sends_old)
        out.old = before->value;
    t->ctx->op = t->op;
    ks__forward(t->ctx, &out);
    t->ctx->op = op;
}

/* A row has outlived its ttl. */
static void expired(void *user, ks_bytes key, const struct ks__row *row)
{
    struct ks__table_state *t    = user;
    struct ks__op          *op   = t->ctx->op;
    ks_window               window;
    struct ks__record       gone = { .record.timestamp_ms = ks__kv_death_ms(t->store, row) };

    if (!read_key(t, key, &gone.record, &window))
        return;
    t->ctx->op = t->op;
    ks__table_update(t, &gone, row->value);
    t->ctx->op = op;
}

void ks__table_open_shared(void *state, ks_ctx *ctx)
{
    struct ks__table_state      *t    = state;
    const struct ks__table_args *args = ctx->op->node->args;

    t->ctx       = ctx;
    t->op        = ctx->op;
    t->sends_old = args->sends_old;
    if (args->store == NULL)
        return;
    t->versioned = args->versioned;
    t->store     = ctx->ops->store(ctx, args->store,
                                   t->versioned ? KS__STORE_VERSIONED : KS__STORE_KV, true);
    if (t->store == NULL)
        return;
    if (ks__serde_is_windowed(ks__kv_spec(t->store)->key))
        t->windowed = ks__kv_spec(t->store)->key;
    t->cached  = ks__kv_is_cached(t->store);
    t->expires = ks__kv_spec(t->store)->ttl_ms > 0;
}

void ks__table_open(void *state, ks_ctx *ctx)
{
    struct ks__table_state *t = state;

    ks__table_open_shared(state, ctx);
    if (t->cached)
        ks__kv_on_flush(t->store, flushed, t);
    if (t->expires)
        ks__kv_on_expire(t->store, expired, t);
}

struct ks_kv_store *ks__table_keyed_store(void *state)
{
    const struct ks__table_state *t = state;

    return t->windowed == NULL ? t->store : NULL;
}

bool ks__table_stored_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                          struct ks__row *row)
{
    (void)ctx;
    return ks__table_get(state, key, row);
}

static bool get_version(struct ks__table_state *t, ks_bytes key, int64_t as_of_ms,
                        struct ks__row *row)
{
    ks_versioned version;
    const bool   found = as_of_ms == KS__NOW
                             ? ks__versioned_get(t->store, key, &version)
                             : ks__versioned_as_of(t->store, key, as_of_ms, &version);

    *row = (struct ks__row){ .value = version.value, .timestamp_ms = version.timestamp_ms };
    return found;
}

bool ks__table_get(struct ks__table_state *t, const struct ks__row_key *key, struct ks__row *row)
{
    const ks_bytes whole = stored_key(t, key->key, key->window);

    *row = (struct ks__row){ 0 };
    if (whole.data == NULL)
        return false;
    return t->versioned ? get_version(t, whole, key->as_of_ms, row)
                        : ks__kv_get(t->store, whole, row);
}

/* The row that a change makes. A deletion that waits in a cache has the time of the record which
 * came in, whatever the change says: Kafka Streams has no other there. */
static struct ks__row row_of(const struct ks__table_state *t, const struct ks__record *change)
{
    struct ks__row row = { change->record.value, change->record.timestamp_ms,
                           change->record.headers };

    if (t->cached && row.value.data == NULL && t->ctx->record != NULL)
        row.timestamp_ms = t->ctx->record->record.timestamp_ms;
    return row;
}

/* False = too old for its store, which has counted it: the change goes nowhere. */
static bool put(struct ks__table_state *t, ks_bytes key, const struct ks__record *change,
                bool *stale)
{
    const struct ks__row row = row_of(t, change);
    int64_t              to_ms;

    *stale = false;
    if (!t->versioned) {
        ks__kv_put(t->store, key, &row);
        return true;
    }
    to_ms  = ks__versioned_put(t->store, key, &row);
    *stale = to_ms != KS_VALID_NOW;
    return to_ms != KS_NOT_PUT;
}

/* Send the change, unless the flush does. */
static void send(struct ks__table_state *t, struct ks__record *out, ks_bytes old)
{
    if (t->cached || t->ctx->error->status != KS_OK)
        return;
    out->has_old = t->sends_old;
    out->old     = t->sends_old ? old : KS_NULL;
    ks__forward(t->ctx, out);
}

void ks__table_update(struct ks__table_state *t, const struct ks__record *change, ks_bytes old)
{
    struct ks__record out = *change;
    ks_bytes          key = KS_NULL;

    if (t->store != NULL)
        key = stored_key(t, change->record.key, change->record.window);
    if (key.data != NULL && !put(t, key, change, &out.stale))
        return;
    send(t, &out, old);
}

/* ---- find and update ---- */

bool ks__table_find(struct ks__table_state *t, const ks_record *record, struct ks__kv_slot *slot,
                    struct ks__row *row)
{
    const ks_bytes whole = stored_key(t, record->key, record->window);
    bool           found;

    *row = (struct ks__row){ 0 };
    if (whole.data == NULL)
        return false;
    if (t->versioned)
        return get_version(t, whole, KS__NOW, row);
    found = ks__kv_find(t->store, whole, slot, row);
    if (!found || !t->expires || !ks__kv_is_dead(t->store, row))
        return found;
    expired(t, whole, row);
    return ks__kv_find(t->store, whole, slot, row);
}

bool ks__table_read(struct ks__table_state *t, const ks_record *record, struct ks__row *row)
{
    const struct ks__row_key key = ks__row_key_of(record);
    struct ks__kv_slot       slot;

    return t->expires ? ks__table_find(t, record, &slot, row) : ks__table_get(t, &key, row);
}

void ks__table_update_found(struct ks__table_state *t, struct ks__kv_slot *slot,
                            const struct ks__record *change, ks_bytes old)
{
    const struct ks__row row = row_of(t, change);
    struct ks__record    out = *change;

    if (t->versioned) {
        ks__table_update(t, change, old);
        return;
    }
    ks__kv_put_slot(t->store, slot, &row);
    send(t, &out, old);
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
