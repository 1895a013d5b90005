/* SPDX-License-Identifier: Apache-2.0
 *
 * report.c - see report.h.
 *
 * The statistics come out of a query of the running app: rows of all partitions, those of one model
 * added up. The share of scores that equal the people's quality, rounded, is computed here from the
 * scores: the application never sees the quality.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"
#include "statistics.h"
#include "topics.h"

struct table {
    struct statistics *row; /* by version */
    size_t             rows, room;
    uint64_t           usage;
};

static struct statistics *row_of(struct table *table, const struct statistics *wanted)
{
    size_t             room = table->room > 0 ? 2 * table->room : 64;
    struct statistics *larger;

    for (size_t i = 0; i < table->rows; i++)
        if (table->row[i].version == wanted->version &&
            strcmp(table->row[i].name, wanted->name) == 0)
            return &table->row[i];
    if (table->rows == table->room) {
        larger = realloc(table->row, room * sizeof(*larger));
        if (larger == NULL)
            return NULL;
        table->row = larger;
        table->room = room;
    }
    table->row[table->rows] = (struct statistics){ 0 };
    return &table->row[table->rows++];
}

static int by_version(const void *left, const void *right)
{
    const struct statistics *a = left, *b = right;

    return (a->version > b->version) - (a->version < b->version);
}

/* False only without memory; a store that cannot be read now is empty. */
static bool read_statistics(struct run *run, struct table *table)
{
    ks_snapshot      *snapshot;
    struct statistics part;

    table->rows = 0;
    table->usage = 0;
    if (ks_app_snapshot(run->app, STORE_STATISTICS, KS_QUERIED(.freshness = KS_FRESH),
                        &snapshot) != KS_OK)
        return true;
    ks_iter *all = ks_snapshot_all(snapshot, KS_ASCENDING);
    for (ks_record row; ks_iter_next(all, &row);) {
        struct statistics *sum;

        if (!ks_bytes_read(&part, sizeof(part), row.value))
            continue;
        sum = row_of(table, &part);
        if (sum == NULL)
            break;
        statistics_merge(sum, &part);
        table->usage += part.usage;
    }
    ks_snapshot_free(snapshot);
    if (table->rows > 1)
        qsort(table->row, table->rows, sizeof(*table->row), by_version);
    return table->rows == 0 || table->row != NULL;
}

struct catching_up {
    struct table *table;
    uint64_t      scored;
};

static bool has_caught_up(struct run *run, void *user, struct reason *reason)
{
    struct catching_up *wait = user;

    if (!read_statistics(run, wait->table))
        return reason_set(reason, "out of memory");
    return wait->table->usage >= wait->scored;
}

/* --- Printing --------------------------------------------------------------------------------- */

static double share_of_model(const struct results *results, const struct wine_table *wines,
                             uint64_t version)
{
    size_t count = 0, equal = 0;

    for (size_t i = 0; i < results->rows; i++)
        if (results->score[i].version != 0 &&
            (version == 0 || results->score[i].version == version)) {
            count++;
            equal += lround(results->score[i].value) == wines->quality[i];
        }
    return count == 0 ? 0.0 : (double)equal / (double)count;
}

static void print_since(FILE *out, int64_t since_ms)
{
    time_t    seconds = (time_t)(since_ms / 1000);
    struct tm utc;
    char      text[32] = "-";

    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(text, sizeof(text), "%H:%M:%S", &utc);
    fprintf(out, " %8s.%03d", text, (int)(since_ms % 1000));
}

static void print_model(FILE *out, const struct statistics *row, double share)
{
    fprintf(out, "  %-46.46s %4" PRIu64, row->name, row->version);
    print_since(out, row->since_ms);
    fprintf(out, " %7" PRIu64 " %7" PRIu64 " %7.0f %7" PRIu64, row->usage, row->min_ns,
            statistics_mean_ns(row), statistics_percentile_ns(row, 0.5));
    fprintf(out, " %7" PRIu64 " %7" PRIu64, statistics_percentile_ns(row, 0.99), row->max_ns);
    fprintf(out, " %6" PRIu64 " %6.1f %%\n", row->errors, 100.0 * share);
}

static void print_table(FILE *out, const struct table *table, const struct results *results,
                        const struct wine_table *wines)
{
    fprintf(out, "\nModels, from the store \"%s\" (times in ns):\n\n", STORE_STATISTICS);
    fprintf(out, "  %-46s %4s %12s %7s %7s %7s %7s %7s %7s %6s %8s\n", "name", "ver.",
            "since (UTC)", "usage", "min", "mean", "p50", "p99", "max", "errors", "correct");
    for (size_t i = 0; i < table->rows; i++)
        print_model(out, &table->row[i],
                    share_of_model(results, wines, table->row[i].version));
}

static void print_topology(FILE *out, const ks_topology *topology)
{
    char *text = ks_topology_describe(topology, KS_DESCRIBE_TEXT);

    fprintf(out, "\n%s\n", text == NULL ? "(no memory for the topology)" : text);
    ks_text_free(text);
}

static void print_summary(FILE *out, const struct results *results, const struct wine_table *wines)
{
    fprintf(out, "%zu wines: %zu scored. On the errors topic: %zu wines, %zu models.\n",
            wines->count, results->scored, results->refused_wines, results->refused_models);
    fprintf(out, "Equal to the quality that people gave, when rounded: %.4f\n",
            share_of_model(results, wines, 0));
    if (results->twice > 0 || results->foreign > 0)
        fprintf(out, "UNEXPECTED: %zu scores for rows that had one, %zu that are none of these "
                "wines'.\n", results->twice, results->foreign);
}

bool report_print(struct run *run, const struct results *results, const struct wine_table *wines,
                  const ks_topology *topology, FILE *out, struct reason *reason)
{
    struct table       table = { 0 };
    struct catching_up wait = { .table = &table, .scored = results->scored };
    bool done = run_until(run, has_caught_up, &wait, "the statistics to catch up", reason);

    if (done) {
        print_table(out, &table, results, wines);
        print_topology(out, topology);
        print_summary(out, results, wines);
    }
    free(table.row);
    return done;
}
