/* SPDX-License-Identifier: Apache-2.0
 *
 * served.h - the model that a task scores with, parsed once and kept until a newer one arrives.
 *
 * One per task, so one thread at a time uses it. Swapping happens between two records, on the
 * thread that scores: the old model is freed when nothing can be using it.
 */
#ifndef MODEL_SCORING_SERVED_H
#define MODEL_SCORING_SERVED_H

#include <kstream/kstream.h>

#include "model.h"
#include "score.h"

struct served {
    struct model *model; /* NULL: none yet */
    uint64_t      version;
    char          name[ENVELOPE_NAME_MAX + 1];
};

/* Scores the wine with the newest model. `newest` is its envelope, null while there is none. False
 * with a reason; `score` then has name and version of the model that was asked, else version 0. */
bool served_score(struct served *served, ks_bytes newest, ks_bytes wine, struct score *score,
                  struct reason *reason);

/* For the end of the task; takes a struct served. */
void served_close(void *served);

#endif
