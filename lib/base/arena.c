/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.c - chunks, large pieces and the reserve behind arena.h.
 *
 *      chunks ──> c0 ──> c1 ──> c2       `present` is being filled, those before it are full,
 *                        ^present        those behind it are empty and kept for later
 */
#include "base/arena.h"

#include "base/assert.h"

#include <string.h>

#if defined(KS__ASAN)
#include <sanitizer/asan_interface.h>
#endif

#define CHUNK_BYTES (16u * 1024u)
#define KEEP_BYTES  (1024u * 1024u)
#define RESERVE     (KS__ARENA_LEND_LIMIT + KS__ARENA_ALIGN)

struct ks__arena_chunk {
    struct ks__arena_chunk *next;
    size_t                  size;           /* of data                                        */
    _Alignas(16) uint8_t    data[];
};

/* ---- poison ---- */

static void poison(uint8_t *from, size_t size)
{
#if defined(KS_DEBUG)
    ks__arena_unpoison(from, size);
    memset(from, 0xDD, size);
#endif
#if defined(KS__ASAN)
    ASAN_POISON_MEMORY_REGION(from, size);
#endif
    (void)from, (void)size;
}

void ks__arena_unpoison(const void *p, size_t size)
{
#if defined(KS__ASAN)
    ASAN_UNPOISON_MEMORY_REGION(p, size);
#endif
    (void)p, (void)size;
}

/* ---- chunks ---- */

static struct ks__arena_chunk *chunk_new(struct ks__arena *arena, size_t size)
{
    struct ks__arena_chunk *chunk;

    if (size > SIZE_MAX - sizeof(*chunk))
        return NULL;
    chunk = ks__alloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->size = size;
    poison(chunk->data, size);
    arena->held_bytes += sizeof(*chunk) + size;
    return chunk;
}

static void chunk_free(struct ks__arena *arena, struct ks__arena_chunk *chunk)
{
    ks__arena_unpoison(chunk->data, chunk->size);
    arena->held_bytes -= sizeof(*chunk) + chunk->size;
    ks__free(chunk);
}

static void enter(struct ks__arena *arena, struct ks__arena_chunk *chunk)
{
    arena->present = chunk;
    arena->next    = chunk->data;
    arena->end     = chunk->data + chunk->size;
}

static void free_large_until(struct ks__arena *arena, const struct ks__arena_chunk *last)
{
    while (arena->large != last) {
        struct ks__arena_chunk *chunk = arena->large;

        arena->large = chunk->next;
        chunk_free(arena, chunk);
    }
}

/* ---- life ---- */

ks_status ks__arena_init(struct ks__arena *arena, size_t chunk_bytes, size_t keep_bytes)
{
    size_t size = chunk_bytes != 0 ? chunk_bytes : CHUNK_BYTES;

    *arena = (struct ks__arena){ .keep_bytes = keep_bytes != 0 ? keep_bytes : KEEP_BYTES };
    arena->chunk_bytes = (size + KS__ARENA_ALIGN - 1) & ~(size_t)(KS__ARENA_ALIGN - 1);
    arena->reserve     = ks__alloc(RESERVE);
    arena->chunks      = chunk_new(arena, arena->chunk_bytes);
    if (arena->reserve == NULL || arena->chunks == NULL) {
        ks__arena_release(arena);
        return KS_ENOMEM;
    }
    enter(arena, arena->chunks);
    return KS_OK;
}

void ks__arena_release(struct ks__arena *arena)
{
    free_large_until(arena, NULL);
    while (arena->chunks != NULL) {
        struct ks__arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        chunk_free(arena, chunk);
    }
    ks__free(arena->reserve);
    *arena = (struct ks__arena){ .next = NULL };
}

/* ---- pieces ---- */

/* A piece too big for a chunk gets a block of its own, so that chunks stay alike. */
static void *alloc_large(struct ks__arena *arena, size_t size)
{
    struct ks__arena_chunk *chunk = chunk_new(arena, size);

    if (chunk == NULL)
        return NULL;
    ks__arena_unpoison(chunk->data, size);
    chunk->next  = arena->large;
    arena->large = chunk;
    return chunk->data;
}

void *ks__arena_alloc_slow(struct ks__arena *arena, size_t size)
{
    struct ks__arena_chunk *next;

    if (size > arena->chunk_bytes / 4)
        return alloc_large(arena, size);
    next = arena->present->next;
    if (next == NULL) {
        next = chunk_new(arena, arena->chunk_bytes);
        if (next == NULL)
            return NULL;
        arena->present->next = next;
    }
    enter(arena, next);
    return ks__arena_alloc(arena, size);
}

void *ks__arena_lend(struct ks__arena *arena, size_t size)
{
    void    *piece = ks__arena_alloc(arena, size);
    size_t   rounded;
    uint8_t *start;

    if (piece != NULL || size > KS__ARENA_LEND_LIMIT)
        return piece;
    rounded = (size + KS__ARENA_ALIGN - 1) & ~(size_t)(KS__ARENA_ALIGN - 1);
    start   = arena->reserve + (-(uintptr_t)arena->reserve & (KS__ARENA_ALIGN - 1));
    if (arena->reserve_used + rounded > KS__ARENA_LEND_LIMIT)
        arena->reserve_used = 0;
    piece = start + arena->reserve_used;
    arena->reserve_used += rounded;
    arena->pressed = true;
    return piece;
}

void *ks__arena_zalloc(struct ks__arena *arena, size_t size)
{
    void *piece = ks__arena_alloc(arena, size);

    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

bool ks__arena_copy(struct ks__arena *arena, ks_bytes bytes, ks_bytes *out)
{
    void *piece = NULL;

    *out = (ks_bytes){ NULL, 0 };
    if (bytes.data == NULL)
        return true;
    piece = ks__arena_alloc(arena, bytes.size);
    if (piece == NULL)
        return false;
    if (bytes.size != 0)
        memcpy(piece, bytes.data, bytes.size);
    *out = (ks_bytes){ piece, bytes.size };
    return true;
}

/* ---- forget ---- */

/* Poison what was handed out of the chunks from `first` on, `next` being its old free byte. */
static void poison_since(struct ks__arena *arena, struct ks__arena_chunk *first, uint8_t *next)
{
#if defined(KS_DEBUG) || defined(KS__ASAN)
    for (struct ks__arena_chunk *chunk = first; chunk != NULL; chunk = chunk->next) {
        uint8_t *from = chunk == first ? next : chunk->data;
        uint8_t *to   = chunk == arena->present ? arena->next : chunk->data + chunk->size;

        poison(from, (size_t)(to - from));
        if (chunk == arena->present)
            break;
    }
#else
    (void)arena, (void)first, (void)next;
#endif
}

/* Give back the chunks behind the bound; the first always stays. */
static void trim(struct ks__arena *arena)
{
    struct ks__arena_chunk *last = arena->chunks;
    size_t                  kept = last->size;

    while (last->next != NULL && kept + last->next->size <= arena->keep_bytes) {
        last  = last->next;
        kept += last->size;
    }
    while (last->next != NULL) {
        struct ks__arena_chunk *chunk = last->next;

        last->next = chunk->next;
        chunk_free(arena, chunk);
    }
}

void ks__arena_reset(struct ks__arena *arena)
{
    if (arena->present != arena->chunks || arena->large != NULL || arena->pressed) {
        free_large_until(arena, NULL);
        poison_since(arena, arena->chunks, arena->chunks->data);
        if (arena->held_bytes > arena->keep_bytes)
            trim(arena);
        arena->reserve_used = 0;
        arena->pressed      = false;
    } else {
        poison_since(arena, arena->chunks, arena->chunks->data);
    }
    enter(arena, arena->chunks);
}

struct ks__arena_mark ks__arena_mark(const struct ks__arena *arena)
{
    return (struct ks__arena_mark){ arena->present, arena->large, arena->next };
}

void ks__arena_rewind(struct ks__arena *arena, struct ks__arena_mark mark)
{
    free_large_until(arena, mark.large);
    poison_since(arena, mark.present, mark.next);
    enter(arena, mark.present);
    arena->next = mark.next;
}

bool ks__arena_owns(const struct ks__arena *arena, const void *p)
{
    uintptr_t at = (uintptr_t)p;

    for (const struct ks__arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next) {
        const uint8_t *used = chunk == arena->present ? arena->next : chunk->data + chunk->size;

        if (at >= (uintptr_t)chunk->data && at < (uintptr_t)used)
            return true;
        if (chunk == arena->present)
            break;
    }
    for (const struct ks__arena_chunk *chunk = arena->large; chunk != NULL; chunk = chunk->next)
        if (at >= (uintptr_t)chunk->data && at < (uintptr_t)(chunk->data + chunk->size))
            return true;
    return at >= (uintptr_t)arena->reserve && at < (uintptr_t)(arena->reserve + RESERVE);
}
