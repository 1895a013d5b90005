/* SPDX-License-Identifier: Apache-2.0
 *
 * alloc.h - the one door to the heap.
 *
 *      ks__alloc, ks__resize, ks__free ... ---> table of the process ---> malloc, or a probe
 *
 * Invariants
 *   A1  All memory of the library comes from here, so a test can fail the n-th request.
 *   A2  A size of 0 is served as 1: NULL always means "no memory".
 *   A3  A failed resize leaves the old block as it was.
 *
 * Threads: every function from any thread. The table is changed only while no other thread
 *          is inside the library.
 */
#ifndef KS_BASE_ALLOC_H
#define KS_BASE_ALLOC_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define KS__PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#define KS__MALLOC_LIKE         __attribute__((malloc, warn_unused_result))
#define KS__MUST_USE            __attribute__((warn_unused_result))
#else
#define KS__PRINTF(text, first)
#define KS__MALLOC_LIKE
#define KS__MUST_USE
#endif

/* The replaceable table. Blocks are aligned as malloc's. */
struct ks__allocator {
    /* p NULL: a new block; size 0: free p, return NULL; else resize p. NULL = no memory. */
    void *(*resize)(void *user, void *p, size_t size);
    void *user;
};

/* Replace the table of the process; NULL = malloc. Copies `table`. Blocks that live across
 * the change must be freeable by the new table (both built-in tables agree on that). */
void ks__allocator_set(const struct ks__allocator *table);

/* Give `size` bytes, not initialised; NULL = no memory. Free with ks__free. */
KS__MALLOC_LIKE void *ks__alloc(size_t size);
/* The same, all zero. */
KS__MALLOC_LIKE void *ks__zalloc(size_t size);
/* The same for an array: NULL also when count * size overflows. */
KS__MALLOC_LIKE void *ks__zalloc_array(size_t count, size_t size);
/* Resize as realloc does (p NULL = new); size 0 is taken as 1. NULL leaves `p` intact. */
KS__MUST_USE void *ks__resize(void *p, size_t size);
/* NULL is fine. */
void ks__free(void *p);

/* Ask for large pages under a block that will be read at random: from 2 MiB on that saves a good
 * part of the misses. The contents may be lost. */
void ks__alloc_large_pages(void *p, size_t size);

/* A copy of the text; NULL when `text` is NULL or there is no memory. */
KS__MUST_USE char *ks__strdup(const char *text);
/* A copy of at most `size` characters, terminated. */
KS__MUST_USE char *ks__strndup(const char *text, size_t size);
/* A copy of the bytes. */
KS__MUST_USE void *ks__memdup(const void *data, size_t size);
/* A new formatted text; NULL = no memory or a bad format. */
KS__MUST_USE char *ks__format(const char *format, ...) KS__PRINTF(1, 2);
KS__MUST_USE char *ks__vformat(const char *format, va_list arguments) KS__PRINTF(1, 0);

/* Make room for `needed` items of `item_size` bytes in a growable array: `*items` and
 * `*capacity` (in items) are replaced, by doubling. False = no memory, nothing changed.
 *
 *      if (!KS__GROW(&names, &capacity, count + 1))
 *          return KS_ENOMEM;
 */
KS__MUST_USE bool ks__grow(void *items, size_t *capacity, size_t needed, size_t item_size);
#define KS__GROW(items, capacity, needed) \
    ks__grow((items), (capacity), (needed), sizeof(**(items)))

/* A table over malloc for tests: counts requests and live blocks, and fails request number
 * `fail_at` (1 = the first; 0 = none), with `fail_all_after` also every later one. Frees never
 * fail. Zero the struct, then install. */
struct ks__alloc_probe {
    atomic_uint_fast64_t requests;          /* allocations and growing resizes so far         */
    atomic_int_fast64_t  live_blocks;       /* handed out and not yet freed                   */
    atomic_int_fast64_t  live_bytes;        /* as malloc rounds them                          */
    atomic_uint_fast64_t failed;            /* requests refused by the probe                  */
    uint64_t             fail_at;
    bool                 fail_all_after;
};

/* Make the probe the table of the process; it must stay in place until ks__allocator_set(). */
void ks__alloc_probe_install(struct ks__alloc_probe *probe);

#endif
