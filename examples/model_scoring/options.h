/* SPDX-License-Identifier: Apache-2.0
 *
 * options.h - the command line.
 */
#ifndef MODEL_SCORING_OPTIONS_H
#define MODEL_SCORING_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "reason.h"

enum { OPTIONS_MODELS_MAX = 64, OPTIONS_PROPERTIES_MAX = 64 };

enum options_log { LOG_MEMORY, LOG_EMBEDDED, LOG_KAFKA };
enum options_engine { ENGINE_DSL, ENGINE_PROCESSOR };

/* Strings belong to argv. */
struct options {
    const char         *data;
    const char         *model[OPTIONS_MODELS_MAX];
    int                 models;
    enum options_log    log;
    const char         *address; /* as libkstream takes it: "memory:model-scoring", ... */
    int                 partitions;
    int                 threads;
    int                 swap_every; /* wines between two models; 0: spread evenly */
    enum options_engine engine;
    const char         *application_id;
    const char         *state_dir; /* NULL: see options_help() */
    const char         *scores;    /* files; NULL: none */
    const char         *errors;
    double              break_share;
    uint64_t            seed;
    const char         *property[OPTIONS_PROPERTIES_MAX]; /* "name=value" */
    int                 properties;
    bool                quiet;
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_HELP, /* options_help() is all that is asked for */
    OPTIONS_WRONG /* the reason says what                    */
};

enum options_result options_parse(struct options *options, int argc, char **argv,
                                  struct reason *reason);
void                options_help(FILE *out);

#endif
