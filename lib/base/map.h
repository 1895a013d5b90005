/* SPDX-License-Identifier: Apache-2.0
 *
 * map.h - the ordered map of byte keys that the layers of every store are made of.
 *
 *      hash table  [hash,entry][hash,entry]...      get and put in O(1), no order needed
 *      list        oldest <-> ... <-> newest        order of first insertion
 *      tree        left / entry / right             order of key bytes, only once asked for
 *      blocks      [entry payload key|value|...]    all memory of the map, forgotten by clear
 *
 * An entry is {header, payload of fixed size, key bytes} in one piece that never moves. The order
 * is lazy: until the first ordered access an insert touches only hash table and list; the first
 * ordered access threads all entries into a tree (no allocation, cannot fail), which is kept up
 * to date until clear.
 *
 * Invariants
 *   M1  Keys are unique and ordered as unsigned bytes, a proper prefix first.
 *   M2  A removed entry is found by nobody, but its memory (key and payload too) and every
 *       retired piece stay valid and unchanged until ks__map_purge(): inside a record nothing is
 *       freed or moved.
 *   M3  Any walk survives any insert and removal between two of its steps, also the removal of
 *       the entry it stands on. An entry inserted behind the present place is seen; who must not
 *       see it compares `sequence` with ks__map_sequence() at the start.
 *   M4  clear() costs O(blocks + slots) and keeps the memory for the next round.
 *   M5  Nothing in a map points at the map: swap is an exchange of two structs.
 *
 * Not here: layers, tombstones, flags (state/), which live in the payload.
 * Threads: one owner.
 */
#ifndef KS_BASE_MAP_H
#define KS_BASE_MAP_H

#include "base/alloc.h"

#include <kstream/bytes.h>
#include <kstream/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The payload follows at ks__map_payload(), 16-aligned. Read-only but for the payload. What a get
 * looks at is last, beside payload and key bytes: two lines of the processor's cache. */
struct ks__map_entry {
    uint64_t              sequence;         /* n-th insertion into this map since init        */
    struct ks__map_entry *older, *newer;    /* the list; a removed entry stays until purge    */
    struct ks__map_entry *left, *right, *parent;
    ks_bytes              key;
    uint64_t              hash;
    bool                  removed;
};

struct ks__map_slot {
    uint64_t              hash;
    struct ks__map_entry *entry;            /* NULL = free                                    */
};

struct ks__map_block;
struct ks__map_piece;

#define KS__MAP_CLASSES 64                  /* pieces up to 1 KiB, in steps of 16 bytes       */

struct ks__map {
    struct ks__map_slot  *slots;            /* power of two, at most 5/8 full                 */
    size_t                mask;             /* slots - 1                                      */
    size_t                slot_capacity;    /* slots that the array really has                */
    size_t                count;            /* live entries                                   */
    size_t                payload_bytes;    /* rounded to 16                                  */
    struct ks__map_entry *oldest, *newest;
    struct ks__map_entry *root;
    struct ks__map_entry *graveyard;        /* removed, linked through `left`                 */
    struct ks__map_piece *retired;          /* given back, not yet reusable                   */
    struct ks__map_piece *free_pieces[KS__MAP_CLASSES + 1];
    struct ks__map_block *blocks;           /* oldest first                                   */
    struct ks__map_block *present;
    struct ks__map_block *large;            /* pieces above 1 KiB, one block each             */
    uint8_t              *next, *end;       /* free part of the present block                 */
    uint64_t              sequence;
    size_t                used_bytes;       /* pieces in use or waiting for purge             */
    size_t                held_bytes;       /* all memory of the map                          */
    bool                  ordered;          /* the tree exists                                */
};

/* `payload_bytes` of zeroed memory per entry. Allocates nothing yet. */
void ks__map_init(struct ks__map *map, size_t payload_bytes);
void ks__map_release(struct ks__map *map);

/* Hash of a key, good for all maps of the process: compute once, ask several layers. */
uint64_t ks__map_hash(ks_bytes key);

/* The entry of the key, or NULL. */
struct ks__map_entry *ks__map_get(const struct ks__map *map, ks_bytes key);
struct ks__map_entry *ks__map_get_hashed(const struct ks__map *map, ks_bytes key, uint64_t hash);

/* Look ahead: first ask for the place of the hash in the table, some records later for the entry
 * there, so that the get after them finds both in the processor's cache. The second gives the
 * entry, NULL = none; its key is not compared. Maps that fit in the cache are left alone. */
static inline void ks__map_prefetch(const struct ks__map *map, uint64_t hash)
{
    if (map->mask >= 4096)
        __builtin_prefetch(&map->slots[hash & map->mask]);
}
static inline struct ks__map_entry *ks__map_prefetch_entry(const struct ks__map *map, uint64_t hash)
{
    const struct ks__map_slot *slot;

    if (map->mask < 4096)
        return NULL;
    for (size_t i = hash & map->mask;; i = (i + 1) & map->mask) {
        slot = &map->slots[i];
        if (slot->entry == NULL || slot->hash == hash)
            break;
    }
    if (slot->entry != NULL) {
        __builtin_prefetch(&slot->entry->key);
        __builtin_prefetch((const char *)&slot->entry->key + 64);
    }
    return slot->entry;
}

/* Find the entry, or insert one with a copy of the key and a zeroed payload; `*inserted` (may be
 * NULL) says which. NULL = no memory, nothing changed. */
struct ks__map_entry *ks__map_put(struct ks__map *map, ks_bytes key, bool *inserted);
struct ks__map_entry *ks__map_put_hashed(struct ks__map *map, ks_bytes key, uint64_t hash,
                                         bool *inserted);

/* Take the entry out (M2). It must be live. */
void ks__map_remove(struct ks__map *map, struct ks__map_entry *entry);
/* Make it the newest of the insertion order; its sequence becomes new too. */
void ks__map_move_newest(struct ks__map *map, struct ks__map_entry *entry);

/* The payload of an entry. */
static inline void *ks__map_payload(const struct ks__map_entry *entry)
{
    return (void *)((uintptr_t)entry + ((sizeof(*entry) + 15) & ~(size_t)15));
}

/* A piece of the map's memory for values, 16-aligned; NULL = no memory. It lives until clear,
 * or the purge after it was retired with the same size. */
void *ks__map_alloc(struct ks__map *map, size_t size);
void ks__map_retire(struct ks__map *map, void *piece, size_t size);

/* End of the record: memory of removed entries and retired pieces may be used again. O(what was
 * removed). */
void ks__map_purge(struct ks__map *map);

/* Ordered access. NULL = no such entry. next and prev also accept a removed entry (not purged)
 * and go on from its key. */
struct ks__map_entry *ks__map_first(struct ks__map *map);
struct ks__map_entry *ks__map_last(struct ks__map *map);
struct ks__map_entry *ks__map_lower_bound(struct ks__map *map, ks_bytes key);   /* >= key     */
struct ks__map_entry *ks__map_upper_bound(struct ks__map *map, ks_bytes key);   /* >  key     */
struct ks__map_entry *ks__map_before(struct ks__map *map, ks_bytes key);        /* <  key     */
struct ks__map_entry *ks__map_at_or_before(struct ks__map *map, ks_bytes key);  /* <= key     */
struct ks__map_entry *ks__map_next(struct ks__map *map, const struct ks__map_entry *entry);
struct ks__map_entry *ks__map_prev(struct ks__map *map, const struct ks__map_entry *entry);

/* Insertion order, oldest first. `newer` also accepts a removed entry (not purged). */
struct ks__map_entry *ks__map_oldest(const struct ks__map *map);
struct ks__map_entry *ks__map_newer(const struct ks__map_entry *entry);

/* Number of the last insertion (M3). */
static inline uint64_t ks__map_sequence(const struct ks__map *map)
{
    return map->sequence;
}

static inline size_t ks__map_count(const struct ks__map *map)
{
    return map->count;
}

/* Bytes of entries, keys and values in use: what the bounds of a layer are measured in. */
static inline size_t ks__map_used_bytes(const struct ks__map *map)
{
    return map->used_bytes;
}

/* Forget everything, removed entries too. At most `keep_bytes` of memory stay for reuse. */
void ks__map_clear(struct ks__map *map, size_t keep_bytes);
/* Exchange the contents. */
void ks__map_swap(struct ks__map *one, struct ks__map *other);

/* Unsigned byte order, shorter first: < 0, 0, > 0. */
int ks__bytes_compare(ks_bytes one, ks_bytes other);

#endif
