/* SPDX-License-Identifier: Apache-2.0
 *
 * table_group.h - adding an aggregation of a grouped table: topic, node, store.
 */
#ifndef KS_DSL_OPS_TABLE_GROUP_H
#define KS_DSL_OPS_TABLE_GROUP_H

#include "dsl/ops/aggregation.h"

/* Takes indexes for store, sink, source and node, in this order. */
ks_table *ks__table_aggregation_add(ks_grouped_table *g, const struct ks__call *call,
                                    const ks_materialized        *options,
                                    const struct ks__aggregation *what);

#endif
