/* SPDX-License-Identifier: Apache-2.0
 *
 * task_hold.c - operators that hold records back, and what a commit may say meanwhile.
 *
 *      exactly_once_v2   a commit waits until nothing is held
 *      at_least_once     positions stop before the oldest record held; after a crash the records
 *                        from there on are read again. Where the task has an operator with state a
 *                        commit waits as above. It would have taken in what overtook, and take it
 *                        in a second time: a count would count twice; or take what was held for
 *                        old, and drop it.
 *      at_most_once      a commit does not care
 *
 * Each record that is let go counts as a record of its own.
 * Threads: the task's.
 */
#include "runtime/task_parts.h"

/* ---- who ---- */

static bool has_state(const struct ks__op *op)
{
    return (op->class->traits & KS__OP_STATELESS) == 0;
}

static bool any_has_state(const struct ks__task *task)
{
    for (size_t i = 0; i < task->op_count; i++)
        if (has_state(&task->ops[i]))
            return true;
    return false;
}

bool ks__task_find_holders(struct ks__task *task)
{
    const enum ks__guarantee guarantee = task->options.settings->guarantee;
    size_t                   count = 0;

    for (size_t i = 0; i < task->op_count; i++)
        count += task->ops[i].class->holding != NULL;
    if (count == 0)
        return true;
    task->holders = ks__zalloc_array(count, sizeof(*task->holders));
    if (task->holders == NULL)
        return false;
    for (size_t i = 0; i < task->op_count; i++)
        if (task->ops[i].class->holding != NULL)
            task->holders[task->holder_count++] = &task->ops[i];
    task->settles = guarantee == KS__EXACTLY_ONCE_V2 ||
                    (guarantee == KS__AT_LEAST_ONCE && any_has_state(task));
    return true;
}

bool ks__task_must_settle(const struct ks__task *task)
{
    return task->settles;
}

/* ---- questions ---- */

size_t ks__task_pending(const struct ks__task *task)
{
    size_t pending = 0;

    for (size_t i = 0; i < task->holder_count; i++)
        pending += task->holders[i]->class->holding->pending(task->holders[i]->state);
    return pending;
}

bool ks__task_is_full(const struct ks__task *task)
{
    for (size_t i = 0; i < task->holder_count; i++)
        if (task->holders[i]->class->holding->busy(task->holders[i]->state))
            return true;
    return false;
}

int64_t ks__task_next_due_ms(const struct ks__task *task)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < task->holder_count; i++) {
        const int64_t due = task->holders[i]->class->holding->due_ms(task->holders[i]->state);

        if (due < next)
            next = due;
    }
    return next;
}

/* The position before the oldest record held. */
static int64_t before_held(const struct ks__task *task, const struct ks__queue *queue)
{
    int64_t safe = ks__queue_position(queue);

    for (size_t i = 0; i < task->holder_count; i++) {
        const struct ks__op *op     = task->holders[i];
        const int64_t        oldest = op->class->holding->oldest(op->state, queue->topic,
                                                                 queue->partition);

        if (oldest < safe)
            safe = oldest;
    }
    return safe;
}

int64_t ks__task_safe_position(const struct ks__task *task, const struct ks__queue *queue)
{
    return task->options.settings->guarantee == KS__AT_MOST_ONCE ? ks__queue_position(queue)
                                                                 : before_held(task, queue);
}

int64_t ks__task_seen(const struct ks__task *task, size_t input)
{
    return before_held(task, &task->queues[input]);
}

/* ---- letting go ---- */

static bool let_one_go(struct ks__task *task, struct ks__op *op)
{
    ks_ctx *ctx = &task->ctx;

    ctx->op     = op;
    ctx->record = NULL;
    if (!op->class->holding->let_go(op->state, ctx, task->mono_ms))
        return false;
    if (ctx->error->status != KS_OK)
        ctx->failed = true;
    task->dirty = true;
    ks__task_end_record(task);
    return true;
}

size_t ks__task_let_go(struct ks__task *task, size_t limit)
{
    size_t gone = 0;

    for (size_t i = 0; i < task->holder_count; i++)
        while (gone < limit && !task->ctx.failed && task->collector.pending == NULL &&
               let_one_go(task, task->holders[i]))
            gone++;
    return gone;
}

ks_status ks__task_settle(struct ks__task *task)
{
    size_t    gone;
    ks_status status;

    if (task->holder_count == 0)
        return KS_OK;
    task->mono_ms          = ks__clock_mono_ms(task->options.clock);
    task->ctx.wall_time_ms = ks__clock_wall_ms(task->options.clock);
    do {
        status = ks__collector_drain(task);
        if (status != KS_OK)
            return status;
        gone = ks__task_let_go(task, SIZE_MAX);
        if (task->ctx.failed)
            return task->error.status;
    } while (gone > 0);
    return ks__task_pending(task) == 0 ? KS_OK : KS_EAGAIN;
}

void ks__task_note_held(struct ks__task *task)
{
    for (size_t i = 0; i < task->holder_count; i++) {
        struct ks__op *op = task->holders[i];

        ks__counter_set(&op->held, (int64_t)op->class->holding->pending(op->state));
    }
}

void ks__task_forget_held(struct ks__task *task)
{
    for (size_t i = 0; i < task->holder_count; i++)
        if (ks__task_more(task, task->holders[i])->opened)
            task->holders[i]->class->holding->forget(task->holders[i]->state);
}
