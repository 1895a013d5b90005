/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h - feed a case's inputs to a test driver and compare everything that comes out.
 */
#ifndef CONFORMANCE_REPLAY_H
#define CONFORMANCE_REPLAY_H

#include "build.h"

struct variant {
    size_t restart_every; /* the driver is closed and opened again on its directory after so many
                             steps; 0 = never */
    bool   optimized;     /* topology.optimization=all: outputs and stores must be the same */
};

/* What a case is about, and the report of its first differences. */
struct replay {
    json_t     *kase;
    const char *name;
    ks_driver  *driver;
    ks_topology *topology;
    ks_config  *config;
    const char *directory; /* NULL = private */
    char        directory_name[64];
    size_t      first_step, restart_every;
    size_t      die_every; /* steps after which die() is called; 0 = never */
    void      (*die)(const struct replay *r, size_t next_step);
    const struct plan *plan;
    int64_t     drops;     /* counter before this step */
    size_t      next_out;  /* next expected record */
    size_t      next_drop;
    size_t      differences;
    int         verbosity;
    bool        own_retention; /* windowstore.kafka.retention is left at its default */
    bool        outputs_only;  /* neither drops nor stores nor the description are compared */
    bool        optimized;     /* neither drops nor the description are compared */
    json_t     *collected;     /* outputs go here instead of being compared */
};

/* Run the whole case; true = everything as recorded. Prints the differences. */
bool replay_case(json_t *kase, const char *name, const struct variant *variant, int verbosity);
/* The same for what `r` says. */
bool replay_run(struct replay *r);
bool replay_make_directory(struct replay *r);
void replay_remove_directory(struct replay *r);

/* killed.c: in a child that is killed after every so many steps; the next child goes on from there,
 * on the same directory. */
bool replay_killed(json_t *kase, const char *name, size_t every, int verbosity);

/* Of a case that shows what Kafka Streams' retention loses: with the library's own retention the
 * outputs are those of Kafka's with a very long one, and not the recorded ones. */
bool replay_is_retention_sensitive(json_t *kase);
bool replay_without_loss(json_t *kase, const char *name, int verbosity);

/* True if the case keeps any state that a restart could lose. */
bool replay_has_store(json_t *kase);

/* Report a difference at a step (-1 = the end). */
void replay_differs(struct replay *r, long step, const char *expected, const char *got);

/* stores.c: the final contents; describe.c: the description. */
void replay_compare_stores(struct replay *r);
void replay_compare_description(struct replay *r);

/* A value as the report shows it: null, "text" or a number. The caller frees. */
char *shown(ks_bytes bytes, enum type type);
char *shown_json(json_t *value);
/* Equal to the JSON value of the case? */
bool same_value(ks_bytes bytes, enum type type, json_t *expected);

/* The key of a row or record, with its window if the type is windowed. */
char *shown_key(const ks_record *record, enum type type);
bool  same_key(const ks_record *record, enum type type, json_t *expected);

#endif
