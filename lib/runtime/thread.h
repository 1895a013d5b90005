/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.h - a stream thread: a machine that is stepped, by a thread of its own or by the caller.
 *
 *      OPEN --> TOPICS --> GLOBALS --> JOIN --> WORK --> CLOSE --> ENDED
 *       ^  session  there    filled    subscribed |  |             ^
 *       `------------- fenced, replaced ----------'  `-- failed ---'
 *
 *      WORK, one turn: requests | commit or abort under way | membership | open and restore tasks
 *                      | process a batch of each task, punctuate, flush caches | commit if due
 *
 * Invariants
 *   H1  A step never blocks past its deadline, but for user code.
 *   H2  Nothing is processed between the begin of a commit and its end (commit.h, C2).
 *   H3  A revoked task is committed before it is given back; a lost one is never.
 *   H4  After a failed commit no task goes on with what it had in memory: it is opened again.
 *
 * Threads: one steps it; wake, counters and requests from any.
 */
#ifndef KS_RUNTIME_THREAD_H
#define KS_RUNTIME_THREAD_H

#include "base/counter.h"
#include "base/thread.h"
#include "base/wake.h"
#include "log/cluster.h"
#include "runtime/commit.h"
#include "runtime/owned_task.h"
#include "runtime/purge.h"
#include "runtime/topics.h"

#include <stdatomic.h>

struct ks_app;

enum ks__thread_phase {
    KS__THREAD_OPEN,
    KS__THREAD_TOPICS,
    KS__THREAD_GLOBALS,
    KS__THREAD_JOIN,
    KS__THREAD_WORK,
    KS__THREAD_CLOSE,
    KS__THREAD_ENDED
};

/* What a turn came to. */
enum ks__turn {
    KS__TURN_AGAIN, /* there is more to do */
    KS__TURN_WAIT,  /* nothing to do before a wake or a timer */
    KS__TURN_SOON,  /* the same, but nobody will wake us: look again in a few ms */
    KS__TURN_ENDED
};

enum ks__commit_reason {
    KS__COMMIT_NO,
    KS__COMMIT_DUE,
    KS__COMMIT_REVOKE,
    KS__COMMIT_CLOSE,
    KS__COMMIT_REJOIN
};

/* Work of another thread, done here between two batches. Lies on the stack of who asks. */
struct ks__request {
    struct ks__request *next;
    void (*run)(struct ks__stream_thread *thread, void *user);
    void *user;
    bool  done;
};

struct ks__stream_thread {
    struct ks_app            *app;
    int                       number;     /* 1, 2, ... */
    char                      name[200];  /* "<client.id>-StreamThread-1" */
    struct ks__thread         os;
    struct ks__wake           wake;
    _Atomic(enum ks__thread_phase) phase; /* read by any */
    ks_error                  error;
    const struct ks__owned_task *culprit; /* whose error it is; NULL = no task's */
    struct ks__topics         topics;
    struct ks__session       *session;
    struct ks__session       *restorer;   /* reads changelogs */

    struct ks__event          event;      /* being worked off; kind NONE = none */
    bool                      event_done; /* only the acknowledgement is missing */
    bool                      event_committed; /* REVOKED: the commit before it was begun */
    bool                      assigned;   /* was told its partitions once */
    struct ks__event_partition *told;     /* of the event; names lent from topics */
    size_t                    told_capacity;
    struct ks__event_partition *partitions; /* ours, sorted; names lent from topics */
    size_t                    partition_count, partition_capacity;
    struct ks__owned_task   **owned;
    size_t                    owned_count, owned_capacity;

    struct ks__commit         commit;
    enum ks__commit_reason    committing;
    bool                      force_write;
    bool                      aborting;
    struct ks__task         **committed;  /* the tasks of the commit under way */
    size_t                    committed_count, committed_capacity;
    struct ks__purge          purge;
    int64_t                   last_commit_ms;
    int64_t                   last_write_ms;
    int64_t                   unwritten_since_ms; /* state could not be written; -1 = it can */
    bool                      choked;       /* so much of it that no more may come */
    int64_t                   last_push_ms;
    int64_t                   failing_since_ms; /* -1 = all is well */
    int64_t                   retry_at_ms;
    int64_t                   asking_since_ms;  /* the log does not answer; -1 = it does */
    int64_t                   looked_ms;        /* for topics that patterns match */
    bool                      look_soon;        /* after a rebalance */
    bool                      outdated;         /* they match others: commit, then join anew */
    int64_t                   close_by_ms;
    bool                      close_asked;      /* the last commit has begun */

    atomic_bool               steady;     /* has its tasks, all running */
    atomic_int_fast64_t       due_ms;     /* monotone time of the next timer; -1 = none */
    struct ks__counter        commits;
    struct ks__counter        aborts;
    struct ks__request       *requests;   /* under the app's tasks_lock */
};

ks_status ks__stream_thread_init(struct ks__stream_thread *thread, struct ks_app *app, int number);
void ks__stream_thread_release(struct ks__stream_thread *thread);

/* Work until `deadline_ms` (monotone; in the past = one turn) or until there is nothing to do. */
enum ks__turn ks__stream_thread_step(struct ks__stream_thread *thread, int64_t deadline_ms);
/* Milliseconds to the next timer: 0 = step now, -1 = none. Any thread. */
int ks__stream_thread_next_ms(const struct ks__stream_thread *thread);
/* Drop everything without a commit, as after a crash. */
void ks__stream_thread_abandon(struct ks__stream_thread *thread);
/* Have a request run by the thread; KS_ETIMEOUT if it does not come to it. Any other thread. */
ks_status ks__stream_thread_ask(struct ks__stream_thread *thread, struct ks__request *request,
                                int64_t timeout_ms);

/* ---- among the thread*.c files ---- */

int64_t ks__stream_thread_now_ms(const struct ks__stream_thread *thread);
/* A failure of this thread, or one that passes: fenced = rejoin; passing = abort and try again
 * later; else the uncaught-error handler decides. Gives the turn to return. */
enum ks__turn ks__stream_thread_trouble(struct ks__stream_thread *thread, ks_status status);
/* The same, of what is in thread->error and will not pass. */
enum ks__turn ks__stream_thread_give_up(struct ks__stream_thread *thread);
/* Let everything go without a commit. */
void ks__stream_thread_drop(struct ks__stream_thread *thread);

/* thread_group.c: membership. Look for an event, then work it off. */
ks_status     ks__stream_thread_poll(struct ks__stream_thread *thread);
enum ks__turn ks__stream_thread_event(struct ks__stream_thread *thread);
/* thread_topics.c: look whether patterns match other topics than those that are read; then commit
 * and join anew. True = `*turn` is the turn's. */
bool ks__stream_thread_follow_topics(struct ks__stream_thread *thread, enum ks__turn *turn);
/* Let go of the tasks as at a close, and begin again. */
enum ks__turn ks__stream_thread_restart(struct ks__stream_thread *thread);
/* thread_work.c: processing. */
enum ks__turn ks__stream_thread_work(struct ks__stream_thread *thread);
/* thread_commit.c */
bool ks__stream_thread_commit_due(struct ks__stream_thread *thread);
void ks__stream_thread_commit_begin(struct ks__stream_thread *thread,
                                    enum ks__commit_reason reason);
/* Go on with a commit or abort. */
enum ks__turn ks__stream_thread_commit(struct ks__stream_thread *thread);
enum ks__turn ks__stream_thread_abort(struct ks__stream_thread *thread);

#endif
