/* SPDX-License-Identifier: Apache-2.0
 *
 * model.c - the formats, and the calls that are the same for every kind. See model.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static bool looks_like_pmml(const unsigned char *data, size_t size)
{
    size_t i = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < size && strchr(" \t\r\n", data[i]) != NULL && data[i] != '\0')
        i++;
    return i < size && data[i] == '<';
}

/* A GraphDef begins with its first node: field 1, of bytes, which begins with its name. */
static bool looks_like_graph(const unsigned char *data, size_t size)
{
    return size >= 4 && data[0] == 0x0a && (data[2] == 0x0a || data[3] == 0x0a);
}

static const struct format {
    const char *name;
    bool (*probe)(const unsigned char *data, size_t size);
    struct model *(*parse)(const void *data, size_t size, const struct features *features,
                           struct reason *reason);
} formats[] = {
    { "pmml", looks_like_pmml, pmml_parse },
    { "tensorflow", looks_like_graph, graph_parse },
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

const char *model_probe(const void *data, size_t size)
{
    for (size_t i = 0; i < FORMATS && data != NULL; i++)
        if (formats[i].probe(data, size))
            return formats[i].name;
    return NULL;
}

struct model *model_parse(const char *format, const void *data, size_t size,
                          const struct features *features, struct reason *reason)
{
    if (features->count == 0 || features->count > MODEL_FEATURES_MAX) {
        reason_set(reason, "%zu features: between 1 and %d are possible", features->count,
                   MODEL_FEATURES_MAX);
        return NULL;
    }
    if (format == NULL)
        format = model_probe(data, size);
    if (format == NULL) {
        reason_set(reason, "neither a PMML document nor a TensorFlow graph");
        return NULL;
    }
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, format) == 0)
            return formats[i].parse(data, size, features, reason);
    reason_set(reason, "the model kind \"%.40s\" is unknown", format);
    return NULL;
}

bool model_score(const struct model *model, const double *vector, size_t count, double *score,
                 struct reason *reason)
{
    if (count != model->features)
        return reason_set(reason, "%zu features where the model has %zu", count, model->features);
    *score = model->class->score(model, vector);
    if (!isfinite(*score))
        return reason_set(reason, "the model has no prediction for this record");
    return true;
}

double model_choose(const struct model *model, const double *shares)
{
    size_t best = 0;

    for (size_t i = 0; i < model->labels; i++) {
        if (isnan(shares[i]))
            return (double)NAN;
        if (shares[i] > shares[best])
            best = i;
    }
    return model->label[best];
}

void *engine_array(size_t count, size_t size, struct reason *reason)
{
    void *array = calloc(count > 0 ? count : 1, size);

    if (array == NULL)
        reason_set(reason, "out of memory");
    return array;
}

const char *model_kind(const struct model *model)
{
    return model->class->kind;
}

size_t model_feature_count(const struct model *model)
{
    return model->features;
}

size_t model_label_count(const struct model *model)
{
    return model->labels;
}

void model_free(struct model *model)
{
    if (model == NULL)
        return;
    if (model->class->release != NULL)
        model->class->release(model);
    free(model);
}
