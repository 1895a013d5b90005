/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.h - the physical topology: named nodes, stores, internal topics, sub-topologies. Immutable.
 *
 *      dsl (logical operators) --rewrite--> nodes --union by edges and stores--> sub-topologies
 *
 *      source "in" ─> filter ─> aggregate [counts] ─> sink "out"          sub-topology 0
 *
 * Nodes and their arguments live in the topology's arena. Names are complete; internal topics stand
 * without the application's prefix ("counts-repartition"), which the runtime puts in front (as
 * Kafka does).
 *
 * Invariants
 *   P1  Every node is in exactly one sub-topology, or in the global part; topics cut the graph,
 *       stores tie it.
 *   P2  Sub-topologies stand and are numbered as in Kafka: by their first node. An index counts
 *       them, a number (in task ids and descriptions) counts global tables too. Nodes stand in the
 *       order of their addition.
 *   P3  children are in the order of declaration: the order in which records reach them.
 *
 * Threads: any, once built; the count of references is atomic.
 */
#ifndef KS_TOPOLOGY_GRAPH_H
#define KS_TOPOLOGY_GRAPH_H

#include "base/arena.h"
#include "base/error.h"
#include "state/store.h"
#include "topology/op.h"

#include <kstream/topology.h>

#include <stdatomic.h>

enum ks__node_kind { KS__NODE_SOURCE = 1, KS__NODE_PROCESSOR, KS__NODE_SINK };

/* A topic that a node reads or writes. */
struct ks__topic_ref {
    const char               *name;
    bool                      internal; /* name gets "<application.id>-" in front */
    const struct ks__pattern *pattern;  /* all topics that it matches; `name` is its text */
};

struct ks__source_args {
    const struct ks__topic_ref *topics;
    size_t                      topic_count;
    const ks_serde             *key;
    const ks_serde             *value;
    ks_time_source              time;
    ks_extractor_fn            *extractor;
    void                       *extractor_user;
    ks_reset                    reset;
    int64_t                     reset_before_ms; /* above 0: instead of `reset` */
};

struct ks__sink_args {
    struct ks__topic_ref topic; /* name NULL: chosen per record */
    ks_selector_fn      *choose;
    void                *choose_user;
    const ks_serde      *key;
    const ks_serde      *value;
    ks_partitioner_fn   *partitioner;
    void                *partitioner_user;
};

struct ks__node {
    const char                *name;
    enum ks__node_kind         kind;
    const struct ks__op_class *class;
    const void                *args;  /* ks__source_args, ks__sink_args, or the class's own */
    void                      *user;  /* of its callbacks: ks_ctx_user() */
    size_t                     index; /* into topology->nodes */
    int                        subtopology; /* -1 = global part */
    struct ks__node          **children;
    size_t                     child_count;
    struct ks__node          **parents;
    size_t                     parent_count;
    const char               **stores;
    size_t                     store_count;
    /* Tables whose rows it looks up, by ctx->ops->op_of(): the other side of a join, the table that
     * a row is computed from. They are in its sub-topology. */
    const struct ks__node    **views;
    size_t                     view_count;
};

/* A repartition topic. */
struct ks__repartition {
    const char *topic;      /* without the application's prefix */
    int32_t     partitions; /* 0 = as many as its input has */
    int         from;       /* sub-topology that writes it */
    int         to;         /* sub-topology that reads it */
};

struct ks__subtopology {
    int                                number; /* Kafka's: global tables take numbers too */
    struct ks__node                  **nodes; /* in order of addition */
    size_t                             node_count;
    const struct ks__store_spec      **stores;
    size_t                             store_count;
    const struct ks__topic_ref        *inputs; /* all topics of its sources */
    size_t                             input_count;
};

/* A set of inputs of one sub-topology that must have equally many partitions. */
struct ks__copartition {
    int                         subtopology;
    const struct ks__topic_ref *topics;
    size_t                      topic_count;
    const char                 *node; /* who asks for it, for messages */
};

/* A global table: its source, its store. */
struct ks__global {
    const struct ks__node       *source;
    const struct ks__node       *table; /* the processor that keeps the store */
    const struct ks__store_spec *store;
    const char                  *topic;
    int                          number; /* among the sub-topologies, in descriptions */
};

struct ks_topology {
    atomic_int                     references;
    ks_error                       error; /* a build error: everything else is empty */
    unsigned                       optimization; /* topology/optimization.h */
    struct ks__arena               arena;
    struct ks__node              **nodes;
    size_t                         node_count;
    const struct ks__store_spec  **stores;
    size_t                         store_count;
    struct ks__subtopology        *subtopologies;
    size_t                         subtopology_count;
    struct ks__repartition        *repartitions;
    size_t                         repartition_count;
    struct ks__copartition        *copartitions;
    size_t                         copartition_count;
    struct ks__global             *globals;
    size_t                         global_count;
    struct ks__owned              *owned; /* shared with the builder: ks_builder_own() */
    struct ks_topology            *whole; /* resolved: what it was made from (pattern.h) */
};

struct ks_topology *ks__topology_ref(const struct ks_topology *topology);
/* ks_topology_free() drops a reference. */

const struct ks__node *ks__topology_node(const struct ks_topology *topology, const char *name);
const struct ks__store_spec *ks__topology_store(const struct ks_topology *topology,
                                                const char *name);
/* The sub-topology of a store, -1 = global, -2 = unknown. */
int ks__topology_store_home(const struct ks_topology *topology, const char *name);
/* A text over names, kinds and types of the stores of a sub-topology: the stamp of its envs. */
void ks__topology_hash(const struct ks_topology *topology, int subtopology, char out[33]);

/* Classes of the three kinds that every topology has (Topology API and DSL alike). */
extern const struct ks__op_class ks__source_class;    /* forwards what it is given */
extern const struct ks__op_class ks__sink_class;      /* ops->send */
extern const struct ks__op_class ks__processor_class; /* a user's ks_processor */

/* Arguments of ks__processor_class. */
struct ks__processor_args {
    ks_processor processor;
    bool         fixed_key; /* process_values */
};

#endif
