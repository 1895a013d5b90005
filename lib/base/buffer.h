/* SPDX-License-Identifier: Apache-2.0
 *
 * buffer.h - a growable row of bytes, for keys, messages and texts under construction.
 *
 * Failure latches: after the first failed growth every append is ignored and `failed` is set, so
 * a writer appends straight through and checks once. Zero-initialised is a valid empty buffer.
 *
 * Threads: one owner.
 */
#ifndef KS_BASE_BUFFER_H
#define KS_BASE_BUFFER_H

#include "base/alloc.h"

#include <kstream/bytes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ks__buffer {
    uint8_t *data;
    size_t   size;
    size_t   capacity;
    bool     failed;        /* no memory once: the content is incomplete                      */
};

/* Forget content and failure, keep the memory. */
void ks__buffer_clear(struct ks__buffer *buffer);
/* Give the memory back; the buffer is empty and usable afterwards. */
void ks__buffer_release(struct ks__buffer *buffer);

/* Make room for `more` bytes behind the content; false = no memory (latched). */
bool ks__buffer_reserve(struct ks__buffer *buffer, size_t more);
/* Append `size` bytes and return where they start, for the caller to fill; NULL = latched. The
 * pointer is good until the next append. */
void *ks__buffer_extend(struct ks__buffer *buffer, size_t size);

void ks__buffer_append(struct ks__buffer *buffer, const void *data, size_t size);
void ks__buffer_append_bytes(struct ks__buffer *buffer, ks_bytes bytes);    /* null = nothing */
void ks__buffer_append_text(struct ks__buffer *buffer, const char *text);
void ks__buffer_append_u8(struct ks__buffer *buffer, uint8_t value);
void ks__buffer_append_be16(struct ks__buffer *buffer, uint16_t value);
void ks__buffer_append_be32(struct ks__buffer *buffer, uint32_t value);
void ks__buffer_append_be64(struct ks__buffer *buffer, uint64_t value);
/* Formatted text, without the terminator. */
void ks__buffer_printf(struct ks__buffer *buffer, const char *format, ...) KS__PRINTF(2, 3);
void ks__buffer_vprintf(struct ks__buffer *buffer, const char *format, va_list arguments)
    KS__PRINTF(2, 0);

/* The content, lent until the next append; never null. */
ks_bytes ks__buffer_bytes(const struct ks__buffer *buffer);
/* The content as text, terminated (the terminator is not counted), lent; NULL when failed. */
const char *ks__buffer_text(struct ks__buffer *buffer);
/* The content as text, for the caller to ks__free; the buffer is empty afterwards. NULL when
 * failed (the content is then dropped). */
char *ks__buffer_steal_text(struct ks__buffer *buffer);

/* Big-endian stores and loads at any address. */
static inline void ks__put_be16(void *at, uint16_t value)
{
    uint8_t *p = at;

    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void ks__put_be32(void *at, uint32_t value)
{
    ks__put_be16(at, (uint16_t)(value >> 16));
    ks__put_be16((uint8_t *)at + 2, (uint16_t)value);
}

static inline void ks__put_be64(void *at, uint64_t value)
{
    ks__put_be32(at, (uint32_t)(value >> 32));
    ks__put_be32((uint8_t *)at + 4, (uint32_t)value);
}

static inline uint16_t ks__get_be16(const void *at)
{
    const uint8_t *p = at;

    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t ks__get_be32(const void *at)
{
    const uint8_t *p = at;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t ks__get_be64(const void *at)
{
    return (uint64_t)ks__get_be32(at) << 32 | ks__get_be32((const uint8_t *)at + 4);
}

#endif
