/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.h - a record that waits for an answer, between the stream thread and whoever answers.
 *
 *      stream thread: take --fill--> start --> any thread: answer --desk's list--> stream thread
 *                                                              `--wake
 *      settled: the stream thread is done with it, a later answer is ignored
 *
 * All pendings of one operator of one task share a desk: a lock, the list of what was answered, the
 * wake of the stream thread.
 *
 * Invariants
 *   PE1  A pending lives while the operator holds it or somebody has a reference.
 *   PE2  Its record does not change from start to the last reference.
 *   PE3  After it is settled nobody touches the wake because of it: the thread may be gone.
 *
 * Threads: members marked so are under the desk's lock, the others are the stream thread's.
 */
#ifndef KS_DSL_OPS_PENDING_H
#define KS_DSL_OPS_PENDING_H

#include "base/thread.h"
#include "base/wake.h"
#include "topology/op.h"

#include <kstream/async.h>

#include <stdatomic.h>

enum ks__answer {
    KS__ANSWER_NONE = 0,
    KS__ANSWER_VALUE,
    KS__ANSWER_FAILURE,   /* `reply` is the text */
    KS__ANSWER_NO_MEMORY,
    KS__ANSWER_TIMEOUT,   /* of the stream thread's own */
    KS__ANSWER_REFUSED    /* answered, but `start` did not want it to go on */
};

struct ks__desk {
    atomic_int          references; /* the operator, and every pending */
    atomic_bool         some;       /* the list is not empty */
    struct ks__mutex    lock;
    struct ks__wake    *wake;       /* under the lock; NULL = nobody waits */
    bool                woken;      /* under the lock: since the list was taken */
    struct ks_pending  *first, **end; /* under the lock: answered, in that order */
};

struct ks_pending {
    struct ks__desk   *desk;
    /* Under the lock. */
    unsigned           users;    /* references of user code */
    bool               held;     /* by the operator */
    bool               settled;  /* answers are ignored */
    bool               starting; /* the stream thread will look by itself */
    enum ks__answer    answer;
    bool               is_null;  /* of the reply */
    size_t             reply_size, reply_capacity;
    unsigned char     *reply;
    struct ks_pending *next_answered; /* then: next to leave; next free one */

    struct ks__record  record;   /* PE2, as is all that it points at */
    ks_window          window;
    ks_record          raw;
    bool               has_raw;
    ks_origin          origin;
    uint64_t           branch;   /* ks_ctx.branch when it leaves */
    unsigned char     *block;
    size_t             capacity;

    bool               answered; /* the stream thread knows it */
    int64_t            due_ms;
    size_t             bucket;
    struct ks_pending *before, *after;  /* in the bucket, in the order of the input */
    struct ks_pending *earlier, *later; /* among those without an answer, by due time */
};

/* NULL = no memory. */
struct ks__desk *ks__desk_new(struct ks__wake *wake);
void             ks__desk_release(struct ks__desk *desk);
/* All that was answered since, linked by next_answered. */
struct ks_pending *ks__desk_take(struct ks__desk *desk);

/* A new one, held by the operator; NULL = no memory. */
struct ks_pending *ks__pending_new(struct ks__desk *desk);
/* Copy what ctx processes into a pending nobody else knows. False = no memory. */
bool ks__pending_fill(struct ks_pending *pending, const ks_ctx *ctx,
                      const struct ks__record *record);
/* Give user code its reference. */
void ks__pending_begin(struct ks_pending *pending);
/* `start` has returned. Refused: it goes no further, and unless it was answered the reference is
 * taken back from user code that says so (`take_back`). False = the operator has to let it go now,
 * nothing else will. */
bool ks__pending_started(struct ks_pending *pending, bool refused, bool take_back);
/* Answer it with a timeout; false = it was answered just now, it is on the desk. */
bool ks__pending_time_out(struct ks_pending *pending);
/* Nothing that comes now counts. True = nobody else has it, it can be used again; else it is gone
 * for the operator. It must not be on the desk. */
bool ks__pending_settle(struct ks_pending *pending);
/* The same for all there are, linked by `after`, also those on the desk; gives those that nobody
 * else has. */
struct ks_pending *ks__desk_settle(struct ks__desk *desk, struct ks_pending *all);
/* Of one that nobody else has. */
void ks__pending_release(struct ks_pending *pending);

#endif
