/* SPDX-License-Identifier: Apache-2.0
 *
 * owned_task.h - a task of a stream thread, from the assignment of its partitions to their loss.
 *
 *      OPENING --env, operators--> RESTORING --state is complete--> RUNNING
 *         ^  KS_EBUSY: again later     ^                              | revoked
 *         `------- state was behind ---+------- assigned again ---- KEPT --> freed
 *
 * A kept task has its env open and nothing uncommitted. When it returns, a restore finds whether
 * somebody else has worked meanwhile; then it is opened anew.
 *
 * Threads: the stream thread's; `phase` and `task` change under the app's tasks_lock.
 */
#ifndef KS_RUNTIME_OWNED_TASK_H
#define KS_RUNTIME_OWNED_TASK_H

#include "runtime/global.h"
#include "runtime/restore.h"

struct ks__stream_thread;

enum ks__owned_phase {
    KS__OWNED_OPENING,
    KS__OWNED_RESTORING,
    KS__OWNED_RUNNING,
    KS__OWNED_KEPT
};

/* The lag of an input, for metrics. */
struct ks__owned_lag {
    const char        *topic; /* the task's */
    struct ks__counter lag;
    struct ks__counter position, committed, end; /* -1 = not known */
    int64_t            mark; /* the task's thread's: an end that it has not come to yet */
};

struct ks__owned_task {
    struct ks__owned_task    *next;     /* of all tasks of the app */
    struct ks__stream_thread *thread;
    enum ks__owned_phase      phase;
    int                       subtopology;
    int32_t                   partition;
    char                      id[32];   /* "0_3" */
    char                     *directory;
    struct ks__log            log;      /* the app's, about this task */
    struct ks__task          *task;
    struct ks__restore       *restore;
    struct ks__global_view    globals;
    bool                      returned; /* was kept before */
    struct ks__counter        restored; /* records, all restores */
    struct ks__counter        remaining;
    struct ks__owned_lag     *lags;     /* while the task is open */
    size_t                    lag_count;
    bool                     *above;    /* per sub-topology: does it fill an input of this task,
                                         * through others too? NULL = none does */
    size_t                    above_count;
    int64_t                   mark_ms;      /* monotone, of the marks of its lags; -1 = none */
    struct ks__counter        caught_up_ms; /* it is done with what there was then; -1 = unknown */
    int64_t                   since_ms; /* of the first refusal in OPENING; -1 = none */
    int64_t                   retry_at_ms;
    size_t                    limit;    /* records per batch, adapted */
    bool                      did;      /* processed in this turn */
};

ks_status ks__owned_task_new(struct ks__owned_task **out, struct ks__stream_thread *thread,
                             int subtopology, int32_t partition, ks_error *error);
/* One slice of opening and restoring. KS_OK = it runs; KS_EAGAIN = call again. */
ks_status ks__owned_task_advance(struct ks__owned_task *owned, ks_error *error);
/* Note the lags, now and then. */
void ks__owned_task_note_lags(struct ks__owned_task *owned);
/* owned_above.c: what is above a task, for its silences. False = no memory. */
bool ks__owned_task_find_above(struct ks__owned_task *owned, const struct ks_topology *topology);
void ks__owned_task_forget_above(struct ks__owned_task *owned);
/* See ks__task_options.is_fed; `user` is the owned task. */
bool ks__owned_task_is_fed(void *user);
/* Note up to when it has caught up with its inputs, after its lags. */
void ks__owned_task_note_caught_up(struct ks__owned_task *owned);
/* Its partitions went (after a commit with everything written), and came back. */
void ks__owned_task_keep(struct ks__owned_task *owned);
void ks__owned_task_take_back(struct ks__owned_task *owned);
/* Throw away what is open; it is opened anew by advance(). */
void ks__owned_task_reset(struct ks__owned_task *owned, bool clean);
void ks__owned_task_free(struct ks__owned_task *owned, bool clean);

#endif
