/* SPDX-License-Identifier: Apache-2.0
 *
 * describe.c - a topology as text: Kafka's own form, or DOT for graphviz.
 *
 *      Topologies:
 *         Sub-topology: 0
 *          Source: KSTREAM-SOURCE-0000000000 (topics: [lines])
 *            --> KSTREAM-FILTER-0000000001
 *
 * Nodes stand in descending order of the size of what hangs under them, then by name; their parents
 * and children as neighbours.h finds. Sets of topics and stores are printed in the order in which a
 * HashSet of Java gives them, which depends on the hash of the strings: texts can then be compared
 * byte by byte.
 */
#include "topology/graph.h"

#include "base/buffer.h"
#include "topology/neighbours.h"
#include "topology/shape.h"

#include <stdlib.h>
#include <string.h>

/* ---- the order of a Java HashSet ---- */

struct hashed {
    const char *text;
    uint32_t    bucket;
    size_t      place;
};

static int by_bucket(const void *one, const void *other)
{
    const struct hashed *a = one;
    const struct hashed *b = other;

    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

/* HashSet(Collection) makes room for size / 0.75 + 1 entries, at least 16, a power of two. */
static uint32_t java_buckets(size_t count)
{
    size_t   wanted  = count * 4 / 3 + 1;
    uint32_t buckets = 16;

    while (buckets < wanted)
        buckets *= 2;
    return buckets;
}

static void append_set(struct ks__buffer *out, const char *const *texts, size_t count)
{
    struct hashed *set = ks__zalloc_array(count + 1, sizeof(*set));

    if (set == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        set[i] = (struct hashed){ texts[i], ks__java_hash(texts[i]) & (java_buckets(count) - 1),
                                  i };
    qsort(set, count, sizeof(*set), by_bucket);
    ks__buffer_append_text(out, "[");
    for (size_t i = 0; i < count; i++)
        ks__buffer_printf(out, "%s%s", i > 0 ? ", " : "", set[i].text);
    ks__buffer_append_text(out, "]");
    ks__free(set);
}

/* ---- order of nodes ---- */

/* A node and the size of the tree under it; a node reached twice counts twice, as in Kafka. */
struct weighed {
    const struct ks__node *node;
    uint32_t               size;
};

static int by_size(const void *one, const void *other)
{
    const struct weighed *a = one;
    const struct weighed *b = other;

    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return strcmp(a->node->name, b->node->name);
}

/* Children are added after their parents, so one pass from the end is enough. */
static void weigh(const struct ks_topology *topology, uint32_t *sizes)
{
    for (size_t i = topology->node_count; i-- > 0;) {
        const struct ks__node *node = topology->nodes[i];

        sizes[i] = 1;
        for (size_t k = 0; k < node->child_count; k++)
            sizes[i] += sizes[node->children[k]->index];
    }
}

/* All texts are made with these two at hand. */
struct view {
    const struct ks_topology *topology;
    struct ks__buffer        *out;
    uint32_t                 *sizes;
    struct weighed           *scratch; /* as long as there are nodes */
    struct ks__neighbours     neighbours;
};

static void append_nodes(const struct view *view, const struct ks__neighbour *nodes)
{
    const struct ks__neighbour *first = ks__neighbour_first(nodes);

    for (const struct ks__neighbour *at = first; at != NULL; at = ks__neighbour_next(at))
        ks__buffer_printf(view->out, "%s%s", at != first ? ", " : "", at->node->name);
    if (first == NULL)
        ks__buffer_append_text(view->out, "none");
}

/* ---- Kafka's text ---- */

static void append_topics(const struct view *view, const struct ks__node *node)
{
    const struct ks__source_args *args  = node->args;
    const char                  **names = ks__zalloc_array(args->topic_count + 1, sizeof(*names));

    if (names == NULL) {
        view->out->failed = true;
        return;
    }
    for (size_t i = 0; i < args->topic_count; i++)
        names[i] = args->topics[i].name;
    append_set(view->out, names, args->topic_count);
    ks__free(names);
}

static void append_node(const struct view *view, const struct ks__node *node)
{
    const struct ks__sink_args *sink = node->args;
    struct ks__buffer          *out  = view->out;

    switch (node->kind) {
    case KS__NODE_SOURCE:
        ks__buffer_printf(out, "Source: %s (topics: ", node->name);
        if (((const struct ks__source_args *)node->args)->topics[0].pattern != NULL)
            ks__buffer_append_text(
                out, ((const struct ks__source_args *)node->args)->topics[0].name);
        else
            append_topics(view, node);
        break;
    case KS__NODE_PROCESSOR:
        ks__buffer_printf(out, "Processor: %s (stores: ", node->name);
        append_set(out, node->stores, node->store_count);
        break;
    case KS__NODE_SINK:
        if (sink->topic.name != NULL)
            ks__buffer_printf(out, "Sink: %s (topic: %s", node->name, sink->topic.name);
        else
            ks__buffer_printf(out, "Sink: %s (extractor class: user", node->name);
        break;
    }
    ks__buffer_append_text(out, ")");
    if (node->kind != KS__NODE_SINK) {
        ks__buffer_append_text(out, "\n      --> ");
        append_nodes(view, view->neighbours.children[node->index]);
    }
    if (node->kind != KS__NODE_SOURCE) {
        ks__buffer_append_text(out, "\n      <-- ");
        append_nodes(view, view->neighbours.parents[node->index]);
    }
    ks__buffer_append_text(out, "\n");
}

static void append_subtopology(const struct view *view, const struct ks__subtopology *part)
{
    ks__buffer_printf(view->out, "  Sub-topology: %d\n", part->number);
    for (size_t i = 0; i < part->node_count; i++)
        view->scratch[i] =
            (struct weighed){ part->nodes[i], view->sizes[part->nodes[i]->index] };
    qsort(view->scratch, part->node_count, sizeof(*view->scratch), by_size);
    for (size_t i = 0; i < part->node_count; i++) {
        ks__buffer_append_text(view->out, "    ");
        append_node(view, view->scratch[i].node);
    }
    ks__buffer_append_text(view->out, "\n");
}

static void append_global(const struct view *view, const struct ks__global *global)
{
    ks__buffer_printf(view->out,
                      "  Sub-topology: %d for global store (will not generate tasks)\n    ",
                      global->number);
    append_node(view, global->source);
    ks__buffer_append_text(view->out, "    ");
    append_node(view, global->table);
}

static void append_text(const struct view *view)
{
    const struct ks_topology *topology = view->topology;
    size_t                    next     = 0;

    ks__buffer_append_text(view->out, "Topologies:\n ");
    for (size_t i = 0; i < topology->subtopology_count; i++) {
        for (; next < topology->global_count &&
               topology->globals[next].number < topology->subtopologies[i].number;
             next++)
            append_global(view, &topology->globals[next]);
        append_subtopology(view, &topology->subtopologies[i]);
    }
    for (; next < topology->global_count; next++)
        append_global(view, &topology->globals[next]);
}

/* ---- DOT ---- */

static void append_dot_node(const struct view *view, const struct ks__node *node)
{
    static const char *const shapes[] = {
        [KS__NODE_SOURCE] = "invhouse", [KS__NODE_PROCESSOR] = "box", [KS__NODE_SINK] = "house"
    };
    struct ks__buffer *out = view->out;

    ks__buffer_printf(out, "        \"%s\" [shape=%s];\n", node->name, shapes[node->kind]);
    if (node->kind == KS__NODE_SOURCE) {
        const struct ks__source_args *args = node->args;

        for (size_t i = 0; i < args->topic_count; i++)
            ks__buffer_printf(out, "        \"topic %s\" -> \"%s\";\n", args->topics[i].name,
                              node->name);
    }
    if (node->kind == KS__NODE_SINK && ((const struct ks__sink_args *)node->args)->topic.name)
        ks__buffer_printf(out, "        \"%s\" -> \"topic %s\";\n", node->name,
                          ((const struct ks__sink_args *)node->args)->topic.name);
    for (size_t i = 0; i < node->child_count; i++)
        ks__buffer_printf(out, "        \"%s\" -> \"%s\";\n", node->name, node->children[i]->name);
    for (size_t i = 0; i < node->store_count; i++)
        ks__buffer_printf(out, "        \"store %s\" -> \"%s\" [dir=none, style=dashed];\n",
                          node->stores[i], node->name);
}

static void append_dot(const struct view *view)
{
    const struct ks_topology *topology = view->topology;

    ks__buffer_append_text(view->out, "digraph topology {\n    rankdir=TB;\n");
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct ks__node *node = topology->nodes[i];

        if (node->kind == KS__NODE_SOURCE)
            for (size_t k = 0; k < ((const struct ks__source_args *)node->args)->topic_count; k++)
                ks__buffer_printf(view->out, "    \"topic %s\" [shape=plaintext];\n",
                                  ((const struct ks__source_args *)node->args)->topics[k].name);
    }
    for (size_t i = 0; i < topology->store_count; i++)
        ks__buffer_printf(view->out, "    \"store %s\" [shape=cylinder];\n",
                          topology->stores[i]->name);
    for (size_t i = 0; i < topology->subtopology_count; i++) {
        const struct ks__subtopology *part = &topology->subtopologies[i];

        ks__buffer_printf(view->out, "    subgraph cluster_%d {\n        label=\"%d\";\n",
                          part->number, part->number);
        for (size_t k = 0; k < part->node_count; k++)
            append_dot_node(view, part->nodes[k]);
        ks__buffer_append_text(view->out, "    }\n");
    }
    for (size_t i = 0; i < topology->global_count; i++) {
        append_dot_node(view, topology->globals[i].source);
        append_dot_node(view, topology->globals[i].table);
    }
    ks__buffer_append_text(view->out, "}\n");
}

/* ---- public ---- */

/* ---- all forms ---- */

static char *describe_graph(const ks_topology *topology, ks_describe_form form)
{
    struct ks__buffer out   = { 0 };
    size_t            nodes = topology != NULL ? topology->node_count : 0;
    struct view       view  = { .topology = topology,
                                .out      = &out,
                                .sizes    = ks__zalloc_array(nodes + 1, sizeof(*view.sizes)),
                                .scratch  = ks__zalloc_array(nodes + 1, sizeof(*view.scratch)) };

    if (view.sizes == NULL || view.scratch == NULL) {
        out.failed = true;
    } else if (topology == NULL || topology->error.status != KS_OK) {
        ks__buffer_append_text(&out, "Topologies:\n");
    } else if (!ks__neighbours_of(&view.neighbours, topology)) {
        out.failed = true;
    } else {
        weigh(topology, view.sizes);
        if (form == KS_DESCRIBE_DOT)
            append_dot(&view);
        else
            append_text(&view);
    }
    ks__free(view.sizes);
    ks__free(view.scratch);
    ks__neighbours_release(&view.neighbours);
    return ks__buffer_steal_text(&out);
}

/* A topology with a mistake has no shape: the text is empty, and so never equal to one. */
static char *describe_shape(const ks_topology *topology)
{
    struct ks__buffer out    = { 0 };
    ks_error          error  = { .status = KS_OK };
    struct ks__shape  shape;
    const ks_status   status = ks__shape_of(&shape, topology, &error);

    if (status == KS_OK)
        ks__shape_write(&shape, &out);
    else
        ks__buffer_append_text(&out, "");
    out.failed = out.failed || status == KS_ENOMEM;
    ks__shape_release(&shape);
    return ks__buffer_steal_text(&out);
}

char *ks_topology_describe(const ks_topology *topology, ks_describe_form form)
{
    return form == KS_DESCRIBE_SHAPE ? describe_shape(topology) : describe_graph(topology, form);
}

void ks_text_free(char *text)
{
    ks__free(text);
}
