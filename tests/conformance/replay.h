/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h - feed a case's inputs to a test driver and compare everything that comes out.
 */
#ifndef CONFORMANCE_REPLAY_H
#define CONFORMANCE_REPLAY_H

#include "build.h"

/* Bits. */
enum variant {
    VARIANT_PLAIN     = 0, /* one driver */
    VARIANT_RESTART   = 1, /* closed and opened again on its directory after every step */
    VARIANT_OPTIMIZED = 2  /* topology.optimization=all: outputs and stores must be the same */
};

/* What a case is about, and the report of its first differences. */
struct replay {
    json_t     *kase;
    const char *name;
    ks_driver  *driver;
    ks_topology *topology;
    ks_config  *config;
    const char *directory; /* NULL = private */
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
bool replay_case(json_t *kase, const char *name, enum variant variant, int verbosity);

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
