/* SPDX-License-Identifier: Apache-2.0
 *
 * task_idle.c - opt-in (idle.advance.ms): while nothing comes, operators may let their time go on.
 *
 *      nothing processed, every input read to its known end --> class->idle of each operator,
 *                                                              parents first; each is one record
 *
 *      input connected, or nobody listened (a pause) --> every input is at its end for the first
 *      time since: silences begin
 *
 * Silence is what was listened to. While nothing ran, records may have come, or wait above in
 * another task of the app; an end that is known then says nothing. Tasks above in this process are
 * asked (options.is_fed), those of other instances cannot be.
 *
 * How silent it has been for an operator, and what it closes, is its own affair (dsl/ops/idle.h).
 * Stream time of the task and punctuations by it do not move: records alone move them.
 * Threads: the task's.
 */
#include "runtime/task_parts.h"

#include "window/window.h"

/* How often tasks above are looked at. */
#define ASK_MS 100

/* More than the wall clock is slewed between two looks, and than lies between its reading and that
 * of the monotone one. */
#define JUMP_MS 500

/* Nothing is at hand, and the log has nothing either; what is not known counts as there. */
static bool is_silent(const struct ks__task *task)
{
    if (task->finishing || ks__task_pending(task) > 0)
        return false;
    for (size_t i = 0; i < task->queue_count; i++)
        if (task->queues[i].class == NULL || ks__queue_lag(&task->queues[i]) != 0)
            return false;
    return true;
}

static bool call(struct ks__task *task, struct ks__op *op)
{
    ks_ctx *ctx = &task->ctx;
    bool    went_on;

    ctx->op     = op;
    ctx->record = NULL;
    ctx->raw    = NULL;
    ctx->origin = (ks_origin){ .topic = NULL };
    ctx->now_ms = ctx->stream_time_ms;
    went_on     = op->class->idle(op->state, ctx);
    if (ctx->error->status != KS_OK && !ctx->failed)
        ks__task_failed(task, op, KS_FAILURE_PROCESSING, NULL);
    ks__task_end_record(task);
    return went_on;
}

/* Do tasks above have records for it? Asked now and then. */
static bool is_fed(struct ks__task *task)
{
    if (task->options.is_fed == NULL)
        return false;
    if (task->fed_ms == 0 || task->mono_ms - task->fed_ms >= ASK_MS) {
        task->fed    = task->options.is_fed(task->options.fed_user);
        task->fed_ms = task->mono_ms;
    }
    return task->fed;
}

void ks__task_break_silence(struct ks__task *task)
{
    task->listens = false;
}

/* The inputs are silent: since when at most? A wall clock that was set, or went on while the
 * machine slept, says nothing; the monotone one tells. */
static void listen(struct ks__task *task)
{
    ks_ctx       *ctx      = &task->ctx;
    const int64_t ahead_ms = ctx->wall_time_ms - task->mono_ms;

    if (!task->listens || ctx->silent_from_ms > ctx->wall_time_ms ||
        ks__time_sub(ahead_ms, task->wall_ahead_ms) > JUMP_MS)
        ctx->silent_from_ms = ctx->wall_time_ms;
    task->wall_ahead_ms = ahead_ms;
    task->listens       = true;
}

size_t ks__task_idle(struct ks__task *task)
{
    size_t count = 0;

    if (task->options.settings->idle_advance_ms == 0 || !is_silent(task))
        return 0;
    if (is_fed(task)) {
        ks__task_break_silence(task);
        return 0;
    }
    listen(task);
    for (size_t i = 0; i < task->op_count && !task->ctx.failed; i++)
        if (task->ops[i].class->idle != NULL && call(task, &task->ops[i]))
            count++;
    if (count > 0)
        task->dirty = true;
    return count;
}
