/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.c - looking things up in a compiled topology, counting its references, its stamp.
 */
#include "topology/graph.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "serde/serde.h"
#include "topology/owned.h"

#include <stdio.h>
#include <string.h>

struct ks_topology *ks__topology_ref(const struct ks_topology *topology)
{
    /* The count is the only part of a topology that changes. */
    struct ks_topology *mutable_topology = (struct ks_topology *)(uintptr_t)topology;

    if (topology != NULL)
        atomic_fetch_add_explicit(&mutable_topology->references, 1, memory_order_relaxed);
    return mutable_topology;
}

void ks_topology_free(ks_topology *topology)
{
    if (topology == NULL ||
        atomic_fetch_sub_explicit(&topology->references, 1, memory_order_acq_rel) > 1)
        return;
    ks__arena_release(&topology->arena);
    ks__owned_release(topology->owned);
    ks_topology_free(topology->whole);
    ks__free(topology);
}

const ks_error *ks_topology_error(const ks_topology *topology)
{
    static const ks_error none = { .status = KS_ENOMEM, .message = "there is no topology" };

    return topology != NULL ? &topology->error : &none;
}

/* ---- look-up ---- */

const struct ks__node *ks__topology_node(const struct ks_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->node_count; i++)
        if (strcmp(topology->nodes[i]->name, name) == 0)
            return topology->nodes[i];
    return NULL;
}

const struct ks__store_spec *ks__topology_store(const struct ks_topology *topology,
                                                const char *name)
{
    for (size_t i = 0; i < topology->store_count; i++)
        if (strcmp(topology->stores[i]->name, name) == 0)
            return topology->stores[i];
    return NULL;
}

int ks__topology_store_home(const struct ks_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->global_count; i++)
        if (strcmp(topology->globals[i].store->name, name) == 0)
            return -1;
    for (size_t i = 0; i < topology->subtopology_count; i++)
        for (size_t k = 0; k < topology->subtopologies[i].store_count; k++)
            if (strcmp(topology->subtopologies[i].stores[k]->name, name) == 0)
                return (int)i;
    return -2;
}

/* ---- stamp ---- */

static void append_store(struct ks__buffer *text, const struct ks__store_spec *store)
{
    ks__buffer_printf(text, "%s|%d|%s|%s|%d", store->name, (int)store->kind,
                      store->key != NULL ? store->key->name : "?",
                      store->value != NULL ? store->value->name : "?", (int)store->plain);
    /* What decides where a row lies. */
    if (store->kind == KS__STORE_WINDOW || store->kind == KS__STORE_SESSION)
        ks__buffer_printf(text, "|%lld|%d|%d", (long long)store->retention_ms,
                          (int)store->duplicates, (int)store->by_time);
    if (store->sliced)
        ks__buffer_append_text(text, "|sliced");
    if (store->cut != NULL)
        ks__buffer_printf(text, "|%s", store->cut);
    if (store->ttl_ms > 0) /* its rows have an index; how long they live may change */
        ks__buffer_append_text(text, "|ttl");
    if (store->max_rows > 0) /* they have an order of use; how many may change */
        ks__buffer_append_text(text, "|lru");
    ks__buffer_append_u8(text, '\n');
}

void ks__topology_hash(const struct ks_topology *topology, int subtopology, char out[33])
{
    struct ks__buffer text = { 0 };
    uint8_t           hash[16];

    if (subtopology >= 0 && (size_t)subtopology < topology->subtopology_count) {
        const struct ks__subtopology *part = &topology->subtopologies[subtopology];

        for (size_t i = 0; i < part->store_count; i++)
            append_store(&text, part->stores[i]);
    } else {
        for (size_t i = 0; i < topology->global_count; i++)
            append_store(&text, topology->globals[i].store);
    }
    /* Without memory the stamp is of what fitted: it may differ, then the state is rebuilt. */
    ks__hash128(text.data, text.size, hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    ks__buffer_release(&text);
}
