/* SPDX-License-Identifier: Apache-2.0
 *
 * shape.c - from a compiled topology to its shape.
 */
#include "topology/shape.h"

#include <stdio.h>
#include <string.h>

/* ---- items ---- */

void ks__shape_release(struct ks__shape *shape)
{
    ks__arena_release(&shape->arena);
    ks__free(shape->items);
    *shape = (struct ks__shape){ .count = 0 };
}

struct ks__shape_item *ks__shape_add(struct ks__shape *shape, ks_diff_subject subject,
                                     const char *name)
{
    struct ks__shape_item *item;

    if (!KS__GROW(&shape->items, &shape->capacity, shape->count + 1)) {
        shape->no_memory = true;
        return NULL;
    }
    item  = &shape->items[shape->count++];
    *item = (struct ks__shape_item){ .subject = subject, .name = name };
    for (size_t i = 0; i < KS__SHAPE_FIELDS; i++)
        item->fields[i] = "";
    return item;
}

bool ks__shape_lists(const char *list, const char *word)
{
    const size_t size = strlen(word);

    for (const char *at = list; *at != '\0'; at += strcspn(at, ",") + (strchr(at, ',') != NULL))
        if (strcspn(at, ",") == size && memcmp(at, word, size) == 0)
            return true;
    return false;
}

/* ---- making ---- */

struct making {
    struct ks__shape         *shape;
    const struct ks_topology *topology;
    bool                     *seen;  /* per node: of the way up that is under way */
    const struct ks__node   **stack;
    size_t                    stack_size;
    struct ks__buffer         text;
    bool                      failed;
};

static const char *keep(struct making *m, const char *text)
{
    ks_bytes copy;

    if (text != NULL &&
        ks__arena_copy(&m->shape->arena, (ks_bytes){ text, strlen(text) + 1 }, &copy))
        return copy.data;
    m->failed = true;
    return "";
}

static const char *number_text(struct making *m, int64_t number)
{
    char text[24];

    if (number == 0)
        return "";
    snprintf(text, sizeof(text), "%lld", (long long)number);
    return keep(m, text);
}

static const char *take_text(struct making *m)
{
    const char *text = keep(m, m->text.failed ? NULL : ks__buffer_text(&m->text));

    ks__buffer_clear(&m->text);
    return text;
}

static void list_word(struct making *m, const char *word)
{
    const char *so_far = ks__buffer_text(&m->text);

    if (so_far == NULL || ks__shape_lists(so_far, word))
        return;
    ks__buffer_printf(&m->text, "%s%s", so_far[0] != '\0' ? "," : "", word);
}

static const char *type_text(struct making *m, const ks_serde *serde)
{
    return serde != NULL ? keep(m, ks_serde_name(serde)) : "?";
}

static const char *home_text(struct making *m, int subtopology)
{
    char text[16];

    if (subtopology < 0)
        return "global";
    snprintf(text, sizeof(text), "%d", m->topology->subtopologies[subtopology].number);
    return keep(m, text);
}

static struct ks__shape_item *add(struct making *m, ks_diff_subject subject, const char *name)
{
    struct ks__shape_item *item = ks__shape_add(m->shape, subject, keep(m, name));

    m->failed = m->failed || item == NULL;
    return item;
}

/* ---- the way up ---- */

static void push(struct making *m, const struct ks__node *node)
{
    if (m->seen[node->index])
        return;
    m->seen[node->index]       = true;
    m->stack[m->stack_size++] = node;
}

static const struct ks__repartition *repartition_of(const struct making *m, const char *topic)
{
    for (size_t i = 0; i < m->topology->repartition_count; i++)
        if (strcmp(m->topology->repartitions[i].topic, topic) == 0)
            return &m->topology->repartitions[i];
    return NULL;
}

static void push_writers(struct making *m, const char *topic)
{
    for (size_t i = 0; i < m->topology->node_count; i++) {
        const struct ks__node      *node = m->topology->nodes[i];
        const struct ks__sink_args *args = node->args;

        if (node->kind == KS__NODE_SINK && args->topic.internal && args->topic.name != NULL &&
            strcmp(args->topic.name, topic) == 0)
            push(m, node);
    }
}

/* The sources above a node: what it is fed by; then, through internal topics, the user's. */
struct origin {
    bool    topic, repartition;
    int32_t partitions; /* asked for */
};

static void look_at_source(struct making *m, const struct ks__node *source, bool near,
                           struct origin *origin)
{
    const struct ks__source_args *args = source->args;

    for (size_t i = 0; i < args->topic_count; i++) {
        const struct ks__repartition *between =
            args->topics[i].internal ? repartition_of(m, args->topics[i].name) : NULL;

        if (!args->topics[i].internal)
            list_word(m, args->topics[i].name);
        else
            push_writers(m, args->topics[i].name);
        if (!near)
            continue;
        origin->topic       = origin->topic || !args->topics[i].internal;
        origin->repartition = origin->repartition || args->topics[i].internal;
        if (between != NULL && between->partitions > 0)
            origin->partitions = between->partitions;
    }
}

/* Leaves the user's topics as a list in m->text. */
static struct origin climb(struct making *m, const struct ks__node *from)
{
    struct origin origin = { .topic = false };

    memset(m->seen, 0, m->topology->node_count * sizeof(*m->seen));
    m->stack_size = 0;
    push(m, from);
    while (m->stack_size > 0) {
        const struct ks__node *node = m->stack[--m->stack_size];

        if (node->kind == KS__NODE_SOURCE)
            look_at_source(m, node, node->subtopology == from->subtopology, &origin);
        for (size_t i = 0; i < node->parent_count; i++)
            push(m, node->parents[i]);
    }
    return origin;
}

/* ---- stores ---- */

static bool uses(const struct ks__node *node, const char *store)
{
    for (size_t i = 0; i < node->store_count; i++)
        if (strcmp(node->stores[i], store) == 0)
            return true;
    return false;
}

/* The first node that is connected to it keeps it. */
static const struct ks__node *keeper_of(const struct making *m, const char *store)
{
    for (size_t i = 0; i < m->topology->node_count; i++)
        if (uses(m->topology->nodes[i], store))
            return m->topology->nodes[i];
    return NULL;
}

/* An index by time is not of the rows: with another stamp it is made again. */
static const char *layout_text(const struct ks__store_spec *store)
{
    if (store->duplicates)
        return store->plain ? "plain duplicates" : "timed duplicates";
    if (store->sliced || store->slices_of != NULL)
        return store->sliced ? "timed, from slices" : "timed slices";
    return store->plain ? "plain" : "timed";
}

static const char *changelog_text(struct making *m, const struct ks__store_spec *store)
{
    if (store->source_topic != NULL)
        return keep(m, store->source_topic);
    return store->changelog ? "own" : "none";
}

static void add_origin(struct making *m, struct ks__shape_item *item, const struct ks__node *node)
{
    const struct origin origin = climb(m, node);

    item->fields[KS__SHAPE_FROM] = take_text(m);
    if (origin.topic || origin.repartition)
        item->fields[KS__SHAPE_FED_BY] = origin.repartition ? "repartition" : "topic";
    item->fields[KS__SHAPE_PARTITIONS] = number_text(m, origin.partitions);
}

static void add_store(struct making *m, const struct ks__store_spec *store)
{
    const struct ks__node *keeper = keeper_of(m, store->name);
    struct ks__shape_item *item   = add(m, KS_DIFF_STORE, store->name);
    static const char *const kinds[] = { [KS__STORE_KV]        = "key-value",
                                         [KS__STORE_WINDOW]    = "window",
                                         [KS__STORE_SESSION]   = "session",
                                         [KS__STORE_VERSIONED] = "versioned",
                                         [KS__STORE_USER]      = "user" };

    if (item == NULL)
        return;
    item->fields[KS__SHAPE_KIND]      = kinds[store->kind];
    item->fields[KS__SHAPE_KEY]       = type_text(m, store->key);
    item->fields[KS__SHAPE_VALUE]     = type_text(m, store->value);
    item->fields[KS__SHAPE_LAYOUT]    = layout_text(store);
    item->fields[KS__SHAPE_CUT]       = store->cut != NULL ? keep(m, store->cut) : "";
    item->fields[KS__SHAPE_RETENTION] = number_text(m, store->retention_ms);
    item->fields[KS__SHAPE_HISTORY]   = number_text(m, store->history_ms);
    item->fields[KS__SHAPE_CHANGELOG] = changelog_text(m, store);
    if (keeper == NULL)
        return;
    item->fields[KS__SHAPE_SUBTOPOLOGY] = home_text(m, keeper->subtopology);
    item->fields[KS__SHAPE_OPERATOR]    = keeper->class->name;
    add_origin(m, item, keeper);
}

/* ---- the others ---- */

static void add_subtopology(struct making *m, size_t n)
{
    const struct ks__subtopology *part = &m->topology->subtopologies[n];
    struct ks__shape_item        *item = add(m, KS_DIFF_SUBTOPOLOGY, home_text(m, (int)n));
    char                          hash[33];

    for (size_t i = 0; i < part->store_count; i++)
        list_word(m, part->stores[i]->name);
    for (size_t i = 0; i < part->input_count; i++)
        list_word(m, part->inputs[i].name);
    if (item == NULL)
        return;
    item->fields[KS__SHAPE_HOLDS] = take_text(m);
    if (part->store_count == 0)
        return;
    ks__topology_hash(m->topology, (int)n, hash);
    item->fields[KS__SHAPE_STATE] = keep(m, hash);
}

/* Global tables share a directory. */
static void add_globals(struct making *m)
{
    struct ks__shape_item *item = add(m, KS_DIFF_SUBTOPOLOGY, "global");
    char                   hash[33];

    for (size_t i = 0; i < m->topology->global_count; i++) {
        list_word(m, m->topology->globals[i].store->name);
        list_word(m, m->topology->globals[i].topic);
    }
    if (item == NULL)
        return;
    item->fields[KS__SHAPE_HOLDS] = take_text(m);
    ks__topology_hash(m->topology, -1, hash);
    item->fields[KS__SHAPE_STATE] = keep(m, hash);
}

static void add_sources(struct making *m, const struct ks__node *node)
{
    const struct ks__source_args *args = node->args;

    for (size_t i = 0; i < args->topic_count; i++) {
        const bool                    internal = args->topics[i].internal;
        const struct ks__repartition *between  =
            internal ? repartition_of(m, args->topics[i].name) : NULL;
        struct ks__shape_item        *item     = add(m, internal ? KS_DIFF_TOPIC : KS_DIFF_SOURCE,
                                                     args->topics[i].name);

        if (item == NULL)
            return;
        item->fields[KS__SHAPE_KEY]         = type_text(m, args->key);
        item->fields[KS__SHAPE_VALUE]       = type_text(m, args->value);
        item->fields[KS__SHAPE_SUBTOPOLOGY] = home_text(m, node->subtopology);
        if (!internal)
            continue;
        climb(m, node);
        item->fields[KS__SHAPE_FROM]       = take_text(m);
        item->fields[KS__SHAPE_PARTITIONS] = number_text(m, between ? between->partitions : 0);
    }
}

static void make_items(struct making *m)
{
    const struct ks_topology *topology = m->topology;

    for (size_t i = 0; i < topology->subtopology_count; i++)
        add_subtopology(m, i);
    if (topology->global_count > 0)
        add_globals(m);
    for (size_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i]->kind == KS__NODE_SOURCE)
            add_sources(m, topology->nodes[i]);
    for (size_t i = 0; i < topology->store_count; i++)
        add_store(m, topology->stores[i]);
}

ks_status ks__shape_of(struct ks__shape *shape, const ks_topology *topology, ks_error *error)
{
    struct making m = { .shape = shape, .topology = topology };

    *shape = (struct ks__shape){ .count = 0 };
    if (topology == NULL)
        return ks__error_set(error, KS_EINVAL, "there is no topology to compare");
    if (topology->error.status != KS_OK) {
        ks__error_copy(error, &topology->error);
        return topology->error.status;
    }
    m.seen   = ks__zalloc_array(topology->node_count + 1, sizeof(*m.seen));
    m.stack  = ks__zalloc_array(topology->node_count + 1, sizeof(*m.stack));
    m.failed = ks__arena_init(&shape->arena, 0, 0) != KS_OK || m.seen == NULL || m.stack == NULL;
    if (!m.failed)
        make_items(&m);
    ks__free(m.seen);
    ks__free(m.stack);
    ks__buffer_release(&m.text);
    return m.failed ? ks__error_no_memory(error, "the shape of a topology") : KS_OK;
}
