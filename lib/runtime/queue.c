/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.c - draw, check, time and keep the records of one input.
 *
 * Not here: which queue comes next (task_process.c).
 * Threads: the task's.
 */
#include "runtime/queue.h"

#include "base/record.h"
#include "runtime/task_parts.h"
#include "serde/windowed_key.h"

#include <string.h>

/* Own blocks up to this size are kept for the next step. */
#define KEEP_BYTES (256u * 1024u)

static bool may_refuse(const ks_serde *serde)
{
    return serde != NULL && serde->kind != KS__SERDE_BYTES;
}

void ks__queue_init(struct ks__queue *queue, char *topic, struct ks__op *source,
                    const struct ks__settings *settings, int32_t partition)
{
    const struct ks__source_args *args = source->node->args;

    queue->topic       = topic;
    queue->partition   = partition;
    queue->source      = source;
    queue->args        = args;
    queue->time        = args->time != KS_TIME_DEFAULT ? args->time : settings->time;
    queue->check_key   = may_refuse(args->key);
    queue->check_value = may_refuse(args->value);
    queue->windowed    = ks__serde_is_windowed(args->key);
    queue->time_ms     = -1;
    queue->after       = KS__OFFSET_NONE;
    queue->committed   = KS__OFFSET_NONE;
    queue->sealed      = KS__OFFSET_NONE;
    queue->idle_since_ms = -1;
}

static void give_back(struct ks__queue *queue)
{
    if (queue->lent)
        queue->class->release(queue->input, &queue->batch);
    queue->lent = false;
}

static void forget(struct ks__queue *queue)
{
    if (queue->class != NULL)
        give_back(queue);
    if (queue->heads != NULL)
        ks__heap_remove(queue->heads, &queue->place);
    queue->records = NULL;
    queue->count   = 0;
    queue->next    = 0;
    queue->ready   = false;
    queue->waiting = 0;
    queue->round   = 0;
    queue->caught_up     = false;
    queue->idle_since_ms = -1;
}

void ks__queue_connect(struct ks__queue *queue, const struct ks__input_class *class, void *input,
                       int64_t position)
{
    ks__queue_disconnect(queue);
    queue->class     = class;
    queue->input     = input;
    queue->after     = position;
    queue->collected = position;
    queue->committed = position;
    queue->purged    = position;
    queue->sealed    = position;
}

void ks__queue_disconnect(struct ks__queue *queue)
{
    if (queue->class == NULL)
        return;
    queue->after = ks__queue_position(queue);
    forget(queue);
    queue->class->close(queue->input);
    queue->class = NULL;
    queue->input = NULL;
}

void ks__queue_release(struct ks__queue *queue)
{
    ks__queue_disconnect(queue);
    ks__buffer_release(&queue->metadata);
    ks__free(queue->own);
    ks__free(queue->topic);
    queue->own   = NULL;
    queue->topic = NULL;
}

ks_status ks__queue_draw(struct ks__queue *queue, size_t limit)
{
    ks_status status;

    give_back(queue);
    queue->count = 0;
    queue->next  = 0;
    status       = queue->class->draw(queue->input, limit, &queue->batch);
    if (status != KS_OK)
        return status;
    queue->lent      = true;
    queue->caught_up = queue->batch.caught_up;
    queue->records   = queue->batch.records;
    queue->count     = queue->batch.count;
    if (queue->batch.next_offset > queue->after)
        queue->after = queue->batch.next_offset;
    if (queue->count == 0)
        give_back(queue);
    else
        queue->idle_since_ms = -1;
    return KS_OK;
}

int64_t ks__queue_lag(const struct ks__queue *queue)
{
    int64_t lag;

    if (queue->class == NULL)
        return -1;
    lag = queue->class->lag(queue->input);
    if (lag < 0 && queue->caught_up)
        lag = 0;
    return lag < 0 ? -1 : lag + (int64_t)(queue->count - queue->next);
}

/* ---- the head ---- */

/* Take records[next] as the head, its window apart; false: the key is no windowed one. */
static bool load(struct ks__queue *queue)
{
    const ks_record *raw = &queue->records[queue->next].record;

    queue->head        = *raw;
    queue->head.window = NULL;
    if (!queue->windowed || raw->key.data == NULL)
        return true;
    queue->head.window = &queue->window;
    return ks__windowed_key_read(queue->args->key, raw->key, &queue->head.key, &queue->window);
}

/* NULL = the bytes decode; else the side that does not. */
static const char *refused(struct ks__queue *queue)
{
    const ks_record *raw  = &queue->records[queue->next].record;
    const bool       read = load(queue);

    if (!read || (queue->check_key && !ks_serde_check(queue->args->key, raw->key)))
        return "key";
    if (queue->check_value && !ks_serde_check(queue->args->value, raw->value))
        return "value";
    return NULL;
}

static void poison(struct ks__queue *queue, struct ks__task *task, const char *side)
{
    const struct ks__log_record *raw   = &queue->records[queue->next];
    const ks_serde              *serde = side[0] == 'k' ? queue->args->key : queue->args->value;
    char                         shown[64];

    ks_serde_show(ks_serde_bytes(), side[0] == 'k' ? raw->record.key : raw->record.value, shown,
                  sizeof(shown));
    ks__ctx_raise(&task->ctx, KS_EDATA, "topic %s, partition %d, offset %lld: the %s is no %s: %s",
                  queue->topic, (int)queue->partition, (long long)raw->offset, side,
                  ks_serde_name(serde), shown);
    ks__task_failed(task, queue->source, KS_FAILURE_DESERIALIZATION, NULL);
}

static int64_t extract(struct ks__queue *queue, struct ks__task *task)
{
    switch (queue->time) {
    case KS_TIME_WALL_CLOCK:
        return task->ctx.wall_time_ms;
    case KS_TIME_RECORD_OR_PARTITION:
        return queue->head.timestamp_ms >= 0 ? queue->head.timestamp_ms : queue->time_ms;
    case KS_TIME_RECORD:
        if (queue->head.timestamp_ms < 0)
            ks__ctx_raise(&task->ctx, KS_EDATA,
                          "topic %s, partition %d, offset %lld has the negative timestamp %lld; "
                          "default.timestamp.extractor can skip such records",
                          queue->topic, (int)queue->partition,
                          (long long)queue->records[queue->next].offset,
                          (long long)queue->head.timestamp_ms);
        break;
    case KS_TIME_RECORD_OR_SKIP:
    case KS_TIME_DEFAULT:
        break;
    }
    return queue->head.timestamp_ms;
}

/* Check and time records[next]: true = it is the head now; false = it was skipped, or failed. */
static bool judge(struct ks__queue *queue, struct ks__task *task)
{
    const struct ks__log_record *raw = &queue->records[queue->next];
    ks_ctx                      *ctx = &task->ctx;
    const char                  *side;

    ctx->op     = queue->source;
    ctx->record = NULL;
    ctx->raw    = &raw->record;
    ctx->origin = (ks_origin){ queue->topic, queue->partition, raw->offset };
    side        = refused(queue);
    if (side != NULL) {
        poison(queue, task, side);
        return false;
    }
    if (queue->args->extractor != NULL)
        queue->head_ms = queue->args->extractor(ctx, &queue->head, queue->time_ms,
                                                queue->args->extractor_user);
    else
        queue->head_ms = extract(queue, task);
    if (ctx->error->status != KS_OK) {
        ctx->failed = true; /* no handler: as in Kafka Streams a time cannot be left out */
        return false;
    }
    if (queue->head_ms < 0)
        ks__task_count_drop(task, queue->source, KS__DROP_NEGATIVE_TIME);
    return queue->head_ms >= 0;
}

bool ks__queue_prepare(struct ks__queue *queue, struct ks__task *task)
{
    const bool simple = queue->args->extractor == NULL && !queue->check_key && !queue->check_value;
    const bool empty  = queue->next == queue->count; /* may wait for what was just written */

    if (queue->ready)
        return true;
    while (queue->next < queue->count && !task->ctx.failed) {
        if (queue->waiting == 0)
            queue->waiting = ++task->sequence;
        if (simple && queue->time != KS_TIME_WALL_CLOCK &&
            queue->records[queue->next].record.timestamp_ms >= 0) {
            queue->head        = queue->records[queue->next].record;
            queue->head.window = NULL;
            queue->head_ms     = queue->head.timestamp_ms;
            queue->ready       = true;
            return true;
        }
        queue->ready = judge(queue, task);
        if (queue->ready)
            return true;
        if (task->ctx.failed)
            break;
        queue->next++; /* Q3 */
        task->dirty = true;
        ks__task_end_record(task);
    }
    if (!empty && queue->next == queue->count)
        queue->waiting = 0;
    return false;
}

/* ---- own blocks ---- */

static bool make_room(struct ks__queue *queue, size_t bytes)
{
    if (bytes <= queue->own_bytes)
        return true;
    ks__free(queue->own);
    queue->own       = ks__alloc(bytes);
    queue->own_bytes = queue->own != NULL ? bytes : 0;
    return queue->own != NULL;
}

/* Copy records[next..count) out of the batch. The own block is free then: it was emptied before
 * the batch was drawn. */
static bool copy_rest(struct ks__queue *queue)
{
    const size_t           left  = queue->count - queue->next;
    size_t                 bytes = KS__BLOCK_SIZE(left * sizeof(struct ks__log_record));
    struct ks__log_record *records;
    unsigned char         *at;

    for (size_t i = queue->next; i < queue->count; i++)
        bytes += ks__record_bytes(&queue->records[i].record);
    if (!make_room(queue, bytes))
        return false;
    at      = queue->own;
    records = ks__block_put(&at, &queue->records[queue->next], left * sizeof(*records));
    for (size_t i = 0; i < left; i++)
        ks__record_put(&at, &records[i].record);
    queue->records = records;
    queue->count   = left;
    queue->next    = 0;
    return true;
}

bool ks__queue_settle(struct ks__queue *queue)
{
    const bool empty = queue->next == queue->count;

    if (queue->lent) {
        if (!empty && !copy_rest(queue))
            return false;
        give_back(queue);
        if (queue->ready)
            load(queue);
    }
    if (empty && queue->own_bytes > KEEP_BYTES) {
        ks__free(queue->own);
        queue->own       = NULL;
        queue->own_bytes = 0;
    }
    return true;
}
