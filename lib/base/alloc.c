/* SPDX-License-Identifier: Apache-2.0
 *
 * alloc.c - the allocator table, its two implementations, and the helpers above it.
 */
#include "base/alloc.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- malloc ---- */

static void *system_resize(void *user, void *p, size_t size)
{
    (void)user;
    if (size == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, size);
}

static struct ks__allocator allocator = { system_resize, NULL };

void ks__allocator_set(const struct ks__allocator *table)
{
    static const struct ks__allocator system = { system_resize, NULL };

    allocator = table != NULL ? *table : system;
}

/* ---- probe: malloc with a count and a planned failure ---- */

static bool probe_refuses(struct ks__alloc_probe *probe)
{
    uint64_t number = atomic_fetch_add(&probe->requests, 1) + 1;

    if (probe->fail_at == 0 || number < probe->fail_at)
        return false;
    if (number > probe->fail_at && !probe->fail_all_after)
        return false;
    atomic_fetch_add(&probe->failed, 1);
    return true;
}

static void *probe_resize(void *user, void *p, size_t size)
{
    struct ks__alloc_probe *probe = user;
    size_t                  before = p != NULL ? malloc_usable_size(p) : 0;
    void                   *grown;

    if (size == 0) {
        if (p != NULL)
            atomic_fetch_sub(&probe->live_blocks, 1);
        atomic_fetch_sub(&probe->live_bytes, (int_fast64_t)before);
        free(p);
        return NULL;
    }
    if (size > before && probe_refuses(probe))
        return NULL;
    grown = realloc(p, size);
    if (grown == NULL)
        return NULL;
    if (p == NULL)
        atomic_fetch_add(&probe->live_blocks, 1);
    atomic_fetch_add(&probe->live_bytes,
                     (int_fast64_t)malloc_usable_size(grown) - (int_fast64_t)before);
    return grown;
}

void ks__alloc_probe_install(struct ks__alloc_probe *probe)
{
    ks__allocator_set(&(struct ks__allocator){ probe_resize, probe });
}

/* ---- blocks ---- */

#define BLOCK_LIMIT (SIZE_MAX / 2)      /* more is a slip in arithmetic, not a wish */

void *ks__alloc(size_t size)
{
    return ks__resize(NULL, size);
}

void *ks__zalloc(size_t size)
{
    void *p = ks__alloc(size);

    if (p != NULL)
        memset(p, 0, size);
    return p;
}

void *ks__zalloc_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return ks__zalloc(count * size);
}

void *ks__resize(void *p, size_t size)
{
    if (size > BLOCK_LIMIT)
        return NULL;
    return allocator.resize(allocator.user, p, size != 0 ? size : 1);
}

void ks__free(void *p)
{
    if (p != NULL)
        allocator.resize(allocator.user, p, 0);
}

bool ks__grow(void *items, size_t *capacity, size_t needed, size_t item_size)
{
    size_t wanted = *capacity;
    void  *array;
    void  *grown;

    if (needed <= *capacity)
        return true;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2 / item_size)
            return false;
        wanted = wanted != 0 ? wanted * 2 : 8;
    }
    memcpy(&array, items, sizeof(array));       /* items is a T **, whatever T is */
    grown = ks__resize(array, wanted * item_size);
    if (grown == NULL)
        return false;
    memcpy(items, &grown, sizeof(grown));
    *capacity = wanted;
    return true;
}

/* ---- large pages ---- */

#define LARGE_PAGE ((uintptr_t)2 * 1024 * 1024)

void ks__alloc_large_pages(void *p, size_t size)
{
    uintptr_t from = ((uintptr_t)p + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    uintptr_t to   = ((uintptr_t)p + size) & ~(LARGE_PAGE - 1);

    if (size >= LARGE_PAGE && from < to)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE); /* a kernel without: as before */
}

/* ---- copies and texts ---- */

char *ks__strdup(const char *text)
{
    return text != NULL ? ks__memdup(text, strlen(text) + 1) : NULL;
}

char *ks__strndup(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char  *copy   = ks__alloc(length + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *ks__memdup(const void *data, size_t size)
{
    void *copy = ks__alloc(size);

    if (copy != NULL && size != 0)
        memcpy(copy, data, size);
    return copy;
}

char *ks__format(const char *format, ...)
{
    va_list arguments;
    char   *text;

    va_start(arguments, format);
    text = ks__vformat(format, arguments);
    va_end(arguments);
    return text;
}

char *ks__vformat(const char *format, va_list arguments)
{
    va_list again;
    char   *text;
    int     length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return NULL;
    text = ks__alloc((size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}
