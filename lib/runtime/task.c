/* SPDX-License-Identifier: Apache-2.0
 *
 * task.c - open and close a task, connect its inputs, answer questions about it.
 *
 * Not here: how it is put together (task_build.c), the work (task_process.c), commits
 * (task_commit.c).
 * Threads: the task's; counters from any.
 */
#include "runtime/task_parts.h"
#include "runtime/user_store.h"

#include "base/assert.h"

#include <string.h>

static bool copy_options(struct ks__task *task, const struct ks__task_options *options)
{
    const size_t bytes = options->subtopology_count * sizeof(*options->subtopologies);

    task->options        = *options;
    task->id             = ks__strdup(options->id);
    task->directory      = ks__strdup(options->directory);
    task->application_id = ks__strdup(options->application_id);
    task->subtopologies  = ks__memdup(options->subtopologies, bytes);
    if (options->log != NULL)
        task->log = *options->log;
    task->log.task               = task->id;
    task->options.id             = task->id;
    task->options.directory      = task->directory;
    task->options.application_id = task->application_id;
    task->options.subtopologies  = task->subtopologies;
    return task->id != NULL && task->directory != NULL && task->application_id != NULL &&
           task->subtopologies != NULL;
}

static void init_ctx(struct ks__task *task)
{
    const bool transactions = task->options.settings->guarantee == KS__EXACTLY_ONCE_V2;

    task->ctx = (ks_ctx){
        .arena          = &task->arena,
        .ops            = &ks__task_ctx_ops,
        .task           = task,
        .error          = &task->error,
        .task_id        = task->id,
        .partition      = task->options.partition,
        .stream_time_ms = -1,
        .wall_time_ms   = ks__clock_wall_ms(task->options.clock),
        .window_emit_ms = task->options.settings->window_emit_ms,
        .join_emit_ms   = task->options.settings->join_emit_ms,
        .idle_advance_ms = task->options.settings->idle_advance_ms,
    };
    task->collector.session  = task->options.session;
    task->collector.commit   = transactions ? task->options.commit : NULL;
    task->stream_due_ms      = INT64_MAX;
    task->unwritten_since_ms = -1;
}

static void release(struct ks__task *task)
{
    ks__task_unbuild(task);
    ks__free(task->id);
    ks__free(task->directory);
    ks__free(task->application_id);
    ks__free(task->subtopologies);
    ks__free(task);
}

/* Take up the stream time of the last seal. */
static void load_times(struct ks__task *task)
{
    char *name;

    task->ctx.stream_time_ms = -1;
    for (size_t i = 0; i < task->queue_count && task->state != NULL; i++) {
        struct ks__queue *queue = &task->queues[i];

        name = ks__format("time/%s/%d", queue->topic, (int)queue->partition);
        if (name == NULL) {
            ks__error_no_memory(&task->error, "the times of a task");
            return;
        }
        queue->time_ms = ks__state_number(task->state, name, -1);
        ks__free(name);
        if (queue->time_ms > task->ctx.stream_time_ms)
            task->ctx.stream_time_ms = queue->time_ms;
    }
}

/* Open the operators with the times that they find. */
static void start(struct ks__task *task)
{
    load_times(task);
    ks__task_open_ops(task);
    task->stream_due_ms = ks__punctuations_due(&task->punctuations, KS_STREAM_TIME);
}

ks_status ks__task_open(struct ks__task **out, const struct ks__task_options *options,
                        ks_error *error)
{
    struct ks__task *task = ks__zalloc(sizeof(*task));
    ks_status        status;

    *out = NULL;
    if (task == NULL || !copy_options(task, options)) {
        if (task != NULL)
            release(task);
        return ks__error_no_memory(error, "a task");
    }
    ks__assert(options->settings->guarantee != KS__EXACTLY_ONCE_V2 || options->commit != NULL);
    init_ctx(task);
    status = ks__task_build(task, error);
    if (status == KS_OK) {
        start(task);
        status = task->error.status;
        if (status != KS_OK)
            ks__error_copy(error, &task->error);
    }
    if (status != KS_OK) {
        ks__task_close(task, false);
        return status;
    }
    *out = task;
    return KS_OK;
}

static void close_stores(struct ks__task *task)
{
    for (size_t i = 0; i < task->store_count; i++) {
        ks__user_store_close(task->stores[i].own);
        task->stores[i].own = NULL;
    }
}

void ks__task_close(struct ks__task *task, bool clean)
{
    bool moved;

    if (task == NULL)
        return;
    moved = task->moved;
    for (size_t i = 0; i < task->queue_count; i++)
        ks__queue_disconnect(&task->queues[i]);
    ks__task_close_ops(task);
    task->moved = moved;    /* closing is no record */
    if (clean && task->store_count > 0)
        (void)ks__task_write(task, true);   /* the user's stores too, while they are open */
    close_stores(task);
    if (task->state != NULL && !clean)
        ks__state_abandon(task->state);
    else if (task->state != NULL && ks__state_close(task->state, &task->error) != KS_OK)
        KS__LOG_AT_ERROR(&task->log, "runtime", "the state was not written at the end: %s",
                         task->error.message);
    release(task);
}

void ks__task_abort(struct ks__task *task)
{
    for (size_t i = 0; i < task->queue_count; i++)
        ks__queue_disconnect(&task->queues[i]);
    ks__task_close_ops(task);
    ks__punctuations_release(&task->punctuations);
    ks__collector_forget(&task->collector);
    if (task->state != NULL)
        ks__state_drop(task->state);
    ks__error_clear(&task->error);
    task->ctx.failed   = false;
    task->commit_asked = false;
    task->dirty        = false;
    ks__task_reopen_stores(task);
    start(task);
}

/* ---- questions ---- */

const char *ks__task_id(const struct ks__task *task)
{
    return task->id;
}

struct ks_store_ctx *ks__task_user_store(const struct ks__task *task, const char *name)
{
    for (size_t i = 0; i < task->store_count; i++)
        if (strcmp(task->stores[i].spec->name, name) == 0)
            return task->stores[i].own;
    return NULL;
}

struct ks__state *ks__task_state(struct ks__task *task)
{
    return task->state;
}

ks_origin ks__task_origin(const struct ks__task *task)
{
    return task->ctx.origin;
}

const ks_error *ks__task_error(const struct ks__task *task)
{
    return &task->error;
}

const struct ks__task_options *ks__task_get_options(const struct ks__task *task)
{
    return &task->options;
}

size_t ks__task_op_count(const struct ks__task *task)
{
    return task->op_count;
}

const struct ks__op *ks__task_op(const struct ks__task *task, size_t n)
{
    return &task->ops[n];
}

int64_t ks__task_dropped(const struct ks__task *task, size_t n, enum ks__drop why)
{
    return ks__counter_read(&task->more[n].drops[why]);
}

/* ---- inputs ---- */

size_t ks__task_input_count(const struct ks__task *task)
{
    return task->queue_count;
}

const char *ks__task_input_topic(const struct ks__task *task, size_t input)
{
    return task->queues[input].topic;
}

void ks__task_connect(struct ks__task *task, size_t input, const struct ks__input_class *class,
                      void *object, int64_t position)
{
    task->finishing = false;
    ks__task_break_silence(task);
    ks__queue_connect(&task->queues[input], class, object, position);
}

void ks__task_tell_position(struct ks__task *task, size_t input)
{
    task->queues[input].committed = KS__OFFSET_NONE;
    task->dirty                   = true;
}

void ks__task_finish(struct ks__task *task)
{
    task->finishing = true;
    task->dirty     = true;
}

void ks__task_disconnect(struct ks__task *task, size_t input)
{
    ks__task_forget_held(task);
    ks__queue_disconnect(&task->queues[input]);
}

int64_t ks__task_position(const struct ks__task *task, size_t input)
{
    return ks__queue_position(&task->queues[input]);
}

int64_t ks__task_committed_position(const struct ks__task *task, size_t input)
{
    return task->queues[input].committed;
}

int64_t ks__task_resume_position(const struct ks__task *task, size_t input)
{
    const struct ks__queue *queue = &task->queues[input];

    return task->options.settings->guarantee == KS__AT_MOST_ONCE ? queue->committed
                                                                 : queue->sealed;
}

int64_t ks__task_lag(const struct ks__task *task, size_t input)
{
    return ks__queue_lag(&task->queues[input]);
}

const struct ks__source_args *ks__task_source(const struct ks__task *task, size_t input)
{
    return task->queues[input].args;
}
