/* SPDX-License-Identifier: Apache-2.0
 *
 * aggregation.h - adding the node of an aggregation of a grouped stream, with its store and, after
 * a change of key, the topic before it.
 */
#ifndef KS_DSL_OPS_AGGREGATION_H
#define KS_DSL_OPS_AGGREGATION_H

#include "dsl/ops/table.h"

struct ks__aggregation {
    const struct ks__op_class *class;
    const void                *args; /* begin with struct ks__table_args */
    size_t                     args_size;
    void                      *user;
    const ks_serde            *value; /* of the aggregate */
    /* Windowed: what kind of store and of key. */
    const char                  *store; /* its name; filled in by ks__aggregation_add() */
    const struct ks__store_spec *timed; /* kind and times of the store; NULL = not windowed */
    const char                  *cut;   /* of windows that are not timed: see ks__store_spec */
    const ks_serde              *key;   /* of the table */
};

/* Takes indexes for store, node and repartition, in this order. */
ks_table *ks__aggregation_add(ks_grouped_stream *g, const struct ks__call *call,
                              const ks_materialized *options, const struct ks__aggregation *what);

/* What the aggregation reads: the stream, or after a change of key a topic, named after the store
 * unless the group has a name. With `*again` (may be NULL) not NULL it is that topic; else it gets
 * the one that was made. False = latched. */
bool ks__aggregation_input(ks_grouped_stream *g, const struct ks__call *call, const char *store,
                           struct ks__logical **again, struct ks__logical **parent,
                           struct ks__sources *sources);

/* Give the node of an aggregation its store. */
bool ks__aggregation_attach(ks_builder *b, const struct ks__call *call, struct ks__logical *node,
                            const ks_materialized *options, const struct ks__aggregation *what);

/* Refuse a function that is of no use here; `member` is ".merge". */
bool ks__aggregation_refuse(ks_builder *b, const struct ks__call *call, bool given,
                            const char *member);
/* The same for all that only tables, sessions and slices have a use for. */
bool ks__aggregation_refuse_special(ks_builder *b, const struct ks__call *call,
                                    const ks_aggregate *functions);
/* Key and initial aggregate of a group's aggregation: see ks__agree(), and below. */
bool ks__aggregation_of(const ks_grouped_stream *g, const struct ks__call *call,
                        const ks_aggregate *functions, ks_materialized *options, ks_bytes *initial);
/* The options of an aggregation, within a call that was entered. */
bool ks__aggregation_functions(ks_builder *b, struct ks__call *call, const ks_aggregate *aggregate,
                               ks_aggregate *functions);
/* Check and copy the initial aggregate. */
bool ks__aggregation_initial(ks_builder *b, const struct ks__call *call, const ks_serde *value,
                             ks_bytes initial, ks_bytes *out);
/* The value of a count is i64. */
bool ks__aggregation_counts(ks_builder *b, const struct ks__call *call, ks_materialized *options);

/* What comes in: the row of the record's key, and where it is, for ks__table_update_found().
 * False = the record was dropped (null key, value), or a failure. */
bool ks__aggregation_read(struct ks__table_state *t, const struct ks__record *record,
                          struct ks__kv_slot *slot, struct ks__row *row);
/* The time of the new row. */
static inline int64_t ks__aggregation_time(const struct ks__record *record,
                                           const struct ks__row *row)
{
    if (row->value.data == NULL || row->timestamp_ms < record->record.timestamp_ms)
        return record->record.timestamp_ms;
    return row->timestamp_ms;
}

#endif
