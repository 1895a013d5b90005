/* SPDX-License-Identifier: Apache-2.0
 *
 * map.c - hash table, insertion list and the calls that keep all parts of a map in step.
 *
 * The table is open addressing with linear probing and backward-shift deletion, so it holds no
 * tombstones. A slot carries the whole hash: a probe touches an entry only when the hash fits.
 *
 * Not here: the order (map_order.c), memory (map_memory.c).
 */
#include "base/map.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/map_parts.h"

#include <string.h>

#define FIRST_SLOTS 64u

/* ---- table ---- */

static bool too_full(const struct ks__map *map)
{
    return map->slots == NULL || (map->count + 1) * 8 > (map->mask + 1) * 5;
}

static void table_add(struct ks__map *map, struct ks__map_entry *entry)
{
    size_t i = entry->hash & map->mask;

    while (map->slots[i].entry != NULL)
        i = (i + 1) & map->mask;
    map->slots[i] = (struct ks__map_slot){ entry->hash, entry };
}

/* Twice as many slots; the old ones stay when there is no memory. */
static bool table_grow(struct ks__map *map)
{
    size_t               size = map->slots != NULL ? (map->mask + 1) * 2 : FIRST_SLOTS;
    struct ks__map_slot *old  = map->slots;
    struct ks__map_slot *slots;
    size_t               old_size = old != NULL ? map->mask + 1 : 0;

    slots = ks__alloc(size * sizeof(*slots));
    if (slots == NULL)
        return false;
    ks__alloc_large_pages(slots, size * sizeof(*slots));
    memset(slots, 0, size * sizeof(*slots));
    map->held_bytes += (size - map->slot_capacity) * sizeof(*slots);
    map->slots         = slots;
    map->mask          = size - 1;
    map->slot_capacity = size;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].entry != NULL)
            table_add(map, old[i].entry);
    ks__free(old);
    return true;
}

static void table_remove(struct ks__map *map, const struct ks__map_entry *entry)
{
    size_t hole = entry->hash & map->mask;

    while (map->slots[hole].entry != entry) {
        ks__assert(map->slots[hole].entry != NULL);
        hole = (hole + 1) & map->mask;
    }
    for (size_t i = (hole + 1) & map->mask; map->slots[i].entry != NULL; i = (i + 1) & map->mask) {
        size_t home = map->slots[i].hash & map->mask;

        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            map->slots[hole] = map->slots[i];
            hole             = i;
        }
    }
    map->slots[hole].entry = NULL;
}

/* Forget all entries. A table far too large for what it held is used by half next time, so that
 * one burst does not make every later clear dear. */
static void table_clear(struct ks__map *map)
{
    if (map->slots == NULL)
        return;
    memset(map->slots, 0, (map->mask + 1) * sizeof(*map->slots));
    if (map->count < (map->mask + 1) / 8 && map->mask + 1 > FIRST_SLOTS)
        map->mask /= 2;
}

/* ---- insertion list ---- */

static void list_add(struct ks__map *map, struct ks__map_entry *entry)
{
    entry->sequence = ++map->sequence;
    entry->older    = map->newest;
    entry->newer    = NULL;
    if (map->newest != NULL)
        map->newest->newer = entry;
    else
        map->oldest = entry;
    map->newest = entry;
}

static void list_remove(struct ks__map *map, struct ks__map_entry *entry)
{
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        map->oldest = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        map->newest = entry->older;
}

static struct ks__map_entry *skip_removed(struct ks__map_entry *entry)
{
    while (entry != NULL && entry->removed)
        entry = entry->newer;
    return entry;
}

struct ks__map_entry *ks__map_oldest(const struct ks__map *map)
{
    return skip_removed(map->oldest);
}

struct ks__map_entry *ks__map_newer(const struct ks__map_entry *entry)
{
    return skip_removed(entry->newer);
}

void ks__map_move_newest(struct ks__map *map, struct ks__map_entry *entry)
{
    ks__assert(!entry->removed);
    list_remove(map, entry);
    list_add(map, entry);
}

/* ---- life ---- */

void ks__map_init(struct ks__map *map, size_t payload_bytes)
{
    *map = (struct ks__map){ .payload_bytes = (payload_bytes + 15) & ~(size_t)15 };
}

void ks__map_release(struct ks__map *map)
{
    ks__map_memory_clear(map, 0);
    ks__free(map->slots);
    *map = (struct ks__map){ .payload_bytes = map->payload_bytes, .sequence = map->sequence };
}

void ks__map_clear(struct ks__map *map, size_t keep_bytes)
{
    if (map->slot_capacity * sizeof(*map->slots) > keep_bytes) {
        ks__map_release(map);
        return;
    }
    table_clear(map);
    ks__map_memory_clear(map, keep_bytes - map->slot_capacity * sizeof(*map->slots));
    map->count   = 0;
    map->oldest  = map->newest = NULL;
    map->root    = map->graveyard = NULL;
    map->ordered = false;
}

void ks__map_swap(struct ks__map *one, struct ks__map *other)
{
    struct ks__map swapped = *one;

    *one   = *other;
    *other = swapped;
}

/* ---- get, put, remove ---- */

uint64_t ks__map_hash(ks_bytes key)
{
    return ks__hash64(key.data, key.size, ks__hash_seed());
}

struct ks__map_entry *ks__map_get(const struct ks__map *map, ks_bytes key)
{
    return ks__map_get_hashed(map, key, ks__map_hash(key));
}

struct ks__map_entry *ks__map_get_hashed(const struct ks__map *map, ks_bytes key, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    for (size_t i = hash & map->mask;; i = (i + 1) & map->mask) {
        const struct ks__map_slot *slot = &map->slots[i];

        if (slot->entry == NULL)
            return NULL;
        if (slot->hash == hash && slot->entry->key.size == key.size &&
            (key.size == 0 || memcmp(slot->entry->key.data, key.data, key.size) == 0))
            return slot->entry;
    }
}

static struct ks__map_entry *entry_new(struct ks__map *map, ks_bytes key, uint64_t hash)
{
    struct ks__map_entry *entry;
    size_t                head = KS__MAP_ENTRY_BYTES + map->payload_bytes;
    uint8_t              *text;

    if (key.size > SIZE_MAX / 2)
        return NULL;
    entry = ks__map_alloc(map, head + key.size);
    if (entry == NULL)
        return NULL;
    memset(entry, 0, head);
    text = (uint8_t *)entry + head;
    if (key.size != 0)
        memcpy(text, key.data, key.size);
    entry->key  = (ks_bytes){ text, key.size };
    entry->hash = hash;
    return entry;
}

struct ks__map_entry *ks__map_put(struct ks__map *map, ks_bytes key, bool *inserted)
{
    return ks__map_put_hashed(map, key, ks__map_hash(key), inserted);
}

struct ks__map_entry *ks__map_put_hashed(struct ks__map *map, ks_bytes key, uint64_t hash,
                                         bool *inserted)
{
    struct ks__map_entry *entry = ks__map_get_hashed(map, key, hash);

    if (inserted != NULL)
        *inserted = false;
    if (entry != NULL)
        return entry;
    if (too_full(map) && !table_grow(map))
        return NULL;
    entry = entry_new(map, key, hash);
    if (entry == NULL)
        return NULL;
    table_add(map, entry);
    list_add(map, entry);
    map->count++;
    if (map->ordered)
        ks__map_order_add(map, entry);
    if (inserted != NULL)
        *inserted = true;
    return entry;
}

void ks__map_remove(struct ks__map *map, struct ks__map_entry *entry)
{
    ks__assert(!entry->removed);
    table_remove(map, entry);
    if (map->ordered)
        ks__map_order_remove(map, entry);
    map->count--;
    entry->removed = true;          /* it stays in the list, so that a walk can go on from it */
    entry->left    = map->graveyard;
    map->graveyard = entry;
}

void ks__map_purge(struct ks__map *map)
{
    while (map->graveyard != NULL) {
        struct ks__map_entry *entry = map->graveyard;

        map->graveyard = entry->left;
        list_remove(map, entry);
        ks__map_retire(map, entry, KS__MAP_ENTRY_BYTES + map->payload_bytes + entry->key.size);
    }
    ks__map_memory_purge(map);
}
