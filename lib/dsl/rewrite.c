/* SPDX-License-Identifier: Apache-2.0
 *
 * rewrite.c - the view of one build, and the smaller of the two rewritings.
 */
#include "dsl/rewrite.h"

#include <string.h>

/* ---- parents ---- */

static bool holds(struct ks__logical *const *nodes, size_t count, const struct ks__logical *node)
{
    for (size_t i = 0; i < count; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

static struct ks__logical **room_for(struct ks__rewrite *r, size_t count)
{
    struct ks__logical **nodes =
        ks__arena_zalloc(&r->arena, (count + 1) * sizeof(struct ks__logical *));

    r->failed = r->failed || nodes == NULL;
    return nodes;
}

static void add_parent(struct ks__logical *node, struct ks__logical *parent)
{
    if (!holds(node->now, node->now_count, parent))
        node->now[node->now_count++] = parent;
}

void ks__rewrite_reparent(struct ks__rewrite *r, struct ks__logical *node,
                          const struct ks__logical *parent, struct ks__logical *const *others,
                          size_t count)
{
    struct ks__logical **before       = node->now;
    const size_t         before_count = node->now_count;
    struct ks__logical **now          = room_for(r, before_count + count);

    if (now == NULL)
        return;
    node->now       = now;
    node->now_count = 0;
    for (size_t i = 0; i < before_count; i++)
        if (before[i] != parent)
            add_parent(node, before[i]);
    for (size_t i = 0; i < count; i++)
        add_parent(node, others[i]);
}

bool ks__logical_has_parent(const struct ks__logical *node, const void *parent)
{
    return holds(node->now, node->now_count, parent);
}

/* ---- life ---- */

static void reset(struct ks__logical *node)
{
    node->instead       = node->merged_into;
    node->gone          = node->merged_into != NULL;
    node->joins_self    = false;
    node->mark          = 0;
    node->origin        = NULL;
    node->moved_behind  = NULL;
    node->fed_by        = NULL;
    node->built         = NULL;
    node->lets_nulls    = false;
}

bool ks__rewrite_open(struct ks__rewrite *r, ks_builder *b)
{
    *r = (struct ks__rewrite){ .b = b };
    if (ks__arena_init(&r->arena, 0, 0) != KS_OK ||
        !KS__GROW(&r->nodes, &r->capacity, b->node_count + 1)) {
        r->failed = true;
        return false;
    }
    for (size_t i = 0; i < b->node_count; i++) {
        reset(b->nodes[i]);
        r->nodes[r->count++] = b->nodes[i];
    }
    for (size_t i = 0; i < b->node_count; i++) {
        struct ks__logical *node = b->nodes[i];

        node->now       = room_for(r, node->parent_count);
        node->now_count = 0;
        for (size_t k = 0; node->now != NULL && k < node->parent_count; k++)
            add_parent(node, ks__target(node->parents[k]));
    }
    for (struct ks__store_part *one = b->stores; one != NULL; one = one->next)
        one->left_out = false;
    return !r->failed;
}

void ks__rewrite_close(struct ks__rewrite *r)
{
    ks__free(r->nodes);
    ks__free(r->stack);
    ks__arena_release(&r->arena);
    r->nodes = r->stack = NULL;
}

/* ---- search ---- */

void ks__rewrite_push(struct ks__rewrite *r, struct ks__logical *node)
{
    if (node->mark == r->round)
        return;
    if (KS__GROW(&r->stack, &r->stack_capacity, r->stack_size + 1))
        r->stack[r->stack_size++] = node;
    else
        r->failed = true;
}

struct ks__logical *ks__rewrite_find(struct ks__rewrite *r, struct ks__logical *from,
                                     ks__logical_test *matches, const void *what)
{
    r->round++;
    r->stack_size = 0;
    ks__rewrite_push(r, from);
    while (r->stack_size > 0 && !r->failed) {
        struct ks__logical *node = r->stack[--r->stack_size];

        if (node->mark == r->round)
            continue;
        if (matches(node, what))
            return node;
        node->mark = r->round;
        for (size_t i = node->now_count; i-- > 0;)
            ks__rewrite_push(r, node->now[i]);
    }
    return NULL;
}

/* ---- self joins ---- */

static void leave_store_out(ks_builder *b, const char *name)
{
    for (struct ks__store_part *one = b->stores; one != NULL && name != NULL; one = one->next)
        if (strcmp(one->spec.name, name) == 0)
            one->left_out = true;
}

/* Of the five nodes the left one that keeps records stays, and the merge joins. */
static void join_self(struct ks__rewrite *r, struct ks__logical *merge)
{
    const struct ks__self_join *self = merge->self;

    self->keeps[1]->gone = self->sides[0]->gone = self->sides[1]->gone = true;
    merge->joins_self    = true;
    merge->now_count     = 0;
    ks__rewrite_reparent(r, merge, NULL, self->keeps, 1);
    leave_store_out(r->b, self->stores[1]);
    leave_store_out(r->b, self->stores[2]);
}

void ks__rewrite_self_joins(struct ks__rewrite *r)
{
    for (size_t i = 0; i < r->count && !r->failed; i++) {
        const struct ks__self_join *self = r->nodes[i]->self;

        if (self != NULL && self->keeps[0]->now[0] == self->keeps[1]->now[0])
            join_self(r, r->nodes[i]);
    }
}
