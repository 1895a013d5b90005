/* SPDX-License-Identifier: Apache-2.0
 *
 * global.h - global tables: every partition of a topic, in every process, for every thread to read.
 *
 *      topic (all partitions) --first thread, start of its turn--> env global_N of the process
 *                                                                     |  one read transaction per
 *      task's operators --global_store()--> reader of the task  <-----'  task, renewed per batch
 *
 * Invariants
 *   B1  Applied records are committed to LMDB at once, with the positions of their partitions.
 *   B2  No task runs before every table was filled to the end its partitions had at the start.
 *   B3  A reader sees one state of all global tables from one renewal to the next.
 *
 * Threads: fill, apply: the first stream thread; a view: its task's; the rest any.
 */
#ifndef KS_RUNTIME_GLOBAL_H
#define KS_RUNTIME_GLOBAL_H

#include "base/counter.h"
#include "base/wake.h"
#include "log/cluster.h"
#include "runtime/failure.h"
#include "state/global.h"
#include "topology/graph.h"
#include "topology/meter.h"

struct ks__globals;

struct ks__globals_options {
    const struct ks_topology          *topology;
    const struct ks__settings         *settings;
    const struct ks__failure_handlers *handlers;
    const struct ks__restore_listener *listener; /* NULL = nobody */
    const struct ks__clock            *clock;
    const struct ks__log              *log;
    struct ks__cluster                *cluster;
    const char                        *directory; /* of the application */
};

/* NULL in `*out` when the topology has none. */
ks_status ks__globals_open(struct ks__globals **out, const struct ks__globals_options *options,
                           ks_error *error);
void ks__globals_close(struct ks__globals *globals, bool clean);

/* KS_OK = filled; KS_EAGAIN = call again; opens what it needs at first. */
ks_status ks__globals_fill(struct ks__globals *globals, const struct ks__wake *wake,
                           ks_error *error);
bool ks__globals_ready(const struct ks__globals *globals);
/* Apply what has come since. */
ks_status ks__globals_apply(struct ks__globals *globals, ks_error *error);
/* The state of the process's tables, for snapshots; NULL while it is not filled. */
struct ks__state *ks__globals_state(const struct ks__globals *globals);

/* Counters of the n-th table: records applied, dropped; the store's name; NULL past the last. */
struct ks__global_counters {
    const char        *store;
    struct ks__counter applied;
    struct ks__counter dropped;
    struct ks__meters  meters; /* of the user's processor */
};
const struct ks__global_counters *ks__globals_counters(const struct ks__globals *globals, size_t n);

/* ---- what one task reads ---- */

struct ks__global_reader {
    struct ks__global_reader *next;
    struct ks_kv_store       *store;
};

/* Zero-initialised = nothing read yet. */
struct ks__global_view {
    struct ks__global_reader *readers;
    struct ks__arena          arena; /* rows and iterators of one batch */
    struct ks__state_host     host;
    ks_error                 *told;  /* of calls on readers: the task's, so that they fail the
                                        record; NULL = `error`, which fails the next renewal */
    ks_error                  error;
};

/* The reader of a table by its store's name, opened on first use; NULL = no such table, or a
 * failure. */
struct ks_kv_store *ks__global_view_store(struct ks__global_view *view,
                                          struct ks__globals *globals, const char *name,
                                          ks_error *error);
/* Between two batches: show the newest. A failure to read since the last call is returned. */
ks_status ks__global_view_renew(struct ks__global_view *view, ks_error *error);
void ks__global_view_release(struct ks__global_view *view);

#endif
