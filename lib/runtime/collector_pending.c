/* SPDX-License-Identifier: Apache-2.0
 *
 * collector_pending.c - records that wait until the log takes appends again.
 *
 * The rare path: one block per record.
 * Threads: the task's.
 */
#include "runtime/collector_parts.h"

#include "base/headers.h"
#include "runtime/commit.h"
#include "runtime/task_parts.h"

#include <string.h>

static ks_bytes put(unsigned char **at, ks_bytes bytes)
{
    if (bytes.data == NULL)
        return bytes;
    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    bytes.data = *at;
    *at += bytes.size;
    return bytes;
}

/* A block with the record's bytes behind it. Headers are a list of their own. */
static struct ks__pending *copy(const ks_record *record)
{
    const ks_record     from = *record;
    struct ks__pending *pending;
    ks_headers         *headers = NULL;
    unsigned char      *at;

    pending = ks__zalloc(sizeof(*pending) + from.key.size + from.value.size + 1);
    if (pending == NULL)
        return NULL;
    if (from.headers != NULL && (headers = ks_headers_new()) == NULL)
        goto fail;
    for (size_t i = 0; headers != NULL && i < from.headers->count; i++)
        if (ks_headers_add(headers, from.headers->items[i].name, from.headers->items[i].value) !=
            KS_OK)
            goto fail;
    at                      = (unsigned char *)(pending + 1);
    pending->record         = from;
    pending->record.key     = put(&at, from.key);
    pending->record.value   = put(&at, from.value);
    pending->record.headers = headers;
    return pending;

fail:
    ks_headers_free(headers);
    ks__free(pending);
    return NULL;
}

static void drop(struct ks__pending *pending)
{
    ks_headers *headers;

    memcpy(&headers, &pending->record.headers, sizeof(headers)); /* ours, made in copy() */
    ks_headers_free(headers);
    ks__free(pending);
}

bool ks__collector_defer(struct ks__task *task, struct ks__op *op, struct ks__target *target,
                         int32_t partition, const ks_record *record)
{
    struct ks__collector *collector = &task->collector;
    struct ks__pending   *pending   = copy(record);

    if (pending == NULL)
        return false;
    pending->op        = op;
    pending->target    = target;
    pending->partition = partition;
    if (collector->pending == NULL)
        collector->pending = pending;
    else
        collector->last->next = pending;
    collector->last = pending;
    return true;
}

/* The log is full: have it take what it holds. KS_OK = there is room; KS_EAGAIN = not yet. */
static ks_status make_room(struct ks__task *task)
{
    const struct ks__collector *collector = &task->collector;
    ks_status                   status;

    if (collector->commit != NULL && !collector->commit->begun)
        return KS_EAGAIN; /* it is the transaction that cannot be begun yet */
    status = ks__session_flush(collector->session, 0);
    if (status != KS_OK && status != KS_EAGAIN) {
        ks__error_set(&task->error, status, "records were not stored: %s",
                      collector->session->error.status != KS_OK ? collector->session->error.message
                                                                : ks_status_text(status));
        task->ctx.failed = true;
    }
    return status;
}

ks_status ks__collector_drain(struct ks__task *task)
{
    struct ks__collector *collector = &task->collector;

    while (collector->pending != NULL) {
        struct ks__pending *first = collector->pending;
        ks_status           status;

        ks__collector_deliver(task, first->op, first->target, first->partition, &first->record,
                              &status);
        if (status == KS_EAGAIN && (status = make_room(task)) == KS_OK)
            ks__collector_deliver(task, first->op, first->target, first->partition,
                                  &first->record, &status);
        if (status == KS_EAGAIN || (status != KS_OK && task->ctx.failed))
            return status;
        collector->pending = first->next;
        drop(first);
        if (task->ctx.failed)
            return task->error.status;
    }
    return KS_OK;
}

void ks__collector_forget(struct ks__collector *collector)
{
    while (collector->pending != NULL) {
        struct ks__pending *gone = collector->pending;

        collector->pending = gone->next;
        drop(gone);
    }
    collector->last = NULL;
}

/* ---- records that the log took and then could not store ---- */

ks_status ks__production_undelivered(const struct ks__undelivered *failed, void *user)
{
    struct ks__production *production = user;
    const ks_failure       failure    = {
        .kind   = KS_FAILURE_PRODUCTION,
        .error  = failed->error,
        .node   = "",
        .task   = "",
        .record = &failed->record,
    };

    if (ks__failure_ask(production->handlers, production->settings, &failure, NULL) !=
        KS_REACTION_CONTINUE)
        return ks_error_status(failed->error);
    ks__counter_add(&production->dropped, 1);
    return KS_OK;
}
