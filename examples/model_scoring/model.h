/* SPDX-License-Identifier: Apache-2.0
 *
 * model.h - a model as the program sees it: bytes in, scores out.
 *
 *      bytes --model_parse--> struct model --model_score(features)--> score
 *
 * A model is parsed against the features that the data have, so every question of "does this model
 * fit these data" is answered once, by model_parse; scoring is a table walk that allocates nothing.
 * The score of a regression is its value, the score of a classifier the label of the likeliest
 * class as a number.
 *
 * Formats: PMML 4.x (RegressionModel, GeneralRegressionModel, TreeModel, MiningModel,
 * NeuralNetwork), frozen TensorFlow graphs of dense layers.
 *
 * Threads: a parsed model is never changed, any number of threads may score with it.
 */
#ifndef MODEL_SCORING_MODEL_H
#define MODEL_SCORING_MODEL_H

#include <stddef.h>

#include "reason.h"

enum { MODEL_FEATURES_MAX = 256 };

/* The data's columns, in the order of the vectors that will be scored. */
struct features {
    const char *const *names;
    size_t             count;
};

struct model;

/* The format of these bytes by their beginning: "pmml" or "tensorflow"; NULL: none that we know. */
const char *model_probe(const void *data, size_t size);

/* `format` is one of the names above, NULL for what model_probe() says. Borrows the bytes, keeps
 * nothing of them; NULL with a reason when the model is broken, unknown or does not fit. */
struct model *model_parse(const char *format, const void *data, size_t size,
                          const struct features *features, struct reason *reason);

/* False with a reason: `count` is not the model's, or the model has no answer for this vector. */
bool model_score(const struct model *model, const double *vector, size_t count, double *score,
                 struct reason *reason);

/* What it is, for people: "PMML TreeModel". Static. */
const char *model_kind(const struct model *model);

/* How many features a vector has, also those that the model does not look at. */
size_t model_feature_count(const struct model *model);

/* How many labels it chooses from; 0: a regression. */
size_t model_label_count(const struct model *model);

/* NULL is fine. */
void model_free(struct model *model);

#endif
