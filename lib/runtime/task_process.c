/* SPDX-License-Identifier: Apache-2.0
 *
 * task_process.c - choose the next record, process it, punctuate; caches; end of the record.
 *
 *      every connected queue has a head, or need not be waited for --> smallest time (K1)
 *      --> source --> depth first --> end of the record --> stream-time punctuations
 *
 * Threads: the task's.
 */
#include "runtime/task_parts.h"

#include "base/assert.h"

/* How often the bytes of the open layer are looked at. */
#define BYTES_CHECK_MASK 63u

void ks__task_end_record(struct ks__task *task)
{
    task->moved = true;
    if (task->end_count > 0) {
        for (size_t i = task->end_count; i-- > 0;)
            task->ends[i].destroy(task->ends[i].object);
        task->end_count = 0;
    }
    task->ctx.decoded = NULL;
    task->ctx.branch  = 0;
    task->ctx.step++;
    if (task->state != NULL)
        ks__state_end_record(task->state);
    ks__arena_reset(&task->arena);
}

/* ---- the choice ---- */

/* The idle rule: may the task go on although nothing is known of what this input has next? */
static bool may_pass(struct ks__task *task, struct ks__queue *queue)
{
    const int64_t patience = task->options.settings->max_task_idle_ms;

    if (patience < 0)
        return true;
    if (ks__queue_lag(queue) != 0) { /* unknown counts as there */
        queue->idle_since_ms = -1;
        return false;
    }
    if (queue->idle_since_ms < 0)
        queue->idle_since_ms = task->mono_ms;
    return task->mono_ms - queue->idle_since_ms >= patience;
}

/* See that the queue has a head if one can be had; an empty input is asked once per round. */
static bool fill(struct ks__task *task, struct ks__queue *queue, size_t limit)
{
    ks_status status;

    while (!ks__queue_prepare(queue, task)) {
        if (task->ctx.failed || queue->round == task->round)
            return false;
        status = ks__queue_draw(queue, limit);
        if (status != KS_OK && status != KS_EAGAIN) {
            ks__error_set(&task->error, status, "topic %s, partition %d, offset %lld: %s",
                          queue->topic, (int)queue->partition,
                          (long long)ks__queue_position(queue), ks_status_text(status));
            task->ctx.failed = true;
            return false;
        }
        if (queue->count == 0)
            queue->round = task->round;
    }
    return true;
}

static bool is_offered(const struct ks__queue *queue)
{
    return queue->place.place != 0;
}

/* Heads that are not in the heap yet enter it, in the order in which they began to wait (Q5). */
static void offer_heads(struct ks__task *task, size_t count)
{
    for (; count > 0; count--) {
        struct ks__queue *longest = NULL;

        for (size_t i = 0; i < task->queue_count; i++) {
            struct ks__queue *queue = &task->queues[i];

            if (queue->ready && !is_offered(queue) &&
                (longest == NULL || queue->waiting < longest->waiting))
                longest = queue;
        }
        ks__assert(longest != NULL);
        if (ks__heap_push(&task->heads, &longest->place) != KS_OK)
            ks__unreachable(); /* the room was reserved */
    }
}

/* The queue whose head is next. NULL: none, failed, or (`*waits`) another input may have an earlier
 * one. */
static struct ks__queue *choose(struct ks__task *task, size_t limit, bool *waits)
{
    bool   pass  = true;
    size_t found = 0;

    for (size_t i = 0; i < task->queue_count; i++) {
        struct ks__queue *queue = &task->queues[i];

        if (queue->class == NULL || is_offered(queue))
            continue;
        if (fill(task, queue, limit))
            found++;
        else if (task->ctx.failed)
            return NULL;
        else if (task->queue_count > 1 && !may_pass(task, queue))
            pass = false;
    }
    offer_heads(task, found);
    *waits = task->heads.count > 0 && !pass;
    return pass ? (struct ks__queue *)(void *)ks__heap_peek(&task->heads) : NULL;
}

/* ---- looking ahead ---- */

/* Ask for what the records behind the head will look up: the key's place, later the entry there,
 * then its row. A step takes about as long as memory, so three apart none is waited for. */
static void look_ahead(struct ks__queue *queue)
{
    const struct ks__log_record *records = queue->records;
    const size_t                 next    = queue->next;
    const size_t                 row = next + KS__AHEAD / 4, entry = next + KS__AHEAD / 2;
    const size_t                 key = next + KS__AHEAD - 1;

    if (key >= queue->count)
        return;
    if (records[key].record.key.data != NULL)
        queue->hashes[key % KS__AHEAD] = ks__kv_ahead_key(queue->ahead, records[key].record.key);
    ks__kv_ahead_entry(queue->ahead, queue->hashes[entry % KS__AHEAD]);
    ks__kv_ahead_row(queue->ahead, queue->hashes[row % KS__AHEAD]);
}

/* ---- processing ---- */

/* Is there a record behind the head, at hand or, where that matters, in the log? */
static bool has_second(const struct ks__task *task, const struct ks__queue *queue)
{
    return queue->next + 1 < queue->count ||
           (task->options.draws_ahead && ks__queue_lag(queue) > 1);
}

static void process(struct ks__task *task, struct ks__queue *queue)
{
    ks_ctx                      *ctx    = &task->ctx;
    const struct ks__log_record *raw    = &queue->records[queue->next];
    struct ks__op               *source = queue->source;
    struct ks__record            record = { .record = queue->head };

    ks__heap_remove(&task->heads, &queue->place);
    record.record.timestamp_ms = queue->head_ms;
    if (queue->head_ms > queue->time_ms)
        queue->time_ms = queue->head_ms;
    if (queue->head_ms > ctx->stream_time_ms)
        ctx->stream_time_ms = queue->head_ms;
    /* The next one begins to wait now, before this one's outputs reach other queues. */
    queue->waiting = has_second(task, queue) ? ++task->sequence : 0;

    ctx->op     = source;
    ctx->record = &record;
    ctx->raw    = &raw->record;
    ctx->origin = (ks_origin){ queue->topic, queue->partition, raw->offset };
    ctx->now_ms = queue->head_ms;
    if (queue->ahead != NULL)
        look_ahead(queue);
    ks__counter_add(&source->processed, 1);
    source->class->process(source->state, ctx, &record);
    if (ctx->error->status != KS_OK && !ctx->failed)
        ks__task_failed(task, source, KS_FAILURE_PROCESSING, &record);
    ctx->record = NULL;
    task->dirty = true;
    ks__task_end_record(task);
    if (ctx->failed)
        return;
    ks__queue_pop(queue);
    if (ctx->stream_time_ms >= task->stream_due_ms)
        ks__task_fire(task, KS_STREAM_TIME, ctx->stream_time_ms);
}

/* Under at_most_once only what is committed may be processed (K5). */
static bool must_commit_first(struct ks__task *task, const struct ks__queue *queue)
{
    if (task->options.settings->guarantee != KS__AT_MOST_ONCE ||
        queue->records[queue->next].offset < queue->committed)
        return false;
    task->commit_asked = true;
    task->dirty        = true;
    return true;
}

static void check_bytes(struct ks__task *task)
{
    const struct ks__settings *settings = task->options.settings;

    if (task->state == NULL)
        return;
    if (ks__state_open_bytes(task->state) > (size_t)settings->state_flush_bytes)
        task->commit_asked = true;
    else if (ks__state_cached_bytes(task->state) > (size_t)settings->cache_max_bytes)
        ks__task_flush_caches(task);
}

/* What comes before the next record is drawn: rows that are out of time, records that were held
 * back. Gives how many. */
static size_t work_inside(struct ks__task *task, size_t limit)
{
    size_t done = task->expires ? ks__task_expire(task, limit) : 0;

    if (done < limit && !task->ctx.failed)
        done += ks__task_let_go(task, limit - done);
    return done;
}

static enum ks__task_result run(struct ks__task *task, size_t limit, size_t *processed)
{
    struct ks__queue *queue;
    bool              waits = false;

    while (*processed < limit) {
        size_t room = limit - *processed;

        if (task->ctx.failed)
            return KS__TASK_FAILED;
        if (task->commit_asked)
            return KS__TASK_BUSY;
        if (task->collector.pending != NULL && ks__collector_drain(task) == KS_EAGAIN)
            return KS__TASK_BLOCKED; /* W2 */
        if (task->expires || task->holder_count > 0) {
            room -= work_inside(task, room);
            *processed = limit - room;
            if (task->ctx.failed)
                return KS__TASK_FAILED;
            if (room == 0 || task->collector.pending != NULL)
                continue;
            if (ks__task_is_full(task))
                return KS__TASK_IDLE; /* an answer wakes the thread */
        }
        if (task->options.draws_ahead || room > task->options.settings->buffered_records)
            room = task->options.settings->buffered_records;
        queue = choose(task, room, &waits);
        if (queue == NULL)
            return task->ctx.failed ? KS__TASK_FAILED : waits ? KS__TASK_WAITING : KS__TASK_IDLE;
        if (must_commit_first(task, queue))
            return KS__TASK_BUSY;
        process(task, queue);
        ++*processed;
        if ((*processed & BYTES_CHECK_MASK) == 0)
            check_bytes(task);
    }
    return task->ctx.failed ? KS__TASK_FAILED : KS__TASK_BUSY;
}

enum ks__task_result ks__task_process(struct ks__task *task, size_t limit, size_t *processed)
{
    enum ks__task_result result;
    size_t               done = 0;

    task->round++;
    task->mono_ms          = ks__clock_mono_ms(task->options.clock);
    task->ctx.wall_time_ms = ks__clock_wall_ms(task->options.clock);
    result                 = run(task, limit, &done);
    if (result == KS__TASK_IDLE && done == 0) {
        done = ks__task_idle(task);
        if (task->ctx.failed)
            result = KS__TASK_FAILED;
    }
    if (done > 0 && result != KS__TASK_FAILED) {
        check_bytes(task);
        if (!task->options.settings->cache_flush_at_commit && !ks__task_flush_caches(task))
            result = KS__TASK_FAILED;
    }
    if (processed != NULL)
        *processed = done;
    return result;
}

/* ---- caches ---- */

static void flushed_one(void *user)
{
    ks__task_end_record(user);
}

bool ks__task_flush_caches(struct ks__task *task)
{
    ks_ctx *ctx = &task->ctx;

    if (ctx->failed || task->state == NULL)
        return !ctx->failed;
    if (!ks__state_has_cached(task->state))
        return true;
    ctx->record = NULL;
    ctx->raw    = NULL;
    ctx->origin = (ks_origin){ .topic = NULL };
    ctx->now_ms = ctx->stream_time_ms;
    ks__state_flush_caches(task->state, flushed_one, task);
    if (ctx->error->status != KS_OK)
        ctx->failed = true;
    ks__task_end_record(task);
    return !ctx->failed;
}

void ks__task_end_step(struct ks__task *task)
{
    ks__task_note_held(task);
    for (size_t i = 0; i < task->queue_count; i++)
        if (task->queues[i].class != NULL && !ks__queue_settle(&task->queues[i])) {
            ks__error_no_memory(&task->error, "records that wait for the next step");
            task->ctx.failed = true;
        }
}

bool ks__task_is_dirty(const struct ks__task *task)
{
    return task->dirty;
}

bool ks__task_wants_commit(const struct ks__task *task)
{
    return task->commit_asked;
}
