/* SPDX-License-Identifier: Apache-2.0
 *
 * threads.c - a copy of what the threads of an app are doing.
 *
 *      threads --> name, phase;   tasks (under tasks_lock) --> phase, inputs, restore
 *
 * Everything is in one arena. Threads: any; a copy by one at a time.
 */
#include "runtime/app.h"

#include <kstream/metrics.h>
#include <string.h>

struct ks_threads {
    struct ks__arena  arena;
    ks_thread        *threads;
    size_t            count, next;
    bool              failed; /* no memory */
};

static void *zalloc(struct ks_threads *copy, size_t size)
{
    void *piece = ks__arena_zalloc(&copy->arena, size);

    copy->failed = copy->failed || piece == NULL;
    return piece;
}

static const char *copy_text(struct ks_threads *copy, const char *text)
{
    const size_t size  = strlen(text) + 1;
    char        *piece = zalloc(copy, size);

    return piece != NULL ? memcpy(piece, text, size) : "";
}

/* ---- tasks ---- */

static ks_task_state state_of_task(enum ks__owned_phase phase)
{
    switch (phase) {
    case KS__OWNED_OPENING:
        return KS_TASK_OPENING;
    case KS__OWNED_RESTORING:
        return KS_TASK_RESTORING;
    case KS__OWNED_RUNNING:
        return KS_TASK_RUNNING;
    case KS__OWNED_KEPT:
        break;
    }
    return KS_TASK_KEPT;
}

static const ks_task_input *copy_input(struct ks_threads *copy, const struct ks__owned_task *owned,
                                       const struct ks__owned_lag *lag)
{
    ks_task_input *input = zalloc(copy, sizeof(*input));

    if (input == NULL)
        return NULL;
    *input = (ks_task_input){
        .topic     = copy_text(copy, lag->topic),
        .partition = owned->partition,
        .position  = ks__counter_read(&lag->position),
        .committed = ks__counter_read(&lag->committed),
        .end       = ks__counter_read(&lag->end),
    };
    return input;
}

static void copy_inputs(struct ks_threads *copy, const struct ks__owned_task *owned, ks_task *task)
{
    const ks_task_input **inputs = zalloc(copy, (owned->lag_count + 1) * sizeof(*inputs));

    for (size_t i = 0; !copy->failed && i < owned->lag_count; i++)
        inputs[i] = copy_input(copy, owned, &owned->lags[i]);
    task->inputs      = inputs;
    task->input_count = owned->lag_count;
}

static const ks_task *copy_task(struct ks_threads *copy, const struct ks__owned_task *owned)
{
    ks_task *task = zalloc(copy, sizeof(*task));

    if (task == NULL)
        return NULL;
    task->id                = copy_text(copy, owned->id);
    task->state             = state_of_task(owned->phase);
    task->restored          = ks__counter_read(&owned->restored);
    task->restore_remaining = ks__counter_read(&owned->remaining);
    if (owned->phase == KS__OWNED_RUNNING)
        copy_inputs(copy, owned, task);
    return task;
}

/* ---- threads ---- */

static ks_thread_state state_of_thread(const struct ks__stream_thread *thread)
{
    const enum ks__thread_phase phase = atomic_load(&thread->phase);

    if (phase == KS__THREAD_ENDED)
        return KS_THREAD_ENDED;
    if (phase == KS__THREAD_CLOSE)
        return KS_THREAD_CLOSING;
    if (phase != KS__THREAD_WORK)
        return KS_THREAD_STARTING;
    return atomic_load(&thread->steady) ? KS_THREAD_RUNNING : KS_THREAD_ASSIGNED;
}

/* Under tasks_lock. */
static void copy_thread(struct ks_threads *copy, const struct ks_app *app,
                        const struct ks__stream_thread *thread, ks_thread *out)
{
    const ks_task **tasks;
    size_t          count = 0;

    for (const struct ks__owned_task *o = app->tasks; o != NULL; o = o->next)
        count += o->thread == thread;
    out->name  = copy_text(copy, thread->name);
    out->state = state_of_thread(thread);
    out->tasks = tasks = zalloc(copy, (count + 1) * sizeof(*tasks));
    for (const struct ks__owned_task *o = app->tasks; o != NULL && !copy->failed; o = o->next)
        if (o->thread == thread)
            tasks[out->task_count++] = copy_task(copy, o);
}

static struct ks_threads *new_copy(size_t count)
{
    struct ks_threads *copy = ks__zalloc(sizeof(*copy));

    if (copy == NULL)
        return NULL;
    copy->failed  = ks__arena_init(&copy->arena, 0, 0) != KS_OK;
    copy->threads = copy->failed ? NULL : zalloc(copy, (count + 1) * sizeof(*copy->threads));
    copy->count   = count;
    return copy;
}

/* ---- public ---- */

ks_threads *ks_app_threads(ks_app *app)
{
    struct ks_threads *copy;
    int                count;

    if (app == NULL)
        return NULL;
    count = app->mode != KS__APP_IDLE ? ks__app_active_threads(app) : 0;
    copy  = new_copy((size_t)count);
    if (copy == NULL)
        return NULL;
    ks__mutex_lock(&app->tasks_lock);
    for (int i = 0; i < count && !copy->failed; i++)
        copy_thread(copy, app, &app->threads[i], &copy->threads[i]);
    ks__mutex_unlock(&app->tasks_lock);
    if (!copy->failed)
        return copy;
    ks_threads_free(copy);
    return NULL;
}

const ks_thread *ks_threads_next(ks_threads *threads)
{
    if (threads == NULL || threads->next >= threads->count)
        return NULL;
    return &threads->threads[threads->next++];
}

void ks_threads_free(ks_threads *threads)
{
    if (threads == NULL)
        return;
    ks__arena_release(&threads->arena);
    ks__free(threads);
}
