/* SPDX-License-Identifier: Apache-2.0
 *
 * driver.h - what the test driver is made of: one of each piece of an app, and a clock by hand.
 *
 *      pipe --> io session --> source topic --> task over all sub-topologies --> topics --> read
 *                                   `--global--> globals
 *
 *      OPEN --(pipe | advance | read)*--> free
 *        `--failure--> DEAD (only reads and free)
 *
 * There is no record loop and no commit here: runtime/task and runtime/commit do both.
 * Threads: one.
 */
#ifndef KS_TESTING_DRIVER_H
#define KS_TESTING_DRIVER_H

#include "base/fork.h"
#include "base/wake.h"
#include "runtime/collector.h"
#include "runtime/commit.h"
#include "runtime/global.h"
#include "runtime/task.h"
#include "runtime/topics.h"

#include <kstream/testing.h>

/* A topic being read by ks_driver_read(). */
struct ks__driver_output {
    struct ks__driver_output *next;
    char                     *topic;
    const ks_serde           *windowed; /* of the sink's keys; NULL = plain */
    struct ks__source        *source;
    struct ks__batch          batch;
    bool                      held;
    size_t                    index;    /* next record of the batch */
    int64_t                   position; /* behind the last record that was read */
    ks_record                 record;
    ks_window                 window;
};

struct ks_driver {
    ks_error                   error;
    bool                       dead;      /* `error` stays */
    bool                       started;   /* a record was piped or the clock moved */
    bool                       in_memory; /* log in memory, directory of our own */
    unsigned                   forks;     /* of the process that made it */
    struct ks_topology        *topology;
    struct ks__settings        settings;
    struct ks__manual_clock    clock;
    struct ks__log             log;       /* silent */
    char                      *directory;
    char                      *group;     /* of the offsets of what was read */
    struct ks__failure_handlers handlers;
    struct ks__production      production;
    struct ks__cluster        *cluster;
    struct ks__session        *session;   /* the task's */
    struct ks__session        *io;        /* pipes and reads */
    struct ks__commit          commit;
    struct ks__globals        *globals;   /* NULL = none */
    struct ks__global_view     view;
    struct ks__topics          topics;    /* what the task reads, patterns resolved */
    struct ks__wake            wake;      /* set by answers from other threads */
    struct ks__task           *task;
    struct ks__driver_output  *outputs;
};

/* driver_open.c: put together what new() promises; failures are in d->error. */
ks_status ks__driver_open(ks_driver *d, const ks_config *config, const char *directory);
void      ks__driver_close(ks_driver *d);
/* A topic that a pattern matches: if it is new, it is made and the task opened anew, as by the
 * rebalance of an app. */
ks_status ks__driver_match(ks_driver *d, const char *topic);

/* driver_clock.c: the wall clock outlives the driver where its directory does. */
ks_status ks__driver_keep_clock(ks_driver *d);
ks_status ks__driver_load_clock(ks_driver *d);

/* driver.c: the source that reads a topic of the user; NULL = none. */
const struct ks__source_args *ks__driver_source_of(const ks_driver *d, const char *topic);

/* driver_read.c: keep what was read up to, where the log outlives the driver; then forget. */
void ks__driver_keep_outputs(ks_driver *d);
void ks__driver_free_outputs(ks_driver *d);

#endif
