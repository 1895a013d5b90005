/* SPDX-License-Identifier: Apache-2.0
 *
 * config_parse.c - from the text of a property to a value that fits its row.
 */
#include "base/config_value.h"

#include "base/assert.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t     factor;
};

static const struct unit no_units[]   = { { "", 1 }, { NULL, 0 } };
static const struct unit durations[]  = { { "", 1 },        { "ms", 1 },        { "s", 1000 },
                                          { "m", 60000 },   { "h", 3600000 },   { "d", 86400000 },
                                          { NULL, 0 } };
static const struct unit byte_units[] = { { "", 1 },
                                          { "B", 1 },
                                          { "KiB", INT64_C(1) << 10 },
                                          { "MiB", INT64_C(1) << 20 },
                                          { "GiB", INT64_C(1) << 30 },
                                          { "TiB", INT64_C(1) << 40 },
                                          { NULL, 0 } };

/* ---- refusals ---- */

static ks_status refuse(ks_error *error, const struct ks__config_row *row, const char *text,
                        const char *expected)
{
    return ks__error_set(error, KS_ECONFIG, "%s = \"%s\": expected %s", row->name, text, expected);
}

static bool has_range(const struct ks__config_row *row)
{
    return row->min < row->max || row->min > 0 || row->max < 0;
}

static ks_status check_range(ks_error *error, const struct ks__config_row *row, const char *text,
                             double number)
{
    if (!has_range(row) || (number >= row->min && number <= row->max))
        return KS_OK;
    return ks__error_set(error, KS_ECONFIG, "%s = \"%s\": must be from %.17g to %.17g", row->name,
                         text, row->min, row->max);
}

/* ---- one type each ---- */

static ks_status parse_integer(struct ks__config_value *value, const struct ks__config_row *row,
                               const char *text, const struct unit *units, const char *expected,
                               ks_error *error)
{
    char     *end;
    long long number;

    errno  = 0;
    number = strtoll(text, &end, 10);
    if (end == text || isspace((unsigned char)text[0]) || errno == ERANGE)
        return refuse(error, row, text, expected);
    while (*end == ' ')
        end++;
    while (units->name != NULL && strcmp(units->name, end) != 0)
        units++;
    if (units->name == NULL || number > INT64_MAX / units->factor ||
        number < INT64_MIN / units->factor)
        return refuse(error, row, text, expected);
    value->integer = number * units->factor;
    return check_range(error, row, text, (double)value->integer);
}

static ks_status parse_double(struct ks__config_value *value, const struct ks__config_row *row,
                              const char *text, ks_error *error)
{
    char *end;

    value->real = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)text[0]) || !isfinite(value->real))
        return refuse(error, row, text, "a number");
    return check_range(error, row, text, value->real);
}

static ks_status parse_bool(struct ks__config_value *value, const struct ks__config_row *row,
                            const char *text, ks_error *error)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return refuse(error, row, text, "true or false");
    value->integer = text[0] == 't';
    return KS_OK;
}

/* The place of a word in "a|b|c"; -1 = it is not there. */
static int64_t index_of(const char *words, const char *word)
{
    size_t size = strlen(word);

    for (int64_t index = 0; words != NULL; index++) {
        const char *bar    = strchr(words, '|');
        size_t      length = bar != NULL ? (size_t)(bar - words) : strlen(words);

        if (length == size && memcmp(words, word, size) == 0)
            return index;
        words = bar != NULL ? bar + 1 : NULL;
    }
    return -1;
}

static int64_t last_index(const char *words)
{
    int64_t last = 0;

    while ((words = strchr(words, '|')) != NULL) {
        words++;
        last++;
    }
    return last;
}

static ks_status parse_enum(struct ks__config_value *value, const struct ks__config_row *row,
                            const char *text, ks_error *error)
{
    const int64_t last = last_index(row->allowed);

    ks__assert(row->allowed != NULL);
    value->integer = row->fits != NULL && row->fits(text) ? last : index_of(row->allowed, text);
    if (value->integer >= 0 && (row->fits == NULL || value->integer < last || row->fits(text)))
        return KS_OK;
    return ks__error_set(error, KS_ECONFIG, "%s = \"%s\": expected one of %s", row->name, text,
                         row->allowed);
}

/* A list of chosen words: at least one, all of them allowed, some of them only alone. */
static ks_status check_items(const struct ks__config_value *value,
                             const struct ks__config_row *row, const char *text, ks_error *error)
{
    if (row->allowed == NULL)
        return KS_OK;
    if (value->item_count == 0)
        return ks__error_set(error, KS_ECONFIG, "%s = \"%s\": expected at least one of %s",
                             row->name, text, row->allowed);
    for (size_t i = 0; i < value->item_count; i++) {
        if (index_of(row->allowed, value->items[i]) < 0)
            return ks__error_set(error, KS_ECONFIG,
                                 "%s = \"%s\": \"%s\" is not one of %s", row->name, text,
                                 value->items[i], row->allowed);
        if (value->item_count > 1 && index_of(row->alone, value->items[i]) >= 0)
            return ks__error_set(error, KS_ECONFIG, "%s = \"%s\": \"%s\" must stand alone",
                                 row->name, text, value->items[i]);
    }
    return KS_OK;
}

/* Cut the copy at its commas; blank items are left out. */
static ks_status parse_list(struct ks__config_value *value, const struct ks__config_row *row,
                            const char *text, ks_error *error)
{
    char *save = NULL;

    value->list = ks__strdup(text);
    if (value->list == NULL)
        return ks__error_no_memory(error, row->name);
    for (char *item = strtok_r(value->list, ",", &save); item != NULL;
         item       = strtok_r(NULL, ",", &save)) {
        char *end = item + strlen(item);

        while (isspace((unsigned char)*item))
            item++;
        while (end > item && isspace((unsigned char)end[-1]))
            *--end = '\0';
        if (*item == '\0')
            continue;
        if (!KS__GROW(&value->items, &value->item_capacity, value->item_count + 1))
            return ks__error_no_memory(error, row->name);
        value->items[value->item_count++] = item;
    }
    return check_items(value, row, text, error);
}

static ks_status parse_typed(struct ks__config_value *value, const struct ks__config_row *row,
                             const char *text, ks_error *error)
{
    switch (row->type) {
    case KS__CONFIG_STRING:
        return KS_OK;
    case KS__CONFIG_INT:
        return parse_integer(value, row, text, no_units, "a whole number", error);
    case KS__CONFIG_DURATION_MS:
        return parse_integer(value, row, text, durations,
                             "milliseconds, or a whole number with ms, s, m, h or d", error);
    case KS__CONFIG_BYTES:
        return parse_integer(value, row, text, byte_units,
                             "bytes, or a whole number with KiB, MiB, GiB or TiB", error);
    case KS__CONFIG_DOUBLE:
        return parse_double(value, row, text, error);
    case KS__CONFIG_BOOL:
        return parse_bool(value, row, text, error);
    case KS__CONFIG_ENUM:
        return parse_enum(value, row, text, error);
    case KS__CONFIG_LIST:
        return parse_list(value, row, text, error);
    }
    ks__unreachable();
}

/* ---- the value ---- */

ks_status ks__config_value_parse(struct ks__config_value *value, const struct ks__config_row *row,
                                 const char *text, ks_error *error)
{
    ks_status status;

    *value = (struct ks__config_value){ .text = NULL };
    if (text == NULL)
        return KS_OK;
    status = parse_typed(value, row, text, error);
    if (status == KS_OK) {
        value->text = ks__strdup(text);
        if (value->text == NULL)
            status = ks__error_no_memory(error, row->name);
    }
    if (status != KS_OK)
        ks__config_value_release(value);
    return status;
}

void ks__config_value_release(struct ks__config_value *value)
{
    ks__free(value->text);
    ks__free(value->list);
    ks__free(value->items);
    *value = (struct ks__config_value){ .text = NULL };
}
