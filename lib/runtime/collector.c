/* SPDX-License-Identifier: Apache-2.0
 *
 * collector.c - partitions, keys with windows, appends, and what happens when the log refuses.
 *
 * Not here: what waits for room (collector_pending.c).
 * Threads: the task's.
 */
#include "runtime/collector_parts.h"

#include "base/murmur2.h"
#include "runtime/commit.h"
#include "runtime/task_parts.h"
#include "serde/windowed_key.h"

#include <string.h>

/* The first record for a topic that a function chose may wait so long for the topic to be known. */
#define CHOSEN_TOPIC_MS 1000

/* ---- targets ---- */

static struct ks__queue *fed_by(struct ks__task *task, const char *topic)
{
    for (size_t i = 0; i < task->queue_count; i++)
        if (strcmp(task->queues[i].topic, topic) == 0)
            return &task->queues[i];
    return NULL;
}

static struct ks__target *find(const struct ks__collector *collector, const char *name)
{
    for (struct ks__target *t = collector->targets; t != NULL; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

ks_status ks__collector_target(struct ks__task *task, const char *name, int timeout_ms,
                               struct ks__target **out, ks_error *error)
{
    struct ks__collector *collector = &task->collector;
    struct ks__topic     *topic;
    struct ks__target    *target;
    ks_status             status;

    *out = find(collector, name);
    if (*out != NULL)
        return KS_OK;
    status = ks__session_topic(collector->session, name, &topic, timeout_ms);
    if (status == KS_ENOTFOUND && task->options.make_topic != NULL &&
        task->options.make_topic(task->options.make_user, name) == KS_OK)
        status = ks__session_topic(collector->session, name, &topic, timeout_ms);
    if (status == KS_EAGAIN)
        return status;
    if (status == KS_ENOTFOUND)
        return ks__error_set(error, status, "topic \"%s\" does not exist; create it before", name);
    if (status != KS_OK)
        return ks__error_set(error, status, "topic \"%s\" cannot be written to: %s", name,
                             ks_status_text(status));
    target = ks__zalloc(sizeof(*target));
    if (target != NULL)
        target->name = ks__strdup(name);
    if (target == NULL || target->name == NULL) {
        ks__free(target);
        return ks__error_no_memory(error, "a topic to write to");
    }
    target->topic      = topic;
    target->feeds      = fed_by(task, name);
    target->next       = collector->targets;
    collector->targets = target;
    *out               = target;
    return KS_OK;
}

void ks__collector_release(struct ks__collector *collector)
{
    ks__collector_forget(collector);
    while (collector->targets != NULL) {
        struct ks__target *gone = collector->targets;

        collector->targets = gone->next;
        ks__free(gone->name);
        ks__free(gone);
    }
    collector->dead_letters = NULL;
}

/* ---- appending ---- */

static ks_status append_now(struct ks__task *task, struct ks__target *target, int32_t partition,
                            const ks_record *record)
{
    struct ks__collector *collector = &task->collector;
    ks_status             status;

    if (collector->commit != NULL && !collector->commit->begun) { /* W3 */
        status = ks__commit_begin(collector->commit, collector->session, 0);
        if (status != KS_OK)
            return status;
    }
    return ks__topic_append(target->topic, partition, record);
}

/* What the handler says about a record that the log refuses: CONTINUE or FAIL. */
static ks_reaction ask(struct ks__task *task, struct ks__op *op, const ks_record *record)
{
    const ks_failure failure = {
        .kind   = KS_FAILURE_PRODUCTION,
        .error  = &task->error,
        .node   = op != NULL ? op->node->name : "",
        .task   = task->id,
        .origin = task->ctx.origin,
        .record = record,
        .raw    = task->ctx.raw,
    };

    return ks__failure_ask(task->options.handlers, task->options.settings, &failure,
                           &task->error);
}

/* A refusal that concerns the record alone, not the log. */
static bool is_of_record(ks_status status)
{
    return status == KS_ETOOBIG || status == KS_EINVAL || status == KS_EDATA;
}

static void refuse(struct ks__task *task, struct ks__op *op, const struct ks__target *target,
                   int32_t partition, const ks_record *record, ks_status status)
{
    ks_ctx         *ctx    = &task->ctx;
    const ks_error *detail = &task->collector.session->error;
    const bool      ours   = ctx->error->status == KS_OK;

    ks__error_set(ctx->error, status, "topic %s, partition %d: a record of %zu bytes cannot be "
                  "written: %s", target->name, (int)partition,
                  record->key.size + record->value.size,
                  ks_error_status(detail) == status ? ks_error_message(detail)
                                                    : ks_status_text(status));
    ks__error_set_node(ctx->error, op != NULL ? op->node->name : "");
    if (ours && is_of_record(status) && ask(task, op, record) == KS_REACTION_CONTINUE) {
        ks__error_clear(ctx->error);
        if (op != NULL)
            ks__task_count_drop(task, op, KS__DROP_PROCESSING);
        return;
    }
    ctx->failed = true; /* not for the processing handler: outputs would be missing */
}

void ks__collector_deliver(struct ks__task *task, struct ks__op *op, struct ks__target *target,
                           int32_t partition, const ks_record *record, ks_status *status)
{
    *status = append_now(task, target, partition, record);
    if (*status == KS_OK) {
        struct ks__queue *fed = target->feeds;

        if (fed != NULL && partition == fed->partition && fed->waiting == 0)
            fed->waiting = ++task->sequence;
    } else if (*status != KS_EAGAIN) {
        refuse(task, op, target, partition, record, *status);
    }
}

void ks__collector_append(struct ks__task *task, struct ks__op *op, struct ks__target *target,
                          int32_t partition, const ks_record *record)
{
    ks_status status = KS_EAGAIN;

    task->dirty = true;
    if (task->collector.pending == NULL)
        ks__collector_deliver(task, op, target, partition, record, &status);
    if (status == KS_EAGAIN && !ks__collector_defer(task, op, target, partition, record)) {
        ks__ctx_raise(&task->ctx, KS_ENOMEM, "no memory for a record that waits for the log");
        task->ctx.failed = true;
    }
}

/* ---- partitions ---- */

/* The answer of a partitioner; numbers are in the arena. */
struct ks_partitions {
    ks_ctx  *ctx;
    int32_t  limit;
    int32_t  count;
    int32_t  capacity;
    int32_t *numbers;
};

static bool make_room(ks_partitions *out)
{
    const int32_t capacity = out->capacity > 0 ? 2 * out->capacity : 8;
    int32_t      *numbers;

    if (out->count < out->capacity)
        return true;
    numbers = ks__arena_alloc(out->ctx->arena, (size_t)capacity * sizeof(*numbers));
    if (numbers == NULL) {
        ks__ctx_raise(out->ctx, KS_ENOMEM, "no memory for partitions");
        return false;
    }
    if (out->count > 0)
        memcpy(numbers, out->numbers, (size_t)out->count * sizeof(*numbers));
    out->numbers  = numbers;
    out->capacity = capacity;
    return true;
}

void ks_partitions_add(ks_partitions *out, int32_t partition)
{
    if (partition < 0 || partition >= out->limit) {
        ks__ctx_raise(out->ctx, KS_EINVAL, "partition %d is chosen, the topic has %d",
                      (int)partition, (int)out->limit);
        return;
    }
    for (int32_t i = 0; i < out->count; i++)
        if (out->numbers[i] == partition)
            return;
    if (make_room(out))
        out->numbers[out->count++] = partition;
}

int32_t ks_partitions_count(const ks_partitions *out)
{
    return out->limit;
}

/* By the inner key, as Kafka Streams does for windowed keys too; null keys in turn. */
static int32_t usual_partition(struct ks__target *target, ks_bytes key)
{
    const int32_t count = ks__topic_partitions(target->topic);

    if (count == 1)
        return 0;
    if (key.data != NULL)
        return ks__partition_of(key, count);
    target->turn = (target->turn + 1) % count;
    return target->turn;
}

/* ---- sinks ---- */

/* Put key and window together; false = failed. */
static bool spend_window(struct ks__task *task, const ks_serde *serde, ks_record *record)
{
    ks_ctx *ctx = &task->ctx;

    if (record->window == NULL && record->key.data != NULL)
        ks__ctx_raise(ctx, KS_ETYPE, "a record without a window reaches a sink whose keys are %s",
                      ks_serde_name(serde));
    else if (record->key.data != NULL &&
             !ks__windowed_key_write(serde, record->key, record->window, ctx->arena, &record->key))
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for a windowed key");
    record->window = NULL;
    return ctx->error->status == KS_OK;
}

static void send_chosen(struct ks__task *task, struct ks__op *sink, struct ks__target *target,
                        const ks_record *seen, const ks_record *record)
{
    const struct ks__sink_args *args = sink->node->args;
    ks_partitions               out  = { .ctx   = &task->ctx,
                                         .limit = ks__topic_partitions(target->topic) };
    ks_status                   status;

    status = args->partitioner(&task->ctx, seen, &out, args->partitioner_user);
    if (!ks__ctx_accept(&task->ctx, status))
        return;
    if (out.count == 0)
        ks__collector_append(task, sink, target, usual_partition(target, seen->key), record);
    for (int32_t i = 0; i < out.count && task->ctx.error->status == KS_OK; i++)
        ks__collector_append(task, sink, target, out.numbers[i], record);
}

void ks__collector_send(struct ks__task *task, struct ks__op *sink, const char *topic,
                        const ks_record *record)
{
    const struct ks__sink_args *args   = sink->node->args;
    struct ks__target          *target = sink->runtime;
    ks_record                   out    = *record;
    ks_status                   status = KS_OK;

    if (topic != NULL)
        status = ks__collector_target(task, topic, CHOSEN_TOPIC_MS, &target, task->ctx.error);
    if (status == KS_EAGAIN)
        ks__ctx_raise(&task->ctx, KS_ETIMEOUT, "nothing is known about topic %s after %d ms", topic,
                      CHOSEN_TOPIC_MS);
    if (status != KS_OK) {
        ks__error_set_node(task->ctx.error, sink->node->name);
        return;
    }
    if (ks__serde_is_windowed(args->key) && !spend_window(task, args->key, &out))
        return;
    out.window = NULL;
    if (args->partitioner != NULL)
        send_chosen(task, sink, target, record, &out);
    else
        ks__collector_append(task, sink, target, usual_partition(target, record->key), &out);
}

/* ---- what was written ---- */

/* The least name above `after` (NULL = of all) with a record in it. */
static const char *next_produced(const struct ks__task *task, const char *after)
{
    const char *least = NULL;

    for (const struct ks__target *t = task->collector.targets; t != NULL; t = t->next)
        if ((after == NULL || strcmp(t->name, after) > 0) &&
            (least == NULL || strcmp(t->name, least) < 0) &&
            ks__topic_appended(t->topic, task->options.partition) != KS__OFFSET_NONE)
            least = t->name;
    return least;
}

const char *ks__task_produced_topic(const struct ks__task *task, size_t n)
{
    const char *name = next_produced(task, NULL);

    while (name != NULL && n-- > 0)
        name = next_produced(task, name);
    return name;
}
