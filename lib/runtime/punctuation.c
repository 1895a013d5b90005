/* SPDX-License-Identifier: Apache-2.0
 *
 * punctuation.c - heaps of schedules, and where the next point of a grid is.
 *
 * Not here: calling the user, keeping due times (task_punctuate.c).
 */
#include "runtime/punctuation.h"

#include "base/assert.h"
#include "window/window.h"

static const struct ks_punctuation *of(const struct ks__heap_node *node)
{
    return (const struct ks_punctuation *)(const void *)node; /* its first member */
}

static bool before(const struct ks__heap_node *one, const struct ks__heap_node *other)
{
    return of(one)->due_ms < of(other)->due_ms;
}

void ks__punctuations_init(struct ks__punctuations *all)
{
    *all = (struct ks__punctuations){ .all = NULL };
    ks__heap_init(&all->stream, before);
    ks__heap_init(&all->wall, before);
}

void ks__punctuations_release(struct ks__punctuations *all)
{
    ks__heap_release(&all->stream); /* first: it still knows its nodes */
    ks__heap_release(&all->wall);
    while (all->all != NULL) {
        ks_punctuation *gone = all->all;

        all->all = gone->next;
        ks__free(gone->kept);
        ks__free(gone);
    }
    ks__punctuations_init(all);
}

static struct ks__heap *heap_of(struct ks__punctuations *all, ks_time_kind kind)
{
    return kind == KS_STREAM_TIME ? &all->stream : &all->wall;
}

ks_punctuation *ks__punctuations_add(struct ks__punctuations *all, const ks_punctuation *model)
{
    ks_punctuation *punctuation = ks__memdup(model, sizeof(*model));

    if (punctuation != NULL) {
        punctuation->place    = (struct ks__heap_node){ 0 };
        if (ks__heap_push(heap_of(all, model->kind), &punctuation->place) == KS_OK) {
            punctuation->next = all->all;
            all->all          = punctuation;
            return punctuation;
        }
    }
    ks__free(model->kept);
    ks__free(punctuation);
    return NULL;
}

void ks__punctuations_cancel(struct ks__punctuations *all, ks_punctuation *punctuation)
{
    ks__heap_remove(heap_of(all, punctuation->kind), &punctuation->place);
    punctuation->due_ms = -1; /* none: the next process schedules anew (U3) */
    punctuation->moved  = true;
}

int64_t ks__punctuation_after(int64_t due_ms, int64_t interval_ms, int64_t now_ms)
{
    const int64_t missed = ks__time_sub(now_ms, due_ms) / interval_ms;

    if (missed >= ks__time_sub(INT64_MAX, due_ms) / interval_ms)
        return INT64_MAX;
    return due_ms + (missed + 1) * interval_ms;
}

ks_punctuation *ks__punctuations_take(struct ks__punctuations *all, ks_time_kind kind,
                                      int64_t now_ms)
{
    struct ks__heap      *heap = heap_of(all, kind);
    struct ks__heap_node *node = ks__heap_peek(heap);
    ks_punctuation       *punctuation;

    if (node == NULL || of(node)->due_ms > now_ms || of(node)->due_ms == INT64_MAX)
        return NULL;
    punctuation         = (ks_punctuation *)(void *)node;
    punctuation->due_ms = ks__punctuation_after(punctuation->due_ms, punctuation->interval_ms,
                                                now_ms);
    punctuation->moved  = true;
    ks__heap_remove(heap, node); /* out and in again: U4 */
    if (ks__heap_push(heap, node) != KS_OK)
        ks__unreachable(); /* there was room a moment ago */
    return punctuation;
}

int64_t ks__punctuations_due(const struct ks__punctuations *all, ks_time_kind kind)
{
    const struct ks__heap      *heap = kind == KS_STREAM_TIME ? &all->stream : &all->wall;
    const struct ks__heap_node *node = ks__heap_peek(heap);

    return node != NULL ? of(node)->due_ms : INT64_MAX;
}
