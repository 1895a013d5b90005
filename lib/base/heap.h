/* SPDX-License-Identifier: Apache-2.0
 *
 * heap.h - a binary heap of pointers to nodes which know their place.
 *
 * The owner embeds a `struct ks__heap_node` and gives a total order; ties must be broken by the
 * order itself, as equal nodes come out in no particular order.
 *
 * Threads: one owner.
 */
#ifndef KS_BASE_HEAP_H
#define KS_BASE_HEAP_H

#include <kstream/status.h>

#include <stdbool.h>
#include <stddef.h>

struct ks__heap_node {
    size_t place;               /* 1-based index in the heap, 0 = in no heap                  */
};

/* True when `one` must come out before `other`. */
typedef bool ks__heap_before_fn(const struct ks__heap_node *one,
                                const struct ks__heap_node *other);

struct ks__heap {
    struct ks__heap_node **nodes;           /* nodes[0] is the first                          */
    size_t                 count;
    size_t                 capacity;
    ks__heap_before_fn    *before;
};

void ks__heap_init(struct ks__heap *heap, ks__heap_before_fn *before);
/* Frees the heap's own memory; the nodes are the owner's. */
void ks__heap_release(struct ks__heap *heap);
/* Make room for `count` nodes in all, so that pushes cannot fail. */
ks_status ks__heap_reserve(struct ks__heap *heap, size_t count);

/* KS_ENOMEM leaves the heap as it was. The node must be in no heap. */
ks_status ks__heap_push(struct ks__heap *heap, struct ks__heap_node *node);
/* The first node, or NULL; it stays. */
struct ks__heap_node *ks__heap_peek(const struct ks__heap *heap);
/* The first node, or NULL; it leaves. */
struct ks__heap_node *ks__heap_pop(struct ks__heap *heap);
/* The node's order has changed: move it to its new place. */
void ks__heap_fix(struct ks__heap *heap, struct ks__heap_node *node);
/* Take a node out from wherever it is; fine when it is in no heap. */
void ks__heap_remove(struct ks__heap *heap, struct ks__heap_node *node);

#endif
