/* SPDX-License-Identifier: Apache-2.0
 *
 * thread_commit.c - when a thread commits, and what follows a commit or an abort.
 *
 * After an abort every task is opened again from its env and the log: one way back for all
 * guarantees (H4). The order within a commit is commit.c's.
 */
#include "runtime/thread.h"

#include "runtime/app.h"

/* Bytes in memory that only a commit gets rid of, those that wait for LMDB among them. */
static int64_t pending_bytes(const struct ks__stream_thread *thread)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < thread->owned_count; i++) {
        const struct ks__owned_task *owned = thread->owned[i];
        struct ks__state            *state;

        if (owned->phase != KS__OWNED_RUNNING)
            continue;
        state = ks__task_state(owned->task);
        if (state != NULL)
            bytes += (int64_t)(ks__state_open_bytes(state) + ks__state_sealed_bytes(state));
    }
    return bytes;
}

bool ks__stream_thread_commit_due(struct ks__stream_thread *thread)
{
    const struct ks__settings *settings = &thread->app->settings;
    bool                       dirty = false;

    for (size_t i = 0; i < thread->owned_count; i++) {
        const struct ks__owned_task *owned = thread->owned[i];

        if (owned->phase != KS__OWNED_RUNNING)
            continue;
        if (ks__task_wants_commit(owned->task))
            return true;
        dirty = dirty || ks__task_is_dirty(owned->task);
    }
    if (!dirty)
        return false;
    if (ks__stream_thread_now_ms(thread) - thread->last_commit_ms >= settings->commit_interval_ms)
        return true;
    return pending_bytes(thread) >= settings->state_flush_bytes;
}

/* The tasks of a commit or abort: the same from its begin to its end. */
static bool list_tasks(struct ks__stream_thread *thread)
{
    thread->committed_count = 0;
    if (!KS__GROW(&thread->committed, &thread->committed_capacity, thread->owned_count + 1))
        return false;
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING)
            thread->committed[thread->committed_count++] = thread->owned[i]->task;
    return true;
}

void ks__stream_thread_commit_begin(struct ks__stream_thread *thread, enum ks__commit_reason reason)
{
    if (!list_tasks(thread)) {
        ks__error_no_memory(&thread->error, "commit");
        thread->aborting = true;
        return;
    }
    thread->committing     = reason;
    thread->commit.patient = reason == KS__COMMIT_CLOSE;
    thread->force_write    = reason != KS__COMMIT_DUE ||
                             pending_bytes(thread) >= thread->app->settings.state_flush_bytes;
}

enum ks__turn ks__stream_thread_commit(struct ks__stream_thread *thread)
{
    const struct ks__settings *settings = &thread->app->settings;
    ks_status                  status = KS_OK;

    if (thread->committed_count > 0)
        status = ks__commit_run(&thread->commit, thread->session, thread->committed,
                                thread->committed_count, settings, thread->force_write, 0,
                                &thread->error);
    if (status == KS_EAGAIN)
        return KS__TURN_SOON;
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    if (thread->committed_count > 0) {
        ks__counter_add(&thread->commits, 1);
        thread->purge.wanted = true;
    }
    thread->committing       = KS__COMMIT_NO;
    thread->failing_since_ms = -1;
    thread->last_commit_ms   = ks__stream_thread_now_ms(thread);
    if (thread->force_write || settings->guarantee == KS__AT_LEAST_ONCE)
        thread->last_write_ms = thread->last_commit_ms;
    return KS__TURN_AGAIN;
}

static void reset_tasks(struct ks__stream_thread *thread)
{
    for (size_t i = 0; i < thread->owned_count; i++) {
        struct ks__owned_task *owned = thread->owned[i];

        if (owned->phase == KS__OWNED_RUNNING || owned->phase == KS__OWNED_RESTORING)
            ks__owned_task_reset(owned, false);
    }
    thread->committed_count = 0;
}

enum ks__turn ks__stream_thread_abort(struct ks__stream_thread *thread)
{
    ks_status status;

    if (ks__error_is_set(&thread->error))       /* what led here was not asked about yet */
        return ks__stream_thread_trouble(thread, thread->error.status);
    if (!list_tasks(thread))
        return KS__TURN_SOON;
    status = ks__commit_abort(&thread->commit, thread->session, thread->committed,
                              thread->committed_count, &thread->app->settings, 0, &thread->error);
    if (status == KS_EFENCED)
        return ks__stream_thread_trouble(thread, status);
    if (status != KS_OK && status != KS_EAGAIN)
        ks__stream_thread_trouble(thread, status);
    if (status != KS_OK)
        return thread->phase == KS__THREAD_ENDED ? KS__TURN_ENDED : KS__TURN_SOON;
    ks__counter_add(&thread->aborts, 1);
    reset_tasks(thread);
    thread->aborting   = false;
    thread->committing = KS__COMMIT_NO;
    return KS__TURN_AGAIN;
}
