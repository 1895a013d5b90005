/* SPDX-License-Identifier: Apache-2.0
 *
 * publish.h - the wines and the models as two streams.
 *
 *      model 1 | swap_every wines | model 2 | swap_every wines | model 3 ...
 *
 * Models go round: after the last file comes the first again, as a new version. Row r goes to
 * partition (r - 1) % partitions, so the end offset of a partition alone says which rows it has:
 * that is where a publisher resumes after a crash, without a file of its own and without a row
 * twice. The models' topic has one partition; its end offset is the version published last.
 */
#ifndef MODEL_SCORING_PUBLISH_H
#define MODEL_SCORING_PUBLISH_H

#include "run.h"
#include "wine.h"

/* A model file as it will be published. */
struct model_file {
    char        name[64];
    const char *kind;
    char       *data;
    size_t      size;
};

struct publisher {
    struct run              *run;
    const struct wine_table *wines;
    struct model_file        file[OPTIONS_MODELS_MAX];
    size_t                   files;
    uint64_t                 swap_every;
    uint64_t                 versions; /* to be published in all */
};

/* Reads the model files; a file need not be a model, the application will tell. */
bool publisher_open(struct publisher *publisher, struct run *run, const struct wine_table *wines,
                    struct reason *reason);
void publisher_close(struct publisher *publisher);

/* Publishes what the topics do not have yet and waits until every wine has been judged. */
bool publisher_run(struct publisher *publisher, struct reason *reason);

#endif
