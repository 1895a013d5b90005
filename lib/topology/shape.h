/* SPDX-License-Identifier: Apache-2.0
 *
 * shape.h - what of a topology outlives a deployment: sub-topologies, sources, internal topics and
 * stores, each with the facts that decide whether what is there still fits.
 *
 *      topology --of--> shape --write--> text ...kept with a release... --read--> shape
 *                         `-------------------- compared by diff.c ----------------'
 *
 * The text, one item per line, fields between tabs, values percent-encoded:
 *
 *      kstream shape 1
 *      store   counts  subtopology=1   kind=1  key=utf8        value=i64  ...
 *
 * Fields that a reader does not know are passed over, those that are missing are empty.
 *
 * Threads: any; a shape is not changed once made.
 */
#ifndef KS_TOPOLOGY_SHAPE_H
#define KS_TOPOLOGY_SHAPE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "topology/graph.h"

enum ks__shape_field {
    KS__SHAPE_SUBTOPOLOGY, /* its number, "global" */
    KS__SHAPE_STATE,       /* sub-topologies: the stamp of their state, "" = none */
    KS__SHAPE_KIND,        /* stores */
    KS__SHAPE_KEY,         /* types; "?" = not declared */
    KS__SHAPE_VALUE,
    KS__SHAPE_LAYOUT,      /* stores: what else decides how rows lie */
    KS__SHAPE_CUT,         /* stores of windows: how they lie */
    KS__SHAPE_RETENTION,   /* stores: ms */
    KS__SHAPE_HISTORY,
    KS__SHAPE_CHANGELOG,   /* stores: "own", "none", or the topic */
    KS__SHAPE_FED_BY,      /* stores: "topic" or "repartition", of its own sub-topology */
    KS__SHAPE_FROM,        /* stores, topics: topics of the user's above, between commas */
    KS__SHAPE_OPERATOR,    /* stores: who keeps them */
    KS__SHAPE_PARTITIONS,  /* topics and stores: a count that was asked for, "" = none */
    KS__SHAPE_HOLDS,       /* sub-topologies: their stores and topics, between commas */
    KS__SHAPE_FIELDS
};

struct ks__shape_item {
    ks_diff_subject subject;
    const char     *name;
    const char     *fields[KS__SHAPE_FIELDS]; /* never NULL */
};

struct ks__shape {
    struct ks__arena       arena;
    struct ks__shape_item *items;
    size_t                 count, capacity;
    bool                   no_memory; /* something could not be added */
};

/* Both initialise the shape; release it also after a failure. */
ks_status ks__shape_of(struct ks__shape *shape, const ks_topology *topology, ks_error *error);
ks_status ks__shape_read(struct ks__shape *shape, const char *text, ks_error *error);
void      ks__shape_release(struct ks__shape *shape);
void      ks__shape_write(const struct ks__shape *shape, struct ks__buffer *out);

/* Another item; its fields are empty. NULL = no memory. */
struct ks__shape_item *ks__shape_add(struct ks__shape *shape, ks_diff_subject subject,
                                     const char *name);
/* Is the word in the list, whose words stand between commas? */
bool ks__shape_lists(const char *list, const char *word);

#endif
