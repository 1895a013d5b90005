/* SPDX-License-Identifier: Apache-2.0
 *
 * commit.c - the steps of a commit, in the order of the guarantee; and of an abort.
 *
 *      phase      exactly_once_v2          at_least_once          at_most_once
 *      CACHES     settle, flush, drain,    the same               flush, drain, collect: all that
 *                 collect                                         was drawn
 *      FLUSH                               wait for the log       wait for the log
 *      LOG        commit the transaction
 *      STATE      seal, write when due     seal, write            seal, write when due
 *      OFFSETS                             commit offsets         commit offsets
 *
 * A phase is left only when all its tasks are through; KS_EAGAIN stays in it.
 * Threads: the stream thread's.
 */
#include "runtime/commit.h"

#include "base/assert.h"

/* Of state.flush.bytes for rows that are in LMDB too. */
#define KEPT_SHARE 2u
/* Of transaction.timeout.ms that a commit waits for answers: the transaction was open before. */
#define SETTLE_SHARE 2

/* What the log says about a call that failed. */
static ks_status log_failed(const struct ks__session *session, ks_status status, const char *what,
                            ks_error *error)
{
    if (status == KS_EAGAIN)
        return status;
    ks__error_set(error, status, "%s: %s", what,
                  session->error.status != KS_OK ? session->error.message
                                                 : ks_status_text(status));
    ks__error_add_flags(error, session->error.flags & KS__ERROR_REPLACED);
    return status;
}

ks_status ks__commit_begin(struct ks__commit *commit, struct ks__session *session, int timeout_ms)
{
    ks_status status;

    if (commit->begun)
        return KS_OK;
    status = ks__session_begin(session, timeout_ms);
    if (status == KS_OK)
        commit->begun = true;
    return status;
}

/* ---- phases: KS_OK = on to the next one ---- */

static ks_status task_failed(const struct ks__task *task, ks_error *error)
{
    ks__error_copy(error, ks__task_error(task));
    return ks__task_error(task)->status;
}

/* Records wait for answers: go on asking, but end it before the log ends the transaction. KS_OK =
 * they have had their time, the commit goes on without them. */
static ks_status wait_for_answers(struct ks__commit *commit, const struct ks__task *task,
                                  ks_error *error)
{
    const struct ks__task_options *options = ks__task_get_options(task);
    const int64_t                  now = ks__clock_mono_ms(options->clock);
    const int64_t limit = options->settings->transaction_timeout_ms / SETTLE_SHARE;

    if (!commit->settling) {
        commit->settling          = true;
        commit->settling_since_ms = now;
    }
    if (now - commit->settling_since_ms < limit)
        return KS_EAGAIN;
    if (!ks__task_must_settle(task))
        return KS_OK;
    return ks__error_set(error, KS_ETIMEOUT,
                         "task %s: %zu records have no answer, a commit has waited %lld ms for "
                         "them: half of transaction.timeout.ms; .timeout_ms should be less",
                         ks__task_id(task), ks__task_pending(task),
                         (long long)(now - commit->settling_since_ms));
}

/* See that nothing is held back (where it settles) and nothing waits in the caches; the ones may
 * fill the others. KS_EAGAIN = answers are missing, or the log is full. */
static ks_status settle_and_flush(struct ks__task *task, bool settles, ks_error *error)
{
    ks_status status = settles ? ks__task_settle(task) : KS_OK;

    if (status == KS_OK && !ks__task_flush_caches(task))
        return task_failed(task, error);
    if (status == KS_OK && settles && ks__task_pending(task) > 0)
        status = KS_EAGAIN;
    if (status == KS_OK)
        status = ks__task_drain(task);
    return status == KS_OK || status == KS_EAGAIN ? status : task_failed(task, error);
}

static ks_status prepare(struct ks__commit *commit, struct ks__task *task, ks_error *error)
{
    const bool settles = commit->patient || ks__task_must_settle(task);
    ks_status  status = settle_and_flush(task, settles, error);

    if (status != KS_EAGAIN || !settles || ks__task_pending(task) == 0)
        return status;
    status = wait_for_answers(commit, task, error);
    return status == KS_OK ? settle_and_flush(task, false, error) : status;
}

static ks_status do_caches(struct ks__commit *commit, struct ks__task *const *tasks, size_t count,
                           ks_error *error)
{
    for (; commit->next < count; commit->next++) {
        ks_status status = prepare(commit, tasks[commit->next], error);

        if (status != KS_OK)
            return status;
    }
    commit->count = 0;
    for (size_t i = 0; i < count; i++)
        if (ks__task_collect(tasks[i], &commit->positions, &commit->count, &commit->capacity) !=
            KS_OK)
            return ks__error_no_memory(error, "the positions of a commit");
    return KS_OK;
}

static ks_status do_log(struct ks__commit *commit, struct ks__session *session, int timeout_ms,
                        ks_error *error)
{
    ks_status status;

    if (!commit->begun && commit->count == 0)
        return KS_OK; /* nothing was appended, nothing has moved */
    status = ks__commit_begin(commit, session, timeout_ms);
    if (status != KS_OK)
        return log_failed(session, status, "a transaction cannot be begun", error);
    status = ks__session_commit(session, commit->positions, commit->count, timeout_ms);
    if (status != KS_OK)
        return log_failed(session, status, "the transaction cannot be committed", error);
    commit->begun = false;
    return KS_OK;
}

static ks_status do_offsets(struct ks__commit *commit, struct ks__session *session, int timeout_ms,
                            ks_error *error)
{
    ks_status status = KS_OK;

    if (commit->count > 0)
        status = ks__session_commit_offsets(session, commit->positions, commit->count, timeout_ms);
    if (status != KS_OK)
        return log_failed(session, status, "offsets cannot be committed", error);
    return KS_OK;
}

/* Seal all tasks, then write those that are due. After the log's commit there is no way back: a
 * task that cannot be sealed has to be restored. A write that fails costs nothing, the sealed layer
 * stays (C3), and thread_work.c draws no more when too much of it has come together. */
static ks_status do_state(struct ks__task *const *tasks, size_t count,
                          const struct ks__settings *settings, bool force_write, ks_error *error)
{
    bool   force  = force_write || settings->guarantee == KS__AT_LEAST_ONCE;
    size_t sealed = 0;

    for (size_t i = 0; i < count; i++) {
        if (ks__task_seal(tasks[i]) != KS_OK) {
            ks__error_copy(error, ks__task_error(tasks[i]));
            ks__error_prefix(error, "the state of task %s has to be restored: ",
                             ks__task_id(tasks[i]));
            return KS_EFENCED;
        }
        sealed += ks__task_sealed_bytes(tasks[i]);
    }
    if (sealed >= (size_t)settings->state_flush_bytes)
        force = true;
    for (size_t i = 0; i < count; i++) {
        (void)ks__task_write(tasks[i], force); /* the task keeps why: ks__task_write_failure() */
        ks__task_trim(tasks[i], (size_t)settings->state_flush_bytes / (KEPT_SHARE * count));
    }
    return KS_OK;
}

static ks_status do_phase(struct ks__commit *commit, struct ks__session *session,
                          struct ks__task *const *tasks, size_t count,
                          const struct ks__settings *settings, bool force_write, int timeout_ms,
                          ks_error *error)
{
    const bool transactions = settings->guarantee == KS__EXACTLY_ONCE_V2;
    ks_status  status;

    switch (commit->phase) {
    case KS__COMMIT_NONE:
        return KS_OK;
    case KS__COMMIT_CACHES:
        return do_caches(commit, tasks, count, error);
    case KS__COMMIT_FLUSH:
        if (transactions)
            return KS_OK;
        status = ks__session_flush(session, timeout_ms);
        if (status != KS_OK)
            return log_failed(session, status, "records were not stored", error);
        return KS_OK;
    case KS__COMMIT_LOG:
        return transactions ? do_log(commit, session, timeout_ms, error) : KS_OK;
    case KS__COMMIT_STATE:
        return do_state(tasks, count, settings, force_write, error);
    case KS__COMMIT_OFFSETS:
        return transactions ? KS_OK : do_offsets(commit, session, timeout_ms, error);
    }
    ks__unreachable();
}

/* ---- the whole ---- */

ks_status ks__commit_run(struct ks__commit *commit, struct ks__session *session,
                         struct ks__task *const *tasks, size_t count,
                         const struct ks__settings *settings, bool force_write, int timeout_ms,
                         ks_error *error)
{
    ks_status status;

    for (;;) {
        status = do_phase(commit, session, tasks, count, settings, force_write, timeout_ms, error);
        if (status != KS_OK)
            break;
        commit->next     = 0;
        commit->settling = false;
        if (commit->phase == KS__COMMIT_OFFSETS) {
            commit->phase = KS__COMMIT_NONE;
            for (size_t i = 0; i < count; i++)
                ks__task_committed(tasks[i]);
            return KS_OK;
        }
        commit->phase++;
    }
    if (status == KS_EFENCED) {
        commit->phase    = KS__COMMIT_NONE;
        commit->next     = 0;
        commit->settling = false;
        commit->begun    = false;
    }
    return status;
}

ks_status ks__commit_abort(struct ks__commit *commit, struct ks__session *session,
                           struct ks__task *const *tasks, size_t count,
                           const struct ks__settings *settings, int timeout_ms, ks_error *error)
{
    const bool transactions = settings->guarantee == KS__EXACTLY_ONCE_V2;
    ks_status  status       = KS_OK;

    /* Without transactions: what was not flushed yet must not come out with a later flush, behind
     * the changelog records of whoever does the work again. */
    if (commit->begun || !transactions)
        status = ks__session_abort(session, timeout_ms);
    /* Too late, it is committed: the tasks go back to what the log says, whatever that is (H4). */
    if (status == KS_ESTATE && transactions)
        status = KS_OK;
    if (status != KS_OK)
        return log_failed(session, status, "the transaction cannot be aborted", error);
    commit->begun    = false;
    commit->settling = false;
    commit->phase    = KS__COMMIT_NONE;
    commit->next     = 0;
    for (size_t i = 0; i < count; i++)
        ks__task_abort(tasks[i]);
    return KS_OK;
}

void ks__commit_release(struct ks__commit *commit)
{
    ks__free(commit->positions);
    *commit = (struct ks__commit){ .phase = KS__COMMIT_NONE };
}
