/* SPDX-License-Identifier: Apache-2.0
 *
 * neighbours.c - InternalTopologyBuilder#describeSubtopology, step by step.
 *
 *      for each node, in the order of a HashMap of the names:
 *          for each parent: parents(node) += parent, children(parent) += node,
 *                           size of the parent, and of all above it so far, += size of the node
 *
 * The trees are those of java.util.TreeMap: a comparison that changes its mind makes their shape
 * matter.
 */
#include "topology/neighbours.h"

#include <stdlib.h>
#include <string.h>

/* ---- a TreeMap ---- */

struct linking {
    struct ks__neighbours    *made;
    const struct ks_topology *topology;
    uint32_t                 *sizes;  /* so far */
    uint32_t                 *grow;   /* of the growth under way */
    bool                     *linked; /* to its parents */
    bool                      failed;
};

static int compare(const struct linking *l, const struct ks__node *a, const struct ks__node *b)
{
    const int32_t bigger = (int32_t)(l->sizes[b->index] - l->sizes[a->index]);

    if (a == b)
        return 0;
    return bigger != 0 ? bigger : strcmp(a->name, b->name);
}

static struct ks__neighbour **place_of(struct ks__neighbour **root, struct ks__neighbour *at)
{
    if (at->up == NULL)
        return root;
    return at->up->left == at ? &at->up->left : &at->up->right;
}

static void rotate(struct ks__neighbour **root, struct ks__neighbour *at, bool left)
{
    struct ks__neighbour **place = place_of(root, at);
    struct ks__neighbour  *top   = left ? at->right : at->left;
    struct ks__neighbour  *moved = left ? top->left : top->right;

    *(left ? &at->right : &at->left) = moved;
    if (moved != NULL)
        moved->up = at;
    top->up = at->up;
    *place  = top;
    *(left ? &top->left : &top->right) = at;
    at->up                             = top;
}

static bool is_red(const struct ks__neighbour *at)
{
    return at != NULL && at->red;
}

/* TreeMap#fixAfterInsertion. */
static void balance(struct ks__neighbour **root, struct ks__neighbour *x)
{
    while (x->up != NULL && x->up->red) {
        struct ks__neighbour *top   = x->up->up;
        const bool            left  = x->up == top->left;
        struct ks__neighbour *uncle = left ? top->right : top->left;

        if (is_red(uncle)) {
            x->up->red = uncle->red = false;
            top->red                = true;
            x                       = top;
            continue;
        }
        if (x == (left ? x->up->right : x->up->left)) {
            x = x->up;
            rotate(root, x, left);
        }
        x->up->red = false;
        top->red   = true;
        rotate(root, top, !left);
    }
    (*root)->red = false;
}

static void insert(struct linking *l, struct ks__neighbour **root, const struct ks__node *node)
{
    struct ks__neighbour **at = root, *up = NULL, *leaf;

    while (*at != NULL) {
        const int order = compare(l, node, (*at)->node);

        if (order == 0)
            return;
        up = *at;
        at = order < 0 ? &up->left : &up->right;
    }
    leaf = ks__arena_zalloc(&l->made->arena, sizeof(*leaf));
    if (leaf == NULL) {
        l->failed = true;
        return;
    }
    *leaf = (struct ks__neighbour){ .node = node, .up = up, .red = true };
    *at   = leaf;
    balance(root, leaf);
}

const struct ks__neighbour *ks__neighbour_first(const struct ks__neighbour *root)
{
    while (root != NULL && root->left != NULL)
        root = root->left;
    return root;
}

const struct ks__neighbour *ks__neighbour_next(const struct ks__neighbour *at)
{
    if (at->right != NULL)
        return ks__neighbour_first(at->right);
    while (at->up != NULL && at->up->right == at)
        at = at->up;
    return at->up;
}

/* ---- the order of a HashMap ---- */

uint32_t ks__java_hash(const char *text)
{
    uint32_t hash = 0;

    for (; *text != '\0'; text++)
        hash = 31 * hash + (unsigned char)*text;
    return hash ^ hash >> 16;
}

struct hashed {
    const struct ks__node *node;
    uint32_t               bucket;
};

static int by_bucket(const void *one, const void *other)
{
    const struct hashed *a = one, *b = other;

    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    return a->node->index < b->node->index ? -1 : 1;
}

/* A map that grew entry by entry: doubled whenever it is more than three quarters full. */
static uint32_t buckets_for(size_t count)
{
    uint32_t buckets = 16;

    while (count > buckets / 4 * 3)
        buckets *= 2;
    return buckets;
}

/* ---- linking ---- */

/* A node reached by several ways grows by each; parents have smaller indexes. */
static void grow(struct linking *l, const struct ks__node *from, uint32_t by)
{
    memset(l->grow, 0, l->topology->node_count * sizeof(*l->grow));
    l->grow[from->index] = by;
    for (size_t i = from->index + 1; i-- > 0;) {
        const struct ks__node *node = l->topology->nodes[i];

        if (l->grow[i] == 0)
            continue;
        l->sizes[i] += l->grow[i];
        for (size_t k = 0; l->linked[i] && k < node->parent_count; k++)
            l->grow[node->parents[k]->index] += l->grow[i];
    }
}

static void link_node(struct linking *l, const struct ks__node *node)
{
    for (size_t i = 0; i < node->parent_count; i++) {
        const struct ks__node *parent = node->parents[i];

        insert(l, &l->made->parents[node->index], parent);
        insert(l, &l->made->children[parent->index], node);
        grow(l, parent, l->sizes[node->index]);
    }
    l->linked[node->index] = true;
}

static void link_nodes(struct linking *l, struct ks__node *const *nodes, size_t count)
{
    struct hashed *order = ks__zalloc_array(count + 1, sizeof(*order));

    if (order == NULL) {
        l->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (struct hashed){ nodes[i],
                                    ks__java_hash(nodes[i]->name) & (buckets_for(count) - 1) };
    qsort(order, count, sizeof(*order), by_bucket);
    for (size_t i = 0; i < count; i++)
        link_node(l, order[i].node);
    ks__free(order);
}

bool ks__neighbours_of(struct ks__neighbours *n, const struct ks_topology *topology)
{
    const size_t   count = topology->node_count;
    struct linking l     = { .made = n, .topology = topology };

    *n = (struct ks__neighbours){ .parents = NULL };
    if (ks__arena_init(&n->arena, 0, 0) != KS_OK)
        return false;
    n->parents  = ks__arena_zalloc(&n->arena, (count + 1) * sizeof(struct ks__neighbour *));
    n->children = ks__arena_zalloc(&n->arena, (count + 1) * sizeof(struct ks__neighbour *));
    l.sizes     = ks__zalloc_array(count + 1, sizeof(*l.sizes));
    l.grow      = ks__zalloc_array(count + 1, sizeof(*l.grow));
    l.linked    = ks__zalloc_array(count + 1, sizeof(*l.linked));
    l.failed    = n->parents == NULL || n->children == NULL || l.sizes == NULL ||
               l.grow == NULL || l.linked == NULL;
    for (size_t i = 0; !l.failed && i < count; i++)
        l.sizes[i] = 1;
    for (size_t i = 0; !l.failed && i < topology->subtopology_count; i++)
        link_nodes(&l, topology->subtopologies[i].nodes, topology->subtopologies[i].node_count);
    for (size_t i = 0; !l.failed && i < topology->global_count; i++)
        link_node(&l, topology->globals[i].table);
    ks__free(l.sizes);
    ks__free(l.grow);
    ks__free(l.linked);
    return !l.failed;
}

void ks__neighbours_release(struct ks__neighbours *n)
{
    ks__arena_release(&n->arena);
}
