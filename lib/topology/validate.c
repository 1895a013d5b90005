/* SPDX-License-Identifier: Apache-2.0
 *
 * validate.c - what can only be judged of the whole: stores that are not there, partition counts
 * that contradict each other, chains that are too long.
 *
 * What can be judged of one operator is refused where it is declared (dsl/).
 */
#include "base/buffer.h"
#include "topology/names.h"
#include "topology/plan_parts.h"

#include <string.h>

#define DEPTH_MAX 4096 /* operators in a chain; builder.h tells */

static void refuse(struct ks__plan *plan, ks_status status, const char *node, const char *text,
                   const char *what)
{
    ks_error *error = &plan->topology->error;

    ks__error_set(error, status, "node \"%s\": %s \"%s\"", node, text, what);
    ks__error_set_node(error, node);
}

static const struct ks__store_spec *find_store(const struct ks__plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->store_count; i++)
        if (strcmp(plan->stores[i]->name, name) == 0)
            return plan->stores[i];
    return NULL;
}

static bool keeps(const struct ks__plan *plan, const struct ks__node *node, const char *store)
{
    for (size_t i = 0; i < plan->global_count; i++)
        if (plan->globals[i].table == node && strcmp(plan->globals[i].store->name, store) == 0)
            return true;
    return false;
}

static void check_stores(struct ks__plan *plan)
{
    for (size_t i = 0; i < plan->use_count; i++) {
        const struct ks__plan_use   *use   = &plan->uses[i];
        const struct ks__store_spec *store = find_store(plan, use->store);

        if (store == NULL)
            refuse(plan, KS_ENOTFOUND, use->node->name, "there is no store", use->store);
        else if (store->global && !keeps(plan, use->node, use->store))
            refuse(plan, KS_ETOPOLOGY, use->node->name,
                   "every processor may read a global table without being connected to it:"
                   " leave out the store",
                   use->store);
    }
}

/* The repartition topic of this source if its count is given; NULL = no such. */
static const struct ks__plan_topic *fixed_topic(const struct ks__plan *plan,
                                                const struct ks__node *source)
{
    for (size_t i = 0; i < plan->topic_count; i++)
        if (plan->topics[i].source == source && plan->topics[i].partitions > 0)
            return &plan->topics[i];
    return NULL;
}

/* Repartition topics with fixed counts that are joined, also by way of a third, must agree. */
static void check_partitions(struct ks__plan *plan)
{
    for (size_t i = 0; i < plan->set_count; i++) {
        const struct ks__plan_set   *set   = &plan->sets[i];
        const struct ks__plan_topic *fixed = NULL;

        for (size_t k = 0; k < set->count; k++) {
            const struct ks__plan_topic *topic = fixed_topic(plan, set->sources[k]);

            if (topic != NULL && fixed != NULL && topic->partitions != fixed->partitions) {
                ks__error_set(&plan->topology->error, KS_ETOPOLOGY,
                              "node \"%s\": its inputs must have equally many partitions, but"
                              " \"%s\" is to have %d and \"%s\" %d",
                              set->asker, fixed->topic, (int)fixed->partitions, topic->topic,
                              (int)topic->partitions);
                ks__error_set_node(&plan->topology->error, set->asker);
                return;
            }
            fixed = topic != NULL ? topic : fixed;
        }
    }
}

/* The longest way to each node, by its index. Parents come before children (PL1), so one pass over
 * the edges is mostly enough; a way that is too long ends it. */
static const struct ks__node *find_too_deep(const struct ks__plan *plan, int *depths)
{
    bool moved = true;

    while (moved) {
        moved = false;
        for (size_t i = 0; i < plan->edge_count; i++) {
            const struct ks__plan_edge *edge  = &plan->edges[i];
            const int                   depth = depths[edge->from->index] + 1;

            if (depth <= depths[edge->to->index])
                continue;
            depths[edge->to->index] = depth;
            moved                      = true;
            if (depth >= DEPTH_MAX)
                return edge->to;
        }
    }
    return NULL;
}

/* A record goes down a chain of operators by calls within calls: the stack bounds its length. */
static void check_depth(struct ks__plan *plan)
{
    int                   *depths = ks__plan_array(plan, plan->node_count, sizeof(*depths));
    const struct ks__node *deep   = depths != NULL ? find_too_deep(plan, depths) : NULL;

    if (deep == NULL)
        return;
    ks__error_set(&plan->topology->error, KS_ETOPOLOGY,
                  "node \"%s\" has more than %d operators above it, each of which needs some of "
                  "the stack: put a repartition step between", deep->name, DEPTH_MAX - 1);
    ks__error_set_node(&plan->topology->error, deep->name);
}

static void list_generated(struct ks__buffer *list, const char *kind, const char *name)
{
    if (ks__name_is_generated(name))
        ks__buffer_printf(list, "%s%s %s", list->size > 0 ? ", " : "", kind, name);
}

/* KIP-1111. Changelogs are named after their stores. */
static void check_names(struct ks__plan *plan)
{
    struct ks__buffer list = { 0 };

    if (!plan->explicit_names)
        return;
    for (size_t i = 0; i < plan->store_count; i++)
        list_generated(&list, "store", plan->stores[i]->name);
    for (size_t i = 0; i < plan->topic_count; i++)
        list_generated(&list, "topic", plan->topics[i].topic);
    if (list.failed)
        ks__error_no_memory(&plan->topology->error, "topology");
    else if (list.size > 0)
        ks__error_set(&plan->topology->error, KS_ETOPOLOGY,
                      KS__EXPLICIT_NAMES_ROW ": these names are generated, and "
                      "change with the topology; name them: %s", ks__buffer_text(&list));
    ks__buffer_release(&list);
}

/* Without one nothing would ever happen. */
static void check_sources(struct ks__plan *plan)
{
    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i]->kind == KS__NODE_SOURCE)
            return;
    ks__error_set(&plan->topology->error, KS_ETOPOLOGY,
                  "the topology has no source: it must read a topic or a global table");
}

void ks__plan_validate(struct ks__plan *plan)
{
    check_sources(plan);
    check_stores(plan);
    check_partitions(plan);
    check_depth(plan);
    check_names(plan);
}
