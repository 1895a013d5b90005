/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.c - collecting the parts of a topology.
 */
#include "topology/plan_parts.h"

#include "base/assert.h"

#include <string.h>

static bool failed(const struct ks__plan *plan)
{
    return plan->topology->error.status != KS_OK;
}

static void no_memory(struct ks__plan *plan)
{
    ks__error_no_memory(&plan->topology->error, "topology");
}

/* Make room for one more item, or latch. */
#define ROOM(plan, items, count, capacity) \
    (KS__GROW(&(plan)->items, &(plan)->capacity, (plan)->count + 1) || (no_memory(plan), false))

void *ks__plan_array(struct ks__plan *plan, size_t count, size_t size)
{
    void *array = ks__arena_zalloc(&plan->topology->arena, count * size);

    if (array == NULL)
        no_memory(plan);
    return array;
}

struct ks__plan *ks__plan_new(struct ks__owned *owned)
{
    struct ks__plan    *plan     = ks__zalloc(sizeof(*plan));
    struct ks_topology *topology = ks__zalloc(sizeof(*topology));

    if (plan == NULL || topology == NULL ||
        ks__arena_init(&topology->arena, 0, 0) != KS_OK) {
        if (topology != NULL)
            ks__arena_release(&topology->arena);
        ks__free(topology);
        ks__free(plan);
        return NULL;
    }
    atomic_init(&topology->references, 1);
    topology->owned = ks__owned_ref(owned);
    plan->topology  = topology;
    return plan;
}

struct ks__node *ks__plan_node(struct ks__plan *plan, enum ks__node_kind kind, const char *name,
                               const struct ks__op_class *class, const void *args,
                               size_t args_size)
{
    struct ks__node *node;
    void            *copy;

    if (failed(plan) || !ROOM(plan, nodes, node_count, node_capacity))
        return NULL;
    node = ks__plan_array(plan, 1, sizeof(*node));
    copy = ks__plan_array(plan, 1, args_size);
    if (node == NULL || copy == NULL)
        return NULL;
    if (args_size > 0)
        memcpy(copy, args, args_size);
    *node = (struct ks__node){
        .name = name, .kind = kind, .class = class, .args = copy, .index = plan->node_count
    };
    plan->nodes[plan->node_count++] = node;
    return node;
}

void ks__plan_edge(struct ks__plan *plan, struct ks__node *parent, struct ks__node *child)
{
    if (failed(plan) || !ROOM(plan, edges, edge_count, edge_capacity))
        return;
    ks__assert(parent->index < child->index); /* PL1 */
    plan->edges[plan->edge_count++] = (struct ks__plan_edge){ parent, child };
}

void ks__plan_store(struct ks__plan *plan, const struct ks__store_spec *spec)
{
    struct ks__store_spec *copy;

    if (failed(plan) || !ROOM(plan, stores, store_count, store_capacity))
        return;
    copy = ks__plan_array(plan, 1, sizeof(*copy));
    if (copy == NULL)
        return;
    *copy                             = *spec;
    plan->stores[plan->store_count++] = copy;
}

void ks__plan_connect(struct ks__plan *plan, struct ks__node *node, const char *store)
{
    if (failed(plan))
        return;
    for (size_t i = 0; i < plan->use_count; i++)
        if (plan->uses[i].node == node && strcmp(plan->uses[i].store, store) == 0)
            return;
    if (ROOM(plan, uses, use_count, use_capacity))
        plan->uses[plan->use_count++] = (struct ks__plan_use){ node, store };
}

void ks__plan_view(struct ks__plan *plan, struct ks__node *node, const struct ks__node *table)
{
    if (!failed(plan) && ROOM(plan, views, view_count, view_capacity))
        plan->views[plan->view_count++] = (struct ks__plan_view){ node, table };
}

void ks__plan_repartition(struct ks__plan *plan, const char *topic, int32_t partitions,
                          const struct ks__node *sink, const struct ks__node *source)
{
    if (!failed(plan) && ROOM(plan, topics, topic_count, topic_capacity))
        plan->topics[plan->topic_count++] =
            (struct ks__plan_topic){ topic, partitions, sink, source };
}

void ks__plan_global(struct ks__plan *plan, const struct ks__node *source,
                     const struct ks__node *table, const char *store, const char *topic)
{
    if (failed(plan) || !ROOM(plan, globals, global_count, global_capacity))
        return;
    for (size_t i = 0; i < plan->store_count; i++)
        if (strcmp(plan->stores[i]->name, store) == 0)
            plan->globals[plan->global_count++] = (struct ks__global){
                .source = source, .table = table, .store = plan->stores[i], .topic = topic
            };
}

void ks__plan_copartition(struct ks__plan *plan, const struct ks__node *const *sources,
                          size_t count, const char *asker)
{
    const struct ks__node **copy;

    if (failed(plan) || !ROOM(plan, sets, set_count, set_capacity))
        return;
    copy = ks__plan_array(plan, count, sizeof(*copy));
    if (copy == NULL)
        return;
    memcpy(copy, sources, count * sizeof(*copy));
    plan->sets[plan->set_count++] = (struct ks__plan_set){ copy, count, asker };
}

void ks__plan_explicit_names(struct ks__plan *plan)
{
    plan->explicit_names = true;
}

void ks__plan_optimized(struct ks__plan *plan, unsigned set)
{
    plan->topology->optimization = set;
}

/* ---- finish ---- */

static void free_plan(struct ks__plan *plan)
{
    ks__free(plan->nodes);
    ks__free(plan->edges);
    ks__free(plan->stores);
    ks__free(plan->uses);
    ks__free(plan->views);
    ks__free(plan->topics);
    ks__free(plan->globals);
    ks__free(plan->sets);
    ks__free(plan);
}

/* A topology with a build error holds nothing else. */
static void make_empty(struct ks_topology *topology)
{
    topology->node_count        = 0;
    topology->store_count       = 0;
    topology->subtopology_count = 0;
    topology->repartition_count = 0;
    topology->copartition_count = 0;
    topology->global_count      = 0;
}

struct ks_topology *ks__plan_finish(struct ks__plan *plan, const ks_error *mistake)
{
    struct ks_topology *topology = plan->topology;

    if (mistake != NULL)
        ks__error_copy(&topology->error, mistake);
    if (!failed(plan) && !ks__plan_merge_sets(plan))
        no_memory(plan);
    if (!failed(plan))
        ks__plan_validate(plan);
    if (!failed(plan) && !ks__plan_compile(plan))
        no_memory(plan);
    if (failed(plan))
        make_empty(topology);
    free_plan(plan);
    return topology;
}
