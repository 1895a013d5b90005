/* SPDX-License-Identifier: Apache-2.0
 *
 * window_sliding.c - aggregations in sliding windows, which begin and end with records.
 *
 *      record at t, size d:   windows there that contain t          updated, youngest first
 *                             right of the record before            made, unless it is there
 *                             left of the record   [t - d, t]       made: what is at most d before
 *                             right of the record  [t + 1, ...]     made: a copy of what is known
 *
 * The row's time is that of the youngest record in the window, which tells who was before whom.
 * Records with t < d share the window [0, d]. Kafka: KStreamSlidingWindowAggregate.
 */
#include "dsl/ops/windowed.h"

/* What is found out about the windows around a record. */
struct around {
    const ks_record *record;
    int64_t          close_ms;
    struct ks__row   left;        /* the aggregate before the record */
    struct ks__row   right;       /* the youngest one after it */
    bool             has_right;   /* `right` was found */
    bool             left_there;  /* the record's own windows exist */
    bool             right_there;
    int64_t          before_ms;   /* time of the record before; -1 = none */
    struct ks__missed missed;     /* windows that were closed */
};

/* Fold the record into `row` (value and time as they were) unless the window is closed. */
static void update(struct ks__windowed_state *w, struct around *around, int64_t start_ms,
                   const struct ks__row *before)
{
    const ks_record *record = around->record;
    const ks_window  window = { start_ms, ks__time_add(start_ms, w->args->windows.size_ms) };
    struct ks__row   row    = { .value        = before->value,
                                .timestamp_ms = record->timestamp_ms,
                                .headers      = record->headers };

    if (w->table.ctx->error->status != KS_OK)
        return;
    if (!ks__window_accepts(&w->args->windows, window.end_ms, around->close_ms)) {
        ks__windowed_miss(w, &around->missed, window);
        return;
    }
    if (before->value.data != NULL)
        row.timestamp_ms = ks__time_max(before->timestamp_ms, record->timestamp_ms);
    if (!ks__windowed_fold(w, record, &window, &row.value))
        return;
    ks__windowed_time_deletion(w, record, &row);
    ks__window_put(w->table.store, record->key, start_ms, &row);
    ks__windowed_send(w, record, &window, &row, before->value);
}

/* A window that starts from the beginning. */
static void create(struct ks__windowed_state *w, struct around *around, int64_t start_ms)
{
    const struct ks__row fresh = { .value        = ks__windowed_initial(w),
                                   .timestamp_ms = around->record->timestamp_ms };

    update(w, around, start_ms, &fresh);
}

static bool exists(struct ks__windowed_state *w, const ks_record *record, int64_t start_ms)
{
    struct ks__window_slot slot;
    struct ks__row         row;

    return ks__window_find(w->table.store, record->key, start_ms, &slot, &row);
}

/* The window after the record, if anything is in it: nothing is folded, so it is never late. */
static void create_right(struct ks__windowed_state *w, const struct around *around)
{
    const ks_record *record = around->record;
    const ks_window  window = ks__sliding_right(&w->args->windows, record->timestamp_ms);

    if (around->right_there || !around->has_right ||
        around->right.timestamp_ms <= record->timestamp_ms || w->table.ctx->error->status != KS_OK)
        return;
    ks__window_put(w->table.store, record->key, window.start_ms, &around->right);
    ks__windowed_send(w, record, &window, &around->right, KS_NULL);
}

/* ---- t >= size ---- */

/* One window that is there. False = nothing beyond it matters; `*done` = nothing at all is left. */
static bool meet(struct ks__windowed_state *w, struct around *around, const ks_record *row,
                 bool *done)
{
    const int64_t        time_ms = around->record->timestamp_ms;
    const int64_t        start   = row->window->start_ms;
    const int64_t        end     = row->window->end_ms;
    const struct ks__row found   = { row->value, row->timestamp_ms, row->headers };

    if (start > time_ms) {      /* by one: more is not asked for */
        around->right_there = true;
    } else if (end > time_ms) {
        if (!around->has_right)
            around->right = found;
        around->has_right = true;
        update(w, around, start, &found);
    } else if (end == time_ms) {
        around->left_there = true;
        update(w, around, start, &found);
        *done = found.timestamp_ms >= time_ms;
        if (!*done)
            around->before_ms = found.timestamp_ms;
        return !*done;
    } else {
        around->left      = found;
        around->before_ms = found.timestamp_ms;
        return false;
    }
    return true;
}

static void create_windows(struct ks__windowed_state *w, struct around *around)
{
    const int64_t time_ms = around->record->timestamp_ms;
    const int64_t size_ms = w->args->windows.size_ms;
    const int64_t after   = around->before_ms + 1; /* start of what is right of the one before */

    if (around->before_ms >= 0 && ks__time_add(after, size_ms) >= time_ms &&
        !exists(w, around->record, after))
        create(w, around, after);
    if (!around->left_there) {
        struct ks__row left = { .value        = around->left.value,
                                .timestamp_ms = time_ms };

        if (around->before_ms >= 0 && time_ms - size_ms <= around->before_ms)
            update(w, around, time_ms - size_ms, &left);
        else
            create(w, around, time_ms - size_ms);
    }
    create_right(w, around);
}

static void process_ordinary(struct ks__windowed_state *w, struct around *around)
{
    const ks_record *record = around->record;
    const int64_t    size   = w->args->windows.size_ms;
    const int64_t    from   = ks__time_sub(ks__time_sub(record->timestamp_ms, size), size);
    const int64_t    to     = ks__time_add(record->timestamp_ms, 1);
    bool             done   = false;
    ks_iter         *it     = ks__window_fetch(w->table.store, record->key, ks__time_max(from, 0),
                                               to, KS_DESCENDING);

    for (ks_record row; w->table.ctx->error->status == KS_OK && ks_iter_next(it, &row);)
        if (!meet(w, around, &row, &done))
            break;
    ks_iter_close(it);
    if (!done && w->table.ctx->error->status == KS_OK)
        create_windows(w, around);
}

/* ---- t < size ---- */

/* Windows with a start in (0, t + 1], and the one that all early records share. */
static bool read_early(struct ks__windowed_state *w, struct around *around, struct ks__row *shared)
{
    const ks_record *record = around->record;
    bool             found  = false;
    ks_iter         *it     = ks__window_fetch(w->table.store, record->key, 0,
                                               ks__time_add(record->timestamp_ms, 1), KS_ASCENDING);

    for (ks_record row; w->table.ctx->error->status == KS_OK && ks_iter_next(it, &row);) {
        const struct ks__row one = { row.value, row.timestamp_ms, row.headers };

        if (row.window->start_ms == 0) {
            found   = true;
            *shared = one;
            if (one.timestamp_ms < record->timestamp_ms)
                around->before_ms = one.timestamp_ms;
        } else if (row.window->start_ms <= record->timestamp_ms) {
            around->right     = one;
            around->has_right = true;
            update(w, around, row.window->start_ms, &one);
        } else {
            around->right_there = true;
        }
    }
    ks_iter_close(it);
    return found;
}

static void process_early(struct ks__windowed_state *w, struct around *around)
{
    struct ks__row shared;
    const bool     found = read_early(w, around, &shared);

    /* Without another window after the record, what is shared is all later than the record. */
    if (!around->has_right && found && shared.timestamp_ms > around->record->timestamp_ms) {
        around->right     = shared;
        around->has_right = true;
    }
    create_right(w, around);
    if (around->before_ms >= 0 && !exists(w, around->record, around->before_ms + 1))
        create(w, around, around->before_ms + 1);
    if (found)
        update(w, around, 0, &shared);
    else
        create(w, around, 0);
}

/* ---- the operator ---- */

static void sliding_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    struct ks__windowed_state  *w       = state;
    const struct ks__windowing *windows = &w->args->windows;
    struct around               around  = { .record = &in->record, .before_ms = -1 };
    int64_t                     time_ms;

    if (in->record.key.data == NULL || in->record.value.data == NULL) {
        ks__ctx_drop(ctx, in->record.key.data == NULL ? KS__DROP_NULL_KEY : KS__DROP_NULL_VALUE);
        return;
    }
    time_ms         = ks__windowed_advance(w, in->record.timestamp_ms);
    around.close_ms = ks__window_close_ms(windows, time_ms);
    if (ks__sliding_is_late(windows, in->record.timestamp_ms, around.close_ms)) {
        ks__windowed_miss(w, &around.missed, ks__sliding_last(windows, in->record.timestamp_ms));
        ks__windowed_send_late(w, &in->record, &around.missed);
        return;
    }
    if (in->record.timestamp_ms < windows->size_ms) {
        process_early(w, &around);
        ks__windowed_send_late(w, &in->record, &around.missed);
        return; /* closes nothing, as in Kafka Streams */
    }
    process_ordinary(w, &around);
    ks__windowed_send_late(w, &in->record, &around.missed);
    ks__windowed_close(w, &in->record, time_ms);
}

#define SLIDING_CLASS(name_, prefix_)                                                         \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct ks__windowed_state), .open = ks__windowed_open,           \
        .process = sliding_process, .idle = ks__windowed_idle, .row = ks__windowed_row        \
    }

const struct ks__op_class ks__sliding_aggregate_class =
    SLIDING_CLASS("sliding aggregate", "KSTREAM-AGGREGATE-");
const struct ks__op_class ks__sliding_reduce_class =
    SLIDING_CLASS("sliding reduce", "KSTREAM-REDUCE-");
