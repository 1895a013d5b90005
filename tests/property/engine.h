/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.h - run a program in the library: in the test driver, or as an app on a log.
 *
 * The first error of the library ends a run; it stands in `complaint`.
 */
#ifndef KS_TESTS_PROPERTY_ENGINE_H
#define KS_TESTS_PROPERTY_ENGINE_H

#include "plan.h"

#include <kstream/kstream.h>

enum engine_log { ENGINE_MEMORY, ENGINE_EMBEDDED };
enum engine_restart {
    RESTART_NEVER,
    RESTART_SOMETIMES,
    RESTART_WITHOUT_STATE,
    RESTART_DAMAGED        /* half of each file of the state is gone */
};

struct engine {
    const struct plan  *plan;
    const char         *directory; /* an empty one for the run */
    bool                caches;
    enum engine_restart restart;   /* driver */
    enum engine_log     log;       /* app */
    int                 partitions;
    char                complaint[400];
};

ks_topology *topology_of(const struct plan *plan);

/* Pipe the inputs one by one; `step` of a line is the number of its input. */
void engine_drive(struct engine *engine, struct lines *out);
/* Write all inputs, run an app by ks_app_step() until it has worked them off, read `out`; lines are
 * in the order of partitions, `step` is the partition. */
void engine_step(struct engine *engine, struct lines *out);

#endif
