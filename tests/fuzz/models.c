/* SPDX-License-Identifier: Apache-2.0
 *
 * models.c - the files and messages of examples/model_scoring.
 */
#include "fuzz.h"

#include "model_scoring/envelope.h"
#include "model_scoring/model.h"

#include <stdlib.h>
#include <string.h>

static void parse(const char *format, ks_bytes bytes)
{
    static const char *const names[] = { "fixed acidity", "volatile acidity", "x", "y" };
    const struct features    features = { names, sizeof(names) / sizeof(names[0]) };
    const double             vector[4] = { 1, 2.5, -3, 0 };
    struct reason            reason    = { "" };
    struct model            *model;
    double                   score;

    model = model_parse(format, bytes.data, bytes.size, &features, &reason);
    DEMAND(model != NULL || reason.text[0] != '\0');
    if (model != NULL) {
        model_score(model, vector, 4, &score, &reason);
        model_free(model);
    }
}

void fuzz_pmml(ks_bytes bytes)
{
    parse("pmml", bytes);
}

void fuzz_graph(ks_bytes bytes)
{
    parse("tensorflow", bytes);
}

void fuzz_envelope(ks_bytes bytes)
{
    struct reason   reason = { "" };
    struct envelope one;
    unsigned char  *again;
    size_t          size = 0;

    envelope_version(bytes.data, bytes.size);
    if (!envelope_decode(&one, bytes.data, bytes.size, &reason)) {
        DEMAND(reason.text[0] != '\0');
        return;
    }
    again = envelope_encode(&one, &size, &reason);
    DEMAND(again != NULL && fuzz_same(bytes, (ks_bytes){ again, size }));
    free(again);
}
