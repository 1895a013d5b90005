/* SPDX-License-Identifier: Apache-2.0
 *
 * punctuation.h - the schedules of a task: who is called when stream time or the clock gets there.
 *
 *      schedule --> heap by due time --due <= now--> callback --> due on the grid
 *
 * Invariants
 *   U1  Stream time: first due at 0. Wall clock: first due one interval after scheduling. With a
 *       start: at the start, or where that lies behind at the next point of its grid. Then the due
 *       time moves by one interval; if that is not after now, to the next point of the same
 *       grid.
 *   U2  A jump over many points gives one call, with now.
 *   U3  A schedule made in open keeps its due time with the state, found again by (node, n-th call
 *       in open); cancelled or made later, it ends with the process.
 *
 *   U4  Which of equal due times comes first is Kafka Streams' choice: its heap is a
 *       java.util.PriorityQueue, which moves in the same way.
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_PUNCTUATION_H
#define KS_RUNTIME_PUNCTUATION_H

#include "base/heap.h"
#include "runtime/task.h"

struct ks_punctuation {
    struct ks__heap_node   place;
    struct ks_punctuation *next;      /* all of the task */
    struct ks__op         *op;
    ks_time_kind           kind;
    int64_t                interval_ms;
    int64_t                due_ms;
    ks_punctuator_fn      *fn;
    void                  *user;
    char                  *kept;      /* name of its number in the state; NULL = not kept */
    bool                   moved;     /* the number is to be written */
};

struct ks__punctuations {
    struct ks__heap        stream;
    struct ks__heap        wall;
    struct ks_punctuation *all;
};

void ks__punctuations_init(struct ks__punctuations *all);
void ks__punctuations_release(struct ks__punctuations *all);
/* Add one; `kept` (may be NULL) is taken over, also on failure. NULL = no memory. */
ks_punctuation *ks__punctuations_add(struct ks__punctuations *all, const ks_punctuation *model);
void ks__punctuations_cancel(struct ks__punctuations *all, ks_punctuation *punctuation);
/* The next that is due by `now_ms`, moved on along its grid already (U1); NULL = none. */
ks_punctuation *ks__punctuations_take(struct ks__punctuations *all, ks_time_kind kind,
                                      int64_t now_ms);
/* The next due time after `now`, which has reached `due`; at the end of time it stays there. */
int64_t ks__punctuation_after(int64_t due_ms, int64_t interval_ms, int64_t now_ms);
/* When the next one is due, INT64_MAX = never. */
int64_t ks__punctuations_due(const struct ks__punctuations *all, ks_time_kind kind);

#endif
