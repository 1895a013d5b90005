/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.h - what stands behind a struct model: one class table per kind of model.
 *
 * A new kind is a new file with a class at its end and one row in the table of its format
 * (pmml.c) or of all formats (model.c). Engines put `struct model` first in their own struct.
 */
#ifndef MODEL_SCORING_ENGINE_H
#define MODEL_SCORING_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

enum { MODEL_LABELS_MAX = 64 };

struct model_class {
    const char *kind;
    /* The value, or the chosen label; NaN: no prediction. */
    double (*score)(const struct model *model, const double *vector);
    /* Adds weight * (share of each class), in the order of the labels; false: no prediction.
     * NULL in a class that is never a classifier. */
    bool (*add_shares)(const struct model *model, const double *vector, double weight,
                       double *shares);
    /* Frees what the engine holds beyond its own struct; NULL: nothing. */
    void (*release)(struct model *model);
};

struct model {
    const struct model_class *class;
    size_t                    features;
    size_t                    labels; /* 0: a regression */
    double                    label[MODEL_LABELS_MAX];
};

/* The label with the largest share, the first of equals. */
double model_choose(const struct model *model, const double *shares);

/* One array out of several requests, so that an engine is one allocation behind its struct. */
void *engine_array(size_t count, size_t size, struct reason *reason);

struct model *pmml_parse(const void *data, size_t size, const struct features *features,
                         struct reason *reason);
struct model *graph_parse(const void *data, size_t size, const struct features *features,
                          struct reason *reason);

#endif
