/* SPDX-License-Identifier: Apache-2.0
 *
 * build.h - a case's topology, built through the public headers.
 */
#ifndef CONFORMANCE_BUILD_H
#define CONFORMANCE_BUILD_H

#include "functions.h"

#include <jansson.h>

#define MAX_STEPS 1024

/* What a step of the case's topology gave. */
struct made {
    const char        *id;    /* lent by the JSON */
    const char        *store; /* the same; NULL = none by name */
    enum type          key;
    enum type          value;
    ks_stream         *stream;
    ks_table          *table;
    ks_global_table   *global;
    ks_grouped_stream *grouped;
    ks_grouped_table  *grouped_table;
    ks_windowed_stream *windowed;
    ks_cogrouped_stream *cogrouped;
    ks_windowed_cogrouped_stream *windowed_cogrouped;
};

#define PLAN_TICKS 16

/* How often each "ticks" of the case has fired: memory of the processor, which is to outlive
 * restarts and kills as if there had been none. Cleared before a case. */
extern int64_t *plan_fired;

struct plan {
    ks_builder *b;
    size_t      ticks;
    struct made made[MAX_STEPS];
    size_t      count;
    char        error[256]; /* an op or function that is not known, ... ; "" = none */
};

/* Build everything in `topology` (the case's list of steps). False: plan->error. */
bool plan_build(struct plan *plan, json_t *topology);
const struct made *plan_find(const struct plan *plan, const char *id);
bool plan_fail(struct plan *plan, const char *format, ...) KS_PRINTF(2, 3);

/* A function argument for callbacks; owned by the builder. */
struct function *plan_functions(struct plan *plan, size_t count);

/* procs.c: the step "process". */
bool plan_process(struct plan *plan, json_t *step, const struct made *from, struct made *made);

/* build_windows.c: "windowedBy", what is made of windows and cogroups, "cogroup",
 * "joinStreamStream". */
bool plan_windowed_by(struct plan *plan, json_t *step, const struct made *from, struct made *made);
bool plan_fold(struct plan *plan, json_t *step, const struct made *from, struct made *made);
bool plan_cogroup(struct plan *plan, json_t *step, const struct made *from, struct made *made);
bool plan_join_streams(struct plan *plan, json_t *step, const struct made *from,
                       struct made *made);

#endif
