/* SPDX-License-Identifier: Apache-2.0
 *
 * idle.h - opt-in: the time of an operator goes on with the wall clock while nothing comes to it.
 *
 *      records    x x  x                              x
 *      silence         |- idle.advance.ms -|
 *      time       ..2  5                   25 26 27   28 or the record's     5 + what has passed
 *
 * What has passed since the last record is added, so a stream that lags behind the clock goes on to
 * lag as much; the clock's own value is never taken for an event time. Time goes on only where the
 * task knows that its inputs are read to their ends (ks__task_process), and only while the operator
 * has something to close: else a silent task would commit for ever.
 *
 * The wall time of the last record, and up to when the silence has been added, are clocks of the
 * present operator. Both count no further back than the task has listened (ks_ctx.silent_from_ms):
 * after a restart silence begins anew. What came while nothing ran is not known yet, least of all
 * behind a topic that another task of the app fills.
 * Threads: the task's.
 */
#ifndef KS_DSL_OPS_IDLE_H
#define KS_DSL_OPS_IDLE_H

#include "topology/op.h"

void ks__idle_note(ks_ctx *ctx);

/* A record has come to the present operator. */
static inline void ks__idle_record(ks_ctx *ctx)
{
    if (ctx->idle_advance_ms > 0)
        ks__idle_note(ctx);
}

/* In a class's idle function: what the operator's time, `time_ms`, has come to; itself = nothing
 * has passed, or not enough yet. The caller takes it over and calls ks__idle_went_on(). */
int64_t ks__idle_time(ks_ctx *ctx, int64_t time_ms);
void    ks__idle_went_on(ks_ctx *ctx);

#endif
