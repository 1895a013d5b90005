/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_parts.h - what plan.c, subtopology.c and validate.c know of a plan; nobody else.
 */
#ifndef KS_TOPOLOGY_PLAN_PARTS_H
#define KS_TOPOLOGY_PLAN_PARTS_H

#include "topology/plan.h"

struct ks__plan_edge {
    struct ks__node *from;
    struct ks__node *to;
};

struct ks__plan_use {
    struct ks__node *node;
    const char      *store;
};

struct ks__plan_view {
    struct ks__node       *node;
    const struct ks__node *table;
};

struct ks__plan_topic {
    const char            *topic;
    int32_t                partitions;
    const struct ks__node *sink;
    const struct ks__node *source;
};

struct ks__plan_set {
    const struct ks__node **sources;
    size_t                  count;
    const char             *asker;
};

/* Growable arrays; the compiled ones are made from them. */
struct ks__plan {
    struct ks_topology           *topology;
    bool                          explicit_names; /* no generated ones for what outlives a run */
    struct ks__node             **nodes;
    size_t                        node_count, node_capacity;
    struct ks__plan_edge         *edges;
    size_t                        edge_count, edge_capacity;
    const struct ks__store_spec **stores;
    size_t                        store_count, store_capacity;
    struct ks__plan_use          *uses;
    size_t                        use_count, use_capacity;
    struct ks__plan_view         *views;
    size_t                        view_count, view_capacity;
    struct ks__plan_topic        *topics;
    size_t                        topic_count, topic_capacity;
    struct ks__global            *globals;
    size_t                        global_count, global_capacity;
    struct ks__plan_set          *sets;
    size_t                        set_count, set_capacity;
};

/* Fill in nodes' children, parents, stores and views, sub-topologies, repartition topics and
 * co-partitioned sets. False = no memory. */
bool ks__plan_compile(struct ks__plan *plan);
/* Make one co-partitioned set of those that share a source. False = no memory. */
bool ks__plan_merge_sets(struct ks__plan *plan);
/* Find what is wrong with the whole; the topology's error is set then. */
void ks__plan_validate(struct ks__plan *plan);

/* An array of `count` zeroed items in the topology's arena; NULL = no memory. Count 0 is fine. */
void *ks__plan_array(struct ks__plan *plan, size_t count, size_t size);

#endif
