/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h - feed a case's inputs to a test driver and compare everything that comes out.
 */
#ifndef CONFORMANCE_REPLAY_H
#define CONFORMANCE_REPLAY_H

#include "build.h"

enum variant {
    VARIANT_PLAIN,  /* one driver */
    VARIANT_RESTART /* closed and opened again on its directory after every step */
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
};

/* Run the whole case; true = everything as recorded. Prints the differences. */
bool replay_case(json_t *kase, const char *name, enum variant variant, int verbosity);

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
