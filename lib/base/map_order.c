/* SPDX-License-Identifier: Apache-2.0
 *
 * map_order.c - the order of a map: a treap threaded through the entries themselves.
 *
 * Priorities are the entries' hashes, so the tree is balanced in expectation
 * whatever the order of insertion; nothing is allocated, so nothing can fail. Parents are kept:
 * every walk and rotation is a loop.
 *
 * Invariants
 *   T1  Left < entry < right by ks__bytes_compare; a parent's priority is never below a child's.
 *   T2  `ordered` false: the tree links mean nothing.
 */
#include "base/map_parts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

int ks__bytes_compare(ks_bytes one, ks_bytes other)
{
    size_t common = one.size < other.size ? one.size : other.size;
    int    order  = common != 0 ? memcmp(one.data, other.data, common) : 0;

    if (order != 0)
        return order;
    return (one.size > other.size) - (one.size < other.size);
}

/* The table looks at the low bits of the hash, an order of priorities at the high ones. */
static uint64_t priority(const struct ks__map_entry *entry)
{
    return entry->hash;
}

/* ---- shape ---- */

static void hang(struct ks__map *map, struct ks__map_entry *parent,
                 const struct ks__map_entry *instead_of, struct ks__map_entry *entry)
{
    if (parent == NULL)
        map->root = entry;
    else if (parent->left == instead_of)
        parent->left = entry;
    else
        parent->right = entry;
    if (entry != NULL)
        entry->parent = parent;
}

/* Lift `entry` above its parent. */
static void rotate_up(struct ks__map *map, struct ks__map_entry *entry)
{
    struct ks__map_entry *parent = entry->parent;
    struct ks__map_entry *moved;

    hang(map, parent->parent, parent, entry);
    if (parent->left == entry) {
        moved        = entry->right;
        entry->right = parent;
        parent->left = moved;
    } else {
        moved         = entry->left;
        entry->left   = parent;
        parent->right = moved;
    }
    parent->parent = entry;
    if (moved != NULL)
        moved->parent = parent;
}

void ks__map_order_add(struct ks__map *map, struct ks__map_entry *entry)
{
    struct ks__map_entry **link   = &map->root;
    struct ks__map_entry  *parent = NULL;

    while (*link != NULL) {
        parent = *link;
        link   = ks__bytes_compare(entry->key, parent->key) < 0 ? &parent->left : &parent->right;
    }
    *link         = entry;
    entry->left   = entry->right = NULL;
    entry->parent = parent;
    while (entry->parent != NULL && priority(entry) > priority(entry->parent))
        rotate_up(map, entry);
}

void ks__map_order_remove(struct ks__map *map, struct ks__map_entry *entry)
{
    while (entry->left != NULL && entry->right != NULL)
        rotate_up(map, priority(entry->left) > priority(entry->right) ? entry->left
                                                                      : entry->right);
    hang(map, entry->parent, entry, entry->left != NULL ? entry->left : entry->right);
    entry->left = entry->right = entry->parent = NULL;
}

/* ---- build ---- */

/* A pointer with the first 8 key bytes as a number: most comparisons of a sort end there. */
struct sortable {
    uint64_t              start;
    struct ks__map_entry *entry;
};

static uint64_t key_start(ks_bytes key)
{
    const uint8_t *p     = key.data;
    uint64_t       start = 0;

    for (size_t i = 0; i < 8; i++)
        start = start << 8 | (i < key.size ? p[i] : 0);
    return start;
}

static int compare_sortable(const void *one, const void *other)
{
    const struct sortable *a = one, *b = other;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return ks__bytes_compare(a->entry->key, b->entry->key);
}

/* All live entries in order, for the caller to free; NULL = no memory. */
static struct sortable *sorted_entries(const struct ks__map *map)
{
    struct sortable *all = ks__alloc(map->count * sizeof(*all));
    size_t           n   = 0;

    if (all == NULL)
        return NULL;
    for (struct ks__map_entry *entry = ks__map_oldest(map); entry != NULL;
         entry = ks__map_newer(entry))
        all[n++] = (struct sortable){ key_start(entry->key), entry };
    ks__assert(n == map->count);
    qsort(all, n, sizeof(*all), compare_sortable);
    return all;
}

/* Hang the greatest entry so far: climb the right spine to the first of higher priority. */
static void add_greatest(struct ks__map *map, struct ks__map_entry *last,
                         struct ks__map_entry *entry)
{
    struct ks__map_entry *above = last;
    struct ks__map_entry *below = NULL;

    while (above != NULL && priority(above) < priority(entry)) {
        below = above;
        above = above->parent;
    }
    entry->right = NULL;
    entry->left  = below;
    if (below != NULL)
        below->parent = entry;
    entry->parent = above;
    if (above != NULL)
        above->right = entry;
    else
        map->root = entry;
}

/* With memory: sort, then hang one after the other in O(n). Without: insert one by one. */
static void need_order(struct ks__map *map)
{
    struct sortable      *all;
    struct ks__map_entry *last = NULL;

    if (map->ordered)
        return;
    map->ordered = true;
    map->root    = NULL;
    if (map->count == 0)
        return;
    all = sorted_entries(map);
    if (all == NULL) {
        for (last = ks__map_oldest(map); last != NULL; last = ks__map_newer(last))
            ks__map_order_add(map, last);
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        add_greatest(map, last, all[i].entry);
        last = all[i].entry;
    }
    ks__free(all);
}

/* ---- search and walk ---- */

/* The smallest entry that is > key, or >= key with `equal`. */
static struct ks__map_entry *search_up(struct ks__map *map, ks_bytes key, bool equal)
{
    struct ks__map_entry *found = NULL;

    need_order(map);
    for (struct ks__map_entry *at = map->root; at != NULL;) {
        int order = ks__bytes_compare(at->key, key);

        if (order > 0 || (equal && order == 0)) {
            found = at;
            at    = at->left;
        } else {
            at = at->right;
        }
    }
    return found;
}

/* The greatest entry that is < key, or <= key with `equal`. */
static struct ks__map_entry *search_down(struct ks__map *map, ks_bytes key, bool equal)
{
    struct ks__map_entry *found = NULL;

    need_order(map);
    for (struct ks__map_entry *at = map->root; at != NULL;) {
        int order = ks__bytes_compare(at->key, key);

        if (order < 0 || (equal && order == 0)) {
            found = at;
            at    = at->right;
        } else {
            at = at->left;
        }
    }
    return found;
}

static struct ks__map_entry *leftmost(struct ks__map_entry *entry)
{
    while (entry != NULL && entry->left != NULL)
        entry = entry->left;
    return entry;
}

static struct ks__map_entry *rightmost(struct ks__map_entry *entry)
{
    while (entry != NULL && entry->right != NULL)
        entry = entry->right;
    return entry;
}

struct ks__map_entry *ks__map_first(struct ks__map *map)
{
    need_order(map);
    return leftmost(map->root);
}

struct ks__map_entry *ks__map_last(struct ks__map *map)
{
    need_order(map);
    return rightmost(map->root);
}

struct ks__map_entry *ks__map_lower_bound(struct ks__map *map, ks_bytes key)
{
    return search_up(map, key, true);
}

struct ks__map_entry *ks__map_upper_bound(struct ks__map *map, ks_bytes key)
{
    return search_up(map, key, false);
}

struct ks__map_entry *ks__map_before(struct ks__map *map, ks_bytes key)
{
    return search_down(map, key, false);
}

struct ks__map_entry *ks__map_at_or_before(struct ks__map *map, ks_bytes key)
{
    return search_down(map, key, true);
}

struct ks__map_entry *ks__map_next(struct ks__map *map, const struct ks__map_entry *entry)
{
    if (entry->removed || !map->ordered)
        return search_up(map, entry->key, false);
    if (entry->right != NULL)
        return leftmost(entry->right);
    while (entry->parent != NULL && entry->parent->right == entry)
        entry = entry->parent;
    return entry->parent;
}

struct ks__map_entry *ks__map_prev(struct ks__map *map, const struct ks__map_entry *entry)
{
    if (entry->removed || !map->ordered)
        return search_down(map, entry->key, false);
    if (entry->left != NULL)
        return rightmost(entry->left);
    while (entry->parent != NULL && entry->parent->left == entry)
        entry = entry->parent;
    return entry->parent;
}
