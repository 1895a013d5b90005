/* SPDX-License-Identifier: Apache-2.0
 *
 * window_session.c - aggregations in sessions: a record joins all sessions within the gap.
 *
 *      [10,12]  [15,15]     + record at 13, gap 5      -->   [10,12]: deleted  [15,15]: deleted
 *                                                            [10,15]: merged aggregate
 *
 * Lateness is judged after the merge. When the only session is the record's own point in time it is
 * updated in place, without a deletion. Kafka: KStreamSessionWindowAggregate.
 */
#include "dsl/ops/windowed.h"

/* A session that the record joins. */
struct joined {
    ks_window      window;
    ks_bytes       value;
    struct joined *next;
};

/* Merge the sessions in reach, in the order of their ends, but not one that is closed and past the
 * retention, which by default is as long: its result is final, even while the store still has the
 * row. False = skipped or failed. */
static bool merge(struct ks__windowed_state *w, const ks_record *record, int64_t close_ms,
                  struct joined **list, ks_window *merged, ks_bytes *acc)
{
    ks_ctx         *ctx   = w->table.ctx;
    const ks_window reach = ks__session_reach(&w->args->windows, record->timestamp_ms);
    ks_iter        *it    = ks__session_fetch(w->table.store, record->key, reach.start_ms,
                                              reach.end_ms, KS_ASCENDING);
    bool            whole = true;

    for (ks_record row; whole && ks_iter_next(it, &row);) {
        struct joined *one;

        if (!ks__window_accepts(&w->args->windows, row.window->end_ms, close_ms) &&
            !ks__session_merges(w->table.store, row.window->end_ms))
            continue;
        one = ks__arena_alloc(ctx->arena, sizeof(*one));
        if (one == NULL) {
            ks__ctx_raise(ctx, KS_ENOMEM, "no memory to merge sessions");
            return false;
        }
        *one    = (struct joined){ .window = *row.window, .value = row.value };
        *list   = one;
        list    = &one->next;
        *merged = ks__session_merge(*merged, one->window);
        whole   = ks__windowed_merge(w, record, one->value, &one->window, acc);
    }
    ks_iter_close(it);
    return whole && ctx->error->status == KS_OK;
}

static void replace(struct ks__windowed_state *w, const ks_record *record,
                    const struct joined *list)
{
    for (const struct joined *one = list; one != NULL; one = one->next) {
        const struct ks__row gone = { .value = KS_NULL, .timestamp_ms = one->window.end_ms };

        ks__session_put(w->table.store, record->key, one->window, &gone);
        ks__windowed_send(w, record, &one->window, &gone, one->value);
    }
}

static void update(struct ks__windowed_state *w, const ks_record *record, int64_t close_ms)
{
    ks_ctx         *ctx    = w->table.ctx;
    const ks_window own    = { record->timestamp_ms, record->timestamp_ms };
    ks_window       merged = own;
    struct joined  *list   = NULL;
    struct ks__missed missed = { .any = false };
    struct ks__row  row    = { .value = ks__windowed_initial(w), .headers = record->headers };

    if (!merge(w, record, close_ms, &list, &merged, &row.value))
        return;
    if (!ks__window_accepts(&w->args->windows, merged.end_ms, close_ms)) {
        ks__windowed_miss(w, &missed, merged);
        ks__windowed_send_late(w, record, &missed);
        return;
    }
    row.timestamp_ms = merged.end_ms;
    if (!ks__windowed_fold(w, record, &merged, &row.value))
        return;
    if (merged.start_ms != own.start_ms || merged.end_ms != own.end_ms)
        replace(w, record, list);
    if (ctx->error->status != KS_OK)
        return;
    ks__session_put(w->table.store, record->key, merged, &row);
    ks__windowed_send(w, record, &merged, &row, KS_NULL);
}

static void session_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    struct ks__windowed_state *w      = state;
    const ks_record           *record = &in->record;
    int64_t                    time_ms;

    if (record->key.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    time_ms = ks__windowed_advance(w, record->timestamp_ms);
    update(w, record, ks__window_close_ms(&w->args->windows, time_ms));
    ks__windowed_close(w, record, time_ms);
}

#define SESSION_CLASS(name_, prefix_)                                                         \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct ks__windowed_state), .open = ks__windowed_open,           \
        .process = session_process, .idle = ks__windowed_idle, .row = ks__windowed_row        \
    }

const struct ks__op_class ks__session_aggregate_class =
    SESSION_CLASS("session aggregate", "KSTREAM-AGGREGATE-");
const struct ks__op_class ks__session_reduce_class =
    SESSION_CLASS("session reduce", "KSTREAM-REDUCE-");
