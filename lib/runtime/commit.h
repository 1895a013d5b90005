/* SPDX-License-Identifier: Apache-2.0
 *
 * commit.h - one commit of all tasks of a thread, as a resumable sequence.
 *
 *      exactly_once_v2   caches -> log commit with the offsets -> seal -> LMDB when due
 *      at_least_once     caches -> flush -> seal, LMDB {state, positions} -> commit offsets
 *      at_most_once      commit offsets before processing; caches -> flush -> seal -> LMDB when due
 *
 * Invariants
 *   C1  LMDB is never ahead of what the log has committed (T1).
 *   C2  Nothing is drawn or processed between the first step of a commit and its end; records that
 *       operators hold back go on at its begin, where the guarantee asks for it (task_hold.c), and
 *       before an orderly end (`patient`).
 *   C3  A failure of any task's LMDB write after the log's commit loses nothing: the sealed layer
 *       stays.
 *
 * Threads: the stream thread's.
 */
#ifndef KS_RUNTIME_COMMIT_H
#define KS_RUNTIME_COMMIT_H

#include "runtime/task.h"

enum ks__commit_phase {
    KS__COMMIT_NONE = 0, /* zero-initialised = ready */
    KS__COMMIT_CACHES,
    KS__COMMIT_FLUSH,
    KS__COMMIT_LOG,
    KS__COMMIT_STATE,
    KS__COMMIT_OFFSETS
};

struct ks__commit {
    enum ks__commit_phase phase;
    bool                  begun;   /* a transaction is open */
    struct ks__position  *positions;
    size_t                count, capacity;
    size_t                next;    /* tasks done in this phase */
    bool                  patient;  /* set by the caller: wait for answers also where the guarantee
                                     * does not ask for it, but go on without those that do not
                                     * come */
    bool                  settling; /* waits for answers */
    int64_t               settling_since_ms; /* monotone */
};

/* Under exactly_once_v2: see that a transaction is open; the collector does so before its first
 * append. KS_EAGAIN = call again. */
ks_status ks__commit_begin(struct ks__commit *commit, struct ks__session *session, int timeout_ms);

/* Begin or go on. KS_OK = done; KS_EAGAIN = call again with the same tasks; KS_EFENCED = all tasks
 * must be closed unclean and the session reopened; another status: abort (ks__commit_abort), then
 * go on or fail. `force_write` writes LMDB even if it is not due. */
ks_status ks__commit_run(struct ks__commit *commit, struct ks__session *session,
                         struct ks__task *const *tasks, size_t count,
                         const struct ks__settings *settings, bool force_write, int timeout_ms,
                         ks_error *error);
/* Abort the log's transaction and take all tasks back to their last seal. Resumable. */
ks_status ks__commit_abort(struct ks__commit *commit, struct ks__session *session,
                           struct ks__task *const *tasks, size_t count,
                           const struct ks__settings *settings, int timeout_ms, ks_error *error);
void ks__commit_release(struct ks__commit *commit);

#endif
