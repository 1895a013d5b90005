/* SPDX-License-Identifier: Apache-2.0
 *
 * task_expire.c - delete rows that have outlived their ttl, before the next record is drawn.
 *
 * Each step counts as a record, so a mass of rows that die together is spread over as many calls as
 * it takes, with commits in between. What is left after a crash is found again: the index of times
 * is part of the state.
 *
 * Not here: who is dead (state/expiry.c), what follows (the operator that keeps the store).
 * Threads: the task's.
 */
#include "runtime/task_parts.h"

static bool expire_one(struct ks__task *task)
{
    ks_ctx *ctx = &task->ctx;
    bool    did;

    ctx->record = NULL;
    ctx->raw    = NULL;
    ctx->origin = (ks_origin){ .topic = NULL };
    ctx->now_ms = ctx->stream_time_ms;
    did         = ks__state_expire_one(task->state, ctx->stream_time_ms);
    if (ctx->error->status != KS_OK)
        ctx->failed = true;
    task->dirty = task->dirty || did;
    ks__task_end_record(task);
    return did;
}

size_t ks__task_expire(struct ks__task *task, size_t limit)
{
    size_t gone = 0;

    if (!ks__state_expires(task->state, task->ctx.stream_time_ms))
        return 0;
    while (gone < limit && !task->ctx.failed && task->collector.pending == NULL &&
           expire_one(task))
        gone++;
    return gone;
}
