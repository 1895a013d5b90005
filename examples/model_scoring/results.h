/* SPDX-License-Identifier: Apache-2.0
 *
 * results.h - what is on the scores and errors topics, read back as any consumer would: committed
 * records only.
 */
#ifndef MODEL_SCORING_RESULTS_H
#define MODEL_SCORING_RESULTS_H

#include "run.h"
#include "score.h"
#include "wine.h"

struct results {
    size_t        rows;   /* of the data                              */
    struct score *score;  /* of row i + 1; version 0: it has none     */
    size_t        scored; /* rows that have a score                   */
    size_t        twice;  /* records for a row that already had one   */
    size_t        foreign; /* records that are no score of these rows */
    size_t        refused_wines;  /* records on the errors topic      */
    size_t        refused_models; /* the same of models               */
};

/* Reads both topics to their ends. `errors` (may be NULL) gets a line for each error:
 * topic,partition,offset,reason. */
bool results_read(struct results *results, struct run *run, size_t rows, FILE *errors,
                  struct reason *reason);
void results_release(struct results *results);

/* row,model,score by row; the model is name@version. False: the file cannot be written. */
bool results_write(const struct results *results, FILE *file);

#endif
