/* SPDX-License-Identifier: Apache-2.0
 *
 * task_parts.h - what a task is made of; for the files of the task only.
 *
 *      task.c            open and close, inputs, questions
 *      task_build.c      operators out of nodes, queues, stores
 *      task_process.c    the choice of the next record, processing, end of the record
 *      task_expire.c     rows that have outlived their ttl
 *      task_hold.c       operators that hold records back
 *      task_idle.c       time that goes on while nothing comes
 *      task_punctuate.c  calling what is due, keeping due times
 *      task_ctx.c        what operators and user code ask for (struct ks__ctx_ops)
 *      task_failure.c    handlers, dead letters, drops
 *      task_commit.c     collect, seal, write, abort
 *      collector.c       sinks and changelogs
 *
 * Threads: the task's, but for counters.
 */
#ifndef KS_RUNTIME_TASK_PARTS_H
#define KS_RUNTIME_TASK_PARTS_H

#include "runtime/collector.h"
#include "runtime/punctuation.h"
#include "runtime/queue.h"
#include "runtime/task.h"
#include "topology/meter.h"

#define KS__OWN_KEY_BYTES 16

/* A clock of an operator: a number of the state, cached. */
struct ks__task_clock {
    struct ks__task_clock *next;
    const char            *what;  /* static */
    char                  *name;  /* "node/NAME/WHAT" */
    int64_t                value;
    bool                   known; /* there is a value */
    bool                   moved; /* to be written */
    const char            *key;   /* told beside the offsets under this; NULL = not told */
    char                   own_key[KS__OWN_KEY_BYTES]; /* `key`, if it is not Kafka's */
    int64_t                telling, told; /* with the commit under way, with the last one */
};

/* A clock that was found beside the offsets. */
struct ks__found_clock {
    struct ks__found_clock *next;
    char                   *key;
    int64_t                 value;
};

/* What a task keeps per operator besides struct ks__op. */
struct ks__task_op {
    struct ks__counter     drops[KS__DROP_COUNT_];
    struct ks__task_clock *clocks;
    struct ks__meters      meters;    /* of the user; to the end of the task */
    unsigned               scheduled; /* calls of schedule in open so far */
    bool                   opened;
};

struct ks__task_store {
    const struct ks__store_spec *spec;
    struct ks_kv_store          *store;     /* NULL = `own` */
    struct ks_store_ctx         *own;       /* of the user; NULL = `store` */
    struct ks__target           *changelog; /* NULL = none of its own */
    char                        *position;  /* name of its number: "changelog/STORE" */
};

/* Something to destroy at the end of the record. */
struct ks__task_end {
    void (*destroy)(void *object);
    void *object;
};

struct ks__task {
    ks_ctx                  ctx; /* its address is good as long as the task */
    ks_error                error;
    struct ks__task_options options;
    char                   *id, *directory, *application_id;
    int                    *subtopologies;
    struct ks__log          log;
    struct ks__arena        arena;
    struct ks__state_host   host;
    struct ks__state       *state; /* NULL = keeps nothing */

    struct ks__op      *ops;
    struct ks__task_op *more;      /* beside ops */
    struct ks__op     **by_node;   /* by node->index; NULL = of another task */
    struct ks__op     **links;     /* children and parents of all ops */
    unsigned char      *op_states;
    size_t              op_count;

    struct ks__op     **holders;   /* those that hold records back */
    size_t              holder_count;
    bool                settles;   /* ks__task_must_settle() */

    struct ks__queue      *queues;
    size_t                 queue_count;
    struct ks__heap        heads;  /* Q5 */
    struct ks__task_store *stores;
    size_t                 store_count;

    struct ks__found_clock *found;  /* beside the offsets, at the start */
    struct ks__told        *told;   /* of the commit under way */
    size_t                  told_count, told_capacity;

    struct ks__punctuations punctuations;
    int64_t                 stream_due_ms; /* of the next one by stream time */
    struct ks__collector    collector;
    struct ks__task_end    *ends;
    size_t                  end_count, end_capacity;

    uint64_t sequence;         /* Q4 of queue.h */
    uint64_t round;            /* calls of ks__task_process */
    int64_t  mono_ms;          /* at the start of the round */
    int64_t  wall_ahead_ms;    /* of the monotone clock, when silence was last looked for */
    int64_t  unwritten_since_ms; /* monotone, of the first seal not written; -1 = all is written */
    ks_error write_error; /* of the last write, if it failed */
    struct ks__counter write_errors, unwritten; /* writes that failed; bytes of sealed state */
    bool     dirty;
    bool     commit_asked;
    bool     expires;   /* some store has a ttl */
    bool     finishing; /* ks__task_finish() */
    bool     moved;     /* a record was processed since the last seal */
    bool     fed;       /* what options.is_fed said, */
    int64_t  fed_ms;    /* monotone, then; 0 = never */
    bool     listens;   /* all inputs were at their ends once: silences count from there */
};

/* ---- task_build.c ---- */

/* KS_EAGAIN: a topic is not known yet. The task is released by the caller on failure. */
ks_status ks__task_build(struct ks__task *task, ks_error *error);
void      ks__task_unbuild(struct ks__task *task);
/* Open and close all operators; a failed open is in task->error. */
void ks__task_open_ops(struct ks__task *task);
void ks__task_close_ops(struct ks__task *task);

/* A change of a store of the user's own, for its changelog if it has one. */
void ks__task_log_change(struct ks__task *task, const struct ks_store_ctx *own,
                         const ks_record *record);
/* Stores of the user's own, as if new: for an abort. A failure is in task->error. */
void ks__task_reopen_stores(struct ks__task *task);

/* ---- task_told.c ---- */

/* See ks__ctx_ops.share_clock. */
void ks__task_share_clock(struct ks__task *task, struct ks__task_clock *clock, const char *key);
/* List what is to be told with this commit in task->told; `*news` = something that the last one did
 * not tell. False = no memory. */
bool ks__task_list_told(struct ks__task *task, bool *news);
void ks__task_told(struct ks__task *task);
void ks__task_free_told(struct ks__task *task);

/* ---- task_ctx.c, task_failure.c ---- */

extern const struct ks__ctx_ops ks__task_ctx_ops;

/* ctx->error has been set in `op`: forgive it, or set ctx->failed. */
void ks__task_failed(struct ks__task *task, struct ks__op *op, ks_failure_kind kind,
                     const struct ks__record *record);
void ks__task_count_drop(struct ks__task *task, struct ks__op *op, enum ks__drop why);

/* ---- task_process.c ---- */

/* Memory, iterators and decoded objects of the record go. */
void ks__task_end_record(struct ks__task *task);

/* ---- task_expire.c ---- */

/* Take at most `limit` steps of deleting rows that have outlived their ttl; gives how many. */
size_t ks__task_expire(struct ks__task *task, size_t limit);

/* ---- task_hold.c ---- */

/* Find the operators that hold records back; false = no memory. */
bool ks__task_find_holders(struct ks__task *task);
/* Let at most `limit` records go on; gives how many did. */
size_t ks__task_let_go(struct ks__task *task, size_t limit);
/* Is one of them full? */
bool ks__task_is_full(const struct ks__task *task);
/* Where the input would have to be read again from: nothing before is held. */
int64_t ks__task_safe_position(const struct ks__task *task, const struct ks__queue *queue);
void    ks__task_forget_held(struct ks__task *task);
/* For metrics. */
void    ks__task_note_held(struct ks__task *task);

/* ---- task_idle.c ---- */

/* Nothing was there to be processed: how many operators let their time go on. */
size_t ks__task_idle(struct ks__task *task);

/* ---- task_punctuate.c ---- */

/* Fire what is due of one kind. */
void ks__task_fire(struct ks__task *task, ks_time_kind kind, int64_t now_ms);
/* Write moved due times to the open layer. */
void ks__task_keep_punctuations(struct ks__task *task);

static inline struct ks__task_op *ks__task_more(struct ks__task *task, const struct ks__op *op)
{
    return &task->more[op - task->ops];
}

#endif
