/* SPDX-License-Identifier: Apache-2.0
 *
 * logical.c - adding logical nodes and the handles that stand for them.
 */
#include "dsl/dsl.h"

#include <string.h>

static void *zalloc(ks_builder *b, size_t size)
{
    void *memory = ks__arena_zalloc(&b->owned->arena, size);

    return memory != NULL ? memory : ks__latch_no_memory(b);
}

static bool holds(struct ks__logical *const *nodes, size_t count, const struct ks__logical *node)
{
    for (size_t i = 0; i < count; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

static bool copy_parents(ks_builder *b, struct ks__logical *node,
                         const struct ks__logical_seed *seed)
{
    node->parents = zalloc(b, (seed->parent_count + 1) * sizeof(*node->parents));
    if (node->parents == NULL)
        return false;
    for (size_t i = 0; i < seed->parent_count; i++)
        if (!holds(node->parents, node->parent_count, seed->parents[i]))
            node->parents[node->parent_count++] = seed->parents[i];
    return true;
}

struct ks__logical *ks__logical_add(ks_builder *b, const struct ks__call *call,
                                    const struct ks__logical_seed *seed)
{
    struct ks__logical *node;

    if (b->error.status != KS_OK || seed->name == NULL)
        return NULL;
    node = zalloc(b, sizeof(*node));
    if (node == NULL || !copy_parents(b, node, seed))
        return NULL;
    if (!KS__GROW(&b->nodes, &b->node_capacity, b->node_count + 1))
        return ks__latch_no_memory(b);
    node->kind     = seed->kind;
    node->call     = *call;
    node->name     = seed->name;
    node->class    = seed->class;
    node->user     = seed->user;
    node->priority = b->next_priority++;
    if (seed->args_size > 0) {
        node->args      = ks__owned_copy(b->owned, seed->args, seed->args_size);
        node->args_size = seed->args_size;
        if (node->args == NULL)
            return ks__latch_no_memory(b);
    }
    if (!ks__take_node_name(b, call, seed->name, node))
        return NULL;
    b->nodes[b->node_count++] = node;
    return node;
}

void ks__logical_touch(ks_builder *b, struct ks__logical *node)
{
    node->priority = b->next_priority++;
}

void ks__logical_use_store(ks_builder *b, struct ks__logical *node, const char *store)
{
    struct ks__store_use **end = &node->stores;
    struct ks__store_use  *use = zalloc(b, sizeof(*use));

    if (use == NULL)
        return;
    use->store = ks__owned_text(b->owned, store);
    if (use->store == NULL) {
        ks__latch_no_memory(b);
        return;
    }
    while (*end != NULL)
        end = &(*end)->next;
    *end = use;
}

void ks__logical_view(struct ks__logical *node, struct ks__logical *table)
{
    node->views[node->view_count++] = table;
}

/* ---- sources ---- */

struct ks__sources ks__sources_of(ks_builder *b, struct ks__logical *node)
{
    struct ks__logical **one = zalloc(b, sizeof(*one));

    if (one == NULL)
        return (struct ks__sources){ NULL, 0 };
    one[0] = node;
    return (struct ks__sources){ one, 1 };
}

struct ks__sources ks__sources_union(ks_builder *b, struct ks__sources a, struct ks__sources c)
{
    struct ks__logical **all = zalloc(b, (a.count + c.count + 1) * sizeof(*all));
    size_t               count = 0;

    if (all == NULL)
        return (struct ks__sources){ NULL, 0 };
    for (size_t i = 0; i < a.count; i++)
        all[count++] = a.nodes[i];
    for (size_t i = 0; i < c.count; i++)
        if (!holds(all, count, c.nodes[i]))
            all[count++] = c.nodes[i];
    return (struct ks__sources){ all, count };
}

void ks__copartition(ks_builder *b, struct ks__sources sources, const char *asker)
{
    struct ks__copartition_request *request = zalloc(b, sizeof(*request));

    if (request == NULL)
        return;
    *request        = (struct ks__copartition_request){ sources, asker, b->copartitions };
    b->copartitions = request;
}

/* ---- handles ---- */

ks_stream *ks__stream_make(ks_stream *like, struct ks__logical *node)
{
    ks_builder *b = like->head.builder;
    ks_stream  *s = node != NULL ? zalloc(b, sizeof(*s)) : NULL;

    if (s == NULL)
        return ks__inert(like);
    *s             = *like;
    s->node        = node;
    s->repartition = NULL;
    return s;
}

ks_stream *ks__stream_append(ks_stream *s, const struct ks__call *call,
                             const struct ks__op_class *class, const void *args,
                             size_t args_size, void *user)
{
    ks_builder         *b    = s->head.builder;
    struct ks__logical *node = ks__logical_add(
        b, call,
        &(struct ks__logical_seed){ .kind         = KS__LOGICAL_PROCESSOR,
                                    .name         = ks__choose_name(b, call->name, class->prefix),
                                    .class        = class,
                                    .args         = args,
                                    .args_size    = args_size,
                                    .user         = user,
                                    .parents      = &s->node,
                                    .parent_count = 1 });

    return ks__stream_make(s, node);
}

bool ks__stream_carry_key(const ks_stream *s, const struct ks__call *call, const ks_serde **key)
{
    return ks__agree(s->head.builder, call, "key", key,
                     &(struct ks__found){ s->key, s->node->name, "KS_NAMED" });
}

bool ks__stream_carry(const ks_stream *s, const struct ks__call *call, ks_named *options)
{
    return ks__stream_carry_key(s, call, &options->key) &&
           ks__agree(s->head.builder, call, "value", &options->value,
                     &(struct ks__found){ s->value, s->node->name, "KS_NAMED" });
}

ks_stream *ks__stream_typed(ks_stream *s, const ks_serde *key, const ks_serde *value)
{
    if (s != NULL && s->head.kind == KS__KIND_STREAM) {
        s->key   = key;
        s->value = value;
    }
    return s;
}

ks_stream *ks__stream_rekeyed(ks_stream *s)
{
    if (s != NULL && s->head.kind == KS__KIND_STREAM)
        s->rekeyed = true;
    return s;
}

ks_stream *ks__stream_effect(ks_stream *s, enum ks__effect effect)
{
    if (s != NULL && s->head.kind == KS__KIND_STREAM)
        s->node->effect = effect;
    return s;
}

ks_table *ks__table_make(ks_builder *b, struct ks__logical *node, const ks_serde *key,
                         const ks_serde *value, struct ks__sources sources)
{
    ks_table *t = node != NULL ? zalloc(b, sizeof(*t)) : NULL;

    if (t == NULL)
        return ks__inert(b);
    *t = (ks_table){ .head = { KS__KIND_TABLE, b }, .node = node, .key = key, .value = value,
                     .sources = sources };
    return t;
}
