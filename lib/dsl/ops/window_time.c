/* SPDX-License-Identifier: Apache-2.0
 *
 * window_time.c - aggregations in tumbling, hopping and unlimited windows: windows on a grid.
 *
 * A record updates its windows in ascending order; each that is closed already counts as a drop.
 * Kafka: KStreamWindowAggregate.
 */
#include "dsl/ops/windowed.h"

static void update(struct ks__windowed_state *w, const ks_record *record, const ks_window *window)
{
    struct ks__window_slot slot;
    struct ks__row         row;
    ks_bytes               old;
    bool                   found = ks__window_find(w->table.store, record->key, window->start_ms,
                                                   &slot, &row);

    if (w->table.ctx->error->status != KS_OK)
        return;
    old = found ? row.value : ks__windowed_initial(w);
    row = (struct ks__row){ .value        = old,
                            .timestamp_ms = found ? row.timestamp_ms : record->timestamp_ms,
                            .headers      = record->headers };
    row.timestamp_ms = ks__time_max(row.timestamp_ms, record->timestamp_ms);
    if (!ks__windowed_fold(w, record, window, &row.value))
        return;
    ks__windowed_time_deletion(w, record, &row);
    ks__window_put_slot(w->table.store, &slot, &row);
    ks__windowed_send(w, record, window, &row, old);
}

static void time_process(void *state, ks_ctx *ctx, const struct ks__record *in)
{
    struct ks__windowed_state  *w       = state;
    const ks_record            *record  = &in->record;
    const struct ks__windowing *windows = &w->args->windows;
    struct ks__missed           missed  = { .any = false };
    int64_t                     time_ms, close_ms;
    ks_window                   window;

    if (record->key.data == NULL) {
        ks__ctx_drop(ctx, KS__DROP_NULL_KEY);
        return;
    }
    time_ms  = ks__windowed_advance(w, record->timestamp_ms);
    close_ms = ks__window_close_ms(windows, time_ms);
    for (bool more = ks__window_first(windows, record->timestamp_ms, &window);
         more && ctx->error->status == KS_OK;
         more = ks__window_next(windows, record->timestamp_ms, &window)) {
        const ks_window present = window; /* its address stays with the record downstream */

        if (ks__window_accepts(windows, window.end_ms, close_ms))
            update(w, record, &present);
        else
            ks__windowed_miss(w, &missed, present);
    }
    ks__windowed_send_late(w, record, &missed);
    ks__windowed_close(w, record, time_ms);
}

#define TIME_CLASS(name_, prefix_)                                                            \
    {                                                                                         \
        .name = (name_), .prefix = (prefix_), .traits = KS__OP_KEEPS_KEY | KS__OP_TABLE,      \
        .state_size = sizeof(struct ks__windowed_state), .open = ks__windowed_open,           \
        .process = time_process, .idle = ks__windowed_idle, .row = ks__windowed_row           \
    }

const struct ks__op_class ks__time_aggregate_class =
    TIME_CLASS("windowed aggregate", "KSTREAM-AGGREGATE-");
const struct ks__op_class ks__time_reduce_class =
    TIME_CLASS("windowed reduce", "KSTREAM-REDUCE-");
