/* SPDX-License-Identifier: Apache-2.0
 *
 * task_commit.c - a task's share of a commit: positions, seal, write.
 *
 * Called by commit.c in the order that the guarantee asks for.
 * Threads: the task's.
 */
#include "runtime/task_parts.h"
#include "runtime/user_store.h"

#include <stdio.h>
#include <string.h>

ks_status ks__task_drain(struct ks__task *task)
{
    return ks__collector_drain(task);
}

/* What is committed of an input now: under at_most_once all that was drawn (K5), at last again only
 * what was processed. */
static int64_t position_to_commit(const struct ks__task *task, const struct ks__queue *queue)
{
    if (task->options.settings->guarantee == KS__AT_MOST_ONCE && !task->finishing)
        return queue->after;
    return ks__task_safe_position(task, queue);
}

/* False = no memory. */
static bool collect(const struct ks__task *task, struct ks__queue *queue,
                    struct ks__position *position)
{
    const char *text = NULL;

    if (queue->time_ms >= 0) {
        text = ks__metadata_write(queue->time_ms, task->told, task->told_count, &queue->metadata);
        if (text == NULL)
            return false;
    }
    *position = (struct ks__position){ .topic     = queue->topic,
                                       .partition = queue->partition,
                                       .offset    = queue->collected,
                                       .metadata  = text };
    return true;
}

ks_status ks__task_collect(struct ks__task *task, struct ks__position **positions, size_t *count,
                           size_t *capacity)
{
    bool news;

    if (!KS__GROW(positions, capacity, *count + task->queue_count) ||
        !ks__task_list_told(task, &news))
        return KS_ENOMEM;
    for (size_t i = 0; i < task->queue_count; i++) {
        struct ks__queue *queue = &task->queues[i];

        if (queue->class == NULL)
            continue;
        queue->collected = position_to_commit(task, queue);
        if (queue->collected == KS__OFFSET_NONE ||
            (queue->collected == queue->committed && !news))
            continue;
        if (!collect(task, queue, &(*positions)[*count]))
            return KS_ENOMEM;
        *count += 1;
    }
    return KS_OK;
}

void ks__task_committed(struct ks__task *task)
{
    for (size_t i = 0; i < task->queue_count; i++)
        if (task->queues[i].class != NULL)
            task->queues[i].committed = task->queues[i].collected;
    ks__task_told(task);
    task->dirty        = false;
    task->commit_asked = false;
}

/* ---- what the log may forget ---- */

bool ks__task_take_consumed(struct ks__task *task, size_t input, int64_t *offset)
{
    struct ks__queue *queue = &task->queues[input];

    if (queue->class == NULL || queue->committed <= queue->purged)
        return false;
    for (size_t i = 0; i < task->store_count; i++)
        if (task->stores[i].spec->source_topic != NULL &&
            strcmp(task->stores[i].spec->source_topic, queue->topic) == 0)
            return false;                       /* it is the changelog of a store, too */
    *offset       = queue->committed;
    queue->purged = queue->committed;
    return true;
}

/* ---- seal ---- */

static void keep_inputs(struct ks__task *task)
{
    char name[300]; /* topic names have 249 characters at most */

    for (size_t i = 0; i < task->queue_count; i++) {
        const struct ks__queue *queue    = &task->queues[i];
        const int64_t           position = ks__task_safe_position(task, queue);

        if (position != KS__OFFSET_NONE) {
            snprintf(name, sizeof(name), "input/%s/%d", queue->topic, (int)queue->partition);
            ks__state_set_number(task->state, name, position);
        }
        if (queue->time_ms >= 0) {
            snprintf(name, sizeof(name), "time/%s/%d", queue->topic, (int)queue->partition);
            ks__state_set_number(task->state, name, queue->time_ms);
        }
    }
}

/* Up to where each changelog is in the state. What this session appended last may lie before what
 * was restored since. */
static void keep_changelogs(struct ks__task *task)
{
    for (size_t i = 0; i < task->store_count; i++) {
        const struct ks__task_store *store = &task->stores[i];
        int64_t                      offset;

        if (store->changelog == NULL)
            continue;
        offset = ks__topic_appended(store->changelog->topic, task->options.partition);
        if (store->own != NULL && offset > ks__user_store_position(store->own))
            ks__user_store_set_position(store->own, offset);
        if (offset > ks__state_number(task->state, store->position, KS__OFFSET_NONE))
            ks__state_set_number(task->state, store->position, offset);
    }
}

/* A store that is restored from its source topic follows the input. */
static void keep_sourced(struct ks__task *task)
{
    for (size_t i = 0; i < task->store_count; i++) {
        const struct ks__task_store *store = &task->stores[i];

        for (size_t q = 0; store->spec->source_topic != NULL && q < task->queue_count; q++) {
            const int64_t position = ks__task_safe_position(task, &task->queues[q]);

            if (position != KS__OFFSET_NONE &&
                strcmp(task->queues[q].topic, store->spec->source_topic) == 0)
                ks__state_set_number(task->state, store->position, position);
        }
    }
}

static void keep_clocks(struct ks__task *task)
{
    for (size_t i = 0; i < task->op_count; i++)
        for (struct ks__task_clock *c = task->more[i].clocks; c != NULL; c = c->next) {
            if (c->moved)
                ks__state_set_number(task->state, c->name, c->value);
            c->moved = false;
        }
}

ks_status ks__task_seal(struct ks__task *task)
{
    ks_status status;

    for (size_t i = 0; i < task->queue_count; i++)
        task->queues[i].sealed = ks__task_safe_position(task, &task->queues[i]);
    if (task->state == NULL)
        return KS_OK;
    keep_inputs(task);
    keep_changelogs(task);
    keep_sourced(task);
    keep_clocks(task);
    ks__task_keep_punctuations(task);
    if (task->error.status != KS_OK)
        return task->error.status;
    status = ks__state_seal(task->state, &task->error);
    if (status == KS_OK)
        task->moved = false;
    ks__counter_set(&task->unwritten, (int64_t)ks__task_sealed_bytes(task));
    if (status == KS_OK && task->unwritten_since_ms < 0)
        task->unwritten_since_ms = ks__clock_mono_ms(task->options.clock);
    return status;
}

/* ---- write ---- */

void ks__task_trim(struct ks__task *task, size_t keep_bytes)
{
    if (task->state != NULL)
        ks__state_trim(task->state, keep_bytes);
}

size_t ks__task_sealed_bytes(const struct ks__task *task)
{
    return task->state != NULL ? ks__state_sealed_bytes(task->state) : 0;
}

static bool is_due(const struct ks__task *task)
{
    const struct ks__settings *settings = task->options.settings;

    return ks__state_sealed_bytes(task->state) >= (size_t)settings->state_flush_bytes ||
           ks__clock_mono_ms(task->options.clock) - task->unwritten_since_ms >=
               settings->state_flush_ms;
}

/* LMDB has it: now the user's files, unless the stores are further than what was sealed; then they
 * wait for a write that follows a seal. What fails there leaves files behind, nothing else. */
static void commit_stores(struct ks__task *task)
{
    ks_error error = { .status = KS_OK };

    for (size_t i = 0; !task->moved && i < task->store_count; i++)
        if (task->stores[i].own != NULL)
            ks__user_store_commit(task->stores[i].own, &error);
    if (ks__error_is_set(&error))
        KS__LOG_AT_WARN(&task->log, "runtime", "%s; its files stay behind, the next write tries "
                        "again", ks_error_message(&error));
}

ks_status ks__task_write(struct ks__task *task, bool force)
{
    bool      failing = ks__error_is_set(&task->write_error);
    ks_status status;

    if (task->state == NULL || task->unwritten_since_ms < 0 || (!force && !is_due(task)))
        return KS_OK;
    ks__error_clear(&task->write_error);
    status = ks__state_write(task->state, &task->write_error);
    if (status == KS_OK) {
        task->unwritten_since_ms = -1;
        commit_stores(task);
    }
    if (status != KS_OK)
        ks__counter_add(&task->write_errors, 1);
    ks__counter_set(&task->unwritten, (int64_t)ks__task_sealed_bytes(task));
    if (status != KS_OK && !failing)
        KS__LOG_AT_ERROR(&task->log, "runtime",
                         "the state cannot be written to %s, it is kept in memory: %s",
                         task->directory, ks_error_message(&task->write_error));
    if (status == KS_OK && failing)
        KS__LOG_AT_INFO(&task->log, "runtime", "the state is written again");
    return status;
}

const ks_error *ks__task_write_failure(const struct ks__task *task)
{
    return ks__error_is_set(&task->write_error) ? &task->write_error : NULL;
}

int64_t ks__task_write_errors(const struct ks__task *task)
{
    return ks__counter_read(&task->write_errors);
}

int64_t ks__task_unwritten_bytes(const struct ks__task *task)
{
    return ks__counter_read(&task->unwritten);
}
