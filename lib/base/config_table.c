/* SPDX-License-Identifier: Apache-2.0
 *
 * config_table.c - questions to the table itself: a row by name, the nearest name, Markdown.
 */
#include "base/config.h"

#include <string.h>

#define NAME_LIMIT 96           /* characters of a name that are compared                     */

int ks__config_find(const struct ks__config_table *table, const char *name)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* ---- nearest name ---- */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance: insertions, deletions, replacements. */
static size_t distance(const char *one, const char *other)
{
    size_t m = strnlen(one, NAME_LIMIT), n = strnlen(other, NAME_LIMIT);
    size_t row[NAME_LIMIT + 1];

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];

            row[j]   = least(above + 1, row[j - 1] + 1, diagonal + (one[i - 1] != other[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

const char *ks__config_nearest(const struct ks__config_table *table, const char *name)
{
    const char *best  = NULL;
    size_t      limit = strnlen(name, NAME_LIMIT) / 2;      /* farther is no likeness */

    for (size_t i = 0; i < table->former_count; i++)
        if (strcmp(table->formers[i].name, name) == 0)
            return table->formers[i].now;
    for (size_t i = 0; i < table->row_count; i++) {
        size_t d = distance(name, table->rows[i].name);

        if (d <= limit && (best == NULL || d < limit)) {
            best  = table->rows[i].name;
            limit = d;
        }
    }
    return best;
}

/* ---- Markdown ---- */

static const char *type_name(enum ks__config_type type)
{
    switch (type) {
    case KS__CONFIG_STRING:
        return "string";
    case KS__CONFIG_INT:
        return "int";
    case KS__CONFIG_DOUBLE:
        return "double";
    case KS__CONFIG_BOOL:
        return "bool";
    case KS__CONFIG_ENUM:
        return "enum";
    case KS__CONFIG_LIST:
        return "list";
    case KS__CONFIG_DURATION_MS:
        return "duration";
    case KS__CONFIG_BYTES:
        return "bytes";
    }
    return "?";
}

/* A bar would end the cell. */
static void append_cell(struct ks__buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            ks__buffer_append_u8(out, '\\');
        ks__buffer_append_u8(out, (uint8_t)*text);
    }
}

static void append_range(struct ks__buffer *out, const struct ks__config_row *row)
{
    bool has_range = row->min < row->max || row->min > 0 || row->max < 0;

    if (row->allowed != NULL)
        append_cell(out, row->allowed);
    else if (row->type == KS__CONFIG_BOOL)
        ks__buffer_append_text(out, "true, false");
    else if (has_range)
        ks__buffer_printf(out, "%.17g to %.17g", row->min, row->max);
}

void ks__config_to_markdown(const struct ks__config_table *table, struct ks__buffer *out)
{
    ks__buffer_append_text(out, "| name | type | default | allowed | meaning |\n"
                                "|---|---|---|---|---|\n");
    for (size_t i = 0; i < table->row_count; i++) {
        const struct ks__config_row *row = &table->rows[i];

        ks__buffer_printf(out, "| `%s` | %s | ", row->name, type_name(row->type));
        if (row->by_default != NULL && row->by_default[0] != '\0')
            append_cell(out, row->by_default);
        ks__buffer_append_text(out, " | ");
        append_range(out, row);
        ks__buffer_append_text(out, " | ");
        append_cell(out, row->doc);
        ks__buffer_append_text(out, " |\n");
    }
    if (table->prefix_count == 0)
        return;
    ks__buffer_append_text(out, "\n| prefix | meaning |\n|---|---|\n");
    for (size_t i = 0; i < table->prefix_count; i++) {
        ks__buffer_printf(out, "| `%s` | ", table->prefixes[i].prefix);
        append_cell(out, table->prefixes[i].doc);
        ks__buffer_append_text(out, " |\n");
    }
}
