/* SPDX-License-Identifier: Apache-2.0
 *
 * subtopology.c - from collected parts to the compiled topology.
 *
 *      nodes 0 1 2 3 4     edges 0-1 1-2 3-4     store s: 1, 4
 *      union-find:         {0 1 2} {3 4}  --s-->  {0 1 2 3 4}
 *
 * Groups are numbered by their first node in the order of addition, as Kafka numbers them; a group
 * with a global source takes a number but is no sub-topology.
 */
#include "topology/plan_parts.h"

#include <string.h>

#define GLOBAL (-1)

/* ---- union-find over node indexes ---- */

static size_t root_of(size_t *above, size_t node)
{
    while (above[node] != node) {
        above[node] = above[above[node]];
        node        = above[node];
    }
    return node;
}

static void unite(size_t *above, size_t a, size_t b)
{
    size_t first  = root_of(above, a);
    size_t second = root_of(above, b);

    if (first < second)
        above[second] = first;
    else
        above[first] = second;
}

/* After this the root of a group is its smallest index. */
static void group_nodes(const struct ks__plan *plan, size_t *above)
{
    for (size_t i = 0; i < plan->node_count; i++)
        above[i] = i;
    for (size_t i = 0; i < plan->edge_count; i++)
        unite(above, plan->edges[i].from->index, plan->edges[i].to->index);
    for (size_t i = 0; i < plan->use_count; i++)
        for (size_t k = i + 1; k < plan->use_count; k++)
            if (strcmp(plan->uses[i].store, plan->uses[k].store) == 0)
                unite(above, plan->uses[i].node->index, plan->uses[k].node->index);
}

static struct ks__global *global_of(struct ks__plan *plan, const struct ks__node *node)
{
    for (size_t i = 0; i < plan->global_count; i++)
        if (plan->globals[i].source == node || plan->globals[i].table == node)
            return &plan->globals[i];
    return NULL;
}

/* Give every node its sub-topology, and sub-topologies and global tables their numbers. */
static bool number_groups(struct ks__plan *plan, size_t *above, int *numbers)
{
    struct ks_topology *topology = plan->topology;
    int                 next     = 0;

    topology->subtopologies =
        ks__plan_array(plan, plan->node_count, sizeof(*topology->subtopologies));
    if (topology->subtopologies == NULL)
        return false;
    group_nodes(plan, above);
    for (size_t i = 0; i < plan->node_count; i++) {
        struct ks__global *global = global_of(plan, plan->nodes[i]);

        if (root_of(above, i) == i && global != NULL) {
            global->number = next++;
            numbers[i]     = GLOBAL;
        } else if (root_of(above, i) == i) {
            numbers[i] = (int)topology->subtopology_count;
            topology->subtopologies[topology->subtopology_count++].number = next++;
        }
        plan->nodes[i]->subtopology = numbers[root_of(above, i)];
    }
    return true;
}

/* ---- nodes ---- */

static bool link_edges(struct ks__plan *plan)
{
    for (size_t i = 0; i < plan->edge_count; i++) {
        plan->edges[i].from->child_count++;
        plan->edges[i].to->parent_count++;
    }
    for (size_t i = 0; i < plan->node_count; i++) {
        struct ks__node *node = plan->nodes[i];

        node->children = ks__plan_array(plan, node->child_count, sizeof(*node->children));
        node->parents  = ks__plan_array(plan, node->parent_count, sizeof(*node->parents));
        if (node->children == NULL || node->parents == NULL)
            return false;
        node->child_count  = 0;
        node->parent_count = 0;
    }
    /* In the order of addition of the child: that is the order of declaration. */
    for (size_t i = 0; i < plan->edge_count; i++) {
        struct ks__plan_edge *edge = &plan->edges[i];

        edge->from->children[edge->from->child_count++] = edge->to;
        edge->to->parents[edge->to->parent_count++]     = edge->from;
    }
    return true;
}

static bool link_stores(struct ks__plan *plan)
{
    for (size_t i = 0; i < plan->use_count; i++)
        plan->uses[i].node->store_count++;
    for (size_t i = 0; i < plan->view_count; i++)
        plan->views[i].node->view_count++;
    for (size_t i = 0; i < plan->node_count; i++) {
        struct ks__node *node = plan->nodes[i];

        node->stores = ks__plan_array(plan, node->store_count, sizeof(*node->stores));
        node->views  = ks__plan_array(plan, node->view_count, sizeof(*node->views));
        if (node->stores == NULL || node->views == NULL)
            return false;
        node->store_count = 0;
        node->view_count  = 0;
    }
    for (size_t i = 0; i < plan->use_count; i++) {
        struct ks__node *node = plan->uses[i].node;

        node->stores[node->store_count++] = plan->uses[i].store;
    }
    for (size_t i = 0; i < plan->view_count; i++) {
        struct ks__node *node = plan->views[i].node;

        node->views[node->view_count++] = plan->views[i].table;
    }
    return true;
}

/* ---- sub-topologies ---- */

/* The node that is first connected to the store; NULL = nobody is. */
static const struct ks__node *user_of(const struct ks__plan *plan, const char *store)
{
    for (size_t i = 0; i < plan->use_count; i++)
        if (strcmp(plan->uses[i].store, store) == 0)
            return plan->uses[i].node;
    return NULL;
}

static bool belongs(const struct ks__plan *plan, const struct ks__store_spec *store, int index)
{
    const struct ks__node *user = user_of(plan, store->name);

    return user != NULL && user->subtopology == index;
}

static size_t input_count(const struct ks__node *node)
{
    return node->kind == KS__NODE_SOURCE
               ? ((const struct ks__source_args *)node->args)->topic_count
               : 0;
}

static bool fill_subtopology(struct ks__plan *plan, int index)
{
    struct ks__subtopology *part   = &plan->topology->subtopologies[index];
    size_t                  inputs = 0;
    struct ks__topic_ref   *topics;

    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i]->subtopology == index) {
            part->node_count++;
            inputs += input_count(plan->nodes[i]);
        }
    part->nodes  = ks__plan_array(plan, part->node_count, sizeof(*part->nodes));
    part->stores = ks__plan_array(plan, plan->store_count, sizeof(*part->stores));
    topics       = ks__plan_array(plan, inputs, sizeof(*topics));
    part->inputs = topics;
    if (part->nodes == NULL || part->stores == NULL || topics == NULL)
        return false;
    part->node_count = 0;
    for (size_t i = 0; i < plan->node_count; i++) {
        struct ks__node *node = plan->nodes[i];

        if (node->subtopology != index)
            continue;
        part->nodes[part->node_count++] = node;
        for (size_t k = 0; k < input_count(node); k++)
            topics[part->input_count++] = ((const struct ks__source_args *)node->args)->topics[k];
    }
    for (size_t i = 0; i < plan->store_count; i++)
        if (belongs(plan, plan->stores[i], index))
            part->stores[part->store_count++] = plan->stores[i];
    return true;
}

/* ---- topics ---- */

static bool fill_repartitions(struct ks__plan *plan)
{
    struct ks_topology *topology = plan->topology;

    topology->repartitions =
        ks__plan_array(plan, plan->topic_count, sizeof(*topology->repartitions));
    if (topology->repartitions == NULL)
        return false;
    for (size_t i = 0; i < plan->topic_count; i++)
        topology->repartitions[i] = (struct ks__repartition){
            .topic      = plan->topics[i].topic,
            .partitions = plan->topics[i].partitions,
            .from       = plan->topics[i].sink->subtopology,
            .to         = plan->topics[i].source->subtopology,
        };
    topology->repartition_count = plan->topic_count;
    return true;
}

static bool shares_source(const struct ks__plan_set *a, const struct ks__plan_set *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (a->sources[i] == b->sources[k])
                return true;
    return false;
}

bool ks__plan_merge_sets(struct ks__plan *plan)
{
    for (size_t i = 0; i < plan->set_count; i++) {
        for (size_t k = i + 1; k < plan->set_count;) {
            struct ks__plan_set    *a = &plan->sets[i];
            struct ks__plan_set    *b = &plan->sets[k];
            const struct ks__node **united;

            if (!shares_source(a, b)) {
                k++;
                continue;
            }
            united = ks__plan_array(plan, a->count + b->count, sizeof(*united));
            if (united == NULL)
                return false;
            memcpy(united, a->sources, a->count * sizeof(*united));
            memcpy(united + a->count, b->sources, b->count * sizeof(*united));
            a->sources = united;
            a->count += b->count;
            *b = plan->sets[--plan->set_count];
            k  = i + 1; /* the grown set may touch one that was passed over */
        }
    }
    return true;
}

static bool has_topic(const struct ks__copartition *set, const char *name)
{
    for (size_t i = 0; i < set->topic_count; i++)
        if (strcmp(set->topics[i].name, name) == 0)
            return true;
    return false;
}

static bool fill_set(struct ks__plan *plan, const struct ks__plan_set *from,
                     struct ks__copartition *set)
{
    size_t                topics = 0;
    struct ks__topic_ref *list;

    for (size_t i = 0; i < from->count; i++)
        topics += input_count(from->sources[i]);
    list = ks__plan_array(plan, topics, sizeof(*list));
    if (list == NULL)
        return false;
    *set = (struct ks__copartition){
        .subtopology = from->sources[0]->subtopology, .topics = list, .node = from->asker
    };
    for (size_t i = 0; i < from->count; i++) {
        const struct ks__source_args *args = from->sources[i]->args;

        for (size_t k = 0; k < args->topic_count; k++)
            if (!has_topic(set, args->topics[k].name))
                list[set->topic_count++] = args->topics[k];
    }
    return true;
}

static bool fill_copartitions(struct ks__plan *plan)
{
    struct ks_topology *topology = plan->topology;

    topology->copartitions =
        ks__plan_array(plan, plan->set_count, sizeof(*topology->copartitions));
    if (topology->copartitions == NULL)
        return false;
    for (size_t i = 0; i < plan->set_count; i++)
        if (!fill_set(plan, &plan->sets[i], &topology->copartitions[topology->copartition_count++]))
            return false;
    return true;
}

/* ---- all ---- */

static bool copy_lists(struct ks__plan *plan)
{
    struct ks_topology *topology = plan->topology;

    topology->nodes   = ks__plan_array(plan, plan->node_count, sizeof(*topology->nodes));
    topology->stores  = ks__plan_array(plan, plan->store_count, sizeof(*topology->stores));
    topology->globals = ks__plan_array(plan, plan->global_count, sizeof(*topology->globals));
    if (topology->nodes == NULL || topology->stores == NULL || topology->globals == NULL)
        return false;
    for (size_t i = 0; i < plan->node_count; i++)
        topology->nodes[i] = plan->nodes[i];
    for (size_t i = 0; i < plan->store_count; i++)
        topology->stores[i] = plan->stores[i];
    for (size_t i = 0; i < plan->global_count; i++)
        topology->globals[i] = plan->globals[i];
    topology->node_count   = plan->node_count;
    topology->store_count  = plan->store_count;
    topology->global_count = plan->global_count;
    return true;
}

bool ks__plan_compile(struct ks__plan *plan)
{
    size_t *above   = ks__zalloc_array(plan->node_count + 1, sizeof(*above));
    int    *numbers = ks__zalloc_array(plan->node_count + 1, sizeof(*numbers));
    bool    done    = above != NULL && numbers != NULL && number_groups(plan, above, numbers) &&
                link_edges(plan) && link_stores(plan);

    for (size_t i = 0; done && i < plan->topology->subtopology_count; i++)
        done = fill_subtopology(plan, (int)i);
    done = done && fill_repartitions(plan) && fill_copartitions(plan) && copy_lists(plan);
    ks__free(above);
    ks__free(numbers);
    return done;
}
