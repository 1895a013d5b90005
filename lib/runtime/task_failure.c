/* SPDX-License-Identifier: Apache-2.0
 *
 * task_failure.c - a failure at an operator: ask, drop and go on, or stop the task; dead letters.
 *
 *      ctx->error set --of the machine--> the task fails
 *            `--------of the record--> handler --FAIL----> the task fails
 *                                         `---CONTINUE--> dropped at this operator, siblings go on;
 *                                                         its raw bytes go to the dead letters
 * Threads: the task's; counters from any.
 */
#include "runtime/task_parts.h"

#include "base/headers.h"
#include "base/murmur2.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEAD_LETTER_HEADERS 5

/* A failure that user code can cause. After another one the effects of the record may be
 * incomplete, and leaving it out would hide that. */
static bool is_forgivable(const struct ks__task *task)
{
    switch (task->error.status) {
    case KS_EUSER:
    case KS_EDATA:
    case KS_EINVAL:
    case KS_ETYPE:
    case KS_ENOTFOUND:
    case KS_EEXISTS:
    case KS_ESTATE:
    case KS_ETOOBIG:
        return !task->arena.pressed;
    case KS_OK:
    case KS_SKIP:
    case KS_ENOMEM:
    case KS_ETOPOLOGY:
    case KS_ECONFIG:
    case KS_EIO:
    case KS_EFULL:
    case KS_ECORRUPT:
    case KS_EBUSY:
    case KS_EACCESS:
    case KS_ELOG:
    case KS_EUNAVAILABLE:
    case KS_EFENCED:
    case KS_ETIMEOUT:
    case KS_EAGAIN:
    case KS_EOFFSET:
        break;
    }
    return false;
}

/* ---- dead letters ---- */

static ks_bytes text(struct ks__arena *arena, const char *z)
{
    ks_bytes copy = KS_NULL;

    ks__arena_copy(arena, ks_bytes_text(z), &copy);
    return copy;
}

static ks_bytes number(struct ks__arena *arena, int64_t n)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRId64, n);
    return text(arena, digits);
}

/* The headers as they were read, and why and where from. NULL = no memory. */
static const ks_headers *dead_headers(struct ks__task *task, const ks_headers *before)
{
    const size_t       count = before != NULL ? before->count : 0;
    struct ks_headers *list;
    struct ks__header *item;

    list = ks__arena_alloc(&task->arena, sizeof(*list) +
                           (count + DEAD_LETTER_HEADERS) * sizeof(struct ks__header));
    if (list == NULL)
        return NULL;
    list->capacity = 0;
    list->items    = item = (struct ks__header *)(void *)(list + 1);
    if (count > 0)
        memcpy(item, before->items, count * sizeof(*item));
    item   += count;
    *item++ = (struct ks__header){ "__streams.errors.exception",
                                   ks_bytes_text(ks_status_name(task->error.status)) };
    *item++ = (struct ks__header){ "__streams.errors.message",
                                   text(&task->arena, task->error.message) };
    if (task->ctx.origin.topic != NULL) {
        *item++ = (struct ks__header){ "__streams.errors.topic",
                                       text(&task->arena, task->ctx.origin.topic) };
        *item++ = (struct ks__header){ "__streams.errors.partition",
                                       number(&task->arena, task->ctx.origin.partition) };
        *item++ = (struct ks__header){ "__streams.errors.offset",
                                       number(&task->arena, task->ctx.origin.offset) };
    }
    list->count = (size_t)(item - list->items);
    return list;
}

/* Send the raw record; without one (a punctuation) null key and value, the headers tell. */
static void bury(struct ks__task *task)
{
    struct ks__target *target = task->collector.dead_letters;
    ks_record          letter = { .timestamp_ms = task->ctx.now_ms };
    int32_t            count;
    int32_t            partition = 0;
    ks_error           why       = { .status = KS_OK };

    if (target == NULL)
        return;
    if (task->ctx.raw != NULL)
        letter = *task->ctx.raw;
    letter.window = NULL;
    if (letter.timestamp_ms < 0)
        letter.timestamp_ms = task->ctx.wall_time_ms;
    letter.headers = dead_headers(task, letter.headers);
    if (letter.headers == NULL) {
        task->ctx.failed = true;
        return;
    }
    count = ks__topic_partitions(target->topic);
    if (letter.key.data != NULL)
        partition = ks__partition_of(letter.key, count);
    ks__error_copy(&why, &task->error);
    ks__error_clear(&task->error);
    ks__collector_append(task, NULL, target, partition, &letter);
    if (task->error.status == KS_OK)
        ks__error_copy(&task->error, &why); /* the caller forgives it */
    else
        ks__error_prefix(&task->error, "%s; and its dead letter: ", ks_error_message(&why));
}

/* ---- the answer ---- */

/* The text of a failure that ends the task says where it was. */
static void tell_place(struct ks__task *task, const struct ks__op *op)
{
    const ks_origin *origin = &task->ctx.origin;

    if (origin->topic != NULL)
        ks__error_prefix(&task->error, "node \"%s\", %s-%" PRId32 " offset %" PRId64 ": ",
                         op->node->name, origin->topic, origin->partition, origin->offset);
    else
        ks__error_prefix(&task->error, "node \"%s\": ", op->node->name);
}

static void tell_drop(const struct ks__task *task, const ks_failure *failure)
{
    if (failure->origin.topic != NULL)
        KS__LOG_AT_WARN(&task->log, "runtime", "%s: record dropped at %s, offset %lld: %s",
                        failure->origin.topic, failure->node, (long long)failure->origin.offset,
                        task->error.message);
    else
        KS__LOG_AT_WARN(&task->log, "runtime", "left out at %s: %s", failure->node,
                        task->error.message);
}

void ks__task_count_drop(struct ks__task *task, struct ks__op *op, enum ks__drop why)
{
    ks__counter_add(&op->dropped, 1);
    ks__counter_add(&ks__task_more(task, op)->drops[why], 1);
}

void ks__task_failed(struct ks__task *task, struct ks__op *op, ks_failure_kind kind,
                     const struct ks__record *record)
{
    const ks_failure failure = {
        .kind   = kind,
        .error  = &task->error,
        .node   = op->node->name,
        .task   = task->id,
        .origin = task->ctx.origin,
        .record = record != NULL ? &record->record : NULL,
        .raw    = task->ctx.raw,
    };

    ks__error_set_node(&task->error, op->node->name);
    if (!is_forgivable(task) ||
        ks__failure_ask(task->options.handlers, task->options.settings, &failure, &task->error) !=
            KS_REACTION_CONTINUE) {
        tell_place(task, op);
        task->ctx.failed = true;
        return;
    }
    tell_drop(task, &failure);
    bury(task);
    if (task->ctx.failed)
        return;
    ks__error_clear(&task->error);
    ks__task_count_drop(task, op, kind == KS_FAILURE_DESERIALIZATION ? KS__DROP_DESERIALIZATION
                                                                     : KS__DROP_PROCESSING);
}
