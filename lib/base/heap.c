/* SPDX-License-Identifier: Apache-2.0
 *
 * heap.c - sift up, sift down.
 */
#include "base/heap.h"

#include "base/alloc.h"
#include "base/assert.h"

static void settle(struct ks__heap *heap, size_t i, struct ks__heap_node *node)
{
    heap->nodes[i] = node;
    node->place    = i + 1;
}

static void sift_up(struct ks__heap *heap, size_t i, struct ks__heap_node *node)
{
    while (i > 0 && heap->before(node, heap->nodes[(i - 1) / 2])) {
        settle(heap, i, heap->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    settle(heap, i, node);
}

static void sift_down(struct ks__heap *heap, size_t i, struct ks__heap_node *node)
{
    for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
        if (child + 1 < heap->count && heap->before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!heap->before(heap->nodes[child], node))
            break;
        settle(heap, i, heap->nodes[child]);
    }
    settle(heap, i, node);
}

void ks__heap_init(struct ks__heap *heap, ks__heap_before_fn *before)
{
    *heap = (struct ks__heap){ .before = before };
}

void ks__heap_release(struct ks__heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->place = 0;
    ks__free(heap->nodes);
    *heap = (struct ks__heap){ .before = heap->before };
}

ks_status ks__heap_reserve(struct ks__heap *heap, size_t count)
{
    return KS__GROW(&heap->nodes, &heap->capacity, count) ? KS_OK : KS_ENOMEM;
}

ks_status ks__heap_push(struct ks__heap *heap, struct ks__heap_node *node)
{
    ks__assert(node->place == 0);
    if (ks__heap_reserve(heap, heap->count + 1) != KS_OK)
        return KS_ENOMEM;
    sift_up(heap, heap->count++, node);
    return KS_OK;
}

struct ks__heap_node *ks__heap_peek(const struct ks__heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}

struct ks__heap_node *ks__heap_pop(struct ks__heap *heap)
{
    struct ks__heap_node *first = ks__heap_peek(heap);

    if (first != NULL)
        ks__heap_remove(heap, first);
    return first;
}

void ks__heap_fix(struct ks__heap *heap, struct ks__heap_node *node)
{
    size_t i = node->place - 1;

    ks__assert(node->place > 0 && heap->nodes[i] == node);
    if (i > 0 && heap->before(node, heap->nodes[(i - 1) / 2]))
        sift_up(heap, i, node);
    else
        sift_down(heap, i, node);
}

void ks__heap_remove(struct ks__heap *heap, struct ks__heap_node *node)
{
    struct ks__heap_node *last;

    if (node->place == 0)
        return;
    ks__assert(heap->nodes[node->place - 1] == node);
    last = heap->nodes[--heap->count];
    if (last != node) {
        settle(heap, node->place - 1, last);
        ks__heap_fix(heap, last);
    }
    node->place = 0;
}
