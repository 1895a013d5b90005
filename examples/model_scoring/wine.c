/* SPDX-License-Identifier: Apache-2.0
 *
 * wine.c - see wine.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "wine.h"
#include "wire.h"

enum { FORMAT = 1, QUALITY_MAX = 10 };

static const char *const feature_names[WINE_FEATURES] = {
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides",
    "free sulfur dioxide", "total sulfur dioxide", "density", "pH", "sulphates", "alcohol",
};

const struct features wine_features = { .names = feature_names, .count = WINE_FEATURES };

/* --- The file --------------------------------------------------------------------------------- */

/* One number and what ends it: a semicolon, or the end of the line behind the last column. */
static bool read_column(const char **at, bool is_last, double *value)
{
    char *end;

    *value = strtod(*at, &end);
    if (end == *at || memchr(*at, '\n', (size_t)(end - *at)) != NULL || !isfinite(*value))
        return false;
    if (is_last && *end == '\r')
        end++;
    *at = end;
    if (is_last)
        return *end == '\n' || *end == '\0';
    ++*at;
    return *end == ';';
}

static bool read_line(const char **at, struct wine *wine, int *quality, struct reason *reason)
{
    double value;

    for (size_t i = 0; i < WINE_FEATURES; i++)
        if (!read_column(at, false, &wine->feature[i]))
            return reason_set(reason, "line %llu: column %zu (%s) is not a number",
                              (unsigned long long)wine->row, i + 1, feature_names[i]);
    if (!read_column(at, true, &value) || value < 0 || value > QUALITY_MAX || value != floor(value))
        return reason_set(reason,
                          "line %llu: column %d (quality) is not a whole number from 0 to %d",
                          (unsigned long long)wine->row, WINE_FEATURES + 1, QUALITY_MAX);
    *quality = (int)value;
    if (**at == '\n')
        ++*at;
    return true;
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

bool wine_table_parse(struct wine_table *table, const char *text, struct reason *reason)
{
    size_t lines = count_lines(text);

    *table = (struct wine_table){ .wine = calloc(lines, sizeof(struct wine)),
                                  .quality = calloc(lines, sizeof(int)) };
    if (table->wine == NULL || table->quality == NULL) {
        wine_table_release(table);
        return reason_set(reason, "out of memory");
    }
    while (*text != '\0') {
        struct wine *wine = &table->wine[table->count];

        wine->row = table->count + 1;
        if (!read_line(&text, wine, &table->quality[table->count], reason)) {
            wine_table_release(table);
            return false;
        }
        table->count++;
    }
    return true;
}

bool wine_table_load(struct wine_table *table, const char *path, struct reason *reason)
{
    struct reason why = { "" };
    size_t        size;
    char         *text = load_file(path, &size, reason);
    bool          done;

    *table = (struct wine_table){ 0 };
    if (text == NULL)
        return false;
    if (strlen(text) != size)
        done = reason_set(&why, "a zero byte in the text");
    else
        done = wine_table_parse(table, text, &why);
    free(text);
    return done || reason_set(reason, "%s: %s", path, why.text);
}

void wine_table_release(struct wine_table *table)
{
    free(table->wine);
    free(table->quality);
    *table = (struct wine_table){ 0 };
}

/* --- The topic -------------------------------------------------------------------------------- */

void wine_encode(const struct wine *wine, unsigned char bytes[WINE_BYTES])
{
    struct wire_writer out = wire_writer(bytes, WINE_BYTES);

    wire_put_u8(&out, FORMAT);
    wire_put_u8(&out, WINE_FEATURES);
    wire_put_u8(&out, 0);
    wire_put_u8(&out, 0);
    wire_put_u64(&out, wine->row);
    for (size_t i = 0; i < WINE_FEATURES; i++)
        wire_put_f64(&out, wine->feature[i]);
}

bool wine_decode(struct wine *wine, const void *data, size_t size, struct reason *reason)
{
    struct wire_reader in = wire_reader(data, size);
    uint8_t            format = wire_get_u8(&in);
    uint8_t            features = wire_get_u8(&in);
    uint8_t            zeroes = wire_get_u8(&in);

    zeroes |= wire_get_u8(&in);
    wine->row = wire_get_u64(&in);
    if (in.failed)
        return reason_set(reason, "%zu bytes are too few for a wine", size);
    if (format != FORMAT || zeroes != 0)
        return reason_set(reason, "not a wine of format %d", FORMAT);
    if (features != WINE_FEATURES)
        return reason_set(reason, "row %llu: %d features instead of %d",
                          (unsigned long long)wine->row, features, WINE_FEATURES);
    for (size_t i = 0; i < WINE_FEATURES; i++)
        wine->feature[i] = wire_get_f64(&in);
    if (!wire_done(&in))
        return reason_set(reason, "row %llu: %zu bytes instead of %d",
                          (unsigned long long)wine->row, size, WINE_BYTES);
    for (size_t i = 0; i < WINE_FEATURES; i++)
        if (!isfinite(wine->feature[i]))
            return reason_set(reason, "row %llu: %s is not a number",
                              (unsigned long long)wine->row, feature_names[i]);
    return true;
}

/* --- Broken records --------------------------------------------------------------------------- */

/* splitmix64: every row has its own well-mixed number, whatever the rows before it. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

size_t wine_break(unsigned char bytes[WINE_BYTES], uint64_t row, double share, uint64_t seed)
{
    uint64_t chance = mix(mix(seed) ^ row);
    uint64_t how = mix(chance);

    if ((double)(chance >> 11) * 0x1p-53 >= share)
        return WINE_BYTES;
    switch (how % 4) {
    case 0: /* cut off, possibly to nothing */
        return (size_t)(how >> 8) % WINE_BYTES;
    case 1: /* of another format */
        bytes[0] ^= (unsigned char)(1 + (how >> 8) % 255);
        return WINE_BYTES;
    case 2: /* another number of features */
        bytes[1] = WINE_FEATURES - 1;
        return WINE_BYTES - 8;
    default: /* a feature that is not a number */
        memset(bytes + 12 + 8 * ((size_t)(how >> 8) % WINE_FEATURES), 0xff, 8);
        return WINE_BYTES;
    }
}
