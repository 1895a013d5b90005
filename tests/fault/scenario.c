/* SPDX-License-Identifier: Apache-2.0
 *
 * scenario.c - word count with everything a fault may hit: topology, driver, store, iterator.
 */
#include "fault/scenario.h"

#include "support/words.h"

#include <stdio.h>
#include <string.h>

static const char *const lines[] = { "to be or not to be", "be quick", "", "or not" };

static const struct {
    const char *word;
    int64_t     count;
} expected[] = {
    { "to", 1 }, { "be", 1 }, { "or", 1 },    { "not", 1 }, { "to", 2 },
    { "be", 2 }, { "be", 3 }, { "quick", 1 }, { "or", 2 },  { "not", 2 },
};
#define EXPECTED (sizeof(expected) / sizeof(expected[0]))
#define WORDS    5

static bool read_outputs(ks_driver *d)
{
    for (size_t i = 0; i < EXPECTED; i++) {
        const ks_record *out = ks_driver_read(d, "counts-out");

        if (out == NULL || !ks_bytes_equal(out->key, ks_bytes_text(expected[i].word)) ||
            ks_bytes_i64(out->value, -1) != expected[i].count)
            return false;
    }
    return ks_driver_read(d, "counts-out") == NULL;
}

static bool read_store(ks_driver *d)
{
    ks_kv_store *store = ks_driver_kv_store(d, "counts");
    ks_iter     *rows  = ks_kv_store_all(store, KS_ASCENDING);
    int          count = 0;
    ks_record    row;

    while (ks_iter_next(rows, &row))
        count++;
    ks_iter_close(rows);
    return count == WORDS && ks_kv_store_get(store, KS_TEXT("be"), &row) &&
           ks_bytes_i64(row.value, -1) == 3;
}

static void keep(struct outcome *outcome, ks_status status, const ks_error *error)
{
    if (outcome->status != KS_OK || status == KS_OK)
        return;
    outcome->status = status;
    snprintf(outcome->text, sizeof(outcome->text), "%s", ks_error_message(error));
}

void scenario_run(struct outcome *outcome, const char *directory)
{
    ks_topology *topology;
    ks_driver   *d;

    *outcome = (struct outcome){ .status = KS_OK };
    topology = words_topology("lines", "counts-out");
    keep(outcome, ks_error_status(ks_topology_error(topology)), ks_topology_error(topology));
    d = ks_driver_new(topology, NULL, directory);
    keep(outcome, ks_error_status(ks_driver_error(d)), ks_driver_error(d));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ks_status status = ks_driver_pipe_text(d, "lines", NULL, lines[i], (int64_t)i);

        keep(outcome, status, ks_driver_error(d));
    }
    outcome->right = outcome->status == KS_OK && read_outputs(d) && read_store(d);
    keep(outcome, ks_error_status(ks_driver_error(d)), ks_driver_error(d));
    ks_driver_free(d);
    ks_topology_free(topology);
}
