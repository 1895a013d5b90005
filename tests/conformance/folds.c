/* SPDX-License-Identifier: Apache-2.0
 *
 * folds.c - reducers and aggregators of the cases.
 */
#include "functions.h"

#include <string.h>

static bool is(const struct function *f, const char *name)
{
    return strcmp(f->name, name) == 0;
}

static int64_t number_of(struct value v)
{
    return v.shape == SHAPE_INT64 ? v.number : 0;
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* < 0 if a is smaller. Numbers as numbers; as soon as one is a string, both as shown. */
static int compare(ks_ctx *ctx, struct value a, struct value b)
{
    if (a.shape == SHAPE_INT64 && b.shape == SHAPE_INT64)
        return (a.number > b.number) - (a.number < b.number);
    return ks_bytes_compare(value_show(ctx, a), value_show(ctx, b));
}

/* min, max: null loses, the aggregate wins a tie. */
static struct value extreme(ks_ctx *ctx, struct value a, struct value v, bool smallest)
{
    if (a.shape == SHAPE_NULL || v.shape == SHAPE_NULL)
        return a.shape == SHAPE_NULL ? v : a;
    int order = compare(ctx, v, a);
    return (smallest ? order < 0 : order > 0) ? v : a;
}

/* Drop the first piece equal to `piece` from `text` split at `separator`; join the rest again. */
static ks_bytes without_first(ks_ctx *ctx, ks_bytes text, char separator, ks_bytes piece)
{
    char    *out  = ks_ctx_alloc(ctx, text.size + 1);
    size_t   used = 0;
    bool     dropped = false, any = false;
    ks_bytes rest = text, part;

    while (ks_bytes_field(&rest, separator, &part)) {
        if (!dropped && ks_bytes_equal(part, piece)) {
            dropped = true;
            continue;
        }
        if (any)
            out[used++] = separator;
        if (part.size > 0)
            memcpy(out + used, part.data, part.size);
        used += part.size;
        any = true;
    }
    return ks_bytes_of(out, used);
}

/* --- reducers --- */

bool is_reducer(const char *name)
{
    static const char *const names[] = { "sum", "minus",  "sumNullAtZero", "min", "max",
                                         "concat", "uncat", "last",        "first" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static struct value reduce(ks_ctx *ctx, const struct function *f, struct value a, struct value v)
{
    int64_t sum = plus(number_of(a), number_of(v));

    if (is(f, "sum"))
        return value_number(sum);
    if (is(f, "sumNullAtZero"))
        return sum == 0 ? value_null() : value_number(sum);
    if (is(f, "minus"))
        return value_number(minus(number_of(a), number_of(v)));
    if (is(f, "min") || is(f, "max"))
        return extreme(ctx, a, v, is(f, "min"));
    if (is(f, "last") || is(f, "first"))
        return is(f, "last") ? v : a;
    if (is(f, "uncat"))
        return value_text(without_first(ctx, value_show(ctx, a), '+', value_show(ctx, v)));
    return value_text(
        join_texts(ctx, (ks_bytes[]){ value_show(ctx, a), KS_TEXT("+"), value_show(ctx, v) }, 3));
}

ks_status call_reduce(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    const struct function *f = user;

    *acc = value_write(
        ctx, reduce(ctx, f, value_read(*acc, f->other), value_read(record->value, f->value)));
    return KS_OK;
}

ks_status call_unreduce(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    return call_reduce(ctx, record, acc, (struct function *)user + 1);
}

/* --- aggregators --- */

bool is_aggregator(const char *name)
{
    static const char *const names[] = { "count", "uncount", "sum", "minus", "sumLen", "minusLen",
                                         "min",   "max",     "concat", "tag", "remove", "lastN",
                                         "nullOn" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static ks_bytes text_or_empty(ks_ctx *ctx, struct value a)
{
    return a.shape == SHAPE_NULL ? KS_TEXT("") : value_show(ctx, a);
}

/* The last n pieces of the list with `shown`, one piece whatever it holds, behind it. */
static struct value last_n(ks_ctx *ctx, struct value a, ks_bytes shown, int64_t n)
{
    ks_bytes rest = value_show(ctx, a), piece;
    int64_t  count = 1;

    if (a.shape == SHAPE_NULL || rest.size == 0)
        return value_text(shown);
    for (ks_bytes left = rest; ks_bytes_field(&left, ',', &piece);)
        count++;
    for (; count > n && ks_bytes_field(&rest, ',', &piece);)
        count--;
    if (count == 1)
        return value_text(shown);
    return value_text(join_texts(ctx, (ks_bytes[]){ rest, KS_TEXT(","), shown }, 3));
}

static struct value aggregate_number(const struct function *f, struct value a, struct value v,
                                     int64_t length)
{
    int64_t before = number_of(a);

    if (is(f, "count"))
        return value_number(plus(before, 1));
    if (is(f, "uncount"))
        return value_number(minus(before, 1));
    if (is(f, "sum"))
        return value_number(plus(before, number_of(v)));
    if (is(f, "minus"))
        return value_number(minus(before, number_of(v)));
    return value_number(is(f, "sumLen") ? plus(before, length) : minus(before, length));
}

static struct value aggregate(ks_ctx *ctx, const struct function *f, struct value a, struct value v)
{
    ks_bytes shown = value_show(ctx, v), text = text_or_empty(ctx, a);

    if (is(f, "min") || is(f, "max"))
        return extreme(ctx, a, v, is(f, "min"));
    if (is(f, "nullOn") && ks_bytes_equal(shown, f->text))
        return value_null();
    if (is(f, "concat") || is(f, "nullOn"))
        return value_text(join_texts(ctx, (ks_bytes[]){ text, shown, KS_TEXT(",") }, 3));
    if (is(f, "tag"))
        return value_text(join_texts(
            ctx, (ks_bytes[]){ text, f->text, KS_TEXT(":"), shown, KS_TEXT(",") }, 5));
    if (is(f, "remove"))
        return value_text(without_first(ctx, text, ',', shown));
    if (is(f, "lastN"))
        return last_n(ctx, a, shown, f->number);
    return aggregate_number(f, a, v, (int64_t)shown.size);
}

ks_status call_aggregate(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    const struct function *f = user;

    *acc = value_write(
        ctx, aggregate(ctx, f, value_read(*acc, f->other), value_read(record->value, f->value)));
    return KS_OK;
}

ks_status call_unaggregate(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    return call_aggregate(ctx, record, acc, (struct function *)user + 1);
}

/* --- mergers --- */

bool is_merger(const char *name)
{
    return strcmp(name, "sum") == 0 || strcmp(name, "min") == 0 || strcmp(name, "max") == 0 ||
           strcmp(name, "concat") == 0;
}

ks_status call_merge(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
{
    const struct function *f = (struct function *)user + 1;
    struct value a = value_read(*acc, f->other), b = value_read(record->value, f->other);

    if (is(f, "min") || is(f, "max"))
        *acc = value_write(ctx, extreme(ctx, a, b, is(f, "min")));
    else if (is(f, "sum"))
        *acc = value_write(ctx, value_number(plus(number_of(a), number_of(b))));
    else
        *acc = join_texts(ctx, (ks_bytes[]){ text_or_empty(ctx, a), text_or_empty(ctx, b) }, 2);
    return KS_OK;
}
