/* SPDX-License-Identifier: Apache-2.0
 *
 * shape_text.c - a shape as text and back. The text is foreign: whatever it is, reading it ends in
 * a shape or an error that names the line.
 */
#include "topology/shape.h"

#include <string.h>

#define HEAD      "kstream shape 1"
#define LINES_MAX 100000

static const char *const field_names[KS__SHAPE_FIELDS] = {
    [KS__SHAPE_SUBTOPOLOGY] = "subtopology", [KS__SHAPE_STATE] = "state",
    [KS__SHAPE_KIND] = "kind",               [KS__SHAPE_KEY] = "key",
    [KS__SHAPE_VALUE] = "value",             [KS__SHAPE_LAYOUT] = "layout",
    [KS__SHAPE_CUT] = "cut",
    [KS__SHAPE_RETENTION] = "retention_ms",  [KS__SHAPE_HISTORY] = "history_ms",
    [KS__SHAPE_CHANGELOG] = "changelog",     [KS__SHAPE_FED_BY] = "fed_by",
    [KS__SHAPE_FROM] = "from",               [KS__SHAPE_OPERATOR] = "operator",
    [KS__SHAPE_PARTITIONS] = "partitions",   [KS__SHAPE_HOLDS] = "holds",
};

static const char *const subject_names[] = {
    [KS_DIFF_SUBTOPOLOGY] = "subtopology",
    [KS_DIFF_SOURCE]      = "source",
    [KS_DIFF_TOPIC]       = "topic",
    [KS_DIFF_STORE]       = "store",
};

/* ---- writing ---- */

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '%';
}

static void append_encoded(struct ks__buffer *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (is_plain((unsigned char)*text))
            ks__buffer_append_u8(out, (uint8_t)*text);
        else
            ks__buffer_printf(out, "%%%02x", (unsigned char)*text);
}

void ks__shape_write(const struct ks__shape *shape, struct ks__buffer *out)
{
    ks__buffer_append_text(out, HEAD "\n");
    for (size_t i = 0; i < shape->count; i++) {
        const struct ks__shape_item *item = &shape->items[i];

        ks__buffer_printf(out, "%s\t", subject_names[item->subject]);
        append_encoded(out, item->name);
        for (size_t k = 0; k < KS__SHAPE_FIELDS; k++)
            if (item->fields[k][0] != '\0') {
                ks__buffer_printf(out, "\t%s=", field_names[k]);
                append_encoded(out, item->fields[k]);
            }
        ks__buffer_append_u8(out, '\n');
    }
}

/* ---- reading ---- */

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A decoded copy; NULL = not so encoded, or no memory. */
static const char *decode(struct ks__shape *shape, const char *text, size_t size)
{
    char  *out = ks__arena_alloc(&shape->arena, size + 1);
    size_t used = 0;

    shape->no_memory = shape->no_memory || out == NULL;
    for (size_t i = 0; out != NULL && i < size; i++) {
        const bool coded = text[i] == '%';
        int        high, low;

        if (!coded && !is_plain((unsigned char)text[i]))
            return NULL;
        if (!coded) {
            out[used++] = text[i];
            continue;
        }
        high = size - i > 2 ? nibble(text[i + 1]) : -1;
        low  = size - i > 2 ? nibble(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high * 16 + low == 0)
            return NULL;
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    if (out != NULL)
        out[used] = '\0';
    return out;
}

static int index_of(const char *const *names, size_t count, const char *word, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (names[i] != NULL && strlen(names[i]) == size && memcmp(names[i], word, size) == 0)
            return (int)i;
    return -1;
}

/* "name=value" into the item; an unknown name is passed over. */
static bool read_field(struct ks__shape *shape, struct ks__shape_item *item, const char *text,
                       size_t size)
{
    const char *equals = memchr(text, '=', size);
    const char *value;
    size_t      name;
    int         field;

    if (equals == NULL)
        return false;
    name  = (size_t)(equals - text);
    value = decode(shape, equals + 1, size - name - 1);
    field = index_of(field_names, KS__SHAPE_FIELDS, text, name);
    if (value != NULL && field >= 0)
        item->fields[field] = value;
    return value != NULL;
}

static bool read_line(struct ks__shape *shape, const char *line, size_t size)
{
    const size_t           word    = strcspn(line, "\t\n");
    const int              subject = index_of(subject_names, KS_DIFF_STORE + 1, line, word);
    const char            *at      = line + word, *end = line + size, *name;
    struct ks__shape_item *item;
    size_t                 length;

    if (subject < 0 || at >= end || *at != '\t')
        return false;
    length = strcspn(at + 1, "\t\n");
    name   = decode(shape, at + 1, length);
    item   = name != NULL && length > 0
                 ? ks__shape_add(shape, (ks_diff_subject)subject, name) : NULL;
    if (item == NULL)
        return false;
    for (at += 1 + length; at < end; at += length) {
        at++; /* the tab */
        length = strcspn(at, "\t\n");
        if (!read_field(shape, item, at, length))
            return false;
    }
    return true;
}

static ks_status refuse(const struct ks__shape *shape, ks_error *error, size_t line)
{
    if (shape->no_memory)
        return ks__error_no_memory(error, "the shape of a topology");
    return ks__error_set(error, KS_ECORRUPT,
                         "line %zu of the text is not of a shape (KS_DESCRIBE_SHAPE)", line);
}

ks_status ks__shape_read(struct ks__shape *shape, const char *text, ks_error *error)
{
    *shape = (struct ks__shape){ .count = 0 };
    if (text == NULL)
        return ks__error_set(error, KS_EINVAL, "there is no text to compare with");
    if (ks__arena_init(&shape->arena, 0, 0) != KS_OK)
        return ks__error_no_memory(error, "the shape of a topology");
    for (size_t line = 1; *text != '\0'; line++) {
        const size_t size = strcspn(text, "\n");
        const bool   good = line == 1 ? size == strlen(HEAD) && memcmp(text, HEAD, size) == 0
                                      : line < LINES_MAX && read_line(shape, text, size);

        if (!good)
            return refuse(shape, error, line);
        text += size + (text[size] == '\n');
        if (*text == '\0')
            return KS_OK;
    }
    return refuse(shape, error, 1);
}
