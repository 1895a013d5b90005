/* SPDX-License-Identifier: Apache-2.0
 *
 * thread_work.c - one turn of a thread that is a member: process what is there, commit when due.
 *
 * Tasks take turns; each gets as many records as it does in about BATCH_MS, max.poll.records at
 * most, so that commits, membership and the other tasks are not kept waiting.
 */
#include "runtime/thread.h"

#include "runtime/app.h"
#include "runtime/global.h"

#include <inttypes.h>

/* The aim for one batch of one task, and the bounds of its records: what the flush of the caches
 * looks at again should still be in the cache of the processor. */
#define BATCH_MS    10
#define LIMIT_LEAST 16
/* How often a thread that may not draw tries to write its state. */
#define REWRITE_MS  200
/* Outputs of a busy thread are seen so late: a sync of the embedded log takes a tenth of it. */
#define PUSH_MS     10

/* ---- opening and restoring ---- */

static enum ks__turn advance_tasks(struct ks__stream_thread *thread)
{
    enum ks__turn turn = KS__TURN_WAIT;

    for (size_t i = 0; i < thread->owned_count; i++) {
        struct ks__owned_task *owned = thread->owned[i];
        int64_t                before = ks__counter_read(&owned->restored);
        ks_status              status;

        if (owned->phase != KS__OWNED_OPENING && owned->phase != KS__OWNED_RESTORING)
            continue;
        status = ks__owned_task_advance(owned, &thread->error);
        if (status != KS_OK && status != KS_EAGAIN) {
            ks__error_prefix(&thread->error, "task %s: ", owned->id);
            thread->culprit = owned;
            return ks__stream_thread_trouble(thread, status);
        }
        if (status == KS_OK || ks__counter_read(&owned->restored) != before)
            turn = KS__TURN_AGAIN;
        else if (turn == KS__TURN_WAIT)
            turn = KS__TURN_SOON;
    }
    return turn;
}

/* ---- processing ---- */

static void adapt(struct ks__owned_task *owned, size_t processed, int64_t took_ms, size_t most)
{
    if (took_ms > BATCH_MS && owned->limit > LIMIT_LEAST)
        owned->limit /= 2;
    else if (took_ms < BATCH_MS / 2 && processed >= owned->limit && owned->limit < most)
        owned->limit *= 2;
}

static ks_status failure_of(struct ks__stream_thread *thread, const struct ks__owned_task *owned)
{
    thread->culprit = owned;
    ks__error_copy(&thread->error, ks__task_error(owned->task));
    if (!ks__error_is_set(&thread->error))
        ks__error_set(&thread->error, KS_EUSER, "the task failed");
    ks__error_prefix(&thread->error, "task %s: ", owned->id);
    return thread->error.status;
}

/* One batch of one task. `*turn` is raised to what it came to. */
static ks_status process_task(struct ks__stream_thread *thread, struct ks__owned_task *owned,
                              enum ks__turn *turn)
{
    const size_t         most  = thread->app->settings.poll_records;
    int64_t              begin = ks__stream_thread_now_ms(thread);
    size_t               processed = 0;
    enum ks__task_result result;

    result = ks__task_process(owned->task, owned->limit < most ? owned->limit : most, &processed);

    owned->did = processed > 0;
    if (result == KS__TASK_FAILED)
        return failure_of(thread, owned);
    if (processed > 0) {
        *turn = KS__TURN_AGAIN;
        adapt(owned, processed, ks__stream_thread_now_ms(thread) - begin, most);
    } else if (*turn == KS__TURN_WAIT &&
               (result == KS__TASK_WAITING || result == KS__TASK_BLOCKED))
        *turn = KS__TURN_SOON;
    return KS_OK;
}

static ks_status punctuate_task(struct ks__stream_thread *thread, struct ks__owned_task *owned,
                                int64_t wall_ms, enum ks__turn *turn)
{
    if (ks__task_next_punctuation_ms(owned->task) > wall_ms)
        return KS_OK;
    owned->did = true;
    *turn      = KS__TURN_AGAIN;
    return ks__task_punctuate(owned->task) ? KS_OK : failure_of(thread, owned);
}

/* Caches that wait for the commit must still keep to their budget. */
static bool caches_full(const struct ks__stream_thread *thread, const struct ks__owned_task *owned)
{
    const struct ks__settings *settings = &thread->app->settings;
    struct ks__state          *state = ks__task_state(owned->task);

    return state != NULL && (int64_t)ks__state_cached_bytes(state) * (int64_t)thread->owned_count >
                                settings->cache_max_bytes / settings->stream_threads;
}

static ks_status end_batch(struct ks__stream_thread *thread, struct ks__owned_task *owned)
{
    bool flush = owned->did && (!thread->app->settings.cache_flush_at_commit ||
                                caches_full(thread, owned));

    if (flush && !ks__task_flush_caches(owned->task))
        return failure_of(thread, owned);
    ks__task_end_step(owned->task);
    ks__owned_task_note_lags(owned);
    return KS_OK;
}

static enum ks__turn process_tasks(struct ks__stream_thread *thread)
{
    int64_t       wall = ks__clock_wall_ms(thread->app->clock);
    enum ks__turn turn = KS__TURN_WAIT;

    for (size_t i = 0; i < thread->owned_count; i++) {
        struct ks__owned_task *owned = thread->owned[i];
        ks_status              status;

        if (owned->phase != KS__OWNED_RUNNING)
            continue;
        status = process_task(thread, owned, &turn);
        if (status == KS_OK)
            status = punctuate_task(thread, owned, wall, &turn);
        if (status == KS_OK)
            status = end_batch(thread, owned);
        if (status != KS_OK)
            return ks__stream_thread_trouble(thread, status);
    }
    return turn;
}

static void break_silences(struct ks__stream_thread *thread)
{
    for (size_t i = 0; i < thread->owned_count; i++)
        if (thread->owned[i]->phase == KS__OWNED_RUNNING)
            ks__task_break_silence(thread->owned[i]->task);
}

/* A task whose state could not be written; NULL = none. `*sealed` = bytes in memory, of all. */
static const struct ks__owned_task *find_unwritten(const struct ks__stream_thread *thread,
                                                   size_t *sealed)
{
    const struct ks__owned_task *found = NULL;

    *sealed = 0;
    for (size_t i = 0; i < thread->owned_count; i++) {
        const struct ks__owned_task *owned = thread->owned[i];

        if (owned->phase != KS__OWNED_RUNNING)
            continue;
        *sealed += ks__task_sealed_bytes(owned->task);
        if (found == NULL && ks__task_write_failure(owned->task) != NULL)
            found = owned;
    }
    return found;
}

/* Committed state that no commit has taken to LMDB since, because nothing came or there was no room
 * for it. Where something came a commit follows, whose write finds the stores of the user's as they
 * were sealed: it tells them, this one could not. */
static ks_status write_late(struct ks__stream_thread *thread)
{
    int64_t now   = ks__stream_thread_now_ms(thread);
    int64_t after = thread->app->settings.state_flush_ms;

    if (thread->unwritten_since_ms >= 0 && after > REWRITE_MS)
        after = REWRITE_MS;
    if (now - thread->last_write_ms < after)
        return KS_OK;
    thread->last_write_ms = now;
    for (size_t i = 0; i < thread->owned_count; i++) {
        struct ks__owned_task *owned = thread->owned[i];
        ks_status              status;

        if (owned->phase != KS__OWNED_RUNNING || ks__task_sealed_bytes(owned->task) == 0)
            continue;
        if (ks__task_is_dirty(owned->task) && ks__task_write_failure(owned->task) == NULL)
            continue;
        status = ks__task_write(owned->task, true);
        if (status == KS_OK || status == KS_EFULL)  /* full: the layer stays, C3 */
            continue;
        ks__error_copy(&thread->error, ks__task_write_failure(owned->task));
        ks__error_prefix(&thread->error, "task %s: ", owned->id);
        return status;
    }
    return KS_OK;
}

static enum ks__turn give_up_writing(struct ks__stream_thread    *thread,
                                     const struct ks__owned_task *owned, int64_t lasted_ms)
{
    const ks_error *why = ks__task_write_failure(owned->task);

    ks__error_clear(&thread->error);
    ks__error_set(&thread->error, ks_error_status(why), "task %s: the state could not be written "
                  "to %s for %" PRId64 " ms (task.timeout.ms): %s", owned->id, owned->directory,
                  lasted_ms, ks_error_message(why));
    ks__error_set_cause(&thread->error, ks_error_cause(why));
    thread->unwritten_since_ms = -1;
    thread->choked             = false;
    return ks__stream_thread_give_up(thread);
}

/* Committed state waits in memory for room on the disk: is it so much that no more may come? True
 * also when it has waited too long, however little it is: that is the end, see `*turn`. */
static bool is_choked(struct ks__stream_thread *thread, enum ks__turn *turn)
{
    const struct ks__settings   *settings = &thread->app->settings;
    const int64_t                now = ks__stream_thread_now_ms(thread);
    const struct ks__owned_task *owned;
    size_t                       sealed;

    owned = find_unwritten(thread, &sealed);
    if (owned == NULL) {
        thread->unwritten_since_ms = -1;
        thread->choked             = false;
        return false;
    }
    if (thread->unwritten_since_ms < 0)
        thread->unwritten_since_ms = now;
    if (now - thread->unwritten_since_ms >= settings->task_timeout_ms) {
        *turn = give_up_writing(thread, owned, now - thread->unwritten_since_ms);
        return true;
    }
    if (sealed < (size_t)settings->state_flush_bytes) {
        thread->choked = false;
        return false;
    }
    if (!thread->choked)
        KS__LOG_AT_WARN(&thread->app->log, "runtime", "%s: waits until its state can be written",
                        thread->name);
    thread->choked = true;
    *turn          = KS__TURN_SOON;
    return true;
}

/* ---- outputs ---- */

/* Without transactions outputs may be read before the commit: at once when there is nothing left to
 * process, else as often as it costs little. */
static void push(struct ks__stream_thread *thread, enum ks__turn turn)
{
    int64_t now;

    if (thread->app->settings.guarantee == KS__EXACTLY_ONCE_V2)
        return;
    now = ks__stream_thread_now_ms(thread);
    if (turn == KS__TURN_AGAIN && now - thread->last_push_ms < PUSH_MS)
        return;
    if (ks__session_push(thread->session))
        thread->last_push_ms = now;
}

/* ---- a turn ---- */

static enum ks__turn later(enum ks__turn one, enum ks__turn other)
{
    if (one == KS__TURN_AGAIN || other == KS__TURN_AGAIN)
        return KS__TURN_AGAIN;
    return one == KS__TURN_SOON ? one : other;
}

/* The first thread applies what is new; all see it from here on. */
static ks_status apply_globals(struct ks__stream_thread *thread)
{
    struct ks__globals *globals = thread->app->globals;
    ks_status           status = KS_OK;

    if (globals == NULL)
        return KS_OK;
    if (thread->number == 1)
        status = ks__globals_apply(globals, &thread->error);
    for (size_t i = 0; i < thread->owned_count && status == KS_OK; i++)
        status = ks__global_view_renew(&thread->owned[i]->globals, &thread->error);
    return status;
}

/* Records, punctuations, commit. */
static enum ks__turn run_tasks(struct ks__stream_thread *thread)
{
    enum ks__turn turn = KS__TURN_WAIT;
    ks_status     status = apply_globals(thread);

    if (status == KS_OK)
        status = write_late(thread);
    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    if (!is_choked(thread, &turn) && !atomic_load(&thread->app->paused))
        turn = process_tasks(thread);
    else
        break_silences(thread);
    if (thread->phase != KS__THREAD_WORK || thread->aborting)
        return turn;
    if (!ks__stream_thread_commit_due(thread)) {
        push(thread, turn);
        return turn;
    }
    ks__stream_thread_commit_begin(thread, KS__COMMIT_DUE);
    return KS__TURN_AGAIN;
}

enum ks__turn ks__stream_thread_work(struct ks__stream_thread *thread)
{
    enum ks__turn turn;
    ks_status     status = ks__stream_thread_poll(thread);

    if (status != KS_OK)
        return ks__stream_thread_trouble(thread, status);
    if (thread->aborting)
        return ks__stream_thread_abort(thread);
    if (thread->committing != KS__COMMIT_NO)
        return ks__stream_thread_commit(thread);
    if (thread->event.kind != KS__EVENT_NONE)
        return ks__stream_thread_event(thread);
    if (ks__stream_thread_now_ms(thread) < thread->retry_at_ms)
        return KS__TURN_SOON;
    if (ks__stream_thread_follow_topics(thread, &turn))
        return turn;
    turn = advance_tasks(thread);
    if (thread->phase != KS__THREAD_WORK || thread->aborting)
        return turn;
    turn = later(turn, run_tasks(thread));
    if (thread->phase != KS__THREAD_WORK || thread->aborting)
        return turn;
    return ks__purge_step(&thread->purge, thread) ? later(turn, KS__TURN_SOON) : turn;
}
