/* SPDX-License-Identifier: Apache-2.0
 *
 * config.c - values by name and by row.
 *
 * Not here: from text to a checked value (config_parse.c), Markdown and the nearest name
 * (config_table.c).
 */
#include "base/config.h"

#include "base/assert.h"
#include "base/config_value.h"

#include <ctype.h>
#include <string.h>

/* ---- life ---- */

void ks__config_release(struct ks__config_values *values)
{
    for (size_t i = 0; values->values != NULL && i < values->table->row_count; i++)
        ks__config_value_release(&values->values[i]);
    for (size_t i = 0; i < values->pair_count; i++) {
        ks__free(values->pairs[i].name);
        ks__free(values->pairs[i].value);
    }
    ks__free(values->pairs);
    ks__free(values->values);
    *values = (struct ks__config_values){ .table = values->table, .error = values->error };
}

static ks_status set_default(struct ks__config_values *values, size_t row)
{
    const struct ks__config_row *rule = &values->table->rows[row];
    struct ks__config_value      value;
    ks_error                     error = { .status = KS_OK };
    ks_status                    status;

    status = ks__config_value_parse(&value, rule, rule->by_default, &error);
    ks__assert(status == KS_OK || status == KS_ENOMEM);     /* the table contradicts itself */
    if (status != KS_OK) {
        ks__error_copy(&values->error, &error);
        return status;
    }
    ks__config_value_release(&values->values[row]);
    values->values[row] = value;
    return KS_OK;
}

ks_status ks__config_init(struct ks__config_values *values, const struct ks__config_table *table)
{
    *values        = (struct ks__config_values){ .table = table };
    values->values = ks__zalloc_array(table->row_count, sizeof(*values->values));
    if (values->values == NULL)
        return ks__error_no_memory(&values->error, "configuration");
    for (size_t i = 0; i < table->row_count; i++)
        if (set_default(values, i) != KS_OK) {
            ks__config_release(values);
            return KS_ENOMEM;
        }
    return KS_OK;
}

ks_status ks__config_copy(struct ks__config_values *to, const struct ks__config_values *from)
{
    if (ks__config_init(to, from->table) != KS_OK)
        return KS_ENOMEM;
    if (from->values == NULL)
        ks__config_release(to);
    for (size_t i = 0; from->values != NULL && i < from->table->row_count; i++)
        if (from->values[i].is_set)
            ks__config_set(to, from->table->rows[i].name, from->values[i].text);
    for (size_t i = 0; i < from->pair_count; i++) {
        const struct ks__config_pair *pair = &from->pairs[i];
        char *name = ks__format("%s%s", from->table->prefixes[pair->prefix].prefix, pair->name);

        if (name == NULL)
            ks__error_no_memory(&to->error, "configuration");
        else
            ks__config_set(to, name, pair->value);
        ks__free(name);
    }
    if (to->error.status == KS_ENOMEM) {
        ks__config_release(to);
        return KS_ENOMEM;
    }
    ks__error_copy(&to->error, &from->error);
    return KS_OK;
}

/* ---- set ---- */

/* The pair of this name; NULL = not set before. */
static struct ks__config_pair *find_pair(struct ks__config_values *values, size_t prefix,
                                         const char *name)
{
    for (size_t i = 0; i < values->pair_count; i++)
        if (values->pairs[i].prefix == prefix && strcmp(values->pairs[i].name, name) == 0)
            return &values->pairs[i];
    return NULL;
}

static void drop_pair(struct ks__config_values *values, struct ks__config_pair *pair)
{
    size_t behind = values->pair_count - (size_t)(pair - values->pairs) - 1;

    ks__free(pair->name);
    ks__free(pair->value);
    memmove(pair, pair + 1, behind * sizeof(*pair));
    values->pair_count--;
}

static ks_status set_pair(struct ks__config_values *values, size_t prefix, const char *name,
                          const char *value)
{
    struct ks__config_pair *pair = find_pair(values, prefix, name);
    struct ks__config_pair  made = { .prefix = prefix };

    if (value == NULL) {
        if (pair != NULL)
            drop_pair(values, pair);
        return KS_OK;
    }
    made.value = ks__strdup(value);
    if (made.value != NULL && pair != NULL) {
        ks__free(pair->value);
        pair->value = made.value;
        return KS_OK;
    }
    made.name = ks__strdup(name);
    if (made.name == NULL || made.value == NULL ||
        !KS__GROW(&values->pairs, &values->pair_capacity, values->pair_count + 1)) {
        ks__free(made.name);
        ks__free(made.value);
        return ks__error_no_memory(&values->error, name);
    }
    values->pairs[values->pair_count++] = made;
    return KS_OK;
}

static ks_status set_row(struct ks__config_values *values, size_t row, const char *text)
{
    struct ks__config_value value;
    ks_status               status;

    if (text == NULL)
        return set_default(values, row);
    status = ks__config_value_parse(&value, &values->table->rows[row], text, &values->error);
    if (status != KS_OK)
        return status;
    value.is_set = true;
    ks__config_value_release(&values->values[row]);
    values->values[row] = value;
    return KS_OK;
}

ks_status ks__config_set(struct ks__config_values *values, const char *name, const char *value)
{
    const struct ks__config_table *table = values->table;
    const char                    *near;
    int                            row;

    if (name == NULL || name[0] == '\0')
        return ks__error_set(&values->error, KS_ECONFIG, "a property needs a name");
    if (values->values == NULL)
        return ks__error_no_memory(&values->error, name);
    row = ks__config_find(table, name);
    if (row >= 0)
        return set_row(values, (size_t)row, value);
    for (size_t i = 0; i < table->prefix_count; i++) {
        size_t length = strlen(table->prefixes[i].prefix);

        if (strncmp(name, table->prefixes[i].prefix, length) == 0 && name[length] != '\0')
            return set_pair(values, i, name + length, value);
    }
    near = ks__config_nearest(table, name);
    if (near == NULL)
        return ks__error_set(&values->error, KS_ECONFIG, "unknown property \"%s\"", name);
    return ks__error_set(&values->error, KS_ECONFIG,
                         "unknown property \"%s\"; did you mean \"%s\"?", name, near);
}

/* The text without blanks around it, terminated, to free; NULL = no memory. */
static char *trimmed(const char *from, size_t size)
{
    while (size > 0 && isspace((unsigned char)from[0]))
        from++, size--;
    while (size > 0 && isspace((unsigned char)from[size - 1]))
        size--;
    return ks__strndup(from, size);
}

ks_status ks__config_set_pair(struct ks__config_values *values, const char *pair)
{
    const char *equals = pair != NULL ? strchr(pair, '=') : NULL;
    char       *name, *value;
    ks_status   status;

    if (equals == NULL)
        return ks__error_set(&values->error, KS_ECONFIG, "\"%s\" is not of the form name=value",
                             pair != NULL ? pair : "");
    name  = trimmed(pair, (size_t)(equals - pair));
    value = trimmed(equals + 1, strlen(equals + 1));
    if (name == NULL || value == NULL)
        status = ks__error_no_memory(&values->error, "configuration");
    else
        status = ks__config_set(values, name, value);
    ks__free(name);
    ks__free(value);
    return status;
}

/* ---- get ---- */

static const struct ks__config_value *value_of(const struct ks__config_values *values, size_t row)
{
    ks__assert(values->values != NULL && row < values->table->row_count);
    return &values->values[row];
}

static enum ks__config_type type_of(const struct ks__config_values *values, size_t row)
{
    return values->table->rows[row].type;
}

bool ks__config_is_set(const struct ks__config_values *values, size_t row)
{
    return value_of(values, row)->is_set;
}

int64_t ks__config_int(const struct ks__config_values *values, size_t row)
{
    const struct ks__config_value *value = value_of(values, row);

    ks__assert(type_of(values, row) == KS__CONFIG_INT ||
               type_of(values, row) == KS__CONFIG_DURATION_MS ||
               type_of(values, row) == KS__CONFIG_BYTES);
    return value->integer;
}

double ks__config_double(const struct ks__config_values *values, size_t row)
{
    const struct ks__config_value *value = value_of(values, row);

    ks__assert(type_of(values, row) == KS__CONFIG_DOUBLE);
    return value->real;
}

bool ks__config_bool(const struct ks__config_values *values, size_t row)
{
    const struct ks__config_value *value = value_of(values, row);

    ks__assert(type_of(values, row) == KS__CONFIG_BOOL);
    return value->integer != 0;
}

int ks__config_enum(const struct ks__config_values *values, size_t row)
{
    const struct ks__config_value *value = value_of(values, row);

    ks__assert(type_of(values, row) == KS__CONFIG_ENUM);
    return (int)value->integer;
}

const char *ks__config_text(const struct ks__config_values *values, size_t row)
{
    return value_of(values, row)->text;
}

size_t ks__config_list_count(const struct ks__config_values *values, size_t row)
{
    const struct ks__config_value *value = value_of(values, row);

    ks__assert(type_of(values, row) == KS__CONFIG_LIST);
    return value->item_count;
}

const char *ks__config_list_at(const struct ks__config_values *values, size_t row, size_t n)
{
    const struct ks__config_value *value = value_of(values, row);

    ks__assert(type_of(values, row) == KS__CONFIG_LIST && n < value->item_count);
    return value->items[n];
}
