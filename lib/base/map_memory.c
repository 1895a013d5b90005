/* SPDX-License-Identifier: Apache-2.0
 *
 * map_memory.c - the memory of a map: blocks, size classes, large pieces.
 *
 *      blocks ──> 4 KiB ──> 8 KiB ──> ... ──> 8 MiB ──> 8 MiB      bumped, oldest first
 *      free_pieces[n]       pieces of 16 n bytes given back        reused before bumping
 *      large                one block per piece above 1 KiB        freed when purged
 *
 * Invariants
 *   P1  A retired piece keeps its bytes until purge: it is linked through the head in front of
 *       it (struct ks__map_piece), never through itself.
 */
#include "base/map_parts.h"

#include "base/assert.h"

#include <stdint.h>
#include <string.h>

#define FIRST_BLOCK 4096u
#define LAST_BLOCK  (8u * 1024u * 1024u)
#define CLASS_LIMIT (KS__MAP_CLASSES * 16u)

struct ks__map_block {
    struct ks__map_block *next;
    struct ks__map_block *previous;         /* large pieces only                              */
    size_t                size;             /* of data                                        */
    size_t                unused;           /* keeps data 16-aligned behind the header        */
    uint8_t               data[];
};

/* In front of every piece: 16 bytes, so that a retired piece can be linked without touching what
 * readers may still look at. */
struct ks__map_piece {
    struct ks__map_piece *next;
    size_t                size;             /* rounded, without this head                     */
};

_Static_assert(sizeof(struct ks__map_piece) == 16, "pieces stay 16-aligned");
_Static_assert(sizeof(struct ks__map_block) % 16 == 0, "blocks start 16-aligned");

/* ---- blocks ---- */

static struct ks__map_block *block_new(struct ks__map *map, size_t size)
{
    struct ks__map_block *block;

    if (size > SIZE_MAX - sizeof(*block))
        return NULL;
    block = ks__alloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    ks__alloc_large_pages(block, size);
    *block = (struct ks__map_block){ .size = size };
    map->held_bytes += sizeof(*block) + size;
    return block;
}

static void block_free(struct ks__map *map, struct ks__map_block *block)
{
    map->held_bytes -= sizeof(*block) + block->size;
    ks__free(block);
}

static void enter(struct ks__map *map, struct ks__map_block *block)
{
    map->present = block;
    map->next    = block != NULL ? block->data : NULL;
    map->end     = block != NULL ? block->data + block->size : NULL;
}

/* Go on to the next block kept, or a new one twice as large as the last. */
static bool next_block(struct ks__map *map)
{
    struct ks__map_block *block = map->present != NULL ? map->present->next : map->blocks;
    size_t                size  = FIRST_BLOCK;

    if (block == NULL) {
        if (map->present != NULL)
            size = map->present->size < LAST_BLOCK ? map->present->size * 2 : LAST_BLOCK;
        block = block_new(map, size);
        if (block == NULL)
            return false;
        if (map->present != NULL)
            map->present->next = block;
        else
            map->blocks = block;
    }
    enter(map, block);
    return true;
}

/* ---- pieces ---- */

static void *alloc_large(struct ks__map *map, size_t rounded)
{
    struct ks__map_block *block = block_new(map, sizeof(struct ks__map_piece) + rounded);
    struct ks__map_piece *piece;

    if (block == NULL)
        return NULL;
    block->next = map->large;
    if (map->large != NULL)
        map->large->previous = block;
    map->large = block;
    piece      = (struct ks__map_piece *)(void *)block->data;
    *piece     = (struct ks__map_piece){ NULL, rounded };
    map->used_bytes += sizeof(*piece) + rounded;
    return piece + 1;
}

static void free_large(struct ks__map *map, struct ks__map_piece *piece)
{
    struct ks__map_block *block =
        (struct ks__map_block *)(void *)((uint8_t *)piece - offsetof(struct ks__map_block, data));

    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        map->large = block->next;
    if (block->next != NULL)
        block->next->previous = block->previous;
    block_free(map, block);
}

void *ks__map_alloc(struct ks__map *map, size_t size)
{
    size_t                rounded = size != 0 ? (size + 15) & ~(size_t)15 : 16;
    size_t                whole   = rounded + sizeof(struct ks__map_piece);
    struct ks__map_piece *piece;

    if (size > SIZE_MAX / 2)
        return NULL;
    if (rounded > CLASS_LIMIT)
        return alloc_large(map, rounded);
    piece = map->free_pieces[rounded / 16];
    if (piece != NULL) {
        map->free_pieces[rounded / 16] = piece->next;
    } else {
        if ((size_t)(map->end - map->next) < whole && !next_block(map))
            return NULL;
        piece = (struct ks__map_piece *)(void *)map->next;
        map->next += whole;
    }
    *piece = (struct ks__map_piece){ NULL, rounded };
    map->used_bytes += whole;
    return piece + 1;
}

void ks__map_retire(struct ks__map *map, void *piece, size_t size)
{
    struct ks__map_piece *head = (struct ks__map_piece *)piece - 1;

    ks__assert(head->size == (size != 0 ? (size + 15) & ~(size_t)15 : 16));
    head->next   = map->retired;
    map->retired = head;
}

void ks__map_memory_purge(struct ks__map *map)
{
    while (map->retired != NULL) {
        struct ks__map_piece *piece = map->retired;

        map->retired = piece->next;
        map->used_bytes -= sizeof(*piece) + piece->size;
        if (piece->size > CLASS_LIMIT) {
            free_large(map, piece);
        } else {
            piece->next                        = map->free_pieces[piece->size / 16];
            map->free_pieces[piece->size / 16] = piece;
        }
    }
}

void ks__map_memory_clear(struct ks__map *map, size_t keep_bytes)
{
    struct ks__map_block **link = &map->blocks;
    size_t                 kept = 0;

    while (map->large != NULL) {
        struct ks__map_block *block = map->large;

        map->large = block->next;
        block_free(map, block);
    }
    while (*link != NULL && kept + (*link)->size <= keep_bytes) {
        kept += (*link)->size;
        link = &(*link)->next;
    }
    while (*link != NULL) {
        struct ks__map_block *block = *link;

        *link = block->next;
        block_free(map, block);
    }
    memset(map->free_pieces, 0, sizeof(map->free_pieces));
    map->retired    = NULL;
    map->used_bytes = 0;
    enter(map, NULL);
}
