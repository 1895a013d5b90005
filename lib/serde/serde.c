/* SPDX-License-Identifier: Apache-2.0
 *
 * serde.c - the built-in serdes, identity, and the check of bytes.
 */
#include "serde/serde.h"

#include "serde/windowed_key.h"

#include <string.h>

#define BUILT_IN(identifier, kind_, name_, size_)                        \
    static const ks_serde identifier = {                                 \
        .kind = (kind_), .name = (name_), .size = (size_),               \
        .literal = "ks_serde_" name_ "()", .as_is = true                 \
    }

BUILT_IN(serde_bytes, KS__SERDE_BYTES, "bytes", 0);
BUILT_IN(serde_utf8, KS__SERDE_UTF8, "utf8", 0);
BUILT_IN(serde_i32, KS__SERDE_I32, "i32", 4);
BUILT_IN(serde_i64, KS__SERDE_I64, "i64", 8);
BUILT_IN(serde_f32, KS__SERDE_F32, "f32", 4);
BUILT_IN(serde_f64, KS__SERDE_F64, "f64", 8);

const ks_serde *ks_serde_bytes(void)
{
    return &serde_bytes;
}

const ks_serde *ks_serde_utf8(void)
{
    return &serde_utf8;
}

const ks_serde *ks_serde_i32(void)
{
    return &serde_i32;
}

const ks_serde *ks_serde_i64(void)
{
    return &serde_i64;
}

const ks_serde *ks_serde_f32(void)
{
    return &serde_f32;
}

const ks_serde *ks_serde_f64(void)
{
    return &serde_f64;
}

void ks__serde_init_user(ks_serde *serde, const ks_serde_class *class)
{
    *serde = (ks_serde){ .kind    = KS__SERDE_USER,
                         .name    = class->name,
                         .literal = class->name,
                         .as_is   = true,
                         .user    = *class };
}

/* ---- identity ---- */

bool ks__serde_equal(const ks_serde *a, const ks_serde *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind)
        return false;
    if (a->inner != NULL || b->inner != NULL)
        return a->window_ms == b->window_ms && ks__serde_equal(a->inner, b->inner);
    return a->size == b->size && strcmp(a->name, b->name) == 0;
}

bool ks__serde_fits(const ks_serde *a, const ks_serde *b)
{
    return a == NULL || b == NULL || ks__serde_equal(a, b);
}

bool ks__serde_reads_alike(const ks_serde *a, const ks_serde *b)
{
    return ks__serde_fits(a, b) &&
           (a == NULL || b == NULL || (a->plain == NULL) == (b->plain == NULL));
}

const ks_serde *ks__serde_plain(const ks_serde *serde)
{
    return serde != NULL && serde->plain != NULL ? serde->plain : serde;
}

bool ks__serde_is_windowed(const ks_serde *serde)
{
    return serde != NULL &&
           (serde->kind == KS__SERDE_WINDOWED || serde->kind == KS__SERDE_SESSION);
}

bool ks__serde_is_local(const ks_serde *serde)
{
    if (serde == NULL)
        return false;
    if (ks__serde_is_windowed(serde))
        return ks__serde_is_local(serde->inner);
    return serde->kind == KS__SERDE_STRUCT && !serde->as_is;
}

const char *ks_serde_name(const ks_serde *serde)
{
    return serde != NULL ? serde->name : serde_bytes.name;
}

/* ---- check ---- */

/* Count the bytes of the UTF-8 sequence at `p`, at most `left` long; 0 = not well-formed. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    static const unsigned smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned              code;
    size_t                length;

    if (p[0] < 0x80)
        return 1;
    length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || length > left)
        return 0;
    code = p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return length;
}

static bool is_utf8(ks_bytes bytes)
{
    const unsigned char *p    = bytes.data;
    size_t               left = bytes.size;

    while (left > 0) {
        size_t length = utf8_sequence(p, left);

        if (length == 0)
            return false;
        p += length;
        left -= length;
    }
    return true;
}

bool ks_serde_check(const ks_serde *serde, ks_bytes bytes)
{
    ks_bytes  inner;
    ks_window window;

    if (bytes.data == NULL || serde == NULL)
        return true;
    switch (serde->kind) {
    case KS__SERDE_UTF8:
        return is_utf8(bytes);
    case KS__SERDE_WINDOWED:
    case KS__SERDE_SESSION:
        return ks__windowed_key_read(serde, bytes, &inner, &window) &&
               ks_serde_check(serde->inner, inner);
    case KS__SERDE_USER:
        return serde->user.check == NULL || serde->user.check(&bytes, serde->user.user);
    default:
        return serde->size == 0 || serde->size == bytes.size;
    }
}
