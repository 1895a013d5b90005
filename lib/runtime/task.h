/* SPDX-License-Identifier: Apache-2.0
 *
 * task.h - a task: a set of sub-topologies over a set of inputs, and their state.
 *
 *      input (table of functions: a log partition, ...) --take--> record queue --+
 *      input                                            --take--> record queue --+--> smallest head
 *                                                                                      |
 *         stream time, extractor, deserialization check  <-----------------------------+
 *         source op --forward--> ops --> stores (open layer), changelog, sinks -> session appends
 *
 *      OPENED --restore--> RUNNING --(process* commit)*--> CLOSED
 *
 * The runtime makes a task of one sub-topology and one partition; the test driver makes one of all
 * sub-topologies. A task never commits alone: its thread does, for all its tasks (commit.h).
 *
 * Invariants
 *   K1  Per input the records are processed in offset order; across inputs the one whose head has
 *       the smallest timestamp comes first (tie: of two the head that has been waiting longest, of
 *       more as Kafka Streams does, Q5 of queue.h).
 *   K2  position(input) = offset of the next record not yet processed; it is committed with
 *       everything that records below it caused.
 *       Records that operators hold back count as not processed, but under at_most_once
 *       (task_hold.c).
 *   K3  After abort() the state is that of the last seal and all queues are empty: inputs are read
 *       again from their committed positions.
 *   K4  A record points into a log batch only during the step in which it was drawn (end_step
 *       copies).
 *   K5  Under at_most_once no record is processed whose offset has not been committed: when one is
 *       at the head the task wants a commit.
 *
 * Threads: one at a time; counters from any.
 */
#ifndef KS_RUNTIME_TASK_H
#define KS_RUNTIME_TASK_H

#include "base/clock.h"
#include "base/log.h"
#include "log/cluster.h"
#include "runtime/failure.h"
#include "runtime/settings.h"
#include "state/state.h"
#include "topology/graph.h"

struct ks__commit;
struct ks__task;
struct ks__wake;

/* Where a task's records come from. The log partition (runtime/log_input.c) is the first
 * implementer. */
struct ks__input_class {
    /* Take what is there, at most `limit` records; as ks__source_fetch(). */
    ks_status (*draw)(void *input, size_t limit, struct ks__batch *batch);
    void (*release)(void *input, struct ks__batch *batch);
    /* Known number of records not drawn yet; -1 = unknown. */
    int64_t (*lag)(void *input);
    void (*close)(void *input);
};

struct ks__task_options {
    const struct ks_topology   *topology;
    const int                  *subtopologies;
    size_t                      subtopology_count;
    int32_t                     partition;
    const char                 *id;            /* "0_3" */
    const char                 *directory;     /* of its state */
    const char                 *application_id;
    const struct ks__settings  *settings;
    const struct ks__clock     *clock;
    const struct ks__log       *log;
    struct ks__session         *session;       /* appends go here */
    struct ks__commit          *commit;        /* the thread's: opens transactions */
    const struct ks__failure_handlers *handlers;
    /* A store that is not of this task: global tables. NULL = none. */
    struct ks_kv_store *(*global_store)(void *user, const char *name, ks_error *error);
    void *global_user;
    /* Set when somebody else has an answer for an operator of the task. NULL = nobody waits. */
    struct ks__wake *wake;
    /* A topic that a function chose is unknown: make it. NULL = that fails the record. */
    ks_status (*make_topic)(void *user, const char *name);
    void *make_user;
    /* May records come yet from tasks of the app that fill its inputs? Then a silence is none.
     * NULL = there are no such tasks. */
    bool (*is_fed)(void *user);
    void *fed_user;
    bool  draws_ahead; /* more than may be processed at once: then it is known which queues have a
                          second record, on which the order of equal times depends (Q5) */
};

/* Open state and operators; punctuators are scheduled by the operators' open. Topics it writes to
 * must be known by then. KS_EAGAIN = call again (topic look-ups). */
ks_status ks__task_open(struct ks__task **out, const struct ks__task_options *options,
                        ks_error *error);
/* Clean: everything sealed is written. Not clean: as after a crash, state stays at the last
 * write. */
void ks__task_close(struct ks__task *task, bool clean);

const char          *ks__task_id(const struct ks__task *task);
/* NULL when the task keeps nothing: no stores, no clocks, no processors. */
struct ks__state    *ks__task_state(struct ks__task *task);
/* A store of the user's own, by name; NULL = none of that name and kind. */
struct ks_store_ctx *ks__task_user_store(const struct ks__task *task, const char *name);
const ks_error      *ks__task_error(const struct ks__task *task);
/* Of the record in work, also after it failed; topic NULL = none. */
ks_origin            ks__task_origin(const struct ks__task *task);
const struct ks__task_options *ks__task_get_options(const struct ks__task *task);

/* ---- inputs ---- */

/* The topics (complete names) that feed this task, in order of declaration. */
size_t      ks__task_input_count(const struct ks__task *task);
const char *ks__task_input_topic(const struct ks__task *task, size_t input);
/* Connect an input from `position` on; the task closes it. */
void ks__task_connect(struct ks__task *task, size_t input, const struct ks__input_class *class,
                      void *object, int64_t position);
/* The group does not know the position of a connected input yet: the next commit tells it. */
void ks__task_tell_position(struct ks__task *task, size_t input);
void ks__task_disconnect(struct ks__task *task, size_t input);
/* Nobody has listened to the inputs for a while: silences begin anew (task_idle.c). */
void ks__task_break_silence(struct ks__task *task);
/* All inputs are about to be disconnected: nothing is processed any more, and under at_most_once
 * the last commit takes back what was drawn and not processed. Until an input is connected. */
void ks__task_finish(struct ks__task *task);
int64_t ks__task_position(const struct ks__task *task, size_t input);
/* The same, before the oldest record that an operator holds back. */
int64_t ks__task_seen(const struct ks__task *task, size_t input);
/* What the group has of it; KS__OFFSET_NONE = nothing is known. */
int64_t ks__task_committed_position(const struct ks__task *task, size_t input);
/* Where the input goes on after an abort. */
int64_t ks__task_resume_position(const struct ks__task *task, size_t input);
/* What was committed beside the input's offset (struct ks__position): its time so far, and clocks
 * of operators. Before the first record; NULL, "" and foreign texts are ignored. KS_ENOMEM. */
ks_status ks__task_set_metadata(struct ks__task *task, size_t input, const char *metadata);
/* Records known to be waiting, those drawn included; -1 = unknown. */
int64_t ks__task_lag(const struct ks__task *task, size_t input);
/* The source of an input: its reset policy and serdes. */
const struct ks__source_args *ks__task_source(const struct ks__task *task, size_t input);

/* ---- work ---- */

enum ks__task_result {
    KS__TASK_IDLE,      /* nothing to do now */
    KS__TASK_WAITING,   /* records are there, but another input may still have earlier ones */
    KS__TASK_BUSY,      /* the limit was reached, or it wants a commit */
    KS__TASK_BLOCKED,   /* the log takes no more appends now: poll or wait, call again */
    KS__TASK_FAILED     /* ks__task_error() */
};
/* Draw and process at most `limit` records. Stops early when the task asked for a commit. */
enum ks__task_result ks__task_process(struct ks__task *task, size_t limit, size_t *processed);
/* Fire the wall-clock punctuations that are due; false = failed. */
bool ks__task_punctuate(struct ks__task *task);
/* Wall time of the next punctuation, INT64_MAX = none. */
int64_t ks__task_next_punctuation_ms(const struct ks__task *task);
/* Forward what the caches hold back (end of a batch, before a commit); false = failed. */
bool ks__task_flush_caches(struct ks__task *task);
/* Records that operators hold back, waiting for others. */
size_t ks__task_pending(const struct ks__task *task);
/* Monotone time when one of them is out of time; INT64_MAX = never. */
int64_t ks__task_next_due_ms(const struct ks__task *task);
/* End of a step: copy what stays queued, release the batches. */
void ks__task_end_step(struct ks__task *task);
/* Something happened since the last commit / user code asked for a commit / open bytes past the
 * bound. */
bool ks__task_is_dirty(const struct ks__task *task);
bool ks__task_wants_commit(const struct ks__task *task);

/* The n-th, by name, of the topics that hold records of this task; NULL past the last. */
const char *ks__task_produced_topic(const struct ks__task *task, size_t n);

/* ---- counters, from any thread ---- */

size_t               ks__task_op_count(const struct ks__task *task);
const struct ks__op *ks__task_op(const struct ks__task *task, size_t n);
/* Records dropped at an operator for this reason. */
int64_t ks__task_dropped(const struct ks__task *task, size_t n, enum ks__drop why);

/* ---- commit (called by runtime/commit.c only) ---- */

/* Must nothing be held back when the task commits? */
bool ks__task_must_settle(const struct ks__task *task);
/* Let go what has its answer. KS_OK = nothing is held any more; KS_EAGAIN = answers are missing, or
 * the log is full; else the task has failed. */
ks_status ks__task_settle(struct ks__task *task);

/* Hand the log what it would not take before. KS_OK = nothing is left; KS_EAGAIN = still full. */
ks_status ks__task_drain(struct ks__task *task);
/* Append its positions (inputs that moved since the last commit) to `positions`; texts are lent. */
ks_status ks__task_collect(struct ks__task *task, struct ks__position **positions, size_t *count,
                           size_t *capacity);
/* The log has committed: seal the open layer, with changelog and input positions. */
ks_status ks__task_seal(struct ks__task *task);
/* Write sealed state to LMDB if `force` or due (state.flush). */
ks_status ks__task_write(struct ks__task *task, bool force);
/* Why the last write failed; NULL = it did not. */
const ks_error *ks__task_write_failure(const struct ks__task *task);
/* Any thread: how many writes failed; the bytes of sealed state that wait for one. */
int64_t ks__task_write_errors(const struct ks__task *task);
int64_t ks__task_unwritten_bytes(const struct ks__task *task);
/* The whole commit is through: the positions collected last count as committed. */
void ks__task_committed(struct ks__task *task);
/* True when records of the input have been committed that nothing needs any more: those before
 * `*offset`. They are not told again. */
bool ks__task_take_consumed(struct ks__task *task, size_t input, int64_t *offset);
/* Bytes sealed and not written. */
/* Forget rows that are in LMDB too when they take more. */
void ks__task_trim(struct ks__task *task, size_t keep_bytes);
size_t ks__task_sealed_bytes(const struct ks__task *task);
/* The log has aborted: back to the last seal (K3). Inputs must be connected again. */
void ks__task_abort(struct ks__task *task);

#endif
