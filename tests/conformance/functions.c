/* SPDX-License-Identifier: Apache-2.0
 *
 * functions.c - value functions, key functions, predicates, flat functions and joiners of the
 * cases.
 *
 * Not here: reducers and aggregators (folds.c).
 */
#include "functions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct function function_parse(const char *spec, enum type key, enum type value, enum type other)
{
    const char     *colon = strchr(spec, ':');
    const size_t    size  = colon != NULL ? (size_t)(colon - spec) : strlen(spec);
    struct function f     = { .key = key, .value = value, .other = other };

    snprintf(f.name, sizeof(f.name), "%.*s", (int)size, spec);
    if (colon != NULL) {
        f.text = ks_bytes_text(colon + 1);
        f.number = strtoll(colon + 1, NULL, 10);
    }
    return f;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static bool is(const struct function *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

/* --- value functions --- */

bool is_value_function(const char *name)
{
    static const char *const names[] = {
        "identity", "const", "constInt", "nullTo", "nullToInt", "show", "keyColonValue", "key",
        "null", "upper", "lower", "length", "prefix", "suffix", "parseInt", "toStr", "add", "mul",
        "mod", "nullIf", "field", "firstWord", NULL
    };
    return is_one_of(name, names);
}

static ks_bytes change_case(ks_ctx *ctx, ks_bytes text, bool upper)
{
    char *out = ks_ctx_alloc(ctx, text.size + 1);

    for (size_t i = 0; i < text.size; i++) {
        char c = ((const char *)text.data)[i];
        if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z')
            c ^= 0x20;
        out[i] = c;
    }
    return ks_bytes_of(out, text.size);
}

/* Field `index` of show(v) split at commas; null if there is none. */
static struct value field_of(ks_ctx *ctx, struct value v, int64_t index)
{
    ks_bytes rest, field;

    if (v.shape == SHAPE_NULL)
        return value_null();
    rest = value_show(ctx, v);
    for (int64_t i = 0; ks_bytes_field(&rest, ',', &field); i++)
        if (i == index)
            return value_text(field);
    return value_null();
}

/* Words are split at single spaces, not at every white space. */
static bool next_word(ks_bytes *rest, ks_bytes *word)
{
    while (ks_bytes_field(rest, ' ', word))
        if (word->size > 0)
            return true;
    return false;
}

static struct value first_word(ks_ctx *ctx, struct value v)
{
    ks_bytes rest = value_show(ctx, v), word;

    return v.shape != SHAPE_NULL && next_word(&rest, &word) ? value_text(word) : value_null();
}

/* The functions that see null. */
static bool apply_total(ks_ctx *ctx, const struct function *f, const ks_record *record,
                        struct value v, struct value *out)
{
    if (is(f, "identity"))
        *out = v;
    else if (is(f, "const"))
        *out = value_text(f->text);
    else if (is(f, "constInt"))
        *out = value_number(f->number);
    else if (is(f, "nullTo"))
        *out = v.shape == SHAPE_NULL ? value_text(f->text) : v;
    else if (is(f, "nullToInt"))
        *out = v.shape == SHAPE_NULL ? value_number(f->number) : v;
    else if (is(f, "show"))
        *out = value_text(value_show(ctx, v));
    else if (is(f, "keyColonValue"))
        *out = value_text(join_texts(
            ctx,
            (ks_bytes[]){ key_show(ctx, record, f->key), KS_TEXT(":"), value_show(ctx, v) }, 3));
    else if (is(f, "key"))
        *out = record->key.data == NULL ? value_null()
                                        : value_text(key_show(ctx, record, f->key));
    else if (is(f, "null"))
        *out = value_null();
    else
        return false;
    return true;
}

static int64_t floor_mod(int64_t a, int64_t n)
{
    int64_t rest = n == 0 ? 0 : a % n;

    return rest != 0 && (rest < 0) != (n < 0) ? rest + n : rest;
}

static struct value apply_number(const struct function *f, struct value v)
{
    uint64_t a = (uint64_t)v.number, n = (uint64_t)f->number;

    if (is(f, "add"))
        return value_number((int64_t)(a + n));
    if (is(f, "mul"))
        return value_number((int64_t)(a * n));
    return value_number(floor_mod(v.number, f->number));
}

struct value apply_value(ks_ctx *ctx, const struct function *f, const ks_record *record)
{
    struct value v = value_read(record->value, f->value), out;
    ks_bytes     text;
    int64_t      number;

    if (apply_total(ctx, f, record, v, &out))
        return out;
    if (v.shape == SHAPE_NULL)
        return v;
    text = value_show(ctx, v);
    if (is(f, "upper") || is(f, "lower"))
        return value_text(change_case(ctx, text, is(f, "upper")));
    if (is(f, "length"))
        return value_number((int64_t)text.size);
    if (is(f, "prefix"))
        return value_text(join_texts(ctx, (ks_bytes[]){ f->text, text }, 2));
    if (is(f, "suffix"))
        return value_text(join_texts(ctx, (ks_bytes[]){ text, f->text }, 2));
    if (is(f, "parseInt"))
        return value_number(strict_integer(text, &number) ? number : 0);
    if (is(f, "toStr"))
        return value_text(text);
    if (is(f, "nullIf"))
        return ks_bytes_equal(text, f->text) ? value_null() : v;
    if (is(f, "field"))
        return field_of(ctx, v, f->number);
    if (is(f, "firstWord"))
        return first_word(ctx, v);
    return apply_number(f, v);
}

/* --- key functions --- */

bool is_key_function(const char *name)
{
    static const char *const names[] = { "identity",     "const",
                                         "null",         "upper",
                                         "prefix",       "firstChar",
                                         "fromValue",    "fromValueFirstWord",
                                         "fromValueFirstChar", "fromField",
                                         "windowShow",   "windowKey",
                                         "windowStart",  NULL };
    return is_one_of(name, names);
}

/* The first code point of a UTF-8 text. */
static ks_bytes first_char(ks_bytes text)
{
    size_t size = text.size > 0;

    while (size < text.size && (((const unsigned char *)text.data)[size] & 0xC0) == 0x80)
        size++;
    return ks_bytes_of(text.data, size);
}

static struct value key_from_value(ks_ctx *ctx, const struct function *f, struct value v)
{
    if (v.shape == SHAPE_NULL)
        return value_null();
    if (is(f, "fromValue"))
        return value_text(value_show(ctx, v));
    if (is(f, "fromValueFirstWord"))
        return first_word(ctx, v);
    if (is(f, "fromValueFirstChar"))
        return value_text(first_char(value_show(ctx, v)));
    return field_of(ctx, v, f->number);
}

static struct value key_from_window(ks_ctx *ctx, const struct function *f, const ks_record *record)
{
    if (is(f, "windowKey") || record->window == NULL)
        return value_text(record->key);
    if (is(f, "windowShow"))
        return value_text(key_show(ctx, record, f->key));
    return value_text(ks_ctx_text(ctx, "%" PRId64, record->window->start_ms));
}

struct value apply_key(ks_ctx *ctx, const struct function *f, const ks_record *record)
{
    struct value key = value_read(record->key, f->key);

    if (strncmp(f->name, "from", 4) == 0)
        return key_from_value(ctx, f, value_read(record->value, f->value));
    if (strncmp(f->name, "window", 6) == 0)
        return key_from_window(ctx, f, record);
    if (is(f, "identity"))
        return key;
    if (is(f, "const"))
        return value_text(f->text);
    if (is(f, "null") || key.shape == SHAPE_NULL)
        return value_null();
    if (is(f, "upper"))
        return value_text(change_case(ctx, key.text, true));
    if (is(f, "prefix"))
        return value_text(join_texts(ctx, (ks_bytes[]){ f->text, key.text }, 2));
    return value_text(first_char(key.text));
}

/* --- predicates --- */

bool is_predicate(const char *name)
{
    static const char *const names[] = { "always", "never",    "valueNull",    "valueNotNull",
                                         "keyNull", "keyNotNull", "isEven",    "gt",
                                         "lt",     "startsWith", "contains",   "lenGt",
                                         "keyIs",  "keyStartsWith", NULL };
    return is_one_of(name, names);
}

static bool holds_for_value(ks_ctx *ctx, const struct function *f, struct value v)
{
    ks_bytes text = value_show(ctx, v);

    if (v.shape == SHAPE_NULL)
        return false;
    if (is(f, "isEven"))
        return v.number % 2 == 0;
    if (is(f, "gt"))
        return v.number > f->number;
    if (is(f, "lt"))
        return v.number < f->number;
    if (is(f, "startsWith"))
        return starts_with(text, f->text);
    if (is(f, "contains"))
        return contains(text, f->text);
    return (int64_t)text.size > f->number;
}

bool call_predicate(ks_ctx *ctx, const ks_record *record, void *user)
{
    const struct function *f = user;

    if (is(f, "always") || is(f, "never"))
        return is(f, "always");
    if (is(f, "valueNull") || is(f, "valueNotNull"))
        return (record->value.data == NULL) == is(f, "valueNull");
    if (is(f, "keyNull") || is(f, "keyNotNull"))
        return (record->key.data == NULL) == is(f, "keyNull");
    if (is(f, "keyIs"))
        return record->key.data != NULL && ks_bytes_equal(record->key, f->text);
    if (is(f, "keyStartsWith"))
        return record->key.data != NULL && starts_with(record->key, f->text);
    return holds_for_value(ctx, f, value_read(record->value, f->value));
}

/* --- callbacks of single records --- */

ks_status call_map_values(ks_ctx *ctx, ks_record *record, void *user)
{
    record->value = value_write(ctx, apply_value(ctx, user, record));
    return KS_OK;
}

ks_status call_map(ks_ctx *ctx, ks_record *record, void *user)
{
    const struct function *pair = user;
    ks_bytes               key  = value_write(ctx, apply_key(ctx, &pair[0], record));

    record->value = value_write(ctx, apply_value(ctx, &pair[1], record));
    record->key   = key;
    return KS_OK;
}

ks_status call_select(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    *io = value_write(ctx, apply_key(ctx, user, record));
    return KS_OK;
}

ks_status call_select_of_pair(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    return call_select(ctx, record, io, (struct function *)user);
}

/* --- flat functions --- */

bool is_flat_value_function(const char *name)
{
    static const char *const names[] = { "splitWords", "splitComma", "repeat", "twice",
                                         "upTo",       "none",       NULL };
    return is_one_of(name, names);
}

bool is_flat_function(const char *name)
{
    static const char *const names[] = { "wordsAsKeys", "wordsWithKey", "fieldsAsKeys", "dup",
                                         "none",        NULL };
    return is_one_of(name, names);
}

static void repeat(ks_ctx *ctx, const struct function *f, struct value v)
{
    ks_bytes text = value_show(ctx, v);

    for (int64_t i = 0; i < f->number; i++)
        ks_ctx_forward_value(ctx, ks_ctx_text(ctx, "%.*s#%" PRId64, KS_BYTES_ARG(text), i));
}

ks_status call_flat_values(ks_ctx *ctx, const ks_record *record, void *user)
{
    const struct function *f = user;
    struct value           v = value_read(record->value, f->value);
    ks_bytes               rest = v.shape == SHAPE_NULL ? KS_NULL : value_show(ctx, v), piece;

    if (is(f, "splitWords"))
        while (next_word(&rest, &piece))
            ks_ctx_forward_value(ctx, piece);
    else if (is(f, "splitComma"))
        while (ks_bytes_field(&rest, ',', &piece))
            ks_ctx_forward_value(ctx, piece);
    else if (is(f, "repeat"))
        repeat(ctx, f, v);
    else if (is(f, "twice"))
        for (int i = 0; i < 2; i++)
            ks_ctx_forward_value(ctx, record->value);
    else if (is(f, "upTo") && v.shape == SHAPE_INT64)
        for (int64_t i = 0; i < v.number && i < 10; i++)
            ks_ctx_forward_value(ctx, ks_ctx_i64(ctx, i));
    return KS_OK;
}

static void duplicate(ks_ctx *ctx, const ks_record *record)
{
    ks_record copy = *record;

    ks_ctx_forward(ctx, &copy);
    if (copy.key.data != NULL)
        copy.key = join_texts(ctx, (ks_bytes[]){ KS_TEXT("copy-"), record->key }, 2);
    ks_ctx_forward(ctx, &copy);
}

ks_status call_flat(ks_ctx *ctx, const ks_record *record, void *user)
{
    const struct function *f    = user;
    struct value           v    = value_read(record->value, f->value);
    ks_bytes               rest = v.shape == SHAPE_NULL ? KS_NULL : value_show(ctx, v), piece;
    ks_record              out  = *record;

    if (is(f, "wordsAsKeys") || is(f, "wordsWithKey"))
        while (next_word(&rest, &piece)) {
            out.key = piece;
            if (is(f, "wordsWithKey"))
                out.value = record->key.data == NULL ? KS_NULL : key_show(ctx, record, f->key);
            ks_ctx_forward(ctx, &out);
        }
    else if (is(f, "fieldsAsKeys"))
        while (ks_bytes_field(&rest, ',', &piece)) {
            out.key = piece;
            ks_ctx_forward(ctx, &out);
        }
    else if (is(f, "dup"))
        duplicate(ctx, record);
    return KS_OK;
}

/* --- joiners --- */

bool is_joiner(const char *name)
{
    static const char *const names[] = { "concat", "keyConcat",  "sum",            "left",
                                         "right",  "nullIfSame", "nullIfRightNull", NULL };
    return is_one_of(name, names);
}

ks_status call_join(ks_ctx *ctx, const ks_record *left, const ks_record *right, ks_bytes *out,
                    void *user)
{
    const struct function *f = user;
    struct value           l = value_read(left->value, f->value);
    struct value           r = value_read(right->value, f->other);
    ks_bytes               shown_left = value_show(ctx, l), shown_right = value_show(ctx, r);
    bool same = ks_bytes_equal(shown_left, shown_right);

    if (is(f, "sum"))
        *out = ks_ctx_i64(ctx, (int64_t)((uint64_t)(l.shape ? l.number : 0) +
                                         (uint64_t)(r.shape ? r.number : 0)));
    else if (is(f, "left") || is(f, "right"))
        *out = is(f, "left") ? left->value : right->value;
    else if ((is(f, "nullIfSame") && same) || (is(f, "nullIfRightNull") && !r.shape))
        *out = KS_NULL;
    else if (is(f, "keyConcat"))
        *out = join_texts(ctx,
                          (ks_bytes[]){ key_show(ctx, left, f->key), KS_TEXT(":"), shown_left,
                                        KS_TEXT("|"), shown_right },
                          5);
    else
        *out = join_texts(ctx, (ks_bytes[]){ shown_left, KS_TEXT("|"), shown_right }, 3);
    return KS_OK;
}

ks_status call_join_of_pair(ks_ctx *ctx, const ks_record *left, const ks_record *right,
                            ks_bytes *out, void *user)
{
    return call_join(ctx, left, right, out, (struct function *)user + 1);
}

ks_status call_foreign_of_pair(ks_ctx *ctx, const ks_record *record, ks_bytes *io, void *user)
{
    ks_record row = *record;

    row.key = KS_NULL;
    return call_select_of_pair(ctx, &row, io, user);
}
