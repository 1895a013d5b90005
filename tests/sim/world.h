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
#include "effects.h"
#include "support/random.h"
#include "support/tally.h"

#include <kstream/kstream.h>

#define INSTANCES 2
#define WAITING_MOST 4096

enum shape {
    SHAPE_AGGREGATE,   /* flat_map_values, group_by, aggregate, to_stream */
    SHAPE_COUNT,       /* flat_map_values, select_key, repartition, peek, count, to_stream */
    SHAPE_PROCESSOR,   /* process with a store and a punctuation of the wall clock */
    SHAPE_WINDOWS,     /* flat_map_values, group_by, windowed_by (hopping or not), aggregate */
    SHAPE_SUPPRESS,    /* the same, tumbling, suppressed until the windows close */
    SHAPE_FINAL,       /* the same, emitted on close */
    SHAPE_JOIN,        /* two streams, left join */
    SHAPE_BUFFER,      /* process with a store that a punctuation of either time empties */
    SHAPE_GLOBAL,      /* stream joined with a global table */
    SHAPE_FOREIGN,     /* two tables joined by a foreign key */
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

struct world;

/* What a shape is made of and what it must do; shapes.c has the table. */
struct shape_class {
    const char *name;
    void      (*build)(ks_builder *b, struct world *world);
    void      (*write)(struct world *world);    /* one input */
    /* Inputs so far ahead of now, which let all windows pass, twice; NULL = none are needed. */
    void      (*close)(struct world *world, int64_t ahead_ms);
    void      (*check)(struct world *world);    /* what is left against what went in */
    const char *consumed[5];                    /* topics to be worked off; NULL-terminated */
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
    const struct shape_class *shape;
    struct tally            tally;
    struct effects          effects;   /* of shapes whose inputs have numbers */
    struct windows         *windows;   /* of shapes that count by window */
    struct rows            *rows;      /* of shapes that keep the last of each key */
    bool                    spoiled;   /* an output is left out of the check, which must notice */
    struct waiting          waiting[WAITING_MOST]; /* also of instances that are gone */
    int                     waiting_count;
    int                     worked; /* percent of the input worked off before the finish */
    int                     started, abandoned, stopped, failed, faulted;
    uint64_t                trace;
    bool                    verbose;
};

#define APPLICATION "sim"
#define INPUT       "lines"
#define OTHERS      "others"
#define OUTPUT      "out"
#define TOTALS      "totals"
#define STORE       "counts"

/* shapes.c */
const struct shape_class *shape_of(enum shape shape);
ks_topology              *topology_of(struct world *world);
void                      shape_release(struct world *world);
/* Append to the topic by key, or to a partition; a complaint if that fails. */
void shape_append(struct world *world, const char *topic, int32_t partition,
                  const ks_record *record);
/* A timestamp of now or a little before. */
int64_t shape_time_ms(struct world *world);
/* After all that is written: times beyond every window and its grace. */
#define BEYOND_MS  INT64_C(172800000)
#define GRACE_MS   INT64_C(86400000)

/* topologies.c: words are counted; user code counts what it sees in world->tally. */
extern const struct shape_class aggregate_shape, count_shape, processor_shape;
void      words_write(struct world *world);
ks_status words_add_one(ks_ctx *ctx, const ks_record *word, ks_bytes *count, void *user);
ks_grouped_stream *words_grouped(ks_builder *b, struct world *world);

/* topologies_windows.c */
extern const struct shape_class windows_shape, suppress_shape, final_shape;
/* topologies_numbers.c: each input has a number, and leaves once. */
extern const struct shape_class join_shape, buffer_shape, global_shape;
/* topologies_tables.c: what counts is the last of each key. */
extern const struct shape_class foreign_shape;

/* Answer one of world->waiting. */
void world_answer(struct world *world, int n);

/* world.c */
/* `spoiled`: the check is to leave one output out, and so to fail. */
bool world_open(struct world *world, uint64_t seed, bool verbose, bool spoiled);
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

/* check.c */
typedef void entry_fn(struct world *world, const ks_entry *entry);
typedef void row_fn(struct world *world, const ks_record *row);
/* All records of a topic; nothing if it is not there. */
void check_topic(struct world *world, const char *topic, entry_fn *visit);
/* All rows of the store of a new instance. */
void check_store(struct world *world, const char *store, row_fn *visit);
/* The shape's check. */
void check_all(struct world *world);

#endif
