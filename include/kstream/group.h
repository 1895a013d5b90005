/* SPDX-License-Identifier: Apache-2.0
 *
 * group.h - grouped streams and tables: count, reduce, aggregate into a table.
 *
 * Records whose key or value is null are dropped and counted. The row's time is the largest of its
 * records. A fold that leaves a null aggregate deletes the row; the next record starts from the
 * beginning.
 *
 *      struct average { double sum; int64_t n; };
 *
 *      static ks_status add(ks_ctx *ctx, const ks_record *record, ks_bytes *acc, void *user)
 *      {
 *          struct average *average = ks_ctx_edit(ctx, acc, sizeof *average);
 *          average->sum += ks_bytes_f64(record->value, 0);
 *          average->n++;
 *          return KS_OK;
 *      }
 *
 *      ks_grouped_stream_aggregate(groups, KS_AGGREGATE(.add = add),
 *                                  KS_MATERIALIZED(.store = "averages",
 *                                                  .value = KS_STRUCT(struct average)));
 */
#ifndef KSTREAM_GROUP_H
#define KSTREAM_GROUP_H

#include <kstream/stream.h>
#include <kstream/table.h>

/**
 * Count the records of each key; the value is an i64.
 *
 * Ownership: copies `materialized`.
 * Threads:   the builder's.
 * Errors:    latches KS_ETYPE if another value serde is declared.
 * Kafka:     KGroupedStream#count(Named, Materialized); node KSTREAM-AGGREGATE-.
 * Since:     0.1
 */
KS_API ks_table *ks_grouped_stream_count(ks_grouped_stream *g, const ks_materialized *materialized);

/**
 * Fold the values of each key into one of the same type; the first value is the first aggregate.
 *
 * Ownership: copies `materialized`; keeps `reduce` and `user`.
 * Threads:   the builder's; `reduce` runs on all stream threads.
 * Errors:    latches KS_EINVAL if `reduce` is NULL.
 * Kafka:     KGroupedStream#reduce(Reducer, Named, Materialized); node KSTREAM-REDUCE-.
 * Since:     0.1
 */
KS_API ks_table *ks_grouped_stream_reduce(ks_grouped_stream *g, ks_fold_fn *reduce, void *user,
                                          const ks_materialized *materialized);

/**
 * Fold the values of each key into an aggregate that starts as `aggregate->initial`.
 *
 * KS_SKIP = no update, nothing forwarded.
 *
 * Ownership: copies both options; keeps functions and user.
 * Threads:   the builder's; `add` runs on all stream threads.
 * Errors:    latches KS_EINVAL without `.add`, or with `.subtract`, `.merge` or `.combine`.
 * Kafka:     KGroupedStream#aggregate(Initializer, Aggregator, Named, Materialized).
 * Since:     0.1
 */
KS_API ks_table *ks_grouped_stream_aggregate(ks_grouped_stream *g, const ks_aggregate *aggregate,
                                             const ks_materialized *materialized);

/**
 * Count the rows of each group of a table; the value is an i64 and may go down to 0.
 *
 * Ownership: copies `materialized`.
 * Threads:   the builder's.
 * Errors:    latches KS_ETYPE if another value serde is declared.
 * Kafka:     KGroupedTable#count(Named, Materialized); node KTABLE-AGGREGATE-.
 * Since:     0.1
 */
KS_API ks_table *ks_grouped_table_count(ks_grouped_table *g, const ks_materialized *materialized);

/**
 * Fold the values of each group into one of the same type: `subtract` takes out a row that goes,
 * `add` takes in a row that comes. The first value is the first aggregate.
 *
 * A row that changes within its group is subtracted, then added, with one result; one that changes
 * its group gives two results. Nothing is subtracted from a group without an aggregate.
 *
 * Ownership: copies `materialized`; keeps both functions and `user`.
 * Threads:   the builder's; the functions run on all stream threads.
 * Errors:    latches KS_EINVAL if a function is NULL.
 * Kafka:     KGroupedTable#reduce(Reducer, Reducer, Named, Materialized); node KTABLE-REDUCE-.
 * Since:     0.1
 */
KS_API ks_table *ks_grouped_table_reduce(ks_grouped_table *g, ks_fold_fn *add,
                                         ks_fold_fn *subtract, void *user,
                                         const ks_materialized *materialized);

/**
 * Fold the rows of each group into an aggregate that starts as `aggregate->initial`.
 *
 * Ownership: copies both options; keeps functions and user.
 * Threads:   the builder's; the functions run on all stream threads.
 * Errors:    latches KS_EINVAL without `.add` or `.subtract`, or with `.merge` or `.combine`.
 * Kafka:     KGroupedTable#aggregate(Initializer, Aggregator, Aggregator, Named, Materialized).
 * Since:     0.1
 */
KS_API ks_table *ks_grouped_table_aggregate(ks_grouped_table *g, const ks_aggregate *aggregate,
                                            const ks_materialized *materialized);

#endif
