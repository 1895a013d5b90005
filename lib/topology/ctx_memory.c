/* SPDX-License-Identifier: Apache-2.0
 *
 * ctx_memory.c - memory for user code, to the end of the record, and headers made of it.
 *
 * Invariants
 *   Y1  Up to KS__ARENA_LEND_LIMIT nothing here gives NULL: without memory the arena's reserve
 *       serves the call and the record fails with KS_ENOMEM when the callback returns.
 *   Y2  Pieces of the reserve may overlap, so copies are made with memmove().
 *
 * Threads: the task's.
 */
#include "base/headers.h"
#include "topology/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *lend(ks_ctx *ctx, size_t size)
{
    void *piece = ks__arena_lend(ctx->arena, size);

    if (piece == NULL || ctx->arena->pressed)
        ks__ctx_raise(ctx, KS_ENOMEM, "no memory for %zu bytes of the record", size);
    return piece;
}

void *ks_ctx_alloc(ks_ctx *ctx, size_t size)
{
    void *piece = lend(ctx, size);

    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

void *ks_ctx_edit(ks_ctx *ctx, ks_bytes *io, size_t size)
{
    const size_t   old   = io->data != NULL ? io->size : 0;
    const size_t   total = old > size ? old : size;
    unsigned char *piece = lend(ctx, total);

    if (piece == NULL)
        return NULL;
    if (old > 0)
        memmove(piece, io->data, old); /* Y2 */
    memset(piece + old, 0, total - old);
    *io = (ks_bytes){ piece, total };
    return piece;
}

ks_bytes ks_ctx_copy(ks_ctx *ctx, ks_bytes bytes)
{
    void *piece;

    if (bytes.data == NULL)
        return KS_NULL;
    piece = lend(ctx, bytes.size);
    if (piece == NULL)
        return KS_NULL;
    memmove(piece, bytes.data, bytes.size);
    return (ks_bytes){ piece, bytes.size };
}

ks_bytes ks_ctx_i32(ks_ctx *ctx, int32_t number)
{
    return ks_encode_i32(lend(ctx, sizeof(number)), number);
}

ks_bytes ks_ctx_i64(ks_ctx *ctx, int64_t number)
{
    return ks_encode_i64(lend(ctx, sizeof(number)), number);
}

ks_bytes ks_ctx_f32(ks_ctx *ctx, float number)
{
    return ks_encode_f32(lend(ctx, sizeof(number)), number);
}

ks_bytes ks_ctx_f64(ks_ctx *ctx, double number)
{
    return ks_encode_f64(lend(ctx, sizeof(number)), number);
}

ks_bytes ks_ctx_text(ks_ctx *ctx, const char *format, ...)
{
    va_list arguments;
    char   *piece;
    int     length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        ks__ctx_raise(ctx, KS_EINVAL, "ks_ctx_text(): the format does not fit its arguments");
        return KS_NULL;
    }
    piece = lend(ctx, (size_t)length + 1);
    if (piece == NULL)
        return KS_NULL;
    va_start(arguments, format);
    vsnprintf(piece, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return (ks_bytes){ piece, (size_t)length };
}

/* ---- headers ---- */

void ks_ctx_header_add(ks_ctx *ctx, ks_record *record, const char *name, ks_bytes value)
{
    const ks_headers  *before = record->headers;
    const size_t       count  = before != NULL ? before->count : 0;
    struct ks_headers *list;
    ks_bytes           copied_name;

    if (name == NULL) {
        ks__ctx_raise(ctx, KS_EINVAL, "a header needs a name");
        return;
    }
    list        = lend(ctx, sizeof(*list) + (count + 1) * sizeof(struct ks__header));
    copied_name = ks_ctx_copy(ctx, (ks_bytes){ name, strlen(name) + 1 });
    value       = ks_ctx_copy(ctx, value);
    if (ctx->error->status != KS_OK)
        return; /* the record fails; it keeps the list it had */
    list->count    = count + 1;
    list->capacity = 0;
    list->items    = (struct ks__header *)(void *)(list + 1);
    if (count > 0)
        memcpy(list->items, before->items, count * sizeof(*list->items));
    list->items[count].name  = copied_name.data;
    list->items[count].value = value;
    record->headers          = list;
}
