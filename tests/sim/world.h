/* SPDX-License-Identifier: Apache-2.0
 *
 * world.h - one simulated run: a log, a clock, two instances of one application, and a seed.
 *
 *      seed --> plan (topology, guarantee, configuration, how often what)
 *           `-> actions: step an instance | move the clock | write input | start, stop, abandon
 *           `-> faults: answers of log calls, while an instance is being stepped
 *      then everything is worked off without faults, and counted (check.c)
 *
 * Everything happens in one thread and all times come from one manual clock, so a seed is a run:
 * `trace` is a hash of all that happened.
 */
#ifndef KS_TESTS_SIM_WORLD_H
#define KS_TESTS_SIM_WORLD_H

#include "base/clock.h"
#include "support/random.h"
#include "support/tally.h"

#include <kstream/kstream.h>

#define INSTANCES 2
#define WAITING_MOST 4096

enum shape {
    SHAPE_AGGREGATE,   /* flat_map_values, group_by, aggregate, to_stream */
    SHAPE_COUNT,       /* flat_map_values, select_key, repartition, peek, count, to_stream */
    SHAPE_PROCESSOR,   /* process with a store and a punctuation of the wall clock */
    SHAPES
};

/* What the seed chose. */
struct plan {
    enum shape      shape;
    enum tally_rule rule;
    int             actions;
    int             partitions;
    int             fault_permille;   /* of log calls; see faults.c for weights */
    int             disturb_permille; /* of actions: start, stop, abandon, freeze */
    bool            fatal_faults;   /* also such that end an instance */
    bool            caches, flush_at_commit;
    bool            async;          /* each record waits for an answer */
    bool            shared_state;   /* one state directory for both */
    int             commit_ms, state_flush_ms, buffered, session_ms, idle_ms;
};

struct instance {
    ks_app *app;          /* NULL = not there */
    bool    stopping;
    int     frozen;       /* actions during which it is not stepped */
    int     deaf;         /* actions during which it does not hear of its group */
    int     fatal;        /* faults it got that may end it */
};

/* A record that waits for its answer, which is its value. */
struct waiting {
    ks_pending      *pending;
    const ks_record *record;
};

struct world {
    uint64_t                seed;
    struct plan             plan;
    struct random           random;
    struct random           faults;
    struct ks__manual_clock clock;
    char                    directory[64];
    char                    address[64];
    ks_topology            *topology;
    ks_log                 *log;
    ks_writer              *writer;
    struct instance         instances[INSTANCES];
    struct instance        *stepped;   /* faults are for it; NULL = none now */
    struct tally            tally;
    struct waiting          waiting[WAITING_MOST]; /* also of instances that are gone */
    int                     waiting_count;
    int                     worked; /* percent of the input worked off before the finish */
    int                     started, abandoned, stopped, failed, faulted;
    uint64_t                trace;
    bool                    verbose;
};

#define APPLICATION "sim"
#define INPUT       "lines"
#define OUTPUT      "out"
#define TOTALS      "totals"
#define STORE       "counts"

/* topologies.c: user code counts what it sees in world->tally. */
ks_topology *topology_of(struct world *world);
/* The internal topic of the shape that records pass through; NULL = none. */
const char *repartition_of(const struct plan *plan);

/* Answer one of world->waiting. */
void world_answer(struct world *world, int n);

/* world.c */
bool world_open(struct world *world, uint64_t seed, bool verbose);
void world_close(struct world *world);
/* One action that the seed chooses. */
void world_act(struct world *world);
/* Step all that is there until all input is worked off and committed, then stop all. */
void world_finish(struct world *world);
/* Start the n-th instance; step it once; a complaint of the tally if it failed on its own. */
void world_start(struct world *world, int n);
void world_step(struct world *world, int n);
bool world_is_sound(const struct world *world);
/* Add to the trace; printed when verbose. */
void world_note(struct world *world, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* faults.c: while an instance is stepped, some of its log calls fail. */
void faults_install(struct world *world);
void faults_remove(void);

/* check.c: read outputs, changelog and store, and settle the tally. */
void check_all(struct world *world);

#endif
