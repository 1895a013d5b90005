/* SPDX-License-Identifier: Apache-2.0
 *
 * results.c - see results.h.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "results.h"
#include "topics.h"

enum { QUIET_MS = 2000 }; /* the end marks of a transaction have offsets but are no records */

/* The end of every partition as it was when reading began. */
struct tail {
    int64_t end[1024];
    int32_t open; /* partitions not read to their end */
};

static bool assign_all(ks_reader *reader, struct run *run, const char *topic, struct tail *tail,
                       struct reason *reason)
{
    int32_t partitions = ks_log_partitions(run->log, topic);

    tail->open = 0;
    for (int32_t p = 0; p < partitions; p++) {
        int64_t begin;

        if (ks_log_begin_offset(run->log, topic, p, &begin) != KS_OK ||
            ks_log_end_offset(run->log, topic, p, &tail->end[p]) != KS_OK)
            return reason_set(reason, "%s", ks_error_message(ks_log_error(run->log)));
        if (begin >= tail->end[p])
            continue;
        if (ks_reader_assign(reader, topic, p, begin) != KS_OK)
            return reason_set(reason, "%s", ks_error_message(ks_reader_error(reader)));
        tail->open++;
    }
    return partitions >= 0 || reason_set(reason, "topic %s: cannot be read", topic);
}

typedef void entry_fn(const ks_entry *entry, void *user);

static bool read_topic(struct run *run, const char *topic, entry_fn *each, void *user,
                       struct reason *reason)
{
    ks_reader  *reader = ks_log_reader(run->log, NULL);
    struct tail tail;
    bool        done = assign_all(reader, run, topic, &tail, reason);
    ks_entry    entry;

    while (done && tail.open > 0 && ks_reader_next(reader, QUIET_MS, &entry)) {
        if (entry.offset < tail.end[entry.partition])
            each(&entry, user);
        if (entry.offset + 1 == tail.end[entry.partition])
            tail.open--;
    }
    if (done && ks_error_status(ks_reader_error(reader)) != KS_OK)
        done = reason_set(reason, "%s", ks_error_message(ks_reader_error(reader)));
    ks_reader_free(reader);
    return done;
}

static void take_score(const ks_entry *entry, void *user)
{
    struct results *results = user;
    struct score    score;
    struct reason   reason;
    ks_bytes        value = entry->record.value;

    if (!score_decode(&score, value.data, value.size, &reason) || score.row == 0 ||
        score.row > results->rows) {
        results->foreign++;
    } else if (results->score[score.row - 1].version != 0) {
        results->twice++;
    } else {
        results->score[score.row - 1] = score;
        results->scored++;
    }
}

struct error_lines {
    struct results *results;
    FILE           *file;
};

static ks_bytes header(const ks_entry *entry, const char *name)
{
    ks_bytes value;

    ks_headers_last(entry->record.headers, name, &value);
    return value;
}

static void take_error(const ks_entry *entry, void *user)
{
    struct error_lines *lines = user;
    ks_bytes            topic = header(entry, "topic");
    ks_bytes            partition = header(entry, "partition");
    ks_bytes            offset = header(entry, "offset");
    ks_bytes            reason = header(entry, "reason");

    if (ks_bytes_equal(topic, ks_bytes_text(TOPIC_MODELS)))
        lines->results->refused_models++;
    else
        lines->results->refused_wines++;
    if (lines->file != NULL)
        fprintf(lines->file, "%.*s,%.*s,%.*s,%.*s\n", KS_BYTES_ARG(topic),
                KS_BYTES_ARG(partition), KS_BYTES_ARG(offset), KS_BYTES_ARG(reason));
}

bool results_read(struct results *results, struct run *run, size_t rows, FILE *errors,
                  struct reason *reason)
{
    struct error_lines lines = { .results = results, .file = errors };

    *results = (struct results){ .rows = rows };
    results->score = calloc(rows > 0 ? rows : 1, sizeof(*results->score));
    if (results->score == NULL)
        return reason_set(reason, "out of memory");
    return read_topic(run, TOPIC_SCORES, take_score, results, reason) &&
           read_topic(run, TOPIC_ERRORS, take_error, &lines, reason);
}

void results_release(struct results *results)
{
    free(results->score);
    *results = (struct results){ 0 };
}

bool results_write(const struct results *results, FILE *file)
{
    for (size_t i = 0; i < results->rows; i++) {
        const struct score *score = &results->score[i];

        if (score->version != 0)
            fprintf(file, "%" PRIu64 ",%s@%" PRIu64 ",%.10g\n", score->row, score->name,
                    score->version, score->value);
    }
    return ferror(file) == 0;
}
