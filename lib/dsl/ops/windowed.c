/* SPDX-License-Identifier: Apache-2.0
 *
 * windowed.c - folding, sending and closing of windows, whatever their kind.
 */
#include "dsl/ops/windowed.h"

#include "dsl/ops/idle.h"
#include "topology/lent.h"

#define TIME_CLOCK  "time"      /* the operator's stream time */
#define CLOSE_CLOCK "closed"    /* close of the last round of final results */
#define NEXT_CLOCK  "next-emit" /* wall time of the next round */
#define NONE        INT64_C(-1)

/* ---- open, rows ---- */

/* A change leaves the cache. */
static void flushed(void *user, ks_bytes key, ks_window window, const struct ks__row *now,
                    const struct ks__row *before)
{
    struct ks__table_state *t   = user;
    struct ks__op          *op  = t->ctx->op;
    struct ks__record       out = { .record  = { .key          = key,
                                                 .value        = now->value,
                                                 .timestamp_ms = now->timestamp_ms,
                                                 .headers      = now->headers,
                                                 .window       = &window },
                                    .has_old = t->sends_old };

    if (t->sends_old)
        out.old = before->value;
    t->ctx->op = t->op;
    ks__forward(t->ctx, &out);
    t->ctx->op = op;
}

void ks__windowed_open(void *state, ks_ctx *ctx)
{
    struct ks__windowed_state *w       = state;
    struct ks__table_state    *t       = &w->table;
    const bool                 session = ((const struct ks__windowed_args *)ctx->op->node->args)
                                             ->windows.kind == KS__WINDOWS_SESSION;

    w->args      = ctx->op->node->args;
    t->ctx       = ctx;
    t->op        = ctx->op;
    t->sends_old = w->args->table.sends_old;
    t->store     = ctx->ops->store(ctx, w->args->table.store,
                                   session ? KS__STORE_SESSION : KS__STORE_WINDOW, true);
    if (t->store == NULL)
        return;
    ctx->ops->share_clock(ctx, TIME_CLOCK, NULL);
    if (w->args->windows.final) /* Kafka's key; streams that share a store have a clock each */
        ctx->ops->share_clock(ctx, CLOSE_CLOCK, w->args->holder == 0 ? w->args->table.store
                                                                     : ctx->op->node->name);
    t->cached = ks__kv_is_cached(t->store);
    if (t->cached && w->args->holder == 0)
        ks__window_on_flush(t->store, flushed, t);
}

bool ks__windowed_row(void *state, ks_ctx *ctx, const struct ks__row_key *key,
                      struct ks__row *row)
{
    struct ks__windowed_state *w = state;
    struct ks__window_slot     slot;

    (void)ctx;
    *row = (struct ks__row){ .headers = NULL };
    if (key->window == NULL)
        return false;
    if (w->args->windows.kind == KS__WINDOWS_SESSION)
        return ks__session_find(w->table.store, key->key, *key->window, &slot, row);
    return ks__window_find(w->table.store, key->key, key->window->start_ms, &slot, row);
}

/* ---- time ---- */

static void set_time(struct ks__windowed_state *w, int64_t time_ms)
{
    w->table.ctx->ops->set_clock(w->table.ctx, TIME_CLOCK, time_ms);
    if (w->args->holds && !w->args->windows.final)
        ks__window_release(w->table.store, w->args->holder, time_ms);
}

int64_t ks__windowed_advance(struct ks__windowed_state *w, int64_t time_ms)
{
    ks_ctx       *ctx = w->table.ctx;
    const int64_t now = ctx->ops->clock(ctx, TIME_CLOCK, NONE);

    ks__idle_record(ctx);
    if (time_ms <= now)
        return now;
    set_time(w, time_ms);
    return time_ms;
}

/* Is the row of this time closed, and sent if that is done at the close? */
static bool is_settled(const struct ks__windowed_state *w, int64_t row_ms, int64_t time_ms)
{
    const struct ks__windowing *windows = &w->args->windows;
    ks_ctx                     *ctx     = w->table.ctx;
    int64_t                     close   = ks__window_close_ms(windows, time_ms);

    if (windows->final)
        close = ctx->ops->clock(ctx, CLOSE_CLOCK, NONE);
    return row_ms <= (close == NONE ? NONE : ks__window_final_bound_ms(windows, close));
}

bool ks__windowed_go_on(struct ks__windowed_state *w, int64_t latest_ms, int64_t *time_ms)
{
    ks_ctx       *ctx  = w->table.ctx;
    const int64_t now  = ctx->ops->clock(ctx, TIME_CLOCK, NONE);
    const int64_t then = ks__idle_time(ctx, now);

    if (then == now || w->args->windows.kind == KS__WINDOWS_UNLIMITED ||
        is_settled(w, latest_ms, now))
        return false;
    set_time(w, then);
    ks__idle_went_on(ctx);
    *time_ms = then;
    return true;
}

bool ks__windowed_idle(void *state, ks_ctx *ctx)
{
    static const ks_record     nothing = { .timestamp_ms = -1 };
    struct ks__windowed_state *w       = state;
    int64_t                    time_ms;

    if (!ks__windowed_go_on(w, ks__window_time(w->table.store), &time_ms))
        return false;
    ks__windowed_close(w, &nothing, time_ms);
    (void)ctx;
    return true;
}

/* ---- folds ---- */

ks_bytes ks__windowed_initial(struct ks__windowed_state *w)
{
    if (w->args->fold == KS__FOLD_COUNT)
        return ks_ctx_i64(w->table.ctx, 0);
    return w->args->fold == KS__FOLD_AGGREGATE ? w->args->initial : KS_NULL;
}

static ks_bytes sum(ks_ctx *ctx, ks_bytes one, int64_t more)
{
    return ks_ctx_i64(ctx, (int64_t)((uint64_t)ks_bytes_i64(one, 0) + (uint64_t)more));
}

bool ks__windowed_fold(struct ks__windowed_state *w, const ks_record *record,
                       const ks_window *window, ks_bytes *acc)
{
    ks_ctx   *ctx = w->table.ctx;
    ks_record in  = *record;
    ks_status status;

    in.window = window;
    if (w->args->fold == KS__FOLD_COUNT) {
        *acc = sum(ctx, *acc, 1);
        return ctx->error->status == KS_OK;
    }
    if (w->args->fold == KS__FOLD_REDUCE && acc->data == NULL) {
        *acc = record->value;
        return true;
    }
    status = w->args->add(ctx, &in, acc, ctx->op->node->user);
    return ks__ctx_accept_bytes(ctx, status, *acc);
}

bool ks__windowed_merge(struct ks__windowed_state *w, const ks_record *record, ks_bytes other,
                        const ks_window *window, ks_bytes *acc)
{
    ks_ctx   *ctx = w->table.ctx;
    ks_record in  = *record;
    ks_status status;

    in.value  = other;
    in.window = window;
    if (w->args->fold == KS__FOLD_COUNT) {
        *acc = sum(ctx, *acc, ks_bytes_i64(other, 0));
        return ctx->error->status == KS_OK;
    }
    if (w->args->fold == KS__FOLD_REDUCE)
        return ks__windowed_fold(w, &in, window, acc);
    status = w->args->merge(ctx, &in, acc, w->args->merge_user);
    return ks__ctx_accept_bytes(ctx, status, *acc);
}

/* ---- send ---- */

void ks__windowed_send(struct ks__windowed_state *w, const ks_record *record,
                       const ks_window *window, const struct ks__row *row, ks_bytes old)
{
    const struct ks__table_state *t   = &w->table;
    struct ks__record             out = { .record  = { .key          = record->key,
                                                       .value        = row->value,
                                                       .timestamp_ms = row->timestamp_ms,
                                                       .headers      = record->headers,
                                                       .window       = window },
                                          .has_old = t->sends_old };

    if (w->args->windows.final || t->cached || t->ctx->error->status != KS_OK)
        return;
    if (t->sends_old)
        out.old = old;
    ks__forward(t->ctx, &out);
}

/* ---- late records ---- */

void ks__windowed_miss(struct ks__windowed_state *w, struct ks__missed *missed, ks_window window)
{
    ks__ctx_drop(w->table.ctx, KS__DROP_LATE);
    if (!missed->any || window.end_ms > missed->last.end_ms)
        missed->last = window;
    missed->any = true;
}

void ks__windowed_send_late(struct ks__windowed_state *w, const ks_record *record,
                            const struct ks__missed *missed)
{
    struct ks__record out = { .record = *record };

    if (!missed->any || w->table.ctx->error->status != KS_OK)
        return;
    if (out.record.window == NULL)
        out.record.window = &missed->last;
    ks__forward_aside(w->table.ctx, &out);
}

/* ---- close ---- */

/* Is it time, by the wall clock, for another round? If so, the next one is put off. One that is
 * further away than it can be put off is of before the clock was set back. */
static bool may_emit(ks_ctx *ctx)
{
    const int64_t next = ctx->ops->clock(ctx, NEXT_CLOCK, INT64_MIN);

    if (ctx->wall_time_ms < next && next - ctx->wall_time_ms <= ctx->window_emit_ms)
        return false;
    if (ctx->window_emit_ms > 0)
        ctx->ops->set_clock(ctx, NEXT_CLOCK, ks__time_add(ctx->wall_time_ms, ctx->window_emit_ms));
    return true;
}

static void emit_range(struct ks__windowed_state *w, const ks_record *record, int64_t from_ms,
                       int64_t to_ms)
{
    ks_ctx           *ctx = w->table.ctx;
    ks_iter          *it  = ks__window_by_time(w->table.store, from_ms, to_ms);
    struct ks__record out = { .has_old = w->table.sends_old };

    for (ks_record row; ctx->error->status == KS_OK && ks_iter_next(it, &row);) {
        out.record         = row;
        out.record.headers = record->headers;
        if (w->args->windows.kind == KS__WINDOWS_SESSION)
            out.record.timestamp_ms = row.window->end_ms;
        ks__forward(ctx, &out);
    }
    ks_iter_close(it);
}

void ks__windowed_close(struct ks__windowed_state *w, const ks_record *record,
                        int64_t stream_time_ms)
{
    ks_ctx                     *ctx     = w->table.ctx;
    const struct ks__windowing *windows = &w->args->windows;
    int64_t                     close, last, bound;

    if (!windows->final || ctx->error->status != KS_OK || !may_emit(ctx))
        return;
    close = ks__window_close_ms(windows, stream_time_ms);
    last  = ctx->ops->clock(ctx, CLOSE_CLOCK, NONE);
    bound = ks__window_final_bound_ms(windows, close);
    if ((last != NONE && last >= close) || bound < 0)
        return;
    emit_range(w, record, last == NONE ? 0 : ks__window_final_bound_ms(windows, last) + 1, bound);
    if (ctx->error->status != KS_OK)
        return;
    ctx->ops->set_clock(ctx, CLOSE_CLOCK, close);
    ks__window_release(w->table.store, w->args->holder, stream_time_ms);
}
