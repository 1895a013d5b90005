/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.h - memory for one record: bump, use, forget all at once.
 *
 *      chunks   [used|used|..free]  [free........]  [free........]     kept over resets, bounded
 *      large    [one block][one block]                                 freed by reset
 *      reserve  [...............64 KiB + slack]                        only when malloc fails
 *
 * Invariants
 *   R1  Every piece is 16-aligned and stays valid until reset, or rewind to an older mark.
 *   R2  ks__arena_lend() up to KS__ARENA_LEND_LIMIT never returns NULL: with the heap exhausted
 *       the reserve serves it and `pressed` is set. Once the reserve is spent it is handed out
 *       again from its start: memory-safe, but pieces may then overlap, which is why a pressed
 *       record must fail. So the engine itself uses ks__arena_alloc() and checks.
 *   R3  After reset the old bytes are poisoned in debug builds (KS_DEBUG: filled with 0xDD) and
 *       under AddressSanitizer (a touch is reported).
 *
 * Threads: one owner.
 */
#ifndef KS_BASE_ARENA_H
#define KS_BASE_ARENA_H

#include "base/alloc.h"

#include <kstream/bytes.h>
#include <kstream/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define KS__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KS__ASAN 1
#endif
#endif

#define KS__ARENA_ALIGN      16u
#define KS__ARENA_LEND_LIMIT (64u * 1024u)      /* API: up to here ks_ctx_alloc never fails     */

struct ks__arena_chunk;

struct ks__arena {
    uint8_t                *next;           /* first free byte of the present chunk           */
    uint8_t                *end;
    struct ks__arena_chunk *present;        /* the chunk being filled                         */
    struct ks__arena_chunk *chunks;         /* all ordinary chunks, oldest first              */
    struct ks__arena_chunk *large;          /* pieces of their own, newest first              */
    uint8_t                *reserve;        /* KS__ARENA_RESERVE bytes                        */
    size_t                  reserve_used;
    size_t                  chunk_bytes;    /* size of an ordinary chunk                      */
    size_t                  keep_bytes;     /* chunks kept over a reset, as a sum             */
    size_t                  held_bytes;     /* all chunks and large pieces now                */
    bool                    pressed;        /* the reserve was used since the last reset      */
};

/* A place to return to. */
struct ks__arena_mark {
    struct ks__arena_chunk *present;
    struct ks__arena_chunk *large;
    uint8_t                *next;
};

/* `chunk_bytes` 0 = 16 KiB, `keep_bytes` 0 = 1 MiB. Allocates the reserve and the first chunk;
 * KS_ENOMEM leaves an arena that may be released. */
ks_status ks__arena_init(struct ks__arena *arena, size_t chunk_bytes, size_t keep_bytes);
void ks__arena_release(struct ks__arena *arena);    /* zeroed or released before is fine      */

/* The slow path of ks__arena_alloc: next chunk, or a large piece. */
void *ks__arena_alloc_slow(struct ks__arena *arena, size_t size);

/* Tell AddressSanitizer, when it is there, that the bytes are in use. */
void ks__arena_unpoison(const void *p, size_t size);

/* `size` bytes, 16-aligned, not initialised; NULL = no memory. Size 0 gives a valid pointer. */
static inline void *ks__arena_alloc(struct ks__arena *arena, size_t size)
{
    size_t   rounded = (size + KS__ARENA_ALIGN - 1) & ~(size_t)(KS__ARENA_ALIGN - 1);
    uint8_t *piece   = arena->next;

    if (rounded < size || rounded > (size_t)(arena->end - piece))
        return ks__arena_alloc_slow(arena, size);
    arena->next = piece + rounded;
#if defined(KS__ASAN)
    ks__arena_unpoison(piece, size);
#endif
    return piece;
}

/* For user callbacks: as ks__arena_alloc, but see R2. NULL only above the limit. */
void *ks__arena_lend(struct ks__arena *arena, size_t size);

/* All zero. */
void *ks__arena_zalloc(struct ks__arena *arena, size_t size);
/* A copy; null bytes stay null. `out->data` NULL with `bytes.data` set = no memory: false. */
bool ks__arena_copy(struct ks__arena *arena, ks_bytes bytes, ks_bytes *out);

/* Forget everything. Chunks up to keep_bytes stay; `pressed` is cleared. */
void ks__arena_reset(struct ks__arena *arena);

/* Remember, and forget all pieces taken since. Marks nest; reset invalidates them. */
struct ks__arena_mark ks__arena_mark(const struct ks__arena *arena);
void ks__arena_rewind(struct ks__arena *arena, struct ks__arena_mark mark);

/* True when `p` points into a piece of this arena that was handed out (debug checks). */
bool ks__arena_owns(const struct ks__arena *arena, const void *p);

#endif
