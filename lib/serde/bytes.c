/* SPDX-License-Identifier: Apache-2.0
 *
 * bytes.c - making, comparing and reading bytes.
 *
 * Nothing here trusts an alignment: numbers are put together from single bytes.
 */
#include "base/buffer.h"

#include <kstream/bytes.h>

#include <string.h>

ks_bytes ks_bytes_text(const char *text)
{
    return text != NULL ? ks_bytes_of(text, strlen(text)) : KS_NULL;
}

ks_bytes ks_bytes_of(const void *data, size_t size)
{
    return (ks_bytes){ data, data != NULL ? size : 0 };
}

bool ks_bytes_is_null(ks_bytes b)
{
    return b.data == NULL;
}

bool ks_bytes_equal(ks_bytes a, ks_bytes b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == b.data;
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int ks_bytes_compare(ks_bytes a, ks_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int    order;

    if (a.data == NULL || b.data == NULL)
        return (a.data != NULL) - (b.data != NULL);
    order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.size > b.size) - (a.size < b.size);
}

/* ---- numbers ---- */

static bool has_size(ks_bytes b, size_t size)
{
    return b.data != NULL && b.size == size;
}

int32_t ks_bytes_i32(ks_bytes b, int32_t otherwise)
{
    return has_size(b, 4) ? (int32_t)ks__get_be32(b.data) : otherwise;
}

int64_t ks_bytes_i64(ks_bytes b, int64_t otherwise)
{
    return has_size(b, 8) ? (int64_t)ks__get_be64(b.data) : otherwise;
}

float ks_bytes_f32(ks_bytes b, float otherwise)
{
    uint32_t bits;
    float    number;

    if (!has_size(b, 4))
        return otherwise;
    bits = ks__get_be32(b.data);
    memcpy(&number, &bits, sizeof(number));
    return number;
}

double ks_bytes_f64(ks_bytes b, double otherwise)
{
    uint64_t bits;
    double   number;

    if (!has_size(b, 8))
        return otherwise;
    bits = ks__get_be64(b.data);
    memcpy(&number, &bits, sizeof(number));
    return number;
}

bool ks_bytes_read(void *object, size_t size, ks_bytes b)
{
    if (!has_size(b, size)) {
        memset(object, 0, size);
        return false;
    }
    memcpy(object, b.data, size);
    return true;
}

/* ---- texts ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool ks_bytes_word(ks_bytes *rest, ks_bytes *out)
{
    const char *p = rest->data;
    size_t      start = 0;
    size_t      end;

    *out = KS_NULL;
    while (start < rest->size && is_space(p[start]))
        start++;
    if (start == rest->size) {
        *rest = KS_NULL;
        return false;
    }
    for (end = start; end < rest->size && !is_space(p[end]);)
        end++;
    *out  = ks_bytes_of(p + start, end - start);
    *rest = ks_bytes_of(p + end, rest->size - end);
    return true;
}

bool ks_bytes_field(ks_bytes *rest, char separator, ks_bytes *out)
{
    const char *p = rest->data;
    const char *end;
    size_t      size;

    *out = KS_NULL;
    if (p == NULL)
        return false;
    end  = rest->size > 0 ? memchr(p, separator, rest->size) : NULL;
    size = end != NULL ? (size_t)(end - p) : rest->size;
    *out = ks_bytes_of(p, size);
    *rest = end != NULL ? ks_bytes_of(end + 1, rest->size - size - 1) : KS_NULL;
    return true;
}
