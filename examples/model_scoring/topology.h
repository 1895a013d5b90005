/* SPDX-License-Identifier: Apache-2.0
 *
 * topology.h - the application as a topology, written twice: same topics, same scores.
 */
#ifndef MODEL_SCORING_TOPOLOGY_H
#define MODEL_SCORING_TOPOLOGY_H

#include <kstream/kstream.h>

/* By operators: a stream joined with a global table, statistics by group and aggregate. */
void topology_dsl(ks_builder *b);

/* By processors: sources, two processors with stores, sinks. */
void topology_processor(ks_builder *b);

#endif
