/* SPDX-License-Identifier: Apache-2.0
 *
 * build.c - from the logical graph to a plan of nodes.
 *
 *      order      by priority, parents first
 *      source     -> source                          (none if merged into an earlier one)
 *      operator   -> processor, its store, its edges
 *      repartition-> filter, sink | source           (the edge between them is a topic)
 *      global     -> source, table, store
 *
 * Which nodes, under which parents, is for rewrite.h to say. Building reads flags that declarations
 * left behind and changes only members of the build under way, so it can be done again after more
 * declarations (D3).
 */
#include "dsl/rewrite.h"

#include "topology/optimization.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

static int by_priority(const void *one, const void *other)
{
    const struct ks__logical *a = *(struct ks__logical *const *)one;
    const struct ks__logical *b = *(struct ks__logical *const *)other;

    if (a->priority != b->priority)
        return a->priority > b->priority ? 1 : -1;
    return a->made - b->made; /* what was made has the priority of its parent */
}

static bool is_written(struct ks__logical *const *done, size_t count,
                       const struct ks__logical *node)
{
    for (size_t i = count; i-- > 0;)
        if (done[i] == node)
            return true;
    return false;
}

static bool is_ready(struct ks__logical *const *done, size_t count,
                     const struct ks__logical *node)
{
    for (size_t i = 0; i < node->now_count; i++)
        if (!is_written(done, count, node->now[i]))
            return false;
    return true;
}

struct order {
    struct ks__logical **nodes;
    size_t               count;
};

/* Repeatedly the node of smallest priority whose parents are done. Nearly always that is the order
 * of declaration; only a repartition used again stands behind what follows it. */
static bool order_nodes(const struct ks__rewrite *r, struct order *order)
{
    struct ks__logical **left = ks__zalloc_array(r->count + 1, sizeof(struct ks__logical *));
    size_t               count = 0;

    *order = (struct order){
        .nodes = ks__zalloc_array(r->count + 1, sizeof(struct ks__logical *))
    };
    if (left == NULL || order->nodes == NULL) {
        ks__free(left);
        return false;
    }
    for (size_t i = 0; i < r->count; i++)
        if (!r->nodes[i]->gone)
            left[count++] = r->nodes[i];
    qsort(left, count, sizeof(struct ks__logical *), by_priority);
    for (size_t first = 0; first < count;) {
        size_t i = first;

        while (left[i] == NULL || !is_ready(order->nodes, order->count, left[i]))
            i++;
        order->nodes[order->count++] = left[i];
        left[i]                      = NULL;
        while (first < count && left[first] == NULL)
            first++;
    }
    ks__free(left);
    return true;
}

/* A repartition lets null keys through if an outer side is somewhere below it. */
static void spread_null_keys(const struct order *order)
{
    for (size_t i = order->count; i-- > 0;)
        if (order->nodes[i]->null_keys || order->nodes[i]->lets_nulls)
            for (size_t k = 0; k < order->nodes[i]->now_count; k++)
                order->nodes[i]->now[k]->lets_nulls = true;
}

/* ---- nodes ---- */

static void connect_parents(struct ks__plan *plan, const struct ks__logical *node,
                            struct ks__node *built)
{
    for (size_t i = 0; i < node->now_count; i++)
        ks__plan_edge(plan, node->now[i]->built, built);
}

/* The stores behind the rows of a table. */
static void connect_rows(struct ks__plan *plan, struct ks__node *built,
                         const struct ks__logical *table)
{
    if (table->table->materialized) {
        ks__plan_connect(plan, built, table->table->store.name);
        return;
    }
    if (table->table->buffer != NULL)
        ks__plan_connect(plan, built, table->table->buffer);
    for (size_t i = 0; i < table->view_count; i++)
        connect_rows(plan, built, table->views[i]);
}

/* The store of a table that was read from a topic may have that for its changelog, also if it was
 * to have none; not if rows have a ttl, as their deletions are not in that topic. */
static struct ks__store_spec store_of(const ks_builder *b, const struct ks__table_part *part)
{
    struct ks__store_spec spec = part->store;

    if (part->topic != NULL && spec.ttl_ms == 0 &&
        (b->optimization & KS__REUSE_SOURCE_TOPICS) != 0) {
        spec.source_topic = part->topic;
        spec.changelog    = true;
    }
    return spec;
}

static void write_table(const ks_builder *b, struct ks__plan *plan,
                        const struct ks__logical *node, struct ks__node *built)
{
    const struct ks__table_part *part = node->table;
    const struct ks__store_spec  spec = store_of(b, part);

    if (part->materialized) {
        if (part->keeper == NULL || part->keeper == node)
            ks__plan_store(plan, &spec);
        ks__plan_connect(plan, built, part->store.name);
    }
}

/* The merge of a join, as the whole join. */
static struct ks__node *write_self_join(struct ks__plan *plan, const struct ks__logical *node)
{
    const struct ks__self_join *self  = node->self;
    struct ks__node            *built = ks__plan_node(plan, KS__NODE_PROCESSOR, node->name,
                                                      self->class, self->args, self->args_size);

    if (built != NULL)
        ks__plan_connect(plan, built, self->stores[0]);
    return built;
}

static void write_processor(const ks_builder *b, struct ks__plan *plan, struct ks__logical *node)
{
    struct ks__node *built;

    if (node->table != NULL)
        *(struct ks__table_args *)node->args = (struct ks__table_args){
            .store     = node->table->materialized ? node->table->store.name : NULL,
            .sends_old = node->table->sends_old,
            .versioned = node->table->store.kind == KS__STORE_VERSIONED,
            .versioned_input =
                node->view_count > 0 && ks__table_is_versioned(node->views[0]),
        };
    built = node->joins_self ? write_self_join(plan, node)
                             : ks__plan_node(plan, KS__NODE_PROCESSOR, node->name, node->class,
                                             node->args, node->args_size);
    node->built = built;
    if (built == NULL)
        return;
    built->user = node->user;
    connect_parents(plan, node, built);
    if (node->table != NULL)
        write_table(b, plan, node, built);
    /* A derived table computes rows on demand but reads no store of its own accord. */
    for (size_t i = 0; i < node->view_count; i++)
        if (node->table == NULL || node->table->rows != KS__ROWS_DERIVED ||
            node->table->join == KS__JOIN_SIDE)
            connect_rows(plan, built, node->views[i]);
    for (const struct ks__store_use *use = node->stores; use != NULL; use = use->next)
        ks__plan_connect(plan, built, use->store);
}

static void write_source(struct ks__plan *plan, struct ks__logical *node)
{
    node->built = ks__plan_node(plan, KS__NODE_SOURCE, node->name, node->class, node->args,
                                node->args_size);
}

static void write_sink(struct ks__plan *plan, struct ks__logical *node)
{
    node->built = ks__plan_node(plan, KS__NODE_SINK, node->name, node->class, node->args,
                                node->args_size);
    if (node->built == NULL)
        return;
    node->built->user = node->user;
    connect_parents(plan, node, node->built);
}

static void write_repartition(struct ks__plan *plan, struct ks__logical *node)
{
    const struct ks__repartition_part  *part   = node->repartition;
    const struct ks__null_key_filter_args pass = { .pass = node->lets_nulls ||
                                                          part->nulls_too };
    const struct ks__sink_args          out    = { .topic.name       = part->topic,
                                                   .topic.internal   = true,
                                                   .key              = part->key,
                                                   .value            = part->value,
                                                   .partitioner      = part->partitioner,
                                                   .partitioner_user = part->partitioner_user };
    const struct ks__source_args        in     = { .topics      = &out.topic,
                                                   .topic_count = 1,
                                                   .key         = part->key,
                                                   .value       = part->value,
                                                   .time        = KS_TIME_RECORD,
                                                   .reset       = KS_RESET_EARLIEST };
    struct ks__node *filter = NULL;
    struct ks__node *sink;
    struct ks__node *source;

    if (part->filter_name != NULL)
        filter = ks__plan_node(plan, KS__NODE_PROCESSOR, part->filter_name,
                               &ks__null_key_filter_class, &pass, sizeof(pass));
    sink   = ks__plan_node(plan, KS__NODE_SINK, part->sink_name, &ks__sink_class, &out,
                           sizeof(out));
    source = ks__plan_node(plan, KS__NODE_SOURCE, node->name, &ks__source_class, &in, sizeof(in));
    node->built = source;
    if (source == NULL)
        return;
    /* The plan copied the arguments; let the list of topics point into the sink's copy. */
    ((struct ks__source_args *)(uintptr_t)source->args)->topics =
        &((const struct ks__sink_args *)sink->args)->topic;
    connect_parents(plan, node, filter != NULL ? filter : sink);
    if (filter != NULL)
        ks__plan_edge(plan, filter, sink);
    ks__plan_repartition(plan, part->topic, part->partitions, sink, source);
}

/* The arguments of the logical node are those of the source. */
static void write_global(struct ks__plan *plan, struct ks__logical *node)
{
    const struct ks__source_args *args  = node->args;
    const struct ks__table_args   table = { .store = node->table->store.name };
    struct ks__node *source = ks__plan_node(plan, KS__NODE_SOURCE, node->source_name,
                                            &ks__source_class, args, sizeof(*args));

    node->built = node->keeper != NULL
                      ? ks__plan_node(plan, KS__NODE_PROCESSOR, node->name, &ks__processor_class,
                                      node->keeper, sizeof(struct ks__processor_args))
                      : ks__plan_node(plan, KS__NODE_PROCESSOR, node->name,
                                      &ks__table_source_class, &table, sizeof(table));
    if (node->built == NULL)
        return;
    node->built->user = node->user;
    ks__plan_edge(plan, source, node->built);
    ks__plan_store(plan, &node->table->store);
    ks__plan_connect(plan, node->built, node->table->store.name);
    ks__plan_global(plan, source, node->built, node->table->store.name, args->topics[0].name);
}

static void write_node(const ks_builder *b, struct ks__plan *plan, struct ks__logical *node)
{
    switch (node->kind) {
    case KS__LOGICAL_SOURCE:
        write_source(plan, node);
        break;
    case KS__LOGICAL_PROCESSOR:
        write_processor(b, plan, node);
        break;
    case KS__LOGICAL_SINK:
        write_sink(plan, node);
        break;
    case KS__LOGICAL_REPARTITION:
        write_repartition(plan, node);
        break;
    case KS__LOGICAL_GLOBAL:
        write_global(plan, node);
        break;
    }
}

/* Afterwards: a table that is read may stand behind who reads it. */
static void write_views(struct ks__plan *plan, const struct ks__logical *node)
{
    for (size_t i = 0; i < node->view_count && node->built != NULL; i++)
        ks__plan_view(plan, node->built, node->views[i]->built);
}

/* ---- the whole ---- */

static bool write_copartitions(const ks_builder *b, struct ks__plan *plan)
{
    for (const struct ks__copartition_request *one = b->copartitions; one != NULL;
         one = one->next) {
        const struct ks__node **sources =
            ks__zalloc_array(one->sources.count + 1, sizeof(*sources));

        if (sources == NULL)
            return false;
        for (size_t i = 0; i < one->sources.count; i++)
            sources[i] = ks__target(one->sources.nodes[i])->built;
        ks__plan_copartition(plan, sources, one->sources.count, one->asker);
        ks__free(sources);
    }
    return true;
}

static bool write_nodes(ks_builder *b, struct ks__plan *plan, const struct ks__rewrite *r)
{
    struct order order;
    bool         done = order_nodes(r, &order);

    if (done) {
        spread_null_keys(&order);
        for (const struct ks__store_part *one = b->stores; one != NULL; one = one->next)
            if (!one->left_out)
                ks__plan_store(plan, &one->spec);
        for (size_t i = 0; i < order.count; i++)
            write_node(b, plan, order.nodes[i]);
        for (size_t i = 0; i < order.count; i++)
            write_views(plan, order.nodes[i]);
        done = write_copartitions(b, plan);
    }
    ks__free(order.nodes);
    return done;
}

/* Topics are merged first: two sides of a join may have become one stream by it. */
static bool write_all(ks_builder *b, struct ks__plan *plan)
{
    struct ks__rewrite r;
    bool               done = ks__rewrite_open(&r, b);

    if (done && (b->optimization & KS__MERGE_REPARTITIONS) != 0)
        ks__rewrite_merge_topics(&r);
    if (done && (b->optimization & KS__SELF_JOIN) != 0)
        ks__rewrite_self_joins(&r);
    done = done && !r.failed && write_nodes(b, plan, &r);
    ks__plan_optimized(plan, b->optimization);
    if (b->explicit_names)
        ks__plan_explicit_names(plan);
    ks__rewrite_close(&r);
    return done;
}

/* What was found wrong of the whole was said somewhere. */
static void tell_site(const ks_builder *b, ks_error *error)
{
    const struct ks__logical *node =
        error->node[0] != '\0' ? ks__find_node(b, error->node) : NULL;

    if (node != NULL)
        ks__error_prefix(error, "%s%s%s: ", node->call.site != NULL ? node->call.site : "",
                         node->call.site != NULL ? ": " : "", node->call.function);
}

ks_status ks_builder_build(ks_builder *b, ks_topology **out)
{
    struct ks__plan *plan;
    ks_error         mistake = { 0 };

    if (out != NULL)
        *out = NULL;
    if (b == NULL)
        return KS_ENOMEM;
    ks__error_clear(&b->build_error);
    if (out == NULL)
        return ks__error_set(&b->build_error, KS_EINVAL,
                             "%s: needs a place for the topology, but it is NULL", __func__);
    plan = ks__plan_new(b->owned);
    if (plan == NULL)
        return KS_ENOMEM;
    ks__error_copy(&mistake, &b->error);
    if (mistake.status == KS_OK && !write_all(b, plan))
        ks__error_no_memory(&mistake, "topology");
    *out = ks__plan_finish(plan, &mistake);
    if (mistake.status == KS_OK)
        tell_site(b, &(*out)->error);
    ks__error_copy(&b->build_error, &(*out)->error);
    return (*out)->error.status;
}
