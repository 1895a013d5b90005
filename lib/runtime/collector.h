/* SPDX-License-Identifier: Apache-2.0
 *
 * collector.h - from sinks and stores to the log.
 *
 *      sink --key with its window, partition--> append --+--> session
 *      store --changelog, the task's partition---------> |
 *                                                        `--KS_EAGAIN--> pending --drain--> session
 *
 * Invariants
 *   W1  Records of one task reach the log in the order in which they were sent: while anything is
 *       pending, everything goes behind it.
 *   W2  Nothing is processed while something is pending, so pending holds no more than one record,
 *       one punctuation or one flush of the caches gave.
 *   W3  Under exactly_once_v2 a transaction is open before the first append.
 *
 * Threads: the task's.
 */
#ifndef KS_RUNTIME_COLLECTOR_H
#define KS_RUNTIME_COLLECTOR_H

#include "base/counter.h"
#include "runtime/task.h"

struct ks__queue;

/* A topic that is written to. */
struct ks__target {
    struct ks__target *next;
    char              *name;
    struct ks__topic  *topic;
    int32_t            turn;  /* next partition for a null key */
    struct ks__queue  *feeds; /* the task reads it itself; NULL = it does not */
};

struct ks__pending {
    struct ks__pending *next;
    struct ks__target  *target;
    struct ks__op      *op; /* who sent it; NULL = the task */
    int32_t             partition;
    ks_record           record; /* in this block */
};

struct ks__collector {
    struct ks__session *session;
    struct ks__commit  *commit;  /* NULL = no transactions */
    struct ks__target  *targets; /* few, newest first */
    struct ks__target  *dead_letters;
    struct ks__pending *pending, *last;
};

void ks__collector_release(struct ks__collector *collector);
/* The target of a topic, made on first use. KS_ENOTFOUND, KS_EAGAIN, KS_ENOMEM. */
ks_status ks__collector_target(struct ks__task *task, const char *name, int timeout_ms,
                               struct ks__target **out, ks_error *error);
/* A record reaches a sink (`topic` NULL: the sink's own). Failures are in the context. */
void ks__collector_send(struct ks__task *task, struct ks__op *sink, const char *topic,
                        const ks_record *record);
/* A record for a partition that is known. */
void ks__collector_append(struct ks__task *task, struct ks__op *op, struct ks__target *target,
                          int32_t partition, const ks_record *record);
/* KS_OK = nothing is pending; KS_EAGAIN; else the error is in the context. */
ks_status ks__collector_drain(struct ks__task *task);
/* Forget what is pending: the transaction is aborted. */
void ks__collector_forget(struct ks__collector *collector);

/* For ks__session_options.undelivered: asks the production handler about records that the log took
 * and then could not store. `user` is this: */
struct ks__production {
    const struct ks__failure_handlers *handlers;
    const struct ks__settings         *settings;
    struct ks__counter                 dropped;
};
ks_status ks__production_undelivered(const struct ks__undelivered *failed, void *user);

#endif
