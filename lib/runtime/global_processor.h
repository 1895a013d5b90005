/* SPDX-License-Identifier: Apache-2.0
 *
 * global_processor.h - a processor of the user that fills a global store, outside all tasks.
 *
 *      record of the topic --run--> ctx --> user's process --> the global store's open layer
 *
 * It has a context with less in it than a task's: no children, no punctuations, no stream time.
 * The caller ends records and writes the state (global.c).
 *
 * Threads: the first stream thread.
 */
#ifndef KS_RUNTIME_GLOBAL_PROCESSOR_H
#define KS_RUNTIME_GLOBAL_PROCESSOR_H

#include "runtime/failure.h"
#include "state/state.h"
#include "topology/graph.h"

struct ks__global_processor;

struct ks__global_processor_options {
    const struct ks__node             *node;
    const struct ks__state_host       *host;     /* its error and arena are used */
    const struct ks__settings         *settings;
    const struct ks__failure_handlers *handlers;
    const struct ks__clock            *clock;
    struct ks__meters                 *meters;   /* they outlive the processor */
    struct ks_kv_store *(*store)(void *user, const char *name); /* NULL = there is none */
    void                              *user;
};

ks_status ks__global_processor_new(struct ks__global_processor              **out,
                                   const struct ks__global_processor_options *options,
                                   ks_error                                  *error);
/* The user's open; to be closed also if it failed. */
ks_status ks__global_processor_open(struct ks__global_processor *p, ks_error *error);
/* Look at the clock. */
void ks__global_processor_begin_batch(struct ks__global_processor *p);
/* One record; `*done` = it was processed, and not dropped for a failure that was forgiven. After
 * it the host's error is clear. */
ks_status ks__global_processor_run(struct ks__global_processor *p, const ks_record *record,
                                   const ks_origin *origin, bool *done, ks_error *error);
/* NULL is fine. */
void ks__global_processor_close(struct ks__global_processor *p);

const char *ks__global_processor_name(const struct ks__global_processor *p);
/* The time of the record in work; the wall clock's if there is none. */
int64_t ks__global_processor_time_ms(const struct ks__global_processor *p);

#endif
