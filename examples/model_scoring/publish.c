/* SPDX-License-Identifier: Apache-2.0
 *
 * publish.c - see publish.h.
 *
 * Every model is waited for: it is in service, or refused, before the next wine goes out. A stepped
 * run also waits until all wines before a model have been judged, so that the same input always
 * gives the same scores; with threads the swap happens under load.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "load.h"
#include "model.h"
#include "publish.h"
#include "topics.h"

enum { FLUSH_MS = 30000, CHUNK_ROWS = 500 };

/* --- Files ------------------------------------------------------------------------------------ */

/* The file's name without folder and ending, in characters that an envelope takes. */
static void name_of(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    char       *dot;

    snprintf(name, size, "%.*s", (int)size - 1, slash == NULL ? path : slash + 1);
    dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    for (char *c = name; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || strchr(",;\"", *c) != NULL)
            *c = '_';
    if (name[0] == '\0')
        snprintf(name, size, "model");
}

static bool load_model(const char *path, struct model_file *file, struct reason *reason)
{
    file->data = load_file(path, &file->size, reason);
    if (file->data == NULL)
        return false;
    name_of(path, file->name, sizeof(file->name));
    file->kind = model_probe(file->data, file->size);
    if (file->kind == NULL)
        file->kind = "unknown";
    return true;
}

bool publisher_open(struct publisher *publisher, struct run *run, const struct wine_table *wines,
                    struct reason *reason)
{
    const struct options *options = run->options;
    uint64_t              rows = wines->count;

    *publisher = (struct publisher){ .run = run, .wines = wines };
    for (int i = 0; i < options->models; i++) {
        if (!load_model(options->model[i], &publisher->file[i], reason))
            return false;
        publisher->files++;
    }
    publisher->swap_every = (uint64_t)options->swap_every;
    publisher->versions = publisher->files;
    if (options->swap_every == 0)
        publisher->swap_every = (rows + publisher->files - 1) / publisher->files;
    if (publisher->swap_every == 0) /* no rows */
        publisher->swap_every = 1;
    if (options->swap_every > 0 && rows > 0)
        publisher->versions = (rows + publisher->swap_every - 1) / publisher->swap_every;
    return true;
}

void publisher_close(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->files; i++)
        free(publisher->file[i].data);
    *publisher = (struct publisher){ 0 };
}

/* --- Writing ---------------------------------------------------------------------------------- */

static bool flush(ks_writer *writer, struct reason *reason)
{
    return ks_writer_flush(writer, FLUSH_MS) == KS_OK ||
           reason_set(reason, "%s", ks_error_message(ks_writer_error(writer)));
}

static bool append(ks_writer *writer, const char *topic, int32_t partition,
                   const ks_record *record, struct reason *reason)
{
    ks_status status = ks_writer_append(writer, topic, partition, record);

    if (status == KS_EAGAIN) { /* its buffer is full */
        if (!flush(writer, reason))
            return false;
        status = ks_writer_append(writer, topic, partition, record);
    }
    return status == KS_OK ||
           reason_set(reason, "%s", ks_error_message(ks_writer_error(writer)));
}

static bool publish_model(struct publisher *publisher, ks_writer *writer, uint64_t version,
                          struct reason *reason)
{
    const struct model_file *file = &publisher->file[(version - 1) % publisher->files];
    struct envelope envelope = { .version = version, .model = file->data, .size = file->size };
    size_t          size;
    unsigned char  *bytes;
    bool            done;

    memcpy(envelope.name, file->name, sizeof(envelope.name));
    snprintf(envelope.kind, sizeof(envelope.kind), "%s", file->kind);
    bytes = envelope_encode(&envelope, &size, reason);
    if (bytes == NULL)
        return false;
    done = append(writer, TOPIC_MODELS, 0,
                  &(ks_record){ .key = KS_TEXT(MODELS_KEY),
                                .value = ks_bytes_of(bytes, size),
                                .timestamp_ms = -1 },
                  reason) &&
           flush(writer, reason);
    free(bytes);
    return done;
}

static bool publish_wine(struct publisher *publisher, ks_writer *writer, const struct wine *wine,
                         struct reason *reason)
{
    const struct options *options = publisher->run->options;
    unsigned char         key[8], bytes[WINE_BYTES];
    size_t                size;

    wine_encode(wine, bytes);
    size = wine_break(bytes, wine->row, options->break_share, options->seed);
    return append(writer, TOPIC_WINES, (int32_t)((wine->row - 1) % (uint64_t)options->partitions),
                  &(ks_record){ .key = ks_encode_i64(key, (int64_t)wine->row),
                                .value = ks_bytes_of(bytes, size),
                                .timestamp_ms = -1 },
                  reason);
}

/* --- In order --------------------------------------------------------------------------------- */

/* A row is there when its partition is longer than the number of its rows before this one. */
static bool is_published(const int64_t *ends, uint64_t row, uint64_t partitions)
{
    return (uint64_t)ends[(row - 1) % partitions] > (row - 1) / partitions;
}

static bool publish_rows(struct publisher *publisher, ks_writer *writer, const int64_t *ends,
                         uint64_t from, uint64_t to, struct reason *reason)
{
    uint64_t partitions = (uint64_t)publisher->run->options->partitions;

    for (uint64_t row = from; row <= to; row++) {
        if (!is_published(ends, row, partitions) &&
            !publish_wine(publisher, writer, &publisher->wines->wine[row - 1], reason))
            return false;
        if (row % CHUNK_ROWS == 0 && !flush(writer, reason))
            return false;
    }
    return flush(writer, reason);
}

static uint64_t version_accepted(struct run *run)
{
    ks_snapshot *versions;
    ks_record    newest;
    uint64_t     version;

    if (ks_app_snapshot(run->app, STORE_VERSIONS, KS_QUERIED(.freshness = KS_FRESH), &versions) !=
        KS_OK)
        return UINT64_MAX; /* its task does not run yet */
    ks_snapshot_get(versions, KS_TEXT(MODELS_KEY), &newest);
    version = (uint64_t)ks_bytes_i64(newest.value, 0);
    ks_snapshot_free(versions);
    return version;
}

static uint64_t version_in_service(struct run *run)
{
    ks_snapshot *models;
    ks_record    newest;
    uint64_t     version;

    if (ks_app_snapshot(run->app, STORE_MODELS, NULL, &models) != KS_OK)
        return 0;
    ks_snapshot_get(models, KS_TEXT(MODELS_KEY), &newest);
    version = envelope_version(newest.value.data, newest.value.size);
    ks_snapshot_free(models);
    return version;
}

/* All published models are checked, and the newest that was accepted has reached the table. */
static bool is_in_service(struct run *run, void *user, struct reason *reason)
{
    (void)user, (void)reason;
    return run_has_processed(run, TOPIC_MODELS) &&
           version_in_service(run) == version_accepted(run);
}

static bool are_judged(struct run *run, void *user, struct reason *reason)
{
    (void)user, (void)reason;
    return run_has_processed(run, TOPIC_WINES);
}

static void show_progress(const struct publisher *publisher, uint64_t version, uint64_t rows)
{
    const struct model_file *file = &publisher->file[(version - 1) % publisher->files];

    if (!publisher->run->options->quiet)
        fprintf(stderr, "  model %3" PRIu64 " of %-3" PRIu64 "  wines %5" PRIu64 " of %-5zu  %s\n",
                version, publisher->versions, rows, publisher->wines->count, file->name);
}

static bool swap_to(struct publisher *publisher, ks_writer *writer, uint64_t version,
                    struct reason *reason)
{
    struct run *run = publisher->run;

    if (run->is_stepped && version > 1 &&
        !run_until(run, are_judged, NULL, "the wines before a model", reason))
        return false;
    return publish_model(publisher, writer, version, reason) &&
           run_until(run, is_in_service, NULL, "a model to be in service", reason);
}

static bool read_ends(struct publisher *publisher, int64_t *ends, int64_t *models,
                      struct reason *reason)
{
    ks_log *log = publisher->run->log;

    for (int32_t p = 0; p < publisher->run->options->partitions; p++)
        if (ks_log_end_offset(log, TOPIC_WINES, p, &ends[p]) != KS_OK)
            return reason_set(reason, "%s", ks_error_message(ks_log_error(log)));
    return ks_log_end_offset(log, TOPIC_MODELS, 0, models) == KS_OK ||
           reason_set(reason, "%s", ks_error_message(ks_log_error(log)));
}

static bool publish_all(struct publisher *publisher, ks_writer *writer, const int64_t *ends,
                        uint64_t models, struct reason *reason)
{
    uint64_t rows = publisher->wines->count;

    for (uint64_t version = 1; version <= publisher->versions; version++) {
        uint64_t from = (version - 1) * publisher->swap_every + 1;
        uint64_t to = version * publisher->swap_every;

        if (to > rows || version == publisher->versions)
            to = rows;
        if (version > models && !swap_to(publisher, writer, version, reason))
            return false;
        show_progress(publisher, version, from > rows ? rows : to);
        if (!publish_rows(publisher, writer, ends, from, to, reason))
            return false;
    }
    return true;
}

bool publisher_run(struct publisher *publisher, struct reason *reason)
{
    struct run *run = publisher->run;
    int64_t    *ends = calloc((size_t)run->options->partitions, sizeof(*ends));
    ks_writer  *writer = ks_log_writer(run->log, NULL);
    int64_t     models;
    bool        done = false;

    if (ends == NULL || writer == NULL)
        reason_set(reason, "out of memory");
    else
        done = read_ends(publisher, ends, &models, reason) &&
               run_until(run, is_in_service, NULL, "the models of the last run", reason) &&
               publish_all(publisher, writer, ends, (uint64_t)models, reason) &&
               run_until(run, are_judged, NULL, "all wines to be judged", reason);
    ks_writer_free(writer);
    free(ends);
    return done;
}
