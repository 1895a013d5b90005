/* SPDX-License-Identifier: Apache-2.0
 *
 * window_counted.c - aggregations in windows of so many records of a key.
 *
 *      records of k   r0  r1  r2  r3  r4  r5           count 4, advance 2
 *      [0,4)          |-------------|                  full with r3
 *      [2,6)                  |-------------|          full with r5
 *
 * The bounds are ordinals among the records of the key, the first of which is 0; time plays no
 * part, so nothing is late. How many records a key had is a row of a store beside the table's.
 *
 * Invariants
 *   CW1  The table's store holds the windows that are not full. One that becomes full is sent, and
 *        leaves the store; its deletion is not sent.
 *   CW2  A record that the fold of its earliest window skips is none of the key's records.
 *
 * Kafka: none. Threads: the task's.
 */
#include "dsl/ops/windowed.h"

struct counted {
    struct ks__windowed_state w; /* must be first; its table's store is one of keys and values */
    struct ks_kv_store       *counts;
};

static void counted_open(void *state, ks_ctx *ctx)
{
    struct counted *self = state;

    ks__table_open(state, ctx);
    self->w.args = ctx->op->node->args;
    if (ctx->error->status == KS_OK)
        self->counts = ctx->ops->kv_store(ctx, self->w.args->beside, true);
}

static struct ks_kv_store *counted_keyed_store(void *state)
{
    return ((struct counted *)state)->counts;
}

static void send(struct counted *self, const ks_record *record, ks_bytes old, bool full)
{
    const bool        final = self->w.args->windows.final;
    struct ks__record out   = { .record = *record, .has_old = self->w.table.sends_old };

    const bool        due   = !final || (full && record->value.data != NULL);

    if (self->w.table.ctx->error->status != KS_OK || !due)
        return;
    if (out.has_old && !final)
        out.old = old;
    ks__forward(self->w.table.ctx, &out);
}

/* Fold the record number `n` of its key into one window; false = skipped or failed. */
static bool update(struct counted *self, const ks_record *record, const ks_window *window,
                   int64_t n)
{
    struct ks__table_state *t      = &self->w.table;
    ks_record               change = *record;
    const bool              full   = n == window->end_ms - 1;
    struct ks__kv_slot      slot;
    struct ks__row          row;
    ks_bytes                old;
    bool                    found;

    change.window = window;
    found         = ks__table_find(t, &change, &slot, &row);
    if (t->ctx->error->status != KS_OK)
        return false;
    old          = found ? row.value : ks__windowed_initial(&self->w);
    change.value = old;
    if (found)
        change.timestamp_ms = ks__time_max(row.timestamp_ms, record->timestamp_ms);
    if (!ks__windowed_fold(&self->w, record, window, &change.value))
        return false;
    ks__kv_put_slot(t->store, &slot,
                    &(struct ks__row){ full ? KS_NULL : change.value, change.timestamp_ms,
                                       change.headers });
    send(self, &change, old, full);
    return true;
}

static void counted_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    struct counted             *self    = state;
    const struct ks__windowing *windows = &self->w.args->windows;
    const ks_record            *record  = &in->record;
    struct ks__kv_slot          slot;
    struct ks__row              row;
    ks_window                   window;
    int64_t                     n;
    bool                        more, first = true;

    if (record->key.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    ks__kv_find(self->counts, record->key, &slot, &row);
    n = ks_bytes_i64(row.value, 0);
    for (more = ks__window_first(windows, n, &window); more && ctx->error->status == KS_OK;
         more = ks__window_next(windows, n, &window)) {
        const ks_window present = window; /* its address stays with the record downstream */

        if (!update(self, record, &present, n) && first)
            return; /* CW2 */
        first = false;
    }
    row = (struct ks__row){ ks_ctx_i64(ctx, n + 1), record->timestamp_ms, NULL };
    if (ctx->error->status == KS_OK)
        ks__kv_put_slot(self->counts, &slot, &row);
}

#define COUNTED_CLASS(name_, prefix_)                                                         \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct counted), .open = counted_open,                           \
        .process = counted_process, .row = ks__table_stored_row,                              \
        .keyed_store = counted_keyed_store                                                    \
    }

const struct ks__op_class ks__counted_aggregate_class =
    COUNTED_CLASS("counted aggregate", "KSTREAM-AGGREGATE-");
const struct ks__op_class ks__counted_reduce_class =
    COUNTED_CLASS("counted reduce", "KSTREAM-REDUCE-");
