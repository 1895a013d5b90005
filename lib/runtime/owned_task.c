/* SPDX-License-Identifier: Apache-2.0
 *
 * owned_task.c - open a task, restore it, connect its inputs; keep it, take it back, let it go.
 */
#include "runtime/owned_task.h"

#include "base/assert.h"
#include "runtime/app.h"
#include "runtime/log_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How often a refused env is tried again. */
#define RETRY_MS      20
/* Records of a first batch; then adapted. */
#define FIRST_LIMIT   256

static void set_phase(struct ks__owned_task *owned, enum ks__owned_phase phase)
{
    struct ks_app *app = owned->thread->app;

    ks__mutex_lock(&app->tasks_lock);
    owned->phase = phase;
    ks__mutex_unlock(&app->tasks_lock);
}

/* ---- life ---- */

static void enlist(struct ks__owned_task *owned)
{
    struct ks_app          *app = owned->thread->app;
    struct ks__owned_task **at;

    ks__mutex_lock(&app->tasks_lock);
    for (at = &app->tasks; *at != NULL; at = &(*at)->next)
        if ((*at)->subtopology > owned->subtopology ||
            ((*at)->subtopology == owned->subtopology && (*at)->partition > owned->partition))
            break;
    owned->next = *at;
    *at         = owned;
    ks__mutex_unlock(&app->tasks_lock);
}

static void delist(struct ks__owned_task *owned)
{
    struct ks_app *app = owned->thread->app;

    ks__mutex_lock(&app->tasks_lock);
    for (struct ks__owned_task **at = &app->tasks; *at != NULL; at = &(*at)->next)
        if (*at == owned) {
            *at = owned->next;
            break;
        }
    ks__mutex_unlock(&app->tasks_lock);
}

ks_status ks__owned_task_new(struct ks__owned_task **out, struct ks__stream_thread *thread,
                             int subtopology, int32_t partition, ks_error *error)
{
    struct ks__owned_task *owned = ks__zalloc(sizeof(*owned));

    *out = NULL;
    if (owned == NULL)
        return ks__error_no_memory(error, "task");
    *owned = (struct ks__owned_task){
        .thread      = thread,
        .phase       = KS__OWNED_OPENING,
        .subtopology = subtopology,
        .partition   = partition,
        .log         = thread->app->log,
        .since_ms    = -1,
        .limit       = FIRST_LIMIT,
    };
    snprintf(owned->id, sizeof(owned->id), "%d_%" PRId32, subtopology, partition);
    owned->log.task  = owned->id;
    owned->directory = ks__format("%s/%s", thread->app->directory, owned->id);
    if (owned->directory == NULL) {
        ks__free(owned);
        return ks__error_no_memory(error, "task");
    }
    enlist(owned);
    *out = owned;
    return KS_OK;
}

static void close_parts(struct ks__owned_task *owned, bool clean)
{
    struct ks_app        *app = owned->thread->app;
    struct ks__task      *task;
    struct ks__restore   *restore;
    struct ks__owned_lag *lags;

    ks__mutex_lock(&app->tasks_lock);       /* from here on nobody else sees them */
    task             = owned->task;
    restore          = owned->restore;
    lags             = owned->lags;
    owned->task      = NULL;
    owned->restore   = NULL;
    owned->lags      = NULL;
    owned->lag_count = 0;
    owned->phase     = KS__OWNED_OPENING;
    ks__mutex_unlock(&app->tasks_lock);
    ks__free(lags);
    ks__restore_close(restore);
    if (task != NULL)
        ks__task_close(task, clean);
    ks__owned_task_forget_above(owned);
    ks__global_view_release(&owned->globals);
    ks__counter_set(&owned->remaining, 0);
}

void ks__owned_task_reset(struct ks__owned_task *owned, bool clean)
{
    close_parts(owned, clean);
    owned->since_ms = -1;
    owned->returned = false;
}

void ks__owned_task_free(struct ks__owned_task *owned, bool clean)
{
    if (owned == NULL)
        return;
    delist(owned);
    close_parts(owned, clean);
    ks__free(owned->directory);
    ks__free(owned);
}

/* ---- opening ---- */

/* What operators of the task ask for and it has not: a reader of its own of a global table. */
static struct ks_kv_store *global_store(void *user, const char *name, ks_error *error)
{
    struct ks__owned_task *owned = user;

    owned->globals.told = error;            /* the task's, as long as it is open */
    return ks__global_view_store(&owned->globals, owned->thread->app->globals, name,
                                 error);
}

static void forget_lag(struct ks__owned_lag *lag)
{
    ks__counter_set(&lag->position, -1);
    ks__counter_set(&lag->committed, -1);
    ks__counter_set(&lag->end, -1);
    lag->mark = -1;
}

static ks_status open_task(struct ks__owned_task *owned, ks_error *error)
{
    struct ks__stream_thread    *thread = owned->thread;
    struct ks_app               *app = thread->app;
    struct ks__task             *task = NULL;
    struct ks__task_options      options = {
        .topology          = thread->topics.topology,
        .subtopologies     = &owned->subtopology,
        .subtopology_count = 1,
        .partition         = owned->partition,
        .id                = owned->id,
        .directory         = owned->directory,
        .application_id    = app->settings.application_id,
        .settings          = &app->settings,
        .clock             = app->clock,
        .log               = &owned->log,
        .session           = thread->session,
        .commit            = &thread->commit,
        .handlers          = &app->handlers,
        .global_store      = global_store,
        .global_user       = owned,
        .wake              = &thread->wake,
    };
    struct ks__owned_lag *lags = NULL;
    size_t                count;
    ks_status             status;

    if (!ks__owned_task_find_above(owned, options.topology))
        return ks__error_no_memory(error, "task");
    if (owned->above_count > 0) {
        options.is_fed   = ks__owned_task_is_fed;
        options.fed_user = owned;
    }
    status = ks__task_open(&task, &options, error);
    if (status != KS_OK)
        return status;
    count = ks__task_input_count(task);
    lags  = ks__zalloc_array(count + 1, sizeof(*lags));
    if (lags == NULL) {
        ks__task_close(task, false);
        return ks__error_no_memory(error, "task");
    }
    for (size_t i = 0; i < count; i++) {
        lags[i].topic = ks__task_input_topic(task, i);
        forget_lag(&lags[i]);
    }
    ks__mutex_lock(&app->tasks_lock);
    owned->task      = task;
    owned->lags      = lags;
    owned->lag_count = count;
    ks__mutex_unlock(&app->tasks_lock);
    return KS_OK;
}

void ks__owned_task_note_lags(struct ks__owned_task *owned)
{
    for (size_t i = 0; i < owned->lag_count; i++) {
        struct ks__owned_lag *note     = &owned->lags[i];
        const int64_t         position = ks__task_position(owned->task, i);
        const int64_t         lag      = ks__task_lag(owned->task, i);

        ks__counter_set(&note->lag, lag);
        ks__counter_set(&note->position, ks__task_seen(owned->task, i));
        ks__counter_set(&note->committed, ks__task_committed_position(owned->task, i));
        ks__counter_set(&note->end, position >= 0 && lag >= 0 ? position + lag : -1);
    }
    if (owned->thread->app->settings.idle_advance_ms > 0)
        ks__owned_task_note_caught_up(owned);
}

static ks_status open_restore(struct ks__owned_task *owned, ks_error *error)
{
    const struct ks__restore_options options = {
        .task    = owned->task,
        .cluster = owned->thread->app->cluster,
        .topics  = &owned->thread->topics,
        .session = owned->thread->restorer,
        .listener = &owned->thread->app->restore_listener,
    };
    ks_status status = ks__restore_open(&owned->restore, &options, error);

    if (status == KS_OK)
        set_phase(owned, KS__OWNED_RESTORING);
    return status;
}

static bool lacks_descriptors(const ks_error *error)
{
    return ks_error_cause(error) == EMFILE || ks_error_cause(error) == ENFILE;
}

/* Another one may be about to let go of the env, or of descriptors: go on asking for a while; the
 * other tasks work meanwhile. */
static ks_status ask_again(struct ks__owned_task *owned, ks_status status, ks_error *error)
{
    int64_t now = ks__stream_thread_now_ms(owned->thread);

    if (owned->since_ms < 0)
        owned->since_ms = now;
    if (now - owned->since_ms >= owned->thread->app->settings.task_timeout_ms) {
        owned->thread->failing_since_ms = owned->since_ms;  /* its time is over too */
        return status;
    }
    owned->retry_at_ms = now + RETRY_MS;
    ks__error_clear(error);
    return KS_EAGAIN;
}

static ks_status open_all(struct ks__owned_task *owned, ks_error *error)
{
    ks_status status = KS_OK;

    if (owned->since_ms >= 0 && ks__stream_thread_now_ms(owned->thread) < owned->retry_at_ms)
        return KS_EAGAIN;
    if (owned->task == NULL)
        status = open_task(owned, error);
    if (status != KS_OK && lacks_descriptors(error))
        ks__error_prefix(error, "no file descriptor is left: raise the limit (ulimit -n), a task "
                         "with stores needs 4: ");
    if (status == KS_EBUSY || (status != KS_OK && lacks_descriptors(error)))
        return ask_again(owned, status, error);
    if (status == KS_OK)
        status = open_restore(owned, error);
    return status;
}

/* ---- restoring ---- */

static ks_status connect_inputs(struct ks__owned_task *owned, ks_error *error)
{
    for (size_t i = 0; i < ks__task_input_count(owned->task); i++) {
        int64_t     position = ks__restore_input(owned->restore, i);
        const char *topic = ks__task_input_topic(owned->task, i);
        void       *input;
        ks_status   status;

        if (position == KS__OFFSET_NONE)
            continue;       /* the topic has no such partition */
        status = ks__log_input_open(&input, owned->thread->session, topic, owned->partition,
                                    position);
        if (status != KS_OK)
            return ks__error_set(error, status, "cannot read %s-%" PRId32 " from offset %" PRId64
                                 ": %s", topic, owned->partition, position, ks_status_text(status));
        ks__task_connect(owned->task, i, &ks__log_input_class, input, position);
        if (ks__restore_is_ahead(owned->restore, i))
            ks__task_tell_position(owned->task, i);
    }
    return KS_OK;
}

static ks_status restore_all(struct ks__owned_task *owned, ks_error *error)
{
    const struct ks__restore_progress *progress = ks__restore_get_progress(owned->restore);
    int64_t                            before = ks__counter_read(&progress->restored);
    ks_status                          status = ks__restore_step(owned->restore, 0, error);
    int64_t                            after = ks__counter_read(&progress->restored);

    ks__counter_add(&owned->restored, after - before);
    ks__counter_set(&owned->remaining, ks__counter_read(&progress->remaining));
    if (status != KS_OK)
        return status;
    if (owned->returned && after > 0) {     /* what it has in memory is out of date */
        ks__owned_task_reset(owned, false);
        return KS_EAGAIN;
    }
    owned->mark_ms = -1;
    ks__counter_set(&owned->caught_up_ms, -1);
    status = connect_inputs(owned, error);
    if (status != KS_OK)
        return status;
    KS__LOG_AT_INFO(&owned->log, "runtime", "running restored=%" PRId64, after);
    ks__restore_close(owned->restore);
    owned->restore = NULL;
    set_phase(owned, KS__OWNED_RUNNING);
    return KS_OK;
}

ks_status ks__owned_task_advance(struct ks__owned_task *owned, ks_error *error)
{
    ks_status status = KS_OK;

    if (owned->phase == KS__OWNED_OPENING)
        status = open_all(owned, error);
    if (status == KS_OK && owned->phase == KS__OWNED_RESTORING)
        status = restore_all(owned, error);
    return status;
}

/* ---- revoked and assigned again ---- */

void ks__owned_task_keep(struct ks__owned_task *owned)
{
    if (owned->phase == KS__OWNED_KEPT)
        return;
    if (owned->phase != KS__OWNED_RUNNING) {
        ks__owned_task_reset(owned, true);
        set_phase(owned, KS__OWNED_KEPT);
        return;
    }
    for (size_t i = 0; i < ks__task_input_count(owned->task); i++) {
        ks__task_disconnect(owned->task, i);
        forget_lag(&owned->lags[i]);
    }
    set_phase(owned, KS__OWNED_KEPT);
}

void ks__owned_task_take_back(struct ks__owned_task *owned)
{
    if (owned->phase != KS__OWNED_KEPT)
        return;
    owned->returned = owned->task != NULL;
    set_phase(owned, KS__OWNED_OPENING);    /* an open task goes straight to its restore */
}
