/* SPDX-License-Identifier: Apache-2.0
 *
 * owned.h - what a builder and the topologies built from it share: memory and objects handed over.
 *
 *      builder ----+
 *      topology ---+--> owned {references, arena, objects}     gone with the last of them
 *      topology ---+
 *
 * The arena holds names, handles and arguments of operators, all written by the builder's thread
 * and never changed afterwards where a topology points at them.
 *
 * Invariants
 *   OW1  destroy(object) runs exactly once, newest object first, when the last reference goes.
 *
 * Threads: references from any; everything else is the builder's.
 */
#ifndef KS_TOPOLOGY_OWNED_H
#define KS_TOPOLOGY_OWNED_H

#include "base/arena.h"

#include <stdatomic.h>

struct ks__owned_object;

struct ks__owned {
    atomic_int               references;
    struct ks__arena         arena;
    struct ks__owned_object *objects;
};

/* One reference; NULL = no memory. */
struct ks__owned *ks__owned_new(void);
struct ks__owned *ks__owned_ref(struct ks__owned *owned);
void ks__owned_release(struct ks__owned *owned);
/* False = no memory, the object is not taken. */
bool ks__owned_add(struct ks__owned *owned, void *object, void (*destroy)(void *object));
/* A copy of a text or of memory in the arena; NULL = no memory (or a NULL text). */
char *ks__owned_text(struct ks__owned *owned, const char *text);
void *ks__owned_copy(struct ks__owned *owned, const void *data, size_t size);

#endif
