/* SPDX-License-Identifier: Apache-2.0
 *
 * report.h - the end of a run: statistics per model, the topology, a summary.
 */
#ifndef MODEL_SCORING_REPORT_H
#define MODEL_SCORING_REPORT_H

#include "results.h"
#include "run.h"
#include "wine.h"

/* Waits until the statistics have caught up with the scores, reads them from the running app and
 * prints the report to `out`. */
bool report_print(struct run *run, const struct results *results, const struct wine_table *wines,
                  const ks_topology *topology, FILE *out, struct reason *reason);

#endif
