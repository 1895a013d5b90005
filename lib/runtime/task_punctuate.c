/* SPDX-License-Identifier: Apache-2.0
 *
 * task_punctuate.c - call the schedules that are due; each call counts as a record.
 *
 * Threads: the task's.
 */
#include "runtime/task_parts.h"

static void call(struct ks__task *task, const ks_punctuation *punctuation, int64_t now_ms)
{
    ks_ctx    *ctx = &task->ctx;
    ks_status  status;

    ctx->op          = punctuation->op;
    ctx->record      = NULL;
    ctx->raw         = NULL;
    ctx->origin      = (ks_origin){ .topic = NULL };
    ctx->now_ms      = now_ms;
    ctx->may_forward = true;
    status           = punctuation->fn(ctx, now_ms, punctuation->user);
    ctx->may_forward = false;
    if (!ks__ctx_accept(ctx, status) && ctx->error->status != KS_OK && !ctx->failed)
        ks__task_failed(task, punctuation->op, KS_FAILURE_PROCESSING, NULL);
    task->dirty = true;
    ks__task_end_record(task);
}

void ks__task_fire(struct ks__task *task, ks_time_kind kind, int64_t now_ms)
{
    ks_punctuation *due;

    while (!task->ctx.failed &&
           (due = ks__punctuations_take(&task->punctuations, kind, now_ms)) != NULL)
        call(task, due, now_ms);
    task->stream_due_ms = ks__punctuations_due(&task->punctuations, KS_STREAM_TIME);
}

bool ks__task_punctuate(struct ks__task *task)
{
    if (task->ctx.failed)
        return false;
    task->ctx.wall_time_ms = ks__clock_wall_ms(task->options.clock);
    ks__task_fire(task, KS_WALL_CLOCK_TIME, task->ctx.wall_time_ms);
    return !task->ctx.failed;
}

int64_t ks__task_next_punctuation_ms(const struct ks__task *task)
{
    return ks__punctuations_due(&task->punctuations, KS_WALL_CLOCK_TIME);
}

void ks__task_keep_punctuations(struct ks__task *task)
{
    for (ks_punctuation *p = task->punctuations.all; p != NULL; p = p->next) {
        if (p->moved && p->kept != NULL && task->state != NULL)
            ks__state_set_number(task->state, p->kept, p->due_ms);
        p->moved = false;
    }
}
