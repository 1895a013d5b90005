/* SPDX-License-Identifier: Apache-2.0
 *
 * values.h - the values of the cases: null, a string or an int64, and their bytes.
 *
 * A column (key or value of a step) has a type; bytes are read and written by it. Strings of a
 * value live in memory that the caller says (a callback's arena, or the heap while a case is
 * loaded).
 */
#ifndef CONFORMANCE_VALUES_H
#define CONFORMANCE_VALUES_H

#include <kstream/kstream.h>

enum type { TYPE_STRING = 1, TYPE_INT64, TYPE_WINDOWED };

enum shape { SHAPE_NULL = 0, SHAPE_STRING, SHAPE_INT64 };

struct value {
    enum shape shape;
    ks_bytes   text;
    int64_t    number;
};

/* TYPE_..., or 0 for an unknown name. */
enum type       type_of_name(const char *name);
const ks_serde *type_serde(enum type type);

struct value value_null(void);
struct value value_text(ks_bytes text);
struct value value_number(int64_t number);

/* Bytes to a value (the text points into the bytes) and back (into the arena of ctx). */
struct value value_read(ks_bytes bytes, enum type type);
ks_bytes     value_write(ks_ctx *ctx, struct value value);

/* FORMAT.md "show": null, decimal, itself. The text is in the arena or the value's own. */
ks_bytes value_show(ks_ctx *ctx, struct value value);
/* show() of a key, which may be windowed: key@start/end. */
ks_bytes key_show(ks_ctx *ctx, const ks_record *record, enum type type);

/* FORMAT.md "strict integer". */
bool strict_integer(ks_bytes text, int64_t *out);
bool text_is(ks_bytes text, const char *literal);
bool starts_with(ks_bytes text, ks_bytes prefix);
bool contains(ks_bytes text, ks_bytes part);

/* Concatenate into the arena; the pieces end with KS_NULL. */
ks_bytes join_texts(ks_ctx *ctx, const ks_bytes *pieces, size_t count);

#endif
