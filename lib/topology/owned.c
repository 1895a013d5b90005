/* SPDX-License-Identifier: Apache-2.0
 *
 * owned.c - the memory and objects that builder and topologies share.
 */
#include "topology/owned.h"

#include "base/alloc.h"

#include <string.h>

struct ks__owned_object {
    void *object;
    void (*destroy)(void *object);
    struct ks__owned_object *next;
};

struct ks__owned *ks__owned_new(void)
{
    struct ks__owned *owned = ks__zalloc(sizeof(*owned));

    if (owned == NULL)
        return NULL;
    if (ks__arena_init(&owned->arena, 0, 0) != KS_OK) {
        ks__arena_release(&owned->arena);
        ks__free(owned);
        return NULL;
    }
    atomic_init(&owned->references, 1);
    return owned;
}

struct ks__owned *ks__owned_ref(struct ks__owned *owned)
{
    atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
    return owned;
}

void ks__owned_release(struct ks__owned *owned)
{
    if (owned == NULL ||
        atomic_fetch_sub_explicit(&owned->references, 1, memory_order_acq_rel) > 1)
        return;
    while (owned->objects != NULL) {
        struct ks__owned_object *one = owned->objects;

        owned->objects = one->next;
        one->destroy(one->object);
        ks__free(one);
    }
    ks__arena_release(&owned->arena);
    ks__free(owned);
}

bool ks__owned_add(struct ks__owned *owned, void *object, void (*destroy)(void *object))
{
    struct ks__owned_object *one = ks__alloc(sizeof(*one));

    if (one == NULL)
        return false;
    *one           = (struct ks__owned_object){ object, destroy, owned->objects };
    owned->objects = one;
    return true;
}

void *ks__owned_copy(struct ks__owned *owned, const void *data, size_t size)
{
    void *copy = ks__arena_alloc(&owned->arena, size);

    if (copy != NULL && size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *ks__owned_text(struct ks__owned *owned, const char *text)
{
    return text != NULL ? ks__owned_copy(owned, text, strlen(text) + 1) : NULL;
}
