/* SPDX-License-Identifier: Apache-2.0
 *
 * idle.c - how much of the wall clock's time an operator has to add.
 */
#include "dsl/ops/idle.h"

#include "window/window.h"

#define LAST_CLOCK  "last-record" /* wall time of the last record */
#define ADDED_CLOCK "idle-until"  /* wall time up to which silence has been added */
#define NONE        INT64_MIN
#define STEP_MS     INT64_C(100)  /* time goes on in steps: each is a commit */

void ks__idle_note(ks_ctx *ctx)
{
    if (ctx->ops->clock(ctx, LAST_CLOCK, NONE) != ctx->wall_time_ms)
        ctx->ops->set_clock(ctx, LAST_CLOCK, ctx->wall_time_ms);
}

/* What was written before a restart, or before the clock was set back, may be of a time in which
 * nobody listened. */
static int64_t silent_since(ks_ctx *ctx, int64_t last_ms)
{
    return last_ms > ctx->wall_time_ms ? ctx->silent_from_ms
                                       : ks__time_max(last_ms, ctx->silent_from_ms);
}

int64_t ks__idle_time(ks_ctx *ctx, int64_t time_ms)
{
    const int64_t last  = ctx->ops->clock(ctx, LAST_CLOCK, NONE);
    const int64_t added = ctx->ops->clock(ctx, ADDED_CLOCK, NONE);
    const int64_t step  = ks__time_min(STEP_MS, ctx->idle_advance_ms);
    int64_t       since;

    if (last == NONE)
        return time_ms;
    since = silent_since(ctx, last);
    if (ks__time_sub(ctx->wall_time_ms, since) < ctx->idle_advance_ms)
        return time_ms;
    if (added <= ctx->wall_time_ms)
        since = ks__time_max(since, added);
    if (ctx->wall_time_ms - since < step)
        return time_ms;
    return ks__time_add(time_ms, ctx->wall_time_ms - since);
}

void ks__idle_went_on(ks_ctx *ctx)
{
    ctx->ops->set_clock(ctx, ADDED_CLOCK, ctx->wall_time_ms);
}
