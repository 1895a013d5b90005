/* SPDX-License-Identifier: Apache-2.0
 *
 * values.c - see values.h.
 */
#include "values.h"

#include <inttypes.h>
#include <string.h>

enum type type_of_name(const char *name)
{
    if (strcmp(name, "string") == 0)
        return TYPE_STRING;
    if (strcmp(name, "int64") == 0)
        return TYPE_INT64;
    if (strcmp(name, "windowed") == 0)
        return TYPE_WINDOWED;
    return 0;
}

const ks_serde *type_serde(enum type type)
{
    if (type == TYPE_STRING)
        return ks_serde_utf8();
    return type == TYPE_INT64 ? ks_serde_i64() : NULL;
}

struct value value_null(void)
{
    return (struct value){ .shape = SHAPE_NULL };
}

struct value value_text(ks_bytes text)
{
    return text.data == NULL ? value_null()
                             : (struct value){ .shape = SHAPE_STRING, .text = text };
}

struct value value_number(int64_t number)
{
    return (struct value){ .shape = SHAPE_INT64, .number = number };
}

struct value value_read(ks_bytes bytes, enum type type)
{
    if (bytes.data == NULL)
        return value_null();
    return type == TYPE_INT64 ? value_number(ks_bytes_i64(bytes, INT64_MIN)) : value_text(bytes);
}

ks_bytes value_write(ks_ctx *ctx, struct value value)
{
    if (value.shape == SHAPE_INT64)
        return ks_ctx_i64(ctx, value.number);
    return value.shape == SHAPE_NULL ? KS_NULL : value.text;
}

ks_bytes value_show(ks_ctx *ctx, struct value value)
{
    if (value.shape == SHAPE_NULL)
        return KS_TEXT("null");
    if (value.shape == SHAPE_STRING)
        return value.text;
    return ks_ctx_text(ctx, "%" PRId64, value.number);
}

ks_bytes key_show(ks_ctx *ctx, const ks_record *record, enum type type)
{
    if (record->window == NULL || record->key.data == NULL)
        return value_show(ctx, value_read(record->key, type));
    return ks_ctx_text(ctx, "%.*s@%" PRId64 "/%" PRId64, KS_BYTES_ARG(record->key),
                       record->window->start_ms, record->window->end_ms);
}

bool strict_integer(ks_bytes text, int64_t *out)
{
    const char *at       = text.data;
    const char *end      = at + text.size;
    bool        negative = text.size > 0 && *at == '-';
    int64_t     number   = 0;

    at += negative;
    if (end - at < 1 || end - at > 18)
        return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        number = number * 10 + (*at - '0');
    }
    *out = negative ? -number : number;
    return true;
}

bool text_is(ks_bytes text, const char *literal)
{
    return text.data != NULL && text.size == strlen(literal) &&
           memcmp(text.data, literal, text.size) == 0;
}

bool starts_with(ks_bytes text, ks_bytes prefix)
{
    return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

bool contains(ks_bytes text, ks_bytes part)
{
    return part.size == 0 || memmem(text.data, text.size, part.data, part.size) != NULL;
}

ks_bytes join_texts(ks_ctx *ctx, const ks_bytes *pieces, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    char *out = ks_ctx_alloc(ctx, size + 1);
    char *at  = out;
    if (out == NULL)
        return KS_NULL;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].size > 0)
            memcpy(at, pieces[i].data, pieces[i].size);
        at += pieces[i].size;
    }
    return ks_bytes_of(out, size);
}
