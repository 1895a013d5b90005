/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - model serving as a stream application.
 *
 * Wines stream in on one topic, models on another; every wine is scored by the newest model that
 * could be parsed, and models are swapped while wines are being scored. Scores and errors stream
 * out. Stop it at any time, also by force: started again on the same log it goes on where it was,
 * and every wine is scored exactly once.
 *
 *      options -> run (log, topics, topology, app) -> publisher -> results -> report
 */
#include <errno.h>
#include <string.h>

#include "options.h"
#include "publish.h"
#include "report.h"
#include "results.h"
#include "run.h"
#include "topics.h"
#include "wine.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static FILE *open_output(const char *path, struct reason *reason)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        reason_set(reason, "%s: %s", path, strerror(errno));
    return file;
}

static bool close_output(FILE *file, const char *path, bool was_written, struct reason *reason)
{
    bool is_closed = fclose(file) == 0;

    return (was_written && is_closed) || reason_set(reason, "%s: %s", path, strerror(errno));
}

static bool write_scores(const struct results *results, const char *path, struct reason *reason)
{
    FILE *file = path == NULL ? NULL : open_output(path, reason);

    if (file == NULL)
        return path == NULL;
    return close_output(file, path, results_write(results, file), reason);
}

static bool collect(struct results *results, struct run *run, size_t rows, struct reason *reason)
{
    const char *path = run->options->errors;
    FILE       *errors = path == NULL ? NULL : open_output(path, reason);
    bool        done;

    if (path != NULL && errors == NULL)
        return false;
    done = results_read(results, run, rows, errors, reason);
    if (errors == NULL)
        return done;
    if (!done) {
        fclose(errors);
        return false;
    }
    return close_output(errors, path, ferror(errors) == 0, reason);
}

/* Wines are refused one by one until there is a model. That there never was one fails the run. */
static bool had_a_model(struct run *run, const struct results *results, struct reason *reason)
{
    int64_t accepted;

    if (results->scored > 0)
        return true;
    if (ks_log_end_offset(run->log, TOPIC_ACCEPTED, 0, &accepted) != KS_OK)
        return reason_set(reason, "%s", ks_error_message(ks_log_error(run->log)));
    return accepted > 0 || reason_set(reason, "no model was accepted; --errors FILE tells why");
}

static bool serve(struct run *run, const struct wine_table *wines, const ks_topology *topology,
                  struct reason *reason)
{
    struct publisher publisher;
    struct results   results = { 0 };
    bool done = publisher_open(&publisher, run, wines, reason) &&
                publisher_run(&publisher, reason) &&
                collect(&results, run, wines->count, reason) &&
                write_scores(&results, run->options->scores, reason) &&
                report_print(run, &results, wines, topology, stdout, reason) &&
                had_a_model(run, &results, reason);

    results_release(&results);
    publisher_close(&publisher);
    return done;
}

static bool run_all(const struct options *options, struct reason *reason)
{
    struct wine_table wines;
    struct run        run = { 0 };
    ks_topology      *topology = NULL;
    struct reason     late = { "" };
    bool              done;

    if (!wine_table_load(&wines, options->data, reason))
        return false;
    done = run_open(&run, options, &topology, reason) && serve(&run, &wines, topology, reason);
    if (!run_close(&run, &late) && done)
        done = reason_set(reason, "%s", late.text);
    ks_topology_free(topology);
    wine_table_release(&wines);
    return done;
}

int main(int argc, char **argv)
{
    struct options options;
    struct reason  reason = { "" };

    switch (options_parse(&options, argc, argv, &reason)) {
    case OPTIONS_HELP:
        options_help(stdout);
        return EXIT_DONE;
    case OPTIONS_WRONG:
        fprintf(stderr, "model_scoring: %s\nTry 'model_scoring --help'.\n", reason.text);
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    run_catch_signals();
    if (run_all(&options, &reason))
        return EXIT_DONE;
    fprintf(stderr, "model_scoring: %s\n", reason.text);
    return EXIT_FAILED;
}
