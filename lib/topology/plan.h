/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.h - a topology under construction: add nodes, stores and edges, then finish.
 *
 *      ks__plan_new --> { node, edge, store, connect, view, repartition, global, copartition }
 *                   --> ks__plan_finish --> ks_topology (immutable)
 *
 * Failures latch (no memory, a name that is taken): later calls do nothing, finish gives a
 * topology that carries the error and is empty otherwise.
 *
 * Invariants
 *   PL1  Parents are added before their children.
 *
 * Not here: generated names, repartition topics, types (dsl/).
 * Threads: the builder's.
 */
#ifndef KS_TOPOLOGY_PLAN_H
#define KS_TOPOLOGY_PLAN_H

#include "topology/graph.h"
#include "topology/owned.h"

struct ks__plan;

/* NULL = no memory. Names and `user` given later must live as long as `owned`. */
struct ks__plan *ks__plan_new(struct ks__owned *owned);

/* Arguments are copied flat; what they point at must live as long as `owned`. NULL = failed. */
struct ks__node *ks__plan_node(struct ks__plan *plan, enum ks__node_kind kind, const char *name,
                               const struct ks__op_class *class, const void *args,
                               size_t args_size);
void ks__plan_edge(struct ks__plan *plan, struct ks__node *parent, struct ks__node *child);
/* The spec is copied flat. */
void ks__plan_store(struct ks__plan *plan, const struct ks__store_spec *spec);
/* The store may be added later. */
void ks__plan_connect(struct ks__plan *plan, struct ks__node *node, const char *store);
void ks__plan_view(struct ks__plan *plan, struct ks__node *node, const struct ks__node *table);
void ks__plan_repartition(struct ks__plan *plan, const char *topic, int32_t partitions,
                          const struct ks__node *sink, const struct ks__node *source);
void ks__plan_global(struct ks__plan *plan, const struct ks__node *source,
                     const struct ks__node *table, const char *store, const char *topic);
/* The topics of these sources must have equally many partitions. */
void ks__plan_copartition(struct ks__plan *plan, const struct ks__node *const *sources,
                          size_t count, const char *asker);

/* Refuse generated names of stores and internal topics. */
void ks__plan_explicit_names(struct ks__plan *plan);
/* What the whole was rewritten by (topology/optimization.h). */
void ks__plan_optimized(struct ks__plan *plan, unsigned set);

/* Compile and free the plan. `mistake` (may be NULL, or no error) is one made before. NULL = no
 * memory even for the empty topology. */
struct ks_topology *ks__plan_finish(struct ks__plan *plan, const ks_error *mistake);

#endif
