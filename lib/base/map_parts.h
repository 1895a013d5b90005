/* SPDX-License-Identifier: Apache-2.0
 *
 * map_parts.h - what the three files of the map (map.c, map_order.c, map_memory.c) tell each
 * other. For no one else.
 */
#ifndef KS_BASE_MAP_PARTS_H
#define KS_BASE_MAP_PARTS_H

#include "base/map.h"

/* An entry's header, rounded so that the payload behind it is 16-aligned. */
#define KS__MAP_ENTRY_BYTES ((sizeof(struct ks__map_entry) + 15) & ~(size_t)15)

/* Thread an entry into the tree, or take it out; the tree exists. */
void ks__map_order_add(struct ks__map *map, struct ks__map_entry *entry);
void ks__map_order_remove(struct ks__map *map, struct ks__map_entry *entry);

/* Make retired pieces usable again. */
void ks__map_memory_purge(struct ks__map *map);
/* Forget all pieces; keep blocks up to the bound. */
void ks__map_memory_clear(struct ks__map *map, size_t keep_bytes);

#endif
