/* SPDX-License-Identifier: Apache-2.0
 *
 * wine.h - the data: red wines, eleven measured features each, and the quality that people gave.
 *
 * A wine on its topic is 100 bytes, all integers and numbers big-endian:
 *
 *      offset  size  field
 *      0       1     format, 1
 *      1       1     number of features, 11
 *      2       2     zero
 *      4       8     row, the first of the file is 1
 *      12      88    the features as IEEE doubles, in the order of the file
 *
 * The quality is not on the topic: it is what the models are asked for.
 */
#ifndef MODEL_SCORING_WINE_H
#define MODEL_SCORING_WINE_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

enum { WINE_FEATURES = 11, WINE_BYTES = 12 + 8 * WINE_FEATURES };

struct wine {
    uint64_t row;
    double   feature[WINE_FEATURES];
};

/* All wines of a file; `quality[i]` belongs to `wine[i]`. */
struct wine_table {
    size_t       count;
    struct wine *wine;
    int         *quality;
};

extern const struct features wine_features;

/* A CSV file: semicolons, no head, twelve columns. False with a reason that names line and column;
 * the table is then empty. */
bool wine_table_load(struct wine_table *table, const char *path, struct reason *reason);
/* The same from memory; `text` ends with a zero. */
bool wine_table_parse(struct wine_table *table, const char *text, struct reason *reason);
void wine_table_release(struct wine_table *table);

void wine_encode(const struct wine *wine, unsigned char bytes[WINE_BYTES]);
/* Every byte is checked, and that the features are numbers: models rely on it. */
bool wine_decode(struct wine *wine, const void *data, size_t size, struct reason *reason);

/* Damages the bytes of about `share` of the rows, in one of several ways; returns their new size.
 * Row and seed alone decide, so a run that is repeated or resumed breaks the same rows. */
size_t wine_break(unsigned char bytes[WINE_BYTES], uint64_t row, double share, uint64_t seed);

#endif
